use std::io::{self, Cursor, Read};

use super::error::{Error, HeaderError};
use super::header::{MAX_HEADER_LEN, UnverifiedHeader};
use super::lines::LineParser;

/// How much is asked of the source at once; at most this much is read past the header's end.
const READ_LEN: usize = 4096;

/// What follows the header: the bytes that were read past its end, then the rest of the source.
#[derive(Debug)]
pub struct Rest<R> {
    ahead: Cursor<Vec<u8>>,
    source: R,
}

impl<R: Read> Read for Rest<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ahead = self.ahead.read(out)?;
        if ahead > 0 || out.is_empty() { Ok(ahead) } else { self.source.read(out) }
    }
}

impl UnverifiedHeader {
    /// Parses the header that stands at the front of `bytes`; [`len`](Self::len) says where it ends.
    ///
    /// # Errors
    /// [`Error::Header`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut source = bytes;
        Self::read(&mut source).map(|(header, _)| header)
    }

    /// Reads a header from `source` and gives it with everything that follows.
    ///
    /// Time and memory are linear in the header's length; a source without line ends is given up
    /// after a few bytes, one with endless stanzas after [`MAX_HEADER_LEN`].
    ///
    /// # Errors
    /// [`Error::Header`], [`Error::Read`], and [`Error::Armor`] from an armored source.
    pub fn read<R: Read>(mut source: R) -> Result<(Self, Rest<R>), Error> {
        let mut raw = Vec::with_capacity(READ_LEN);
        let mut parser = LineParser::default();
        let mut buffer = [0; READ_LEN];
        let (mut line_start, mut searched) = (0, 0);
        loop {
            let got = read_some(&mut source, &mut buffer)?;
            if got == 0 {
                return Err(HeaderError::Truncated.into());
            }
            raw.extend_from_slice(buffer.get(..got).unwrap_or_default());
            while let Some(offset) = find_newline(&raw, searched) {
                let line = raw.get(line_start..offset).unwrap_or_default();
                if offset >= MAX_HEADER_LEN {
                    return Err(HeaderError::TooLong.into());
                }
                line_start = offset + 1;
                searched = line_start;
                if let Some((stanzas, mac)) = parser.line(line)? {
                    let ahead = Cursor::new(raw.split_off(line_start));
                    return Ok((Self { stanzas, mac, bytes: raw }, Rest { ahead, source }));
                }
            }
            parser.unfinished_line(raw.get(line_start..).unwrap_or_default())?;
            searched = raw.len();
            if raw.len() >= MAX_HEADER_LEN {
                return Err(HeaderError::TooLong.into());
            }
        }
    }
}

fn find_newline(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.iter().position(|byte| *byte == b'\n').map(|offset| from + offset)
}

/// One read that an interrupting signal does not disturb.
pub(super) fn read_some(source: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, Error> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map_err(Error::from_read),
        }
    }
}

/// Reads until `buffer` is full or the source ends, and gives the number of bytes.
pub(super) fn read_full(source: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, Error> {
    let mut filled = 0;
    while let Some(space) = buffer.get_mut(filled..).filter(|space| !space.is_empty()) {
        match read_some(source, space)? {
            0 => break,
            got => filled += got,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agefile::{FileKey, Stanza, seal_header};

    /// Gives a pattern for ever, `step` bytes at a time, and counts what was taken.
    struct Endless<'a> {
        front: &'a [u8],
        pattern: &'a [u8],
        step: usize,
        given: usize,
    }

    impl Read for Endless<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let len = out.len().min(self.step);
            for slot in &mut out[..len] {
                *slot = match self.front.get(self.given) {
                    Some(byte) => *byte,
                    None => self.pattern[(self.given - self.front.len()) % self.pattern.len()],
                };
                self.given += 1;
            }
            Ok(len)
        }
    }

    fn taken_of(front: &str, pattern: &str) -> usize {
        let (front, pattern) = (front.as_bytes(), pattern.as_bytes());
        let mut source = Endless { front, pattern, step: usize::MAX, given: 0 };
        assert!(matches!(UnverifiedHeader::read(&mut source), Err(Error::Header(_))));
        source.given
    }

    #[test]
    fn endless_sources_are_given_up() {
        let version = "age-encryption.org/v1\n";
        // Where no line end comes, and where the lines themselves are sound.
        assert!(taken_of("", "a") <= READ_LEN);
        assert!(taken_of(version, "a") <= MAX_HEADER_LEN);
        assert!(taken_of(&format!("{version}-> a\n"), "A") <= READ_LEN);
        assert!(taken_of(&format!("{version}-> "), "a") <= MAX_HEADER_LEN);
        assert!(taken_of(&format!("{version}-> a"), " a") <= MAX_HEADER_LEN);
        assert!(taken_of(&format!("{version}-> a\n"), &format!("{}\n", "A".repeat(64))) <= MAX_HEADER_LEN);
        assert!(taken_of(version, "-> a\n\n") <= MAX_HEADER_LEN);
    }

    /// Every byte is searched for a line end once, so the work follows the length: counted on the largest
    /// header of one line and of many, byte by byte, which a reader that starts again would not end.
    #[test]
    fn a_header_that_arrives_byte_by_byte_is_read_in_linear_time() {
        let key = FileKey::new([1; 16]);
        let stanza = |args: Vec<String>, body: usize| Stanza { tag: "a".into(), args, body: vec![0; body] };
        for stanza in [stanza(vec!["b".repeat(1_900_000)], 0), stanza(vec![], 1_400_000)] {
            let header = seal_header(&key, &[stanza]).unwrap();
            let mut source = Endless { front: &header, pattern: b"payload", step: 1, given: 0 };
            let (read, mut rest) = UnverifiedHeader::read(&mut source).unwrap();
            assert_eq!(read.as_bytes(), header);
            let mut follows = [0; 7];
            rest.read_exact(&mut follows).unwrap();
            assert_eq!(&follows, b"payload");
            assert_eq!(source.given, header.len() + 7);
        }
    }

    #[test]
    fn what_follows_the_header_is_given_back_whole() {
        let stanza = Stanza { tag: "a".into(), args: vec![], body: vec![0; 5000] };
        let header = seal_header(&FileKey::new([1; 16]), &[stanza]).unwrap();
        for len in [0, 1, 100, READ_LEN, 3 * READ_LEN] {
            let payload: Vec<u8> = (0..len).map(|index| index as u8).collect();
            for step in [1, 7, READ_LEN] {
                let file = [header.as_slice(), &payload].concat();
                let source = Endless { front: &file, pattern: b"x", step, given: 0 };
                let (_, rest) = UnverifiedHeader::read(source.take(file.len() as u64)).unwrap();
                let mut got = Vec::new();
                rest.take(1 << 20).read_to_end(&mut got).unwrap();
                assert_eq!(got, payload);
            }
        }
    }

    #[test]
    fn a_failing_source_is_told_apart_and_an_interrupted_one_goes_on() {
        struct Faulty(Vec<io::ErrorKind>);
        impl Read for Faulty {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                self.0.pop().map_or(Ok(0), |kind| Err(kind.into()))
            }
        }
        use io::ErrorKind::{Interrupted, Other};
        let read = |kinds| UnverifiedHeader::read(Faulty(kinds)).map(|_| ());
        assert!(matches!(read(vec![Other, Interrupted]), Err(Error::Read(_))));
        assert!(matches!(read(vec![Interrupted]), Err(Error::Header(HeaderError::Truncated))));
    }
}
