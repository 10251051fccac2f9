use age_core::format::read;
use gapvault::agefile::{
    Error, HeaderError, MAC_LINE_LEN, Stanza, UnverifiedHeader, VERSION_LINE, seal_header, stanza_len,
};

use crate::cut::Cut;
use crate::fixed::file_key;
use crate::peer;

const KNOWN: [&str; 5] = ["X25519", "scrypt", "mlkem768x25519", "gapvault.meta", "gapvault.pad"];

/// Stanzas from their parts: what we write is what we read and what the `age` crate writes and reads; what
/// we do not write has a reason.
pub fn stanza(data: &[u8]) {
    let mut cut = Cut::new(data);
    let mut stanzas = vec![one(&mut cut)];
    while !cut.is_empty() && stanzas.len() < 4 {
        stanzas.push(one(&mut cut));
    }
    match (seal_header(&file_key(), &stanzas), reason(&stanzas)) {
        (Ok(sealed), None) => written(&sealed, &stanzas),
        (Err(Error::Header(error)), Some(reason)) => assert_eq!(error, reason),
        (ours, reason) => panic!("{:?}, though {reason:?}", ours.map(|sealed| sealed.len())),
    }
}

/// A byte for the tag (one of the known ones, or the words decide), one for the number of words, then each after
/// its length; two for the length of the body, then the body.
fn one(cut: &mut Cut<'_>) -> Stanza {
    let choice = cut.byte();
    let known = KNOWN.get(usize::from(choice & 7)).copied();
    let raw = choice & 0xf0 == 0xf0;
    let count = cut.byte() % 5;
    let tag = known.map_or_else(|| word(cut, raw), str::to_owned);
    let args = (0..count).map(|_| word(cut, raw)).collect();
    let len = cut.short() % 2048;
    Stanza { tag, args, body: cut.bytes(len).to_vec() }
}

/// Anything at all when raw, else what the format allows: one or more of `!` to `~`.
fn word(cut: &mut Cut<'_>, raw: bool) -> String {
    let len = cut.short() % 1600;
    let bytes = cut.bytes(len);
    if raw {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let visible = |byte: &u8| char::from(if (33..=126).contains(byte) { *byte } else { 33 + byte % 94 });
    let text: String = bytes.iter().map(visible).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// Why a header over these must not be written, in the order in which it is looked for.
fn reason(stanzas: &[Stanza]) -> Option<HeaderError> {
    let bad_word = |word: &String| word.is_empty() || !word.chars().all(|c| ('!'..='~').contains(&c));
    let is_scrypt = |stanza: &Stanza| stanza.tag == "scrypt";
    if stanzas.len() > 1 && stanzas.iter().any(is_scrypt) {
        Some(HeaderError::ScryptNotAlone)
    } else if stanzas.iter().any(|stanza| bad_word(&stanza.tag) || stanza.args.iter().any(bad_word)) {
        Some(HeaderError::Argument)
    } else if stanzas.iter().any(peer::is_malformed) {
        Some(HeaderError::Recipient)
    } else {
        None
    }
}

fn written(sealed: &[u8], stanzas: &[Stanza]) {
    let parsed = UnverifiedHeader::parse(sealed).expect("we read what we write");
    assert_eq!(parsed.stanzas(), stanzas);
    assert_eq!(parsed.len(), sealed.len());
    assert_eq!(parsed.print(), sealed);

    let printed: Vec<Vec<u8>> = stanzas.iter().map(peer::print).collect();
    for (stanza, printed) in stanzas.iter().zip(&printed) {
        assert_eq!(stanza_len(stanza), printed.len());
        let (rest, theirs) = read::age_stanza(printed).expect("age reads what it writes");
        assert!(rest.is_empty());
        assert_eq!(&Stanza::from(theirs), stanza);
    }
    let body = &sealed[VERSION_LINE.len()..sealed.len() - MAC_LINE_LEN];
    assert_eq!(body, printed.concat());
    assert_eq!(sealed, peer::seal(&file_key(), stanzas));
    assert_eq!(peer::stanzas(sealed).as_deref(), Some(stanzas));
}
