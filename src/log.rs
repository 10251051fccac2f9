//! The access log as data: what an entry says, how entries hang together in a Merkle tree, and how a
//! host signs for the tree. Nothing here touches a disk or a clock.
//!
//! - [`entry`]: one event as one line of canonical JSON.
//! - [`merkle`]: the tree of RFC 6962, its root, and proofs of inclusion and consistency.
//! - [`tiles`]: how entries and hashes are cut into files (`c2sp.org/tlog-tiles`).
//! - [`frames`]: records of one file behind each other, and what is left of them after a kill.
//! - [`checkpoint`]: origin, size and root as a signed note (`c2sp.org/tlog-checkpoint`).
//! - [`cosignature`]: a witness's signature on a checkpoint (`c2sp.org/tlog-cosignature`).
//! - [`keys`]: the keys that sign it, one after another.
//! - [`proof`]: that an entry is in the log, as a file of its own (`c2sp.org/tlog-proof`).
//!
//! The bytes are in `docs/format/log.md`.

pub mod checkpoint;
pub mod cosignature;
pub mod entry;
pub mod frames;
pub mod keys;
pub mod merkle;
pub mod proof;
pub mod tiles;
