use std::io;

use reed_solomon_simd::ReedSolomonEncoder;

use super::piece::{Piece, Pieces};
use super::turns::{Gate, Line, Stop};
use super::{ParitySink, Progress, ReadSlice};
use crate::bundle::{Plan, Shards};
use crate::crypto::{Digest, Hasher};

/// So many times as many gates as threads: nobody waits long for the one before.
const GATES: usize = 4;

/// Makes the parity of all volumes, and the digests of all blocks. Every volume is read once, from its beginning to its
/// end; every slice of parity comes to `sink` from its beginning to its end, by turns with the others. `progress` sums up
/// to the body's length.
///
/// # Errors
/// That of the source or the sink, and [`io::ErrorKind::UnexpectedEof`] when a volume is shorter than planned.
pub fn encode(
    plan: &Plan,
    source: &dyn ReadSlice,
    threads: usize,
    sink: &mut ParitySink<'_>,
    progress: &Progress<'_>,
) -> io::Result<Shards> {
    encode_in(Pieces::to_encode(plan, threads), plan, source, sink, progress)
}

pub(super) fn encode_in(
    pieces: Pieces,
    plan: &Plan,
    source: &dyn ReadSlice,
    sink: &mut ParitySink<'_>,
    progress: &Progress<'_>,
) -> io::Result<Shards> {
    let groups = pieces.threads * GATES;
    let volumes = Gate::all(0, Hashes::groups(0..plan.volumes(), groups));
    let parity = Gate::all(volumes.len(), Hashes::groups(plan.volumes()..plan.slices(), groups));
    let sink = Gate::new(volumes.len() + parity.len(), sink);
    let gates = volumes.len() + parity.len() + 1;
    let turns = pieces.count_of(plan.slice_len());
    Line::run(
        (pieces.threads, gates, turns),
        || Tool::new(plan, pieces.len),
        |line: &Line<io::Error>, turn, tool| {
            let piece = Piece::at(plan, turn * pieces.len as u64, pieces.len);
            tool.fit(plan, piece.len)?;
            for gate in &volumes {
                line.pass(gate, turn, |hashes| tool.take(plan, source, piece, hashes, progress))?;
            }
            tool.give(plan, piece, (line, turn), &parity, &sink)
        },
    )?;
    let digests = volumes.into_iter().chain(parity).flat_map(|gate| gate.into_inner().0);
    let digests = digests.flat_map(|slice| slice.done).collect();
    Shards::new(plan, digests).ok_or_else(|| io::Error::other("a block was left out"))
}

/// The digests of a slice's blocks, as far as it was seen.
struct SliceHash {
    slice: u32,
    hasher: Hasher,
    done: Vec<Digest>,
}

impl SliceHash {
    fn update(&mut self, plan: &Plan, piece: Piece, bytes: &[u8]) {
        self.hasher.update(bytes);
        if piece.ends_block(plan, self.slice) {
            self.done.push(std::mem::take(&mut self.hasher).finish());
        }
    }
}

/// Slices that pass a gate together.
struct Hashes(Vec<SliceHash>);

impl Hashes {
    /// Slices in a row, in about so many groups.
    fn groups(slices: std::ops::Range<u32>, groups: usize) -> Vec<Self> {
        let each = slices.len().div_ceil(groups).max(1);
        let mut all: Vec<_> =
            slices.map(|slice| SliceHash { slice, hasher: Hasher::new(), done: Vec::new() }).collect();
        let mut out = Vec::new();
        while !all.is_empty() {
            let rest = all.split_off(each.min(all.len()));
            out.push(Self(std::mem::replace(&mut all, rest)));
        }
        out
    }
}

/// What a thread works with.
struct Tool {
    encoder: ReedSolomonEncoder,
    /// The length of pieces that the encoder takes.
    len: usize,
    buffer: Vec<u8>,
}

impl Tool {
    fn new(plan: &Plan, len: usize) -> io::Result<Self> {
        let (volumes, parity) = (plan.volumes() as usize, plan.parity() as usize);
        let encoder = ReedSolomonEncoder::new(volumes, parity, len).map_err(io::Error::other)?;
        Ok(Self { encoder, len, buffer: vec![0; len] })
    }

    /// The last piece is shorter.
    fn fit(&mut self, plan: &Plan, len: usize) -> io::Result<()> {
        if self.len != len {
            let (volumes, parity) = (plan.volumes() as usize, plan.parity() as usize);
            self.encoder.reset(volumes, parity, len).map_err(io::Error::other)?;
            self.len = len;
        }
        Ok(())
    }

    /// Reads and hashes a piece of some volumes.
    fn take(
        &mut self,
        plan: &Plan,
        source: &dyn ReadSlice,
        piece: Piece,
        hashes: &mut Hashes,
        progress: &Progress<'_>,
    ) -> io::Result<()> {
        for hash in &mut hashes.0 {
            let bytes = piece.read(plan, source, hash.slice, &mut self.buffer)?;
            let body = bytes.get(..piece.len_in(plan, hash.slice)).unwrap_or_default();
            hash.update(plan, piece, body);
            self.encoder.add_original_shard(bytes).map_err(io::Error::other)?;
            progress(body.len() as u64);
        }
        Ok(())
    }

    /// Hashes their parity, and hands it out.
    fn give(
        &mut self,
        plan: &Plan,
        piece: Piece,
        (line, turn): (&Line<io::Error>, u64),
        parity: &[Gate<Hashes>],
        sink: &Gate<&mut ParitySink<'_>>,
    ) -> Result<(), Stop<io::Error>> {
        let made = self.encoder.encode().map_err(io::Error::other)?;
        let of = |index: u32| made.recovery(index as usize).ok_or_else(|| io::Error::other("no parity"));
        for gate in parity {
            line.pass(gate, turn, |hashes| {
                hashes.0.iter_mut().try_for_each(|hash| {
                    hash.update(plan, piece, of(hash.slice.saturating_sub(plan.volumes()))?);
                    Ok(())
                })
            })?;
        }
        line.pass(sink, turn, |sink| (0..plan.parity()).try_for_each(|index| sink(index, of(index)?)))
    }
}
