use std::io::{self, Write};

use super::super::inner::{BLOCK, Inner, InnerDocument};
use super::ArchiveError;
use super::layout::{Layout, Part, list_len};
use crate::crypto::{Digest, Hasher};
use crate::id::{BundleId, VaultId};

/// What the signed manifest says of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The bundle's id.
    pub bundle: BundleId,
    /// The vault that it comes from.
    pub sender: VaultId,
    /// The vault that it is for.
    pub receiver: VaultId,
    /// SHA-256 of `inner.json`.
    pub inner: Digest,
}

/// Whoever takes what the archive holds. Nothing of it counts before [`Unpacker::finish`] has said that the archive was
/// whole.
///
/// An error from here ends the unpacking, as [`ArchiveError::Sink`].
pub trait Unpack: Send {
    /// What a document's file is written to.
    type File: Write + Send;

    /// The list, once, before any document. It is the signed one, and sound.
    fn inner(&mut self, inner: &Inner) -> io::Result<()>;

    /// A place for the document whose file follows: header and payload, before they are checked.
    fn document(&mut self, document: &InnerDocument) -> io::Result<Self::File>;

    /// The file is the listed one, to the last byte.
    fn done(&mut self, document: &InnerDocument, file: Self::File) -> io::Result<()>;
}

/// Takes an archive as it comes, in pieces of any size, and hands out what it holds.
///
/// The first header says how long the list is, [`INNER_LIMIT`](crate::bundle::INNER_LIMIT) at most. The list is kept, its
/// digest compared, and only then is it read. From there on every byte is known or has a known digest. Memory is that of the
/// list.
///
/// After an error every write fails, and [`finish`](Self::finish) says why.
pub struct Unpacker<'a, U: Unpack> {
    announced: Announced,
    to: &'a mut U,
    layout: Option<Layout>,
    now: Now<U::File>,
    /// Bytes of the piece that are still to come.
    left: u64,
    failed: Option<ArchiveError>,
}

/// The piece that is being taken.
enum Now<F> {
    /// The header of the list, so far.
    ListHeader(Vec<u8>),
    /// The list, so far.
    List(Vec<u8>),
    /// A header that has to be this one.
    Header(Vec<u8>),
    /// A document's header, hashed while it passes.
    Head(Passing<F>),
    /// A document's payload.
    Payload(Passing<F>),
    Zeros,
    End,
}

struct Passing<F> {
    document: InnerDocument,
    file: F,
    hasher: Hasher,
}

impl<'a, U: Unpack> Unpacker<'a, U> {
    /// For an archive of which a verified manifest says this.
    pub fn new(announced: Announced, to: &'a mut U) -> Self {
        let now = Now::ListHeader(Vec::with_capacity(BLOCK));
        Self { announced, to, layout: None, now, left: BLOCK as u64, failed: None }
    }

    /// Why taking failed.
    pub fn error(&self) -> Option<&ArchiveError> {
        self.failed.as_ref()
    }

    /// Says that nothing more comes, and gives the list.
    ///
    /// # Errors
    /// The one that ended the writing; [`ArchiveError::Truncated`].
    pub fn finish(self) -> Result<Inner, ArchiveError> {
        match (self.failed, self.now, self.layout) {
            (Some(error), ..) => Err(error),
            (None, Now::End, Some(layout)) => Ok(layout.into_inner()),
            _ => Err(ArchiveError::Truncated),
        }
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), ArchiveError> {
        while !bytes.is_empty() {
            if matches!(self.now, Now::End) {
                return Err(ArchiveError::Surplus);
            }
            let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
            self.pass(piece)?;
            self.left = self.left.saturating_sub(len as u64);
            bytes = rest;
            while self.left == 0 && !matches!(self.now, Now::End) {
                self.turn()?;
            }
        }
        Ok(())
    }

    /// Takes bytes of the piece.
    fn pass(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        match &mut self.now {
            Now::ListHeader(held) | Now::List(held) => held.extend_from_slice(bytes),
            Now::Header(known) => {
                let at = known.len().saturating_sub(usize::try_from(self.left).unwrap_or(usize::MAX));
                if !known.get(at..).is_some_and(|known| known.starts_with(bytes)) {
                    return Err(ArchiveError::Member(self.member()));
                }
            }
            Now::Head(passing) | Now::Payload(passing) => {
                passing.hasher.update(bytes);
                passing.file.write_all(bytes).map_err(ArchiveError::sink)?;
            }
            Now::Zeros if !is_zero(bytes) => return Err(ArchiveError::Padding),
            Now::Zeros | Now::End => {}
        }
        Ok(())
    }

    /// The piece is complete: judges it, and goes on to the next.
    fn turn(&mut self) -> Result<(), ArchiveError> {
        match std::mem::replace(&mut self.now, Now::End) {
            Now::ListHeader(block) => {
                let len = list_len(&block).ok_or(ArchiveError::Member(0))?;
                // Room is made as the bytes come, not as the header has it.
                self.begin(Now::List(Vec::new()), len as u64);
                Ok(())
            }
            Now::List(list) => {
                let inner = self.announced.list(&list)?;
                self.to.inner(&inner).map_err(ArchiveError::sink)?;
                self.layout = Some(Layout::behind_list(inner).ok_or(ArchiveError::Form)?);
                self.next_part()
            }
            Now::Head(passing) => {
                let Passing { document, file, hasher } = passing;
                let len = document.payload_len().filter(|_| hasher.finish() == document.header_sha256);
                let len = len.ok_or(ArchiveError::Document(document.id))?;
                self.begin(Now::Payload(Passing { document, file, hasher: Hasher::new() }), len);
                Ok(())
            }
            Now::Payload(Passing { document, file, hasher }) => {
                if hasher.finish() != document.payload_sha256 {
                    return Err(ArchiveError::Document(document.id));
                }
                self.to.done(&document, file).map_err(ArchiveError::sink)?;
                self.next_part()
            }
            Now::Header(_) | Now::Zeros => self.next_part(),
            Now::End => Ok(()),
        }
    }

    fn next_part(&mut self) -> Result<(), ArchiveError> {
        match self.layout.as_mut().and_then(Iterator::next) {
            Some(Part::Known(header)) => {
                let len = header.len() as u64;
                self.begin(Now::Header(header), len);
            }
            Some(Part::File(_, document)) => {
                let file = self.to.document(&document).map_err(ArchiveError::sink)?;
                let len = document.header_len;
                self.begin(Now::Head(Passing { document, file, hasher: Hasher::new() }), len);
            }
            Some(Part::Zeros(len)) => self.begin(Now::Zeros, len),
            None => self.begin(Now::End, 0),
        }
        Ok(())
    }

    fn begin(&mut self, piece: Now<U::File>, len: u64) {
        (self.now, self.left) = (piece, len);
    }

    fn member(&self) -> usize {
        self.layout.as_ref().map_or(0, Layout::member)
    }
}

impl Announced {
    /// The list, if it is the announced one. It is not looked at before its digest was.
    fn list(&self, bytes: &[u8]) -> Result<Inner, ArchiveError> {
        if Digest::of(bytes) != self.inner {
            return Err(ArchiveError::Inner);
        }
        let inner = Inner::parse(bytes).ok_or(ArchiveError::Form)?;
        if (inner.bundle, inner.sender, inner.receiver) != (self.bundle, self.sender, self.receiver) {
            return Err(ArchiveError::Parties);
        }
        Ok(inner)
    }
}

/// Compared a block at a time, since padding can be as long as a document.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(BLOCK).all(|chunk| [0; BLOCK].starts_with(chunk))
}

impl<U: Unpack> Write for Unpacker<'_, U> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        self.take(bytes).map_err(|error| io::Error::from(self.failed.insert(error).clone()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
