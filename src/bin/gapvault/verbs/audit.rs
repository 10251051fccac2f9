//! The verbs of auditors, and how a judgement is told.

#[cfg(feature = "vault")]
mod vault;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ArgMatches;
use gapvault::audit::report::uncovered;
use gapvault::evidence::{AuditVerifyReport, Finding};
use gapvault::fault::{Code, Error};
use gapvault::time::Timestamp;
use gapvault::words::screen;

use super::{evidence, findings, query, report, sample};
use crate::desk::Desk;
use crate::{errors, files};

#[cfg(feature = "vault")]
pub(crate) use vault::verify_vault;

/// Exit codes of findings, worst first: changed, two histories, cut short, cannot be judged, derived data broken, not covered.
const WORST_FIRST: [u8; 6] = [6, 8, 7, 10, 9, 11];

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (verb, matches) = matches.subcommand().ok_or(Code::Usage)?;
    run_verb(desk, verb, matches)
}

/// Runs a verb of auditors. Those that need a vault at hand are not in a program that never has one.
pub(crate) fn run_verb(desk: &Desk, verb: &str, matches: &ArgMatches) -> Result<u8, Error> {
    match verb {
        "verify" => verify_log(desk, matches),
        #[cfg(feature = "vault")]
        "show" => vault::show(desk, matches),
        #[cfg(feature = "vault")]
        "export" => vault::export(desk, matches),
        "checkpoint" => evidence::checkpoint(desk, matches),
        "prove" => evidence::prove(desk, matches),
        "check-proof" => evidence::check_proof(desk, matches),
        "consistency" => evidence::consistency(desk, matches),
        "compare" => evidence::compare(desk, matches),
        "request-cosign" => evidence::request_cosign(desk, matches),
        "cosign" => evidence::cosign(desk, matches),
        "findings" => findings::run(desk, matches),
        "query" => query::run(desk, matches),
        "sample" => sample::run(desk, matches),
        "report" => report::run(desk, matches),
        #[cfg(feature = "vault")]
        "import-cosign" => vault::import_cosign(desk, matches),
        _ => Err(Code::Usage.into()),
    }
}

/// The exit code that a set of findings deserves.
pub(crate) fn worst(exits: impl IntoIterator<Item = u8>) -> u8 {
    exits.into_iter().min_by_key(|exit| rank(*exit)).unwrap_or(0)
}

/// From the worst exit code on.
fn rank(exit: u8) -> usize {
    WORST_FIRST.iter().position(|each| *each == exit).unwrap_or(WORST_FIRST.len())
}

fn verify_log(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let report = evidence::verify(desk, matches)?;
    let fork = matches.get_one::<PathBuf>("fork").filter(|_| !report.notes.is_empty());
    if let Some(path) = fork {
        files::new(path, report.notes.concat().as_bytes())?;
    }
    desk.answer(&report, |desk| {
        let mut lines = judged_log(desk, &report);
        let facts = |path: &PathBuf| [("path", path.display().to_string())];
        lines.extend(fork.map(|path| desk.text("say-evidence-written", &facts(path))));
        lines
    })?;
    Ok(worst(report.findings.iter().map(|finding| finding.code.exit())))
}

/// The judgement of a log, line by line, its verdict last.
pub(super) fn judged_log(desk: &Desk, report: &AuditVerifyReport) -> Vec<String> {
    let mut lines = desk.facts(&[
        ("entries", report.size.to_string()),
        ("signed", report.signed_size.to_string()),
        ("witnessed", report.witnessed_size.to_string()),
        ("root", report.root.clone()),
    ]);
    for (by, covered) in [("signed", report.signed_size), ("witnessed", report.witnessed_size)] {
        let (how_many, open) = uncovered(report.size, covered);
        if open > 0 {
            let facts = [("count", open.to_string()), ("size", report.size.to_string())];
            lines.push(desk.text(&format!("report-{how_many}-{by}"), &facts));
        }
    }
    for log in &report.logs {
        for witness in &log.witnesses {
            let seconds = i64::try_from(witness.seconds).unwrap_or(i64::MAX / 1000);
            let facts = [
                ("name", witness.name.clone()),
                ("size", witness.size.to_string()),
                ("when", desk.date(Timestamp::from_unix_ms(seconds.saturating_mul(1000)))),
            ];
            lines.push(desk.text("say-witnessed", &facts));
        }
    }
    if let Some(first) = report.first_bad {
        lines.push(desk.text("say-first-bad", &[("seq", first.to_string())]));
    }
    lines.extend(found(desk, &report.findings, TOLD));
    for log in report.logs.iter().filter(|log| log.unlisted > 0) {
        let facts = [("what", log.origin.clone()), ("count", log.unlisted.to_string())];
        lines.push(desk.text("say-findings-unlisted", &facts));
    }
    for note in &report.notes {
        lines.push(desk.text("say-note", &[]));
        lines.extend(note.lines().map(|line| format!("  {}", screen::escape(line))));
    }
    lines.extend(pending(desk, &report.pending));
    lines.push(verdict(desk, &report.verdict));
    lines
}

/// Findings of one kind about a log that are told; all of them are in the JSON form.
const TOLD: usize = 20;

/// Findings, the worst first, of each kind so many at most.
fn found(desk: &Desk, findings: &[Finding], most: usize) -> Vec<String> {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| rank(finding.code.exit()));
    for finding in findings {
        let count = kinds.entry(finding.code.as_str()).or_default();
        *count += 1;
        if *count <= most {
            lines.push(told(desk, finding));
        }
    }
    for (code, more) in kinds.into_iter().filter(|(_, count)| *count > most) {
        let facts = [("code", code.to_owned()), ("count", (more - most).to_string())];
        lines.push(desk.text("say-findings-more", &facts));
    }
    lines
}

fn told(desk: &Desk, finding: &Finding) -> String {
    let (object, detail) = (screen::escape(&finding.object), screen::escape(&finding.detail));
    let facts = [
        ("id", object.clone()),
        ("path", object.clone()),
        ("name", object.clone()),
        ("detail", detail.clone()),
    ];
    let facts: Vec<_> = facts.into_iter().chain(sizes(&finding.detail)).collect();
    let message = errors::sentence(&desk.words, finding.code, &facts);
    // Many a sentence names the thing itself. A size or the name of a rule says more; longer words are for the JSON form.
    let key = if message.contains(&object) { "say-finding-named" } else { "say-finding" };
    let code = finding.code.to_string();
    let more = !detail.is_empty() && !detail.contains(' ') && !message.contains(&detail) && detail != code;
    let code = if more { format!("{code}: {detail}") } else { code };
    desk.text(key, &[("what", finding.object.clone()), ("message", message), ("code", code)])
}

/// Of how many entries were found and how many are known, where a finding is about that.
fn sizes(detail: &str) -> impl Iterator<Item = (&'static str, String)> {
    let sizes = detail.split_once(" < ");
    let told =
        |(found, known): (&str, &str)| [("found", screen::escape(found)), ("known", screen::escape(known))];
    sizes.map(told).into_iter().flatten()
}

fn pending(desk: &Desk, pending: &[String]) -> Vec<String> {
    pending.iter().map(|what| desk.text("say-pending", &[("what", what.clone())])).collect()
}

pub(super) fn verdict(desk: &Desk, verdict: &str) -> String {
    desk.text("say-verdict", &[("verdict", desk.value("verdict", verdict))])
}

/// A text or number of an entry; empty where the entry has none.
pub(super) fn field(entry: &serde_json::Value, place: &str) -> String {
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
