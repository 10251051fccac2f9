//! One room for each group of verbs. Each answers with the exit code of a verb that did its work.

mod audit;
#[cfg(feature = "vault")]
mod bundle;
#[cfg(feature = "vault")]
mod documents;
mod evidence;
mod findings;
#[cfg(feature = "vault")]
mod health;
mod helping;
#[cfg(feature = "vault")]
mod host;
#[cfg(feature = "vault")]
mod identity;
#[cfg(feature = "vault")]
mod import;
#[cfg(feature = "vault")]
mod init;
#[cfg(feature = "vault")]
mod keys;
#[cfg(feature = "vault")]
mod member;
#[cfg(feature = "vault")]
mod open;
#[cfg(feature = "vault")]
mod packaging;
#[cfg(feature = "vault")]
mod peer;
#[cfg(feature = "vault")]
mod policy;
mod query;
mod report;
#[cfg(feature = "vault")]
mod requests;
mod sample;

pub(crate) use evidence::OwnLog;

use std::path::PathBuf;
use std::str::FromStr;

use clap::ArgMatches;
use gapvault::fault::{Code, Error};
#[cfg(feature = "vault")]
use gapvault::id;
#[cfg(feature = "vault")]
use gapvault::label::KeyKind;
use gapvault::time::Timestamp;
use gapvault::words::screen;

use crate::command;
use crate::desk::Desk;

/// Runs a verb of the auditor's program.
#[cfg(feature = "auditor")]
pub(crate) fn run_auditor(desk: &Desk, verb: &str, matches: &ArgMatches) -> Result<u8, Error> {
    match verb {
        "help" => helping::help(desk, matches, command::build_auditor),
        _ => audit::run_verb(desk, verb, matches),
    }
}

/// Runs a verb.
#[cfg(feature = "vault")]
pub(crate) fn run(desk: &Desk, verb: &str, matches: &ArgMatches) -> Result<u8, Error> {
    match verb {
        "identity" => identity::run(desk, matches),
        "init" => init::run(desk, matches),
        "member" => member::run(desk, matches),
        "host" => host::run(desk, matches),
        "policy" => policy::run(desk, matches),
        "key" => keys::run(desk, matches),
        "rekey" => keys::rekey(desk, matches),
        "requests" => requests::list(desk, matches),
        "approve" => requests::approve(desk, matches),
        "reject" => requests::end(desk, matches, false),
        "withdraw" => requests::end(desk, matches, true),
        "seal" => documents::seal(desk, matches),
        "list" => documents::list(desk, matches),
        "show" => documents::show(desk, matches),
        "destroy" => documents::destroy(desk, matches),
        "relabel" => documents::relabel(desk, matches),
        "open" => open::run(desk, matches),
        "peer" => peer::run(desk, matches),
        "bundle" => bundle::run(desk, matches),
        "import" => import::run(desk, matches),
        "receipt" => import::receipt(desk, matches),
        "audit" => audit::run(desk, matches),
        "verify" => audit::verify_vault(desk),
        "status" => health::status(desk),
        "rebuild" => health::rebuild(desk),
        "demo" => crate::demo::run(desk, matches),
        "completions" => packaging::completions(desk, matches),
        "man" => packaging::manual(desk, matches),
        "help" => helping::help(desk, matches, command::build),
        _ => Err(Code::Usage.into()),
    }
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}

/// The value of an argument that the grammar requires.
fn needed(matches: &ArgMatches, name: &str) -> Result<String, Error> {
    text(matches, name).ok_or_else(|| Error::new(Code::Usage).with("detail", name))
}

fn needed_path(matches: &ArgMatches, name: &str) -> Result<PathBuf, Error> {
    matches.get_one::<PathBuf>(name).cloned().ok_or_else(|| Error::new(Code::Usage).with("detail", name))
}

/// The value of an argument whose choices the grammar has checked.
fn word<T: FromStr>(matches: &ArgMatches, name: &str) -> Result<Option<T>, Error> {
    let parse = |text: String| text.parse().map_err(|_| Error::new(Code::Usage).with("detail", name));
    text(matches, name).map(parse).transpose()
}

fn needed_word<T: FromStr>(matches: &ArgMatches, name: &str) -> Result<T, Error> {
    word(matches, name)?.ok_or_else(|| Error::new(Code::Usage).with("detail", name))
}

/// The kind of key: with post-quantum protection unless the caller wants the classic one.
#[cfg(feature = "vault")]
fn kind(matches: &ArgMatches) -> KeyKind {
    if matches.get_flag("classic") { KeyKind::Classic } else { KeyKind::Hybrid }
}

/// The beginning of a day that was named, and of the next one, where people are.
fn day(desk: &Desk, matches: &ArgMatches, name: &str) -> Result<Option<(Timestamp, Timestamp)>, Error> {
    let Some(text) = text(matches, name) else { return Ok(None) };
    screen::day(&text).map(Some).ok_or_else(|| not_a_day(desk, name, &text))
}

fn not_a_day(desk: &Desk, name: &str, given: &str) -> Error {
    let facts = [("name", format!("--{name}")), ("value", screen::escape(given))];
    Error::new(Code::Usage).with("detail", desk.words.text("usage-not-a-day", &facts))
}

/// The code that was read to the caller over another channel, if it was given.
#[cfg(feature = "vault")]
fn code(matches: &ArgMatches) -> Result<Option<id::Code>, Error> {
    let parse = |text: String| text.parse().map_err(|_| Error::new(Code::CodeDiffers));
    text(matches, "code").map(parse).transpose()
}

/// Compares the code with the one given, or lets the person compare.
#[cfg(feature = "vault")]
fn compare(
    desk: &Desk,
    given: Option<id::Code>,
    actual: id::Code,
    question: &str,
    facts: &[(&str, String)],
) -> Result<(), Error> {
    match given {
        Some(given) if given == actual => Ok(()),
        Some(_) => Err(Code::CodeDiffers.into()),
        None => {
            desk.confirm(&[desk.text("say-compare-code", &[("code", actual.to_string())])], question, facts)
        }
    }
}
