//! What every verb has at hand: settings, words, the person, and the ways to answer.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use gapvault::vault::{self, Code, Error, Identity, Progress, Report, Site, Vault};
use gapvault::words::{Lang, Words, screen};
use secrecy::SecretString;

use crate::config::{self, Config};
use crate::passphrase::{self, NotGiven, Source};
use crate::terminal::{NoAnswer, Terminal};
use crate::{errors, output, progress, table};

/// Seconds to wait for another process when nobody says otherwise.
const DEFAULT_WAIT: u64 = 10;

/// Settings resolved once, from option, environment and configuration, in this order.
pub(crate) struct Desk {
    /// The user's language.
    pub(crate) words: Words,
    lang: Lang,
    json: bool,
    yes: bool,
    quiet: bool,
    /// Whether errors tell their causes too.
    pub(crate) verbose: bool,
    plain: bool,
    vault: Option<PathBuf>,
    identity: Option<PathBuf>,
    passphrase: Option<Source>,
    // A second read of standard input would find nothing.
    stdin_passphrase: RefCell<Option<SecretString>>,
    state: Option<PathBuf>,
    wait: Duration,
    interrupted: Cell<bool>,
}

impl Desk {
    /// Resolves the settings.
    ///
    /// # Errors
    /// `usage.passphrase-sources`, `usage.arguments` for a language that we do not speak.
    pub(crate) fn new(lang: Lang, matches: &ArgMatches, config: Config) -> Result<Self, Error> {
        let words = Words::new(lang);
        let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
        let setting = |name: &str, variable: &str, configured: Option<PathBuf>| {
            path(name).or_else(|| environment(variable).map(PathBuf::from)).or(configured)
        };
        if let Some(tag) = matches.get_one::<String>("lang").filter(|tag| Lang::from_tag(tag).is_none()) {
            let facts = [
                ("name", "--lang TAG".to_owned()),
                ("value", screen::escape(tag)),
                ("choices", "en, zh-TW".to_owned()),
            ];
            return Err(Error::new(Code::Usage).with("detail", words.text("usage-bad-choice", &facts)));
        }
        let wait = matches.get_one::<u64>("wait").copied().or(config.wait).unwrap_or(DEFAULT_WAIT);
        Ok(Self {
            words,
            lang,
            json: matches.get_flag("json"),
            yes: matches.get_flag("yes"),
            quiet: matches.get_flag("quiet"),
            verbose: matches.get_flag("verbose"),
            plain: matches.get_flag("plain") || environment("NO_COLOR").is_some(),
            vault: setting("vault", "GAPVAULT_VAULT", config.vault),
            identity: setting("identity", "GAPVAULT_IDENTITY", config.identity),
            passphrase: passphrase::source(path("passphrase-file"), environment("GAPVAULT_PASSPHRASE_FILE"))?,
            stdin_passphrase: RefCell::new(None),
            state: setting("state", "GAPVAULT_STATE", config.state).or_else(config::default_state),
            wait: Duration::from_secs(wait),
            interrupted: Cell::new(false),
        })
    }

    /// Whether the person pressed Ctrl-C at a question.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted.get()
    }

    /// The disk, the clock and everything else that is handed in from the top.
    pub(crate) fn site(&self) -> Result<Site, Error> {
        let no_state = || {
            Error::new(Code::Config)
                .with("path", "--state")
                .with("detail", self.words.text("usage-no-state", &[]))
        };
        let state = self.state.clone().ok_or_else(no_state)?;
        let (lang, silent) = (self.lang, self.quiet || self.json);
        let on_wait = move |holder: &str| {
            if !silent {
                output::note(&Words::new(lang).text("say-waiting", &[("holder", screen::escape(holder))]));
            }
        };
        Ok(Site::system(state, self.wait, Arc::new(on_wait)))
    }

    /// The vault: the named one, or the one around the current folder.
    pub(crate) fn vault(&self) -> Result<Vault, Error> {
        let dir = match &self.vault {
            Some(dir) => dir.clone(),
            None => {
                let here =
                    std::env::current_dir().map_err(|_| Error::new(Code::NoVault).with("path", "."))?;
                vault::find_vault(&here)?
            }
        };
        Vault::at(self.site()?, &dir)
    }

    /// The vault and the caller, unlocked.
    pub(crate) fn vault_and_me(&self) -> Result<(Vault, Identity), Error> {
        let vault = self.vault()?;
        let file = self.identity_file()?;
        let me = vault.unlock(file, self.passphrase()?)?;
        Ok((vault, me))
    }

    /// The vault, and the caller if an identity is named at all.
    pub(crate) fn vault_and_perhaps_me(&self) -> Result<(Vault, Option<Identity>), Error> {
        if self.identity.is_some() {
            let (vault, me) = self.vault_and_me()?;
            return Ok((vault, Some(me)));
        }
        Ok((self.vault()?, None))
    }

    /// The caller's identity file.
    pub(crate) fn identity_file(&self) -> Result<&Path, Error> {
        self.identity.as_deref().ok_or_else(|| Error::new(Code::NoIdentity))
    }

    /// The passphrase of an existing identity.
    pub(crate) fn passphrase(&self) -> Result<SecretString, Error> {
        match &self.passphrase {
            Some(source) => self.read_passphrase(source),
            None => self.given(passphrase::ask(&self.words, "ask-passphrase")),
        }
    }

    /// The passphrase of an identity that is being made.
    pub(crate) fn passphrase_for_new(&self) -> Result<SecretString, Error> {
        match &self.passphrase {
            Some(source) => self.read_passphrase(source),
            None => self.given(passphrase::ask_new(&self.words)),
        }
    }

    /// The passphrase that replaces another.
    pub(crate) fn new_passphrase(&self, file: Option<&PathBuf>) -> Result<SecretString, Error> {
        match file {
            Some(file) => self.read_passphrase(&Source::File(file.clone())),
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

    /// Tells the person something on standard error, unless nobody wants to hear.
    pub(crate) fn say(&self, key: &str, facts: &[(&str, String)]) {
        if !self.quiet && !self.json {
            output::note(&self.words.text(key, &escaped(facts)));
        }
    }

    /// Tells the person something that `--quiet` does not silence.
    pub(crate) fn warn(&self, key: &str, facts: &[(&str, String)]) {
        if !self.json {
            output::note(&self.words.text(key, &escaped(facts)));
        }
    }

    /// Tells of a thing among others that failed.
    pub(crate) fn failed(&self, what: &str, code: Code) {
        if !self.json {
            let escaped = screen::escape(what);
            let facts = [("path", escaped.clone()), ("id", escaped.clone()), ("detail", escaped.clone())];
            let message = errors::sentence(&self.words, code, &facts);
            let facts = [("what", escaped), ("message", message), ("code", code.to_string())];
            output::note(&self.words.text("say-failed", &facts));
        }
    }

    /// Answers: the report as JSON, or the lines that `human` makes of it.
    pub(crate) fn answer<R: Report>(
        &self,
        report: &R,
        human: impl FnOnce(&Self) -> Vec<String>,
    ) -> Result<(), Error> {
        if self.json { output::report(report) } else { output::lines(&human(self)) }
    }

    /// Answers where standard output holds a document: on standard error.
    pub(crate) fn answer_aside<R: Report>(&self, report: &R, human: impl FnOnce(&Self)) -> Result<(), Error> {
        if self.json {
            return output::object(&mut std::io::stderr().lock(), report).map_err(output::failed);
        }
        human(self);
        Ok(())
    }

    /// A text with its facts made harmless for a terminal.
    pub(crate) fn text(&self, key: &str, facts: &[(&str, String)]) -> String {
        self.words.text(key, &escaped(facts))
    }

    /// Facts one below the other, each after its heading.
    pub(crate) fn facts(&self, facts: &[(&str, String)]) -> Vec<String> {
        let headings: Vec<String> =
            facts.iter().map(|(name, _)| self.words.text(&format!("col-{name}"), &[])).collect();
        table::pairs(&headings, facts.iter().map(|(_, value)| value.as_str()))
    }

    /// Headings of a table.
    pub(crate) fn headings(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.words.text(&format!("col-{name}"), &[])).collect()
    }

    /// The word for a value: `class-critical`, `role-clerk` …; a value without a word stands for itself.
    pub(crate) fn value(&self, kind: &str, value: &str) -> String {
        let key = format!("{kind}-{}", value.replace('.', "-"));
        errors::known(&self.words, &key, &[]).unwrap_or_else(|| value.to_owned())
    }

    /// Columns of the terminal on standard output, if it is one.
    pub(crate) fn width(&self) -> Option<usize> {
        let out = std::io::stdout();
        if self.plain || !out.is_terminal() {
            return None;
        }
        rustix::termios::tcgetwinsize(&out)
            .ok()
            .map(|size| usize::from(size.ws_col))
            .filter(|columns| *columns > 0)
    }

    /// A progress bar, or none.
    pub(crate) fn progress(&self) -> Box<dyn Progress> {
        progress::choose(&self.words, !self.quiet && !self.json && !self.plain)
    }

    /// The language.
    pub(crate) fn lang(&self) -> Lang {
        self.lang
    }
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn escaped<'a>(facts: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
    facts.iter().map(|(name, value)| (*name, screen::escape(value))).collect()
}

/// A yes in either language.
fn is_yes(answer: &str) -> bool {
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
