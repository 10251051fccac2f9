//! An immutable sorted file: which entries of a part of the log have something in common, for entries that are too old
//! for the live index.
//!
//! Derived from the entries alone and made anew by `rebuild`. Pages of 4096 bytes, each with a sum of its own, so that
//! one is read and checked without the others: the head; the records in their order; above them the first record of each
//! page, again in pages, up to one. A search reads one page of each level.
//!
//! A page is 4080 bytes and the first 16 bytes of SHA-256 over epoch, first, end, the page's number (8 bytes each,
//! big-endian) and those 4080 bytes. The head is the text `gapvault sorted` with a line feed, then 8 bytes each of
//! version (1), epoch, first, end and number of records, then SHA-256 over the sums of all other pages in their order. A
//! record has 40 bytes: kind, length of the value, the value in 22 bytes, first entry and number of entries in 8 each.
//! What is unused is zero.

mod merge;
mod read;
mod write;

pub use merge::Merged;
pub use read::{Records, SortedFile};
pub use write::write;

use super::index::IndexError;
use crate::crypto::{Digest, Hasher};

/// Bytes of a page.
const PAGE: usize = 4096;
/// Bytes of a page before its sum.
const BODY: usize = PAGE - SUM;
/// Bytes of a page's sum.
const SUM: usize = 16;
/// Bytes of a record.
const RECORD: usize = 40;
/// Records of a page.
const PER_PAGE: u64 = (BODY / RECORD) as u64;
/// Bytes of a record before its first entry.
const PREFIX: usize = 24;
/// Longest value.
pub const MAX_VALUE_LEN: usize = PREFIX - 2;
const MAGIC: &[u8; 16] = b"gapvault sorted\n";
const VERSION: u64 = 1;

/// Which entries a file is about: of an epoch, from `first` up to and without `end`. Sorts as the log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The epoch.
    pub epoch: u64,
    /// The first entry.
    pub first: u64,
    /// The entry after the last.
    pub end: u64,
}

impl Span {
    /// How many entries.
    pub fn len(&self) -> u64 {
        self.end.saturating_sub(self.first)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Entries in a row that have a value in common. Sorts as in a file: by kind, by value, by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    prefix: [u8; PREFIX],
    /// The first entry.
    pub first: u64,
    /// How many entries.
    pub count: u64,
}

/// Kind and value as they stand in a record; `None` for a value over [`MAX_VALUE_LEN`].
fn prefix(kind: u8, value: &[u8]) -> Option<[u8; PREFIX]> {
    let mut prefix = [0; PREFIX];
    let [own_kind, own_len, own @ ..] = &mut prefix;
    *own_kind = kind;
    *own_len = u8::try_from(value.len()).ok()?;
    own.get_mut(..value.len())?.copy_from_slice(value);
    Some(prefix)
}

impl Record {
    /// Entries in a row; `None` for a value over [`MAX_VALUE_LEN`].
    pub fn new(kind: u8, value: &[u8], first: u64, count: u64) -> Option<Self> {
        Some(Self { prefix: prefix(kind, value)?, first, count })
    }

    /// Takes in the entries of a record that follows on; `false` when it does not.
    fn join(&mut self, next: &Self) -> bool {
        let follows = self.prefix == next.prefix && self.first.checked_add(self.count) == Some(next.first);
        let count = self.count.checked_add(next.count).filter(|_| follows);
        self.count = count.unwrap_or(self.count);
        count.is_some()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
    }

    fn decode(bytes: &[u8; RECORD]) -> Self {
        let mut prefix = [0; PREFIX];
        let (own, [first, count]) = split(bytes);
        prefix.copy_from_slice(own);
        Self { prefix, first, count }
    }
}

/// Records in their order, with what follows on from each other as one.
pub fn joined(records: Vec<Record>) -> Vec<Record> {
    let mut joined: Vec<Record> = Vec::new();
    for record in records {
        if !joined.last_mut().is_some_and(|last| last.join(&record)) {
            joined.push(record);
        }
    }
    joined
}

fn split(bytes: &[u8; RECORD]) -> (&[u8], [u64; 2]) {
    let (prefix, numbers) = bytes.split_at(PREFIX);
    let number = |at: usize| numbers.get(at..at + 8).and_then(|eight| eight.try_into().ok());
    (prefix, [0, 8].map(|at| number(at).map_or(0, u64::from_be_bytes)))
}

/// What the head of a file says, and the index repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which entries.
    pub span: Span,
    /// How many records.
    pub records: u64,
    /// Over the sums of all pages but the head's.
    pub digest: Digest,
}

impl Head {
    fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for number in [VERSION, self.span.epoch, self.span.first, self.span.end, self.records] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.digest.0);
        out
    }

    /// How many bytes the file has.
    pub fn file_len(&self) -> u64 {
        let last = levels(self.records).last().map_or(1, |level| level.page + pages(level.records));
        last.saturating_mul(PAGE as u64)
    }
}

/// Records of one height: those of the file, or the first ones of the pages below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Level {
    /// Its first page.
    page: u64,
    records: u64,
}

fn pages(records: u64) -> u64 {
    records.div_ceil(PER_PAGE)
}

/// The levels of a file with so many records, from the records up to a single page.
fn levels(records: u64) -> Vec<Level> {
    let mut levels = vec![Level { page: 1, records }];
    while let Some(Level { page, records }) = levels.last().copied().filter(|level| level.records > PER_PAGE)
    {
        levels.push(Level { page: page.saturating_add(pages(records)), records: pages(records) });
    }
    levels
}

/// A page's sum.
fn sum(span: Span, number: u64, body: &[u8]) -> [u8; SUM] {
    let mut hasher = Hasher::new();
    for own in [span.epoch, span.first, span.end, number] {
        hasher.update(&own.to_be_bytes());
    }
    hasher.update(body);
    hasher.finish().0.first_chunk().copied().unwrap_or_default()
}

fn damaged(span: Span) -> IndexError {
    IndexError::Damaged(format!(
        "the sorted file of entries {} to {} of epoch {}",
        span.first, span.end, span.epoch
    ))
}

#[cfg(test)]
mod tests;
