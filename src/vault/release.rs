//! Plaintext out of the vault: to a new private file, into a folder with its tree, or to a stream.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::catalogue::expected;
use super::parallel::threads_for;
use super::{Code, Error, convert};
use crate::access::Recorded;
use crate::agefile::{self, Unwrap};
use crate::answer::{Counted, Progress};
use crate::document::{Meta, ModifiedAt};
use crate::sealed::{KnownHeader, check_digests};
use crate::store::index::Row;
use crate::store::live::Context;
use crate::store::objects;
use crate::store::os::{PrivateOutput, folder_beneath, open_folder};

/// A document that may be released.
pub(super) struct Releasing<'a> {
    pub(super) context: &'a Context,
    pub(super) row: &'a Row,
    pub(super) keys: &'a [agefile::Identity],
    pub(super) progress: &'a dyn Progress,
}

impl Releasing<'_> {
    /// Decrypts into `sink`. Header and commitment are compared with the log before the first byte, the payload's
    /// digest after the last: only `Ok` says that the plaintext is the recorded one.
    fn decrypt(&self, sink: &mut (dyn Write + Send)) -> Result<u64, Error> {
        let expected = expected(self.row);
        let mut file = objects::open(&*self.context.disk, &self.context.layout, self.row.id)
            .map_err(|error| missing(error, self.row))?;
        let committed = KnownHeader::read(&mut file, &expected)?
            .unlock(&self.keys.iter().map(|key| key as &dyn Unwrap).collect::<Vec<_>>())
            .and_then(|unlocked| unlocked.commit(&mut file, &expected))?;
        let mut source = Counted { inner: &mut *file, progress: self.progress };
        let threads = threads_for(self.row.size);
        Ok(committed.decrypt(&mut source, sink, threads)?.plain_len)
    }

    /// To a new file in an open folder. It has no name before the last chunk was verified.
    fn write_into(
        &self,
        folder: std::fs::File,
        path: &Path,
        name: &OsStr,
        modified: Option<ModifiedAt>,
    ) -> Result<u64, Error> {
        let failed = |error: std::io::Error| convert::io(Code::Io, &error).with("path", path.display());
        let hidden = format!(".gapvault-{}.partial", self.row.id);
        let mut output = PrivateOutput::begin(folder, &hidden).map_err(failed)?;
        let size = self.decrypt(output.file())?;
        output.publish(name, modified).map_err(failed)?;
        Ok(size)
    }

    /// To a new file that the caller named.
    pub(super) fn to_file(
        &self,
        path: &Path,
        modified: Option<ModifiedAt>,
        _recorded: &Recorded,
    ) -> Result<u64, Error> {
        let name =
            path.file_name().ok_or_else(|| Error::new(Code::UnsafePath).with("path", path.display()))?;
        let parent = path.parent().unwrap_or(Path::new("."));
        let folder = open_folder(parent)
            .map_err(|error| Error::new(Code::NoFile).with("path", parent.display()).because(error))?;
        self.write_into(folder, path, name, modified)
    }

    /// Beneath a folder, at the path that the metadata names, component by component.
    pub(super) fn beneath(
        &self,
        top: &Path,
        meta: Option<&Meta>,
        _recorded: &Recorded,
    ) -> Result<(PathBuf, u64), Error> {
        let names = names_of(self.row, meta);
        let Some((last, folders)) = names.split_last() else { return Err(Code::UnsafePath.into()) };
        let unsafe_path =
            |error: std::io::Error| Error::new(Code::UnsafePath).with("path", top.display()).because(error);
        let mut folder =
            open_folder(top).map_err(|error| convert::io(Code::Io, &error).with("path", top.display()))?;
        let mut path = top.to_owned();
        for name in folders {
            folder = folder_beneath(&folder, name).map_err(unsafe_path)?;
            path.push(name);
        }
        path.push(last);
        let size = self.write_into(folder, &path, last, meta.and_then(|meta| meta.modified))?;
        Ok((path, size))
    }

    /// To a stream, from which nothing can be called back: so the whole payload is compared with the log first.
    pub(super) fn to_stream(
        &self,
        sink: &mut (dyn Write + Send),
        _recorded: &Recorded,
    ) -> Result<u64, Error> {
        let mut file = objects::open(&*self.context.disk, &self.context.layout, self.row.id)
            .map_err(|error| missing(error, self.row))?;
        check_digests(&mut file, &expected(self.row))?;
        let size = self.decrypt(sink)?;
        sink.flush().map_err(|error| convert::io(Code::Io, &error).because(error))?;
        Ok(size)
    }
}

/// The path's names. Each was checked when the metadata was parsed: no `..`, no `/`, not empty.
fn names_of(row: &Row, meta: Option<&Meta>) -> Vec<OsString> {
    let os = |name: &crate::document::Name| OsString::from_vec(name.as_bytes().to_vec());
    match meta {
        Some(meta) if meta.path.is_empty() => vec![os(&meta.name)],
        Some(meta) => meta.path.iter().map(os).collect(),
        // Without the right to see names the document's id has to do.
        None => vec![row.id.to_string().into()],
    }
}

pub(super) fn missing(error: crate::store::StoreError, row: &Row) -> Error {
    match error {
        crate::store::StoreError::Disk(error) if error.is_not_found() || error.is_wrong_kind() => {
            Error::new(Code::MissingDocument).with("id", row.id)
        }
        other => other.into(),
    }
}
