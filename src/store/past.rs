//! Old entries leave the live index: what is looked up about them goes into sorted files, and the entries themselves stay
//! where they always were, in the segments.
//!
//! What a file has follows from its entries alone, whatever the live index says. The file comes first, then the change
//! that puts it in force, then what the live index need not have any more; a kill leaves a file that nobody counts on, or
//! keys that are passed over. Some files of one size become one, so that a query reads a few and not one for each step.

use std::path::Path;

use super::disk::Disk;
use super::error::StoreError;
use super::index::{Change, Index, IndexError};
use super::segments::{SegmentError, Segments};
use super::sorted::{self, Head, Merged, Record, SortedFile, Span};
use crate::log::entry::{Entry, Object};

/// The kind of records about a document.
pub const DOCUMENT: u8 = b'd';

/// Moves what is too old, in steps.
///
/// # Errors
/// What the disk says, and a log that cannot be read.
pub fn advance(index: &Index, segments: &Segments, epoch: u64, size: u64) -> Result<(), StoreError> {
    if fill(index, segments, epoch, size)? { tidy(index) } else { Ok(()) }
}

/// Makes sorted files about what is too old; whether there was any.
///
/// # Errors
/// What the disk says, and a log that cannot be read.
pub fn fill(index: &Index, segments: &Segments, epoch: u64, size: u64) -> Result<bool, StoreError> {
    let window = index.past().window();
    let step = window.step.max(1);
    let mut first = index.moved()?.get(&epoch).copied().unwrap_or(0);
    let begun = first;
    while size.saturating_sub(first) >= window.keep.max(1).saturating_add(step) {
        let span = Span { epoch, first, end: first + step };
        let past = index.past();
        let head = make(&**past.disk(), &past.path(span), segments, span)?;
        segments.signpost(&past.signposts(epoch))?;
        let mut change = Change::default();
        change.list(&head);
        past.disk().mark("index")?;
        index.commit(change)?;
        join(index, epoch)?;
        first = span.end;
    }
    Ok(first > begun)
}

/// Takes out of the live index what sorted files have, and out of their folder what is not in force.
///
/// # Errors
/// What the disk says.
pub fn tidy(index: &Index) -> Result<(), StoreError> {
    if index.moved()?.is_empty() {
        return Ok(());
    }
    index.clear_moved()?;
    sweep(index)
}

/// Writes the file about some entries.
fn make(disk: &dyn Disk, path: &Path, segments: &Segments, span: Span) -> Result<Head, StoreError> {
    let records = records(segments, span.first, span.end)?;
    sorted::write(disk, path, span, records.into_iter().map(Ok))
}

/// What is looked up about some entries, in order.
fn records(segments: &Segments, first: u64, end: u64) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::new();
    segments.for_each::<StoreError>(first, end, |seq, bytes| {
        let entry = Entry::parse(bytes).map_err(|_| SegmentError::Entry { at: seq })?;
        records.extend(about(&entry, seq).into_iter().flatten());
        Ok(())
    })?;
    records.sort_unstable();
    Ok(records)
}

/// What is looked up about an entry.
fn about(entry: &Entry, seq: u64) -> [Option<Record>; 4] {
    let member = entry.actor().id.map(|id| id.0.to_vec()).unwrap_or_default();
    let document = entry.object().and_then(Object::document_id);
    [
        Record::new(b'm', &member, seq, 1),
        Record::new(b'v', entry.event().as_str().as_bytes(), seq, 1),
        Record::new(b'y', entry.time().day().as_bytes(), seq, 1),
        document.and_then(|id| Record::new(DOCUMENT, &id.0, seq, 1)),
    ]
}

/// Makes one of the newest files as long as there are enough of one size.
fn join(index: &Index, epoch: u64) -> Result<(), StoreError> {
    let (past, fan) = (index.past(), index.past().window().fan.max(2));
    loop {
        let heads: Vec<Head> = index.listed()?.into_iter().filter(|head| head.span.epoch == epoch).collect();
        let Some(last) = heads.last() else { return Ok(()) };
        let len = last.span.len();
        let same = heads.iter().rev().take_while(|head| head.span.len() == len).count() as u64;
        if same < fan || len.saturating_mul(fan) > past.window().largest {
            return Ok(());
        }
        let newest = heads.len().saturating_sub(usize::try_from(fan).unwrap_or(usize::MAX));
        let heads = heads.get(newest..).unwrap_or_default();
        let files = heads.iter().map(|head| past.file(*head)).collect::<Result<Vec<_>, _>>()?;
        let span = Span { first: last.span.end - len * fan, ..last.span };
        let merged = Merged::new(files.iter().map(|file| file.records()));
        let head = sorted::write(&**past.disk(), &past.path(span), span, merged)?;
        let mut change = Change::default();
        heads.iter().for_each(|head| change.unlist(head.span));
        change.list(&head);
        past.disk().mark("index")?;
        index.commit(change)?;
        for head in heads {
            past.close(head.span);
            past.disk().remove_file(&past.path(head.span))?;
        }
    }
}

/// Removes what is in the folder and not in force: what a kill left.
fn sweep(index: &Index) -> Result<(), StoreError> {
    let past = index.past();
    let of = |head: &Head| [past.path(head.span), past.signposts(head.span.epoch)];
    let known: Vec<_> = index.listed()?.iter().flat_map(of).collect();
    for name in past.disk().list_dir(past.folder())? {
        let path = past.folder().join(name);
        if !known.contains(&path) {
            past.disk().remove_file(&path)?;
        }
    }
    Ok(())
}

/// Whether the sorted files of an epoch say what its entries say: each is made anew in a folder of its own, and compared. So
/// are the signposts that are there.
///
/// # Errors
/// [`IndexError::Damaged`] where one says something else or cannot be read.
pub fn check(index: &Index, segments: &Segments, epoch: u64, scratch: &Path) -> Result<(), StoreError> {
    let past = index.past();
    for head in index.listed()?.into_iter().filter(|head| head.span.epoch == epoch) {
        past.file(head)?.check()?;
        if head.span.end > segments.size() || anew(index, segments, head.span, scratch)? != head {
            let Span { first, end, .. } = head.span;
            return Err(IndexError::Damaged(format!("other entries than {first} to {end}")).into());
        }
    }
    if !segments.check_signposts(&past.signposts(epoch))? {
        return Err(IndexError::Damaged("signposts that lead elsewhere".to_owned()).into());
    }
    Ok(())
}

/// Whether the live index says about the entries of an epoch that are in no sorted file, up to a size, what they say.
///
/// # Errors
/// [`IndexError::Damaged`] where it says something else.
pub fn check_live(index: &Index, segments: &Segments, epoch: u64, size: u64) -> Result<(), StoreError> {
    let moved = index.moved()?.get(&epoch).copied().unwrap_or(0);
    let expected = sorted::joined(records(segments, moved, size)?);
    if sorted::joined(index.live_records(epoch, moved)?) == expected {
        Ok(())
    } else {
        Err(IndexError::Damaged("what is looked up about new entries".to_owned()).into())
    }
}

/// Makes a file in its steps, as it was made, so that little is in memory at a time.
fn anew(index: &Index, segments: &Segments, span: Span, scratch: &Path) -> Result<Head, StoreError> {
    let disk = super::disk::OsDisk;
    let step = index.past().window().step.max(1);
    let mut files = Vec::new();
    let mut first = span.first;
    while first < span.end {
        let part = Span { first, end: span.end.min(first.saturating_add(step)), ..span };
        let path = scratch.join(files.len().to_string());
        let head = make(&disk, &path, segments, part)?;
        files.push(SortedFile::open(&disk, &path, head)?);
        first = part.end;
    }
    let merged = Merged::new(files.iter().map(SortedFile::records));
    sorted::write(&disk, &scratch.join("whole"), span, merged)
}
