//! `audit sample`: entries that whoever is audited could not choose.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use gapvault::audit::sample::Seed;
use gapvault::evidence::proofs::Which;
use gapvault::evidence::sample::{self, Sample, Wish};
use gapvault::fault::{Code, Error};
use gapvault::log::checkpoint::MAX_CHECKPOINT_LEN;

use super::audit::field;
use super::{evidence, needed};
use crate::desk::Desk;
use crate::table::Table;
use crate::{files, output};

/// How it was drawn, beside the proofs.
const STORY: &str = "SAMPLE.txt";
/// The checkpoint that was drawn from, beside the proofs.
const CHECKPOINT: &str = "checkpoint";

pub(super) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let seed: Seed =
        needed(matches, "seed")?.parse().map_err(|_| Error::new(Code::Text).with("name", "--seed"))?;
    let handed = matches.get_one::<PathBuf>("checkpoint");
    let handed = handed.map(|path| files::small(path, MAX_CHECKPOINT_LEN as u64)).transpose()?;
    let count = matches.get_one::<u64>("size").copied().ok_or(Code::Usage)?;
    let wish = Wish { checkpoint: handed.as_deref(), seed: &seed, count };
    let which = handed.as_deref().map_or_else(|| evidence::epoch(matches), Which::OfCheckpoint);
    let mut report = evidence::with_log(desk, matches, which, |log| sample::sample(log, &wish))?;
    if let Some(folder) = matches.get_one::<PathBuf>("out") {
        write(desk, folder, &mut report)?;
    }
    desk.answer(&report, |desk| shown(desk, &report))?;
    if handed.is_none() && matches.get_one::<PathBuf>("evidence").is_none() {
        desk.say("say-sample-newest", &[]);
    }
    Ok(0)
}

/// Writes every proof into a new folder, and how the sample was drawn.
fn write(desk: &Desk, folder: &Path, report: &mut Sample) -> Result<(), Error> {
    std::fs::create_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(Code::Exists).with("path", folder.display()),
        _ => Error::new(output::code_of(&error)).with("path", folder.display()).because(error),
    })?;
    files::new(&folder.join(CHECKPOINT), report.checkpoint.as_bytes())?;
    for drawn in &mut report.entries {
        let path = folder.join(format!("{}.tlog-proof", drawn.index));
        files::new(&path, drawn.proof.as_bytes())?;
        drawn.path = Some(path.display().to_string());
    }
    let story = story(desk, report).join("\n") + "\n";
    files::new(&folder.join(STORY), story.as_bytes())?;
    report.path = Some(folder.display().to_string());
    Ok(())
}

/// How it was drawn, for whoever draws it again.
fn story(desk: &Desk, report: &Sample) -> Vec<String> {
    let mut lines = vec![desk.text("say-sample-story", &[]), String::new()];
    lines.extend(about(desk, report));
    lines.push(String::new());
    lines.push(desk.text("say-sample-again", &[]));
    lines.push(format!(
        "  gapvault audit sample --evidence DIR --trust VAULT --checkpoint {CHECKPOINT} --seed … --size {}",
        report.entries.len()
    ));
    lines.push(desk.text("say-sample-check", &[]));
    lines.push("  gapvault audit check-proof N.tlog-proof --log KEY".to_owned());
    lines.push(String::new());
    lines.extend(report.entries.iter().map(|drawn| format!("{}.tlog-proof", drawn.index)));
    lines
}

fn about(desk: &Desk, report: &Sample) -> Vec<String> {
    desk.facts(&[
        ("origin", report.origin.clone()),
        ("entries", report.size.to_string()),
        ("root", report.root.clone()),
        ("seed", report.seed.clone()),
        ("algorithm", report.algorithm.to_owned()),
        ("drawn", report.entries.len().to_string()),
    ])
}

fn shown(desk: &Desk, report: &Sample) -> Vec<String> {
    let mut lines = about(desk, report);
    let names = ["seq", "time", "event", "phase", "outcome", "member", "object"];
    let mut table = Table::new(desk.headings(&names));
    for drawn in &report.entries {
        let entry = &drawn.entry;
        let time = field(entry, "/time");
        table.row(vec![
            drawn.index.to_string(),
            time.parse().map_or(time, |time| desk.date(time)),
            desk.value("event", &field(entry, "/event")),
            desk.value("phase", &field(entry, "/phase")),
            desk.value("outcome", &field(entry, "/outcome")),
            field(entry, "/actor/id"),
            field(entry, "/object/id"),
        ]);
    }
    lines.push(String::new());
    lines.extend(table.lines(desk.width()));
    lines.push(desk.text("say-sample-proven", &[("count", report.entries.len().to_string())]));
    lines.extend(report.path.iter().map(|path| desk.text("say-evidence-written", &[("path", path.clone())])));
    lines
}
