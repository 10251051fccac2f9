use std::fmt;
use std::str::FromStr;

use super::BadKey;

/// The longest name, in bytes.
pub const MAX_NAME_LEN: usize = 64;

/// The name of a plugin, which becomes part of a program's name: 1 to [`MAX_NAME_LEN`] of `a-z 0-9 + - . _`, not beginning
/// with `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the program.
    pub fn program(&self) -> String {
        format!("age-plugin-{}", self.0)
    }
}

impl FromStr for Name {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-._".contains(&byte);
        let fits = (1..=MAX_NAME_LEN).contains(&text.len())
            && text.bytes().all(known)
            && !text.starts_with(['.', '-']);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadKey) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_lead_elsewhere_are_refused() {
        for good in ["yubikey", "se", "tpm", "a+b-c.d_e", "1", &"x".repeat(MAX_NAME_LEN)] {
            assert_eq!(good.parse::<Name>().unwrap().to_string(), good);
        }
        let bad = [
            "", "/", "a/b", "..", "../x", ".", ".x", "-x", "A", "Yubikey", "a b", "a\0", "a\n", "ä", "a\\b",
            "%41",
        ];
        for bad in bad {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(MAX_NAME_LEN + 1).parse::<Name>().is_err());
    }
}
