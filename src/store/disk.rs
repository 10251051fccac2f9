//! The one small interface through which the store touches the disk where durability matters.
//!
//! Everything that is created has mode 0600 (folders 0700) from the first moment. Nothing here follows a
//! symlink at the end of a path, and only regular files are read. Tests put a double in the place of [`OsDisk`]
//! that ends the process, fails, or forgets what was not synced, at any call.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::medium::{self, Space};
use super::os;

/// The disk refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {path:?}")]
pub struct DiskError {
    path: PathBuf,
    operation: &'static str,
    source: io::Error,
}

impl DiskError {
    /// A refusal of `operation` on `path`.
    pub fn new(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), operation, source }
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the operating system said.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// It is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }

    /// Something is there already.
    pub fn is_exists(&self) -> bool {
        self.kind() == io::ErrorKind::AlreadyExists
    }

    /// No room is left.
    pub fn is_full(&self) -> bool {
        matches!(self.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// The medium is read-only.
    pub fn is_read_only(&self) -> bool {
        self.kind() == io::ErrorKind::ReadOnlyFilesystem
    }

    /// What is there is not a regular file, or longer than it can be.
    pub fn is_wrong_kind(&self) -> bool {
        matches!(
            self.kind(),
            io::ErrorKind::InvalidInput
                | io::ErrorKind::FileTooLarge
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::NotADirectory
        )
    }
}

type Result<T> = std::result::Result<T, DiskError>;

/// An open file. Writes go where the file's own position is.
pub trait DiskFile: Read + Write + Send {
    /// How long the file is now.
    fn size(&mut self) -> Result<u64>;
    /// Goes back to the beginning.
    fn rewind(&mut self) -> Result<()> {
        self.seek(0)
    }
    /// Goes to a place.
    fn seek(&mut self, at: u64) -> Result<()>;
    /// Writes all of it.
    fn put(&mut self, bytes: &[u8]) -> Result<()>;
    /// Sees content and length onto the disk.
    fn sync_data(&mut self) -> Result<()>;
    /// Cuts the file off at a length.
    fn set_size(&mut self, len: u64) -> Result<()>;
}

/// An open file that several threads read at places of their own.
#[allow(clippy::len_without_is_empty)]
pub trait ReadAt: Send + Sync {
    /// How long it is.
    fn len(&self) -> io::Result<u64>;
    /// Reads what is at a place; as many bytes as there are, up to the length of `out`.
    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for File {
    fn len(&self) -> io::Result<u64> {
        self.metadata().map(|data| data.len())
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let mut got = 0;
        while let Some(rest) = out.get_mut(got..).filter(|rest| !rest.is_empty()) {
            match std::os::unix::fs::FileExt::read_at(self, rest, at + got as u64) {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(got)
    }
}

/// A file system.
pub trait Disk: Send + Sync {
    /// A new file for writing; one that exists is an error.
    fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>>;
    /// An existing regular file for reading.
    fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>>;
    /// An existing regular file for overwriting in place.
    fn open_write(&self, path: &Path) -> Result<Box<dyn DiskFile>>;
    /// A file to write at the end of, made where there is none.
    fn append(&self, path: &Path) -> Result<Box<dyn DiskFile>>;
    /// A new folder; the one above must exist.
    fn create_dir(&self, path: &Path) -> Result<()>;
    /// A second name for a file, where nothing is.
    fn hard_link(&self, from: &Path, to: &Path) -> Result<()>;
    /// Moves a file over whatever is at `to`.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;
    /// Moves a file to where nothing is.
    fn rename_noreplace(&self, from: &Path, to: &Path) -> Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> Result<()>;
    /// Removes an empty folder.
    fn remove_dir(&self, path: &Path) -> Result<()>;
    /// Sees a folder's names onto the disk.
    fn sync_dir(&self, path: &Path) -> Result<()>;
    /// Sees everything on the file system of `path` onto the disk.
    fn sync_filesystem(&self, path: &Path) -> Result<()>;
    /// Counts as one call for something that happens elsewhere, such as a transaction of the index.
    fn mark(&self, what: &'static str) -> Result<()>;

    /// What the file system of a folder can take.
    ///
    /// # Errors
    /// What the operating system says.
    fn space(&self, path: &Path) -> io::Result<Space> {
        medium::space(path)
    }

    /// Whether anything is at `path`.
    fn exists(&self, path: &Path) -> Result<bool> {
        match std::fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(DiskError::new("look at", path, error)),
        }
    }

    /// An existing regular file, to be read at places.
    fn open_at(&self, path: &Path) -> Result<Box<dyn ReadAt>> {
        let file = os::open_regular(path, false).map_err(|error| DiskError::new("read", path, error))?;
        Ok(Box::new(file))
    }

    /// The whole of a regular file of at most `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        let mut file = self.open_read(path)?;
        let size = file.size()?;
        if size > limit {
            return Err(DiskError::new("read", path, io::ErrorKind::FileTooLarge.into()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        // The file may have grown since; the bound holds all the same.
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| DiskError::new("read", path, error))?;
        if bytes.len() as u64 > limit {
            return Err(DiskError::new("read", path, io::ErrorKind::FileTooLarge.into()));
        }
        Ok(bytes)
    }

    /// The last bytes of a regular file, at most `len`.
    fn read_end(&self, path: &Path, len: u64) -> Result<Vec<u8>> {
        let failed = |error| DiskError::new("read", path, error);
        let mut file = os::open_regular(path, false).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(len))).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(len).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// The names in a folder, sorted.
    fn list_dir(&self, path: &Path) -> Result<Vec<OsString>> {
        let failed = |error| DiskError::new("list", path, error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name());
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// The operating system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

struct OsFile {
    file: File,
    path: PathBuf,
}

impl OsFile {
    fn boxed(file: File, path: &Path) -> Box<dyn DiskFile> {
        Box::new(Self { file, path: path.to_owned() })
    }

    fn failed(&self, operation: &'static str) -> impl Fn(io::Error) -> DiskError + '_ {
        move |error| DiskError::new(operation, &self.path, error)
    }
}

impl Read for OsFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }
}

impl Write for OsFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for OsFile {
    fn size(&mut self) -> Result<u64> {
        self.file.metadata().map(|data| data.len()).map_err(self.failed("look at"))
    }

    fn seek(&mut self, at: u64) -> Result<()> {
        let done = self.file.seek(SeekFrom::Start(at)).map(|_| ());
        done.map_err(self.failed("read"))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let done = self.file.write_all(bytes);
        done.map_err(self.failed("write"))
    }

    fn sync_data(&mut self) -> Result<()> {
        self.file.sync_data().map_err(self.failed("sync"))
    }

    fn set_size(&mut self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(self.failed("shorten"))
    }
}

impl Disk for OsDisk {
    fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        let file = os::create_private(path).map_err(|error| DiskError::new("create", path, error))?;
        Ok(OsFile::boxed(file, path))
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        let file = os::open_regular(path, false).map_err(|error| DiskError::new("read", path, error))?;
        Ok(OsFile::boxed(file, path))
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        let file = os::open_regular(path, true).map_err(|error| DiskError::new("write", path, error))?;
        Ok(OsFile::boxed(file, path))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        let file = os::append_private(path).map_err(|error| DiskError::new("write", path, error))?;
        Ok(OsFile::boxed(file, path))
    }

    fn create_dir(&self, path: &Path) -> Result<()> {
        os::create_private_dir(path).map_err(|error| DiskError::new("create", path, error))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        std::fs::hard_link(from, to).map_err(|error| DiskError::new("name", from, error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        std::fs::rename(from, to).map_err(|error| DiskError::new("move", from, error))
    }

    fn rename_noreplace(&self, from: &Path, to: &Path) -> Result<()> {
        os::rename_noreplace(from, to).map_err(|error| DiskError::new("move", from, error))
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        std::fs::remove_file(path).map_err(|error| DiskError::new("remove", path, error))
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        std::fs::remove_dir(path).map_err(|error| DiskError::new("remove", path, error))
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        os::sync_dir(path).map_err(|error| DiskError::new("sync", path, error))
    }

    fn sync_filesystem(&self, path: &Path) -> Result<()> {
        os::sync_filesystem(path).map_err(|error| DiskError::new("sync", path, error))
    }

    fn mark(&self, _what: &'static str) -> Result<()> {
        Ok(())
    }
}

/// Up to this many files are synced one by one; more are synced with their whole file system.
const FEW: usize = 8;
const NEW: &str = ".new";

/// The folder that a path is in; that of a bare name is the current one, which has no name in `parent`.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(NEW);
    path.with_file_name(name)
}

/// Puts `bytes` at `path`: written beside it, synced, moved over it, and the folder synced. Whoever looks finds the
/// old content or the new, never a part.
pub fn write_durably(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<()> {
    write_many_durably(disk, &[(path.to_owned(), bytes.to_vec())])
}

/// The same for several files, in their order; folders that are missing are made.
pub fn write_many_durably(disk: &dyn Disk, files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    let few = files.len() <= FEW;
    let mut folders: Vec<&Path> = Vec::new();
    for (path, bytes) in files {
        let folder = folder_of(path);
        if !folders.contains(&folder) {
            make_dirs(disk, folder)?;
            folders.push(folder);
        }
        let new = beside(path);
        // One left by a kill was never moved to its place, so nobody counts on it.
        if disk.exists(&new)? {
            disk.remove_file(&new)?;
        }
        let mut file = disk.create_new(&new)?;
        file.put(bytes)?;
        if few {
            file.sync_data()?;
        }
    }
    let Some(first) = folders.first() else { return Ok(()) };
    if !few {
        disk.sync_filesystem(first)?;
    }
    for (path, _) in files {
        disk.rename(&beside(path), path)?;
    }
    for folder in &folders {
        disk.sync_dir(folder)?;
    }
    Ok(())
}

/// Adds `bytes` to the end of a file and sees them onto the disk; where there was no file, its name too.
pub fn append_durably(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<()> {
    let fresh = !disk.exists(path)?;
    let mut file = disk.append(path)?;
    file.put(bytes)?;
    file.sync_data()?;
    if fresh { disk.sync_dir(folder_of(path)) } else { Ok(()) }
}

/// Makes a folder and those above it, each on the disk before the next.
pub(super) fn make_dirs(disk: &dyn Disk, folder: &Path) -> Result<()> {
    if disk.exists(folder)? {
        return Ok(());
    }
    let parent = folder_of(folder);
    make_dirs(disk, parent)?;
    match disk.create_dir(folder) {
        // Another process, at work on another vault, can share the folders above.
        Err(error) if error.is_exists() => {}
        other => other?,
    }
    disk.sync_dir(parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn everything_that_is_made_is_private() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        OsDisk.create_new(&at("new")).unwrap();
        OsDisk.append(&at("appended")).unwrap();
        OsDisk.create_dir(&at("folder")).unwrap();
        write_durably(&OsDisk, &at("deep/er/file"), b"x").unwrap();
        for file in ["new", "appended", "deep/er/file"] {
            assert_eq!(mode(&at(file)), 0o600, "{file}");
        }
        for folder in ["folder", "deep", "deep/er"] {
            assert_eq!(mode(&at(folder)), 0o700, "{folder}");
        }
    }

    #[test]
    fn nothing_is_made_over_what_is_there() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        symlink(at("outside"), at("link")).unwrap();
        std::fs::write(at("file"), b"x").unwrap();
        for name in ["link", "file"] {
            assert!(OsDisk.create_new(&at(name)).is_err_and(|error| error.is_exists()), "{name}");
            assert!(OsDisk.create_dir(&at(name)).is_err_and(|error| error.is_exists()), "{name}");
            std::fs::write(at("from"), b"y").unwrap();
            assert!(OsDisk.rename_noreplace(&at("from"), &at(name)).is_err_and(|error| error.is_exists()));
        }
        assert!(OsDisk.append(&at("link")).is_err_and(|error| error.is_wrong_kind()));
        assert!(!at("outside").exists());
        assert_eq!(std::fs::read(at("file")).unwrap(), b"x");
    }

    #[test]
    fn only_regular_files_are_read_or_overwritten_and_nothing_waits() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        std::fs::write(at("file"), b"x").unwrap();
        symlink(at("file"), at("link")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        os::make_fifo(&at("fifo"));
        std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let device = PathBuf::from("/dev/zero");
        for bad in [at("link"), at("folder"), at("fifo"), at("socket"), device, at("file/beneath")] {
            let read = OsDisk.read(&bad, 100).unwrap_err();
            assert!(read.is_wrong_kind(), "{bad:?}: {read:?}");
            let write = OsDisk.open_write(&bad).err();
            assert!(write.is_some_and(|error| error.is_wrong_kind()), "{bad:?}");
            let append = OsDisk.append(&bad).err();
            assert!(append.is_some_and(|error| error.is_wrong_kind()), "{bad:?}");
        }
        assert!(OsDisk.read(&at("none"), 100).unwrap_err().is_not_found());
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_and_not_beyond() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("file");
        for (len, limit, fits) in [(0, 0, true), (1, 0, false), (10, 10, true), (11, 10, false)] {
            std::fs::write(&path, vec![7; len]).unwrap();
            match OsDisk.read(&path, limit) {
                Ok(bytes) => assert!(fits && bytes == vec![7; len], "{len}"),
                Err(error) => assert!(!fits && error.is_wrong_kind(), "{len}"),
            }
            let end = OsDisk.read_end(&path, limit).unwrap();
            assert_eq!(end.len() as u64, limit.min(len as u64));
        }
        // It has no size until it is read, and no end.
        assert!(OsDisk.read(Path::new("/proc/self/maps"), 100).unwrap_err().is_wrong_kind());
    }

    #[test]
    fn what_an_earlier_kill_left_beside_is_replaced() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("file");
        std::fs::write(beside(&path), b"half of a lon").unwrap();
        write_durably(&OsDisk, &path, b"whole").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(OsDisk.list_dir(top.path()).unwrap(), ["file"]);
    }

    #[test]
    fn names_in_an_error_are_escaped() {
        let error = OsDisk.read(Path::new("/none/\u{1b}[2J"), 1).unwrap_err();
        assert_eq!(error.to_string(), "cannot read \"/none/\\u{1b}[2J\"");
        assert_eq!(folder_of(Path::new("bare")), Path::new("."));
    }
}
