//! A program from its call to its exit: settles the language, reads the call, runs the verb, tells the answer.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use gapvault::fault::{Code, Error};
use gapvault::words::{Lang, Words};

use crate::config::Config;
use crate::desk::Desk;
use crate::{config, errors, language, output};

/// What a shell says of a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What one program is.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    /// What it is called by.
    pub(crate) name: &'static str,
    /// How it is called.
    pub(crate) grammar: fn(&Words) -> Command,
    /// What it does.
    pub(crate) verbs: fn(&Desk, &str, &ArgMatches) -> Result<u8, Error>,
}

/// Runs it.
pub(crate) fn main(program: Program) -> ExitCode {
    gapvault::process::harden_process();
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
    let run = || run(program, teller, &arguments, config);
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

fn run(program: Program, teller: Teller, arguments: &[OsString], config: Result<Config, Error>) -> u8 {
    let words = Words::new(teller.lang);
    let call = std::iter::once(OsString::from(program.name)).chain(arguments.iter().cloned());
    let matches = match (program.grammar)(&words).try_get_matches_from(call) {
        Ok(matches) => matches,
        Err(stop) if matches!(stop.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let text = stop.render().to_string();
            return finish(teller, output::lines(&[text.trim_end().to_owned()]).map(|()| 0), false);
        }
        Err(stop) => return teller.tell(&errors::from_clap(&words, &stop), false),
    };
    let Some((verb, inner)) = matches.subcommand() else { return teller.tell(&Code::Usage.into(), false) };
    let desk = match config.and_then(|config| Desk::new(words, inner, config)) {
        Ok(desk) => desk,
        Err(error) => return teller.tell(&error, false),
    };
    let result = (program.verbs)(&desk, verb, inner);
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
