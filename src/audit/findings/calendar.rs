//! Days off, and days that are worked though they fall on a weekend.

use std::collections::BTreeSet;

use crate::time::Timestamp;

/// The longest list, in bytes.
pub const CALENDAR_LIMIT: usize = 1 << 20;
/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// The text is not a list of days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct BadCalendar {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// What kind of day it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    Working,
    Weekend,
    Holiday,
}

/// Holidays and make-up days, as an office lists them. Days are counted from 1970, where people are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    off: BTreeSet<i64>,
    worked: BTreeSet<i64>,
}

impl Calendar {
    /// Reads a list: on each line a day off as `2026-01-01`, or with a `+` before it a day that is worked though it falls on a
    /// weekend; after a blank whatever the list likes to say about it. Comments begin with `#`.
    ///
    /// # Errors
    /// [`BadCalendar`] with the first line that is not understood; a day that is both.
    pub fn parse(text: &str) -> Result<Self, BadCalendar> {
        let mut calendar = Self::default();
        if text.len() > CALENDAR_LIMIT {
            return Err(BadCalendar { line: 1, why: "the list is too long" });
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.split('#').next().unwrap_or("").trim();
            let Some(word) =
                content.split([' ', '\t', '\u{3000}', ',']).next().filter(|word| !word.is_empty())
            else {
                continue;
            };
            let (date, worked) = word.strip_prefix('+').map_or((word, false), |date| (date, true));
            let day = day_of(date)
                .ok_or(BadCalendar { line, why: "this does not begin with a day as 2026-01-01" })?;
            let (here, there) = if worked {
                (&mut calendar.worked, &calendar.off)
            } else {
                (&mut calendar.off, &calendar.worked)
            };
            if there.contains(&day) {
                return Err(BadCalendar { line, why: "the day is listed as worked and as off" });
            }
            here.insert(day);
        }
        Ok(calendar)
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.off.is_empty() && self.worked.is_empty()
    }

    pub(super) fn day(&self, day: i64, (saturday, sunday): (bool, bool)) -> Day {
        // 1 January 1970 was a Thursday.
        let weekend = match (day + 3).rem_euclid(7) {
            5 => saturday,
            6 => sunday,
            _ => false,
        };
        if self.off.contains(&day) {
            Day::Holiday
        } else if weekend && !self.worked.contains(&day) {
            Day::Weekend
        } else {
            Day::Working
        }
    }
}

/// Days since 1970 of a date as `2026-01-01`.
pub(super) fn day_of(date: &str) -> Option<i64> {
    let time: Timestamp = format!("{date}T00:00:00.000Z").parse().ok()?;
    Some(time.unix_ms().div_euclid(DAY_MS))
}

/// The date of a day.
pub(super) fn date_of(day: i64) -> String {
    Timestamp::from_unix_ms(day.saturating_mul(DAY_MS)).day()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_two_days_off_and_the_list_changes_that() {
        let list =
            "\u{feff}# 115年\n2026-01-01 開國紀念日\n\n2026-02-16,除夕\r\n+2026-02-07　補行上班 # ours\n";
        let calendar = Calendar::parse(list).unwrap();
        let kind = |date| calendar.day(day_of(date).unwrap(), (true, true));
        assert_eq!(kind("2026-01-01"), Day::Holiday);
        assert_eq!(kind("2026-02-16"), Day::Holiday);
        assert_eq!(
            (kind("2026-01-02"), kind("2026-01-03"), kind("2026-01-04")),
            (Day::Working, Day::Weekend, Day::Weekend)
        );
        // A Saturday that is worked.
        assert_eq!((kind("2026-02-07"), kind("2026-02-08")), (Day::Working, Day::Weekend));
        assert_eq!(calendar.day(day_of("2026-01-03").unwrap(), (false, true)), Day::Working);
        assert_eq!(calendar.day(day_of("2026-01-04").unwrap(), (true, false)), Day::Working);
        assert!(Calendar::parse("# nothing\n\n").unwrap().is_empty() && !calendar.is_empty());
        assert_eq!(date_of(day_of("2026-02-28").unwrap() + 1), "2026-03-01");
    }

    #[test]
    fn every_error_names_its_line() {
        let line = |text: &str| Calendar::parse(text).unwrap_err().line;
        assert_eq!(line("2026-01-01\n2026-02-29"), 2);
        assert_eq!(line("1/1"), 1);
        assert_eq!(line("# x\n\nNew Year 2026-01-01"), 3);
        assert_eq!(line("++2026-01-01"), 1);
        assert_eq!(line("2026-01-01\n+2026-01-01"), 2);
        assert_eq!(line("+2026-01-01\n2026-01-01"), 2);
        assert_eq!(line(&"#".repeat(CALENDAR_LIMIT + 1)), 1);
    }
}
