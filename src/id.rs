//! Fixed-size ids, written in lower-case hex, and the 25-digit code by which two people compare a digest.

use std::fmt;
use std::str::FromStr;

use crate::encoding::{HEX_BUFFER, hex_in, unhex, write_hex};

/// The text is not an id of this kind: wrong length, or not lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id in lower-case hex")]
pub struct BadId;

macro_rules! fixed_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// How many bytes it has.
            pub const LEN: usize = $len;

            /// The bytes.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                unhex(text).map(Self).ok_or(BadId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(hex_in(&self.0, &mut [0; HEX_BUFFER]))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

fixed_id!(
    /// A document: 128 random bits that say nothing about it.
    DocumentId, 16
);
fixed_id!(
    /// One run of one command, as the log groups its entries.
    SessionId, 16
);
fixed_id!(
    /// What somebody asks for, until others have consented or refused.
    RequestId, 16
);
fixed_id!(
    /// What crosses the gap at once, as the sender names it.
    BundleId, 16
);
fixed_id!(
    /// A member: the first 8 bytes of the SHA-256 of the member's signing key.
    MemberId, 8
);
fixed_id!(
    /// A host that writes: the first 8 bytes of the SHA-256 of its first log key.
    HostId, 8
);
fixed_id!(
    /// A vault: the digest of its first roster, so it commits to the founders.
    VaultId, 32
);

/// Twenty-five decimal digits (83 bits) of a digest, for two people to compare by voice or on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(u128);

const CODE_SPAN: u128 = 10_u128.pow(25);

impl Code {
    /// The code of a SHA-256 digest: its first 16 bytes, big-endian, modulo 10^25.
    pub fn of(digest: &[u8; 32]) -> Self {
        let number = digest.iter().take(16).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
        Self(number % CODE_SPAN)
    }
}

/// Five groups of five digits.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:025}", self.0);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && index % 5 == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Reads 25 digits; spaces and hyphens between them do not count, since people write them so.
impl FromStr for Code {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{3000}')).collect();
        if digits.len() != 25 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(BadId);
        }
        digits.parse().map(Self).map_err(|_| BadId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_prints_and_in_no_other_way() {
        let id = MemberId([0x3f, 0, 1, 2, 3, 4, 5, 0xff]);
        assert_eq!(id.to_string(), "3f000102030405ff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["3F000102030405ff", "3f000102030405f", "3f000102030405ff0", ""] {
            assert_eq!(bad.parse::<MemberId>(), Err(BadId));
        }
    }

    #[test]
    fn a_code_is_five_groups_of_five() {
        let code = Code::of(&[0xff; 32]);
        let text = code.to_string();
        assert_eq!(text.len(), 29);
        assert_eq!(text.parse(), Ok(code));
        assert_eq!(text.replace(' ', "").parse(), Ok(code));
        assert_eq!(text.replace(' ', "-").parse(), Ok(code));
        assert_eq!(Code::of(&[0; 32]).to_string(), "00000 00000 00000 00000 00000");
        assert!("12345".parse::<Code>().is_err());
        assert!("12345 12345 12345 12345 1234x".parse::<Code>().is_err());
    }
}
