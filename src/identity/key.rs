//! A member's public decryption key.

use std::fmt;
use std::str::FromStr;

use crate::agefile::{self, BadKey, Wrap, is_post_quantum};
use crate::crypto::Random;
use crate::label::KeyKind;
use crate::plugin::{self, Plugins};

/// A public key to which a member's copies of the vault's keys are wrapped: one of age's own, or a plugin's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberKey {
    /// `age1…` or `age1pq1…`.
    Age(agefile::Recipient),
    /// `age1NAME1…`.
    Plugin(plugin::Recipient),
}

impl MemberKey {
    /// Which kind of key it is. A plugin says so when it wraps something, so it is asked to.
    ///
    /// # Errors
    /// [`agefile::Error::Key`] from a plugin, [`agefile::Error::NoRandom`].
    pub fn kind(&self, plugins: &Plugins, random: &dyn Random) -> Result<KeyKind, agefile::Error> {
        match self {
            Self::Age(key) => Ok(key.kind()),
            Self::Plugin(key) => {
                let post_quantum = is_post_quantum(&key.with(plugins), random)?;
                Ok(if post_quantum { KeyKind::Hybrid } else { KeyKind::Classic })
            }
        }
    }

    /// The key for use with these plugins, beside others.
    pub fn used<'a>(&'a self, plugins: &'a Plugins) -> Box<dyn Wrap + 'a> {
        match self {
            Self::Age(key) => Box::new(key.clone()),
            Self::Plugin(key) => Box::new(key.with(plugins)),
        }
    }

    /// Lends the key to `work`. One of a plugin starts its program at each use.
    pub fn with_key<T>(&self, plugins: &Plugins, work: impl FnOnce(&dyn Wrap) -> T) -> T {
        match self {
            Self::Age(key) => work(key),
            Self::Plugin(key) => work(&key.with(plugins)),
        }
    }
}

impl FromStr for MemberKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        match text.parse() {
            Ok(key) => Ok(Self::Age(key)),
            Err(BadKey) => text.parse().map(Self::Plugin).map_err(|_| BadKey),
        }
    }
}

impl fmt::Display for MemberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age(key) => key.fmt(f),
            Self::Plugin(key) => key.fmt(f),
        }
    }
}
