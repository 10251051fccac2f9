//! Points in time, as data. No clock is read here: whoever needs "now" is handed a [`Clock`].

use std::fmt;
use std::str::FromStr;

/// The text is not a time in the one spelling that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time as YYYY-MM-DDTHH:MM:SS.mmmZ")]
pub struct BadTime;

/// Milliseconds since 1970 in UTC, written as RFC 3339 with exactly three decimals: `2026-11-23T08:00:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The years 0001 to 9999; a clock outside them is pulled to the nearer end.
const FIRST: i64 = -62_135_596_800_000;
const LAST: i64 = 253_402_300_799_999;

impl Timestamp {
    /// From milliseconds since 1970; what four-digit years cannot say is pulled to the nearer end.
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(FIRST, LAST))
    }

    /// Milliseconds since 1970.
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// The text. A log has millions of times, so it is put together without the formatting machinery.
    fn text(self) -> [u8; 24] {
        let (seconds, ms) = (self.0.div_euclid(1000), self.0.rem_euclid(1000));
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let mut out = *b"0000-00-00T00:00:00.000Z";
        let mut put = |last: usize, len: usize, number: i64| {
            let mut rest = number;
            for slot in out.iter_mut().take(last).rev().take(len) {
                *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
                rest /= 10;
            }
        };
        put(4, 4, year);
        put(7, 2, month);
        put(10, 2, day);
        put(13, 2, second / 3600);
        put(16, 2, second / 60 % 60);
        put(19, 2, second % 60);
        put(23, 3, ms);
        out
    }

    /// The day in UTC, as `2026-11-23`.
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl FromStr for Timestamp {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let field = |from: usize, to: usize| -> Result<i64, BadTime> {
            let digits = text.get(from..to).ok_or(BadTime)?;
            if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(BadTime);
            }
            digits.parse().map_err(|_| BadTime)
        };
        let days = days_from_civil(field(0, 4)?, field(5, 7)?, field(8, 10)?);
        let seconds = field(11, 13)? * 3600 + field(14, 16)? * 60 + field(17, 19)?;
        let time = Self::from_unix_ms((days * 86_400 + seconds) * 1000 + field(20, 23)?);
        // Printing it again settles what the fields alone do not: separators, 31 February, hour 24.
        if time.text() == text.as_bytes() { Ok(time) } else { Err(BadTime) }
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Days since 1970 of a date in the proleptic Gregorian calendar, counting years from March so that the
/// leap day comes last (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// What a clock says: the time of day, and a second reading that nobody can set back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub time: Timestamp,
    /// Which start of the machine the second reading counts from; empty where unknown.
    pub boot: String,
    /// Milliseconds since that start.
    pub mono_ms: u64,
}

/// Where "now" comes from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Moment;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_reads_as_it_prints() {
        for day in -146_097..146_097 {
            let time = Timestamp::from_unix_ms(day * 86_400_000 + 1);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn known_dates() {
        assert_eq!(Timestamp::from_unix_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_unix_ms(951_782_400_000).to_string(), "2000-02-29T00:00:00.000Z");
        assert_eq!(Timestamp::from_unix_ms(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_unix_ms(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_unix_ms(i64::MIN).to_string(), "0001-01-01T00:00:00.000Z");
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in [
            "2026-02-29T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:00:60.000Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01 00:00:00.000Z",
            "2026-01-01T00:00:00.000+00:00",
            "2026-1-01T00:00:00.000Z",
            "2026-01-01T00:00:00.0000Z",
            "+026-01-01T00:00:00.000Z",
            "",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(BadTime), "{bad}");
        }
    }
}
