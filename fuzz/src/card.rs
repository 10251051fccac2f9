use gapvault::bundle::{BadCard, CARD_LIMIT, CardNotes, Known, Peer, VaultCard};
use gapvault::crypto::Digest;
use gapvault::id::Code;
use gapvault::note::SignedNote;

use crate::cut::Cut;
use crate::edit::edits;
use crate::fixed::signing_key;
use crate::pair::{SENDER, other_key, signed};

/// A vault's card and the note by which it is admitted: what is read prints back to the byte; a card says of the vault what its
/// officers signed, however it was changed on its way.
pub fn card(data: &[u8]) {
    match data.split_first() {
        Some((1, rest)) => crossed(rest),
        Some((2, rest)) => succeeded(rest),
        Some((3, rest)) => resumed(rest),
        Some((4, rest)) => ruled(rest),
        _ => raw(data),
    }
}

pub fn notes() -> CardNotes {
    let sender = &*SENDER;
    CardNotes {
        rosters: sender.rosters.clone(),
        policy: Some(sender.policy.clone()),
        resumes: vec![sender.resume.clone()],
        hand_overs: Vec::new(),
    }
}

fn raw(data: &[u8]) {
    if let Ok(card) = VaultCard::parse(data) {
        prints(&card, data);
        is_ours(card.known());
    }
    if let Some(peer) = std::str::from_utf8(data).ok().and_then(Peer::parse) {
        assert_eq!(peer.print().as_deref().map(str::as_bytes), Some(data));
        assert!(peer.vault != peer.peer && peer.out > 0 && peer.incoming > 0);
    }
}

fn prints(card: &VaultCard, bytes: &[u8]) {
    assert_eq!(card.print(), bytes);
    assert_eq!(card.digest(), Digest::of(bytes));
    assert_eq!(card.code(), Code::of(card.digest().as_bytes()));
    assert!(bytes.len() <= CARD_LIMIT);
}

/// Nobody in an input can sign for the fixed officers, so whatever adds up is a beginning of what they signed.
fn is_ours(known: &Known) {
    let ours = &SENDER.newest;
    if known.vault() != ours.vault() {
        // Only seeds have rosters of other vaults that are signed.
        return;
    }
    assert_eq!(known.digest_of(1), ours.digest_of(1));
    assert!(known.digest_of(2).is_none_or(|digest| Some(digest) == ours.digest_of(2)));
    assert!(known.digest_of(3).is_none());
    assert!(known.resumes().iter().all(|resume| ours.resumes().contains(resume)));
    if known.roster().version == 2 {
        assert_eq!(known.policy(), ours.policy());
    }
}

fn crossed(changes: &[u8]) {
    let good = notes().print();
    let mut changed = good.clone();
    edits(&mut changed, &mut Cut::new(changes));
    match VaultCard::parse(&changed) {
        Ok(card) => {
            prints(&card, &changed);
            assert_eq!(card.known().vault(), SENDER.newest.vault());
            is_ours(card.known());
            let same = card.digest() == Digest::of(&good);
            assert_eq!(same, changed == good, "what two people compare is another one");
        }
        Err(error) => assert!(changed != good, "{error}"),
    }
}

fn both(text: &[u8]) -> Option<Vec<u8>> {
    signed(std::str::from_utf8(text).ok()?, &[&signing_key(), &other_key()])
}

/// The good card with another note, which the officers signed.
fn with(change: impl FnOnce(&mut CardNotes)) -> Option<VaultCard> {
    let mut notes = notes();
    change(&mut notes);
    let card = VaultCard::of(notes.clone());
    let printed = notes.print();
    let read = VaultCard::parse(&printed);
    assert_eq!(card.is_ok(), read.is_ok());
    match read {
        Ok(read) => {
            prints(&read, &printed);
            card.ok()
        }
        Err(BadCard::Malformed | BadCard::Chain(_)) => None,
    }
}

/// The input, or the newest roster after some changes, as the roster that follows.
fn succeeded(changes: &[u8]) {
    let newest = SignedNote::parse(&SENDER.rosters[1]).expect("it is sound");
    let next = newest.text().replace("version 2", "version 3");
    let before = SENDER.newest.digest_of(1).expect("it is there").to_string();
    let mut text = next.replace(&before, &SENDER.newest.roster_digest().to_string()).into_bytes();
    let vault = SENDER.newest.vault().to_string();
    // The vault's id is the digest of its first roster: only the line `previous` is to change.
    text = String::from_utf8_lossy(&text)
        .replacen(&SENDER.newest.roster_digest().to_string(), &vault, 1)
        .into_bytes();
    edits(&mut text, &mut Cut::new(changes));
    let Some(note) = both(&text) else { return };
    let alone = signed(std::str::from_utf8(&text).expect("it was signed"), &[&signing_key()]);
    let alone = alone.expect("it was signed");
    assert!(with(|notes| notes.rosters.push(alone)).is_none(), "two officers have to sign");
    let Some(card) = with(|notes| notes.rosters.push(note)) else {
        assert!(!changes.is_empty(), "the unchanged one follows");
        return;
    };
    let known = card.known();
    assert_eq!(known.vault(), SENDER.newest.vault());
    assert_eq!((known.roster().version, known.roster_digest()), (3, Digest::of(&text)));
    assert_eq!(known.roster().previous, Some(SENDER.newest.roster_digest()));
    assert_eq!(known.roster().print().ok().map(String::into_bytes), Some(text));
    assert!(known.roster().policy == Some(known.policy().digest()));
}

/// A note of officers by which the log went on, after some changes.
fn resumed(changes: &[u8]) {
    let good = SignedNote::parse(&SENDER.resume).expect("it is sound");
    let mut text = good.text().as_bytes().to_vec();
    edits(&mut text, &mut Cut::new(changes));
    let Some(note) = both(&text) else { return };
    let same = text == good.text().as_bytes();
    let Some(card) = with(|notes| notes.resumes = vec![note.clone()]) else {
        assert!(!same);
        return;
    };
    let [resume] = card.known().resumes() else { panic!("one note, one epoch") };
    assert_eq!(resume.print().map(String::into_bytes), Some(text));
    assert!(resume.epoch >= 2 && resume.vault == SENDER.newest.vault());
    // Of one epoch there is one note.
    let twice = with(|notes| notes.resumes.push(note));
    assert!(twice.is_none() || same || resume.epoch != 2);
}

/// The policy after some changes: only the one that the roster names.
fn ruled(changes: &[u8]) {
    let mut text = SENDER.policy.clone();
    edits(&mut text, &mut Cut::new(changes));
    let card = with(|notes| notes.policy = Some(text.clone()));
    assert_eq!(card.is_some(), text == SENDER.policy);
}
