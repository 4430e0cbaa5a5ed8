//! The records of real logs as activities. Each has a token as its id, among its objects and in its details.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use activity_privacy::activity::{Activity, ActorKind};
use activity_privacy::directory::User;
use activity_privacy::identity::{Identity, UserId};
use activity_privacy::sources::{m365, mapped};

use super::activities::Activities;
use super::tokens::token;
use crate::chance::Chance;

/// The bytes at the beginning of a file by which its source is detected.
const HEAD: usize = 256 * 1024;

pub(crate) struct Logs {
    activities: Vec<Activity>,
    /// The number of activities that were returned.
    read: usize,
    files: usize,
    rejected: usize,
}

impl Logs {
    /// Reads every file below a folder whose records can be read.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut logs = Self { activities: Vec::new(), read: 0, files: 0, rejected: 0 };
        let mut paths = Vec::new();
        collect(folder, &mut paths);
        for path in paths {
            let bytes = fs::read(&path).unwrap();
            let head = &bytes[..bytes.len().min(HEAD)];
            let before = logs.activities.len();
            match mapped::detect(head) {
                Some(map) => mapped::Reader::new(&*bytes, map).for_each(|record| logs.add(record)),
                None => m365::Reader::new(&*bytes).for_each(|record| logs.add(record)),
            }
            logs.files += usize::from(logs.activities.len() > before);
        }
        logs
    }

    fn add<E>(&mut self, record: Result<Activity, E>) {
        let token = token(self.activities.len() as u64);
        match record.ok().and_then(|activity| marked(&activity, &token)) {
            Some(activity) => self.activities.push(activity),
            None => self.rejected += 1,
        }
    }

    /// Returns a user for each identity of an actor who is a user.
    pub(crate) fn people(&self) -> Vec<User> {
        let actors = self.activities.iter().flat_map(Activity::principals);
        let identities: BTreeSet<String> = actors
            .filter(|actor| actor.kind() == ActorKind::User)
            .filter_map(|actor| actor.identities().first())
            .map(|identity| serde_json::to_string(identity).unwrap())
            .collect();
        let mut people = BTreeMap::new();
        for (number, identity) in identities.iter().enumerate() {
            let user = match serde_json::from_str(identity).unwrap() {
                Identity::Id(id) => User::new(id),
                Identity::Alias(alias) => User::new(UserId::new(format!("person-{number}")).unwrap()).with_alias(alias),
            };
            people.insert(user.id().clone(), user);
        }
        people.into_values().collect()
    }
}

impl Activities for Logs {
    fn next(&mut self, chance: &mut Chance) -> Vec<Activity> {
        let size = chance.below(self.activities.len() as u64 / 20 + 1) as usize + 1;
        let batch: Vec<Activity> = self.activities.iter().skip(self.read).take(size).cloned().collect();
        self.read += batch.len();
        batch
    }
}

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { activities, files, rejected, .. } = self;
        write!(f, "{} activities in {files} files, {rejected} records rejected", activities.len())
    }
}

/// Returns the activity with a token. Returns `None` if it is too large with it.
fn marked(activity: &Activity, token: &str) -> Option<Activity> {
    let (actor, app) = (activity.actor().clone(), activity.app().clone());
    let id = token.parse().unwrap();
    let mut begun = Activity::builder(id, actor, app, activity.action().clone(), activity.occurred_at());
    for principal in activity.on_behalf_of() {
        begun = begun.on_behalf_of(principal.clone());
    }
    for object in activity.objects() {
        begun = begun.object(object);
    }
    let details = activity.details().unwrap_or_default();
    begun.object(token).details(format!("{details}{token}")).build().ok()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|end| ["json", "jsonl", "log", "csv"].iter().any(|name| end == *name)) {
            paths.push(path);
        }
    }
}
