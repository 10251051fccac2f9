use std::collections::BTreeSet;

use super::{HashTile, TILE_HEIGHT, TILE_WIDTH, Tile, TileKind};
use crate::crypto::Digest;
use crate::log::merkle::{HashReader, Node, root_of};

/// Where hash tiles come from.
pub trait TileSource {
    /// Why they could not be read.
    type Error;

    /// These tiles, in their order, each of the width it names or wider.
    fn tiles(&self, wanted: &[Tile]) -> Result<Vec<HashTile>, Self::Error>;
}

/// Why hashes could not be taken out of tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TilesError<E> {
    /// The source could not read.
    #[error("tiles could not be read")]
    Read(E),
    /// A tile is narrower than the tree's size demands, missing, or the hash is outside the tree.
    #[error("a hash of the tree is not in its tiles")]
    Missing,
}

/// Hashes of a tree of a given size, taken out of its tiles; for proofs.
#[derive(Debug, Clone)]
pub struct TileReader<S> {
    size: u64,
    source: S,
}

impl<S: TileSource> TileReader<S> {
    /// Reads the tree of `size` entries.
    pub fn new(size: u64, source: S) -> Self {
        Self { size, source }
    }

    /// The tile that holds what `node` is made of, and which of its hashes.
    fn place(&self, node: &Node) -> Option<(Tile, std::ops::Range<usize>)> {
        let kind = TileKind::Hashes(node.level / TILE_HEIGHT);
        let span = 1_u64 << (node.level % TILE_HEIGHT);
        let first = node.index.checked_mul(span)?;
        let width = u64::from(TILE_WIDTH);
        let (index, offset) = (first / width, first % width);
        let held = kind.count(self.size).checked_sub(index * width)?.min(width);
        let range = usize::try_from(offset).ok()?..usize::try_from(offset + span).ok()?;
        let tile = Tile { kind, index, width: u16::try_from(held).ok().filter(|held| *held > 0)? };
        (offset + span <= held).then_some((tile, range))
    }
}

impl<S: TileSource> HashReader for TileReader<S> {
    type Error = TilesError<S::Error>;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Self::Error> {
        let places: Vec<_> =
            nodes.iter().map(|node| self.place(node)).collect::<Option<_>>().ok_or(TilesError::Missing)?;
        let wanted: BTreeSet<Tile> = places.iter().map(|(tile, _)| *tile).collect();
        let wanted: Vec<Tile> = wanted.into_iter().collect();
        let tiles = self.source.tiles(&wanted).map_err(TilesError::Read)?;
        let hash = |(tile, range): &(Tile, std::ops::Range<usize>)| {
            let found = wanted.binary_search(tile).ok()?;
            let hashes = tiles.get(found)?.hashes().get(range.clone())?;
            Some(root_of(hashes.iter().copied()))
        };
        places.iter().map(hash).collect::<Option<_>>().ok_or(TilesError::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::merkle::{
        Frontier, consistency_proof, inclusion_proof, leaf_hash, tree_root, verify_consistency,
        verify_inclusion,
    };
    use crate::log::tiles::{full_hash_tiles, partial_tiles};
    use std::collections::BTreeMap;

    /// All tiles of a log, built as a log builds them: level by level, from the tiles below.
    struct Built(BTreeMap<(TileKind, u64), HashTile>);

    impl Built {
        fn new(leaves: &[Digest]) -> Self {
            let mut levels = vec![leaves.to_vec()];
            for level in 1..3 {
                let below: Vec<Digest> = levels[level - 1].chunks_exact(256).map(parent).collect();
                levels.push(below);
            }
            let size = leaves.len() as u64;
            let mut built = BTreeMap::new();
            for tile in full_hash_tiles(0, size).chain(partial_tiles(size)) {
                let TileKind::Hashes(level) = tile.kind() else { continue };
                let start = tile.index() as usize * 256;
                let hashes = &levels[usize::from(level)][start..start + usize::from(tile.width())];
                built.insert((tile.kind(), tile.index()), HashTile::new(hashes.to_vec()).unwrap());
            }
            Self(built)
        }
    }

    fn parent(hashes: &[Digest]) -> Digest {
        HashTile::new(hashes.to_vec()).unwrap().parent().unwrap()
    }

    impl TileSource for &Built {
        type Error = Tile;

        fn tiles(&self, wanted: &[Tile]) -> Result<Vec<HashTile>, Tile> {
            let find = |tile: &Tile| self.0.get(&(tile.kind(), tile.index())).cloned().ok_or(*tile);
            wanted.iter().map(find).collect()
        }
    }

    #[test]
    fn proofs_out_of_tiles_verify_over_three_levels() {
        let leaves: Vec<Digest> = (0..65_800_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let built = Built::new(&leaves);
        let mut frontier = Frontier::new();
        let mut earlier: Vec<(u64, Digest)> = Vec::new();
        for leaf in &leaves {
            frontier.push(*leaf);
            let size = frontier.size();
            let near_border = [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_800];
            if !near_border.contains(&size) {
                continue;
            }
            let reader = TileReader::new(size, &built);
            let root = frontier.root();
            assert_eq!(tree_root(size, &reader), Ok(root));
            for index in [0, 1, 254, 255, 256, 257, 4095, 65_535, 65_536, size - 1] {
                if index < size {
                    let proof = inclusion_proof(index, size, &reader).unwrap();
                    assert_eq!(verify_inclusion(&leaves[index as usize], index, size, &proof, &root), Ok(()));
                }
            }
            for (from, old) in &earlier {
                let proof = consistency_proof(*from, size, &reader).unwrap();
                assert_eq!(verify_consistency(*from, old, size, &root, &proof), Ok(()));
            }
            earlier.push((size, root));
        }
    }

    #[test]
    fn what_is_outside_the_tree_or_its_tiles_is_missing() {
        let leaves: Vec<Digest> = (0..300_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let built = Built::new(&leaves);
        let read = |size, level, index| TileReader::new(size, &built).read(&[Node { level, index }]);
        assert_eq!(read(300, 0, 299), Ok(vec![leaves[299]]));
        assert_eq!(read(300, 0, 300), Err(TilesError::Missing));
        assert_eq!(read(299, 0, 299), Err(TilesError::Missing));
        assert_eq!(read(300, 8, 1), Err(TilesError::Missing));
        assert_eq!(read(300, 63, 1), Err(TilesError::Missing));
        assert_eq!(read(300, u8::MAX, 0), Err(TilesError::Missing));
        assert_eq!(read(300, 7, u64::MAX), Err(TilesError::Missing));
        // A log that says it is larger than its tiles are.
        assert_eq!(read(301, 0, 300), Err(TilesError::Missing));
        assert!(matches!(read(600, 0, 599), Err(TilesError::Read(_))));
    }
}
