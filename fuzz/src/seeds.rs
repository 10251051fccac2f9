//! The corpus that is checked in: small inputs of every kind that a target knows, made here.

mod age;
mod evidence;
mod gap;
mod people;

pub(crate) use people::{ask, member, office, start};

/// One input: the target's name, the file's name, the bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// What the names of seeds begin with that are drawn at random and stay as they were checked in.
pub const DRAWN: &str = "drawn-";

/// Every seed there is.
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let groups = [
        ("header", age::headers()),
        ("stanza", age::stanzas()),
        ("stream", age::streams()),
        ("meta", people::metas()),
        ("identity_file", people::identities()),
        ("note", people::notes()),
        ("manifest", gap::manifests()),
        ("volume", gap::volumes()),
        ("archive", gap::archives()),
        ("receipt", gap::receipts()),
        ("card", gap::cards()),
        ("entry", evidence::entries()),
        ("tiles", evidence::tiles()),
        ("proof", evidence::proofs()),
        ("cosignature", evidence::cosignatures()),
        ("quorum", evidence::policies()),
    ];
    for (target, group) in groups {
        seeds.extend(group.into_iter().map(|(name, bytes)| (target, name.to_owned(), bytes)));
    }
    seeds
}
