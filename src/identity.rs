//! A person's keys: the secret halves in one file under a passphrase, the public halves on a card.
//!
//! The file is an age file that stock age reads as an identity: inside is one identity line, and the signing
//! key in a comment line. The card is a note signed by the key that it names.

mod card;
mod file;
mod key;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::agefile::{self, Unwrap};
use crate::crypto::{Digest, NoRandom, PublicKey, Random, SigningKey};
use crate::fault::{Code, Error};
use crate::id::MemberId;
use crate::label::KeyKind;
use crate::note::{is_value, member_id};
use crate::plugin::{self, Plugins};
use crate::time::Timestamp;

pub use card::{CARD_KIND, Card};
pub use file::{DEFAULT_WORK_FACTOR, MAX_WORK_FACTOR, MIN_WORK_FACTOR, PASSPHRASE_LIMIT, passphrase};
pub use key::MemberKey;

/// Longest name of a person in bytes of UTF-8.
pub const NAME_LIMIT: usize = 200;
/// Longest identity file or card that is read.
pub const FILE_LIMIT: usize = 64 * 1024;

/// An identity or card that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// A name is empty, too long, or has control characters or blanks at its ends.
    #[error("not a name")]
    Name,
    /// The file is not an identity file, or is damaged.
    #[error("not an identity file")]
    NotAnIdentity,
    /// The passphrase does not open it.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// It asks for more work than we accept.
    #[error("work factor too high")]
    ExcessiveWork,
    /// The work factor is outside what we write.
    #[error("work factor out of range")]
    WorkFactor,
    /// The passphrase is empty.
    #[error("empty passphrase")]
    PassphraseEmpty,
    /// The passphrase is over [`PASSPHRASE_LIMIT`].
    #[error("passphrase too long")]
    PassphraseTooLong,
    /// The passphrase is not UTF-8, or has a NUL or a line break inside.
    #[error("passphrase is not one line of text")]
    PassphraseText,
    /// The file is not a card.
    #[error("not a card")]
    NotACard,
    /// The card is not signed by the key it names.
    #[error("card not signed by its own key")]
    CardSignature,
    /// The operating system gave no random bytes.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

impl From<IdentityError> for Error {
    fn from(error: IdentityError) -> Self {
        Self::new(match error {
            IdentityError::Name => return Self::new(Code::Text).with("name", "name"),
            IdentityError::NotAnIdentity => Code::BadIdentity,
            IdentityError::WrongPassphrase => Code::WrongPassphrase,
            IdentityError::ExcessiveWork => Code::ExcessiveWork,
            IdentityError::WorkFactor => Code::WorkFactor,
            IdentityError::PassphraseEmpty => Code::PassphraseEmpty,
            IdentityError::PassphraseTooLong => Code::PassphraseTooLong,
            IdentityError::PassphraseText => Code::PassphraseText,
            IdentityError::NotACard => Code::NotACard,
            IdentityError::CardSignature => Code::TamperedCard,
            IdentityError::NoRandom(_) => Code::NoRandom,
        })
    }
}

/// A person, unlocked. Wiped on drop; does not print.
pub struct Identity {
    name: String,
    created: Timestamp,
    signing: SigningKey,
    decryption: Decryption,
    /// Keys of the vault that were unwrapped already, by the digest of their files: nobody wants to touch a token again for
    /// the same one.
    held: Mutex<HashMap<Digest, agefile::Identity>>,
}

/// Where the secret half of the decryption key is.
enum Decryption {
    Here(agefile::Identity),
    Plugin(plugin::Identity, plugin::Recipient),
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.id())
    }
}

impl Identity {
    /// A new person.
    pub fn generate(
        name: &str,
        kind: KeyKind,
        created: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, IdentityError> {
        if !is_name(name) {
            return Err(IdentityError::Name);
        }
        let decryption = Decryption::Here(agefile::Identity::generate(kind, random)?);
        Ok(Self::of(name, created, SigningKey::generate(random)?, decryption))
    }

    /// A new person whose decryption key is a plugin's. That the two belong together is for the caller to try.
    ///
    /// # Errors
    /// [`IdentityError::Name`], [`IdentityError::NoRandom`].
    pub fn generate_with_plugin(
        name: &str,
        (identity, recipient): (plugin::Identity, plugin::Recipient),
        created: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, IdentityError> {
        if !is_name(name) {
            return Err(IdentityError::Name);
        }
        let signing = SigningKey::generate(random)?;
        Ok(Self::of(name, created, signing, Decryption::Plugin(identity, recipient)))
    }

    fn of(name: &str, created: Timestamp, signing: SigningKey, decryption: Decryption) -> Self {
        Self { name: name.to_owned(), created, signing, decryption, held: Mutex::default() }
    }

    /// The member id: the digest's beginning of the signing key.
    pub fn id(&self) -> MemberId {
        member_id(&self.signing.public())
    }

    /// The person's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The signing key.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The signing key's public half.
    pub fn public(&self) -> PublicKey {
        self.signing.public()
    }

    /// The decryption key's public half.
    pub fn recipient(&self) -> MemberKey {
        match &self.decryption {
            Decryption::Here(key) => MemberKey::Age(key.to_recipient()),
            Decryption::Plugin(_, recipient) => MemberKey::Plugin(recipient.clone()),
        }
    }

    /// Lends the decryption key to `work`. One of a plugin starts its program at each use.
    pub fn with_key<T>(&self, plugins: &Plugins, work: impl FnOnce(&dyn Unwrap) -> T) -> T {
        match &self.decryption {
            Decryption::Here(key) => work(key),
            Decryption::Plugin(key, _) => work(&key.with(plugins)),
        }
    }

    /// A key of the vault that was unwrapped before, by the digest of its file.
    pub fn remembered(&self, file: &Digest) -> Option<agefile::Identity> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get(file).cloned()
    }

    /// Keeps a key of the vault for as long as this identity lives.
    pub fn remember(&self, file: Digest, key: agefile::Identity) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(file, key);
    }
}

/// What can stand on a card: one line, not empty, no control characters, no blanks at its ends.
pub fn is_name(name: &str) -> bool {
    name.len() <= NAME_LIMIT && is_value(name)
}
