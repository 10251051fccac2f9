//! The age v1 file format (`c2sp.org/age`): a strict codec for the header, and an engine for the payload.
//!
//! An age file is a text header, which holds the *file key* once for each recipient in a *stanza*, and a
//! payload, encrypted under a key derived from the file key and a nonce. Header and payload are separate
//! here, because giving somebody access to a document rewrites its header and leaves its payload alone.
//!
//! The order of the steps is in the types. [`UnverifiedHeader`] is all that parsing gives; only
//! [`UnverifiedHeader::unlock`], which checks the header's MAC, turns it into a [`FileKey`]; and only a
//! file key opens a payload.
//!
//! ```
//! use gapvault::agefile::{Identity, decrypt_small, encrypt_small};
//! use gapvault::crypto::SystemRandom;
//! use gapvault::label::KeyKind;
//!
//! let random = SystemRandom::new();
//! let identity = Identity::generate(KeyKind::Classic, &random).unwrap();
//! let file = encrypt_small(&[&identity.to_recipient()], b"a class key", &random).unwrap();
//! assert_eq!(decrypt_small(&[&identity], &file, 100).unwrap().as_slice(), b"a class key");
//! ```
//!
//! Wrapping and unwrapping of file keys goes through two traits of one method each, [`Wrap`] and
//! [`Unwrap`], so that a hardware token takes part like any other key.
//!
//! What is stricter here than in other implementations: a header has at most [`MAX_HEADER_LEN`] bytes,
//! [`MAX_STANZAS`] stanzas and [`MAX_ARGS`] arguments, and a damaged stanza of a kind we know is an error
//! even when another stanza would have opened the file. The old form of a body, without the short last
//! line, is refused. A header is read in linear time.

mod armor;
mod engine;
mod error;
mod header;
mod hpke;
mod hybrid;
mod kem;
mod key;
mod lines;
mod passphrase;
mod read;
mod small;
mod stream;
mod x25519;

pub use age::{Identity as Unwrap, Recipient as Wrap};
pub use age_core::format::Stanza;

pub use armor::{ArmorError, ArmorReader, MAX_ARMOR_BLANK, armor};
pub use engine::{Tap, decrypt_with, encrypt_with};
pub use error::{Error, HeaderError, PayloadError};
pub use header::{
    FileKey, MAC_LINE_LEN, MAX_ARGS, MAX_HEADER_LEN, MAX_STANZAS, UnverifiedHeader, VERSION_LINE,
    is_post_quantum, seal_header, stanza_len, unwrap, wrap,
};
pub use key::{BadKey, Identity, Recipient};
pub use passphrase::{MAX_WORK_FACTOR, decrypt_with_passphrase, encrypt_with_passphrase};
pub use read::Rest;
pub use small::{decrypt_small, encrypt_small, is_formed};
pub use stream::{
    CHUNK_LEN, NONCE_LEN, PayloadNonce, PayloadSummary, decrypt, encrypt, payload_len, plain_len, read_nonce,
};
