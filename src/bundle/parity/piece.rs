//! What is worked on at a time, and with how much memory.

use std::io;

use super::{ReadSlice, read_full};
use crate::bundle::{COLUMN_LEN, Plan};

/// Most memory that parity is made and mended with, by all threads together.
pub const MAX_MEMORY: u64 = 64 << 20;
/// More threads are not begun.
pub const MAX_THREADS: usize = 16;
/// What the library's tables take of it.
const TABLES: u64 = 9 << 20;
/// What a hash, its digests aside, and a name in a list take of it for each slice.
const EACH_SLICE: u64 = 256;
/// Longer pieces are no faster. Shorter ones make a medium seek more often, and mending has a price for each.
const LONGEST: u64 = 512 << 10;
/// Rather than to shorter pieces one comes down to fewer threads.
const SHORT: u64 = 4 << 10;

/// How long pieces are, and on how many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pieces {
    pub(super) threads: usize,
    /// A power of two of at least 64, and not more than a block.
    pub(super) len: usize,
}

impl Pieces {
    /// For making parity.
    pub(super) fn to_encode(plan: &Plan, threads: usize) -> Self {
        let (volumes, parity) = (u64::from(plan.volumes()), u64::from(plan.parity()));
        // Which of the two shapes the library takes is its own affair.
        let high = volumes.next_multiple_of(parity.next_power_of_two());
        let low = parity.next_multiple_of(volumes.next_power_of_two());
        Self::within(plan, threads, high.max(low))
    }

    /// For mending.
    pub(super) fn to_mend(plan: &Plan, threads: usize) -> Self {
        let (volumes, parity) = (u64::from(plan.volumes()), u64::from(plan.parity()));
        let high = (parity.next_power_of_two() + volumes).next_power_of_two();
        let low = (volumes.next_power_of_two() + parity).next_power_of_two();
        Self::within(plan, threads, high.max(low))
    }

    /// With so many pieces in the library's hands for each thread, and one in ours.
    fn within(plan: &Plan, threads: usize, held: u64) -> Self {
        let memory = MAX_MEMORY - TABLES - u64::from(plan.slices()) * EACH_SLICE;
        let mut threads = threads.clamp(1, MAX_THREADS);
        let each = |threads: usize| memory / (held + 1) / threads as u64;
        while threads > 1 && each(threads) < SHORT {
            threads -= 1;
        }
        let len = each(threads).clamp(COLUMN_LEN, LONGEST).min(plan.block_len());
        let len = if len.is_power_of_two() { len } else { len.next_power_of_two() / 2 };
        Self { threads, len: usize::try_from(len).unwrap_or(64) }
    }

    /// How many pieces a block, or what there is of it, has.
    pub(super) fn count_of(&self, len: u64) -> u64 {
        len.div_ceil(self.len as u64)
    }
}

/// A piece of every slice: where in the bodies, and how long in slices that are not short.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) len: usize,
}

impl Piece {
    /// The piece of this length that begins at `offset`; shorter at the end of the slices.
    pub(super) fn at(plan: &Plan, offset: u64, len: usize) -> Self {
        let rest = plan.slice_len().saturating_sub(offset);
        Self { offset, len: usize::try_from(rest).unwrap_or(len).min(len) }
    }

    /// How much of it this slice has.
    pub(super) fn len_in(&self, plan: &Plan, slice: u32) -> usize {
        let rest = plan.body_len_of(slice).saturating_sub(self.offset);
        usize::try_from(rest).unwrap_or(self.len).min(self.len)
    }

    /// Whether a block of this slice ends with it.
    pub(super) fn ends_block(&self, plan: &Plan, slice: u32) -> bool {
        let end = self.offset + self.len_in(plan, slice) as u64;
        end > self.offset && (end.is_multiple_of(plan.block_len()) || end == plan.body_len_of(slice))
    }

    /// Reads it from a slice, and fills it up with zeros. All of it must be there.
    pub(super) fn read<'a>(
        &self,
        plan: &Plan,
        source: &dyn ReadSlice,
        slice: u32,
        buffer: &'a mut [u8],
    ) -> io::Result<&'a [u8]> {
        let buffer = buffer.get_mut(..self.len).unwrap_or_default();
        let (body, padding) = buffer.split_at_mut_checked(self.len_in(plan, slice)).unwrap_or_default();
        if read_full(source, slice, self.offset, body)? < body.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        padding.fill(0);
        Ok(buffer)
    }
}
