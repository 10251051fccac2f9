//! Proofs about one log: that an entry is in it, that it only grew, that there are two of it. Each is checked before it is
//! handed out, so that nobody carries away one that does not hold.

use serde::Serialize;

use super::read::Evidence;
use super::trust::read_checkpoint;
use crate::audit::Quorum;
use crate::crypto::Digest;
use crate::encoding::base64;
use crate::fault::{Code, Error};
use crate::id::VaultId;
use crate::log::checkpoint::Checkpoint;
use crate::log::cosignature::cosigners;
use crate::log::entry::Entry;
use crate::log::keys::LogKey;
use crate::log::merkle::{consistency_proof, inclusion_proof, tree_root, verify_consistency};
use crate::log::proof::EntryProof;
use crate::note::{SignedNote, origin_epoch};

/// Which of a vault's logs: each epoch has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// That of the newest epoch.
    Newest,
    /// That of an epoch, counted from 1.
    Epoch(u64),
    /// The one that a checkpoint is about, which nobody verified yet; the newest where it is about none of this vault's.
    OfCheckpoint(&'a [u8]),
}

impl Which<'_> {
    /// The epoch, in a vault whose newest is this one.
    ///
    /// # Errors
    /// [`Code::NoEpoch`].
    pub fn epoch(self, vault: &VaultId, newest: u64) -> Result<u64, Error> {
        let exists = |epoch: &u64| (1..=newest).contains(epoch);
        match self {
            Self::Newest => Ok(newest),
            Self::Epoch(epoch) if exists(&epoch) => Ok(epoch),
            Self::Epoch(epoch) => Err(Error::new(Code::NoEpoch).with("epoch", epoch).with("newest", newest)),
            Self::OfCheckpoint(note) => Ok(named(vault, note).filter(exists).unwrap_or(newest)),
        }
    }
}

fn named(vault: &VaultId, note: &[u8]) -> Option<u64> {
    let note = SignedNote::parse(note).ok()?;
    origin_epoch(vault, Checkpoint::parse_text(note.text()).ok()?.origin())
}

/// One epoch's log, wherever it lies.
pub trait LogSource {
    /// The newest signed checkpoint, with its cosignatures.
    fn checkpoint(&self) -> Result<Vec<u8>, Error>;
    /// The keys that it is verified with.
    fn keys(&self) -> Vec<LogKey>;
    /// The entry at a place of the tree of this size.
    fn entry(&self, size: u64, seq: u64) -> Result<Vec<u8>, Error>;
    /// The root over the first so many entries of a tree of `of`.
    fn root(&self, size: u64, of: u64) -> Result<Digest, Error>;
    /// The path of an entry in the tree of this size, which is the beginning of one of `of`.
    fn inclusion(&self, seq: u64, size: u64, of: u64) -> Result<Vec<Digest>, Error>;
    /// That the tree of `to` entries extends the one of `from`.
    fn consistency(&self, from: u64, to: u64) -> Result<Vec<Digest>, Error>;
}

/// One epoch of evidence.
#[derive(Debug)]
pub struct EvidenceLog<'a> {
    evidence: &'a Evidence,
    epoch: u64,
    keys: Vec<LogKey>,
}

impl Evidence {
    /// The log of an epoch, with the keys that its checkpoints are verified with.
    pub fn log(&self, epoch: u64, keys: Vec<LogKey>) -> EvidenceLog<'_> {
        EvidenceLog { evidence: self, epoch, keys }
    }
}

fn unproven(error: impl std::fmt::Display) -> Error {
    Error::new(Code::TamperedProof).with("detail", error)
}

impl LogSource for EvidenceLog<'_> {
    fn checkpoint(&self) -> Result<Vec<u8>, Error> {
        let origin = self.evidence.origin(self.epoch);
        self.evidence
            .checkpoint(self.epoch)?
            .ok_or_else(|| Error::new(Code::TamperedCheckpoint).with("name", origin))
    }

    fn keys(&self) -> Vec<LogKey> {
        self.keys.clone()
    }

    fn entry(&self, size: u64, seq: u64) -> Result<Vec<u8>, Error> {
        self.evidence.entry(self.epoch, size, seq)
    }

    fn root(&self, size: u64, of: u64) -> Result<Digest, Error> {
        tree_root(size, &self.evidence.hashes(self.epoch, of)).map_err(unproven)
    }

    fn inclusion(&self, seq: u64, size: u64, of: u64) -> Result<Vec<Digest>, Error> {
        inclusion_proof(seq, size, &self.evidence.hashes(self.epoch, of)).map_err(unproven)
    }

    fn consistency(&self, from: u64, to: u64) -> Result<Vec<Digest>, Error> {
        consistency_proof(from, to, &self.evidence.hashes(self.epoch, to)).map_err(unproven)
    }
}

/// An entry that is proven to be in a log.
#[derive(Debug, Serialize)]
pub struct ProofReport {
    /// The log.
    pub origin: String,
    /// The entry's place.
    pub index: u64,
    /// The size of the tree.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
    /// The entry itself.
    pub entry: serde_json::Value,
    /// Witnesses that signed the checkpoint, of those that are known.
    pub witnesses: Vec<String>,
    /// The proof, as it is written to a file.
    pub proof: String,
    /// Where it was written.
    pub path: Option<String>,
}

/// Proves that the entry at this place is in the log.
///
/// # Errors
/// [`Code::NoEntry`]; [`Code::TamperedProof`] where what lies there does not hang together.
pub fn prove(log: &dyn LogSource, seq: u64) -> Result<EntryProof, Error> {
    let note = log.checkpoint()?;
    let size = read_checkpoint(&note, &log.keys())?.0.size();
    prove_under(log, (note, size), seq)
}

/// The same under an older checkpoint of a log that has `of` entries now.
///
/// # Errors
/// As [`prove`]; a log that did not grow from the checkpoint gives no proof.
pub fn prove_under(log: &dyn LogSource, (note, of): (Vec<u8>, u64), seq: u64) -> Result<EntryProof, Error> {
    let (checkpoint, _) = read_checkpoint(&note, &log.keys())?;
    if seq >= checkpoint.size() {
        return Err(Error::new(Code::NoEntry).with("seq", seq).with("size", checkpoint.size()));
    }
    let entry = log.entry(of, seq)?;
    let hashes = log.inclusion(seq, checkpoint.size(), of)?;
    let proof = EntryProof { entry: Some(entry.clone()), index: seq, hashes, checkpoint: note };
    proof.check(&entry, &checkpoint).map_err(unproven)?;
    Ok(proof)
}

/// Checks a proof: the checkpoint by the log's key, the path by its root, and the witnesses by the policy.
///
/// # Errors
/// [`Code::NotAProof`], [`Code::TamperedProof`], [`Code::StaleWitness`] where the policy asks for more witnesses; those of
/// [`read_checkpoint`].
pub fn check_proof(
    bytes: &[u8],
    entry: Option<&[u8]>,
    keys: &[LogKey],
    policy: Option<&Quorum>,
) -> Result<ProofReport, Error> {
    let proof = EntryProof::parse(bytes).ok_or(Code::NotAProof)?;
    let (checkpoint, note) = read_checkpoint(&proof.checkpoint, keys)?;
    let entry = entry.or(proof.entry.as_deref());
    let entry = entry.ok_or_else(|| Error::new(Code::NotAProof).with("detail", "extra"))?;
    proof.check(entry, &checkpoint).map_err(unproven)?;
    let parsed = Entry::parse(entry).map_err(unproven)?;
    if parsed.seq() != proof.index {
        return Err(unproven("seq"));
    }
    let known: Vec<_> = policy.iter().flat_map(|policy| policy.witnesses()).cloned().collect();
    let signed = cosigners(&note, &checkpoint, &known).map_err(unproven)?;
    let signed: Vec<_> = signed.into_iter().map(|(witness, _)| witness).collect();
    if policy.is_some_and(|policy| !policy.is_met_by(&signed)) {
        return Err(Error::new(Code::StaleWitness).with("name", checkpoint.origin()));
    }
    Ok(ProofReport {
        origin: checkpoint.origin().to_owned(),
        index: proof.index,
        size: checkpoint.size(),
        root: base64(checkpoint.root().as_bytes()),
        entry: serde_json::from_slice(entry).map_err(unproven)?,
        witnesses: signed.iter().map(|witness| witness.name().to_owned()).collect(),
        proof: String::from_utf8_lossy(bytes).into_owned(),
        path: None,
    })
}

/// How two checkpoints of one log stand to each other.
#[derive(Debug, Serialize)]
pub struct CompareReport {
    /// `same`, `grown`, or `forked`.
    pub verdict: String,
    /// The log.
    pub origin: String,
    /// The smaller size.
    pub old_size: u64,
    /// The larger one.
    pub new_size: u64,
    /// That the larger extends the smaller, in base64.
    pub proof: Vec<String>,
    /// Both notes, where they contradict each other: proof of a fork to anyone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Compares a checkpoint from elsewhere with a log, which has to have grown from it.
///
/// # Errors
/// Those of [`read_checkpoint`] and [`compare`].
pub fn consistency(log: &dyn LogSource, older: &[u8]) -> Result<CompareReport, Error> {
    let keys = log.keys();
    compare(&read_checkpoint(older, &keys)?, &read_checkpoint(&log.checkpoint()?, &keys)?, Some(log))
}

/// Compares two checkpoints. Of different sizes, a log is needed that the larger one agrees with.
///
/// # Errors
/// [`Code::OtherLog`]; [`Code::UnverifiableGrowth`] where their sizes differ and no log is at hand that agrees with one.
pub fn compare(
    one: &(Checkpoint, SignedNote),
    other: &(Checkpoint, SignedNote),
    log: Option<&dyn LogSource>,
) -> Result<CompareReport, Error> {
    let (old, new) = if one.0.size() <= other.0.size() { (one, other) } else { (other, one) };
    if old.0.origin() != new.0.origin() {
        return Err(Error::new(Code::OtherLog).with("name", old.0.origin()).with("found", new.0.origin()));
    }
    let report = |verdict: &str, proof: &[Digest]| CompareReport {
        verdict: verdict.to_owned(),
        origin: new.0.origin().to_owned(),
        old_size: old.0.size(),
        new_size: new.0.size(),
        proof: proof.iter().map(|hash| base64(&hash.0)).collect(),
        notes: if verdict == "forked" { vec![old.1.print(), new.1.print()] } else { Vec::new() },
    };
    if old.0.size() == new.0.size() {
        return Ok(report(if old.0.root() == new.0.root() { "same" } else { "forked" }, &[]));
    }
    if old.0.size() == 0 {
        return Ok(report("grown", &[]));
    }
    let untold = || Error::new(Code::UnverifiableGrowth).with("old", old.0.size()).with("new", new.0.size());
    let log = log.ok_or_else(untold)?;
    let of = read_checkpoint(&log.checkpoint()?, &log.keys())?.0;
    if of.origin() != new.0.origin() || of.size() < new.0.size() {
        return Err(untold());
    }
    // The log is the witness between the two: it agrees with both of them, or with one of them only.
    let agrees = |checkpoint: &Checkpoint| {
        log.root(checkpoint.size(), of.size()).map(|root| root == checkpoint.root())
    };
    match (agrees(&old.0)?, agrees(&new.0)?) {
        (true, true) => {
            let proof = log.consistency(old.0.size(), new.0.size())?;
            verify_consistency(old.0.size(), &old.0.root(), new.0.size(), &new.0.root(), &proof)
                .map_err(unproven)?;
            Ok(report("grown", &proof))
        }
        (true, false) | (false, true) => Ok(report("forked", &[])),
        (false, false) => Err(untold()),
    }
}
