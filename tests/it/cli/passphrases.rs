//! Where a passphrase may come from, and which spellings are the same.

use std::os::unix::fs::PermissionsExt as _;

use super::{Bench, Call};

/// "密語 café" with the accent in one character, and in two.
const NFC: &str = "密語 caf\u{e9}";
const NFD: &str = "密語 cafe\u{301}";

/// Shows the identity, for which it has to be unlocked.
fn unlock(bench: &Bench) -> Call {
    bench.call(&["identity", "show", "me.id", "--json"]).without("GAPVAULT_PASSPHRASE_FILE")
}

fn made_under(bytes: &[u8]) -> Bench {
    let bench = Bench::bare();
    bench.secret("first", bytes);
    let new = ["identity", "new", "--name", "me", "--out", "me.id", "--work-factor", "10", "--classic"];
    bench.call(&new).env("GAPVAULT_PASSPHRASE_FILE", bench.path("first")).ok();
    bench
}

#[test]
fn spellings_of_one_passphrase_open_the_same_identity() {
    let bench = made_under(NFC.as_bytes());
    let same = [NFC.to_owned(), NFD.to_owned(), format!("{NFC}\n"), format!("{NFD}\n"), format!("{NFC}\r\n")];
    for text in &same {
        bench.secret("again", text);
        unlock(&bench).with(&["--passphrase-file", "again"]).ok();
        unlock(&bench).with(&["--passphrase-file", "-"]).input(text.as_bytes()).ok();
    }
    let other = [format!("{NFC} "), format!(" {NFC}"), NFC.to_uppercase(), NFC.replace('\u{e9}', "e")];
    for text in &other {
        bench.secret("again", text);
        let error = unlock(&bench).with(&["--passphrase-file", "again"]).run().error();
        assert_eq!(error["code"], "authentication.passphrase", "{text:?}");
    }
    let bench = made_under(NFD.as_bytes());
    unlock(&bench).with(&["--passphrase-file", "-"]).input(NFC).ok();
}

#[test]
fn what_is_no_passphrase_is_refused_wherever_it_comes_from() {
    let bench = made_under(b"words");
    let cases: [(&[u8], &str); 8] = [
        (b"", "usage.passphrase-empty"),
        (b"\n", "usage.passphrase-empty"),
        (b"words\n\n", "usage.passphrase-text"),
        (b"words\nmore", "usage.passphrase-text"),
        (b"words\0", "usage.passphrase-text"),
        (b"w\xffords", "usage.passphrase-text"),
        (&[b'x'; 4097], "usage.passphrase-too-long"),
        (&[b'x'; 1 << 20], "usage.passphrase-too-long"),
    ];
    for (bytes, code) in cases {
        bench.secret("again", bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(10)]).into_owned();
        let said = unlock(&bench).with(&["--passphrase-file", "again"]).run();
        assert_eq!(said.error()["code"], code, "{shown:?}");
        let said = unlock(&bench).with(&["--passphrase-file", "-"]).input(bytes).run();
        assert_eq!(said.error()["code"], code, "{shown:?}");
    }
    let bench = made_under(&[b'x'; 4096]);
    unlock(&bench).with(&["--passphrase-file", "first"]).ok();
}

#[test]
fn two_places_are_one_too_many_and_the_same_place_twice_is_one() {
    let bench = made_under(b"words");
    bench.secret("again", "words");
    let (first, again) = (bench.path("first"), bench.path("again"));
    let call = || unlock(&bench).env("GAPVAULT_PASSPHRASE_FILE", &first);
    call().ok();
    call().with(&["--passphrase-file", first.to_str().unwrap()]).ok();
    let error = call().with(&["--passphrase-file", again.to_str().unwrap()]).run().error();
    assert_eq!((error["code"].as_str(), error["exit"].as_u64()), (Some("usage.passphrase-sources"), Some(2)));
    let both = ["identity", "passphrase", "me.id", "--new-passphrase-file", "-", "--passphrase-file", "-"];
    let error = bench.call(&both).without("GAPVAULT_PASSPHRASE_FILE").machine().input("words").run().error();
    assert_eq!(error["code"], "usage.passphrase-sources");
}

#[test]
fn a_changed_passphrase_replaces_the_old_one() {
    let bench = made_under(b"words");
    bench.secret("new", "other words\n");
    let before = std::fs::read(bench.path("me.id")).unwrap();
    let change = ["identity", "passphrase", "me.id", "--new-passphrase-file", "new", "--work-factor", "10"];
    let wrong = bench.call(&change).machine().run().error();
    assert_eq!(wrong["code"], "authentication.passphrase");
    assert_eq!(std::fs::read(bench.path("me.id")).unwrap(), before);
    bench.call(&change).env("GAPVAULT_PASSPHRASE_FILE", bench.path("first")).ok();
    unlock(&bench).with(&["--passphrase-file", "new"]).ok();
    let error = unlock(&bench).with(&["--passphrase-file", "first"]).run().error();
    assert_eq!(error["code"], "authentication.passphrase");
    let mode = std::fs::metadata(bench.path("me.id")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_passphrase_file_that_others_can_read_is_warned_of_even_when_quiet() {
    let bench = made_under(b"words");
    for (mode, warned) in [(0o600, false), (0o640, true), (0o604, true)] {
        std::fs::set_permissions(bench.path("first"), std::fs::Permissions::from_mode(mode)).unwrap();
        let call = ["identity", "show", "me.id", "--quiet"];
        let said = bench.call(&call).env("GAPVAULT_PASSPHRASE_FILE", bench.path("first")).ok();
        assert_eq!(said.err.lines().count(), usize::from(warned), "{mode:o} {said:?}");
    }
}
