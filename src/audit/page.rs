//! A report as one HTML file in one language: no script, nothing fetched, for a screen of any width and for paper.
//!
//! Everything that came from outside is made visible first and escaped then; markup is made here and in the template only.

mod activity;
mod basis;
mod chart;
mod checklist;
mod crossing;
mod found;
mod people;
mod scribe;

use askama::Template;

use super::report::AuditReport;
use crate::crypto::Digest;
use crate::encoding::base64;
use crate::words::local::TimeZone;
use crate::words::{Words, screen};
use scribe::Scribe;

/// What everything looks like; the page's policy names its digest and allows no other style.
const STYLE: &str = include_str!("../../templates/report.css");

/// A text in a cell or a fact.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    /// An id, a digest, a key.
    id: bool,
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    Number,
    Date,
    Alert,
    Fine,
    Boxes,
}

#[derive(Debug, Clone)]
struct Cell {
    lines: Vec<Line>,
    look: Look,
}

impl Cell {
    fn class(&self) -> &'static str {
        match self.look {
            Look::Plain => "",
            Look::Number => "n",
            Look::Date => "d",
            Look::Alert => "alert",
            Look::Fine => "fine",
            Look::Boxes => "boxes",
        }
    }
}

#[derive(Debug, Clone)]
struct Head {
    text: String,
    number: bool,
}

#[derive(Debug, Clone)]
struct Table {
    id: String,
    caption: String,
    head: Vec<Head>,
    rows: Vec<Vec<Cell>>,
    /// What it does not show.
    more: Option<String>,
    /// On a telephone it stays as wide as it is and is moved sideways, where others stand cell below cell.
    grid: bool,
}

/// With no more rows than this a table stays on one sheet.
const SHORT: usize = 8;

impl Table {
    fn class(&self) -> &'static str {
        match (self.grid, self.rows.len() <= SHORT) {
            (true, _) => "grid",
            (false, true) => "cards short",
            (false, false) => "cards",
        }
    }

    /// The heading above a cell.
    fn label(&self, column: &usize) -> &str {
        self.head.get(*column).map_or("", |head| &head.text)
    }
}

#[derive(Debug, Clone)]
struct Fact {
    label: String,
    lines: Vec<Line>,
}

/// A picture with its numbers. `svg` is markup of ours.
#[derive(Debug, Clone)]
struct Picture {
    caption: String,
    svg: String,
    legend: Vec<(&'static str, String)>,
    numbers_label: String,
    numbers: Option<Table>,
}

#[derive(Debug, Clone)]
enum Block {
    Text(String),
    Warning(String),
    Heading(String),
    Facts(Vec<Fact>),
    Pictures(Vec<Picture>),
    Table(Table),
    Notes(Vec<String>),
    Lines(String),
    Signatures(Table),
}

#[derive(Debug, Clone)]
struct Section {
    id: &'static str,
    title: String,
    /// Begins a sheet of paper.
    page: bool,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
struct Verdict {
    class: &'static str,
    mark: &'static str,
    label: String,
    word: String,
    says: String,
    lines: Vec<String>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    lang: &'static str,
    style: &'static str,
    style_digest: String,
    kind: String,
    title: String,
    subtitle: Vec<String>,
    verdict: Verdict,
    contents: String,
    sections: Vec<Section>,
    silent: String,
    made_by: String,
}

/// The page. The same report, language and time zone give the same bytes.
pub fn html(report: &AuditReport, words: &Words, zone: &TimeZone) -> String {
    let scribe = Scribe::new(report, words, zone);
    let account = &report.account;
    let name = screen::escape(&account.name);
    let page = Page {
        lang: words.lang().as_str(),
        style: STYLE,
        style_digest: base64(Digest::of(STYLE.as_bytes()).as_bytes()),
        kind: scribe.say("report-kind"),
        title: scribe.tell("report-title", &[("name", name)]),
        subtitle: subtitle(&scribe),
        verdict: basis::verdict(&scribe),
        contents: scribe.say("report-contents"),
        sections: vec![
            basis::section(&scribe),
            found::section(&scribe),
            people::reads(&scribe),
            activity::section(&scribe),
            people::members(&scribe),
            crossing::section(&scribe),
            checklist::section(&scribe),
            checklist::conclusions(&scribe),
        ],
        silent: scribe.say("report-silent"),
        made_by: scribe.tell("report-made-by", &[("version", env!("CARGO_PKG_VERSION").to_owned())]),
    };
    // Rendering into a `String` fails only where a value's `Display` does, and these are strings and numbers.
    page.render().unwrap_or_default()
}

/// Which vault, which days, made when.
fn subtitle(scribe: &Scribe<'_>) -> Vec<String> {
    let account = &scribe.report.account;
    let day = |day: Option<crate::words::local::Day>, other: &str| {
        day.map_or_else(|| scribe.say(other), |day| day.shown(scribe.lang()))
    };
    let period = [
        ("from", day(account.period.from, "report-from-beginning")),
        ("to", day(account.period.to, "report-to-end")),
    ];
    let made = [("when", scribe.date(account.made)), ("offset", account.offset.clone())];
    let mut lines = vec![scribe.tell("report-period", &period), scribe.tell("report-made", &made)];
    if let Some(vault) = account.vault {
        lines.push(scribe.tell("report-vault", &[("id", vault.to_string())]));
    }
    lines
}

#[cfg(test)]
mod tests;
