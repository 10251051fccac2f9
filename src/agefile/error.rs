use std::io;

use super::armor::ArmorError;
use crate::crypto::NoRandom;

/// Why an age file could not be read or written. None of these holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The header is not one that the format allows.
    #[error("the header is malformed: {0}")]
    Header(#[from] HeaderError),
    /// The header is sound, but none of the identities (or not this passphrase) opens it.
    #[error("no identity matches any of the recipients")]
    NoMatch,
    /// An identity gave a file key under which the header's MAC is wrong.
    #[error("the header was changed: its MAC is wrong")]
    Mac,
    /// The payload was changed or cut.
    #[error("the payload is damaged: {0}")]
    Payload(#[from] PayloadError),
    /// The passphrase would take more work than allowed; nothing was tried.
    #[error("the passphrase needs more work than allowed: factor {required}")]
    ExcessiveWork {
        /// log2 of scrypt's N that the file asks for.
        required: u8,
    },
    /// A work factor to write with that is 0 or over the maximum.
    #[error("work factor {0} is out of range")]
    WorkFactor(u8),
    /// The file is not one under a passphrase.
    #[error("the file is not encrypted with a passphrase")]
    NotPassphrase,
    /// Nobody to encrypt to.
    #[error("there is no recipient")]
    NoRecipient,
    /// Recipients that must not stand in one header: post-quantum with classic, a passphrase with anything.
    #[error("these recipients must not be mixed in one file")]
    MixedRecipients,
    /// The plaintext is longer than the caller allows.
    #[error("longer than the limit of {limit} bytes")]
    TooLarge {
        /// The largest plaintext allowed, in bytes.
        limit: usize,
    },
    /// The armor is malformed.
    #[error("the armor is malformed: {0}")]
    Armor(ArmorError),
    /// The source could not be read.
    #[error("cannot read")]
    Read(#[source] io::Error),
    /// The sink could not be written.
    #[error("cannot write")]
    Write(#[source] io::Error),
    /// A key outside this process (a plugin) could not do its part.
    #[error("the key could not be used")]
    Key(#[source] io::Error),
    /// No random bytes.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

impl Error {
    /// What a failed read means: an armor reader hands its own error through [`io::Error`].
    pub(super) fn from_read(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<ArmorError>()) {
            Some(armor) => Self::Armor(*armor),
            None => Self::Read(error),
        }
    }
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It does not begin with the line `age-encryption.org/v1`.
    #[error("not an age v1 file")]
    Version,
    /// The file ends inside the header or inside the payload's nonce.
    #[error("it ends too early")]
    Truncated,
    /// Over [`MAX_HEADER_LEN`](super::MAX_HEADER_LEN) bytes.
    #[error("it is too long")]
    TooLong,
    /// Over [`MAX_STANZAS`](super::MAX_STANZAS) stanzas.
    #[error("it has too many stanzas")]
    TooManyStanzas,
    /// Over [`MAX_ARGS`](super::MAX_ARGS) arguments in all stanzas together.
    #[error("it has too many arguments")]
    TooManyArgs,
    /// No stanza at all.
    #[error("it has no stanza")]
    NoStanza,
    /// A line that does not begin a stanza where one must begin.
    #[error("a line is neither a stanza nor the MAC")]
    Line,
    /// An empty argument, or one with bytes other than 33 to 126.
    #[error("a stanza has a malformed argument")]
    Argument,
    /// A body that is not unpadded canonical base64 in lines of 64 columns, the last one shorter.
    #[error("a stanza has a malformed body")]
    Body,
    /// A MAC line that is not `--- ` and 32 bytes in unpadded canonical base64.
    #[error("the MAC line is malformed")]
    MacLine,
    /// A passphrase stanza beside another stanza.
    #[error("a passphrase stanza is not alone")]
    ScryptNotAlone,
    /// An X25519, scrypt or mlkem768x25519 stanza whose arguments or body cannot be right.
    #[error("a recipient stanza is malformed")]
    Recipient,
}

/// What is wrong with a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// A chunk was changed, is out of place, or is the cut piece of one.
    #[error("chunk {0} was changed")]
    Chunk(
        /// Counted from 0.
        u64,
    ),
    /// The file ends before the chunk that is marked as the last.
    #[error("the last chunk is missing")]
    NoLastChunk,
    /// The last chunk is empty although the payload is not.
    #[error("the last chunk is empty")]
    EmptyLastChunk,
    /// There are bytes after the last chunk.
    #[error("there are bytes after the last chunk")]
    TrailingData,
}
