//! JSON: one object, or one for each entry. The entry stands in it byte for byte as it is stored.

use std::io::{self, Write};

use serde::Serialize;

use super::{Head, Row};

/// The schema of the one object.
const SCHEMA: &str = "gapvault.audit.query/v1";

#[derive(Serialize)]
struct Begin<'a> {
    schema: &'static str,
    vault: String,
    source: &'static str,
    verdict: Option<&'a str>,
    count: u64,
}

pub(super) fn begin(to: &mut impl Write, head: &Head) -> io::Result<()> {
    let begin = Begin {
        schema: SCHEMA,
        vault: head.vault.to_string(),
        source: head.source,
        verdict: head.verdict.as_deref(),
        count: head.count,
    };
    let text = serde_json::to_string(&begin)?;
    write!(to, "{},\"entries\":[", text.trim_end_matches('}'))
}

pub(super) fn row(to: &mut impl Write, row: &Row<'_>) -> io::Result<()> {
    write!(to, "{{\"vault\":\"{}\",\"epoch\":{},\"name\":", row.vault, row.epoch)?;
    serde_json::to_writer(&mut *to, &row.name)?;
    to.write_all(b",\"title\":")?;
    serde_json::to_writer(&mut *to, &row.title)?;
    to.write_all(b",\"entry\":")?;
    to.write_all(&row.entry.to_bytes())?;
    to.write_all(b"}")
}

pub(super) fn end(to: &mut impl Write) -> io::Result<()> {
    to.write_all(b"]}\n")
}

/// A line of JSON.
pub(super) fn line(to: &mut impl Write, value: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}
