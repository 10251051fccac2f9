//! What every verb has at hand: settings, words, the person, and the ways to answer.

mod asking;
#[cfg(feature = "vault")]
mod holder;
#[cfg(feature = "vault")]
mod own;
mod telling;

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
#[cfg(feature = "vault")]
use std::num::NonZero;
#[cfg(not(feature = "vault"))]
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
#[cfg(feature = "vault")]
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use gapvault::fault::{Code, Error};
#[cfg(not(feature = "vault"))]
use gapvault::identity::FILE_LIMIT;
use gapvault::identity::Identity;
#[cfg(feature = "vault")]
use gapvault::plugin::{PATIENCE, Plugins};
use gapvault::process::SystemClock;
use gapvault::time::{Clock as _, Timestamp};
#[cfg(feature = "vault")]
use gapvault::vault::{self, KEY_ENTRIES, Site, Vault};
use gapvault::words::{Lang, Words, screen};
use secrecy::SecretString;

#[cfg(feature = "vault")]
use holder::Holder;

use crate::command::placed;
use crate::config::{self, Config};
#[cfg(not(feature = "vault"))]
use crate::files;
use crate::language;
use crate::passphrase::{self, Source};
use crate::verbs::OwnLog;
#[cfg(feature = "vault")]
use crate::{errors, output};

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
    #[cfg(feature = "vault")]
    log_key_entries: u64,
    interrupted: Cell<bool>,
}

impl Desk {
    /// Resolves the settings.
    ///
    /// # Errors
    /// `usage.passphrase-sources`, `usage.arguments` for a language that we do not speak.
    pub(crate) fn new(words: Words, matches: &ArgMatches, config: Config) -> Result<Self, Error> {
        // Not every program has every option.
        let path = |name: &str| matches.try_get_one::<PathBuf>(name).ok().flatten().cloned();
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
        let wait = matches
            .try_get_one::<u64>("wait")
            .ok()
            .flatten()
            .copied()
            .or(config.wait)
            .unwrap_or(DEFAULT_WAIT);
        Ok(Self {
            lang: words.lang(),
            words,
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
            #[cfg(feature = "vault")]
            log_key_entries: config.log_key_entries.map_or(KEY_ENTRIES, NonZero::get),
            interrupted: Cell::new(false),
        })
    }

    /// Whether the person pressed Ctrl-C at a question.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted.get()
    }

    /// The host's state folder.
    pub(crate) fn state(&self) -> Result<&Path, Error> {
        let no_state = || {
            Error::new(Code::Config)
                .with("path", "--state")
                .with("detail", self.words.text("usage-no-state", &[]))
        };
        self.state.as_deref().ok_or_else(no_state)
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now().time
    }

    /// The caller's identity file.
    pub(crate) fn identity_file(&self) -> Result<&Path, Error> {
        self.identity.as_deref().ok_or_else(|| Error::new(Code::NoIdentity))
    }
}

#[cfg(feature = "vault")]
impl Desk {
    /// The disk, the clock and everything else that is handed in from the top.
    pub(crate) fn site(&self) -> Result<Site, Error> {
        let state = self.state()?.to_owned();
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
        let key_entries = self.log_key_entries;
        Ok(Site { plugins, key_entries, ..Site::system(state, self.wait, Arc::new(on_wait)) })
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

    /// The log of the vault at hand.
    pub(crate) fn own(&self) -> Result<Box<dyn OwnLog>, Error> {
        Ok(Box::new(self.vault()?))
    }

    /// The caller, unlocked, where there is no vault.
    pub(crate) fn me(&self) -> Result<Identity, Error> {
        let file = self.identity_file()?;
        vault::unlock_identity(&self.site()?, file, &self.secret(file)?)
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
}

#[cfg(not(feature = "vault"))]
impl Desk {
    /// The caller, unlocked with a passphrase. Tokens and the count of wrong passphrases are the large program's.
    pub(crate) fn me(&self) -> Result<Identity, Error> {
        let file = self.identity_file()?;
        let bytes = files::small(file, FILE_LIMIT as u64)?;
        let mode = std::fs::metadata(file).map(|data| data.mode()).unwrap_or(u32::MAX);
        if mode & 0o044 != 0 {
            return Err(Error::new(Code::IdentityPermissions).with("path", file.display()));
        }
        let opened = Identity::unlock(&bytes, &self.passphrase()?);
        opened.map_err(|error| Error::from(error).with("path", file.display()))
    }

    /// The log of a vault at hand, which this program never has.
    pub(crate) fn own(&self) -> Result<Box<dyn OwnLog>, Error> {
        Err(Error::new(Code::Usage).with("detail", "--evidence DIR"))
    }
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
