//! What rows count to: by hour, by app, by actor.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;

use super::SEGMENT;
use super::varint::{Reader, put, put_bytes, put_signed};
use crate::query::{Count, CountBy};
use crate::sqlite::document::damaged;
use crate::store::StoreError;

/// What is counted for every segment. Days are counted from hours. The number stands in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Facet {
    Hours = 0,
    Apps = 1,
    Labels = 2,
}

impl Facet {
    pub(super) const ALL: [Self; 3] = [Self::Hours, Self::Apps, Self::Labels];

    pub(super) fn of(by: CountBy) -> Self {
        match by {
            CountBy::Hour | CountBy::Day => Self::Hours,
            CountBy::App => Self::Apps,
            CountBy::Actor => Self::Labels,
        }
    }

    pub(super) fn part(self) -> u32 {
        self as u32
    }
}

const HOUR: i64 = 3_600 * MICROS;
const MICROS: i64 = 1_000_000;

/// The hour of a time, counted from the epoch.
pub(super) fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR)
}

/// Counts as they are added up: hours as numbers, everything else by name. Sums stop at the greatest number, which only
/// damage reaches.
#[derive(Default)]
pub(super) struct Sums {
    hours: BTreeMap<i64, u64>,
    names: HashMap<Box<str>, u64>,
}

impl Sums {
    pub(super) fn add_hour(&mut self, hour: i64, rows: u64) {
        let sum = self.hours.entry(hour).or_default();
        *sum = sum.saturating_add(rows);
    }

    pub(super) fn add_name(&mut self, name: &str, rows: u64) {
        if rows == 0 {
            return;
        }
        match self.names.get_mut(name) {
            Some(sum) => *sum = sum.saturating_add(rows),
            None => {
                self.names.insert(name.into(), rows);
            }
        }
    }

    /// Adds everything that was [encoded](Self::encode).
    pub(super) fn add_all(&mut self, facet: Facet, bytes: &[u8]) -> Result<(), StoreError> {
        match facet {
            Facet::Hours => {
                let mut reader = Reader::new(bytes);
                while !reader.is_empty() {
                    self.add_hour(reader.signed()?, reader.number()?);
                }
                Ok(())
            }
            Facet::Apps | Facet::Labels => each_name(bytes, |name, rows| {
                self.add_name(name, rows);
                Ok(())
            }),
        }
    }

    pub(super) fn encode(&self, facet: Facet) -> Vec<u8> {
        let mut bytes = Vec::new();
        match facet {
            Facet::Hours => {
                for (hour, rows) in &self.hours {
                    put_signed(&mut bytes, *hour);
                    put(&mut bytes, *rows);
                }
            }
            Facet::Apps | Facet::Labels => {
                for (name, rows) in &self.names {
                    put_name(&mut bytes, name, *rows);
                }
            }
        }
        bytes
    }

    /// By key in rising order.
    pub(super) fn counts(self, by: CountBy) -> Result<Vec<Count>, StoreError> {
        let mut names = self.names;
        for (hour, rows) in self.hours {
            let time = hour.checked_mul(HOUR / MICROS).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
            let key = by.key_of_time(time.ok_or_else(|| damaged(SEGMENT))?);
            let sum = names.entry(key.into()).or_default();
            *sum = sum.saturating_add(rows);
        }
        let mut counts: Vec<Count> =
            names.into_iter().map(|(key, activities)| Count { key: key.into(), activities }).collect();
        counts.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(counts)
    }
}

/// How many rows there are of each name of a segment, by the code of the name.
#[derive(Default)]
pub(super) struct Counted(Vec<u64>);

/// No segment has as many names.
const MOST_NAMES: u32 = 1 << 24;

impl Counted {
    pub(super) fn add(&mut self, code: u32) {
        let at = code.min(MOST_NAMES) as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        if let Some(rows) = self.0.get_mut(at) {
            *rows += 1;
        }
    }

    pub(super) fn rows(&self, code: u32) -> u64 {
        self.0.get(code as usize).copied().unwrap_or_default()
    }

    /// Adds everything under its name; `facet` has the names in the order of their codes.
    pub(super) fn add_to(&self, sums: &mut Sums, facet: &[u8]) -> Result<(), StoreError> {
        let mut codes = 0..;
        each_name(facet, |name, _| {
            sums.add_name(name, codes.next().map_or(0, |code| self.rows(code)));
            Ok(())
        })?;
        // Whatever counts under a name that is not there.
        let names = codes.next().unwrap_or(u32::MAX) as usize;
        if self.0.len() <= names { Ok(()) } else { Err(damaged(SEGMENT)) }
    }
}

pub(super) fn put_name(bytes: &mut Vec<u8>, name: &str, rows: u64) {
    put_bytes(bytes, name.as_bytes());
    put(bytes, rows);
}

/// Hands every name with its count to `act`, in the order in which they were put.
pub(super) fn each_name(
    bytes: &[u8],
    mut act: impl FnMut(&str, u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        act(reader.text()?, reader.number()?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_counts_that_were_damaged_do_not_panic() {
        for facet in Facet::ALL {
            let mut bytes = Vec::new();
            for _ in 0..2 {
                match facet {
                    Facet::Hours => {
                        put_signed(&mut bytes, 7);
                        put(&mut bytes, u64::MAX);
                    }
                    Facet::Apps | Facet::Labels => put_name(&mut bytes, "Box", u64::MAX),
                }
            }
            drop(Sums::default().add_all(facet, &bytes));
        }
    }
}
