//! The keys that can vouch for the log, as rosters, resume notes and proofs of hand-overs on the disk name them.

use std::collections::BTreeMap;

use super::checkpoints::CheckpointFile;
use super::disk::write_durably;
use super::error::StoreError;
use super::host::StateRecord;
use super::live::Context;
use super::rosters;
use super::segments::Segments;
use crate::access::Recorded;
use crate::crypto::PublicKey;
use crate::id::VaultId;
use crate::log::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::log::keys::{Generations, HAND_OVER_LIMIT, HandOver, LogKey, verify_by_any};
use crate::log::merkle::inclusion_proof;
use crate::log::proof::MAX_PROOF_LEN;
use crate::note::{SignedNote, VerifierKey, origin, origin_epoch};
use crate::roster::InForce;

/// The keys that can vouch for a log: those of the hosts that may write, and of the members.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Log keys, all under the origin's name, each for its sizes.
    pub hosts: Vec<LogKey>,
    /// Members' signing keys.
    pub members: Vec<VerifierKey>,
    /// By what keys changed, as far as it holds.
    pub handed: Vec<HandOver>,
    /// Whether more lies there that does not hold.
    pub broken: bool,
}

impl Keys {
    /// Whether this is one of the hosts' keys.
    pub fn names(&self, key: Option<PublicKey>) -> bool {
        self.hosts.iter().any(|known| Some(known.verifier().key()) == key)
    }

    /// Reads a checkpoint that one of the hosts signed.
    pub fn verify(&self, note: &[u8]) -> Option<SignedCheckpoint> {
        verify_by_any(note, &self.hosts, &self.members)
    }
}

/// The proofs that lie there, one after another from number 1 on, as they are.
pub fn hand_overs(context: &Context) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let mut proofs = Vec::new();
    for number in 1..=HAND_OVER_LIMIT as u64 {
        match context.disk.read(&context.layout.log_key(number), MAX_PROOF_LEN as u64) {
            Ok(bytes) => proofs.push((number, bytes)),
            Err(error) if error.is_not_found() => break,
            // Something else lies there: no proof.
            Err(error) if error.is_wrong_kind() => proofs.push((number, Vec::new())),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(proofs)
}

/// The keys that can vouch for the log of an epoch.
pub fn log_keys(context: &Context, roster: &InForce, epoch: u64) -> Result<Keys, StoreError> {
    let mut named: Vec<_> = roster.roster().hosts.iter().map(|host| host.key).collect();
    named.extend(rosters::resumed_keys(context, epoch)?);
    // A roster that follows from this one may name hosts that wrote since; officers signed it.
    if let Some(newer) = rosters::newest_following(context, roster)? {
        named.extend(newer.roster().hosts.iter().map(|host| host.key));
    }
    let there = hand_overs(context)?;
    let mut handed: Vec<HandOver> = there.iter().map_while(|(_, proof)| HandOver::parse(proof)).collect();
    let (hosts, taken) = followed(roster.vault(), epoch, &named, &handed);
    let later = handed.get(taken).is_some_and(|next| is_later(roster.vault(), epoch, next));
    // What is wrong there is for `audit verify` to say; here it makes no key.
    let broken = handed.len() < there.len() || taken < handed.len() && !later;
    handed.truncate(taken);
    let members = roster.roster().members.iter().map(|member| VerifierKey::of_member(member.key)).collect();
    Ok(Keys { hosts, members, handed, broken })
}

fn followed(vault: VaultId, epoch: u64, named: &[PublicKey], handed: &[HandOver]) -> (Vec<LogKey>, usize) {
    let generations = Generations::follow(vault, epoch, named, handed);
    let taken = generations.taken();
    (generations.into_keys(), taken)
}

fn is_later(vault: VaultId, epoch: u64, next: &HandOver) -> bool {
    origin_epoch(&vault, next.checkpoint().origin()).is_some_and(|of| of > epoch)
}

/// The keys that may write now: officers signed for the first of each, in the roster in force or to go on after a loss, and
/// it was not handed over.
pub fn writing_keys(
    context: &Context,
    roster: &InForce,
    epoch: u64,
    handed: &[HandOver],
) -> Result<Vec<PublicKey>, StoreError> {
    let mut named: Vec<_> = roster.roster().hosts.iter().map(|host| host.key).collect();
    named.extend(rosters::resumed_keys(context, epoch)?);
    let (keys, _) = followed(roster.vault(), epoch, &named, handed);
    Ok(keys.iter().filter(|key| key.until().is_none()).map(|key| key.verifier().key()).collect())
}

/// Makes the proofs anew from what they are made of: the log, and the checkpoints that two of its keys signed. Gives how many
/// files were wrong or missing.
pub fn restore(context: &Context, record: &StateRecord) -> Result<u64, StoreError> {
    let there = hand_overs(context)?;
    let mut proofs = Vec::new();
    for epoch in 1..=record.epoch {
        let name = origin(&record.vault, epoch);
        let path = context.layout.log(epoch).join("checkpoints");
        let segments = Segments::read(context.disk.clone(), &context.layout.log(epoch), 0)?;
        let mut sizes = BTreeMap::new();
        let mut take = |note: &[u8]| {
            if let Some((size, proof)) = proof_under(&segments, &name, note) {
                sizes.entry(size).or_insert(proof);
            }
        };
        CheckpointFile::new(context.disk.clone(), path, &name).for_each::<StoreError>(|note| {
            take(note);
            Ok(())
        })?;
        // A kill can have left it out of the file.
        if epoch == record.epoch {
            take(&record.checkpoint);
        }
        proofs.extend(sizes.into_values());
    }
    let mut changed = 0;
    for (number, proof) in (1..).zip(&proofs) {
        if there.get(proofs_before(number)).is_none_or(|(_, known)| known != proof) {
            put(context, number, proof)?;
            changed += 1;
        }
    }
    for (number, _) in there.iter().skip(proofs.len()) {
        context.disk.remove_file(&context.layout.log_key(*number))?;
        changed += 1;
    }
    Ok(changed)
}

fn proofs_before(number: u64) -> usize {
    usize::try_from(number - 1).unwrap_or(usize::MAX)
}

/// The proof that a checkpoint with two of a log's signatures is about, if it is about one.
fn proof_under(segments: &Segments, origin: &str, note: &[u8]) -> Option<(u64, Vec<u8>)> {
    let parsed = SignedNote::parse(note).ok()?;
    let both = parsed.signatures().iter().filter(|line| line.name() == origin).count() > 1;
    let size = Checkpoint::parse_text(parsed.text()).ok().filter(|_| both)?.size();
    let seq = size.checked_sub(1).filter(|seq| *seq < segments.size())?;
    let hashes = inclusion_proof(seq, size, segments).ok()?;
    Some((size, HandOver::proof(segments.entry(seq).ok()?, hashes, note)?))
}

/// Keeps the proof that the log has a new key.
pub fn keep(context: &Context, number: u64, proof: &[u8], _recorded: &Recorded) -> Result<(), StoreError> {
    put(context, number, proof)
}

fn put(context: &Context, number: u64, proof: &[u8]) -> Result<(), StoreError> {
    let folder = context.layout.log_keys();
    if !context.disk.exists(&folder)? {
        context.disk.create_dir(&folder)?;
        context.disk.sync_dir(context.layout.root())?;
    }
    Ok(write_durably(&*context.disk, &context.layout.log_key(number), proof)?)
}
