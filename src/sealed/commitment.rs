use std::fmt;
use std::str::FromStr;

use crate::agefile::{FileKey, PayloadNonce};
use crate::crypto::{Digest, constant_time_eq};

/// HKDF-SHA-256(file key, salt = payload nonce, info "gapvault commit"), written as 64 lower-case hex digits.
///
/// ChaCha20-Poly1305 does not commit to its key, so one payload can be made that opens to two contents
/// under two file keys. The log keeps this value, which has one file key only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Commitment(
    /// The 32 bytes, in the type in which the log keeps them.
    pub Digest,
);

impl Commitment {
    /// The commitment to `file_key` for the payload with this nonce.
    pub fn of(file_key: &FileKey, nonce: &PayloadNonce) -> Self {
        Self(Digest(*file_key.derive(&nonce.0, b"gapvault commit").expose()))
    }

    /// Whether both are the same, in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Commitment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().map(Self)
    }
}
