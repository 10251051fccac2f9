//! Keys in other programs: the protocol, and every way in which such a program can go wrong.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use gapvault::agefile::{Error as AgeError, Unwrap, Wrap, decrypt_small, encrypt_small};
use gapvault::crypto::SystemRandom;
use gapvault::plugin::{Ask, Error, Identity, Name, Nobody, Plugins, Recipient};
use zeroize::Zeroizing;

/// The test plugin. `cargo test` builds it with the other examples; where only this file's tests were asked for, it is built
/// here.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let profile = Path::new(env!("CARGO_BIN_EXE_gapvault")).parent().unwrap();
        let program = profile.join("examples/test_plugin");
        if !program.exists() {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.current_dir(env!("CARGO_MANIFEST_DIR")).arg("build").arg("--target-dir");
            cargo.arg(profile.parent().unwrap()).args(["--locked", "--example", "test_plugin"]);
            assert!(cargo.status().unwrap().success());
        }
        program
    })
}

/// A folder with the test plugin under these names.
pub(crate) fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        std::os::unix::fs::symlink(program(), folder.path().join(format!("age-plugin-{name}"))).unwrap();
    }
    folder
}

fn plugins(folder: &Path) -> Plugins {
    Plugins { path: folder.into(), patience: Duration::from_secs(20), ask: Arc::new(Nobody) }
}

/// bech32 of 32 bytes of one value, under a prefix in lower case.
pub(crate) fn bech32(prefix: &str, byte: u8) -> String {
    let hrp = bech32::Hrp::parse(prefix).unwrap();
    bech32::encode::<bech32::Bech32>(hrp, &[byte; 32]).unwrap()
}

pub(crate) fn recipient_text(name: &str) -> String {
    bech32(&format!("age1{name}"), 7)
}

pub(crate) fn identity_text(name: &str) -> String {
    bech32(&format!("age-plugin-{name}-"), 7).to_ascii_uppercase()
}

fn pair(name: &str) -> (Recipient, Identity) {
    (recipient_text(name).parse().unwrap(), identity_text(name).parse().unwrap())
}

fn seal(to: &dyn Wrap) -> Result<Vec<u8>, AgeError> {
    encrypt_small(&[to], b"text", &SystemRandom::new())
}

/// The plugin's error in an error of the codec.
fn cause(error: AgeError) -> String {
    let AgeError::Key(error) = error else { panic!("{error:?}") };
    let error = Error::in_io(&error).unwrap();
    match error {
        Error::NotFound(_) => "not found".to_owned(),
        Error::TimedOut(_) => "timed out".to_owned(),
        Error::Ended(_) => "ended".to_owned(),
        Error::Protocol { what, .. } => (*what).to_owned(),
        Error::Said { message, .. } => format!("said {message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrapped_to_a_plugins_key_only_that_plugin_unwraps() {
    let folder = folder(&["good", "postq"]);
    let plugins = plugins(folder.path());
    let (recipient, identity) = pair("good");
    for file in [seal(&recipient.with(&plugins)).unwrap(), seal(&identity.with(&plugins)).unwrap()] {
        let opened = decrypt_small(&[&identity.with(&plugins)], &file, 100).unwrap();
        assert_eq!(opened.as_slice(), b"text");
        // Another key of the same plugin does not match, which is no error of the plugin.
        let other: Identity = bech32("age-plugin-good-", 8).to_ascii_uppercase().parse().unwrap();
        assert!(matches!(decrypt_small(&[&other.with(&plugins)], &file, 100), Err(AgeError::NoMatch)));
        // A token that is missing does not hide the one that is there.
        let (_, absent) = pair("absent");
        let both: [&dyn Unwrap; 2] = [&absent.with(&plugins), &identity.with(&plugins)];
        assert!(decrypt_small(&both, &file, 100).is_ok());
    }
    // Labels keep kinds apart.
    let (post_quantum, _) = pair("postq");
    let mixed: [&dyn Wrap; 2] = [&recipient.with(&plugins), &post_quantum.with(&plugins)];
    let refused = encrypt_small(&mixed, b"", &SystemRandom::new());
    assert!(matches!(refused, Err(AgeError::MixedRecipients)));
    let alone: [&dyn Wrap; 2] = [&post_quantum.with(&plugins), &post_quantum.with(&plugins)];
    assert!(encrypt_small(&alone, b"", &SystemRandom::new()).is_ok());
}

/// How each temper shows, when wrapping and when unwrapping; `None` where nothing is wrong.
const TEMPERS: [(&str, Option<&str>, Option<&str>); 13] = [
    ("absent", Some("not found"), Some("not found")),
    ("crash", Some("ended"), Some("ended")),
    ("abort", Some("ended"), Some("ended")),
    ("rubbish", Some("a line that begins no command"), Some("a line that begins no command")),
    ("endless", Some("a line without an end"), Some("a line without an end")),
    ("flood", Some("it has too many commands"), Some("it has too many commands")),
    ("says", Some("said the token is not [31m there"), None),
    ("misfiled", Some("a stanza for no file"), Some("a file key that is none")),
    ("both", Some("said but then again"), None),
    ("nothing", Some("neither a stanza nor an error"), Some("no match")),
    ("shortkey", None, Some("a file key that is none")),
    ("wrongkey", None, Some("wrong MAC")),
    ("asks", Some("said fail fail"), Some("said fail fail")),
];

#[test]
fn every_temper_ends_in_its_own_error_and_in_no_other() {
    let names: Vec<&str> = TEMPERS.iter().map(|(name, ..)| *name).filter(|name| *name != "absent").collect();
    let folder = folder(&[names.as_slice(), &["good"]].concat());
    let plugins = plugins(folder.path());
    let (good, _) = pair("good");
    let file = seal(&good.with(&plugins)).unwrap();
    for (name, wrapping, unwrapping) in TEMPERS {
        let (recipient, identity) = pair(name);
        let wrapped = seal(&recipient.with(&plugins)).err().map(cause);
        assert_eq!(wrapped.as_deref(), wrapping, "{name}");
        let unwrapped = match decrypt_small(&[&identity.with(&plugins)], &file, 100) {
            Ok(_) => None,
            Err(AgeError::NoMatch) => Some("no match".to_owned()),
            Err(AgeError::Mac) => Some("wrong MAC".to_owned()),
            Err(error) => Some(cause(error)),
        };
        assert_eq!(unwrapped.as_deref(), unwrapping, "{name}");
    }
}

/// Processes of this user whose command line has this text.
fn running(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}

#[test]
fn one_that_hangs_is_ended_in_time_with_all_that_it_started() {
    let folder = folder(&["hang", "stall", "parent", "good"]);
    let patience = Duration::from_millis(300);
    let plugins = Plugins { patience, ..plugins(folder.path()) };
    for name in ["hang", "stall"] {
        let (recipient, identity) = pair(name);
        let begun = Instant::now();
        assert_eq!(cause(seal(&recipient.with(&plugins)).unwrap_err()), "timed out", "{name}");
        assert!(begun.elapsed() >= patience && begun.elapsed() < Duration::from_secs(10), "{name}");
        // One that does not even listen, to a header as large as can be.
        let stanza = gapvault::agefile::Stanza { tag: "x".into(), args: vec![], body: vec![0; 1_000_000] };
        let refused = identity.with(&plugins).unwrap_stanzas(&[stanza]);
        assert!(matches!(refused, Some(Err(_))), "{name}");
    }
    // One whose child keeps the pipe open does its work all the same.
    let (recipient, _) = pair("parent");
    let patient = Plugins { patience: Duration::from_secs(20), ..plugins.clone() };
    assert!(seal(&recipient.with(&patient)).is_ok());
    assert_eq!(running(folder.path().to_str().unwrap()), 0, "something still runs");
}

#[test]
fn nothing_of_ours_is_in_its_environment() {
    // The test starts itself with the variables set, since they belong to the whole process.
    if std::env::var_os("GAPVAULT_PLUGIN_CHILD").is_none() {
        let done = Command::new("/proc/self/exe")
            .args(["--exact", "plugins::nothing_of_ours_is_in_its_environment", "--nocapture"])
            .env("GAPVAULT_PLUGIN_CHILD", "1")
            .env("AGEDEBUG", "plugin")
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        return;
    }
    let folder = folder(&["debug"]);
    let (recipient, _) = pair("debug");
    let said = cause(seal(&recipient.with(&plugins(folder.path()))).unwrap_err());
    assert_eq!(said, "said AGEDEBUG false GAPVAULT false");
}

/// A person who answers, and remembers what was asked.
struct Person(Mutex<Vec<String>>);

impl Ask for Person {
    fn tell(&self, name: &Name, message: &str) {
        self.0.lock().unwrap().push(format!("{name}: {message}"));
    }

    fn choose(&self, name: &Name, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        self.0.lock().unwrap().push(format!("{name}: {message} {yes}/{}", no.unwrap_or("-")));
        Some(true)
    }

    fn line(&self, name: &Name, message: &str, secret: bool) -> Option<Zeroizing<Vec<u8>>> {
        self.0.lock().unwrap().push(format!("{name}: {message} {secret}"));
        Some(Zeroizing::new(if secret { b"1234".to_vec() } else { b"left".to_vec() }))
    }
}

#[test]
fn a_plugin_may_ask_the_person() {
    let folder = folder(&["asks"]);
    let person = Arc::new(Person(Mutex::default()));
    let plugins = Plugins { ask: person.clone(), ..plugins(folder.path()) };
    let (recipient, identity) = pair("asks");
    let file = seal(&recipient.with(&plugins)).unwrap();
    assert!(decrypt_small(&[&identity.with(&plugins)], &file, 100).is_ok());
    let asked = person.0.lock().unwrap().clone();
    let once = ["asks: Use the token? Go/Stop", "asks: Which slot? false", "asks: PIN: true"];
    assert_eq!(asked, [once, once].concat());
}
