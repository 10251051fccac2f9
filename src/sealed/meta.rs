use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::error::Error;
use crate::agefile::{FileKey, Stanza, Unwrap, Wrap, unwrap, wrap};
use crate::crypto::{AEAD_TAG_LEN, AeadKey, NONCE_LEN, Random};
use crate::encoding::{base64, base64_unpadded, unbase64, unbase64_unpadded};
use crate::id::DocumentId;

/// The longest metadata of one document, in bytes before sealing.
pub const MAX_META_LEN: usize = 64 * 1024;
/// The longest sealed field of a log entry, in bytes before sealing.
pub const MAX_FIELD_LEN: usize = 64 * 1024;

pub(super) const META_TAG: &str = "gapvault.meta";
const WRAPPED_LEN: usize = 32;

/// The 16 secret bytes under which one session seals titles.
#[derive(Debug)]
pub struct MetadataKey(FileKey);

impl MetadataKey {
    /// A new key.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn generate(random: &dyn Random) -> Result<Self, Error> {
        Ok(Self(FileKey::generate(random)?))
    }

    /// Wraps the key to the catalogue key.
    ///
    /// # Errors
    /// [`Error::CatalogueKey`] for a recipient that is neither X25519 nor mlkem768x25519.
    pub fn wrap(&self, catalogue: &dyn Wrap) -> Result<WrappedMetadataKey, Error> {
        match wrap(&self.0, &[catalogue])?.as_slice() {
            [stanza] => WrappedMetadataKey::from_stanza(stanza).ok_or(Error::CatalogueKey),
            _ => Err(Error::CatalogueKey),
        }
    }

    fn document_key(&self, document: &DocumentId) -> AeadKey {
        AeadKey::new(self.0.derive(document.as_bytes(), b"gapvault meta").expose())
    }

    fn entry_key(&self, seq: u64) -> AeadKey {
        AeadKey::new(self.0.derive(seq.to_string().as_bytes(), b"gapvault log").expose())
    }
}

/// A metadata key with its wrapped form: what one session seals with.
#[derive(Debug)]
pub struct MetadataSession {
    /// Seals the titles.
    pub key: MetadataKey,
    /// Stands in every header and log entry that the session writes.
    pub wrapped: WrappedMetadataKey,
}

impl MetadataSession {
    /// Draws a key and wraps it to the catalogue key.
    ///
    /// # Errors
    /// Those of [`MetadataKey::generate`] and [`MetadataKey::wrap`].
    pub fn start(catalogue: &dyn Wrap, random: &dyn Random) -> Result<Self, Error> {
        let key = MetadataKey::generate(random)?;
        let wrapped = key.wrap(catalogue)?;
        Ok(Self { key, wrapped })
    }
}

/// A metadata key as it stands in headers and log entries, readable with the catalogue key.
///
/// In binary one byte for the kind, then the encapsulated key (32 or 1120 bytes) and the wrapped key
/// (32 bytes); as text the base64 of that.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WrappedMetadataKey {
    kind: Kind,
    enc: Vec<u8>,
    wrapped: [u8; WRAPPED_LEN],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    X25519 = 1,
    MlKem768X25519 = 2,
}

impl Kind {
    const ALL: [Self; 2] = [Self::X25519, Self::MlKem768X25519];

    fn tag(self) -> &'static str {
        match self {
            Self::X25519 => "X25519",
            Self::MlKem768X25519 => "mlkem768x25519",
        }
    }

    fn enc_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::MlKem768X25519 => 1120,
        }
    }
}

impl WrappedMetadataKey {
    fn from_stanza(stanza: &Stanza) -> Option<Self> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.tag() == stanza.tag)?;
        let [enc] = stanza.args.as_slice() else { return None };
        let enc = unbase64_unpadded(enc).filter(|enc| enc.len() == kind.enc_len())?;
        Some(Self { kind, enc, wrapped: stanza.body.as_slice().try_into().ok()? })
    }

    /// Unwraps the key with a catalogue identity.
    ///
    /// # Errors
    /// [`agefile::Error::NoMatch`](crate::agefile::Error::NoMatch) for another one's key.
    pub fn unwrap(&self, catalogue: &[&dyn Unwrap]) -> Result<MetadataKey, Error> {
        let args = vec![base64_unpadded(&self.enc)];
        let stanza = Stanza { tag: self.kind.tag().to_owned(), args, body: self.wrapped.to_vec() };
        Ok(MetadataKey(unwrap(&[stanza], catalogue)?))
    }

    /// The binary form.
    pub fn encode(&self) -> Vec<u8> {
        [&[self.kind as u8], self.enc.as_slice(), &self.wrapped].concat()
    }

    /// Reads the binary form, which must be all of `bytes`.
    ///
    /// # Errors
    /// [`Error::WrappedKey`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match Self::decode_front(bytes) {
            Some((key, [])) => Ok(key),
            _ => Err(Error::WrappedKey),
        }
    }

    fn decode_front(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (kind, rest) = bytes.split_first()?;
        let kind = Kind::ALL.into_iter().find(|known| *known as u8 == *kind)?;
        let (enc, rest) = rest.split_at_checked(kind.enc_len())?;
        let (wrapped, rest) = rest.split_first_chunk::<WRAPPED_LEN>()?;
        Some((Self { kind, enc: enc.to_vec(), wrapped: *wrapped }, rest))
    }
}

impl fmt::Display for WrappedMetadataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64(&self.encode()))
    }
}

impl fmt::Debug for WrappedMetadataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedMetadataKey({})", self.kind.tag())
    }
}

impl FromStr for WrappedMetadataKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::decode(&unbase64(text).ok_or(Error::WrappedKey)?)
    }
}

/// The metadata as it stands in one document's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SealedMeta {
    pub(super) wrapped: WrappedMetadataKey,
    /// A nonce and the ciphertext under the document's own key.
    sealed: Vec<u8>,
}

impl SealedMeta {
    pub(super) fn seal(
        session: &MetadataSession,
        document: &DocumentId,
        json: &[u8],
        random: &dyn Random,
    ) -> Result<Self, Error> {
        if json.len() > MAX_META_LEN {
            return Err(Error::MetaTooLong(json.len()));
        }
        let sealed = seal_value(&session.key.document_key(document), random.bytes12()?, json);
        Ok(Self { wrapped: session.wrapped.clone(), sealed })
    }

    pub(super) fn open(&self, document: &DocumentId, key: &MetadataKey) -> Result<Zeroizing<Vec<u8>>, Error> {
        open_value(&key.document_key(document), &self.sealed)
    }

    pub(super) fn to_stanza(&self) -> Stanza {
        let body = [self.wrapped.encode(), self.sealed.clone()].concat();
        Stanza { tag: META_TAG.to_owned(), args: Vec::new(), body }
    }

    pub(super) fn from_stanza(stanza: &Stanza) -> Option<Self> {
        let (wrapped, sealed) = WrappedMetadataKey::decode_front(&stanza.body)?;
        let plain_len = sealed.len().checked_sub(NONCE_LEN + AEAD_TAG_LEN)?;
        let fits = stanza.tag == META_TAG && stanza.args.is_empty() && plain_len <= MAX_META_LEN;
        fits.then(|| Self { wrapped, sealed: sealed.to_vec() })
    }
}

/// Seals one field of the log entry with number `seq`, such as a title. `nonce` is random.
///
/// # Errors
/// [`Error::MetaTooLong`].
pub fn seal_field(
    key: &MetadataKey,
    seq: u64,
    nonce: [u8; NONCE_LEN],
    plaintext: &[u8],
) -> Result<String, Error> {
    if plaintext.len() > MAX_FIELD_LEN {
        return Err(Error::MetaTooLong(plaintext.len()));
    }
    Ok(base64(&seal_value(&key.entry_key(seq), nonce, plaintext)))
}

/// Opens what [`seal_field`] sealed for the same entry.
///
/// # Errors
/// [`Error::Meta`].
pub fn open_field(key: &MetadataKey, seq: u64, text: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    if text.len() > (MAX_FIELD_LEN + NONCE_LEN + AEAD_TAG_LEN).div_ceil(3) * 4 {
        return Err(Error::Meta);
    }
    open_value(&key.entry_key(seq), &unbase64(text).ok_or(Error::Meta)?)
}

fn seal_value(key: &AeadKey, nonce: [u8; NONCE_LEN], plaintext: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(plaintext.len() + AEAD_TAG_LEN);
    sealed.extend_from_slice(plaintext);
    key.seal(nonce, &[], &mut sealed);
    [nonce.as_slice(), &sealed].concat()
}

fn open_value(key: &AeadKey, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Error::Meta)?;
    key.open(*nonce, &[], sealed).ok_or(Error::Meta)
}
