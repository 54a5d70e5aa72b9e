//! Quantities, for humans.

use jiff::Timestamp;

/// A number of bytes: `512 B`, `1.5 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    // What would be rounded to 1024.0 is 1.0 of the next unit.
    while value >= 1023.95
        && let Some(next) = units.next()
    {
        value /= 1024.0;
        unit = Some(next);
    }
    format!("{value:.1} {}", unit.unwrap_or(&""))
}

/// Reads a number of bytes: `512`, `100k`, `20G`, also `20GiB`. All are powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "it must be a number of bytes, such as 512, 100k, 20M or 3G".to_owned();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let shift = match unit {
        "" | "B" => 0,
        "k" | "K" | "KiB" | "kiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        "T" | "TiB" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A share of a whole: `37%`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => String::new(),
        whole => format!("{:.0}%", part as f64 / whole as f64 * 100.0),
    }
}

/// A time as RFC 3339 in UTC, from nanoseconds since 1970. `None` is not a time of the years -9999 to 9999.
pub(crate) fn time(nanoseconds: i64) -> Option<String> {
    Timestamp::from_nanosecond(nanoseconds.into()).ok().map(|time| time.to_string())
}

/// A difference to UTC: `UTC+01:00`.
pub(crate) fn offset(seconds: i64) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A length of time, roughly: `5 s`, `3 min`, `2 h`, `40 days`.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (21_474_836_480, "20.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(percent(1, 3), "33%");
        assert_eq!(percent(1, 0), "");
    }

    #[test]
    fn sizes_are_read() {
        for (text, count) in [("0", 0), ("512", 512), ("100k", 102_400), ("20G", 20 << 30), ("3MiB", 3 << 20)]
        {
            assert_eq!(size(text), Ok(count), "{text}");
        }
        for text in [
            "",
            "k",
            "-1",
            "1.5G",
            "1 k",
            "1X",
            "17000000T",
            "99999999999999999999",
            "+1",
            "20iB",
            "20iiiBBB",
            "1kB",
            "1MBB",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(time(1_700_000_000_123_456_000).as_deref(), Some("2023-11-14T22:13:20.123456Z"));
        assert_eq!(time(i64::MAX).as_deref(), Some("2262-04-11T23:47:16.854775807Z"));
        assert_eq!(offset(3600), "UTC+01:00");
        assert_eq!(offset(-12_600), "UTC-03:30");
        assert_eq!(duration(119), "119 s");
        assert_eq!(duration(200_000), "2 days");
    }
}
