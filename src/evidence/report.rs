//! What a judgement of a log says.

use serde::Serialize;

use super::proofs::{CompareReport, ProofReport};
use super::sample::Sample;
use super::trust::read_checkpoint;
use super::witness::CosignReport;
use crate::answer::reports;
use crate::audit::{Judgement, Problem, Quorum};
use crate::encoding::base64;
use crate::fault::{Code, Error};
use crate::log::keys::LogKey;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// About which document, note, or place in the log.
    pub object: String,
    /// More.
    pub detail: String,
}

impl Finding {
    /// A finding about something.
    pub fn new(code: Code, object: &str, detail: &str) -> Self {
        Self { code, object: object.to_owned(), detail: detail.to_owned() }
    }
}

/// A witness, and how far it vouches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WitnessRow {
    /// The name in its signature lines.
    pub name: String,
    /// The largest size that it signed.
    pub size: u64,
    /// When, in seconds since 1970.
    pub seconds: u64,
}

/// One epoch of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogReport {
    /// Who the log says it is, and its keys' name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root hash in base64.
    pub root: String,
    /// Entries covered by a signed checkpoint.
    pub signed_size: u64,
    /// Entries covered by enough witnesses.
    pub witnessed_size: u64,
    /// When the last of those signed, in seconds since 1970.
    pub witnessed_at: Option<u64>,
    /// The keys that its checkpoints were verified with.
    pub keys: Vec<String>,
    /// Who witnessed.
    pub witnesses: Vec<WitnessRow>,
    /// How much more is not as it should be, of the kinds among the findings: of each the first hundred are listed.
    pub unlisted: u64,
}

/// Judgement of the log.
#[derive(Debug, Clone, Serialize)]
pub struct AuditVerifyReport {
    /// `ok`, or `tampered`, `truncated`, `forked`, `damaged`, `unverifiable`, `stale`.
    pub verdict: String,
    /// The epoch being written.
    pub epoch: u64,
    /// Entries in it.
    pub size: u64,
    /// Root hash in base64.
    pub root: String,
    /// Entries covered by a signed checkpoint.
    pub signed_size: u64,
    /// Entries covered by a witness.
    pub witnessed_size: u64,
    /// The first entry that is not as it should be.
    pub first_bad: Option<u64>,
    /// Everything that is not as it should be.
    pub findings: Vec<Finding>,
    /// For a fork: the contradicting checkpoints, as notes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Work left by a kill.
    pub pending: Vec<String>,
    /// Every epoch, in order.
    pub logs: Vec<LogReport>,
}

/// Codes in the order in which they decide a verdict, worst first.
const WORST: [&str; 6] = ["tampered", "forked", "truncated", "unverifiable", "damaged", "stale"];

/// `ok`, or the worst finding's word.
pub fn verdict(findings: &[Finding]) -> String {
    let has =
        |word: &&&str| findings.iter().any(|finding| finding.code.as_str().split('.').next() == Some(**word));
    WORST.iter().find(has).map_or("ok", |word| *word).to_owned()
}

/// A problem of the log with this origin, as a finding.
pub fn of_problem(found: &Problem, origin: &str, judgement: &Judgement) -> Finding {
    match found {
        Problem::Entry { at, rule } => Finding::new(Code::TamperedLog, &format!("{origin} {at}"), rule),
        Problem::Forged { record } => Finding::new(Code::TamperedCheckpoint, origin, &record.to_string()),
        Problem::Contradiction { size, .. } if judgement.fork.is_empty() => {
            Finding::new(Code::TamperedLog, origin, &size.to_string())
        }
        Problem::Contradiction { size, .. } => Finding::new(Code::Forked, origin, &size.to_string()),
        Problem::Truncated { known, found } => {
            Finding::new(Code::TruncatedLog, origin, &format!("{found} < {known}"))
        }
    }
}

/// A checkpoint with its signatures.
#[derive(Debug, Serialize)]
pub struct CheckpointReport {
    /// The log.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root, in base64.
    pub root: String,
    /// Keys that sign for it.
    pub keys: Vec<String>,
    /// The signed note.
    pub note: String,
    /// Where it was written.
    pub path: Option<String>,
    /// The page that was made for paper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<String>,
}

impl CheckpointReport {
    /// Of a note that one of these keys signed.
    ///
    /// # Errors
    /// Those of [`read_checkpoint`].
    pub fn of(note: &[u8], keys: &[LogKey]) -> Result<Self, Error> {
        let (checkpoint, note) = read_checkpoint(note, keys)?;
        Ok(Self {
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root: base64(checkpoint.root().as_bytes()),
            keys: keys.iter().map(|key| key.verifier().to_string()).collect(),
            note: note.print(),
            path: None,
            paper: None,
        })
    }
}

/// What the own log is judged by besides what the host knows.
#[derive(Debug, Clone, Default)]
pub struct AuditVerify {
    /// Checkpoints from elsewhere, as notes: the log has to have grown from them.
    pub against: Vec<Vec<u8>>,
    /// Logs and witnesses that are trusted; without it the vault's own auditors are its witnesses.
    pub policy: Option<Quorum>,
    /// Checkpoints of fewer entries were verified before: their signatures are taken as read, and their roots are not.
    pub since: u64,
    /// Entries that no signature or no witness covers are a finding.
    pub strict: bool,
    /// Witnesses have to have signed within so many seconds.
    pub max_age: Option<u64>,
    /// Documents, index, keys and policy are compared with the log as well.
    pub documents: bool,
}

reports! {
    AuditVerifyReport = "gapvault.audit.verify/v1",
    CheckpointReport = "gapvault.audit.checkpoint/v1",
    ProofReport = "gapvault.audit.proof/v1",
    CompareReport = "gapvault.audit.compare/v1",
    CosignReport = "gapvault.audit.cosign/v1",
    Sample = "gapvault.audit.sample/v1",
}
