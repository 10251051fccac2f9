//! The program itself: what it prints where, its exit codes, and how it stands beside other processes.

mod findings;
mod gap;
mod help;
mod json;
mod mistakes;
mod passphrases;
mod places;
mod queries;
mod report;
mod settings;
mod together;
mod tokens;
mod transcripts;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A policy for an office of one person.
pub(crate) const ALONE: &str = r#"
[critical]
open-reason = "optional"
open-zone = "any"
export-in-approvals = 0
export-out-approvals = 0
export-out-releaser = false
accept = "importer"
destroy-approvals = 0
relabel-down-approvals = 0

[important]
export-out-approvals = 0
export-out-releaser = false
destroy-approvals = 0
relabel-down-approvals = 0
"#;

/// A folder with a passphrase and whatever else a user has around, and nothing of the machine's own settings.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    here: PathBuf,
}

impl Bench {
    /// A folder, and a passphrase in `pass`.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap();
        Self { folder, here }.furnished()
    }

    /// The same in a subfolder of this name.
    pub(crate) fn within(name: &OsStr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap().join(name);
        std::fs::create_dir(&here).unwrap();
        Self { folder, here }.furnished()
    }

    fn furnished(self) -> Self {
        assert!(self.here.starts_with(self.folder.path().canonicalize().unwrap()));
        self.secret("pass", "correct horse\n");
        self
    }

    /// With an officer, `ann.id`, and a vault, `v`.
    pub(crate) fn founded() -> Self {
        let bench = Self::bare();
        bench.found();
        bench
    }

    pub(crate) fn found(&self) {
        self.identity("ann");
        self.write("alone.toml", ALONE);
        let policy = ["--policy", "alone.toml"];
        self.call(&["init", "v", "--name", "v", "--zone", "networked", "--classic"]).with(&policy).ok();
    }

    /// A new identity file, `NAME.id`.
    pub(crate) fn identity(&self, name: &str) {
        let out = format!("{name}.id");
        self.call(&["identity", "new", "--name", name, "--out", &out, "--work-factor", "10", "--classic"])
            .ok();
    }

    /// Somebody joins.
    pub(crate) fn join(&self, name: &str, role: &str, rights: &[&str]) {
        self.identity(name);
        let card = format!("{name}.id.card");
        self.call(&[&["member", "add", &card, "--role", role, "--yes"], rights].concat()).ok();
    }

    /// Seals a file; gives the id.
    pub(crate) fn seal(&self, name: &str, class: &str) -> String {
        let report = self.call(&["seal", name, "--class", class, "--json"]).ok().json();
        report["documents"][0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.here.join(name)
    }

    pub(crate) fn here(&self) -> &Path {
        &self.here
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A file that only its owner can read.
    pub(crate) fn secret(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, bytes);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A call as the officer, in this folder, on the vault `v`.
    pub(crate) fn call<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Call {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gapvault"));
        command.args(arguments).current_dir(&self.here).env_clear();
        command.env("HOME", self.path("home")).env("TZ", "UTC").env("LANG", "C");
        command.env("GAPVAULT_STATE", self.path("state")).env("GAPVAULT_VAULT", self.path("v"));
        command.env("GAPVAULT_IDENTITY", self.path("ann.id"));
        command.env("GAPVAULT_PASSPHRASE_FILE", self.path("pass"));
        Call { command, input: Vec::new() }
    }

    /// Both verdicts are good, and nothing is left over.
    pub(crate) fn sound(&self) {
        for verb in [&["verify", "--json"][..], &["audit", "verify", "--json"]] {
            let report = self.call(verb).ok().json();
            assert_eq!(report["verdict"], "ok", "{report}");
            assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report}");
            assert_eq!(report["pending"].as_array().unwrap().len(), 0, "{report}");
        }
    }

    /// The access log, entry by entry.
    pub(crate) fn entries(&self) -> Vec<Value> {
        self.call(&["audit", "show", "--json"]).ok().json()["entries"].as_array().unwrap().clone()
    }
}

/// A call that was not made yet.
pub(crate) struct Call {
    pub(crate) command: Command,
    input: Vec<u8>,
}

impl Call {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn lang(self, tag: &str) -> Self {
        self.env("GAPVAULT_LANG", tag)
    }

    /// Without a terminal to ask on, even where the tests have one.
    pub(crate) fn alone(mut self) -> Self {
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(self.command.get_program()).args(self.command.get_args());
        command.current_dir(self.command.get_current_dir().unwrap()).env_clear();
        let set = self.command.get_envs().filter_map(|(name, value)| value.map(|value| (name, value)));
        command.envs(set).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        self.command = command;
        self
    }

    /// With more words at the end.
    pub(crate) fn with(mut self, words: &[&str]) -> Self {
        self.command.args(words);
        self
    }

    /// Waits so many seconds for another process.
    pub(crate) fn wait(self, seconds: &str) -> Self {
        self.with(&["--wait", seconds])
    }

    /// With an answer for machines.
    pub(crate) fn machine(self) -> Self {
        self.with(&["--json"])
    }

    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    pub(crate) fn spawn(mut self) -> Child {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        // A program that needs no input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(&self.input);
        child
    }

    pub(crate) fn run(self) -> Said {
        let words: Vec<OsString> = self.command.get_args().map(ToOwned::to_owned).collect();
        Said::of(&words, self.spawn())
    }

    /// Runs and must succeed.
    pub(crate) fn ok(self) -> Said {
        let said = self.run();
        assert_eq!(said.exit, 0, "{said:?}");
        said
    }
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    /// For the messages of failed assertions.
    #[allow(dead_code)]
    words: Vec<OsString>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) exit: i32,
}

impl Said {
    pub(crate) fn of(words: &[OsString], child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            words: words.to_vec(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().unwrap_or(-1),
        }
    }

    /// Standard output as its one JSON object on one line.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }

    /// Standard error as its one JSON object on one line.
    pub(crate) fn error(&self) -> Value {
        assert_eq!((self.out.as_str(), self.err.lines().count()), ("", 1), "{self:?}");
        let object: Value = serde_json::from_str(&self.err).unwrap();
        assert_eq!(object["error"]["exit"], self.exit, "{self:?}");
        object["error"].clone()
    }
}
