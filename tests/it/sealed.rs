//! Sealed documents beside the age crate: what it opens, and what it opens that we must not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops; its helpers are not marked as tests"
)]

use std::io::Read as _;

use gapvault::agefile::{FileKey, Identity, PayloadNonce, Stanza, UnverifiedHeader, seal_header, wrap};
use gapvault::crypto::{Digest, SystemRandom};
use gapvault::id::DocumentId;
use gapvault::label::KeyKind;
use gapvault::sealed::{
    Commitment, Error, Expected, MetadataSession, SealedSummary, Sealing, open_document, seal_document,
};

use crate::two_keys::payload_of_two_keys;

struct Vault {
    class: Identity,
    session: MetadataSession,
}

impl Vault {
    fn new() -> Self {
        let random = SystemRandom::new();
        let [class, catalogue] = [(); 2].map(|()| Identity::generate(KeyKind::Classic, &random).unwrap());
        let session = MetadataSession::start(&catalogue.to_recipient(), &random).unwrap();
        Self { class, session }
    }

    fn seal(&self, meta_json: &[u8], mut plaintext: &[u8]) -> (Vec<u8>, SealedSummary) {
        let class = self.class.to_recipient();
        let document = &DocumentId([0x3f; 16]);
        let what =
            Sealing { recipients: &[&class], metadata: &self.session, document, meta_json, threads: 1 };
        let mut file = Vec::new();
        let summary = seal_document(&what, &SystemRandom::new(), &mut plaintext, &mut file).unwrap();
        (file, summary)
    }
}

fn opened_by_the_age_crate(identity: &Identity, file: &[u8]) -> Vec<u8> {
    let theirs: age::x25519::Identity = identity.to_text().parse().unwrap();
    let identities = std::iter::once(&theirs as &dyn age::Identity);
    let mut out = Vec::new();
    age::Decryptor::new(file).unwrap().decrypt(identities).unwrap().read_to_end(&mut out).unwrap();
    out
}

#[test]
fn the_age_crate_opens_a_document_with_the_class_key() {
    let vault = Vault::new();
    for meta_len in [0, 3000, 6000] {
        let plaintext = vec![9; 65_537];
        let (file, _) = vault.seal(&vec![b'x'; meta_len], &plaintext);
        assert_eq!(opened_by_the_age_crate(&vault.class, &file), plaintext);
    }
}

#[test]
fn a_passphrase_is_no_catalogue_key() {
    let mut passphrase = age::scrypt::Recipient::new("x".to_owned().into());
    passphrase.set_work_factor(1);
    let refused = MetadataSession::start(&passphrase, &SystemRandom::new());
    assert!(matches!(refused, Err(Error::CatalogueKey)));
}

#[test]
fn one_payload_made_for_two_file_keys_opens_under_the_recorded_one_only() {
    let vault = Vault::new();
    let keys = [FileKey::new([1; 16]), FileKey::new([2; 16])];
    let nonce = PayloadNonce([3; 16]);
    let payload = payload_of_two_keys([&keys[0], &keys[1]], nonce.0);

    let (honest, of_honest) = vault.seal(b"{}", b"");
    let header = UnverifiedHeader::parse(&honest).unwrap();
    let files = keys.each_ref().map(|key| {
        let mut stanzas = wrap(key, &[&vault.class.to_recipient()]).unwrap();
        for stanza in &header.stanzas()[1..] {
            let (tag, args, body) = (stanza.tag.clone(), stanza.args.clone(), stanza.body.clone());
            stanzas.push(Stanza { tag, args, body });
        }
        [seal_header(key, &stanzas).unwrap(), payload.clone()].concat()
    });

    // Any age implementation opens both, to different contents.
    let [one, other] = files.each_ref().map(|file| opened_by_the_age_crate(&vault.class, file));
    assert_eq!((one.len(), other.len()), (32, 32));
    assert_ne!(one, other);

    // The log has the first; the second comes as a new header for the same payload.
    let header_len = header.len();
    let commitment = Commitment::of(&keys[0], &nonce);
    let expected = files.each_ref().map(|file| Expected {
        header_len: header_len as u64,
        header_sha256: Digest::of(&file[..header_len]),
        payload_sha256: Digest::of(&file[header_len..]),
        commitment,
    });
    assert_eq!(expected[0].payload_sha256, expected[1].payload_sha256);
    let open = |at: usize, out: &mut Vec<u8>| {
        open_document(&mut files[at].as_slice(), &expected[at], &[&vault.class], out)
    };
    let mut out = Vec::new();
    assert_eq!(open(0, &mut out).unwrap().plain_len, 32);
    assert_eq!(out, one);
    out.clear();
    assert!(matches!(open(1, &mut out), Err(Error::Commitment)));
    assert!(out.is_empty());
    assert_eq!(of_honest.header_len, header_len as u64);
}
