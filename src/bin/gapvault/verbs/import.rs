//! `import`, and the receipts that go back.

use std::path::PathBuf;

use clap::ArgMatches;
use gapvault::vault::{Code, Error, ImportReport, ImportRequest, ReceiptReport};

use super::{code, needed, needed_path};
use crate::desk::Desk;
use crate::files;
use crate::table::Table;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("accept", matches)) => decide(desk, matches, true),
        Some(("reject", matches)) => decide(desk, matches, false),
        _ => bring_in(desk, matches),
    }
}

fn bring_in(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let wish = ImportRequest {
        paths: matches.get_many::<PathBuf>("dir").into_iter().flatten().cloned().collect(),
        code: code(matches)?,
        accept: matches.get_flag("accept"),
    };
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.import(&me, &wish, &*desk.progress())?;
    desk.answer(&report, |desk| told(desk, &report))?;
    if report.receipt.is_none() {
        desk.warn("say-no-receipt", &[("id", report.bundle.to_string())]);
    }
    Ok(0)
}

fn decide(desk: &Desk, matches: &ArgMatches, accept: bool) -> Result<u8, Error> {
    let bundle = needed(matches, "bundle")?;
    let receipt = matches.get_one::<PathBuf>("receipt").map(PathBuf::as_path);
    let (vault, me) = desk.vault_and_me()?;
    let report = if accept {
        vault.import_accept(&me, &bundle, receipt, &*desk.progress())?
    } else {
        desk.confirm(&[], "ask-reject", &[("id", gapvault::words::screen::escape(&bundle))])?;
        vault.import_reject(&me, &bundle, receipt)?
    };
    desk.answer(&report, |desk| told(desk, &report))?;
    if report.receipt.is_none() {
        desk.warn("say-no-receipt", &[("id", report.bundle.to_string())]);
    }
    Ok(0)
}

fn told(desk: &Desk, report: &ImportReport) -> Vec<String> {
    let facts = [
        ("id", report.bundle.to_string()),
        ("name", report.sender_name.clone()),
        ("number", report.number.to_string()),
        ("count", report.documents.len().to_string()),
        ("blocks", report.repaired_shards.to_string()),
    ];
    let mut lines = vec![desk.text(&format!("say-import-{}", report.state), &facts)];
    if report.repaired_shards > 0 {
        lines.push(desk.text("say-import-repaired", &facts));
    }
    if let Some(code) = &report.code {
        lines.push(desk.text("say-import-code", &[("code", code.clone())]));
    }
    if !report.documents.is_empty() {
        let mut table = Table::new(desk.headings(&["document", "class", "size", "scan"]));
        // What needs most care stands on top.
        let mut rows: Vec<_> = report.documents.iter().collect();
        rows.sort_by_key(|row| (row.class, row.id));
        for row in rows {
            table.row(vec![
                row.id.to_string(),
                desk.value("class", row.class.as_str()),
                desk.size(row.size),
                row.scan.as_ref().map(|scan| desk.value("scan", scan)).unwrap_or_default(),
            ]);
        }
        lines.extend(table.lines(desk.width()));
    }
    if report.state == "quarantine" {
        lines.push(desk.text("say-import-next", &facts));
    }
    if let Some(path) = &report.receipt {
        lines.push(desk.text("say-receipt-written", &[("path", path.clone())]));
    }
    lines
}

pub(crate) fn receipt(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("apply", matches)) => {
            let path = needed_path(matches, "file")?;
            let (vault, me) = desk.vault_and_me()?;
            let report = vault.receipt_apply(&me, &path)?;
            answer(desk, &report, "say-receipt-applied")
        }
        Some(("write", matches)) => {
            let (bundle, path) = (needed(matches, "bundle")?, needed_path(matches, "file")?);
            let (vault, me) = desk.vault_and_me()?;
            let report = vault.receipt_write(&me, &bundle, &path)?;
            answer(desk, &report, "say-receipt-made")
        }
        Some(("print", matches)) => {
            let (path, to) = (needed_path(matches, "file")?, needed_path(matches, "output")?);
            let (mut report, page) = desk.vault()?.receipt_paper(&path)?;
            files::new(&to, page.as_bytes())?;
            report.path = Some(to.display().to_string());
            answer(desk, &report, "say-receipt-printed")
        }
        _ => Err(Code::Usage.into()),
    }
}

fn answer(desk: &Desk, report: &ReceiptReport, key: &str) -> Result<u8, Error> {
    desk.answer(report, |desk| {
        let facts = [
            ("id", report.bundle.to_string()),
            ("number", report.number.to_string()),
            ("state", desk.value("bundle-state", &report.verdict)),
            ("name", report.signed_by.clone()),
            ("path", report.path.clone().unwrap_or_default()),
        ];
        let mut lines = vec![desk.text(key, &facts)];
        if !report.damaged.is_empty() {
            let facts = [("id", report.bundle.to_string()), ("volumes", report.damaged.join(","))];
            lines.push(desk.text("say-receipt-damaged", &facts));
        }
        if let Some(size) = report.witnessed_size {
            lines.push(desk.text("say-receipt-witnessed", &[("size", size.to_string())]));
        }
        lines
    })?;
    Ok(0)
}
