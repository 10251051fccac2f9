//! The grammar of the whole program.

use clap::{Arg, ArgAction, ArgGroup, Command, value_parser};
use gapvault::label::{Class, Role, Zone};
use gapvault::policy::Part;
use gapvault::words::Words;

use super::{GLOBALS, audit_verbs, choice, flag, help_verb, option, positional, root};
use crate::help;

/// The whole grammar, with its help texts in the language of `words`.
pub(crate) fn build(words: &Words) -> Command {
    let globals = GLOBALS.iter().map(|(name, ..)| *name);
    let verbs = [people(), rules(), vaults(), documents(), gap(), keeping()].concat();
    help::dress(root("gapvault", globals).subcommands(verbs), words)
}

fn class() -> Arg {
    choice(option("class", "CLASS"), Class::ALL.iter().map(|class| class.as_str()))
}

fn group(name: &'static str) -> Command {
    Command::new(name).subcommand_required(true).subcommand_value_name("VERB")
}

fn people() -> Vec<Command> {
    let work = || option("work-factor", "N").value_parser(value_parser!(u8));
    let identity = group("identity")
        .subcommand(
            Command::new("new")
                .arg(option("name", "NAME").required(true))
                .arg(option("out", "FILE").required(true))
                .arg(work())
                .arg(flag("classic").conflicts_with("key-token"))
                .arg(option("key-token", "FILE"))
                .arg(option("key-recipient", "RECIPIENT").requires("key-token")),
        )
        .subcommand(Command::new("show").arg(positional("FILE")))
        .subcommand(
            Command::new("passphrase")
                .arg(positional("FILE"))
                .arg(option("new-passphrase-file", "FILE"))
                .arg(work()),
        );
    let clearance = choice(option("clearance", "CLASSES"), Class::ALL.iter().map(|class| class.as_str()));
    let member = group("member")
        .subcommand(
            Command::new("add")
                .arg(positional("CARD"))
                .arg(choice(
                    option("role", "ROLE").required(true),
                    Role::ALL.iter().map(|role| role.as_str()),
                ))
                .arg(clearance.value_delimiter(',').action(ArgAction::Append))
                .arg(flag("titles"))
                .arg(flag("import"))
                .arg(flag("release"))
                .arg(option("until", "DATE"))
                .arg(option("sponsor", "MEMBER"))
                .arg(option("code", "CODE")),
        )
        .subcommand(Command::new("list"))
        .subcommand(
            Command::new("revoke").arg(positional("MEMBER")).arg(flag("rekey")).arg(option("reason", "TEXT")),
        )
        .subcommand(
            Command::new("replace")
                .arg(positional("MEMBER"))
                .arg(positional("CARD"))
                .arg(flag("rekey"))
                .arg(option("reason", "TEXT"))
                .arg(option("code", "CODE")),
        );
    vec![identity, member]
}

fn rules() -> Vec<Command> {
    let hours = option("hours", "N").value_parser(value_parser!(u64).range(1..=744)).required(true);
    let policy = group("policy")
        .subcommand(Command::new("show"))
        .subcommand(Command::new("set").arg(positional("FILE")).arg(option("reason", "TEXT")))
        .subcommand(Command::new("except").arg(hours).arg(option("reason", "TEXT").required(true)));
    let key = group("key")
        .hide(true)
        .subcommand(Command::new("rotate").arg(flag("rekey")))
        .subcommand(Command::new("finish").arg(flag("rekey")))
        .subcommand(Command::new("retire"));
    let parts = Part::ALL.iter().map(|part| part.as_str());
    vec![
        policy,
        key,
        Command::new("requests").arg(flag("all")),
        Command::new("approve")
            .arg(positional("REQUEST"))
            .arg(choice(option("as", "PART"), parts))
            .arg(flag("run"))
            .arg(option("out", "FILE").conflicts_with_all(["run", "from"]))
            .arg(option("from", "FILE").conflicts_with_all(["run", "as"])),
        // Told in one line below the others: who needs them knows of them.
        Command::new("reject").arg(positional("REQUEST")).hide(true),
        Command::new("withdraw").arg(positional("REQUEST")).hide(true),
    ]
}

fn vaults() -> Vec<Command> {
    let zones = Zone::ALL.iter().map(|zone| zone.as_str());
    let init = Command::new("init")
        .arg(positional("DIR"))
        .arg(option("name", "NAME").required(true))
        .arg(choice(option("zone", "ZONE").required(true), zones))
        .arg(option("officers-needed", "N").value_parser(value_parser!(u32).range(1..=100)))
        .arg(option("policy", "FILE"))
        .arg(option("deposit-for", "CARD"))
        .arg(option("code", "CODE").requires("deposit-for"))
        .arg(flag("classic"));
    let host = group("host")
        .hide(true)
        .subcommand(Command::new("trust").arg(option("code", "CODE")))
        .subcommand(Command::new("enrol"))
        .subcommand(Command::new("rekey"))
        .subcommand(
            Command::new("resume").arg(option("reason", "TEXT").required(true)).arg(option("code", "CODE")),
        );
    vec![init, host]
}

fn documents() -> Vec<Command> {
    let seal = Command::new("seal")
        .arg(positional("PATH").num_args(1..))
        .arg(class().required(true))
        .arg(option("title", "TEXT"))
        .arg(flag("remove-original"))
        .arg(flag("dry-run").conflicts_with("remove-original"));
    let list = Command::new("list").arg(class()).arg(option("find", "TEXT"));
    let show = Command::new("show").arg(positional("ID")).arg(flag("history"));
    let open = Command::new("open")
        .arg(positional("ID").num_args(1..).required(false).required_unless_present("all"))
        .arg(option("output", "FILE").short('o'))
        .arg(flag("stdout"))
        .arg(option("into", "DIR"))
        .arg(flag("all").conflicts_with_all(["id", "output", "stdout"]))
        .arg(option("reason", "TEXT"))
        .arg(option("request", "REQUEST").conflicts_with("all"))
        .group(ArgGroup::new("to").args(["output", "stdout", "into"]).required(true));
    let destroy = Command::new("destroy")
        .hide(true)
        .arg(positional("ID"))
        .arg(option("reason", "TEXT").required(true))
        .arg(option("request", "REQUEST"));
    let relabel = Command::new("relabel")
        .hide(true)
        .arg(positional("ID"))
        .arg(class().required(true))
        .arg(option("reason", "TEXT"))
        .arg(option("request", "REQUEST"));
    let rekey = Command::new("rekey")
        .hide(true)
        .arg(positional("ID").num_args(1..).required(false).required_unless_present("all"))
        .arg(flag("all").conflicts_with("id"));
    vec![seal, list, show, open, destroy, relabel, rekey]
}

/// Across the gap.
fn gap() -> Vec<Command> {
    let series = option("in", "SERIES").value_parser(value_parser!(u64).range(2..));
    let peer = group("peer")
        .hide(true)
        .subcommand(Command::new("card").arg(option("output", "FILE").short('o').required(true)))
        .subcommand(Command::new("add").arg(positional("CARD")).arg(option("code", "CODE")))
        .subcommand(Command::new("list"))
        .subcommand(Command::new("remove").arg(positional("PEER")))
        .subcommand(
            Command::new("reset")
                .arg(positional("PEER"))
                .arg(flag("out"))
                .arg(series)
                .group(ArgGroup::new("side").args(["out", "in"]).required(true)),
        );
    let parity = option("parity", "PERCENT").value_parser(value_parser!(u32).range(0..=100));
    let parts = Part::ALL.iter().map(|part| part.as_str());
    let bundle = group("bundle")
        .subcommand(
            Command::new("create")
                .arg(positional("ID").num_args(1..))
                .arg(option("to", "PEER").required(true))
                .arg(option("volume", "SIZE"))
                .arg(parity)
                .arg(option("expires", "DATE"))
                .arg(option("reason", "TEXT")),
        )
        .subcommand(
            Command::new("approve").arg(positional("BUNDLE")).arg(choice(option("as", "PART"), parts)),
        )
        .subcommand(Command::new("write").arg(positional("BUNDLE")).arg(positional("DIR")))
        .subcommand(Command::new("list"))
        .subcommand(Command::new("verify").arg(positional("DIR").num_args(1..)).arg(option("card", "CARD")))
        .subcommand(
            Command::new("resend")
                .arg(positional("BUNDLE"))
                .arg(positional("DIR"))
                .arg(option("only", "VOLUMES").value_delimiter(',').action(ArgAction::Append))
                .arg(option("expires", "DATE")),
        );
    let receipt_to = || option("receipt", "FILE");
    let import = Command::new("import")
        .args_conflicts_with_subcommands(true)
        .arg(positional("DIR").num_args(1..))
        .arg(flag("accept"))
        .arg(option("code", "CODE"))
        .subcommand(Command::new("accept").arg(positional("BUNDLE")).arg(receipt_to()))
        .subcommand(Command::new("reject").arg(positional("BUNDLE")).arg(receipt_to()));
    let receipt = group("receipt")
        .hide(true)
        .subcommand(Command::new("apply").arg(positional("FILE")))
        .subcommand(Command::new("write").arg(positional("BUNDLE")).arg(positional("FILE")))
        .subcommand(
            Command::new("print")
                .arg(positional("FILE"))
                .arg(option("output", "FILE").short('o').required(true)),
        );
    vec![peer, bundle, import, receipt]
}

fn keeping() -> Vec<Command> {
    let audit = group("audit").subcommands(audit_verbs());
    let shells = ["bash", "elvish", "fish", "powershell", "zsh"];
    vec![
        audit,
        Command::new("verify"),
        Command::new("status"),
        Command::new("rebuild").hide(true),
        // The example below the list names it.
        Command::new("demo").arg(positional("DIR").required(false)).hide(true),
        Command::new("completions").arg(choice(positional("SHELL"), shells)).hide(true),
        Command::new("man").arg(positional("DIR")).hide(true),
        help_verb(),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use gapvault::words::Lang;

    #[test]
    fn the_grammar_is_sound() {
        build(&Words::new(Lang::En)).debug_assert();
        build(&Words::new(Lang::ZhTw)).debug_assert();
        #[cfg(feature = "auditor")]
        crate::command::build_auditor(&Words::new(Lang::En)).debug_assert();
    }

    #[test]
    fn global_options_stand_anywhere() {
        let command = build(&Words::new(Lang::En));
        let before =
            command.clone().try_get_matches_from(["gapvault", "--json", "--vault", "v", "list"]).unwrap();
        let after =
            command.clone().try_get_matches_from(["gapvault", "list", "--vault", "v", "--json"]).unwrap();
        for matches in [before, after] {
            let (_, verb) = matches.subcommand().unwrap();
            assert!(verb.get_flag("json"));
            assert_eq!(verb.get_one::<PathBuf>("vault").unwrap().to_str(), Some("v"));
        }
    }

    #[test]
    fn open_needs_exactly_one_target() {
        let command = build(&Words::new(Lang::En));
        let parse =
            |words: &[&str]| command.clone().try_get_matches_from([&["gapvault", "open"], words].concat());
        assert!(parse(&["abcd"]).is_err());
        assert!(parse(&["abcd", "-o", "x"]).is_ok());
        assert!(parse(&["abcd", "--stdout"]).is_ok());
        assert!(parse(&["abcd", "abce", "--into", "d"]).is_ok());
        assert!(parse(&["--all", "--into", "d"]).is_ok());
        assert!(parse(&["--into", "d"]).is_err());
        assert!(parse(&["--all", "abcd", "--into", "d"]).is_err());
        assert!(parse(&["--all", "--stdout"]).is_err());
        assert!(parse(&["abcd", "-o", "x", "--stdout"]).is_err());
    }
}
