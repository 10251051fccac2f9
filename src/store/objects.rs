//! Sealed documents on the disk.

use super::disk::{Disk, DiskFile};
use super::error::StoreError;
use super::layout::Layout;
use crate::access::Recorded;
use crate::id::DocumentId;

/// How much of a file's beginning is overwritten before it is removed: the longest header that we write, many times
/// over. Without its header nobody can ever open the rest, whatever the medium keeps of it.
const OVERWRITTEN: u64 = 64 * 1024;

/// Opens a sealed document for reading; it must be a regular file.
pub fn open(disk: &dyn Disk, layout: &Layout, id: DocumentId) -> Result<Box<dyn DiskFile>, StoreError> {
    Ok(disk.open_read(&layout.document(id))?)
}

/// Overwrites a document's header and removes the file. One that is gone already was destroyed before a kill.
///
/// What the medium keeps of overwritten blocks (flash cells, snapshots, backups) is out of reach.
pub fn destroy(
    disk: &dyn Disk,
    layout: &Layout,
    id: DocumentId,
    _recorded: &Recorded,
) -> Result<(), StoreError> {
    let path = layout.document(id);
    let mut file = match disk.open_write(&path) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let len = file.size()?.min(OVERWRITTEN);
    let zeros = vec![0; usize::try_from(len).unwrap_or(0)];
    file.put(&zeros)?;
    file.sync_data()?;
    drop(file);
    disk.remove_file(&path)?;
    Ok(disk.sync_dir(&layout.document_folder(id))?)
}
