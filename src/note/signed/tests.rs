use super::*;
use proptest::prelude::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn verifier(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::new(name, key(seed).public()).unwrap()
}

fn signed(text: &str, seeds: &[u8]) -> SignedNote {
    let keys: Vec<SigningKey> = seeds.iter().map(|seed| key(*seed)).collect();
    let names: Vec<String> = seeds.iter().map(|seed| format!("k{seed}")).collect();
    let pairs: Vec<(&str, &SigningKey)> = names.iter().map(String::as_str).zip(&keys).collect();
    SignedNote::sign(text, &pairs).unwrap()
}

/// A line under the name and id of `as_key` with the bytes of `by`'s signature over `text`.
fn forged(as_key: &VerifierKey, by: u8, text: &str) -> Signature {
    Signature::new(as_key.name(), as_key.id(), key(by).sign(text.as_bytes()).to_vec()).unwrap()
}

#[test]
fn the_example_of_another_implementation_verifies() {
    // The example in the documentation of Go's golang.org/x/mod/sumdb/note.
    let known: VerifierKey =
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
    let note = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\
                \n\
                — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let parsed = SignedNote::parse(note.as_bytes()).unwrap();
    assert_eq!(parsed.print(), note);
    assert!(parsed.verify(std::slice::from_ref(&known)).unwrap().is_signed_by(&known));
}

#[test]
fn what_is_signed_reads_back_and_verifies() {
    for text in ["a\n", "a\n\nb\n", "\n", "a\n\n", "中文 é\n", "a\n— k1 AAAA\n"] {
        let note = signed(text, &[1, 2]);
        let read = SignedNote::parse(note.print().as_bytes()).unwrap();
        assert_eq!(read, note);
        assert_eq!(read.digest(), Digest::of(text.as_bytes()));
        let verified = read.verify(&[verifier("k2", 2), verifier("k1", 1), verifier("k3", 3)]).unwrap();
        assert_eq!(verified.text(), text);
        assert_eq!(verified.signers(), [verifier("k1", 1), verifier("k2", 2)]);
        assert!(!verified.is_signed_by(&verifier("k3", 3)));
    }
}

#[test]
fn a_line_under_a_known_name_and_id_must_be_genuine() {
    let text = "a\n";
    let mut note = signed(text, &[1]);
    note.add(forged(&verifier("k2", 2), 9, text)).unwrap();
    let known = [verifier("k1", 1), verifier("k2", 2)];
    assert_eq!(note.verify(&known), Err(NoteError::BadSignature("k2".into())));
    // The same forgery is a stranger to somebody who does not know k2.
    assert!(note.verify(&known[..1]).is_ok());
    // Genuine, but over another text.
    let mut moved = signed(text, &[1]);
    moved.add(forged(&verifier("k2", 2), 2, "b\n")).unwrap();
    assert_eq!(moved.verify(&known), Err(NoteError::BadSignature("k2".into())));
    // A genuine line does not make good for a forged one of the same key, in either order.
    for order in [[2, 9], [9, 2]] {
        let mut both = signed(text, &[1]);
        for by in order {
            both.add(forged(&verifier("k2", 2), by, text)).unwrap();
        }
        assert_eq!(both.verify(&known), Err(NoteError::BadSignature("k2".into())));
    }
}

#[test]
fn the_right_name_with_another_key_is_a_stranger() {
    let note = signed("a\n", &[1]);
    assert_eq!(note.verify(&[verifier("k1", 2)]), Err(NoteError::NotSigned));
    assert_eq!(note.verify(&[verifier("k2", 1)]), Err(NoteError::NotSigned));
    assert_eq!(note.verify(&[]), Err(NoteError::NotSigned));
}

#[test]
fn two_keys_with_one_id_are_told_apart_by_the_signature() {
    // Ids are four bytes, so pairs that share one can be ground out; here the second key is made up,
    // with the first one's id put on it.
    let (one, two) = (verifier("log", 1), verifier("log", 2));
    let twin = VerifierKey::with_id("log", one.id(), two.key());
    let text = "a\n";
    let mut note = SignedNote::sign(text, &[("log", &key(1))]).unwrap();
    let known = [twin.clone(), one.clone()];
    assert_eq!(note.verify(&known).unwrap().signers(), std::slice::from_ref(&one));
    assert_eq!(note.verify(&known[..1]), Err(NoteError::BadSignature("log".into())));
    note.add(forged(&one, 2, text)).unwrap();
    assert_eq!(note.verify(&known).unwrap().signers(), [one.clone(), twin]);
    note.add(forged(&one, 3, text)).unwrap();
    assert_eq!(note.verify(&known), Err(NoteError::BadSignature("log".into())));
}

#[test]
fn doubled_lines_and_doubled_names_do_not_add_signers() {
    let note = signed("a\n", &[1]).print();
    let line = note.lines().last().unwrap().to_owned();
    let doubled = SignedNote::parse(format!("{note}{line}\n").as_bytes()).unwrap();
    assert_eq!(doubled.signatures().len(), 2);
    let verified = doubled.verify(&[verifier("k1", 1), verifier("k1", 1)]).unwrap();
    assert_eq!(verified.signers().len(), 1);

    // One key under two names is two lines and still one key.
    let pair = SignedNote::sign("a\n", &[("x", &key(1)), ("y", &key(1))]).unwrap();
    let verified = pair.verify(&[verifier("x", 1), verifier("y", 1)]).unwrap();
    assert_eq!(verified.signers().len(), 2);
    assert_eq!(verified.public_keys().len(), 1);
}

#[test]
fn unknown_keys_and_types_are_passed_over() {
    let mut note = signed("a\n", &[1]);
    let cosignature = Signature::new("k1", KeyId([4; 4]), vec![1; 72]).unwrap();
    let post_quantum = Signature::new("w", KeyId([5; 4]), vec![1; 5000]).unwrap();
    note.add(cosignature).unwrap();
    note.add(post_quantum).unwrap();
    let read = SignedNote::parse(note.print().as_bytes()).unwrap();
    assert_eq!(read.verify(&[verifier("k1", 1)]).unwrap().signers().len(), 1);
}

#[test]
fn signatures_of_copies_come_together() {
    let mut one = signed("a\n", &[1, 2]);
    one.merge(&signed("a\n", &[2, 3])).unwrap();
    assert_eq!(one, signed("a\n", &[1, 2, 3]));
    assert_eq!(one.merge(&signed("b\n", &[4])), Err(NoteError::DifferentText));
    one.cosign("k2", &key(2)).unwrap();
    assert_eq!(one.signatures().len(), 3);
}

#[test]
fn limits_hold_on_both_sides() {
    let seeds: Vec<u8> = (0..64).collect();
    let full = signed("a\n", &seeds);
    assert_eq!(seeds.len(), MAX_SIGNATURES);
    assert_eq!(SignedNote::parse(full.print().as_bytes()).unwrap(), full);
    assert_eq!(full.clone().cosign("k64", &key(64)), Err(NoteError::TooManySignatures));
    let over = format!("{}{}\n", full.print(), signed("a\n", &[64]).print().lines().last().unwrap());
    assert_eq!(SignedNote::parse(over.as_bytes()), Err(NoteError::TooManySignatures));

    let longest = format!("{}\n", "a".repeat(MAX_TEXT_LEN - 1));
    let note = signed(&longest, &[1]);
    assert_eq!(SignedNote::parse(note.print().as_bytes()), Ok(note.clone()));
    assert_eq!(SignedNote::parse(format!("a{}", note.print()).as_bytes()), Err(NoteError::TooLong));
    assert_eq!(SignedNote::sign(&format!("a{longest}"), &[("k", &key(1))]), Err(NoteError::TooLong));
    assert_eq!(SignedNote::parse(&vec![b'a'; MAX_NOTE_LEN]), Err(NoteError::BadLayout));
    assert_eq!(SignedNote::parse(&vec![b'a'; MAX_NOTE_LEN + 1]), Err(NoteError::TooLong));

    let line = |len| Signature::new("k", KeyId([0; 4]), vec![0; len]);
    assert!(line(1).is_ok() && line(MAX_SIGNATURE_BYTES).is_ok());
    assert_eq!(line(0), Err(NoteError::BadSignatureLine));
    assert_eq!(line(MAX_SIGNATURE_BYTES + 1), Err(NoteError::BadSignatureLine));
}

#[test]
fn other_layouts_are_refused() {
    let good = signed("a\n", &[1]).print();
    let line = good.lines().last().unwrap().to_owned();
    let encoded = line.rsplit(' ').next().unwrap().to_owned();
    for (bad, error) in [
        (String::new(), NoteError::BadLayout),
        ("a\n".into(), NoteError::BadLayout),
        ("a\n\n".into(), NoteError::BadLayout),
        (format!("a\n{line}\n"), NoteError::BadLayout),
        (format!("\n{line}\n"), NoteError::BadLayout),
        (format!("a\n\n{line}"), NoteError::BadLayout),
        (format!("a\n\n{line}\n\n"), NoteError::BadLayout),
        (format!("a\n\n{line}\nx\n"), NoteError::BadSignatureLine),
        (format!("a\n\n-{}\n", &line["—".len()..]), NoteError::BadSignatureLine),
        (format!("a\n\n—  k1 {encoded}\n"), NoteError::BadSignatureLine),
        (format!("a\n\n— k1  {encoded}\n"), NoteError::BadSignatureLine),
        (format!("a\n\n— {encoded}\n"), NoteError::BadSignatureLine),
        (format!("a\n\n— k+1 {encoded}\n"), NoteError::BadSignatureLine),
        (format!("a\n\n— k1 {encoded} \n"), NoteError::BadSignatureLine),
        (format!("a\n\n— k1 {}\n", encoded.trim_end_matches('=')), NoteError::BadSignatureLine),
        (format!("a\n\n— k1 {}\n", encoded.replace(['+', '/'], "-")), NoteError::BadSignatureLine),
        ("a\n\n— k1 AAAA\n".into(), NoteError::BadSignatureLine),
        ("a\n\n— k1 AAAAAA==\n".into(), NoteError::BadSignatureLine),
        ("a\n\n— k1 AAAAAAB=\n".into(), NoteError::BadSignatureLine),
        (format!("a\r\n\n{line}\n"), NoteError::NotText),
        (format!("a\0\n\n{line}\n"), NoteError::NotText),
        (format!("a\n\n{line}\r\n"), NoteError::NotText),
    ] {
        assert_eq!(SignedNote::parse(bad.as_bytes()), Err(error), "{bad:?}");
    }
    assert_eq!(SignedNote::parse(b"a\xff\n\nb\n"), Err(NoteError::NotText));
    assert_eq!(SignedNote::sign("a", &[("k", &key(1))]), Err(NoteError::BadLayout));
    assert_eq!(SignedNote::sign("a\n", &[]), Err(NoteError::BadLayout));
    assert_eq!(SignedNote::sign("a\tb\n", &[("k", &key(1))]), Err(NoteError::NotText));
    assert_eq!(SignedNote::sign("a\n", &[("k k", &key(1))]), Err(NoteError::BadName));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let note = signed("size 12\n", &[1]).print().into_bytes();
    let known = [verifier("k1", 1)];
    for index in 0..note.len() * 8 {
        let mut bad = note.clone();
        bad[index / 8] ^= 1 << (index % 8);
        let verdict = SignedNote::parse(&bad).and_then(|note| note.verify(&known));
        assert!(verdict.is_err(), "bit {index}");
    }
}

proptest! {
    #[test]
    fn whatever_is_read_prints_as_it_was(
        text in "[ -~\n中]{0,20}",
        lines in prop::collection::vec("(— )?[a-c+ ]{0,3} [AB=/]{0,12}\n?", 0..3),
    ) {
        let note = format!("{text}\n\n{}", lines.concat());
        if let Ok(read) = SignedNote::parse(note.as_bytes()) {
            prop_assert_eq!(read.print(), note);
        }
    }

    #[test]
    fn whatever_is_signed_can_be_read(text in "[ -~\n中\u{202e}]{0,40}\n") {
        let note = signed(&text, &[1]);
        prop_assert_eq!(SignedNote::parse(note.print().as_bytes()), Ok(note));
    }
}
