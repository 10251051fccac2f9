//! Drawing entries at random, so that whoever is audited cannot choose them and anybody can draw them again.
//!
//! What is drawn follows from a checkpoint and from a seed, a line of text that the auditor makes up **after** the
//! checkpoint was handed over. `docs/QUERY.md` has the same with the tools of any machine:
//!
//! 1. The key is the SHA-256, in hex, of the line [`ALGORITHM`], the checkpoint's three lines (origin, size, root in base64)
//!    and the seed, each with a newline after it.
//! 2. Number `i`, from 0, is the SHA-256 of the key, a blank, `i` in decimal and a newline; of it the first eight bytes
//!    count, big-endian.
//! 3. A number of at least `2^64 - (2^64 mod size)` is passed over, so that all entries are equally likely. Of any other the
//!    remainder by `size` is drawn, unless it was drawn before.
//!
//! The first of a larger sample are the smaller one.
//!
//! ```
//! use gapvault::audit::sample::{Seed, draw};
//! use gapvault::crypto::Digest;
//! use gapvault::log::checkpoint::Checkpoint;
//!
//! let checkpoint = Checkpoint::new("gapvault/0011223344556677/1", 1000, Digest([7; 32])).unwrap();
//! let seed: Seed = "九月三日 第 12 號".parse().unwrap();
//! assert_eq!(draw(&checkpoint, &seed, 3)[..2], draw(&checkpoint, &seed, 2));
//! ```

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use crate::crypto::Digest;
use crate::log::checkpoint::Checkpoint;

/// The name of the way of drawing.
pub const ALGORITHM: &str = "gapvault.sample/v1";
/// Longest seed in bytes of UTF-8.
pub const SEED_LIMIT: usize = 256;
/// Most entries that are drawn.
pub const SAMPLE_LIMIT: u64 = 100_000;

/// A text that is no seed: empty, over [`SEED_LIMIT`], or with control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a seed is one line of at most 256 bytes")]
pub struct BadSeed;

/// What an auditor made up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(String);

impl FromStr for Seed {
    type Err = BadSeed;

    fn from_str(text: &str) -> Result<Self, BadSeed> {
        let fits = (1..=SEED_LIMIT).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadSeed) }
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The places that a seed draws from a checkpoint's log, in the order in which they are drawn, none twice: as many as asked
/// for, [`SAMPLE_LIMIT`] at most, or all that there are.
pub fn draw(checkpoint: &Checkpoint, seed: &Seed, count: u64) -> Vec<u64> {
    let size = checkpoint.size();
    let key = Digest::of(format!("{ALGORITHM}\n{}{seed}\n", checkpoint.text()).as_bytes());
    let wanted = usize::try_from(count.min(size).min(SAMPLE_LIMIT)).unwrap_or(0);
    let (mut drawn, mut seen) = (Vec::with_capacity(wanted), HashSet::with_capacity(wanted));
    for index in 0_u64.. {
        if drawn.len() >= wanted {
            break;
        }
        let place = place(number(&key, index), size);
        drawn.extend(place.filter(|place| seen.insert(*place)));
    }
    drawn
}

fn number(key: &Digest, index: u64) -> u64 {
    let digest = Digest::of(format!("{key} {index}\n").as_bytes());
    let (first, _) = digest.0.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    u64::from_be_bytes(*first)
}

/// The remainder, unless the number is one of the last ones that would make small remainders likelier.
fn place(number: u64, size: u64) -> Option<u64> {
    // 2^64 mod size, without a number that large.
    let surplus = (u64::MAX.checked_rem(size)? + 1) % size;
    (number <= u64::MAX - surplus).then_some(number % size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const ORIGIN: &str = "gapvault/0011223344556677/1";

    fn sample(size: u64, root: u8, seed: &str, count: u64) -> Vec<u64> {
        let checkpoint = Checkpoint::new(ORIGIN, size, Digest([root; 32])).unwrap();
        draw(&checkpoint, &seed.parse().unwrap(), count)
    }

    #[test]
    fn the_example_of_the_documentation() {
        // Drawn again with sha256sum and bc: docs/QUERY.md shows how.
        assert_eq!(sample(1000, 7, "2026-11-27 lottery 03 14 15", 5), [987, 240, 57, 858, 739]);
    }

    #[test]
    fn none_is_drawn_twice_and_a_larger_sample_begins_with_the_smaller() {
        let large = sample(500, 1, "s", 400);
        assert_eq!(large.iter().collect::<BTreeSet<_>>().len(), 400);
        assert!(large.iter().all(|place| *place < 500));
        assert_eq!(sample(500, 1, "s", 40), large[..40]);
        let all: BTreeSet<u64> = sample(500, 1, "s", 501).into_iter().collect();
        assert_eq!(all, (0..500).collect());
        let empty = Checkpoint::new(ORIGIN, 0, Digest::of(b"")).unwrap();
        assert!(draw(&empty, &"s".parse().unwrap(), 3).is_empty());
        assert!(sample(9, 1, "s", 0).is_empty());
        assert_eq!(sample(1 << 50, 1, "s", u64::MAX).len() as u64, SAMPLE_LIMIT);
    }

    #[test]
    fn seed_size_and_root_each_change_what_is_drawn() {
        let one = sample(1 << 40, 1, "s", 5);
        assert_ne!(one, sample(1 << 40, 1, "t", 5));
        assert_ne!(one, sample(1 << 40, 2, "s", 5));
        assert_ne!(one, sample((1 << 40) + 1, 1, "s", 5));
    }

    #[test]
    fn every_entry_is_equally_likely() {
        let mut hits = [0_u32; 7];
        for seed in 0..7000 {
            hits[usize::try_from(sample(7, 1, &seed.to_string(), 1)[0]).unwrap()] += 1;
        }
        // A thousand each; five standard deviations are 146.
        assert!(hits.iter().all(|hits| hits.abs_diff(1000) < 146), "{hits:?}");
        // The last numbers, which do not fill a row, are passed over.
        assert_eq!(place(u64::MAX, 10), None);
        assert_eq!(place(u64::MAX - 6, 10), Some(9));
        assert_eq!(place(u64::MAX - 5, 10), None);
        assert_eq!(place(u64::MAX, 1 << 20), Some((1 << 20) - 1));
        assert_eq!(place(u64::MAX, 1), Some(0));
        assert_eq!(place(1, 0), None);
    }

    #[test]
    fn a_seed_is_one_line() {
        for bad in ["", "a\n", "a\tb", &"x".repeat(SEED_LIMIT + 1)] {
            assert_eq!(bad.parse::<Seed>(), Err(BadSeed), "{bad:?}");
        }
        assert!("x".repeat(SEED_LIMIT).parse::<Seed>().is_ok());
    }
}
