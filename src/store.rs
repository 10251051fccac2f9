//! The only room that touches the disk: durable writes, the lock, the log's files, sealed documents, the index,
//! the host's state.
//!
//! It never sees a title in clear, and it sees plaintext only as the file that `vault` asks it to make for it.

pub mod checkpoints;
pub mod disk;
pub mod error;
pub mod follow;
pub mod guesses;
pub mod headers;
pub mod host;
pub mod index;
pub mod layout;
pub mod ledger;
pub mod live;
pub mod lock;
pub mod log_keys;
pub mod lookup;
pub mod machine;
pub mod medium;
pub mod objects;
pub mod os;
pub mod outbox;
pub mod past;
pub mod peers;
pub mod policies;
pub mod quarantine;
pub mod requests;
pub mod rosters;
pub mod segments;
pub mod sorted;
pub mod staging;
pub mod walk;

pub use error::StoreError;
