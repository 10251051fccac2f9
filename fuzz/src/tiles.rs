use std::convert::Infallible;

use gapvault::crypto::Digest;
use gapvault::log::merkle::{
    HashReader, Node, consistency_proof, inclusion_proof, leaf_hash, root_of, tree_root, verify_consistency,
    verify_inclusion,
};
use gapvault::log::tiles::{
    HashTile, TILE_WIDTH, Tile, TileReader, TileSource, encode_bundle, parse_bundle, partial_tiles,
};

use crate::cut::Cut;

/// Paths, tiles of hashes and bundles of entries have one spelling, and what hostile tiles prove is what was hashed.
pub fn tiles(data: &[u8]) {
    if let Some(tile) = std::str::from_utf8(data).ok().and_then(Tile::parse_path) {
        assert_eq!(tile.path().as_bytes(), data);
        assert!((1..=TILE_WIDTH).contains(&tile.width()));
    }
    if let Ok(entries) = parse_bundle(data) {
        assert!(entries.len() <= usize::from(TILE_WIDTH));
        assert_eq!(encode_bundle(entries).expect("it was read"), data);
    }
    let width = u16::try_from(data.len() / 32).unwrap_or(0);
    if let Some(tile) = HashTile::parse(data, width) {
        assert_eq!(tile.to_bytes(), data);
        assert_eq!(tile.is_full(), width == TILE_WIDTH);
        assert_eq!(tile.parent(), tile.is_full().then(|| root_of(tile.hashes().iter().copied())));
    }
    grown(&mut Cut::new(data));
}

/// A tree of small tiles that somebody may have changed.
struct Changed {
    size: u64,
    at: u64,
}

impl Changed {
    fn leaf(&self, index: u64) -> Digest {
        let own = leaf_hash(&index.to_be_bytes());
        if index == self.at { Digest([0xee; 32]) } else { own }
    }
}

impl TileSource for Changed {
    type Error = Infallible;

    fn tiles(&self, wanted: &[Tile]) -> Result<Vec<HashTile>, Infallible> {
        let hashes = |tile: &Tile| {
            let first = tile.index() * u64::from(TILE_WIDTH);
            let level = partial_tiles(self.size).chain([*tile]).any(|each| each.path() == tile.path());
            assert!(level, "only tiles of this size are asked for");
            (first..first + u64::from(tile.width())).map(|index| self.leaf(index)).collect()
        };
        Ok(wanted.iter().map(|tile| HashTile::new(hashes(tile)).expect("it has a width")).collect())
    }
}

/// The hashes themselves, without tiles.
struct Plain<'a>(&'a Changed);

impl HashReader for Plain<'_> {
    type Error = Infallible;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Infallible> {
        let hash = |node: &Node| {
            let span = 1_u64 << node.level;
            root_of((node.index * span..(node.index + 1) * span).map(|index| self.0.leaf(index)))
        };
        Ok(nodes.iter().map(hash).collect())
    }
}

/// A tree of up to 255 entries, one of which is perhaps another: what is proven about each is what the plain tree says, and
/// nothing that was changed passes for what was signed.
fn grown(cut: &mut Cut<'_>) {
    let (size, old, index) = (u64::from(cut.byte()), u64::from(cut.byte()), u64::from(cut.byte()));
    let changed = Changed { size, at: u64::from(cut.byte()) };
    if size == 0 || index >= size {
        return;
    }
    let plain = root_of((0..size).map(|index| leaf_hash(&index.to_be_bytes())));
    let reader = TileReader::new(size, changed);
    let changed = Changed { size, at: reader_at(&reader, size) };
    let root = tree_root(size, &reader).expect("the tiles are there");
    assert_eq!(root, tree_root(size, &Plain(&changed)).expect("they are there"));
    assert_eq!(root == plain, changed.at >= size);
    let proof = inclusion_proof(index, size, &reader).expect("the tiles are there");
    assert!(verify_inclusion(&changed.leaf(index), index, size, &proof, &root).is_ok());
    assert_eq!(verify_inclusion(&changed.leaf(index), index, size, &proof, &plain).is_ok(), root == plain);
    if old > 0 && old <= size {
        let before = root_of((0..old).map(|index| changed.leaf(index)));
        let proof = consistency_proof(old, size, &reader).expect("the tiles are there");
        assert!(verify_consistency(old, &before, size, &root, &proof).is_ok());
    }
}

/// Which leaf is another one, as the tiles have it; the size where none is.
fn reader_at(reader: &TileReader<Changed>, size: u64) -> u64 {
    let node = |index| Node { level: 0, index };
    let read = |index| reader.read(&[node(index)]).ok().and_then(|hashes| hashes.first().copied());
    (0..size).find(|index| read(*index) == Some(Digest([0xee; 32]))).unwrap_or(size)
}
