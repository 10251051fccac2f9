//! What the verbs answer. The field names are the JSON contract of the command line.

mod gap;
mod health;
mod people;

use std::path::PathBuf;

use serde::Serialize;

use super::Code;
use crate::crypto::Digest;
use crate::id::{DocumentId, MemberId, VaultId};
use crate::label::{Class, Role, Zone};
use crate::time::Timestamp;

use super::evidence::CosignedReport;
use super::export::ExportReport;
use crate::answer::reports;
pub use crate::evidence::{AuditVerifyReport, Finding, LogReport, WitnessRow};
pub use gap::*;
pub use health::*;
pub use people::*;

reports! {
    IdentityNewReport = "gapvault.identity.new/v1",
    IdentityShowReport = "gapvault.identity.show/v1",
    IdentityPassphraseReport = "gapvault.identity.passphrase/v1",
    InitReport = "gapvault.init/v1",
    MemberAddReport = "gapvault.member.add/v1",
    RequestReport = "gapvault.request/v1",
    RequestsReport = "gapvault.requests/v1",
    MemberRevokeReport = "gapvault.member.revoke/v1",
    KeyReport = "gapvault.key/v1",
    PolicyReport = "gapvault.policy/v1",
    ExceptionReport = "gapvault.exception/v1",
    MemberListReport = "gapvault.member.list/v1",
    HostReport = "gapvault.host/v1",
    SealReport = "gapvault.seal/v1",
    OpenReport = "gapvault.open/v1",
    ListReport = "gapvault.list/v1",
    ShowReport = "gapvault.show/v1",
    DestroyReport = "gapvault.destroy/v1",
    RelabelReport = "gapvault.relabel/v1",
    RewrapReport = "gapvault.rewrap/v1",
    StatusReport = "gapvault.status/v1",
    VerifyReport = "gapvault.verify/v1",
    AuditShowReport = "gapvault.audit.show/v1",
    ExportReport = "gapvault.audit.export/v1",
    CosignedReport = "gapvault.audit.import-cosign/v1",
    RebuildReport = "gapvault.rebuild/v1",
    PeerCardReport = "gapvault.peer.card/v1",
    PeerReport = "gapvault.peer/v1",
    PeerListReport = "gapvault.peer.list/v1",
    BundleCreateReport = "gapvault.bundle.create/v1",
    BundleWriteReport = "gapvault.bundle.write/v1",
    BundleListReport = "gapvault.bundle.list/v1",
    BundleVerifyReport = "gapvault.bundle.verify/v1",
    ImportReport = "gapvault.import/v1",
    ReceiptReport = "gapvault.receipt/v1",
}

/// A path in JSON, lossy where it is not UTF-8: work that was done must not end in an error about its name.
fn lossy<S: serde::Serializer>(path: &std::path::Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

// serde hands the field over by reference.
#[allow(clippy::ref_option)]
fn some_lossy<S: serde::Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => to.serialize_some(&path.to_string_lossy()),
        None => to.serialize_none(),
    }
}

/// A new identity.
#[derive(Debug, Clone, Serialize)]
pub struct IdentityNewReport {
    /// The member id that this identity will have everywhere.
    pub id: MemberId,
    /// The person's name.
    pub name: String,
    /// The identity file.
    #[serde(serialize_with = "lossy")]
    pub identity: PathBuf,
    /// The card beside it.
    #[serde(serialize_with = "lossy")]
    pub card: PathBuf,
    /// The card's 25-digit code.
    pub code: String,
}

/// A card, as read from a card file or an unlocked identity file.
#[derive(Debug, Clone, Serialize)]
pub struct IdentityShowReport {
    /// The member id.
    pub id: MemberId,
    /// The person's name.
    pub name: String,
    /// The decryption key's public half.
    pub recipient: String,
    /// The signing key as a note verifier key.
    pub verifier_key: String,
    /// When it was made.
    pub created: Timestamp,
    /// The card's 25-digit code.
    pub code: String,
    /// The card itself, a signed note.
    pub card: String,
}

/// A passphrase was changed.
#[derive(Debug, Clone, Serialize)]
pub struct IdentityPassphraseReport {
    /// The identity file.
    #[serde(serialize_with = "lossy")]
    pub identity: PathBuf,
}

/// A new vault.
#[derive(Debug, Clone, Serialize)]
pub struct InitReport {
    /// The vault id.
    pub vault: VaultId,
    /// Its 25-digit code.
    pub code: String,
    /// Where it stands.
    pub zone: Zone,
    /// How many people besides a requester the policy can ask for.
    pub people_needed: u32,
}

/// A member joined.
#[derive(Debug, Clone, Serialize)]
pub struct MemberAddReport {
    /// The member.
    pub member: MemberRow,
    /// The card's 25-digit code, as it was compared.
    pub code: String,
    /// The roster version that is now in force.
    pub roster_version: u64,
    /// Keys that wait for a member who holds them.
    pub keys_waiting: u64,
}

/// The people in the roster.
#[derive(Debug, Clone, Serialize)]
pub struct MemberListReport {
    /// One row for each.
    pub members: Vec<MemberRow>,
}

/// A member's row.
#[derive(Debug, Clone, Serialize)]
pub struct MemberRow {
    /// The member id.
    pub id: MemberId,
    /// The person's name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The classes whose contents the member may open.
    pub clearance: Vec<Class>,
    /// May see titles.
    pub titles: bool,
    /// May import.
    pub import: bool,
    /// May release.
    pub release: bool,
    /// The end date, if any.
    pub until: Option<String>,
    /// The sponsor, if any.
    pub sponsor: Option<MemberId>,
    /// `active`, `ended`, or `without-sponsor`.
    pub state: &'static str,
    /// When the log last has something of this member, where it was looked up.
    pub last_seen: Option<Timestamp>,
}

/// What `host trust`, `host enrol` and `host resume` did.
#[derive(Debug, Clone, Serialize)]
pub struct HostReport {
    /// `trusted`, `enrolled`, `resumed`, or `waiting` for more officers to sign on this machine.
    pub state: &'static str,
    /// The vault.
    pub vault: VaultId,
    /// Its name.
    pub name: String,
    /// Its 25-digit code.
    pub code: String,
    /// The epoch of the log.
    pub epoch: u64,
    /// The size of the log that was accepted.
    pub size: u64,
}

/// What `seal` did with each source.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SealReport {
    /// Sealed.
    pub documents: Vec<SealedRow>,
    /// Not a regular file; left alone.
    pub skipped: Vec<SkippedRow>,
    /// Not sealed.
    pub failed: Vec<FailedRow>,
    /// With `--dry-run`: nothing was sealed, these would be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub would_seal: Vec<String>,
    /// How many originals were removed after the sealed document was read back.
    #[serde(skip_serializing_if = "is_zero")]
    pub removed: u64,
}

// serde hands the field over by reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A sealed source.
#[derive(Debug, Clone, Serialize)]
pub struct SealedRow {
    /// The new document.
    pub id: DocumentId,
    /// Where it came from, lossy where not UTF-8.
    pub source: String,
    /// Its class.
    pub class: Class,
    /// Bytes of plaintext.
    pub size: u64,
    /// SHA-256 of the payload.
    pub payload_sha256: Digest,
    /// SHA-256 of the header.
    pub header_sha256: Digest,
}

/// A source that is not a document.
#[derive(Debug, Clone, Serialize)]
pub struct SkippedRow {
    /// The source, lossy where not UTF-8.
    pub source: String,
    /// `symlink`, `fifo`, `socket`, `device`, `vault`, `twice`, `other`.
    pub why: &'static str,
}

/// A source that could not be sealed, or a document that could not be opened.
#[derive(Debug, Clone, Serialize)]
pub struct FailedRow {
    /// The source, or the document's id.
    pub source: String,
    /// Why.
    pub code: Code,
}

/// What `open` released.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OpenReport {
    /// Released.
    pub documents: Vec<OpenedRow>,
    /// Not released.
    pub failed: Vec<FailedRow>,
    /// What others have to approve of first, as a request that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestReport>,
}

/// A released document.
#[derive(Debug, Clone, Serialize)]
pub struct OpenedRow {
    /// The document.
    pub id: DocumentId,
    /// Where it was written; null for standard output.
    #[serde(serialize_with = "some_lossy")]
    pub path: Option<PathBuf>,
    /// Bytes of plaintext.
    pub size: u64,
}

/// A document has another class.
#[derive(Debug, Clone, Serialize)]
pub struct RelabelReport {
    /// Which.
    pub id: DocumentId,
    /// The class it had.
    pub from: Class,
    /// The class it has.
    pub to: Class,
}

/// The documents of a vault.
#[derive(Debug, Clone, Serialize)]
pub struct ListReport {
    /// One row for each, in the order of sealing.
    pub documents: Vec<DocumentRow>,
}

/// A document's row.
#[derive(Debug, Clone, Serialize)]
pub struct DocumentRow {
    /// The document.
    pub id: DocumentId,
    /// Its class.
    pub class: Class,
    /// Its title; null without the right to see it.
    pub title: Option<String>,
    /// Its original name; null without the right to see it. Lossy where not UTF-8.
    pub name: Option<String>,
    /// Its path in the sealed tree with `/`; null without the right, or for a single file.
    pub relative_path: Option<String>,
    /// Bytes of plaintext.
    pub size: u64,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// Who sealed it.
    pub sealed_by: MemberId,
}

/// One document.
#[derive(Debug, Clone, Serialize)]
pub struct ShowReport {
    /// The document.
    pub document: DocumentDetail,
    /// Who had it, with `--history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<HistoryRow>>,
}

/// Everything about one document that the caller may know.
#[derive(Debug, Clone, Serialize)]
pub struct DocumentDetail {
    /// What `list` says.
    #[serde(flatten)]
    pub row: DocumentRow,
    /// SHA-256 of the payload: every byte after the header.
    pub payload_sha256: Digest,
    /// SHA-256 of the header.
    pub header_sha256: Digest,
    /// Length of the header, a multiple of 4096.
    pub header_len: u64,
    /// The sealed file.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
}

/// One thing that happened to a document.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryRow {
    /// The entry.
    pub seq: u64,
    /// The epoch of the log that it stands in.
    pub epoch: u64,
    /// When.
    pub time: Timestamp,
    /// What: `document.seal`, `document.open` …
    pub event: String,
    /// `intent`, `done` or `single`.
    pub phase: String,
    /// `ok`, `denied` or `failed`.
    pub outcome: String,
    /// Who; null when nobody was identified.
    pub member: Option<MemberId>,
    /// The name in the roster.
    pub name: Option<String>,
    /// The reason given; null without the right to see titles, or when none was given.
    pub reason: Option<String>,
}

/// Documents that got new headers or file keys.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RewrapReport {
    /// What was done.
    pub documents: Vec<RewrappedRow>,
    /// How many were done already, since the entry below.
    pub skipped: u64,
    /// What was not done.
    pub failed: Vec<FailedRow>,
    /// The entry with which the run began: a run that was interrupted goes on with it.
    pub since: u64,
}

/// A document that has a new header.
#[derive(Debug, Clone, Serialize)]
pub struct RewrappedRow {
    /// The document.
    pub id: DocumentId,
    /// Of the new header.
    pub header_sha256: Digest,
    /// Of the payload, which is the old one but after a change of the file key.
    pub payload_sha256: Digest,
    /// Whether the header was replaced in its place; otherwise the whole file is new.
    pub in_place: bool,
}

/// A document is gone.
#[derive(Debug, Clone, Serialize)]
pub struct DestroyReport {
    /// The document.
    pub id: DocumentId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_utf8_does_not_fail_the_answer() {
        use std::os::unix::ffi::OsStringExt as _;
        let path = PathBuf::from(std::ffi::OsString::from_vec(b"a\xff".to_vec()));
        let row = OpenedRow { id: DocumentId([1; 16]), path: Some(path), size: 0 };
        assert!(serde_json::to_string(&row).unwrap().contains("a\u{fffd}"));
        let row = OpenedRow { path: None, ..row };
        assert!(serde_json::to_string(&row).unwrap().contains("\"path\":null"));
    }
}
