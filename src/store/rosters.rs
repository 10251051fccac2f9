//! The chain of rosters on the disk, and the notes by which a log was resumed.

use std::path::Path;

use super::error::StoreError;
use super::host::StateRecord;
use super::live::Context;
use super::segments::Segments;
use super::staging;
use crate::crypto::{Digest, PublicKey};
use crate::id::VaultId;
use crate::log::entry::Entry;
use crate::note::SignedNote;
use crate::roster::{InForce, Resume, found};

/// Longest roster or resume note.
pub const NOTE_LIMIT: u64 = 4 * 1024 * 1024;

/// The roster in force: the one that the host's state pins.
pub fn in_force(context: &Context, record: &StateRecord) -> Result<InForce, StoreError> {
    let found = find(context, record.roster_version, record.roster_digest, record.vault);
    let pinned = found.and_then(|bytes| Ok(InForce::pinned(&bytes, record.roster_digest, record.vault)?));
    pinned.map_err(|error| {
        if is_another_vault(context, record) {
            StoreError::VaultReplaced { expected: record.vault }
        } else {
            error
        }
    })
}

/// Whether the first roster that lies there founds a vault, and not the one that this host knows.
fn is_another_vault(context: &Context, record: &StateRecord) -> bool {
    let first = context.disk.read(&context.layout.roster(1), NOTE_LIMIT).ok();
    first.and_then(|bytes| found(&bytes).ok()).is_some_and(|first| first.vault() != record.vault)
}

/// A roster's bytes. A kill can have come after it was recorded and before it was published; then it still waits
/// in a staging folder.
pub fn find(context: &Context, version: u64, digest: Digest, vault: VaultId) -> Result<Vec<u8>, StoreError> {
    let place = context.layout.roster(version);
    match context.disk.read(&place, NOTE_LIMIT) {
        Ok(bytes) => return Ok(bytes),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    let ours = |bytes: &[u8]| InForce::pinned(bytes, digest, vault).ok().map(|_| bytes.to_vec());
    find_note(context, &place, NOTE_LIMIT, &ours)?.ok_or(StoreError::RosterMissing)
}

/// What `read` makes of a note, in its place or, after a kill, still in a staging folder.
pub(super) fn find_note<T>(
    context: &Context,
    place: &Path,
    limit: u64,
    read: &dyn Fn(&[u8]) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match context.disk.read(place, limit) {
        Ok(bytes) => return Ok(read(&bytes)),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    let Some(name) = context.layout.staged_name(place) else { return Ok(None) };
    for (session, places) in staging::sessions(&*context.disk, &context.layout)? {
        if places.iter().any(|known| known == place) {
            let bytes = context.disk.read(&context.layout.session(session).join(&name), limit)?;
            if let Some(found) = read(&bytes) {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// Follows the whole chain from the first roster on; gives every version.
pub fn chain(context: &Context) -> Result<Vec<InForce>, StoreError> {
    let read = |version: u64| match context.disk.read(&context.layout.roster(version), NOTE_LIMIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(StoreError::Disk(error)),
    };
    let mut chain = vec![found(&read(1)?.ok_or(StoreError::RosterMissing)?)?];
    while let Some(bytes) = read(chain.len() as u64 + 1)? {
        let next = chain.last().map(|last| last.succeed(&bytes)).transpose()?;
        chain.extend(next);
    }
    Ok(chain)
}

/// The newest roster on the disk that follows from this one, if any does. Damage there is for `verify` to say.
pub fn newest_following(context: &Context, from: &InForce) -> Result<Option<InForce>, StoreError> {
    let mut newest: Option<InForce> = None;
    loop {
        let base = newest.as_ref().unwrap_or(from);
        let path = context.layout.roster(base.roster().version + 1);
        let bytes = match context.disk.read(&path, NOTE_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(newest),
            Err(error) => return Err(error.into()),
        };
        match base.succeed(&bytes) {
            Ok(next) => newest = Some(next),
            Err(_) => return Ok(newest),
        }
    }
}

/// The note that opened an epoch, if officers of a roster in the chain signed it.
pub fn resume_note(context: &Context, epoch: u64) -> Result<Option<Resume>, StoreError> {
    let bytes = match context.disk.read(&context.layout.resume_note(epoch), NOTE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let resume = chain(context)?.into_iter().rev().find_map(|roster| Resume::verify(&bytes, &roster));
    let resume = resume.filter(|resume| resume.epoch == epoch);
    Ok(resume.filter(|_| {
        is_logged(context, epoch, SignedNote::parse(&bytes).ok().map(|note| note.digest())).unwrap_or(true)
    }))
}

/// Whether the first entry of an epoch names this note; none where there is no entry yet. A note that was exchanged for one
/// by officers of an older roster is not the one that the log began with.
fn is_logged(context: &Context, epoch: u64, digest: Option<Digest>) -> Option<bool> {
    let segments = Segments::read(context.disk.clone(), &context.layout.log(epoch), 0).ok()?;
    let first = Entry::parse(&segments.entry(0).ok()?).ok()?;
    Some(digest.is_some() && first.detail().note_sha256 == digest)
}

/// Whether officers of this roster or a newer one signed to go on with the next epoch: those of an older one could not.
pub fn resumes_from(context: &Context, epoch: u64, version: u64) -> Result<bool, StoreError> {
    let Some(resume) = resume_note(context, epoch)? else { return Ok(false) };
    let named = chain(context)?.into_iter().find(|roster| roster.digest() == resume.roster);
    Ok(named.is_some_and(|roster| roster.roster().version >= version))
}

/// Whether anything of an epoch's log lies there besides the note that opens it.
pub fn has_begun(context: &Context, epoch: u64) -> Result<bool, StoreError> {
    let note = context.layout.resume_note(epoch);
    let names = match context.disk.list_dir(&context.layout.log(epoch)) {
        Ok(names) => names,
        Err(error) if error.is_not_found() => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let own = note.file_name().unwrap_or_default().as_encoded_bytes();
    Ok(names.iter().any(|name| !name.as_encoded_bytes().starts_with(own)))
}

/// Log keys named by the notes that opened the epochs up to this one.
pub fn resumed_keys(context: &Context, epoch: u64) -> Result<Vec<PublicKey>, StoreError> {
    let mut keys = Vec::new();
    for epoch in 2..=epoch {
        let resume = resume_note(context, epoch)?;
        keys.extend(resume.map(|resume| resume.key));
    }
    Ok(keys)
}
