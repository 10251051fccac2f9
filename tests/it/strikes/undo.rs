//! What was not synced, and how to take it back.
//!
//! The model of a power loss is the strictest that POSIX allows, not what one file system happens to do. A
//! file's content is durable after its own sync; a name is durable after the sync of its folder, and a rename
//! between two folders is two names; a sync of the file system makes everything durable. What was there before
//! the first call counts as durable, and so does whatever is changed past the disk that is watched.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a power loss takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Contents and names that were not synced.
    All,
    /// Contents only: the disk wrote the names first.
    Contents,
    /// Names only: the disk wrote the contents first.
    Names,
}

/// Device and inode.
pub(crate) type Id = (u64, u64);

/// What a name stood for when its folder was last synced.
enum Node {
    Folder,
    File(Id, Arc<File>),
}

/// A file with writes that were not synced. The open handle keeps its inode from being given to another file.
struct Content {
    handle: Arc<File>,
    durable: Vec<u8>,
}

/// An open handle of our own, which outlives renames and removals.
pub(crate) fn hold(path: &Path) -> io::Result<(Id, Arc<File>)> {
    let handle = File::options().read(true).write(true).open(path)?;
    let data = handle.metadata()?;
    Ok(((data.dev(), data.ino()), Arc::new(handle)))
}

fn content(handle: &File) -> io::Result<Vec<u8>> {
    let len = usize::try_from(handle.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    handle.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn full_path(path: &Path) -> PathBuf {
    std::path::absolute(path).expect("a path that is not empty")
}

/// Whether a path is directly in a folder.
fn is_in(path: &Path, folder: &Path) -> bool {
    path.parent() == Some(&full_path(folder))
}

/// Everything that a power loss would take.
#[derive(Default)]
pub(crate) struct Unsynced {
    names: BTreeMap<PathBuf, Option<Node>>,
    contents: HashMap<Id, Content>,
    moved_folders: Vec<(PathBuf, PathBuf)>,
}

impl Unsynced {
    /// Whether it would take nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.contents.is_empty() && self.moved_folders.is_empty()
    }

    /// Remembers what a name stands for before it changes for the first time since its folder was synced.
    pub(crate) fn note_name(&mut self, path: &Path) {
        let path = full_path(path);
        if self.names.contains_key(&path) {
            return;
        }
        let node = match fs::symlink_metadata(&path) {
            Ok(data) if data.is_dir() => Some(Node::Folder),
            Ok(_) => hold(&path).ok().map(|(id, handle)| Node::File(id, handle)),
            Err(_) => None,
        };
        self.names.insert(path, node);
    }

    /// Remembers a file's content before it changes for the first time since the file was synced.
    pub(crate) fn note_content(&mut self, id: Id, handle: &Arc<File>) {
        self.contents.entry(id).or_insert_with(|| {
            let durable = content(handle).expect("an open file can be read");
            Content { handle: handle.clone(), durable }
        });
    }

    /// The names in `folder` are durable; those that are gone take what was beneath them along.
    pub(crate) fn keep_names(&mut self, folder: &Path) {
        let (kept, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.names).into_iter().partition(|(path, _)| is_in(path, folder));
        let gone: Vec<PathBuf> =
            kept.into_iter().map(|(path, _)| path).filter(|path| !path.is_dir()).collect();
        self.names =
            rest.into_iter().filter(|(path, _)| !gone.iter().any(|gone| path.starts_with(gone))).collect();
        self.moved_folders.retain(|(_, to)| !is_in(to, folder));
    }

    pub(crate) fn keep_all(&mut self) {
        self.names.clear();
        self.contents.clear();
        self.moved_folders.clear();
    }

    /// The file's content is durable.
    pub(crate) fn keep_content(&mut self, id: Id) {
        self.contents.remove(&id);
    }

    /// A folder has moved.
    pub(crate) fn moved_folder(&mut self, from: &Path, to: &Path) {
        let (from, to) = (full_path(from), full_path(to));
        self.move_names(&from, &to);
        self.moved_folders.push((from, to));
    }

    /// A folder has moved, and what is remembered of names beneath it with it.
    fn move_names(&mut self, from: &Path, to: &Path) {
        let moved = |path: PathBuf| match path.strip_prefix(from) {
            Ok(rest) if !rest.as_os_str().is_empty() => to.join(rest),
            _ => path,
        };
        self.names =
            std::mem::take(&mut self.names).into_iter().map(|(path, node)| (moved(path), node)).collect();
    }

    /// Takes back what was not synced.
    pub(crate) fn lose(&mut self, lost: Lost) -> io::Result<()> {
        if lost != Lost::Contents {
            for (from, to) in std::mem::take(&mut self.moved_folders).into_iter().rev() {
                fs::rename(&to, &from)?;
                self.move_names(&to, &from);
            }
            self.lose_names(lost)?;
        }
        if lost != Lost::Names {
            for id in self.contents.keys().copied().collect::<Vec<_>>() {
                self.lose_content(id)?;
            }
        }
        Ok(())
    }

    /// Takes back what was not synced of one file.
    pub(crate) fn lose_content(&mut self, id: Id) -> io::Result<()> {
        let Some(Content { handle, durable }) = self.contents.remove(&id) else { return Ok(()) };
        handle.set_len(0)?;
        handle.write_all_at(&durable, 0)
    }

    fn lose_names(&mut self, lost: Lost) -> io::Result<()> {
        let mut before = Vec::new();
        for (path, node) in std::mem::take(&mut self.names) {
            let bytes = match &node {
                Some(Node::File(id, handle)) => match self.contents.get(id) {
                    Some(unsynced) if lost == Lost::All => Some(unsynced.durable.clone()),
                    _ => Some(content(handle)?),
                },
                Some(Node::Folder) | None => None,
            };
            before.push((path, node, bytes));
        }
        // Deeper paths sort behind the folders that they are in.
        for (path, node, _) in before.iter().rev() {
            match fs::symlink_metadata(path) {
                Ok(data) if data.is_dir() && matches!(node, Some(Node::Folder)) => {}
                Ok(data) if data.is_dir() => fs::remove_dir_all(path)?,
                Ok(_) => fs::remove_file(path)?,
                Err(_) => {}
            }
        }
        for (path, node, bytes) in before {
            // A folder that is gone takes with it what was once durable in it.
            let stands = path.parent().is_some_and(Path::is_dir) && !path.exists();
            match (node, bytes) {
                (Some(Node::Folder), _) if stands => fs::DirBuilder::new().mode(0o700).create(&path)?,
                (Some(Node::File(..)), Some(bytes)) if stands => {
                    let mut options = File::options();
                    options.write(true).create_new(true).mode(0o600).open(&path)?.write_all(&bytes)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
