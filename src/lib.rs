//! gapvault keeps sensitive documents encrypted at rest, writes down every access in a log that
//! cannot be quietly changed, and carries documents across an air gap.
//!
//! The library is made of rooms on floors; a room imports only from lower floors. The map, the
//! floors and the invariants are in `docs/ARCHITECTURE.md`; `tests/it/tidy.rs` holds them.
//!
//! Start at [`vault`] for the verbs, [`log`] for the access log and [`agefile`] for the file format.

pub mod encoding;

pub mod answer;
pub mod crypto;
pub mod fault;
pub mod id;
pub mod time;
pub mod words;

pub mod process;

pub mod agefile;
pub mod label;
pub mod note;

pub mod plugin;

pub mod document;
pub mod identity;

pub mod access;
pub mod roster;

pub mod log;
pub mod policy;
pub mod sealed;

pub mod audit;
pub mod bundle;
#[cfg(feature = "vault")]
pub mod store;

pub mod evidence;
#[cfg(feature = "vault")]
pub mod vault;
