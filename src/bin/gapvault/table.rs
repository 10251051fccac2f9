//! Tables that stay straight with East Asian text.

use gapvault::words::screen;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Cells are parted by this many spaces.
const GAP: usize = 2;
/// No column is cut to less than this many columns of the terminal.
const NARROWEST: usize = 4;

/// Rows under headings. Every cell is escaped when it enters.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with its headings.
    pub(crate) fn new(headings: Vec<String>) -> Self {
        Self { rows: vec![headings] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| screen::escape(cell)).collect());
    }

    /// The lines, cut to `width` terminal columns if there is a terminal.
    pub(crate) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let widths = fit(self.natural(), width);
        self.rows.iter().map(|row| line(row, &widths)).collect()
    }

    fn natural(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell: &String| cell.width()).max()
        };
        (0..columns).map(|column| widest(column).unwrap_or(0)).collect()
    }
}

/// Takes from the widest column, one by one, until everything fits or nothing more can be taken.
fn fit(mut widths: Vec<usize>, limit: Option<usize>) -> Vec<usize> {
    let Some(limit) = limit else { return widths };
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > limit {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let cell = cut(cell, *width);
        text.push_str(&cell);
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
    }
    text.truncate(text.trim_end().len());
    text
}

/// One line for each heading and its value, the values below each other. Nothing is cut.
pub(crate) fn pairs<'a>(headings: &[String], values: impl Iterator<Item = &'a str>) -> Vec<String> {
    let width = headings.iter().map(|heading| heading.width()).max().unwrap_or(0);
    let pad = |heading: &String| " ".repeat(width.saturating_sub(heading.width()) + GAP);
    headings
        .iter()
        .zip(values)
        .map(|(heading, value)| format!("{heading}{}{}", pad(heading), screen::escape(value)))
        .collect()
}

/// The text in at most `width` columns, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec!["id".into(), "標題".into(), "size".into()]);
        table.row(vec!["3f00".into(), "人員名冊".into(), "12".into()]);
        table.row(vec!["3f01".into(), "a\u{1b}[2Jb".into(), "3456".into()]);
        table
    }

    #[test]
    fn columns_are_straight_with_wide_text() {
        let lines = table().lines(None);
        let column = |line: &str, word: &str| line.split(word).next().unwrap().width();
        assert_eq!(column(&lines[0], "size"), column(&lines[1], "12"));
        assert_eq!(column(&lines[0], "標題"), column(&lines[1], "人員名冊"));
        assert!(lines.iter().all(|line| !line.contains('\u{1b}') && !line.ends_with(' ')));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 16..60 {
            for line in table().lines(Some(width)) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
        // Narrower than any table can be: it stays readable rather than empty.
        assert!(table().lines(Some(1)).iter().all(|line| !line.is_empty()));
    }

    #[test]
    fn a_cut_never_splits_a_wide_character() {
        assert_eq!(cut("人員名冊", 8), "人員名冊");
        assert_eq!(cut("人員名冊", 7), "人員名…");
        assert_eq!(cut("人員名冊", 6), "人員…");
        assert_eq!(cut("人員", 0), "…");
    }
}
