//! The content of a log, in numbers.

use std::collections::BTreeMap;

use activity_privacy::activity::{Activity, ActorKind, ActorName};
use activity_privacy::engine::UndecidableReason;
use activity_privacy::sources::{RejectCounts, Rejected};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::people::{Lookup, NotResolved, OfForm, People};
use crate::terminal::Result;
use crate::timeline::{Interval, Timeline};
use crate::top::{Frequency, Top};

/// The number of activities that are decided at once.
const BATCH: usize = 256;

/// The number of names in a list.
const TOP: usize = 10;

/// The number of intervals in a plot.
const INTERVALS: usize = 31;

/// The counts of a log that is being read. Memory is bounded, however long the log is.
pub(crate) struct Reading {
    lookup: Option<Lookup>,
    batch: Vec<Activity>,
    activities: u64,
    rejected: RejectCounts,
    timeline: Timeline,
    apps: Top,
    actions: Top,
    actors: BTreeMap<&'static str, (u64, Top)>,
    on_behalf: u64,
    people: People,
    undecidable: BTreeMap<String, u64>,
}

/// The content of a log, in numbers.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) format: Option<String>,
    pub(crate) source: SourceName,
    pub(crate) records: u64,
    pub(crate) activities: u64,
    pub(crate) rejected: u64,
    pub(crate) rejected_by_reason: Vec<RejectedFor>,
    pub(crate) first: Option<DateTime<Utc>>,
    pub(crate) last: Option<DateTime<Utc>>,
    pub(crate) interval_hours: i64,
    pub(crate) activities_by_time: Vec<Interval>,
    pub(crate) apps: Names,
    pub(crate) actions: Names,
    pub(crate) actors: Vec<OfKind>,
    /// The activities of an actor on behalf of another principal.
    pub(crate) on_behalf: u64,
    pub(crate) identities: Vec<OfForm>,
    /// The activities with identities beyond the number that is kept in memory.
    pub(crate) identities_not_listed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) directory: Option<InDirectory>,
}

#[derive(Serialize)]
pub(crate) struct SourceName {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) is_detected: bool,
}

/// The most frequent names, and the number of activities with other ones.
#[derive(Serialize)]
pub(crate) struct Names {
    pub(crate) names: usize,
    pub(crate) most_frequent: Vec<Frequency>,
    pub(crate) other_activities: u64,
}

#[derive(Serialize)]
pub(crate) struct OfKind {
    pub(crate) kind: &'static str,
    pub(crate) activities: u64,
    /// The names of applications and system accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) most_frequent: Vec<Frequency>,
}

#[derive(Serialize)]
pub(crate) struct RejectedFor {
    pub(crate) reason: String,
    pub(crate) records: u64,
    pub(crate) first_lines: Vec<u64>,
}

/// The people in the log, by the result of looking them up in the directory.
#[derive(Serialize)]
pub(crate) struct InDirectory {
    /// The activities that are private because they cannot be decided, by reason.
    pub(crate) undecidable: BTreeMap<String, u64>,
    /// The number of identities that are not that of one user.
    pub(crate) not_resolved: usize,
    pub(crate) most_frequent_not_resolved: Vec<NotResolved>,
}

impl Reading {
    pub(crate) fn new(lookup: Option<Lookup>) -> Self {
        Self {
            lookup,
            batch: Vec::with_capacity(BATCH),
            activities: 0,
            rejected: RejectCounts::default(),
            timeline: Timeline::default(),
            apps: Top::default(),
            actions: Top::default(),
            actors: BTreeMap::new(),
            on_behalf: 0,
            people: People::default(),
            undecidable: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, item: std::result::Result<Activity, Rejected>) {
        match item {
            Ok(activity) => self.batch.push(activity),
            Err(rejected) => self.rejected.add(&rejected),
        }
        if self.batch.len() == BATCH {
            self.add_batch();
        }
    }

    fn add_batch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        for activity in &batch {
            self.count(activity);
        }
        let undecidable = self.lookup.iter().flat_map(|lookup| lookup.undecidable(&batch));
        for reason in undecidable.flatten() {
            *self.undecidable.entry(words(&reason)).or_default() += 1;
        }
        self.batch = batch;
        self.batch.clear();
    }

    fn count(&mut self, activity: &Activity) {
        self.activities += 1;
        self.timeline.add(activity.occurred_at());
        self.apps.add(activity.app().name().as_str());
        self.actions.add(activity.action().as_str());
        let actor = activity.actor();
        let kind = match actor.kind() {
            ActorKind::User => "user",
            ActorKind::Application => "application",
            ActorKind::System => "system",
            ActorKind::Unknown => "unknown",
        };
        let (activities, names) = self.actors.entry(kind).or_default();
        *activities += 1;
        if let Some(name) = actor.name().map(ActorName::as_str) {
            names.add(name);
        }
        self.on_behalf += u64::from(!activity.on_behalf_of().is_empty());
        self.people.add(activity);
    }

    pub(crate) fn finish(mut self, format: Option<String>, source: SourceName) -> Result<Report> {
        self.add_batch();
        let (identities, mut not_resolved) = self.people.look_up(self.lookup.as_ref())?;
        let directory = self.lookup.is_some().then(|| InDirectory {
            undecidable: self.undecidable,
            not_resolved: not_resolved.len(),
            most_frequent_not_resolved: {
                not_resolved.truncate(TOP);
                not_resolved
            },
        });
        let mut actors: Vec<_> = self
            .actors
            .into_iter()
            .map(|(kind, (activities, names))| OfKind { kind, activities, most_frequent: names.first(3) })
            .collect();
        actors.sort_by_key(|of_kind| std::cmp::Reverse(of_kind.activities));
        let by_reason = self.rejected.by_reason().into_iter().map(|count| RejectedFor {
            reason: count.reason().to_owned(),
            records: count.records(),
            first_lines: count.first_lines().to_vec(),
        });
        let span = self.timeline.span();
        let (interval_hours, activities_by_time) = self.timeline.intervals(INTERVALS);
        Ok(Report {
            format,
            source,
            records: self.activities + self.rejected.records(),
            activities: self.activities,
            rejected: self.rejected.records(),
            rejected_by_reason: by_reason.collect(),
            first: span.map(|(first, _)| first),
            last: span.map(|(_, last)| last),
            interval_hours,
            activities_by_time,
            apps: Names::of(&self.apps),
            actions: Names::of(&self.actions),
            actors,
            on_behalf: self.on_behalf,
            identities,
            identities_not_listed: self.people.not_listed(),
            directory,
        })
    }
}

impl Names {
    fn of(all: &Top) -> Self {
        Self { names: all.len(), most_frequent: all.first(TOP), other_activities: all.rest(TOP) }
    }
}

fn words(reason: &UndecidableReason) -> String {
    match reason {
        UndecidableReason::NoUsableActor => "no person is named in a form that the directory contains".to_owned(),
        UndecidableReason::AmbiguousAlias => "a name belongs to several users".to_owned(),
        reason => reason.to_string(),
    }
}
