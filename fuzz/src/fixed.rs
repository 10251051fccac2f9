//! Keys that are the same in every run, so that an input that was found stays found.

use std::sync::LazyLock;

use gapvault::agefile::{FileKey, Identity, Stanza, wrap};
use gapvault::crypto::{NoRandom, Random, SigningKey};
use gapvault::label::KeyKind;

/// Random bytes that are all the same.
pub struct Same(pub u8);

impl Random for Same {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandom> {
        out.fill(self.0);
        Ok(())
    }
}

pub const FILE_KEY: [u8; 16] = *b"a fixed file key";

pub fn file_key() -> FileKey {
    FileKey::new(FILE_KEY)
}

/// A classic identity of ours; the `age` crate reads its text too.
pub fn identity() -> Identity {
    Identity::generate(KeyKind::Classic, &Same(7)).expect("there are bytes")
}

/// The same one as the `age` crate has it.
pub fn peers_identity() -> age::x25519::Identity {
    identity().to_text().parse().expect("age reads our text")
}

/// The fixed file key, wrapped to the fixed identity. Its ephemeral share is another one in each process: the
/// `age` crate draws it.
pub fn genuine_stanza() -> Stanza {
    static PARTS: LazyLock<(Vec<String>, Vec<u8>)> = LazyLock::new(|| {
        let stanzas = wrap(&file_key(), &[&identity().to_recipient()]).expect("it wraps");
        let [stanza]: [Stanza; 1] = stanzas.try_into().expect("one stanza");
        (stanza.args, stanza.body)
    });
    let (args, body) = PARTS.clone();
    Stanza { tag: "X25519".to_owned(), args, body }
}

pub fn copy(stanza: &Stanza) -> Stanza {
    Stanza { tag: stanza.tag.clone(), args: stanza.args.clone(), body: stanza.body.clone() }
}

pub fn signing_key() -> SigningKey {
    SigningKey::from_seed([5; 32])
}
