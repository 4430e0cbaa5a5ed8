//! Counts of the activities that match a query.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, SubsecRound, Timelike, Utc};
use serde::Serialize;

use crate::activity::Activity;
use crate::text::words;

/// The key to count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CountBy {
    /// The hour in which the activity occurred, UTC.
    Hour,
    /// The day on which the activity occurred, UTC.
    Day,
    /// The app.
    App,
    /// The actor.
    Actor,
}

words!(CountBy, "key to count by": Hour = "hour", Day = "day", App = "app", Actor = "actor");

/// The number of activities with one key. `Debug` does not show the key, because it can be the name of a person.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The beginning of the hour or day (RFC 3339), the name of the app, or the folded name of the actor.
    pub key: String,
    /// The number of activities.
    pub activities: u64,
}

impl std::fmt::Debug for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Count").field("activities", &self.activities).finish_non_exhaustive()
    }
}

/// The number of activities that match a query, in total and by key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// The total number of activities.
    pub total: u64,
    /// The number of activities by key, in ascending order of the keys. A key without activities is left out. Empty if
    /// the caller asked for the total only.
    pub by_key: Vec<Count>,
    /// Whether every matching activity was counted. If not, the store stopped at the maximum number of activities that
    /// it reads for one answer, and there may be more.
    pub is_complete: bool,
}

/// A counter of activities by key. Its memory grows with the number of keys, not of activities.
pub struct Tally {
    by: Option<CountBy>,
    total: u64,
    counts: BTreeMap<String, u64>,
}

impl Tally {
    /// Returns an empty counter of the total and, if `by` is given, of each key.
    #[must_use]
    pub fn new(by: Option<CountBy>) -> Self {
        Self { by, total: 0, counts: BTreeMap::new() }
    }

    /// Counts an activity.
    pub fn add(&mut self, activity: &Activity) {
        match self.by {
            Some(by) => self.add_key(&by.key(activity), 1),
            None => self.total += 1,
        }
    }

    /// Counts a number of activities with one key.
    pub fn add_key(&mut self, key: &str, activities: u64) {
        self.total += activities;
        match self.counts.get_mut(key) {
            Some(count) => *count += activities,
            None => drop(self.counts.insert(key.to_owned(), activities)),
        }
    }

    /// Returns the counts. `is_complete` says whether every activity was counted.
    #[must_use]
    pub fn into_counts(self, is_complete: bool) -> Counts {
        let Self { by, total, counts } = self;
        let counts = counts.into_iter().filter(|_| by.is_some());
        Counts { total, by_key: counts.map(|(key, activities)| Count { key, activities }).collect(), is_complete }
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally").field("by", &self.by).finish_non_exhaustive()
    }
}

impl CountBy {
    /// Returns the key of an activity: see [`Count::key`]. Every store must count by this key.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use activity_privacy::activity::{Activity, Actor, App};
    /// use activity_privacy::identity::Alias;
    /// use activity_privacy::query::CountBy;
    ///
    /// let (actor, app) = (Actor::user(Alias::new("Adele@Contoso.com")?), App::new("Box".parse()?));
    /// let time = "2026-03-01T09:30:00Z".parse()?;
    /// let activity = Activity::builder("a-1".parse()?, actor, app, "Login".parse()?, time).build()?;
    /// assert_eq!(CountBy::Hour.key(&activity), "2026-03-01T09:00:00Z");
    /// assert_eq!(CountBy::Actor.key(&activity), "adele@contoso.com");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn key(self, activity: &Activity) -> String {
        match self {
            Self::Hour | Self::Day => self.key_of_time(activity.occurred_at()),
            Self::App => activity.app().name().as_str().to_owned(),
            Self::Actor => activity.actor().folded_label(),
        }
    }

    /// Returns the key of a time: the beginning of its day if the count is by day, otherwise the beginning of its hour.
    #[must_use]
    pub fn key_of_time(self, time: DateTime<Utc>) -> String {
        let hour = time.trunc_subsecs(0).with_second(0).and_then(|time| time.with_minute(0));
        let begin = if self == Self::Day { hour.and_then(|time| time.with_hour(0)) } else { hour };
        // Every UTC time has a full hour before it. If one had none, the time itself would still be a key.
        begin.unwrap_or(time).to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}
