//! Entries proven together: what is above their bundles is looked up once, and bundles are read on as many threads as one likes.

use std::cmp::Ordering;

use super::files::read_sixteen;
use super::signposts::{POSTS, Posts, STRIDE, Signposts};
use super::{Files, SegmentError, Segments, TILE_WIDTH};
use crate::crypto::Digest;
use crate::log::merkle::{leaf_hash, node_hash, verify_inclusion};
use crate::log::tiles::{HashTile, TILE_HEIGHT, Tile};

/// An entry's place in the log, and its bytes.
type Proven = (u64, Vec<u8>);

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

impl Segments {
    /// The full bundles in which these entries are, whose places are sorted, and how many of them there are; the others are in
    /// the tail.
    pub fn wanted<'a>(&self, seqs: &'a [u64]) -> Result<(Vec<Wanted<'a>>, usize), SegmentError> {
        let (size, root) = (self.size(), self.root(self.size())?);
        let full = seqs.partition_point(|seq| *seq < self.bundles * TILE_WIDTH);
        let in_bundles = seqs.get(..full).unwrap_or_default();
        let edge = if full > 0 { self.edge(size)? } else { Vec::new() };
        let mut wanted = Vec::new();
        for seqs in in_bundles.chunk_by(|one, two| one / TILE_WIDTH == two / TILE_WIDTH) {
            let bundle = seqs.first().map_or(0, |seq| seq / TILE_WIDTH);
            let above = self.above(bundle, size, &edge)?;
            wanted.push(Wanted { bundle, seqs, above, size, root });
        }
        Ok((wanted, full))
    }

    /// On each level the hash over the subtree that has the last entry, complete or not.
    fn edge(&self, size: u64) -> Result<Vec<Digest>, SegmentError> {
        let last = size.checked_sub(1).ok_or(SegmentError::Entry { at: 0 })?;
        let mut edge = vec![self.node(0, last)?];
        for level in 0..64 {
            let (Some(right), own) = (edge.last().copied(), last >> level) else { break };
            if own == 0 {
                break;
            }
            // What stands on the left alone has nothing to be joined with.
            let is_right = own % 2 == 1;
            edge.push(if is_right { node_hash(&self.node(level, own - 1)?, &right) } else { right });
        }
        Ok(edge)
    }

    /// The path from the root over a bundle to the root of the tree.
    fn above(&self, bundle: u64, size: u64, edge: &[Digest]) -> Result<Vec<Digest>, SegmentError> {
        let mut path = Vec::with_capacity(edge.len());
        let (first, last) = (bundle * TILE_WIDTH, size.saturating_sub(1));
        for (level, hash) in (0..).zip(edge).skip(usize::from(TILE_HEIGHT)) {
            let sibling = (first >> level) ^ 1;
            match sibling.cmp(&(last >> level)) {
                Ordering::Less => path.push(self.node(level, sibling)?),
                Ordering::Equal => path.push(*hash),
                Ordering::Greater => {}
            }
        }
        Ok(path)
    }
}

impl Wanted<'_> {
    /// The bundle's first entry.
    pub fn start(&self) -> u64 {
        self.bundle * TILE_WIDTH
    }

    /// The entries with their places, each proven to be in the tree whose root is the signed one. Of the bundle no more is read
    /// than that takes, into a buffer that can be used again.
    pub fn read(
        &self,
        files: Files<'_>,
        signposts: Option<&Signposts>,
        buffer: &mut Vec<u8>,
    ) -> Result<Vec<Proven>, SegmentError> {
        if let Some(posts) = signposts.and_then(|signposts| signposts.of(self.bundle))
            && let Some(found) = self.by_signposts(files, &posts, buffer)
        {
            return Ok(found);
        }
        let wrong = || SegmentError::Entry { at: self.start() };
        let last = self.seqs.last().map_or(0, |last| self.place(*last));
        let records = files.entries_up_to(Tile::entries(self.bundle), last, buffer)?.ok_or_else(wrong)?;
        let damaged = || SegmentError::Tile { level: 0, index: self.bundle };
        let file = files.hashes(Tile::hashes(0, self.bundle))?.ok_or_else(damaged)?;
        let tile = HashTile::parse(&file, crate::log::tiles::TILE_WIDTH).ok_or_else(damaged)?;
        let levels = levels(tile.hashes().to_vec());
        let one = |seq: &u64| {
            let found = records.get(self.place(*seq)).zip(siblings(&levels, self.place(*seq)));
            found.and_then(|(bytes, within)| self.prove(*seq, bytes, &within))
        };
        self.seqs.iter().map(|seq| one(seq).ok_or(SegmentError::Entry { at: *seq })).collect()
    }

    /// The same where signposts lead to the entries; `None` where they do not, or to so many that all is read as quickly.
    fn by_signposts(&self, files: Files<'_>, posts: &Posts, buffer: &mut Vec<u8>) -> Option<Vec<Proven>> {
        let post_of = |seq: &u64| self.place(*seq) / STRIDE;
        let groups = || self.seqs.chunk_by(|one, two| post_of(one) == post_of(two));
        if groups().count() > POSTS / 4 {
            return None;
        }
        let file = files.open(Tile::entries(self.bundle)).ok()??;
        let over = levels(posts.hashes.clone());
        let mut found = Vec::with_capacity(self.seqs.len());
        for seqs in groups() {
            let post = post_of(seqs.first()?);
            let (from, to) = (posts.places.get(post)?, posts.places.get(post + 1));
            let records = read_sixteen(&*file, *from, to.copied(), buffer)?;
            let below = levels(records.iter().map(|record| leaf_hash(record)).collect());
            for seq in seqs {
                let at = self.place(*seq) % STRIDE;
                let within = [siblings(&below, at)?, siblings(&over, post)?].concat();
                found.push(self.prove(*seq, records.get(at)?, &within)?);
            }
        }
        Some(found)
    }

    /// An entry's place in the bundle.
    fn place(&self, seq: u64) -> usize {
        usize::try_from(seq.wrapping_sub(self.start())).unwrap_or(usize::MAX)
    }

    /// The entry, if this path within the bundle and the one above lead to the root.
    fn prove(&self, seq: u64, bytes: &[u8], within: &[Digest]) -> Option<Proven> {
        let proof = [within, &self.above].concat();
        verify_inclusion(&leaf_hash(bytes), seq, self.size, &proof, &self.root).ok()?;
        Some((seq, bytes.to_vec()))
    }
}

/// Hashes of a full subtree, level by level from its leaves up to the two below its root.
pub(super) fn levels(leaves: Vec<Digest>) -> Vec<Vec<Digest>> {
    let mut levels = vec![leaves];
    while let Some(below) = levels.last().filter(|below| below.len() > 2) {
        let above = below.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
        levels.push(above);
    }
    levels
}

/// The path of a leaf up through these levels.
fn siblings(levels: &[Vec<Digest>], at: usize) -> Option<Vec<Digest>> {
    levels.iter().enumerate().map(|(level, hashes)| hashes.get((at >> level) ^ 1).copied()).collect()
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
        std::fs::create_dir_all(folder).unwrap();
        let mut segments = Segments::read(Arc::new(OsDisk), folder, 0).unwrap();
        let records: Vec<Vec<u8>> = (0..size).map(entry).collect();
        let hashes = records.iter().map(|record| leaf_hash(record)).collect();
        segments.append(records, hashes).unwrap();
        segments.tidy().unwrap();
        Segments::read(Arc::new(OsDisk), folder, size).unwrap()
    }

    type Found = Result<Vec<(u64, Vec<u8>)>, SegmentError>;

    fn all_by(segments: &Segments, signposts: Option<&Signposts>, seqs: &[u64]) -> Found {
        let (wanted, full) = segments.wanted(seqs)?;
        let (mut out, mut buffer) = (Vec::new(), Vec::new());
        for wanted in wanted {
            out.extend(wanted.read(segments.files(), signposts, &mut buffer)?);
        }
        assert_eq!(out.len(), full);
        Ok(out)
    }

    fn all(segments: &Segments, seqs: &[u64]) -> Found {
        all_by(segments, None, seqs)
    }

    #[test]
    fn entries_of_full_bundles_are_proven_in_logs_of_every_shape() {
        for size in [1, 255, 256, 257, 512, 700, 1024, 1300] {
            let top = tempfile::tempdir().unwrap();
            let segments = log(top.path(), size);
            let path = top.path().join("posts");
            // In two steps.
            log(&top.path().join("half"), size / 2).signpost(&path).unwrap();
            segments.signpost(&path).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().len(), size / 256 * 576);
            let signposts = Signposts::open(&OsDisk, &path).unwrap();
            for every in [1, 5, 100, 250] {
                let seqs: Vec<u64> = (0..size).filter(|seq| seq % every == every / 2).collect();
                let full = seqs.iter().filter(|seq| **seq < size / 256 * 256);
                let expected: Vec<(u64, Vec<u8>)> = full.map(|seq| (*seq, entry(*seq))).collect();
                assert_eq!(all(&segments, &seqs).unwrap(), expected, "{size} {every}");
                assert_eq!(all_by(&segments, Some(&signposts), &seqs).unwrap(), expected, "{size} {every}");
            }
        }
    }

    #[test]
    fn signposts_need_not_be_believed() {
        let top = tempfile::tempdir().unwrap();
        let segments = log(top.path(), 600);
        let path = top.path().join("posts");
        segments.signpost(&path).unwrap();
        let good = std::fs::read(&path).unwrap();
        let seqs = [0, 15, 16, 17, 254, 255, 256, 500, 511];
        let expected = all(&segments, &seqs).unwrap();
        let answer = || all_by(&segments, Signposts::open(&OsDisk, &path).as_ref(), &seqs);
        for at in (0..good.len()).step_by(5) {
            let mut bad = good.clone();
            bad[at] ^= 0x81;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(answer().unwrap(), expected, "{at}");
            // One that a kill or a full disk cut off goes on where it ends.
            std::fs::write(&path, &good[..at]).unwrap();
            assert_eq!(answer().unwrap(), expected, "{at}");
            segments.signpost(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), good, "{at}");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(answer().unwrap(), expected);
        // They are what led there: with them the hashes over the entries' bundle are not read.
        std::fs::remove_file(top.path().join(Tile::hashes(0, 0).path())).unwrap();
        assert!(answer().is_err());
        std::fs::write(&path, &good).unwrap();
        assert_eq!(answer().unwrap(), expected);
        // Something else in their place keeps nobody from working.
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(top.path().join("elsewhere"), &path).unwrap();
        segments.signpost(&path).unwrap();
        assert!(answer().is_err() && !top.path().join("elsewhere").exists());
    }

    #[test]
    fn what_was_changed_is_not_proven() {
        let top = tempfile::tempdir().unwrap();
        log(top.path(), 1100).signpost(&top.path().join("posts")).unwrap();
        let signposts = Signposts::open(&OsDisk, &top.path().join("posts"));
        let some = [256, 300, 511].map(|seq| (seq, entry(seq)));
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
                let led = all_by(&segments, signposts.as_ref(), &[256, 300, 511]);
                assert!(led.is_err() || led.is_ok_and(|found| found == some));
            }
            std::fs::write(path, good).unwrap();
        }
        let (mut bytes, wanted) = (std::fs::read(&bundle).unwrap(), entry(300));
        let at = bytes.windows(wanted.len()).position(|bytes| bytes == wanted).unwrap();
        bytes[at + 20] ^= 1;
        std::fs::write(&bundle, bytes).unwrap();
        let segments = Segments::read(Arc::new(OsDisk), top.path(), 1100).unwrap();
        assert!(all_by(&segments, signposts.as_ref(), &[300]).is_err());
        assert!(all_by(&segments, signposts.as_ref(), &[256, 511]).is_ok());
    }
}
