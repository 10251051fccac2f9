//! RFC 5424: one message on each line, the entry's values as structured data, the entry itself as the message.

use std::io::{self, Write};

use super::Row;
use super::fields::fields;
use crate::log::entry::Outcome;

/// The id of our structured data. 32473 is the enterprise number that RFC 5612 sets aside for documentation: we have none.
pub const SD_ID: &str = "gapvault@32473";
/// The facility "log audit".
const FACILITY: u8 = 13;
/// Values that help to find a message; the rest is in the entry.
const PARAMS: [&str; 16] = [
    "vault",
    "epoch",
    "seq",
    "category",
    "phase",
    "ref",
    "outcome",
    "reason",
    "actor.id",
    "actor.name",
    "actor.role",
    "object.kind",
    "object.id",
    "object.title",
    "object.class",
    "zone",
];

pub(super) fn row(to: &mut impl Write, row: &Row<'_>) -> io::Result<()> {
    let entry = row.entry;
    let severity = match entry.outcome() {
        Outcome::Ok => 6,
        Outcome::Denied => 4,
        Outcome::Failed => 3,
    };
    let (priority, time, host) = (FACILITY * 8 + severity, entry.time(), entry.host());
    write!(to, "<{priority}>1 {time} {host} gapvault {} {} [{SD_ID}", entry.session(), entry.event())?;
    for (name, text) in fields(row) {
        if PARAMS.contains(&name) {
            write!(to, " {name}=\"{}\"", value(&text))?;
        }
    }
    writeln!(to, "] {}", row.stored())
}

/// A value: quotes, backslashes and brackets escaped. Other controls cannot be escaped, and would end the line.
fn value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' | ']' => out.extend(['\\', c]),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
