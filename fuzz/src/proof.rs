use gapvault::log::checkpoint::Checkpoint;
use gapvault::log::merkle::{leaf_hash, root_of};
use gapvault::log::proof::{EntryProof, MAX_PROOF_LEN};

use crate::cut::Cut;
use crate::edit::edits;
use crate::fixed::signing_key;

/// The entries of a small log.
const ENTRIES: [&[u8]; 5] = [b"a", b"bb", b"ccc", b"dddd", b"eeeee"];

fn tree() -> Checkpoint {
    let root = root_of(ENTRIES.iter().map(|entry| leaf_hash(entry)));
    Checkpoint::new("example.com/log", ENTRIES.len() as u64, root).expect("it is sound")
}

pub fn good() -> EntryProof {
    let note = tree().sign(&signing_key(), None).expect("it is sound");
    let left = root_of(ENTRIES[..2].iter().map(|entry| leaf_hash(entry)));
    EntryProof {
        entry: Some(ENTRIES[2].to_vec()),
        index: 2,
        hashes: vec![leaf_hash(ENTRIES[3]), left, leaf_hash(ENTRIES[4])],
        checkpoint: note.print().into_bytes(),
    }
}

/// A proof has one spelling; and however it was changed on its way, it proves what the log has there or nothing.
pub fn proof(data: &[u8]) {
    match data.split_first() {
        Some((1, changes)) => {
            let mut bytes = good().print();
            edits(&mut bytes, &mut Cut::new(changes));
            judged(&bytes);
        }
        _ => judged(data),
    }
}

fn judged(bytes: &[u8]) {
    let Some(proof) = EntryProof::parse(bytes) else { return };
    assert_eq!(proof.print(), bytes);
    assert!(bytes.len() <= MAX_PROOF_LEN && proof.hashes.len() <= 63);
    let Some(entry) = &proof.entry else { return };
    if proof.check(entry, &tree()).is_ok() {
        let at = usize::try_from(proof.index).expect("it is in a tree of five");
        assert_eq!(ENTRIES.get(at), Some(&entry.as_slice()), "nothing else is there");
    }
}
