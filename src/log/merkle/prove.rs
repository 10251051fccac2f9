use super::{MAX_TREE_SIZE, ProofError, empty_root, join_from_right};
use crate::crypto::Digest;

/// A complete subtree: the one over the entries from `index << level` up to `(index + 1) << level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Its height: 0 for the hash of one entry.
    pub level: u8,
    /// Which one it is on its level, from the left.
    pub index: u64,
}

/// Where hashes of complete subtrees come from. All that a proof needs is asked for at once.
pub trait HashReader {
    /// Why it could not be read.
    type Error;

    /// The hashes of `nodes`, in their order. They need not be right: wrong ones make a proof that does
    /// not verify.
    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Self::Error>;
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// There is none for these sizes and indexes.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The hashes could not be read.
    #[error("hashes of the tree could not be read")]
    Read(E),
    /// The reader gave another number of hashes than it was asked for.
    #[error("hashes of the tree are missing")]
    ShortRead,
}

/// The proof that entry `index` is in the tree of `size` entries: PATH of RFC 6962, section 2.1.1.
pub fn inclusion_proof<R: HashReader>(
    index: u64,
    size: u64,
    hashes: &R,
) -> Result<Vec<Digest>, ProveError<R::Error>> {
    if size > MAX_TREE_SIZE {
        return Err(ProofError::TooLarge.into());
    }
    if index >= size {
        return Err(ProofError::OutsideTree.into());
    }
    let mut siblings = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + left_size(end - start);
        if index < middle {
            siblings.push((middle, end));
            end = middle;
        } else {
            siblings.push((start, middle));
            start = middle;
        }
    }
    siblings.reverse();
    read_ranges(&siblings, hashes)
}

/// The proof that the tree of `to` entries extends the one of `from`: PROOF of RFC 6962, section 2.1.2.
/// Empty when the sizes are equal.
pub fn consistency_proof<R: HashReader>(
    from: u64,
    to: u64,
    hashes: &R,
) -> Result<Vec<Digest>, ProveError<R::Error>> {
    if to > MAX_TREE_SIZE {
        return Err(ProofError::TooLarge.into());
    }
    if from == 0 || from > to {
        return Err(ProofError::BadSizes.into());
    }
    let mut siblings = Vec::new();
    let (mut start, mut end) = (0, to);
    while end != from {
        let middle = start + left_size(end - start);
        if from <= middle {
            siblings.push((middle, end));
            end = middle;
        } else {
            siblings.push((start, middle));
            start = middle;
        }
    }
    // What begins at the left edge is the older tree itself, whose root the verifier has.
    if start > 0 {
        siblings.push((start, end));
    }
    siblings.reverse();
    read_ranges(&siblings, hashes)
}

/// The root of the tree of `size` entries.
pub fn tree_root<R: HashReader>(size: u64, hashes: &R) -> Result<Digest, ProveError<R::Error>> {
    if size > MAX_TREE_SIZE {
        return Err(ProofError::TooLarge.into());
    }
    if size == 0 {
        return Ok(empty_root());
    }
    read_ranges(&[(0, size)], hashes)?.pop().ok_or(ProveError::ShortRead)
}

/// The largest power of two below `size`, which is over 1: where RFC 6962 splits.
fn left_size(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The complete subtrees that make up the entries of `start..end`, from large to small.
fn complete_subtrees(mut start: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    while start < end {
        let level = (end - start).ilog2();
        // A level of a 64-bit size is below 64.
        nodes.push(Node { level: u8::try_from(level).unwrap_or(u8::MAX), index: start >> level });
        start += 1 << level;
    }
    nodes
}

/// The hash over each of these ranges of entries, all read together.
fn read_ranges<R: HashReader>(
    ranges: &[(u64, u64)],
    hashes: &R,
) -> Result<Vec<Digest>, ProveError<R::Error>> {
    let parts: Vec<Vec<Node>> = ranges.iter().map(|(start, end)| complete_subtrees(*start, *end)).collect();
    let nodes = parts.concat();
    let read = hashes.read(&nodes).map_err(ProveError::Read)?;
    if read.len() != nodes.len() {
        return Err(ProveError::ShortRead);
    }
    let mut rest = read.as_slice();
    let mut out = Vec::with_capacity(parts.len());
    for part in &parts {
        let (mine, others) = rest.split_at_checked(part.len()).ok_or(ProveError::ShortRead)?;
        out.push(join_from_right(mine).ok_or(ProveError::ShortRead)?);
        rest = others;
    }
    Ok(out)
}
