//! Which volumes and parity lie on a medium: numbers from 1 through both.

use std::fmt;
use std::str::FromStr;

/// Most ranges: what goes onto one line.
const RANGE_LIMIT: usize = 512;
const NONE: &str = "none";

/// The text is not such a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a list of ranges")]
pub struct BadRanges;

/// Ranges of numbers, in order, with gaps between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// The ranges of these numbers; `None` for more ranges than a line holds.
    pub fn of(numbers: &[u32]) -> Option<Self> {
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some(last) if last.1.checked_add(1) == Some(number) => last.1 = number,
                _ => ranges.push((number, number)),
            }
        }
        (ranges.len() <= RANGE_LIMIT).then_some(Self(ranges))
    }

    /// Whether a number is in one of them.
    pub fn contains(&self, number: u32) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }

    /// The highest number.
    pub fn last(&self) -> Option<u32> {
        self.0.last().map(|(_, last)| *last)
    }

    /// Every number, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    fn is_orderly(&self) -> bool {
        let apart = |pair: &[(u32, u32)]| matches!(pair, [one, next] if one.1.saturating_add(1) < next.0);
        self.0.len() <= RANGE_LIMIT
            && self.0.iter().all(|(first, last)| 1 <= *first && first <= last)
            && self.0.windows(2).all(apart)
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(NONE);
        }
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{first}-{last}")?;
        }
        Ok(())
    }
}

impl FromStr for Ranges {
    type Err = BadRanges;

    fn from_str(text: &str) -> Result<Self, BadRanges> {
        if text == NONE {
            return Ok(Self::default());
        }
        let range = |text: &str| {
            let (first, last) = text.split_once('-')?;
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        let ranges = Self(text.split(',').map(range).collect::<Option<_>>().ok_or(BadRanges)?);
        if ranges.is_orderly() && ranges.to_string() == text { Ok(ranges) } else { Err(BadRanges) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_as_they_print_and_in_no_other_way() {
        for (numbers, text) in [
            (&[][..], "none"),
            (&[1], "1-1"),
            (&[3, 1, 2, 2], "1-3"),
            (&[1, 2, 4, 9, 10, 11], "1-2,4-4,9-11"),
        ] {
            let ranges = Ranges::of(numbers).unwrap();
            assert_eq!(ranges.to_string(), text);
            assert_eq!(text.parse(), Ok(ranges.clone()));
            assert!(numbers.iter().all(|number| ranges.contains(*number)));
            assert!(!ranges.contains(8));
        }
        for bad in ["", "0-1", "2-1", "1-2,3-4", "4-5,1-2", "1-2,", "01-2", "1", "1-2 ", "1-4294967296"] {
            assert_eq!(bad.parse::<Ranges>(), Err(BadRanges), "{bad:?}");
        }
        let sparse: Vec<u32> = (0..600).map(|at| 2 * at + 1).collect();
        assert!(Ranges::of(&sparse).is_none());
    }
}
