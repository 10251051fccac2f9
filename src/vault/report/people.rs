//! What the verbs for people, rules and requests answer.

use serde::Serialize;

use super::{FailedRow, MemberRow};
use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId, HostId, MemberId, RequestId, VaultId};
use crate::label::{Class, Zone};
use crate::policy::{ClassRules, Policy};
use crate::time::Timestamp;

/// A request, with who has consented.
#[derive(Debug, Clone, Serialize)]
pub struct RequestReport {
    /// Its id.
    pub request: RequestId,
    /// `pending`, `done`, `rejected`, `withdrawn` or `over`.
    pub state: &'static str,
    /// `open`, `destroy`, `relabel`, `roster` or `exception`.
    pub action: String,
    /// The class that documents are to have.
    pub to: Option<Class>,
    /// Who asked.
    pub requester: MemberId,
    /// The name in the roster.
    pub requester_name: Option<String>,
    /// When.
    pub created: Timestamp,
    /// From when on it counts no more.
    pub until: Timestamp,
    /// Which documents.
    pub documents: Vec<DocumentId>,
    /// The bundle that they are to go out in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleId>,
    /// The vault that is to receive it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<VaultId>,
    /// Its name, where it is admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver_name: Option<String>,
    /// The digest that an approval signs.
    pub digest: Digest,
    /// Why, for somebody who may see it.
    pub reason: Option<String>,
    /// The note that is to be in force.
    pub note: Option<String>,
    /// What a roster changes in the one in force, line by line: `+` what comes, `-` what goes. Long keys are cut for the eye;
    /// `note` has them whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// The policy that comes with the note.
    pub policy: Option<String>,
    /// How many have to approve; for a note how many officers have to sign.
    pub approvals_needed: u32,
    /// Whether another person has to release.
    pub releaser_needed: bool,
    /// Who has.
    pub approvals: Vec<ApprovalRow>,
}

/// Somebody who has consented.
#[derive(Debug, Clone, Serialize)]
pub struct ApprovalRow {
    /// Who.
    pub member: MemberId,
    /// The name in the roster.
    pub name: Option<String>,
    /// `approver`, `releaser`, or `officer` where a note was signed.
    pub part: String,
}

/// Requests that wait.
#[derive(Debug, Clone, Serialize)]
pub struct RequestsReport {
    /// One for each, oldest first.
    pub requests: Vec<RequestReport>,
}

/// What a revocation, a replacement or a rotation did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MemberRevokeReport {
    /// Who left.
    pub member: Option<MemberRow>,
    /// Who came instead.
    pub replaced_by: Option<MemberRow>,
    /// The roster version that is in force.
    pub roster_version: u64,
    /// Keys that were made anew, as `critical.2`.
    pub rotated: Vec<String>,
    /// Contractors whose sponsor is gone.
    pub without_sponsor: Vec<MemberId>,
    /// What was done to documents.
    pub documents: KeyReport,
    /// Documents of the member's classes whose file keys are still the old ones: whoever kept a copy of key and header
    /// opens them.
    pub may_still_have: u64,
    /// Among them those that the member opened, with the day of the last time.
    pub opened: Vec<OpenedOnce>,
}

/// A document that somebody opened.
#[derive(Debug, Clone, Serialize)]
pub struct OpenedOnce {
    /// Which.
    pub id: DocumentId,
    /// When last.
    pub last: Timestamp,
}

/// What was done to keys and headers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct KeyReport {
    /// Keys wrapped to members, as `critical.2`.
    pub wrapped: u64,
    /// Documents with new headers.
    pub rewrapped: u64,
    /// Documents with new file keys.
    pub rekeyed: u64,
    /// Documents that wait for a member who holds their key.
    pub waiting: u64,
    /// Keys that wait for a member who holds them.
    pub keys_waiting: u64,
    /// Old keys that were thrown away.
    pub retired: Vec<String>,
    /// Documents that could not be changed.
    pub failed: Vec<FailedRow>,
}

/// The policy in force.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyReport {
    /// Whether it is the one that the program has.
    pub built_in: bool,
    /// The digest of its text.
    pub digest: Digest,
    /// The vault's zone.
    pub zone: Zone,
    /// Who approves besides officers.
    pub approvers: Vec<MemberId>,
    /// The command that looks at what is imported.
    pub check: Option<String>,
    /// For `critical`.
    pub critical: ClassRules,
    /// For `important`.
    pub important: ClassRules,
    /// How many officers sign a change.
    pub officers_needed: u32,
    /// How many people besides the requester the policy can ask for.
    pub people_needed: u32,
    /// Who could be among them.
    pub people_there: u32,
}

impl PolicyReport {
    /// The policy itself.
    pub fn policy(&self) -> Policy {
        Policy {
            critical: self.critical.clone(),
            important: self.important.clone(),
            approvers: self.approvers.clone(),
            check: self.check.clone(),
        }
    }
}

/// Work on a connected machine was allowed.
#[derive(Debug, Clone, Serialize)]
pub struct ExceptionReport {
    /// On which host.
    pub host: HostId,
    /// Until when.
    pub until: Timestamp,
}
