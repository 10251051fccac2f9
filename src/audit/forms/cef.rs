//! ArcSight's Common Event Format, version 0: a header of eight fields and pairs of keys and values.

use std::io::{self, Write};

use super::Row;
use super::fields::fields;
use crate::log::entry::Outcome;

/// Keys of the format for our fields. What it has none for goes into its custom ones, which have labels.
const KEYS: [(&str, &str); 12] = [
    ("event", "act"),
    ("category", "cat"),
    ("outcome", "outcome"),
    ("reason", "reason"),
    ("actor.id", "suid"),
    ("actor.name", "suser"),
    ("actor.role", "spriv"),
    ("object.id", "fileId"),
    ("object.kind", "fileType"),
    ("object.title", "fname"),
    ("object.size", "fsize"),
    ("host", "dvchost"),
];

/// Custom keys; each has its label beside it.
const CUSTOM: [(&str, &str); 9] = [
    ("vault", "cs1"),
    ("object.class", "cs2"),
    ("phase", "cs3"),
    ("zone", "cs4"),
    ("session", "cs5"),
    ("detail.code", "cs6"),
    ("epoch", "cn1"),
    ("seq", "cn2"),
    ("ref", "cn3"),
];

pub(super) fn row(to: &mut impl Write, row: &Row<'_>) -> io::Result<()> {
    let entry = row.entry;
    let severity = match entry.outcome() {
        Outcome::Ok => 1,
        Outcome::Failed => 5,
        Outcome::Denied => 7,
    };
    let (version, event) = (header(env!("CARGO_PKG_VERSION")), header(entry.event().as_str()));
    let name = header(&format!("{} {}", entry.event(), entry.outcome()));
    write!(to, "CEF:0|gapvault|gapvault|{version}|{event}|{name}|{severity}|")?;
    write!(to, "rt={} externalId={}", entry.time().unix_ms(), extension(&row.uid()))?;
    for (field, text) in fields(row) {
        let of =
            |keys: &[(&str, &'static str)]| keys.iter().find(|(name, _)| *name == field).map(|(_, key)| *key);
        if let Some(key) = of(&KEYS) {
            write!(to, " {key}={}", extension(&text))?;
        } else if let Some(key) = of(&CUSTOM) {
            write!(to, " {key}={} {key}Label={field}", extension(&text))?;
        }
    }
    to.write_all(b"\n")
}

/// A field of the header: one line, bars and backslashes escaped.
fn header(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('\\', "\\\\")
        .replace('|', "\\|")
}

/// A value: equals signs and backslashes escaped, line ends as letters, which is all that the format can say of controls.
fn extension(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '=' => out.push_str("\\="),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
