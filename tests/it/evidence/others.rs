//! Libraries that we did not write read our evidence, and we read theirs.

use std::path::{Path, PathBuf};

use gapvault::encoding::base64;
use gapvault::note::VerifierKey;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error, Hash, HashReader, Tile, TileHashReader, TileReader, check_record, check_tree,
    prove_record, prove_tree, record_hash, stored_hash_index, stored_hashes, tree_hash,
};

use super::grown::{Folder, entry};
use super::{Exported, files};

/// Hash tiles in a folder, laid out without the height in the path.
struct Tiles(PathBuf);

fn path_of(tile: &Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

impl TileReader for Tiles {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| std::fs::read(self.0.join(path_of(tile))).map_err(|_| Error::InvalidTile);
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn opened(note: &[u8], key: &VerifierKey) -> Checkpoint {
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&key.to_string()).unwrap())]);
    let note = Note::from_bytes(note).unwrap();
    let (verified, _) = note.verify(&known).unwrap();
    assert_eq!(verified[0].name(), key.name());
    Checkpoint::from_bytes(note.text()).unwrap()
}

/// Everything that the other library can check of a log's folder.
fn checked(folder: &Path, key: &VerifierKey, older: &[u64]) -> u64 {
    let checkpoint = opened(&std::fs::read(folder.join("checkpoint")).unwrap(), key);
    let (size, root) = (checkpoint.size(), *checkpoint.hash());
    let tiles = Tiles(folder.to_owned());
    let hashes = TileHashReader::new(size, root, &tiles);
    let mut seq = 0;
    while seq < size {
        let width = (size - seq).min(256);
        let index = seq / 256;
        let partial = if width == 256 { String::new() } else { format!(".p/{width}") };
        let bundle = std::fs::read(folder.join(format!("tile/entries/{index:03}{partial}"))).unwrap();
        let mut rest = bundle.as_slice();
        while let Some((len, more)) = rest.split_first_chunk::<2>() {
            let (entry, more) = more.split_at(usize::from(u16::from_be_bytes(*len)));
            let proof = prove_record(size, seq, &hashes).unwrap();
            check_record(&proof, size, root, seq, record_hash(entry)).unwrap();
            (rest, seq) = (more, seq + 1);
        }
    }
    for old in older {
        let proof = prove_tree(size, *old, &hashes).unwrap();
        let before = tree_hash(*old, &hashes).unwrap();
        check_tree(&proof, size, root, *old, before).unwrap();
    }
    size
}

#[test]
fn others_open_our_checkpoint_and_prove_every_entry_from_our_tiles() {
    let exported = Exported::new();
    let key = &exported.keys()[0];
    let size = exported.office.place.vault().audit_checkpoint().unwrap().size;
    assert_eq!(checked(&exported.folder.join("log/1"), key, &[1, 2, 3, size]), size);
    // And at sizes where tiles fill up.
    let folder = Folder::new();
    for size in [255, 256, 257, 513] {
        folder.write(&(0..size).map(entry).collect::<Vec<_>>());
        let log = folder.top().join("log/1");
        assert_eq!(checked(&log, &folder.log_key(), &[1, 100, 255]), size);
    }
    assert!(files(&exported.folder).contains_key("check.go"));
}

/// Hashes as the other library keeps them.
#[derive(Default)]
struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        indexes.iter().map(|at| self.0.get(*at as usize).copied().ok_or(Error::InvalidTile)).collect()
    }
}

#[test]
fn a_log_that_others_made_is_in_order_with_us() {
    let folder = Folder::new();
    let key = folder.log_key();
    let secret = [&[1][..], &[5; 32]].concat();
    let signer =
        StandardSigner::new(&format!("PRIVATE+KEY+{}+{}+{}", key.name(), key.id(), base64(&secret))).unwrap();
    for size in [1_u64, 255, 256, 257, 700] {
        // Laid down by our plain hand, and then everything but the entries made anew by theirs.
        folder.write(&(0..size).map(entry).collect::<Vec<_>>());
        let log = folder.top().join("log/1");
        let mut stored = Stored::default();
        for seq in 0..size {
            assert_eq!(stored.0.len() as u64, stored_hash_index(0, seq));
            let hashes = stored_hashes(seq, &entry(seq), &stored).unwrap();
            stored.0.extend(hashes);
        }
        for level in 0..3 {
            let _ = std::fs::remove_dir_all(log.join(format!("tile/{level}")));
        }
        for tile in Tile::new_tiles(8, 0, size) {
            let path = log.join(path_of(&tile));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, tile.read_data(&stored).unwrap()).unwrap();
        }
        let text =
            Checkpoint::new(key.name(), size, tree_hash(size, &stored).unwrap(), "").unwrap().to_bytes();
        let mut note = Note::new(&text, &[]).unwrap();
        note.add_sigs(&[&signer]).unwrap();
        let note = note.to_bytes();
        std::fs::write(log.join("checkpoint"), &note).unwrap();
        let framed = [&u16::try_from(note.len()).unwrap().to_be_bytes()[..], &note].concat();
        std::fs::write(log.join("checkpoints"), framed).unwrap();
        let report = folder.verify();
        assert_eq!((report.verdict.as_str(), report.size), ("ok", size), "{:?}", report.findings);
    }
}
