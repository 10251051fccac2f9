//! A disk that fails on purpose at a chosen call: it ends the process, forgets what was not synced, or refuses.
//!
//! Calls that change something are counted from 1: a creation, a write, a rename, a removal, a sync, a `mark`.
//! Reading is not counted, since dying at a read leaves what dying at the next change leaves.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use gapvault::store::disk::{Disk, DiskError, DiskFile, OsDisk};
use rustix::io::Errno;

use super::undo::{Id, Lost, Unsynced, hold};

/// How the disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The process is killed before the call.
    Die,
    /// The process is killed in the call, which is half done if it is a write.
    Tear,
    /// The power goes before the call.
    PowerLoss(Lost),
    /// No room: half of a write is done, the rest refused; with `true` for good.
    Full(bool),
    /// The call and, with `true`, all later ones are refused and change nothing.
    Broken(bool),
    /// A sync is refused, and what it should have saved is lost.
    SyncFails,
}

/// A way to fail, and the call: the first one at or after it that can fail so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) mode: Mode,
    pub(crate) at: u64,
}

/// What kind of change a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Create,
    Write,
    Name,
    Sync,
    Mark,
}

impl Mode {
    fn can_strike(self, call: Call) -> bool {
        match self {
            Self::Die | Self::Tear | Self::PowerLoss(_) | Self::Broken(_) => true,
            Self::Full(_) => call != Call::Name,
            Self::SyncFails => call == Call::Sync,
        }
    }

    fn is_for_good(self) -> bool {
        matches!(self, Self::Full(true) | Self::Broken(true))
    }
}

/// What to do with a call.
enum Verdict {
    Go,
    /// Do half of it, then refuse.
    Half(io::Error),
    /// Do half of it, then die.
    HalfThenDie,
    /// Refuse.
    No(io::Error),
    /// Refuse, and forget what the sync was for.
    Forget(io::Error),
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    calls: u64,
    struck: bool,
    unsynced: Unsynced,
}

/// The operating system's disk, with one fault.
#[derive(Clone, Default)]
pub(crate) struct FaultDisk(Arc<Mutex<State>>);

impl FaultDisk {
    /// A disk that fails once, or never.
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self(Arc::new(Mutex::new(State { fault, ..State::default() })))
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Whether the fault was met.
    pub(crate) fn has_struck(&self) -> bool {
        self.state().struck
    }

    /// Stops the process now, in the way of the fault.
    pub(crate) fn stop(&self) -> ! {
        let mut state = self.state();
        if let Some(Fault { mode: Mode::PowerLoss(lost), .. }) = state.fault {
            state.unsynced.lose(lost).expect("what was lost can be taken back");
        }
        die()
    }

    /// Whether everything done so far would outlive a power loss.
    pub(crate) fn is_all_synced(&self) -> bool {
        self.state().unsynced.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("a test that fails here failed before")
    }

    fn file(&self, inner: Box<dyn DiskFile>, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let (id, handle) = hold(path).map_err(|error| DiskError::new("hold", path, error))?;
        Ok(Box::new(FaultFile { inner, path: path.to_owned(), id, handle, disk: self.clone() }))
    }

    /// A call that changes what a name stands for.
    fn change(&self, call: Call, path: &Path) -> Result<(), DiskError> {
        let mut state = self.state();
        state.gate(call, path)?;
        state.unsynced.note_name(path);
        Ok(())
    }

    fn moving(
        &self,
        from: &Path,
        to: &Path,
        rename: impl FnOnce() -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        let mut state = self.state();
        state.gate(Call::Name, from)?;
        // A folder goes back as a whole, with all that is in it.
        if from.is_dir() {
            rename()?;
            state.unsynced.moved_folder(from, to);
            return Ok(());
        }
        state.unsynced.note_name(from);
        state.unsynced.note_name(to);
        rename()
    }
}

/// Ends the process as `kill -9` does: nothing is dropped, nothing is flushed.
fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

impl State {
    fn verdict(&mut self, call: Call) -> Verdict {
        self.calls += 1;
        let Some(Fault { mode, at }) = self.fault else { return Verdict::Go };
        let due = self.calls >= at && mode.can_strike(call) && (!self.struck || mode.is_for_good());
        if !due {
            return Verdict::Go;
        }
        self.struck = true;
        match mode {
            Mode::Die => die(),
            Mode::Tear if call == Call::Write => Verdict::HalfThenDie,
            Mode::Tear => die(),
            Mode::PowerLoss(lost) => {
                self.unsynced.lose(lost).expect("what was lost can be taken back");
                die()
            }
            Mode::Full(_) if call == Call::Write => Verdict::Half(Errno::NOSPC.into()),
            Mode::Full(_) => Verdict::No(Errno::NOSPC.into()),
            Mode::Broken(_) => Verdict::No(Errno::IO.into()),
            Mode::SyncFails => Verdict::Forget(Errno::IO.into()),
        }
    }

    /// The verdict on a call that has no half.
    fn gate(&mut self, call: Call, path: &Path) -> Result<(), DiskError> {
        match self.verdict(call) {
            Verdict::Go => Ok(()),
            Verdict::HalfThenDie => die(),
            Verdict::Half(error) | Verdict::No(error) | Verdict::Forget(error) => {
                Err(DiskError::new("change", path, error))
            }
        }
    }
}

/// A file on such a disk.
struct FaultFile {
    inner: Box<dyn DiskFile>,
    path: PathBuf,
    id: Id,
    handle: Arc<File>,
    disk: FaultDisk,
}

impl FaultFile {
    /// Lets `all` or `half` of a write happen.
    fn gated<T>(
        &mut self,
        all: impl FnOnce(&mut dyn DiskFile) -> Result<T, DiskError>,
        half: impl FnOnce(&mut dyn DiskFile) -> Result<(), DiskError>,
    ) -> Result<T, DiskError> {
        let mut state = self.disk.state();
        state.unsynced.note_content(self.id, &self.handle);
        let failed = |error| DiskError::new("write", &self.path, error);
        match state.verdict(Call::Write) {
            Verdict::Go => all(&mut *self.inner),
            Verdict::Half(error) => {
                half(&mut *self.inner)?;
                Err(failed(error))
            }
            Verdict::HalfThenDie => {
                let _ = half(&mut *self.inner);
                die()
            }
            Verdict::No(error) | Verdict::Forget(error) => Err(failed(error)),
        }
    }
}

fn first_half(bytes: &[u8]) -> &[u8] {
    bytes.split_at(bytes.len() / 2).0
}

impl Read for FaultFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into)
    }
}

impl Write for FaultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written =
            self.gated(|file| Ok(file.write(bytes)), |file| file.put(first_half(bytes)).map(|_| ()));
        written.map_err(|error| io::Error::new(error.kind(), error))?
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl DiskFile for FaultFile {
    fn size(&mut self) -> Result<u64, DiskError> {
        self.inner.size()
    }

    fn seek(&mut self, at: u64) -> Result<(), DiskError> {
        self.inner.seek(at)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.gated(|file| file.put(bytes), |file| file.put(first_half(bytes)))
    }

    fn sync_data(&mut self) -> Result<(), DiskError> {
        let mut state = self.disk.state();
        match state.verdict(Call::Sync) {
            Verdict::Go => {
                state.unsynced.keep_content(self.id);
                self.inner.sync_data()
            }
            Verdict::Forget(error) => {
                let lost = state.unsynced.lose_content(self.id);
                Err(DiskError::new("sync", &self.path, lost.err().unwrap_or(error)))
            }
            Verdict::HalfThenDie => die(),
            Verdict::Half(error) | Verdict::No(error) => Err(DiskError::new("sync", &self.path, error)),
        }
    }

    fn set_size(&mut self, len: u64) -> Result<(), DiskError> {
        self.gated(|file| file.set_size(len), |_| Ok(()))
    }
}

impl Disk for FaultDisk {
    fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.change(Call::Create, path)?;
        self.file(OsDisk.create_new(path)?, path)
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        OsDisk.open_read(path)
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.file(OsDisk.open_write(path)?, path)
    }

    fn append(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        if !self.exists(path)? {
            self.change(Call::Create, path)?;
        }
        self.file(OsDisk.append(path)?, path)
    }

    fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.change(Call::Create, path)?;
        OsDisk.create_dir(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.change(Call::Create, to)?;
        OsDisk.hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.moving(from, to, || OsDisk.rename(from, to))
    }

    fn rename_noreplace(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.moving(from, to, || OsDisk.rename_noreplace(from, to))
    }

    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        self.change(Call::Name, path)?;
        OsDisk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.change(Call::Name, path)?;
        OsDisk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.state();
        match state.verdict(Call::Sync) {
            Verdict::Go => {
                state.unsynced.keep_names(path);
                OsDisk.sync_dir(path)
            }
            Verdict::Forget(error) => {
                // File systems write names in one journal: with it goes every name that was not synced,
                // so that a rename is never half undone.
                let lost = state.unsynced.lose(Lost::Names);
                Err(DiskError::new("sync", path, lost.err().unwrap_or(error)))
            }
            Verdict::HalfThenDie => die(),
            Verdict::Half(error) | Verdict::No(error) => Err(DiskError::new("sync", path, error)),
        }
    }

    fn sync_filesystem(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.state();
        match state.verdict(Call::Sync) {
            Verdict::Go => {
                state.unsynced.keep_all();
                OsDisk.sync_filesystem(path)
            }
            Verdict::Forget(error) => {
                let lost = state.unsynced.lose(Lost::All);
                Err(DiskError::new("sync", path, lost.err().unwrap_or(error)))
            }
            Verdict::HalfThenDie => die(),
            Verdict::Half(error) | Verdict::No(error) => Err(DiskError::new("sync", path, error)),
        }
    }

    fn mark(&self, what: &'static str) -> Result<(), DiskError> {
        self.state().gate(Call::Mark, Path::new(what))
    }

    fn list_dir(&self, path: &Path) -> Result<Vec<OsString>, DiskError> {
        OsDisk.list_dir(path)
    }
}
