//! Help that fits a screen, in the user's language, and the manual pages.

use clap::Command;
use gapvault::words::Words;

use crate::command::{AUDITOR_GLOBALS, GLOBALS};
use crate::errors::known;

/// Gives a grammar its texts: what each verb and argument is, how to call it, and an example.
pub(crate) fn dress(root: Command, words: &Words) -> Command {
    let root = root.mut_args(|arg| {
        let text = words.text(&format!("global-{}", arg.get_id()), &[]);
        arg.help(text)
    });
    let name = root.get_name().to_owned();
    let whole = name == "gapvault";
    let usage = format!("{name} [OPTIONS] VERB …");
    let more = if whole { format!("{}\n", words.text("head-more-verbs", &[])) } else { String::new() };
    let template = format!(
        "{{about}}\n{} {usage}\n{}\n{{subcommands}}\n{more}{}\n  {}\n{} {}\n{}\n",
        words.text("head-usage", &[]),
        words.text("head-verbs", &[]),
        words.text("head-globals", &[]),
        globals_in_short(whole),
        words.text("head-example", &[]),
        words.text(&format!("help-{name}-example"), &[]),
        words.text("help-more", &[("name", name.clone())]),
    );
    let root =
        root.about(words.text(&format!("help-{name}"), &[])).override_usage(usage).help_template(template);
    root.mut_subcommands(|verb| dress_verb(verb, &name, words))
}

fn globals_in_short(whole: bool) -> String {
    let has = |name: &str| whole || AUDITOR_GLOBALS.contains(&name);
    let words: Vec<String> =
        GLOBALS.iter().filter(|(name, ..)| has(name)).map(|(name, value, _)| flag(name, *value)).collect();
    let (first, second) = words.split_at(words.len().min(5));
    format!("{}\n  {}", first.join("  "), second.join("  "))
}

fn flag(name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| format!("--{name}"), |value| format!("--{name} {value}"))
}

fn dress_verb(verb: Command, parent: &str, words: &Words) -> Command {
    let path = format!("{parent} {}", verb.get_name());
    // The verbs of `gapvault-audit` are those of `gapvault audit`, but for `help`.
    let whole = path.strip_prefix("gapvault ");
    let key = match path.strip_prefix("gapvault-") {
        Some("audit help") => "help".to_owned(),
        elsewhere => whole.or(elsewhere).unwrap_or_default().replace(' ', "-"),
    };
    let example = match whole {
        Some(_) => words.text(&format!("help-{key}-example"), &[]),
        None => known(words, &format!("help-{key}-example-elsewhere"), &[])
            .unwrap_or_else(|| words.text(&format!("help-{key}-example"), &[]))
            .replace("gapvault audit ", "gapvault-audit "),
    };
    let verb = verb.mut_args(|arg| {
        let special = format!("arg-{key}-{}", arg.get_id());
        let general = || words.text(&format!("arg-{}", arg.get_id()), &[]);
        let text = known(words, &special, &[]).unwrap_or_else(general);
        arg.help(text)
    });
    let usage = usage(&verb, &path);
    let mut template = format!("{{about}}\n\n{} {usage}\n", words.text("head-usage", &[]));
    if verb.has_subcommands() {
        template.push_str(&format!("\n{}\n{{subcommands}}\n", words.text("head-verbs", &[])));
    }
    if verb.get_positionals().next().is_some() {
        template.push_str(&format!("\n{}\n{{positionals}}\n", words.text("head-arguments", &[])));
    }
    if verb.get_opts().next().is_some() || verb.get_arguments().any(|arg| arg.get_long().is_some()) {
        template.push_str(&format!("\n{}\n{{options}}\n", words.text("head-options", &[])));
    }
    template.push_str(&format!(
        "\n{}\n  {}\n{}\n",
        words.text("head-example", &[]),
        example.replace('\n', "\n  "),
        words.text("help-more", &[("name", parent.split(' ').next().unwrap_or_default().to_owned())]),
    ));
    let about = words.text(&format!("help-{key}"), &[]);
    verb.about(about)
        .override_usage(usage)
        .help_template(template)
        .disable_help_subcommand(true)
        .mut_subcommands(|inner| dress_verb(inner, &path, words))
}

/// The call in one line: what must be given, then what may be given.
fn usage(verb: &Command, path: &str) -> String {
    if verb.has_subcommands() && verb.get_positionals().next().is_none() {
        return format!("{path} VERB …");
    }
    let mut text = path.to_owned();
    let mut optional = false;
    for arg in verb.get_arguments() {
        let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let many = if arg.is_positional() && arg.get_num_args().is_some_and(|n| n.max_values() > 1) {
            "…"
        } else {
            ""
        };
        match (arg.is_positional(), arg.is_required_set(), arg.get_long(), value) {
            (true, true, _, Some(value)) => text.push_str(&format!(" {value}{many}")),
            (true, false, _, Some(value)) => text.push_str(&format!(" [{value}{many}]")),
            (false, true, Some(long), value) => text.push_str(&format!(" {}", flag(long, value.as_deref()))),
            _ => optional = true,
        }
    }
    if verb.get_groups().any(|group| group.is_required_set()) {
        let choice = if path.ends_with("reset") {
            "(--out | --in SERIES)"
        } else {
            "(-o FILE | --stdout | --into DIR)"
        };
        text.push_str(&format!(" {choice}"));
    }
    if optional {
        text.push_str(" [OPTIONS]");
    }
    text
}

/// What `help options` shows: the options that every verb of a program takes.
pub(crate) fn globals(words: &Words, program: &str) -> Vec<String> {
    let mut lines = vec![words.text("head-globals", &[])];
    let has = |name: &str| program == "gapvault" || AUDITOR_GLOBALS.contains(&name);
    for (name, value, short) in GLOBALS.into_iter().filter(|(name, ..)| has(name)) {
        let short = short.map_or_else(|| "    ".to_owned(), |c| format!("-{c}, "));
        lines.push(format!(
            "  {short}{:<24}  {}",
            flag(name, value),
            words.text(&format!("global-{name}"), &[])
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use gapvault::words::Lang;
    use unicode_width::UnicodeWidthStr as _;

    fn each(command: &mut Command, check: &mut dyn FnMut(&str, &str)) {
        let name = command.get_name().to_owned();
        check(&name, &command.render_help().to_string());
        for inner in command.get_subcommands_mut() {
            each(inner, check);
        }
    }

    #[test]
    fn every_help_fits_a_screen_and_has_all_its_texts() {
        for lang in [Lang::En, Lang::ZhTw] {
            let words = Words::new(lang);
            let mut command = crate::command::tested(&words);
            command.build();
            let example = words.text("head-example", &[]);
            each(&mut command, &mut |name, help| {
                assert!(help.lines().count() <= 24, "{name}: {} lines\n{help}", help.lines().count());
                for line in help.lines() {
                    assert!(line.width() <= 100, "{name}: {line}");
                    for kind in ["help-", "arg-", "global-", "head-"] {
                        assert!(
                            !line.split_whitespace().any(|word| word.starts_with(kind)),
                            "{name}: {line}"
                        );
                    }
                }
                assert!(help.contains(&example), "{name}");
            });
        }
    }

    #[cfg(feature = "vault")]
    #[test]
    fn both_ways_of_asking_show_the_same() {
        let command = crate::command::build(&Words::new(Lang::En));
        let ask = |how: &str| {
            let stop = command.clone().try_get_matches_from(["gapvault", "member", "add", how]);
            stop.unwrap_err().render().to_string()
        };
        assert_eq!(ask("-h"), ask("--help"));
    }

    #[cfg(feature = "vault")]
    #[test]
    fn the_usage_names_what_must_be_given() {
        let command = crate::command::build(&Words::new(Lang::En));
        let seal = command.find_subcommand("seal").unwrap();
        assert_eq!(usage(seal, "gapvault seal"), "gapvault seal PATH… --class CLASS [OPTIONS]");
        let open = command.find_subcommand("open").unwrap();
        assert!(usage(open, "gapvault open").contains("(-o FILE | --stdout | --into DIR)"));
    }
}
