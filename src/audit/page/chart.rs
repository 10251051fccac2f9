//! Pictures as inline SVG: 360 units wide, so that their letters can be read on a telephone. No script, no style of their own.

use std::fmt::Write as _;

/// Width of every picture, in its own units.
const WIDTH: usize = 360;
/// Where bars over time begin, and how high the highest is.
const LEFT: usize = 36;
const HIGH: usize = 110;
const TOP: usize = 14;
/// A row of a picture with bars that lie.
const ROW: usize = 32;
/// Columns of text that fit into a row.
const COLUMNS: usize = 44;

/// A bar: what it is, how much of it went well, and how much did not.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) ok: u64,
    pub(super) no: u64,
}

impl Bar {
    pub(super) fn all(&self) -> u64 {
        self.ok.saturating_add(self.no)
    }
}

/// A number's share of so many units, in tenths of one.
fn scaled(value: u64, most: u64, units: usize) -> usize {
    let tenths = u128::from(value) * (units as u128 * 10) / u128::from(most.max(1));
    usize::try_from(tenths).unwrap_or(0)
}

/// The five characters that mean something in markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text in so many columns; East Asian letters count two.
fn cut(text: &str, columns: usize) -> String {
    use unicode_width::UnicodeWidthChar as _;
    let mut used = 0;
    let mut out = String::new();
    for c in text.chars() {
        used += c.width_cjk().unwrap_or(0);
        if used > columns {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

fn open(id: &str, height: usize, title: &str, says: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" \
         xmlns=\"http://www.w3.org/2000/svg\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
        escaped(title),
        escaped(says)
    )
}

/// Standing bars over time, with the highest number at the left and the first, middle and last label below.
pub(super) fn standing(id: &str, title: &str, says: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(Bar::all).max().unwrap_or(0);
    let mut out = open(id, TOP + HIGH + 24, title, says);
    let floor = TOP + HIGH;
    let _ = write!(
        out,
        "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{floor}\" x2=\"{WIDTH}\" y2=\"{floor}\"/>\
         <line class=\"axis\" x1=\"{LEFT}\" y1=\"{TOP}\" x2=\"{WIDTH}\" y2=\"{TOP}\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most}</text><text x=\"{}\" y=\"{floor}\" text-anchor=\"end\">0</text>",
        LEFT - 4,
        TOP + 4,
        LEFT - 4
    );
    let room = (WIDTH - LEFT) * 10 / bars.len().max(1);
    let wide = (room * 8 / 10).clamp(10, 400);
    for (at, bar) in bars.iter().enumerate() {
        let x = LEFT * 10 + at * room + room.saturating_sub(wide) / 2;
        let (x, width) = (tenths(x), tenths(wide));
        let _ = write!(out, "<g><title>{}: {}</title>", escaped(&bar.label), bar.all());
        for (class, value) in [("ok", bar.all()), ("no", bar.no)] {
            let high = scaled(value, most, HIGH);
            if high > 0 {
                let (y, height) = (tenths(floor * 10 - high), tenths(high));
                let _ = write!(
                    out,
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
                );
            }
        }
        out.push_str("</g>");
    }
    let base = floor + 16;
    let first = bars.first().map(|bar| bar.label.as_str()).unwrap_or_default();
    let _ = write!(out, "<text x=\"{LEFT}\" y=\"{base}\">{}</text>", escaped(first));
    if let Some(last) = bars.last().filter(|_| bars.len() > 1) {
        let _ = write!(
            out,
            "<text x=\"{WIDTH}\" y=\"{base}\" text-anchor=\"end\">{}</text>",
            escaped(&last.label)
        );
    }
    out.push_str("</svg>");
    out
}

fn tenths(number: usize) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// Lying bars, each below its label.
pub(super) fn lying(id: &str, title: &str, says: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(Bar::all).max().unwrap_or(0);
    let mut out = open(id, bars.len() * ROW + 4, title, says);
    for (at, bar) in bars.iter().enumerate() {
        let top = at * ROW;
        let all = tenths(scaled(bar.all(), most, WIDTH - 60));
        let _ = write!(
            out,
            "<text x=\"0\" y=\"{}\">{}</text><text x=\"{WIDTH}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect class=\"ok\" x=\"0\" y=\"{}\" width=\"{all}\" height=\"11\"/>",
            top + 12,
            escaped(&cut(&bar.label, COLUMNS)),
            top + 26,
            bar.all(),
            top + 17,
        );
        if bar.no > 0 {
            let no = tenths(scaled(bar.no, most, WIDTH - 60));
            let _ =
                write!(out, "<rect class=\"no\" x=\"0\" y=\"{}\" width=\"{no}\" height=\"11\"/>", top + 17);
        }
    }
    out.push_str("</svg>");
    out
}

/// A square for each hour of each weekday.
pub(super) fn week(id: &str, title: &str, says: &str, days: &[String; 7], hours: &[[u64; 24]; 7]) -> String {
    const CELL: usize = 13;
    let most = hours.iter().flatten().copied().max().unwrap_or(0);
    let left = WIDTH - 24 * CELL;
    let mut out = open(id, 7 * CELL + 22, title, says);
    for (row, (day, hours)) in days.iter().zip(hours).enumerate() {
        let y = row * CELL;
        let _ = write!(out, "<text x=\"0\" y=\"{}\">{}</text>", y + 10, escaped(day));
        for (hour, count) in hours.iter().enumerate() {
            let _ = write!(
                out,
                "<rect class=\"{}\" x=\"{}\" y=\"{y}\" width=\"12\" height=\"12\"><title>{} {hour:02}:00 {count}</title></rect>",
                level(*count, most),
                left + hour * CELL,
                escaped(day)
            );
        }
    }
    for hour in [0, 6, 12, 18] {
        let _ = write!(out, "<text x=\"{}\" y=\"{}\">{hour:02}</text>", left + hour * CELL, 7 * CELL + 14);
    }
    let _ = write!(out, "<text x=\"{WIDTH}\" y=\"{}\" text-anchor=\"end\">23</text></svg>", 7 * CELL + 14);
    out
}

/// None, or which quarter of the most.
fn level(count: u64, most: u64) -> &'static str {
    match (count, u128::from(count) * 4 / u128::from(most.max(1))) {
        (0, _) => "h0",
        (_, 0) => "h1",
        (_, 1) => "h2",
        (_, 2) => "h3",
        _ => "h4",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_room_however_large() {
        assert_eq!(scaled(u64::MAX, u64::MAX, 110), 1100);
        assert_eq!(tenths(scaled(1, 3, 110)), "36.6");
        assert_eq!(scaled(0, 0, 110), 0);
        assert_eq!((level(0, 9), level(1, 9), level(9, 9), level(5, 9)), ("h0", "h1", "h4", "h3"));
    }

    #[test]
    fn labels_are_no_markup() {
        let bar = |label: &str| Bar { label: label.to_owned(), ok: 1, no: 1 };
        for svg in [
            lying("a", "<b>", "\"", &[bar("<script>&'")]),
            standing("a", "<b>", "\"", &[bar("<script>&'"), bar("x")]),
        ] {
            assert!(!svg.contains("<script") && !svg.contains("<b>"), "{svg}");
            assert!(svg.contains("&lt;script&gt;&amp;&#39;"), "{svg}");
        }
        assert_eq!(cut("中文中文", 5), "中文…");
        assert_eq!(cut("abc", 5), "abc");
    }
}
