use gapvault::crypto::Digest;
use gapvault::id::VaultId;
use gapvault::log::checkpoint::{Checkpoint, SignedCheckpoint};
use gapvault::note::{
    Fields, FieldsReader, MAX_SIGNATURES, MAX_TEXT_LEN, NoteError, SignedNote, VerifierKey, member_id,
    member_key_name,
};
use gapvault::policy::{Approval, Ask, OBJECT_LIMIT, Policy};
use gapvault::roster::Roster;

use crate::fixed::signing_key;
use crate::seeds::{self, office};

/// Signed text and what stands in it (fields, verifier keys, checkpoints, rosters, policies, requests, approvals): each has one spelling, so what
/// is read prints back to the byte, and what is printed is read again.
pub fn note(data: &[u8]) {
    if let Ok(note) = SignedNote::parse(data) {
        assert_eq!(note.print().as_bytes(), data);
        is_nobodys(&note);
        can_be_signed(&note);
        texts(note.text());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        texts(text);
        signs(text);
    }
}

fn known() -> VerifierKey {
    VerifierKey::of_member(signing_key().public())
}

/// The key is ours, and a signature of it in an input would be a forgery or a seed.
fn is_nobodys(note: &SignedNote) {
    let verified = note.verify(&[known()]);
    let names = |key: &VerifierKey| {
        note.signatures().iter().any(|line| line.name() == key.name() && line.id() == key.id())
    };
    match verified {
        Ok(verified) => {
            assert_eq!(verified.text(), note.text());
            assert_eq!(verified.signers(), [known()]);
            let genuine = |line: &[u8]| signing_key().public().verify(note.text().as_bytes(), line);
            assert!(note.signatures().iter().any(|line| genuine(line.bytes())));
        }
        Err(NoteError::NotSigned) => assert!(!names(&known())),
        Err(NoteError::BadSignature(name)) => assert_eq!(name, known().name()),
        Err(other) => panic!("not a verdict: {other:?}"),
    }
}

fn can_be_signed(note: &SignedNote) {
    let full = note.signatures().len() == MAX_SIGNATURES;
    let name = member_key_name(member_id(&signing_key().public()));
    let mut more = note.clone();
    let said = more.cosign(&name, &signing_key());
    if full && said.is_err() {
        assert_eq!(said, Err(NoteError::TooManySignatures));
        return;
    }
    assert_eq!(said, Ok(()));
    let again = SignedNote::parse(more.print().as_bytes()).expect("we read what we print");
    assert_eq!(again, more);
    assert_eq!(again.digest(), note.digest());
    assert_eq!(again.digest(), Digest::of(note.text().as_bytes()));
    // Merging with itself adds nothing, and with the other what the other has more.
    let mut merged = note.clone();
    if merged.merge(&more).is_ok() {
        let mut same = merged.clone();
        assert_eq!(same.merge(note), Ok(()));
        assert_eq!(same, merged);
        assert!(more.signatures().iter().all(|line| merged.signatures().contains(line)));
    }
}

fn signs(text: &str) {
    let key = signing_key();
    match SignedNote::sign(text, &[(known().name(), &key)]) {
        Ok(note) => {
            let read = SignedNote::parse(note.print().as_bytes()).expect("what we sign is read");
            assert_eq!(read, note);
            assert_eq!(read.verify(&[known()]).expect("it is signed").text(), text);
            asks(text, note.print().as_bytes());
        }
        Err(NoteError::TooLong) => assert!(text.len() > MAX_TEXT_LEN),
        Err(NoteError::NotText) => assert!(text.bytes().any(|byte| byte < 0x20 && byte != b'\n')),
        Err(NoteError::BadLayout) => assert!(!text.ends_with('\n')),
        Err(other) => panic!("no reason for {other:?}"),
    }
}

/// A request or an approval that the fixed member signed says what its text says.
fn asks(text: &str, note: &[u8]) {
    let (vault, roster) = (VaultId([0x3f; 32]), office());
    if let Ok((ask, digest)) = Ask::verify(note, vault, &roster) {
        assert_eq!(ask.print().as_deref(), Some(text));
        assert_eq!(digest, Digest::of(text.as_bytes()));
        assert!(ask.objects.len() <= OBJECT_LIMIT && ask.created < ask.until);
        assert_eq!(ask.requester, member_id(&signing_key().public()));
    }
    let ask = seeds::ask();
    let digest = Digest::of(ask.print().expect("it is sound").as_bytes());
    if let Ok(approval) = Approval::verify(note, &ask, digest, &roster) {
        assert_eq!(approval.print().as_deref(), Some(text));
        assert_eq!((approval.request, approval.wanted), (digest, ask.wanted));
        assert!(approval.consent(approval.until).is_none());
    }
}

fn texts(text: &str) {
    if let Ok(policy) = Policy::parse(text) {
        assert_eq!(policy.print(), text);
        assert_eq!(policy.digest(), Digest::of(text.as_bytes()));
    }

    fields(text);
    checkpoint(text);
    if let Ok(roster) = Roster::parse(text) {
        let printed = roster.print().expect("what was read is printed");
        assert_eq!(printed, text);
        assert_eq!(Roster::parse(&printed), Ok(roster));
    }
    let line = text.strip_suffix('\n').unwrap_or(text);
    if let Ok(key) = line.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), line);
        assert_eq!(VerifierKey::new(key.name(), key.key()), Ok(key));
    }
}

fn fields(text: &str) {
    let Some(kind) = FieldsReader::kind_of(text) else { return };
    let Ok(mut reader) = FieldsReader::new(text, kind) else { return };
    let mut fields = Fields::new(kind);
    for (key, value) in reader.clone().take_prefixed("") {
        fields.put(key, value);
        assert_eq!(reader.take(key), Ok(value));
    }
    assert_eq!(reader.finish(), Ok(()));
    assert_eq!(fields.finish().as_deref(), Ok(text));
}

fn checkpoint(text: &str) {
    let Ok(checkpoint) = Checkpoint::parse_text(text) else { return };
    assert_eq!(checkpoint.text(), text);
    let again = Checkpoint::new(checkpoint.origin(), checkpoint.size(), checkpoint.root());
    assert_eq!(again.as_ref(), Ok(&checkpoint));
    let key = signing_key();
    let log_key = VerifierKey::new(checkpoint.origin(), key.public()).expect("an origin is a name");
    let note = checkpoint.sign(&key, Some(&key)).expect("what is read can be signed");
    let read = SignedCheckpoint::verify(note.print().as_bytes(), &log_key, &[known()]);
    let read = read.expect("what is signed is read");
    assert_eq!(read.checkpoint(), &checkpoint);
    assert_eq!(read.note(), &note);
}
