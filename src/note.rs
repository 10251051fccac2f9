//! Signed text (`c2sp.org/signed-note`): everything that is signed in a vault is one kind of text.
//!
//! A note is UTF-8 text, an empty line, and one line for each signature. [`SignedNote`] reads and
//! writes it, [`VerifierKey`] says whose signature counts, [`Verified`] is text that somebody known has
//! signed. [`Fields`] and [`FieldsReader`] are the `key value` lines inside the text of our own kinds.
//! The bytes are in `docs/format/note.md`.
//!
//! ```
//! use gapvault::crypto::SigningKey;
//! use gapvault::note::{Fields, FieldsReader, SignedNote, VerifierKey, member_key_name};
//!
//! let key = SigningKey::from_seed([7; 32]);
//! let member = VerifierKey::of_member(key.public());
//!
//! let mut fields = Fields::new("gapvault.example/v1");
//! fields.put("vault", "3f3f").put("title", "two words");
//! let note = SignedNote::sign(&fields.finish()?, &[(member.name(), &key)])?;
//!
//! let read = SignedNote::parse(note.print().as_bytes())?;
//! let verified = read.verify(&[member])?;
//! let mut reader = FieldsReader::new(verified.text(), "gapvault.example/v1")?;
//! assert_eq!(reader.take("vault")?, "3f3f");
//! assert_eq!(reader.take("title")?, "two words");
//! reader.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fields;
mod key;
mod signed;

pub use fields::{FieldError, Fields, FieldsReader, MAX_KEY_LEN, MAX_VALUE_LEN, is_value};
pub use key::{
    KeyId, MAX_NAME_LEN, VerifierKey, is_name, member_id, member_key_name, member_of_key_name, origin,
    origin_epoch, parse_vkey, print_vkey,
};
pub use signed::{
    MAX_NOTE_LEN, MAX_SIGNATURE_BYTES, MAX_SIGNATURES, MAX_TEXT_LEN, Signature, SignedNote, Verified,
};

/// Why something is not a note, or not a note signed by anybody we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Over [`MAX_NOTE_LEN`] or [`MAX_TEXT_LEN`].
    #[error("the note is longer than the limit")]
    TooLong,
    /// Not UTF-8, or a control character other than the newline.
    #[error("the note holds bytes that are not plain text")]
    NotText,
    /// No text that ends with a newline, no empty line, or nothing after it.
    #[error("the note is not text, an empty line and signatures")]
    BadLayout,
    /// A line below the empty line is not a signature in the one spelling there is.
    #[error("a signature line is malformed")]
    BadSignatureLine,
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has too many signatures")]
    TooManySignatures,
    /// Not usable as a key name: empty, too long, or with a space, a plus or a control character.
    #[error("not a key name")]
    BadName,
    /// Not a public key as `name+id+base64` of type Ed25519, or its id is another key's.
    #[error("not an Ed25519 verifier key")]
    BadKey,
    /// The notes to be joined are not about the same text.
    #[error("the notes differ in their text")]
    DifferentText,
    /// Nobody known has signed.
    #[error("no known key has signed the note")]
    NotSigned,
    /// A signature that carries the name and id of this known key is not that key's over this text.
    #[error("the signature of {0} is not genuine")]
    BadSignature(String),
}
