//! What must hold of every parser of gapvault, whatever bytes it is given.
//!
//! Each function takes one input and panics where a property does not hold. The libFuzzer targets in
//! `fuzz_targets/` and the twin in `tests/twin.rs` call the same functions, so there is one place that says
//! what is checked.

mod cut;
mod fixed;
mod header;
mod identity_file;
mod meta;
mod note;
mod peer;
pub mod seeds;
mod stanza;
mod stream;

pub use header::header;
pub use identity_file::identity_file;
pub use meta::meta;
pub use note::note;
pub use stanza::stanza;
pub use stream::stream;

/// A target: what its folder in the corpus is called, and what it checks.
pub type Target = (&'static str, fn(&[u8]));

/// Every target there is.
pub const TARGETS: [Target; 6] = [
    ("header", header),
    ("stanza", stanza),
    ("meta", meta),
    ("stream", stream),
    ("identity_file", identity_file),
    ("note", note),
];
