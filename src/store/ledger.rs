//! The access log as it is written: segments, the signed checkpoint, and the host's state outside the vault.
//!
//! [`Ledger::open`] compares the three and refuses what does not follow from what this host signed last.
//! [`Ledger::append`] is the one way to a [`Recorded`]: entries durable in the tail, then a checkpoint signed
//! over them, then that checkpoint durable in the host's state.

use std::sync::Arc;

use super::checkpoints::{CheckpointFile, Last};
use super::disk::Disk;
use super::error::StoreError;
use super::host::{HostState, StateRecord};
use super::index::Place;
use super::layout::Layout;
use super::log_keys::Keys;
use super::segments::{SegmentError, Segments};
use crate::access::Recorded;
use crate::crypto::{Digest, PublicKey, SigningKey};
use crate::id::HostId;
use crate::log::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::log::entry::Entry;
use crate::log::keys::HandOver;
use crate::log::merkle::inclusion_proof;
use crate::log::merkle::{Frontier, leaf_hash};
use crate::note::{NoteError, origin};

/// What was found beyond the checkpoint in the host's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// The first entry beyond it.
    pub from: u64,
    /// The entry after the last.
    pub to: u64,
    /// Whether another host's checkpoint covers them; otherwise they are the trace of a kill.
    pub signed: bool,
}

/// The log of the epoch that is being written.
#[derive(Debug)]
pub struct Ledger {
    segments: Segments,
    frontier: Frontier,
    host: HostState,
    epoch: u64,
    origin: String,
    checkpoints: CheckpointFile,
    key: Option<SigningKey>,
    /// The key that the next checkpoint hands over to.
    next_key: Option<SigningKey>,
    writer: bool,
    extension: Option<Extension>,
    newest_signed: Option<Vec<u8>>,
    checkpoints_behind: bool,
    poisoned: bool,
}

impl Ledger {
    /// Opens the log and judges it against what this host knows.
    pub fn open(
        disk: &Arc<dyn Disk>,
        layout: &Layout,
        host: HostState,
        keys: &Keys,
    ) -> Result<Self, StoreError> {
        let record = host.record().clone();
        let origin = origin(&record.vault, record.epoch);
        let folder = layout.log(record.epoch);
        let checkpoints = CheckpointFile::new(disk.clone(), folder.join("checkpoints"), &origin);
        let known = known_checkpoint(&record)?;
        let segments = Segments::read(disk.clone(), &folder, known.size())?;
        let last = last_signed(&checkpoints, keys)?;
        judge(&segments, &known, &record, &last)?;
        let own = host.log_key().map(|seed| SigningKey::from_seed(*seed.expose()));
        let extension = extension(&segments, &known, &last, &|signed| is_by(signed, host.host_id(), keys))?;
        let checkpoints_behind = match &last {
            LastSigned::Genuine(last) => last.checkpoint().size() < known.size(),
            LastSigned::Torn => true,
            LastSigned::None => known.size() > 0,
        };
        let newest_signed = match last {
            LastSigned::Genuine(last) => Some(last.note().print().into_bytes()),
            LastSigned::None | LastSigned::Torn => None,
        };
        let frontier = segments.frontier(segments.size())?;
        let epoch = record.epoch;
        Ok(Self {
            segments,
            frontier,
            host,
            epoch,
            origin,
            checkpoints,
            key: own,
            next_key: None,
            writer: false,
            extension,
            newest_signed,
            checkpoints_behind,
            poisoned: false,
        })
    }

    /// What lies beyond the last checkpoint of the host's state.
    pub fn extension(&self) -> Option<Extension> {
        self.extension
    }

    /// Whether the vault's own file of checkpoints lacks the newest.
    pub fn checkpoints_behind(&self) -> bool {
        self.checkpoints_behind
    }

    /// Whether this host may append.
    pub fn can_write(&self) -> bool {
        self.writer
    }

    /// Lets this host append if its log key is among these.
    pub fn judge_writer(&mut self, keys: &[PublicKey]) {
        self.writer = self.key.as_ref().is_some_and(|key| keys.contains(&key.public()));
    }

    /// Takes a log key that the next record puts in force. A kill before that leaves a key without any right.
    pub fn enrol(&mut self, key: SigningKey) -> Result<(), StoreError> {
        self.host.enrol(&key)?;
        self.key = Some(key);
        self.writer = true;
        Ok(())
    }

    /// The log key in force here.
    pub fn key(&self) -> Option<PublicKey> {
        self.key.as_ref().map(SigningKey::public)
    }

    /// How many entries there are.
    pub fn size(&self) -> u64 {
        self.segments.size()
    }

    /// The root over all of them.
    pub fn root(&self) -> Digest {
        self.frontier.root()
    }

    /// The epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The files.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The host's state.
    pub fn host(&self) -> &HostState {
        &self.host
    }

    /// Gives the host's state back, for a new epoch.
    pub fn into_host(self) -> HostState {
        self.host
    }

    /// Where the next entry will stand.
    pub fn next(&self) -> Place {
        Place { epoch: self.epoch, seq: self.size() }
    }

    /// Takes back entries that nobody signed for, from this one on: the rest of an append of which a kill let only a part
    /// come onto the disk.
    pub(super) fn withdraw(&mut self, from: u64) -> Result<(), StoreError> {
        let Some(extension) = self.extension.filter(|extension| !extension.signed) else { return Ok(()) };
        if from < extension.from || from >= extension.to {
            return Ok(());
        }
        self.segments.withdraw(from)?;
        self.frontier = self.segments.frontier(from)?;
        self.extension = (from > extension.from).then_some(Extension { to: from, ..extension });
        Ok(())
    }

    /// Makes the tail fit to be appended to: torn ends dropped, full bundles cut off, and after a failed fsync
    /// everything written through a new file.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        if self.segments.is_untidy() || self.host.is_dirty() || self.extension.is_some() {
            self.segments.tidy()?;
        }
        if self.host.is_dirty() {
            self.checkpoints.write_anew()?;
            self.host.clear_dirty()?;
        }
        Ok(())
    }

    /// Appends entries and anchors them; with `roster`, that roster is in force from here on.
    ///
    /// Fails closed: without a [`Recorded`] nothing may be published or released. After a failure this ledger
    /// takes no more entries, since after a failed fsync nothing that was written can be believed.
    pub fn append(
        &mut self,
        entries: &[Entry],
        signer: Option<&SigningKey>,
        roster: Option<(u64, Digest)>,
    ) -> Result<Recorded, StoreError> {
        if !self.can_write() {
            return Err(StoreError::NotEnrolled);
        }
        let first = self.size();
        let result = if self.poisoned {
            Err(StoreError::Entry("the log failed before".to_owned()))
        } else {
            self.append_and_anchor(entries, signer, roster)
        };
        if let Err(error) = result {
            self.poisoned = true;
            // Best effort: where even this cannot be written, the next start finds the log beyond the
            // checkpoint, and writes the tail anew just the same.
            let _ = self.host.mark_dirty();
            return Err(StoreError::LogFailed(Box::new(error)));
        }
        Ok(Recorded::at(self.epoch, first, entries.len() as u64))
    }

    /// Keeps the key that is handed over to next.
    pub fn stage_key(&self, key: &SigningKey) -> Result<(), StoreError> {
        Ok(self.host.stage_key(key)?)
    }

    /// Appends the entry that names a staged key, and signs for it with both. From then on that one is in force.
    ///
    /// Fails closed, as [`append`](Self::append).
    pub fn hand_over(
        &mut self,
        entry: &Entry,
        signer: Option<&SigningKey>,
        key: SigningKey,
    ) -> Result<Recorded, StoreError> {
        self.next_key = Some(key);
        let recorded = self.append(std::slice::from_ref(entry), signer, None);
        self.next_key = None;
        recorded
    }

    /// The proof of a hand-over by the last entry, in the checkpoint that both keys signed; none where it says something else.
    pub fn hand_over_proof(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let size = known_checkpoint(self.host.record())?.size();
        let seq = size.checked_sub(1).ok_or(StoreError::Checkpoints)?;
        let hashes = inclusion_proof(seq, size, &self.segments);
        let hashes = hashes.map_err(|_| SegmentError::Entry { at: seq })?;
        let entry = self.segments.entry(seq)?;
        Ok(HandOver::proof(entry, hashes, &self.host.record().checkpoint))
    }

    /// The keys that were handed over are destroyed.
    pub fn retire_keys(&mut self) -> Result<(), StoreError> {
        Ok(self.host.retire_generations()?)
    }

    fn append_and_anchor(
        &mut self,
        entries: &[Entry],
        signer: Option<&SigningKey>,
        roster: Option<(u64, Digest)>,
    ) -> Result<(), StoreError> {
        let mut records = Vec::with_capacity(entries.len());
        let mut hashes = Vec::with_capacity(entries.len());
        for (entry, seq) in entries.iter().zip(self.size()..) {
            if entry.seq() != seq {
                return Err(StoreError::Entry(format!("entry {} at place {seq}", entry.seq())));
            }
            let bytes = entry.to_bytes();
            hashes.push(leaf_hash(&bytes));
            records.push(bytes);
        }
        let mut frontier = self.frontier.clone();
        frontier.extend(hashes.iter().copied());
        self.segments.append(records, hashes)?;
        self.frontier = frontier;
        self.anchor(signer, roster)
    }

    /// Signs for the log as it is now and puts the checkpoint into the host's state.
    fn anchor(
        &mut self,
        signer: Option<&SigningKey>,
        roster: Option<(u64, Digest)>,
    ) -> Result<(), StoreError> {
        let Some(key) = &self.key else { return Err(StoreError::NotEnrolled) };
        let checkpoint = Checkpoint::new(&self.origin, self.frontier.size(), self.frontier.root())
            .map_err(|error| StoreError::Entry(error.to_string()))?;
        let wrong = |error: NoteError| StoreError::Entry(error.to_string());
        let mut note = checkpoint.sign(key, signer).map_err(wrong)?;
        if let Some(next) = &self.next_key {
            note.cosign(&self.origin, next).map_err(wrong)?;
        }
        let mut record = self.host.record().clone();
        if let Some((version, digest)) = roster {
            record.roster_version = version;
            record.roster_digest = digest;
        }
        record.checkpoint = note.print().into_bytes();
        match self.next_key.take() {
            Some(next) => {
                self.host.hand_over(&record, &next)?;
                self.key = Some(next);
            }
            None => self.host.save(&record)?,
        }
        self.extension = None;
        Ok(())
    }

    /// Takes another host's checkpoint over the whole log as the newest that this host knows.
    pub fn adopt(&mut self, roster: (u64, Digest)) -> Result<(), StoreError> {
        let signed = self.extension.is_some_and(|extension| extension.signed);
        if let Some(note) = self.newest_signed.clone().filter(|_| signed) {
            let record = StateRecord {
                roster_version: roster.0,
                roster_digest: roster.1,
                checkpoint: note,
                ..self.host.record().clone()
            };
            self.host.save(&record)?;
            self.extension = None;
        }
        Ok(())
    }

    /// Adds the newest checkpoint to the vault's own file of them.
    pub fn write_checkpoint(&mut self) -> Result<(), StoreError> {
        let torn = self.checkpoints.last()? == Last::Torn;
        let prepared = if torn { self.checkpoints.write_anew() } else { Ok(()) };
        let written = prepared.and_then(|()| self.checkpoints.append(&self.host.record().checkpoint));
        if let Err(error) = written {
            // As after a failed append: what was not synced then is shown by the cache and not on the disk.
            let _ = self.host.mark_dirty();
            return Err(error.into());
        }
        self.checkpoints_behind = false;
        Ok(())
    }
}

/// The checkpoint in the host's state. It was verified before it was put there, and the state has its own digest.
pub fn known_checkpoint(record: &StateRecord) -> Result<Checkpoint, StoreError> {
    let note = crate::note::SignedNote::parse(&record.checkpoint).map_err(|_| StoreError::Checkpoints)?;
    let known = Checkpoint::parse_text(note.text()).map_err(|_| StoreError::Checkpoints)?;
    if known.origin() == origin(&record.vault, record.epoch) {
        Ok(known)
    } else {
        Err(StoreError::Checkpoints)
    }
}

/// What the vault's own file of checkpoints ends with.
enum LastSigned {
    None,
    Torn,
    Genuine(Box<SignedCheckpoint>),
}

fn last_signed(checkpoints: &CheckpointFile, keys: &Keys) -> Result<LastSigned, StoreError> {
    Ok(match checkpoints.last()? {
        Last::None => LastSigned::None,
        Last::Torn => LastSigned::Torn,
        Last::Whole(note) => {
            let signed = keys.verify(&note).ok_or(StoreError::Checkpoints)?;
            LastSigned::Genuine(Box::new(signed))
        }
    })
}

/// Whether the log contains what this host signed last.
fn judge(
    segments: &Segments,
    known: &Checkpoint,
    record: &StateRecord,
    last: &LastSigned,
) -> Result<(), StoreError> {
    if segments.size() < known.size() {
        return Err(StoreError::Truncated { known: known.size(), found: segments.size() });
    }
    if segments.root(known.size())? == known.root() {
        return Ok(());
    }
    if let LastSigned::Genuine(theirs) = last {
        let size = theirs.checkpoint().size();
        let follows = size <= segments.size() && segments.root(size)? == theirs.checkpoint().root();
        if follows {
            let ours = String::from_utf8_lossy(&record.checkpoint).into_owned();
            return Err(StoreError::Forked { notes: vec![ours, theirs.note().print()] });
        }
    }
    Err(StoreError::Tampered { size: known.size() })
}

/// Whether one of a host's own keys, of whichever generation, signed.
fn is_by(signed: &SignedCheckpoint, host: Option<HostId>, keys: &Keys) -> bool {
    let own = keys.hosts.iter().filter(|key| Some(key.host()) == host);
    own.into_iter().any(|key| signed.signers().contains(key.verifier()))
}

/// What lies beyond the known checkpoint, and whether somebody signed for it.
fn extension(
    segments: &Segments,
    known: &Checkpoint,
    last: &LastSigned,
    by_us: &dyn Fn(&SignedCheckpoint) -> bool,
) -> Result<Option<Extension>, StoreError> {
    let mut signed = false;
    if let LastSigned::Genuine(last) = last {
        let (size, root) = (last.checkpoint().size(), last.checkpoint().root());
        if size > known.size() && by_us(last) {
            return Err(StoreError::StateOlder { known: known.size(), signed: size });
        }
        if size > segments.size() {
            return Err(StoreError::Truncated { known: size, found: segments.size() });
        }
        if segments.root(size)? != root {
            return Err(StoreError::Tampered { size });
        }
        signed = size == segments.size();
    }
    let (from, to) = (known.size(), segments.size());
    if from == to {
        return Ok(None);
    }
    segments.for_each::<SegmentError>(from, to, |seq, bytes| {
        Entry::parse(bytes)
            .ok()
            .filter(|entry| entry.seq() == seq)
            .map(|_| ())
            .ok_or(SegmentError::Entry { at: seq })
    })?;
    Ok(Some(Extension { from, to, signed }))
}

/// The size that a state knows of, if its checkpoint can be read.
pub fn known_size(record: &StateRecord) -> Option<u64> {
    known_checkpoint(record).ok().map(|known| known.size())
}
