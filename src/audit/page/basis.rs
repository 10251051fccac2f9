//! The verdict, and what it rests on.

use super::scribe::{Scribe, looking, mono, number, plain, text};
use super::{Block, Cell, Fact, Look, Section, Verdict};
use crate::audit::report::{Fault, LogBasis, uncovered};

/// The first so many faults are shown.
const FAULTS: usize = 200;

/// In plain big words.
pub(super) fn verdict(scribe: &Scribe<'_>) -> Verdict {
    let basis = &scribe.report.basis;
    let (class, mark) = match basis.verdict.as_str() {
        "ok" => ("good", "✔"),
        "stale" => ("warn", "!"),
        "unverifiable" => ("warn", "?"),
        _ => ("bad", "✖"),
    };
    let mut lines = Vec::new();
    if let Some(first) = basis.first_bad {
        lines.push(scribe.tell("report-first-bad", &[("seq", number(first))]));
    }
    if let Some(log) = basis.logs.last() {
        lines.push(covered(scribe, log, "signed", log.signed_size));
        lines.push(covered(scribe, log, "witnessed", log.witnessed_size));
        lines.dedup();
    }
    Verdict {
        class,
        mark,
        label: scribe.say("report-verdict"),
        word: scribe.word("verdict", &basis.verdict),
        says: scribe.word("report-says", &basis.verdict),
        lines,
    }
}

/// How many of the last entries nobody vouches for.
fn covered(scribe: &Scribe<'_>, log: &LogBasis, by: &str, size: u64) -> String {
    if log.size == 0 {
        // Nothing that can be read is nothing that anybody vouches for.
        return scribe.say("report-no-entries");
    }
    let (how_many, open) = uncovered(log.size, size);
    let key = format!("report-{how_many}-{by}");
    scribe.tell(&key, &[("count", number(open)), ("size", number(log.size))])
}

pub(super) fn section(scribe: &Scribe<'_>) -> Section {
    let basis = &scribe.report.basis;
    let intro = if basis.verdict == "ok" { "report-basis-intro" } else { "report-basis-intro-bad" };
    let mut blocks = vec![Block::Text(scribe.say(intro))];
    for log in &basis.logs {
        if basis.logs.len() > 1 {
            blocks.push(Block::Heading(scribe.tell("report-log", &[("name", log.origin.clone())])));
        }
        blocks.push(Block::Facts(facts(scribe, log)));
    }
    if !basis.faults.is_empty() {
        blocks.push(faults(scribe));
    }
    if !basis.notes.is_empty() {
        blocks.push(Block::Heading(scribe.say("report-fork-notes")));
        let notes = basis.notes.iter();
        let shown =
            |note: &String| note.lines().map(crate::words::screen::escape).collect::<Vec<_>>().join("\n");
        blocks.push(Block::Notes(notes.map(shown).collect()));
    }
    for pending in &basis.pending {
        blocks.push(Block::Warning(scribe.tell("say-pending", &[("what", pending.clone())])));
    }
    Section { id: "basis", title: scribe.say("report-basis"), page: false, blocks }
}

fn facts(scribe: &Scribe<'_>, log: &LogBasis) -> Vec<Fact> {
    let witness = |seen: &crate::audit::report::Seen| {
        let facts = [
            ("name", seen.name.clone()),
            ("size", number(seen.size)),
            ("when", scribe.seconds(seen.seconds)),
        ];
        plain(scribe.tell("report-witness", &facts))
    };
    let mut witnesses: Vec<_> = log.witnesses.iter().map(witness).collect();
    if witnesses.is_empty() {
        witnesses.push(plain(scribe.say("report-no-witness")));
    }
    let mut keys: Vec<_> = log.keys.iter().map(|key| mono(key.clone())).collect();
    if keys.is_empty() {
        keys.push(plain(scribe.say("report-no-key")));
    }
    vec![
        scribe.fact("origin", vec![mono(log.origin.clone())]),
        scribe.fact("size", vec![plain(number(log.size))]),
        scribe.fact("root", vec![mono(log.root.clone())]),
        scribe.fact("keys", keys),
        scribe.fact("signed", vec![plain(covered(scribe, log, "signed", log.signed_size))]),
        scribe.fact("witnessed", vec![plain(covered(scribe, log, "witnessed", log.witnessed_size))]),
        scribe.fact("witnesses", witnesses),
    ]
}

fn faults(scribe: &Scribe<'_>) -> Block {
    let faults = &scribe.report.basis.faults;
    let rows = faults.iter().take(FAULTS).map(|fault| row(scribe, fault)).collect();
    let mut table = scribe.table("faults", &["what", "object", "code"], rows);
    let unlisted = scribe.report.basis.logs.iter().map(|log| log.unlisted).sum::<u64>();
    let all = faults.len().saturating_add(usize::try_from(unlisted).unwrap_or(usize::MAX));
    table.more = scribe.more(faults.len().min(FAULTS), all);
    Block::Table(table)
}

fn row(scribe: &Scribe<'_>, fault: &Fault) -> Vec<Cell> {
    let mut facts = vec![
        ("id", fault.object.clone()),
        ("path", fault.object.clone()),
        ("name", fault.object.clone()),
        ("detail", fault.detail.clone()),
    ];
    // Where less is there than there should be, the detail has both numbers.
    if let Some((found, known)) = fault.detail.split_once(" < ") {
        facts.extend([("found", found.to_owned()), ("known", known.to_owned())]);
    }
    let key = format!("error-{}", fault.code.replace('.', "-"));
    let message = scribe.known(&key, &facts).unwrap_or_else(|| fault.code.clone());
    let mut object = vec![mono(fault.object.clone())];
    object.extend((!fault.detail.is_empty()).then(|| mono(fault.detail.clone())));
    vec![
        looking(message, Look::Alert),
        Cell { lines: object, look: Look::Plain },
        text(crate::words::screen::escape(&fault.code)),
    ]
}
