//! A log's files, read once from the first entry to the last: bundles are read, parsed and hashed ahead on all processors, and
//! judged in their order.

use super::ahead::in_order;
use super::judge::{Examined, Judge};
use crate::crypto::Digest;
use crate::fault::Error;
use crate::log::merkle::root_of;
use crate::log::tiles::{HashTile, TILE_HEIGHT, TILE_WIDTH, Tile, parse_bundle};

/// The files of a log, wherever they lie. Several threads read them, and what they hold need not be right.
pub trait LogFiles: Sync {
    /// The file of a bundle of entries, or `None` where there is none.
    ///
    /// # Errors
    /// What keeps it from being read though it may be there.
    fn entries(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error>;

    /// The file of a tile of hashes.
    ///
    /// # Errors
    /// What keeps it from being read though it may be there.
    fn hashes(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error>;
}

/// Is told of entries that were judged, and how many bytes they have together.
pub type Told<'a> = dyn FnMut(&[Examined], u64) + 'a;

/// Compares tiles with the entries on the way.
pub struct Reading<'a, F> {
    files: &'a F,
    /// Hashes on their way into tiles from level 1 on, and how many tiles of that level are full.
    upper: Vec<(Vec<Digest>, u64)>,
    wrong: Vec<Tile>,
}

impl<F> std::fmt::Debug for Reading<'_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reading({} wrong)", self.wrong.len())
    }
}

/// Why reading ends before the last entry.
enum End {
    /// The bundle that begins with this entry is missing, or not a bundle.
    Unreadable(u64),
    Failed(Error),
}

/// A bundle by itself.
struct Bundle {
    entries: Vec<Examined>,
    bytes: u64,
    /// The root over all 256.
    root: Option<Digest>,
    /// The tile of their hashes, if it is not what they make.
    wrong: Option<Tile>,
}

impl<'a, F: LogFiles> Reading<'a, F> {
    /// Of these files.
    pub fn of(files: &'a F) -> Self {
        Self { files, upper: Vec::new(), wrong: Vec::new() }
    }

    /// Feeds the entries of all bundles of a log of this size, the partial one too; whether all of them could be read. The
    /// judge was told of the first that could not.
    ///
    /// # Errors
    /// What keeps files from being read.
    pub fn feed(&mut self, size: u64, judge: &mut Judge<'_>, told: &mut Told<'_>) -> Result<bool, Error> {
        let (files, width) = (self.files, u64::from(TILE_WIDTH));
        let work = |index| bundle(files, size, index);
        let mut index = 0;
        let end = in_order(size.div_ceil(width), work, |found| {
            let found = std::mem::replace(found, Ok(None)).map_err(End::Failed)?;
            let bundle = found.ok_or(End::Unreadable(index * width))?;
            index += 1;
            self.take(&bundle, judge, told).map_err(End::Failed)
        });
        match end {
            Ok(()) => Ok(true),
            Err(End::Unreadable(at)) => {
                judge.unreadable(at);
                Ok(false)
            }
            Err(End::Failed(error)) => Err(error),
        }
    }

    fn take(&mut self, bundle: &Bundle, judge: &mut Judge<'_>, told: &mut Told<'_>) -> Result<(), Error> {
        judge.entries(&bundle.entries, bundle.root.map(|root| (TILE_HEIGHT, root)))?;
        told(&bundle.entries, bundle.bytes);
        self.wrong.extend(bundle.wrong);
        bundle.root.map_or(Ok(()), |root| self.push(root))
    }

    /// Takes in the hash over a full tile of level 0, and compares the tiles that become full with it.
    fn push(&mut self, root: Digest) -> Result<(), Error> {
        let mut next = root;
        for level in 1_u8.. {
            let at = usize::from(level - 1);
            if self.upper.len() <= at {
                self.upper.push(Default::default());
            }
            let Some((held, full)) = self.upper.get_mut(at) else { break };
            held.push(next);
            if held.len() < usize::from(TILE_WIDTH) {
                break;
            }
            let (hashes, place) = (std::mem::take(held), Tile::hashes(level, *full));
            *full += 1;
            next = root_of(hashes.iter().copied());
            self.compare(place, hashes)?;
        }
        Ok(())
    }

    /// Compares the partial tiles above the entries, which a folder has that was written for others.
    ///
    /// # Errors
    /// What keeps files from being read.
    pub fn compare_partial(&mut self) -> Result<(), Error> {
        for (level, (hashes, full)) in (1..).zip(std::mem::take(&mut self.upper)) {
            let width = u16::try_from(hashes.len()).unwrap_or(0);
            if let Some(place) = Tile::hashes(level, full).partial(width) {
                self.compare(place, hashes)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, place: Tile, hashes: Vec<Digest>) -> Result<(), Error> {
        let Some(tile) = HashTile::new(hashes) else { return Ok(()) };
        if is_other(self.files.hashes(place), &tile)? {
            self.wrong.push(place);
        }
        Ok(())
    }

    /// The tiles that are missing, or are not what the entries make, in the order in which they become full.
    pub fn wrong_tiles(&self) -> &[Tile] {
        &self.wrong
    }
}

/// Looks at the bundle at `index` of a log of `size` entries; `None` for a missing or another one.
fn bundle(files: &impl LogFiles, size: u64, index: u64) -> Result<Option<Bundle>, Error> {
    let width = u64::from(TILE_WIDTH);
    let held = size.saturating_sub(index.saturating_mul(width)).min(width);
    let Some(held) = u16::try_from(held).ok().filter(|held| *held > 0) else { return Ok(None) };
    let (Some(place), Some(hashes)) =
        (Tile::entries(index).partial(held), Tile::hashes(0, index).partial(held))
    else {
        return Ok(None);
    };
    let Some(file) = files.entries(place)? else { return Ok(None) };
    let records = parse_bundle(&file).ok().filter(|records| records.len() == usize::from(held));
    let Some(records) = records else { return Ok(None) };
    let bytes = records.iter().map(|record| record.len() as u64).sum();
    let entries: Vec<Examined> = records.into_iter().map(Examined::of).collect();
    let Some(tile) = HashTile::new(entries.iter().map(|examined| examined.hash).collect()) else {
        return Ok(None);
    };
    let wrong = is_other(files.hashes(hashes), &tile)?.then_some(hashes);
    Ok(Some(Bundle { root: tile.parent(), entries, bytes, wrong }))
}

/// Whether a file is not this tile.
fn is_other(file: Result<Option<Vec<u8>>, Error>, tile: &HashTile) -> Result<bool, Error> {
    Ok(file?.is_none_or(|file| file != tile.to_bytes()))
}
