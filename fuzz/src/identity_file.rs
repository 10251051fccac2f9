use gapvault::agefile::{self, Recipient, UnverifiedHeader, decrypt_with_passphrase};
use gapvault::crypto::Digest;
use gapvault::identity::{Card, FILE_LIMIT, Identity, IdentityError, MAX_WORK_FACTOR, MemberKey};
use gapvault::label::KeyKind;
use gapvault::plugin;
use secrecy::{ExposeSecret as _, SecretString};

use crate::peer;

/// scrypt with more than this would be all that a run does.
const LITTLE_WORK: u8 = 4;

/// Identity files, the text inside them, keys, and cards: what is read prints back, and a classic key is one for the
/// `age` crate too; a file that asks for more work
/// than is allowed is refused before any is done.
pub fn identity_file(data: &[u8]) {
    if data.starts_with(b"age-encryption.org/") {
        outer(data);
    } else if let Ok(text) = std::str::from_utf8(data) {
        inner(text);
        keys(text.strip_suffix('\n').unwrap_or(text));
    }
    card(data);
}

fn inner(text: &str) {
    let Ok(identity) = text.parse::<Identity>() else { return };
    assert_eq!(identity.to_text().as_str(), text);
    let card = identity.card().expect("who has an identity has a card");
    assert_eq!((card.id, card.name.as_str()), (identity.id(), identity.name()));
    assert_eq!(card.recipient, identity.recipient());
    let again = Card::parse(card.print().as_bytes()).expect("we read what we print");
    assert_eq!(again.digest(), card.digest());
    // Stock age takes the file as it is: one key, and comments.
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    match identity.recipient() {
        MemberKey::Age(public) => {
            let secret = line.parse::<agefile::Identity>().expect("it is a key");
            assert_eq!(secret.to_recipient(), public);
        }
        // Its public half can be another plugin's: `age1tag1…` for several kinds of tokens.
        MemberKey::Plugin(_) => {
            let way = line.parse::<plugin::Identity>().expect("it leads to a key");
            assert_eq!(way.as_str(), *line);
        }
    }
}

/// Keys as text, of age and of plugins. The `age` crate also takes spellings that it would not print; we do not.
fn keys(text: &str) {
    let recipient = text.parse::<Recipient>();
    if let Ok(recipient) = &recipient {
        assert_eq!(recipient.to_string(), text);
    }
    let theirs = text.parse::<age::x25519::Recipient>().ok().filter(|key| key.to_string() == text);
    assert_eq!(recipient.is_ok_and(|key| key.kind() == KeyKind::Classic), theirs.is_some());

    if let Ok(recipient) = text.parse::<plugin::Recipient>() {
        assert_eq!(recipient.to_string(), text);
        assert!(text.parse::<Recipient>().is_err(), "it is one of age's own too");
    }
    if let Ok(way) = text.parse::<plugin::Identity>() {
        assert_eq!(way.as_str(), text);
    }

    let identity = text.parse::<agefile::Identity>();
    if let Ok(identity) = &identity {
        assert_eq!(identity.to_text().as_str(), text);
    }
    let theirs = text.parse::<age::x25519::Identity>().ok();
    let theirs = theirs.filter(|key| key.to_string().expose_secret() == text);
    let ours = identity.ok().filter(|key| key.kind() == KeyKind::Classic);
    let public = |key: agefile::Identity| key.to_recipient().to_string();
    assert_eq!(ours.map(public), theirs.map(|key| key.to_public().to_string()));
}

fn card(data: &[u8]) {
    if let Ok(card) = Card::parse(data) {
        assert_eq!(card.print().as_bytes(), data);
        assert_eq!(card.digest(), Digest::of(&data[..data.len() - signatures(data)]));
    }
}

/// The length of the empty line and the signature lines.
fn signatures(note: &[u8]) -> usize {
    let border = note.windows(2).rposition(|pair| pair == b"\n\n").expect("a note has an empty line");
    note.len() - border - 1
}

fn outer(data: &[u8]) {
    let words = SecretString::from("x".to_owned());
    let unlock = || Identity::unlock(data, &words).map(|_| ());
    let not_one = Err(IdentityError::NotAnIdentity);
    let Ok(header) = UnverifiedHeader::parse(data) else {
        assert_eq!(unlock(), not_one);
        return;
    };
    let payload = data.len() - header.len();
    match header.stanzas() {
        [stanza] if stanza.tag == "scrypt" && !peer::is_malformed(stanza) => {
            let factor: u8 = stanza.args[1].parse().expect("it is one or two digits");
            within(factor, data, payload, &words);
            if factor > MAX_WORK_FACTOR && payload <= FILE_LIMIT {
                assert_eq!(unlock(), Err(IdentityError::ExcessiveWork));
            } else if factor <= LITTLE_WORK {
                opened(data, &words);
            }
        }
        _ => assert_eq!(unlock(), not_one),
    }
}

/// A limit below what the file asks for is found out without any work.
fn within(factor: u8, data: &[u8], payload: usize, words: &SecretString) {
    if factor > LITTLE_WORK && payload <= FILE_LIMIT {
        let said = decrypt_with_passphrase(words, LITTLE_WORK, data, FILE_LIMIT).map(|_| ());
        assert!(
            matches!(said, Err(agefile::Error::ExcessiveWork { required }) if required == factor),
            "{said:?}"
        );
    }
}

fn opened(data: &[u8], words: &SecretString) {
    let said = decrypt_with_passphrase(words, LITTLE_WORK, data, FILE_LIMIT);
    let unlocked = Identity::unlock(data, words);
    match (&said, &unlocked) {
        (Ok(text), Ok(identity)) => assert_eq!(text.as_slice(), identity.to_text().as_bytes()),
        (Ok(text), Err(IdentityError::NotAnIdentity)) => {
            let text = std::str::from_utf8(text).ok();
            assert!(text.is_none_or(|text| text.parse::<Identity>().is_err()));
        }
        (Err(agefile::Error::NoMatch), Err(IdentityError::WrongPassphrase)) => {}
        (Err(_), Err(IdentityError::NotAnIdentity)) => {}
        (said, unlocked) => panic!("{:?}, but {unlocked:?}", said.as_ref().map(|_| ())),
    }
}
