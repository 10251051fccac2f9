use super::*;
use crate::id::VaultId;
use crate::log::frames::CHECKPOINTS;
use crate::log::merkle::leaf_hash;
use crate::note::{KeyId, MAX_NAME_LEN, Signature, origin};
use proptest::prelude::*;

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn ours() -> String {
    origin(&VaultId([0x3f; 32]), 1)
}

fn log_key(seed: u8) -> VerifierKey {
    VerifierKey::new(&ours(), key(seed).public()).unwrap()
}

fn member(seed: u8) -> VerifierKey {
    VerifierKey::of_member(key(seed).public())
}

fn twelve() -> Checkpoint {
    Checkpoint::new(&ours(), 12, leaf_hash(b"root")).unwrap()
}

#[test]
fn the_example_of_the_specification_reads_as_it_prints() {
    let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
    let parsed = Checkpoint::parse_text(&text).unwrap();
    assert_eq!((parsed.origin(), parsed.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(parsed.text(), text);
}

#[test]
fn other_texts_are_refused() {
    let no_padding = ROOT.trim_end_matches('=');
    let trailing_bits = ROOT.replace("2I=", "2J=");
    let url_alphabet = ROOT.replace('/', "_");
    let (short, long) = (base64(&[0; 31]), base64(&[0; 33]));
    for bad in [
        String::new(),
        "o\n".into(),
        "o\n1\n".into(),
        format!("o\n1\n{ROOT}"),
        format!("o\n1\n{ROOT}\n\n"),
        format!("o\n1\n{ROOT}\nextension\n"),
        format!("o\n1\n{ROOT}\no\n1\n{ROOT}\n"),
        format!("o\n{ROOT}\n"),
        format!("\n1\n{ROOT}\n"),
        format!("o\n\n{ROOT}\n"),
        "o\n1\n\n".into(),
        format!("o\n01\n{ROOT}\n"),
        format!("o\n00\n{ROOT}\n"),
        format!("o\n+1\n{ROOT}\n"),
        format!("o\n-1\n{ROOT}\n"),
        format!("o\n 1\n{ROOT}\n"),
        format!("o\n1 \n{ROOT}\n"),
        format!("o\n0x1\n{ROOT}\n"),
        format!("o\n1e3\n{ROOT}\n"),
        format!("o\n１\n{ROOT}\n"),
        format!("o\n9223372036854775808\n{ROOT}\n"),
        format!("o\n18446744073709551616\n{ROOT}\n"),
        format!("o\r\n1\r\n{ROOT}\r\n"),
        format!("o\0\n1\n{ROOT}\n"),
        format!("o o\n1\n{ROOT}\n"),
        format!("o+o\n1\n{ROOT}\n"),
        format!("o\u{2028}\n1\n{ROOT}\n"),
        format!("\u{feff} o\n1\n{ROOT}\n"),
        format!("o\n1\n{no_padding}\n"),
        format!("o\n1\n{trailing_bits}\n"),
        format!("o\n1\n{url_alphabet}\n"),
        format!("o\n1\n{ROOT} \n"),
        format!("o\n1\n {ROOT}\n"),
        format!("o\n1\n{short}\n"),
        format!("o\n1\n{long}\n"),
        format!("{}\n1\n{ROOT}\n", "o".repeat(MAX_NAME_LEN + 1)),
        // The root of no entries is known, so another one is a lie.
        format!("o\n0\n{ROOT}\n"),
    ] {
        assert_eq!(Checkpoint::parse_text(&bad), Err(CheckpointError::Malformed), "{bad:?}");
    }
    let empty = base64(empty_root().as_bytes());
    for good in [
        format!("{}\n1\n{ROOT}\n", "o".repeat(MAX_NAME_LEN)),
        format!("o\n9223372036854775807\n{ROOT}\n"),
        format!("o\n0\n{empty}\n"),
    ] {
        assert_eq!(Checkpoint::parse_text(&good).unwrap().text(), good);
    }
}

#[test]
fn the_same_syntax_is_demanded_under_a_genuine_signature() {
    for text in ["x\n01\n", "gapvault/3f3f3f3f3f3f3f3f/1\n12\n"] {
        let note = SignedNote::sign(text, &[(&ours(), &key(1))]).unwrap();
        let verdict = SignedCheckpoint::verify(note.print().as_bytes(), &log_key(1), &[]);
        assert_eq!(verdict, Err(CheckpointError::Malformed));
    }
}

#[test]
fn host_and_member_sign_and_are_told_apart() {
    let note = twelve().sign(&key(1), Some(&key(2))).unwrap().print();
    let read = SignedCheckpoint::verify(note.as_bytes(), &log_key(1), &[member(3), member(2)]).unwrap();
    assert_eq!(read.checkpoint(), &twelve());
    assert_eq!(read.note().print(), note);
    assert_eq!(read.signers(), [log_key(1), member(2)]);
    assert_eq!(read.members().collect::<Vec<_>>(), [member_id(&key(2).public())]);

    // Whoever does not know the member still believes the host.
    let read = SignedCheckpoint::verify(note.as_bytes(), &log_key(1), &[]).unwrap();
    assert_eq!(read.members().count(), 0);
    let alone = twelve().sign(&key(1), None).unwrap();
    assert_eq!(alone.signatures().len(), 1);

    // A member's name is worth nothing with another key behind it.
    let false_name = VerifierKey::new(member(2).name(), key(9).public()).unwrap();
    let mut note = alone;
    note.cosign(false_name.name(), &key(9)).unwrap();
    let read = SignedCheckpoint::verify(note.print().as_bytes(), &log_key(1), &[false_name]).unwrap();
    assert_eq!(read.members().count(), 0);
}

#[test]
fn only_the_logs_own_key_makes_a_checkpoint() {
    let verify = |note: &SignedNote, others: &[VerifierKey]| {
        SignedCheckpoint::verify(note.print().as_bytes(), &log_key(1), others).map(|_| ())
    };
    // Another host's key under the same origin.
    let other_host = twelve().sign(&key(9), None).unwrap();
    assert_eq!(verify(&other_host, &[]), Err(NoteError::NotSigned.into()));
    // A member alone, and a member under the origin's name.
    let by_member = SignedNote::sign(&twelve().text(), &[(member(2).name(), &key(2))]).unwrap();
    assert_eq!(verify(&by_member, &[member(2)]), Err(CheckpointError::NotByLog));
    assert_eq!(verify(&by_member, &[]), Err(NoteError::NotSigned.into()));
    // The log's key over another log's checkpoint.
    let foreign = Checkpoint::new("gapvault/0000000000000000/1", 12, leaf_hash(b"root")).unwrap();
    let note = SignedNote::sign(&foreign.text(), &[(&ours(), &key(1))]).unwrap();
    assert_eq!(verify(&note, &[]), Err(CheckpointError::WrongOrigin));
    // The next epoch is another log.
    let next = Checkpoint::new(&origin(&VaultId([0x3f; 32]), 2), 12, leaf_hash(b"root")).unwrap();
    assert_eq!(verify(&next.sign(&key(1), None).unwrap(), &[]), Err(NoteError::NotSigned.into()));
    // A witness's line of type 0x04 is not the log's signature, whatever name it has.
    let mut cosigned = twelve().sign(&key(9), None).unwrap();
    cosigned.add(Signature::new(&ours(), KeyId([4; 4]), vec![7; 72]).unwrap()).unwrap();
    assert_eq!(verify(&cosigned, &[]), Err(NoteError::NotSigned.into()));
    // And a line of the log's own name and id that is not its signature spoils the note.
    let mut forged = twelve().sign(&key(1), None).unwrap();
    forged.add(Signature::new(&ours(), log_key(1).id(), vec![7; 64]).unwrap()).unwrap();
    assert_eq!(verify(&forged, &[]), Err(NoteError::BadSignature(ours()).into()));
}

#[test]
fn a_log_rolled_over_to_a_new_key_is_found_under_either() {
    let mut note = twelve().sign(&key(1), None).unwrap();
    note.cosign(&ours(), &key(2)).unwrap();
    for seed in [1, 2] {
        assert!(SignedCheckpoint::verify(note.print().as_bytes(), &log_key(seed), &[]).is_ok());
    }
}

#[test]
fn a_file_of_checkpoints_reads_back_without_the_torn_one() {
    let mut file = Vec::new();
    let notes: Vec<String> = (1..4_u8)
        .map(|size| {
            let checkpoint = Checkpoint::new(&ours(), u64::from(size), leaf_hash(&[size])).unwrap();
            checkpoint.sign(&key(1), Some(&key(2))).unwrap().print()
        })
        .collect();
    for note in &notes {
        CHECKPOINTS.append(&mut file, note.as_bytes()).unwrap();
    }
    let torn = CHECKPOINTS.parse_tail(&file[..file.len() - 1]);
    assert_eq!(torn.records, [notes[0].as_bytes(), notes[1].as_bytes()]);
    for record in torn.records {
        assert!(SignedCheckpoint::verify(record, &log_key(1), &[]).is_ok());
    }
}

#[test]
fn a_checkpoint_fits_into_its_frame() {
    let mut note = twelve().sign(&key(1), None).unwrap();
    while note.print().len() <= MAX_CHECKPOINT_LEN {
        let id = KeyId([u8::try_from(note.signatures().len()).unwrap(); 4]);
        note.add(Signature::new("w", id, vec![1; 5000]).unwrap()).unwrap();
    }
    let over = note.print();
    let verify = |bytes: &str| SignedCheckpoint::verify(bytes.as_bytes(), &log_key(1), &[]).map(|_| ());
    assert_eq!(verify(&over), Err(CheckpointError::TooLong));
    let (fits, _) = over.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(verify(&format!("{fits}\n")), Ok(()));
}

proptest! {
    #[test]
    fn whatever_text_is_read_prints_as_it_was(
        origin in "[a-c +/]{0,3}", size in "[ +0-9]{0,4}", root in "[AB=]{4}", end in "\n{0,2}",
    ) {
        let text = format!("{origin}\n{size}\n{}{root}{end}", "A".repeat(40));
        if let Ok(checkpoint) = Checkpoint::parse_text(&text) {
            prop_assert_eq!(checkpoint.text(), text);
        }
    }

    #[test]
    fn every_checkpoint_reads_as_it_prints(size in 1..=MAX_TREE_SIZE, root in any::<[u8; 32]>()) {
        let checkpoint = Checkpoint::new(&ours(), size, Digest(root)).unwrap();
        prop_assert_eq!(Checkpoint::parse_text(&checkpoint.text()), Ok(checkpoint));
    }
}
