//! A witness: signs a checkpoint of a log that only grew since it signed last, and remembers it.
//!
//! What was signed is on the disk before the signature is handed out, so that a witness that is stopped at any moment never
//! signs two histories.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use super::proofs::LogSource;
use super::trust::{read_checkpoint, told_keys};
use crate::bundle::{Known, WitnessRequest};
use crate::crypto::{Digest, SigningKey};
use crate::fault::{Code, Error};
use crate::log::checkpoint::{Checkpoint, MAX_CHECKPOINT_LEN};
use crate::log::cosignature::{Cosignature, WitnessKey};
use crate::log::keys::LogKey;
use crate::log::merkle::verify_consistency;
use crate::note::{SignedNote, VerifierKey};
use crate::time::Timestamp;

/// The longest memory of one log: its key and a checkpoint.
const MEMORY_LIMIT: u64 = MAX_CHECKPOINT_LEN as u64 + 4096;

/// What a witness signed.
#[derive(Debug, Serialize)]
pub struct CosignReport {
    /// The log.
    pub origin: String,
    /// The size that was signed last time; 0 for the first.
    pub old_size: u64,
    /// The size that was signed.
    pub size: u64,
    /// The witness's key, for policies.
    pub witness: String,
    /// When, in seconds since 1970.
    pub seconds: u64,
    /// The checkpoint with the new signature.
    pub note: String,
    /// Where it was written.
    pub path: Option<String>,
}

/// Asks a witness to sign: the newest checkpoint, and that the log grew from what it signed last.
///
/// # Errors
/// [`Code::NoEntry`] for a size beyond the log.
pub fn request(log: &dyn LogSource, old: u64) -> Result<WitnessRequest, Error> {
    let note = log.checkpoint()?;
    let (checkpoint, _) = read_checkpoint(&note, &log.keys())?;
    if old > checkpoint.size() {
        return Err(Error::new(Code::NoEntry).with("seq", old).with("size", checkpoint.size()));
    }
    let proof = if old == 0 { Vec::new() } else { log.consistency(old, checkpoint.size())? };
    Ok(WitnessRequest { old, proof, checkpoint: note })
}

/// A witness's memory of one log: a file, and a lock beside it.
struct Memory {
    path: PathBuf,
    key: Option<VerifierKey>,
    last: Option<Checkpoint>,
    _lock: File,
}

impl Memory {
    fn open(folder: &Path, origin: &str, witness: &WitnessKey) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::new(Code::Io).with("path", folder.display()).because(error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let name = Digest::of(format!("{witness}\n{origin}").as_bytes()).to_string();
        let private = |options: &mut OpenOptions| options.mode(0o600).custom_flags(libc_nofollow()).clone();
        let lock = private(OpenOptions::new().create(true).write(true).truncate(false))
            .open(folder.join(format!("{name}.lock")))
            .map_err(failed)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let path = folder.join(name);
        let mut memory = Self { path, key: None, last: None, _lock: lock };
        memory.read(origin)?;
        Ok(memory)
    }

    fn read(&mut self, origin: &str) -> Result<(), Error> {
        let damaged = || Error::new(Code::DamagedState).with("path", self.path.display());
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Ok(file) => file
                .take(MEMORY_LIMIT + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| damaged().because(error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(damaged().because(error)),
        };
        let text = String::from_utf8(bytes).map_err(|_| damaged())?;
        let (key, checkpoint) = text.split_once('\n').ok_or_else(damaged)?;
        let key: VerifierKey = key.parse().map_err(|_| damaged())?;
        let checkpoint = Checkpoint::parse_text(checkpoint).map_err(|_| damaged())?;
        if checkpoint.origin() != origin {
            return Err(damaged());
        }
        (self.key, self.last) = (Some(key), Some(checkpoint));
        Ok(())
    }

    /// Replaces what is remembered, durably, or leaves it as it was.
    fn write(&self, key: &VerifierKey, checkpoint: &Checkpoint) -> Result<(), Error> {
        let failed = |error: io::Error| Error::new(Code::Io).with("path", self.path.display()).because(error);
        let new = self.path.with_extension("new");
        let mut file = OpenOptions::new();
        let mut file = file.create(true).write(true).truncate(true).mode(0o600).open(&new).map_err(failed)?;
        file.write_all(format!("{key}\n{}", checkpoint.text()).as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&new, &self.path).map_err(failed)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// `O_NOFOLLOW`, as the standard library wants it.
fn libc_nofollow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

/// Signs as a witness. The log's key has to be told at the first time, and is remembered with what was signed. Where the log
/// goes on with another key since, its evidence proves that; what is `known` of it comes from there.
///
/// # Errors
/// [`Code::NotAWitnessRequest`]; [`Code::UnverifiableLog`] for a log that is neither told nor remembered;
/// [`Code::WitnessSize`] where the request does not begin at what was signed last; [`Code::Forked`] where the log is not the one
/// that was signed.
pub fn cosign(
    memory: &Path,
    request: &[u8],
    told: &[VerifierKey],
    known: Option<&Known>,
    key: &SigningKey,
    now: Timestamp,
) -> Result<CosignReport, Error> {
    let request = WitnessRequest::parse(request).ok_or(Code::NotAWitnessRequest)?;
    let claimed = SignedNote::parse(&request.checkpoint).ok();
    let claimed = claimed.and_then(|note| Checkpoint::parse_text(note.text()).ok());
    let origin = claimed.ok_or(Code::NotAWitnessRequest)?.origin().to_owned();
    let witness = WitnessKey::of_member(key.public());
    let memory = Memory::open(memory, &origin, &witness)?;
    let told: Vec<VerifierKey> = match (&memory.key, told) {
        (Some(key), []) => vec![key.clone()],
        (_, told) => told.to_vec(),
    };
    let keys = match known {
        Some(known) => told_keys(told, known.log_keys(&origin)),
        None => told.into_iter().map(LogKey::from).collect(),
    };
    let (checkpoint, mut note) =
        read_checkpoint(&request.checkpoint, &keys).map_err(|error| unknown(error, &request, &keys))?;
    if request.old > checkpoint.size() {
        return Err(Code::NotAWitnessRequest.into());
    }
    let old = memory.last.as_ref().map_or(0, Checkpoint::size);
    grown(&request, memory.last.as_ref(), &checkpoint, &note)?;
    // The newest of those that signed: it will sign the next one as well.
    let mut signers = keys.iter().rev().map(LogKey::verifier);
    let signer = signers.find(|key| note.verify(std::slice::from_ref(*key)).is_ok()).ok_or(Code::Internal)?;
    memory.write(signer, &checkpoint)?;
    let signed = Cosignature::sign(key, &checkpoint, now).ok_or(Code::Internal)?;
    let line = signed.line(&witness).map_err(|error| Error::new(Code::Internal).because(error))?;
    note.add(line).map_err(|error| Error::new(Code::NotAWitnessRequest).because(error))?;
    Ok(CosignReport {
        origin,
        old_size: old,
        size: checkpoint.size(),
        witness: witness.to_string(),
        seconds: signed.seconds,
        note: note.print(),
        path: None,
    })
}

/// A log that goes on with a key that nobody told is not a forged one.
fn unknown(error: Error, request: &WitnessRequest, keys: &[LogKey]) -> Error {
    let Ok(note) = SignedNote::parse(&request.checkpoint) else { return error };
    let claims = |key: &LogKey| note.signatures().iter().any(|line| line.id() == key.verifier().id());
    if error.code() == Code::TamperedCheckpoint && !keys.iter().any(claims) {
        return Error::new(Code::UnknownLogKey).because(error);
    }
    error
}

/// The log has only grown since it was signed last.
fn grown(
    request: &WitnessRequest,
    last: Option<&Checkpoint>,
    new: &Checkpoint,
    note: &SignedNote,
) -> Result<(), Error> {
    let Some(last) = last.filter(|last| last.size() > 0) else { return Ok(()) };
    let forked = || {
        Error::new(Code::Forked).with("size", new.size()).with("old", last.text()).with("new", note.print())
    };
    if last.size() == new.size() {
        return if last.root() == new.root() { Ok(()) } else { Err(forked()) };
    }
    if request.old != last.size() {
        return Err(Error::new(Code::WitnessSize).with("size", last.size()).with("found", request.old));
    }
    let proof = verify_consistency(last.size(), &last.root(), new.size(), &new.root(), &request.proof);
    proof.map_err(|_| forked())
}
