//! `bundle`: what goes out, and what a bundle is worth before it is let in.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use gapvault::bundle::SliceName;
use gapvault::vault::{
    self, BundleCreate, BundleListReport, BundleVerify, BundleVerifyReport, BundleWriteReport, CheckRow,
    Code, Error, Identity, Resend, Vault,
};

use super::{needed, needed_path, requests, text};
use crate::desk::Desk;
use crate::errors;
use crate::table::Table;

/// The most bytes that a volume may have for media that have names of their own.
const SIZES: [(&str, u64); 3] = [("cd", 650_000_000), ("dvd", 4_692_251_770), ("fat32", u32::MAX as u64)];
/// What fits on every medium that people have.
const DEFAULT_SIZE: &str = "fat32";
const DEFAULT_PARITY: u32 = 10;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("create", matches)) => create(desk, matches),
        Some(("approve", matches)) => approve(desk, matches),
        Some(("write", matches)) => write(desk, matches),
        Some(("resend", matches)) => resend(desk, matches),
        Some(("verify", matches)) => verify(desk, matches),
        _ => list(desk),
    }
}

fn size(text: &str) -> Result<u64, Error> {
    let named = SIZES.iter().find(|(name, _)| *name == text).map(|(_, size)| *size);
    let wrong = || Error::new(Code::VolumeSize).with("detail", text);
    named.map_or_else(|| text.parse().map_err(|_| wrong()), Ok)
}

fn create(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let wish = BundleCreate {
        to: needed(matches, "to")?,
        ids: matches.get_many::<String>("id").into_iter().flatten().cloned().collect(),
        volume: size(&text(matches, "volume").unwrap_or_else(|| DEFAULT_SIZE.to_owned()))?,
        parity: matches.get_one("parity").copied().unwrap_or(DEFAULT_PARITY),
        expires: text(matches, "expires"),
        reason: text(matches, "reason"),
    };
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.bundle_create(&me, &wish)?;
    desk.answer(&report, |desk| {
        let facts = [
            ("id", report.bundle.to_string()),
            ("request", report.request.to_string()),
            ("name", report.receiver_name.clone()),
            ("count", report.documents.to_string()),
            ("size", desk.size(report.bytes)),
            ("needed", report.approvals_needed.to_string()),
            ("date", desk.date(report.not_after)),
        ];
        let mut lines = vec![desk.text("say-bundle-created", &facts)];
        let waits = report.approvals_needed > 0 || report.releaser_needed;
        lines.push(desk.text(if waits { "say-bundle-waits" } else { "say-bundle-ready" }, &facts));
        if report.releaser_needed {
            lines.push(desk.text("say-bundle-releaser", &facts));
        }
        lines
    })?;
    Ok(0)
}

/// As `approve`, by the bundle's id.
fn approve(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let request = desk.vault()?.bundle_request(&needed(matches, "bundle")?)?;
    requests::approve_request(desk, matches, &request.to_string())
}

fn write(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (bundle, to) = (needed(matches, "bundle")?, needed_path(matches, "dir")?);
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.bundle_write(&me, &bundle, &to, &*desk.progress())?;
    written(desk, &vault, &me, (&bundle, &to), report)
}

fn resend(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let (bundle, to) = (needed(matches, "bundle")?, needed_path(matches, "dir")?);
    let mut slices = Vec::new();
    for name in matches.get_many::<String>("only").into_iter().flatten() {
        let slice: SliceName =
            name.parse().map_err(|_| Error::new(Code::Usage).with("detail", format!("--only {name}")))?;
        slices.push(slice);
    }
    let what = Resend { slices, expires: text(matches, "expires") };
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.bundle_resend(&me, &bundle, &to, &what, &*desk.progress())?;
    written(desk, &vault, &me, (&bundle, &to), report)
}

/// Tells of a medium that is written, and asks for the next one while something is left.
fn written(
    desk: &Desk,
    vault: &Vault,
    me: &Identity,
    (bundle, to): (&str, &Path),
    mut report: BundleWriteReport,
) -> Result<u8, Error> {
    loop {
        desk.answer(&report, |desk| medium(desk, &report))?;
        if report.complete {
            return Ok(0);
        }
        let facts = [("name", report.missing.clone()), ("path", to.display().to_string())];
        if desk.confirm(&[], "ask-next-medium", &facts).is_err() {
            desk.warn("say-next-medium", &facts);
            return Ok(0);
        }
        report = vault.bundle_write(me, bundle, to, &*desk.progress())?;
    }
}

fn medium(desk: &Desk, report: &BundleWriteReport) -> Vec<String> {
    let facts = [
        ("id", report.bundle.to_string()),
        ("number", report.number.to_string()),
        ("attempt", report.attempt.to_string()),
        ("medium", report.medium.to_string()),
        ("name", report.receiver_name.clone()),
        ("volumes", report.volumes.clone()),
        ("size", desk.size(report.bytes)),
        ("path", report.path.display().to_string()),
        ("date", desk.date(report.not_after)),
    ];
    vec![
        desk.text("say-medium-written", &facts),
        desk.text("say-slip-code", &[("code", report.code.clone())]),
        desk.text("say-medium-next", &facts),
    ]
}

fn verify(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let paths = matches.get_many::<PathBuf>("dir").into_iter().flatten().cloned().collect();
    let card = matches.get_one::<PathBuf>("card").cloned();
    let vault = match desk.vault() {
        Ok(vault) => Some(vault),
        // With no vault at hand there is still much to be said.
        Err(error) if error.code() == Code::NoVault => None,
        Err(error) => return Err(error),
    };
    let wish = BundleVerify { paths, vault: vault.as_ref(), card };
    let report = vault::bundle_verify(&desk.site()?, &wish, &*desk.progress())?;
    desk.answer(&report, |desk| judged(desk, &report))?;
    Ok(exit(&report))
}

fn exit(report: &BundleVerifyReport) -> u8 {
    let wrong = report.checks.iter().find_map(|row| row.code);
    match (wrong, report.verdict.as_str()) {
        (Some(code), _) => code.exit(),
        (None, "ok") => 0,
        (None, _) => Code::UnknownBundleSender.exit(),
    }
}

fn judged(desk: &Desk, report: &BundleVerifyReport) -> Vec<String> {
    let mut table = Table::new(desk.headings(&["check", "holds", "detail"]));
    for row in &report.checks {
        let holds = match row.ok {
            Some(true) => "check-yes",
            Some(false) => "check-no",
            None => "check-open",
        };
        table.row(vec![desk.value("check", &row.check), desk.text(holds, &[]), shown(desk, row)]);
    }
    let mut lines = table.lines(desk.width());
    for row in &report.checks {
        if let Some(code) = row.code {
            let detail = gapvault::words::screen::escape(&row.detail);
            let facts = [
                "name", "id", "number", "detail", "until", "when", "needed", "given", "state", "known",
                "found", "to",
            ]
            .map(|name| (name, fact(&detail, name)));
            let message = errors::sentence(&desk.words, code, &facts);
            lines.push(desk.text("say-check-failed", &[("message", message), ("code", code.to_string())]));
        }
    }
    if let Some(code) = &report.code {
        lines.push(desk.text("say-slip-code", &[("code", code.clone())]));
    }
    let verdict = match report.verdict.split_once('.') {
        None => report.verdict.as_str(),
        Some(("damaged", _)) => "damaged",
        Some(_) => "refused",
    };
    lines.push(desk.text("say-verdict", &[("verdict", desk.value("bundle-verdict", verdict))]));
    lines
}

/// The detail of a check in the person's language.
fn shown(desk: &Desk, row: &CheckRow) -> String {
    match (row.check.as_str(), row.ok) {
        ("time", Some(true)) => {
            row.detail.parse().map_or_else(|_| row.detail.clone(), |time| desk.date(time))
        }
        ("direction", Some(true)) => {
            let zones: Vec<String> = row.detail.split(" → ").map(|zone| desk.value("zone", zone)).collect();
            zones.join(" → ")
        }
        _ => row.detail.clone(),
    }
}

/// A fact out of the detail of a check: `name value`, parted by commas.
fn fact(detail: &str, name: &str) -> String {
    let found = detail.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or(detail).to_owned()
}

fn list(desk: &Desk) -> Result<u8, Error> {
    let report = desk.vault()?.bundle_list()?;
    desk.answer(&report, |desk| rows(desk, &report))?;
    Ok(0)
}

fn rows(desk: &Desk, report: &BundleListReport) -> Vec<String> {
    if report.out.is_empty() && report.incoming.is_empty() {
        return vec![desk.text("say-no-bundles", &[])];
    }
    let names = ["bundle", "direction", "peer", "number", "documents", "state", "since", "days"];
    let mut table = Table::new(desk.headings(&names));
    let short = |id: String| id.chars().take(16).collect::<String>();
    for row in &report.out {
        table.row(vec![
            short(row.bundle.to_string()),
            desk.text("bundle-out", &[]),
            row.peer_name.clone().unwrap_or_else(|| short(row.peer.to_string())),
            row.number.map(|number| number.to_string()).unwrap_or_default(),
            row.documents.to_string(),
            desk.value("bundle-state", &row.state),
            desk.date(row.since),
            if row.state == "out" { row.days.to_string() } else { String::new() },
        ]);
    }
    for row in &report.incoming {
        table.row(vec![
            short(row.bundle.to_string()),
            desk.text("bundle-in", &[]),
            row.peer_name.clone().unwrap_or_else(|| short(row.peer.to_string())),
            row.number.to_string(),
            row.documents.to_string(),
            desk.value("bundle-state", &row.state),
            desk.date(row.since),
            String::new(),
        ]);
    }
    table.lines(desk.width())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_names_or_are_bytes() {
        assert_eq!(size("cd").unwrap(), 650_000_000);
        assert_eq!(size("fat32").unwrap(), (4 << 30) - 1);
        assert_eq!(size("dvd").unwrap(), (4.37 * f64::from(1 << 30)) as u64);
        assert_eq!(size("1000").unwrap(), 1000);
        for bad in ["", "4G", "-1", "usb"] {
            assert_eq!(size(bad).unwrap_err().code(), Code::VolumeSize, "{bad}");
        }
    }

    #[test]
    fn facts_are_found_in_a_detail() {
        assert_eq!(fact("needed 2, given 1", "given"), "1");
        assert_eq!(fact("name autorun.inf", "name"), "autorun.inf");
        assert_eq!(fact("something else", "name"), "something else");
    }
}
