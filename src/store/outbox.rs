//! What went out and is not answered yet: the age file as it was cut, so that what is lost or damaged can be written again.

use std::path::PathBuf;

use super::live::Context;
use crate::id::BundleId;

/// A file of a bundle in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxFile {
    /// The first part of the manifest, which the log names.
    Core,
    /// The age file.
    Body,
    /// The parity slices, one after another.
    Parity,
    /// The digests of all blocks.
    Shards,
}

impl OutboxFile {
    const ALL: [Self; 4] = [Self::Core, Self::Body, Self::Parity, Self::Shards];

    fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Body => "body.age",
            Self::Parity => "parity",
            Self::Shards => "shards",
        }
    }
}

/// Where it lies.
pub fn place(context: &Context, id: BundleId, file: OutboxFile) -> PathBuf {
    context.layout.outbox(id).join(file.name())
}

/// Whether a name is one that files of the outbox have.
pub(super) fn is_name(name: &str) -> bool {
    OutboxFile::ALL.iter().any(|file| file.name() == name)
}

/// Removes what was answered. What a kill leaves of it is removed the next time.
pub fn remove(context: &Context, id: BundleId) -> Result<(), super::StoreError> {
    super::quarantine::remove_folder(&*context.disk, &context.layout.outbox(id))
}
