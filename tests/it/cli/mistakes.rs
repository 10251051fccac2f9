//! Wrong calls and refusals: each has its exit code, its stable code and a hint, in the user's language.

use std::os::unix::fs::PermissionsExt as _;

use super::{Bench, Call};

/// Settings of a call that differ from the usual ones; an empty value takes the variable away.
type Settings = &'static [(&'static str, &'static str)];

const NONE: Settings = &[];
const CLERK: Settings = &[("GAPVAULT_IDENTITY", "clerk.id")];
const PASS: &str = "GAPVAULT_PASSPHRASE_FILE";
const ME: &str = "GAPVAULT_IDENTITY";

/// What is typed, as whom, and the code that must come of it. `ID` is a sealed document, `GONE` a destroyed one.
const MISTAKES: &[(&[&str], Settings, &str)] = &[
    // The grammar.
    (&[], NONE, "usage.arguments"),
    (&["sael"], NONE, "usage.arguments"),
    (&["member"], NONE, "usage.arguments"),
    (&["list", "--nothing"], NONE, "usage.arguments"),
    (&["list", "--class", "secret"], NONE, "usage.arguments"),
    (&["list", "--class"], NONE, "usage.arguments"),
    (&["seal", "a.txt"], NONE, "usage.arguments"),
    (&["seal", "--class", "critical"], NONE, "usage.arguments"),
    (&["seal", "a.txt", "--class", "critical", "--dry-run", "--remove-original"], NONE, "usage.arguments"),
    (&["open", "ID"], NONE, "usage.arguments"),
    (&["open", "ID", "-o", "x", "--stdout"], NONE, "usage.arguments"),
    (&["open", "ID", "ID", "-o", "x"], NONE, "usage.arguments"),
    (&["open", "--into", "x"], NONE, "usage.arguments"),
    (&["audit", "show", "--last", "0"], NONE, "usage.arguments"),
    (&["audit", "prove", "0", "--epoch", "0"], NONE, "usage.arguments"),
    (&["audit", "prove", "0", "--epoch", "2"], NONE, "not-found.epoch"),
    (&["audit", "prove", "99999"], NONE, "not-found.entry"),
    (&["list", "--wait", "soon"], NONE, "usage.arguments"),
    (&["list", "--lang", "tlh"], NONE, "usage.arguments"),
    (&["completions", "cmd"], NONE, "usage.arguments"),
    (&["help", "sael"], NONE, "usage.arguments"),
    (&["identity", "new", "--name", "b", "--out", "b.id", "--work-factor", "300"], NONE, "usage.arguments"),
    (&["identity", "new", "--name", "b", "--out", "b.id", "--work-factor", "9"], NONE, "usage.work-factor"),
    (&["identity", "new", "--name", "b", "--out", "b.id", "--work-factor", "21"], NONE, "usage.work-factor"),
    (&["identity", "new", "--name", "", "--out", "b.id"], NONE, "usage.text"),
    (&["identity", "new", "--name", "b", "--out", "ann.id"], NONE, "usage.exists"),
    // Who am I?
    (&["seal", "a.txt", "--class", "critical"], &[(ME, "")], "usage.no-identity"),
    (&["list", "--passphrase-file", "other"], NONE, "usage.passphrase-sources"),
    (&["list"], &[(PASS, "empty")], "usage.passphrase-empty"),
    (&["list"], &[(PASS, "long")], "usage.passphrase-too-long"),
    (&["list"], &[(PASS, "latin1")], "usage.passphrase-text"),
    (&["list"], &[(PASS, "none")], "not-found.file"),
    (&["list"], &[(PASS, "")], "usage.no-terminal"),
    (&["list"], &[(PASS, "other")], "authentication.passphrase"),
    (&["list"], &[(ME, "none.id")], "not-found.file"),
    (&["list"], &[(ME, "damaged.id")], "authentication.identity-file"),
    (&["list"], &[(ME, "other")], "authentication.identity-file"),
    (&["list"], &[(ME, "open.id")], "denied.identity-permissions"),
    (&["list"], &[(ME, "slow.id")], "authentication.excessive-work"),
    (&["list"], &[(ME, "stranger.id")], "authentication.not-a-member"),
    (&["identity", "show", "none.id"], NONE, "not-found.file"),
    (&["identity", "show", "a.txt"], NONE, "usage.not-a-card"),
    // Which vault?
    (&["list", "--vault", "none"], NONE, "not-found.vault"),
    (&["list", "--vault", "tree"], NONE, "not-found.vault"),
    (&["list", "--vault", "shared"], NONE, "denied.vault-permissions"),
    (&["list", "--vault", "newer"], NONE, "unverifiable.format"),
    (&["list", "--vault", "unindexed"], NONE, "damaged.index-missing"),
    (&["list"], &[("GAPVAULT_STATE", "state2")], "unverifiable.vault"),
    (&["init", "tree", "--name", "n", "--zone", "networked", "--classic"], NONE, "usage.vault-exists"),
    (&["init", "v", "--name", "n", "--zone", "networked", "--classic"], NONE, "usage.vault-exists"),
    (&["init", "new", "--name", "a\nb", "--zone", "networked", "--classic"], NONE, "usage.text"),
    // Documents.
    (&["show", "00000000"], NONE, "not-found.document"),
    (&["show", "abc"], NONE, "usage.short-id"),
    (&["show", "wxyz"], NONE, "usage.short-id"),
    (&["open", "GONE", "-o", "x"], NONE, "not-found.destroyed"),
    (&["open", "ID", "-o", "a.txt"], NONE, "usage.exists"),
    (&["open", "ID", "-o", "v/x"], NONE, "usage.inside-vault"),
    (&["open", "ID", "--into", "v/x"], NONE, "usage.inside-vault"),
    (&["open", "ID", "-o", "none/x"], NONE, "not-found.file"),
    (&["open", "ID", "-o", "x", "--reason", "a\u{1b}b"], NONE, "usage.text"),
    (&["seal", "a.txt", "--class", "critical", "--title", "a\nb"], NONE, "usage.text"),
    (&["destroy", "ID", "--reason", "", "--yes"], NONE, "usage.text"),
    (&["destroy", "ID", "--reason", "r"], NONE, "usage.not-confirmed"),
    // Rights.
    (&["open", "ID", "-o", "x"], CLERK, "denied.clearance"),
    (&["destroy", "ID", "--reason", "r", "--yes"], CLERK, "denied.clearance"),
    (&["member", "add", "stranger.id.card", "--role", "clerk", "--yes"], CLERK, "denied.role"),
    // People.
    (&["member", "add", "none", "--role", "clerk"], NONE, "not-found.file"),
    (&["member", "add", "a.txt", "--role", "clerk"], NONE, "usage.not-a-card"),
    (&["member", "add", "false.card", "--role", "clerk"], NONE, "tampered.card"),
    (&["member", "add", "clerk.id.card", "--role", "clerk", "--yes"], NONE, "usage.member-exists"),
    (&["member", "add", "stranger.id.card", "--role", "clerk"], NONE, "usage.not-confirmed"),
    (
        &["member", "add", "stranger.id.card", "--role", "clerk", "--code", "00000 00000 00000 00000 00000"],
        NONE,
        "usage.code-differs",
    ),
    (&["member", "add", "stranger.id.card", "--role", "clerk", "--code", "12"], NONE, "usage.code-differs"),
    (&["member", "add", "hybrid.id.card", "--role", "clerk", "--yes"], NONE, "usage.key-kind"),
    (
        &["member", "add", "stranger.id.card", "--role", "clerk", "--yes", "--until", "2026-02-30"],
        NONE,
        "usage.date",
    ),
    (
        &["member", "add", "stranger.id.card", "--role", "contractor", "--yes", "--sponsor", "0000"],
        NONE,
        "not-found.member",
    ),
];

struct Scene {
    bench: Bench,
    id: String,
    gone: String,
}

fn scene() -> Scene {
    let bench = Bench::founded();
    bench.join("clerk", "clerk", &["--clearance", "important"]);
    bench.identity("stranger");
    let hybrid = ["identity", "new", "--name", "h", "--out", "hybrid.id", "--work-factor", "10"];
    bench.call(&hybrid).ok();
    bench.write("a.txt", "a");
    bench.write("tree/b.txt", "b");
    let id = bench.seal("a.txt", "critical");
    let gone = bench.seal("a.txt", "important");
    bench.call(&["destroy", &gone, "--reason", "r", "--yes"]).ok();
    bench.secret("other", "another");
    bench.secret("empty", "\n");
    bench.secret("long", "x".repeat(5000));
    bench.secret("latin1", b"caf\xe9");
    let identity = std::fs::read(bench.path("ann.id")).unwrap();
    let at = identity.windows(5).position(|bytes| bytes == b" 10\n\x20" || bytes.starts_with(b" 10\n"));
    let mut slow = identity.clone();
    slow[at.unwrap() + 1] = b'3';
    bench.secret("slow.id", slow);
    bench.secret("damaged.id", &identity[..identity.len() / 2]);
    let open = bench.secret("open.id", &identity);
    std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let card = std::fs::read_to_string(bench.path("stranger.id.card")).unwrap();
    bench.write("false.card", card.replace("stranger", "somebody"));
    for name in ["shared", "newer", "unindexed"] {
        bench.call(&["init", name, "--name", name, "--zone", "networked", "--classic"]).ok();
    }
    std::fs::set_permissions(bench.path("shared"), std::fs::Permissions::from_mode(0o777)).unwrap();
    bench.write("newer/vault.toml", "format = 2\n");
    std::fs::remove_dir_all(bench.path("unindexed/sled")).unwrap();
    Scene { bench, id, gone }
}

impl Scene {
    fn call(&self, typed: &[&str], settings: Settings) -> Call {
        let real = |word: &&str| match *word {
            "ID" => self.id.clone(),
            "GONE" => self.gone.clone(),
            word => word.to_owned(),
        };
        let words: Vec<String> = typed.iter().map(real).collect();
        settings.iter().fold(self.bench.call(&words).alone(), |call, (name, value)| {
            if value.is_empty() { call.without(name) } else { call.env(name, self.bench.path(value)) }
        })
    }

    /// What stands in the folder, but for what the log and its index write into.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.bench.here())
            .unwrap()
            .chain(std::fs::read_dir(self.bench.path("v/documents")).unwrap())
            .map(|entry| entry.unwrap().path().display().to_string())
            .collect();
        names.sort();
        names
    }
}

/// Two English words in a row, outside of what is typed: commands, options, paths, codes.
fn english(line: &str) -> Option<String> {
    let mut text = line.to_owned();
    if let (Some(open), true) = (text.rfind(" ["), text.ends_with(']')) {
        text.truncate(open);
    }
    for command in ["gapvault ", "chmod ", "--"] {
        while let Some(start) = text.find(command) {
            let length = text[start..].find(|c: char| !c.is_ascii()).unwrap_or(text.len() - start);
            text.replace_range(start..start + length, "");
        }
    }
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphabetic() && c != ' ').collect();
    let plain = |part: &&str| part.split_whitespace().filter(|word| word.len() > 1).count() > 1;
    words.into_iter().find(plain).map(ToOwned::to_owned)
}

#[test]
fn every_mistake_has_its_code_and_a_hint() {
    let scene = scene();
    let before = scene.names();
    let mut others = Vec::new();
    for (typed, settings, code) in MISTAKES {
        let error = scene.call(typed, settings).machine().run().error();
        if error["code"] != *code {
            others.push(format!("{typed:?} {settings:?}: {error}"));
        }
        let texts = [&error["message"], &error["hint"]].map(|text| text.as_str().unwrap_or_default());
        assert!(texts.iter().all(|text| !text.is_empty() && !text.contains('\n')), "{typed:?}: {error}");
        for leak in ["correct horse", "{$", "{ $", "error-", "hint-"] {
            assert!(!texts.iter().any(|text| text.contains(leak)), "{typed:?}: {error}");
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(scene.names(), before);
    scene.bench.sound();
}

#[test]
fn every_mistake_is_told_in_the_users_language() {
    let scene = scene();
    let mut foreign = Vec::new();
    for (typed, settings, code) in MISTAKES {
        for (lang, error, hint) in [("en", "error: ", "hint: "), ("zh-TW", "錯誤：", "建議：")] {
            let said = scene.call(typed, settings).lang(lang).run();
            assert_eq!(said.out, "", "{said:?}");
            assert!(said.exit > 1, "{said:?}");
            let lines: Vec<&str> = said.err.lines().collect();
            assert_eq!(lines.len(), 2, "{said:?}");
            assert!(lines[0].starts_with(error) && lines[0].ends_with(&format!("[{code}]")), "{said:?}");
            assert!(lines[1].starts_with(hint), "{said:?}");
            foreign.extend(lines.iter().filter_map(|line| english(line)).filter(|_| lang != "en"));
        }
    }
    assert!(foreign.is_empty(), "{foreign:#?}");
}

#[test]
fn english_in_chinese_would_be_noticed() {
    assert!(english("錯誤：No such file [io.failed]").is_some());
    assert!(english("錯誤：找不到檔案：./none.id [not-found.file]").is_none());
    assert!(english("建議：請輸入 gapvault audit verify，並通知").is_none());
}

#[test]
fn an_ambiguous_id_is_not_guessed() {
    let bench = Bench::founded();
    for number in 0..500 {
        bench.write(&format!("many/{number}"), "");
    }
    // Two of some hundred ids soon begin alike.
    let mut ids: Vec<String> = Vec::new();
    let twins = loop {
        let report = bench.call(&["seal", "many", "--class", "important", "--json"]).ok().json();
        let rows = report["documents"].as_array().unwrap().iter();
        ids.extend(rows.map(|row| row["id"].as_str().unwrap().to_owned()));
        ids.sort();
        if let Some(twins) = ids.windows(2).find(|pair| pair[0][..4] == pair[1][..4]) {
            break twins.to_vec();
        }
    };
    let error = bench.call(&["open", &twins[0][..4], "-o", "x", "--json"]).run().error();
    assert_eq!(error["code"], "usage.ambiguous-id");
    assert!(!bench.path("x").exists());
    bench.call(&["open", &twins[0], "-o", "x"]).ok();
}
