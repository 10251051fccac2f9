//! The six kinds of event, what common rules ask of a log, and room for what the auditor makes of it.

use super::scribe::{Scribe, count, number, plain, text};
use super::{Block, Cell, Head, Line, Look, Section, Table};
use crate::log::entry::Category;

/// What the rows are about, in their order.
const CONTROLS: [&str; 14] = [
    "a-8-15", "a-8-16", "a-8-17", "au-2", "au-3", "au-4", "au-5", "au-6", "au-7", "au-8", "au-9", "au-10",
    "au-11", "au-12",
];
/// The answers of a self-check.
const ANSWERS: [&str; 4] = ["yes", "partly", "no", "not-applicable"];
/// Who signs.
const SIGNERS: [&str; 3] = ["auditor", "audited", "officer"];

pub(super) fn section(scribe: &Scribe<'_>) -> Section {
    let blocks = vec![
        Block::Warning(scribe.say("report-never-compliance")),
        Block::Table(kinds(scribe)),
        Block::Heading(scribe.say("report-retention")),
        Block::Text(retention(scribe)),
        Block::Heading(scribe.say("report-controls")),
        Block::Table(controls(scribe)),
    ];
    Section { id: "checklist", title: scribe.say("report-checklist"), page: true, blocks }
}

fn kinds(scribe: &Scribe<'_>) -> Table {
    let row = |category: &Category| {
        let name = text(scribe.say(&format!("report-kind-{category}")));
        let Some(shown) = scribe.report.account.categories.get(category) else {
            return vec![name, count(0), text(scribe.say("report-kind-none")), text("–".to_owned())];
        };
        let place = |seq, time| {
            let mut cell = scribe.when(time);
            cell.lines.insert(0, plain(scribe.tell("report-entry", &[("seq", scribe.seq(seq))])));
            cell
        };
        vec![name, count(shown.count), place(shown.first, shown.first_at), place(shown.last, shown.last_at)]
    };
    scribe.table(
        "kinds",
        &["kind", "#entries", "first-entry", "last-entry"],
        Category::ALL.iter().map(row).collect(),
    )
}

fn retention(scribe: &Scribe<'_>) -> String {
    let retention = &scribe.report.account.retention;
    let Some(since) = retention.since else { return scribe.say("report-retention-empty") };
    let facts = [("since", scribe.date(since)), ("days", number(u64::try_from(retention.days).unwrap_or(0)))];
    let key = match (retention.from_beginning, retention.enough) {
        (true, _) => "report-retention-whole",
        (false, true) => "report-retention-enough",
        (false, false) => "report-retention-short",
    };
    scribe.tell(key, &facts)
}

/// What the sentences of the rows have places for; each takes what it needs.
fn facts(scribe: &Scribe<'_>) -> Vec<(&'static str, String)> {
    let report = scribe.report;
    let account = &report.account;
    let log = report.basis.logs.last();
    let of = |value: fn(&crate::audit::report::LogBasis) -> u64| number(log.map_or(0, value));
    let findings = match &report.findings {
        None => scribe.say("report-not-asked"),
        Some(findings) => number(findings.len() as u64),
    };
    vec![
        ("entries", number(account.entries)),
        ("kinds", account.categories.len().to_string()),
        ("events", number(account.events.len() as u64)),
        ("verdict", scribe.word("verdict", &report.basis.verdict)),
        ("size", of(|log| log.size)),
        ("unsigned", of(|log| log.size.saturating_sub(log.signed_size))),
        ("unwitnessed", of(|log| log.size.saturating_sub(log.witnessed_size))),
        ("witnesses", of(|log| log.witnesses.len() as u64)),
        ("steps", number(account.clock.steps)),
        ("backwards", number(account.clock.backwards)),
        ("compared", number(account.clock.compared)),
        ("offset", account.offset.clone()),
        ("findings", findings),
        ("retention", retention(scribe)),
    ]
}

fn controls(scribe: &Scribe<'_>) -> Table {
    let facts = facts(scribe);
    let boxes: Vec<Line> = ANSWERS
        .iter()
        .map(|answer| plain(format!("☐ {}", scribe.say(&format!("report-answer-{answer}")))))
        .collect();
    let row = |control: &&str| {
        vec![
            text(scribe.say(&format!("report-control-{control}"))),
            text(scribe.tell(&format!("report-evidence-{control}"), &facts)),
            text(scribe.say(&format!("report-ask-{control}"))),
            Cell { lines: boxes.clone(), look: Look::Boxes },
        ]
    };
    scribe.table("controls", &["control", "evidence", "ask", "answer"], CONTROLS.iter().map(row).collect())
}

pub(super) fn conclusions(scribe: &Scribe<'_>) -> Section {
    let signer = |who: &&str| {
        let name = text(scribe.say(&format!("report-signer-{who}")));
        vec![name, text(String::new()), text(String::new())]
    };
    let head = ["signer", "signature", "date"]
        .map(|name| Head { text: scribe.say(&format!("report-col-{name}")), number: false });
    let signatures = Table {
        id: "t-sign".to_owned(),
        caption: scribe.say("report-table-sign"),
        head: head.into(),
        rows: SIGNERS.iter().map(signer).collect(),
        more: None,
        grid: false,
    };
    let lines =
        ["opinion", "improvements"].map(|what| Block::Lines(scribe.say(&format!("report-write-{what}"))));
    let blocks = lines.into_iter().chain([Block::Signatures(signatures)]).collect();
    Section { id: "conclusions", title: scribe.say("report-conclusions"), page: true, blocks }
}
