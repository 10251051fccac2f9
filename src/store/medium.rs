//! A medium that came from elsewhere, and one that is to be written.
//!
//! What lies on a foreign medium is opened beneath its folder by plain names, without symlinks, and only if it is a regular
//! file. What is written goes under temporary names first.

mod device;

pub use device::{Device, device_of};

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RawDir, ResolveFlags};
use rustix::io::Errno;

use super::disk::DiskError;

/// Most names that a folder of a bundle can have: volumes, parity, notes.
const NAMES_LIMIT: usize = 40_000;
/// FAT keeps the length of a file in 32 bits.
pub const FAT_FILE_LIMIT: u64 = u32::MAX as u64;
/// What `statfs` calls FAT.
const FAT_MAGIC: u64 = 0x4d44;

/// The folder of a bundle on a medium, open for reading.
#[derive(Debug)]
pub struct Medium {
    folder: OwnedFd,
    path: PathBuf,
    /// Our name for a file, and its own.
    names: BTreeMap<String, Vec<u8>>,
    /// Names that are nobody's: not text, or the same as another one but for the case.
    strange: Vec<String>,
}

impl Medium {
    /// Opens a folder and reads its names.
    ///
    /// # Errors
    /// What the operating system says; too many names.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        let failed = |error: io::Error| DiskError::new("open", path, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder =
            rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        let mut medium = Self { folder, path: path.to_owned(), names: BTreeMap::new(), strange: Vec::new() };
        medium.read_names().map_err(failed)?;
        Ok(medium)
    }

    fn read_names(&mut self) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(32 * 1024);
        let mut entries = RawDir::new(&self.folder, buffer.spare_capacity_mut());
        let mut found = Vec::new();
        while let Some(entry) = entries.next() {
            let name = entry?.file_name().to_bytes().to_vec();
            if name == b"." || name == b".." {
                continue;
            }
            found.push(name);
            if found.len() > NAMES_LIMIT {
                return Err(io::Error::other("too many files"));
            }
        }
        found.sort_unstable();
        for name in found {
            let ours = std::str::from_utf8(&name).ok().map(canonical);
            match ours {
                Some(ours) if !self.names.contains_key(&ours) => drop(self.names.insert(ours, name)),
                _ => self.strange.push(String::from_utf8_lossy(&name).into_owned()),
            }
        }
        Ok(())
    }

    /// The folder's path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every name, ours where it can be.
    pub fn names(&self) -> Vec<String> {
        self.names.keys().chain(&self.strange).cloned().collect()
    }

    /// Opens a regular file; `None` where there is none.
    pub fn open_file(&self, name: &str) -> Result<Option<File>, DiskError> {
        let failed = |error: io::Error| DiskError::new("read", &self.path.join(name), error);
        let Some(own) = self.names.get(name) else { return Ok(None) };
        let file = match open_beneath(&self.folder, own) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::XDEV) => {
                return Err(failed(io::ErrorKind::InvalidInput.into()));
            }
            Err(error) => return Err(failed(error.into())),
        };
        if file.metadata().map_err(failed)?.is_file() {
            Ok(Some(file))
        } else {
            Err(failed(io::ErrorKind::InvalidInput.into()))
        }
    }

    /// The whole of a file of at most `limit` bytes; `None` where there is none.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
        let failed = |error: io::Error| DiskError::new("read", &self.path.join(name), error);
        let Some(file) = self.open_file(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        Ok(Some(bytes))
    }
}

/// Beneath the folder, through no symlink, onto no other file system. An older kernel has not that call; a name without a
/// slash and without following leads nowhere else either.
fn open_beneath(folder: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    if name.contains(&b'/') {
        return Err(Errno::INVAL);
    }
    match rustix::fs::openat2(folder, name, flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS | Errno::PERM) => rustix::fs::openat(folder, name, flags, Mode::empty()),
        other => other,
    }
}

/// Our own spelling of a name. FAT keeps no case, and some systems show short names in capitals.
fn canonical(name: &str) -> String {
    let slip = ["SLIP.html", "SLIP.txt"].into_iter().find(|slip| slip.eq_ignore_ascii_case(name));
    slip.map_or_else(|| name.to_ascii_lowercase(), str::to_owned)
}

/// What a file system can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that are free.
    pub free: u64,
    /// The longest file, where there is a limit.
    pub longest: Option<u64>,
}

/// What the file system of a folder can take.
pub fn space(path: &Path) -> io::Result<Space> {
    let stat = rustix::fs::statfs(path)?;
    let block = u64::try_from(stat.f_bsize).unwrap_or(0);
    let fat = u64::try_from(stat.f_type).is_ok_and(|kind| kind == FAT_MAGIC);
    Ok(Space { free: stat.f_bavail.saturating_mul(block), longest: fat.then_some(FAT_FILE_LIMIT) })
}

/// Lets the next reading come from the medium and not from the cache, as far as the system goes along.
pub fn drop_cache(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    // Advice: where it is not taken, the bytes that are compared come from the cache.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    Ok(())
}

/// Lets others read what is on a medium: it is encrypted, and the other machine knows other accounts. FAT knows none.
pub fn let_read(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if std::fs::symlink_metadata(path)?.is_dir() { 0o755 } else { 0o644 };
    match std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_beneath_the_folder_are_read() {
        let top = tempfile::tempdir().unwrap();
        let inside = top.path().join("bundle");
        std::fs::create_dir_all(inside.join("v0003")).unwrap();
        std::fs::write(top.path().join("secret"), b"x").unwrap();
        std::fs::write(inside.join("shards"), b"abc").unwrap();
        symlink("../secret", inside.join("v0001")).unwrap();
        symlink("shards", inside.join("v0002")).unwrap();
        super::super::os::make_fifo(&inside.join("v0004"));
        let medium = Medium::open(&inside).unwrap();
        assert_eq!(medium.names(), ["shards", "v0001", "v0002", "v0003", "v0004"]);
        assert_eq!(medium.read("shards", 3).unwrap().unwrap(), b"abc");
        assert!(medium.read("shards", 2).unwrap_err().is_wrong_kind());
        assert!(medium.read("none", 3).unwrap().is_none());
        for bad in ["v0001", "v0002", "v0003", "v0004"] {
            assert!(medium.read(bad, 100).unwrap_err().is_wrong_kind(), "{bad}");
        }
    }

    #[test]
    fn names_are_ours_whatever_case_the_file_system_shows() {
        let top = tempfile::tempdir().unwrap();
        for name in ["V0001", "MANIFEST", "SLIP.HTM", "slip.HTML", "p0001", "P0001"] {
            std::fs::write(top.path().join(name), name).unwrap();
        }
        let medium = Medium::open(top.path()).unwrap();
        // The second of two that differ in case only is nobody's.
        assert_eq!(medium.names(), ["SLIP.html", "manifest", "p0001", "slip.htm", "v0001", "p0001"]);
        assert_eq!(medium.read("v0001", 9).unwrap().unwrap(), b"V0001");
        assert_eq!(medium.read("p0001", 9).unwrap().unwrap(), b"P0001");
    }
}
