//! The log's files: full bundles, the tail, and the hash tiles over them, laid out as `c2sp.org/tlog-tiles`.
//!
//! Entries are the truth; hash tiles are made from them and checked against the signed root. The tail holds what
//! follows the last full bundle. After a kill it can still begin earlier (the bundles were cut, the tail not yet
//! shortened; then both must say the same) or end in half a record (dropped, since nothing was promised for it).

mod files;
mod proven;
mod rebuild;
mod signposts;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use files::Files;
pub use proven::Wanted;
pub use signposts::Signposts;

use super::disk::{Disk, DiskError, append_durably, write_durably, write_many_durably};
use crate::crypto::Digest;
use crate::log::entry::Entry;
use crate::log::frames::ENTRIES;
use crate::log::merkle::{
    Frontier, HashReader, Node, inclusion_proof, leaf_hash, node_hash, verify_inclusion,
};
use crate::log::tiles::{self, TILE_HEIGHT, Tile};

/// Longest tail: what one command may append at once, and the bundle before it.
const TAIL_LIMIT: u64 = 256 * 1024 * 1024;
/// Entries of a bundle and hashes of a tile, as the width of our counts.
const TILE_WIDTH: u64 = tiles::TILE_WIDTH as u64;

/// Bundles that are kept in memory: where documents are taken in the order of their sealing, the entries of their sealing, of
/// their file keys and of their newest headers each come from one after the other.
const BUNDLES_KEPT: usize = 3;
/// Hashes of subtrees from this height on are kept, one for each sixteen entries; lower ones are quickly made.
const KEPT_LEVEL: u8 = 4;

/// The log's files are not what a log is made of.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// An entry, or the place where one should be, is wrong.
    #[error("the log is damaged at entry {at}")]
    Entry {
        /// The first entry that is not as it should be.
        at: u64,
    },
    /// A hash tile is missing or has the wrong length.
    #[error("hash tile {level}/{index} is damaged")]
    Tile {
        /// The tile's level.
        level: u8,
        /// Which one on its level.
        index: u64,
    },
}

/// The files of one epoch of the log.
pub struct Segments {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    bundles: u64,
    tail: Vec<Vec<u8>>,
    tail_hashes: Vec<Digest>,
    untidy: bool,
    tiles: RefCell<HashMap<(u8, u64), Vec<Digest>>>,
    /// Hashes over complete subtrees of some height; what is complete does not change any more.
    nodes: RefCell<HashMap<(u8, u64), Digest>>,
    /// The bundles that were read last, the newest in front: whoever wants one entry mostly wants its neighbours too.
    bundles_read: RefCell<Vec<(u64, Vec<Vec<u8>>)>>,
}

impl std::fmt::Debug for Segments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Segments({} bundles, {} in the tail)", self.bundles, self.tail.len())
    }
}

impl Segments {
    /// Reads the tail and counts the bundles, looking near the size that is expected.
    pub fn read(disk: Arc<dyn Disk>, folder: &Path, expected_size: u64) -> Result<Self, SegmentError> {
        let mut bundles = expected_size / TILE_WIDTH;
        let exists = |index: u64| disk.exists(&folder.join(Tile::entries(index).path()));
        while bundles > 0 && !exists(bundles - 1)? {
            bundles -= 1;
        }
        while exists(bundles)? {
            bundles += 1;
        }
        let mut segments = Self {
            disk,
            folder: folder.to_owned(),
            bundles,
            tail: Vec::new(),
            tail_hashes: Vec::new(),
            untidy: false,
            tiles: RefCell::default(),
            nodes: RefCell::default(),
            bundles_read: RefCell::default(),
        };
        segments.read_tail()?;
        Ok(segments)
    }

    fn tail_path(&self) -> PathBuf {
        self.folder.join("tail")
    }

    fn read_tail(&mut self) -> Result<(), SegmentError> {
        let bytes = match self.disk.read(&self.tail_path(), TAIL_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) if error.is_wrong_kind() => {
                return Err(SegmentError::Entry { at: self.bundles * TILE_WIDTH });
            }
            Err(error) => return Err(error.into()),
        };
        let cut = self.bundles * TILE_WIDTH;
        let parsed = ENTRIES.parse_tail(&bytes);
        self.untidy = parsed.rest.is_some();
        let Some(first) = parsed.records.first() else { return Ok(()) };
        let start = Entry::parse(first).map_err(|_| SegmentError::Entry { at: cut })?.seq();
        if start % TILE_WIDTH != 0 || start > cut {
            return Err(SegmentError::Entry { at: cut });
        }
        // Bundles that a kill left beside a tail which still has their entries must say the same; they and their
        // tiles are then written once more.
        let end = start + parsed.records.len() as u64;
        for (record, seq) in parsed.records.iter().zip(start..cut) {
            if self.entry(seq)? != *record {
                return Err(SegmentError::Entry { at: seq });
            }
        }
        if end < cut {
            return Err(SegmentError::Entry { at: end });
        }
        self.untidy |= start < cut;
        self.bundles = start / TILE_WIDTH;
        for (record, seq) in parsed.records.iter().zip(start..) {
            match Entry::parse(record) {
                Ok(entry) if entry.seq() == seq => {}
                _ => return Err(SegmentError::Entry { at: seq }),
            }
            self.tail_hashes.push(leaf_hash(record));
            self.tail.push(record.to_vec());
        }
        Ok(())
    }

    /// How many entries there are.
    pub fn size(&self) -> u64 {
        self.bundles * TILE_WIDTH + self.tail.len() as u64
    }

    /// Whether the tail needs to be written anew before it is appended to.
    pub fn is_untidy(&self) -> bool {
        self.untidy || self.tail.len() as u64 >= TILE_WIDTH
    }

    /// One entry's bytes.
    pub fn entry(&self, seq: u64) -> Result<Vec<u8>, SegmentError> {
        let cut = self.bundles * TILE_WIDTH;
        if seq >= cut {
            let at = usize::try_from(seq - cut).ok();
            let found = at.and_then(|at| self.tail.get(at));
            return found.cloned().ok_or(SegmentError::Entry { at: seq });
        }
        let index = seq / TILE_WIDTH;
        let mut read = self.bundles_read.borrow_mut();
        match read.iter().position(|(known, _)| *known == index) {
            Some(at) => read.get_mut(..=at).unwrap_or_default().rotate_right(1),
            None => {
                read.truncate(BUNDLES_KEPT - 1);
                read.insert(0, (index, self.bundle(index)?));
            }
        }
        let at = usize::try_from(seq % TILE_WIDTH).unwrap_or(usize::MAX);
        let found = read.first().and_then(|(_, bundle)| bundle.get(at));
        found.cloned().ok_or(SegmentError::Entry { at: seq })
    }

    /// One entry's bytes, proven to be in the tree whose root is the signed one.
    pub fn proven_entry(&self, seq: u64) -> Result<Vec<u8>, SegmentError> {
        let wrong = || SegmentError::Entry { at: seq };
        let bytes = self.entry(seq)?;
        let proof = inclusion_proof(seq, self.size(), self).map_err(|_| wrong())?;
        let root = self.root(self.size())?;
        verify_inclusion(&leaf_hash(&bytes), seq, self.size(), &proof, &root).map_err(|_| wrong())?;
        Ok(bytes)
    }

    /// The files of full bundles and tiles.
    pub fn files(&self) -> Files<'_> {
        Files { disk: &*self.disk, folder: &self.folder, size: self.bundles * TILE_WIDTH }
    }

    /// The entries that follow the full bundles.
    pub fn tail(&self) -> &[Vec<u8>] {
        &self.tail
    }

    /// The 256 entries of a full bundle.
    pub fn bundle(&self, index: u64) -> Result<Vec<Vec<u8>>, SegmentError> {
        let bad = || SegmentError::Entry { at: index * TILE_WIDTH };
        let bytes = self.files().entries(Tile::entries(index))?.ok_or_else(bad)?;
        let records = ENTRIES.parse(&bytes, 256).map_err(|_| bad())?;
        if records.len() as u64 != TILE_WIDTH {
            return Err(bad());
        }
        Ok(records.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// Gives the entries from `from` up to `to` to `visit`, one bundle in memory at a time.
    pub fn for_each<E: From<SegmentError>>(
        &self,
        from: u64,
        to: u64,
        mut visit: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let cut = self.bundles * TILE_WIDTH;
        let mut seq = from;
        while seq < to {
            let (start, entries) = if seq < cut {
                let index = seq / TILE_WIDTH;
                (index * TILE_WIDTH, self.bundle(index)?)
            } else {
                (cut, self.tail.clone())
            };
            for (entry, at) in entries.iter().zip(start..).filter(|(_, at)| (from..to).contains(at)) {
                visit(at, entry)?;
            }
            let next = start + entries.len() as u64;
            if next <= seq {
                return Err(SegmentError::Entry { at: seq }.into());
            }
            seq = next;
        }
        Ok(())
    }

    /// The right edge of the tree over the first `size` entries, taken from the tiles.
    pub fn frontier(&self, size: u64) -> Result<Frontier, SegmentError> {
        if size > self.size() {
            return Err(SegmentError::Entry { at: self.size() });
        }
        let mut bytes = size.to_be_bytes().to_vec();
        let mut start = 0;
        for level in (0..64_u8).rev().filter(|level| size >> level & 1 == 1) {
            bytes.extend_from_slice(self.node(level, start >> level)?.as_bytes());
            start += 1 << level;
        }
        Frontier::from_bytes(&bytes).ok_or(SegmentError::Entry { at: size })
    }

    /// The root over the first `size` entries.
    pub fn root(&self, size: u64) -> Result<Digest, SegmentError> {
        Ok(self.frontier(size)?.root())
    }

    /// The hash of a complete subtree.
    fn node(&self, level: u8, index: u64) -> Result<Digest, SegmentError> {
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        if level < KEPT_LEVEL {
            let positions = index << height..(index + 1) << height;
            let hashes = positions.map(|position| self.tile_hash(tile_level, position));
            return Ok(fold(hashes.collect::<Result<_, _>>()?));
        }
        self.kept(level, index, || match height {
            0 => self.tile_hash(tile_level, index),
            // Both halves are kept as well: whoever wants this one wants others of the same tile.
            _ => Ok(node_hash(&self.node(level - 1, index * 2)?, &self.node(level - 1, index * 2 + 1)?)),
        })
    }

    /// What was made once of a complete subtree, or is made now.
    fn kept(
        &self,
        level: u8,
        index: u64,
        make: impl FnOnce() -> Result<Digest, SegmentError>,
    ) -> Result<Digest, SegmentError> {
        if let Some(hash) = self.nodes.borrow().get(&(level, index)) {
            return Ok(*hash);
        }
        let hash = make()?;
        self.nodes.borrow_mut().insert((level, index), hash);
        Ok(hash)
    }

    /// The hash at a position of a tile level: read from a full tile, or made from the level below.
    fn tile_hash(&self, level: u8, position: u64) -> Result<Digest, SegmentError> {
        let tile = position / TILE_WIDTH;
        let within = usize::try_from(position % TILE_WIDTH).unwrap_or(usize::MAX);
        let damaged = SegmentError::Tile { level, index: tile };
        let span = 1_u64 << (TILE_HEIGHT * (level + 1)).min(63);
        if (tile + 1).saturating_mul(span) <= self.bundles * TILE_WIDTH {
            self.load_tile(level, tile)?;
            let tiles = self.tiles.borrow();
            return tiles.get(&(level, tile)).and_then(|hashes| hashes.get(within)).copied().ok_or(damaged);
        }
        if level > 0 {
            return self.hash_above(level, position);
        }
        let at = position.checked_sub(self.bundles * TILE_WIDTH).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.tail_hashes.get(at)).copied().ok_or(damaged)
    }

    /// The hash at a position of a tile level, made from the 256 below it.
    fn hash_above(&self, level: u8, position: u64) -> Result<Digest, SegmentError> {
        self.kept(level * TILE_HEIGHT, position, || {
            let below = position * TILE_WIDTH..(position + 1) * TILE_WIDTH;
            Ok(fold(below.map(|position| self.tile_hash(level - 1, position)).collect::<Result<_, _>>()?))
        })
    }

    fn load_tile(&self, level: u8, index: u64) -> Result<(), SegmentError> {
        if self.tiles.borrow().contains_key(&(level, index)) {
            return Ok(());
        }
        let damaged = || SegmentError::Tile { level, index };
        let bytes = self.files().hashes(Tile::hashes(level, index))?.ok_or_else(damaged)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() as u64 != TILE_WIDTH || !rest.is_empty() {
            return Err(damaged());
        }
        let hashes = hashes.iter().copied().map(Digest).collect();
        self.tiles.borrow_mut().insert((level, index), hashes);
        Ok(())
    }

    /// Appends records to the tail and sees them onto the disk. The hashes are those of the records.
    pub fn append(&mut self, records: Vec<Vec<u8>>, hashes: Vec<Digest>) -> Result<(), DiskError> {
        append_durably(&*self.disk, &self.tail_path(), &framed(&records))?;
        self.tail.extend(records);
        self.tail_hashes.extend(hashes);
        Ok(())
    }

    /// Forgets the entries of the tail from `size` on; the next tidying takes them out of the file.
    pub(super) fn withdraw(&mut self, size: u64) -> Result<(), SegmentError> {
        let keep = size.checked_sub(self.bundles * TILE_WIDTH).and_then(|keep| usize::try_from(keep).ok());
        let keep = keep.filter(|keep| *keep <= self.tail.len()).ok_or(SegmentError::Entry { at: size })?;
        self.tail.truncate(keep);
        self.tail_hashes.truncate(keep);
        self.nodes.borrow_mut().clear();
        self.untidy = true;
        Ok(())
    }

    /// Cuts full bundles off the tail, writes their hash tiles, and writes the tail anew through a new file.
    ///
    /// Bundles come first, so that an entry is always in one of the two places, and for a moment in both.
    pub fn tidy(&mut self) -> Result<(), SegmentError> {
        let width = usize::try_from(TILE_WIDTH).unwrap_or(256);
        let mut files = Vec::new();
        let mut cut = 0;
        for (records, hashes) in self.tail.chunks_exact(width).zip(self.tail_hashes.chunks_exact(width)) {
            files.push((self.folder.join(Tile::entries(self.bundles).path()), framed(records)));
            files.push((self.folder.join(Tile::hashes(0, self.bundles).path()), joined(hashes)));
            self.tiles.borrow_mut().insert((0, self.bundles), hashes.to_vec());
            self.bundles += 1;
            cut += width;
            self.upper_tiles(&mut files)?;
        }
        self.tail.drain(..cut);
        self.tail_hashes.drain(..cut);
        write_many_durably(&*self.disk, &files)?;
        write_durably(&*self.disk, &self.tail_path(), &framed(&self.tail))?;
        self.untidy = false;
        Ok(())
    }

    /// The tiles above that the newest bundle completes.
    fn upper_tiles(&self, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<(), SegmentError> {
        let mut count = self.bundles;
        let mut level = 1;
        while count.is_multiple_of(TILE_WIDTH) {
            let index = count / TILE_WIDTH - 1;
            let hashes = (index * TILE_WIDTH..(index + 1) * TILE_WIDTH)
                .map(|position| self.hash_above(level, position))
                .collect::<Result<Vec<_>, _>>()?;
            files.push((self.folder.join(Tile::hashes(level, index).path()), joined(&hashes)));
            self.tiles.borrow_mut().insert((level, index), hashes);
            count /= TILE_WIDTH;
            level += 1;
        }
        Ok(())
    }
}

impl HashReader for Segments {
    type Error = SegmentError;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, SegmentError> {
        nodes.iter().map(|node| self.node(node.level, node.index)).collect()
    }
}

/// The root of a complete subtree over these hashes; their number is a power of two.
fn fold(mut hashes: Vec<Digest>) -> Digest {
    while hashes.len() > 1 {
        hashes = hashes
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node_hash(left, right)),
                [single] => Some(*single),
                _ => None,
            })
            .collect();
    }
    hashes.first().copied().unwrap_or(Digest([0; 32]))
}

fn framed(records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        // An entry is within the limit by its type.
        let _ = ENTRIES.append(&mut bytes, record);
    }
    bytes
}

fn joined(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
