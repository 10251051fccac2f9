//! Entries proven together: what is above their bundles is looked up once, and bundles are read on as many threads as one likes.

use super::{Files, SegmentError, Segments, TILE_WIDTH};
use crate::crypto::Digest;
use crate::log::merkle::{HashReader, Node, inclusion_proof, leaf_hash, node_hash, verify_inclusion};
use crate::log::tiles::{HashTile, TILE_HEIGHT, Tile};

/// A full bundle of which some entries are wanted.
#[derive(Debug)]
pub struct Wanted<'a> {
    bundle: u64,
    /// Places in the log, which all lie in it.
    seqs: &'a [u64],
    /// The path from the root over the bundle to the root of the tree.
    above: Vec<Digest>,
    size: u64,
    root: Digest,
}

/// The hashes above a bundle. Those within it are not looked up: whoever reads it makes them.
struct Above<'a> {
    segments: &'a Segments,
    bundle: u64,
}

impl HashReader for Above<'_> {
    type Error = SegmentError;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, SegmentError> {
        let one = |node: &Node| {
            let within = node.level < TILE_HEIGHT && node.index >> (TILE_HEIGHT - node.level) == self.bundle;
            if within { Ok(Digest([0; 32])) } else { self.segments.node(node.level, node.index) }
        };
        nodes.iter().map(one).collect()
    }
}

impl Segments {
    /// The full bundles in which these entries are, whose places are sorted, and how many of them there are; the others are in
    /// the tail.
    pub fn wanted<'a>(&self, seqs: &'a [u64]) -> Result<(Vec<Wanted<'a>>, usize), SegmentError> {
        let (size, root) = (self.size(), self.root(self.size())?);
        let full = seqs.partition_point(|seq| *seq < self.bundles * TILE_WIDTH);
        let in_bundles = seqs.get(..full).unwrap_or_default();
        let mut wanted = Vec::new();
        for seqs in in_bundles.chunk_by(|one, two| one / TILE_WIDTH == two / TILE_WIDTH) {
            let bundle = seqs.first().map_or(0, |seq| seq / TILE_WIDTH);
            let start = bundle * TILE_WIDTH;
            let path = inclusion_proof(start, size, &Above { segments: self, bundle });
            let mut above = path.map_err(|_| SegmentError::Entry { at: start })?;
            above.drain(..usize::from(TILE_HEIGHT).min(above.len()));
            wanted.push(Wanted { bundle, seqs, above, size, root });
        }
        Ok((wanted, full))
    }
}

impl Wanted<'_> {
    /// The bundle's first entry.
    pub fn start(&self) -> u64 {
        self.bundle * TILE_WIDTH
    }

    /// The entries with their places, each proven to be in the tree whose root is the signed one. Of the bundle no more is read
    /// than that takes, into a buffer that can be used again.
    pub fn read(&self, files: Files<'_>, buffer: &mut Vec<u8>) -> Result<Vec<(u64, Vec<u8>)>, SegmentError> {
        let start = self.start();
        let wrong = || SegmentError::Entry { at: start };
        let last = self.seqs.last().and_then(|last| usize::try_from(last - start).ok()).unwrap_or(0);
        let records = files.entries_up_to(Tile::entries(self.bundle), last, buffer)?.ok_or_else(wrong)?;
        let levels = self.levels(files)?;
        let one = |seq: &u64| {
            let wrong = || SegmentError::Entry { at: *seq };
            let at = seq.checked_sub(start).and_then(|at| usize::try_from(at).ok()).ok_or_else(wrong)?;
            let bytes = records.get(at).ok_or_else(wrong)?;
            let siblings =
                levels.iter().enumerate().map(|(level, hashes)| hashes.get((at >> level) ^ 1).copied());
            let within: Option<Vec<Digest>> = siblings.collect();
            let proof = [within.ok_or_else(wrong)?.as_slice(), &self.above].concat();
            verify_inclusion(&leaf_hash(bytes), *seq, self.size, &proof, &self.root).map_err(|_| wrong())?;
            Ok((*seq, bytes.to_vec()))
        };
        self.seqs.iter().map(one).collect()
    }

    /// The hashes within the bundle, level by level from those of its entries up to the two below its root.
    fn levels(&self, files: Files<'_>) -> Result<Vec<Vec<Digest>>, SegmentError> {
        let damaged = || SegmentError::Tile { level: 0, index: self.bundle };
        let file = files.hashes(Tile::hashes(0, self.bundle))?.ok_or_else(damaged)?;
        let tile = HashTile::parse(&file, crate::log::tiles::TILE_WIDTH).ok_or_else(damaged)?;
        let mut levels = vec![tile.hashes().to_vec()];
        while let Some(below) = levels.last().filter(|below| below.len() > 2) {
            let above = below.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
            levels.push(above);
        }
        Ok(levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HostId, SessionId};
    use crate::label::Zone;
    use crate::log::entry::{Draft, Event, Outcome};
    use crate::store::disk::OsDisk;
    use crate::time::{Moment, Timestamp};
    use std::path::Path;
    use std::sync::Arc;

    fn entry(seq: u64) -> Vec<u8> {
        let now = Moment { time: Timestamp::from_unix_ms(0), boot: String::new(), mono_ms: seq };
        let (session, host) = (SessionId([1; 16]), HostId([2; 8]));
        let draft = Draft::new(Event::TitleRead, Outcome::Ok, session, host, Zone::Networked, &now);
        draft.entry(seq).unwrap().to_bytes()
    }

    fn log(folder: &Path, size: u64) -> Segments {
        let mut segments = Segments::read(Arc::new(OsDisk), folder, 0).unwrap();
        let records: Vec<Vec<u8>> = (0..size).map(entry).collect();
        let hashes = records.iter().map(|record| leaf_hash(record)).collect();
        segments.append(records, hashes).unwrap();
        segments.tidy().unwrap();
        Segments::read(Arc::new(OsDisk), folder, size).unwrap()
    }

    fn all(segments: &Segments, seqs: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, SegmentError> {
        let (wanted, full) = segments.wanted(seqs)?;
        let (mut out, mut buffer) = (Vec::new(), Vec::new());
        for wanted in wanted {
            out.extend(wanted.read(segments.files(), &mut buffer)?);
        }
        assert_eq!(out.len(), full);
        Ok(out)
    }

    #[test]
    fn entries_of_full_bundles_are_proven_in_logs_of_every_shape() {
        for size in [1, 255, 256, 257, 512, 700, 1024, 1300] {
            let top = tempfile::tempdir().unwrap();
            let segments = log(top.path(), size);
            let seqs: Vec<u64> = (0..size).collect();
            let expected: Vec<(u64, Vec<u8>)> = (0..size / 256 * 256).map(|seq| (seq, entry(seq))).collect();
            assert_eq!(all(&segments, &seqs).unwrap(), expected, "{size}");
            let some: Vec<u64> = seqs.iter().copied().filter(|seq| seq % 100 == 7).collect();
            let expected: Vec<_> = expected.into_iter().filter(|(seq, _)| seq % 100 == 7).collect();
            assert_eq!(all(&segments, &some).unwrap(), expected, "{size}");
        }
    }

    #[test]
    fn what_was_changed_is_not_proven() {
        let top = tempfile::tempdir().unwrap();
        log(top.path(), 1100);
        let bundle = top.path().join(Tile::entries(1).path());
        let tile = top.path().join(Tile::hashes(0, 1).path());
        // All of it is read where its last entry is wanted.
        for (path, step) in [(&bundle, 4999), (&tile, 501)] {
            let good = std::fs::read(path).unwrap();
            for at in (0..good.len()).step_by(step) {
                let mut bad = good.clone();
                bad[at] ^= 1;
                std::fs::write(path, bad).unwrap();
                let segments = Segments::read(Arc::new(OsDisk), top.path(), 1100).unwrap();
                let seqs: Vec<u64> = (256..512).collect();
                assert!(all(&segments, &seqs).is_err(), "{} {at}", path.display());
                assert!(all(&segments, &[3]).is_ok() || path == &tile);
            }
            std::fs::write(path, good).unwrap();
        }
    }
}
