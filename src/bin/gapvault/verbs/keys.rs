//! `key rotate`, `key finish`, `key retire`, `rekey`.

use clap::ArgMatches;
use gapvault::vault::{Done, Error, KeyReport, MemberRevokeReport, RewrapRequest};

use super::requests;
use crate::desk::Desk;

pub(super) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("rotate", matches)) => rotate(desk, matches),
        Some(("finish", matches)) => finish(desk, matches),
        _ => retire(desk),
    }
}

fn rotate(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (vault, me) = desk.vault_and_me()?;
    match vault.key_rotate(&me, matches.get_flag("rekey"), &*desk.progress())? {
        Done::Asked(request) => requests::asked(desk, &request),
        Done::Done(report) => {
            desk.answer(&report, |desk| rotated(desk, &report))?;
            Ok(exit(desk, &report.documents))
        }
    }
}

fn finish(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.key_finish(&me, matches.get_flag("rekey"), &*desk.progress())?;
    desk.answer(&report, |desk| worked(desk, &report))?;
    Ok(exit(desk, &report))
}

fn retire(desk: &Desk) -> Result<u8, Error> {
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.key_retire(&me)?;
    desk.answer(&report, |desk| {
        let mut lines = worked(desk, &report);
        if report.retired.is_empty() {
            lines.push(desk.text("say-none-retired", &[]));
        }
        let gone = report.retired.iter().map(|key| desk.text("say-retired", &[("key", key.clone())]));
        lines.extend(gone);
        lines
    })?;
    Ok(0)
}

/// Documents under new file keys.
pub(super) fn rekey(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (vault, me) = desk.vault_and_me()?;
    let ids = matches.get_many::<String>("id").into_iter().flatten().cloned().collect();
    let request = RewrapRequest { ids, all: matches.get_flag("all"), ..Default::default() };
    let report = vault.rekey(&me, &request, &*desk.progress())?;
    desk.answer(&report, |desk| {
        vec![desk.text("say-rekeyed", &[("count", report.documents.len().to_string())])]
    })?;
    report.failed.iter().for_each(|failed| desk.failed(&failed.source, failed.code));
    Ok(super::audit::worst(report.failed.iter().map(|failed| failed.code.exit())))
}

/// What a change of keys did.
pub(super) fn rotated(desk: &Desk, report: &MemberRevokeReport) -> Vec<String> {
    let keys = report.rotated.join(&desk.text("say-comma", &[]));
    let mut lines = vec![desk.text("say-rotated", &[("keys", keys)])];
    lines.extend(worked(desk, &report.documents));
    lines
}

fn worked(desk: &Desk, report: &KeyReport) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, count) in [
        ("say-keys-wrapped", report.wrapped),
        ("say-rewrapped", report.rewrapped),
        ("say-rekeyed", report.rekeyed),
        ("say-documents-waiting", report.waiting),
        ("say-keys-waiting", report.keys_waiting),
    ] {
        if count > 0 {
            lines.push(desk.text(key, &[("count", count.to_string())]));
        }
    }
    if lines.is_empty() && report.retired.is_empty() && report.failed.is_empty() {
        lines.push(desk.text("say-nothing-waiting", &[]));
    }
    lines
}

/// Tells what failed; the worst of it is the exit code.
pub(super) fn exit(desk: &Desk, report: &KeyReport) -> u8 {
    report.failed.iter().for_each(|failed| desk.failed(&failed.source, failed.code));
    super::audit::worst(report.failed.iter().map(|failed| failed.code.exit()))
}
