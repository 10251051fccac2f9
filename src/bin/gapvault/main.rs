//! The gapvault command line: read the call, ask what is missing, run the verb, tell the answer.

mod command;
mod config;
mod demo;
mod desk;
mod errors;
mod files;
mod help;
mod language;
mod output;
mod passphrase;
mod progress;
mod table;
mod terminal;
mod verbs;

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::error::ErrorKind;
use gapvault::vault::{Code, Error};
use gapvault::words::{Lang, Words};

use crate::config::Config;
use crate::desk::Desk;

/// What a shell says of a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    gapvault::vault::harden_process();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let config = config::load();
    let hints = language::Hints {
        arguments: &arguments,
        environment: &|name| std::env::var(name).ok(),
        config: config.as_ref().ok().and_then(|config| config.lang.as_deref()),
    };
    let lang = language::resolve(&hints);
    let json = arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let teller = Teller { lang, json };
    panic::set_hook(Box::new(move |place| {
        // The place only: the message of a panic may hold what was being worked on.
        let place = place.location().map(ToString::to_string).unwrap_or_default();
        teller.tell(&Error::new(Code::Internal).with("detail", place), false);
    }));
    let run = || run(teller, &arguments, config);
    ExitCode::from(panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or(Code::Internal.exit()))
}

/// How failures are told before a verb has its settings.
#[derive(Clone, Copy)]
struct Teller {
    lang: Lang,
    json: bool,
}

impl Teller {
    fn tell(self, error: &Error, verbose: bool) -> u8 {
        let words = Words::new(self.lang);
        let text =
            if self.json { errors::json(&words, error) } else { errors::lines(&words, error, verbose) };
        output::note(&text);
        error.code().exit()
    }
}

fn run(teller: Teller, arguments: &[OsString], config: Result<Config, Error>) -> u8 {
    let words = Words::new(teller.lang);
    let call = std::iter::once(OsString::from("gapvault")).chain(arguments.iter().cloned());
    let matches = match command::build(&words).try_get_matches_from(call) {
        Ok(matches) => matches,
        Err(stop) if matches!(stop.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let text = stop.render().to_string();
            return finish(teller, output::lines(&[text.trim_end().to_owned()]).map(|()| 0), false);
        }
        Err(stop) => return teller.tell(&errors::from_clap(&words, &stop), false),
    };
    let Some((verb, inner)) = matches.subcommand() else { return teller.tell(&Code::Usage.into(), false) };
    let desk = match config.and_then(|config| Desk::new(teller.lang, inner, config)) {
        Ok(desk) => desk,
        Err(error) => return teller.tell(&error, false),
    };
    let result = verbs::run(&desk, verb, inner);
    if desk.interrupted() {
        return INTERRUPTED;
    }
    finish(teller, result, desk.verbose)
}

fn finish(teller: Teller, result: Result<u8, Error>, verbose: bool) -> u8 {
    match result {
        Ok(exit) => exit,
        // Nobody reads on, as with `| head`: nothing more is said.
        Err(error) if output::reader_left(&error) => error.code().exit(),
        Err(error) => teller.tell(&error, verbose),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Kinds of texts that the code names in full.
    const KINDS: [&str; 7] = ["say-", "ask-", "usage-", "head-", "stage-", "right-", "demo-"];

    fn named(folder: &Path, keys: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, keys);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let code = std::fs::read_to_string(&path).unwrap();
                let literals = code.split('"').skip(1).step_by(2);
                let key = |text: &&str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                let keys_here = literals.filter(key).filter(|text| !text.ends_with('-'));
                let ours = keys_here.filter(|text| KINDS.iter().any(|kind| text.starts_with(kind)));
                keys.extend(ours.map(ToOwned::to_owned));
                for list in code.split("names = [").skip(1).filter_map(|rest| rest.split(']').next()) {
                    let names = list.split('"').skip(1).step_by(2).filter(key);
                    keys.extend(names.map(|name| format!("col-{name}")));
                }
            }
        }
    }

    #[test]
    fn every_text_that_the_code_names_is_in_both_catalogues() {
        let mut keys = BTreeSet::new();
        named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/gapvault"), &mut keys);
        assert!(keys.len() > 60, "{}", keys.len());
        for lang in [Lang::En, Lang::ZhTw] {
            let words = Words::new(lang);
            for key in &keys {
                assert_ne!(words.text(key, &[]), *key);
            }
        }
    }
}
