//! Bytes as text, strictly: lower-case hex and canonical base64 (RFC 4648), one spelling for each value.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    // Writing into a `String` does not fail.
    let _ = write_hex(bytes, &mut out);
    out
}

/// Writes lower-case hex without allocating; a log has millions of ids.
pub fn write_hex(bytes: &[u8], to: &mut impl fmt::Write) -> fmt::Result {
    bytes.chunks(HEX_BUFFER / 2).try_for_each(|chunk| to.write_str(hex_in(chunk, &mut [0; HEX_BUFFER])))
}

/// Room for the hex of a digest.
pub const HEX_BUFFER: usize = 64;

/// Lower-case hex of at most 32 bytes, in a buffer of the caller's.
pub fn hex_in<'a>(bytes: &[u8], buffer: &'a mut [u8; HEX_BUFFER]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let mut len = 0;
    for (pair, byte) in buffer.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        len += 2;
    }
    std::str::from_utf8(buffer.get(..len).unwrap_or_default()).unwrap_or_default()
}

/// Exactly `2 * N` lower-case hex digits, or `None`.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 {
        return None;
    }
    let mut out = [0; N];
    for (slot, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *slot = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Standard base64 with canonical padding and no stray trailing bits, or `None`.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Standard base64 without padding, as age headers use it.
pub fn base64_unpadded(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// Standard base64 without padding and without stray trailing bits, or `None`.
pub fn unbase64_unpadded(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_has_one_spelling() {
        assert_eq!(hex(&[0, 0x3f, 0xff]), "003fff");
        assert_eq!(hex(&[0xa5; 33]), "a5".repeat(33));
        assert_eq!(hex(&[]), "");
        assert_eq!(unhex::<3>("003fff"), Some([0, 0x3f, 0xff]));
        for bad in ["003FFF", "003ff", "003fff0", "003ffg", "0x3fff", "中a"] {
            assert_eq!(unhex::<3>(bad), None, "{bad}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(unbase64("AA=="), Some(vec![0]));
        for bad in ["AA", "AB==", "AA==\n", " AA==", "A-==", "AA==="] {
            assert_eq!(unbase64(bad), None, "{bad}");
        }
        assert_eq!(unbase64_unpadded("AA"), Some(vec![0]));
        for bad in ["AA==", "AB", "A", "A A"] {
            assert_eq!(unbase64_unpadded(bad), None, "{bad}");
        }
    }
}
