//! A report: how the log was judged, what it says, what of that is odd. HTML, JSON and CSV are made of the same one.

use serde::Serialize;
use serde_json::Value;

use super::findings::Finding;
use super::tally::{Account, Reconciliation};

/// A witness of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The name in its signature lines.
    pub name: String,
    /// The largest size that it signed.
    pub size: u64,
    /// When, in seconds since 1970.
    pub seconds: u64,
}

/// One epoch of a log, and what vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogBasis {
    /// Its name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root hash in base64.
    pub root: String,
    /// Entries covered by a signed checkpoint.
    pub signed_size: u64,
    /// Entries covered by enough witnesses.
    pub witnessed_size: u64,
    /// When the last of those signed, in seconds since 1970.
    pub witnessed_at: Option<u64>,
    /// The keys that its checkpoints were verified with.
    pub keys: Vec<String>,
    /// Who witnessed.
    pub witnesses: Vec<Seen>,
    /// How much more is not as it should be, of the kinds among the faults.
    pub unlisted: u64,
}

/// Something that is not as it should be in what was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What, as a code like `tampered.log`.
    pub code: String,
    /// About which document, note, or place in the log.
    pub object: String,
    /// More.
    pub detail: String,
}

/// The verdict and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Basis {
    /// `ok`, or `tampered`, `truncated`, `forked`, `damaged`, `unverifiable`, `stale`.
    pub verdict: String,
    /// The first entry that is not as it should be.
    pub first_bad: Option<u64>,
    /// What the verdict comes from.
    pub faults: Vec<Fault>,
    /// For a fork: the contradicting checkpoints, as notes.
    pub notes: Vec<String>,
    /// Work that a kill left.
    pub pending: Vec<String>,
    /// Every epoch, in order.
    pub logs: Vec<LogBasis>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// The verdict and what it rests on.
    pub basis: Basis,
    /// What the entries say.
    pub account: Account,
    /// What somebody should look at; none where no rules were asked.
    pub findings: Option<Vec<Finding>>,
    /// The other side of a channel; none where its evidence was not given.
    pub other: Option<Reconciliation>,
}

/// How many of the last entries nobody vouches for, and the word in the catalogue's keys for it.
pub fn uncovered(size: u64, covered: u64) -> (&'static str, u64) {
    let open = size.saturating_sub(covered);
    let how_many = match open {
        0 => "all",
        open if open == size => "none",
        _ => "not",
    };
    (how_many, open)
}

/// The name and version of the JSON form.
pub const SCHEMA: &str = "gapvault.audit.report/v1";

impl AuditReport {
    /// The same as a table of four columns, `section,item,field,value`, of everything that the JSON form has: a list's items
    /// are counted from 0. A value that a spreadsheet would take for a formula has an apostrophe before it.
    pub fn csv(&self) -> String {
        let mut out = String::from("section,item,field,value\r\n");
        line(&mut out, ["schema", "", "", SCHEMA]);
        let value = serde_json::to_value(self).unwrap_or_default();
        let Value::Object(parts) = value else { return out };
        for (part, value) in parts {
            let Value::Object(fields) = value else {
                rows(&mut out, &part, "", "", &value);
                continue;
            };
            for (name, value) in fields {
                rows(&mut out, &format!("{part}.{name}"), "", "", &value);
            }
        }
        out
    }
}

/// A value's leaves: the place in lists becomes the item, the names within it the field.
fn rows(out: &mut String, section: &str, item: &str, field: &str, value: &Value) {
    let join = |a: &str, b: &str| if a.is_empty() { b.to_owned() } else { format!("{a}.{b}") };
    match value {
        Value::Array(items) if field.is_empty() => {
            for (at, value) in items.iter().enumerate() {
                rows(out, section, &join(item, &at.to_string()), field, value);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                rows(out, section, item, &join(field, &at.to_string()), value);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                rows(out, section, item, &join(field, name), value);
            }
        }
        Value::Null => line(out, [section, item, field, ""]),
        Value::String(text) => line(out, [section, item, field, text]),
        other => line(out, [section, item, field, &other.to_string()]),
    }
}

fn line(out: &mut String, cells: [&str; 4]) {
    for (at, text) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        cell(out, text);
    }
    out.push_str("\r\n");
}

/// RFC 4180, and nothing that begins as a formula does.
fn cell(out: &mut String, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let apostrophe = if formula { "'" } else { "" };
    if text.contains([',', '"', '\r', '\n', '\'']) || formula {
        out.push_str(&format!("\"{apostrophe}{}\"", text.replace('"', "\"\"")));
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_no_formulas_and_keep_their_text() {
        let shown = |text: &str| {
            let mut out = String::new();
            cell(&mut out, text);
            out
        };
        assert_eq!(shown("plain"), "plain");
        assert_eq!(shown("a,b"), "\"a,b\"");
        assert_eq!(shown("say \"x\"\n"), "\"say \"\"x\"\"\n\"");
        for bad in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1"] {
            assert_eq!(shown(bad), format!("\"'{bad}\""));
        }
    }

    #[test]
    fn lists_become_items_and_names_become_fields() {
        let mut out = String::new();
        let value = serde_json::json!([{"a": 1, "b": {"c": [true, "x"]}}, null]);
        rows(&mut out, "s", "", "", &value);
        assert_eq!(out, "s,0,a,1\r\ns,0,b.c.0,true\r\ns,0,b.c.1,x\r\ns,1,,\r\n");
    }
}
