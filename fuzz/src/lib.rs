//! What must hold of every parser of gapvault, whatever bytes it is given.
//!
//! Each function takes one input and panics where a property does not hold. The libFuzzer targets in
//! `fuzz_targets/` and the twin in `tests/twin.rs` call the same functions, so there is one place that says
//! what is checked.

mod archive;
mod card;
mod cosignature;
mod cut;
mod edit;
mod entry;
mod fixed;
mod header;
mod identity_file;
mod manifest;
mod meta;
mod note;
mod pair;
mod peer;
mod proof;
mod quorum;
mod receipt;
pub mod seeds;
mod stanza;
mod stream;
mod tiles;
mod volume;

pub use archive::archive;
pub use card::card;
pub use cosignature::cosignature;
pub use entry::entry;
pub use header::header;
pub use identity_file::identity_file;
pub use manifest::manifest;
pub use meta::meta;
pub use note::note;
pub use proof::proof;
pub use quorum::quorum;
pub use receipt::receipt;
pub use stanza::stanza;
pub use stream::stream;
pub use tiles::tiles;
pub use volume::volume;

/// A target: what its folder in the corpus is called, and what it checks.
pub type Target = (&'static str, fn(&[u8]));

/// Every target there is.
pub const TARGETS: [Target; 16] = [
    ("header", header),
    ("stanza", stanza),
    ("meta", meta),
    ("stream", stream),
    ("identity_file", identity_file),
    ("note", note),
    ("manifest", manifest),
    ("volume", volume),
    ("archive", archive),
    ("receipt", receipt),
    ("card", card),
    ("entry", entry),
    ("tiles", tiles),
    ("proof", proof),
    ("cosignature", cosignature),
    ("quorum", quorum),
];
