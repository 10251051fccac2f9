//! A folder of evidence, which came from elsewhere: read beneath its top only, through no symlink, regular files alone, and
//! none of them longer than it may be.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::fault::{Code, Error};

/// Most files that are looked for beneath the top: those of a log of more than a thousand million entries.
const FILES_LIMIT: usize = 10_000_000;
/// How deep folders lie: a tile's index in groups of three digits, and what is above.
const DEPTH_LIMIT: usize = 16;

/// The folder, open.
#[derive(Debug)]
pub(super) struct Folder {
    top: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// [`Code::NoFile`]; [`Code::NotEvidence`] for a file; [`Code::Io`].
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => Error::new(Code::NoFile).with("path", path.display()),
            // A file, where a folder was meant.
            Errno::NOTDIR => Error::new(Code::NotEvidence).with("path", path.display()),
            other => failed(path, other.into()),
        })?;
        Ok(Self { top, path: path.to_owned() })
    }

    /// The folder's path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The whole of a file of at most `limit` bytes; `None` where there is no such regular file.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some((file, len)) = self.open_file(name, limit)? else { return Ok(None) };
        let told = |error: io::Error| failed(&self.path.join(name), error);
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(told)?;
        Ok((bytes.len() as u64 <= limit).then_some(bytes))
    }

    /// A file of at most `limit` bytes, and its length; `None` where there is no such regular file.
    pub(super) fn open_file(&self, name: &str, limit: u64) -> Result<Option<(File, u64)>, Error> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match self.open_beneath(name, flags) {
            Ok(file) => File::from(file),
            Err(error) if is_nothing(error) => return Ok(None),
            Err(error) => return Err(failed(&self.path.join(name), error.into())),
        };
        let data = file.metadata().map_err(|error| failed(&self.path.join(name), error))?;
        Ok((data.is_file() && data.len() <= limit).then_some((file, data.len())))
    }

    /// Beneath the top, through no symlink. An older kernel has not that call; then each folder on the way is opened by itself.
    fn open_beneath(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&self.top, name, flags, Mode::empty(), resolve) {
            Err(Errno::NOSYS | Errno::PERM) => self.open_stepwise(name, flags),
            other => other,
        }
    }

    fn open_stepwise(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let steps = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
        let mut at = rustix::io::dup(&self.top)?;
        for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
            if folder == ".." {
                return Err(Errno::XDEV);
            }
            at = rustix::fs::openat(&at, folder, steps, Mode::empty())?;
        }
        rustix::fs::openat(&at, file, flags, Mode::empty())
    }

    /// The names of all files beneath the top with their folders; what is neither file nor folder is among them.
    pub(super) fn files(&self) -> Result<BTreeSet<String>, Error> {
        let mut files = BTreeSet::new();
        let mut folders = vec![(String::new(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for (name, kind) in self.list(&folder)? {
                let whole = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if kind == FileType::Directory && depth < DEPTH_LIMIT {
                    folders.push((whole, depth + 1));
                } else {
                    files.insert(whole);
                }
                if files.len() + folders.len() > FILES_LIMIT {
                    return Err(Error::new(Code::TooMany).with("size", FILES_LIMIT));
                }
            }
        }
        Ok(files)
    }

    fn list(&self, folder: &str) -> Result<Vec<(String, FileType)>, Error> {
        let told = |error: Errno| failed(&self.path.join(folder), error.into());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = self.open_beneath(if folder.is_empty() { "." } else { folder }, flags).map_err(told)?;
        let mut found = Vec::new();
        for entry in Dir::new(open).map_err(told)? {
            let entry = entry.map_err(told)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => self.kind(&format!("{folder}/{name}")),
                known => known,
            };
            found.push((name, kind));
        }
        Ok(found)
    }

    /// Some file systems do not say in the list.
    fn kind(&self, name: &str) -> FileType {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = self.open_beneath(name.trim_start_matches('/'), flags);
        let stat = open.and_then(rustix::fs::fstat);
        stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
    }
}

/// Whether there is nothing that could be read as a file: no name, a link, a device, a folder.
fn is_nothing(error: Errno) -> bool {
    matches!(
        error,
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::XDEV | Errno::ISDIR
    )
}

pub(super) fn failed(path: &Path, error: io::Error) -> Error {
    Error::new(Code::Io).with("path", path.display()).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_beneath_the_top_are_read() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        std::fs::create_dir_all(at("log/1")).unwrap();
        std::fs::write(at("log/1/file"), b"four").unwrap();
        std::fs::write(at("outside"), b"out").unwrap();
        symlink(at("outside"), at("log/link")).unwrap();
        symlink("../outside", at("log/near")).unwrap();
        symlink(at("log"), at("way")).unwrap();
        let folder = Folder::open(&at("log")).unwrap();
        assert_eq!(folder.read("1/file", 4).unwrap(), Some(b"four".to_vec()));
        for (name, limit) in [
            ("1/file", 3),
            ("1", 9),
            ("none", 9),
            ("1/file/x", 9),
            ("link", 9),
            ("near", 9),
            ("../outside", 9),
        ] {
            assert_eq!(folder.read(name, limit).unwrap(), None, "{name}");
            assert_eq!(folder.open_stepwise("../outside", OFlags::RDONLY).unwrap_err(), Errno::XDEV);
        }
        let whole = Folder::open(top.path()).unwrap();
        assert_eq!(whole.read("way/1/file", 9).unwrap(), None);
        let files: Vec<String> = whole.files().unwrap().into_iter().collect();
        assert_eq!(files, ["log/1/file", "log/link", "log/near", "outside", "way"]);
        assert_eq!(Folder::open(&at("none")).unwrap_err().code(), Code::NoFile);
        assert_eq!(Folder::open(&at("outside")).unwrap_err().code(), Code::NotEvidence);
    }
}
