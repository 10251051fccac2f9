use std::fmt;
use std::str::FromStr;

use super::MAX_VOLUMES;

/// The text is not a slice's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a volume or of parity")]
pub struct BadSlice;

/// A slice's name on the medium: `v0001` for volumes, `p0001` for parity, both counted from 1. Volumes sort first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceName {
    parity: bool,
    number: u32,
}

impl SliceName {
    /// The volume with this number; `None` unless that is 1 to [`MAX_VOLUMES`].
    pub fn volume(number: u32) -> Option<Self> {
        (1..=MAX_VOLUMES).contains(&number).then_some(Self { parity: false, number })
    }

    /// The slice of parity with this number; `None` unless that is 1 to [`MAX_VOLUMES`].
    pub fn parity(number: u32) -> Option<Self> {
        (1..=MAX_VOLUMES).contains(&number).then_some(Self { parity: true, number })
    }

    /// Whether it is parity.
    pub fn is_parity(&self) -> bool {
        self.parity
    }

    /// Its number among its kind, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for SliceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:04}", if self.parity { 'p' } else { 'v' }, self.number)
    }
}

impl FromStr for SliceName {
    type Err = BadSlice;

    fn from_str(text: &str) -> Result<Self, BadSlice> {
        let (make, digits): (fn(u32) -> Option<Self>, _) = match text.split_at_checked(1) {
            Some(("v", digits)) => (Self::volume, digits),
            Some(("p", digits)) => (Self::parity, digits),
            _ => return Err(BadSlice),
        };
        let name = digits.parse().ok().and_then(make).ok_or(BadSlice)?;
        // Printing it again refuses other lengths and signs.
        if name.to_string() == text { Ok(name) } else { Err(BadSlice) }
    }
}
