use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use zeroize::Zeroizing;

/// Thirty-two secret bytes: wiped on drop, not printable, not comparable with `==`.
#[derive(Clone)]
pub struct Secret32(Zeroizing<[u8; 32]>);

impl Secret32 {
    /// Takes the bytes in.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Lends the bytes out.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret32(..)")
    }
}

struct Len32;

impl KeyType for Len32 {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA-256 (RFC 5869), 32 bytes out. An empty `salt` is the RFC's "not provided".
pub fn hkdf(key: &[u8], salt: &[u8], info: &[u8]) -> Secret32 {
    let mut out = Zeroizing::new([0; 32]);
    let pieces = [info];
    // 32 bytes are far below HKDF's limit of 255 blocks, so neither step can refuse.
    let filled = Salt::new(HKDF_SHA256, salt)
        .extract(key)
        .expand(&pieces, Len32)
        .and_then(|okm| okm.fill(out.as_mut_slice()));
    debug_assert!(filled.is_ok(), "HKDF of 32 bytes cannot fail");
    Secret32(out)
}

/// HMAC-SHA-256 (RFC 2104).
pub fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::hex;

    #[test]
    fn hkdf_gives_the_first_block_of_rfc_5869_case_1() {
        let salt: Vec<u8> = (0..=12).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let out = hkdf(&[0x0b; 22], &salt, &info);
        assert_eq!(hex(out.expose()), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret32::new([7; 32])), "Secret32(..)");
    }
}
