//! The answer of a log, independent of the interface that was queried.

use activity_privacy::activity::ActivityId;
use activity_privacy::filter::Page;
use activity_privacy::query::Counts;
use chrono::{DateTime, SecondsFormat};

pub(crate) enum Answer {
    Page(Page),
    Counts(Counts),
    Found(Option<ActivityId>),
    /// The ids of the rows of a page.
    Rows(Vec<String>),
    Total(u64),
    /// The count of each text.
    Texts(Vec<(String, u64)>),
    /// The length of a period in seconds, and the count of each period.
    Periods(i64, Vec<(i64, u64)>),
}

impl Answer {
    /// Returns the answer in a form that can be compared.
    ///
    /// # Panics
    /// Panics if counts are incomplete.
    pub(crate) fn words(self) -> Vec<String> {
        let words = |key: &str, activities: u64| format!("{key} {activities}");
        match self {
            Self::Page(page) => page.activities().iter().map(|one| one.activity().id().as_str().to_owned()).collect(),
            Self::Counts(counts) => {
                assert!(counts.is_complete);
                match counts.by_key.is_empty() {
                    true => vec![counts.total.to_string()],
                    false => counts.by_key.iter().map(|one| words(&one.key, one.activities)).collect(),
                }
            }
            Self::Found(found) => found.iter().map(|id| id.as_str().to_owned()).collect(),
            Self::Rows(ids) => ids,
            Self::Total(total) => vec![total.to_string()],
            Self::Texts(texts) => texts.iter().map(|(text, activities)| words(text, *activities)).collect(),
            Self::Periods(seconds, periods) => {
                let key = |period: i64| {
                    let begin = DateTime::from_timestamp(period * seconds, 0).unwrap();
                    begin.to_rfc3339_opts(SecondsFormat::Secs, true)
                };
                periods.iter().map(|(period, activities)| words(&key(*period), *activities)).collect()
            }
        }
    }
}
