use std::path::Path;

use crate::log::entry::MAX_ENTRY_LEN;
use crate::log::tiles::{TILE_WIDTH, Tile};
use crate::store::disk::{Disk, DiskError};

/// Longest full bundle: 256 entries of the greatest length with their 2-byte lengths.
const BUNDLE_LIMIT: u64 = TILE_WIDTH as u64 * (MAX_ENTRY_LEN as u64 + 2);
/// Longest tile of hashes.
const TILE_LIMIT: u64 = TILE_WIDTH as u64 * 32;

/// Full bundles and hash tiles as files, for several threads at once.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) folder: &'a Path,
    pub(super) size: u64,
}

impl std::fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Files({})", self.folder.display())
    }
}

impl Files<'_> {
    /// How many entries the full bundles have.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file of a bundle; `None` where there is none.
    pub fn entries(&self, tile: Tile) -> Result<Option<Vec<u8>>, DiskError> {
        self.read(tile, BUNDLE_LIMIT)
    }

    /// The file of a tile of hashes; `None` where there is none.
    pub fn hashes(&self, tile: Tile) -> Result<Option<Vec<u8>>, DiskError> {
        self.read(tile, TILE_LIMIT)
    }

    fn read(&self, tile: Tile, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
        match self.disk.read(&self.folder.join(tile.path()), limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() || error.is_wrong_kind() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
