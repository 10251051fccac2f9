//! A medium that has an end: a disk on which what lies below one folder takes so many bytes and no more, is read-only, or
//! keeps less than it says.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use gapvault::store::disk::{Disk, DiskError, DiskFile, OsDisk};
use gapvault::store::medium::{Space, space};

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing.
    None,
    /// It says that there is room where there is none.
    FullEarly,
    /// It takes everything, and keeps no more than it has room for.
    Forgets,
    /// Nothing can be written.
    ReadOnly,
}

#[derive(Debug, Clone)]
pub(super) struct Stick {
    folder: PathBuf,
    flaw: Flaw,
    longest: Option<u64>,
    left: Arc<Mutex<u64>>,
}

struct StickFile {
    inner: Box<dyn DiskFile>,
    path: PathBuf,
    stick: Stick,
}

impl Stick {
    pub(super) fn new(folder: &Path, room: u64, flaw: Flaw) -> Self {
        Self { folder: folder.to_owned(), flaw, longest: None, left: Arc::new(Mutex::new(room)) }
    }

    /// One whose files have at most so many bytes.
    pub(super) fn with_longest(folder: &Path, longest: u64) -> Self {
        Self { longest: Some(longest), ..Self::new(folder, u64::MAX, Flaw::None) }
    }

    fn may(&self, operation: &'static str, path: &Path) -> Result<(), DiskError> {
        if self.flaw == Flaw::ReadOnly && path.starts_with(&self.folder) {
            return Err(DiskError::new(operation, path, io::ErrorKind::ReadOnlyFilesystem.into()));
        }
        Ok(())
    }

    fn wrap(&self, inner: Box<dyn DiskFile>, path: &Path) -> Box<dyn DiskFile> {
        if path.starts_with(&self.folder) {
            Box::new(StickFile { inner, path: path.to_owned(), stick: self.clone() })
        } else {
            inner
        }
    }
}

impl StickFile {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut left = self.stick.left.lock().unwrap();
        let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
        *left -= fits as u64;
        let (kept, lost) = bytes.split_at(fits);
        self.inner.write_all(kept)?;
        if lost.is_empty() {
            return Ok(());
        }
        if self.stick.flaw == Flaw::Forgets {
            return self.inner.write_all(&vec![0; lost.len()]);
        }
        Err(io::ErrorKind::StorageFull.into())
    }
}

impl Read for StickFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into)
    }
}

impl Write for StickFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for StickFile {
    fn size(&mut self) -> Result<u64, DiskError> {
        self.inner.size()
    }

    fn seek(&mut self, at: u64) -> Result<(), DiskError> {
        self.inner.seek(at)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.take(bytes).map_err(|error| DiskError::new("write", &self.path, error))
    }

    fn sync_data(&mut self) -> Result<(), DiskError> {
        self.inner.sync_data()
    }

    fn set_size(&mut self, len: u64) -> Result<(), DiskError> {
        self.inner.set_size(len)
    }
}

impl Disk for Stick {
    fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.may("create", path)?;
        Ok(self.wrap(OsDisk.create_new(path)?, path))
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        OsDisk.open_read(path)
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.may("write", path)?;
        Ok(self.wrap(OsDisk.open_write(path)?, path))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.may("write", path)?;
        Ok(self.wrap(OsDisk.append(path)?, path))
    }

    fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.may("create", path)?;
        OsDisk.create_dir(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        OsDisk.hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.may("move", from)?;
        OsDisk.rename(from, to)
    }

    fn rename_noreplace(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.may("move", from)?;
        OsDisk.rename_noreplace(from, to)
    }

    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        self.may("remove", path)?;
        let size = std::fs::metadata(path).map_or(0, |data| data.len());
        OsDisk.remove_file(path)?;
        if path.starts_with(&self.folder) && self.flaw != Flaw::Forgets {
            let mut left = self.left.lock().unwrap();
            *left = left.saturating_add(size);
        }
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.may("remove", path)?;
        OsDisk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<(), DiskError> {
        OsDisk.sync_dir(path)
    }

    fn sync_filesystem(&self, _path: &Path) -> Result<(), DiskError> {
        Ok(())
    }

    fn mark(&self, _what: &'static str) -> Result<(), DiskError> {
        Ok(())
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let real = space(path)?;
        if !path.starts_with(&self.folder) && !self.folder.starts_with(path) {
            return Ok(real);
        }
        let free = if self.flaw == Flaw::None { *self.left.lock().unwrap() } else { real.free };
        Ok(Space { free, longest: self.longest.or(real.longest) })
    }
}
