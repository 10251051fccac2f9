//! Stanzas on a pipe, as they stand in an age header: `-> command argument…`, then a body in base64.

use age_core::format::Stanza;
use zeroize::{Zeroize as _, Zeroizing};

use crate::encoding::{base64_unpadded, unbase64_unpadded};

/// The longest line, in bytes without its end.
pub const MAX_LINE: usize = 64 * 1024;
/// The longest body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// The most commands of one run.
pub const MAX_COMMANDS: usize = 256;
/// The most bytes that a plugin may say in one run.
pub const MAX_TOTAL: usize = 1024 * 1024;
/// The most arguments of a command.
const MAX_ARGS: usize = 64;

const PREFIX: &str = "-> ";
const COLUMNS: usize = 64;
const BODY_LINE_BYTES: usize = 48;

/// What is wrong with what came in.
pub(super) type Broken = &'static str;

/// A command as it goes out. It can hold a file key.
pub(super) fn print(command: &str, args: &[&str], body: &[u8]) -> Zeroizing<Vec<u8>> {
    let encoded = Zeroizing::new(base64_unpadded(body));
    // Room for all of it, so that no copy is left where it grew.
    let words: usize = args.iter().map(|arg| arg.len() + 1).sum();
    let len = PREFIX.len() + command.len() + words + encoded.len() + encoded.len() / COLUMNS + 3;
    let mut out = Zeroizing::new(Vec::with_capacity(len));
    out.extend_from_slice(PREFIX.as_bytes());
    out.extend_from_slice(command.as_bytes());
    for arg in args {
        out.push(b' ');
        out.extend_from_slice(arg.as_bytes());
    }
    out.push(b'\n');
    for line in encoded.as_bytes().chunks(COLUMNS) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    // A body ends with a line of fewer columns, so that its end can be seen.
    if encoded.len().is_multiple_of(COLUMNS) {
        out.push(b'\n');
    }
    out
}

/// Puts together what comes in, in pieces of any size.
#[derive(Default)]
pub(super) struct Parser {
    waiting: Zeroizing<Vec<u8>>,
    total: usize,
    commands: usize,
    stanza: Option<Stanza>,
}

impl Drop for Parser {
    fn drop(&mut self) {
        if let Some(stanza) = &mut self.stanza {
            stanza.body.zeroize();
        }
    }
}

impl Parser {
    /// Takes in what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.total += bytes.len();
        if self.total > MAX_TOTAL {
            return Err("it says too much");
        }
        if self.waiting.capacity() - self.waiting.len() < bytes.len() {
            // A vector that grows by itself leaves its old bytes behind.
            let mut grown = Zeroizing::new(Vec::with_capacity(2 * (self.waiting.len() + bytes.len())));
            grown.extend_from_slice(&self.waiting);
            self.waiting = grown;
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole command, if it is there.
    pub(super) fn next(&mut self) -> Result<Option<Stanza>, Broken> {
        loop {
            let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') else {
                let endless = self.waiting.len() > MAX_LINE;
                return if endless { Err("a line without an end") } else { Ok(None) };
            };
            if end > MAX_LINE {
                return Err("a line without an end");
            }
            let line = Zeroizing::new(self.waiting.get(..end).unwrap_or_default().to_vec());
            self.waiting.drain(..=end);
            if let Some(stanza) = self.line(&line)? {
                return Ok(Some(stanza));
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Stanza>, Broken> {
        let text = std::str::from_utf8(line).map_err(|_| "a line that is no text")?;
        let Some(stanza) = &mut self.stanza else {
            self.commands += 1;
            if self.commands > MAX_COMMANDS {
                return Err("it has too many commands");
            }
            self.stanza = Some(first_line(text)?);
            return Ok(None);
        };
        let bytes = Zeroizing::new(unbase64_unpadded(text).ok_or("a body that is no base64")?);
        if bytes.len() > BODY_LINE_BYTES {
            return Err("a body line that is too long");
        }
        if stanza.body.len() + bytes.len() > MAX_BODY {
            return Err("a body that is too long");
        }
        if stanza.body.capacity() == 0 {
            // Most bodies are one line, and those with secrets are.
            stanza.body.reserve(BODY_LINE_BYTES * 2);
        }
        stanza.body.extend_from_slice(&bytes);
        Ok(if bytes.len() < BODY_LINE_BYTES { self.stanza.take() } else { None })
    }
}

fn first_line(text: &str) -> Result<Stanza, Broken> {
    let words = text.strip_prefix(PREFIX).ok_or("a line that begins no command")?;
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| (33..=126).contains(&byte));
    let mut words = words.split(' ');
    let tag = words.next().unwrap_or_default().to_owned();
    let args: Vec<String> = words.take(MAX_ARGS + 1).map(str::to_owned).collect();
    if args.len() > MAX_ARGS {
        return Err("a command with too many arguments");
    }
    if std::iter::once(&tag).chain(&args).all(|word| is_word(word)) {
        Ok(Stanza { tag, args, body: Vec::new() })
    } else {
        Err("a command with a malformed argument")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8], step: usize) -> Result<Vec<Stanza>, Broken> {
        let mut parser = Parser::default();
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            parser.push(piece)?;
            while let Some(stanza) = parser.next()? {
                out.push(stanza);
            }
        }
        Ok(out)
    }

    proptest! {
        #[test]
        fn commands_read_as_they_were_printed_in_pieces_of_any_size(
            tag in "[!-~]{1,20}",
            args in proptest::collection::vec("[!-~]{1,20}", 0..5),
            body in proptest::collection::vec(any::<u8>(), 0..200),
            step in 1_usize..300,
        ) {
            let words: Vec<&str> = args.iter().map(String::as_str).collect();
            let bytes = [print(&tag, &words, &body).as_slice(), &print("done", &[], &[])].concat();
            let got = parse(&bytes, step).unwrap();
            prop_assert_eq!(got.len(), 2);
            prop_assert_eq!((&got[0].tag, &got[0].args, &got[0].body), (&tag, &args, &body));
        }

        #[test]
        fn nothing_that_comes_in_does_harm(bytes in proptest::collection::vec(any::<u8>(), 0..500), step in 1_usize..100) {
            let whole = parse(&bytes, bytes.len().max(1));
            let pieces = parse(&bytes, step);
            prop_assert_eq!(whole.is_ok(), pieces.is_ok());
        }
    }

    #[test]
    fn age_core_reads_what_we_print() {
        for len in [0, 1, 47, 48, 49, 96, 100] {
            let body = vec![7; len];
            let ours = print("tag", &["a", "b"], &body);
            let (rest, read) = age_core::format::read::age_stanza(&ours).unwrap();
            assert!(rest.is_empty(), "{len}");
            assert_eq!((read.tag, read.args.as_slice()), ("tag", ["a", "b"].as_slice()));
            assert_eq!(read.body(), body);
        }
    }

    #[test]
    fn every_limit_holds_on_both_sides() {
        let line = |len: usize| [b"-> a ".as_slice(), &vec![b'x'; len - 5], b"\n\n"].concat();
        assert_eq!(parse(&line(MAX_LINE), 4096).unwrap().len(), 1);
        assert_eq!(parse(&line(MAX_LINE + 1), 4096), Err("a line without an end"));
        assert_eq!(parse(&vec![b'x'; MAX_LINE + 1], 4096), Err("a line without an end"));
        assert_eq!(parse(&print("a", &[], &[0; MAX_BODY]), 4096).unwrap().len(), 1);
        assert_eq!(parse(&print("a", &[], &[0; MAX_BODY + 1]), 4096), Err("a body that is too long"));
        let many = |count| print("a", &[], &[]).repeat(count);
        assert_eq!(parse(&many(MAX_COMMANDS), 4096).unwrap().len(), MAX_COMMANDS);
        assert_eq!(parse(&many(MAX_COMMANDS + 1), 4096), Err("it has too many commands"));
        let args = |count| print("a", &vec!["b"; count], &[]);
        assert_eq!(parse(&args(MAX_ARGS), 4096).unwrap()[0].args.len(), MAX_ARGS);
        assert_eq!(parse(&args(MAX_ARGS + 1), 4096), Err("a command with too many arguments"));
        let body = print("a", &[], &[0; 60_000]);
        let total = body.repeat(MAX_TOTAL / body.len() + 1);
        assert_eq!(parse(&total, 4096), Err("it says too much"));
        assert!(parse(&total[..MAX_TOTAL], 4096).is_ok());
    }

    #[test]
    fn rubbish_is_named() {
        for (bytes, what) in [
            (b"hello\n".as_slice(), "a line that begins no command"),
            (b"-> \n", "a command with a malformed argument"),
            (b"-> a  b\n", "a command with a malformed argument"),
            (b"-> a\n=\n", "a body that is no base64"),
            (
                b"-> a\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
                "a body line that is too long",
            ),
            (b"\xff\n", "a line that is no text"),
        ] {
            assert_eq!(parse(bytes, 7), Err(what));
        }
    }
}
