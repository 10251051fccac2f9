//! One payload that opens to two contents under two file keys, made the way an attacker makes it.
//!
//! Poly1305 (RFC 8439, 2.5) is a polynomial in a secret `r`, plus a secret `s`. Whoever knows both keys
//! solves one linear equation modulo 2^130 - 5 for the last block, so that both tags are the same.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops; its helpers are not marked as tests"
)]

use gapvault::agefile::FileKey;

/// A number modulo 2^130 - 5 in five limbs of 26 bits, the least first.
#[derive(Clone, Copy, PartialEq)]
struct Field([u64; 5]);

const MASK: u64 = (1 << 26) - 1;
const ZERO: Field = Field([0; 5]);

impl Field {
    /// Sixteen little-endian bytes and a top part above them.
    fn new(bytes: [u8; 16], top: u64) -> Self {
        let low = u128::from_le_bytes(bytes);
        let limb = |at: u32| (low >> (26 * at)) as u64 & MASK;
        Self([limb(0), limb(1), limb(2), limb(3), limb(4) | top << 24])
    }

    fn carry(mut limbs: [u64; 5]) -> Self {
        for _ in 0..3 {
            for at in 0..5 {
                let over = limbs[at] >> 26;
                limbs[at] &= MASK;
                limbs[(at + 1) % 5] += if at == 4 { 5 * over } else { over };
            }
        }
        Self(limbs)
    }

    fn add(self, other: Self) -> Self {
        Self::carry(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }

    fn sub(self, other: Self) -> Self {
        // Twice the modulus keeps every limb positive.
        let double = [2 * (MASK - 4), 2 * MASK, 2 * MASK, 2 * MASK, 2 * MASK];
        Self::carry(std::array::from_fn(|at| self.0[at] + double[at] - other.0[at]))
    }

    fn mul(self, other: Self) -> Self {
        let mut product = [0_u64; 5];
        for i in 0..5 {
            for j in 0..5 {
                let wrap = if i + j >= 5 { 5 } else { 1 };
                product[(i + j) % 5] += wrap * self.0[i] * other.0[j];
            }
        }
        Self::carry(product)
    }

    /// To the power of the modulus less two (Fermat).
    fn inverse(self) -> Self {
        let mut out = Self([1, 0, 0, 0, 0]);
        for bit in (0..130).rev() {
            out = out.mul(out);
            // 2^130 - 7 has every bit but those of 2 and 4.
            if bit != 1 && bit != 2 {
                out = out.mul(self);
            }
        }
        out
    }

    /// The low 128 bits, and what is above them, of the number below the modulus.
    fn split(self) -> (u128, u64) {
        let mut limbs = self.0;
        let modulus = [MASK - 4, MASK, MASK, MASK, MASK];
        if limbs[0] >= modulus[0] && limbs[1..] == modulus[1..] {
            limbs = [limbs[0] - modulus[0], 0, 0, 0, 0];
        }
        let low = (0..5).fold(0_u128, |sum, at| sum | u128::from(limbs[at]) << (26 * at));
        (low, limbs[4] >> 24)
    }
}

/// The first ChaCha20 block (RFC 8439, 2.3) under a chunk's key and nonce: Poly1305's `r` and `s`.
fn one_time_key(key: &[u8; 32], nonce: &[u8; 12]) -> (Field, u128) {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[4 * at..4 * at + 4].try_into().unwrap());
    let mut start = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for at in 0..8 {
        start[4 + at] = word(key, at);
    }
    for at in 0..3 {
        start[13 + at] = word(nonce, at);
    }
    let mut state = start;
    for round in 0..20 {
        for column in 0..4 {
            let at = |row: usize| 4 * row + (column + if round % 2 == 1 { row } else { 0 }) % 4;
            let (a, b, c, d) = (at(0), at(1), at(2), at(3));
            for (x, y, z, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
                state[x] = u32::wrapping_add(state[x], state[y]);
                state[z] = (state[z] ^ state[x]).rotate_left(turn);
            }
        }
    }
    let bytes: Vec<u8> = (0..8).flat_map(|at| state[at].wrapping_add(start[at]).to_le_bytes()).collect();
    let r = u128::from_le_bytes(bytes[..16].try_into().unwrap()) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;
    (Field::new(r.to_le_bytes(), 0), u128::from_le_bytes(bytes[16..32].try_into().unwrap()))
}

/// Poly1305 over whole blocks of ciphertext and the block of lengths, before `s` is added.
fn polynomial(r: Field, blocks: &[Field]) -> Field {
    let len = (16 * blocks.len() as u128) << 64;
    let lengths = Field::new(len.to_le_bytes(), 1);
    blocks.iter().chain([&lengths]).fold(ZERO, |sum, block| sum.add(*block).mul(r))
}

/// Nonce and one last chunk that both file keys open.
pub(crate) fn payload_of_two_keys(keys: [&FileKey; 2], nonce: [u8; 16]) -> Vec<u8> {
    let last_chunk = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let [(r1, s1), (r2, s2)] =
        keys.map(|key| one_time_key(key.derive(&nonce, b"payload").expose(), &last_chunk));
    let field = |low: u128| Field::new(low.to_le_bytes(), 0);
    let factor = r1.mul(r1).sub(r2.mul(r2)).inverse();
    for attempt in 0_u128..1000 {
        let first = Field::new(attempt.to_le_bytes(), 1);
        let rest = polynomial(r2, &[first, ZERO]).sub(polynomial(r1, &[first, ZERO]));
        let solved = field(s2).sub(field(s1)).add(rest).mul(factor);
        // A block has its bit 128 set and none above it.
        let (second, 1) = solved.split() else { continue };
        let tag = |r, s| polynomial(r, &[first, solved]).split().0.wrapping_add(s);
        if tag(r1, s1) == tag(r2, s2) {
            let parts = [attempt, second, tag(r1, s1)].map(u128::to_le_bytes);
            return [nonce.as_slice(), parts.as_flattened()].concat();
        }
    }
    panic!("every fourth attempt or so succeeds");
}
