use std::iter::repeat;

use super::super::inner::{BLOCK, END_LEN, INNER_LIMIT, Inner, InnerDocument, filled};
use crate::id::DocumentId;

/// From this size on eleven octal digits do not suffice.
const OCTAL_END: u64 = 1 << 33;
/// Where a header has its size.
const SIZE_DIGITS: std::ops::Range<usize> = 124..135;

/// What a member can be called.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name {
    List,
    Document(DocumentId),
    Padding,
}

impl Name {
    fn text(self) -> String {
        match self {
            Self::List => "inner.json".to_owned(),
            Self::Document(id) => format!("documents/{id}.age"),
            Self::Padding => "padding".to_owned(),
        }
    }
}

/// The one header of a member with this name and size.
pub(super) fn header(name: Name, size: u64) -> Vec<u8> {
    // The sum is taken over the header with blanks in place of the sum.
    let sum: u64 = fields(name, size, "        ").iter().map(|byte| u64::from(*byte)).sum();
    fields(name, size, &format!("{sum:06o}\0 "))
}

fn fields(name: Name, size: u64, checksum: &str) -> Vec<u8> {
    let size = if size < OCTAL_END {
        format!("{size:011o}\0").into_bytes()
    } else {
        [&[0x80, 0, 0, 0], size.to_be_bytes().as_slice()].concat()
    };
    let name = name.text();
    let parts: [(usize, &[u8]); 11] = [
        (100, name.as_bytes()),
        (8, b"0000600\0"),
        (8, b"0000000\0"),
        (8, b"0000000\0"),
        (12, &size),
        (12, b"00000000000\0"),
        (8, checksum.as_bytes()),
        (1, b"0"),
        // The name of a link's target.
        (100, b""),
        (6, b"ustar\0"),
        (2, b"00"),
    ];
    let mut block = Vec::with_capacity(BLOCK);
    for (len, bytes) in parts {
        block.extend(bytes.iter().copied().chain(repeat(0)).take(len));
    }
    // Names of owner and group, device numbers, and a prefix of the name: all empty.
    block.resize(BLOCK, 0);
    block
}

/// The size that the archive's first header gives the list; `None` unless it is the header of a list of that size.
pub(super) fn list_len(block: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(block.get(SIZE_DIGITS)?).ok()?;
    let len = usize::from_str_radix(digits, 8).ok().filter(|len| *len <= INNER_LIMIT)?;
    (header(Name::List, len as u64) == block).then_some(len)
}

/// A piece of the archive.
pub(super) enum Part {
    /// Bytes that are known from the list: a header, or the list itself.
    Known(Vec<u8>),
    /// The file of the document with this place in the list.
    File(usize, InnerDocument),
    /// So many zeros.
    Zeros(u64),
}

/// The pieces of an archive in their order.
pub(super) struct Layout {
    inner: Inner,
    list_len: u64,
    padding_len: u64,
    step: usize,
}

/// Header, content, filling.
const STEPS_OF_A_MEMBER: usize = 3;

impl Layout {
    /// The archive of this list; `None` unless it is sound.
    pub(super) fn new(inner: Inner) -> Option<Self> {
        let list_len = inner.print().len() as u64;
        let padding_len = inner.padding_behind(list_len).filter(|_| inner.is_sound())?;
        Some(Self { inner, list_len, padding_len, step: 0 })
    }

    /// The same for whoever has read the list's header and the list.
    pub(super) fn behind_list(inner: Inner) -> Option<Self> {
        Self::new(inner).map(|layout| Self { step: 2, ..layout })
    }

    /// The number of the member that the last piece belongs to.
    pub(super) fn member(&self) -> usize {
        self.step.saturating_sub(1) / STEPS_OF_A_MEMBER
    }

    pub(super) fn into_inner(self) -> Inner {
        self.inner
    }

    /// The piece at a step. A member that is `None` is the padding.
    fn part(&self, document: Option<(usize, &InnerDocument)>, step: usize) -> Option<Part> {
        match (document, step) {
            (Some((_, document)), 0) => {
                Some(Part::Known(header(Name::Document(document.id), document.file_len()?)))
            }
            (Some((index, document)), 1) => Some(Part::File(index, document.clone())),
            (Some((_, document)), _) => fill(document.file_len()?),
            (None, 0) => Some(Part::Known(header(Name::Padding, self.padding_len))),
            (None, 1) => Some(Part::Zeros(self.padding_len)),
            (None, _) => Some(Part::Zeros(END_LEN)),
        }
    }
}

fn fill(len: u64) -> Option<Part> {
    Some(Part::Zeros(filled(len)? - len))
}

impl Iterator for Layout {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let (member, step) = (self.step / STEPS_OF_A_MEMBER, self.step % STEPS_OF_A_MEMBER);
        let documents = &self.inner.documents;
        let part = match (member.checked_sub(1), step) {
            (None, 0) => Some(Part::Known(header(Name::List, self.list_len))),
            (None, 1) => Some(Part::Known(self.inner.print())),
            (None, _) => fill(self.list_len),
            (Some(index), _) if index > documents.len() => None,
            (Some(index), _) => self.part(documents.get(index).map(|document| (index, document)), step),
        };
        self.step += usize::from(part.is_some());
        part
    }
}
