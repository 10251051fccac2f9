//! Across the gap at the command line: what scripts rely on, and what a person is told when something is wrong.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ALONE, Bench};

fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

fn names(list: &str) -> Vec<String> {
    let mut names: Vec<String> = list.split_whitespace().map(ToOwned::to_owned).collect();
    names.sort();
    names
}

/// Two vaults of one person, `v` and `w`, that know each other.
fn paired(lang: &str) -> Bench {
    let bench = Bench::founded();
    bench.write("alone.toml", ALONE);
    let init = ["init", "w", "--name", "w", "--zone", "networked", "--policy", "alone.toml", "--classic"];
    bench.call(&init).ok();
    for (own, other) in [("v", "w"), ("w", "v")] {
        let card = format!("{own}.card");
        let shown =
            bench.call(&["--vault", own, "peer", "card", "-o", &card]).lang(lang).machine().ok().json();
        assert_eq!(keys(&shown), names("schema vault code path"));
        let code = shown["code"].as_str().unwrap();
        let admitted = ["--vault", other, "peer", "add", &card, "--code", code];
        let admitted = bench.call(&admitted).lang(lang).machine().ok().json();
        assert_eq!(admitted["schema"], "gapvault.peer/v1");
        assert_eq!(admitted["peer"]["vault"], shown["vault"]);
    }
    bench
}

#[test]
fn each_verb_of_the_gap_answers_with_one_object_of_its_keys() {
    for lang in ["en", "zh-TW"] {
        let bench = paired(lang);
        bench.write("a.txt", "a");
        let id = bench.seal("a.txt", "important");
        let say = |words: &[&str]| bench.call(words).lang(lang).machine().ok().json();
        let peers = say(&["peer", "list"]);
        for key in names("vault name zone sent received") {
            assert!(peers["peers"][0].get(&key).is_some(), "{key}");
        }
        let name = peers["peers"][0]["name"].as_str().unwrap().to_owned();
        let made = say(&["bundle", "create", &id, "--to", &name]);
        assert_eq!(made["schema"], "gapvault.bundle.create/v1");
        for key in names("bundle request approvals_needed") {
            assert!(made.get(&key).is_some(), "{key}");
        }
        let bundle = made["bundle"].as_str().unwrap();
        let written = say(&["bundle", "write", bundle, "m"]);
        assert_eq!((&written["number"], &written["complete"]), (&1.into(), &true.into()));
        let judged = say(&["--vault", "w", "bundle", "verify", "m"]);
        assert_eq!(keys(&judged), names("schema bundle verdict sender number attempt code checks"));
        assert_eq!((&judged["verdict"], &judged["bundle"]), (&"ok".into(), &made["bundle"]));
        for key in names("check ok detail") {
            assert!(judged["checks"][0].get(&key).is_some(), "{key}");
        }
        let came = say(&["--vault", "w", "import", "m"]);
        assert_eq!(came["state"], "quarantine");
        for key in names("bundle state documents repaired_shards") {
            assert!(came.get(&key).is_some(), "{key}");
        }
        for key in names("id class payload_sha256") {
            assert!(came["documents"][0].get(&key).is_some(), "{key}");
        }
        let accepted = say(&["--vault", "w", "import", "accept", bundle, "--receipt", "m"]);
        assert_eq!((&accepted["state"], &accepted["schema"]), (&"accepted".into(), &came["schema"]));
        let applied = say(&["receipt", "apply", "m"]);
        assert_eq!(
            (&applied["verdict"], &applied["schema"]),
            (&"accepted".into(), &"gapvault.receipt/v1".into())
        );
        say(&["receipt", "print", "m", "-o", "receipt.html"]);
        let page = std::fs::read_to_string(bench.path("receipt.html")).unwrap();
        assert!(page.contains("<svg") && !page.contains("<script"));
        let list = say(&["bundle", "list"]);
        assert_eq!(list["out"][0]["state"], "accepted");
        bench.sound();
    }
}

#[test]
fn what_is_wrong_with_a_bundle_has_its_own_code_exit_and_hint() {
    let bench = paired("en");
    bench.write("a.txt", "a");
    let id = bench.seal("a.txt", "important");
    let made = bench.call(&["bundle", "create", &id, "--to", "w"]).machine().ok().json();
    let bundle = made["bundle"].as_str().unwrap().to_owned();
    let refused = |words: &[&str]| {
        let said = bench.call(words).machine().run();
        let error = said.error();
        let found = error.as_object().unwrap();
        assert!(!found["message"].as_str().unwrap().is_empty(), "{words:?}");
        assert!(!found["hint"].as_str().unwrap().is_empty(), "{words:?}");
        (found["code"].as_str().unwrap().to_owned(), found["exit"].as_u64().unwrap())
    };
    let wrong: [(&[&str], &str, u64); 12] = [
        (&["bundle", "create", &id, "--to", "nobody"], "not-found.peer", 3),
        (&["bundle", "create", "0000", "--to", "w"], "not-found.document", 3),
        (&["bundle", "create", &id, "--to", "w", "--volume", "usb"], "usage.volume-size", 2),
        (&["bundle", "create", &id, "--to", "w", "--volume", "1"], "usage.volume-size", 2),
        (&["bundle", "create", &id, "--to", "w", "--expires", "2020-01-01"], "usage.date", 2),
        (&["bundle", "write", "0000", "m"], "not-found.bundle", 3),
        (&["bundle", "write", &bundle, "v"], "usage.inside-vault", 2),
        (&["bundle", "write", &bundle, "none/m"], "not-found.file", 3),
        (&["bundle", "resend", &bundle, "m"], "not-found.bundle", 3),
        (&["peer", "add", "a.txt"], "usage.not-a-vault-card", 2),
        (&["peer", "add", "v.card", "--yes"], "usage.own-vault", 2),
        (&["peer", "add", "w.card", "--yes"], "usage.peer-exists", 2),
    ];
    for (words, code, exit) in wrong {
        assert_eq!(refused(words), (code.to_owned(), exit), "{words:?}");
    }
    bench.call(&["bundle", "write", &bundle, "m"]).ok();
    assert_eq!(refused(&["bundle", "write", &bundle, "m"]).0, "usage.bundle-written");
    assert_eq!(refused(&["bundle", "resend", &bundle, "m"]).0, "usage.medium-taken");
    let of_w = |words: &[&str]| refused(&[&["--vault", "w"], words].concat());
    assert_eq!(of_w(&["import", "none"]), ("not-found.file".into(), 3));
    assert_eq!(of_w(&["import", "."]), ("bundle.no-manifest".into(), 15));
    assert_eq!(refused(&["import", "m"]), ("bundle.wrong-receiver".into(), 15));
    assert_eq!(of_w(&["import", "accept", &bundle]), ("not-found.bundle".into(), 3));
    let digits = "00000 00000 00000 00000 00000";
    assert_eq!(of_w(&["import", "m", "--code", digits]), ("usage.code-differs".into(), 2));
    bench.write("m/autorun.inf", "x");
    assert_eq!(of_w(&["import", "m"]), ("bundle.undeclared-file".into(), 15));
    std::fs::remove_file(bench.path("m/autorun.inf")).unwrap();
    bench.call(&["--vault", "w", "import", "m", "--accept"]).ok();
    assert_eq!(of_w(&["import", "m"]), ("bundle.replayed".into(), 15));
    assert_eq!(of_w(&["import", "accept", &bundle]), ("usage.bundle-decided".into(), 2));
    assert_eq!(refused(&["receipt", "apply", "a.txt"]), ("usage.not-a-receipt".into(), 2));
    bench.call(&["receipt", "apply", "m"]).ok();
    assert_eq!(refused(&["receipt", "apply", "m"]), ("usage.bundle-answered".into(), 2));
    let codes: BTreeSet<String> =
        bench.entries().iter().filter_map(|entry| Some(entry["event"].as_str()?.to_owned())).collect();
    for event in ["peer.change", "bundle.write", "document.export", "bundle.receipt"] {
        assert!(codes.contains(event), "{event}");
    }
    bench.sound();
}

/// With no vault at hand a bundle is judged by the sender's card, and without one as far as that goes.
#[test]
fn a_bundle_is_judged_on_any_machine() {
    let bench = paired("en");
    bench.write("a.txt", "a");
    let id = bench.seal("a.txt", "important");
    let made = bench.call(&["bundle", "create", &id, "--to", "w"]).machine().ok().json();
    bench.call(&["bundle", "write", made["bundle"].as_str().unwrap(), "m"]).ok();
    let alone = |words: &[&str]| bench.call(words).without("GAPVAULT_VAULT").machine().run().json();
    let judged = alone(&["bundle", "verify", "m", "--card", "v.card"]);
    assert_eq!(judged["verdict"], "ok", "{judged}");
    let judged = alone(&["bundle", "verify", "m"]);
    assert_eq!(judged["verdict"], "unverifiable", "{judged}");
    // In words, and with the exit code of the first thing that is wrong.
    std::fs::write(bench.path("m/v0001"), "x").unwrap();
    std::fs::write(bench.path("m/v0002"), "x").unwrap();
    let said = bench.call(&["--vault", "w", "bundle", "verify", "m"]).run();
    assert_eq!(said.exit, 9);
    assert!(said.out.contains("v0001, v0002"), "{}", said.out);
}
