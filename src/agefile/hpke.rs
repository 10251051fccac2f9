//! HPKE (RFC 9180) as far as age needs it: base mode, one message, KEM MLKEM768-X25519, HKDF-SHA256,
//! ChaCha20-Poly1305, no associated data.

use zeroize::Zeroizing;

use crate::crypto::{AeadKey, NONCE_LEN, Secret32, hmac};

/// `"HPKE"` and the numbers of KEM, KDF and AEAD.
const SUITE: &[u8; 10] = b"HPKE\x64\x7a\x00\x01\x00\x03";
const VERSION: &[u8] = b"HPKE-v1";
const MODE_BASE: u8 = 0;

/// The key and nonce for the one message under a KEM's `shared_secret`.
pub(super) fn context(shared_secret: &Secret32, info: &[u8]) -> (AeadKey, [u8; NONCE_LEN]) {
    let psk_id_hash = labeled_extract(&[], b"psk_id_hash", &[]);
    let info_hash = labeled_extract(&[], b"info_hash", info);
    let context = [&[MODE_BASE], psk_id_hash.as_slice(), info_hash.as_slice()].concat();
    let secret = labeled_extract(shared_secret.expose(), b"secret", &[]);
    let key = AeadKey::new(&labeled_expand::<32>(&secret, b"key", &context));
    (key, *labeled_expand::<NONCE_LEN>(&secret, b"base_nonce", &context))
}

fn labeled_extract(salt: &[u8], label: &[u8], ikm: &[u8]) -> Zeroizing<[u8; 32]> {
    // HKDF-Extract is HMAC under the salt.
    Zeroizing::new(hmac(salt, &[VERSION, SUITE, label, ikm].concat()))
}

/// At most 32 bytes, which is the first block of HKDF-Expand.
fn labeled_expand<const LEN: usize>(secret: &[u8; 32], label: &[u8], info: &[u8]) -> Zeroizing<[u8; LEN]> {
    const { assert!(LEN <= 32) };
    let [_, len] = (LEN as u16).to_be_bytes();
    let block = Zeroizing::new(hmac(secret, &[&[0, len], VERSION, SUITE, label, info, &[1]].concat()));
    Zeroizing::new(block.first_chunk::<LEN>().copied().unwrap_or([0; LEN]))
}
