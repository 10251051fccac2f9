//! The grammar of questions to the log.

use clap::{Arg, ArgAction, Command, value_parser};
use gapvault::audit::forms::Form;
use gapvault::audit::sample::SAMPLE_LIMIT;
use gapvault::label::Zone;
use gapvault::log::entry::{Event, Outcome, Phase};

use super::{choice, flag, option, trusting};

/// The form for people, beside those for programs.
pub(crate) const TABLE: &str = "table";

/// `audit query` and `audit sample`.
pub(super) fn questions() -> [Command; 2] {
    let many = |arg: Arg| arg.action(ArgAction::Append);
    let forms = [TABLE].into_iter().chain(Form::ALL.iter().map(|form| form.as_str()));
    let hidden = |arg: Arg| arg.hide(true);
    let query = trusting(Command::new("query"))
        .arg(many(option("member", "MEMBER")))
        .arg(option("document", "ID"))
        .arg(many(choice(option("event", "EVENT"), Event::ALL.iter().map(|event| event.as_str()))))
        .arg(many(choice(option("outcome", "OUTCOME"), Outcome::ALL.iter().map(|outcome| outcome.as_str()))))
        .arg(choice(option("phase", "PHASE"), Phase::ALL.iter().map(|phase| phase.as_str())))
        .arg(option("day", "DATE").conflicts_with_all(["from", "to"]))
        .arg(option("from", "DATE"))
        .arg(option("to", "DATE"))
        .arg(choice(option("zone", "ZONE"), Zone::ALL.iter().map(|zone| zone.as_str())))
        .arg(flag("full"))
        .arg(choice(option("format", "FORMAT"), forms))
        .arg(option("output", "FILE").short('o'))
        // What the log is judged by where all of it is read; `audit verify` tells of them.
        .arg(hidden(many(option("against", "FILE"))))
        .arg(hidden(option("since", "SIZE").value_parser(value_parser!(u64))))
        .mut_arg("log", hidden)
        .mut_arg("policy", hidden)
        .arg(hidden(flag("strict")))
        .arg(hidden(option("max-age", "DAYS").value_parser(value_parser!(u64))));
    #[cfg(feature = "vault")]
    let query = query.arg(flag("titles").conflicts_with("evidence"));
    let count = option("size", "N").value_parser(value_parser!(u64).range(1..=SAMPLE_LIMIT)).required(true);
    let sample = trusting(Command::new("sample"))
        .arg(option("seed", "TEXT").required(true))
        .arg(count)
        .arg(option("checkpoint", "FILE"))
        .arg(super::epoch().conflicts_with("checkpoint"))
        .arg(option("out", "DIR"));
    [query, sample]
}
