//! Reed–Solomon parity over the blocks of volumes: making it, finding damage, mending.
//!
//! The code stands in columns: block `b` of all volumes, short ones filled up with zeros, gives block `b` of every slice
//! of parity. Columns of 64 bytes do not depend on each other, so that blocks are worked on in pieces, and memory has a
//! limit whatever the number of slices. The code is that of `reed-solomon-simd` 3 (Leopard, GF(2^16)) with the
//! number of volumes and of slices of parity.

mod bad;
mod check;
mod encode;
mod mend;
mod piece;
mod turns;

use std::io;

pub use bad::Bad;
pub use check::check;
pub use encode::encode;
pub use mend::{MendError, is_mendable, mend};
pub use piece::{MAX_MEMORY, MAX_THREADS};

/// Bodies of slices, which several threads read.
pub trait ReadSlice: Sync {
    /// Reads from the body of a slice, counted from 0 over volumes and then parity, from `offset` on. Less than asked
    /// for may come, and nothing at the end of the body.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is no such slice; any other when it cannot be read.
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize>;
}

/// Takes parity: the slice, counted from 0 among parity, and what follows in its body.
pub type ParitySink<'a> = dyn FnMut(u32, &[u8]) -> io::Result<()> + Send + 'a;

/// Takes what was mended: the volume, counted from 0, where in its body, and the bytes.
pub type MendSink<'a> = dyn FnMut(u32, u64, &[u8]) -> io::Result<()> + Send + 'a;

/// Is told of bytes that are done since it was told last, from any thread.
pub type Progress<'a> = dyn Fn(u64) + Sync + 'a;

/// Reads until `out` is full or the body ends.
fn read_full(source: &dyn ReadSlice, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read_at(slice, offset.saturating_add(filled as u64), rest) {
            Ok(0) => break,
            // A source that counts wrongly must not lead outside.
            Ok(len) => filled += len.min(rest.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
