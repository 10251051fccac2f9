//! `audit report`: the log as a report for people, machines and spreadsheets.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use gapvault::answer::{Report, Stage};
use gapvault::audit::findings::Seq;
use gapvault::audit::page;
use gapvault::audit::report::{AuditReport, Basis, Fault, LogBasis, SCHEMA, Seen};
use gapvault::audit::tally::{Account, Context, Period, Reconciliation, Tally, account, reconcile};
use gapvault::evidence::{AuditVerifyReport, Finding};
use gapvault::evidence::{Evidence, LogReport, Trust, VerifyWish};
use gapvault::fault::{Code, Error};
use gapvault::words::local::{Day, TimeZone};
use serde::Serialize;

use super::audit::worst;
use super::{findings, not_a_day, text, word};
use crate::desk::Desk;
use crate::{files, output};

/// A report with its schema.
#[derive(Serialize)]
#[serde(transparent)]
struct Answer<'a>(&'a AuditReport);

impl Report for Answer<'_> {
    const SCHEMA: &'static str = SCHEMA;
}

/// Writes the report; the exit code is that of the verdict.
pub(super) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let period = period(desk, matches)?;
    let other_path = matches.get_one::<PathBuf>("other");
    let zone = TimeZone::system();
    let mut tally = Tally::new(zone.clone(), period);
    let rules = (&findings::rules(matches)?, &findings::holidays(matches)?);
    let found =
        findings::find(desk, matches, rules, findings::period(desk, matches)?, &mut |epoch, entry| {
            tally.entry(Seq { epoch, seq: entry.seq() }, entry);
        })?;
    let now = desk.now();
    let account = account(tally, Context { chain: &found.chain, now });
    let other = other_path.map(|path| both(desk, matches, path, &account, &zone)).transpose()?;
    let exit = worst(found.judged.findings.iter().map(|finding| finding.code.exit()));
    let report = AuditReport { basis: basis(found.judged), account, findings: Some(found.findings), other };
    hand_out(desk, matches, &report, &zone)?;
    Ok(exit)
}

fn hand_out(desk: &Desk, matches: &ArgMatches, report: &AuditReport, zone: &TimeZone) -> Result<(), Error> {
    let format = text(matches, "format");
    let path = matches.get_one::<PathBuf>("output");
    let Some(path) = path else {
        if desk.is_json() && format.as_deref().is_none_or(|format| format == "json") {
            return output::report(&Answer(report));
        }
        if desk.is_json() {
            return Err(Error::new(Code::Usage).with("detail", "--json --format"));
        }
        let bytes = formed(desk, format.as_deref(), report, zone)?;
        let mut to = std::io::stdout().lock();
        return to.write_all(&bytes).and_then(|()| to.flush()).map_err(output::failed);
    };
    files::new(path, &formed(desk, format.as_deref(), report, zone)?)?;
    if desk.is_json() {
        return output::report(&Answer(report));
    }
    desk.say("say-report-written", &[("path", path.display().to_string())]);
    Ok(())
}

fn formed(
    desk: &Desk,
    format: Option<&str>,
    report: &AuditReport,
    zone: &TimeZone,
) -> Result<Vec<u8>, Error> {
    Ok(match format {
        Some("json") => {
            let mut bytes = Vec::new();
            output::object(&mut bytes, &Answer(report)).map_err(output::failed)?;
            bytes
        }
        Some("csv") => report.csv().into_bytes(),
        _ => page::html(report, &desk.words, zone).into_bytes(),
    })
}

fn period(desk: &Desk, matches: &ArgMatches) -> Result<Period, Error> {
    let day = |name: &str| -> Result<Option<Day>, Error> {
        let parse = |given: String| given.parse().map_err(|_| not_a_day(desk, name, &given));
        text(matches, name).map(parse).transpose()
    };
    let period = Period { from: day("from")?, to: day("to")? };
    if let (Some(from), Some(to)) = (period.from, period.to)
        && from > to
    {
        return Err(Error::new(Code::Usage).with("detail", desk.words.text("usage-days-swapped", &[])));
    }
    Ok(period)
}

/// Judges the other side's evidence, and puts both logs beside each other.
fn both(
    desk: &Desk,
    matches: &ArgMatches,
    path: &Path,
    ours: &Account,
    zone: &TimeZone,
) -> Result<Reconciliation, Error> {
    let evidence = Evidence::open(path)?;
    let trust = Trust { vault: word(matches, "other-trust")?, policy: None };
    let mut tally = Tally::new(zone.clone(), ours.period);
    let mut visit = |epoch, entry: &gapvault::log::entry::Entry| {
        tally.entry(Seq { epoch, seq: entry.seq() }, entry);
    };
    let progress = desk.progress();
    let told = |bytes: u64, entries: u64| progress.advance(bytes, entries);
    let mut wish = VerifyWish { trust, visit: Some(&mut visit), told: Some(&told), ..VerifyWish::default() };
    progress.begin(Stage::Verifying, None, None);
    let judged = evidence.verify(&mut wish);
    progress.end();
    let judged = judged?;
    let theirs = account(tally, Context { chain: evidence.known().chain(), now: ours.made });
    Ok(Reconciliation {
        other: evidence.known().vault(),
        other_verdict: judged.verdict,
        rows: reconcile(ours, &theirs),
        other_name: theirs.name,
    })
}

fn basis(judged: AuditVerifyReport) -> Basis {
    let fault = |finding: Finding| Fault {
        code: finding.code.to_string(),
        object: finding.object,
        detail: finding.detail,
    };
    Basis {
        verdict: judged.verdict,
        first_bad: judged.first_bad,
        faults: judged.findings.into_iter().map(fault).collect(),
        notes: judged.notes,
        pending: judged.pending,
        logs: judged.logs.into_iter().map(log).collect(),
    }
}

fn log(log: LogReport) -> LogBasis {
    let seen =
        |row: gapvault::evidence::WitnessRow| Seen { name: row.name, size: row.size, seconds: row.seconds };
    LogBasis {
        origin: log.origin,
        size: log.size,
        root: log.root,
        signed_size: log.signed_size,
        witnessed_size: log.witnessed_size,
        witnessed_at: log.witnessed_at,
        keys: log.keys,
        witnesses: log.witnesses.into_iter().map(seen).collect(),
        unlisted: log.unlisted,
    }
}
