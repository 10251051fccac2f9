//! Where a passphrase comes from: a file, standard input, or the person at the terminal.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use gapvault::fault::{Code, Error};
use gapvault::identity;
use gapvault::words::Words;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::terminal::{MAX_ANSWER, NoAnswer, Terminal};

/// A place that holds a passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The place that a path names; `-` is standard input.
    pub(crate) fn of(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }
}

/// Settles option and environment. Two that name different places are refused, because one would be silently ignored.
///
/// # Errors
/// `usage.passphrase-sources`.
pub(crate) fn source(
    option: Option<PathBuf>,
    environment: Option<OsString>,
) -> Result<Option<Source>, Error> {
    let environment = environment.filter(|value| !value.is_empty()).map(PathBuf::from);
    let path = match (option, environment) {
        (Some(one), Some(other)) if one != other => return Err(Error::new(Code::PassphraseSources)),
        (one, other) => one.or(other),
    };
    Ok(path.map(Source::of))
}

/// What reading a source brought.
pub(crate) struct Found {
    /// The passphrase.
    pub(crate) secret: SecretString,
    /// The file, if people other than its owner can read it.
    pub(crate) readable_by_others: Option<PathBuf>,
}

/// Reads the passphrase from its place.
///
/// # Errors
/// `not-found.file`, `io.source-unreadable`, and what [`identity::passphrase`] finds.
pub(crate) fn read(source: &Source) -> Result<Found, Error> {
    match source {
        Source::Stdin => {
            let raw = bounded(std::io::stdin().lock()).map_err(|error| unreadable(Path::new("-"), error))?;
            Ok(Found { secret: identity::passphrase(&raw)?, readable_by_others: None })
        }
        Source::File(path) => {
            let file = File::open(path).map_err(|error| unreadable(path, error))?;
            let open = file
                .metadata()
                .is_ok_and(|data| data.permissions().mode() & 0o044 != 0 && !data.file_type().is_fifo());
            let raw = bounded(file).map_err(|error| unreadable(path, error))?;
            Ok(Found { secret: identity::passphrase(&raw)?, readable_by_others: open.then(|| path.clone()) })
        }
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let code = if missing { Code::NoFile } else { Code::SourceUnreadable };
    Error::new(code).with("path", path.display()).with("detail", &error).because(error)
}

fn bounded(from: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // All the room at once, and one byte of it that is never filled: a vector that grows leaves its old bytes behind.
    let mut raw = Zeroizing::new(Vec::with_capacity(MAX_ANSWER + 1));
    from.take(MAX_ANSWER as u64).read_to_end(&mut raw)?;
    Ok(raw)
}

/// Asks for an existing passphrase.
pub(crate) fn ask(words: &Words, question: &str) -> Result<SecretString, NotGiven> {
    let mut terminal = Terminal::open()?;
    Ok(identity::passphrase(&terminal.ask(&words.text(question, &[]), false)?)?)
}

/// Asks for a new passphrase, twice.
pub(crate) fn ask_new(words: &Words) -> Result<SecretString, NotGiven> {
    let mut terminal = Terminal::open()?;
    let first = identity::passphrase(&terminal.ask(&words.text("ask-passphrase-new", &[]), false)?)?;
    let again = identity::passphrase(&terminal.ask(&words.text("ask-passphrase-again", &[]), false)?)?;
    if first.expose_secret() != again.expose_secret() {
        return Err(Error::new(Code::PassphraseMismatch).into());
    }
    Ok(first)
}

/// Why a person gave no passphrase.
#[derive(Debug)]
pub(crate) enum NotGiven {
    /// Ctrl-C.
    Interrupted,
    /// Everything else.
    Error(Error),
}

impl From<Error> for NotGiven {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<identity::IdentityError> for NotGiven {
    fn from(error: identity::IdentityError) -> Self {
        Self::Error(error.into())
    }
}

impl From<NoAnswer> for NotGiven {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::Interrupted => Self::Interrupted,
            NoAnswer::NoTerminal => Self::Error(Error::new(Code::NoTerminal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_different_places_are_one_too_many() {
        let source = |option: Option<&str>, environment: Option<&str>| {
            super::source(option.map(PathBuf::from), environment.map(OsString::from))
        };
        assert_eq!(source(None, None).unwrap(), None);
        assert_eq!(source(Some("a"), None).unwrap(), Some(Source::File("a".into())));
        assert_eq!(source(None, Some("a")).unwrap(), Some(Source::File("a".into())));
        assert_eq!(source(Some("a"), Some("a")).unwrap(), Some(Source::File("a".into())));
        assert_eq!(source(Some("a"), Some("")).unwrap(), Some(Source::File("a".into())));
        assert_eq!(source(Some("-"), None).unwrap(), Some(Source::Stdin));
        assert_eq!(source(Some("a"), Some("b")).unwrap_err().code(), Code::PassphraseSources);
    }

    #[test]
    fn a_file_is_read_and_its_openness_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        std::fs::write(&path, "correct horse\n").unwrap();
        for (mode, open) in [(0o600, false), (0o640, true), (0o604, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = read(&Source::File(path.clone())).unwrap();
            assert_eq!(found.secret.expose_secret(), "correct horse");
            assert_eq!(found.readable_by_others.is_some(), open, "{mode:o}");
        }
        let missing = read(&Source::File(folder.path().join("none")));
        assert_eq!(missing.err().unwrap().code(), Code::NoFile);
    }

    #[test]
    fn reading_is_bounded() {
        assert_eq!(bounded(std::io::repeat(b'x')).unwrap().len(), MAX_ANSWER);
        assert_eq!(bounded(&b"x"[..]).unwrap().as_slice(), b"x");
    }
}
