//! Classic public keys, `X25519` in `c2sp.org/age`: `age1…`.
//!
//! Secret keys are the age crate's. Wrapping is our own because its two multiplications can be had in half of the time or
//! less ([`Peer`]), and sealing a small document consists of them for a good part.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use age_core::format::{FileKey, Stanza};
use age_core::primitives::bech32_encode;
use secrecy::ExposeSecret as _;

use super::header::{WRAPPED_LEN, X25519_TAG};
use super::key::{BadKey, decode, failed};
use crate::crypto::{AeadKey, Agreed, NONCE_LEN, Peer, hkdf};
use crate::encoding::base64_unpadded;

const PUBLIC_PREFIX: bech32::Hrp = bech32::Hrp::parse_unchecked("age");
const INFO: &[u8] = b"age-encryption.org/v1/X25519";
const KEY_LEN: usize = 32;

#[derive(Clone)]
pub(super) struct Recipient(Arc<Peer>);

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for Recipient {}

impl Hash for Recipient {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key().hash(state);
    }
}

impl Recipient {
    /// The public half. The age crate shows its bytes as text only.
    pub(super) fn of(identity: &age::x25519::Identity) -> Self {
        match identity.to_public().to_string().parse() {
            Ok(recipient) => recipient,
            Err(BadKey) => unreachable!("the text of a key is one"),
        }
    }
}

impl FromStr for Recipient {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = decode(text, PUBLIC_PREFIX)?;
        let key: [u8; KEY_LEN] = bytes.as_slice().try_into().map_err(|_| BadKey)?;
        Ok(Self(Arc::new(Peer::new(key))))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32_encode(PUBLIC_PREFIX, self.0.key()))
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let Agreed { share, secret } = self.0.agree().map_err(failed)?;
        let salt = [share, *self.0.key()].concat();
        let key = AeadKey::new(hkdf(secret.expose(), &salt, INFO).expose());
        let mut body = Vec::with_capacity(WRAPPED_LEN);
        body.extend_from_slice(file_key.expose_secret());
        // The key is used for this one message.
        key.seal([0; NONCE_LEN], &[], &mut body);
        let stanza = Stanza { tag: X25519_TAG.to_owned(), args: vec![base64_unpadded(&share)], body };
        Ok((vec![stanza], HashSet::new()))
    }
}

#[cfg(test)]
mod tests {
    use age::{Identity as _, Recipient as _};

    use super::*;

    #[test]
    fn the_age_crate_unwraps_what_we_wrapped_and_writes_the_key_alike() {
        let identity = age::x25519::Identity::generate();
        let recipient: Recipient = identity.to_public().to_string().parse().unwrap();
        assert_eq!(recipient.to_string(), identity.to_public().to_string());
        let file_key = FileKey::init_with_mut(|key| key.fill(7));
        let (stanzas, labels) = recipient.wrap_file_key(&file_key).unwrap();
        assert!(labels.is_empty());
        let [stanza] = stanzas.as_slice() else { panic!("one stanza") };
        let opened = identity.unwrap_stanza(stanza).unwrap().unwrap_or_else(|_| panic!("unwraps"));
        assert_eq!(opened.expose_secret(), file_key.expose_secret());
        let other = age::x25519::Identity::generate();
        assert!(other.unwrap_stanza(stanza).is_none());
        // Each time a new share.
        let (again, _) = recipient.wrap_file_key(&file_key).unwrap();
        assert_ne!(again[0].args, stanza.args);
    }

    #[test]
    fn a_key_of_low_order_is_refused() {
        let file_key = FileKey::init_with_mut(|key| key.fill(7));
        assert!(Recipient(Arc::new(Peer::new([0; KEY_LEN]))).wrap_file_key(&file_key).is_err());
    }
}
