//! New headers for documents that are there: a redo journal, then the headers themselves, in place.
//!
//! The journal is one file in the session's folder, `headers`, on the disk before the entries that name its headers'
//! digests are recorded. Only then are headers overwritten. After a kill whatever the log names is done again from the
//! journal, and the rest is swept with the folder. A record is the document's id, the header's length in four bytes,
//! big-endian, and the header; nothing in it is believed but by its digest.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskError, DiskFile};
use super::error::StoreError;
use super::layout::Layout;
use super::staging::{FEW, Staging};
use crate::access::Recorded;
use crate::agefile::MAX_HEADER_LEN;
use crate::crypto::Digest;
use crate::id::{DocumentId, SessionId};

/// The first line of a journal.
const FIRST_LINE: &[u8] = b"gapvault.headers/v1\n";

/// A header that is to stand before a document's payload, as long as the present one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The document.
    pub id: DocumentId,
    /// The new header.
    pub header: Vec<u8>,
}

/// Writes the journal of a batch; it is safe once the staging is synced.
pub fn write_journal(staging: &Staging, batch: &[Replacement]) -> Result<(), StoreError> {
    let mut bytes = FIRST_LINE.to_vec();
    for one in batch {
        let len = u32::try_from(one.header.len()).ok().filter(|len| *len as usize <= MAX_HEADER_LEN);
        let len = len.ok_or_else(|| StoreError::Entry("a header is too long".to_owned()))?;
        bytes.extend_from_slice(&one.id.0);
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&one.header);
    }
    Ok(staging.create_journal()?.put(&bytes)?)
}

/// The header for a document in a session's journal, if one has this digest. What is torn or no journal holds none.
pub fn find(
    disk: &dyn Disk,
    layout: &Layout,
    session: SessionId,
    id: DocumentId,
    digest: Digest,
) -> Result<Option<Vec<u8>>, StoreError> {
    let path = layout.session_journal(session);
    let file = match disk.open_read(&path) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let found = search(&mut BufReader::new(file), id, digest);
    found.map_err(|error| DiskError::new("read", &path, error).into())
}

fn search(from: &mut dyn Read, id: DocumentId, digest: Digest) -> std::io::Result<Option<Vec<u8>>> {
    let mut first = [0; FIRST_LINE.len()];
    if !read_whole(from, &mut first)? || first != FIRST_LINE {
        return Ok(None);
    }
    let (mut document, mut len) = ([0; 16], [0; 4]);
    while read_whole(from, &mut document)? && read_whole(from, &mut len)? {
        let len = u32::from_be_bytes(len) as usize;
        if len > MAX_HEADER_LEN {
            break;
        }
        let mut header = vec![0; len];
        if !read_whole(from, &mut header)? {
            break;
        }
        if document == id.0 && Digest::of(&header) == digest {
            return Ok(Some(header));
        }
    }
    Ok(None)
}

/// Fills the buffer; `false` when the file ends before.
fn read_whole(from: &mut dyn Read, out: &mut [u8]) -> std::io::Result<bool> {
    match from.read_exact(out) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Overwrites the headers of documents whose new ones were recorded, and sees them onto the disk.
pub fn replace(
    disk: &dyn Disk,
    layout: &Layout,
    batch: &[Replacement],
    _recorded: &Recorded,
) -> Result<(), StoreError> {
    let few = batch.len() <= FEW;
    for one in batch {
        let path = layout.document(one.id);
        let mut file = disk.open_write(&path)?;
        if file.size()? <= one.header.len() as u64 {
            return Err(StoreError::Missing(format!("payload of {}", one.id)));
        }
        file.put(&one.header)?;
        if few {
            file.sync_data()?;
        }
    }
    if few { Ok(()) } else { Ok(disk.sync_filesystem(layout.root())?) }
}

/// Puts whole staged documents in the places of those that are there: their headers are longer, or everything is new.
pub fn replace_whole(
    disk: &dyn Disk,
    layout: &Layout,
    session: SessionId,
    documents: &[DocumentId],
    _recorded: &Recorded,
) -> Result<(), StoreError> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for id in documents {
        let place = layout.document(*id);
        disk.rename(&staged(layout, session, *id)?, &place)?;
        let folder = layout.document_folder(*id);
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    if folders.len() > FEW {
        return Ok(disk.sync_filesystem(layout.root())?);
    }
    for folder in &folders {
        disk.sync_dir(folder)?;
    }
    Ok(())
}

/// A whole document that a session has staged, if it has.
pub fn open_staged(
    disk: &dyn Disk,
    layout: &Layout,
    session: SessionId,
    id: DocumentId,
) -> Result<Option<Box<dyn DiskFile>>, StoreError> {
    match disk.open_read(&staged(layout, session, id)?) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn staged(layout: &Layout, session: SessionId, id: DocumentId) -> Result<PathBuf, StoreError> {
    let place = layout.document(id);
    let name = layout.staged_name(&place);
    let name = name.ok_or_else(|| StoreError::Missing(place.display().to_string()))?;
    Ok(layout.session(session).join(name))
}

/// Whether a document begins with the header that has this length and digest. One that is not there does not.
fn begins_with(disk: &dyn Disk, path: &Path, len: u64, digest: Digest) -> Result<bool, StoreError> {
    let file = match disk.open_read(path) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let mut header = Vec::new();
    let read = file.take(len.min(MAX_HEADER_LEN as u64)).read_to_end(&mut header);
    read.map_err(|error| DiskError::new("read", path, error))?;
    Ok(header.len() as u64 == len && Digest::of(&header) == digest)
}

/// What an entry says that a document begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The session that recorded it.
    pub session: SessionId,
    /// Length of the header.
    pub len: u64,
    /// Digest of the header.
    pub sha256: Digest,
}

/// Does again what was recorded and perhaps not done, from what its session left.
pub fn redo(
    disk: &dyn Disk,
    layout: &Layout,
    id: DocumentId,
    wanted: &Wanted,
    recorded: &Recorded,
) -> Result<(), StoreError> {
    if !disk.exists(&layout.document(id))? {
        // Destroyed since.
        return Ok(());
    }
    let waiting = staged(layout, wanted.session, id)?;
    if begins_with(disk, &waiting, wanted.len, wanted.sha256)? {
        return replace_whole(disk, layout, wanted.session, &[id], recorded);
    }
    match find(disk, layout, wanted.session, id, wanted.sha256)? {
        // Also where it can be seen in its place: after a failed sync it may be in the cache alone.
        Some(header) => replace(disk, layout, &[Replacement { id, header }], recorded),
        // Whatever became of it is for `verify` to tell.
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(records: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = FIRST_LINE.to_vec();
        for (id, header) in records {
            bytes.extend_from_slice(&[*id; 16]);
            bytes.extend_from_slice(&u32::try_from(header.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(header);
        }
        bytes
    }

    fn found(bytes: &[u8], id: u8, header: &[u8]) -> bool {
        search(&mut &*bytes, DocumentId([id; 16]), Digest::of(header))
            .unwrap()
            .is_some_and(|got| got == header)
    }

    #[test]
    fn a_header_is_found_by_its_document_and_digest_alone() {
        let bytes = journal(&[(1, b"one"), (2, b"two"), (1, b"three")]);
        assert!(found(&bytes, 1, b"one") && found(&bytes, 2, b"two") && found(&bytes, 1, b"three"));
        assert!(!found(&bytes, 2, b"one") && !found(&bytes, 1, b"four") && !found(&bytes, 3, b"two"));
    }

    #[test]
    fn a_torn_journal_gives_what_is_whole_and_no_more() {
        let bytes = journal(&[(1, b"one"), (2, b"two")]);
        let first = journal(&[(1, b"one")]).len();
        for len in 0..bytes.len() {
            assert_eq!(found(&bytes[..len], 1, b"one"), len >= first, "{len}");
            assert!(!found(&bytes[..len], 2, b"two"), "{len}");
        }
    }

    #[test]
    fn a_record_that_claims_more_than_a_header_can_have_ends_the_search() {
        let mut bytes = FIRST_LINE.to_vec();
        bytes.extend_from_slice(&[1; 16]);
        bytes.extend_from_slice(&u32::MAX.to_be_bytes());
        bytes.extend_from_slice(b"one");
        assert!(!found(&bytes, 1, b"one"));
        assert!(!found(b"gapvault.headers/v2\n", 1, b"one"));
    }
}
