//! What the live index has handed over to sorted files, and which files those are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Change, Index, IndexError, Place, block_of, damaged, decode_places, guarded};
use crate::crypto::Digest;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::sorted::{Head, SortedFile, Span};

/// How many entries stay in the live index, and in what steps the others leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// At least so many newest entries of an epoch stay; at least 1.
    pub keep: u64,
    /// Entries that leave at once; at least 1.
    pub step: u64,
    /// So many files of one size become one; at least 2.
    pub fan: u64,
    /// Entries that a file is about at most: what becoming one costs at most.
    pub largest: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self { keep: 100_000, step: 32_768, fan: 4, largest: 64 * 32_768 }
    }
}

/// Where sorted files lie, and those that are open.
#[derive(Clone)]
pub struct Past {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    window: Window,
    open: Arc<Mutex<BTreeMap<Span, Arc<SortedFile>>>>,
}

impl std::fmt::Debug for Past {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Past({})", self.folder.display())
    }
}

impl Past {
    /// In this folder.
    pub fn new(disk: Arc<dyn Disk>, folder: &Path, window: Window) -> Self {
        Self { disk, folder: folder.to_owned(), window, open: Arc::default() }
    }

    /// The disk.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many entries stay live.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The name of a file.
    pub fn path(&self, span: Span) -> PathBuf {
        self.folder.join(format!("{}-{}-{}.idx", span.epoch, span.first, span.end))
    }

    /// The name of the file of an epoch's signposts.
    pub fn signposts(&self, epoch: u64) -> PathBuf {
        self.folder.join(format!("{epoch}.posts"))
    }

    /// A file that the index names.
    pub fn file(&self, head: Head) -> Result<Arc<SortedFile>, IndexError> {
        // Whoever panicked while holding this left whole files in it.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&head.span) {
            return Ok(file.clone());
        }
        let file = Arc::new(SortedFile::open(&*self.disk, &self.path(head.span), head)?);
        open.insert(head.span, file.clone());
        Ok(file)
    }

    /// Lets go of a file that is not in force any more.
    pub fn close(&self, span: Span) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&span);
    }
}

impl Change {
    /// Puts a sorted file in force.
    pub fn list(&mut self, head: &Head) {
        let mut value = head.span.end.to_be_bytes().to_vec();
        value.extend_from_slice(&head.records.to_be_bytes());
        value.extend_from_slice(&head.digest.0);
        self.batch.insert(first_of(head.span).key(b"x"), value);
    }

    /// Takes a sorted file out of force.
    pub fn unlist(&mut self, span: Span) {
        self.batch.remove(first_of(span).key(b"x"));
    }
}

fn first_of(span: Span) -> Place {
    Place { epoch: span.epoch, seq: span.first }
}

fn head_of(key: &[u8], value: &[u8]) -> Option<Head> {
    let first = Place::of_key(key)?;
    let (end, value) = value.split_first_chunk::<8>()?;
    let (records, digest) = value.split_first_chunk::<8>()?;
    let span = Span { epoch: first.epoch, first: first.seq, end: u64::from_be_bytes(*end) };
    let digest = Digest(digest.try_into().ok()?);
    (!span.is_empty()).then_some(Head { span, records: u64::from_be_bytes(*records), digest })
}

/// Keys that are removed in one change.
const REMOVED_AT_ONCE: usize = 2 * 1024;

impl Index {
    /// The sorted files.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Every sorted file in force, in the order of the log. Those of an epoch follow each other from its first entry on.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] where one is missing between others.
    pub fn listed(&self) -> Result<Vec<Head>, IndexError> {
        let mut heads: Vec<Head> = Vec::new();
        guarded(|| {
            for pair in self.db.scan_prefix(b"x") {
                let (key, value) = pair?;
                let head = head_of(&key, &value).ok_or_else(|| damaged("unreadable key"))?;
                let before = heads.last().filter(|last| last.span.epoch == head.span.epoch);
                if head.span.first != before.map_or(0, |last| last.span.end) {
                    return Err(damaged("a sorted file is missing"));
                }
                heads.push(head);
            }
            Ok(())
        })?;
        Ok(heads)
    }

    /// For each epoch the first entry that is not in sorted files.
    pub fn moved(&self) -> Result<BTreeMap<u64, u64>, IndexError> {
        Ok(self.listed()?.iter().map(|head| (head.span.epoch, head.span.end)).collect())
    }

    /// Opens every sorted file: each is there and is the one that was put in force, and live entries go on where those of
    /// this epoch end.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] otherwise.
    pub fn open_past(&self, epoch: u64) -> Result<(), IndexError> {
        self.listed()?.into_iter().try_for_each(|head| self.past.file(head).map(|_| ()))?;
        let moved = self.moved()?.get(&epoch).copied().unwrap_or(0);
        guarded(|| {
            let first = self.db.range(Place { epoch, seq: 0 }.key(b"e")..).next().transpose()?;
            let first = first.and_then(|(key, _)| key.strip_prefix(b"e").and_then(Place::of_key));
            if first.is_some_and(|first| first.epoch == epoch && first.seq > moved) {
                return Err(damaged("old entries are missing"));
            }
            Ok(())
        })
    }

    /// Removes what sorted files have and no entry beyond needs. What a kill leaves of it does no harm, and goes the
    /// next time.
    pub fn clear_moved(&self) -> Result<(), StoreError> {
        let ends = self.moved()?;
        let moved = |first: Place, count: u64| {
            let end = first.seq.checked_add(count);
            end.is_some_and(|end| ends.get(&first.epoch).is_some_and(|moved| end <= *moved))
        };
        for (epoch, end) in &ends {
            let [from, to] = [0, *end].map(|seq| Place { epoch: *epoch, seq }.key(b"e"));
            self.remove_where(self.db.range(from..to), |key, value| {
                let block = block_of(key, value)?;
                Ok(moved(block.first(), block.next().seq - block.first().seq))
            })?;
        }
        for kind in *b"vmy" {
            self.remove_where(self.db.scan_prefix([kind]), |key, value| {
                let first = Place::of_key(key).ok_or_else(|| damaged("unreadable key"))?;
                Ok(moved(first, super::runs::count_of(value)?))
            })?;
        }
        self.remove_where(self.db.scan_prefix(b"a"), |_, value| {
            Ok(decode_places(value)?.into_iter().all(|place| moved(place, 1)))
        })
    }

    fn remove_where(
        &self,
        mut keys: sled::Iter,
        mut goes: impl FnMut(&[u8], &[u8]) -> Result<bool, IndexError>,
    ) -> Result<(), StoreError> {
        loop {
            let (mut change, mut count) = (Change::default(), 0);
            guarded(|| {
                for pair in keys.by_ref() {
                    let (key, value) = pair?;
                    if goes(&key, &value)? {
                        change.batch.remove(key);
                        count += 1;
                    }
                    if count == REMOVED_AT_ONCE {
                        break;
                    }
                }
                Ok(())
            })?;
            if count == 0 {
                return Ok(());
            }
            self.past.disk.mark("index")?;
            self.commit(change)?;
        }
    }
}
