//! `verify`, `audit verify`, `audit show`: judging, and looking.

use clap::ArgMatches;
use gapvault::vault::{AuditShow, AuditVerifyReport, Error, Finding, VerifyReport};
use gapvault::words::screen;

use super::text;
use crate::desk::Desk;
use crate::errors;
use crate::table::Table;

/// Exit codes of findings, worst first: changed, two histories, cut short, cannot be judged, derived data broken.
const WORST_FIRST: [u8; 5] = [6, 8, 7, 10, 9];

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("show", matches)) => show(desk, matches),
        _ => verify_log(desk),
    }
}

/// The exit code that a set of findings deserves.
pub(crate) fn worst(exits: impl IntoIterator<Item = u8>) -> u8 {
    let rank = |exit: u8| WORST_FIRST.iter().position(|each| *each == exit).unwrap_or(WORST_FIRST.len());
    exits.into_iter().min_by_key(|exit| rank(*exit)).unwrap_or(0)
}

pub(crate) fn verify_vault(desk: &Desk) -> Result<u8, Error> {
    let report = desk.vault()?.verify(&*desk.progress())?;
    desk.answer(&report, |desk| judged(desk, &report))?;
    Ok(worst(report.findings.iter().map(|finding| finding.code.exit())))
}

fn judged(desk: &Desk, report: &VerifyReport) -> Vec<String> {
    let facts = [("documents", report.documents.to_string()), ("size", desk.size(report.bytes))];
    let mut lines = findings(desk, &report.findings);
    lines.push(desk.text("say-verified-documents", &facts));
    lines.extend(pending(desk, &report.pending));
    lines.push(verdict(desk, &report.verdict));
    lines
}

fn verify_log(desk: &Desk) -> Result<u8, Error> {
    let report = desk.vault()?.audit_verify(&*desk.progress())?;
    desk.answer(&report, |desk| judged_log(desk, &report))?;
    Ok(worst(report.findings.iter().map(|finding| finding.code.exit())))
}

fn judged_log(desk: &Desk, report: &AuditVerifyReport) -> Vec<String> {
    let mut lines = desk.facts(&[
        ("entries", report.size.to_string()),
        ("signed", report.signed_size.to_string()),
        ("witnessed", report.witnessed_size.to_string()),
        ("root", report.root.clone()),
    ]);
    if let Some(first) = report.first_bad {
        lines.push(desk.text("say-first-bad", &[("seq", first.to_string())]));
    }
    lines.extend(findings(desk, &report.findings));
    for note in &report.notes {
        lines.push(desk.text("say-note", &[]));
        lines.extend(note.lines().map(|line| format!("  {}", screen::escape(line))));
    }
    lines.extend(pending(desk, &report.pending));
    lines.push(verdict(desk, &report.verdict));
    lines
}

fn findings(desk: &Desk, findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        let object = screen::escape(&finding.object);
        let facts = [
            ("id", object.clone()),
            ("path", object.clone()),
            ("name", object.clone()),
            ("detail", screen::escape(&finding.detail)),
        ];
        let message = errors::sentence(&desk.words, finding.code, &facts);
        let facts = [
            ("what", finding.object.clone()),
            ("message", message),
            ("code", finding.code.to_string()),
            ("detail", finding.detail.clone()),
        ];
        desk.text("say-finding", &facts)
    };
    findings.iter().map(line).collect()
}

fn pending(desk: &Desk, pending: &[String]) -> Vec<String> {
    pending.iter().map(|what| desk.text("say-pending", &[("what", what.clone())])).collect()
}

fn verdict(desk: &Desk, verdict: &str) -> String {
    desk.text("say-verdict", &[("verdict", desk.value("verdict", verdict))])
}

fn show(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let request =
        AuditShow { last: matches.get_one::<u64>("last").copied(), document: text(matches, "document") };
    let report = desk.vault()?.audit_show(&request)?;
    desk.answer(&report, |desk| {
        let names = ["seq", "time", "event", "phase", "outcome", "member", "object"];
        let mut table = Table::new(desk.headings(&names));
        for entry in &report.entries {
            let time = field(entry, "/time");
            table.row(vec![
                field(entry, "/seq"),
                time.parse().map_or(time, |time| desk.date(time)),
                desk.value("event", &field(entry, "/event")),
                desk.value("phase", &field(entry, "/phase")),
                desk.value("outcome", &field(entry, "/outcome")),
                field(entry, "/actor/id"),
                field(entry, "/object/id"),
            ]);
        }
        table.lines(desk.width())
    })?;
    Ok(0)
}

/// A text or number of an entry; empty where the entry has none.
fn field(entry: &serde_json::Value, place: &str) -> String {
    match entry.pointer(place) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_where_an_entry_has_them() {
        let entry = serde_json::json!({"seq": "7", "v": 1, "actor": {"id": "3f00"}});
        assert_eq!(field(&entry, "/seq"), "7");
        assert_eq!(field(&entry, "/v"), "1");
        assert_eq!(field(&entry, "/actor/id"), "3f00");
        assert_eq!(field(&entry, "/object/id"), "");
    }

    #[test]
    fn the_worst_finding_decides() {
        assert_eq!(worst([]), 0);
        assert_eq!(worst([9]), 9);
        assert_eq!(worst([9, 10]), 10);
        assert_eq!(worst([10, 7, 9]), 7);
        assert_eq!(worst([7, 8]), 8);
        assert_eq!(worst([9, 8, 6, 7]), 6);
        assert_eq!(worst([14, 9]), 9);
    }
}
