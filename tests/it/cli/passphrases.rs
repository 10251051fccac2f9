//! Where a passphrase may come from, and which spellings are the same.

use std::os::unix::fs::PermissionsExt as _;

use std::path::PathBuf;

use super::{Bench, Call, Said};

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

/// A call in the vault as this person, with the passphrase from this file.
fn list(bench: &Bench, name: &str, pass: &str) -> Call {
    let call = bench.call(&["list"]).machine();
    let call = call.env("GAPVAULT_IDENTITY", bench.path(&format!("{name}.id")));
    call.env("GAPVAULT_PASSPHRASE_FILE", bench.path(pass))
}

/// The files in which wrong passphrases are counted.
fn counts(bench: &Bench) -> Vec<PathBuf> {
    let all = std::fs::read_dir(bench.path("state/guesses")).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.file_name().is_some_and(|name| name != "lock")).collect()
}

#[test]
fn five_wrong_passphrases_lock_one_identity_on_one_host_and_the_log_says_so() {
    let bench = Bench::founded();
    bench.join("bob", "clerk", &["--clearance", "important"]);
    bench.secret("wrong", "battery staple\n");
    for attempt in 1..=5 {
        let error = list(&bench, "ann", "wrong").run().error();
        assert_eq!(error["code"], "authentication.passphrase", "{attempt}");
    }
    // Even the right one, in every verb, and with a copy of the file.
    std::fs::copy(bench.path("ann.id"), bench.path("copy.id")).unwrap();
    let change = ["identity", "passphrase", "ann.id", "--new-passphrase-file", "wrong", "--json"];
    let calls = [
        list(&bench, "ann", "pass"),
        list(&bench, "copy", "pass"),
        bench.call(&["identity", "show", "ann.id", "--json"]),
        bench.call(&change),
        bench.call(&["init", "w", "--name", "w", "--zone", "isolated", "--classic", "--json"]),
    ];
    for call in calls {
        let said = call.run();
        let error = said.error();
        assert_eq!((error["code"].as_str(), said.exit), (Some("authentication.locked-out"), 5), "{said:?}");
        assert!(error["message"].as_str().unwrap().contains(" min."), "{said:?}");
    }
    // Nobody else is locked, and nor is the same person on another host.
    list(&bench, "bob", "pass").ok();
    bench.call(&["identity", "show", "ann.id"]).env("GAPVAULT_STATE", bench.path("state2")).ok();

    let entries = bench.entries();
    let attempts = entries.iter().filter(|entry| entry["event"] == "identity.unlock");
    let attempts: Vec<_> = attempts
        .map(|entry| (entry["outcome"].as_str().unwrap(), entry["reason"].as_str().unwrap()))
        .collect();
    let wrong = [("failed", "authentication.passphrase"); 5];
    let locked = [("failed", "authentication.locked-out"); 2];
    assert_eq!(attempts, [&wrong[..], &locked].concat());

    // As if it were long ago.
    let [count] = &counts(&bench)[..] else { panic!("{:?}", counts(&bench)) };
    let (last, until) = ("2026-01-01T00:00:00.000Z", "2026-01-01T00:15:00.000Z");
    let past = format!("gapvault.guesses/v1\nfailed 5\nlast {last}\nuntil {until}\n");
    std::fs::write(count, past).unwrap();
    list(&bench, "ann", "pass").ok();
    assert!(counts(&bench).is_empty());
    bench.sound();
}

#[test]
fn a_right_passphrase_and_a_changed_one_begin_the_count_anew() {
    let bench = made_under(b"words");
    bench.secret("wrong", "battery staple\n");
    let show = |pass: &str| unlock(&bench).with(&["--passphrase-file", pass]);
    let fail = |times: usize| {
        for _ in 0..times {
            assert_eq!(show("wrong").run().error()["code"], "authentication.passphrase");
        }
    };
    fail(4);
    show("first").ok();
    fail(4);
    let before = std::fs::read(bench.path("me.id")).unwrap();
    let change = ["identity", "passphrase", "me.id", "--new-passphrase-file", "new", "--work-factor", "10"];
    bench.secret("new", "other words\n");
    bench.call(&change).env("GAPVAULT_PASSPHRASE_FILE", bench.path("first")).ok();
    fail(4);
    show("new").ok();
    // What was counted for one content is not counted for another.
    fail(5);
    assert_eq!(show("new").run().error()["code"], "authentication.locked-out");
    bench.secret("me.id", before);
    show("first").ok();
}

#[test]
fn what_is_no_guess_is_not_counted() {
    let bench = made_under(b"words");
    for _ in 0..6 {
        bench.secret("again", "");
        let error = unlock(&bench).with(&["--passphrase-file", "again"]).run().error();
        assert_eq!(error["code"], "usage.passphrase-empty");
    }
    let whole = std::fs::read(bench.path("me.id")).unwrap();
    bench.secret("me.id", &whole[..whole.len() / 2]);
    for _ in 0..6 {
        let error = unlock(&bench).with(&["--passphrase-file", "first"]).run().error();
        assert_eq!(error["code"], "authentication.identity-file");
    }
    bench.secret("me.id", &whole);
    unlock(&bench).with(&["--passphrase-file", "first"]).ok();
    assert!(!bench.path("state").exists());
}

#[test]
fn guessing_side_by_side_gains_nothing() {
    let bench = made_under(b"words");
    bench.secret("wrong", "battery staple\n");
    let guess = || unlock(&bench).with(&["--passphrase-file", "wrong"]).wait("120").spawn();
    let guesses: Vec<_> = (0..12).map(|_| guess()).collect();
    let said = guesses.into_iter().map(|child| Said::of(&[], child).error()["code"].clone());
    let (wrong, others): (Vec<_>, Vec<_>) = said.partition(|code| code == "authentication.passphrase");
    assert_eq!(wrong.len(), 5, "{others:?}");
    assert!(others.iter().all(|code| code == "authentication.locked-out"), "{others:?}");
    let error = unlock(&bench).with(&["--passphrase-file", "first"]).run().error();
    assert_eq!(error["code"], "authentication.locked-out");
}
