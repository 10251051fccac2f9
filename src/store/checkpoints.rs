//! `log/checkpoints`: every signed checkpoint of an epoch, one framed note behind the other.
//!
//! Opening a vault needs the last one only, so it is found from the end: the one record whose length reaches
//! exactly the end of the file and whose text begins with the log's origin. Auditors go through all of them.

use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{Disk, DiskError, ReadAt, append_durably, write_durably};
use crate::log::checkpoint::MAX_CHECKPOINT_LEN;
use crate::log::frames::{CHECKPOINTS, HEAD_LEN};

/// How much is read from the end: more than the longest checkpoint.
const WINDOW: u64 = 70_000;
/// How much is read at once where all of it is gone through: more than the longest checkpoint, and some hundreds of ordinary ones.
const PART: usize = 256 * 1024;
const _: () = assert!(PART > HEAD_LEN + MAX_CHECKPOINT_LEN);
/// Longest file that is read whole: some millions of checkpoints.
const FILE_LIMIT: u64 = 4 * 1024 * 1024 * 1024;

/// What stands at the end of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last {
    /// There is no file, or nothing in it.
    None,
    /// A whole record.
    Whole(Vec<u8>),
    /// No whole record reaches the end: torn by a kill, or damaged.
    Torn,
}

/// The file of one epoch.
#[derive(Clone)]
pub struct CheckpointFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    origin: String,
}

impl std::fmt::Debug for CheckpointFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CheckpointFile({})", self.path.display())
    }
}

impl CheckpointFile {
    /// The file at `path`, of the log with this origin.
    pub fn new(disk: Arc<dyn Disk>, path: PathBuf, origin: &str) -> Self {
        Self { disk, path, origin: origin.to_owned() }
    }

    /// The last record.
    pub fn last(&self) -> Result<Last, DiskError> {
        let end = match self.disk.read_end(&self.path, WINDOW) {
            Ok(end) => end,
            Err(error) if error.is_not_found() => return Ok(Last::None),
            Err(error) => return Err(error),
        };
        Ok(if end.is_empty() { Last::None } else { find_last(&end, &self.origin) })
    }

    /// Adds a record and sees it onto the disk.
    pub fn append(&self, note: &[u8]) -> Result<(), DiskError> {
        let mut framed = Vec::new();
        // A checkpoint of ours has two signatures and is far below the frame's limit.
        if CHECKPOINTS.append(&mut framed, note).is_ok() {
            append_durably(&*self.disk, &self.path, &framed)?;
        }
        Ok(())
    }

    /// The file, to be read in parts; `None` where there is none.
    pub fn open(&self) -> Result<Option<Box<dyn ReadAt>>, DiskError> {
        let file = match self.disk.open_at(&self.path) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let fits = file.len().map_err(|error| self.failed(error))? <= FILE_LIMIT;
        if fits { Ok(Some(file)) } else { Err(self.failed(std::io::ErrorKind::FileTooLarge.into())) }
    }

    /// What kept the file from being read.
    pub fn failed(&self, error: std::io::Error) -> DiskError {
        DiskError::new("read", &self.path, error)
    }

    /// Gives every whole record up to the first damage to `take`, in their order, and holds no more than a part of the file.
    pub fn for_each<E: From<DiskError>>(
        &self,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(open) = self.open()? else { return Ok(()) };
        let (mut part, mut at) = (vec![0; PART], 0);
        loop {
            let read = open.read_at(at, &mut part).map_err(|error| self.failed(error))?;
            let tail = CHECKPOINTS.parse_tail(part.get(..read).unwrap_or_default());
            tail.records.iter().try_for_each(|record| take(record))?;
            if tail.whole_len == 0 {
                return Ok(());
            }
            at += tail.whole_len as u64;
        }
    }

    /// Every whole record up to the first damage, and whether there is damage.
    pub fn read(&self) -> Result<(Vec<Vec<u8>>, bool), DiskError> {
        let bytes = match self.disk.read(&self.path, FILE_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok((Vec::new(), false)),
            Err(error) => return Err(error),
        };
        let tail = CHECKPOINTS.parse_tail(&bytes);
        Ok((tail.records.iter().map(|record| record.to_vec()).collect(), tail.rest.is_some()))
    }

    /// Writes the whole records through a new file, without what a kill left behind them.
    pub fn write_anew(&self) -> Result<(), DiskError> {
        let bytes = match self.disk.read(&self.path, FILE_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error),
        };
        let whole = CHECKPOINTS.parse_tail(&bytes).whole_len;
        write_durably(&*self.disk, &self.path, bytes.get(..whole).unwrap_or_default())
    }
}

fn find_last(end: &[u8], origin: &str) -> Last {
    let origin = format!("{origin}\n");
    let found = (HEAD_LEN..end.len()).rev().find(|start| {
        let begins = end.get(*start..).is_some_and(|text| text.starts_with(origin.as_bytes()));
        let head = end.get(start - HEAD_LEN..*start).and_then(|head| <[u8; 2]>::try_from(head).ok());
        begins && head.is_some_and(|head| usize::from(u16::from_be_bytes(head)) == end.len() - start)
    });
    found.and_then(|start| end.get(start..)).map_or(Last::Torn, |text| Last::Whole(text.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::super::disk::OsDisk;
    use super::*;

    #[test]
    fn all_records_are_gone_through_in_parts_up_to_the_first_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints");
        let file = CheckpointFile::new(Arc::new(OsDisk), path.clone(), "o/1");
        let seen = || {
            let mut seen = Vec::new();
            let done = file.for_each::<DiskError>(|record| {
                seen.push(record.to_vec());
                Ok(())
            });
            done.map(|()| seen)
        };
        assert_eq!(seen().unwrap(), Vec::<Vec<u8>>::new());
        let records: Vec<Vec<u8>> = (0..3000_u32).map(|at| vec![b'a'; 1 + at as usize % 700]).collect();
        let mut bytes = Vec::new();
        records.iter().for_each(|record| CHECKPOINTS.append(&mut bytes, record).unwrap());
        assert!(bytes.len() > 3 * PART);
        // The last record has 202 bytes with its length.
        for (cut, gone) in [(0, 0), (1, 1), (202, 1), (203, 2)] {
            std::fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
            assert!(seen().unwrap() == records[..records.len() - gone], "{cut}");
        }
        let stopped = file.for_each(|_| Err(DiskError::new("x", &path, std::io::ErrorKind::Other.into())));
        assert!(stopped.is_err());
    }

    #[test]
    fn the_last_record_is_found_from_the_end_or_not_at_all() {
        let mut file = Vec::new();
        for note in ["o/1\n1\nAAAA\n\n— o/1 x\n", "o/1\n2\nBBBB\n\n— o/1 y\n"] {
            CHECKPOINTS.append(&mut file, note.as_bytes()).unwrap();
        }
        let Last::Whole(last) = find_last(&file, "o/1") else { panic!("not found") };
        assert!(last.starts_with(b"o/1\n2\n"));
        let second = file.len() - last.len() - 2;
        for cut in second + 1..file.len() {
            assert_eq!(find_last(&file[..cut], "o/1"), Last::Torn, "{cut}");
        }
        assert!(matches!(find_last(&file[..second], "o/1"), Last::Whole(_)));
        assert_eq!(find_last(&file, "o/2"), Last::Torn);
    }
}
