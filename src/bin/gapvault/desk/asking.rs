//! What the person must be asked: passphrases, and a yes.

#[cfg(feature = "vault")]
use std::path::Path;
use std::path::PathBuf;

use gapvault::fault::{Code, Error};
#[cfg(feature = "vault")]
use gapvault::vault::{self, Protection, Secret};
use secrecy::SecretString;

use super::Desk;
use crate::passphrase::{self, NotGiven, Source};
use crate::terminal::{NoAnswer, Terminal};

#[cfg(feature = "vault")]
impl Desk {
    /// What opens an identity file: its token, or its passphrase. The file's form says which.
    pub(crate) fn secret(&self, file: &Path) -> Result<Secret, Error> {
        let site = self.site()?;
        match vault::protection_of(&site, file) {
            Ok(Protection::Token(beside)) => {
                let token = self.token.clone().unwrap_or(beside);
                let read = vault::read_token(&site, &token).map_err(|error| match error.code() {
                    Code::NoFile if self.token.is_none() => {
                        Error::new(Code::NoToken).with("path", token.display())
                    }
                    _ => error,
                });
                Ok(Secret::Token(read?.0))
            }
            // A file that is missing, or no identity, is told once somebody tried to unlock it: that is on record.
            Ok(Protection::Passphrase) | Err(_) => self.passphrase().map(Secret::Passphrase),
        }
    }

    /// What protects an identity that is being made.
    pub(crate) fn secret_for_new(&self) -> Result<Secret, Error> {
        match &self.token {
            Some(token) => Ok(Secret::Token(vault::read_token(&self.site()?, token)?.0)),
            None => self.passphrase_for_new().map(Secret::Passphrase),
        }
    }
}

impl Desk {
    /// The passphrase of an existing identity.
    pub(super) fn passphrase(&self) -> Result<SecretString, Error> {
        match &self.passphrase {
            Some(source) => self.read_passphrase(source),
            None => self.given(passphrase::ask(&self.words, "ask-passphrase")),
        }
    }

    /// The passphrase of an identity that is being made.
    fn passphrase_for_new(&self) -> Result<SecretString, Error> {
        match &self.passphrase {
            Some(source) => self.read_passphrase(source),
            None => self.given(passphrase::ask_new(&self.words)),
        }
    }

    /// The passphrase that replaces another.
    pub(crate) fn new_passphrase(&self, file: Option<&PathBuf>) -> Result<SecretString, Error> {
        match file {
            Some(file) => {
                let new = Source::of(file.clone());
                // Standard input cannot hold the old and the new one.
                if new == Source::Stdin && self.passphrase == Some(Source::Stdin) {
                    return Err(Code::PassphraseSources.into());
                }
                self.read_passphrase(&new)
            }
            None => self.given(passphrase::ask_new(&self.words)),
        }
    }

    fn read_passphrase(&self, source: &Source) -> Result<SecretString, Error> {
        if *source == Source::Stdin
            && let Some(secret) = self.stdin_passphrase.borrow().as_ref()
        {
            return Ok(secret.clone());
        }
        let found = passphrase::read(source)?;
        if let Some(path) = found.readable_by_others {
            self.warn("say-passphrase-file-open", &[("path", path.display().to_string())]);
        }
        if *source == Source::Stdin {
            *self.stdin_passphrase.borrow_mut() = Some(found.secret.clone());
        }
        Ok(found.secret)
    }

    fn given(&self, answer: Result<SecretString, NotGiven>) -> Result<SecretString, Error> {
        answer.map_err(|reason| match reason {
            NotGiven::Error(error) => error,
            NotGiven::Interrupted => {
                self.interrupted.set(true);
                Error::new(Code::NotConfirmed)
            }
        })
    }

    /// Asks the person for a yes; `--yes` is one.
    ///
    /// # Errors
    /// `usage.not-confirmed`, also where there is no terminal.
    pub(crate) fn confirm(
        &self,
        before: &[String],
        question: &str,
        facts: &[(&str, String)],
    ) -> Result<(), Error> {
        if self.yes {
            return Ok(());
        }
        let refused = || Error::new(Code::NotConfirmed);
        let mut terminal = Terminal::open().map_err(|_| refused())?;
        for line in before {
            terminal.say(line);
        }
        let answer = terminal.ask(&self.words.text(question, facts), true).map_err(|reason| {
            self.interrupted.set(matches!(reason, NoAnswer::Interrupted));
            refused()
        })?;
        let answer = String::from_utf8_lossy(&answer).trim().to_lowercase();
        if is_yes(&answer) { Ok(()) } else { Err(refused()) }
    }
}

/// A yes in either language.
pub(super) fn is_yes(answer: &str) -> bool {
    matches!(answer, "y" | "yes" | "是" | "好" | "確認")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(is_yes("y") && is_yes("yes") && is_yes("是"));
        assert!(!is_yes("") && !is_yes("n") && !is_yes("yess"));
    }
}
