//! Reading such a file: one page at a time, each checked.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{BODY, Head, Level, PAGE, PER_PAGE, PREFIX, RECORD, Record, Span, damaged, levels, prefix, sum};
use crate::store::disk::{Disk, ReadAt};
use crate::store::index::IndexError;

/// Pages above the records that are kept: they lead to all of them, and are few.
const KEPT: usize = 256;

/// A file that was opened, and whose head is what the index says.
pub struct SortedFile {
    file: Box<dyn ReadAt>,
    head: Head,
    levels: Vec<Level>,
    upper: Mutex<HashMap<u64, Arc<Page>>>,
}

impl std::fmt::Debug for SortedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SortedFile({:?})", self.head.span)
    }
}

/// A page whose sum was right.
struct Page([u8; BODY]);

impl Page {
    /// Its records, of which it has so many.
    fn records(&self, count: u64) -> impl Iterator<Item = Record> {
        let (records, _) = self.0.as_chunks::<RECORD>();
        records.iter().take(usize::try_from(count).unwrap_or(0)).map(Record::decode)
    }

    /// How many of its records stand before this place of this value.
    fn before(&self, count: u64, wanted: &([u8; PREFIX], u64)) -> u64 {
        let (records, _) = self.0.as_chunks::<RECORD>();
        let own = records.get(..usize::try_from(count).unwrap_or(0)).unwrap_or_default();
        own.partition_point(|record| {
            let record = Record::decode(record);
            (record.prefix, record.first) < *wanted
        }) as u64
    }
}

impl SortedFile {
    /// Opens the file at `path`, which has to be the one with this head.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] where there is none or another one.
    pub fn open(disk: &dyn Disk, path: &Path, head: Head) -> Result<Self, IndexError> {
        let bad = || damaged(head.span);
        let file = match disk.open_at(path) {
            Ok(file) => file,
            Err(error) if error.is_not_found() || error.is_wrong_kind() => return Err(bad()),
            Err(error) => return Err(IndexError::Io(error.kind().into())),
        };
        let sized = file.len().map_err(IndexError::Io)? == head.file_len();
        let own = Self { file, head, levels: levels(head.records), upper: Mutex::default() };
        if !sized || head.records == 0 || head.span.is_empty() {
            return Err(bad());
        }
        let (first, said) = (own.page(0)?, head.encode());
        if first.0.get(..said.len()) == Some(said.as_slice()) { Ok(own) } else { Err(bad()) }
    }

    /// What it is about.
    pub fn span(&self) -> Span {
        self.head.span
    }

    /// Where entries with this value stand: first ones and numbers, in the order of the log.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] where a page on the way is not as it was written.
    pub fn find(&self, kind: u8, value: &[u8]) -> Result<Vec<(u64, u64)>, IndexError> {
        self.find_between(kind, value, value)
    }

    /// The same for every value from the first to the last, which have one length; value by value.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn find_between(&self, kind: u8, first: &[u8], last: &[u8]) -> Result<Vec<(u64, u64)>, IndexError> {
        let (Some(from), Some(to)) = (prefix(kind, first), prefix(kind, last)) else { return Ok(Vec::new()) };
        let wanted = (from, 0);
        let mut at = 0;
        // From the single page at the top down to the page where the first one would stand.
        for level in self.levels.iter().skip(1).rev() {
            let count = PER_PAGE.min(level.records.saturating_sub(at * PER_PAGE));
            let below = self.upper(level.page + at)?.before(count, &wanted);
            at = at * PER_PAGE + below.saturating_sub(1);
        }
        let mut found = Vec::new();
        for record in self.records_from(at * PER_PAGE) {
            let record = record?;
            if record.prefix > to {
                break;
            }
            if record.prefix >= from {
                found.push((record.first, record.count));
            }
        }
        Ok(found)
    }

    /// Every record in its order.
    pub fn records(&self) -> Records<'_> {
        self.records_from(0)
    }

    fn records_from(&self, at: u64) -> Records<'_> {
        Records { file: self, at, page: Vec::new().into_iter(), last: None }
    }

    /// Reads every page.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] where one is not as it was written.
    pub fn check(&self) -> Result<(), IndexError> {
        let mut sums = crate::crypto::Hasher::new();
        for number in 1..self.head.file_len() / PAGE as u64 {
            let page = self.page(number)?;
            sums.update(&sum(self.head.span, number, &page.0));
        }
        if sums.finish() == self.head.digest { Ok(()) } else { Err(damaged(self.head.span)) }
    }

    fn upper(&self, number: u64) -> Result<Arc<Page>, IndexError> {
        // Whoever panicked while holding this left whole pages in it.
        let kept = || self.upper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = kept().get(&number) {
            return Ok(page.clone());
        }
        let page = Arc::new(self.page(number)?);
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(number, page.clone());
        Ok(page)
    }

    fn page(&self, number: u64) -> Result<Page, IndexError> {
        let mut bytes = [0; PAGE];
        let got =
            self.file.read_at(number.saturating_mul(PAGE as u64), &mut bytes).map_err(IndexError::Io)?;
        let (body, own) = bytes.split_first_chunk::<BODY>().ok_or_else(|| damaged(self.head.span))?;
        if got == PAGE && sum(self.head.span, number, body) == own {
            Ok(Page(*body))
        } else {
            Err(damaged(self.head.span))
        }
    }
}

/// The records of a file from some place on.
pub struct Records<'a> {
    file: &'a SortedFile,
    at: u64,
    page: std::vec::IntoIter<Record>,
    last: Option<Record>,
}

impl std::fmt::Debug for Records<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Records({:?}, {})", self.file, self.at)
    }
}

impl Records<'_> {
    fn next_page(&mut self) -> Result<(), IndexError> {
        let number = self.at / PER_PAGE;
        let count = PER_PAGE.min(self.file.head.records - number * PER_PAGE);
        self.page = self.file.page(number + 1)?.records(count).collect::<Vec<_>>().into_iter();
        Ok(())
    }

    /// A record within the file's span and after the one before.
    fn judged(&mut self, record: Record) -> Result<Record, IndexError> {
        let span = self.file.head.span;
        let within = record.first.checked_add(record.count).is_some_and(|end| end <= span.end);
        let follows = self.last.is_none_or(|last| {
            last.prefix < record.prefix
                || (last.prefix == record.prefix && last.first + last.count < record.first)
        });
        if !within || !follows || record.first < span.first || record.count == 0 {
            return Err(damaged(span));
        }
        self.last = Some(record);
        Ok(record)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.file.head.records {
            return None;
        }
        if self.page.len() == 0
            && let Err(error) = self.next_page()
        {
            self.at = u64::MAX;
            return Some(Err(error));
        }
        self.at += 1;
        let record = self.page.next().ok_or_else(|| damaged(self.file.head.span));
        Some(record.and_then(|record| self.judged(record)))
    }
}
