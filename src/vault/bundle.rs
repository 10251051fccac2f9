//! Across the gap: bundles out, bundles in, and the answers that come back.

mod accept;
mod create;
mod import;
mod list;
mod look;
mod medium;
mod outbox;
mod ready;
mod receipt;
mod scan;
mod target;
mod unpack;
mod verify;
mod write;

pub use create::BundleCreate;
pub(in crate::vault) use create::key_of;
pub use import::ImportRequest;
pub use verify::{BundleVerify, bundle_verify};
pub use write::Resend;
