use gapvault::bundle::{
    DAMAGED_LIMIT, Found, RECEIPT_LIMIT, Receipt, Verdict, WITNESS_LIMIT, WitnessRequest, is_answer,
    is_file_name,
};
use gapvault::note::SignedNote;

use crate::cut::Cut;
use crate::edit::{edit, edits};
use crate::fixed::signing_key;
use crate::pair::{LOG, RECEIVER, SENDER, Tree, other_key, receipt as good, signed};

/// What comes back, and what a witness is asked: each prints back to the byte, one that was changed on its way is refused, and
/// no log passes that did not only grow.
pub fn receipt(data: &[u8]) {
    match data.split_first() {
        Some((1, rest)) => crossed(rest),
        Some((2, rest)) => anew(rest),
        Some((kind @ 0x10..0x20, rest)) => witness(*kind, Cut::new(rest)),
        _ => raw(data),
    }
}

fn raw(data: &[u8]) {
    if let Some(request) = WitnessRequest::parse(data) {
        assert_eq!(request.print(), data);
        assert!(data.len() <= WITNESS_LIMIT);
        for last in [None, RECEIVER.ledger.witnessed.as_ref()] {
            let found = request.judge(&SENDER.known, last);
            is_the_logs(found.as_ref());
        }
    }
    if let Some((receipt, _)) = Receipt::verify(data, &SENDER.newest) {
        assert_eq!(receipt, good(), "nothing else is signed");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if is_answer(text) {
        assert!(!is_file_name(text) && !text.contains('/'));
    }
    let Some(receipt) = Receipt::parse(text) else { return };
    assert_eq!(receipt.print().as_deref(), Some(text));
    assert!(receipt.damaged.len() <= DAMAGED_LIMIT);
    assert!(receipt.damaged.is_empty() || receipt.verdict == Verdict::Damaged);
    if let Some(witnessed) = &receipt.witnessed {
        assert!(!witnessed.is_by(&other_key().public()), "this one never signed as a witness");
    }
}

/// The only log is `LOG`, and its checkpoints are only those of seeds.
fn is_the_logs(found: Option<&Found>) {
    if let Some(Found::Grown(checkpoint) | Found::Forked(checkpoint)) = found {
        assert_eq!(checkpoint, &Tree(LOG).checkpoint());
    }
}

/// The good receipt after some changes: what is taken says the same.
fn crossed(changes: &[u8]) {
    let text = good().print().expect("it is sound");
    let note = signed(&text, &[&signing_key()]).expect("it is sound");
    let mut changed = note.clone();
    edits(&mut changed, &mut Cut::new(changes));
    match Receipt::verify(&changed, &SENDER.newest) {
        Some((receipt, signer)) => {
            assert_eq!(receipt, good());
            assert_eq!(signer, gapvault::note::member_id(&signing_key().public()));
        }
        None => assert!(changed != note, "the good one is taken"),
    }
    // Of a member who is not known yet nothing is taken.
    let stranger = signed(&text, &[&gapvault::crypto::SigningKey::from_seed([77; 32])]).expect("it is sound");
    assert!(Receipt::verify(&stranger, &SENDER.newest).is_none());
}

/// The good text after some changes, signed by a member.
fn anew(changes: &[u8]) {
    let mut text = good().print().expect("it is sound").into_bytes();
    edits(&mut text, &mut Cut::new(changes));
    let Ok(text) = String::from_utf8(text) else { return };
    for (key, witness) in [(signing_key(), true), (other_key(), false)] {
        let Some(note) = signed(&text, &[&key]) else { return };
        assert!(SignedNote::parse(&note).is_ok_and(|note| note.text() == text));
        let found = Receipt::verify(&note, &SENDER.newest);
        let parsed = Receipt::parse(&text).filter(|parsed| parsed.receiver == SENDER.known.vault());
        let expected = parsed.filter(|parsed| {
            // Only one signature of a witness is genuine, and of one member.
            parsed.witnessed.is_none() || (witness && parsed.witnessed == good().witnessed)
        });
        let expected = expected.filter(|_| note.len() <= RECEIPT_LIMIT);
        assert_eq!(found.map(|found| found.0), expected);
    }
}

/// A log that grew, or did not: by bits of `kind` what was seen of it is another log's, or request or proof was changed.
fn witness(kind: u8, mut cut: Cut<'_>) {
    let (size, seen) = (usize::from(cut.byte()) % 20, usize::from(cut.byte()) % 20);
    let (twist, at) = (cut.byte(), usize::from(cut.byte()));
    let new: Vec<u8> = (0..size as u8).collect();
    let mut old: Vec<u8> = (0..seen as u8).collect();
    if kind & 4 != 0 && seen > 0 {
        old[at % seen] ^= twist;
    }
    let grown = new.starts_with(&old);
    let last = Tree(&old).checkpoint();
    let mut request = Tree(&new).request(if seen <= size { seen as u64 } else { 0 });
    let honest = request.clone();
    if kind & 8 != 0 {
        let mut hashes: Vec<u8> = request.proof.iter().flat_map(|hash| hash.0).collect();
        edits(&mut hashes, &mut cut);
        request.proof = hashes.as_chunks::<32>().0.iter().copied().map(gapvault::crypto::Digest).collect();
        request.old = request.old.wrapping_add(u64::from(cut.byte()));
    }
    if kind & 1 != 0 {
        edit(&mut request.checkpoint, &mut cut);
    }
    let found = request.judge(&SENDER.known, Some(&last));
    match &found {
        Some(Found::Grown(checkpoint)) => {
            assert!(grown, "it did not only grow");
            assert_eq!(checkpoint, &Tree(&new).checkpoint());
        }
        Some(Found::Forked(checkpoint)) => {
            assert_eq!(checkpoint, &Tree(&new).checkpoint());
            assert!(!grown || request != honest);
        }
        Some(Found::Unknown) => assert!(request.old != seen as u64),
        None => assert!(request.checkpoint != honest.checkpoint),
    }
    if request == honest && grown {
        assert!(matches!(found, Some(Found::Grown(_))));
    }
    assert!(matches!(request.judge(&SENDER.known, None), None | Some(Found::Grown(_))));
    let printed = request.print();
    if let Some(read) = WitnessRequest::parse(&printed) {
        assert_eq!(read, request);
    } else {
        let long = request.proof.len() > 126 || printed.len() > WITNESS_LIMIT;
        assert!(long || std::str::from_utf8(&request.checkpoint).is_err());
    }
}
