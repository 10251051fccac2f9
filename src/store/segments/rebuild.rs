use std::path::{Path, PathBuf};

use super::{SegmentError, Segments, TILE_WIDTH, joined};
use crate::crypto::Digest;
use crate::log::merkle::leaf_hash;
use crate::log::tiles::Tile;
use crate::store::disk::write_many_durably;

impl Segments {
    /// Makes every hash tile anew from the entries; gives those that are missing or differ, as path and content.
    fn wrong_tiles(&mut self) -> Result<Vec<(PathBuf, Vec<u8>)>, SegmentError> {
        self.tiles.borrow_mut().clear();
        self.nodes.borrow_mut().clear();
        let bundles = std::mem::take(&mut self.bundles);
        let mut wrong = Vec::new();
        for index in 0..bundles {
            self.bundles = index;
            let hashes: Vec<Digest> = self.bundle(index)?.iter().map(|entry| leaf_hash(entry)).collect();
            let mut files = vec![(self.folder.join(Tile::hashes(0, index).path()), joined(&hashes))];
            self.tiles.borrow_mut().insert((0, index), hashes);
            self.bundles = index + 1;
            self.upper_tiles(&mut files)?;
            let differs = |path: &Path, bytes: &Vec<u8>| {
                self.disk.read(path, TILE_WIDTH * 32).ok().as_ref() != Some(bytes)
            };
            wrong.extend(files.into_iter().filter(|(path, bytes)| differs(path, bytes)));
        }
        self.bundles = bundles;
        Ok(wrong)
    }

    /// Writes the tiles anew that are missing or differ; how many.
    pub fn rebuild_tiles(&mut self) -> Result<u64, SegmentError> {
        let wrong = self.wrong_tiles()?;
        write_many_durably(&*self.disk, &wrong)?;
        Ok(wrong.len() as u64)
    }
}
