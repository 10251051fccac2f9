//! The Merkle tree of RFC 6962 with SHA-256: hashes, the growing edge, proofs.
//!
//! ```
//! use gapvault::log::merkle::{Frontier, leaf_hash, node_hash};
//!
//! let mut tree = Frontier::new();
//! tree.push(leaf_hash(b"first"));
//! tree.push(leaf_hash(b"second"));
//! assert_eq!(tree.size(), 2);
//! assert_eq!(tree.root(), node_hash(&leaf_hash(b"first"), &leaf_hash(b"second")));
//! ```

mod frontier;
mod prove;
mod verify;

pub use frontier::{Frontier, root_of};
pub use prove::{HashReader, Node, ProveError, consistency_proof, inclusion_proof, tree_root};
pub use verify::{ProofError, verify_consistency, verify_inclusion};

use crate::crypto::{Digest, Hasher};

/// Most entries of a tree, 2^63 − 1: what others who use signed 64-bit sizes can also say.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// The hash of an entry: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0]);
    hasher.update(entry);
    hasher.finish()
}

/// The hash of two neighbouring subtrees: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    // In one piece: for so few bytes, collecting pieces takes as long as hashing them.
    let mut bytes = [1; 65];
    let (children, _) = bytes.split_at_mut(1).1.as_chunks_mut::<32>();
    for (slot, child) in children.iter_mut().zip([left, right]) {
        *slot = child.0;
    }
    Digest::of(&bytes)
}

/// The root of the tree without entries: `SHA-256("")`.
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// The root of subtrees that follow each other from large to small, joined from the right.
fn join_from_right(hashes: &[Digest]) -> Option<Digest> {
    let (last, before) = hashes.split_last()?;
    Some(before.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

#[cfg(test)]
mod tests;
