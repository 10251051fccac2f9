use std::io::{Read, Write};

use super::commitment::Commitment;
use super::error::Error;
use super::header;
use super::meta::{MetadataSession, SealedMeta};
use super::open::Expected;
use crate::agefile::{self, FileKey, PayloadNonce, Wrap};
use crate::crypto::{Digest, Hasher, Random};
use crate::id::DocumentId;

/// What is to be sealed, and for whom.
pub struct Sealing<'a> {
    /// The class keys (one, but for a document on its way) that will open it.
    pub recipients: &'a [&'a dyn Wrap],
    /// The session's metadata key.
    pub metadata: &'a MetadataSession,
    /// The document's id.
    pub document: &'a DocumentId,
    /// Title and details, up to [`MAX_META_LEN`](super::MAX_META_LEN) bytes.
    pub meta_json: &'a [u8],
    /// Threads to encrypt on; more than one is worth it from some MiB on.
    pub threads: usize,
}

/// What the log records of a sealed document, and how much was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSummary {
    /// Bytes of header, a multiple of [`HEADER_BLOCK`](super::HEADER_BLOCK).
    pub header_len: u64,
    /// SHA-256 of the header.
    pub header_sha256: Digest,
    /// SHA-256 of every byte after the header.
    pub payload_sha256: Digest,
    /// The key commitment.
    pub commitment: Commitment,
    /// Bytes of plaintext that the source gave.
    pub plain_len: u64,
    /// Bytes after the header.
    pub payload_len: u64,
}

impl SealedSummary {
    /// What opening compares with.
    pub fn expected(&self) -> Expected {
        Expected {
            header_len: self.header_len,
            header_sha256: self.header_sha256,
            payload_sha256: self.payload_sha256,
            commitment: self.commitment,
        }
    }
}

/// Seals everything that `source` gives into `sink`, in one pass. File key and nonce are fresh.
///
/// The sink is neither flushed nor synced; after an error it holds rubbish.
///
/// # Errors
/// [`Error::MetaTooLong`], and [`Error::Age`] with reading, writing, recipients and randomness.
pub fn seal_document(
    what: &Sealing<'_>,
    random: &dyn Random,
    source: &mut (dyn Read + Send),
    sink: &mut (dyn Write + Send),
) -> Result<SealedSummary, Error> {
    let file_key = FileKey::generate(random)?;
    let nonce = PayloadNonce::generate(random)?;
    let meta = SealedMeta::seal(what.metadata, what.document, what.meta_json, random)?;
    let header = header::build(&file_key, what.recipients, &meta, 0)?;
    sink.write_all(&header).map_err(agefile::Error::Write)?;
    let mut hasher = Hasher::new();
    let mut hash = |bytes: &[u8]| hasher.update(bytes);
    let payload = agefile::encrypt_with(what.threads, (&file_key, &nonce), source, &mut hash, sink)?;
    Ok(SealedSummary {
        header_len: header.len() as u64,
        header_sha256: Digest::of(&header),
        payload_sha256: hasher.finish(),
        commitment: Commitment::of(&file_key, &nonce),
        plain_len: payload.plain_len,
        payload_len: payload.payload_len,
    })
}
