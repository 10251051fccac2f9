//! The file of checkpoints, of which there is one for each command that wrote: read in windows, so that a long one takes no
//! more memory than a short one.

use crate::fault::{Code, Error};
use crate::log::checkpoint::MAX_CHECKPOINT_LEN;
use crate::log::frames::{CHECKPOINTS, HEAD_LEN};

/// How much is read at once: about a thousand checkpoints, and more than the longest one.
const WINDOW: usize = 512 * 1024;
const _: () = assert!(WINDOW > HEAD_LEN + MAX_CHECKPOINT_LEN);

/// Reads what stands at a place of the file, as many bytes as were asked for or there are.
pub type ReadAt<'a> = Box<dyn FnMut(u64, usize) -> Result<Vec<u8>, Error> + 'a>;

/// A record and its number in the file, from 0.
pub(super) type Record = (usize, Vec<u8>);

/// The whole records of a file of checkpoints, up to the first damage.
pub struct Notes<'a> {
    read: ReadAt<'a>,
    /// Where windows begin, and where the last one ends.
    marks: Vec<u64>,
    last: Option<Vec<u8>>,
    torn: bool,
    /// Those of fewer entries than one before them.
    late: Vec<Record>,
    /// The next window to be given, and the number of its first record.
    next: (usize, usize),
    /// The largest size that was claimed so far.
    reach: u64,
}

impl std::fmt::Debug for Notes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Notes({} windows, {} late)", self.marks.len().saturating_sub(1), self.late.len())
    }
}

impl<'a> Notes<'a> {
    /// Goes through the file once, and keeps what has to be known before it is judged.
    ///
    /// A log grows, so its checkpoints stand in the order of their sizes and can be compared while the tree grows. One that
    /// stands behind a larger one would come too late for that and is kept, whether it is genuine or not.
    ///
    /// # Errors
    /// What keeps the file from being read.
    pub fn survey(read: ReadAt<'a>) -> Result<Self, Error> {
        let (late, next) = (Vec::new(), (0, 0));
        let mut notes = Self { read, marks: vec![0], last: None, torn: false, late, next, reach: 0 };
        let (mut at, mut number, mut reach) = (0, 0, 0);
        loop {
            let bytes = (notes.read)(at, WINDOW)?;
            let tail = CHECKPOINTS.parse_tail(&bytes);
            let Some(last) = tail.records.last() else {
                notes.torn = tail.rest.is_some();
                return Ok(notes);
            };
            notes.last = Some(last.to_vec());
            for record in tail.records {
                if is_late(record, &mut reach) {
                    notes.late.push((number, record.to_vec()));
                }
                number += 1;
            }
            at += tail.whole_len as u64;
            notes.marks.push(at);
        }
    }

    /// No file, and nothing in it.
    pub fn none() -> Self {
        let (late, next) = (Vec::new(), (0, 0));
        let read = Box::new(|_, _| Ok(Vec::new()));
        Self { read, marks: vec![0], last: None, torn: false, late, next, reach: 0 }
    }

    /// The last whole record.
    pub fn last(&self) -> Option<&[u8]> {
        self.last.as_deref()
    }

    /// Whether something stands behind it.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// What `wanted` finds first, from the last record backwards.
    ///
    /// # Errors
    /// What keeps the file from being read.
    pub fn find_last<T>(&mut self, mut wanted: impl FnMut(&[u8]) -> Option<T>) -> Result<Option<T>, Error> {
        for window in (0..self.marks.len().saturating_sub(1)).rev() {
            let records = self.window(window)?.unwrap_or_default();
            if let Some(found) = records.iter().rev().find_map(|record| wanted(record)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Those that stand behind larger ones; once.
    pub(super) fn take_late(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.late)
    }

    /// The next of the others; `None` after the last one.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Record>>, Error> {
        let (window, first) = self.next;
        let Some(records) = self.window(window)? else { return Ok(None) };
        self.next = (window + 1, first + records.len());
        let reach = &mut self.reach;
        Ok(Some((first..).zip(records).filter(|(_, record)| !is_late(record, reach)).collect()))
    }

    /// Whether no record with so few entries, or fewer, can follow.
    pub(super) fn is_beyond(&self, size: u64) -> bool {
        self.reach > size || self.next.0 + 1 >= self.marks.len()
    }

    /// The records of a window; `None` behind the last one.
    fn window(&mut self, window: usize) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let Some([from, to]) = self.marks.get(window..window + 2) else { return Ok(None) };
        let (from, len) = (*from, usize::try_from(to - from).unwrap_or(WINDOW));
        let bytes = (self.read)(from, len)?;
        let tail = CHECKPOINTS.parse_tail(&bytes);
        // Somebody changes it while it is read.
        if tail.whole_len != len {
            return Err(Error::new(Code::DamagedCheckpoints).with("detail", from));
        }
        Ok(Some(tail.records.into_iter().map(<[u8]>::to_vec).collect()))
    }
}

/// Whether a record is of fewer entries than one before it. What claims no size is not a checkpoint and is never late.
fn is_late(record: &[u8], reach: &mut u64) -> bool {
    let size = claimed_size(record).unwrap_or(*reach);
    let late = size < *reach;
    *reach = size.max(*reach);
    late
}

/// The size that a note would have as a checkpoint: its second line, which has one spelling in those that are genuine.
fn claimed_size(record: &[u8]) -> Option<u64> {
    let line = record.split(|byte| *byte == b'\n').nth(1)?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(sizes: &[u64], len: usize) -> Vec<u8> {
        let mut file = Vec::new();
        for size in sizes {
            let note = format!("o/1\n{size}\n{}\n", "A".repeat(len));
            CHECKPOINTS.append(&mut file, note.as_bytes()).unwrap();
        }
        file
    }

    fn survey(file: &[u8]) -> Notes<'_> {
        let read = |at: u64, most: usize| {
            let rest = file.get(usize::try_from(at).unwrap()..).unwrap_or_default();
            Ok(rest[..most.min(rest.len())].to_vec())
        };
        Notes::survey(Box::new(read)).unwrap()
    }

    fn numbers(records: &[Record]) -> Vec<usize> {
        records.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn long_files_come_in_windows_and_every_record_once() {
        for len in [10, 400, 50_000, MAX_CHECKPOINT_LEN - 20] {
            let count = 3 * WINDOW / len.max(400);
            let sizes: Vec<u64> = (0..count as u64).collect();
            let file = file(&sizes, len);
            let mut notes = survey(&file);
            assert!(
                !notes.is_torn()
                    && notes.last().unwrap().starts_with(format!("o/1\n{}\n", count - 1).as_bytes())
            );
            assert!(notes.take_late().is_empty());
            let mut seen = Vec::new();
            while let Some(records) = notes.next().unwrap() {
                assert!(records.len() * len <= WINDOW);
                seen.extend(numbers(&records));
                let reach = *seen.last().unwrap() as u64;
                assert!(!notes.is_beyond(reach) || seen.len() == count);
                assert!(reach == 0 || notes.is_beyond(reach - 1));
            }
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
            assert_eq!(notes.find_last(|note| claimed_size(note).filter(|size| *size < 2)).unwrap(), Some(1));
        }
    }

    #[test]
    fn what_stands_behind_a_larger_one_is_given_first_and_not_again() {
        let file = file(&[1, 5, 3, 5, 4, 9, 9, 2], 10);
        let mut notes = survey(&file);
        assert_eq!(numbers(&notes.take_late()), [2, 4, 7]);
        assert_eq!(numbers(&notes.next().unwrap().unwrap()), [0, 1, 3, 5, 6]);
        assert!(notes.next().unwrap().is_none() && notes.is_beyond(u64::MAX));
    }

    #[test]
    fn a_torn_file_ends_with_its_last_whole_record() {
        let whole = file(&[1, 2, 3], 10);
        let ends = [0, whole.len() / 3, whole.len() / 3 * 2, whole.len()];
        for cut in 0..=whole.len() {
            let mut notes = survey(&whole[..cut]);
            assert_eq!(notes.is_torn(), !ends.contains(&cut), "{cut}");
            let count = ends.iter().rposition(|end| *end <= cut).unwrap();
            assert_eq!(notes.last().and_then(claimed_size), (count > 0).then_some(count as u64));
            assert_eq!(notes.next().unwrap().unwrap_or_default().len(), count);
        }
        let mut zeros = whole.clone();
        zeros.extend([0; 9]);
        zeros.extend(whole);
        assert!(survey(&zeros).is_torn());
        assert_eq!(survey(&zeros).next().unwrap().unwrap().len(), 3);
        assert!(Notes::none().next().unwrap().is_none());
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_noticed() {
        let (whole, mut reads) = (file(&[1, 2, 3], 10), 0);
        let read = |_: u64, most: usize| {
            reads += 1;
            Ok(match reads {
                1 => whole.clone(),
                2 => Vec::new(),
                _ => whole[..most.min(whole.len()) - 1].to_vec(),
            })
        };
        let mut notes = Notes::survey(Box::new(read)).unwrap();
        assert_eq!(notes.next().unwrap_err().code(), Code::DamagedCheckpoints);
    }
}
