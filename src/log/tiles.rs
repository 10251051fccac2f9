//! How entries and hashes of the tree are cut into files (`c2sp.org/tlog-tiles`).
//!
//! Entries stand in bundles of 256, hashes in tiles of 256: a tile of level 0 holds the hashes of one
//! bundle's entries, a tile of the next level one hash for each full tile below. Only the last file of a
//! level is partial.
//!
//! ```
//! use gapvault::log::tiles::Tile;
//!
//! assert_eq!(Tile::entries(1_234_067).path(), "tile/entries/x001/x234/067");
//! assert_eq!(Tile::hashes(1, 0).partial(17).unwrap().path(), "tile/1/000.p/17");
//! assert_eq!(Tile::parse_path("tile/0/000"), Some(Tile::hashes(0, 0)));
//! ```

mod hashes;
mod reader;

pub use hashes::HashTile;
pub use reader::{TileReader, TileSource, TilesError};

use super::frames::{ENTRIES, FrameError};
use super::merkle::MAX_TREE_SIZE;

/// Entries of a full bundle, and hashes of a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Levels of the tree that one level of tiles spans.
pub const TILE_HEIGHT: u8 = 8;
/// The highest level of tiles that a tree of [`MAX_TREE_SIZE`] has.
pub const MAX_TILE_LEVEL: u8 = 7;

/// One file of the log: which entries or hashes it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// What a tile's file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Entries, as a bundle.
    Entries,
    /// Hashes of this level, 0 being those of entries.
    Hashes(u8),
}

impl TileKind {
    /// How many of the things it holds a tree of `size` entries has, full tiles and partial one together.
    fn count(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Hashes(level) => size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0),
        }
    }
}

impl Tile {
    /// The full bundle at `index`.
    pub fn entries(index: u64) -> Self {
        Self { kind: TileKind::Entries, index, width: TILE_WIDTH }
    }

    /// The full hash tile at `index` of `level`.
    pub fn hashes(level: u8, index: u64) -> Self {
        Self { kind: TileKind::Hashes(level), index, width: TILE_WIDTH }
    }

    /// The same place with only its first `width` things; `None` unless that is 1 to 256.
    pub fn partial(self, width: u16) -> Option<Self> {
        (1..=TILE_WIDTH).contains(&width).then_some(Self { width, ..self })
    }

    /// What it holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Which one of its kind it is, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many things it holds; 256 when it is full.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Its path below the log's folder: the index in groups of three digits, all but the last behind an
    /// `x`; `.p/<width>` unless it is full.
    pub fn path(&self) -> String {
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.push(match self.kind {
            TileKind::Entries => "tile/entries".to_owned(),
            TileKind::Hashes(level) => format!("tile/{level}"),
        });
        groups.reverse();
        let path = groups.join("/");
        if self.width == TILE_WIDTH { path } else { format!("{path}.p/{}", self.width) }
    }

    /// The tile with this path, in its one spelling; `None` for a level over [`MAX_TILE_LEVEL`] and for
    /// an index that no tree reaches.
    pub fn parse_path(path: &str) -> Option<Self> {
        let (place, width) = match path.split_once(".p/") {
            Some((place, width)) => (place, width.parse().ok()?),
            None => (path, TILE_WIDTH),
        };
        let mut parts = place.strip_prefix("tile/")?.split('/');
        let kind = match parts.next()? {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().ok().filter(|level| *level <= MAX_TILE_LEVEL)?),
        };
        let mut index: u64 = 0;
        for group in parts {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let number: u64 = digits.parse().ok()?;
            index = index.checked_mul(1000)?.checked_add(number)?;
        }
        let reached = index <= kind.count(MAX_TREE_SIZE) / u64::from(TILE_WIDTH);
        let tile = Self { kind, index, width: TILE_WIDTH }.partial(width)?;
        // Printing it again refuses other groupings, signs, and a full tile written as a partial one.
        (reached && tile.path() == path).then_some(tile)
    }
}

/// The bundles that become full when a log grows from `from` to `to` entries, in their order.
pub fn full_bundles(from: u64, to: u64) -> impl Iterator<Item = Tile> {
    full_of(TileKind::Entries, from, to)
}

/// The hash tiles that become full when a log grows from `from` to `to` entries, lower levels first.
pub fn full_hash_tiles(from: u64, to: u64) -> impl Iterator<Item = Tile> {
    (0..=MAX_TILE_LEVEL).flat_map(move |level| full_of(TileKind::Hashes(level), from, to))
}

/// The partial bundle and hash tiles at the right edge of a log of `size` entries, the bundle first. A
/// full directory of `size` has these and all full ones.
pub fn partial_tiles(size: u64) -> impl Iterator<Item = Tile> {
    let kinds = std::iter::once(TileKind::Entries).chain((0..=MAX_TILE_LEVEL).map(TileKind::Hashes));
    kinds.filter_map(move |kind| {
        let count = kind.count(size);
        let width = u16::try_from(count % u64::from(TILE_WIDTH)).ok().filter(|width| *width > 0)?;
        Some(Tile { kind, index: count / u64::from(TILE_WIDTH), width })
    })
}

fn full_of(kind: TileKind, from: u64, to: u64) -> impl Iterator<Item = Tile> {
    let full = move |size: u64| kind.count(size) / u64::from(TILE_WIDTH);
    (full(from)..full(to)).map(move |index| Tile { kind, index, width: TILE_WIDTH })
}

/// Puts entries into one file, each behind its length.
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, FrameError> {
    let mut file = Vec::new();
    for entry in entries {
        ENTRIES.append(&mut file, entry)?;
    }
    Ok(file)
}

/// The entries of a bundle: whole ones only, at most 256.
pub fn parse_bundle(file: &[u8]) -> Result<Vec<&[u8]>, FrameError> {
    ENTRIES.parse(file, usize::from(TILE_WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_those_of_the_format() {
        for (tile, path) in [
            (Tile::hashes(0, 0), "tile/0/000"),
            (Tile::hashes(7, 0), "tile/7/000"),
            (Tile::hashes(5, 999), "tile/5/999"),
            (Tile::hashes(0, 1000), "tile/0/x001/000"),
            (Tile::entries(1_234_067), "tile/entries/x001/x234/067"),
            (Tile::entries(1_000_000), "tile/entries/x001/x000/000"),
            (Tile::entries(5).partial(255).unwrap(), "tile/entries/005.p/255"),
            (Tile::hashes(2, 0).partial(1).unwrap(), "tile/2/000.p/1"),
            (Tile::entries(MAX_TREE_SIZE >> 8), "tile/entries/x036/x028/x797/x018/x963/967"),
        ] {
            assert_eq!(tile.path(), path);
            assert_eq!(Tile::parse_path(path), Some(tile));
        }
        assert_eq!(Tile::entries(0).partial(0), None);
        assert_eq!(Tile::entries(0).partial(257), None);
        for bad in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/0/x001",
            "tile/0/001/002",
            "tile/0/x001/x002",
            "tile/00/000",
            "tile/+1/000",
            "tile/8/000",
            "tile/64/000",
            "tile/7/001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p/1/2",
            "/tile/0/000",
            "tile/0/../000",
            "tile/Entries/000",
            "tile/0/x001//002",
            "tile/0/+01",
            "tile/entries/x036/x028/x797/x018/x963/968",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(Tile::parse_path(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_log_of_70000_has_the_tiles_of_the_specification() {
        let full: Vec<Tile> = full_hash_tiles(0, 70_000).collect();
        assert_eq!(full.len(), 273 + 1);
        assert_eq!(full.first(), Some(&Tile::hashes(0, 0)));
        assert_eq!(full.last(), Some(&Tile::hashes(1, 0)));
        assert_eq!(full_bundles(0, 70_000).count(), 273);
        let partial: Vec<String> = partial_tiles(70_000).map(|tile| tile.path()).collect();
        assert_eq!(
            partial,
            ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
        );
        let at_256: Vec<String> = partial_tiles(256).map(|tile| tile.path()).collect();
        assert_eq!(at_256, ["tile/1/000.p/1"]);
        assert_eq!(partial_tiles(0).count(), 0);
    }

    #[test]
    fn growth_step_by_step_and_at_once_gives_the_same_tiles() {
        let marks = [0, 1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 131_072];
        let mut steps: Vec<Tile> = Vec::new();
        for pair in marks.windows(2) {
            steps.extend(full_hash_tiles(pair[0], pair[1]));
        }
        steps.sort();
        let at_once: Vec<Tile> = full_hash_tiles(0, 131_072).collect();
        assert_eq!(steps, at_once);
        assert_eq!(full_hash_tiles(255, 256).collect::<Vec<_>>(), [Tile::hashes(0, 0)]);
        assert_eq!(
            full_hash_tiles(65_535, 65_536).collect::<Vec<_>>(),
            [Tile::hashes(0, 255), Tile::hashes(1, 0)]
        );
        assert_eq!(full_hash_tiles(256, 511).count(), 0);
        assert_eq!(full_hash_tiles(512, 256).count(), 0);
    }

    #[test]
    fn a_bundle_holds_256_entries_and_no_more() {
        let entries: Vec<Vec<u8>> = (0..257_u16).map(|n| n.to_be_bytes().to_vec()).collect();
        let slices = entries.iter().map(Vec::as_slice);
        let full = encode_bundle(slices.clone().take(256)).unwrap();
        assert_eq!(parse_bundle(&full).unwrap(), entries[..256]);
        assert_eq!(parse_bundle(&encode_bundle(slices).unwrap()), Err(FrameError::TooMany));
        assert_eq!(parse_bundle(b""), Ok(vec![]));
        assert_eq!(parse_bundle(&full[..full.len() - 1]), Err(FrameError::Torn { at: 255 * 4 }));
    }

    proptest! {
        #[test]
        fn whatever_path_is_read_prints_as_it_was(path in "tile/(entries|[0-9]{1,2})(/x?[0-9]{3}){1,3}(\\.p/[0-9]{1,3})?") {
            if let Some(tile) = Tile::parse_path(&path) {
                prop_assert_eq!(tile.path(), path);
            }
        }

        #[test]
        fn every_tile_reads_as_it_prints(level in 0..=MAX_TILE_LEVEL, index in any::<u64>(), width in 1..=TILE_WIDTH) {
            let index = index % (TileKind::Hashes(level).count(MAX_TREE_SIZE) / 256 + 1);
            let tile = Tile::hashes(level, index).partial(width).unwrap();
            prop_assert_eq!(Tile::parse_path(&tile.path()), Some(tile));
        }
    }
}
