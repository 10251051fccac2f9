//! Small files that a person names: read with a limit, written where nothing is yet.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write};
use std::path::Path;

use gapvault::fault::{Code, Error};

use crate::output::code_of;

/// All of a file that has no more than `limit` bytes.
///
/// # Errors
/// `not-found.file`, `usage.text` for a longer one, `io` ones.
pub(crate) fn small(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::new(Code::NoFile).with("path", path.display()),
        _ => Error::new(code_of(&error)).with("path", path.display()).because(error),
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Error::new(Code::Text).with("name", path.display()));
    }
    Ok(bytes)
}

/// Writes a new file, and sees it onto the disk.
///
/// # Errors
/// `usage.exists`, `io` ones.
pub(crate) fn new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    new_by(path, |file| file.write_all(bytes))
}

/// The same, written bit by bit; one that could not be written to its end is taken away again.
///
/// # Errors
/// As [`new`].
pub(crate) fn new_by(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::new(Code::Exists).with("path", path.display()),
        _ => Error::new(code_of(&error)).with("path", path.display()).because(error),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    write(&mut file).and_then(|()| file.sync_all()).map_err(|error| {
        // It was made here, so nothing of anybody else's is lost.
        let _ = std::fs::remove_file(path);
        failed(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_on_both_sides_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        new(&path, b"four").unwrap();
        assert_eq!(small(&path, 4).unwrap(), b"four");
        assert_eq!(small(&path, 3).unwrap_err().code(), Code::Text);
        assert_eq!(new(&path, b"more").unwrap_err().code(), Code::Exists);
        assert_eq!(small(&folder.path().join("b"), 3).unwrap_err().code(), Code::NoFile);
    }
}
