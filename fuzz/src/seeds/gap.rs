use gapvault::bundle::{Head, Inner, InnerDocument, Peer, Plan};
use gapvault::crypto::{Digest, SigningKey};
use gapvault::id::{BundleId, DocumentId, VaultId};
use gapvault::label::Class;
use gapvault::sealed::Commitment;

use super::start;
use crate::card;
use crate::fixed::signing_key;
use crate::pair::{BUNDLE, LOG, SENDER, Tree, WITNESSED, other_key, receipt, signed};

type Named = Vec<(&'static str, Vec<u8>)>;

/// What the inputs about a log that grew begin with; the other bits say what was changed.
const WITNESS: u8 = 0x10;

/// An edit as [`crate::edit::edit`] reads it.
fn edit(kind: u8, at: u16, len: u8, with: &[u8]) -> Vec<u8> {
    [&[kind], at.to_be_bytes().as_slice(), &[len], with].concat()
}

fn after(front: &[u8], rest: &[u8]) -> Vec<u8> {
    [front, rest].concat()
}

pub(super) fn manifests() -> Named {
    let good = &*BUNDLE;
    let text = good.manifest.print().expect("it is sound");
    let at = |needle: &str| text.find(needle).map(|at| at + needle.len()).expect("the line is there") as u16;
    let seven = edit(5, at("\nnumber "), 1, b"3");
    let later = edit(0, at("\nnot-after 2"), 1, b"");
    let (file, other) = (edit(0, 9, 1, b""), edit(2, 0, 3, b"abc"));
    vec![
        ("core", good.manifest.core.print().expect("it is sound").into_bytes()),
        ("text", text.clone().into_bytes()),
        ("text-first", text.replace("\nnumber 2", "\nnumber 1").into_bytes()),
        ("note", good.note.clone()),
        ("ranges", b"1-3,5-5,7-9999".to_vec()),
        ("ranges-none", b"none".to_vec()),
        ("ranges-wide", b"1-4294967295".to_vec()),
        ("good", vec![0]),
        ("good-again", vec![1]),
        ("good-other-signer", vec![5]),
        ("good-refreshed", vec![3]),
        ("note-changed", after(&[0, 0, 0], &seven)),
        ("number-changed", after(&[1, 0, 0], &seven)),
        ("time-changed", after(&[1, 0, 0], &later)),
        ("file-changed", after(&[0, 1, 5], &file)),
        ("file-changed-refreshed", after(&[3, 1, 5], &file)),
        ("file-longer-refreshed", after(&[3, 1, 4], &other)),
        ("file-missing", vec![0, 2, 3]),
        ("file-missing-refreshed", vec![3, 2, 2]),
        ("approval-missing-refreshed", vec![3, 2, 2, 2, 0]),
        ("roster-missing-refreshed", vec![3, 2, 5]),
        ("name-missing", vec![0, 3, 4]),
        ("name-more", after(&[0, 4, 0, 5], b"v0010")),
        ("name-answer", after(&[0, 4, 0, 17], b"receipt-roster-01")),
        ("approval-more-refreshed", vec![3, 5, 0]),
        ("resume-more-refreshed", vec![3, 5, 201]),
        ("roster-more-refreshed", vec![3, 5, 3]),
    ]
}

pub(super) fn volumes() -> Named {
    let plan = Plan::from_parts(1000, 128, 8, 1).expect("it fits");
    let head =
        |slice| Head::of(&plan, BundleId([7; 16]), 1, slice).expect("the slice is there").print().to_vec();
    let parts = |body: u64, slice: u64, volumes: u16, parity: u16| {
        let mut out = vec![0];
        out.extend(body.to_be_bytes().iter().chain(&slice.to_be_bytes()));
        out.extend(volumes.to_be_bytes().iter().chain(&parity.to_be_bytes()));
        out
    };
    // Volumes, parity, columns, how much shorter the last one is, and bytes of one reading.
    let small = [9, 2, 1, 40, 0, 16];
    // Slice, block, what is done; then an edit.
    let flip = |slice: u8| after(&[slice, 0, 1], &edit(0, 20, 3, b""));
    let gone = |slice: u8| vec![slice, 0, 0];
    let bodies = |kind: u8, damage: &[Vec<u8>]| [vec![kind], small.to_vec(), damage.concat()].concat();
    let wide = [vec![0x1a, 60, 0xff, 0xff], after(&[0, 1, 1], &edit(0, 20, 3, b""))].concat();
    let mut digests = vec![1, 1, 1, 0, 0];
    digests.extend([0x5a; 32 * 4]);
    vec![
        ("head", head(0)),
        ("head-last", head(7)),
        ("head-parity", head(8)),
        ("name", b"v0001".to_vec()),
        ("name-parity", b"p9999".to_vec()),
        ("parts", parts(1000, 128, 8, 1)),
        ("parts-blocks", parts((5 << 20) - 9, (1 << 20) + 64, 5, 3)),
        ("parts-most", parts(9999 << 21, 1 << 21, 9999, 9999)),
        ("parts-too-many", parts(9999 << 30, 1 << 30, 9999, 9999)),
        ("asked", parts(1 << 20, 4096, 10, 0)),
        ("asked-large", parts(1 << 40, 1 << 32, 10, 0)),
        ("digests", digests),
        ("whole", bodies(2, &[])),
        ("flipped", bodies(2, &[flip(3)])),
        ("two-lost", bodies(3, &[flip(3), gone(9)])),
        ("two-lost-parity-too", bodies(2, &[flip(3), gone(10)])),
        ("three-lost", bodies(2, &[flip(3), gone(4), gone(9)])),
        ("cut", bodies(2, &[after(&[2, 0, 1], &edit(1, 20, 0, b""))])),
        ("longer", bodies(2, &[after(&[2, 0, 1], &edit(4, 20, 9, b""))])),
        ("other-digests", bodies(4, &[flip(3)])),
        ("wrong-list", bodies(6, &[after(&[2, 0, 1], &edit(0, 20, 3, b""))])),
        ("nothing-found", bodies(6, &[])),
        ("wide", wide),
    ]
}

fn list(count: u8) -> Inner {
    let document = |id: u8| InnerDocument {
        class: Class::Important,
        commitment: Commitment(Digest([id; 32])),
        header_len: 4096,
        header_sha256: Digest([!id; 32]),
        id: DocumentId([id; 16]),
        payload_sha256: Digest([id; 32]),
        size: u64::from(id) * 100_000,
    };
    Inner {
        bundle: BundleId([1; 16]),
        sender: VaultId([2; 32]),
        receiver: VaultId([3; 32]),
        random: [4; 16],
        documents: (1..=count).map(document).collect(),
    }
}

pub(super) fn archives() -> Named {
    let one = list(1).print();
    let text = String::from_utf8(one.clone()).expect("it is JSON");
    let long = text.replace("100000", "100000000000000000").into_bytes();
    // Number of documents, their sizes, bytes of one piece; then edits.
    let two = [1, 1, 0, 5, 0, 0, 2, 1];
    vec![
        ("list", one.clone()),
        ("list-three", list(3).print()),
        ("list-long", long),
        ("list-spaced", text.replace(',', ", ").into_bytes()),
        ("list-escaped", text.replace("important", "\\u0069mportant").into_bytes()),
        ("list-twice", text.replace("}]", "},{}]").into_bytes()),
        ("around", after(&[2], &one)),
        ("around-none", vec![2]),
        ("sent", vec![0, 0, 0, 40, 0]),
        ("sent-changed", after(&[0, 0, 0, 40, 0], &edit(0, 9, 1, b""))),
        ("sent-longer", after(&[0, 0, 0, 40, 1], &edit(2, 9, 1, b"x"))),
        ("crossed", two.to_vec()),
        ("crossed-flipped", after(&two, &edit(0, 6000, 1, b""))),
        ("crossed-padding", after(&two, &edit(0, 0x3000, 1, b""))),
        ("crossed-cut", after(&two, &edit(1, 0x3000, 0, b""))),
        ("crossed-doubled", after(&two, &edit(4, 512, 255, b""))),
        ("crossed-name", after(&two, &edit(5, 2048, 3, b"../"))),
    ]
}

pub(super) fn receipts() -> Named {
    let text = receipt().print().expect("it is sound");
    let plain = gapvault::bundle::Receipt { witnessed: None, ..receipt() }.print().expect("it is sound");
    let at = |needle: &str| text.find(needle).map(|at| at + needle.len()).expect("the line is there") as u16;
    let note = signed(&text, &[&signing_key()]).expect("it is sound");
    let witnessed = Tree(LOG).request(WITNESSED as u64).print();
    vec![
        ("text", text.clone().into_bytes()),
        ("text-plain", plain.into_bytes()),
        ("note", note),
        ("witness-request", witnessed),
        ("witness-request-first", Tree(LOG).request(0).print()),
        ("name", b"receipt-roster-0001".to_vec()),
        ("name-resume", b"receipt-resume-000002".to_vec()),
        ("crossed", vec![1]),
        ("crossed-flipped", after(&[1], &edit(0, at("\nverdict "), 0, b""))),
        ("anew", vec![2]),
        ("anew-attempt", after(&[2], &edit(5, at("\nattempt "), 1, b"2"))),
        ("anew-witness", after(&[2], &edit(0, at("\nwitnessed gapvault/"), 0, b""))),
        ("anew-cut", after(&[2], &edit(1, at("\nwitnessed gapvault/"), 0, b""))),
        ("log-grown", vec![WITNESS, 7, 3, 0, 0]),
        ("log-same", vec![WITNESS, 7, 7, 0, 0]),
        ("log-forked", vec![WITNESS | 4, 7, 5, 1, 2]),
        ("log-shorter", vec![WITNESS, 5, 7, 0, 0]),
        ("log-first", vec![WITNESS, 5, 0, 0, 0]),
        ("log-proof-changed", after(&[WITNESS | 8, 13, 6, 0, 0], &edit(0, 5, 1, b""))),
        ("log-forked-proof-changed", after(&[WITNESS | 12, 13, 6, 1, 2], &edit(0, 5, 1, b""))),
        ("log-checkpoint-changed", after(&[WITNESS | 1, 13, 6, 0, 0], &edit(0, 30, 1, b""))),
    ]
}

pub(super) fn cards() -> Named {
    let notes = card::notes();
    let first = gapvault::bundle::CardNotes { rosters: notes.rosters[..1].to_vec(), ..Default::default() };
    let peer = Peer {
        vault: VaultId([0x77; 32]),
        roster: Digest([5; 32]),
        peer: SENDER.known.vault(),
        card: Digest::of(&notes.print()),
        out: 1,
        incoming: 2,
        created: start(),
    };
    let mut twice = notes.clone();
    twice.resumes.push(SENDER.resume.clone());
    let mut swapped = notes.clone();
    swapped.rosters.swap(0, 1);
    let policy_again = format!("policy {}\n", SENDER.policy.len());
    let policy_again = [notes.print(), policy_again.into_bytes(), SENDER.policy.clone()].concat();
    // Of another vault, whose officers are not fixed.
    let other = super::office().print().expect("it is orderly");
    let stranger = signed(&other, &[&signing_key(), &other_key(), &SigningKey::from_seed([8; 32])]);
    let strangers =
        gapvault::bundle::CardNotes { rosters: vec![stranger.expect("it is sound")], ..Default::default() };
    vec![
        ("card", notes.print()),
        ("card-first", first.print()),
        ("card-stranger", strangers.print()),
        ("card-resumes", twice.print()),
        ("card-swapped", swapped.print()),
        ("card-policies", policy_again),
        ("peer", peer.print().expect("it is sound").into_bytes()),
        ("crossed", vec![1]),
        ("crossed-flipped", after(&[1], &edit(0, 500, 1, b""))),
        // A zero before the length of the first note.
        ("crossed-spelling", after(&[1], &edit(2, 30, 1, b"0"))),
        ("crossed-cut", after(&[1], &edit(1, 3000, 0, b""))),
        ("succeeded", vec![2]),
        ("succeeded-changed", after(&[2], &edit(5, 500, 1, b"1"))),
        ("resumed", vec![3]),
        ("resumed-changed", after(&[3], &edit(5, 100, 1, b"3"))),
        ("ruled", vec![4]),
        ("ruled-changed", after(&[4], &edit(0, 17, 1, b""))),
    ]
}
