use super::{MAX_TREE_SIZE, node_hash};
use crate::crypto::Digest;

/// Why a proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A size over [`MAX_TREE_SIZE`].
    #[error("the tree is larger than the limit")]
    TooLarge,
    /// The entry's index is not below the tree's size.
    #[error("the index is not inside the tree")]
    OutsideTree,
    /// The older tree is larger than the newer one, or empty, of which there is nothing to prove.
    #[error("the sizes of the trees have no consistency proof")]
    BadSizes,
    /// The proof has more or fewer hashes than these sizes need.
    #[error("the proof has the wrong number of hashes")]
    WrongLength,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    WrongRoot,
}

/// That the entry with this leaf hash stands at `index` in the tree of `size` entries with this root
/// (RFC 9162, section 2.1.3.2). `proof` goes from the leaf up.
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    if size > MAX_TREE_SIZE {
        return Err(ProofError::TooLarge);
    }
    if index >= size {
        return Err(ProofError::OutsideTree);
    }
    let mut path = Path { node: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match path.up()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    path.end()?;
    if hash == *root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

/// That the tree of `to` entries begins with the entries of the tree of `from` (RFC 9162, section
/// 2.1.4.2). Trees of one size need an empty proof and one root. From the empty tree nothing can be
/// proved, and the caller has to know that it begins there.
pub fn verify_consistency(
    from: u64,
    from_root: &Digest,
    to: u64,
    to_root: &Digest,
    proof: &[Digest],
) -> Result<(), ProofError> {
    if to > MAX_TREE_SIZE {
        return Err(ProofError::TooLarge);
    }
    if from == 0 || from > to {
        return Err(ProofError::BadSizes);
    }
    if from == to {
        return match (proof.is_empty(), from_root == to_root) {
            (false, _) => Err(ProofError::WrongLength),
            (true, false) => Err(ProofError::WrongRoot),
            (true, true) => Ok(()),
        };
    }
    // A complete older tree is itself a node of the newer one, so its root is not sent along.
    let (start, rest) = match proof.split_first() {
        _ if from.is_power_of_two() => (from_root, proof),
        Some((first, rest)) => (first, rest),
        None => return Err(ProofError::WrongLength),
    };
    let level = (from - 1).trailing_ones();
    let mut path = Path { node: (from - 1) >> level, last: (to - 1) >> level };
    let (mut old, mut new) = (*start, *start);
    for sibling in rest {
        match path.up()? {
            Side::Left => {
                old = node_hash(sibling, &old);
                new = node_hash(sibling, &new);
            }
            Side::Right => new = node_hash(&new, sibling),
        }
    }
    path.end()?;
    if old == *from_root && new == *to_root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

/// On which side of a node its sibling stands.
enum Side {
    Left,
    Right,
}

/// The way from a node to the root: its index on its level, and the last index there. The RFC calls
/// them `fn` and `sn`.
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    /// Where the next sibling stands; refused when the root has been reached.
    fn up(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::WrongLength);
        }
        let side = if self.node & 1 == 1 || self.node == self.last {
            // The last node of a level without a sibling on its right is handed up as it is. It is not
            // the first one too, or it would be the root.
            self.shift(self.node.trailing_zeros());
            Side::Left
        } else {
            Side::Right
        };
        self.shift(1);
        Ok(side)
    }

    fn shift(&mut self, levels: u32) {
        self.node >>= levels;
        self.last >>= levels;
    }

    /// Whether the root has been reached.
    fn end(&self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::WrongLength) }
    }
}
