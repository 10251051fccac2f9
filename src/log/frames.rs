//! Records of one file behind each other: two bytes of big-endian length before each, as
//! `c2sp.org/tlog-tiles` has it for entries.
//!
//! Files that only grow can end in the middle of a record after a kill, so there are two ways to read:
//! [`Framing::parse`] takes nothing but whole records, [`Framing::parse_tail`] takes the whole ones and
//! says where they end.

use super::checkpoint::MAX_CHECKPOINT_LEN;
use super::entry::MAX_ENTRY_LEN;

/// Bytes before each record.
pub const HEAD_LEN: usize = 2;

/// How long the records of one kind of file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    max_len: usize,
}

/// Entry bundles and the tail: records of 1 to [`MAX_ENTRY_LEN`] bytes.
pub const ENTRIES: Framing = Framing { max_len: MAX_ENTRY_LEN };
/// The file of checkpoints: records of 1 to [`MAX_CHECKPOINT_LEN`] bytes.
pub const CHECKPOINTS: Framing = Framing { max_len: MAX_CHECKPOINT_LEN };

/// Why bytes are not a sequence of whole records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The last record is cut off.
    #[error("the last record is cut off at byte {at}")]
    Torn {
        /// Where the record begins.
        at: usize,
    },
    /// A record is empty or longer than the limit.
    #[error("the record at byte {at} has a length that is not allowed")]
    BadLength {
        /// Where the record begins; 0 when it has not been written yet.
        at: usize,
    },
    /// There are more records than the file may hold.
    #[error("there are more records than the file may hold")]
    TooMany,
}

/// What a growing file holds, up to the first thing that is not a whole record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail<'a> {
    /// The whole records.
    pub records: Vec<&'a [u8]>,
    /// How many bytes they take up; the file may be cut here.
    pub whole_len: usize,
    /// What stands behind them, if anything does.
    pub rest: Option<FrameError>,
}

impl Framing {
    /// Adds a record to `file`.
    pub fn append(self, file: &mut Vec<u8>, record: &[u8]) -> Result<(), FrameError> {
        match u16::try_from(record.len()) {
            Ok(len) if self.allows(record.len()) => {
                file.extend_from_slice(&len.to_be_bytes());
                file.extend_from_slice(record);
                Ok(())
            }
            _ => Err(FrameError::BadLength { at: 0 }),
        }
    }

    /// The records of a file that holds whole ones only, at most `most`.
    pub fn parse(self, file: &[u8], most: usize) -> Result<Vec<&[u8]>, FrameError> {
        let (records, _, rest) = self.read(file, most);
        match rest {
            None => Ok(records),
            Some(error) => Err(error),
        }
    }

    /// The whole records at the beginning of a file that a kill may have left torn. After a loss of
    /// power there may also be zeros or old bytes, so `rest` can be either kind of damage.
    pub fn parse_tail(self, file: &[u8]) -> Tail<'_> {
        let (records, whole_len, rest) = self.read(file, usize::MAX);
        Tail { records, whole_len, rest }
    }

    fn read(self, file: &[u8], most: usize) -> (Vec<&[u8]>, usize, Option<FrameError>) {
        let mut records = Vec::new();
        let mut rest = file;
        while !rest.is_empty() {
            let at = file.len() - rest.len();
            if records.len() == most {
                return (records, at, Some(FrameError::TooMany));
            }
            let Some((head, body)) = rest.split_first_chunk::<HEAD_LEN>() else {
                return (records, at, Some(FrameError::Torn { at }));
            };
            let len = usize::from(u16::from_be_bytes(*head));
            if !self.allows(len) {
                return (records, at, Some(FrameError::BadLength { at }));
            }
            let Some((record, behind)) = body.split_at_checked(len) else {
                return (records, at, Some(FrameError::Torn { at }));
            };
            records.push(record);
            rest = behind;
        }
        (records, file.len(), None)
    }

    fn allows(self, len: usize) -> bool {
        (1..=self.max_len).contains(&len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(records: &[&[u8]]) -> Vec<u8> {
        let mut file = Vec::new();
        for record in records {
            ENTRIES.append(&mut file, record).unwrap();
        }
        file
    }

    #[test]
    fn records_read_back_and_a_torn_one_is_told_apart() {
        let whole = file(&[b"one", b"second", b"3"]);
        assert_eq!(whole, b"\0\x03one\0\x06second\0\x013");
        let ends = [0, 5, 13, 16];
        for len in 0..=whole.len() {
            let expected = ends.iter().rposition(|end| *end <= len).unwrap();
            let tail = ENTRIES.parse_tail(&whole[..len]);
            assert_eq!(tail.records, [b"one".as_slice(), b"second", b"3"][..expected]);
            assert_eq!(tail.whole_len, ends[expected]);
            let torn = (len != ends[expected]).then_some(FrameError::Torn { at: ends[expected] });
            assert_eq!(tail.rest, torn);
            assert_eq!(ENTRIES.parse(&whole[..len], 3).err(), torn);
        }
    }

    #[test]
    fn zeros_behind_the_records_are_damage_and_not_records() {
        let mut zeros = file(&[b"one"]);
        zeros.extend_from_slice(&[0; 64]);
        let tail = ENTRIES.parse_tail(&zeros);
        assert_eq!((tail.records.len(), tail.whole_len), (1, 5));
        assert_eq!(tail.rest, Some(FrameError::BadLength { at: 5 }));
        assert_eq!(ENTRIES.parse(&zeros, 9), Err(FrameError::BadLength { at: 5 }));
    }

    #[test]
    fn limits_hold_on_both_sides() {
        for (framing, max) in [(ENTRIES, MAX_ENTRY_LEN), (CHECKPOINTS, MAX_CHECKPOINT_LEN)] {
            let mut file = Vec::new();
            let longest = vec![b'a'; max];
            framing.append(&mut file, &longest).unwrap();
            assert_eq!(framing.parse(&file, 1), Ok(vec![longest.as_slice()]));
            let over = vec![b'a'; max + 1];
            assert_eq!(framing.append(&mut file, &over), Err(FrameError::BadLength { at: 0 }));
            assert_eq!(framing.append(&mut file, b""), Err(FrameError::BadLength { at: 0 }));
            assert_eq!(file.len(), max + HEAD_LEN);
        }
        let mut over = u16::try_from(MAX_ENTRY_LEN + 1).unwrap().to_be_bytes().to_vec();
        over.resize(HEAD_LEN + MAX_ENTRY_LEN + 1, b'a');
        assert_eq!(ENTRIES.parse(&over, 1), Err(FrameError::BadLength { at: 0 }));

        let three = file(&[b"a", b"b", b"c"]);
        assert_eq!(ENTRIES.parse(&three, 3).map(|records| records.len()), Ok(3));
        assert_eq!(ENTRIES.parse(&three, 2), Err(FrameError::TooMany));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(bytes in prop::collection::vec(0_u8..4, 0..40)) {
            let tail = ENTRIES.parse_tail(&bytes);
            let again = file(&tail.records);
            prop_assert_eq!(&again[..], &bytes[..tail.whole_len]);
            prop_assert_eq!(tail.rest.is_none(), tail.whole_len == bytes.len());
        }
    }
}
