//! A sheet of paper in both languages: what slip and receipt share, as HTML and as text.

use askama::Template;
use unicode_width::UnicodeWidthStr as _;

use super::PERSON;
use super::columns::{RULE, WIDTH, cut, pad, wrap};
use super::qr::Qr;
use crate::time::Timestamp;
use crate::words::{Lang, Words};

/// Where the values stand in the text, in columns.
const VALUES: usize = 30;
/// Before the second and later lines of one value.
const INDENT: &str = "  ";

/// The same in 正體中文 and in English.
#[derive(Debug, Clone)]
pub(super) struct Both {
    pub(super) zh: String,
    pub(super) en: String,
}

/// Both catalogues.
pub(super) struct Catalogues {
    zh: Words,
    en: Words,
}

impl Catalogues {
    pub(super) fn new() -> Self {
        Self { zh: Words::new(Lang::ZhTw), en: Words::new(Lang::En) }
    }

    pub(super) fn both(&self, key: &str) -> Both {
        self.with(key, &[])
    }

    pub(super) fn with(&self, key: &str, facts: &[(&str, String)]) -> Both {
        Both { zh: self.zh.text(key, facts), en: self.en.text(key, facts) }
    }

    /// A fact with its label.
    pub(super) fn fact(&self, key: &str, lines: Vec<Line>) -> Fact {
        Fact { label: self.both(key), lines }
    }

    /// A fact that is a number, a date or something else without a language.
    pub(super) fn plain(&self, key: &str, value: String) -> Fact {
        self.fact(key, vec![Line::Plain(value)])
    }

    /// Words of ours, one line for each language.
    pub(super) fn lines(&self, key: &str) -> Vec<Line> {
        let both = self.both(key);
        vec![Line::Plain(both.zh), Line::English(both.en)]
    }

    /// Words of ours in one line.
    pub(super) fn one_line(&self, key: &str) -> Line {
        Line::Plain(joined(&self.both(key)))
    }

    /// Names of people, the first `most` of them.
    pub(super) fn people(&self, names: &[String], most: usize) -> Vec<Line> {
        if names.is_empty() {
            return vec![self.one_line("paper-none")];
        }
        let mut lines: Vec<Line> = names.iter().take(most).map(|name| Line::free(name, PERSON)).collect();
        lines.extend(self.more(names.len(), most));
        lines
    }

    /// How many of a list are not shown, where there are such.
    pub(super) fn more(&self, len: usize, most: usize) -> Option<Line> {
        let more = len.checked_sub(most).filter(|more| *more > 0)?;
        Some(Line::Plain(joined(&self.with("paper-more", &[("count", more.to_string())]))))
    }
}

/// A line of a value.
#[derive(Debug, Clone)]
pub(super) enum Line {
    Plain(String),
    /// Hex and names of files.
    Id(String),
    English(String),
}

impl Line {
    /// Text from outside, harmless and at most `width` columns.
    pub(super) fn free(text: &str, width: usize) -> Self {
        Self::Plain(cut(text, width))
    }

    fn text(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Id(text) | Self::English(text) => text,
        }
    }

    fn class(&self) -> &'static str {
        if matches!(self, Self::Id(_)) { "id" } else { "line" }
    }

    fn is_english(&self) -> bool {
        matches!(self, Self::English(_))
    }
}

/// A label and its value.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    label: Both,
    lines: Vec<Line>,
}

/// What a kind of sheet says whatever it is about, as keys of the catalogues.
pub(super) struct Kind {
    pub(super) title: &'static str,
    pub(super) scan: &'static str,
    pub(super) steps: &'static [&'static str],
    /// Who signs.
    pub(super) signatures: &'static [&'static str],
    /// What it does not show.
    pub(super) silent: &'static str,
}

impl Kind {
    /// The sheet with these facts, in rows of one or two, and without a code.
    pub(super) fn sheet(&self, words: &Catalogues, rows: Vec<Vec<Fact>>) -> Sheet {
        let all = |keys: &[&str]| keys.iter().map(|key| words.both(key)).collect();
        Sheet {
            title: words.both(self.title),
            code_label: words.both("paper-code"),
            code: Vec::new(),
            qr: String::new(),
            qr_mm: 0,
            scan: words.both(self.scan),
            facts_label: words.both("paper-facts"),
            rows,
            steps_label: words.both("paper-steps"),
            steps: all(self.steps),
            sign_label: words.both("paper-signatures"),
            sign_headings: all(&["paper-role", "paper-signature", "paper-signed-at"]),
            signatures: all(self.signatures),
            silent: words.both(self.silent),
        }
    }

    /// The sheet around a signed note, which its QR code holds whole.
    pub(super) fn of_note(&self, words: &Catalogues, qr: Qr, rows: Vec<Vec<Fact>>) -> Sheet {
        Sheet { qr_mm: qr.printed_mm(), qr: qr.svg, ..self.sheet(words, rows) }
    }
}

/// A filled sheet. `qr` is markup of ours; all else is escaped.
#[derive(Template)]
#[template(path = "paper.html")]
pub(super) struct Sheet {
    pub(super) title: Both,
    pub(super) code_label: Both,
    /// Groups of digits; none where the QR code stands alone.
    pub(super) code: Vec<String>,
    pub(super) qr: String,
    /// How wide the QR code is printed, in millimetres.
    pub(super) qr_mm: usize,
    pub(super) scan: Both,
    pub(super) facts_label: Both,
    /// One or two facts side by side.
    pub(super) rows: Vec<Vec<Fact>>,
    pub(super) steps_label: Both,
    pub(super) steps: Vec<Both>,
    pub(super) sign_label: Both,
    pub(super) sign_headings: Vec<Both>,
    pub(super) signatures: Vec<Both>,
    pub(super) silent: Both,
}

impl Sheet {
    /// The page.
    pub(super) fn html(&self) -> String {
        // Rendering into a `String` fails only where a value's `Display` does, and these are strings and numbers.
        self.render().unwrap_or_default()
    }

    /// Plain text in at most [`WIDTH`] columns, without the QR code.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![self.title.zh.clone(), self.title.en.clone(), RULE.repeat(WIDTH)];
        lines.push(String::new());
        lines.push(joined(&self.code_label));
        lines.push(String::new());
        lines.push(format!("    {}", self.code.join("  ")));
        lines.push(String::new());
        for fact in self.rows.iter().flatten() {
            fact_lines(fact, &mut lines);
        }
        lines.push(String::new());
        lines.push(joined(&self.steps_label));
        for (number, step) in self.steps.iter().enumerate() {
            let number = format!("{}. ", number + 1);
            hanging(&number, &step.zh, &mut lines);
            hanging("", &step.en, &mut lines);
        }
        lines.push(String::new());
        lines.push(joined(&self.sign_label));
        for role in &self.signatures {
            lines.push(String::new());
            lines.push(joined(role));
            let blanks = self.sign_headings.iter().skip(1);
            lines.push(blanks.map(|heading| blank(&joined(heading))).collect::<Vec<_>>().join("  "));
        }
        lines.push(String::new());
        lines.push(self.silent.zh.clone());
        lines.push(self.silent.en.clone());
        lines.push(String::new());
        lines.join("\n")
    }
}

fn joined(both: &Both) -> String {
    format!("{} {}", both.zh, both.en)
}

/// Values stand below each other and what goes on is indented, so that a value looks neither like a label nor like two.
fn fact_lines(fact: &Fact, lines: &mut Vec<String>) {
    let mut label = joined(&fact.label);
    for line in &fact.lines {
        let mut indent = "";
        for part in wrap(line.text(), WIDTH - VALUES - INDENT.len()) {
            lines.push(format!("{}{indent}{part}", pad(&label, VALUES)));
            label.clear();
            indent = INDENT;
        }
    }
}

fn hanging(number: &str, text: &str, lines: &mut Vec<String>) {
    let mut lead = pad(number, 3);
    for part in wrap(text, WIDTH - 3) {
        lines.push(format!("{lead}{part}"));
        lead = pad("", 3);
    }
}

/// A heading and a line to write on, in half the width.
fn blank(heading: &str) -> String {
    let room = (WIDTH - 2) / 2;
    format!("{heading} {}", "_".repeat(room.saturating_sub(heading.width_cjk() + 1)))
}

/// A time as `2026-11-26 22:01 UTC`.
pub(super) fn utc(time: Timestamp) -> String {
    let text = time.to_string();
    let part = |range| text.get(range).unwrap_or_default();
    format!("{} {} UTC", part(0..10), part(11..16))
}
