use std::io::{self, Cursor, Read, Repeat, Take};

use super::super::inner::{Inner, InnerDocument};
use super::ArchiveError;
use super::layout::{Layout, Part};
use crate::crypto::{Digest, Hasher};

/// Gives the file of the document with this place in the list: its header for the receiver, and its payload from the nonce
/// on.
pub type NextDocument<'a> = dyn FnMut(usize) -> io::Result<(Vec<u8>, Box<dyn Read + Send + 'a>)> + Send + 'a;

/// The archive of a list, to be read from beginning to end.
///
/// What it is given is checked on the way: a header, or a payload, of another length or digest than the list says is
/// [`ArchiveError::Document`], at the latest in place of that document's last bytes. After an error every read fails.
pub struct ArchiveSource<'a> {
    layout: Layout,
    next: &'a mut NextDocument<'a>,
    now: Now<'a>,
    failed: Option<ArchiveError>,
}

enum Now<'a> {
    Bytes(Cursor<Vec<u8>>),
    File(Box<File<'a>>),
    Zeros(Take<Repeat>),
    End,
}

/// A document's file, hashed while it passes.
struct File<'a> {
    document: InnerDocument,
    header: Cursor<Vec<u8>>,
    payload: Box<dyn Read + Send + 'a>,
    left: u64,
    hasher: Hasher,
}

impl<'a> ArchiveSource<'a> {
    /// The archive of `inner`, [`Inner::archive_len`] bytes long. `next` is asked for each document once, in order.
    ///
    /// # Errors
    /// [`ArchiveError::Form`] unless the list is sound.
    pub fn new(inner: &Inner, next: &'a mut NextDocument<'a>) -> Result<Self, ArchiveError> {
        let layout = Layout::new(inner.clone()).ok_or(ArchiveError::Form)?;
        Ok(Self { layout, next, now: Now::Bytes(Cursor::default()), failed: None })
    }

    /// Why reading failed.
    pub fn error(&self) -> Option<&ArchiveError> {
        self.failed.as_ref()
    }

    fn step(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        loop {
            let got = match &mut self.now {
                Now::Bytes(bytes) => bytes.read(out).map_err(ArchiveError::source)?,
                Now::File(file) => file.read(out)?,
                Now::Zeros(zeros) => zeros.read(out).map_err(ArchiveError::source)?,
                Now::End => return Ok(0),
            };
            if got > 0 {
                return Ok(got);
            }
            self.turn()?;
        }
    }

    /// Goes on to the next piece.
    fn turn(&mut self) -> Result<(), ArchiveError> {
        self.now = match self.layout.next() {
            Some(Part::Known(bytes)) => Now::Bytes(Cursor::new(bytes)),
            Some(Part::File(index, document)) => {
                let (header, payload) = (self.next)(index).map_err(ArchiveError::source)?;
                Now::File(Box::new(File::new(document, header, payload)?))
            }
            Some(Part::Zeros(len)) => Now::Zeros(io::repeat(0).take(len)),
            None => Now::End,
        };
        Ok(())
    }
}

impl<'a> File<'a> {
    fn new(
        document: InnerDocument,
        header: Vec<u8>,
        payload: Box<dyn Read + Send + 'a>,
    ) -> Result<Self, ArchiveError> {
        let listed =
            header.len() as u64 == document.header_len && Digest::of(&header) == document.header_sha256;
        let left = document.payload_len().filter(|_| listed).ok_or(ArchiveError::Document(document.id))?;
        Ok(Self { document, header: Cursor::new(header), payload, left, hasher: Hasher::new() })
    }

    /// The next bytes, none once all were given. The last ones are given only if they are the right ones.
    fn read(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        let got = self.header.read(out).map_err(ArchiveError::source)?;
        if got > 0 || self.left == 0 {
            return Ok(got);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let room = out.get_mut(..most).unwrap_or_default();
        let got = self.payload(room)?;
        // A payload that is shorter has no more bytes to give.
        let piece = room.get(..got).filter(|piece| !piece.is_empty());
        let piece = piece.ok_or(ArchiveError::Document(self.document.id))?;
        self.hasher.update(piece);
        self.left = self.left.saturating_sub(got as u64);
        if self.left == 0 {
            let longer = self.payload(&mut [0])? > 0;
            let digest = std::mem::take(&mut self.hasher).finish();
            if longer || digest != self.document.payload_sha256 {
                return Err(ArchiveError::Document(self.document.id));
            }
        }
        Ok(got)
    }

    fn payload(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        loop {
            match self.payload.read(out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(ArchiveError::source),
            }
        }
    }
}

impl Read for ArchiveSource<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        if out.is_empty() {
            return Ok(0);
        }
        self.step(out).map_err(|error| self.failed.insert(error).clone().into())
    }
}
