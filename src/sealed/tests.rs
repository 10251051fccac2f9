use super::*;
use crate::agefile::{
    self, CHUNK_LEN, FileKey, Identity, PayloadError, PayloadNonce, Stanza, UnverifiedHeader, Wrap, encrypt,
    seal_header, stanza_len, wrap,
};
use crate::crypto::{Digest, Random as _, SystemRandom};
use crate::id::DocumentId;
use crate::label::KeyKind;

const ID: DocumentId = DocumentId([0x3f; 16]);
const META: &[u8] = br#"{"title":"plan"}"#;

/// A class key, a catalogue key and a session, as a vault has them.
struct Vault {
    class: Identity,
    catalogue: Identity,
    session: MetadataSession,
}

impl Vault {
    fn new(kind: KeyKind) -> Self {
        let random = SystemRandom::new();
        let [class, catalogue] = [(); 2].map(|()| Identity::generate(kind, &random).unwrap());
        let session = MetadataSession::start(&catalogue.to_recipient(), &random).unwrap();
        Self { class, catalogue, session }
    }

    fn seal(&self, plaintext: &[u8]) -> (Vec<u8>, SealedSummary) {
        self.seal_meta(META, plaintext)
    }

    fn seal_meta(&self, meta_json: &[u8], mut plaintext: &[u8]) -> (Vec<u8>, SealedSummary) {
        let class = self.class.to_recipient();
        let what =
            Sealing { recipients: &[&class], metadata: &self.session, document: &ID, meta_json, threads: 1 };
        let mut file = Vec::new();
        let summary = seal_document(&what, &SystemRandom::new(), &mut plaintext, &mut file).unwrap();
        (file, summary)
    }

    fn open(&self, mut file: &[u8], expected: &Expected) -> (Result<u64, Error>, Vec<u8>) {
        let mut out = Vec::new();
        let result = open_document(&mut file, expected, &[&self.class], &mut out);
        (result.map(|summary| summary.plain_len), out)
    }

    /// The name of the failure and how much plaintext came out before it.
    fn failure(&self, file: &[u8], expected: &Expected) -> (&'static str, usize) {
        let (result, out) = self.open(file, expected);
        (name(&result.unwrap_err()), out.len())
    }
}

fn name(error: &Error) -> &'static str {
    match error {
        Error::HeaderDigest => "header digest",
        Error::HeaderLen(_) => "header length",
        Error::Shape => "shape",
        Error::Commitment => "commitment",
        Error::PayloadDigest => "payload digest",
        Error::MetaTooLong(_) => "meta too long",
        Error::Meta => "meta",
        Error::Age(agefile::Error::Header(_)) => "header",
        Error::Age(agefile::Error::NoMatch) => "no match",
        Error::Age(agefile::Error::Mac) => "mac",
        Error::Age(agefile::Error::Payload(_)) => "payload",
        other => panic!("{other:?}"),
    }
}

/// What an insider who can write the log would record for these bytes.
fn recorded(file: &[u8], header_len: usize, honest: &SealedSummary) -> Expected {
    Expected {
        header_len: header_len as u64,
        header_sha256: Digest::of(&file[..header_len]),
        payload_sha256: Digest::of(&file[header_len..]),
        commitment: honest.commitment,
    }
}

fn comes_back(kind: KeyKind) {
    let vault = Vault::new(kind);
    for len in [0, 1, CHUNK_LEN, 2 * CHUNK_LEN + 5] {
        let plaintext = vec![7; len];
        let (file, summary) = vault.seal(&plaintext);
        let expected = summary.expected();
        assert_eq!(summary.plain_len, len as u64);
        assert_eq!(summary.header_len + summary.payload_len, file.len() as u64);
        assert_eq!(summary.header_len, HEADER_BLOCK as u64);
        let (result, out) = vault.open(&file, &expected);
        assert_eq!((result.unwrap(), out), (len as u64, plaintext));

        let header = KnownHeader::read(&mut &*file, &expected).unwrap();
        assert_eq!(header.wrapped_metadata_key(), &vault.session.wrapped);
        let key = header.wrapped_metadata_key().unwrap(&[&vault.catalogue]).unwrap();
        assert_eq!(header.open_meta(&ID, &key).unwrap().as_slice(), META);
        assert!(matches!(
            header.wrapped_metadata_key().unwrap(&[&vault.class]),
            Err(Error::Age(agefile::Error::NoMatch))
        ));
    }
}

#[test]
fn a_document_under_classic_keys_comes_back_with_its_metadata() {
    comes_back(KeyKind::Classic);
}

#[test]
fn a_document_under_hybrid_keys_comes_back_with_its_metadata() {
    comes_back(KeyKind::Hybrid);
}

#[test]
fn hybrid_and_classic_keys_do_not_stand_in_one_header() {
    let (hybrid, classic) = (Vault::new(KeyKind::Hybrid), Vault::new(KeyKind::Classic));
    let (one, other) = (hybrid.class.to_recipient(), classic.class.to_recipient());
    for recipients in [[&one, &other], [&other, &one]] {
        let recipients = recipients.map(|one| one as &dyn Wrap);
        let metadata = &hybrid.session;
        let what = Sealing { recipients: &recipients, metadata, document: &ID, meta_json: META, threads: 1 };
        let mut sink = Vec::new();
        let refused = seal_document(&what, &SystemRandom::new(), &mut &b""[..], &mut sink);
        assert!(matches!(refused, Err(Error::Age(agefile::Error::MixedRecipients))));
        assert!(sink.is_empty());
    }
}

#[test]
fn the_digests_are_those_of_the_two_parts_of_the_file() {
    let (file, summary) = Vault::new(KeyKind::Classic).seal(&[1; 1000]);
    let (header, payload) = file.split_at(summary.header_len as usize);
    assert_eq!(Digest::of(header), summary.header_sha256);
    assert_eq!(Digest::of(payload), summary.payload_sha256);
    assert_eq!(check_digests(&mut &*file, &summary.expected()).unwrap(), payload.len() as u64);
}

#[test]
fn every_metadata_length_gives_a_header_of_whole_blocks() {
    let vault = Vault::new(KeyKind::Classic);
    let mut blocks = [0; 4];
    for len in 0..2 * HEADER_BLOCK {
        let (_, summary) = vault.seal_meta(&vec![b'x'; len], b"");
        assert!(summary.header_len.is_multiple_of(HEADER_BLOCK as u64), "{len}");
        blocks[summary.header_len as usize / HEADER_BLOCK] += 1;
    }
    assert!(blocks[0] == 0 && blocks[1..].iter().all(|count| *count > 0), "{blocks:?}");
}

#[test]
fn metadata_is_limited_on_both_sides() {
    let vault = Vault::new(KeyKind::Classic);
    let (file, summary) = vault.seal_meta(&[b'x'; MAX_META_LEN], b"");
    let header = KnownHeader::read(&mut &*file, &summary.expected()).unwrap();
    assert_eq!(header.open_meta(&ID, &vault.session.key).unwrap().len(), MAX_META_LEN);

    let class = vault.class.to_recipient();
    let meta_json = &[b'x'; MAX_META_LEN + 1];
    let what =
        Sealing { recipients: &[&class], metadata: &vault.session, document: &ID, meta_json, threads: 1 };
    let mut sink = Vec::new();
    let refused = seal_document(&what, &SystemRandom::new(), &mut &b""[..], &mut sink);
    assert!(matches!(refused, Err(Error::MetaTooLong(len)) if len == MAX_META_LEN + 1));
    assert!(sink.is_empty());
}

#[test]
fn a_small_document_is_refused_cut_at_every_byte_and_changed_in_every_one() {
    let vault = Vault::new(KeyKind::Classic);
    let (file, summary) = vault.seal(b"secret");
    let (expected, header_len) = (summary.expected(), summary.header_len as usize);
    for len in 0..file.len() {
        let cut = &file[..len];
        let opened = match len.checked_sub(header_len) {
            None => "header digest",
            Some(0..16) => "payload digest",
            Some(_) => "payload",
        };
        assert_eq!(vault.failure(cut, &expected), (opened, 0), "{len}");
        assert!(check_digests(&mut &*cut, &expected).is_err(), "{len}");
    }
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        let (opened, checked) = match at.checked_sub(header_len) {
            None => ("header digest", "header digest"),
            // The nonce is part of the commitment.
            Some(0..16) => ("commitment", "payload digest"),
            Some(_) => ("payload", "payload digest"),
        };
        assert_eq!(vault.failure(&changed, &expected), (opened, 0), "{at}");
        assert_eq!(name(&check_digests(&mut &*changed, &expected).unwrap_err()), checked, "{at}");
    }
    let longer = [file.as_slice(), b"\0"].concat();
    assert_eq!(vault.failure(&longer, &expected).0, "payload");
    assert_eq!(name(&check_digests(&mut &*longer, &expected).unwrap_err()), "payload digest");
    let twice = [file.as_slice(), &file].concat();
    assert_eq!(vault.failure(&twice, &expected).0, "payload");
}

#[test]
fn header_lengths_that_no_header_has_are_refused_before_reading() {
    let (file, summary) = Vault::new(KeyKind::Classic).seal(b"");
    let over = agefile::MAX_HEADER_LEN as u64 + HEADER_BLOCK as u64;
    for bad in [0, 1, HEADER_BLOCK as u64 - 1, HEADER_BLOCK as u64 + 1, over, u64::MAX] {
        let expected = Expected { header_len: bad, ..summary.expected() };
        let mut source = file.as_slice();
        let refused = KnownHeader::read(&mut source, &expected).unwrap_err();
        assert!(matches!(refused, Error::HeaderLen(len) if len == bad));
        assert_eq!(source.len(), file.len());
        assert!(matches!(check_digests(&mut source, &expected), Err(Error::HeaderLen(_))));
    }
    // The longest length that may be asked for is merely not what stands there.
    let longest = Expected { header_len: over - HEADER_BLOCK as u64, ..summary.expected() };
    assert!(matches!(KnownHeader::read(&mut &*file, &longest), Err(Error::HeaderDigest)));
}

#[test]
fn documents_exchanged_or_put_back_or_made_anew_are_noticed() {
    let vault = Vault::new(KeyKind::Classic);
    let ((a, of_a), (b, _), (fresh, _)) = (vault.seal(b"one"), vault.seal(b"two"), vault.seal(b"one"));
    for other in [&b, &fresh] {
        assert_eq!(vault.failure(other, &of_a.expected()), ("header digest", 0));
    }
    let header_len = of_a.header_len as usize;
    // The right header before the payload of another document.
    let mixed = [&a[..header_len], &b[header_len..]].concat();
    assert_eq!(vault.failure(&mixed, &of_a.expected()), ("commitment", 0));
    // The same file key and nonce, but another plaintext: only the digest tells.
    let header = UnverifiedHeader::parse(&a).unwrap();
    let file_key = header.unlock(&[&vault.class]).unwrap();
    let nonce = PayloadNonce(a[header_len..header_len + 16].try_into().unwrap());
    let mut replaced = a[..header_len].to_vec();
    encrypt(&file_key, &nonce, &mut &b"eno"[..], &mut replaced).unwrap();
    assert_eq!(vault.failure(&replaced, &of_a.expected()).0, "payload digest");
}

#[test]
fn metadata_of_one_document_does_not_open_for_another_or_under_another_key() {
    let (vault, other) = (Vault::new(KeyKind::Classic), Vault::new(KeyKind::Classic));
    let (file, summary) = vault.seal(b"");
    let header = KnownHeader::read(&mut &*file, &summary.expected()).unwrap();
    assert!(header.open_meta(&ID, &vault.session.key).is_ok());
    let exchanged = header.open_meta(&DocumentId([0x3e; 16]), &vault.session.key);
    assert!(matches!(exchanged, Err(Error::Meta)));
    assert!(matches!(header.open_meta(&ID, &other.session.key), Err(Error::Meta)));
}

#[test]
fn strangers_and_damaged_macs_are_told_apart() {
    let (vault, stranger) = (Vault::new(KeyKind::Classic), Vault::new(KeyKind::Classic));
    let (mut file, summary) = vault.seal(b"x");
    let header_len = summary.header_len as usize;
    assert_eq!(stranger.failure(&file, &summary.expected()), ("no match", 0));
    let (result, _) = vault.open(&file, &summary.expected());
    assert!(result.is_ok());
    // Even an insider who records the digest of a changed header does not get past the MAC.
    let title = file[..header_len].windows(14).position(|part| part == b"gapvault.meta\n").unwrap() + 40;
    file[title] = if file[title] == b'A' { b'B' } else { b'A' };
    assert_eq!(vault.failure(&file, &recorded(&file, header_len, &summary)), ("mac", 0));
}

#[test]
fn a_recorded_header_that_is_no_documents_is_refused() {
    let vault = Vault::new(KeyKind::Classic);
    let (file, summary) = vault.seal(b"x");
    let header_len = summary.header_len as usize;
    let header = UnverifiedHeader::parse(&file).unwrap();
    let file_key = header.unlock(&[&vault.class]).unwrap();
    let copy = |at: usize| {
        let stanza = &header.stanzas()[at];
        Stanza { tag: stanza.tag.clone(), args: stanza.args.clone(), body: stanza.body.clone() }
    };
    let pad = |len: usize, fill: &str| Stanza {
        tag: "gapvault.pad".into(),
        args: vec![fill.repeat(len)],
        body: Vec::new(),
    };
    let fill = copy(2).args[0].len();
    let meta_len = stanza_len(&copy(1));
    // One byte too few for a wrapped key, a nonce and a tag.
    let short_meta = || Stanza { tag: "gapvault.meta".into(), args: vec![], body: vec![1; 65 + 27] };
    let with_args = Stanza { args: vec!["x".into()], ..copy(1) };
    for (stanzas, fits) in [
        (vec![copy(0), copy(1), pad(fill, "0")], true),
        (vec![copy(0), copy(1), pad(fill + HEADER_BLOCK, "0")], true),
        (vec![copy(0), copy(1), pad(fill, "1")], false),
        (vec![copy(1), copy(0), pad(fill, "0")], false),
        (vec![copy(0), pad(fill, "0"), copy(1)], false),
        (vec![copy(0), copy(1), copy(1), pad(fill - meta_len, "0")], false),
        (vec![copy(0), pad(fill + meta_len, "0")], false),
        (vec![copy(1), pad(fill + stanza_len(&copy(0)), "0")], false),
        (vec![copy(0), with_args, pad(fill - 2, "0")], false),
        (vec![copy(0), short_meta(), pad(fill + meta_len - stanza_len(&short_meta()), "0")], false),
    ] {
        let sealed = seal_header(&file_key, &stanzas).unwrap();
        assert!(sealed.len().is_multiple_of(HEADER_BLOCK));
        let file = [sealed.as_slice(), &file[header_len..]].concat();
        let result = KnownHeader::read(&mut &*file, &recorded(&file, sealed.len(), &summary));
        match result {
            Ok(_) => assert!(fits, "{stanzas:?}"),
            Err(error) => assert!(!fits && name(&error) == "shape", "{stanzas:?}: {error:?}"),
        }
    }
    // A block that is padded behind the header instead of inside it.
    let short = seal_header(&file_key, &[copy(0), copy(1)]).unwrap();
    let mut block = short;
    block.resize(HEADER_BLOCK, b' ');
    let refused = KnownHeader::parse(&block, &recorded(&block, HEADER_BLOCK, &summary)).unwrap_err();
    assert_eq!(name(&refused), "shape");
}

#[test]
fn another_file_key_for_the_same_payload_is_caught_before_any_plaintext() {
    let vault = Vault::new(KeyKind::Classic);
    let (file, summary) = vault.seal(b"x");
    let header_len = summary.header_len as usize;
    let header = UnverifiedHeader::parse(&file).unwrap();
    // A sound header, recorded by an insider, that gives another key for what follows.
    let other = FileKey::generate(&SystemRandom::new()).unwrap();
    let mut stanzas = wrap(&other, &[&vault.class.to_recipient()]).unwrap();
    for stanza in &header.stanzas()[1..] {
        let (tag, args, body) = (stanza.tag.clone(), stanza.args.clone(), stanza.body.clone());
        stanzas.push(Stanza { tag, args, body });
    }
    let sealed = seal_header(&other, &stanzas).unwrap();
    assert_eq!(sealed.len(), header_len);
    let changed = [sealed.as_slice(), &file[header_len..]].concat();
    let expected = recorded(&changed, header_len, &summary);
    assert!(check_digests(&mut &*changed, &expected).is_ok());
    assert_eq!(vault.failure(&changed, &expected), ("commitment", 0));
}

#[test]
fn a_new_header_lets_the_new_one_in_and_the_old_one_out_of_the_same_payload() {
    let (vault, receiver) = (Vault::new(KeyKind::Classic), Vault::new(KeyKind::Classic));
    let (file, summary) = vault.seal(b"text");
    let header_len = summary.header_len as usize;
    let committed = |expected: &Expected| {
        let mut source = file.as_slice();
        let unlocked = KnownHeader::read(&mut source, expected).unwrap().unlock(&[&vault.class]).unwrap();
        unlocked.commit(&mut source, expected).unwrap()
    };
    let new = committed(&summary.expected()).rewrap(&[&receiver.class.to_recipient()]).unwrap();
    assert_eq!(new.bytes.len(), header_len);
    let moved = [new.bytes.as_slice(), &file[header_len..]].concat();
    let expected = Expected { header_sha256: new.sha256, ..summary.expected() };
    let (result, out) = receiver.open(&moved, &expected);
    assert_eq!((result.unwrap(), out.as_slice()), (4, b"text".as_slice()));
    assert_eq!(vault.failure(&moved, &expected), ("no match", 0));
    let header = KnownHeader::parse(&new.bytes, &expected).unwrap();
    assert_eq!(header.open_meta(&ID, &vault.session.key).unwrap().as_slice(), META);

    // A header that has grown keeps its length when the recipients are few again.
    let class = vault.class.to_recipient();
    let many: Vec<&dyn Wrap> = (0..60).map(|_| &class as &dyn Wrap).collect();
    let grown = committed(&summary.expected()).rewrap(&many).unwrap();
    assert!(grown.bytes.len() > header_len);
    let expected =
        Expected { header_len: grown.bytes.len() as u64, header_sha256: grown.sha256, ..summary.expected() };
    let mut source = [grown.bytes.as_slice(), &file[header_len..]].concat();
    let mut reader = source.as_slice();
    let known = KnownHeader::read(&mut reader, &expected).unwrap().unlock(&[&vault.class]).unwrap();
    let again = known.commit(&mut reader, &expected).unwrap().rewrap(&[&class]).unwrap();
    assert_eq!(again.bytes.len(), grown.bytes.len());
    source[..again.bytes.len()].copy_from_slice(&again.bytes);
    let expected = Expected { header_sha256: again.sha256, ..expected };
    assert!(vault.open(&source, &expected).0.is_ok());
}

/// A document whose key is the recorded one, with what follows the payload's nonce.
fn committed<'a>(vault: &Vault, file: &'a [u8], expected: &Expected) -> (Committed, &'a [u8]) {
    let mut source = file;
    let unlocked = KnownHeader::read(&mut source, expected).unwrap().unlock(&[&vault.class]).unwrap();
    (unlocked.commit(&mut source, expected).unwrap(), source)
}

#[test]
fn a_header_that_does_not_fit_is_put_before_a_copy_of_the_same_payload() {
    let vault = Vault::new(KeyKind::Classic);
    let (file, summary) = vault.seal(&vec![7; 300_000]);
    let header_len = summary.header_len as usize;
    let class = vault.class.to_recipient();
    let many: Vec<&dyn Wrap> = (0..60).map(|_| &class as &dyn Wrap).collect();
    let (doc, mut rest) = committed(&vault, &file, &summary.expected());
    let new = doc.rewrap(&many).unwrap();
    let mut copy = Vec::new();
    doc.copy(&new, &mut rest, &mut copy).unwrap();
    assert_eq!(copy, [new.bytes.as_slice(), &file[header_len..]].concat());
    let expected =
        Expected { header_len: new.bytes.len() as u64, header_sha256: new.sha256, ..summary.expected() };
    assert!(vault.open(&copy, &expected).0.is_ok());
    // A payload that was changed is not carried along.
    for at in [header_len + 16, file.len() - 1] {
        let mut bad = file.clone();
        bad[at] ^= 1;
        let (doc, mut rest) = committed(&vault, &bad, &summary.expected());
        assert!(matches!(doc.copy(&new, &mut rest, &mut Vec::new()), Err(Error::PayloadDigest)));
    }
    let (doc, rest) = committed(&vault, &file, &summary.expected());
    let refused = doc.copy(&new, &mut &rest[..rest.len() - 1], &mut Vec::new());
    assert!(matches!(refused, Err(Error::PayloadDigest)));
}

#[test]
fn a_new_file_key_gives_the_same_content_and_nothing_else_that_is_the_same() {
    let random = SystemRandom::new();
    for (kind, len) in [(KeyKind::Classic, 0), (KeyKind::Hybrid, 1), (KeyKind::Classic, 3 * CHUNK_LEN)] {
        let (vault, receiver) = (Vault::new(kind), Vault::new(kind));
        let plain: Vec<u8> = (0..len).map(|at| at as u8).collect();
        let (file, summary) = vault.seal(&plain);
        let header_len = summary.header_len as usize;
        for threads in [1, 3] {
            let (doc, mut rest) = committed(&vault, &file, &summary.expected());
            let to = receiver.class.to_recipient();
            let mut out = Vec::new();
            let new = doc.rekey(&[&to], &random, threads, &mut rest, &mut out).unwrap();
            let (result, opened) = receiver.open(&out, &new.expected());
            assert_eq!((result.unwrap(), opened), (len as u64, plain.clone()));
            assert_eq!(vault.failure(&out, &new.expected()), ("no match", 0));
            assert_eq!((out.len(), new.header_len), (file.len(), summary.header_len));
            assert_eq!(new.payload_len, summary.payload_len);
            assert_ne!(new.commitment, summary.commitment);
            assert_ne!(out[header_len..header_len + 16], file[header_len..header_len + 16]);
            let header = KnownHeader::parse(&out[..header_len], &new.expected()).unwrap();
            assert_eq!(header.open_meta(&ID, &vault.session.key).unwrap().as_slice(), META);
        }
    }
}

#[test]
fn a_damaged_document_gets_no_new_file_key() {
    /// A sink that is full after some bytes.
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let random = SystemRandom::new();
    let vault = Vault::new(KeyKind::Classic);
    let (file, summary) = vault.seal(&vec![9; 20 * CHUNK_LEN]);
    let to = vault.class.to_recipient();
    let first = summary.header_len as usize + 16;
    for threads in [1, 2] {
        for at in [first, first + 5 * CHUNK_LEN, file.len() - 1] {
            let mut bad = file.clone();
            bad[at] ^= 1;
            let (doc, mut rest) = committed(&vault, &bad, &summary.expected());
            let refused = doc.rekey(&[&to], &random, threads, &mut rest, &mut Vec::new());
            assert!(matches!(refused, Err(Error::Age(agefile::Error::Payload(_)))), "{refused:?}");
        }
        for room in [0, 5000, 500_000] {
            let (doc, mut rest) = committed(&vault, &file, &summary.expected());
            let refused = doc.rekey(&[&to], &random, threads, &mut rest, &mut Full(room));
            let Err(Error::Age(agefile::Error::Write(error))) = refused else { panic!("{refused:?}") };
            assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        }
    }
}

#[test]
fn metadata_moves_to_another_catalogue_key_with_the_header() {
    let (vault, receiver) = (Vault::new(KeyKind::Classic), Vault::new(KeyKind::Classic));
    let (file, summary) = vault.seal(b"text");
    let mut source = file.as_slice();
    let expected = summary.expected();
    let unlocked = KnownHeader::read(&mut source, &expected).unwrap().unlock(&[&vault.class]).unwrap();
    let committed = unlocked.commit(&mut source, &expected).unwrap();
    let transfer = receiver.class.to_recipient();
    let random = SystemRandom::new();
    let new = committed.rewrap_with_meta(&[&transfer], &receiver.session, &ID, b"{}", &random).unwrap();
    let expected = Expected { header_sha256: new.sha256, ..expected };
    let header = KnownHeader::parse(&new.bytes, &expected).unwrap();
    let key = header.wrapped_metadata_key().unwrap(&[&receiver.catalogue]).unwrap();
    assert_eq!(header.open_meta(&ID, &key).unwrap().as_slice(), b"{}");
    assert!(matches!(header.open_meta(&ID, &vault.session.key), Err(Error::Meta)));
}

#[test]
fn a_wrapped_metadata_key_reads_as_it_prints_and_in_no_other_way() {
    for (kind, byte, len) in [(KeyKind::Classic, 1, 1 + 32 + 32), (KeyKind::Hybrid, 2, 1 + 1120 + 32)] {
        let wrapped = Vault::new(kind).session.wrapped;
        let bytes = wrapped.encode();
        assert_eq!((bytes[0], bytes.len()), (byte, len));
        assert_eq!(WrappedMetadataKey::decode(&bytes).unwrap(), wrapped);
        assert_eq!(wrapped.to_string().parse::<WrappedMetadataKey>().unwrap(), wrapped);
        for len in 0..bytes.len() {
            assert!(WrappedMetadataKey::decode(&bytes[..len]).is_err(), "{len}");
        }
        assert!(WrappedMetadataKey::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        for kind in (0..=255).filter(|kind| *kind != byte) {
            let mut other = bytes.clone();
            other[0] = kind;
            assert!(WrappedMetadataKey::decode(&other).is_err(), "{kind}");
        }
        for bad in [wrapped.to_string() + "=", format!("{wrapped}\n"), String::new()] {
            assert!(bad.parse::<WrappedMetadataKey>().is_err());
        }
    }
}

#[test]
fn a_log_field_opens_for_its_own_entry_only() {
    let random = SystemRandom::new();
    let (key, other) = (MetadataKey::generate(&random).unwrap(), MetadataKey::generate(&random).unwrap());
    let text = seal_field(&key, 7, random.bytes12().unwrap(), "計畫".as_bytes()).unwrap();
    assert_eq!(open_field(&key, 7, &text).unwrap().as_slice(), "計畫".as_bytes());
    for (key, seq) in [(&key, 8), (&key, 70), (&other, 7)] {
        assert!(matches!(open_field(key, seq, &text), Err(Error::Meta)));
    }
    for len in 0..text.len() {
        assert!(open_field(&key, 7, &text[..len]).is_err(), "{len}");
    }
    let longest = vec![1; MAX_FIELD_LEN];
    let text = seal_field(&key, 0, [0; 12], &longest).unwrap();
    assert_eq!(open_field(&key, 0, &text).unwrap().as_slice(), longest);
    let over = seal_field(&key, 0, [0; 12], &[1; MAX_FIELD_LEN + 1]);
    assert!(matches!(over, Err(Error::MetaTooLong(_))));
    assert!(matches!(open_field(&key, 0, &format!("{text}AAAA")), Err(Error::Meta)));
}

#[test]
fn a_cut_three_chunk_document_is_refused_at_every_chunk_border() {
    let vault = Vault::new(KeyKind::Classic);
    let (file, summary) = vault.seal(&vec![3; 2 * CHUNK_LEN + 100]);
    let first = summary.header_len as usize + 16;
    for chunk in 0..3_usize {
        let border = first + chunk * (CHUNK_LEN + 16);
        let (result, out) = vault.open(&file[..border], &summary.expected());
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Age(agefile::Error::Payload(PayloadError::NoLastChunk))));
        assert_eq!(out.len(), chunk * CHUNK_LEN);
    }
}

#[test]
fn secrets_do_not_print() {
    let vault = Vault::new(KeyKind::Classic);
    let text = format!("{:?} {:?}", vault.session, vault.session.key);
    assert!(text.contains("FileKey(..)") && text.len() < 200, "{text}");
}
