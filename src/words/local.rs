//! The time of day and the calendar where people are: what "at night" and "on a Sunday" mean depends on it.

use std::fmt;
use std::str::FromStr;

use super::Lang;
use crate::time::Timestamp;

/// A day of the calendar, as `2026-11-23`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(jiff::civil::Date);

impl Day {
    /// The year.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The month, from 1.
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The next day; the last one that four digits can say has none.
    pub fn next(self) -> Option<Self> {
        self.0.tomorrow().ok().map(Self)
    }

    /// Its place in a count of days, from 1970 on.
    pub fn number(self) -> i64 {
        self.days_since(Self(jiff::civil::date(1970, 1, 1)))
    }

    /// So many days later than another one; less than nothing where it is earlier.
    pub fn days_since(self, earlier: Self) -> i64 {
        i64::from((self.0 - earlier.0).get_days())
    }

    /// So many calendar months earlier.
    pub fn months_before(self, months: i32) -> Self {
        let span = jiff::Span::new().try_months(months);
        Self(span.and_then(|span| self.0.checked_sub(span)).unwrap_or(jiff::civil::Date::ZERO))
    }

    /// The day in the years of the republic, as 民國115年11月23日; none before its first.
    pub fn republic(self) -> Option<String> {
        let year = i32::from(self.year()) - 1911;
        (year >= 1).then(|| format!("民國{year}年{}月{}日", self.month(), self.0.day()))
    }

    /// The day as people read it, with the year of the republic where that is the custom.
    pub fn shown(self, lang: Lang) -> String {
        match self.republic().filter(|_| lang == Lang::ZhTw) {
            Some(republic) => format!("{self}（{republic}）"),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

/// The text is no day as `2026-11-23`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a day as YYYY-MM-DD")]
pub struct BadDay;

impl FromStr for Day {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        let day = Self(text.parse().map_err(|_| BadDay)?);
        // Printing it again settles the spellings that a calendar also knows.
        if day.to_string() == text { Ok(day) } else { Err(BadDay) }
    }
}

impl serde::Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A point in time where people are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// The day.
    pub day: Day,
    /// 0 for Monday.
    pub weekday: u8,
    /// From 0 to 23.
    pub hour: u8,
    /// From 0 to 59.
    pub minute: u8,
}

/// A time zone.
#[derive(Debug, Clone)]
pub struct TimeZone(jiff::tz::TimeZone);

impl TimeZone {
    /// That of the machine.
    pub fn system() -> Self {
        Self(jiff::tz::TimeZone::system())
    }

    /// Universal time.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }

    /// A fixed number of hours ahead of universal time; beyond a day it is universal time itself.
    pub fn ahead(hours: i8) -> Self {
        let offset = jiff::tz::Offset::from_hours(hours);
        Self(offset.map_or(jiff::tz::TimeZone::UTC, jiff::tz::TimeZone::fixed))
    }

    /// What the clock on the wall says.
    pub fn local(&self, time: Timestamp) -> Local {
        let stamp = jiff::Timestamp::from_millisecond(time.unix_ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let local = self.0.to_datetime(stamp);
        let small = |number: i8| u8::try_from(number).unwrap_or(0);
        Local {
            day: Day(local.date()),
            weekday: small(local.weekday().to_monday_zero_offset()),
            hour: small(local.hour()),
            minute: small(local.minute()),
        }
    }

    /// How far it is ahead of universal time then, as `UTC+08:00`.
    pub fn offset(&self, time: Timestamp) -> String {
        let stamp = jiff::Timestamp::from_millisecond(time.unix_ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let seconds = self.0.to_offset(stamp).seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// Date and time as people read them.
    pub fn shown(&self, time: Timestamp, lang: Lang) -> String {
        super::screen::date_in(time, lang, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_evening_of_a_sunday_is_the_morning_of_a_monday_further_east() {
        let sunday = time("2026-11-22T23:30:00.000Z");
        let at = TimeZone::utc().local(sunday);
        assert_eq!((at.day.to_string().as_str(), at.weekday, at.hour, at.minute), ("2026-11-22", 6, 23, 30));
        let at = TimeZone::ahead(8).local(sunday);
        assert_eq!((at.day.to_string().as_str(), at.weekday, at.hour), ("2026-11-23", 0, 7));
        assert_eq!(TimeZone::ahead(8).offset(sunday), "UTC+08:00");
        assert_eq!(TimeZone::ahead(-3).offset(sunday), "UTC-03:00");
    }

    #[test]
    fn days_are_read_in_one_spelling_and_counted() {
        let day: Day = "2026-02-28".parse().unwrap();
        assert_eq!(day.next().unwrap().to_string(), "2026-03-01");
        assert_eq!(day.next().unwrap().days_since(day), 1);
        assert_eq!("2026-08-31".parse::<Day>().unwrap().months_before(6).to_string(), "2026-02-28");
        assert_eq!(day.shown(Lang::ZhTw), "2026-02-28（民國115年2月28日）");
        assert_eq!(day.shown(Lang::En), "2026-02-28");
        for bad in ["2026-02-29", "20260228", "2026-2-28", "2026-02-28T00:00:00", "", "yesterday"] {
            assert_eq!(bad.parse::<Day>(), Err(BadDay), "{bad}");
        }
    }

    #[test]
    fn the_ends_of_time_do_no_harm() {
        for ms in [i64::MIN, i64::MAX] {
            for zone in [TimeZone::utc(), TimeZone::ahead(14), TimeZone::ahead(-12)] {
                let _ = zone.local(Timestamp::from_unix_ms(ms)).day.next();
            }
        }
    }
}
