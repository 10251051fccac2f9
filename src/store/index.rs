//! The live copy of the log and what is looked up in a hurry, in sled.
//!
//! Nothing here is believed: after every open, size, root and last key are compared with the segment files and
//! with the checkpoint outside the vault, and all of it can be made anew from them. `docs/ARCHITECTURE.md` says
//! why sled is handled this carefully: one flipped bit can make it open happily with fewer entries.
//!
//! One tree, prefixed keys, so that one batch is one atomic change:
//!
//! | key | value |
//! | --- | --- |
//! | `s` | [`IndexState`] |
//! | `e` epoch first-seq | [`Block`]: some entries in a row, as stored in the segments |
//! | `d` document | places of entries about it: the first is its sealing, the others are the newest ones |
//! | `a` document epoch first-seq | places that were pushed out of `d` |
//! | `m` member, `v` event, `y` day, `o` outcome other than `ok`, each with epoch and first seq | length of the run of entries |
//! | `o` alone | nothing: there are runs by outcome from the first entry on |
//! | `r` epoch seq-of-sealing | the document's [`Row`], until it is destroyed |
//! | `p` epoch seq-of-sealing | nothing: the row's sealed part is not folded in yet |
//! | `x` epoch first-seq | a sorted file with what is too old for the keys above |
//! | `k` | the cache key for the rows' sealed parts, wrapped to the catalogue key |
//!
//! sled keeps sixteen keys to a page and reads its table of pages at every start: what counts is the number of keys.
//! Rows stand in the order of sealing, since pages that were filled in no order are read in many pieces.

mod block;
mod past;
mod row;
mod runs;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{disk::Disk, os};
use crate::id::DocumentId;

pub use block::Block;
pub use past::{Past, Window};
pub use row::{IndexState, Row, RowStep};
pub use runs::Run;

/// Memory that sled may fill with pages; without a bound a million entries take 1.7 GB.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// sled writes zeros over its free segments whenever it opens; with half of its usual size there are fewer to write,
/// and its file is smaller (`docs/PERFORMANCE.md`).
const SEGMENT_BYTES: usize = 256 * 1024;

/// The index did not do its work. It is derived: nothing is lost, `rebuild` makes it anew.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is no index.
    #[error("the index is missing")]
    Missing,
    /// sled refuses, or holds what we never wrote.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// The disk refuses.
    #[error("the index could not be written")]
    Io(#[source] std::io::Error),
}

impl From<sled::Error> for IndexError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => Self::Io(error),
            other => Self::Damaged(other.to_string()),
        }
    }
}

fn damaged(what: &str) -> IndexError {
    IndexError::Damaged(what.to_owned())
}

/// How long a database of our own that was dropped can keep its file.
const LONGEST_HOLD: Duration = Duration::from_secs(5);

/// sled hides the kind of this error in its text.
fn is_held(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock || error.to_string().contains("could not acquire lock")
}

/// sled can panic on damaged data; a panic there is an error here.
fn guarded<T>(work: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(damaged("sled stopped on what it read")))
}

/// A place in the log: epoch, then sequence number. Sorts as the log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The epoch.
    pub epoch: u64,
    /// The entry in it.
    pub seq: u64,
}

impl Place {
    fn key(self, prefix: &[u8]) -> Vec<u8> {
        let mut key = prefix.to_vec();
        key.extend_from_slice(&self.epoch.to_be_bytes());
        key.extend_from_slice(&self.seq.to_be_bytes());
        key
    }

    fn of_key(key: &[u8]) -> Option<Self> {
        let (rest, seq) = key.split_last_chunk::<8>()?;
        let (_, epoch) = rest.split_last_chunk::<8>()?;
        Some(Self { epoch: u64::from_be_bytes(*epoch), seq: u64::from_be_bytes(*seq) })
    }
}

/// One atomic change, collected before it is made.
#[derive(Default)]
pub struct Change {
    batch: sled::Batch,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change(..)")
    }
}

impl Change {
    /// The index has followed the log this far.
    pub fn state(&mut self, state: &IndexState) {
        self.batch.insert(b"s".as_slice(), state.encode());
    }

    /// The live copy of some entries in a row.
    pub fn block(&mut self, block: &Block) {
        self.batch.insert(block.first().key(b"e"), block.as_bytes());
    }

    /// The places of entries about a document that [`Index::places`] gave, and new ones after them. Those before `moved`
    /// of their epoch are in sorted files, and need not stand here twice.
    pub fn places(&mut self, document: DocumentId, mut places: Vec<Place>, moved: &BTreeMap<u64, u64>) {
        if places.len() > MOST_PLACES {
            let mut out = places.split_off(1);
            out.retain(|place| moved.get(&place.epoch).is_none_or(|moved| place.seq >= *moved));
            if let Some(first) = out.first() {
                self.batch.insert(first.key(&prefixed(b'a', &document.0)), encode_places(&out));
            }
        }
        self.batch.insert(prefixed(b'd', &document.0), encode_places(&places));
    }

    /// A run of `count` entries that have a member (`m`), an event (`v`), a day (`y`) or an outcome (`o`) in common.
    pub fn run(&mut self, kind: u8, value: &[u8], first: Place, count: u64) {
        let mut prefix = prefixed(kind, value);
        prefix.push(0);
        self.batch.insert(first.key(&prefix), &count.to_be_bytes());
    }

    /// Runs by outcome are kept from the log's first entry on.
    pub fn outcomes(&mut self) {
        self.batch.insert(b"o".as_slice(), &[]);
    }

    /// A document's row; one without its sealed part waits for somebody who can fold it in.
    pub fn row(&mut self, row: &Row) {
        self.batch.insert(row.sealed.key(b"r"), row.encode());
        if row.private.is_empty() {
            self.batch.insert(row.sealed.key(b"p"), &[]);
        } else {
            self.batch.remove(row.sealed.key(b"p"));
        }
    }

    /// A destroyed document has no row.
    pub fn remove_row(&mut self, sealed: Place) {
        self.batch.remove(sealed.key(b"r"));
        self.batch.remove(sealed.key(b"p"));
    }

    /// The wrapped cache key.
    pub fn cache_key(&mut self, wrapped: &[u8]) {
        self.batch.insert(b"k".as_slice(), wrapped);
    }
}

/// Places under a document's own key, 256 bytes.
const MOST_PLACES: usize = 16;

fn encode_places(places: &[Place]) -> Vec<u8> {
    places.iter().flat_map(|place| place.key(&[])).collect()
}

fn decode_places(bytes: &[u8]) -> Result<Vec<Place>, IndexError> {
    let (places, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(damaged("unreadable places"));
    }
    places.iter().map(|place| Place::of_key(place).ok_or_else(|| damaged("unreadable places"))).collect()
}

fn block_of(key: &[u8], value: &[u8]) -> Result<Block, IndexError> {
    let first = Place::of_key(key).ok_or_else(|| damaged("unreadable key"))?;
    Block::parse(first, value.to_vec()).ok_or_else(|| damaged("unreadable entries"))
}

fn prefixed(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(value);
    key
}

/// The open index. One process at a time has it: the vault's own lock is taken first.
#[derive(Debug)]
pub struct Index {
    db: sled::Db,
    folder: PathBuf,
    past: Past,
    // After `db`, so that it goes when the database is closed.
    marker: Option<OpenMarker>,
}

/// The file that tells of an open index; removed when it was closed well, left there after a kill or an error.
pub struct OpenMarker {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    keep: AtomicBool,
}

impl std::fmt::Debug for OpenMarker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenMarker({})", self.path.display())
    }
}

impl OpenMarker {
    /// For the file at `path`, which exists.
    pub fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self { disk, path, keep: AtomicBool::new(false) }
    }
}

impl Drop for OpenMarker {
    fn drop(&mut self) {
        if !self.keep.load(Ordering::Relaxed) {
            // One that stays costs a copy of the index at the next start, nothing more.
            let _ = self.disk.remove_file(&self.path);
        }
    }
}

impl Index {
    /// Opens what is there.
    pub fn open(folder: &Path, past: Past) -> Result<Self, IndexError> {
        if !folder.join("db").is_file() {
            return Err(IndexError::Missing);
        }
        Self::open_or_create(folder, past)
    }

    /// Opens, or begins an empty one.
    ///
    /// The vault's own lock keeps other processes out, so sled's lock can only be one of our own: a database that was
    /// dropped a moment ago keeps its file until sled's writing threads have let go of it. That is waited for.
    pub fn open_or_create(folder: &Path, past: Past) -> Result<Self, IndexError> {
        let start = Instant::now();
        loop {
            match Self::open_once(folder, &past) {
                Err(IndexError::Io(error)) if is_held(&error) && start.elapsed() < LONGEST_HOLD => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                other => return other,
            }
        }
    }

    fn open_once(folder: &Path, past: &Past) -> Result<Self, IndexError> {
        // sled would make its folder for everybody; what it makes inside is then out of reach.
        if !folder.exists() {
            os::create_private_dir(folder).map_err(IndexError::Io)?;
        }
        guarded(|| {
            let db = sled::Config::new()
                .path(folder)
                .cache_capacity(CACHE_BYTES)
                .segment_size(SEGMENT_BYTES)
                // The background flush only logs its errors, so we flush ourselves.
                .flush_every_ms(None)
                .open()?;
            Ok(Self { db, folder: folder.to_owned(), past: past.clone(), marker: None })
        })
    }

    /// Takes charge of the file that tells of the open index.
    #[must_use]
    pub fn marked(mut self, marker: OpenMarker) -> Self {
        self.marker = Some(marker);
        self
    }

    /// While something is recorded and not followed to its end, the file that tells of an open index stays even when
    /// the index is closed well.
    pub fn unfinished(&self, unfinished: bool) {
        if let Some(marker) = &self.marker {
            marker.keep.store(unfinished, Ordering::Relaxed);
        }
    }

    /// How far it has come; `None` for one that holds nothing yet.
    pub fn state(&self) -> Result<Option<IndexState>, IndexError> {
        guarded(|| match self.db.get(b"s")? {
            None => Ok(None),
            Some(bytes) => IndexState::decode(&bytes).map(Some).ok_or_else(|| damaged("unreadable state")),
        })
    }

    /// The newest block of entries.
    pub fn last_block(&self) -> Result<Option<Block>, IndexError> {
        guarded(|| match self.db.scan_prefix(b"e").next_back() {
            None => Ok(None),
            Some(pair) => {
                let (key, value) = pair?;
                Ok(Some(block_of(&key, &value)?))
            }
        })
    }

    /// Makes a change, atomically, and sees it onto the disk.
    pub fn commit(&self, change: Change) -> Result<(), IndexError> {
        guarded(|| {
            self.db.apply_batch(change.batch)?;
            self.db.flush()?;
            // flush() is sync_file_range on Linux, which promises nothing after a power cut.
            let db = std::fs::File::open(self.folder.join("db")).map_err(IndexError::Io)?;
            db.sync_data().map_err(IndexError::Io)
        })
    }

    /// Where a document was sealed, if it ever was, and its row unless it was destroyed.
    pub fn document(&self, document: DocumentId) -> Result<Option<(Place, Option<Row>)>, IndexError> {
        let Some(sealed) = self.places(document)?.first().copied() else { return Ok(None) };
        Ok(Some((sealed, self.row(sealed)?)))
    }

    /// The row of the document that was sealed there.
    pub fn row(&self, sealed: Place) -> Result<Option<Row>, IndexError> {
        guarded(|| match self.db.get(sealed.key(b"r"))? {
            None => Ok(None),
            Some(bytes) => Row::decode(&bytes)
                .filter(|row| row.sealed == sealed)
                .map(Some)
                .ok_or_else(|| damaged("unreadable row")),
        })
    }

    /// The sealing of a document and the newest entries about it.
    pub fn places(&self, document: DocumentId) -> Result<Vec<Place>, IndexError> {
        guarded(|| match self.db.get(prefixed(b'd', &document.0))? {
            None => Ok(Vec::new()),
            Some(bytes) => decode_places(&bytes),
        })
    }

    /// Where documents were sealed whose row's sealed part is not folded in.
    pub fn unfolded(&self) -> Result<Vec<Place>, IndexError> {
        guarded(|| {
            let keys = self.db.scan_prefix(b"p").keys();
            keys.map(|key| Place::of_key(&key?).ok_or_else(|| damaged("unreadable key"))).collect()
        })
    }

    /// Documents whose id begins with this lower-case hex, two at most: enough to know whether one is meant.
    pub fn documents_with_prefix(&self, hex: &str) -> Result<Vec<DocumentId>, IndexError> {
        guarded(|| {
            let whole: String = hex.chars().take(hex.len() / 2 * 2).collect();
            let bytes: Vec<u8> = (0..whole.len() / 2)
                .filter_map(|index| whole.get(index * 2..index * 2 + 2))
                .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
                .collect();
            let mut found: Vec<DocumentId> = Vec::new();
            for key in self.db.scan_prefix(prefixed(b'd', &bytes)).keys() {
                let key = key?;
                let id = key.get(1..17).and_then(|id| id.try_into().ok()).map(DocumentId);
                let id = id.ok_or_else(|| damaged("unreadable key"))?;
                if id.to_string().starts_with(hex) && found.last() != Some(&id) {
                    found.push(id);
                }
                if found.len() > 1 {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// Gives every row in the order of sealing to `visit`, until it refuses.
    pub fn for_each_row(
        &self,
        mut visit: impl FnMut(Row) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        self.for_each_step(|step| step.rows().try_for_each(|row| visit(row?)))
    }

    /// The same, many rows at a time and not yet decoded, for readers that decode on a thread of their own.
    pub fn for_each_step(
        &self,
        mut visit: impl FnMut(RowStep) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        guarded(|| {
            let mut step = RowStep::default();
            for value in self.db.scan_prefix(b"r").values() {
                if !step.push(&value?) {
                    visit(std::mem::take(&mut step))?;
                }
            }
            visit(step)
        })
    }

    /// Gives every live entry in the order of the log to `visit`, until it refuses.
    pub fn for_each_entry(
        &self,
        mut visit: impl FnMut(Place, &[u8]) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        guarded(|| {
            for pair in self.db.scan_prefix(b"e") {
                let (key, value) = pair?;
                for (place, entry) in block_of(&key, &value)?.entries() {
                    visit(place, entry)?;
                }
            }
            Ok(())
        })
    }

    /// The wrapped cache key.
    pub fn cache_key(&self) -> Result<Option<Vec<u8>>, IndexError> {
        guarded(|| Ok(self.db.get(b"k")?.map(|bytes| bytes.to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Digest;
    use crate::id::MemberId;
    use crate::label::Class;
    use crate::time::Timestamp;

    fn row(id: u8) -> Row {
        Row {
            id: DocumentId([id; 16]),
            class: Class::Important,
            size: 5,
            header_len: 4096,
            header_sha256: Digest([1; 32]),
            payload_sha256: Digest([2; 32]),
            commitment: Digest([3; 32]),
            sealed_by: MemberId([4; 8]),
            sealed_at: Timestamp::from_unix_ms(-7),
            sealed: Place { epoch: 1, seq: 1 },
            keyed: Place { epoch: 1, seq: 1 },
            newest: Place { epoch: 1, seq: 9 },
            private: vec![1, 2, 3],
        }
    }

    #[test]
    fn what_was_committed_is_found_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sled");
        let past = Past::new(Arc::new(crate::store::disk::OsDisk), folder.path(), Window::default());
        assert!(matches!(Index::open(&path, past.clone()), Err(IndexError::Missing)));
        let place = |seq| Place { epoch: 1, seq };
        let index = Index::open_or_create(&path, past.clone()).unwrap();
        let mut change = Change::default();
        let state = IndexState { epoch: 1, size: 3, root: Digest([5; 32]), documents: 2 };
        change.state(&state);
        let mut block = Block::new(place(255));
        assert!(block.push(b"one") && block.push(b"two"));
        change.block(&block);
        change.row(&row(0xab));
        change.row(&Row { private: vec![], sealed: place(2), ..row(0xac) });
        change.row(&Row { sealed: place(3), ..row(0xad) });
        change.remove_row(place(3));
        let (ab, ac, ad) = (DocumentId([0xab; 16]), DocumentId([0xac; 16]), DocumentId([0xad; 16]));
        change.places(ab, vec![place(1)], &BTreeMap::new());
        change.places(ac, vec![place(2)], &BTreeMap::new());
        change.places(ad, vec![place(3)], &BTreeMap::new());
        change.run(b'm', &[4; 8], place(1), 2);
        index.commit(change).unwrap();
        drop(index);

        let index = Index::open(&path, past).unwrap();
        assert_eq!(index.state().unwrap(), Some(state));
        let last = index.last_block().unwrap().unwrap();
        assert_eq!(last.entries().last(), Some((place(256), b"two".as_slice())));
        assert_eq!(index.document(ab).unwrap(), Some((place(1), Some(row(0xab)))));
        assert_eq!(index.document(ad).unwrap(), Some((place(3), None)));
        assert_eq!(index.unfolded().unwrap(), vec![place(2)]);
        assert_eq!(index.entries_about(ad).unwrap(), vec![place(3)]);
        for seq in 300..340 {
            let places = index.places(ab).unwrap();
            assert!(places.len() <= MOST_PLACES);
            let mut change = Change::default();
            change.places(ab, [places, vec![place(seq)]].concat(), &BTreeMap::new());
            index.commit(change).unwrap();
        }
        let expected: Vec<Place> = [1].into_iter().chain(300..340).map(place).collect();
        assert_eq!(index.entries_about(ab).unwrap(), expected);
        assert_eq!(index.documents_with_prefix("abab").unwrap(), vec![DocumentId([0xab; 16])]);
        assert_eq!(index.documents_with_prefix("a").unwrap().len(), 2);
        assert_eq!(index.documents_with_prefix("abac").unwrap(), vec![]);
        let mut seen = 0;
        index
            .for_each_row(|_| {
                seen += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, 2);
    }
}
