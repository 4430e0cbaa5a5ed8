//! Rejected records, counted by reason.

use super::{RejectReason, Rejected};
use crate::activity::ActivityError;
use crate::text::TextError;

/// Counts of rejected records by reason, with the first lines of each.
///
/// Reasons that differ only in a position or a length count as one, so the number of reasons depends on the reader and
/// its map, and not on the length of the input.
///
/// ```
/// use activity_privacy::sources::RejectCounts;
/// use activity_privacy::sources::m365::Reader;
///
/// let input = b"{\"Id\": 1}\n{\n[]\n{\"Operation\": {\n";
/// let mut counts = RejectCounts::default();
/// for rejected in Reader::new(&input[..]).filter_map(Result::err) {
///     counts.add(&rejected);
/// }
/// let first = &counts.by_reason()[0];
/// assert_eq!(first.reason(), "JSON ends too early, expected one JSON object");
/// assert_eq!((first.records(), first.first_lines()), (2, &[2, 4][..]));
/// assert_eq!(counts.records(), 4);
/// ```
#[derive(Debug, Clone, Default)]
pub struct RejectCounts(Vec<RejectCount>);

/// The number of records that were rejected for one reason, with the lines of the first ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectCount {
    reason: String,
    records: u64,
    first_lines: Vec<u64>,
}

impl RejectCounts {
    /// The maximum number of lines that are kept for a reason.
    pub const MAX_LINES: usize = 5;

    /// Counts a rejected record.
    pub fn add(&mut self, rejected: &Rejected) {
        let reason = rejected.reason().without_position();
        match self.0.iter_mut().find(|count| count.reason == reason) {
            Some(count) => count.add(rejected.line()),
            None => self.0.push(RejectCount { reason, records: 1, first_lines: vec![rejected.line()] }),
        }
    }

    /// Returns the number of rejected records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.0.iter().map(|count| count.records).sum()
    }

    /// Returns the count of each reason, the most frequent first.
    #[must_use]
    pub fn by_reason(&self) -> Vec<&RejectCount> {
        let mut counts: Vec<_> = self.0.iter().collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.records));
        counts
    }
}

impl RejectCount {
    fn add(&mut self, line: u64) {
        self.records += 1;
        if self.first_lines.len() < RejectCounts::MAX_LINES {
            self.first_lines.push(line);
        }
    }

    /// Returns the reason, [without positions](RejectReason::without_position).
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the number of records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Returns the lines of the first records, at most [`RejectCounts::MAX_LINES`].
    #[must_use]
    pub fn first_lines(&self) -> &[u64] {
        &self.first_lines
    }
}

impl RejectReason {
    /// Returns the text of the reason without positions, counts and lengths, so that equal faults have equal texts.
    #[must_use]
    pub fn without_position(&self) -> String {
        match self {
            Self::NotUtf8 { .. } => "record is not UTF-8, expected UTF-8".to_owned(),
            Self::Json { fault, .. } => format!("{fault}, expected one JSON object"),
            Self::FieldCount { expected, .. } => format!("more or fewer CSV fields, expected {expected}"),
            Self::AmbiguousDate { field, .. } => Self::AmbiguousDate { field: field.clone(), first: None }.to_string(),
            Self::Text { field, error } => match error {
                TextError::Empty { .. } => self.to_string(),
                TextError::TooLong { what, max, .. } => {
                    format!("field `{field}`: {what} is too long, expected at most {max} bytes")
                }
                TextError::Control { what, .. } => {
                    format!("field `{field}`: {what} contains a control character; remove it")
                }
            },
            Self::TooLarge(ActivityError::OverLimit { what, max, .. }) => {
                format!("record is too large: more than {max} {what}")
            }
            _ => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::sources::JsonFault;

    #[test]
    fn b1_reasons_that_differ_in_position_count_as_one() {
        let field = || Cow::Borrowed("Id");
        let pairs = |at: usize| {
            [
                RejectReason::NotUtf8 { at },
                RejectReason::Json { fault: JsonFault::Syntax, line: at, column: at },
                RejectReason::FieldCount { found: at, expected: 3 },
                RejectReason::AmbiguousDate { field: field(), first: Some(at as u64) },
                RejectReason::Text {
                    field: field(),
                    error: TextError::TooLong { what: "activity id", len: at, max: 512 },
                },
                RejectReason::Text { field: field(), error: TextError::Control { what: "activity id", at } },
                RejectReason::TooLarge(ActivityError::OverLimit { what: "objects", count: at, max: 1_000 }),
                RejectReason::MissingField { field: field(), expected: "an id" },
            ]
        };
        let mut counts = RejectCounts::default();
        for at in 1..=7_u32 {
            for reason in pairs(at as usize) {
                counts.add(&Rejected::new(at.into(), reason));
            }
        }
        counts.add(&Rejected::new(9, RejectReason::NotAnObject));
        assert_eq!(counts.by_reason().len(), 9);
        assert_eq!(counts.records(), 57);
        for count in counts.by_reason().into_iter().take(8) {
            assert_eq!((count.records(), count.first_lines()), (7, &[1, 2, 3, 4, 5][..]));
            assert!(!count.reason().contains('7'), "{}", count.reason());
        }
    }
}
