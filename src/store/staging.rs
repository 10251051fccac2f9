//! Where everything waits that is not recorded yet, one folder for each session.
//!
//! A staged file's name says where it belongs, so that a file whose entry was recorded before a kill can be put
//! there afterwards. A session holds a lock in its folder; folders of dead sessions are swept.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskError, DiskFile};
use super::error::StoreError;
use super::layout::Layout;
use crate::access::{Grant, Recorded};
use crate::id::SessionId;

/// Up to this many files are synced one by one; more are synced with their whole file system.
pub(super) const FEW: usize = 8;

/// A living session's folder.
pub struct Staging {
    disk: Arc<dyn Disk>,
    layout: Layout,
    session: SessionId,
    written: Mutex<Vec<PathBuf>>,
    keep: AtomicBool,
    _lock: File,
}

impl std::fmt::Debug for Staging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Staging({})", self.session)
    }
}

impl Staging {
    /// Makes the folder. Needs a grant: nothing is staged for somebody who may not.
    pub fn begin(
        disk: &Arc<dyn Disk>,
        layout: &Layout,
        session: SessionId,
        _grant: &Grant,
    ) -> Result<Self, StoreError> {
        disk.create_dir(&layout.session(session))?;
        let path = layout.session_lock(session);
        disk.create_new(&path)?;
        let lock = File::open(&path).map_err(|source| DiskError::new("open", &path, source))?;
        lock.try_lock().map_err(|_| StoreError::Missing("lock of the session".to_owned()))?;
        let (disk, layout) = (disk.clone(), layout.clone());
        Ok(Self {
            disk,
            layout,
            session,
            written: Mutex::default(),
            keep: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// The session.
    pub fn session(&self) -> SessionId {
        self.session
    }

    fn staged(&self, place: &Path) -> Result<PathBuf, StoreError> {
        let name = self.layout.staged_name(place);
        let name = name.ok_or_else(|| StoreError::Missing(place.display().to_string()))?;
        Ok(self.layout.session(self.session).join(name))
    }

    fn written(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        // A list of paths is whole even where a thread was lost between two changes.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new file that will belong at `place`; several threads may make theirs at once.
    pub fn create(&self, place: &Path) -> Result<Box<dyn DiskFile>, StoreError> {
        let path = self.staged(place)?;
        let file = self.disk.create_new(&path)?;
        self.written().push(path);
        Ok(file)
    }

    /// A new file for a place that is known beforehand and where nothing may lie. What somebody put there is refused now:
    /// once the new one is recorded, it would be in the way at every start.
    pub fn create_new(&self, place: &Path) -> Result<Box<dyn DiskFile>, StoreError> {
        if self.disk.exists(place)? {
            return Err(StoreError::InTheWay(place.display().to_string()));
        }
        self.create(place)
    }

    /// A second name, in the session's folder, for a file of our own that will belong at `place`; the file itself is copied
    /// where the file system gives a file one name only.
    pub fn adopt(&self, from: &Path, place: &Path) -> Result<(), StoreError> {
        if self.disk.exists(place)? {
            return Err(StoreError::InTheWay(place.display().to_string()));
        }
        let path = self.staged(place)?;
        if self.disk.hard_link(from, &path).is_err() {
            let mut source = self.disk.open_read(from)?;
            let mut copy = self.disk.create_new(&path)?;
            let mut buffer = vec![0; 1 << 20];
            loop {
                let got = source.read(&mut buffer).map_err(|error| DiskError::new("read", from, error))?;
                match buffer.get(..got) {
                    Some(bytes) if got > 0 => copy.put(bytes)?,
                    _ => break,
                }
            }
        }
        self.written().push(path);
        Ok(())
    }

    /// Where the file that will belong at `place` lies meanwhile.
    pub fn path_of(&self, place: &Path) -> Result<PathBuf, StoreError> {
        self.staged(place)
    }

    /// The session's journal of new headers; there is one at a time.
    pub fn create_journal(&self) -> Result<Box<dyn DiskFile>, StoreError> {
        let path = self.layout.session_journal(self.session);
        let file = self.disk.create_new(&path)?;
        self.written().push(path);
        Ok(file)
    }

    /// Removes the journal, if there is one, once its headers stand in their places.
    pub fn discard_journal(&self) -> Result<(), StoreError> {
        match self.disk.remove_file(&self.layout.session_journal(self.session)) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Throws a staged file away, if it was made.
    pub fn discard(&self, place: &Path) -> Result<(), StoreError> {
        let path = self.staged(place)?;
        self.written().retain(|known| *known != path);
        match self.disk.remove_file(&path) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Sees everything staged since the last call onto the disk.
    pub fn sync(&self) -> Result<(), StoreError> {
        let folder = self.layout.session(self.session);
        let written = std::mem::take(&mut *self.written());
        if written.len() > FEW {
            self.disk.sync_filesystem(&folder)?;
        } else {
            for path in &written {
                self.disk.open_write(path)?.sync_data()?;
            }
            self.disk.sync_dir(&folder)?;
            self.disk.sync_dir(&self.layout.staging())?;
        }
        Ok(())
    }

    /// From here on the folder may hold what is recorded; only the next start, which reads the log, may sweep it.
    pub fn keep(&self) {
        self.keep.store(true, Ordering::Relaxed);
    }

    /// What was kept has been published; the rest is rubbish again.
    pub fn release(&self) {
        self.keep.store(false, Ordering::Relaxed);
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.keep.load(Ordering::Relaxed) {
            // What cannot be removed now is swept at the next start.
            let _ = remove_folder(&*self.disk, &self.layout.session(self.session));
        }
    }
}

/// Puts staged files into their places: what is in `documents`, `roster` and `keys` is there because an entry
/// says so. A file that is in its place already was put there before a kill.
pub fn publish(
    disk: &dyn Disk,
    layout: &Layout,
    session: SessionId,
    places: &[PathBuf],
    _recorded: &Recorded,
) -> Result<(), StoreError> {
    let from = layout.session(session);
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for place in places {
        let name =
            layout.staged_name(place).ok_or_else(|| StoreError::Missing(place.display().to_string()))?;
        let Some(folder) = place.parent() else { continue };
        if !folders.contains(folder) {
            make_folders(disk, layout.root(), folder)?;
            folders.insert(folder.to_owned());
        }
        let staged = from.join(name);
        match disk.rename_noreplace(&staged, place) {
            Ok(()) => {}
            Err(error) if error.is_not_found() && disk.exists(place)? => {}
            // A stop between the two names of a rename leaves both.
            Err(error) if error.is_exists() && is_same(disk, &staged, place)? => disk.remove_file(&staged)?,
            Err(error) => return Err(error.into()),
        }
    }
    if folders.len() > FEW {
        disk.sync_filesystem(layout.root())?;
    } else {
        for folder in &folders {
            disk.sync_dir(folder)?;
        }
    }
    Ok(())
}

/// Whether two files have the same content.
fn is_same(disk: &dyn Disk, one: &Path, other: &Path) -> Result<bool, StoreError> {
    let (mut one_file, mut other_file) = (disk.open_read(one)?, disk.open_read(other)?);
    if one_file.size()? != other_file.size()? {
        return Ok(false);
    }
    let failed = |error| DiskError::new("read", one, error);
    let (mut one_bytes, mut other_bytes) = (BufReader::new(&mut one_file), BufReader::new(&mut other_file));
    loop {
        let (left, right) = (one_bytes.fill_buf().map_err(failed)?, other_bytes.fill_buf().map_err(failed)?);
        let len = left.len().min(right.len());
        if left.get(..len) != right.get(..len) {
            return Ok(false);
        }
        if len == 0 {
            return Ok(left.len() == right.len());
        }
        one_bytes.consume(len);
        other_bytes.consume(len);
    }
}

/// Makes a folder and those above it, up to the vault's own; each is on the disk before the next.
pub fn make_folders(disk: &dyn Disk, root: &Path, folder: &Path) -> Result<(), StoreError> {
    if folder == root || disk.exists(folder)? {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folders(disk, root, parent)?;
        disk.create_dir(folder)?;
        disk.sync_dir(parent)?;
    }
    Ok(())
}

/// Every session folder that is there, and the places that its files belong at.
pub fn sessions(disk: &dyn Disk, layout: &Layout) -> Result<Vec<(SessionId, Vec<PathBuf>)>, StoreError> {
    let mut found = Vec::new();
    for name in list(disk, &layout.staging())? {
        let Ok(session) = name.parse::<SessionId>() else { continue };
        let files = list(disk, &layout.session(session))?;
        found.push((session, files.iter().filter_map(|file| layout.place_of(file)).collect()));
    }
    Ok(found)
}

fn list(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, StoreError> {
    let names = match disk.list_dir(folder) {
        Ok(names) => names,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
}

/// Whether the session that made this folder is dead: nobody holds its lock.
pub fn is_dead(layout: &Layout, session: SessionId) -> bool {
    match File::open(layout.session_lock(session)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(_) => true,
    }
}

/// Removes the folders of dead sessions; how many there were.
pub fn sweep(disk: &dyn Disk, layout: &Layout) -> Result<u64, StoreError> {
    let mut swept = 0;
    for (session, _) in sessions(disk, layout)? {
        if is_dead(layout, session) {
            remove_folder(disk, &layout.session(session))?;
            swept += 1;
        }
    }
    Ok(swept)
}

fn remove_folder(disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
    for name in disk.list_dir(folder)? {
        disk.remove_file(&folder.join(name))?;
    }
    Ok(disk.remove_dir(folder)?)
}
