use gapvault::crypto::{Digest, SigningKey};
use gapvault::id::{DocumentId, HostId, SessionId};
use gapvault::label::Zone;
use gapvault::log::cosignature::WitnessKey;
use gapvault::log::entry::{Draft, Event, Object, Outcome, Phase};
use gapvault::log::frames::ENTRIES;
use gapvault::log::tiles::{HashTile, Tile, encode_bundle};
use gapvault::note::VerifierKey;
use gapvault::time::{Moment, Timestamp};

use crate::{cosignature, proof};

type Named = Vec<(&'static str, Vec<u8>)>;

fn entry(seq: u64, phase: Phase) -> Vec<u8> {
    let now = Moment { time: Timestamp::from_unix_ms(1_000), boot: "b".into(), mono_ms: 7 };
    let mut draft = Draft::new(
        Event::DocumentOpen,
        Outcome::Ok,
        SessionId([1; 16]),
        HostId([2; 8]),
        Zone::Isolated,
        &now,
    );
    draft.object = Some(Object::document(DocumentId([3; 16])));
    (draft.phase, draft.closes) = (phase, (phase == Phase::Done).then_some(0));
    draft.entry(seq).expect("it is sound").to_bytes()
}

pub(super) fn entries() -> Named {
    let (intent, done) = (entry(0, Phase::Intent), entry(1, Phase::Done));
    let text = String::from_utf8(intent.clone()).expect("it is ASCII");
    let mut framed = Vec::new();
    for each in [&intent, &done] {
        ENTRIES.append(&mut framed, each).expect("it is short");
    }
    let cut = framed[..framed.len() - 3].to_vec();
    vec![
        ("intent", intent),
        ("done", done),
        ("spaced", text.replace("\"v\":1", "\"v\": 1").into_bytes()),
        ("doubled", text.replace("\"v\":1", "\"v\":1,\"v\":1").into_bytes()),
        ("newer", text.replace("\"v\":1", "\"v\":2").into_bytes()),
        ("contradicts", text.replace("important-action", "administration").into_bytes()),
        ("framed", framed),
        ("framed-cut", cut),
    ]
}

pub(super) fn tiles() -> Named {
    let hashes = |count: u8| (0..count).map(|byte| Digest([byte; 32])).collect();
    let tile = |count| HashTile::new(hashes(count)).expect("it is not empty").to_bytes();
    let bundle = encode_bundle([b"a".as_slice(), b"bb"]).expect("they are short");
    vec![
        ("path", Tile::hashes(0, 1_234_067).path().into_bytes()),
        ("path-entries", Tile::entries(7).path().into_bytes()),
        ("path-partial", Tile::hashes(1, 0).partial(3).expect("it is less").path().into_bytes()),
        ("path-zero", b"tile/0/x000/001".to_vec()),
        ("hashes", tile(3)),
        ("bundle", bundle),
        ("grown", vec![200, 77, 130, 255]),
        ("grown-changed", vec![200, 77, 130, 130]),
        ("grown-edge", vec![255, 255, 254, 254]),
        ("grown-one", vec![1, 1, 0, 9]),
    ]
}

pub(super) fn proofs() -> Named {
    let good = proof::good();
    let without = gapvault::log::proof::EntryProof { entry: None, ..good.clone() };
    vec![
        ("proof", good.print()),
        ("without-entry", without.print()),
        ("crossed", vec![1]),
        ("crossed-index", vec![1, 0, 0, 40, 1]),
        ("crossed-hash", vec![1, 0, 0, 60, 1]),
        ("crossed-cut", vec![1, 1, 0, 90, 0]),
        ("hand-over", proof::hand_over()),
        ("hand-over-crossed", vec![2]),
        ("hand-over-entry", vec![2, 0, 0, 60, 1]),
        ("hand-over-line", vec![2, 3, 3, 90, 90]),
    ]
}

pub(super) fn cosignatures() -> Named {
    let key = SigningKey::from_seed([9; 32]).public();
    vec![
        ("note", cosignature::good()),
        ("crossed", vec![1]),
        ("crossed-root", vec![1, 0, 0, 22, 1]),
        ("crossed-time", vec![1, 0, 0, 190, 1]),
        ("crossed-line", vec![1, 3, 0, 80, 90]),
        ("key", WitnessKey::of_member(key).to_string().into_bytes()),
        ("key-of-a-log", VerifierKey::of_member(key).to_string().into_bytes()),
    ]
}

pub(super) fn policies() -> Named {
    let witness = |seed: u8| {
        let key = SigningKey::from_seed([seed; 32]).public();
        format!(
            "witness w{seed} {}\n",
            WitnessKey::new(&format!("example.com/w{seed}"), key).expect("a name")
        )
    };
    let log = VerifierKey::new("example.com/log", SigningKey::from_seed([1; 32]).public()).expect("a name");
    let all: String = (1..=3).map(witness).collect();
    let nested = format!("log {log}\n{all}group two any w1 w2\ngroup all all two w3\nquorum all\n");
    vec![
        ("none", format!("# nobody\nlog {log}\nquorum none\n").into_bytes()),
        ("one", format!("{all}quorum w1\n").into_bytes()),
        ("nested", nested.into_bytes()),
        ("count", format!("{all}group two 2 w1 w2 w3\nquorum two\n").into_bytes()),
        ("count-more", format!("{all}group two 4 w1 w2 w3\nquorum two\n").into_bytes()),
        ("twice", format!("{all}group a 1 w1\ngroup b 1 w1\nquorum b\n").into_bytes()),
        ("empty", Vec::new()),
    ]
}
