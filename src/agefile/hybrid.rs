//! Post-quantum keys, `mlkem768x25519` in `c2sp.org/age`: `age1pq1…` and `AGE-SECRET-KEY-PQ-1…`.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use age_core::format::{FileKey, Stanza};
use age_core::primitives::bech32_encode;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::header::{HYBRID_TAG, POST_QUANTUM, WRAPPED_LEN};
use super::hpke;
use super::kem::{DecapsulationKey, ENC_LEN, EncapsulationKey, RANDOMNESS_LEN, SEED_LEN};
use super::key::{BadKey, decode, failed};
use crate::crypto::{NoRandom, Random, SystemRandom};
use crate::encoding::{base64_unpadded, unbase64_unpadded};

const PUBLIC_PREFIX: bech32::Hrp = bech32::Hrp::parse_unchecked("age1pq");
const SECRET_PREFIX: bech32::Hrp = bech32::Hrp::parse_unchecked("age-secret-key-pq-");
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Recipient(EncapsulationKey);

impl FromStr for Recipient {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = decode(text, PUBLIC_PREFIX)?;
        EncapsulationKey::new(&bytes).map(Self).ok_or(BadKey)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32_encode(PUBLIC_PREFIX, self.0.as_bytes()))
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        // The trait has no place for a generator of random bytes.
        let mut randomness = Zeroizing::new([0; RANDOMNESS_LEN]);
        SystemRandom::new().fill(randomness.as_mut_slice()).map_err(failed)?;
        let agreed = self.0.x25519().agree().map_err(failed)?;
        let (enc, secret) = self.0.encapsulate(&randomness, &agreed);
        let (key, nonce) = hpke::context(&secret, INFO);
        let mut body = Vec::with_capacity(WRAPPED_LEN);
        body.extend_from_slice(file_key.expose_secret());
        key.seal(nonce, &[], &mut body);
        let stanza = Stanza { tag: HYBRID_TAG.to_owned(), args: vec![base64_unpadded(&enc)], body };
        Ok((vec![stanza], HashSet::from([POST_QUANTUM.to_owned()])))
    }
}

#[derive(Clone)]
pub(super) struct Identity(DecapsulationKey);

impl Identity {
    pub(super) fn generate(random: &dyn Random) -> Result<Self, NoRandom> {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        random.fill(seed.as_mut_slice())?;
        Ok(Self(DecapsulationKey::new(seed)))
    }

    pub(super) fn to_recipient(&self) -> Recipient {
        Recipient(self.0.public().clone())
    }

    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(bech32_encode(SECRET_PREFIX, self.0.seed()));
        text.make_ascii_uppercase();
        text
    }
}

impl FromStr for Identity {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = decode(text, SECRET_PREFIX)?;
        let seed = bytes.first_chunk::<SEED_LEN>().filter(|seed| seed.len() == bytes.len()).ok_or(BadKey)?;
        Ok(Self(DecapsulationKey::new(Zeroizing::new(*seed))))
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        if stanza.tag != HYBRID_TAG {
            return None;
        }
        let enc = match stanza.args.as_slice() {
            [enc] => unbase64_unpadded(enc).and_then(|enc| <[u8; ENC_LEN]>::try_from(enc).ok()),
            _ => None,
        };
        let (Some(enc), WRAPPED_LEN) = (enc, stanza.body.len()) else {
            return Some(Err(age::DecryptError::InvalidHeader));
        };
        let Ok(secret) = self.0.decapsulate(&enc) else {
            return Some(Err(age::DecryptError::InvalidHeader));
        };
        let (key, nonce) = hpke::context(&secret, INFO);
        // A stanza for somebody else's key is not an error.
        let file_key = key.open(nonce, &[], &stanza.body)?;
        Some(Ok(FileKey::init_with_mut(|out| out.copy_from_slice(&file_key))))
    }
}
