//! The archive inside the age file that crosses the gap: a strict subset of ustar (POSIX.1-1988), which any `tar` opens.
//!
//! | member | content |
//! | --- | --- |
//! | `inner.json` | the list, [`Inner`](super::Inner) |
//! | `documents/<id>.age` | each document of the list, in its order |
//! | `padding` | zeros, so that the archive's length tells little |
//!
//! Each member is a header of one block, 512 bytes, the content, and zeros up to a whole block; behind the last one stand
//! 1024 zeros. Headers have one spelling: a plain file of mode 0600, owner 0, time 0, its size in octal, or from
//! 8 GiB on in GNU's base-256. Whoever has the list therefore knows each byte of the archive but the documents' own, and of
//! those the digests. So [`Unpacker`] interprets nothing: it compares. [`ArchiveSource`] is the other end.

mod layout;
mod pack;
mod unpack;

use std::io;
use std::sync::Arc;

pub use pack::{ArchiveSource, NextDocument};
pub use unpack::{Announced, Unpack, Unpacker};

use crate::id::DocumentId;

/// Why an archive is not made, or not taken.
///
/// Where one passes through [`io::Error`], it is found with [`io::Error::get_ref`] and `downcast_ref`.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// `inner.json` has another digest than the signed manifest says.
    #[error("the archive's list is not the one that was signed")]
    Inner,
    /// The list is the signed one, or one to be sent, and breaks the rules for lists.
    #[error("the archive's list is malformed")]
    Form,
    /// The list is the signed one, and names another bundle, sender or receiver.
    #[error("the archive's list is for another bundle or vault")]
    Parties,
    /// Another header than the one that follows, by the number of the member, `inner.json` being 0.
    #[error("member {0} of the archive is not the one that follows")]
    Member(usize),
    /// The file is not the listed one, in length or content.
    #[error("document {0} is not the listed one")]
    Document(DocumentId),
    /// There is something where zeros have to be.
    #[error("the archive's padding is not zero")]
    Padding,
    /// The archive ends too early.
    #[error("the archive is cut")]
    Truncated,
    /// There is something behind the archive's end.
    #[error("something follows the archive")]
    Surplus,
    /// A document cannot be read.
    #[error("cannot read a document for the archive: {0}")]
    Source(Arc<io::Error>),
    /// Whoever receives the documents cannot take one.
    #[error("cannot store what the archive holds: {0}")]
    Sink(Arc<io::Error>),
}

impl ArchiveError {
    fn source(error: io::Error) -> Self {
        Self::Source(Arc::new(error))
    }

    fn sink(error: io::Error) -> Self {
        Self::Sink(Arc::new(error))
    }
}

/// [`io::ErrorKind::InvalidData`], or the kind that reading or storing gave.
impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        let kind = match &error {
            // This end is final, and whoever reads `Interrupted` tries again.
            ArchiveError::Source(inner) | ArchiveError::Sink(inner) => Some(inner.kind())
                .filter(|kind| *kind != io::ErrorKind::Interrupted)
                .unwrap_or(io::ErrorKind::Other),
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests;
