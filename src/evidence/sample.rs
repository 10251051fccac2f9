//! Entries that were drawn at random, each proven to be in the log.

use serde::Serialize;

use super::proofs::{LogSource, check_proof, prove_under};
use super::trust::read_checkpoint;
use crate::audit::sample::{ALGORITHM, Seed, draw};
use crate::encoding::base64;
use crate::fault::{Code, Error};

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The checkpoint that was handed over before the seed was made up; without one the newest.
    pub checkpoint: Option<&'a [u8]>,
    /// What the auditor made up.
    pub seed: &'a Seed,
    /// How many entries.
    pub count: u64,
}

/// One of them.
#[derive(Debug, Serialize)]
pub struct Drawn {
    /// Its place in the log.
    pub index: u64,
    /// The entry itself.
    pub entry: serde_json::Value,
    /// The proof, as it is written to a file.
    pub proof: String,
    /// Where it was written.
    pub path: Option<String>,
}

/// A sample, in the order in which it was drawn.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// The way of drawing.
    pub algorithm: &'static str,
    /// The log.
    pub origin: String,
    /// Entries that were drawn from.
    pub size: u64,
    /// The root over them, in base64.
    pub root: String,
    /// What the auditor made up.
    pub seed: String,
    /// The checkpoint that was drawn from.
    pub checkpoint: String,
    /// What was drawn.
    pub entries: Vec<Drawn>,
    /// Where the proofs were written.
    pub path: Option<String>,
}

/// Draws, and proves each entry under the checkpoint that was drawn from; every proof was checked as others will check it.
///
/// # Errors
/// [`Code::Forked`] and [`Code::TruncatedLog`] where the log did not grow from the checkpoint, [`Code::OtherLog`]; those of
/// [`read_checkpoint`] and [`check_proof`].
pub fn sample(log: &dyn LogSource, wish: &Wish<'_>) -> Result<Sample, Error> {
    let keys = log.keys();
    let newest = log.checkpoint()?;
    let (now, now_note) = read_checkpoint(&newest, &keys)?;
    let handed = wish.checkpoint.map_or(newest.as_slice(), |note| note);
    let (checkpoint, note) = read_checkpoint(handed, &keys)?;
    if checkpoint.origin() != now.origin() {
        return Err(Error::new(Code::OtherLog).with("name", checkpoint.origin()).with("found", now.origin()));
    }
    if checkpoint.size() > now.size() {
        return Err(Error::new(Code::TruncatedLog)
            .with("known", checkpoint.size())
            .with("found", now.size()));
    }
    if log.root(checkpoint.size(), now.size())? != checkpoint.root() {
        return Err(Error::new(Code::Forked).with("note", note.print()).with("note", now_note.print()));
    }
    let mut entries = Vec::new();
    for index in draw(&checkpoint, wish.seed, wish.count) {
        let proof = prove_under(log, (handed.to_vec(), now.size()), index)?.print();
        let checked = check_proof(&proof, None, &keys, None)?;
        entries.push(Drawn { index, entry: checked.entry, proof: checked.proof, path: None });
    }
    Ok(Sample {
        algorithm: ALGORITHM,
        origin: checkpoint.origin().to_owned(),
        size: checkpoint.size(),
        root: base64(checkpoint.root().as_bytes()),
        seed: wish.seed.to_string(),
        checkpoint: note.print(),
        entries,
        path: None,
    })
}
