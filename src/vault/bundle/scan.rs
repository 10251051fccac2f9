//! The command of the policy that looks at what came in. It reads a document from its standard input, and what it says by
//! its exit code counts: 0 is clean, 1 is not, anything else means that it did not look.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::{Code, Error};
use super::medium::code_of;
use crate::log::entry;

/// Where programs are looked for: not where the caller's environment says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a program may think after it has everything.
const PATIENCE: Duration = Duration::from_secs(600);
const STEP: Duration = Duration::from_millis(20);
/// Longest text that is taken for a version.
const VERSION_LIMIT: usize = 200;

/// A command that looks at documents.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    words: Vec<String>,
    /// The program and its version, as entries name it.
    pub(super) tool: Option<entry::Code>,
}

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    Clean,
    Infected,
}

impl Scanner {
    /// The command as the policy has it, without a shell: words between blanks.
    ///
    /// # Errors
    /// [`Code::CheckFailed`] where there is no such program.
    pub(super) fn new(command: &str) -> Result<Self, Error> {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let program = words.first().ok_or_else(|| Error::new(Code::CheckFailed).with("detail", command))?;
        let output = bare(program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
        let output = output.map_err(|error| failed(program, &error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line: String = text.lines().next().unwrap_or_default().chars().take(VERSION_LIMIT).collect();
        let name = program.rsplit('/').next().unwrap_or(program);
        let tool = code_of(if line.is_empty() { name } else { &line });
        Ok(Self { words, tool })
    }

    /// Hands a document over; `give` writes its content.
    ///
    /// # Errors
    /// [`Code::CheckFailed`]; what `give` says, unless the program did not want to hear more.
    pub(super) fn look(
        &self,
        give: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), Error>,
    ) -> Result<Scan, Error> {
        let (program, arguments) =
            self.words.split_first().ok_or_else(|| Error::new(Code::CheckFailed).with("detail", ""))?;
        let spawned = bare(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child = spawned.map_err(|error| failed(program, &error.to_string()))?;
        let mut pipe = Patient { to: child.stdin.take(), deaf: false };
        let given = give(&mut pipe);
        let deaf = pipe.deaf;
        drop(pipe);
        if let (Err(error), false) = (given, deaf) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        match end_of(&mut child).map_err(|error| failed(program, &error.to_string()))? {
            Some(0) => Ok(Scan::Clean),
            Some(1) => Ok(Scan::Infected),
            Some(other) => Err(failed(program, &format!("exit {other}"))),
            None => Err(failed(program, "no answer")),
        }
    }
}

/// A program with nothing of our environment.
fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8").current_dir("/");
    command
}

fn failed(program: &str, why: &str) -> Error {
    Error::new(Code::CheckFailed).with("name", program).with("detail", why)
}

/// The exit code; none for a program that was killed, by somebody or because it took too long.
fn end_of(child: &mut Child) -> io::Result<Option<i32>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(STEP);
    }
}

/// A program may know enough before it has read everything: then the rest goes nowhere.
struct Patient {
    to: Option<std::process::ChildStdin>,
    deaf: bool,
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(to) = self.to.as_mut().filter(|_| !self.deaf) else { return Ok(bytes.len()) };
        match to.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.deaf = true;
                Ok(bytes.len())
            }
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(command: &str, content: &[u8]) -> Result<Scan, Code> {
        let scanner = Scanner::new(command).map_err(|error| error.code())?;
        let give = |to: &mut (dyn Write + Send)| to.write_all(content).map_err(|_| Code::Io.into());
        scanner.look(give).map_err(|error| error.code())
    }

    #[test]
    fn the_exit_code_is_the_verdict() {
        // `grep` finds a clean line, finds none, and cannot read its pattern.
        assert_eq!(look("grep -q clean", b"it is clean\n"), Ok(Scan::Clean));
        assert_eq!(look("grep -q clean", b"it is not\n"), Ok(Scan::Infected));
        assert_eq!(look("grep -q [", b""), Err(Code::CheckFailed));
        assert_eq!(look("/no/such/program -", b""), Err(Code::CheckFailed));
        assert_eq!(look("", b""), Err(Code::CheckFailed));
    }

    #[test]
    fn who_has_heard_enough_need_not_read_all() {
        assert_eq!(look("true", &vec![7; 4 << 20]), Ok(Scan::Clean));
        assert_eq!(look("false", &vec![7; 4 << 20]), Ok(Scan::Infected));
        assert!(Scanner::new("grep -q x").unwrap().tool.is_some());
    }
}
