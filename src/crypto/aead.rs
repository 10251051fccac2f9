use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// Bytes that sealing adds.
pub const AEAD_TAG_LEN: usize = 16;
/// Length of a ChaCha20-Poly1305 nonce.
pub const NONCE_LEN: usize = 12;

/// A ChaCha20-Poly1305 key (RFC 8439) for values of any length. The caller keeps nonces unique.
pub struct AeadKey(LessSafeKey);

impl std::fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AeadKey(..)")
    }
}

impl AeadKey {
    /// Expands 32 secret bytes. ring does not wipe the expanded key (`docs/THREATS.md` says so).
    pub fn new(key: &[u8; 32]) -> Self {
        // The length is right by type, so the second arm is never taken; a key of zeros would still
        // not be used silently, because debug builds stop here.
        match UnboundKey::new(&CHACHA20_POLY1305, key) {
            Ok(key) => Self(LessSafeKey::new(key)),
            Err(_) => unreachable!("a 32-byte key fits ChaCha20-Poly1305"),
        }
    }

    /// Encrypts `buffer` in place and appends the tag.
    pub fn seal(&self, nonce: [u8; NONCE_LEN], aad: &[u8], buffer: &mut Vec<u8>) {
        let sealed =
            self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), buffer);
        // ring refuses only messages over 256 GiB, which a `Vec` of ours never holds.
        debug_assert!(sealed.is_ok(), "sealing fails only beyond 256 GiB");
    }

    /// Encrypts `buffer` in place and gives the tag, for callers that keep the tag elsewhere.
    pub fn seal_detached(&self, nonce: [u8; NONCE_LEN], buffer: &mut [u8]) -> Option<[u8; AEAD_TAG_LEN]> {
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), buffer)
            .ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Decrypts `sealed`, or `None` when it was not sealed under this key, nonce and `aad`.
    pub fn open(&self, nonce: [u8; NONCE_LEN], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let len = self.open_in_place(nonce, aad, &mut buffer)?;
        buffer.truncate(len);
        Some(buffer)
    }

    /// Decrypts in place and gives the plaintext's length; on `None` the buffer's content is unspecified.
    pub fn open_in_place(&self, nonce: [u8; NONCE_LEN], aad: &[u8], sealed: &mut [u8]) -> Option<usize> {
        let plain = self.0.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), sealed).ok()?;
        Some(plain.len())
    }

    /// Decrypts what stands in `buffer` from `from` on and puts the plaintext at the front, giving its
    /// length. Where the two do not overlap (`from` at least the plaintext's length) the ciphertext is
    /// left as it was, so that a caller may try it under another nonce; on `None` no plaintext is left.
    pub fn open_within(&self, nonce: [u8; NONCE_LEN], buffer: &mut [u8], from: usize) -> Option<usize> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = self.0.open_within(nonce, Aad::empty(), buffer, from..).ok()?;
        Some(plain.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_and_nothing_else_does() {
        let key = AeadKey::new(&[1; 32]);
        let mut sealed = b"title".to_vec();
        key.seal([2; 12], b"id", &mut sealed);
        assert_eq!(sealed.len(), 5 + AEAD_TAG_LEN);
        assert_eq!(key.open([2; 12], b"id", &sealed).unwrap().as_slice(), b"title");
        assert!(key.open([3; 12], b"id", &sealed).is_none());
        assert!(key.open([2; 12], b"other", &sealed).is_none());
        assert!(key.open([2; 12], b"id", &sealed[..20]).is_none());
        assert!(key.open([2; 12], b"id", b"short").is_none());
    }

    #[test]
    fn a_failed_open_beside_its_ciphertext_leaves_the_ciphertext_and_no_plaintext() {
        let key = AeadKey::new(&[1; 32]);
        for len in [0, 1, 63, 64, 65, 1000, 65_536] {
            let mut sealed = vec![7; len];
            key.seal([2; 12], b"", &mut sealed);
            let mut buffer = vec![0; len];
            buffer.extend_from_slice(&sealed);
            assert_eq!(key.open_within([3; 12], &mut buffer, len), None);
            assert_eq!(&buffer[..len], vec![0; len]);
            assert_eq!(&buffer[len..], sealed);
            assert_eq!(key.open_within([2; 12], &mut buffer, len), Some(len));
            assert_eq!(&buffer[..len], vec![7; len]);
        }
    }
}
