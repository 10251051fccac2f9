//! The configuration file and the folders that a person's settings live in.

use std::io::Read as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use gapvault::fault::{Code, Error};
use serde::Deserialize;

/// The longest configuration file that is read, in bytes.
const MAX_CONFIG: u64 = 65_536;

/// `~/.config/gapvault/config.toml`: what options and environment leave open.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The vault.
    pub(crate) vault: Option<PathBuf>,
    /// Who I am.
    pub(crate) identity: Option<PathBuf>,
    /// What leads to the token that the identity file is under.
    pub(crate) token: Option<PathBuf>,
    /// The host's state folder.
    pub(crate) state: Option<PathBuf>,
    /// `en` or `zh-TW`.
    pub(crate) lang: Option<String>,
    /// Seconds to wait for another process.
    pub(crate) wait: Option<u64>,
    /// After so many entries this host replaces its log key.
    #[serde(rename = "log-key-entries")]
    #[cfg_attr(not(feature = "vault"), allow(dead_code, reason = "an auditor's machine has no log key"))]
    pub(crate) log_key_entries: Option<NonZero<u64>>,
}

/// Reads the configuration file; without one, everything is left open.
///
/// # Errors
/// `usage.config` with `path` and `detail`.
pub(crate) fn load() -> Result<Config, Error> {
    let Ok(base) = etcetera::choose_base_strategy() else { return Ok(Config::default()) };
    load_from(&base.config_dir().join("gapvault").join("config.toml"))
}

/// The host's state folder when nobody names another: `$XDG_STATE_HOME/gapvault`.
pub(crate) fn default_state() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir()?.join("gapvault"))
}

fn load_from(path: &Path) -> Result<Config, Error> {
    let bad = |detail: String| Error::new(Code::Config).with("path", path.display()).with("detail", detail);
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(error) => return Err(bad(error.to_string())),
    };
    let mut text = String::new();
    file.take(MAX_CONFIG + 1).read_to_string(&mut text).map_err(|error| bad(error.to_string()))?;
    if text.len() as u64 > MAX_CONFIG {
        return Err(bad(format!("> {MAX_CONFIG} bytes")));
    }
    parse(&text).map_err(bad)
}

fn parse(text: &str) -> Result<Config, String> {
    let mut config: Config = toml::from_str(text).map_err(|error| one_line(&error))?;
    for path in
        [&mut config.vault, &mut config.identity, &mut config.token, &mut config.state].into_iter().flatten()
    {
        *path = from_home(path, std::env::home_dir());
    }
    Ok(config)
}

/// What is wrong, without the drawing of the line that toml adds.
fn one_line(error: &toml::de::Error) -> String {
    error.message().lines().collect::<Vec<_>>().join(" ")
}

/// `~/x` is below the home folder, as people write it.
fn from_home(path: &Path, home: Option<PathBuf>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_read_and_no_other() {
        let all = "vault = '/v'\nidentity = '/i'\ntoken = '/t'\nstate = '/s'\nlang = 'zh-TW'\nwait = 5\nlog-key-entries = 1000\n";
        let config = parse(all).unwrap();
        assert_eq!(config.vault, Some("/v".into()));
        assert_eq!(config.identity, Some("/i".into()));
        assert_eq!(config.token, Some("/t".into()));
        assert_eq!(config.state, Some("/s".into()));
        assert_eq!(config.lang.as_deref(), Some("zh-TW"));
        assert_eq!(config.wait, Some(5));
        assert_eq!(config.log_key_entries, NonZero::new(1000));
        assert_eq!(parse("").unwrap(), Config::default());
        assert!(parse("valut = '/v'").is_err());
        assert!(parse("wait = -1").is_err());
        assert!(parse("log-key-entries = 0").is_err());
        assert!(!parse("vault = \n").unwrap_err().contains('\n'));
    }

    #[test]
    fn a_missing_file_is_no_settings_and_a_huge_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        assert_eq!(load_from(&path).unwrap(), Config::default());
        let fill = |extra: usize| "#".repeat(usize::try_from(MAX_CONFIG).unwrap() + extra);
        std::fs::write(&path, fill(0)).unwrap();
        assert_eq!(load_from(&path).unwrap(), Config::default());
        std::fs::write(&path, fill(1)).unwrap();
        assert_eq!(load_from(&path).unwrap_err().code(), Code::Config);
    }

    #[test]
    fn the_tilde_is_the_home_folder() {
        assert_eq!(from_home(Path::new("~/v"), Some("/home/a".into())), Path::new("/home/a/v"));
        assert_eq!(from_home(Path::new("~v"), Some("/home/a".into())), Path::new("~v"));
        assert_eq!(from_home(Path::new("~/v"), None), Path::new("~/v"));
    }
}
