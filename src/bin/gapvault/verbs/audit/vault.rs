//! Judging and looking into the vault at hand: `verify`, `audit show`, `export`, `import-cosign`.

use clap::ArgMatches;
use gapvault::fault::Error;
use gapvault::log::checkpoint::MAX_CHECKPOINT_LEN;
use gapvault::log::cosignature::WitnessKey;
use gapvault::vault::{AuditShow, VerifyReport};

use super::super::{evidence, needed_path, text};
use super::{field, found, pending, verdict, worst};
use crate::desk::Desk;
use crate::files;
use crate::table::Table;

pub(crate) fn verify_vault(desk: &Desk) -> Result<u8, Error> {
    let report = desk.vault()?.verify(&*desk.progress())?;
    desk.answer(&report, |desk| judged(desk, &report))?;
    Ok(worst(report.findings.iter().map(|finding| finding.code.exit())))
}

fn judged(desk: &Desk, report: &VerifyReport) -> Vec<String> {
    let facts = [("documents", report.documents.to_string()), ("size", desk.size(report.bytes))];
    let mut lines = found(desk, &report.findings, usize::MAX);
    lines.push(desk.text("say-verified-documents", &facts));
    lines.extend(pending(desk, &report.pending));
    lines.push(verdict(desk, &report.verdict));
    lines
}

pub(super) fn show(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
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

pub(super) fn export(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let to = needed_path(matches, "dir")?;
    let report = desk.vault()?.audit_export(&to, &*desk.progress())?;
    desk.answer(&report, |desk| {
        let mut lines = vec![desk.text("say-evidence-exported", &[("path", report.path.clone())])];
        lines.extend(desk.facts(&[("vault", report.vault.clone()), ("digest", report.digest.clone())]));
        for log in &report.logs {
            lines.push(
                desk.text(
                    "say-evidence-log",
                    &[("name", log.origin.clone()), ("size", log.size.to_string())],
                ),
            );
            lines.extend(log.keys.iter().map(|key| format!("  {key}")));
        }
        lines
    })?;
    desk.say("say-evidence-next", &[]);
    Ok(0)
}

pub(super) fn import_cosign(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let note = files::small(&needed_path(matches, "file")?, MAX_CHECKPOINT_LEN as u64)?;
    let named: Vec<WitnessKey> = evidence::keys(matches, "witness")?;
    let report = desk.vault()?.audit_import_cosign(&note, &named)?;
    desk.answer(&report, |desk| {
        let facts = [("name", report.origin.clone()), ("size", report.size.to_string())];
        let mut lines = vec![desk.text("say-cosign-taken", &facts)];
        lines.extend(report.witnesses.iter().map(|name| desk.text("say-witness", &[("name", name.clone())])));
        lines
    })?;
    Ok(0)
}
