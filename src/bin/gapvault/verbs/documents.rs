//! `seal`, `list`, `show`, `destroy`.

use std::path::PathBuf;

use clap::ArgMatches;
use gapvault::vault::{
    DocumentRow, Done, Error, HistoryRow, ListRequest, SealReport, SealRequest, ShowReport,
};
use gapvault::words::screen;

use super::{needed, needed_word, requests, text, word};
use crate::desk::Desk;
use crate::table::Table;

pub(crate) fn seal(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let request = SealRequest {
        paths: matches.get_many::<PathBuf>("path").into_iter().flatten().cloned().collect(),
        class: needed_word(matches, "class")?,
        title: text(matches, "title"),
        remove_original: matches.get_flag("remove-original"),
        dry_run: matches.get_flag("dry-run"),
    };
    let remove = request.remove_original;
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.seal(&me, &request, &*desk.progress())?;
    for row in &report.skipped {
        desk.warn("say-skipped", &[("path", row.source.clone()), ("why", desk.value("skip", row.why))]);
    }
    for row in &report.failed {
        desk.failed(&row.source, row.code);
    }
    desk.answer(&report, |desk| sealed(desk, &report))?;
    if remove && report.removed > 0 {
        desk.warn("say-not-wiped", &[]);
    }
    Ok(report.failed.first().map_or(0, |row| row.code.exit()))
}

fn sealed(desk: &Desk, report: &SealReport) -> Vec<String> {
    let mut lines: Vec<String> =
        report.would_seal.iter().map(|path| desk.text("say-would-seal", &[("path", path.clone())])).collect();
    if !report.documents.is_empty() {
        let names = ["id", "class", "size", "source"];
        let mut table = Table::new(desk.headings(&names));
        for row in &report.documents {
            table.row(vec![
                row.id.to_string(),
                desk.value("class", row.class.as_str()),
                desk.size(row.size),
                row.source.clone(),
            ]);
        }
        lines.extend(table.lines(desk.width()));
    }
    if report.removed > 0 {
        lines.push(desk.text("say-removed", &[("count", report.removed.to_string())]));
    }
    lines
}

pub(crate) fn list(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let request = ListRequest { class: word(matches, "class")?, find: text(matches, "find") };
    let (vault, me) = desk.vault_and_perhaps_me()?;
    let report = vault.list(me.as_ref(), &request)?;
    desk.answer(&report, |desk| {
        if report.documents.is_empty() {
            return vec![desk.text("say-no-documents", &[])];
        }
        let names = ["id", "class", "size", "sealed-at", "title", "name"];
        let mut table = Table::new(desk.headings(&names));
        for row in &report.documents {
            table.row(vec![
                row.id.to_string(),
                desk.value("class", row.class.as_str()),
                desk.size(row.size),
                desk.date(row.sealed_at),
                row.title.clone().unwrap_or_else(|| hidden(desk, row)),
                row.relative_path.clone().or_else(|| row.name.clone()).unwrap_or_default(),
            ]);
        }
        table.lines(desk.width())
    })?;
    Ok(0)
}

/// A document without a title is told from one whose title the caller may not see.
fn hidden(desk: &Desk, row: &DocumentRow) -> String {
    if row.name.is_some() { String::new() } else { desk.text("say-hidden", &[]) }
}

pub(crate) fn show(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (id, history) = (needed(matches, "id")?, matches.get_flag("history"));
    let (vault, me) = desk.vault_and_perhaps_me()?;
    let report = vault.show(me.as_ref(), &id, history)?;
    desk.answer(&report, |desk| shown(desk, &report))?;
    Ok(0)
}

fn shown(desk: &Desk, report: &ShowReport) -> Vec<String> {
    let detail = &report.document;
    let row = &detail.row;
    let hidden = || desk.text("say-hidden", &[]);
    let name = row.relative_path.clone().or_else(|| row.name.clone());
    let mut lines = desk.facts(&[
        ("id", row.id.to_string()),
        ("class", desk.value("class", row.class.as_str())),
        ("title", row.title.clone().unwrap_or_else(|| self::hidden(desk, row))),
        ("name", name.unwrap_or_else(hidden)),
        ("size", desk.size(row.size)),
        ("sealed-at", desk.date(row.sealed_at)),
        ("sealed-by", row.sealed_by.to_string()),
        ("payload", detail.payload_sha256.to_string()),
        ("header", detail.header_sha256.to_string()),
        ("path", detail.path.display().to_string()),
    ]);
    if let Some(history) = &report.history {
        lines.push(String::new());
        lines.extend(past(desk, history));
    }
    lines
}

fn past(desk: &Desk, history: &[HistoryRow]) -> Vec<String> {
    let names = ["seq", "time", "event", "phase", "outcome", "who", "reason"];
    let mut table = Table::new(desk.headings(&names));
    for row in history {
        let nobody = || desk.text("say-unknown", &[]);
        table.row(vec![
            row.seq.to_string(),
            desk.date(row.time),
            desk.value("event", &row.event),
            desk.value("phase", &row.phase),
            desk.value("outcome", &row.outcome),
            row.name.clone().or_else(|| row.member.map(|id| id.to_string())).unwrap_or_else(nobody),
            row.reason.clone().unwrap_or_default(),
        ]);
    }
    table.lines(desk.width())
}

pub(crate) fn destroy(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (id, reason) = (needed(matches, "id")?, needed(matches, "reason")?);
    let (vault, me) = desk.vault_and_me()?;
    desk.confirm(&[], "ask-destroy", &[("id", screen::escape(&id))])?;
    let report = match vault.destroy(&me, &id, &reason, text(matches, "request").as_deref())? {
        Done::Done(report) => report,
        Done::Asked(request) => return requests::asked(desk, &request),
    };
    desk.answer(&report, |desk| vec![desk.text("say-destroyed", &[("id", report.id.to_string())])])?;
    desk.say("say-destroyed-copies", &[]);
    Ok(0)
}

pub(crate) fn relabel(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (id, class) = (needed(matches, "id")?, needed_word(matches, "class")?);
    let (reason, request) = (text(matches, "reason"), text(matches, "request"));
    let (vault, me) = desk.vault_and_me()?;
    let relabelled = vault.relabel(&me, &id, class, reason.as_deref(), request.as_deref(), &*desk.progress());
    match relabelled? {
        Done::Asked(request) => requests::asked(desk, &request),
        Done::Done(report) => {
            desk.answer(&report, |desk| {
                let class = desk.value("class", report.to.as_str());
                vec![desk.text("say-relabelled", &[("id", report.id.to_string()), ("class", class)])]
            })?;
            Ok(0)
        }
    }
}
