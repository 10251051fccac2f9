//! What stops the store. The verbs turn each into the public error with its code.

use super::disk::DiskError;
use super::host::HostError;
use super::index::IndexError;
use super::lock::LockError;
use super::segments::SegmentError;
use crate::crypto::NoRandom;
use crate::id::VaultId;
use crate::roster::RosterError;

/// What stops the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another process holds the vault.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The host's state cannot be used.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The index is broken or contradicts the log.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The log's files are not what a log is made of.
    #[error(transparent)]
    Segments(#[from] SegmentError),
    /// A roster is not the one in force.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The roster in force is not there.
    #[error("the newest roster is missing")]
    RosterMissing,
    /// A file lies where a new one belongs.
    #[error("{0} is in the way")]
    InTheWay(String),
    /// The policy that the roster names is not there, or is another one.
    #[error("the policy in force is missing")]
    Policy,
    /// The operating system gave no random bytes.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    /// This host has never seen this vault.
    #[error("this host does not know this vault")]
    UnknownVault,
    /// Officers went on with the log on another host.
    #[error("the log went on in epoch {epoch}")]
    Resumed {
        /// The newer epoch.
        epoch: u64,
    },
    /// Another vault lies where a known one was.
    #[error("another vault lies where {expected} was")]
    VaultReplaced {
        /// The vault that was there.
        expected: VaultId,
    },
    /// The log is shorter than what this host signed.
    #[error("the log has {found} entries, but {known} were signed")]
    Truncated {
        /// Entries that this host signed for.
        known: u64,
        /// Entries found.
        found: u64,
    },
    /// The host's state is older than what this host signed.
    #[error("the host's state knows {known} entries, but {signed} were signed by this host")]
    StateOlder {
        /// Entries that the state knows.
        known: u64,
        /// Entries that a checkpoint by this host's key covers.
        signed: u64,
    },
    /// The log contradicts what this host signed.
    #[error("the log contradicts the checkpoint of {size} entries")]
    Tampered {
        /// The checkpoint's size.
        size: u64,
    },
    /// Two signed histories.
    #[error("two signed checkpoints contradict each other")]
    Forked {
        /// Both notes.
        notes: Vec<String>,
    },
    /// A checkpoint of the vault's own file is not genuine.
    #[error("the file of checkpoints is damaged")]
    Checkpoints,
    /// This host may read but not write.
    #[error("this host is not enrolled")]
    NotEnrolled,
    /// The proof that this host's log key follows from the one before is gone.
    #[error("log-keys/{number:04}.tlog-proof is missing")]
    LogKeyMissing {
        /// Its number.
        number: u64,
    },
    /// As many changes of log keys as others take.
    #[error("the log has had too many keys")]
    TooManyLogKeys,
    /// The log could not be written, so nothing was done.
    #[error("the log could not be written")]
    LogFailed(#[source] Box<StoreError>),
    /// An entry that we made is not one; a fault of ours.
    #[error("an entry could not be made: {0}")]
    Entry(String),
    /// What was recorded before is not where it should be.
    #[error("{0} is missing")]
    Missing(String),
}
