//! Values as a person sees them on a screen.

use super::Lang;
use crate::time::Timestamp;

/// Text from outside made harmless: control, bidirectional and invisible characters become visible escapes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that change how others are shown, or hide.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}'
            | '\u{061c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Bytes in the unit that leaves one to four digits.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("EiB");
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// A date and time in a time zone, with the 民國 year where that is the custom.
pub fn date_in(time: Timestamp, lang: Lang, zone: &jiff::tz::TimeZone) -> String {
    let Ok(stamp) = jiff::Timestamp::from_millisecond(time.unix_ms()) else { return time.to_string() };
    let local = stamp.to_zoned_datetime(zone.clone());
    let day = format!("{:04}-{:02}-{:02}", local.year(), local.month(), local.day());
    let clock = format!("{:02}:{:02}", local.hour(), local.minute());
    let republic = i32::from(local.year()) - 1911;
    match lang {
        Lang::ZhTw if republic >= 1 => {
            format!("{day}（民國{republic}年{}月{}日）{clock}", local.month(), local.day())
        }
        _ => format!("{day} {clock}"),
    }
}

/// The beginning of a day and of the next one in a time zone; `None` for what is no day like `2026-11-23`.
pub fn day_in(text: &str, zone: &jiff::tz::TimeZone) -> Option<(Timestamp, Timestamp)> {
    // In one spelling, which is also that of the screen.
    let day: jiff::civil::Date =
        text.parse().ok().filter(|day: &jiff::civil::Date| day.to_string() == text)?;
    let begin = |day: jiff::civil::Date| {
        let start = day.to_zoned_datetime(zone.clone()).ok()?;
        Some(Timestamp::from_unix_ms(start.timestamp().as_millisecond()))
    };
    Some((begin(day)?, begin(day.tomorrow().ok()?)?))
}

/// The same in the time zone of the machine.
pub fn day(text: &str) -> Option<(Timestamp, Timestamp)> {
    day_in(text, &jiff::tz::TimeZone::system())
}

/// The date in the time zone of the machine.
pub fn date(time: Timestamp, lang: Lang) -> String {
    date_in(time, lang, &jiff::tz::TimeZone::system())
}

/// How many seconds clocks on the wall are ahead of UTC at a time, in the time zone of the machine.
pub fn seconds_ahead(time: Timestamp) -> i64 {
    let stamp = jiff::Timestamp::from_millisecond(time.unix_ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    i64::from(jiff::tz::TimeZone::system().to_offset(stamp).seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_fool_a_terminal_is_shown_and_not_done() {
        assert_eq!(escape("中文 é 😀"), "中文 é 😀");
        assert_eq!(escape("a\x1b[31m\r\n\t"), "a\\u{1b}[31m\\u{d}\\u{a}\\u{9}");
        for c in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{9b}', '\u{7f}', '\u{2028}'] {
            assert!(!escape(&c.to_string()).contains(c));
        }
    }

    #[test]
    fn sizes_have_one_decimal() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(10_240), "10.0 KiB");
        assert_eq!(size(3 << 30), "3.0 GiB");
        assert_eq!(size(u64::MAX), "15.9 EiB");
    }

    #[test]
    fn a_day_is_that_of_the_time_zone() {
        let taipei = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
        let (begin, end) = day_in("2026-11-23", &taipei).unwrap();
        assert_eq!(begin.to_string(), "2026-11-22T16:00:00.000Z");
        assert_eq!(end.to_string(), "2026-11-23T16:00:00.000Z");
        for bad in
            ["", "2026-02-29", "2026-11-23T00:00:00", "20261123", "2026-1-1", "115-11-23", "+2026-11-23"]
        {
            assert_eq!(day_in(bad, &taipei), None, "{bad}");
        }
    }

    #[test]
    fn dates_name_the_year_of_the_republic() {
        let time: Timestamp = "2026-11-23T08:05:00.000Z".parse().unwrap();
        let utc = jiff::tz::TimeZone::UTC;
        assert_eq!(date_in(time, Lang::En, &utc), "2026-11-23 08:05");
        assert_eq!(date_in(time, Lang::ZhTw, &utc), "2026-11-23（民國115年11月23日）08:05");
        let old: Timestamp = "1911-12-31T23:59:00.000Z".parse().unwrap();
        assert_eq!(date_in(old, Lang::ZhTw, &utc), "1911-12-31 23:59");
    }
}
