//! Times in the formats that a map can name.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, Datelike, NaiveDateTime, Utc};

use super::MapError;
use super::document::TimeDocument;
use super::error::Path;
use super::place::{Place, PlaceParser};

/// A place of the time, and its format.
pub(super) struct TimePlace {
    pub(super) at: Place,
    format: TimeFormat,
}

/// A format of times.
enum TimeFormat {
    /// RFC 3339, in UTC if it has no zone.
    Rfc3339,
    /// The time since the Unix epoch in units of which one microsecond has this many decimal digits less: 6 for
    /// seconds.
    Unix { digits: u8 },
    /// A format of `strftime`, in UTC if it has no zone.
    Strftime(Box<str>),
}

impl TimePlace {
    /// The most bytes of a format of `strftime`.
    const MAX_FORMAT_BYTES: usize = 64;

    pub(super) fn parse(document: &TimeDocument, places: &mut PlaceParser, path: Path<'_>) -> Result<Self, MapError> {
        let at = places.parse(&document.at).map_err(|fault| path.member("at").error(fault))?;
        let format = match document.format.as_str() {
            "rfc3339" => TimeFormat::Rfc3339,
            "unix_seconds" => TimeFormat::Unix { digits: 6 },
            "unix_milliseconds" => TimeFormat::Unix { digits: 3 },
            "unix_microseconds" => TimeFormat::Unix { digits: 0 },
            other => {
                let strftime = other.strip_prefix("strftime:").filter(|format| {
                    let is_valid = !StrftimeItems::new(format).any(|item| item == Item::Error);
                    is_valid && !format.is_empty() && format.len() <= Self::MAX_FORMAT_BYTES
                });
                let expected = "invalid format, expected `rfc3339`, `unix_seconds`, `unix_milliseconds`, \
                                `unix_microseconds`, or `strftime:` and a format such as `%Y-%m-%d %H:%M:%S`";
                TimeFormat::Strftime(strftime.ok_or_else(|| path.member("format").error(expected))?.into())
            }
        };
        Ok(Self { at, format })
    }

    /// Returns the description of a time in the format.
    pub(super) fn expected(&self) -> &'static str {
        match &self.format {
            TimeFormat::Rfc3339 => "a time such as `2026-03-01T09:30:00Z`",
            TimeFormat::Unix { digits: 6 } => "seconds since 1970",
            TimeFormat::Unix { digits: 3 } => "milliseconds since 1970",
            TimeFormat::Unix { .. } => "microseconds since 1970",
            TimeFormat::Strftime(_) => "a time in the format of the map",
        }
    }

    /// Parses a time. Returns `None` if the text is not in the format, or not in the years 0 to 9999.
    pub(super) fn time(&self, text: &str) -> Option<DateTime<Utc>> {
        let time = match &self.format {
            TimeFormat::Rfc3339 => rfc3339(text),
            TimeFormat::Unix { digits } => unix(text, (*digits).into()),
            TimeFormat::Strftime(format) => strftime(text, format),
        };
        time.filter(|time| (0..=9999).contains(&time.year()))
    }
}

/// Parses RFC 3339 with a `T` or a blank, and with the zone as `Z`, `+00:00`, `+0000`, `UTC` or not at all.
fn rfc3339(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let formats =
        ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f %#z", "%Y-%m-%d %H:%M:%S%.f %#z"];
    if let Some(time) = formats.iter().find_map(|format| DateTime::parse_from_str(text, format).ok()) {
        return Some(time.to_utc());
    }
    let local = [" UTC", " Z", "Z"].iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(local, format).ok()).map(|time| time.and_utc())
}

/// Parses a number of units since the Unix epoch. A unit has 10 to the power of `digits` microseconds.
fn unix(text: &str, digits: usize) -> Option<DateTime<Utc>> {
    let (is_negative, number) = text.strip_prefix('-').map_or((false, text), |number| (true, number));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_decimal(whole) || !is_decimal(fraction) {
        return unix_of_double(text, digits);
    }
    // Digits beyond the microsecond are cut off.
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(digits).collect();
    let microseconds: i64 = format!("{whole}{fraction}").parse().ok()?;
    DateTime::from_timestamp_micros(if is_negative { -microseconds } else { microseconds })
}

/// Parses a number with an exponent, such as `1.7723574e9`.
fn unix_of_double(text: &str, digits: usize) -> Option<DateTime<Utc>> {
    if !text.contains(['e', 'E']) {
        return None;
    }
    let microseconds = text.parse::<f64>().ok()? * [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6].get(digits)?;
    // 9999-12-31T23:59:59Z, so that the conversion is exact.
    #[expect(clippy::cast_possible_truncation, reason = "the number is within the range of an i64")]
    (microseconds.abs() < 253_402_300_800e6).then(|| DateTime::from_timestamp_micros(microseconds as i64)).flatten()
}

/// Parses a time in a format of `strftime`: with a zone, or in UTC; without a time of day, at midnight.
fn strftime(text: &str, format: &str) -> Option<DateTime<Utc>> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(format)).ok()?;
    if let Ok(time) = parsed.to_datetime() {
        return Some(time.to_utc());
    }
    let local =
        parsed.to_naive_datetime_with_offset(0).ok().or_else(|| parsed.to_naive_date().ok()?.and_hms_opt(0, 0, 0));
    local.map(|time| time.and_utc())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn time(format: &str, text: &str) -> Option<String> {
        let document = TimeDocument { at: "/t".to_owned(), format: format.to_owned() };
        let place = TimePlace::parse(&document, &mut PlaceParser::default(), Path::Map).unwrap();
        place.time(text).map(|time| time.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
    }

    #[test]
    fn b1_times_are_read_in_each_format() {
        for text in [
            "2026-03-01T09:30:00Z",
            "2026-03-01T09:30:00",
            "2026-03-01 09:30:00",
            "2026-03-01T10:30:00+01:00",
            "2026-03-01T09:30:00+0000",
            "2026-03-01 09:30:00 +0000",
            "2026-03-01 09:30:00 UTC",
            "2026-03-01 09:30:00Z",
            "2026-03-01T09:30",
            "2026-03-01 09:30:00.000000000000",
            "2026-03-01 09:30:00.000000000 UTC",
            "2026-03-01 10:30:00.000000000000 +01:00",
            "2026-03-01T09:30:00.0000000000Z",
        ] {
            assert_eq!(time("rfc3339", text).as_deref(), Some("2026-03-01T09:30:00Z"), "{text}");
        }
        assert_eq!(time("rfc3339", "2026-03-01T09:30:00.1234567Z").as_deref(), Some("2026-03-01T09:30:00.123456700Z"));
        for (format, text, expected) in [
            ("unix_seconds", "1772357400", "2026-03-01T09:30:00Z"),
            ("unix_seconds", "1772357400.25", "2026-03-01T09:30:00.250Z"),
            ("unix_seconds", "1.7723574e9", "2026-03-01T09:30:00Z"),
            ("unix_seconds", "-1", "1969-12-31T23:59:59Z"),
            ("unix_milliseconds", "1772357400123", "2026-03-01T09:30:00.123Z"),
            ("unix_milliseconds", "1.772357400123E12", "2026-03-01T09:30:00.123Z"),
            ("unix_microseconds", "1772357400123456", "2026-03-01T09:30:00.123456Z"),
            ("strftime:%Y%m%d%H%M%S%.3f", "20260301093000.500", "2026-03-01T09:30:00.500Z"),
            ("strftime:%d/%b/%Y:%H:%M:%S %z", "01/Mar/2026:10:30:00 +0100", "2026-03-01T09:30:00Z"),
            ("strftime:%d.%m.%Y", "01.03.2026", "2026-03-01T00:00:00Z"),
            ("strftime:%s", "1772357400", "2026-03-01T09:30:00Z"),
        ] {
            assert_eq!(time(format, text).as_deref(), Some(expected), "{format} {text}");
        }
    }

    #[test]
    fn b1_text_in_another_format_is_no_time() {
        for (format, text) in [
            ("rfc3339", ""),
            ("rfc3339", "1772357400"),
            ("rfc3339", "2026-02-30T09:30:00Z"),
            ("rfc3339", "+12026-03-01T09:30:00Z"),
            ("unix_seconds", "2026-03-01T09:30:00Z"),
            ("unix_seconds", "."),
            ("unix_seconds", "9999999999999"),
            ("unix_seconds", "1e300"),
            ("unix_seconds", "NaN"),
            ("unix_microseconds", "99999999999999999999999"),
            ("strftime:%Y-%m-%d", "2026-03"),
            ("strftime:%H:%M", "09:30"),
        ] {
            assert_eq!(time(format, text), None, "{format} {text}");
        }
    }
}
