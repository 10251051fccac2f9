//! The user's own files and folders: what is there to be sealed, and a file that must not change while it is read.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::os;
use crate::document::ModifiedAt;

/// A regular file to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub source: PathBuf,
    /// The names from the top folder that the user named down to the file; empty for a file named itself.
    pub inside: Vec<OsString>,
}

/// What a walk came upon.
#[derive(Debug, Default)]
pub struct Walk {
    /// Regular files, in the order of the arguments and then of their names.
    pub files: Vec<Found>,
    /// What is left alone, and why: `symlink`, `fifo`, `socket`, `device`, `vault`.
    pub skipped: Vec<(PathBuf, &'static str)>,
    /// What could not be looked at.
    pub failed: Vec<(PathBuf, io::Error)>,
}

/// Collects the regular files at and below `paths`. Symlinks are not followed, and the vault's own folder is not
/// walked into.
pub fn walk(paths: &[PathBuf], vault: &Path) -> Walk {
    let mut walk = Walk::default();
    for path in paths {
        let top = path.file_name().map(OsString::from);
        // "." and ".." have no name of their own; what they stand for has.
        let top = top.or_else(|| path.canonicalize().ok()?.file_name().map(OsString::from));
        let mut entries = walkdir::WalkDir::new(path).follow_links(false).follow_root_links(false);
        entries = entries.sort_by_file_name();
        let mut entries = entries.into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    walk.failed.push((at, error.into()));
                    continue;
                }
            };
            let kind = entry.file_type();
            if kind.is_dir() {
                if entry.path().canonicalize().is_ok_and(|real| real.starts_with(vault)) {
                    walk.skipped.push((entry.path().to_owned(), "vault"));
                    entries.skip_current_dir();
                }
            } else if kind.is_file() {
                let beneath = entry.path().strip_prefix(path).unwrap_or(entry.path());
                let inside = if entry.depth() == 0 {
                    Vec::new()
                } else {
                    top.iter().cloned().chain(beneath.iter().map(OsString::from)).collect()
                };
                walk.files.push(Found { source: entry.path().to_owned(), inside });
            } else {
                walk.skipped.push((entry.path().to_owned(), why(kind)));
            }
        }
    }
    walk
}

fn why(kind: std::fs::FileType) -> &'static str {
    if kind.is_symlink() {
        "symlink"
    } else if kind.is_fifo() {
        "fifo"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "device"
    } else {
        "other"
    }
}

/// A source, open for reading, with what it looked like when it was opened.
#[derive(Debug)]
pub struct SourceFile {
    file: File,
    path: PathBuf,
    before: Seen,
}

/// What must stay the same while a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Seen {
    fn of(data: &Metadata) -> Self {
        Self {
            device: data.dev(),
            inode: data.ino(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        }
    }
}

impl SourceFile {
    /// Opens a regular file; a symlink or FIFO put in its place since the walk is refused.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = os::open_regular(path, false)?;
        let before = Seen::of(&file.metadata()?);
        Ok(Self { file, path: path.to_owned(), before })
    }

    /// The file, to read from.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Its size when it was opened.
    pub fn size(&self) -> u64 {
        self.before.size
    }

    /// Its modification time when it was opened.
    pub fn modified(&self) -> ModifiedAt {
        let (seconds, nanos) = self.before.modified;
        ModifiedAt { seconds, nanos: u32::try_from(nanos).unwrap_or(0) }
    }

    /// Whether the open file is still as it was.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        Ok(Seen::of(&self.file.metadata()?) == self.before)
    }

    /// Removes the file, if what is at its path is still what was read; whether it did.
    pub fn remove_if_unchanged(&self) -> io::Result<bool> {
        let there = std::fs::symlink_metadata(&self.path)?;
        if Seen::of(&there) != self.before {
            return Ok(false);
        }
        std::fs::remove_file(&self.path)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

    #[test]
    fn a_tree_gives_its_regular_files_with_their_names_and_lists_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top 中");
        std::fs::create_dir_all(top.join("sub")).unwrap();
        let odd = OsString::from_vec(b"bad\xff\n\x1b".to_vec());
        std::fs::write(top.join("sub").join(&odd), b"1").unwrap();
        std::fs::write(top.join("a"), b"2").unwrap();
        std::os::unix::fs::symlink(top.join("a"), top.join("link")).unwrap();
        std::os::unix::net::UnixListener::bind(top.join("socket")).unwrap();
        std::fs::create_dir(top.join("vault")).unwrap();
        std::fs::write(top.join("vault").join("x"), b"3").unwrap();

        let vault = top.join("vault").canonicalize().unwrap();
        let missing = folder.path().join("missing");
        let found = walk(&[top.clone(), top.join("a"), top.join("link"), missing], &vault);
        let inside: Vec<Vec<OsString>> = found.files.iter().map(|file| file.inside.clone()).collect();
        let name = OsString::from("top 中");
        assert_eq!(
            inside,
            vec![vec![name.clone(), "a".into()], vec![name, "sub".into(), odd], Vec::<OsString>::new()]
        );
        let whys: Vec<&str> = found.skipped.iter().map(|(_, why)| *why).collect();
        assert_eq!(whys, ["symlink", "socket", "vault", "symlink"]);
        assert_eq!(found.failed.len(), 1);
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"one").unwrap();
        let source = SourceFile::open(&path).unwrap();
        assert!(source.is_unchanged().unwrap());
        filetime::set_file_mtime(&path, filetime::FileTime::from_unix_time(5, 0)).unwrap();
        assert!(!source.is_unchanged().unwrap());
        assert!(!source.remove_if_unchanged().unwrap());
        let source = SourceFile::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"one").unwrap();
        assert!(!source.remove_if_unchanged().unwrap());
        let source = SourceFile::open(&path).unwrap();
        assert!(source.remove_if_unchanged().unwrap());
        assert!(!path.exists());
    }
}
