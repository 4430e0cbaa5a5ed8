//! The open segment: the newest public rows, in memory, as those who read search them.

use hashbrown::HashMap;

use super::facets::{Counted, Facet, Sums};
use super::index;
use super::keys::{self, Clause, Kind, Wanted};
use super::order::Bound;
use crate::activity::Activity;
use crate::query::CountBy;

/// The rows that came after the last closed segment: for each key those that have it, in order of time and id.
pub(super) struct Open {
    /// The number that it will have once it is closed.
    number: i64,
    /// The sequence of the newest row that it has seen.
    last: i64,
    rows: Vec<OpenRow>,
    /// All of them, oldest first, as indices into `rows`; so are all lists.
    order: Vec<u32>,
    ids: Lists,
    names: Lists,
    apps: Lists,
    suites: Lists,
    actions: Lists,
    labels: HashMap<Box<str>, u32>,
}

/// A row of the open segment.
pub(super) struct OpenRow {
    pub(super) at: i64,
    pub(super) id: Box<str>,
    pub(super) sequence: i64,
    /// The app, as an index into the lists of apps.
    pub(super) app: u32,
    /// The actor as [`CountBy::key`] gives it, numbered in the order of appearance.
    pub(super) label: u32,
}

impl OpenRow {
    fn place(&self) -> (i64, &str) {
        (self.at, &self.id)
    }
}

#[derive(Default)]
struct Lists {
    codes: HashMap<Box<str>, u32>,
    lists: Vec<Vec<u32>>,
}

impl Open {
    /// An empty one, of the rows after this sequence.
    pub(super) fn after(number: i64, last: i64) -> Self {
        Self {
            number,
            last,
            rows: Vec::new(),
            order: Vec::new(),
            ids: Lists::default(),
            names: Lists::default(),
            apps: Lists::default(),
            suites: Lists::default(),
            actions: Lists::default(),
            labels: HashMap::new(),
        }
    }

    pub(super) fn number(&self) -> i64 {
        self.number
    }

    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Adds the next public row. Sequences rise; there may be gaps.
    pub(super) fn add(&mut self, sequence: i64, activity: &Activity) {
        let row = index(self.rows.len());
        let label = CountBy::Actor.key(activity);
        let label = match self.labels.get(&*label) {
            Some(code) => *code,
            None => {
                let code = index(self.labels.len());
                self.labels.insert(label.into(), code);
                code
            }
        };
        let app = self.apps.code(activity.app().name().as_str());
        let id: Box<str> = activity.id().as_str().into();
        self.rows.push(OpenRow { at: activity.occurred_at().timestamp_micros(), id, sequence, app, label });
        let Self { rows, order, ids, names, apps, suites, actions, .. } = self;
        insert(order, row, rows);
        keys::each(activity, |kind, key| {
            let lists = match kind {
                Kind::Id => &mut *ids,
                Kind::Name => &mut *names,
                Kind::App => &mut *apps,
                Kind::Suite => &mut *suites,
                Kind::Action => &mut *actions,
            };
            let code = lists.code(key);
            if let Some(list) = lists.lists.get_mut(code as usize) {
                insert(list, row, rows);
            }
        });
        self.last = sequence;
    }

    /// Adds what some rows count to, which are told by how many there are of each app and of each label.
    pub(super) fn add_names(&self, facet: Facet, counted: &Counted, sums: &mut Sums) {
        let codes = if facet == Facet::Apps { &self.apps.codes } else { &self.labels };
        for (name, code) in codes {
            sums.add_name(name, counted.rows(*code));
        }
    }

    /// Hands the rows up to and with a sequence that lie within a bound and have a key of every clause to `act`, newest
    /// first, until it has enough.
    pub(super) fn each(&self, wanted: &Wanted, bound: &Bound, up_to: i64, mut act: impl FnMut(&OpenRow) -> bool) {
        let mut clauses: Vec<Vec<&[u32]>> = wanted.clauses.iter().map(|clause| self.lists_of(clause)).collect();
        clauses.sort_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>());
        let mut clauses = clauses.into_iter();
        let mut left = clauses.next().unwrap_or_else(|| vec![&*self.order]);
        let others: Vec<_> = clauses.collect();
        let is_past = |row: &u32| self.row(*row).is_some_and(|row| bound.is_past(row.at, &row.id));
        for list in &mut left {
            *list = list.get(..list.partition_point(is_past)).unwrap_or_default();
        }
        while let Some(newest) = newest_of(&left, &self.rows) {
            for list in &mut left {
                if let Some((_, rest)) = list.split_last().filter(|(last, _)| **last == newest) {
                    *list = rest;
                }
            }
            let Some(row) = self.row(newest) else { break };
            if row.at < bound.range.from {
                break;
            }
            let has = |list: &&[u32]| list.binary_search_by(|other| compare(*other, newest, &self.rows)).is_ok();
            if row.sequence <= up_to && others.iter().all(|lists| lists.iter().any(has)) && !act(row) {
                break;
            }
        }
    }

    fn lists_of(&self, Clause(keys): &Clause) -> Vec<&[u32]> {
        keys.iter().filter_map(|(kind, key)| self.lists(*kind).of(key)).collect()
    }

    fn lists(&self, kind: Kind) -> &Lists {
        match kind {
            Kind::Id => &self.ids,
            Kind::Name => &self.names,
            Kind::App => &self.apps,
            Kind::Suite => &self.suites,
            Kind::Action => &self.actions,
        }
    }

    fn row(&self, row: u32) -> Option<&OpenRow> {
        self.rows.get(row as usize)
    }
}

impl Lists {
    fn code(&mut self, key: &str) -> u32 {
        if let Some(code) = self.codes.get(key) {
            return *code;
        }
        let code = index(self.lists.len());
        self.codes.insert(key.into(), code);
        self.lists.push(Vec::new());
        code
    }

    fn of(&self, key: &str) -> Option<&[u32]> {
        self.codes.get(key).and_then(|code| self.lists.get(*code as usize)).map(|list| &**list)
    }
}

/// Puts the newest row into a list in order: nearly always at the end or close to it, so it is looked for from there,
/// ever further back, before it is looked for in between.
fn insert(list: &mut Vec<u32>, row: u32, rows: &[OpenRow]) {
    let is_older = |at: usize| list.get(at).is_none_or(|other| compare(*other, row, rows).is_lt());
    let (mut step, mut end) = (1, list.len());
    while end > 0 && !is_older(end.saturating_sub(step)) {
        end = end.saturating_sub(step);
        step *= 2;
    }
    let begin = end.saturating_sub(step);
    let newer = list.get(begin..end).unwrap_or_default();
    let at = begin + newer.partition_point(|other| compare(*other, row, rows).is_lt());
    // The same key twice on one activity.
    if list.get(at) != Some(&row) {
        list.insert(at, row);
    }
}

/// Two rows by time, then by id.
fn compare(a: u32, b: u32, rows: &[OpenRow]) -> std::cmp::Ordering {
    let place = |row: u32| rows.get(row as usize).map(OpenRow::place);
    place(a).cmp(&place(b))
}

fn newest_of(lists: &[&[u32]], rows: &[OpenRow]) -> Option<u32> {
    lists.iter().filter_map(|list| list.last().copied()).max_by(|a, b| compare(*a, *b, rows))
}
