use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use super::commitment::Commitment;
use super::error::Error;
use super::header::{self, HEADER_BLOCK};
use super::meta::{MetadataKey, MetadataSession, SealedMeta, WrappedMetadataKey};
use crate::agefile::{
    self, FileKey, MAX_HEADER_LEN, PayloadNonce, PayloadSummary, UnverifiedHeader, Unwrap, Wrap,
};
use crate::crypto::{Digest, Hasher, Random};
use crate::id::DocumentId;

/// Bytes of ciphertext that are read at once.
const COPY_LEN: usize = 128 * 1024;

/// What the newest log entry (or the manifest of a bundle) says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Bytes of header.
    pub header_len: u64,
    /// SHA-256 of the header.
    pub header_sha256: Digest,
    /// SHA-256 of every byte after the header.
    pub payload_sha256: Digest,
    /// The key commitment.
    pub commitment: Commitment,
}

impl Expected {
    /// The header's length, where a header can have it.
    fn header_len(&self) -> Result<usize, Error> {
        usize::try_from(self.header_len)
            .ok()
            .filter(|len| (HEADER_BLOCK..=MAX_HEADER_LEN).contains(len) && len.is_multiple_of(HEADER_BLOCK))
            .ok_or(Error::HeaderLen(self.header_len))
    }
}

/// A header that has the recorded digest, and with it the shape of a document's.
///
/// That makes its metadata trustworthy even to somebody who holds only the catalogue key and cannot
/// check the MAC.
#[derive(Debug)]
pub struct KnownHeader {
    header: UnverifiedHeader,
    meta: SealedMeta,
}

impl KnownHeader {
    /// Reads exactly the recorded number of bytes, compares their digest, and only then parses them.
    /// The source is left at the payload.
    ///
    /// # Errors
    /// [`Error::HeaderLen`]; [`Error::HeaderDigest`], for a source that ends too early as well;
    /// [`Error::Shape`] and [`agefile::Error::Header`] when a header that is no document's was recorded.
    pub fn read(source: &mut dyn Read, expected: &Expected) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        let len = expected.header_len()? as u64;
        source.take(len).read_to_end(&mut bytes).map_err(agefile::Error::Read)?;
        Self::parse(&bytes, expected)
    }

    /// The same for a header that is in memory: all of `bytes`.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn parse(bytes: &[u8], expected: &Expected) -> Result<Self, Error> {
        if bytes.len() != expected.header_len()? || Digest::of(bytes) != expected.header_sha256 {
            return Err(Error::HeaderDigest);
        }
        let header = UnverifiedHeader::parse(bytes)?;
        if header.len() != bytes.len() {
            return Err(Error::Shape);
        }
        let meta = header::shape(&header).ok_or(Error::Shape)?;
        Ok(Self { header, meta })
    }

    /// The metadata key that the document was sealed with, wrapped to the catalogue key. Equal for all
    /// documents of one session, so that it needs to be unwrapped only once.
    pub fn wrapped_metadata_key(&self) -> &WrappedMetadataKey {
        &self.meta.wrapped
    }

    /// Title and details, as they were given when the document was sealed.
    ///
    /// # Errors
    /// [`Error::Meta`] under another key, or when the metadata was sealed for another document.
    pub fn open_meta(&self, document: &DocumentId, key: &MetadataKey) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.meta.open(document, key)
    }

    /// Unwraps the file key with a class identity and checks the header's MAC.
    ///
    /// # Errors
    /// Those of [`UnverifiedHeader::unlock`].
    pub fn unlock(self, identities: &[&dyn Unwrap]) -> Result<Unlocked, Error> {
        let file_key = self.header.unlock(identities)?;
        Ok(Unlocked { known: self, file_key })
    }
}

/// A header whose MAC is right, with its file key.
#[derive(Debug)]
pub struct Unlocked {
    known: KnownHeader,
    file_key: FileKey,
}

impl Unlocked {
    /// Reads the payload's nonce and compares the key commitment with the recorded one.
    ///
    /// # Errors
    /// [`Error::Commitment`]; [`Error::PayloadDigest`] when the file ends before; [`Error::Age`] when it cannot be
    /// read.
    pub fn commit(self, source: &mut dyn Read, expected: &Expected) -> Result<Committed, Error> {
        let nonce = agefile::read_nonce(source).map_err(|error| match error {
            // To age a file without a nonce has a bad header; ours is the recorded one.
            agefile::Error::Header(_) => Error::PayloadDigest,
            error => error.into(),
        })?;
        if !Commitment::of(&self.file_key, &nonce).matches(&expected.commitment) {
            return Err(Error::Commitment);
        }
        let Self { known, file_key } = self;
        Ok(Committed { known, file_key, nonce, payload_sha256: expected.payload_sha256 })
    }
}

/// A document whose key is the recorded one: it may be decrypted, or its header be made anew.
#[derive(Debug)]
pub struct Committed {
    known: KnownHeader,
    file_key: FileKey,
    nonce: PayloadNonce,
    payload_sha256: Digest,
}

impl Committed {
    /// The metadata stanza, and how long the header is.
    pub(super) fn present(&self) -> (&SealedMeta, usize) {
        (&self.known.meta, self.known.header.len())
    }

    /// Decrypts the rest of `source` and compares the payload's digest with the recorded one.
    ///
    /// Only `Ok` says that the plaintext is whole and the recorded one: after an error the sink may hold
    /// some of it.
    ///
    /// # Errors
    /// [`Error::PayloadDigest`] for a payload that decrypts but is another one; [`Error::Age`].
    pub fn decrypt(
        self,
        source: &mut (dyn Read + Send),
        sink: &mut (dyn Write + Send),
        threads: usize,
    ) -> Result<PayloadSummary, Error> {
        let mut hasher = Hasher::new();
        hasher.update(&self.nonce.0);
        let mut hash = |bytes: &[u8]| hasher.update(bytes);
        let key = (&self.file_key, &self.nonce);
        let summary = agefile::decrypt_with(threads, key, source, &mut hash, sink)?;
        if hasher.finish() == self.payload_sha256 { Ok(summary) } else { Err(Error::PayloadDigest) }
    }

    /// A new header for the same payload: other recipients, the same metadata. It is not shorter than the
    /// present one, and of the same length if the recipients fit, so that it can be replaced in place.
    ///
    /// # Errors
    /// [`Error::Age`] with recipients that cannot be wrapped to or stand together.
    pub fn rewrap(&self, recipients: &[&dyn Wrap]) -> Result<NewHeader, Error> {
        self.new_header(recipients, &self.known.meta)
    }

    /// The same with new metadata, for a vault with another catalogue key.
    ///
    /// # Errors
    /// Those of [`rewrap`](Self::rewrap), and [`Error::MetaTooLong`].
    pub fn rewrap_with_meta(
        &self,
        recipients: &[&dyn Wrap],
        metadata: &MetadataSession,
        document: &DocumentId,
        meta_json: &[u8],
        random: &dyn Random,
    ) -> Result<NewHeader, Error> {
        self.new_header(recipients, &SealedMeta::seal(metadata, document, meta_json, random)?)
    }

    /// Writes the document anew with another header: for one that does not fit into the place of the present one. The
    /// payload is copied as it is, and compared with the recorded digest on the way.
    ///
    /// # Errors
    /// [`Error::PayloadDigest`], after which the sink holds rubbish; [`Error::Age`] with reading and writing.
    pub fn copy(&self, header: &NewHeader, source: &mut dyn Read, sink: &mut dyn Write) -> Result<(), Error> {
        let mut put = |bytes: &[u8]| sink.write_all(bytes).map_err(agefile::Error::Write);
        put(&header.bytes)?;
        put(&self.nonce.0)?;
        let mut hasher = Hasher::new();
        hasher.update(&self.nonce.0);
        let mut buffer = vec![0; COPY_LEN];
        loop {
            let got = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(got) => buffer.get(..got).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(agefile::Error::Read(error).into()),
            };
            hasher.update(got);
            put(got)?;
        }
        if hasher.finish() == self.payload_sha256 { Ok(()) } else { Err(Error::PayloadDigest) }
    }

    fn new_header(&self, recipients: &[&dyn Wrap], meta: &SealedMeta) -> Result<NewHeader, Error> {
        let bytes = header::build(&self.file_key, recipients, meta, self.known.header.len())?;
        Ok(NewHeader { sha256: Digest::of(&bytes), bytes })
    }
}

/// A header to be put before an unchanged payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHeader {
    /// All of the header.
    pub bytes: Vec<u8>,
    /// Its digest.
    pub sha256: Digest,
}

/// Opens a document in the four steps, all at once. Gives the lengths of plaintext and payload.
///
/// # Errors
/// Those of the four steps; see [`Committed::decrypt`] for what the sink may hold then.
pub fn open_document(
    source: &mut (dyn Read + Send),
    expected: &Expected,
    identities: &[&dyn Unwrap],
    sink: &mut (dyn Write + Send),
) -> Result<PayloadSummary, Error> {
    let unlocked = KnownHeader::read(source, expected)?.unlock(identities)?;
    unlocked.commit(source, expected)?.decrypt(source, sink, 1)
}

/// Whether header and payload have the recorded digests, without any key. Gives the payload's length.
///
/// # Errors
/// [`Error::HeaderLen`], [`Error::HeaderDigest`], [`Error::PayloadDigest`], [`agefile::Error::Read`].
pub fn check_digests(source: &mut dyn Read, expected: &Expected) -> Result<u64, Error> {
    let header_len = expected.header_len()? as u64;
    let mut buffer = vec![0; COPY_LEN];
    let (header, len) = hash_all(&mut source.take(header_len), &mut buffer)?;
    if len != header_len || header != expected.header_sha256 {
        return Err(Error::HeaderDigest);
    }
    let (payload, len) = hash_all(source, &mut buffer)?;
    if payload == expected.payload_sha256 { Ok(len) } else { Err(Error::PayloadDigest) }
}

fn hash_all(source: &mut dyn Read, buffer: &mut [u8]) -> Result<(Digest, u64), Error> {
    let (mut hasher, mut len) = (Hasher::new(), 0);
    loop {
        match source.read(buffer) {
            Ok(0) => return Ok((hasher.finish(), len)),
            Ok(got) => {
                hasher.update(buffer.get(..got).unwrap_or_default());
                len += got as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(agefile::Error::Read(error).into()),
        }
    }
}
