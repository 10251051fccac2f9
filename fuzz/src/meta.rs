use gapvault::agefile::{Stanza, UnverifiedHeader, seal_header, stanza_len};
use gapvault::crypto::Digest;
use gapvault::document::Meta;
use gapvault::id::DocumentId;
use gapvault::label::Class;
use gapvault::sealed::{
    Commitment, Error, Expected, HEADER_BLOCK, KnownHeader, MAX_FIELD_LEN, MAX_META_LEN, MetadataKey,
    WrappedMetadataKey, open_field, seal_field,
};

use crate::cut::Cut;
use crate::fixed::{Same, copy, file_key, genuine_stanza};

const DOCUMENT: DocumentId = DocumentId([3; 16]);

/// What a document says of itself: JSON, packed form and wrapped keys print back as they were read; a header is a
/// document's exactly when it has the shape; nothing opens under a key that did not seal it.
pub fn meta(data: &[u8]) {
    json(data);
    packed(data);
    wrapped_key(data);
    field(data);
    whole_header(data);
    header_around(data);
}

fn json(data: &[u8]) {
    let Ok(meta) = Meta::parse(data) else { return };
    assert_eq!(meta.print().as_deref(), Ok(data));
    let packed = meta.pack().expect("what is within the limits fits");
    assert_eq!(Meta::unpack(&packed, meta.id, meta.class, meta.size).as_ref(), Ok(&meta));
    let names = meta.path.iter().chain([&meta.name]);
    for name in names {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && !bytes.contains(&b'/') && !bytes.contains(&0) && bytes != b"..");
    }
}

fn packed(data: &[u8]) {
    if let Ok(meta) = Meta::unpack(data, DOCUMENT, Class::Important, 1) {
        assert_eq!(meta.pack().as_deref(), Ok(data));
        if let Ok(printed) = meta.print() {
            assert_eq!(Meta::parse(&printed), Ok(meta));
        }
    }
}

fn wrapped_key(data: &[u8]) {
    if let Ok(key) = WrappedMetadataKey::decode(data) {
        assert_eq!(key.encode(), data);
        assert_eq!(key.to_string().parse::<WrappedMetadataKey>().ok(), Some(key));
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(key) = text.parse::<WrappedMetadataKey>()
    {
        assert_eq!(key.to_string(), text);
    }
}

fn metadata_key() -> MetadataKey {
    MetadataKey::generate(&Same(9)).expect("there are bytes")
}

fn field(data: &[u8]) {
    let key = metadata_key();
    match seal_field(&key, 5, [1; 12], data) {
        Ok(sealed) => {
            assert_eq!(open_field(&key, 5, &sealed).expect("it is ours").as_slice(), data);
            assert!(open_field(&key, 6, &sealed).is_err());
        }
        Err(_) => assert!(data.len() > MAX_FIELD_LEN),
    }
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(open_field(&key, 7, text).is_err(), "no input is sealed under this key");
    }
}

fn recorded(bytes: &[u8]) -> Expected {
    Expected {
        header_len: bytes.len() as u64,
        header_sha256: Digest::of(bytes),
        payload_sha256: Digest::of(b""),
        commitment: Commitment(Digest::of(b"")),
    }
}

/// The input itself as the header that was recorded.
fn whole_header(data: &[u8]) {
    let known = KnownHeader::parse(data, &recorded(data));
    let parsed = UnverifiedHeader::parse(data).ok().filter(|header| header.len() == data.len());
    let fits = !data.is_empty() && data.len().is_multiple_of(HEADER_BLOCK);
    let expected = parsed.filter(|_| fits).is_some_and(|header| has_shape(header.stanzas()));
    assert_eq!(known.is_ok(), expected, "{:?}", known.err());
    if let Ok(known) = known {
        is_closed(&known);
        let mut other = recorded(data);
        other.header_sha256 = Digest::of(b"another");
        assert!(matches!(KnownHeader::parse(data, &other), Err(Error::HeaderDigest)));
    }
}

/// The shape by the words of `docs/format/sealed.md`.
fn has_shape(stanzas: &[Stanza]) -> bool {
    let [recipients @ .., meta, pad] = stanzas else { return false };
    let pad_fits = pad.tag == "gapvault.pad"
        && pad.body.is_empty()
        && matches!(pad.args.as_slice(), [fill] if fill.bytes().all(|byte| byte == b'0'));
    let meta_fits = meta.tag == "gapvault.meta" && meta.args.is_empty() && body_fits(&meta.body);
    let strangers = recipients.iter().all(|stanza| !stanza.tag.starts_with("gapvault."));
    pad_fits && meta_fits && strangers && !recipients.is_empty()
}

fn body_fits(body: &[u8]) -> bool {
    let enc = match body.first() {
        Some(1) => 32,
        Some(2) => 1120,
        _ => return false,
    };
    let front = 1 + enc + 32 + 12 + 16;
    (front..=front + MAX_META_LEN).contains(&body.len())
}

/// Nobody has the key to the metadata of an input.
fn is_closed(known: &KnownHeader) {
    assert!(matches!(known.open_meta(&DOCUMENT, &metadata_key()), Err(Error::Meta)));
    let wrapped = known.wrapped_metadata_key();
    assert_eq!(WrappedMetadataKey::decode(&wrapped.encode()).as_ref().ok(), Some(wrapped));
}

/// A header around the input as its meta stanza, with a pad that may be wrong by a little.
fn header_around(data: &[u8]) {
    let mut cut = Cut::new(data);
    let (twist, by) = (cut.byte(), cut.byte());
    let meta = Stanza { tag: "gapvault.meta".to_owned(), args: vec![], body: cut.rest().to_vec() };
    let mut stanzas = vec![genuine_stanza(), meta];
    match twist % 8 {
        1 => stanzas.swap(0, 1),
        2 => drop(stanzas.remove(0)),
        3 => stanzas.push(copy(&stanzas[1])),
        4 => stanzas[1].args.push("x".to_owned()),
        5 => stanzas.insert(0, Stanza { tag: "gapvault.x".to_owned(), args: vec![], body: vec![] }),
        _ => {}
    }
    let mut pad = Stanza { tag: "gapvault.pad".to_owned(), args: vec![String::new()], body: vec![] };
    let fixed = 22 + 48 + stanzas.iter().map(stanza_len).sum::<usize>() + stanza_len(&pad);
    let slack = (fixed + 1).next_multiple_of(HEADER_BLOCK) - fixed;
    let fill = if twist & 0x80 == 0 { slack } else { slack + usize::from(by) };
    pad.args[0] = "0".repeat(fill);
    if twist & 0x40 != 0 {
        pad.args[0].replace_range(..1, char::from(b'!' + by % 94).encode_utf8(&mut [0; 4]));
    }
    stanzas.push(pad);
    let bytes = seal_header(&file_key(), &stanzas).expect("every stanza is sound");
    let fits = bytes.len().is_multiple_of(HEADER_BLOCK);
    let known = KnownHeader::parse(&bytes, &recorded(&bytes));
    assert_eq!(known.is_ok(), fits && has_shape(&stanzas), "{:?}", known.err());
    let Ok(known) = known else { return };
    is_closed(&known);
    let identity = crate::fixed::identity();
    let unlocked = known.unlock(&[&identity]).expect("the fixed identity opens it");
    let committed = unlocked.commit(&mut &[0; 16][..], &recorded(&bytes));
    assert!(matches!(committed, Err(Error::Commitment)));
}
