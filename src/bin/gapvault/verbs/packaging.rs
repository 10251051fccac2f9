//! `completions`, `man`: what packagers need.

use std::io::Write as _;

use clap::{ArgMatches, Command};
use clap_complete::Shell;
use gapvault::fault::Error;

use super::{needed_path, needed_word};
use crate::desk::Desk;
use crate::{command, output};

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
