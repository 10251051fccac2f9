//! Some entries in a row as one value.

use super::Place;
use crate::log::frames::ENTRIES;

/// Entries of a full block.
const MOST: usize = 32;
/// No entry is added to a block that has so many bytes: sled writes pages of sixteen values, those over 64 KiB to files of
/// their own.
const FULL: usize = 2 * 1024;

/// Entries that follow each other, framed as in the segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    first: Place,
    bytes: Vec<u8>,
    count: usize,
}

impl Block {
    /// An empty one, whose first entry will stand at `first`.
    pub fn new(first: Place) -> Self {
        Self { first, bytes: Vec::new(), count: 0 }
    }

    pub(super) fn parse(first: Place, bytes: Vec<u8>) -> Option<Self> {
        let count = ENTRIES.parse(&bytes, MOST).ok()?.len();
        Some(Self { first, bytes, count })
    }

    /// Where the first entry stands.
    pub fn first(&self) -> Place {
        self.first
    }

    /// Where the entry after the last one stands.
    pub fn next(&self) -> Place {
        Place { seq: self.first.seq + self.count as u64, ..self.first }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds an entry; `false` when the block is full, or the entry is over the limit of all entries.
    pub fn push(&mut self, entry: &[u8]) -> bool {
        let fits =
            self.count < MOST && self.bytes.len() < FULL && ENTRIES.append(&mut self.bytes, entry).is_ok();
        self.count += usize::from(fits);
        fits
    }

    /// The entries with their places.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (Place, &[u8])> {
        let records = ENTRIES.parse(&self.bytes, MOST).unwrap_or_default();
        let first = self.first;
        records
            .into_iter()
            .enumerate()
            .map(move |(at, entry)| (Place { seq: first.seq + at as u64, ..first }, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::entry::MAX_ENTRY_LEN;

    #[test]
    fn a_block_fills_by_number_or_by_bytes_and_reads_as_it_was_written() {
        let first = Place { epoch: 2, seq: 7 };
        for (entry, most) in [(vec![b'x'; 10], MOST), (vec![b'x'; 1000], 3), (vec![b'x'; MAX_ENTRY_LEN], 1)] {
            let mut block = Block::new(first);
            let pushed = (0..100).take_while(|_| block.push(&entry)).count();
            assert_eq!((pushed, block.next()), (most, Place { epoch: 2, seq: 7 + most as u64 }));
            let again = Block::parse(first, block.as_bytes().to_vec()).unwrap();
            assert_eq!(again, block);
            assert!(again.entries().all(|(_, bytes)| bytes == entry));
            assert_eq!(again.entries().count(), most);
            assert_eq!(Block::parse(first, block.as_bytes()[1..].to_vec()), None);
        }
    }
}
