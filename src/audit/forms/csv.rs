//! CSV as RFC 4180 has it, twice: for spreadsheets, in which no cell may become a formula, and with nothing changed.

use std::io::{self, Write};

use super::fields::{COLUMNS, fields};
use super::{Form, Row};

/// Begins a file in UTF-8 for spreadsheets, which take it for another encoding otherwise.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The column of the lossless form that has the entry as it is stored.
const STORED: &str = "entry";

pub(super) fn begin(to: &mut impl Write, form: Form) -> io::Result<()> {
    let names = COLUMNS.iter().map(|(name, _)| (*name).to_owned());
    match form {
        Form::Csv => {
            to.write_all(BYTE_ORDER_MARK.as_bytes())?;
            record(to, names)
        }
        _ => record(to, names.chain([STORED.to_owned()])),
    }
}

pub(super) fn row(to: &mut impl Write, form: Form, row: &Row<'_>) -> io::Result<()> {
    let mut found = fields(row).into_iter().peekable();
    let cells = COLUMNS.iter().map(|(name, _)| {
        found.next_if(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default()
    });
    match form {
        Form::Csv => record(to, cells.map(harmless)),
        _ => record(to, cells.chain([row.stored()])),
    }
}

fn record(to: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let quoted = |cell: String| {
        if cell.contains(['"', ',', '\r', '\n']) || cell.starts_with('\'') {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    let line: Vec<String> = cells.map(quoted).collect();
    write!(to, "{}\r\n", line.join(","))
}

/// A text that a spreadsheet would take for a formula gets an apostrophe in front, which says that it is text. Wide forms count:
/// East Asian spreadsheets read them as the narrow ones.
fn harmless(cell: String) -> String {
    const BEGIN: [char; 13] = [
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{2212}', '|',
    ];
    // Blanks in front are skipped by some.
    if cell.trim_start_matches([' ', '\u{3000}', '\u{a0}']).starts_with(BEGIN) {
        format!("'{cell}")
    } else {
        cell
    }
}
