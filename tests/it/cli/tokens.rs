//! Identities under tokens, and keys in them, with the plugin of the tests.

use std::process::{Command, Stdio};

use super::{ALONE, Bench, Call};
use crate::plugins::{bech32, folder, identity_text, recipient_text};

/// A file as a token's program prints it.
fn token(bench: &Bench, name: &str) -> String {
    let file = format!("{name}.txt");
    let text =
        format!("#       Serial: 1\n#    Recipient: {}\n{}\n", recipient_text(name), identity_text(name));
    bench.secret(&file, text);
    file
}

struct Place {
    bench: Bench,
    programs: tempfile::TempDir,
}

impl Place {
    fn new(names: &[&str]) -> Self {
        Self { bench: Bench::bare(), programs: folder(names) }
    }

    /// A call by somebody who has the programs and no passphrase.
    fn call(&self, arguments: &[&str]) -> Call {
        self.bench.call(arguments).without("GAPVAULT_PASSPHRASE_FILE").env("PATH", self.programs.path())
    }

    fn opens(&self, identity: &str, id: &str) {
        let out = self.call(&["open", id, "--stdout", "--identity", identity]).ok();
        assert_eq!(out.out, "text");
    }
}

#[test]
fn a_token_stands_for_the_passphrase() {
    let place = Place::new(&["good", "asks"]);
    let file = token(&place.bench, "good");
    let new = ["identity", "new", "--name", "ann", "--out", "ann.id", "--token", &file, "--classic"];
    place.call(&new).ok();
    for made in ["ann.id", "ann.id.card", "ann.id.token"] {
        assert!(place.bench.path(made).exists(), "{made}");
    }
    assert!(!std::fs::read(place.bench.path("ann.id")).unwrap().windows(6).any(|bytes| bytes == b"scrypt"));
    place.bench.write("alone.toml", ALONE);
    place
        .call(&["init", "v", "--name", "v", "--zone", "networked", "--classic", "--policy", "alone.toml"])
        .ok();
    place.bench.write("a.txt", "text");
    let report = place.call(&["seal", "a.txt", "--class", "critical", "--json"]).ok().json();
    let id = report["documents"][0]["id"].as_str().unwrap().to_owned();
    place.opens("ann.id", &id);

    // What can go wrong, each with its own word; in a vault a wrong token is on record.
    let show = |call: Call| call.run().error()["code"].as_str().unwrap().to_owned();
    let list = || place.call(&["show", &id, "--json"]);
    token(&place.bench, "asks");
    assert_eq!(show(list().with(&["--token", "asks.txt"])), "authentication.token-refused");
    place.bench.secret("other.txt", bech32("age-plugin-good-", 8).to_ascii_uppercase());
    assert_eq!(show(list().with(&["--token", "other.txt"])), "authentication.token");
    assert_eq!(show(list().env("PATH", place.bench.here())), "not-found.plugin");
    assert_eq!(show(list().with(&["--token", "none.txt"])), "not-found.file");
    assert_eq!(show(list().with(&["--token", "a.txt"])), "usage.not-a-token");
    std::fs::rename(place.bench.path("ann.id.token"), place.bench.path("aside")).unwrap();
    assert_eq!(show(list()), "usage.no-token");
    list().with(&["--token", "aside"]).ok();
    list().env("GAPVAULT_TOKEN", place.bench.path("aside")).ok();
    let entries = place.call(&["audit", "show", "--json"]).ok().json();
    let refused = |entry: &&serde_json::Value| entry["reason"] == "authentication.token-refused";
    assert_eq!(entries["entries"].as_array().unwrap().iter().filter(refused).count(), 1);
    // Back to a passphrase.
    let change = ["identity", "passphrase", "ann.id", "--new-passphrase-file", "pass", "--work-factor", "10"];
    place.call(&change).with(&["--token", "aside"]).ok();
    place.bench.call(&["show", &id]).ok();
}

#[test]
fn a_members_key_can_be_in_a_token() {
    let place = Place::new(&["good", "postq", "wrongkey"]);
    place.bench.found();
    place.bench.write("a.txt", "text");
    let id = place.bench.seal("a.txt", "critical");
    let file = token(&place.bench, "good");
    let new = |name: &str, file: &str| {
        let out = format!("{name}.id");
        let new =
            ["identity", "new", "--name", name, "--out", &out, "--work-factor", "10", "--key-token", file];
        place.bench.call(&new).env("PATH", place.programs.path())
    };
    new("bob", &file).ok();
    let add = |card: &str| {
        let add = ["member", "add", card, "--role", "clerk", "--clearance", "critical", "--titles", "--yes"];
        place.bench.call(&add).env("PATH", place.programs.path())
    };
    add("bob.id.card").ok();
    // Under a passphrase, with the key in the token: both are needed.
    let open = ["open", &id, "--stdout", "--identity", "bob.id"];
    let out = place.bench.call(&open).env("PATH", place.programs.path()).ok();
    assert_eq!(out.out, "text");
    let error = place.bench.call(&open).machine().run().error();
    assert_eq!(error["code"], "not-found.plugin");
    let listed =
        place.bench.call(&["list", "--identity", "bob.id", "--json"]).env("PATH", place.programs.path());
    assert_eq!(listed.ok().json()["documents"][0]["name"], "a.txt");
    place.bench.sound();

    // A token of the other kind is no member of this vault, and one that cannot do its work is found out at once.
    let file = token(&place.bench, "postq");
    new("eve", &file).ok();
    assert_eq!(add("eve.id.card").machine().run().error()["code"], "usage.key-kind");
    let file = token(&place.bench, "wrongkey");
    assert_eq!(new("dan", &file).machine().run().error()["code"], "usage.token-differs");
    assert!(!place.bench.path("dan.id").exists());
    place.bench.secret("silent.txt", identity_text("good"));
    assert_eq!(new("kim", "silent.txt").machine().run().error()["code"], "usage.no-token-recipient");
    new("kim", "silent.txt").with(&["--key-recipient", &recipient_text("good")]).ok();
    let error = new("lee", "silent.txt").with(&["--key-recipient", "age1x"]).machine().run().error();
    assert_eq!(error["code"], "usage.not-a-token");
}

#[test]
fn stock_age_takes_the_same_token() {
    let age = Command::new("age").arg("--version").stdout(Stdio::null()).status();
    if !age.is_ok_and(|status| status.success()) {
        eprintln!("skipped: age is not installed");
        return;
    }
    let place = Place::new(&["good"]);
    let file = token(&place.bench, "good");
    let new = ["identity", "new", "--name", "ann", "--out", "ann.id", "--token", &file, "--key-token", &file];
    place.call(&new).ok();
    place.bench.write("alone.toml", ALONE);
    place
        .call(&["init", "v", "--name", "v", "--zone", "networked", "--classic", "--policy", "alone.toml"])
        .ok();
    place.bench.write("a.txt", "text");
    let report = place.call(&["seal", "a.txt", "--class", "critical", "--json"]).ok().json();
    let id = report["documents"][0]["id"].as_str().unwrap();
    let path = format!("{}:{}", place.programs.path().display(), std::env::var("PATH").unwrap());
    let age = |arguments: &[&str]| {
        let mut age = Command::new("age");
        age.args(arguments).current_dir(place.bench.here()).env("PATH", &path);
        assert!(age.status().unwrap().success(), "{arguments:?}");
    };
    let key =
        std::fs::read_dir(place.bench.path("v/keys/critical/1")).unwrap().next().unwrap().unwrap().path();
    let document = format!("v/documents/{}/{id}.age", &id[..2]);
    age(&["-d", "-i", "ann.id.token", "-o", "member.key", "ann.id"]);
    age(&["-d", "-i", "member.key", "-o", "class.key", key.to_str().unwrap()]);
    age(&["-d", "-i", "class.key", "-o", "out.txt", &document]);
    assert_eq!(std::fs::read(place.bench.path("out.txt")).unwrap(), b"text");
}
