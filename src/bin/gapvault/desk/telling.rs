//! What the person is told: answers on standard output, everything else on standard error.

use std::io::IsTerminal as _;

use gapvault::answer::{Progress, Report};
use gapvault::fault::{Code, Error};
use gapvault::time::Timestamp;
use gapvault::words::screen;

use super::Desk;
use crate::{errors, output, progress, table};

impl Desk {
    /// Tells the person something on standard error, unless nobody wants to hear.
    pub(crate) fn say(&self, key: &str, facts: &[(&str, String)]) {
        if !self.quiet && !self.json {
            output::note(&self.words.text(key, &escaped(facts)));
        }
    }

    /// Tells a line of a longer story on standard output, while a person reads along.
    pub(crate) fn say_line(&self, line: &str) {
        if !self.quiet && !self.json {
            // A reader that left is noticed at the last line, which tells of success.
            let _ = output::lines(&[line.to_owned()]);
        }
    }

    /// Whether the caller wants JSON on standard output.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The tag of the language.
    pub(crate) fn tag(&self) -> &'static str {
        self.lang.as_str()
    }

    /// Tells the person something that `--quiet` does not silence.
    pub(crate) fn warn(&self, key: &str, facts: &[(&str, String)]) {
        if !self.json {
            output::note(&self.words.text(key, &escaped(facts)));
        }
    }

    /// Tells of a thing among others that failed.
    pub(crate) fn failed(&self, what: &str, code: Code) {
        if !self.json {
            let escaped = screen::escape(what);
            let facts = [("path", escaped.clone()), ("id", escaped.clone()), ("detail", escaped.clone())];
            let message = errors::sentence(&self.words, code, &facts);
            // Many a sentence names the thing itself.
            let key = if message.contains(&escaped) { "say-error" } else { "say-failed" };
            let facts = [("what", escaped), ("message", message), ("code", code.to_string())];
            output::note(&self.words.text(key, &facts));
        }
    }

    /// Answers: the report as JSON, or the lines that `human` makes of it.
    pub(crate) fn answer<R: Report>(
        &self,
        report: &R,
        human: impl FnOnce(&Self) -> Vec<String>,
    ) -> Result<(), Error> {
        if self.json { output::report(report) } else { output::lines(&human(self)) }
    }

    /// Answers where standard output holds a document: on standard error.
    pub(crate) fn answer_aside<R: Report>(&self, report: &R, human: impl FnOnce(&Self)) -> Result<(), Error> {
        if self.json {
            return output::object(&mut std::io::stderr().lock(), report).map_err(output::failed);
        }
        human(self);
        Ok(())
    }

    /// A text with its facts made harmless for a terminal.
    pub(crate) fn text(&self, key: &str, facts: &[(&str, String)]) -> String {
        self.words.text(key, &escaped(facts))
    }

    /// Facts one below the other, each after its heading.
    pub(crate) fn facts(&self, facts: &[(&str, String)]) -> Vec<String> {
        let headings: Vec<String> =
            facts.iter().map(|(name, _)| self.words.text(&format!("col-{name}"), &[])).collect();
        table::pairs(&headings, facts.iter().map(|(_, value)| value.as_str()))
    }

    /// Headings of a table.
    pub(crate) fn headings(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.words.text(&format!("col-{name}"), &[])).collect()
    }

    /// The word for a value: `class-critical`, `role-clerk` …; a value without a word stands for itself.
    pub(crate) fn value(&self, kind: &str, value: &str) -> String {
        let key = format!("{kind}-{}", value.replace('.', "-"));
        errors::known(&self.words, &key, &[]).unwrap_or_else(|| value.to_owned())
    }

    /// Columns of the terminal on standard output, if it is one.
    pub(crate) fn width(&self) -> Option<usize> {
        let out = std::io::stdout();
        if self.plain || !out.is_terminal() {
            return None;
        }
        rustix::termios::tcgetwinsize(&out)
            .ok()
            .map(|size| usize::from(size.ws_col))
            .filter(|columns| *columns > 0)
    }

    /// A progress bar, or none.
    pub(crate) fn progress(&self) -> Box<dyn Progress> {
        progress::choose(&self.words, !self.quiet && !self.json && !self.plain)
    }

    /// How many people, in a sentence.
    pub(crate) fn text_of_count(&self, count: u32) -> String {
        if count == 0 { self.text("say-nobody", &[]) } else { count.to_string() }
    }

    /// A size as people read it.
    pub(crate) fn size(&self, bytes: u64) -> String {
        screen::size(bytes)
    }

    /// A time as people read it, in their time zone.
    pub(crate) fn date(&self, time: Timestamp) -> String {
        screen::date(time, self.lang)
    }
}

fn escaped<'a>(facts: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
    facts.iter().map(|(name, value)| (*name, screen::escape(value))).collect()
}
