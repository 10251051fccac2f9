//! What was changed on a disk and not synced since, so that it can be forgotten as a power loss forgets it.
//!
//! The model is the strict one of POSIX: content is safe after a sync of the file, a name after a sync of its
//! folder, a rename after a sync of the folder that it leads to. Content lost by a failed sync stays lost, whatever
//! is synced later, unless it was written again.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file, whatever it is called by now.
#[derive(Clone)]
pub(super) struct Inode {
    file: Arc<File>,
    number: u64,
    /// Whether it lies on a medium, which is another file system than the vault's.
    medium: bool,
}

/// Whether a path leads to a medium.
fn on_medium(path: &Path) -> bool {
    path.iter().any(|name| name.as_encoded_bytes().starts_with(b"medium"))
}

impl Inode {
    pub(super) fn of(path: &Path) -> Self {
        let file = File::options().read(true).write(true).open(path).unwrap();
        let number = file.metadata().unwrap().ino();
        Self { file: Arc::new(file), number, medium: on_medium(path) }
    }

    pub(super) fn len(&self) -> u64 {
        self.file.metadata().unwrap().len()
    }

    fn read(&self, at: u64, end: u64) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(at)).unwrap()];
        self.file.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }
}

/// A range of a file that was overwritten, appended or cut off.
struct Content {
    inode: Inode,
    at: u64,
    end: u64,
    old: Vec<u8>,
    old_len: u64,
    doomed: bool,
}

impl Content {
    fn undo(&self) {
        let file = &self.inode.file;
        if self.inode.len() <= self.end {
            file.write_all_at(&self.old, self.at).unwrap();
            file.set_len(self.old_len).unwrap();
        } else {
            // Something behind it was synced; what never reached the disk reads as zeros.
            let mut bytes = self.old.clone();
            bytes.resize(usize::try_from(self.end - self.at).unwrap(), 0);
            file.write_all_at(&bytes, self.at).unwrap();
        }
    }
}

enum Name {
    Created(PathBuf),
    MadeDir(PathBuf),
    Renamed { from: PathBuf, to: PathBuf, over: Option<PathBuf> },
    Removed { path: PathBuf, kept: PathBuf },
    RemovedDir(PathBuf),
}

impl Name {
    /// The folder whose sync makes it safe.
    fn folder(&self) -> &Path {
        let path = match self {
            Self::Created(path) | Self::MadeDir(path) | Self::RemovedDir(path) => path,
            Self::Renamed { to, .. } => to,
            Self::Removed { path, .. } => path,
        };
        path.parent().unwrap()
    }

    /// What it changed can itself have been forgotten with the folder around it, so nothing here must succeed.
    fn undo(&self) {
        let _ = match self {
            Self::Created(path) => std::fs::remove_file(path),
            Self::MadeDir(path) => std::fs::remove_dir_all(path),
            Self::RemovedDir(path) => std::fs::create_dir(path),
            Self::Removed { path, kept } => std::fs::hard_link(kept, path),
            Self::Renamed { from, to, over } => {
                let back = std::fs::rename(to, from);
                match over {
                    Some(kept) => std::fs::hard_link(kept, to),
                    None => back,
                }
            }
        };
    }
}

enum Change {
    Content(Content),
    Name(Name),
}

/// What is not safe yet, in the order in which it happened.
pub(super) struct Journal {
    changes: Vec<Change>,
    attic: PathBuf,
    kept: u64,
}

impl Journal {
    /// `attic` is a folder on the same file system, where removed files are kept.
    pub(super) fn new(attic: PathBuf) -> Self {
        std::fs::create_dir_all(&attic).unwrap();
        Self { changes: Vec::new(), attic, kept: 0 }
    }

    fn keep(&mut self, path: &Path) -> PathBuf {
        self.kept += 1;
        let kept = self.attic.join(self.kept.to_string());
        std::fs::hard_link(path, &kept).unwrap();
        kept
    }

    /// Before bytes are written from `at` to `end`.
    pub(super) fn writing(&mut self, inode: &Inode, at: u64, end: u64) {
        let old_len = inode.len();
        let old = inode.read(at, end.min(old_len));
        let inode = inode.clone();
        self.changes.push(Change::Content(Content { inode, at, end, old, old_len, doomed: false }));
    }

    /// Before a file is cut off.
    pub(super) fn cutting(&mut self, inode: &Inode, len: u64) {
        let old_len = inode.len();
        let old = inode.read(len.min(old_len), old_len);
        let inode = inode.clone();
        self.changes.push(Change::Content(Content { inode, at: len, end: len, old, old_len, doomed: false }));
    }

    pub(super) fn created(&mut self, path: &Path) {
        self.changes.push(Change::Name(Name::Created(path.to_owned())));
    }

    pub(super) fn made_dir(&mut self, path: &Path) {
        self.changes.push(Change::Name(Name::MadeDir(path.to_owned())));
    }

    /// Before a rename.
    pub(super) fn renaming(&mut self, from: &Path, to: &Path) {
        let over = to.is_file().then(|| self.keep(to));
        self.changes.push(Change::Name(Name::Renamed { from: from.to_owned(), to: to.to_owned(), over }));
    }

    /// After a rename to where nothing was.
    pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
        let name = Name::Renamed { from: from.to_owned(), to: to.to_owned(), over: None };
        self.changes.push(Change::Name(name));
    }

    /// Before a file is removed.
    pub(super) fn removing(&mut self, path: &Path) {
        if path.is_file() {
            let kept = self.keep(path);
            self.changes.push(Change::Name(Name::Removed { path: path.to_owned(), kept }));
        }
    }

    pub(super) fn removed_dir(&mut self, path: &Path) {
        self.changes.push(Change::Name(Name::RemovedDir(path.to_owned())));
    }

    /// The last change did not happen after all.
    pub(super) fn withdraw(&mut self) {
        self.changes.pop();
    }

    pub(super) fn synced_data(&mut self, inode: &Inode) {
        let mut safe: Vec<(u64, u64)> = Vec::new();
        self.changes.retain(|change| match change {
            Change::Content(content) if content.inode.number == inode.number && !content.doomed => {
                safe.push((content.at, content.end));
                false
            }
            _ => true,
        });
        // What was written again over something lost is safe now.
        let len = inode.len();
        self.changes.retain(|change| match change {
            Change::Content(content) if content.inode.number == inode.number => {
                let end = content.end.min(len);
                !safe.iter().any(|(from, to)| *from <= content.at && end <= *to)
            }
            _ => true,
        });
    }

    pub(super) fn synced_dir(&mut self, folder: &Path) {
        self.changes.retain(|change| !matches!(change, Change::Name(name) if name.folder() == folder));
    }

    /// Everything is safe that is on the file system of this path.
    pub(super) fn synced_filesystem(&mut self, path: &Path) {
        let medium = on_medium(path);
        self.changes.retain(|change| match change {
            Change::Content(content) => content.doomed || content.inode.medium != medium,
            Change::Name(name) => on_medium(name.folder()) != medium,
        });
    }

    /// A sync of this file failed (of every file: `None`): what was not safe is lost.
    pub(super) fn doom(&mut self, inode: Option<&Inode>) {
        for change in &mut self.changes {
            if let Change::Content(content) = change {
                content.doomed |= inode.is_none_or(|inode| inode.number == content.inode.number);
            }
        }
    }

    /// Forgets what is not safe, newest first; with `names`, the names too.
    pub(super) fn lose(&mut self, names: bool) {
        while let Some(change) = self.changes.pop() {
            match change {
                Change::Content(content) => content.undo(),
                Change::Name(name) if names => name.undo(),
                Change::Name(_) => {}
            }
        }
    }
}
