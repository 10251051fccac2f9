//! One document at rest: a standard age file whose header also describes the document.
//!
//! The header holds the file key for the class key (or keys), then a `gapvault.meta` stanza with the
//! title and the details, readable with the catalogue key alone, then a `gapvault.pad` stanza that makes
//! the header's length a multiple of [`HEADER_BLOCK`], so that it can be replaced in place and the payload
//! begins where `tail -c` finds it. Any age implementation with the class identity opens the file.
//!
//! age authenticates a file only to the holder of its key, and its cipher does not commit to that key. So
//! the log keeps an [`Expected`] for each document, and opening takes steps whose types carry their order:
//!
//! 1. [`KnownHeader::read`]: the header has the recorded digest. Only then is it parsed.
//! 2. [`KnownHeader::unlock`]: an identity unwraps the file key, and the header's MAC is right.
//! 3. [`Unlocked::commit`]: the file key and the payload's nonce give the recorded key commitment.
//! 4. [`Committed::decrypt`]: every chunk is right, and so is the payload's digest.
//!
//! From the third step on a document can be made readable for others: [`Committed::rewrap`] gives a new header for the
//! same payload, [`Committed::rekey`] a new payload.
//!
//! Titles are sealed under a [`MetadataKey`], drawn once for each session and wrapped once to the
//! catalogue key ([`MetadataSession`]): a thousand documents cost one encapsulation.

mod commitment;
mod error;
mod header;
mod meta;
mod open;
mod pipe;
mod rekey;
mod seal;

pub use commitment::Commitment;
pub use error::Error;
pub use header::HEADER_BLOCK;
pub use meta::{
    MAX_FIELD_LEN, MAX_META_LEN, MetadataKey, MetadataSession, WrappedMetadataKey, open_field, seal_field,
};
pub use open::{Committed, Expected, KnownHeader, NewHeader, Unlocked, check_digests, open_document};
pub use seal::{SealedSummary, Sealing, seal_document};

#[cfg(test)]
mod tests;
