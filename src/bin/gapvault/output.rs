//! The one place that writes to standard output, and how it looks.

use std::io::{self, BufWriter, Write};

use gapvault::answer::Report;
use gapvault::fault::{Code, Error};
use serde::Serialize;

/// A report with its schema before everything else.
#[derive(Serialize)]
struct Tagged<'a, R> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'a R,
}

/// Writes a report as one JSON object on one line.
pub(crate) fn object<R: Report>(to: &mut dyn Write, report: &R) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(65_536, to);
    serde_json::to_writer(&mut to, &Tagged { schema: R::SCHEMA, report })?;
    to.write_all(b"\n")?;
    to.flush()
}

/// Writes lines to standard output.
///
/// # Errors
/// As [`failed`] says.
pub(crate) fn lines(lines: &[String]) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        let mut to = BufWriter::with_capacity(65_536, io::stdout().lock());
        for line in lines {
            to.write_all(line.as_bytes())?;
            to.write_all(b"\n")?;
        }
        to.flush()
    };
    write().map_err(failed)
}

/// Writes a report to standard output.
///
/// # Errors
/// As [`failed`] says.
pub(crate) fn report<R: Report>(report: &R) -> Result<(), Error> {
    object(&mut io::stdout().lock(), report).map_err(failed)
}

/// A failed write: `io.full` or `io.failed`, and the cause, by which [`reader_left`] knows it.
pub(crate) fn failed(error: io::Error) -> Error {
    Error::new(code_of(&error)).with("path", "standard output").with("detail", &error).because(error)
}

/// The code of a failed write.
pub(crate) fn code_of(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::StorageFull => Code::Full,
        io::ErrorKind::ReadOnlyFilesystem => Code::ReadOnly,
        _ => Code::Io,
    }
}

/// Whether the reader of our output went away, which is its right and no fault.
pub(crate) fn reader_left(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(at) = cause {
        if at.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = at.source();
    }
    false
}

/// Writes one line to standard error. A closed standard error leaves nobody to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Rows {
        documents: Vec<u32>,
    }

    impl Report for Rows {
        const SCHEMA: &'static str = "gapvault.test/v1";
    }

    #[test]
    fn the_schema_comes_first_and_there_is_one_object() {
        let mut bytes = Vec::new();
        object(&mut bytes, &Rows { documents: vec![1, 2] }).unwrap();
        assert_eq!(bytes, b"{\"schema\":\"gapvault.test/v1\",\"documents\":[1,2]}\n");
    }

    #[test]
    fn a_reader_that_left_is_told_from_a_full_disk() {
        assert!(reader_left(&failed(io::ErrorKind::BrokenPipe.into())));
        let full = failed(io::ErrorKind::StorageFull.into());
        assert!(!reader_left(&full));
        assert_eq!(full.code(), Code::Full);
    }
}
