//! Digests, signatures, key derivation, key agreement, sealing of small values, and randomness. It is ring's but for keys
//! that many secrets are agreed upon with.
//!
//! Secrets here are wiped on drop, do not print, and are compared in constant time only.

mod aead;
mod agree;
mod digest;
mod kdf;
mod random;
mod sign;

pub use aead::{AEAD_TAG_LEN, AeadKey, NONCE_LEN};
pub use agree::{Agreed, NoAgreement, Peer};
pub use digest::{Digest, Hasher};
pub use kdf::{Secret32, hkdf, hmac};
pub use random::{NoRandom, Random, SystemRandom};
pub use sign::{PublicKey, SIGNATURE_LEN, SigningKey};

/// Whether two byte strings are equal, in time that depends on their lengths only.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    // ring has retired its public comparison; verifying one MAC of both under a fixed key is the
    // same promise (HMAC's own comparison is constant-time) and leaks nothing about the inputs.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"gapvault compare");
    let tag = ring::hmac::sign(&key, a);
    ring::hmac::verify(&key, b, tag.as_ref()).is_ok()
}
