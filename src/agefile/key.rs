use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use age::secrecy::ExposeSecret as _;
use age_core::format::{FileKey, Stanza};
use zeroize::Zeroizing;

use super::{Unwrap, Wrap};
use crate::crypto::{NoRandom, Random};
use crate::label::KeyKind;

const X25519_IDENTITY_PREFIX: bech32::Hrp = bech32::Hrp::parse_unchecked("age-secret-key-");

/// The text is not a key of a kind we know, in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an age key")]
pub struct BadKey;

/// A public key to encrypt to: `age1…`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(RecipientKey);

#[derive(Clone, PartialEq, Eq, Hash)]
enum RecipientKey {
    X25519(age::x25519::Recipient),
}

impl Recipient {
    /// Which kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            RecipientKey::X25519(_) => KeyKind::Classic,
        }
    }
}

impl FromStr for Recipient {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let recipient = Self(RecipientKey::X25519(text.parse().map_err(|_| BadKey)?));
        // Bech32 also has an upper-case spelling.
        if recipient.to_string() == text { Ok(recipient) } else { Err(BadKey) }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            RecipientKey::X25519(key) => key.fmt(f),
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
        }
    }
}

/// A secret key: `AGE-SECRET-KEY-1…`.
#[derive(Clone)]
pub struct Identity(IdentityKey);

#[derive(Clone)]
enum IdentityKey {
    X25519(age::x25519::Identity),
}

impl Identity {
    /// A new key.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn generate(_kind: KeyKind, random: &dyn Random) -> Result<Self, NoRandom> {
        let mut secret = Zeroizing::new([0; 32]);
        random.fill(secret.as_mut_slice())?;
        let text =
            Zeroizing::new(age_core::primitives::bech32_encode(X25519_IDENTITY_PREFIX, secret.as_slice()));
        let text = Zeroizing::new(text.to_uppercase());
        match text.parse() {
            Ok(key) => Ok(Self(IdentityKey::X25519(key))),
            Err(_) => unreachable!("any 32 bytes are an X25519 key"),
        }
    }

    /// Which kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            IdentityKey::X25519(_) => KeyKind::Classic,
        }
    }

    /// The public half.
    pub fn to_recipient(&self) -> Recipient {
        match &self.0 {
            IdentityKey::X25519(key) => Recipient(RecipientKey::X25519(key.to_public())),
        }
    }

    /// The text that [`FromStr`] reads. It is the secret itself.
    pub fn to_text(&self) -> Zeroizing<String> {
        match &self.0 {
            IdentityKey::X25519(key) => Zeroizing::new(key.to_string().expose_secret().to_owned()),
        }
    }
}

impl FromStr for Identity {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let identity = Self(IdentityKey::X25519(text.parse().map_err(|_| BadKey)?));
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
        }
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
    fn a_secret_key_does_not_print() {
        let identity = Identity::generate(KeyKind::Classic, &SystemRandom::new()).unwrap();
        assert_eq!(format!("{identity:?}"), "Identity(..)");
    }
}
