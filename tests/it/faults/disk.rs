//! A disk that ends the process, fails, or forgets what was not synced, at the n-th call that changes or syncs
//! something.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use gapvault::store::disk::{Disk, DiskError, DiskFile, OsDisk};
use gapvault::store::medium::{Space, space};
use rustix::process::{Signal, getpid, kill_process};

use super::journal::{Inode, Journal};

/// What happens at the n-th call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The process is killed; what was being written is there by half.
    Kill,
    /// The power fails: everything not synced is forgotten.
    PowerLoss,
    /// The power fails, and names came onto the disk before contents: contents not synced are forgotten.
    ContentLoss,
    /// The disk is full from here on: by half when writing; removing works.
    Full,
    /// Every call fails from here on.
    Broken,
    /// The n-th sync fails, once, and what it should have made safe never will be.
    SyncFails,
    /// The same, and somebody goes on working with what the cache still shows before the power fails.
    SyncFailsUnseen,
    /// The process is killed, somebody goes on working with what the cache still shows, then the power fails.
    KillUnseen,
}

impl Mode {
    pub(crate) const ALL: [Self; 8] = [
        Self::Kill,
        Self::PowerLoss,
        Self::ContentLoss,
        Self::Full,
        Self::Broken,
        Self::SyncFails,
        Self::SyncFailsUnseen,
        Self::KillUnseen,
    ];

    /// Whether the process that this mode strikes is gone afterwards.
    pub(crate) fn kills(self) -> bool {
        matches!(self, Self::Kill | Self::PowerLoss)
    }

    /// Whether the power fails at the latest when all is done.
    pub(crate) fn forgets(self) -> bool {
        !matches!(self, Self::Kill | Self::Full | Self::Broken)
    }

    /// Whether somebody works on before the power fails.
    pub(crate) fn unseen(self) -> bool {
        matches!(self, Self::SyncFailsUnseen | Self::KillUnseen)
    }

    pub(crate) fn counts_syncs_only(self) -> bool {
        matches!(self, Self::SyncFails | Self::SyncFailsUnseen)
    }

    pub(crate) fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|mode| format!("{mode:?}") == name).unwrap()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Change,
    Remove,
    Sync,
}

struct State {
    mode: Mode,
    at: u64,
    calls: u64,
    fired: bool,
    journal: Journal,
    /// What is free; as much as there is where nothing is said.
    free: Option<u64>,
}

/// The double.
#[derive(Clone)]
pub(crate) struct FaultDisk(Arc<Mutex<State>>);

/// Ends this process as nothing can catch it.
pub(crate) fn die() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}

const NO_SPACE: i32 = 28;
const IO: i32 = 5;

impl FaultDisk {
    /// Counts from 1. `attic` is a folder of its own beside what is written.
    pub(crate) fn new(mode: Mode, at: u64, attic: PathBuf) -> Self {
        let journal = Journal::new(attic);
        Self(Arc::new(Mutex::new(State { mode, at, calls: 0, fired: false, journal, free: None })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn fired(&self) -> bool {
        self.state().fired
    }

    /// Calls that were counted.
    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// A sync failed. In a killed process it was never tried.
    fn doom(&self, inode: Option<&Inode>) {
        let mut state = self.state();
        if state.mode.counts_syncs_only() {
            state.journal.doom(inode);
        }
    }

    /// Nothing strikes any more.
    pub(crate) fn heal(&self) {
        self.state().at = u64::MAX;
    }

    /// Says from now on that so many bytes are free.
    pub(crate) fn limit(&self, free: u64) {
        self.state().free = Some(free);
    }

    /// The power fails now.
    pub(crate) fn lose(&self) {
        let mut state = self.state();
        let names = state.mode != Mode::ContentLoss;
        state.journal.lose(names);
    }

    /// Counts a call. With bytes to write, `half` writes the first half of them.
    fn step(&self, kind: Kind, half: impl FnOnce()) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if state.mode.counts_syncs_only() && kind != Kind::Sync {
            return Ok(state);
        }
        state.calls += 1;
        let reached = state.calls >= state.at;
        let failing = match state.mode {
            Mode::Full => reached && kind == Kind::Change,
            // A killed process does nothing more, whatever it tries.
            Mode::Broken | Mode::KillUnseen | Mode::ContentLoss => reached,
            _ => state.calls == state.at,
        };
        if !failing {
            return Ok(state);
        }
        state.fired = true;
        match state.mode {
            Mode::Kill => {
                half();
                die()
            }
            Mode::PowerLoss => {
                state.journal.lose(true);
                die()
            }
            Mode::Full => {
                half();
                Err(io::Error::from_raw_os_error(NO_SPACE))
            }
            Mode::KillUnseen | Mode::ContentLoss => {
                half();
                Err(io::Error::from_raw_os_error(IO))
            }
            Mode::Broken | Mode::SyncFails | Mode::SyncFailsUnseen => Err(io::Error::from_raw_os_error(IO)),
        }
    }

    fn named(
        &self,
        kind: Kind,
        operation: &'static str,
        path: &Path,
    ) -> Result<MutexGuard<'_, State>, DiskError> {
        self.step(kind, || ()).map_err(|error| DiskError::new(operation, path, error))
    }

    fn wrap(&self, inner: Box<dyn DiskFile>, path: &Path, append: bool) -> Box<dyn DiskFile> {
        let path = path.to_owned();
        Box::new(FaultFile { inner, disk: self.clone(), inode: Inode::of(&path), path, at: 0, append })
    }
}

struct FaultFile {
    inner: Box<dyn DiskFile>,
    disk: FaultDisk,
    inode: Inode,
    path: PathBuf,
    at: u64,
    append: bool,
}

impl FaultFile {
    fn failed(&self, operation: &'static str) -> impl Fn(io::Error) -> DiskError + use<> {
        let path = self.path.clone();
        move |error| DiskError::new(operation, &path, error)
    }

    fn write_counted(&mut self, bytes: &[u8]) -> io::Result<()> {
        let at = if self.append { self.inode.len() } else { self.at };
        let inner = &mut self.inner;
        let half = || {
            let _ = inner.write_all(&bytes[..bytes.len() / 2]);
        };
        let disk = self.disk.clone();
        let mut state = disk.step(Kind::Change, half)?;
        let end = at + bytes.len() as u64;
        state.journal.writing(&self.inode, at, end);
        self.inner.write_all(bytes)?;
        self.at = end;
        Ok(())
    }
}

impl Read for FaultFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Write for FaultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_counted(bytes)?;
        Ok(bytes.len())
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
        self.at = at;
        self.inner.seek(at)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let failed = self.failed("write");
        self.write_counted(bytes).map_err(failed)
    }

    fn sync_data(&mut self) -> Result<(), DiskError> {
        let disk = self.disk.clone();
        match disk.step(Kind::Sync, || ()) {
            Ok(mut state) => {
                self.inner.sync_data()?;
                state.journal.synced_data(&self.inode);
                Ok(())
            }
            Err(error) => {
                disk.doom(Some(&self.inode));
                Err(self.failed("sync")(error))
            }
        }
    }

    fn set_size(&mut self, len: u64) -> Result<(), DiskError> {
        let disk = self.disk.clone();
        let mut state = disk.named(Kind::Remove, "shorten", &self.path)?;
        state.journal.cutting(&self.inode, len);
        self.inner.set_size(len)
    }
}

impl Disk for FaultDisk {
    fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let mut state = self.named(Kind::Change, "create", path)?;
        let file = OsDisk.create_new(path)?;
        state.journal.created(path);
        drop(state);
        Ok(self.wrap(file, path, false))
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        OsDisk.open_read(path)
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        drop(self.named(Kind::Change, "write", path)?);
        Ok(self.wrap(OsDisk.open_write(path)?, path, false))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let mut state = self.named(Kind::Change, "write", path)?;
        let fresh = !path.exists();
        let file = OsDisk.append(path)?;
        if fresh {
            state.journal.created(path);
        }
        drop(state);
        Ok(self.wrap(file, path, true))
    }

    fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.named(Kind::Change, "create", path)?;
        OsDisk.create_dir(path)?;
        state.journal.made_dir(path);
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let mut state = self.named(Kind::Change, "name", from)?;
        OsDisk.hard_link(from, to)?;
        state.journal.created(to);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let mut state = self.named(Kind::Change, "move", from)?;
        state.journal.renaming(from, to);
        OsDisk.rename(from, to).inspect_err(|_| state.journal.withdraw())
    }

    fn rename_noreplace(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let mut state = self.named(Kind::Change, "move", from)?;
        OsDisk.rename_noreplace(from, to)?;
        state.journal.renamed(from, to);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.named(Kind::Remove, "remove", path)?;
        state.journal.removing(path);
        OsDisk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.named(Kind::Remove, "remove", path)?;
        OsDisk.remove_dir(path)?;
        state.journal.removed_dir(path);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.named(Kind::Sync, "sync", path)?;
        OsDisk.sync_dir(path)?;
        state.journal.synced_dir(path);
        Ok(())
    }

    fn sync_filesystem(&self, path: &Path) -> Result<(), DiskError> {
        match self.named(Kind::Sync, "sync", path) {
            // The real one would wait for every other program's writes.
            Ok(mut state) => {
                state.journal.synced_filesystem(path);
                Ok(())
            }
            Err(error) => {
                self.doom(None);
                Err(error)
            }
        }
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let free = self.state().free;
        let real = space(path)?;
        Ok(Space { free: free.unwrap_or(real.free), ..real })
    }

    fn mark(&self, what: &'static str) -> Result<(), DiskError> {
        self.named(Kind::Change, what, Path::new("mark")).map(drop)
    }
}
