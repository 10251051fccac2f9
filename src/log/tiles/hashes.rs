use super::TILE_WIDTH;
use crate::crypto::Digest;
use crate::log::merkle::root_of;

const HASH_LEN: usize = 32;

/// The content of a hash tile: 1 to 256 hashes of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashTile(Vec<Digest>);

impl HashTile {
    /// A tile of these hashes; `None` unless there are 1 to 256.
    pub fn new(hashes: Vec<Digest>) -> Option<Self> {
        (1..=usize::from(TILE_WIDTH)).contains(&hashes.len()).then_some(Self(hashes))
    }

    /// Reads the file of a tile of `width` hashes, 32 bytes each.
    pub fn parse(file: &[u8], width: u16) -> Option<Self> {
        let (chunks, rest) = file.as_chunks::<HASH_LEN>();
        if !rest.is_empty() || chunks.len() != usize::from(width) {
            return None;
        }
        Self::new(chunks.iter().copied().map(Digest).collect())
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * HASH_LEN);
        for hash in &self.0 {
            out.extend_from_slice(hash.as_bytes());
        }
        out
    }

    /// The hashes, from the left.
    pub fn hashes(&self) -> &[Digest] {
        &self.0
    }

    /// Whether it holds 256.
    pub fn is_full(&self) -> bool {
        self.0.len() == usize::from(TILE_WIDTH)
    }

    /// The hash that stands for this tile one level up; `None` while it is partial.
    pub fn parent(&self) -> Option<Digest> {
        self.is_full().then(|| root_of(self.0.iter().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::merkle::leaf_hash;

    fn leaves(count: u16) -> Vec<Digest> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    #[test]
    fn a_tile_reads_as_it_is_written_at_its_width() {
        for width in [1, 2, 255, 256] {
            let tile = HashTile::new(leaves(width)).unwrap();
            let file = tile.to_bytes();
            assert_eq!(file.len(), usize::from(width) * 32);
            assert_eq!(HashTile::parse(&file, width), Some(tile));
            assert_eq!(HashTile::parse(&file, width + 1), None);
            assert_eq!(HashTile::parse(&file[1..], width), None);
            assert_eq!(HashTile::parse(&[file.as_slice(), &[0]].concat(), width), None);
        }
        assert_eq!(HashTile::new(vec![]), None);
        assert_eq!(HashTile::parse(b"", 0), None);
        assert_eq!(HashTile::new(leaves(257)), None);
    }

    #[test]
    fn only_a_full_tile_has_a_hash_one_level_up() {
        assert_eq!(HashTile::new(leaves(255)).unwrap().parent(), None);
        assert_eq!(HashTile::new(leaves(256)).unwrap().parent(), Some(root_of(leaves(256))));
    }
}
