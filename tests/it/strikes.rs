//! What a kill, a power loss, a full or a failing disk does to the store.

pub(crate) mod child;
pub(crate) mod disk;
mod durable;
mod hardened;
mod host;
mod undo;
