use std::collections::BTreeSet;

use super::key::is_name;
use super::{KeyId, NoteError, VerifierKey};
use crate::crypto::{Digest, PublicKey, SigningKey};
use crate::encoding::{base64, unbase64};

/// Longest text, in bytes, its last newline included.
pub const MAX_TEXT_LEN: usize = 1 << 20;
/// Most signature lines.
pub const MAX_SIGNATURES: usize = 64;
/// Longest signature, in bytes, the key id not counted; post-quantum ones need nearly 5 kB.
pub const MAX_SIGNATURE_BYTES: usize = 8192;
/// Longest note, in bytes: what is over this is not looked at.
pub const MAX_NOTE_LEN: usize = 2 << 20;

const LINE_START: &str = "— ";

/// One signature line: whose it claims to be, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    /// A line from its parts; `bytes` has 1 to [`MAX_SIGNATURE_BYTES`]. For signature types other than
    /// ours, such as a witness's cosignature.
    pub fn new(name: &str, id: KeyId, bytes: Vec<u8>) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::BadName);
        }
        if bytes.is_empty() || bytes.len() > MAX_SIGNATURE_BYTES {
            return Err(NoteError::BadSignatureLine);
        }
        Ok(Self { name: name.to_owned(), id, bytes })
    }

    /// The name of the key it claims to be from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the key it claims to be from.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The signature itself, without the id.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(line: &str) -> Result<Self, NoteError> {
        let (name, encoded) = line
            .strip_prefix(LINE_START)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(NoteError::BadSignatureLine)?;
        let bytes = unbase64(encoded).ok_or(NoteError::BadSignatureLine)?;
        let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(NoteError::BadSignatureLine)?;
        Self::new(name, KeyId(*id), bytes.to_vec()).map_err(|_| NoteError::BadSignatureLine)
    }

    fn print(&self, to: &mut String) {
        let mut bytes = self.id.0.to_vec();
        bytes.extend_from_slice(&self.bytes);
        to.push_str(LINE_START);
        to.push_str(&self.name);
        to.push(' ');
        to.push_str(&base64(&bytes));
        to.push('\n');
    }
}

/// Text with signatures that nobody has checked yet; [`SignedNote::verify`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

impl SignedNote {
    /// Reads a note in the one spelling it has: `print` gives the same bytes back.
    ///
    /// Signatures of unknown types and keys are kept. The limits are [`MAX_NOTE_LEN`],
    /// [`MAX_TEXT_LEN`], [`MAX_SIGNATURES`], [`MAX_SIGNATURE_BYTES`] and
    /// [`MAX_NAME_LEN`](super::MAX_NAME_LEN).
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_LEN {
            return Err(NoteError::TooLong);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        if !is_text(note) {
            return Err(NoteError::NotText);
        }
        // The text may hold empty lines of its own, so the last one is the border. The text keeps the
        // first of the two newlines.
        let (before, lines) = note.rsplit_once("\n\n").ok_or(NoteError::BadLayout)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::BadLayout)?;
        if before.len() >= MAX_TEXT_LEN {
            return Err(NoteError::TooLong);
        }
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(Signature::parse(line)?);
        }
        Ok(Self { text: format!("{before}\n"), signatures })
    }

    /// The note as bytes of UTF-8.
    pub fn print(&self) -> String {
        let mut out = self.text.clone();
        out.push('\n');
        for signature in &self.signatures {
            signature.print(&mut out);
        }
        out
    }

    /// Signs `text`, which ends with a newline, with each key under its name.
    ///
    /// Errors: the text breaks the format, a name does, or there is no key or there are too many.
    pub fn sign(text: &str, keys: &[(&str, &SigningKey)]) -> Result<Self, NoteError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(NoteError::TooLong);
        }
        if !is_text(text) {
            return Err(NoteError::NotText);
        }
        if !text.ends_with('\n') || keys.is_empty() {
            return Err(NoteError::BadLayout);
        }
        let mut note = Self { text: text.to_owned(), signatures: Vec::new() };
        for (name, key) in keys {
            note.cosign(name, key)?;
        }
        Ok(note)
    }

    /// Adds one more signature over the same text; a key that has signed already adds nothing.
    pub fn cosign(&mut self, name: &str, key: &SigningKey) -> Result<(), NoteError> {
        let verifier = VerifierKey::new(name, key.public())?;
        let bytes = key.sign(self.text.as_bytes()).to_vec();
        self.add(Signature::new(name, verifier.id(), bytes)?)
    }

    /// Adds a signature line made elsewhere; a line that is there already adds nothing.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Adds the signatures of another copy of the same note.
    pub fn merge(&mut self, other: &Self) -> Result<(), NoteError> {
        if self.text != other.text {
            return Err(NoteError::DifferentText);
        }
        for signature in &other.signatures {
            self.add(signature.clone())?;
        }
        Ok(())
    }

    /// The same note with the lines under one name only; none where there are none.
    pub fn only_under(&self, name: &str) -> Option<Self> {
        let lines = self.signatures.iter().filter(|line| line.name() == name);
        let signatures: Vec<Signature> = lines.cloned().collect();
        (!signatures.is_empty()).then(|| Self { text: self.text.clone(), signatures })
    }

    /// The text, its last newline included. **Nobody has vouched for it**: this is for finding out which
    /// keys to ask for; what is believed comes from [`Verified::text`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in their order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The SHA-256 of the text, signatures left out: the name by which other notes refer to this one.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// The text and who of `known` has signed it.
    ///
    /// A line counts for a known key when name and id are that key's. Where two known keys share both,
    /// it counts for the one whose signature it is. A line that names a known key and is nobody's
    /// signature refuses the whole note ([`NoteError::BadSignature`]); lines of unknown keys are passed
    /// over; doubled lines count once. Nobody known at all is [`NoteError::NotSigned`].
    pub fn verify(&self, known: &[VerifierKey]) -> Result<Verified, NoteError> {
        let mut signers: Vec<VerifierKey> = Vec::new();
        for (index, signature) in self.signatures.iter().enumerate() {
            let mut named = known
                .iter()
                .filter(|key| key.name() == signature.name && key.id() == signature.id)
                .peekable();
            let doubled = self.signatures.iter().take(index).any(|before| before == signature);
            if named.peek().is_none() || doubled {
                continue;
            }
            let Some(signer) = named.find(|key| key.key().verify(self.text.as_bytes(), &signature.bytes))
            else {
                return Err(NoteError::BadSignature(signature.name.clone()));
            };
            if !signers.contains(signer) {
                signers.push(signer.clone());
            }
        }
        if signers.is_empty() {
            return Err(NoteError::NotSigned);
        }
        Ok(Verified { text: self.text.clone(), signers })
    }
}

/// Text that at least one known key has signed. Only [`SignedNote::verify`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    text: String,
    signers: Vec<VerifierKey>,
}

impl Verified {
    /// The text that was signed, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of the text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// The known keys that signed, each once, in the order of their first line.
    pub fn signers(&self) -> &[VerifierKey] {
        &self.signers
    }

    /// Whether this key signed, under this name.
    pub fn is_signed_by(&self, key: &VerifierKey) -> bool {
        self.signers.contains(key)
    }

    /// The public keys that signed, each once whatever the names: the upper bound of any threshold.
    pub fn public_keys(&self) -> BTreeSet<PublicKey> {
        self.signers.iter().map(VerifierKey::key).collect()
    }
}

/// `c2sp.org/signed-note` forbids what is below U+0020 except the newline, and nothing else.
fn is_text(text: &str) -> bool {
    text.bytes().all(|byte| byte >= 0x20 || byte == b'\n')
}

#[cfg(test)]
mod tests;
