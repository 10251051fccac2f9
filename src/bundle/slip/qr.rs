//! QR codes (ISO/IEC 18004) as SVG.

use std::fmt::Write as _;

use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, Version};

/// What the largest code, version 40 at level L, holds in byte mode.
pub(super) const QR_BYTES: usize = 2953;
/// The light border that the standard asks for, in modules.
const QUIET: usize = 4;
/// A small code is printed so wide.
const NARROWEST_MM: usize = 40;
/// And no code wider.
const WIDEST_MM: usize = 110;

/// A drawn code.
pub(super) struct Qr {
    /// Modules on a side, with the quiet zone.
    pub(super) side: usize,
    /// An `svg` element for a page of HTML.
    pub(super) svg: String,
}

impl Qr {
    /// How wide it is printed: 0.7 mm for a module within bounds; 0.6 mm for the largest code.
    pub(super) fn printed_mm(&self) -> usize {
        (self.side * 7 / 10).clamp(NARROWEST_MM, WIDEST_MM)
    }
}

/// A QR code of the bytes as an `svg` element for an HTML page: dark on white with its quiet zone, scalable, one
/// unit of its view box for one module.
///
/// All bytes go in byte mode into the smallest version that holds them, with as much error correction as there is
/// room for, L at least. `None` for more than 2953 bytes.
pub fn qr_svg(bytes: &[u8]) -> Option<String> {
    draw(bytes).map(|qr| qr.svg)
}

/// The code and its size.
pub(super) fn draw(bytes: &[u8]) -> Option<Qr> {
    let code = encode(bytes)?;
    let width = code.width();
    let colors = code.to_colors();
    let side = width.checked_add(QUIET * 2)?;
    let mut path = String::new();
    // One path of runs: neighbours within a path leave no hairlines at any scale.
    for (y, row) in colors.chunks_exact(width).enumerate() {
        let mut x = QUIET;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let (top, len) = (y + QUIET, run.len());
                // Writing into a `String` does not fail.
                let _ = write!(path, "M{x} {top}h{len}v1h-{len}z");
            }
            x += run.len();
        }
    }
    let svg = format!(
        "<svg viewBox=\"0 0 {side} {side}\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    );
    Some(Qr { side, svg })
}

fn encode(bytes: &[u8]) -> Option<QrCode> {
    if bytes.len() > QR_BYTES {
        return None;
    }
    let version =
        (1..=40).map(Version::Normal).find(|version| bits(bytes, *version, EcLevel::L).is_some())?;
    let (bits, level) = [EcLevel::H, EcLevel::Q, EcLevel::M, EcLevel::L]
        .into_iter()
        .find_map(|level| Some((bits(bytes, version, level)?, level)))?;
    QrCode::with_bits(bits, level).ok()
}

/// Byte mode only: the encoder's own choice takes pairs of UTF-8 bytes for Shift JIS where they look like it.
fn bits(bytes: &[u8], version: Version, level: EcLevel) -> Option<Bits> {
    let mut bits = Bits::new(version);
    bits.push_byte_data(bytes).ok()?;
    bits.push_terminator(level).ok()?;
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_holds_up_to_the_largest_version_and_not_one_byte_more() {
        for len in [0, 1, 17, 18, 255, 256, 1500, QR_BYTES] {
            assert!(qr_svg(&vec![0xe7; len]).is_some(), "{len}");
        }
        assert!(qr_svg(&vec![b'1'; QR_BYTES + 1]).is_none());
        let largest = encode(&[b'1'; QR_BYTES]).unwrap();
        assert_eq!((largest.version(), largest.error_correction_level()), (Version::Normal(40), EcLevel::L));
    }

    #[test]
    fn room_that_is_left_goes_to_error_correction() {
        // Version 1 holds 7 bytes at H, 11 at Q, 14 at M and 17 at L.
        for (len, level) in [(7, EcLevel::H), (11, EcLevel::Q), (14, EcLevel::M), (17, EcLevel::L)] {
            let code = encode(&vec![b'a'; len]).unwrap();
            assert_eq!((code.version(), code.error_correction_level()), (Version::Normal(1), level));
        }
    }

    #[test]
    fn the_drawing_has_a_quiet_zone_and_the_modules_of_the_code() {
        let code = encode("紙 — paper".as_bytes()).unwrap();
        let qr = draw("紙 — paper".as_bytes()).unwrap();
        assert_eq!(qr.side, code.width() + 8);
        assert!(qr.svg.starts_with(&format!("<svg viewBox=\"0 0 {0} {0}\">", qr.side)));
        // The finder pattern's first row: seven dark modules inside the border.
        assert!(qr.svg.contains("d=\"M4 4h7v1h-7z"));
        let dark: usize = qr
            .svg
            .split('M')
            .skip(2)
            .map(|run| run.split(['h', 'v']).nth(1).unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(dark, code.to_colors().iter().filter(|color| **color == Color::Dark).count());
    }
}
