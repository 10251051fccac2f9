//! Keys of plugins as text, and as age's own traits.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use age_core::format::{FileKey, Stanza};
use age_core::primitives::{bech32_decode, bech32_encode};
use zeroize::Zeroizing;

use super::error::to_io;
use super::{Error, Name, Plugins, client};
use crate::agefile::{Unwrap, Wrap};

/// The longest key, in bytes of text.
const MAX_KEY_LEN: usize = 16 * 1024;

const RECIPIENT_PREFIX: &str = "age1";
/// `age1pq1…` is a key of age's own.
const NATIVE: &str = "pq";
const IDENTITY_PREFIX: &str = "AGE-PLUGIN-";

/// The text is not a plugin's key, in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key of an age plugin")]
pub struct BadKey;

/// A public key, `age1NAME1…` in lower case. What stands behind the name means something to the plugin alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipient {
    name: Name,
    text: String,
}

/// What leads to a secret key, `AGE-PLUGIN-NAME-1…` in upper case. Mostly the secret itself is in a token; it is handled as if
/// it stood here.
#[derive(Clone)]
pub struct Identity {
    name: Name,
    text: Zeroizing<String>,
}

/// The prefix and the bytes of a bech32 text in lower case; the bytes are not looked at.
fn prefix_of(text: &str) -> Option<&str> {
    let (prefix, _) = text.rsplit_once('1')?;
    let hrp = bech32::Hrp::parse(prefix).ok()?;
    let data = bech32_decode(
        text,
        |_| BadKey,
        |found| if found == hrp { Ok(()) } else { Err(BadKey) },
        |_, bytes| Ok(Zeroizing::new(bytes.collect::<Vec<u8>>())),
    );
    let again = Zeroizing::new(bech32_encode(hrp, &data.ok()?));
    (again.as_str() == text).then_some(prefix)
}

impl FromStr for Recipient {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        if text.len() > MAX_KEY_LEN {
            return Err(BadKey);
        }
        let prefix = prefix_of(text).ok_or(BadKey)?;
        let name = prefix.strip_prefix(RECIPIENT_PREFIX).filter(|name| *name != NATIVE).ok_or(BadKey)?;
        Ok(Self { name: name.parse()?, text: text.to_owned() })
    }
}

impl FromStr for Identity {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        if text.len() > MAX_KEY_LEN || text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(BadKey);
        }
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let prefix = prefix_of(&lower).ok_or(BadKey)?;
        let name = prefix.strip_prefix(IDENTITY_PREFIX.to_ascii_lowercase().as_str()).ok_or(BadKey)?;
        let name = name.strip_suffix('-').ok_or(BadKey)?.parse()?;
        Ok(Self { name, text: Zeroizing::new(text.to_owned()) })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.name)
    }
}

impl Recipient {
    /// Whose it is.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// For use with these plugins.
    pub fn with<'a>(&'a self, plugins: &'a Plugins) -> UsedRecipient<'a> {
        UsedRecipient { plugins, recipient: self }
    }
}

impl Identity {
    /// Whose it is.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The text that [`FromStr`] reads.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// For use with these plugins.
    pub fn with<'a>(&'a self, plugins: &'a Plugins) -> UsedIdentity<'a> {
        UsedIdentity { plugins, identity: self }
    }
}

/// A recipient as age's trait. Every use starts the program.
#[derive(Debug)]
pub struct UsedRecipient<'a> {
    plugins: &'a Plugins,
    recipient: &'a Recipient,
}

/// An identity as both of age's traits: what is encrypted to it only it decrypts. Every use starts the program.
#[derive(Debug)]
pub struct UsedIdentity<'a> {
    plugins: &'a Plugins,
    identity: &'a Identity,
}

fn wrapped(
    result: Result<client::Wrapped, Error>,
) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
    result
        .map(|wrapped| (wrapped.stanzas, wrapped.labels))
        .map_err(|error| age::EncryptError::Io(to_io(error)))
}

impl Wrap for UsedRecipient<'_> {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let key = client::Key::Recipient(&self.recipient.text);
        wrapped(client::wrap(self.plugins, &self.recipient.name, &key, file_key))
    }
}

impl Wrap for UsedIdentity<'_> {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let key = client::Key::Identity(&self.identity.text);
        wrapped(client::wrap(self.plugins, &self.identity.name, &key, file_key))
    }
}

impl Unwrap for UsedIdentity<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, age::DecryptError>> {
        client::unwrap(self.plugins, &self.identity.name, &self.identity.text, stanzas)
            .map_err(|error| age::DecryptError::Io(to_io(error)))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(name: &str) -> String {
        bech32_encode(bech32::Hrp::parse(&format!("age1{name}")).unwrap(), b"data")
    }

    fn identity(name: &str) -> String {
        let prefix = bech32::Hrp::parse(&format!("age-plugin-{name}-")).unwrap();
        bech32_encode(prefix, b"data").to_ascii_uppercase()
    }

    #[test]
    fn keys_read_as_they_print_and_in_no_other_way() {
        for name in ["yubikey", "a1", "x-y.z_9+"] {
            let (public, secret) = (recipient(name), identity(name));
            let key: Recipient = public.parse().unwrap();
            assert_eq!((key.name().as_str(), key.to_string()), (name, public.clone()));
            let key: Identity = secret.parse().unwrap();
            assert_eq!((key.name().as_str(), key.as_str()), (name, secret.as_str()));
            assert_eq!(format!("{key:?}"), format!("Identity({name})"));
            for bad in [
                public.to_uppercase(),
                format!("{public}q"),
                format!(" {public}"),
                secret.clone(),
                public[1..].to_owned(),
            ] {
                assert!(bad.parse::<Recipient>().is_err(), "{bad}");
            }
            for bad in [secret.to_lowercase(), format!("{secret}Q"), format!("{secret}\n"), public] {
                assert!(bad.parse::<Identity>().is_err(), "{bad}");
            }
        }
    }

    #[test]
    fn names_that_lead_elsewhere_make_no_keys() {
        for name in ["a/b", "..", ".x", "-x", "a\\b"] {
            assert!(recipient(name).parse::<Recipient>().is_err(), "{name}");
            assert!(identity(name).parse::<Identity>().is_err(), "{name}");
        }
        // Native keys are no plugins' keys.
        for kind in crate::label::KeyKind::ALL {
            let native = crate::agefile::Identity::generate(*kind, &crate::crypto::SystemRandom::new());
            let native = native.unwrap();
            assert!(native.to_recipient().to_string().parse::<Recipient>().is_err());
            assert!(native.to_text().parse::<Identity>().is_err());
        }
        for bad in ["", "1", "age1", "AGE-PLUGIN-1", "AGE-PLUGIN--1", &"a".repeat(MAX_KEY_LEN + 1)] {
            assert!(bad.parse::<Recipient>().is_err() && bad.parse::<Identity>().is_err(), "{bad:.20}");
        }
    }
}
