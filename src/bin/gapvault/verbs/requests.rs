//! `requests`, `approve`, `reject`, `withdraw`, and how every verb tells that it waits for others.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use gapvault::vault::{Approving, Error, Part, RequestReport};

use super::{needed, word};
use crate::desk::Desk;
use crate::files;
use crate::table::Table;

/// The longest approval that is read, in bytes.
const MAX_NOTE: u64 = 4 * 1024 * 1024;
/// The exit code of a verb that did nothing yet.
pub(super) const PENDING: u8 = 16;

/// Tells that a request was made and waits; the exit code says so too.
pub(super) fn asked(desk: &Desk, report: &RequestReport) -> Result<u8, Error> {
    desk.answer(report, |desk| {
        let facts = [
            ("id", report.request.to_string()),
            ("needed", report.approvals_needed.to_string()),
            ("given", report.approvals.len().to_string()),
            ("date", desk.date(report.until)),
        ];
        vec![desk.text("say-asked", &facts), desk.text("say-asked-next", &facts)]
    })?;
    Ok(PENDING)
}

pub(super) fn list(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (vault, me) = desk.vault_and_perhaps_me()?;
    let report = vault.requests(me.as_ref().filter(|_| !matches.get_flag("all")))?;
    desk.answer(&report, |desk| {
        if report.requests.is_empty() {
            return vec![desk.text("say-no-requests", &[])];
        }
        let names = ["request", "action", "requester", "documents", "approvals", "until"];
        let mut table = Table::new(desk.headings(&names));
        for row in &report.requests {
            table.row(vec![
                row.request.to_string(),
                desk.value("wanted", &row.action),
                row.requester_name.clone().unwrap_or_else(|| row.requester.to_string()),
                row.documents.len().to_string(),
                format!("{}/{}", row.approvals.len(), row.approvals_needed),
                desk.date(row.until),
            ]);
        }
        table.lines(desk.width())
    })?;
    Ok(0)
}

pub(super) fn approve(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let id = needed(matches, "request")?;
    if let Some(file) = matches.get_one::<PathBuf>("from") {
        return bring(desk, &id, file);
    }
    approve_request(desk, matches, &id)
}

/// Shows a request and consents to it.
pub(super) fn approve_request(desk: &Desk, matches: &ArgMatches, id: &str) -> Result<u8, Error> {
    let part = word(matches, "as")?.unwrap_or(Part::Approver);
    let vault = desk.vault()?;
    // What is being signed is shown before anybody types a passphrase.
    let shown = vault.request_show(None, id)?;
    let mut before = lines(desk, &shown);
    before.push(desk.text(&format!("say-part-{part}"), &[]));
    before.push(desk.text("say-approve-digest", &[("digest", shown.digest.to_string())]));
    desk.confirm(&before, "ask-approve", &[("id", shown.request.to_string())])?;
    let (vault, me) = desk.vault_and_me()?;
    let reason = vault.request_show(Some(&me), id)?.reason;
    if let Some(reason) = reason {
        desk.confirm(&[desk.text("say-reason", &[("reason", reason)])], "ask-approve-reason", &[])?;
    }
    // `bundle approve` has neither of these.
    if let Ok(Some(file)) = matches.try_get_one::<PathBuf>("out") {
        let note = vault.approval_sign(&me, id, shown.digest, part)?;
        files::new(file, note.as_bytes())?;
        desk.say("say-approval-signed", &[("path", file.display().to_string())]);
        return Ok(0);
    }
    let run = matches.try_get_one::<bool>("run").ok().flatten().is_some_and(|run| *run);
    told(desk, &vault.approve(&me, id, shown.digest, Approving { part, run })?)
}

/// An approval that somebody signed on another machine.
fn bring(desk: &Desk, id: &str, file: &Path) -> Result<u8, Error> {
    let note = files::small(file, MAX_NOTE)?;
    let (vault, me) = desk.vault_and_me()?;
    told(desk, &vault.approval_bring(&me, id, &note)?)
}

fn told(desk: &Desk, report: &RequestReport) -> Result<u8, Error> {
    desk.answer(report, |desk| {
        let facts = [
            ("id", report.request.to_string()),
            ("state", desk.value("request", report.state)),
            ("given", report.approvals.iter().filter(|one| one.part != "releaser").count().to_string()),
            ("needed", report.approvals_needed.to_string()),
        ];
        vec![desk.text("say-approved", &facts)]
    })?;
    Ok(0)
}

pub(super) fn end(desk: &Desk, matches: &ArgMatches, withdraw: bool) -> Result<u8, Error> {
    let id = needed(matches, "request")?;
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.request_end(&me, &id, withdraw)?;
    desk.answer(&report, |desk| {
        let facts = [("id", report.request.to_string()), ("state", desk.value("request", report.state))];
        vec![desk.text("say-request-ended", &facts)]
    })?;
    Ok(0)
}

/// Everything about a request, one fact below the other.
fn lines(desk: &Desk, report: &RequestReport) -> Vec<String> {
    let who = report.requester_name.clone().unwrap_or_default();
    let mut facts = vec![
        ("request", report.request.to_string()),
        ("action", desk.value("wanted", &report.action)),
        ("requester", format!("{who} ({})", report.requester)),
        ("created", desk.date(report.created)),
        ("until", desk.date(report.until)),
    ];
    facts.extend(report.to.map(|class| ("class", desk.value("class", class.as_str()))));
    facts.extend(report.bundle.map(|bundle| ("bundle", bundle.to_string())));
    facts.extend(report.receiver.map(|receiver| {
        let name = report.receiver_name.clone().unwrap_or_default();
        ("receiver", format!("{name} ({receiver})"))
    }));
    facts.extend(report.documents.iter().map(|id| ("document", id.to_string())));
    let mut lines = desk.facts(&facts);
    // Of a roster what it changes; of everything else all of it.
    let note = report.note.iter().filter(|_| report.changes.is_empty());
    let changes = report.changes.iter().map(String::as_str);
    lines.extend(changes.map(gapvault::words::screen::escape));
    lines.extend(
        note.chain(&report.policy).flat_map(|note| note.lines()).map(gapvault::words::screen::escape),
    );
    lines
}
