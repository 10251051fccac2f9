//! Bundles that came in and wait for somebody to let them in. Documents lie there as they were sent, under the transfer
//! key; their headers lie beside them once more, since those in front of the documents are overwritten when they are let in.

use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::error::StoreError;
use super::live::Context;
use crate::id::{BundleId, DocumentId};

/// A file of a bundle in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineFile {
    /// The manifest, as the sender signed it.
    Manifest,
    /// The inner list.
    Inner,
    /// The headers of all documents, in the order of the list.
    Headers,
    /// A document.
    Document(DocumentId),
}

impl QuarantineFile {
    fn name(self) -> String {
        match self {
            Self::Manifest => "manifest".to_owned(),
            Self::Inner => "inner.json".to_owned(),
            Self::Headers => "headers".to_owned(),
            Self::Document(id) => format!("{id}.age"),
        }
    }
}

/// Where it lies.
pub fn place(context: &Context, id: BundleId, file: QuarantineFile) -> PathBuf {
    context.layout.quarantine(id).join(file.name())
}

/// Whether a name is one that files in quarantine have.
pub(super) fn is_name(name: &str) -> bool {
    let document = name.strip_suffix(".age").is_some_and(|id| id.parse::<DocumentId>().is_ok());
    document || ["manifest", "inner.json", "headers"].contains(&name)
}

/// Every bundle that lies there.
pub fn list(context: &Context) -> Result<Vec<BundleId>, StoreError> {
    let names = match context.disk.list_dir(&context.layout.quarantines()) {
        Ok(names) => names,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()?.parse().ok()).collect())
}

/// Removes what was let in or turned away.
pub fn remove(context: &Context, id: BundleId) -> Result<(), StoreError> {
    remove_folder(&*context.disk, &context.layout.quarantine(id))
}

/// Removes a folder of files, if it is there.
pub(super) fn remove_folder(disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
    let names = match disk.list_dir(folder) {
        Ok(names) => names,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for name in names {
        disk.remove_file(&folder.join(name))?;
    }
    disk.remove_dir(folder)?;
    Ok(folder.parent().map_or(Ok(()), |parent| disk.sync_dir(parent))?)
}
