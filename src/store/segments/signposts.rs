//! Signposts: where each sixteenth entry of a full bundle begins, and the hash over it and the fifteen that follow. With
//! them one entry is proven by reading and hashing sixteen, and not all 256.
//!
//! A file for each epoch, 576 bytes for each bundle in the log's order: 16 times a place in the bundle in 4 bytes,
//! big-endian, and a hash in 32. Nothing in it is believed. A wrong one does not lead to the signed root, a missing one to
//! nothing, and then the whole bundle is read.

use std::path::Path;

use super::proven::levels;
use super::{SegmentError, Segments, TILE_WIDTH};
use crate::crypto::Digest;
use crate::log::frames::HEAD_LEN;
use crate::log::merkle::leaf_hash;
use crate::store::disk::{Disk, ReadAt};

/// Entries from one signpost to the next.
pub(super) const STRIDE: usize = 16;
/// Signposts of a bundle.
pub(super) const POSTS: usize = TILE_WIDTH as usize / STRIDE;
/// Bytes of a signpost.
const POST: usize = 4 + 32;
/// Bytes of a bundle's signposts.
const RECORD: usize = POSTS * POST;

/// What stands at every sixteenth entry of a bundle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Posts {
    /// Where the entries begin in the bundle's file.
    pub(super) places: Vec<u64>,
    /// The hashes over sixteen entries each.
    pub(super) hashes: Vec<Digest>,
}

/// The signposts of an epoch, for several threads at once.
pub struct Signposts(Box<dyn ReadAt>);

impl std::fmt::Debug for Signposts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signposts(..)")
    }
}

impl Signposts {
    /// Opens a file; `None` where there is none that can be read, which costs time and nothing else.
    pub fn open(disk: &dyn Disk, path: &Path) -> Option<Self> {
        disk.open_at(path).ok().map(Self)
    }

    pub(super) fn of(&self, bundle: u64) -> Option<Posts> {
        let mut record = [0; RECORD];
        let got = self.0.read_at(bundle.checked_mul(RECORD as u64)?, &mut record).ok()?;
        (got == RECORD).then(|| Posts::decode(&record))
    }
}

impl Posts {
    fn decode(record: &[u8; RECORD]) -> Self {
        let (mut places, mut hashes) = (Vec::with_capacity(POSTS), Vec::with_capacity(POSTS));
        for post in record.as_chunks::<POST>().0 {
            let [a, b, c, d, hash @ ..] = *post;
            places.push(u32::from_be_bytes([a, b, c, d]).into());
            hashes.push(Digest(hash));
        }
        Self { places, hashes }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for (place, hash) in self.places.iter().zip(&self.hashes) {
            // No bundle is so long that its places need more.
            out.extend_from_slice(&u32::try_from(*place).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(&hash.0);
        }
    }
}

impl Segments {
    fn posts(&self, bundle: u64) -> Result<Posts, SegmentError> {
        let (mut places, mut leaves, mut at) = (Vec::new(), Vec::new(), 0);
        for (seq, entry) in self.bundle(bundle)?.iter().enumerate() {
            if seq % STRIDE == 0 {
                places.push(at);
            }
            at += (HEAD_LEN + entry.len()) as u64;
            leaves.push(leaf_hash(entry));
        }
        let over_sixteen = levels(leaves).into_iter().find(|hashes| hashes.len() == POSTS);
        Ok(Posts { places, hashes: over_sixteen.unwrap_or_default() })
    }

    /// Puts up the signposts of all full bundles that have none yet.
    pub fn signpost(&self, path: &Path) -> Result<(), SegmentError> {
        let mut file = match self.disk.append(path) {
            // Whatever somebody put there, it is no reason to stop.
            Err(error) if error.is_wrong_kind() => return Ok(()),
            other => other?,
        };
        let len = file.size()?;
        let begun = len / RECORD as u64;
        // A kill left half of one.
        file.set_size(begun * RECORD as u64)?;
        let mut bytes = Vec::new();
        for bundle in begun..self.bundles {
            self.posts(bundle)?.encode(&mut bytes);
            // Not all of a long log's at once.
            if bytes.len() >= PIECE {
                file.put(&bytes)?;
                bytes.clear();
            }
        }
        file.put(&bytes)?;
        Ok(file.sync_data()?)
    }

    /// Whether the signposts that are there lead where they should.
    pub fn check_signposts(&self, path: &Path) -> Result<bool, SegmentError> {
        let Some(signposts) = Signposts::open(&*self.disk, path) else { return Ok(true) };
        for bundle in 0..self.bundles {
            let Some(posts) = signposts.of(bundle) else { break };
            if posts != self.posts(bundle)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Bytes that are written at once.
const PIECE: usize = 1 << 20;
