//! Text in columns. Characters of ambiguous width count two, as East Asian fonts draw them.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::words::screen;

/// Columns of a text slip.
pub(super) const WIDTH: usize = 72;
/// What a rule is made of.
pub(super) const RULE: &str = "=";
/// Shown for a text without anything visible.
const EMPTY: &str = "-";

/// Text from outside made harmless, in at most `width` columns and as many characters, with an ellipsis where
/// something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    let mut out = String::new();
    // One more character than there is room for tells that something is missing.
    let shown: String = text.trim().chars().take(width.saturating_add(1)).collect();
    for (index, c) in screen::escape(&shown).chars().enumerate() {
        out.push(c);
        if index >= width || out.width_cjk() > width {
            while out.width_cjk() + 2 > width || out.chars().count() >= width {
                if out.pop().is_none() {
                    break;
                }
            }
            out.push('…');
            return out;
        }
    }
    if out.is_empty() { EMPTY.to_owned() } else { out }
}

/// The text and spaces up to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width_cjk())))
}

/// The lines of a text, broken at spaces and beside wide characters, elsewhere only where a word is too long.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (spaced, atom) in atoms(text) {
        let joined =
            if spaced && !line.is_empty() { format!("{line} {atom}") } else { format!("{line}{atom}") };
        if joined.width_cjk() <= width {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in atom.chars() {
            line.push(c);
            if line.width_cjk() > width {
                line.pop();
                lines.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// What is kept together, and whether a space stands before it. Punctuation that closes stays with what it closes.
fn atoms(text: &str) -> Vec<(bool, String)> {
    let mut atoms = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut atom = String::new();
        let mut spaced = true;
        let mut last = ' ';
        for c in word.chars() {
            let apart = (is_wide(last) || is_wide(c)) && !is_closing(c) && !is_opening(last);
            if apart && !atom.is_empty() {
                atoms.push((spaced, std::mem::take(&mut atom)));
                spaced = false;
            }
            atom.push(c);
            last = c;
        }
        atoms.push((spaced, atom));
    }
    atoms
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

fn is_closing(c: char) -> bool {
    matches!(c, '，' | '。' | '、' | '；' | '：' | '）' | '」' | '』' | '？' | '！') || c.width() == Some(0)
}

fn is_opening(c: char) -> bool {
    matches!(c, '（' | '「' | '『')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_break_at_spaces_and_beside_wide_characters() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("請立即通報。", 4), ["請立", "即通", "報。"]);
        assert_eq!(wrap("請立即。好", 6), ["請立", "即。好"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("王小明", 6), "王小明");
        assert_eq!(cut("王小明明", 6), "王小…");
        assert_eq!(cut("abcdefg", 6), "abcd…");
        assert_eq!(cut(" \t ", 6), "-");
        assert_eq!(cut("a\u{301}\u{301}\u{301}\u{301}", 4).chars().count(), 4);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide(text in "\\PC{0,200}|.{0,40}", width in 4_usize..60) {
            for line in wrap(&screen::escape(&text), width) {
                prop_assert!(line.width_cjk() <= width, "{line:?}");
            }
            let cut = cut(&text, width);
            prop_assert!(cut.width_cjk() <= width && cut.chars().count() <= width, "{cut:?}");
            prop_assert!(!cut.chars().any(char::is_control));
        }
    }
}
