//! What stands in the index's values, in binary: big-endian numbers, digests, then the sealed part.

use super::{IndexError, Place};
use crate::crypto::Digest;
use crate::id::{DocumentId, MemberId};
use crate::label::Class;
use crate::time::Timestamp;

/// How far the index has followed the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexState {
    /// The epoch.
    pub epoch: u64,
    /// Entries of that epoch that are in.
    pub size: u64,
    /// The tree's root at that size.
    pub root: Digest,
    /// Documents that are sealed and not destroyed.
    pub documents: u64,
}

impl IndexState {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(56);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(&self.documents.to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let state = Self {
            epoch: from.u64()?,
            size: from.u64()?,
            root: Digest(from.array()?),
            documents: from.u64()?,
        };
        from.0.is_empty().then_some(state)
    }
}

/// What is known of a document without opening it: from the log, and the sealed part from its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The document.
    pub id: DocumentId,
    /// The entry of its sealing.
    pub sealed: Place,
    /// Its class.
    pub class: Class,
    /// Bytes of plaintext.
    pub size: u64,
    /// Length of the header.
    pub header_len: u64,
    /// Of the header.
    pub header_sha256: Digest,
    /// Of the payload.
    pub payload_sha256: Digest,
    /// The key commitment.
    pub commitment: Digest,
    /// Who sealed it.
    pub sealed_by: MemberId,
    /// When.
    pub sealed_at: Timestamp,
    /// The entry that made the file key and the payload: the sealing, or the last change of them.
    pub keyed: Place,
    /// The entry whose digests are these.
    pub newest: Place,
    /// The packed metadata under the cache key; empty until folded in.
    pub private: Vec<u8>,
}

const ROW_VERSION: u8 = 4;

impl Row {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(208 + self.private.len());
        out.push(ROW_VERSION);
        out.extend_from_slice(&self.sealed.epoch.to_be_bytes());
        out.extend_from_slice(&self.sealed.seq.to_be_bytes());
        out.push(if self.class == Class::Critical { 1 } else { 2 });
        out.extend_from_slice(&self.id.0);
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.header_len.to_be_bytes());
        for digest in [&self.header_sha256, &self.payload_sha256, &self.commitment] {
            out.extend_from_slice(&digest.0);
        }
        out.extend_from_slice(&self.sealed_by.0);
        out.extend_from_slice(&self.sealed_at.unix_ms().to_be_bytes());
        for place in [self.keyed, self.newest] {
            out.extend_from_slice(&place.epoch.to_be_bytes());
            out.extend_from_slice(&place.seq.to_be_bytes());
        }
        out.extend_from_slice(&self.private);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let [ROW_VERSION] = from.array()? else { return None };
        let sealed = Place { epoch: from.u64()?, seq: from.u64()? };
        let class = match from.array()? {
            [1] => Class::Critical,
            [2] => Class::Important,
            _ => return None,
        };
        Some(Self {
            sealed,
            class,
            id: DocumentId(from.array()?),
            size: from.u64()?,
            header_len: from.u64()?,
            header_sha256: Digest(from.array()?),
            payload_sha256: Digest(from.array()?),
            commitment: Digest(from.array()?),
            sealed_by: MemberId(from.array()?),
            sealed_at: Timestamp::from_unix_ms(i64::from_be_bytes(from.array()?)),
            keyed: Place { epoch: from.u64()?, seq: from.u64()? },
            newest: Place { epoch: from.u64()?, seq: from.u64()? },
            private: from.0.to_vec(),
        })
    }
}

/// Rows as they stand in the index, end to end in one buffer: handing them to another thread takes no allocation for
/// each, and none is freed by another thread than made it.
#[derive(Debug, Default)]
pub struct RowStep {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl RowStep {
    /// Takes in one more; whether there is room for another.
    pub(super) fn push(&mut self, row: &[u8]) -> bool {
        self.bytes.extend_from_slice(row);
        self.ends.push(self.bytes.len());
        self.ends.len() < 512
    }

    /// The rows, one after the other.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, IndexError>> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let row = self.bytes.get(start..*end).and_then(Row::decode);
            start = *end;
            row.ok_or_else(|| IndexError::Damaged("unreadable row".to_owned()))
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_reads_as_it_was_written_and_a_short_one_does_not() {
        let row = Row {
            id: DocumentId([9; 16]),
            class: Class::Important,
            size: 5,
            header_len: 4096,
            header_sha256: Digest([1; 32]),
            payload_sha256: Digest([2; 32]),
            commitment: Digest([3; 32]),
            sealed_by: MemberId([4; 8]),
            sealed_at: Timestamp::from_unix_ms(-7),
            keyed: Place { epoch: 1, seq: 7 },
            newest: Place { epoch: 1, seq: 9 },
            sealed: Place { epoch: 1, seq: 8 },
            private: vec![1, 2, 3],
        };
        let bytes = row.encode();
        assert_eq!(Row::decode(&bytes).as_ref(), Some(&row));
        for len in 0..bytes.len() - 3 {
            assert_eq!(Row::decode(&bytes[..len]), None, "{len}");
        }
    }
}
