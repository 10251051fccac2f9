use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use age::secrecy::ExposeSecret as _;
use age_core::format::{FileKey, Stanza};
use age_core::primitives::{bech32_decode, bech32_encode};
use zeroize::Zeroizing;

use super::{Unwrap, Wrap, hybrid, x25519};
use crate::crypto::{NoRandom, Random};
use crate::label::KeyKind;

const X25519_SECRET_PREFIX: bech32::Hrp = bech32::Hrp::parse_unchecked("age-secret-key-");

/// The text is not a key of a kind we know, in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an age key")]
pub struct BadKey;

/// A public key to encrypt to: `age1pq1…` (post-quantum) or `age1…` (classic).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(RecipientKey);

#[derive(Clone, PartialEq, Eq, Hash)]
enum RecipientKey {
    X25519(x25519::Recipient),
    Hybrid(hybrid::Recipient),
}

impl Recipient {
    /// Which kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            RecipientKey::X25519(_) => KeyKind::Classic,
            RecipientKey::Hybrid(_) => KeyKind::Hybrid,
        }
    }
}

impl FromStr for Recipient {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let key = match text.parse() {
            Ok(key) => RecipientKey::X25519(key),
            Err(_) => RecipientKey::Hybrid(text.parse()?),
        };
        let recipient = Self(key);
        // Bech32 also has an upper-case spelling.
        if recipient.to_string() == text { Ok(recipient) } else { Err(BadKey) }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            RecipientKey::X25519(key) => key.fmt(f),
            RecipientKey::Hybrid(key) => key.fmt(f),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

impl Wrap for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        match &self.0 {
            RecipientKey::X25519(key) => key.wrap_file_key(file_key),
            RecipientKey::Hybrid(key) => key.wrap_file_key(file_key),
        }
    }
}

/// A secret key: `AGE-SECRET-KEY-PQ-1…` (post-quantum) or `AGE-SECRET-KEY-1…` (classic).
#[derive(Clone)]
pub struct Identity(IdentityKey);

#[derive(Clone)]
enum IdentityKey {
    X25519(age::x25519::Identity),
    Hybrid(hybrid::Identity),
}

impl Identity {
    /// A new key.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn generate(kind: KeyKind, random: &dyn Random) -> Result<Self, NoRandom> {
        match kind {
            KeyKind::Classic => generate_x25519(random).map(IdentityKey::X25519).map(Self),
            KeyKind::Hybrid => hybrid::Identity::generate(random).map(IdentityKey::Hybrid).map(Self),
        }
    }

    /// Which kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            IdentityKey::X25519(_) => KeyKind::Classic,
            IdentityKey::Hybrid(_) => KeyKind::Hybrid,
        }
    }

    /// The public half.
    pub fn to_recipient(&self) -> Recipient {
        match &self.0 {
            IdentityKey::X25519(key) => Recipient(RecipientKey::X25519(x25519::Recipient::of(key))),
            IdentityKey::Hybrid(key) => Recipient(RecipientKey::Hybrid(key.to_recipient())),
        }
    }

    /// The text that [`FromStr`] reads. It is the secret itself.
    pub fn to_text(&self) -> Zeroizing<String> {
        match &self.0 {
            IdentityKey::X25519(key) => Zeroizing::new(key.to_string().expose_secret().to_owned()),
            IdentityKey::Hybrid(key) => key.to_text(),
        }
    }
}

impl FromStr for Identity {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let key = match text.parse() {
            Ok(key) => IdentityKey::X25519(key),
            Err(_) => IdentityKey::Hybrid(text.parse()?),
        };
        let identity = Self(key);
        if identity.to_text().as_str() == text { Ok(identity) } else { Err(BadKey) }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl Unwrap for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        match &self.0 {
            IdentityKey::X25519(key) => key.unwrap_stanza(stanza),
            IdentityKey::Hybrid(key) => key.unwrap_stanza(stanza),
        }
    }
}

pub(super) fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> age::EncryptError {
    age::EncryptError::Io(std::io::Error::other(error))
}

/// The bytes of a bech32 text, with no copy of a secret left behind.
pub(super) fn decode(text: &str, prefix: bech32::Hrp) -> Result<Zeroizing<Vec<u8>>, BadKey> {
    bech32_decode(
        text,
        |_| BadKey,
        |found| if found == prefix { Ok(()) } else { Err(BadKey) },
        |_, bytes| {
            // Room for all of it, so that no copy of a secret stays where the vector grew.
            let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
            out.extend(bytes);
            Ok(out)
        },
    )
}

/// The age crate makes keys from its own random bytes only; from ours by way of the text.
fn generate_x25519(random: &dyn Random) -> Result<age::x25519::Identity, NoRandom> {
    let mut secret = Zeroizing::new([0; 32]);
    random.fill(secret.as_mut_slice())?;
    let mut text = Zeroizing::new(bech32_encode(X25519_SECRET_PREFIX, secret.as_slice()));
    text.make_ascii_uppercase();
    match text.parse() {
        Ok(key) => Ok(key),
        Err(_) => unreachable!("any 32 bytes are an X25519 key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    // The first key pair of the age specification's tests.
    const SECRET: &str = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    const PUBLIC: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

    #[test]
    fn a_classic_key_reads_as_it_prints_and_in_no_other_way() {
        let identity: Identity = SECRET.parse().unwrap();
        assert_eq!(identity.to_text().as_str(), SECRET);
        assert_eq!(identity.kind(), KeyKind::Classic);
        assert_eq!(identity.to_recipient().to_string(), PUBLIC);
        assert_eq!(PUBLIC.parse::<Recipient>().unwrap(), identity.to_recipient());
        for bad in [&SECRET.to_lowercase(), &SECRET[1..], PUBLIC, "", &format!("{SECRET}\n")] {
            assert!(bad.parse::<Identity>().is_err(), "{bad:?}");
        }
        for bad in [&PUBLIC.to_uppercase(), &PUBLIC[..61], SECRET, "", "age1", &format!(" {PUBLIC}")] {
            assert_eq!(bad.parse::<Recipient>(), Err(BadKey), "{bad:?}");
        }
    }

    #[test]
    fn a_hybrid_key_reads_as_it_prints_and_in_no_other_way() {
        // The identity of the format's vector `hybrid`.
        let secret = "AGE-SECRET-KEY-PQ-1HZLGZUPT4ETPKDEV8HSGFDCYZ4E522W0A7PU2LHT8EH9W6YLNC3SW78XKG";
        let identity: Identity = secret.parse().unwrap();
        assert_eq!(identity.to_text().as_str(), secret);
        assert_eq!(identity.kind(), KeyKind::Hybrid);
        let public = identity.to_recipient().to_string();
        assert!(public.starts_with("age1pq1"));
        assert_eq!(public.parse::<Recipient>().unwrap(), identity.to_recipient());
        for bad in [&secret.to_lowercase(), &secret.replace("-PQ-", "-"), &secret[1..], &public] {
            assert!(bad.parse::<Identity>().is_err(), "{bad:?}");
        }
        for bad in [&public.to_uppercase(), &public.replace("age1pq1", "age1"), &public[..1900], secret] {
            assert_eq!(bad.parse::<Recipient>(), Err(BadKey), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_key_does_not_print() {
        for kind in KeyKind::ALL {
            let identity = Identity::generate(*kind, &SystemRandom::new()).unwrap();
            assert_eq!(identity.kind(), *kind);
            assert_eq!(format!("{identity:?}"), "Identity(..)");
        }
    }
}
