//! Runs commands as a user would, shows them, and stops at the first that does not do what it should.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use gapvault::vault::{Code, Error};
use gapvault::words::screen;

use super::{Step, disk};
use crate::desk::Desk;

/// A person of the play.
#[derive(Clone, Copy)]
pub(super) struct Person {
    /// The name on the card.
    pub(super) name: &'static str,
    /// The identity file, relative to the folder.
    pub(super) identity: &'static str,
    /// The file with the passphrase, relative to the folder.
    pub(super) passphrase: &'static str,
}

/// What a command said.
pub(super) struct Said {
    /// Standard output.
    pub(super) out: String,
    /// Standard error.
    pub(super) err: String,
}

/// Plays in one folder.
pub(super) struct Player<'a> {
    desk: &'a Desk,
    /// The folder, absolute.
    pub(super) home: PathBuf,
    program: PathBuf,
    steps: Vec<Step>,
}

impl<'a> Player<'a> {
    /// A player in an existing, empty folder.
    pub(super) fn new(desk: &'a Desk, home: PathBuf) -> Result<Self, Error> {
        let program =
            std::env::current_exe().map_err(|error| disk(std::path::Path::new("gapvault"), error))?;
        Ok(Self { desk, home, program, steps: Vec::new() })
    }

    /// The commands that were shown.
    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// Says what comes next.
    pub(super) fn scene(&self, key: &str) {
        self.desk.say_line("");
        self.desk.say_line(&format!("# {}", self.desk.text(key, &[])));
    }

    /// Adds to what was said.
    pub(super) fn remark(&self, line: &str) {
        self.desk.say_line(&format!("#   {}", screen::escape(line)));
    }

    /// Shows a command that is no call of ours.
    pub(super) fn shell(&self, line: &str) {
        self.desk.say_line(&format!("$ {line}"));
    }

    /// Runs a command, shows it and what it says, and expects its exit code.
    pub(super) fn act(&mut self, who: Option<Person>, arguments: &[&str], exit: u8) -> Result<Said, Error> {
        let mut words = Vec::new();
        if let Some(person) = who {
            words.extend(["--identity", person.identity, "--passphrase-file", person.passphrase]);
        }
        words.extend(arguments);
        let shown = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let command = format!("gapvault {shown}");
        self.shell(&command);
        let (said, actual) = self.call(&words)?;
        for line in said.out.lines().chain(said.err.lines()) {
            self.desk.say_line(line);
        }
        if actual != Some(i32::from(exit)) {
            let actual = actual.map_or_else(|| "signal".to_owned(), |code| code.to_string());
            let detail = [("command", command), ("wanted", exit.to_string()), ("actual", actual)];
            return Err(self.wrong("demo-wrong-exit", &detail));
        }
        self.steps.push(Step { command, exit });
        Ok(said)
    }

    /// Runs a command unseen and returns its JSON object, to check what a person was shown.
    pub(super) fn probe(
        &self,
        who: Option<Person>,
        arguments: &[&str],
        exit: u8,
    ) -> Result<serde_json::Value, Error> {
        let mut words = vec!["--json"];
        if let Some(person) = who {
            words.extend(["--identity", person.identity, "--passphrase-file", person.passphrase]);
        }
        words.extend(arguments);
        let (said, actual) = self.call(&words)?;
        if actual != Some(i32::from(exit)) {
            let actual = format!("{actual:?} {}", said.err.trim());
            let detail = [("command", words.join(" ")), ("wanted", exit.to_string()), ("actual", actual)];
            return Err(self.wrong("demo-wrong-exit", &detail));
        }
        self.json(&said)
    }

    /// The JSON object that a command printed.
    pub(super) fn json(&self, said: &Said) -> Result<serde_json::Value, Error> {
        let parsed = serde_json::from_str(&said.out);
        parsed.map_err(|error| self.wrong("demo-wrong-answer", &[("what", error.to_string())]))
    }

    /// Fails unless `holds`; `what` is what should have held.
    pub(super) fn check(&self, holds: bool, what: &str) -> Result<(), Error> {
        if holds { Ok(()) } else { Err(self.wrong("demo-wrong-answer", &[("what", what.to_owned())])) }
    }

    fn wrong(&self, key: &str, facts: &[(&str, String)]) -> Error {
        Error::new(Code::Internal).with("detail", self.desk.text(key, facts))
    }

    /// Runs this program in the folder, with nothing in its environment that the play did not put there.
    fn call(&self, words: &[&str]) -> Result<(Said, Option<i32>), Error> {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.home).env_clear().stdin(Stdio::null());
        command.env("HOME", &self.home).env("GAPVAULT_LANG", self.desk.tag());
        command.env("GAPVAULT_VAULT", "vault").env("GAPVAULT_STATE", "state");
        if let Some(zone) = std::env::var_os("TZ") {
            command.env("TZ", zone);
        }
        let output = command.output().map_err(|error| disk(&self.program, error))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((Said { out: text(&output.stdout), err: text(&output.stderr) }, output.status.code()))
    }
}

/// A word as a shell needs it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        for word in ["a", "a b", "it's", "", "$HOME", "文件/a.txt", "*"] {
            let output =
                Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(word))).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(quoted("papers/a.txt"), "papers/a.txt");
    }
}
