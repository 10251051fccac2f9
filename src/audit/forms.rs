//! Entries as other programs read them: CSV, JSON, and what monitoring systems take. `docs/QUERY.md` says for each form what
//! stands where. Writers only; what is written is what the entry says, and who and what it was as far as that is known.

mod cef;
mod csv;
mod ecs;
mod fields;
mod json;
mod ocsf;
mod syslog;

use std::io::{self, Write};

use crate::id::VaultId;
use crate::label::labels;
use crate::log::entry::{Entry, Outcome, Phase};

pub use ecs::VERSION as ECS_VERSION;
pub use ocsf::VERSION as OCSF_VERSION;
pub use syslog::SD_ID;

labels!(
    /// A form in which entries are written.
    Form {
        /// One JSON object.
        Json = "json",
        /// One JSON object on each line.
        JsonLines = "jsonl",
        /// RFC 4180 for spreadsheets: no cell is a formula.
        Csv = "csv",
        /// RFC 4180 with every value as it is, and the entry as it is stored.
        CsvLossless = "csv-lossless",
        /// ArcSight's Common Event Format, version 0.
        Cef = "cef",
        /// Open Cybersecurity Schema Framework, one JSON object on each line.
        Ocsf = "ocsf",
        /// Elastic Common Schema, one JSON object on each line.
        Ecs = "ecs",
        /// RFC 5424, one message on each line.
        Syslog = "syslog",
    }
);

/// What entries are written with: which vault, and how they were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The vault.
    pub vault: VaultId,
    /// How they were found: `index`, `log` or `evidence`.
    pub source: &'static str,
    /// What the log was judged to be, where all of it was read.
    pub verdict: Option<String>,
    /// How many entries follow.
    pub count: u64,
}

/// An entry, and what its ids stand for.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The vault.
    pub vault: VaultId,
    /// The epoch of its log.
    pub epoch: u64,
    /// The entry.
    pub entry: &'a Entry,
    /// The name of whoever did it, as the newest roster that knows the member has it.
    pub name: Option<&'a str>,
    /// The title of the document, for those who may see it.
    pub title: Option<&'a str>,
}

impl Row<'_> {
    /// An id that no other entry of any vault has.
    fn uid(&self) -> String {
        format!("{}/{}/{}", self.vault, self.epoch, self.entry.seq())
    }

    /// The line as it is stored: canonical JSON, which is ASCII.
    fn stored(&self) -> String {
        String::from_utf8_lossy(&self.entry.to_bytes()).into_owned()
    }

    /// Whether it went well; `None` where it had not happened yet.
    fn went_well(&self) -> Option<bool> {
        match (self.entry.outcome(), self.entry.phase()) {
            (Outcome::Ok, Phase::Intent) => None,
            (outcome, _) => Some(outcome == Outcome::Ok),
        }
    }
}

/// Writes entries in one form.
#[derive(Debug)]
pub struct FormWriter<W> {
    form: Form,
    to: W,
    rows: u64,
}

impl<W: Write> FormWriter<W> {
    /// Begins: whatever stands before the entries.
    pub fn begin(form: Form, mut to: W, head: &Head) -> io::Result<Self> {
        match form {
            Form::Json => json::begin(&mut to, head)?,
            Form::Csv | Form::CsvLossless => csv::begin(&mut to, form)?,
            _ => {}
        }
        Ok(Self { form, to, rows: 0 })
    }

    /// Writes an entry.
    pub fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        let to = &mut self.to;
        match self.form {
            Form::Json => {
                to.write_all(if self.rows == 0 { b"" } else { b"," })?;
                json::row(to, row)?;
            }
            Form::JsonLines => {
                json::row(to, row)?;
                to.write_all(b"\n")?;
            }
            Form::Csv | Form::CsvLossless => csv::row(to, self.form, row)?,
            Form::Cef => cef::row(to, row)?,
            Form::Ocsf => json::line(to, &ocsf::event(row))?,
            Form::Ecs => json::line(to, &ecs::event(row))?,
            Form::Syslog => syslog::row(to, row)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends: whatever stands after the entries. Gives back what was written to.
    pub fn end(mut self) -> io::Result<W> {
        if self.form == Form::Json {
            json::end(&mut self.to)?;
        }
        self.to.flush()?;
        Ok(self.to)
    }
}

#[cfg(test)]
mod tests;
