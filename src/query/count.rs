//! Counting what a query finds.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, SubsecRound, Timelike, Utc};
use serde::Serialize;

use crate::activity::Activity;

/// What to count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CountBy {
    /// The hour in which it happened, UTC.
    Hour,
    /// The day on which it happened, UTC.
    Day,
    /// The app.
    App,
    /// Who acted.
    Actor,
}

/// How many activities share one key. `Debug` does not show the key, because it can be somebody's name.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The hour or day as it begins (RFC 3339), the name of the app, or the folded name of the actor.
    pub key: String,
    /// How many.
    pub activities: u64,
}

impl std::fmt::Debug for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Count").field("activities", &self.activities).finish_non_exhaustive()
    }
}

/// Counts activities by a key. Its memory grows with the number of keys, not of activities.
pub(crate) struct Tally {
    by: CountBy,
    counts: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn new(by: CountBy) -> Self {
        Self { by, counts: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, activity: &Activity) {
        *self.counts.entry(self.by.key(activity)).or_default() += 1;
    }

    /// The counts, by key in rising order.
    pub(crate) fn counts(self) -> Vec<Count> {
        self.counts.into_iter().map(|(key, activities)| Count { key, activities }).collect()
    }
}

impl CountBy {
    /// Under which key an activity counts: see [`Count::key`]. Every store must count by the key that this gives.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use activity_privacy::{Activity, Actor, Alias, App, CountBy};
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

    /// Under which key this time counts: the beginning of its day if it is counted by day, of its hour if not.
    pub(crate) fn key_of_time(self, time: DateTime<Utc>) -> String {
        let hour = time.trunc_subsecs(0).with_second(0).and_then(|time| time.with_minute(0));
        let begin = if self == Self::Day { hour.and_then(|time| time.with_hour(0)) } else { hour };
        // Every UTC time has a full hour before it; if one had none, its own time would still be a key.
        begin.unwrap_or(time).to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}
