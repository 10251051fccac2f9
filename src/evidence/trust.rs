//! What a verifier was told from elsewhere.

use crate::audit::Quorum;
use crate::bundle::Known;
use crate::fault::{Code, Error};
use crate::id::{HostId, VaultId};
use crate::label::Role;
use crate::log::checkpoint::Checkpoint;
use crate::log::cosignature::WitnessKey;
use crate::log::keys::{LogKey, verify_by_any};
use crate::note::{SignedNote, VerifierKey};

/// The vault's id, or logs and witnesses by their keys, or both.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The vault: its first roster has this digest, and everything else follows.
    pub vault: Option<VaultId>,
    /// Logs and witnesses.
    pub policy: Option<Quorum>,
}

impl Trust {
    /// Whether this log's word can be judged at all.
    pub fn is_enough_for(&self, known: &Known, origin: &str) -> bool {
        self.vault == Some(known.vault()) || !self.policy_keys(origin).is_empty()
    }

    fn policy_keys(&self, origin: &str) -> Vec<VerifierKey> {
        let logs = self.policy.iter().flat_map(|policy| policy.logs());
        logs.filter(|log| log.name() == origin).cloned().collect()
    }

    /// The keys that a log's checkpoints are verified with: those that follow from the rosters, and where the policy names the
    /// log only those of it, with the keys before and after that the same host signed with: each vouches for the next, and the
    /// next for it.
    pub fn log_keys(&self, known: &Known, origin: &str) -> Vec<LogKey> {
        let (told, keys) = (self.policy_keys(origin), known.log_keys(origin));
        if told.is_empty() { keys } else { told_keys(told, keys) }
    }

    /// The witnesses that count: those of the policy, and without one the auditors of the roster.
    pub fn witnesses(&self, known: &Known) -> Vec<WitnessKey> {
        match &self.policy {
            Some(policy) => policy.witnesses().cloned().collect(),
            None => {
                let auditors = known.roster().members.iter().filter(|member| member.role == Role::Auditor);
                auditors.map(|auditor| WitnessKey::of_member(auditor.key)).collect()
            }
        }
    }

    /// Whether these witnesses are enough: what the policy says, and without one any of them.
    pub fn is_met_by(&self, signed: &[WitnessKey]) -> bool {
        match &self.policy {
            Some(policy) if policy.asks_for_witnesses() => policy.is_met_by(signed),
            _ => !signed.is_empty(),
        }
    }
}

/// The keys that were told, and of those that the log's own notes prove the ones before and after them.
pub(super) fn told_keys(told: Vec<VerifierKey>, mut keys: Vec<LogKey>) -> Vec<LogKey> {
    let is_told = |key: &LogKey| told.contains(key.verifier());
    let hosts: Vec<HostId> = keys.iter().filter(|key| is_told(key)).map(LogKey::host).collect();
    keys.retain(|key| hosts.contains(&key.host()));
    let others: Vec<LogKey> = told
        .into_iter()
        .filter(|told| keys.iter().all(|key| key.verifier() != told))
        .map(LogKey::from)
        .collect();
    [keys, others].concat()
}

/// Reads a checkpoint that one of these keys signed.
///
/// # Errors
/// [`Code::NotACheckpoint`]; [`Code::UnverifiableLog`] for one of another log, [`Code::TamperedCheckpoint`] for one that the log
/// has not signed.
pub fn read_checkpoint(bytes: &[u8], keys: &[LogKey]) -> Result<(Checkpoint, SignedNote), Error> {
    let note = SignedNote::parse(bytes).map_err(|error| Error::new(Code::NotACheckpoint).because(error))?;
    let claimed = Checkpoint::parse_text(note.text());
    let claimed = claimed.map_err(|error| Error::new(Code::NotACheckpoint).because(error))?;
    if !keys.iter().any(|key| key.verifier().name() == claimed.origin()) {
        return Err(Error::new(Code::UnverifiableLog).with("name", claimed.origin()));
    }
    let signed = verify_by_any(bytes, keys, &[]);
    let signed = signed.ok_or_else(|| Error::new(Code::TamperedCheckpoint).with("name", claimed.origin()))?;
    Ok((signed.checkpoint().clone(), note))
}
