use gapvault::log::checkpoint::Checkpoint;
use gapvault::log::cosignature::{Cosignature, WitnessKey, cosigners};
use gapvault::log::merkle::leaf_hash;
use gapvault::note::{SignedNote, VerifierKey};
use gapvault::time::Timestamp;

use crate::cut::Cut;
use crate::edit::edits;
use crate::fixed::signing_key;
use crate::pair::other_key;

/// When the witness signed, in seconds.
const SECONDS: u64 = 1_790_000_000;

fn tree() -> Checkpoint {
    Checkpoint::new("example.com/log", 1, leaf_hash(b"a")).expect("it is sound")
}

fn witness() -> WitnessKey {
    WitnessKey::of_member(other_key().public())
}

pub fn good() -> Vec<u8> {
    let mut note = tree().sign(&signing_key(), None).expect("it is sound");
    let now = Timestamp::from_unix_ms(SECONDS as i64 * 1000);
    let signed = Cosignature::sign(&other_key(), &tree(), now).expect("it is after 1970");
    note.add(signed.line(&witness()).expect("it has a name")).expect("there is room");
    note.print().into_bytes()
}

/// A witness's key has one spelling and is no log's key; whatever was changed on the way, a witness said what it said, at that time,
/// of that tree, or nothing.
pub fn cosignature(data: &[u8]) {
    match data.split_first() {
        Some((1, changes)) => {
            let mut bytes = good();
            edits(&mut bytes, &mut Cut::new(changes));
            judged(&bytes);
        }
        _ => judged(data),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = text.parse::<WitnessKey>() {
        assert_eq!(key.to_string(), text);
        assert_eq!(WitnessKey::new(key.name(), key.key()).as_ref(), Ok(&key));
        assert!(text.parse::<VerifierKey>().is_err(), "a key is of one type");
    }
}

fn judged(bytes: &[u8]) {
    let Ok(note) = SignedNote::parse(bytes) else { return };
    for line in note.signatures() {
        if let Some(found) = Cosignature::of_line(line) {
            assert!(!found.is_by(&other_key().public(), &tree()) || found.seconds == SECONDS);
        }
    }
    let Ok(checkpoint) = Checkpoint::parse_text(note.text()) else { return };
    let signed = cosigners(&note, &checkpoint, &[witness()]);
    if let Ok(signed) = signed
        && !signed.is_empty()
    {
        assert_eq!((checkpoint, signed), (tree(), vec![(witness(), SECONDS)]));
    }
    // A log's key is none of a witness, under the same name neither.
    let log = WitnessKey::new("example.com/log", signing_key().public()).expect("it is a name");
    assert!(!matches!(cosigners(&note, &tree(), &[log]), Ok(found) if !found.is_empty()));
}
