//! The user's own files and folders: what is there to be sealed, and a file that must not change while it is read.

use std::collections::HashSet;
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
    /// What is left alone, and why: `symlink`, `fifo`, `socket`, `device`, `vault`, `twice`, `other`.
    pub skipped: Vec<(PathBuf, &'static str)>,
    /// What could not be looked at.
    pub failed: Vec<(PathBuf, io::Error)>,
}

/// Collects the regular files at and below `paths`. Symlinks are not followed, nothing of the vault's own folder
/// (a canonical path) is taken, and a file that several arguments lead to is taken once.
pub fn walk(paths: &[PathBuf], vault: &Path) -> Walk {
    let mut walk = Walk::default();
    let mut taken = HashSet::new();
    let mut folder = Folder::default();
    let vault_folder = std::fs::metadata(vault).map(|data| (data.dev(), data.ino())).ok();
    for path in paths {
        // Without the slash at the end that would make the system follow a link.
        let path: PathBuf = path.components().collect();
        let top = path.file_name().map(OsString::from);
        // "." and ".." have no name of their own; what they stand for has.
        let top = top.or_else(|| path.canonicalize().ok()?.file_name().map(OsString::from));
        let mut entries = walkdir::WalkDir::new(&path).follow_links(false).follow_root_links(false);
        entries = entries.sort_by_file_name();
        let mut entries = entries.into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let at = error.path().unwrap_or(&path).to_owned();
                    walk.failed.push((at, error.into()));
                    continue;
                }
            };
            let (kind, source) = (entry.file_type(), entry.path().to_owned());
            let real = match (kind.is_symlink(), kind.is_file() && entry.depth() > 0) {
                (true, _) => None,
                (false, true) => folder.real_of(&source),
                (false, false) => source.canonicalize().ok(),
            };
            // By its inode too: a folder can be mounted in two places.
            let is_vault = kind.is_dir()
                && vault_folder.is_some()
                && entry.metadata().ok().map(|data| (data.dev(), data.ino())) == vault_folder;
            if is_vault || real.as_ref().is_some_and(|real| real.starts_with(vault)) {
                walk.skipped.push((source, "vault"));
                if kind.is_dir() {
                    entries.skip_current_dir();
                }
            } else if kind.is_file() {
                if !taken.insert(real.unwrap_or_else(|| source.clone())) {
                    walk.skipped.push((source, "twice"));
                    continue;
                }
                let beneath = source.strip_prefix(&path).unwrap_or(&source);
                let inside = if entry.depth() == 0 {
                    Vec::new()
                } else {
                    top.iter().cloned().chain(beneath.iter().map(OsString::from)).collect()
                };
                walk.files.push(Found { source, inside });
            } else if !kind.is_dir() {
                walk.skipped.push((source, why(kind)));
            }
        }
    }
    walk
}

/// The folder that was looked at last: a file in it that is no link has its real path there, and asking for each costs
/// a call for every folder on the way.
#[derive(Default)]
struct Folder {
    path: PathBuf,
    real: Option<PathBuf>,
}

impl Folder {
    fn real_of(&mut self, file: &Path) -> Option<PathBuf> {
        let (path, name) = (file.parent()?, file.file_name()?);
        if self.path != path {
            *self = Self { path: path.to_owned(), real: path.canonicalize().ok() };
        }
        Some(self.real.as_ref()?.join(name))
    }
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

    /// Closes the file, and remembers what it looked like: a batch has more files than a process may have open.
    pub fn close(self) -> ReadSource {
        ReadSource { path: self.path, before: self.before }
    }
}

/// A source that was read.
#[derive(Debug)]
pub struct ReadSource {
    path: PathBuf,
    before: Seen,
}

impl ReadSource {
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
        assert_eq!(inside, vec![vec![name.clone(), "a".into()], vec![name, "sub".into(), odd]]);
        assert_eq!(whys(&found), ["symlink", "socket", "vault", "twice", "symlink"]);
        assert_eq!(found.failed.len(), 1);
    }

    fn whys(walk: &Walk) -> Vec<&'static str> {
        walk.skipped.iter().map(|(_, why)| *why).collect()
    }

    fn nowhere() -> &'static Path {
        Path::new("/nowhere")
    }

    #[test]
    fn a_link_that_is_named_is_not_followed_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("real")).unwrap();
        std::fs::write(at("real/a"), b"1").unwrap();
        std::os::unix::fs::symlink(at("real"), at("link")).unwrap();
        for link in ["link", "link/", "link/.", "./link//"] {
            let found = walk(&[at(link)], nowhere());
            assert!(found.files.is_empty() && whys(&found) == ["symlink"], "{link}");
        }
        // A link on the way is the user's own choice.
        let found = walk(&[at("link/a")], nowhere());
        assert_eq!(found.files, [Found { source: at("link/a"), inside: Vec::new() }]);
    }

    #[test]
    fn nothing_of_the_vault_is_taken_whatever_leads_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().canonicalize().unwrap().join(name);
        std::fs::create_dir_all(at("v/roster")).unwrap();
        std::fs::write(at("v/roster/0001.note"), b"1").unwrap();
        std::os::unix::fs::symlink(at("v"), at("link")).unwrap();
        for inside in
            ["v", "v/", "v/roster", "v/roster/0001.note", "v/../v", "link/roster/0001.note", "link/roster"]
        {
            let found = walk(&[at(inside)], &at("v"));
            assert!(found.files.is_empty() && whys(&found) == ["vault"], "{inside}: {found:?}");
        }
    }

    #[test]
    fn a_folder_without_a_name_of_its_own_gives_that_of_what_it_stands_for() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("top/sub")).unwrap();
        std::fs::write(folder.path().join("top/a"), b"1").unwrap();
        let found = walk(&[folder.path().join("top/sub/..")], nowhere());
        assert_eq!(found.files.len(), 1);
        assert_eq!(found.files[0].inside, ["top", "a"]);
    }

    #[test]
    fn odd_files_are_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("t");
        std::fs::create_dir(&top).unwrap();
        let longest = OsString::from("x".repeat(255));
        std::fs::write(top.join(&longest), b"").unwrap();
        let sparse = File::create(top.join("sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        std::os::unix::fs::symlink("/nowhere", top.join("dangling")).unwrap();
        super::os::make_fifo(&top.join("fifo"));
        std::fs::create_dir(top.join("shut")).unwrap();
        std::fs::set_permissions(top.join("shut"), std::fs::Permissions::from_mode(0o000)).unwrap();
        let found = walk(std::slice::from_ref(&top), nowhere());
        let names: Vec<_> = found.files.iter().filter_map(|file| file.source.file_name()).collect();
        assert_eq!(names, [std::ffi::OsStr::new("sparse"), longest.as_os_str()]);
        assert_eq!(whys(&found), ["symlink", "fifo"]);
        // Root may look into everything; an ordinary account may not, and is told.
        let may_look = std::fs::read_dir(top.join("shut")).is_ok();
        assert_eq!(found.failed.len(), usize::from(!may_look));
        assert_eq!(SourceFile::open(&top.join("sparse")).unwrap().size(), 1 << 40);
        assert_eq!(SourceFile::open(&top.join(&longest)).unwrap().size(), 0);
        for bad in ["dangling", "fifo", "shut"] {
            assert!(SourceFile::open(&top.join(bad)).is_err(), "{bad}");
        }
        std::fs::set_permissions(top.join("shut"), std::fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn every_way_to_change_a_file_is_noticed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        type Way = (&'static str, fn(&Path));
        let ways: [Way; 5] = [
            ("shrinks", |path| File::options().write(true).open(path).unwrap().set_len(1).unwrap()),
            ("grows", |path| File::options().write(true).open(path).unwrap().set_len(9).unwrap()),
            ("same size", |path| std::fs::write(path, b"two").unwrap()),
            ("mode", |path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o640)).unwrap()),
            ("gone", |path| std::fs::remove_file(path).unwrap()),
        ];
        for (way, change) in ways {
            std::fs::write(&path, b"one").unwrap();
            let source = SourceFile::open(&path).unwrap();
            // The file system's clock ticks every few milliseconds; two changes within one tick look like one.
            std::thread::sleep(std::time::Duration::from_millis(20));
            change(&path);
            assert!(!source.is_unchanged().unwrap(), "{way}");
            assert!(!source.close().remove_if_unchanged().unwrap_or(false), "{way}");
        }
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
        assert!(!source.close().remove_if_unchanged().unwrap());
        let source = SourceFile::open(&path).unwrap().close();
        let new = folder.path().join("new");
        std::fs::write(&new, b"one").unwrap();
        std::fs::rename(&new, &path).unwrap();
        assert!(!source.remove_if_unchanged().unwrap());
        let source = SourceFile::open(&path).unwrap().close();
        assert!(source.remove_if_unchanged().unwrap());
        assert!(!path.exists());
    }
}
