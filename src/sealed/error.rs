use crate::agefile;
use crate::crypto::NoRandom;

/// Why a document could not be sealed, checked or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The header that stands there is not the recorded one, or is cut.
    #[error("the header is not the recorded one")]
    HeaderDigest,
    /// The recorded header length is 0, over the limit, or no multiple of
    /// [`HEADER_BLOCK`](super::HEADER_BLOCK).
    #[error("no header has the length {0}")]
    HeaderLen(u64),
    /// The header has the recorded digest, but is not one of a sealed document.
    #[error("the header is not one of a sealed document")]
    Shape,
    /// The key does not match the recorded key commitment: the same payload under another file key.
    #[error("the file key is not the recorded one")]
    Commitment,
    /// The payload is not the recorded one, although it may decrypt.
    #[error("the payload is not the recorded one")]
    PayloadDigest,
    /// Metadata over [`MAX_META_LEN`](super::MAX_META_LEN), or a log field over
    /// [`MAX_FIELD_LEN`](super::MAX_FIELD_LEN).
    #[error("metadata of {0} bytes is too long")]
    MetaTooLong(usize),
    /// The metadata, or a log field, was not sealed under this key for this document or entry.
    #[error("the metadata does not open")]
    Meta,
    /// A wrapped metadata key whose kind or length no such key has.
    #[error("the wrapped metadata key is malformed")]
    WrappedKey,
    /// The catalogue key is of a kind that metadata keys are not wrapped to.
    #[error("metadata is not wrapped to such a key")]
    CatalogueKey,
    /// The age file: no match, MAC, payload, reading, writing.
    #[error(transparent)]
    Age(#[from] agefile::Error),
}

impl From<NoRandom> for Error {
    fn from(error: NoRandom) -> Self {
        Self::Age(error.into())
    }
}
