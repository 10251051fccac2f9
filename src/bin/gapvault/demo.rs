//! `demo`: the whole job, played by running this very program as a user would.

mod cross;
mod play;
mod player;
mod samples;

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use gapvault::vault::{Code, Error, Report};
use serde::Serialize;

use crate::desk::Desk;
use crate::output;
use player::Player;

/// Where the demo plays without a folder named.
const FOLDER: &str = "gapvault-demo";
/// The last line of a demo in which everything went as it should, for scripts.
const DONE: &str = "gapvault demo: ok";

/// What the demo did.
#[derive(Serialize)]
struct DemoReport {
    /// The folder that it played in.
    folder: PathBuf,
    /// The commands in their order.
    steps: Vec<Step>,
}

/// A command and how it ended.
#[derive(Serialize)]
struct Step {
    /// As a user would type it.
    command: String,
    /// Its exit code, which was the expected one.
    exit: u8,
}

impl Report for DemoReport {
    const SCHEMA: &'static str = "gapvault.demo/v1";
}

/// Plays the demo.
///
/// # Errors
/// `usage.exists` where the folder exists, `internal.fault` when a step did not go as it should.
pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let folder = matches.get_one::<PathBuf>("dir").cloned().unwrap_or_else(|| FOLDER.into());
    make(&folder)?;
    let home = std::path::absolute(&folder).map_err(|error| disk(&folder, error))?;
    let mut player = Player::new(desk, home)?;
    play::play(&mut player)?;
    let shown = folder.display().to_string();
    desk.say_line("");
    desk.say_line(&desk.text("demo-afterwards", &[("path", shown.clone())]));
    let page = folder.join(play::REPORT).display().to_string();
    desk.say_line(&desk.text("demo-report", &[("path", page)]));
    for line in play::invitation(desk, &shown) {
        desk.say_line(&line);
    }
    let report = DemoReport { folder, steps: player.into_steps() };
    desk.answer(&report, |_| vec![DONE.to_owned()])?;
    Ok(0)
}

fn make(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(folder).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return Error::new(Code::Exists).with("path", folder.display());
        }
        disk(folder, error)
    })
}

/// A failure of the disk, not of the play.
fn disk(path: &Path, error: std::io::Error) -> Error {
    Error::new(output::code_of(&error)).with("path", path.display()).with("detail", &error).because(error)
}
