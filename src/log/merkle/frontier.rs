use super::{MAX_TREE_SIZE, empty_root, join_from_right, node_hash};
use crate::crypto::Digest;

/// The right edge of a tree: the roots of its complete subtrees, from large to small, one for each bit
/// set in its size. It is all that is needed to append, and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Digest>,
}

impl Frontier {
    /// The tree without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the hash of the next entry.
    pub fn push(&mut self, leaf: Digest) {
        self.join(0, leaf);
    }

    /// Takes in the next `1 << level` entries by the root over them; nothing, and `false`, where no complete subtree of that
    /// height begins here.
    pub fn push_subtree(&mut self, level: u8, root: Digest) -> bool {
        let fits = level < 63 && self.size.is_multiple_of(1 << level);
        if fits {
            self.join(level, root);
        }
        fits
    }

    fn join(&mut self, level: u8, root: Digest) {
        let mut hash = root;
        // Each trailing one of the size is a complete subtree that the new one makes twice as large.
        for _ in 0..(self.size >> level).trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.hashes.push(hash);
        self.size += 1 << level;
    }

    /// How many entries it covers.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all of them.
    pub fn root(&self) -> Digest {
        join_from_right(&self.hashes).unwrap_or_else(empty_root)
    }

    /// The size, big-endian in 8 bytes, then the hashes from large to small.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.size.to_be_bytes().to_vec();
        for hash in &self.hashes {
            out.extend_from_slice(hash.as_bytes());
        }
        out
    }

    /// Reads [`Frontier::to_bytes`]; `None` unless there is exactly one hash for each bit set in a size
    /// of at most [`MAX_TREE_SIZE`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let (chunks, surplus) = rest.as_chunks::<32>();
        let complete = surplus.is_empty() && u32::try_from(chunks.len()) == Ok(size.count_ones());
        (complete && size <= MAX_TREE_SIZE)
            .then(|| Self { size, hashes: chunks.iter().copied().map(Digest).collect() })
    }
}

impl Extend<Digest> for Frontier {
    fn extend<T: IntoIterator<Item = Digest>>(&mut self, leaves: T) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}

/// The root over these leaf hashes.
pub fn root_of(leaves: impl IntoIterator<Item = Digest>) -> Digest {
    let mut frontier = Frontier::new();
    frontier.extend(leaves);
    frontier.root()
}
