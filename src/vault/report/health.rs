//! What the verbs for health and proof answer.

use std::path::PathBuf;

use serde::Serialize;

use super::Finding;
use super::some_lossy;
use crate::id::VaultId;
use crate::label::Zone;

/// The vault's health.
#[derive(Debug, Clone, Serialize)]
pub struct StatusReport {
    /// The vault.
    pub vault: VaultId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub zone: Zone,
    /// How many documents it holds.
    pub documents: u64,
    /// The access log.
    pub log: LogStatus,
    /// Work that waits: for the next command which changes something, or for a member who holds keys.
    pub pending: Vec<String>,
    /// What connects this machine to others, where the vault is isolated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<String>>,
    /// What somebody should look at.
    pub warnings: Vec<Warning>,
}

/// The access log in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct LogStatus {
    /// The epoch that is being written.
    pub epoch: u64,
    /// Entries in it.
    pub size: u64,
    /// Entries covered by a signed checkpoint.
    pub signed_size: u64,
    /// Entries covered by a witness.
    pub witnessed_size: u64,
}

/// Something to look at.
#[derive(Debug, Clone, Serialize)]
pub struct Warning {
    /// A stable word: an error code, or one of `last-officer`, `single-reader`, `host-not-enrolled`, `connected` …
    pub code: String,
    /// The thing it is about.
    pub detail: String,
}

/// What `verify` found.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// `ok`, or the first part of the worst finding's code: `tampered`, `truncated` …
    pub verdict: String,
    /// Documents checked.
    pub documents: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Everything that is not as it should be.
    pub findings: Vec<Finding>,
    /// Work left by a kill, to be finished by the next command that changes something.
    pub pending: Vec<String>,
}

/// Entries of the log as they are stored.
#[derive(Debug, Clone, Serialize)]
pub struct AuditShowReport {
    /// Each the entry's own JSON object.
    pub entries: Vec<serde_json::Value>,
}

/// What `rebuild` made anew.
#[derive(Debug, Clone, Serialize)]
pub struct RebuildReport {
    /// Log entries indexed.
    pub entries: u64,
    /// Documents in the catalogue.
    pub documents: u64,
    /// Hash tiles written anew.
    pub tiles: u64,
    /// Proofs of log keys that were wrong or missing.
    pub log_keys: u64,
    /// Where the old index was put aside, if there was one.
    #[serde(serialize_with = "some_lossy")]
    pub old_index: Option<PathBuf>,
}
