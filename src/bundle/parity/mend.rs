use std::io;

use reed_solomon_simd::ReedSolomonDecoder;

use super::piece::{Piece, Pieces};
use super::turns::{Gate, Line, Stop};
use super::{Bad, MendSink, Progress, ReadSlice};
use crate::bundle::{Plan, Shards};
use crate::crypto::Hasher;

/// Why volumes could not be mended.
#[derive(Debug, thiserror::Error)]
pub enum MendError {
    /// More is lost than there is good parity for, here or elsewhere.
    #[error("{lost} volumes have lost block {block}, and {parity} blocks of parity are left there")]
    TooMuch {
        /// The first such block, counted from 0.
        block: u64,
        /// How many volumes have lost it.
        lost: u32,
        /// How much good parity is in its place.
        parity: u32,
    },
    /// What was mended is not what the digests say: parity or digests were made for something else, or a good block was read
    /// otherwise than when it was checked.
    #[error("block {block} of volume {slice} does not come out as recorded")]
    Digest {
        /// The volume, counted from 0.
        slice: u32,
        /// The block, counted from 0.
        block: u64,
    },
    /// From the source or the sink. [`io::ErrorKind::InvalidInput`] when the digests or the bad blocks are those of another
    /// plan.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Whether parity is enough for all volumes. Bad parity does not matter where no volume is bad.
pub fn is_mendable(plan: &Plan, bad: &Bad) -> bool {
    bad.plan() == plan && stripes(bad).is_ok()
}

/// Makes the bad blocks of volumes anew from the good ones, and tells how many. Parity is not mended.
///
/// What is mended of a volume comes to `sink` in ascending order, in pieces, and a block's digest is known only with its
/// last one: after an error nothing of it may be used. `progress` sums up to the length of all mended blocks.
///
/// # Errors
/// Every [`MendError`]; [`MendError::TooMuch`] before anything is read.
pub fn mend(
    plan: &Plan,
    source: &dyn ReadSlice,
    shards: &Shards,
    bad: &Bad,
    threads: usize,
    sink: &mut MendSink<'_>,
    progress: &Progress<'_>,
) -> Result<u64, MendError> {
    mend_in(Pieces::to_mend(plan, threads), plan, source, (shards, bad), sink, progress)
}

pub(super) fn mend_in(
    pieces: Pieces,
    plan: &Plan,
    source: &dyn ReadSlice,
    (shards, bad): (&Shards, &Bad),
    sink: &mut MendSink<'_>,
    progress: &Progress<'_>,
) -> Result<u64, MendError> {
    if shards.plan() != plan || bad.plan() != plan {
        return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
    }
    let blocks = stripes(bad)?;
    // Only the last block may have fewer pieces, and nothing follows it.
    let each = pieces.count_of(plan.block_len());
    let turns = blocks.iter().map(|block| pieces.count_of(plan.block_len_of(0, *block))).sum();
    let out = Gate::new(0, Out { plan, shards, hashers: Vec::new(), mended: 0, sink, progress });
    Line::run(
        (pieces.threads, 1, turns),
        || Tool::new(plan, pieces.len),
        |line: &Line<MendError>, turn, tool| {
            let block = usize::try_from(turn / each).ok().and_then(|at| blocks.get(at)).copied();
            let Some(block) = block else { return Ok(()) };
            let offset = block * plan.block_len() + turn % each * pieces.len as u64;
            let piece = Piece::at(plan, offset, pieces.len);
            tool.take(plan, source, bad, (block, piece))?;
            tool.give((block, piece), (line, turn), &out)
        },
    )?;
    Ok(out.into_inner().mended)
}

/// The blocks that some volume has lost.
fn stripes(bad: &Bad) -> Result<Vec<u64>, MendError> {
    let mut blocks = Vec::new();
    for block in 0..bad.plan().blocks_per_slice() {
        let (lost, parity) = bad.stripe(block);
        let lost = u32::try_from(lost.len()).unwrap_or(u32::MAX);
        if lost > parity {
            return Err(MendError::TooMuch { block, lost, parity });
        }
        if lost > 0 {
            blocks.push(block);
        }
    }
    Ok(blocks)
}

/// Where mended pieces go, in their order.
struct Out<'a, 'b> {
    plan: &'a Plan,
    shards: &'a Shards,
    /// Of the block that is being mended, one for each volume that has lost it.
    hashers: Vec<Hasher>,
    mended: u64,
    sink: &'a mut MendSink<'b>,
    progress: &'a Progress<'a>,
}

impl Out<'_, '_> {
    /// Takes a piece of the volume that is at place `at` among those that have lost the block.
    fn put(
        &mut self,
        (at, slice): (usize, u32),
        block: u64,
        piece: Piece,
        bytes: &[u8],
    ) -> Result<(), MendError> {
        let bytes = bytes.get(..piece.len_in(self.plan, slice)).unwrap_or_default();
        if self.hashers.len() <= at {
            self.hashers.resize_with(at + 1, Hasher::new);
        }
        let Some(hasher) = self.hashers.get_mut(at) else { return Ok(()) };
        hasher.update(bytes);
        if piece.ends_block(self.plan, slice) {
            let digest = std::mem::take(hasher).finish();
            if self.shards.get(slice, block) != Some(&digest) {
                return Err(MendError::Digest { slice, block });
            }
            self.mended += 1;
        }
        if !bytes.is_empty() {
            (self.sink)(slice, piece.offset, bytes)?;
            (self.progress)(bytes.len() as u64);
        }
        Ok(())
    }
}

/// What a thread works with.
struct Tool {
    decoder: ReedSolomonDecoder,
    /// The length of pieces that the decoder takes.
    len: usize,
    buffer: Vec<u8>,
    /// The volumes that have lost the block at hand.
    lost: Vec<u32>,
}

impl Tool {
    fn new(plan: &Plan, len: usize) -> Result<Self, MendError> {
        let (volumes, parity) = (plan.volumes() as usize, plan.parity() as usize);
        let decoder = ReedSolomonDecoder::new(volumes, parity, len).map_err(io::Error::other)?;
        Ok(Self { decoder, len, buffer: vec![0; len], lost: Vec::new() })
    }

    /// Reads a piece of all good volumes, and of as much parity as is needed.
    fn take(
        &mut self,
        plan: &Plan,
        source: &dyn ReadSlice,
        bad: &Bad,
        (block, piece): (u64, Piece),
    ) -> Result<(), MendError> {
        if self.len != piece.len {
            let (volumes, parity) = (plan.volumes() as usize, plan.parity() as usize);
            self.decoder.reset(volumes, parity, piece.len).map_err(io::Error::other)?;
            self.len = piece.len;
        }
        (self.lost, _) = bad.stripe(block);
        let good = |slice: &u32| !bad.contains(*slice, block);
        for slice in (0..plan.volumes()).filter(good) {
            let bytes = piece.read(plan, source, slice, &mut self.buffer)?;
            self.decoder.add_original_shard(slice as usize, bytes).map_err(io::Error::other)?;
        }
        let parity = (plan.volumes()..plan.slices()).filter(good).take(self.lost.len());
        for slice in parity {
            let bytes = piece.read(plan, source, slice, &mut self.buffer)?;
            let index = slice.saturating_sub(plan.volumes());
            self.decoder.add_recovery_shard(index as usize, bytes).map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Mends what is lost, and hands it out.
    fn give(
        &mut self,
        (block, piece): (u64, Piece),
        (line, turn): (&Line<MendError>, u64),
        out: &Gate<Out<'_, '_>>,
    ) -> Result<(), Stop<MendError>> {
        let made = self.decoder.decode().map_err(|error| MendError::Io(io::Error::other(error)))?;
        line.pass(out, turn, |out| {
            self.lost.iter().enumerate().try_for_each(|(at, slice)| {
                let bytes = made.restored_original(*slice as usize);
                let bytes = bytes.filter(|bytes| bytes.len() == piece.len);
                out.put((at, *slice), block, piece, bytes.unwrap_or_default())
            })
        })
    }
}
