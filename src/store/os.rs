//! What only an operating system knows: private files, files without a name, folders synced.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::document::ModifiedAt;

/// A new file that nobody else may read.
pub fn create_private(path: &Path) -> io::Result<File> {
    File::options().write(true).read(true).create_new(true).mode(0o600).open(path)
}

/// A file to append to, private from its first moment.
pub fn append_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.append(true).read(true).create(true).mode(0o600);
    regular(options.custom_flags(no_follow()).open(path))
}

/// A new folder that nobody else may look into.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::mkdir(path, Mode::RWXU)?)
}

fn no_follow() -> i32 {
    // NONBLOCK so that opening a FIFO comes back at once; it does nothing to a regular file.
    (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed()
}

/// An existing regular file; symlinks, FIFOs, devices and folders are refused without waiting on them.
pub fn open_regular(path: &Path, write: bool) -> io::Result<File> {
    regular(File::options().read(true).write(write).custom_flags(no_follow()).open(path))
}

fn regular(opened: io::Result<File>) -> io::Result<File> {
    // The system's words for a symlink, a socket and a device without a driver have no stable names in the
    // standard library.
    const NOT_FILES: [Errno; 3] = [Errno::LOOP, Errno::NXIO, Errno::NODEV];
    let not_a_file = || Err(io::ErrorKind::InvalidInput.into());
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(file),
        Ok(_) => not_a_file(),
        Err(error) if NOT_FILES.iter().any(|not| error.raw_os_error() == Some(not.raw_os_error())) => {
            not_a_file()
        }
        Err(error) => Err(error),
    }
}

/// Whether an open file is what is at `path` now.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(there) => Ok((open.dev(), open.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Moves a file to where nothing is.
pub fn rename_noreplace(from: &Path, to: &Path) -> io::Result<()> {
    rename_noreplace_at(CWD, from.as_os_str(), CWD, to.as_os_str())
}

fn rename_noreplace_at(from: impl AsFd, name: &OsStr, to: impl AsFd, new_name: &OsStr) -> io::Result<()> {
    match rustix::fs::renameat_with(&from, name, &to, new_name, RenameFlags::NOREPLACE) {
        // A file system that does not know the flag: a hard link refuses an existing name just as well.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            rustix::fs::linkat(&from, name, &to, new_name, AtFlags::empty())?;
            Ok(rustix::fs::unlinkat(&from, name, AtFlags::empty())?)
        }
        other => Ok(other?),
    }
}

/// Sees a folder's names onto the disk.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Sees everything on the file system of `path` onto the disk.
pub fn sync_filesystem(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(path)?)?)
}

/// Whether others than the owner may write to what is at `path`.
pub fn others_can_write(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.mode() & 0o022 != 0)
}

/// Whether others than the owner may read what is at `path`.
pub fn others_can_read(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.mode() & 0o044 != 0)
}

/// What this machine calls itself, in printable ASCII.
pub fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name: String = name.chars().filter(char::is_ascii_graphic).take(64).collect();
    if name.is_empty() { "host".to_owned() } else { name }
}

/// A file's modification time.
pub fn modified(data: &std::fs::Metadata) -> ModifiedAt {
    ModifiedAt { seconds: data.mtime(), nanos: u32::try_from(data.mtime_nsec()).unwrap_or(0) }
}

/// Plaintext on its way to its file: without a name until it is whole, so that a kill leaves nothing.
///
/// Where the file system has no files without names, a hidden private file stands in, removed on drop; a kill
/// can leave that one behind.
#[derive(Debug)]
pub struct PrivateOutput {
    file: File,
    folder: File,
    hidden: Option<OsString>,
}

impl PrivateOutput {
    /// A file in an open folder; `hidden_name` is used where it cannot be without a name.
    pub fn begin(folder: File, hidden_name: &str) -> io::Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::openat(&folder, ".", flags, Mode::RUSR | Mode::WUSR) {
            // It gets its name through /proc, so without one it would never have any.
            Ok(file) if own_name(&file).exists() => Ok(Self { file: file.into(), folder, hidden: None }),
            Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => {
                Self::begin_hidden(folder, hidden_name)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn begin_hidden(folder: File, hidden_name: &str) -> io::Result<Self> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, hidden_name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Self { file: file.into(), folder, hidden: Some(hidden_name.into()) })
    }

    /// The file, to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file its name, if nothing has that name, with the modification time, and sees both onto the disk.
    pub fn publish(mut self, name: &OsStr, modified: Option<ModifiedAt>) -> io::Result<()> {
        if let Some(time) = modified {
            set_modified(&self.file, time)?;
        }
        self.file.sync_all()?;
        match &self.hidden {
            Some(hidden) => {
                rename_noreplace_at(&self.folder, hidden, &self.folder, name)?;
                self.hidden = None;
            }
            None => {
                rustix::fs::linkat(CWD, own_name(&self.file), &self.folder, name, AtFlags::SYMLINK_FOLLOW)?;
            }
        }
        self.folder.sync_all()
    }
}

impl Drop for PrivateOutput {
    fn drop(&mut self) {
        if let Some(hidden) = self.hidden.take() {
            let _ = rustix::fs::unlinkat(&self.folder, hidden, AtFlags::empty());
        }
    }
}

/// The path by which a process finds its own open file.
fn own_name(file: &impl AsRawFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn set_modified(file: &File, time: ModifiedAt) -> io::Result<()> {
    let stamp = rustix::fs::Timespec { tv_sec: time.seconds, tv_nsec: i64::from(time.nanos) };
    let times = rustix::fs::Timestamps { last_access: stamp, last_modification: stamp };
    Ok(rustix::fs::futimens(file, &times)?)
}

/// Opens a folder that the user named.
pub fn open_folder(path: &Path) -> io::Result<File> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let folder = File::open(path)?;
    if folder.metadata()?.is_dir() { Ok(folder) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// Opens the folder of that name beneath an open one, making it where there is none. Symlinks are refused, so
/// nothing planted in the tree leads outside.
pub fn folder_beneath(folder: &File, name: &OsStr) -> io::Result<File> {
    match rustix::fs::mkdirat(folder, name, Mode::RWXU) {
        Ok(()) => folder.sync_all()?,
        Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?.into())
}

/// A FIFO, for tests of what must not wait on one.
#[cfg(test)]
pub(super) fn make_fifo(path: &Path) {
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(CWD, path, fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn output(folder: &Path) -> PrivateOutput {
        PrivateOutput::begin(open_folder(folder).unwrap(), ".hidden").unwrap()
    }

    #[test]
    fn plaintext_has_no_name_until_it_is_published_and_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let mut out = output(folder.path());
        out.file().write_all(b"text").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        out.publish(OsStr::new("a"), Some(ModifiedAt { seconds: 5, nanos: 7 })).unwrap();
        let data = std::fs::metadata(folder.path().join("a")).unwrap();
        assert_eq!((data.mode() & 0o777, data.mtime(), data.mtime_nsec()), (0o600, 5, 7));
        let mut second = output(folder.path());
        second.file().write_all(b"other").unwrap();
        let error = second.publish(OsStr::new("a"), None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"text");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_hidden_file_stands_in_where_none_can_be_without_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let begin = || PrivateOutput::begin_hidden(open_folder(folder.path()).unwrap(), ".hidden");
        let names =
            || crate::store::disk::Disk::list_dir(&crate::store::disk::OsDisk, folder.path()).unwrap();
        let mut out = begin().unwrap();
        out.file().write_all(b"text").unwrap();
        assert_eq!(std::fs::metadata(folder.path().join(".hidden")).unwrap().mode() & 0o777, 0o600);
        out.publish(OsStr::new("a"), None).unwrap();
        assert_eq!(names(), ["a"]);
        let error = begin().unwrap().publish(OsStr::new("a"), None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        drop(begin().unwrap());
        assert_eq!(names(), ["a"]);
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"text");
        std::os::unix::fs::symlink("elsewhere", folder.path().join(".hidden")).unwrap();
        assert!(begin().is_err());
    }

    #[test]
    fn mode_bits_tell_what_others_can_do() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, read, write) in [
            (0o600, false, false),
            (0o640, true, false),
            (0o604, true, false),
            (0o620, false, true),
            (0o602, false, true),
            (0o611, false, false),
            (0o000, false, false),
        ] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(others_can_read(file.path()).unwrap(), read, "{mode:o}");
            assert_eq!(others_can_write(file.path()).unwrap(), write, "{mode:o}");
        }
        assert!(others_can_read(Path::new("/none")).is_err());
    }

    #[test]
    fn a_host_name_is_short_and_plain() {
        let name = host_name();
        assert!((1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn a_planted_symlink_does_not_lead_outside() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("sub")).unwrap();
        let top = open_folder(folder.path()).unwrap();
        assert!(folder_beneath(&top, OsStr::new("sub")).is_err());
        assert!(folder_beneath(&top, OsStr::new("new")).is_ok());
        assert!(folder_beneath(&top, OsStr::new("new")).is_ok());
    }

    #[test]
    fn only_regular_files_are_opened_and_nothing_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), b"x").unwrap();
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        make_fifo(&path("fifo"));
        assert!(open_regular(&path("file"), false).is_ok());
        for bad in ["link", "fifo", "."] {
            assert!(open_regular(&path(bad), false).is_err(), "{bad}");
        }
    }
}
