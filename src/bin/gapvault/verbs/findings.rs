//! `audit findings`: what somebody should look at, below the log's own verdict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use gapvault::answer::Report;
use gapvault::audit::findings::{
    CALENDAR_LIMIT, Calendar, Context, Covered, Finding, Name, Place, RULES_LIMIT, Rules, Seq, Watch, Weight,
};
use gapvault::evidence::AuditVerifyReport;
use gapvault::fault::{Code, Error};
use gapvault::id::MemberId;
use gapvault::log::entry::Entry;
use gapvault::roster::InForce;
use gapvault::time::Timestamp;
use gapvault::words::local::Day;
use gapvault::words::screen;
use serde::Serialize;

use super::{audit, day, evidence, text};
use crate::desk::Desk;
use crate::files;
use crate::table::Table;

/// What is said of a log.
#[derive(Serialize)]
struct FindingsReport {
    /// The log's own.
    verdict: String,
    /// How the log was judged.
    log: AuditVerifyReport,
    /// Rules that looked.
    rules: Vec<&'static str>,
    /// Whether a list of holidays was given.
    holidays: bool,
    from: Option<String>,
    to: Option<String>,
    findings: Vec<Row>,
}

impl Report for FindingsReport {
    const SCHEMA: &'static str = "gapvault.audit.findings/v1";
}

#[derive(Serialize)]
struct Row {
    rule: &'static str,
    weight: Weight,
    member: Option<MemberId>,
    facts: BTreeMap<&'static str, String>,
    entries: Vec<Seq>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// The rules in force, for whoever wants to read them by program.
#[derive(Serialize)]
struct RulesReport {
    rules: BTreeMap<&'static str, BTreeMap<&'static str, serde_json::Value>>,
}

impl Report for RulesReport {
    const SCHEMA: &'static str = "gapvault.audit.rules/v1";
}

/// What was found in a log, and how the log itself was judged.
pub(super) struct Found {
    pub(super) judged: AuditVerifyReport,
    pub(super) chain: Vec<InForce>,
    pub(super) findings: Vec<Finding>,
}

pub(super) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let rules = rules(matches)?;
    if matches.get_flag("print-rules") {
        return print(desk, &rules);
    }
    let calendar = holidays(matches)?;
    let period = period(desk, matches)?;
    let found = find(desk, matches, (&rules, &calendar), period, &mut |_, _| ())?;
    let exit = audit::worst(found.judged.findings.iter().map(|finding| finding.code.exit()));
    let report = FindingsReport {
        verdict: found.judged.verdict.clone(),
        log: found.judged,
        rules: Name::ALL.iter().filter(|name| rules.is_on(**name)).map(|name| name.as_str()).collect(),
        holidays: !calendar.is_empty(),
        from: text(matches, "from"),
        to: text(matches, "to"),
        findings: found.findings.into_iter().map(Row::from).collect(),
    };
    desk.answer(&report, |desk| told(desk, &report))?;
    Ok(exit)
}

/// From the first day that was named to the last one, which is one of them.
pub(super) fn period(
    desk: &Desk,
    matches: &ArgMatches,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Error> {
    let (from, to) = (day(desk, matches, "from")?, day(desk, matches, "to")?);
    if let (Some((from, _)), Some((to, _))) = (from, to)
        && from > to
    {
        return Err(Error::new(Code::Usage).with("detail", desk.words.text("usage-days-swapped", &[])));
    }
    Ok((from.map(|(begin, _)| begin), to.map(|(_, end)| end)))
}

/// Reads the log that was named, and looks at it by rules; every entry is given to `visit` too.
pub(super) fn find(
    desk: &Desk,
    matches: &ArgMatches,
    (rules, calendar): (&Rules, &Calendar),
    period: (Option<Timestamp>, Option<Timestamp>),
    visit: &mut dyn FnMut(u64, &Entry),
) -> Result<Found, Error> {
    let chain = evidence::chain(desk, matches)?;
    let place = Place { calendar, ahead: &screen::seconds_ahead, chain: &chain, period };
    let mut watch = Watch::new(rules, place);
    let log = evidence::read(desk, matches, &mut |epoch, entry| {
        watch.entry(Seq { epoch, seq: entry.seq() }, entry);
        visit(epoch, entry);
    })?;
    let covered = covered(&log.judged);
    let context = Context {
        now: desk.now(),
        live: evidence::evidence_path(matches).is_none(),
        covered: covered.as_ref(),
    };
    Ok(Found { findings: watch.finish(context), judged: log.judged, chain: log.chain })
}

/// How far witnesses vouch for the newest epoch.
fn covered(judged: &AuditVerifyReport) -> Option<Covered> {
    let log = judged.logs.last()?;
    let seconds = log.witnessed_at.and_then(|seconds| i64::try_from(seconds).ok());
    let at = seconds.map(|seconds| Timestamp::from_unix_ms(seconds.saturating_mul(1000)));
    Some(Covered { size: log.size, witnessed: log.witnessed_size, at })
}

/// A text file that somebody names.
fn file(path: &Path, limit: usize, code: Code) -> Result<String, Error> {
    let wrong = |_| Error::new(code).with("path", path.display()).with("detail", "UTF-8");
    String::from_utf8(files::small(path, limit as u64)?).map_err(wrong)
}

/// Thresholds from the file that was named, those built in without one.
pub(super) fn rules(matches: &ArgMatches) -> Result<Rules, Error> {
    let rules = match matches.get_one::<PathBuf>("rules") {
        None => Rules::default(),
        Some(path) => {
            let wrong = |error| Error::new(Code::NotRules).with("path", path.display()).with("detail", error);
            Rules::parse(&file(path, RULES_LIMIT, Code::NotRules)?).map_err(wrong)?
        }
    };
    let named = matches.try_get_many::<String>("rule").ok().flatten().into_iter().flatten();
    let named: Vec<Name> = named.filter_map(|name| name.parse().ok()).collect();
    Ok(if named.is_empty() { rules } else { rules.only(&named) })
}

/// The list of days off that was named; without one there are none.
pub(super) fn holidays(matches: &ArgMatches) -> Result<Calendar, Error> {
    let Some(path) = matches.get_one::<PathBuf>("holidays") else { return Ok(Calendar::default()) };
    let wrong = |error| Error::new(Code::NotHolidays).with("path", path.display()).with("detail", error);
    Calendar::parse(&file(path, CALENDAR_LIMIT, Code::NotHolidays)?).map_err(wrong)
}

impl From<Finding> for Row {
    fn from(finding: Finding) -> Self {
        let facts: BTreeMap<&'static str, String> = finding.facts.into_iter().collect();
        let time = |name| facts.get(name).and_then(|text: &String| text.parse().ok());
        Self {
            rule: finding.rule,
            weight: finding.weight,
            member: finding.member,
            first: time("first"),
            last: time("last"),
            entries: finding.entries,
            facts,
        }
    }
}

/// The log's verdict, and all of its judgement where it is not in order; then each finding in a row, and below it what it
/// says and what to ask.
fn told(desk: &Desk, report: &FindingsReport) -> Vec<String> {
    let mut lines = if report.log.findings.is_empty() {
        vec![audit::verdict(desk, &report.verdict)]
    } else {
        audit::judged_log(desk, &report.log)
    };
    if report.verdict != "ok" {
        lines.push(desk.text("say-findings-of-bad-log", &[]));
    }
    if !report.holidays && report.rules.contains(&Name::Holiday.as_str()) {
        lines.push(desk.text("say-no-holidays", &[]));
    }
    lines.push(String::new());
    if report.findings.is_empty() {
        lines.push(desk.text("say-no-findings", &[("count", report.rules.len().to_string())]));
        return lines;
    }
    let epochs = report.log.logs.len() > 1;
    let mut table = Table::new(desk.headings(&["weight", "rule", "when", "who", "seq"]));
    for row in &report.findings {
        let weight = desk.value("weight", word(row.weight));
        let when = row.first.map_or_else(|| "-".to_owned(), |time| desk.date(time));
        let who = row.facts.get("who").cloned().unwrap_or_else(|| "-".to_owned());
        let entries: Vec<String> = row.entries.iter().map(|seq| place(*seq, epochs)).collect();
        table.row(vec![weight, desk.value("rule", row.rule), when, who, entries.join(" ")]);
    }
    let mut rows = table.lines(desk.width()).into_iter();
    lines.extend(rows.next());
    for (line, row) in rows.zip(&report.findings) {
        let mut facts: Vec<(&str, String)> =
            row.facts.iter().map(|(name, value)| (*name, shown(desk, name, value))).collect();
        if !row.facts.contains_key("who") {
            facts.push(("who", desk.text("say-somebody", &[])));
        }
        lines.push(line);
        lines.push(format!("  {}", desk.text(&format!("finding-{}", row.rule), &facts)));
        lines.push(format!("  {}", desk.text(&format!("finding-{}-ask", row.rule), &facts)));
    }
    lines.push(String::new());
    lines.push(desk.text("say-findings-are-questions", &[]));
    lines
}

fn word(weight: Weight) -> &'static str {
    match weight {
        Weight::Note => "note",
        Weight::Warning => "warning",
        Weight::Alarm => "alarm",
    }
}

/// An entry's number; with the epoch before it where a log has several.
fn place(at: Seq, epochs: bool) -> String {
    if epochs { format!("{}:{}", at.epoch, at.seq) } else { at.seq.to_string() }
}

/// A fact as people read it.
fn shown(desk: &Desk, name: &str, value: &str) -> String {
    match name {
        "first" | "last" | "since" => {
            value.parse().map_or_else(|_| value.to_owned(), |time: Timestamp| desk.date(time))
        }
        "day" | "until" => {
            value.parse().map_or_else(|_| value.to_owned(), |day: Day| day.shown(desk.words.lang()))
        }
        "class" | "event" | "outcome" | "role" | "way" => desk.value(name, value),
        "had" => desk.value("role", value),
        _ => value.to_owned(),
    }
}

fn print(desk: &Desk, rules: &Rules) -> Result<u8, Error> {
    let of_rule = |name: &Name| {
        let numbers = name.thresholds().iter().map(|threshold| {
            let text = threshold.kind.print(rules.get(*name, threshold.key));
            // Numbers, switches and quoted times are JSON as they stand.
            (threshold.key, serde_json::from_str(&text).unwrap_or(serde_json::Value::Null))
        });
        let on = [("enabled", serde_json::Value::Bool(rules.is_on(*name)))];
        (name.as_str(), on.into_iter().chain(numbers).collect())
    };
    let report = RulesReport { rules: Name::ALL.iter().map(of_rule).collect() };
    desk.answer(&report, |desk| {
        let about = |what: Option<(Name, Option<&str>)>| match what {
            None => desk.text("rules-file", &[]),
            Some((name, None)) => desk.text(&format!("rule-{name}"), &[]),
            Some((name, Some(key))) => desk.text(&format!("threshold-{name}-{key}"), &[]),
        };
        rules.print(about).lines().map(str::to_owned).collect()
    })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_toml_as_well() {
        let text = Rules::default().print(|_| "x".to_owned());
        let read: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(read.len(), Name::ALL.len());
        assert_eq!(read["many-documents"]["documents"].as_integer(), Some(30));
        assert_eq!(read["night"]["day-begins"].as_str(), Some("07:00"));
    }
}
