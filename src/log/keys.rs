//! The keys that a log is signed with, one after another.
//!
//! Officers name a host's first log key. The host itself hands over to the next one: an entry of the log names it, and the
//! checkpoint over that entry has the signatures of both. Entry, place and checkpoint are a proof as others have it
//! (`c2sp.org/tlog-proof`), so that whoever holds the first key can follow to the newest, and needs nothing else of the log.
//! A key signs nothing beyond the size at which it was handed over, and its successor nothing before.

use super::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use super::entry::{Entry, Event, Object, Outcome, Phase};
use super::proof::EntryProof;
use crate::crypto::{Digest, PublicKey};
use crate::id::{HostId, VaultId};
use crate::note::{SignedNote, VerifierKey, origin, origin_epoch};
use crate::roster::Host;

/// Most hand-overs of one vault: what one card, one receipt and one bundle carry.
pub const HAND_OVER_LIMIT: usize = 1000;

/// One of a log's keys, and for which sizes it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    key: VerifierKey,
    host: HostId,
    from: u64,
    until: Option<u64>,
}

impl From<VerifierKey> for LogKey {
    /// A key that speaks for any size, as the first one of a host.
    fn from(key: VerifierKey) -> Self {
        Self { host: Host::id_of(&key.key()), key, from: 0, until: None }
    }
}

impl LogKey {
    /// The key, under the origin's name.
    pub fn verifier(&self) -> &VerifierKey {
        &self.key
    }

    /// The host, by its first key.
    pub fn host(&self) -> HostId {
        self.host
    }

    /// The smallest size that it speaks for: where it was handed over to, 0 for a first key.
    pub fn begins(&self) -> u64 {
        self.from
    }

    /// The size at which it was handed over from, if it was.
    pub fn until(&self) -> Option<u64> {
        self.until
    }

    /// Whether it speaks for a log of this size.
    pub fn speaks_for(&self, size: u64) -> bool {
        size >= self.from && self.until.is_none_or(|until| size <= until)
    }

    /// Reads a checkpoint that this key signed and may have signed.
    ///
    /// # Errors
    /// Those of [`SignedCheckpoint::verify`]; [`CheckpointError::NotByLog`] for a size that is not this key's.
    pub fn verify(&self, bytes: &[u8], members: &[VerifierKey]) -> Result<SignedCheckpoint, CheckpointError> {
        let signed = SignedCheckpoint::verify(bytes, &self.key, members)?;
        if self.speaks_for(signed.checkpoint().size()) { Ok(signed) } else { Err(CheckpointError::NotByLog) }
    }
}

/// Reads a checkpoint that one of these keys signed and may have signed.
pub fn verify_by_any(bytes: &[u8], keys: &[LogKey], members: &[VerifierKey]) -> Option<SignedCheckpoint> {
    keys.iter().find_map(|key| key.verify(bytes, members).ok())
}

/// That one key follows another, as far as it can be told without keys: [`Generations::take`] asks those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    checkpoint: Checkpoint,
    note: Vec<u8>,
    host: HostId,
    key: PublicKey,
}

impl HandOver {
    /// The proof that the last entry of a checkpoint makes, with the log's own two signatures and no other.
    pub fn proof(entry: Vec<u8>, hashes: Vec<Digest>, checkpoint: &[u8]) -> Option<Vec<u8>> {
        let note = SignedNote::parse(checkpoint).ok()?;
        let checkpoint = Checkpoint::parse_text(note.text()).ok()?;
        let note = note.only_under(checkpoint.origin())?.print().into_bytes();
        let index = checkpoint.size().checked_sub(1)?;
        let proof = EntryProof { entry: Some(entry), index, hashes, checkpoint: note }.print();
        Self::parse(&proof).map(|_| proof)
    }

    /// Reads a proof: the last entry of its checkpoint says that a host goes on with another key.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let proof = EntryProof::parse(bytes)?;
        let note = SignedNote::parse(&proof.checkpoint).ok().filter(|note| note.signatures().len() == 2)?;
        let checkpoint = Checkpoint::parse_text(note.text()).ok()?;
        let bytes = proof.entry.as_ref()?;
        let entry = Entry::parse(bytes).ok()?;
        let last = entry.seq() == proof.index && entry.seq().checked_add(1) == Some(checkpoint.size());
        proof.check(bytes, &checkpoint).ok().filter(|()| last)?;
        let (host, key) = named(&entry)?;
        Some(Self { checkpoint, note: proof.checkpoint, host, key })
    }

    /// The checkpoint that both keys signed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The same as it was signed.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// The new key.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    fn epoch(&self, vault: &VaultId) -> Option<u64> {
        origin_epoch(vault, self.checkpoint.origin())
    }
}

/// The host that an entry says goes on with another key, and that key.
pub fn named(entry: &Entry) -> Option<(HostId, PublicKey)> {
    let says =
        entry.event() == Event::HostRekey && entry.outcome() == Outcome::Ok && entry.phase() == Phase::Single;
    let host = entry.object().and_then(Object::host_id).filter(|_| says)?;
    Some((host, PublicKey(entry.detail().host_key?)))
}

/// The keys of one epoch's log, followed from those that officers named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generations {
    vault: VaultId,
    epoch: u64,
    keys: Vec<LogKey>,
    /// Every key that was ever handed over, or handed over to: none comes back.
    used: Vec<PublicKey>,
    taken: usize,
}

impl Generations {
    /// The first keys of an epoch: those of the roster's hosts, and of the notes that opened it and epochs before.
    pub fn new(vault: VaultId, epoch: u64, named: &[PublicKey]) -> Self {
        let mut generations = Self { vault, epoch, keys: Vec::new(), used: Vec::new(), taken: 0 };
        generations.keys = generations.first(epoch, named);
        generations
    }

    /// The keys of an epoch, and how many of the hand-overs held: from the first that does not on, none counts.
    pub fn follow(vault: VaultId, epoch: u64, named: &[PublicKey], handed: &[HandOver]) -> Self {
        let mut generations = Self::new(vault, 1, named);
        for next in handed {
            match next.epoch(&vault) {
                // Of an epoch that this log knows nothing of yet.
                Some(later) if later > epoch => break,
                Some(later) if later > generations.epoch => generations.begin(later, named),
                _ => {}
            }
            if !generations.take(next) {
                break;
            }
        }
        if generations.epoch < epoch {
            generations.begin(epoch, named);
        }
        generations
    }

    /// A new epoch is a new tree. What was handed over before stays so, and successors go with their epoch.
    fn begin(&mut self, epoch: u64, named: &[PublicKey]) {
        self.keys = self.first(epoch, named);
        self.epoch = epoch;
    }

    fn first(&self, epoch: u64, named: &[PublicKey]) -> Vec<LogKey> {
        let name = origin(&self.vault, epoch);
        let mut keys: Vec<LogKey> = Vec::new();
        for key in named.iter().filter(|key| !self.used.contains(key)) {
            let known = keys.iter().any(|known| known.key.key() == *key);
            keys.extend(VerifierKey::new(&name, *key).ok().filter(|_| !known).map(LogKey::from));
        }
        keys
    }

    /// Takes a hand-over: by the newest key of its host, at a larger size than that began with, to a key that was none before,
    /// signed by both.
    #[must_use]
    pub fn take(&mut self, next: &HandOver) -> bool {
        let size = next.checkpoint.size();
        let name = origin(&self.vault, self.epoch);
        let fresh =
            !self.used.contains(&next.key) && self.keys.iter().all(|known| known.key.key() != next.key);
        let newest = self.keys.iter_mut().find(|known| known.host == next.host && known.until.is_none());
        let (Some(old), Ok(key), true) = (newest, VerifierKey::new(&name, next.key), fresh) else {
            return false;
        };
        let signed = old.verify(&next.note, std::slice::from_ref(&key));
        let both = signed.is_ok_and(|signed| signed.signers().contains(&key));
        if !both || size <= old.from || self.taken >= HAND_OVER_LIMIT {
            return false;
        }
        old.until = Some(size);
        self.used.extend([old.key.key(), next.key]);
        self.keys.push(LogKey { key, host: next.host, from: size, until: None });
        self.taken += 1;
        true
    }

    /// The keys, each with the sizes that it speaks for.
    pub fn keys(&self) -> &[LogKey] {
        &self.keys
    }

    /// The same.
    pub fn into_keys(self) -> Vec<LogKey> {
        self.keys
    }

    /// How many hand-overs held.
    pub fn taken(&self) -> usize {
        self.taken
    }
}

/// The root that a hand-over is about, for comparing it with the tree.
pub fn roots<'a>(
    handed: &'a [HandOver],
    origin: &'a str,
) -> impl Iterator<Item = (u64, Digest, String)> + 'a {
    let here = handed.iter().filter(move |next| next.checkpoint.origin() == origin);
    here.map(|next| {
        let note = String::from_utf8_lossy(&next.note).into_owned();
        (next.checkpoint.size(), next.checkpoint.root(), note)
    })
}

#[cfg(test)]
mod tests;
