//! Help: it fits a screen, shows an example that works, and leaves no English word in Chinese headings.

use super::Bench;

/// Every verb, as it is typed.
const VERBS: &[&str] = &[
    "",
    "identity",
    "identity new",
    "identity show",
    "identity passphrase",
    "demo",
    "init",
    "member",
    "member add",
    "member list",
    "host",
    "host trust",
    "host enrol",
    "host resume",
    "seal",
    "list",
    "show",
    "open",
    "destroy",
    "audit",
    "audit verify",
    "audit show",
    "audit findings",
    "verify",
    "status",
    "rebuild",
    "completions",
    "man",
    "help",
];

fn help(bench: &Bench, verb: &str, lang: &str) -> String {
    let words: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
    let said = bench.call(&words).lang(lang).ok();
    assert_eq!(said.err, "", "{verb}");
    said.out
}

/// The calls beside or below a heading.
fn examples(help: &str, heading: &str) -> Vec<String> {
    let mut lines = help.lines().skip_while(|line| !line.starts_with(heading));
    let beside = lines.next().unwrap_or_default().trim_start_matches(heading).trim();
    let below = lines.take_while(|line| line.starts_with("  ")).map(str::trim);
    let calls = std::iter::once(beside).chain(below).filter(|line| !line.is_empty());
    calls.map(|line| line.split("  ").next().unwrap().to_owned()).collect()
}

/// The words of an example as a shell takes them, with double quotes and without a redirection.
fn words(example: &str) -> Vec<String> {
    let example = example.split(" > ").next().unwrap();
    let mut words = Vec::new();
    for (number, part) in example.split('"').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(ToOwned::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn every_verb_has_help_that_fits_a_screen_with_an_example() {
    let bench = Bench::bare();
    for lang in ["en", "zh-TW"] {
        for verb in VERBS {
            let help = help(&bench, verb, lang);
            assert!(help.lines().count() <= 30, "{verb}\n{help}");
            let heading = if lang == "en" { "Example:" } else { "範例：" };
            let examples = examples(&help, heading);
            assert!(!examples.is_empty(), "{verb}\n{help}");
            for example in &examples {
                assert!(example.starts_with("gapvault "), "{verb}: {example}");
                assert!(verb.is_empty() || words(example).join(" ").contains(verb), "{verb}: {example}");
            }
        }
    }
}

#[test]
fn every_example_is_understood_by_the_program() {
    let bench = Bench::bare();
    for lang in ["en", "zh-TW"] {
        for verb in VERBS {
            let heading = if lang == "en" { "Example:" } else { "範例：" };
            for example in examples(&help(&bench, verb, lang), heading) {
                // A nonsense setting stops each call after its grammar was read, and before anything is done.
                let said = bench
                    .call(&words(&example)[1..])
                    .lang(lang)
                    .env("GAPVAULT_PASSPHRASE_FILE", "one")
                    .with(&["--passphrase-file", "other"])
                    .machine()
                    .run();
                assert_eq!(said.error()["code"], "usage.passphrase-sources", "{example}: {said:?}");
            }
        }
    }
    let left: Vec<_> = bench.here().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["pass"]);
}

#[test]
fn the_chinese_help_has_no_english_headings_and_sentences() {
    let bench = Bench::bare();
    for verb in VERBS {
        let help = help(&bench, verb, "zh-TW");
        assert!(!help.lines().any(|line| line.ends_with(':') && line.is_ascii()), "{verb}\n{help}");
        for word in ["Usage", "Options", "Arguments", "Commands", "Print", "default", "possible", "The "] {
            assert!(!help.contains(word), "{verb}: {word}\n{help}");
        }
        let en = self::help(&bench, verb, "en");
        let (first, same) = (help.lines().next().unwrap(), en.lines().next().unwrap());
        assert!(!first.is_ascii() && same.is_ascii() && !first.is_empty(), "{verb}: {first}");
        let flags = |text: &str| text.matches("--").count();
        assert_eq!(flags(&help), flags(&en), "{verb}");
    }
}

#[test]
fn all_ways_to_ask_show_the_same() {
    let bench = Bench::bare();
    for verb in VERBS.iter().filter(|verb| !verb.is_empty()) {
        let asked = help(&bench, verb, "en");
        let words: Vec<&str> = verb.split_whitespace().collect();
        assert_eq!(bench.call(&words).with(&["-h"]).ok().out, asked, "{verb}");
        assert_eq!(bench.call(&["help"]).with(&words).ok().out, asked, "{verb}");
    }
    let version = bench.call(&["--version"]).ok().out;
    assert_eq!(version, format!("gapvault {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_options_of_every_verb_are_explained_in_both_languages() {
    let bench = Bench::bare();
    let names = ["vault", "identity", "passphrase-file", "state", "lang", "wait", "json", "yes", "quiet"];
    for lang in ["en", "zh-TW"] {
        let told = bench.call(&["help", "options"]).lang(lang).ok().out;
        for name in names.into_iter().chain(["verbose", "plain"]) {
            assert!(told.contains(&format!("--{name}")), "{told}");
        }
        let ascii = told.lines().filter(|line| line.is_ascii()).count();
        assert_eq!(ascii, if lang == "en" { told.lines().count() } else { 0 }, "{told}");
    }
}

#[test]
fn completions_and_manual_pages_name_every_verb() {
    let bench = Bench::bare();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = bench.call(&["completions", shell]).ok();
        assert_eq!(said.err, "");
        for verb in ["seal", "passphrase", "enrol", "audit", "--remove-original"] {
            let name = verb.trim_start_matches("--");
            assert!(said.out.contains(name), "{shell}: {verb}");
        }
    }
    let said = bench.call(&["man", "pages"]).ok();
    assert_eq!(said.out, "");
    for verb in VERBS {
        let page = ["gapvault"].into_iter().chain(verb.split_whitespace()).collect::<Vec<_>>().join("-");
        let text = std::fs::read_to_string(bench.path("pages").join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
}
