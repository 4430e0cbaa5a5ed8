//! The frequency of each value in the public activities.

use std::collections::BTreeMap;

use activity_privacy::activity::Activity;
use activity_privacy::query::Query;

#[derive(Default)]
pub(crate) struct Frequencies([BTreeMap<String, u64>; 4]);

/// A key of filters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Actor,
    App,
    Suite,
    Action,
}

impl Key {
    pub(crate) const ALL: [Self; 4] = [Self::Actor, Self::App, Self::Suite, Self::Action];

    /// Returns the name of the column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::App => "app",
            Self::Suite => "suite",
            Self::Action => "action",
        }
    }

    pub(crate) fn query(self, value: &str) -> Query {
        match self {
            Self::Actor => Query::all().by_actor(value).unwrap(),
            Self::App => Query::all().in_app(value.parse().unwrap()),
            Self::Suite => Query::all().in_suite(value.parse().unwrap()),
            Self::Action => Query::all().with_action(value.parse().unwrap()),
        }
    }
}

impl Frequencies {
    pub(crate) fn add(&mut self, activity: &Activity) {
        for key in Key::ALL {
            let value = match key {
                Key::Actor => Some(activity.actor().label()),
                Key::App => Some(activity.app().name().as_str()),
                Key::Suite => activity.app().suite().map(|suite| suite.as_str()),
                Key::Action => Some(activity.action().as_str()),
            };
            if let Some(value) = value {
                *self.0[key as usize].entry(value.to_owned()).or_default() += 1;
            }
        }
    }

    /// Returns the most frequent value and its count.
    pub(crate) fn most_frequent(&self, key: Key) -> (String, u64) {
        self.0[key as usize].iter().max_by_key(|(_, rows)| **rows).map(|(value, rows)| (value.clone(), *rows)).unwrap()
    }

    /// Returns the least frequent value and its count.
    pub(crate) fn least_frequent(&self, key: Key) -> (String, u64) {
        self.0[key as usize].iter().min_by_key(|(_, rows)| **rows).map(|(value, rows)| (value.clone(), *rows)).unwrap()
    }
}
