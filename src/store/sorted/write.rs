//! Writing such a file, in one pass.

use std::path::Path;

use super::{BODY, Head, PAGE, PER_PAGE, Record, SUM, Span, sum};
use crate::crypto::{Digest, Hasher};
use crate::store::disk::{Disk, DiskFile, beside, folder_of, make_dirs};
use crate::store::error::StoreError;

/// Bytes that are written at once.
const CHUNK: usize = 64 * PAGE;

/// Writes records, which come in their order, to a file at `path`: beside it, synced, moved over it, and the folder synced.
/// What follows on from each other becomes one record.
pub fn write(
    disk: &dyn Disk,
    path: &Path,
    span: Span,
    records: impl Iterator<Item = Result<Record, StoreError>>,
) -> Result<Head, StoreError> {
    let new = beside(path);
    make_dirs(disk, folder_of(path))?;
    // One left by a kill was never moved to its place, so nobody counts on it.
    if disk.exists(&new)? {
        disk.remove_file(&new)?;
    }
    let mut pages = Pages::new(disk.create_new(&new)?, span);
    let mut level = Level::default();
    let mut last: Option<Record> = None;
    let mut count = 0;
    for record in records {
        let record = record?;
        if last.as_mut().is_some_and(|last| last.join(&record)) {
            continue;
        }
        if let Some(whole) = last.replace(record) {
            level.push(&mut pages, whole)?;
            count += 1;
        }
    }
    if let Some(whole) = last {
        level.push(&mut pages, whole)?;
        count += 1;
    }
    let mut firsts = level.end(&mut pages)?;
    while firsts.len() > 1 {
        let mut level = Level::default();
        for first in firsts {
            level.push(&mut pages, first)?;
        }
        firsts = level.end(&mut pages)?;
    }
    let head = pages.end(count)?;
    disk.rename(&new, path)?;
    disk.sync_dir(folder_of(path))?;
    Ok(head)
}

/// Records on their way into pages of one level.
#[derive(Default)]
struct Level {
    body: Vec<u8>,
    in_page: u64,
    /// The first record of each page.
    firsts: Vec<Record>,
}

impl Level {
    fn push(&mut self, pages: &mut Pages, record: Record) -> Result<(), StoreError> {
        if self.in_page == PER_PAGE {
            pages.push(&mut self.body)?;
            self.in_page = 0;
        }
        if self.in_page == 0 {
            self.firsts.push(record);
        }
        record.encode(&mut self.body);
        self.in_page += 1;
        Ok(())
    }

    fn end(mut self, pages: &mut Pages) -> Result<Vec<Record>, StoreError> {
        if self.in_page > 0 {
            pages.push(&mut self.body)?;
        }
        Ok(self.firsts)
    }
}

/// Pages on their way into a file; the head's place is kept until the end.
struct Pages {
    file: Box<dyn DiskFile>,
    span: Span,
    number: u64,
    sums: Hasher,
    chunk: Vec<u8>,
}

impl Pages {
    fn new(file: Box<dyn DiskFile>, span: Span) -> Self {
        Self { file, span, number: 1, sums: Hasher::new(), chunk: vec![0; PAGE] }
    }

    /// Takes a page's records, which leaves none.
    fn push(&mut self, body: &mut Vec<u8>) -> Result<(), StoreError> {
        let sum = self.seal(body, self.number);
        self.sums.update(&sum);
        self.number += 1;
        if self.chunk.len() >= CHUNK {
            self.file.put(&self.chunk)?;
            self.chunk.clear();
        }
        body.clear();
        Ok(())
    }

    fn seal(&mut self, body: &mut Vec<u8>, number: u64) -> [u8; SUM] {
        body.resize(BODY, 0);
        let sum = sum(self.span, number, body);
        self.chunk.extend_from_slice(body);
        self.chunk.extend_from_slice(&sum);
        sum
    }

    fn end(mut self, records: u64) -> Result<Head, StoreError> {
        self.file.put(&self.chunk)?;
        self.chunk.clear();
        let digest: Digest = std::mem::take(&mut self.sums).finish();
        let head = Head { span: self.span, records, digest };
        self.seal(&mut head.encode(), 0);
        self.file.seek(0)?;
        self.file.put(&self.chunk)?;
        self.file.sync_data()?;
        Ok(head)
    }
}
