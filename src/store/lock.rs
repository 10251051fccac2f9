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

/// Longest text of a holder that is shown.
const HOLDER_LIMIT: u64 = 200;
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct VaultLock {
    _file: File,
}

impl VaultLock {
    /// Takes the lock, waiting up to `wait`; `on_wait` is called once with the holder's text when there is a wait.
    pub fn take(path: &Path, wait: Duration, on_wait: &dyn Fn(&str)) -> Result<Self, LockError> {
        // A vault on a read-only medium can still be locked for reading.
        let mut file = match os::open_regular(path, true) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
                ) =>
            {
                os::open_regular(path, false).map_err(LockError::Io)?
            }
            other => other.map_err(LockError::Io)?,
        };
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = holder(&mut file);
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
        // Only for the message of those who wait; the lock itself is the operating system's.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(format!("process {}", std::process::id()).as_bytes()));
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(HOLDER_LIMIT).read_to_string(&mut text));
    if read.is_ok() { text } else { String::new() }
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
        assert!(VaultLock::take(&folder.path().join("none"), Duration::ZERO, &|_| ()).is_err());
    }
}
