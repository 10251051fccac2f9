//! Questions on the controlling terminal, whatever standard input and output are.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use zeroize::{Zeroize as _, Zeroizing};

/// The most bytes that one answer may have. A passphrase of the longest allowed length fits, and one that is too long is
/// seen to be so.
pub(crate) const MAX_ANSWER: usize = 8192;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// There is no terminal.
    NoTerminal,
    /// The person pressed Ctrl-C.
    Interrupted,
}

/// The controlling terminal.
pub(crate) struct Terminal(File);

impl Terminal {
    /// Opens it.
    pub(crate) fn open() -> Result<Self, NoAnswer> {
        let file = File::options().read(true).write(true).open("/dev/tty");
        file.map(Self).map_err(|_| NoAnswer::NoTerminal)
    }

    /// Writes a line of text before a question.
    pub(crate) fn say(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}");
    }

    /// Asks and reads a line; what is typed is shown only if `echo`.
    pub(crate) fn ask(&mut self, question: &str, echo: bool) -> Result<Zeroizing<Vec<u8>>, NoAnswer> {
        let quiet = Quiet::over(&self.0).map_err(|_| NoAnswer::NoTerminal)?;
        let mut tty = &self.0;
        let answer = tty.write_all(question.as_bytes()).and_then(|()| read_line(tty, echo));
        let _ = tty.write_all(b"\n");
        drop(quiet);
        match answer {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(NoAnswer::Interrupted),
            Err(_) => Err(NoAnswer::NoTerminal),
        }
    }
}

/// The terminal without echo, line editing and signals, until dropped. Without signals, Ctrl-C is a byte that we see, so
/// that no way out leaves a terminal that does not echo.
struct Quiet<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn over(tty: &'a File) -> rustix::io::Result<Self> {
        let before = termios::tcgetattr(tty)?;
        let mut now = before.clone();
        now.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        now.special_codes[SpecialCodeIndex::VMIN] = 1;
        now.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(tty, OptionalActions::Flush, &now)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.tty, OptionalActions::Now, &self.before);
    }
}

/// Reads a line byte by byte; `None` when Ctrl-C ended it.
fn read_line(mut tty: &File, echo: bool) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // All the room at once: a vector that grows leaves its old bytes behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
    let mut byte = Zeroizing::new([0_u8; 1]);
    loop {
        let step = match tty.read(&mut byte[..])? {
            0 => Step::Done,
            _ => {
                let [key] = *byte;
                edit(&mut line, key)
            }
        };
        match step {
            Step::Done => return Ok(Some(line)),
            Step::Interrupted => return Ok(None),
            Step::Kept if echo => tty.write_all(&byte[..])?,
            Step::Erased(columns) if echo => {
                for _ in 0..columns {
                    tty.write_all(b"\x08 \x08")?;
                }
            }
            Step::Kept | Step::Erased(_) | Step::Ignored => {}
        }
    }
}

/// What one byte did to the line.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Kept,
    Erased(usize),
    Ignored,
    Done,
    Interrupted,
}

/// Applies one byte: the few keys that everyone's fingers know, and text.
fn edit(line: &mut Vec<u8>, byte: u8) -> Step {
    match byte {
        b'\r' | b'\n' => Step::Done,
        0x03 => Step::Interrupted,
        0x04 => {
            if line.is_empty() {
                Step::Done
            } else {
                Step::Ignored
            }
        }
        0x08 | 0x7f => Step::Erased(erase_last(line)),
        0x15 => {
            let columns = columns(line);
            line.zeroize();
            Step::Erased(columns)
        }
        // A tab may be part of a passphrase; every other control byte is a key that we do not know.
        b'\t' => keep(line, byte),
        0..0x20 => Step::Ignored,
        _ => keep(line, byte),
    }
}

fn keep(line: &mut Vec<u8>, byte: u8) -> Step {
    if line.len() == MAX_ANSWER {
        return Step::Ignored;
    }
    line.push(byte);
    Step::Kept
}

/// Removes the last character, all of its bytes; says how many columns it took.
fn erase_last(line: &mut Vec<u8>) -> usize {
    let start = line.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
    let columns = columns(line.get(start..).unwrap_or_default());
    if let Some(tail) = line.get_mut(start..) {
        tail.zeroize();
    }
    line.truncate(start);
    columns
}

fn columns(bytes: &[u8]) -> usize {
    std::str::from_utf8(bytes).map_or(bytes.len(), unicode_width::UnicodeWidthStr::width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> (Vec<u8>, Step) {
        let mut line = Vec::new();
        let mut last = Step::Ignored;
        for key in keys {
            last = edit(&mut line, *key);
        }
        (line, last)
    }

    #[test]
    fn a_line_ends_with_enter_and_stops_with_control_c() {
        assert_eq!(typed(b"abc\n"), (b"abc".to_vec(), Step::Done));
        assert_eq!(typed(b"abc\r"), (b"abc".to_vec(), Step::Done));
        assert_eq!(typed(b"abc\x03").1, Step::Interrupted);
        assert_eq!(typed(b"\x04").1, Step::Done);
        assert_eq!(typed(b"a\x04"), (b"a".to_vec(), Step::Ignored));
    }

    #[test]
    fn backspace_takes_a_whole_character() {
        assert_eq!(typed("a密\u{7f}".as_bytes()), (b"a".to_vec(), Step::Erased(2)));
        assert_eq!(typed("密語\u{7f}\u{7f}\u{7f}".as_bytes()), (Vec::new(), Step::Erased(0)));
        assert_eq!(typed(b"ab\x08c"), (b"ac".to_vec(), Step::Kept));
        assert_eq!(typed("密a\u{15}b".as_bytes()), (b"b".to_vec(), Step::Kept));
    }

    #[test]
    fn a_line_has_its_limit_and_unknown_keys_do_nothing() {
        let (line, step) = typed(&vec![b'x'; MAX_ANSWER]);
        assert_eq!((line.len(), step), (MAX_ANSWER, Step::Kept));
        let (line, step) = typed(&vec![b'x'; MAX_ANSWER + 1]);
        assert_eq!((line.len(), step), (MAX_ANSWER, Step::Ignored));
        assert_eq!(typed(b"a\x1b\x1a\x00\tb").0, b"a\tb");
    }
}
