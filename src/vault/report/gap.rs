//! What the verbs answer that cross the gap.

use std::path::PathBuf;

use serde::Serialize;

use super::lossy;
use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId, RequestId, VaultId};
use crate::label::{Class, Zone};
use crate::store::medium::Device;
use crate::time::Timestamp;

/// The vault's card was written.
#[derive(Debug, Clone, Serialize)]
pub struct PeerCardReport {
    /// The vault.
    pub vault: VaultId,
    /// The card's 25-digit code.
    pub code: String,
    /// Where it lies.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
}

/// Another vault.
#[derive(Debug, Clone, Serialize)]
pub struct PeerRow {
    /// Its id.
    pub vault: VaultId,
    /// What its people call it.
    pub name: String,
    /// Where it stands.
    pub zone: Zone,
    /// The number of the newest bundle that went out to it.
    pub sent: u64,
    /// The number of the newest bundle that came in from it.
    pub received: u64,
    /// In which series of numbers bundles go out.
    pub series_out: u64,
    /// In which series they are expected.
    pub series_in: u64,
    /// The newest version of its roster that is known.
    pub roster_version: u64,
    /// Its officers.
    pub officers: Vec<String>,
    /// When something came in last.
    pub last_received: Option<Timestamp>,
}

/// One other vault.
#[derive(Debug, Clone, Serialize)]
pub struct PeerReport {
    /// Which.
    pub peer: PeerRow,
}

/// Other vaults.
#[derive(Debug, Clone, Serialize)]
pub struct PeerListReport {
    /// One for each.
    pub peers: Vec<PeerRow>,
}

/// A bundle was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct BundleCreateReport {
    /// The bundle.
    pub bundle: BundleId,
    /// The request that others approve.
    pub request: RequestId,
    /// How many have to.
    pub approvals_needed: u32,
    /// Whether another person has to release.
    pub releaser_needed: bool,
    /// How many documents.
    pub documents: u64,
    /// How many bytes there will be in it.
    pub bytes: u64,
    /// The receiving vault.
    pub receiver: VaultId,
    /// Its name.
    pub receiver_name: String,
    /// From when on it is not to be imported any more.
    pub not_after: Timestamp,
}

/// A medium was written.
#[derive(Debug, Clone, Serialize)]
pub struct BundleWriteReport {
    /// The bundle.
    pub bundle: BundleId,
    /// Its number in the channel.
    pub number: u64,
    /// Which attempt.
    pub attempt: u32,
    /// Which medium.
    pub medium: u32,
    /// Whether nothing is left for another medium.
    pub complete: bool,
    /// The volumes and parity on this one.
    pub volumes: String,
    /// Those that go onto the next.
    pub missing: String,
    /// How many bytes they have.
    pub bytes: u64,
    /// Where it lies.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// The slip's code.
    pub code: String,
    /// The medium as a device.
    pub device: Device,
    /// The receiving vault.
    pub receiver: VaultId,
    /// Its name.
    pub receiver_name: String,
    /// From when on it is not to be imported any more.
    pub not_after: Timestamp,
}

/// A bundle that goes out.
#[derive(Debug, Clone, Serialize)]
pub struct BundleOutRow {
    /// The bundle.
    pub bundle: BundleId,
    /// `requested`, `approved`, `writing`, `out`, `quarantine`, `accepted`, `rejected`, `damaged`, or how its request ended.
    pub state: String,
    /// The receiving vault.
    pub peer: VaultId,
    /// Its name, where it is admitted.
    pub peer_name: Option<String>,
    /// Its number, once it has one.
    pub number: Option<u64>,
    /// The newest attempt.
    pub attempt: Option<u32>,
    /// How many documents.
    pub documents: u64,
    /// When it was asked for, or got its number.
    pub since: Timestamp,
    /// How many days it has been out without an answer.
    pub days: i64,
    /// The request.
    pub request: Option<RequestId>,
}

/// A bundle that came in.
#[derive(Debug, Clone, Serialize)]
pub struct BundleInRow {
    /// The bundle.
    pub bundle: BundleId,
    /// `quarantine`, `accepted` or `rejected`.
    pub state: String,
    /// The sending vault.
    pub peer: VaultId,
    /// Its name, where it is admitted.
    pub peer_name: Option<String>,
    /// Its number.
    pub number: u64,
    /// Which attempt came in.
    pub attempt: u32,
    /// How many documents.
    pub documents: u64,
    /// When.
    pub since: Timestamp,
}

/// Bundles.
#[derive(Debug, Clone, Serialize)]
pub struct BundleListReport {
    /// Those that go out, the oldest first.
    pub out: Vec<BundleOutRow>,
    /// Those that came in.
    pub incoming: Vec<BundleInRow>,
}

/// One check of a bundle.
#[derive(Debug, Clone, Serialize)]
pub struct CheckRow {
    /// Its name.
    pub check: String,
    /// Whether it holds; none where it could not be made here.
    pub ok: Option<bool>,
    /// The code of what is wrong.
    pub code: Option<super::super::Code>,
    /// What was found.
    pub detail: String,
}

/// What can be said of a bundle without decrypting it.
#[derive(Debug, Clone, Serialize)]
pub struct BundleVerifyReport {
    /// The bundle, as it calls itself.
    pub bundle: Option<BundleId>,
    /// `ok`, `unverifiable` where something could not be judged here, or the code of the first thing that is wrong.
    pub verdict: String,
    /// The sender, as the manifest says.
    pub sender: Option<VaultId>,
    /// Its number.
    pub number: Option<u64>,
    /// Which attempt.
    pub attempt: Option<u32>,
    /// The slip's code.
    pub code: Option<String>,
    /// Check by check.
    pub checks: Vec<CheckRow>,
}

/// A document that came in.
#[derive(Debug, Clone, Serialize)]
pub struct ImportedRow {
    /// Its id here.
    pub id: DocumentId,
    /// Its class.
    pub class: Class,
    /// The digest of its payload, which is the same on both sides.
    pub payload_sha256: Digest,
    /// Bytes of content.
    pub size: u64,
    /// What the check said: `clean`, `not-scanned`, none before it was looked at.
    pub scan: Option<String>,
}

/// A bundle came in.
#[derive(Debug, Clone, Serialize)]
pub struct ImportReport {
    /// The bundle.
    pub bundle: BundleId,
    /// `quarantine`, `accepted` or `rejected`.
    pub state: String,
    /// What is in it.
    pub documents: Vec<ImportedRow>,
    /// Blocks that were mended.
    pub repaired_shards: u64,
    /// The sending vault.
    pub sender: VaultId,
    /// Its name.
    pub sender_name: String,
    /// Its number.
    pub number: u64,
    /// Which attempt.
    pub attempt: u32,
    /// The slip's code, to be compared with the paper.
    pub code: Option<String>,
    /// Where the receipt lies; none where it could not be written.
    pub receipt: Option<String>,
}

/// A receipt was written.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptReport {
    /// The bundle.
    pub bundle: BundleId,
    /// What became of it.
    pub verdict: String,
    /// Its number.
    pub number: u64,
    /// Which attempt.
    pub attempt: u32,
    /// Volumes that are to be sent again.
    pub damaged: Vec<String>,
    /// Who signed it.
    pub signed_by: String,
    /// The size of the sender's log that the receiver signed as a witness.
    pub witnessed_size: Option<u64>,
    /// Where it lies.
    pub path: Option<String>,
    /// The receipt itself.
    pub note: String,
}
