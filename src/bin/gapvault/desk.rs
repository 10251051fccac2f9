//! What every verb has at hand: settings, words, the person, and the ways to answer.

mod asking;
mod holder;
mod telling;

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use gapvault::plugin::{PATIENCE, Plugins};
use gapvault::vault::{self, Code, Error, Identity, Site, Vault};
use gapvault::words::{Lang, Words, screen};
use secrecy::SecretString;

use holder::Holder;

use crate::command::placed;
use crate::config::{self, Config};
use crate::passphrase::{self, Source};
use crate::{errors, language, output};

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
    token: Option<PathBuf>,
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
            path(name).or_else(|| environment(variable).map(PathBuf::from)).or(configured).map(placed)
        };
        if let Some(tag) = matches.get_one::<String>("lang").filter(|tag| language::spoken(tag).is_none()) {
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
            token: setting("token", "GAPVAULT_TOKEN", config.token),
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
                let words = Words::new(lang);
                output::note(&words.text("say-waiting", &[("holder", errors::holder(&words, holder))]));
            }
        };
        let plugins = Plugins {
            path: environment("PATH").unwrap_or_default(),
            patience: PATIENCE,
            ask: Arc::new(Holder { lang, silent }),
        };
        Ok(Site { plugins, ..Site::system(state, self.wait, Arc::new(on_wait)) })
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
        let me = vault.unlock(file, &self.secret(file)?)?;
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
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
