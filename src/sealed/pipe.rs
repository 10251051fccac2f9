//! Plaintext from the thread that decrypts to the one that encrypts, without a file or the kernel in between.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use zeroize::Zeroizing;

/// How many pieces may wait to be read.
const WAITING: usize = 4;

/// The end that is written to. Dropped without [`finish`](Self::finish) it leaves an error for the reader, never an end.
pub(super) struct PipeWriter(SyncSender<Option<Zeroizing<Vec<u8>>>>);

/// The end that is read from. Every piece is wiped once it was read.
pub(super) struct PipeReader {
    from: Receiver<Option<Zeroizing<Vec<u8>>>>,
    piece: Zeroizing<Vec<u8>>,
    at: usize,
    ended: bool,
}

pub(super) fn pipe() -> (PipeWriter, PipeReader) {
    let (to, from) = sync_channel(WAITING);
    (PipeWriter(to), PipeReader { from, piece: Zeroizing::default(), at: 0, ended: false })
}

fn broken() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

impl PipeWriter {
    /// Everything was written.
    pub(super) fn finish(self) {
        // Nobody reads any more: then there is nobody to be told.
        let _ = self.0.send(None);
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(Some(Zeroizing::new(bytes.to_vec()))).map_err(|_| broken())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for PipeReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.ended && self.at == self.piece.len() {
            match self.from.recv().map_err(|_| broken())? {
                Some(piece) => (self.piece, self.at) = (piece, 0),
                None => self.ended = true,
            }
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let len = rest.len().min(out.len());
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_and_then_it_ends() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        for piece in [1000, 65_536, 200_000] {
            let (mut to, mut from) = pipe();
            let mut out = Vec::new();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    bytes.chunks(piece).for_each(|piece| to.write_all(piece).unwrap());
                    to.write_all(&[]).unwrap();
                    to.finish();
                });
                from.read_to_end(&mut out).unwrap();
            });
            assert_eq!(out, bytes);
            assert_eq!(from.read(&mut [0; 9]).unwrap(), 0, "it stays at its end");
        }
    }

    #[test]
    fn a_writer_that_is_gone_is_an_error_and_not_an_end() {
        let (mut to, mut from) = pipe();
        to.write_all(b"abc").unwrap();
        drop(to);
        let mut out = Vec::new();
        assert_eq!(from.read_to_end(&mut out).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(out, b"abc");
    }

    #[test]
    fn a_reader_that_is_gone_stops_the_writer() {
        let (mut to, from) = pipe();
        drop(from);
        assert!(to.write_all(b"abc").is_err());
        to.finish();
    }
}
