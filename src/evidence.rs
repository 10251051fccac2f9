//! Proof that needs no trust: the exported log of a vault, judged with public keys, and what auditors and witnesses do with
//! it. Nothing here needs the vault, its index or a secret, but for a witness's own key.
//!
//! A folder of evidence is what `audit export` writes: for each epoch of the log the directory of `c2sp.org/tlog-tiles` with its
//! checkpoints and cosignatures, and the rosters, policies and notes from which its keys follow. The bytes are in
//! `docs/format/evidence.md`.
//!
//! - [`Evidence`]: such a folder, opened; [`Evidence::verify`] judges it.
//! - [`Trust`]: what a verifier was told from elsewhere. Without any of it the verdict is `unverifiable`.
//! - [`proofs`]: one entry, growth, and two histories, as files that stand for themselves.
//! - [`sample`]: entries that were drawn at random, each with its proof.
//! - [`witness`]: signing what only grew, and remembering it.

mod folder;
pub mod proofs;
mod read;
mod report;
pub mod sample;
mod trust;
mod verify;
pub mod witness;
mod witnessed;

pub use read::{CHECKER, CHECKPOINT, CHECKPOINTS, COSIGNED, Evidence, LOG_KEYS, README, RESUME, SUMS};
pub use report::{
    AuditVerify, AuditVerifyReport, CheckpointReport, Finding, LogReport, WitnessRow, of_problem, verdict,
};
pub use trust::{Trust, read_checkpoint};
pub use verify::{VerifyWish, Visit};
pub use witnessed::{Strict, Witnessed};
