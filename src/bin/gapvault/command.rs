//! The grammar of the command line. Every text in it comes from the catalogue.

mod questions;
#[cfg(feature = "vault")]
mod whole;

use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser as _};
use clap::{Arg, ArgAction, Command, value_parser};
use gapvault::audit::findings::Name;
#[cfg(feature = "auditor")]
use gapvault::words::Words;

#[cfg(feature = "auditor")]
use crate::help;
#[cfg(feature = "vault")]
pub(crate) use whole::build;

pub(crate) use questions::TABLE;

/// The options that every verb takes: name, value, short form.
pub(crate) const GLOBALS: [(&str, Option<&str>, Option<char>); 12] = [
    ("vault", Some("DIR"), None),
    ("identity", Some("FILE"), None),
    ("passphrase-file", Some("FILE"), None),
    ("token", Some("FILE"), None),
    ("state", Some("DIR"), None),
    ("lang", Some("TAG"), None),
    ("wait", Some("SECONDS"), None),
    ("json", None, None),
    ("yes", None, Some('y')),
    ("quiet", None, Some('q')),
    ("verbose", None, Some('v')),
    ("plain", None, None),
];

/// The options of the auditor's program.
pub(crate) const AUDITOR_GLOBALS: [&str; 9] =
    ["identity", "passphrase-file", "state", "lang", "json", "yes", "quiet", "verbose", "plain"];

/// The grammar of the auditor's program: the verbs of `audit` that need no vault at hand.
#[cfg(feature = "auditor")]
pub(crate) fn build_auditor(words: &Words) -> Command {
    let verbs = audit_verbs().into_iter().filter(|verb| !AT_THE_VAULT.contains(&verb.get_name()));
    let root = root("gapvault-audit", AUDITOR_GLOBALS.into_iter()).subcommands(verbs);
    help::dress(root.subcommand(help_verb()), words)
}

#[cfg(all(test, not(feature = "vault")))]
pub(crate) use build_auditor as tested;
/// What this build's help is tested by.
#[cfg(all(test, feature = "vault"))]
pub(crate) use whole::build as tested;

/// Verbs of `audit` that need a vault at hand.
#[cfg(feature = "auditor")]
const AT_THE_VAULT: [&str; 3] = ["export", "show", "import-cosign"];

fn root(name: &'static str, globals: impl Iterator<Item = &'static str>) -> Command {
    let mut root = Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommand_value_name("VERB")
        .infer_long_args(false)
        .args_override_self(false)
        .arg(Arg::new("version").short('V').long("version").action(ArgAction::Version).hide(true))
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help).global(true).hide(true));
    for name in globals {
        let found = GLOBALS.iter().find(|(known, ..)| *known == name);
        root = root.args(found.map(|(name, value, short)| global(name, *value, *short)));
    }
    root
}

fn global(name: &'static str, value: Option<&'static str>, short: Option<char>) -> Arg {
    let mut arg = Arg::new(name).long(name).global(true).hide(true);
    if let Some(short) = short {
        arg = arg.short(short);
    }
    match value {
        None => arg.action(ArgAction::SetTrue),
        Some("SECONDS") => arg.value_name("SECONDS").value_parser(value_parser!(u64).range(0..=86_400)),
        Some("TAG") => arg.value_name("TAG"),
        Some(value) => path(arg.value_name(value)),
    }
}

fn path(arg: Arg) -> Arg {
    arg.value_parser(value_parser!(PathBuf))
}

/// A path at which something is made: a bare name stands in the current folder, and says so, because the folder of
/// a bare name is the empty path, which no disk knows.
pub(crate) fn placed(path: PathBuf) -> PathBuf {
    if path.parent() == Some(Path::new("")) { Path::new(".").join(path) } else { path }
}

fn place(arg: Arg) -> Arg {
    arg.value_parser(PathBufValueParser::new().map(placed))
}

fn option(name: &'static str, value: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name(value);
    match (name, value) {
        // `-` is standard input, not a file of that name.
        ("passphrase-file" | "new-passphrase-file", _) => path(arg),
        (_, "FILE" | "DIR" | "CARD") => place(arg),
        _ => arg,
    }
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

fn positional(name: &'static str) -> Arg {
    let arg = Arg::new(name.to_lowercase()).value_name(name).required(true);
    match name {
        "FILE" | "DIR" | "CARD" => place(arg),
        "PATH" => path(arg),
        _ => arg,
    }
}

fn choice(arg: Arg, choices: impl IntoIterator<Item = &'static str>) -> Arg {
    arg.value_parser(PossibleValuesParser::new(choices)).hide_possible_values(true)
}

/// What is trusted, and the evidence that is looked at instead of the vault.
fn trusting(verb: Command) -> Command {
    verb.arg(option("evidence", "DIR"))
        .arg(option("trust", "VAULT"))
        .arg(option("log", "KEY").action(ArgAction::Append))
        .arg(option("policy", "FILE"))
}

/// What `audit verify` asks for, for every verb that reads a log whole.
fn judging(verb: Command) -> Command {
    trusting(verb)
        .arg(option("against", "FILE").action(ArgAction::Append))
        .arg(option("since", "SIZE").value_parser(value_parser!(u64)))
        .arg(flag("strict"))
        .arg(option("max-age", "DAYS").value_parser(value_parser!(u64)))
}

/// What somebody should look at.
fn findings() -> Command {
    let names = Name::ALL.iter().map(|name| name.as_str());
    judging(Command::new("findings"))
        .arg(option("rules", "FILE"))
        .arg(option("holidays", "FILE"))
        .arg(option("from", "DATE"))
        .arg(option("to", "DATE"))
        .arg(choice(option("rule", "NAME"), names).action(ArgAction::Append))
        .arg(flag("print-rules"))
}

fn report() -> Command {
    judging(Command::new("report"))
        // Known from `audit verify`, and its help has room for them.
        .mut_arg("since", |arg| arg.hide(true))
        .mut_arg("max-age", |arg| arg.hide(true))
        .arg(choice(option("format", "FORMAT"), ["html", "json", "csv"]))
        .arg(option("output", "FILE").short('o'))
        .arg(option("from", "DATE"))
        .arg(option("to", "DATE"))
        .arg(option("rules", "FILE"))
        .arg(option("holidays", "FILE"))
        .arg(option("other", "DIR"))
        .arg(option("other-trust", "VAULT").requires("other"))
}

/// What auditors and witnesses carry from machine to machine.
fn evidence() -> Vec<Command> {
    let to = || option("output", "FILE").short('o');
    let log = || option("log", "KEY").action(ArgAction::Append);
    let seq = positional("SEQ").value_parser(value_parser!(u64));
    let old = option("old", "SIZE").value_parser(value_parser!(u64));
    let witness = || option("witness", "KEY");
    // One of several logs of a vault that went on after a loss.
    let one = |verb| trusting(Command::new(verb)).arg(epoch());
    vec![
        Command::new("export").arg(positional("DIR")),
        one("checkpoint").arg(to()).arg(option("paper", "FILE")),
        one("prove").arg(seq).arg(to()),
        Command::new("check-proof")
            .arg(positional("FILE"))
            .arg(log())
            .arg(option("policy", "FILE"))
            .arg(option("entry", "FILE")),
        trusting(Command::new("consistency")).arg(positional("FILE")),
        trusting(Command::new("compare")).arg(place(positional("FIRST"))).arg(place(positional("SECOND"))),
        one("request-cosign").arg(to().required(true)).arg(witness()).arg(old),
        Command::new("cosign")
            .arg(positional("FILE"))
            .arg(log())
            .arg(option("policy", "FILE"))
            .arg(option("evidence", "DIR"))
            .arg(to()),
        Command::new("import-cosign").arg(positional("FILE")).arg(witness().action(ArgAction::Append)),
    ]
}

fn epoch() -> Arg {
    option("epoch", "N").value_parser(value_parser!(u64).range(1..))
}

/// The verbs of auditors.
fn audit_verbs() -> Vec<Command> {
    let verify = judging(Command::new("verify")).arg(option("fork", "FILE"));
    #[cfg(feature = "vault")]
    let verify = verify.arg(flag("documents").conflicts_with("evidence"));
    let mut verbs = vec![
        verify,
        findings(),
        report(),
        Command::new("show")
            .arg(option("last", "N").value_parser(value_parser!(u64).range(1..)))
            .arg(option("document", "ID")),
    ];
    verbs.extend(evidence());
    verbs.extend(questions::questions());
    verbs
}

fn help_verb() -> Command {
    Command::new("help").arg(Arg::new("topic").value_name("VERB").num_args(0..)).hide(true)
}
