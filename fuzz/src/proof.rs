use gapvault::crypto::SigningKey;
use gapvault::id::{SessionId, VaultId};
use gapvault::label::Zone;
use gapvault::log::checkpoint::Checkpoint;
use gapvault::log::entry::{Draft, Event, Object, Outcome};
use gapvault::log::keys::{Generations, HandOver};
use gapvault::log::merkle::{leaf_hash, root_of};
use gapvault::log::proof::{EntryProof, MAX_PROOF_LEN};
use gapvault::note::{SignedNote, origin};
use gapvault::roster::Host;
use gapvault::time::{Moment, Timestamp};

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

const VAULT: VaultId = VaultId([0x3f; 32]);

/// The first log key of a vault, and the next one.
fn keys() -> [SigningKey; 2] {
    [1, 2].map(|seed| SigningKey::from_seed([seed; 32]))
}

/// That the second key follows the first, in a log of one entry.
pub fn hand_over() -> Vec<u8> {
    let [now, next] = keys();
    let host = Host::id_of(&now.public());
    let moment = Moment { time: Timestamp::from_unix_ms(0), boot: String::new(), mono_ms: 0 };
    let mut draft =
        Draft::new(Event::HostRekey, Outcome::Ok, SessionId([0; 16]), host, Zone::Isolated, &moment);
    draft.object = Some(Object::host(host));
    draft.detail.host_key = Some(next.public().0);
    let entry = draft.entry(0).expect("it is sound").to_bytes();
    let name = origin(&VAULT, 1);
    let tree = Checkpoint::new(&name, 1, leaf_hash(&entry)).expect("it is sound");
    let note = SignedNote::sign(&tree.text(), &[(&name, &now), (&name, &next)]).expect("it is sound");
    HandOver::proof(entry, Vec::new(), note.print().as_bytes()).expect("it is one")
}

/// A proof has one spelling; and however it was changed on its way, it proves what the log has there or nothing.
pub fn proof(data: &[u8]) {
    match data.split_first() {
        Some((1, changes)) => {
            let mut bytes = good().print();
            edits(&mut bytes, &mut Cut::new(changes));
            judged(&bytes);
        }
        Some((2, changes)) => {
            let mut bytes = hand_over();
            edits(&mut bytes, &mut Cut::new(changes));
            judged(&bytes);
            let whole = bytes == hand_over();
            assert!(!follows(&bytes) || whole, "no other log key follows");
        }
        _ => {
            judged(data);
            assert!(!follows(data) || data == hand_over(), "no other log key follows");
        }
    }
}

/// Whether whoever knows the first log key takes this as a proof of the next one.
fn follows(bytes: &[u8]) -> bool {
    let Some(next) = HandOver::parse(bytes) else { return false };
    Generations::follow(VAULT, 1, &[keys()[0].public()], &[next]).taken() > 0
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
