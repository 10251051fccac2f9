//! How things are said on the page.

use std::collections::BTreeMap;

use super::{Cell, Fact, Head, Line, Look, Table};
use crate::audit::findings::Seq;
use crate::audit::report::AuditReport;
use crate::id::{MemberId, VaultId};
use crate::time::Timestamp;
use crate::words::local::TimeZone;
use crate::words::{Lang, Words, screen};

/// Hex digits of an id that a person compares.
const DIGITS: usize = 16;

/// Knows the words, the zone and the names.
pub(super) struct Scribe<'a> {
    pub(super) report: &'a AuditReport,
    words: &'a Words,
    zone: &'a TimeZone,
    names: BTreeMap<MemberId, String>,
}

impl<'a> Scribe<'a> {
    pub(super) fn new(report: &'a AuditReport, words: &'a Words, zone: &'a TimeZone) -> Self {
        let members = report.account.members.iter();
        let names = members.map(|member| (member.id, screen::escape(&member.name))).collect();
        Self { report, words, zone, names }
    }

    pub(super) fn lang(&self) -> Lang {
        self.words.lang()
    }

    /// A text of the catalogue.
    pub(super) fn say(&self, key: &str) -> String {
        self.words.text(key, &[])
    }

    /// The same, with facts made harmless.
    pub(super) fn tell(&self, key: &str, facts: &[(&str, String)]) -> String {
        let facts: Vec<(&str, String)> =
            facts.iter().map(|(name, value)| (*name, screen::escape(value))).collect();
        self.words.text(key, &facts)
    }

    /// The text of a key that the catalogue need not have.
    pub(super) fn known(&self, key: &str, facts: &[(&str, String)]) -> Option<String> {
        let text = self.tell(key, facts);
        (text != key && !text.is_empty()).then_some(text)
    }

    /// The word for a value: `class-critical`, `event-document-open`; a value without a word stands for itself.
    pub(super) fn word(&self, kind: &str, value: &str) -> String {
        self.known(&format!("{kind}-{}", value.replace('.', "-")), &[])
            .unwrap_or_else(|| screen::escape(value))
    }

    pub(super) fn date(&self, time: Timestamp) -> String {
        self.zone.shown(time, self.lang())
    }

    /// Seconds since 1970, as witnesses write them.
    pub(super) fn seconds(&self, seconds: u64) -> String {
        let ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        self.date(Timestamp::from_unix_ms(ms))
    }

    /// A list as people write it.
    pub(super) fn list(&self, items: &[String]) -> String {
        items.join(if self.lang() == Lang::ZhTw { "、" } else { ", " })
    }

    /// A person's name; the id where there is none.
    pub(super) fn name(&self, member: Option<MemberId>) -> String {
        match member {
            None => self.say("report-nobody"),
            Some(id) => self.names.get(&id).cloned().unwrap_or_else(|| id.to_string()),
        }
    }

    /// An entry's place, with its epoch where there are several.
    pub(super) fn seq(&self, at: Seq) -> String {
        if self.report.basis.logs.len() > 1 { format!("{}/{}", at.epoch, at.seq) } else { at.seq.to_string() }
    }

    pub(super) fn seqs(&self, entries: &[Seq]) -> String {
        self.list(&entries.iter().map(|at| self.seq(*at)).collect::<Vec<_>>())
    }

    /// A person in a cell: the name, and the id below, since names need not be unique.
    pub(super) fn person(&self, member: Option<MemberId>) -> Cell {
        let mut lines = vec![plain(self.name(member))];
        lines.extend(member.filter(|id| self.names.contains_key(id)).map(|id| mono(id.to_string())));
        Cell { lines, look: Look::Plain }
    }

    /// A vault in a cell: its beginning, and its name where the report knows it.
    pub(super) fn vault(&self, vault: Option<VaultId>) -> Cell {
        let Some(vault) = vault else { return text(self.say("report-unknown")) };
        let other = self.report.other.as_ref().filter(|other| other.other == vault);
        let mut lines: Vec<Line> =
            other.map(|other| plain(screen::escape(&other.other_name))).into_iter().collect();
        lines.push(mono(vault.to_string().chars().take(DIGITS).collect()));
        Cell { lines, look: Look::Plain }
    }

    /// A time in a cell, the year of the republic below it.
    pub(super) fn when(&self, time: Timestamp) -> Cell {
        let mut lines = vec![plain(self.zone.shown(time, Lang::En))];
        let republic = self.zone.local(time).day.republic().filter(|_| self.lang() == Lang::ZhTw);
        lines.extend(republic.map(plain));
        Cell { lines, look: Look::Date }
    }

    /// A table with its words: `report-table-ID`, and `report-col-NAME` for columns, which begin with `#` for numbers.
    pub(super) fn table(&self, id: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Table {
        let head = |name: &&str| {
            let number = name.starts_with('#');
            Head { text: self.say(&format!("report-col-{}", name.trim_start_matches('#'))), number }
        };
        Table {
            id: format!("t-{id}"),
            caption: self.say(&format!("report-table-{id}")),
            head: columns.iter().map(head).collect(),
            rows,
            more: None,
            grid: false,
        }
    }

    /// How many rows are not shown, and where they are.
    pub(super) fn more(&self, shown: usize, all: usize) -> Option<String> {
        let more = all.checked_sub(shown).filter(|more| *more > 0)?;
        Some(self.tell("report-more-rows", &[("count", number(more as u64))]))
    }

    pub(super) fn fact(&self, name: &str, lines: Vec<Line>) -> Fact {
        Fact { label: self.say(&format!("report-fact-{name}")), lines }
    }
}

/// A text that is harmless already.
pub(super) fn plain(text: String) -> Line {
    Line { text, id: false }
}

/// An id, a digest or a key.
pub(super) fn mono(text: String) -> Line {
    Line { text: screen::escape(&text), id: true }
}

pub(super) fn text(text: String) -> Cell {
    looking(text, Look::Plain)
}

pub(super) fn looking(text: String, look: Look) -> Cell {
    Cell { lines: vec![plain(text)], look }
}

pub(super) fn ident(text: String) -> Cell {
    Cell { lines: vec![mono(text)], look: Look::Plain }
}

pub(super) fn count(count: u64) -> Cell {
    looking(number(count), Look::Number)
}

/// A number of things that should not be: more than none is shown as such.
pub(super) fn bad_count(count: u64) -> Cell {
    let mut cell = self::count(count);
    if count > 0 {
        cell.lines = vec![plain(format!("▲ {}", number(count)))];
    }
    cell
}

/// With its thousands parted.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
