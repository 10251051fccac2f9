//! Failures as a person or a script reads them.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use gapvault::fault::{Code, Error};
use gapvault::words::{Words, screen};
use serde::Serialize;

/// The key under which the catalogue keeps the text about a code.
fn key(kind: &str, code: &str) -> String {
    format!("{kind}-{}", code.replace('.', "-"))
}

/// The text of a key, or nothing where the catalogue has none.
pub(crate) fn known(words: &Words, key: &str, facts: &[(&str, String)]) -> Option<String> {
    let text = words.text(key, facts);
    (text != key && !text.is_empty()).then_some(text)
}

/// One sentence about a code.
pub(crate) fn sentence(words: &Words, code: Code, facts: &[(&str, String)]) -> String {
    words.text(&key("error", code.as_str()), facts)
}

/// One sentence about a warning, which has its own text or shares an error's.
pub(crate) fn warning(words: &Words, code: &str, detail: &str) -> String {
    let facts = [
        ("detail", screen::escape(detail)),
        ("path", screen::escape(detail)),
        ("id", screen::escape(detail)),
    ];
    let text =
        known(words, &key("warning", code), &facts).or_else(|| known(words, &key("error", code), &facts));
    text.unwrap_or_else(|| format!("{code}: {}", screen::escape(detail)))
}

/// An error as one line, and a second line that says what to do.
pub(crate) fn lines(words: &Words, error: &Error, verbose: bool) -> String {
    let (message, hint) = texts(words, error);
    let mut text = words.text("say-error", &[("message", message), ("code", error.code().to_string())]);
    if let Some(hint) = hint {
        text.push('\n');
        text.push_str(&words.text("say-hint", &[("hint", hint)]));
    }
    if verbose {
        text.push('\n');
        text.push_str(&screen::escape(&error.to_string()));
    }
    text
}

/// Who holds the vault, in the user's language: a process by its number, or work that goes on.
pub(crate) fn holder(words: &Words, holder: &str) -> String {
    if let Some(number) = holder.strip_prefix("process ") {
        return words.text("say-process", &[("number", screen::escape(number))]);
    }
    known(words, &key("holder", &holder.replace(' ', "-")), &[]).unwrap_or_else(|| screen::escape(holder))
}

fn texts(words: &Words, error: &Error) -> (String, Option<String>) {
    let fact = |(name, value): &(&'static str, String)| match *name {
        // Nobody knows who it is: the sentence does without.
        "holder" if value.is_empty() => None,
        "holder" => Some((*name, holder(words, value))),
        "when" | "until" => {
            let date = value.parse().map(|time| screen::date(time, words.lang()));
            Some((*name, date.unwrap_or_else(|_| screen::escape(value))))
        }
        "state" if error.code().as_str().starts_with("usage.bundle") => {
            let state = known(words, &format!("bundle-state-{value}"), &[]);
            Some((*name, state.unwrap_or_else(|| screen::escape(value))))
        }
        _ => Some((*name, screen::escape(value))),
    };
    let facts: Vec<(&str, String)> = error.facts().iter().filter_map(fact).collect();
    let one_line = |text: String| text.lines().collect::<Vec<_>>().join(" ");
    let message = one_line(sentence(words, error.code(), &facts));
    let typed = facts
        .iter()
        .map(|(name, value)| (*name, if *name == "path" { typed(value) } else { value.clone() }))
        .chain(called().map(|(name, value)| (name, value.to_owned())));
    let typed: Vec<(&str, String)> = typed.collect();
    (message, known(words, &key("hint", error.code().as_str()), &typed).map(one_line))
}

/// How this program and its verbs for auditors are called, for hints.
fn called() -> [(&'static str, &'static str); 2] {
    const PROGRAM: &str = env!("CARGO_BIN_NAME");
    [("program", PROGRAM), ("audit", if PROGRAM == "gapvault" { "gapvault audit" } else { PROGRAM })]
}

/// A path as it is typed in a shell: hints are copied from the screen.
fn typed(path: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',' | ':' | '=' | '@' | '%')
    };
    if !path.is_empty() && !path.starts_with('-') && path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

#[derive(Serialize)]
struct Object<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
    message: String,
    hint: Option<String>,
    exit: u8,
}

/// An error as one JSON object.
pub(crate) fn json(words: &Words, error: &Error) -> String {
    let (message, hint) = texts(words, error);
    let body = Body { code: error.code().as_str(), message, hint, exit: error.code().exit() };
    serde_json::to_string(&Object { error: body }).unwrap_or_default()
}

/// A wrong call as our own error, told in the user's language.
pub(crate) fn from_clap(words: &Words, error: &clap::Error) -> Error {
    let get = |kind| error.get(kind).map(plain).unwrap_or_default();
    let (name, value) = (get(ContextKind::InvalidArg), get(ContextKind::InvalidValue));
    let subcommand = get(ContextKind::InvalidSubcommand);
    let facts = [
        ("name", screen::escape(if subcommand.is_empty() { &name } else { &subcommand })),
        ("value", screen::escape(&value)),
        ("other", screen::escape(&get(ContextKind::PriorArg))),
        ("choices", get(ContextKind::ValidValue)),
    ];
    let mut detail = words.text(which(error.kind(), value.is_empty()), &facts);
    let near = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    if let Some(near) = near.into_iter().map(get).find(|near| !near.is_empty()) {
        detail.push(' ');
        detail.push_str(&words.text("usage-did-you-mean", &[("name", near)]));
    }
    Error::new(Code::Usage).with("detail", detail)
}

fn which(kind: ErrorKind, no_value: bool) -> &'static str {
    match kind {
        ErrorKind::InvalidValue if no_value => "usage-no-value",
        ErrorKind::InvalidValue => "usage-bad-choice",
        ErrorKind::ValueValidation => "usage-bad-value",
        ErrorKind::UnknownArgument => "usage-unknown-argument",
        ErrorKind::InvalidSubcommand => "usage-unknown-verb",
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "usage-no-verb",
        ErrorKind::MissingRequiredArgument => "usage-missing",
        ErrorKind::ArgumentConflict => "usage-conflict",
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            "usage-value-count"
        }
        ErrorKind::NoEquals => "usage-no-value",
        ErrorKind::InvalidUtf8 => "usage-encoding",
        _ => "usage-other",
    }
}

fn plain(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        ContextValue::Number(number) => number.to_string(),
        ContextValue::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gapvault::words::Lang;

    #[test]
    fn a_path_in_a_hint_can_be_typed() {
        for (path, shown) in
            [("/a/中.id", "/a/中.id"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$(x)", "'$(x)'")]
        {
            let error = Error::new(Code::IdentityPermissions).with("path", path);
            let (_, hint) = texts(&Words::new(Lang::En), &error);
            assert_eq!(hint.unwrap(), format!("Type: chmod 600 {shown}"));
        }
    }

    #[test]
    fn hints_say_how_this_program_is_called() {
        let [(_, program), (_, audit)] = called();
        for lang in [Lang::En, Lang::ZhTw] {
            let words = Words::new(lang);
            let hint = |code: Code| texts(&words, &code.into()).1.unwrap();
            assert!(hint(Code::Usage).contains(&format!("{program} --help")));
            assert!(hint(Code::NotRules).contains(&format!("{audit} findings --print-rules")));
            assert_eq!(hint(Code::WrongPassphrase).contains("15"), program == "gapvault");
        }
    }

    #[test]
    fn json_has_the_four_fields() {
        let words = Words::new(Lang::En);
        let error = Error::new(Code::NoFile).with("path", "a\u{1b}[31m");
        let value: serde_json::Value = serde_json::from_str(&json(&words, &error)).unwrap();
        assert_eq!(value["error"]["code"], "not-found.file");
        assert_eq!(value["error"]["exit"], 3);
        assert!(value["error"]["message"].is_string());
        assert!(!json(&words, &error).contains('\u{1b}'));
        assert!(!lines(&words, &error, true).contains('\u{1b}'));
    }

    #[cfg(feature = "vault")]
    #[test]
    fn wrong_calls_are_told_in_both_languages() {
        for lang in [Lang::En, Lang::ZhTw] {
            let words = Words::new(lang);
            let calls: [&[&str]; 8] = [
                &["gapvault", "sael"],
                &["gapvault"],
                &["gapvault", "seal", "a", "--class", "secret"],
                &["gapvault", "seal", "--class", "critical"],
                &["gapvault", "seal", "a", "--class"],
                &["gapvault", "list", "--nothing"],
                &["gapvault", "open", "abcd", "--stdout", "-o", "x"],
                &["gapvault", "open", "abcd"],
            ];
            for call in calls {
                let error = crate::command::build(&words).try_get_matches_from(call).unwrap_err();
                let error = from_clap(&words, &error);
                let detail = error.facts().first().unwrap().1.clone();
                assert!(!detail.starts_with("usage-"), "{call:?}: {detail}");
                assert!(!detail.contains("{$"), "{call:?}: {detail}");
            }
        }
    }
}
