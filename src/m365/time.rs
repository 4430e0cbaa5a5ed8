//! Times as records and portals write them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

use super::DateOrder;

/// Why a time was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no time.
    Unreadable,
    /// Day and month could be either way round.
    Ambiguous,
}

/// Reads a time: RFC 3339, without a zone in UTC, or as portals and spreadsheets write it. `order` says which of day and
/// month comes first where the text does not tell.
pub(super) fn read(text: &str, order: Option<DateOrder>) -> Result<DateTime<Utc>, Fault> {
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => {
            let parts = Parts::of(text).ok_or(Fault::Unreadable)?;
            let date = match parts.told().or(order).or(parts.hinted) {
                Some(order) => parts.date(order),
                // The same either way round.
                None if parts.first == parts.second => parts.date(DateOrder::DayFirst),
                None => return Err(Fault::Ambiguous),
            };
            date.ok_or(Fault::Unreadable)?.and_time(parts.time).and_utc()
        }
    };
    Some(time).filter(|time| (0..=9999).contains(&time.year())).ok_or(Fault::Unreadable)
}

/// What a time tells of the order of day and month by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dated {
    /// It is written in a way in which there is but one order, or it is none.
    Clearly,
    /// Its numbers can only be in this order.
    In(DateOrder),
    /// They could be in either.
    InEither,
}

impl Dated {
    pub(super) fn of(text: &str) -> Self {
        match Parts::of(text) {
            Some(parts) if parts.written.is_none() => parts.told().map_or(Self::InEither, Self::In),
            _ => Self::Clearly,
        }
    }
}

/// A time without a zone, day and month in the order in which they are written.
struct Parts {
    year: i32,
    /// The two numbers beside the year, as they are written.
    first: u32,
    second: u32,
    /// The only order in which anybody writes them so.
    written: Option<DateOrder>,
    /// The order in which they are mostly written so.
    hinted: Option<DateOrder>,
    time: NaiveTime,
}

impl Parts {
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
        let (year, first, second, written) = match separator {
            '-' | '/' if a.len() == 4 => (a, b, c, Some(DateOrder::MonthFirst)),
            // Nobody writes the month first between full stops.
            '.' => (c, a, b, Some(DateOrder::DayFirst)),
            '-' | '/' => (c, a, b, None),
            _ => return None,
        };
        let (year, first, second) = (number(year, 4..=4)?, number(first, 1..=2)?, number(second, 1..=2)?);
        let time = time.trim_start_matches([' ', ',']).trim_end();
        let time = ["%H:%M:%S%.f", "%I:%M:%S%.f %p", "%H:%M", "%I:%M %p"]
            .iter()
            .find_map(|format| NaiveTime::parse_from_str(time, format).ok())?;
        let hinted = is_by_portal(text).then_some(DateOrder::MonthFirst);
        Some(Self { year: i32::try_from(year).ok()?, first, second, written, hinted, time })
    }

    /// The only order in which they can be.
    fn told(&self) -> Option<DateOrder> {
        match (self.first, self.second) {
            _ if self.written.is_some() => self.written,
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

/// Whether a time is written as the Azure portal does in American English, `4/5/2026, 7:17:10.000 AM`: the other languages of
/// the portal that begin with the day write no comma, no capitals, or no half days.
fn is_by_portal(text: &str) -> bool {
    text.contains(", ") && (text.ends_with(" AM") || text.ends_with(" PM"))
}
