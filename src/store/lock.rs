//! The vault's own lock: taken before sled is opened, with a wait and a message.
//!
//! The operating system drops it with the process, so a lock of a dead process is no obstacle.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::os;

/// The vault could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it, for longer than we wait.
    #[error("another process holds the vault")]
    Busy {
        /// What the holder wrote about itself.
        holder: String,
    },
    /// The lock file cannot be opened.
    #[error("the lock file cannot be used")]
    Io(#[source] io::Error),
}

/// What a holder writes before its process number.
const HOLDER: &str = "process ";
/// Longest text of a holder that is read.
const HOLDER_LIMIT: u64 = 200;
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct VaultLock {
    file: File,
}

impl VaultLock {
    /// Takes the lock, waiting up to `wait`; `on_wait` is called once with the holder's text when there is a wait.
    ///
    /// Makes the lock file where there is none, as in a vault that was copied without it.
    pub fn take(path: &Path, wait: Duration, on_wait: &dyn Fn(&str)) -> Result<Self, LockError> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            let mut file = open(path).map_err(LockError::Io)?;
            let holder = match file.try_lock() {
                // A lock file that was exchanged in the meantime protects nothing; the one at the path does.
                Ok(()) if !os::is_at(&file, path).map_err(LockError::Io)? => continue,
                Ok(()) => return Ok(Self::signed(file)),
                Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
                Err(TryLockError::WouldBlock) => holder(&mut file),
            };
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(LockError::Busy { holder });
            }
            if !told && start.elapsed() > Duration::from_millis(300) {
                on_wait(&holder);
                told = true;
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Leaves word for those who wait. It is for their message only: on a read-only medium there is none.
    fn signed(mut file: File) -> Self {
        let word = format!("{HOLDER}{}", std::process::id());
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(word.as_bytes()));
        Self { file }
    }
}

impl Drop for VaultLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

fn open(path: &Path) -> io::Result<File> {
    match os::open_regular(path, true) {
        // A vault on a read-only medium can still be locked for reading.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
            ) =>
        {
            os::open_regular(path, false)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => match os::create_private(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => os::open_regular(path, true),
            other => other,
        },
        other => other,
    }
}

/// What the holder wrote; nothing if it is not what a holder writes, since it goes to the screen.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(HOLDER_LIMIT).read_to_string(&mut text));
    let number = text.strip_prefix(HOLDER).and_then(|number| number.parse::<u32>().ok());
    match (read, number) {
        (Ok(_), Some(number)) => format!("{HOLDER}{number}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_second_taker_waits_is_told_and_gives_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        os::create_private(&path).unwrap();
        let first = VaultLock::take(&path, Duration::ZERO, &|_| ()).unwrap();
        let told = Cell::new(false);
        let got = VaultLock::take(&path, Duration::from_millis(400), &|_| told.set(true));
        let Err(LockError::Busy { holder }) = got else { panic!("not busy") };
        assert_eq!(holder, format!("process {}", std::process::id()));
        assert!(told.get());
        drop(first);
        assert!(VaultLock::take(&path, Duration::ZERO, &|_| ()).is_ok());
    }

    #[test]
    fn what_is_not_a_file_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        assert!(VaultLock::take(folder.path(), Duration::ZERO, &|_| ()).is_err());
        assert!(VaultLock::take(&folder.path().join("none/lock"), Duration::ZERO, &|_| ()).is_err());
    }

    #[test]
    fn a_lock_file_that_is_missing_is_made_and_one_that_is_exchanged_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = VaultLock::take(&path, Duration::ZERO, &|_| ()).unwrap();
        std::fs::remove_file(&path).unwrap();
        os::create_private(&path).unwrap();
        assert!(os::is_at(&held.file, &path).is_ok_and(|same| !same));
        let second = VaultLock::take(&path, Duration::ZERO, &|_| ()).unwrap();
        assert!(os::is_at(&second.file, &path).unwrap());
        assert!(VaultLock::take(&path, Duration::ZERO, &|_| ()).is_err());
    }

    #[test]
    fn a_stale_or_strange_word_in_the_file_is_no_obstacle_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::fs::write(&path, "process 1").unwrap();
        let held = VaultLock::take(&path, Duration::ZERO, &|_| ()).unwrap();
        for strange in ["", "process 1\u{1b}[2J", "process -1", "someone", "process 4294967296"] {
            std::fs::write(&path, strange).unwrap();
            let got = VaultLock::take(&path, Duration::ZERO, &|_| ());
            assert!(matches!(got, Err(LockError::Busy { holder }) if holder.is_empty()), "{strange}");
        }
        drop(held);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn a_vault_that_cannot_be_written_is_still_locked() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        let _held = VaultLock::take(&path, Duration::ZERO, &|_| ()).unwrap();
        assert!(matches!(VaultLock::take(&path, Duration::ZERO, &|_| ()), Err(LockError::Busy { .. })));
    }
}
