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
