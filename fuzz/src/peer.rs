//! The `age` crate, asked the same questions.

use std::cell::RefCell;
use std::io::Read as _;

use age_core::format::{Stanza, write};
use gapvault::agefile::{FileKey, Unwrap};
use gapvault::crypto;
use gapvault::encoding::{base64_unpadded, unbase64_unpadded};

use crate::fixed::{self, FILE_KEY};

/// Their reader starts again at every line, so long headers are not for it. Headers up to this length are within
/// our limits (the shortest stanza has six bytes), which theirs does not have.
pub const LONGEST: usize = 2048;

/// Knows a file key whatever the stanzas are, and remembers them.
#[derive(Default)]
pub struct Knows(pub RefCell<Vec<Stanza>>);

impl Unwrap for Knows {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
        None
    }

    fn unwrap_stanzas(
        &self,
        stanzas: &[Stanza],
    ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
        *self.0.borrow_mut() = stanzas.iter().map(fixed::copy).collect();
        Some(Ok(age_core::format::FileKey::new(Box::new(FILE_KEY))))
    }
}

/// What they say to a header with an identity: its stanzas are in `Knows` then.
pub fn unlock(header: &[u8], identity: &dyn Unwrap) -> Result<(), age::DecryptError> {
    let file = [header, &[0; 16]].concat();
    let decryptor = age::Decryptor::new_buffered(&*file)?;
    decryptor.decrypt(std::iter::once(identity)).map(|_| ())
}

/// The stanzas that they find in a header, or `None` where they refuse it. They have two readers.
pub fn stanzas(header: &[u8]) -> Option<Vec<Stanza>> {
    let file = [header, &[0; 16]].concat();
    let buffered = age::Decryptor::new_buffered(&*file);
    // This one starts again at every byte.
    if header.len() < 200 {
        assert_eq!(buffered.is_ok(), age::Decryptor::new(&*file).is_ok(), "their readers differ");
    }
    let knows = Knows::default();
    // The MAC is no part of the question.
    let _ = buffered.ok()?.decrypt(std::iter::once(&knows as &dyn age::Identity));
    Some(knows.0.into_inner())
}

/// What they release of a file, and whether they call it whole.
pub fn open(file: &[u8], identity: &dyn age::Identity) -> (bool, Vec<u8>) {
    let mut out = Vec::new();
    let Ok(decryptor) = age::Decryptor::new_buffered(file) else { return (false, out) };
    let Ok(mut reader) = decryptor.decrypt(std::iter::once(identity)) else { return (false, out) };
    let whole = reader.read_to_end(&mut out).is_ok();
    (whole, out)
}

/// One stanza as their writer prints it.
pub fn print(stanza: &Stanza) -> Vec<u8> {
    let out =
        cookie_factory::gen_simple(write::age_stanza(&stanza.tag, &stanza.args, &stanza.body), Vec::new());
    out.expect("memory takes it")
}

/// A header over any stanzas, printed by their writer, with the MAC that the file key gives.
pub fn seal(file_key: &FileKey, stanzas: &[Stanza]) -> Vec<u8> {
    let mut out = b"age-encryption.org/v1\n".to_vec();
    stanzas.iter().for_each(|stanza| out.extend(print(stanza)));
    out.extend_from_slice(b"---");
    let mac = crypto::hmac(file_key.derive(&[], b"header").expose(), &out);
    out.extend_from_slice(format!(" {}\n", base64_unpadded(&mac)).as_bytes());
    out
}

/// Deviation: files of rage's first betas end a body of full lines, or an empty one, without the short line that
/// the format has asked for since. The header with those lines put in, when any was missing.
pub fn modern(header: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut open, mut put) = (false, false);
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        let begins = line.starts_with(b"-> ");
        if open && (begins || line.starts_with(b"--- ")) {
            out.push(b'\n');
            put = true;
        }
        out.extend_from_slice(line);
        open = begins || (open && line.len() == 65);
    }
    put.then_some(out)
}

/// Deviation: a stanza of a kind that the format defines has its shape, even beside another one that opens the
/// file. They look at the stanzas of the identity's own kind only, up to the first that opens.
pub fn is_malformed(stanza: &Stanza) -> bool {
    let is = |arg: &str, len: usize| unbase64_unpadded(arg).is_some_and(|bytes| bytes.len() == len);
    let args: Vec<&str> = stanza.args.iter().map(String::as_str).collect();
    let shape = match (stanza.tag.as_str(), &args[..]) {
        ("X25519", [share]) => is(share, 32),
        ("mlkem768x25519", [enc]) => is(enc, 1088 + 32),
        ("scrypt", [salt, factor]) => {
            is(salt, 16) && (1..=99).any(|number: u8| number.to_string() == *factor)
        }
        ("X25519" | "mlkem768x25519" | "scrypt", _) => false,
        _ => return false,
    };
    !(shape && stanza.body.len() == 32)
}
