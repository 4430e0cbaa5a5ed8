//! The open segment: the newest public rows, in memory.

use hashbrown::HashMap;
use rusqlite::{Connection, params};

use super::buckets::Buckets;
use super::directory::{Closed, closed_since};
use super::facets::{Counted, Facet, Sums, hour_of, put_name};
use super::keys::{self, Clause, Kind, Wanted};
use super::order::{self, Bound, Entry};
use super::tables::{ADD_SEGMENT, FACETS, LAST_CLOSED, POSTINGS, greatest};
use super::tidy::revision;
use super::{group, ranks, rows};
use crate::activity::Activity;
use crate::query::CountBy;
use crate::store::StoreError;

/// The rows that came after the last closed segment: for each key those that have it, in order of time and id.
///
/// It is full when it has as many rows as it was made for, or when its keys take [`MOST_BYTES`], so that activities with
/// hundreds of long names cannot make it grow without bound.
pub(in crate::sqlite) struct Open {
    /// The number that it will have once it is closed.
    number: i64,
    /// The sequence of the newest row that it has seen.
    last: i64,
    /// The [revision](super::tidy::revision) that it was read at.
    revision: i64,
    full_at: usize,
    /// Whether it is searched, and all lists are in order of time and id. Who only closes it puts them in order then, at
    /// once; until then they are in the order of storing.
    is_searched: bool,
    bytes: usize,
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

/// How many bytes the keys of a segment may take, lists included.
const MOST_BYTES: usize = 64 * 1024 * 1024;

impl Open {
    /// What was not closed yet, read from its rows. Closes what turns out to be full, which happens only where rows were
    /// written without this: `connection` must be able to write then.
    pub(in crate::sqlite) fn load(connection: &Connection, full_at: usize) -> Result<Self, StoreError> {
        let mut open = match greatest(connection, LAST_CLOSED)? {
            Some(number) => {
                let last = closed_since(connection, number, 1)?.first().map_or(0, |closed| closed.last);
                Self::after(number.saturating_add(1), last, full_at)
            }
            None => Self::after(0, 0, full_at),
        };
        open.revision = revision(connection)?;
        open.read_on(connection)?;
        Ok(open)
    }

    /// Makes this what the transaction of this connection sees after other processes wrote. `newest` is the sequence of
    /// the newest public row; nothing was undone that is in here.
    pub(in crate::sqlite) fn catch_up(&mut self, connection: &Connection, newest: i64) -> Result<(), StoreError> {
        if self.revision != revision(connection)? {
            *self = Self::load(connection, self.full_at)?;
        } else if self.last < newest {
            match greatest(connection, LAST_CLOSED)? {
                Some(closed) if closed >= self.number => *self = Self::load(connection, self.full_at)?,
                _ => self.read_on(connection)?,
            }
        }
        Ok(())
    }

    fn read_on(&mut self, connection: &Connection) -> Result<(), StoreError> {
        rows::between(connection, self.last, i64::MAX, |sequence, activity| {
            self.add(sequence, activity);
            if self.is_full() {
                *self = self.close(connection)?;
            }
            Ok(())
        })
    }

    /// An empty one, of the rows after this sequence.
    pub(super) fn after(number: i64, last: i64, full_at: usize) -> Self {
        Self {
            number,
            last,
            revision: 0,
            full_at,
            is_searched: false,
            bytes: 0,
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

    /// What is left of a closed segment, to be written again.
    pub(super) fn of_closed(connection: &Connection, closed: &Closed) -> Result<Self, StoreError> {
        let before = closed.first.saturating_sub(1);
        let mut open = Self::after(closed.number, before, usize::MAX);
        rows::between(connection, before, closed.last, |sequence, activity| {
            open.add(sequence, activity);
            Ok(())
        })?;
        Ok(open)
    }

    /// An empty one for whoever looks for rows, and closes nothing.
    pub(super) fn to_search(number: i64, last: i64) -> Self {
        Self { is_searched: true, ..Self::after(number, last, usize::MAX) }
    }

    pub(super) fn number(&self) -> i64 {
        self.number
    }

    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Adds the next public row. Sequences rise; there may be gaps.
    pub(in crate::sqlite) fn add(&mut self, sequence: i64, activity: &Activity) {
        let row = index(self.rows.len());
        let label = CountBy::Actor.key(activity);
        let label = match self.labels.get(&*label) {
            Some(code) => *code,
            None => {
                let code = index(self.labels.len());
                self.bytes += label.len() + ENTRY_BYTES;
                self.labels.insert(label.into(), code);
                code
            }
        };
        let app = self.apps.code(activity.app().name().as_str(), &mut self.bytes);
        let id: Box<str> = activity.id().as_str().into();
        self.bytes += id.len() + ENTRY_BYTES;
        self.rows.push(OpenRow { at: activity.occurred_at().timestamp_micros(), id, sequence, app, label });
        let Self { rows, order, ids, names, apps, suites, actions, bytes, is_searched, .. } = self;
        let put = |list: &mut Vec<u32>| match is_searched {
            true => insert(list, row, rows),
            // The same key twice on one activity.
            false if list.last() == Some(&row) => {}
            false => list.push(row),
        };
        put(order);
        keys::each(activity, |kind, key| {
            let lists = match kind {
                Kind::Id => &mut *ids,
                Kind::Name => &mut *names,
                Kind::App => &mut *apps,
                Kind::Suite => &mut *suites,
                Kind::Action => &mut *actions,
            };
            let code = lists.code(key, bytes);
            if let Some(list) = lists.lists.get_mut(code as usize) {
                *bytes += size_of::<u32>();
                put(list);
            }
        });
        self.last = sequence;
    }

    pub(in crate::sqlite) fn is_full(&self) -> bool {
        self.rows.len() >= self.full_at || self.bytes >= MOST_BYTES
    }

    /// Writes everything that is known of the segment, in the transaction of the batch that filled it, and gives the
    /// next one. Whoever rolls that transaction back has to [load](Self::load) again.
    pub(in crate::sqlite) fn close(&mut self, connection: &Connection) -> Result<Self, StoreError> {
        let mut next = Self::after(self.number, self.last, self.full_at);
        next.revision = self.revision;
        if self.rows.is_empty() {
            return Ok(next);
        }
        self.write(connection, self.last)?;
        if let Some(segments) = group::ending_with(connection, self.number)? {
            group::write(connection, &segments)?;
        }
        next.number = self.number.saturating_add(1);
        Ok(next)
    }

    /// Writes it as the closed segment that ends with this sequence, if it has any rows.
    pub(super) fn write(&mut self, connection: &Connection, last: i64) -> Result<(), StoreError> {
        // Mostly they are in order but for a few; then this is fast.
        self.order.sort_by(|a, b| compare(*a, *b, &self.rows));
        let (Some(first), Some(oldest), Some(newest)) = (
            self.rows.first(),
            self.order.first().and_then(|row| self.row(*row)),
            self.order.last().and_then(|row| self.row(*row)),
        ) else {
            return Ok(());
        };
        let entries: Vec<Entry> = self.order.iter().rev().filter_map(|row| self.row(*row)).map(Entry::from).collect();
        order::write(connection, self.number, first.sequence, &entries)?;

        let buckets = self.postings();
        buckets.write(connection, POSTINGS, self.number)?;

        let mut adder = FACETS.adder(connection)?;
        for facet in Facet::ALL {
            adder.add(self.number, facet.part(), &self.facet(facet))?;
        }
        connection.prepare_cached(ADD_SEGMENT)?.execute(params![
            self.number,
            first.sequence,
            last,
            index(self.rows.len()),
            oldest.at,
            newest.at,
            buckets.count(),
        ])?;
        Ok(())
    }

    fn postings(&self) -> Buckets {
        let mut rank_of = vec![0; self.rows.len()];
        for (rank, row) in (0..).zip(self.order.iter().rev()) {
            if let Some(of) = rank_of.get_mut(*row as usize) {
                *of = rank;
            }
        }
        let kinds = [Kind::Id, Kind::Name, Kind::App, Kind::Suite, Kind::Action];
        let lists =
            || kinds.iter().flat_map(|kind| self.lists(*kind).each().map(|(key, list)| (*kind as u8, key, list)));
        // Most ranks are near the one before.
        let mut buckets = Buckets::for_bytes(lists().map(|(_, key, list)| key.len() + list.len() * 3 / 2 + 5).sum());
        let (mut value, mut ranks) = (Vec::new(), Vec::new());
        for (kind, key, list) in lists() {
            let of = |row: &u32| rank_of.get(*row as usize).copied().unwrap_or_default();
            ranks.clear();
            ranks.extend(list.iter().rev().map(of));
            ranks.sort();
            value.clear();
            ranks::encode(&mut value, ranks.iter().copied());
            buckets.put(kind, key, &value);
        }
        buckets
    }

    /// Names in the order of their codes, by which the order of the rows tells them.
    fn facet(&self, facet: Facet) -> Vec<u8> {
        let mut bytes = Vec::new();
        match facet {
            Facet::Hours => {
                let mut sums = Sums::default();
                self.rows.iter().for_each(|row| sums.add_hour(hour_of(row.at), 1));
                return sums.encode(facet);
            }
            Facet::Apps => {
                let mut apps: Vec<(&u32, &Box<str>)> = self.apps.codes.iter().map(|(app, code)| (code, app)).collect();
                apps.sort_unstable();
                for ((_, app), list) in apps.into_iter().zip(&self.apps.lists) {
                    put_name(&mut bytes, app, list.len() as u64);
                }
            }
            Facet::Labels => {
                let mut counted = Counted::default();
                self.rows.iter().for_each(|row| counted.add(row.label));
                let mut labels: Vec<(&u32, &Box<str>)> =
                    self.labels.iter().map(|(label, code)| (code, label)).collect();
                labels.sort_unstable();
                for (code, label) in labels {
                    put_name(&mut bytes, label, counted.rows(*code));
                }
            }
        }
        bytes
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

/// About what a key takes beside its bytes.
const ENTRY_BYTES: usize = 64;

impl Lists {
    fn code(&mut self, key: &str, bytes: &mut usize) -> u32 {
        if let Some(code) = self.codes.get(key) {
            return *code;
        }
        let code = index(self.lists.len());
        *bytes += key.len() + ENTRY_BYTES;
        self.codes.insert(key.into(), code);
        self.lists.push(Vec::new());
        code
    }

    fn of(&self, key: &str) -> Option<&[u32]> {
        self.codes.get(key).and_then(|code| self.lists.get(*code as usize)).map(|list| &**list)
    }

    fn each(&self) -> impl Iterator<Item = (&str, &[u32])> {
        let list = |code: u32| self.lists.get(code as usize).map_or(&[][..], |list| list);
        self.codes.iter().map(move |(key, code)| (&**key, list(*code)))
    }
}

impl From<&OpenRow> for Entry {
    fn from(row: &OpenRow) -> Self {
        Self { at: row.at, sequence: row.sequence, app: row.app, label: row.label }
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

/// INVARIANT: a segment is full long before it has as many rows or keys as a `u32` counts.
fn index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
