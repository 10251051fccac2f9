//! Every word that the library can say has a text in both languages.

use gapvault::label::{Class, Role, Zone};
use gapvault::log::entry::{Event, Outcome, Phase};
use gapvault::vault::Code;
use gapvault::words::{Lang, Words};

/// The facts that errors carry.
const FACTS: [&str; 9] = ["path", "id", "name", "detail", "size", "known", "found", "holder", "minutes"];

fn both() -> [Words; 2] {
    [Words::new(Lang::En), Words::new(Lang::ZhTw)]
}

/// The text of a key with every fact given; a key without a text is a failure.
fn text(words: &Words, key: &str) -> String {
    let facts = FACTS.map(|name| (name, format!("<{name}>")));
    let text = words.text(key, &facts);
    assert_ne!(text, key, "{words:?} lacks it");
    text
}

#[test]
fn every_code_says_what_happened_and_what_to_do_in_one_line_each() {
    for words in both() {
        for code in Code::ALL {
            for kind in ["error", "hint"] {
                let key = format!("{kind}-{}", code.as_str().replace('.', "-"));
                let text = text(&words, &key);
                assert_eq!(text.lines().count(), 1, "{key}: {text}");
                assert!(!text.contains("{$"), "{key} wants a fact that no error carries: {text}");
            }
        }
    }
}

#[test]
fn an_error_that_lacks_facts_still_reads_as_a_sentence() {
    for words in both() {
        for code in Code::ALL {
            let key = format!("error-{}", code.as_str().replace('.', "-"));
            let text = words.text(&key, &[]);
            assert!(!text.contains("{$") && !text.is_empty(), "{key}: {text}");
        }
    }
}

#[test]
fn every_value_has_a_word_of_its_own() {
    let dashed = |kind: &str, value: &str| format!("{kind}-{}", value.replace('.', "-"));
    let kinds: [Vec<String>; 7] = [
        Class::ALL.iter().map(|value| dashed("class", value.as_str())).collect(),
        Zone::ALL.iter().map(|value| dashed("zone", value.as_str())).collect(),
        Role::ALL.iter().map(|value| dashed("role", value.as_str())).collect(),
        Event::ALL.iter().map(|value| dashed("event", value.as_str())).collect(),
        Outcome::ALL.iter().map(|value| dashed("outcome", value.as_str())).collect(),
        Phase::ALL.iter().map(|value| dashed("phase", value.as_str())).collect(),
        ["ok", "tampered", "truncated", "forked", "damaged", "unverifiable"]
            .map(|value| dashed("verdict", value))
            .to_vec(),
    ];
    for words in both() {
        for keys in &kinds {
            let mut texts: Vec<_> = keys.iter().map(|key| text(&words, key)).collect();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), keys.len(), "two values of {keys:?} share a word");
        }
    }
}

#[test]
fn every_skip_and_warning_has_a_text() {
    let skips =
        ["symlink", "fifo", "socket", "device", "vault", "twice", "other"].map(|why| format!("skip-{why}"));
    let warnings =
        ["single-reader", "last-officer", "host-not-enrolled"].map(|code| format!("warning-{code}"));
    for words in both() {
        for key in skips.iter().chain(&warnings) {
            text(&words, key);
        }
    }
}
