use std::io;
use std::path::Path;

use super::signposts::STRIDE;
use crate::log::entry::MAX_ENTRY_LEN;
use crate::log::frames::ENTRIES;
use crate::log::tiles::{TILE_WIDTH, Tile};
use crate::store::disk::{Disk, DiskError, ReadAt};

/// Longest full bundle: 256 entries of the greatest length with their 2-byte lengths.
const BUNDLE_LIMIT: u64 = TILE_WIDTH as u64 * (MAX_ENTRY_LEN as u64 + 2);
/// Longest sixteen entries.
const SIXTEEN_LIMIT: u64 = STRIDE as u64 * (MAX_ENTRY_LEN as u64 + 2);
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

    /// The entries of a bundle up to the one at `last` at least, in a buffer of the caller's, which keeps its room; `None` where
    /// there are not so many.
    pub(super) fn entries_up_to<'b>(
        &self,
        tile: Tile,
        last: usize,
        buffer: &'b mut Vec<u8>,
    ) -> Result<Option<Vec<&'b [u8]>>, DiskError> {
        let Some(file) = self.open(tile)? else { return Ok(None) };
        let failed = |error| DiskError::new("read", &self.folder.join(tile.path()), error);
        let whole = read_up_to(&*file, last, buffer).map_err(failed)?;
        let records = ENTRIES.parse_tail(buffer.get(..whole).unwrap_or_default()).records;
        Ok(Some(records).filter(|records| records.len() > last))
    }

    /// The file of a tile or bundle, to read parts of; `None` where there is none.
    pub(super) fn open(&self, tile: Tile) -> Result<Option<Box<dyn ReadAt>>, DiskError> {
        there(self.disk.open_at(&self.folder.join(tile.path())))
    }

    /// The file of a tile of hashes; `None` where there is none.
    pub fn hashes(&self, tile: Tile) -> Result<Option<Vec<u8>>, DiskError> {
        self.read(tile, TILE_LIMIT)
    }

    fn read(&self, tile: Tile, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
        there(self.disk.read(&self.folder.join(tile.path()), limit))
    }
}

fn there<T>(result: Result<T, DiskError>) -> Result<Option<T>, DiskError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() || error.is_wrong_kind() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sixteen entries of a bundle: those that stand from one place to another, or to its end.
pub(super) fn read_sixteen<'b>(
    file: &dyn ReadAt,
    from: u64,
    to: Option<u64>,
    buffer: &'b mut Vec<u8>,
) -> Option<Vec<&'b [u8]>> {
    let to = to.map_or_else(|| file.len(), Ok).ok()?;
    let len = to.checked_sub(from).filter(|len| *len <= SIXTEEN_LIMIT)?;
    let len = usize::try_from(len).ok()?;
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    let place = buffer.get_mut(..len)?;
    let got = file.read_at(from, place).ok()?;
    ENTRIES.parse(place.get(..got)?, STRIDE).ok().filter(|records| records.len() == STRIDE)
}

/// Reads a bundle from its beginning until the record at `last` is there, or all of it; how many bytes.
fn read_up_to(file: &dyn ReadAt, last: usize, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let len = usize::try_from(file.len()?.min(BUNDLE_LIMIT)).unwrap_or(0);
    // Most entries are about as long as their neighbours.
    let mut end = len.min((len / usize::from(TILE_WIDTH) + 1).saturating_mul(last + 4));
    loop {
        if buffer.len() < end {
            buffer.resize(end, 0);
        }
        let got = file.read_at(0, buffer.get_mut(..end).unwrap_or_default())?;
        let found = ENTRIES.parse_tail(buffer.get(..got).unwrap_or_default()).records.len();
        if found > last || end == len {
            return Ok(got);
        }
        end = len.min(end.saturating_mul(2));
    }
}
