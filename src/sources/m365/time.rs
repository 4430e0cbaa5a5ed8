//! Times in the formats of records and portals.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

use super::DateOrder;

/// The reason why a time cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeError {
    /// The text is not a time.
    Invalid,
    /// The order of day and month is unknown.
    Ambiguous,
}

/// Parses a time: RFC 3339, in UTC if it has no zone, or a format of portals and spreadsheets. `order` is the order of
/// day and month if the text does not show it.
pub(super) fn parse(text: &str, order: Option<DateOrder>) -> Result<DateTime<Utc>, TimeError> {
    parse_usual(text).map_or_else(|| parse_any(text, order), Ok)
}

fn parse_any(text: &str, order: Option<DateOrder>) -> Result<DateTime<Utc>, TimeError> {
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => {
            let local = LocalTime::of(text).ok_or(TimeError::Invalid)?;
            let date = match local.certain_order().or(order).or(local.usual_order) {
                Some(order) => local.date(order),
                // Both orders give the same date.
                None if local.first == local.second => local.date(DateOrder::DayFirst),
                None => return Err(TimeError::Ambiguous),
            };
            date.ok_or(TimeError::Invalid)?.and_time(local.time).and_utc()
        }
    };
    Some(time).filter(|time| (0..=9999).contains(&time.year())).ok_or(TimeError::Invalid)
}

/// Parses a time in the format of nearly all records, `2026-03-01T09:30:00` with or without `Z`.
fn parse_usual(text: &str) -> Option<DateTime<Utc>> {
    let (date, time) = text.strip_suffix('Z').unwrap_or(text).split_at_checked(10)?;
    let (year, month, day) = three_numbers(date.as_bytes().try_into().ok()?)?;
    let &[b'T', h1, h0, b':', m1, m0, b':', s1, s0] = time.as_bytes() else { return None };
    let time = NaiveTime::from_hms_opt(number(&[h1, h0])?, number(&[m1, m0])?, number(&[s1, s0])?)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(date.and_time(time).and_utc())
}

/// Returns the numbers in `2026-03-01`.
fn three_numbers(date: [u8; 10]) -> Option<(u32, u32, u32)> {
    let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = date else { return None };
    Some((number(&[y3, y2, y1, y0])?, number(&[m1, m0])?, number(&[d1, d0])?))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| 10 * number + u32::from(digit - b'0')))
}

/// The evidence that a time gives for the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateOrderEvidence {
    /// Nothing: the text has a format with one order only, or is not a time.
    None,
    /// The numbers are a date in this order only.
    Order(DateOrder),
    /// The numbers are a date in either order.
    Ambiguous,
}

impl DateOrderEvidence {
    pub(super) fn of(text: &str) -> Self {
        match LocalTime::of(text) {
            Some(time) if time.format_order.is_none() => time.certain_order().map_or(Self::Ambiguous, Self::Order),
            _ => Self::None,
        }
    }
}

/// A time without a zone, with day and month in the order of the text.
struct LocalTime {
    year: i32,
    /// The two numbers beside the year, in the order of the text.
    first: u32,
    second: u32,
    /// The order of the format, if the format has one only.
    format_order: Option<DateOrder>,
    /// The usual order of the format.
    usual_order: Option<DateOrder>,
    time: NaiveTime,
}

impl LocalTime {
    fn of(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', ' ', ',']).unwrap_or((text, "00:00:00"));
        let separator = date.chars().find(|c| !c.is_ascii_digit())?;
        let mut numbers = date.split(separator);
        let (a, b, c) = (numbers.next()?, numbers.next()?, numbers.next()?);
        if numbers.next().is_some() {
            return None;
        }
        let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
            let is_number = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u32>().ok()).flatten()
        };
        let (year, first, second, format_order) = match separator {
            '-' | '/' if a.len() == 4 => (a, b, c, Some(DateOrder::MonthFirst)),
            // With full stops, the day comes first in every country.
            '.' => (c, a, b, Some(DateOrder::DayFirst)),
            '-' | '/' => (c, a, b, None),
            _ => return None,
        };
        let (year, first, second) = (number(year, 4..=4)?, number(first, 1..=2)?, number(second, 1..=2)?);
        let time = time.trim_start_matches([' ', ',']).trim_end();
        let time = ["%H:%M:%S%.f", "%I:%M:%S%.f %p", "%H:%M", "%I:%M %p"]
            .iter()
            .find_map(|format| NaiveTime::parse_from_str(time, format).ok())?;
        let usual_order = is_of_american_portal(text).then_some(DateOrder::MonthFirst);
        Some(Self { year: i32::try_from(year).ok()?, first, second, format_order, usual_order, time })
    }

    /// Returns the only order that day and month can have.
    fn certain_order(&self) -> Option<DateOrder> {
        match (self.first, self.second) {
            _ if self.format_order.is_some() => self.format_order,
            (..=12, 13..) => Some(DateOrder::MonthFirst),
            (13.., ..=12) => Some(DateOrder::DayFirst),
            _ => None,
        }
    }

    fn date(&self, order: DateOrder) -> Option<NaiveDate> {
        let (month, day) = match order {
            DateOrder::MonthFirst => (self.first, self.second),
            DateOrder::DayFirst => (self.second, self.first),
        };
        NaiveDate::from_ymd_opt(self.year, month, day)
    }
}

/// Returns whether a time has the format of the Azure portal in American English, `4/5/2026, 7:17:10.000 AM`. In the
/// languages of the portal that begin with the day, the format has no comma, no capitals, or no half days.
fn is_of_american_portal(text: &str) -> bool {
    text.contains(", ") && (text.ends_with(" AM") || text.ends_with(" PM"))
}

#[cfg(all(test, feature = "proptest"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn d3_usual_time_is_parsed_like_any_other(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9]Z?") {
            prop_assert_eq!(parse_usual(&text), parse_any(&text, None).ok());
        }

        #[test]
        fn d3_other_text_is_no_usual_time(text in "\\PC{0,24}|[0-9]{4}.[0-9]{2}.[0-9]{2}.[0-9]{2}.[0-9]{2}.[0-9]{2}.?") {
            if let Some(time) = parse_usual(&text) {
                prop_assert_eq!(Some(time), parse_any(&text, None).ok());
            }
        }
    }
}
