use std::io::{self, BufRead, BufReader, Read};

use crate::encoding::{base64, unbase64};

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;
const LINE_BYTES: usize = 48;
/// The most blank bytes before the armor, and the most after it.
pub const MAX_ARMOR_BLANK: usize = 1024;

/// What is wrong with an armored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmorError {
    /// The first line is not the one of an age file.
    #[error("it does not begin as an armored age file")]
    Begin,
    /// A line is not base64 of 64 columns, or a shorter one that is not the last.
    #[error("a line is malformed")]
    Line,
    /// The input ends before the end line.
    #[error("the end line is missing")]
    End,
    /// Something other than blanks follows the end line, or over [`MAX_ARMOR_BLANK`] of them.
    #[error("there is something around the armor")]
    Around,
}

impl From<ArmorError> for io::Error {
    fn from(error: ArmorError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// The age file `bytes` as ASCII armor (`c2sp.org/age`, strict PEM), for people who paste.
pub fn armor(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3 / 2 + 128);
    out.push_str(BEGIN);
    out.push('\n');
    for line in bytes.chunks(LINE_BYTES) {
        out.push_str(&base64(line));
        out.push('\n');
    }
    out.push_str(END);
    out.push('\n');
    out
}

/// Reads the age file inside ASCII armor.
///
/// Lines end with LF or CRLF; blanks before and after the armor are skipped, up to [`MAX_ARMOR_BLANK`].
/// A violation comes out as an [`io::Error`] that holds an [`ArmorError`]; the functions of this room
/// give it back as [`Error::Armor`](super::Error::Armor).
#[derive(Debug)]
pub struct ArmorReader<R> {
    source: BufReader<R>,
    at: At,
    bytes: Vec<u8>,
    taken: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Begin,
    Body,
    /// After a line of fewer than 64 columns only the end line may follow.
    LastLine,
    Done,
}

impl<R: Read> ArmorReader<R> {
    /// Expects armor at the front of `source`, and nothing else in it.
    pub fn new(source: R) -> Self {
        Self { source: BufReader::new(source), at: At::Begin, bytes: Vec::new(), taken: 0 }
    }

    fn next_line(&mut self) -> io::Result<()> {
        if self.at == At::Begin {
            self.skip_blanks()?;
            if self.line(BEGIN.len(), ArmorError::Begin)? != BEGIN {
                return Err(ArmorError::Begin.into());
            }
            self.at = At::Body;
        }
        let line = self.line(COLUMNS, ArmorError::Line)?;
        if line == END {
            self.at = At::Done;
            self.skip_blanks()?;
            let ended = self.source.fill_buf()?.is_empty();
            return if ended { Ok(()) } else { Err(ArmorError::Around.into()) };
        }
        if self.at == At::LastLine || line.is_empty() {
            return Err(ArmorError::Line.into());
        }
        self.bytes = unbase64(&line).ok_or(ArmorError::Line)?;
        self.taken = 0;
        if self.bytes.len() < LINE_BYTES {
            self.at = At::LastLine;
        }
        Ok(())
    }

    /// A line without its end, of `columns` at most.
    fn line(&mut self, columns: usize, over: ArmorError) -> io::Result<String> {
        let mut line = Vec::new();
        let limit = columns as u64 + 2;
        (&mut self.source).take(limit).read_until(b'\n', &mut line)?;
        let ended = line.pop_if(|byte| *byte == b'\n').is_some();
        if ended {
            line.pop_if(|byte| *byte == b'\r');
        }
        let text = String::from_utf8(line).map_err(|_| over)?;
        // Only the end line may lack a line end.
        let complete = ended || text == END;
        match (complete, text.is_empty()) {
            (true, _) if text.len() <= columns => Ok(text),
            (false, true) => Err(ArmorError::End.into()),
            _ => Err(over.into()),
        }
    }

    fn skip_blanks(&mut self) -> io::Result<()> {
        for _ in 0..=MAX_ARMOR_BLANK {
            match self.source.fill_buf()?.first() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.source.consume(1),
                _ => return Ok(()),
            }
        }
        Err(ArmorError::Around.into())
    }
}

impl<R: Read> Read for ArmorReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.bytes.len() && self.at != At::Done {
            self.next_line()?;
        }
        let got = self.bytes.get(self.taken..).unwrap_or_default().read(out)?;
        self.taken += got;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unarmor(text: &[u8]) -> Result<Vec<u8>, ArmorError> {
        let mut out = Vec::new();
        match ArmorReader::new(text).read_to_end(&mut out) {
            Ok(_) => Ok(out),
            Err(error) => Err(*error.get_ref().unwrap().downcast_ref().unwrap()),
        }
    }

    #[test]
    fn every_length_comes_back() {
        for len in 0..200 {
            let bytes = vec![0xa5; len];
            assert_eq!(unarmor(armor(&bytes).as_bytes()), Ok(bytes));
        }
    }

    #[test]
    fn a_cut_armor_is_refused_at_every_byte_but_the_last_line_end() {
        let text = armor(&[7; 100]);
        for len in 0..text.len() - 1 {
            assert!(unarmor(&text.as_bytes()[..len]).is_err(), "{len}");
        }
        assert_eq!(unarmor(text.trim_end().as_bytes()), Ok(vec![7; 100]));
    }

    #[test]
    fn blanks_around_are_limited() {
        let text = armor(b"x");
        for (count, fine) in [(MAX_ARMOR_BLANK, true), (MAX_ARMOR_BLANK + 1, false)] {
            let blanks = " ".repeat(count);
            assert_eq!(unarmor(format!("{blanks}{text}").as_bytes()).is_ok(), fine);
            // The line end after the end line belongs to that line.
            assert_eq!(unarmor(format!("{text}{blanks}").as_bytes()).is_ok(), fine);
        }
        assert_eq!(unarmor(format!("{text}x").as_bytes()), Err(ArmorError::Around));
        assert_eq!(unarmor(format!("x{text}").as_bytes()), Err(ArmorError::Begin));
    }

    #[test]
    fn an_endless_line_is_given_up_soon() {
        assert_eq!(unarmor(&vec![b'A'; 1 << 20]), Err(ArmorError::Begin));
        let endless = [format!("{BEGIN}\n").as_bytes(), &vec![b'A'; 1 << 20]].concat();
        assert_eq!(unarmor(&endless), Err(ArmorError::Line));
    }

    proptest! {
        #[test]
        fn what_parses_prints_the_same(text in "(-----BEGIN AGE ENCRYPTED FILE-----\n)?([AZaz09+/=]{0,70}\n){0,4}(-----END AGE ENCRYPTED FILE-----\n)?") {
            if let Ok(bytes) = unarmor(text.as_bytes()) {
                prop_assert_eq!(armor(&bytes), text);
            }
        }
    }
}
