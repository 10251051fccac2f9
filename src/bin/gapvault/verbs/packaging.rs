//! `completions`, `man`, `help`: what packagers and newcomers need.

use std::io::Write as _;

use clap::{ArgMatches, Command};
use clap_complete::Shell;
use gapvault::vault::{Code, Error};

use super::{needed_path, needed_word};
use crate::desk::Desk;
use crate::{command, help as texts, output};

/// The grammar with everything visible that help screens hide for room.
fn visible(desk: &Desk) -> Command {
    fn unhide(command: Command) -> Command {
        command.hide(false).mut_args(|arg| arg.hide(false)).mut_subcommands(unhide)
    }
    unhide(command::build(&desk.words))
}

pub(crate) fn completions(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let shell: Shell = needed_word(matches, "shell")?;
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut visible(desk), "gapvault", &mut bytes);
    std::io::stdout().lock().write_all(&bytes).map_err(output::failed)?;
    Ok(0)
}

pub(crate) fn manual(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let dir = needed_path(matches, "dir")?;
    let failed = |error: std::io::Error| {
        Error::new(output::code_of(&error)).with("path", dir.display()).with("detail", &error).because(error)
    };
    std::fs::create_dir_all(&dir).map_err(failed)?;
    // The manual has sections of its own, into which a help screen's template would not fit.
    clap_mangen::generate_to(visible(desk), &dir).map_err(failed)?;
    desk.say("say-manual", &[("path", dir.display().to_string())]);
    Ok(0)
}

pub(crate) fn help(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let topic: Vec<&String> = matches.get_many::<String>("topic").into_iter().flatten().collect();
    if topic.first().is_some_and(|word| *word == "options") {
        output::lines(&texts::globals(&desk.words))?;
        return Ok(0);
    }
    let mut root = command::build(&desk.words);
    root.build();
    let mut at = &mut root;
    for word in topic {
        let Some(inner) = at.find_subcommand_mut(word) else {
            let detail = desk.text("usage-unknown-verb", &[("name", word.clone())]);
            return Err(Error::new(Code::Usage).with("detail", detail));
        };
        at = inner;
    }
    output::lines(&[at.render_help().to_string().trim_end().to_owned()])?;
    Ok(0)
}
