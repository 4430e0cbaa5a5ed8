//! The open segment: the newest public rows, in memory, as whoever writes them gathers them for the closed one that they
//! will be.

use rusqlite::{Connection, params};

use super::buckets::Buckets;
use super::dictionary::{Dictionary, Numbers};
use super::directory::{Closed, closed_since};
use super::facets::{Facet, Sums, hour_of, put_name};
use super::keys::{self, Kind};
use super::order::{self, Entry};
use super::tables::{ADD_SEGMENT, FACETS, LAST_CLOSED, POSTINGS, greatest};
use super::tidy::revision;
use super::{group, index, ranks, rows};
use crate::activity::Activity;
use crate::store::StoreError;

/// The rows that came after the last closed segment. Every row passes through here, so as little as can be is done with
/// one: it is put behind the others, and what it has behind what they have. Lists by key are made when it is closed, all
/// at once.
///
/// It is full when it has as many rows as it was made for, or when it takes [`MOST_BYTES`], so that activities with
/// hundreds of long names cannot make it grow without bound.
pub(in crate::sqlite) struct Draft {
    /// The number that the segment will have.
    number: i64,
    /// The sequence of the newest row that it has seen.
    last: i64,
    /// The [revision](super::tidy::revision) that it was read at.
    revision: i64,
    full_at: usize,
    rows: Vec<Row>,
    /// Of all rows, one behind the other.
    ids: String,
    /// Every key of every row, as it came.
    had: Vec<Had>,
    dictionary: Dictionary,
}

struct Row {
    at: i64,
    sequence: i64,
    /// Where its id ends.
    id_end: u32,
    app: u32,
    label: u32,
}

struct Had {
    key: u32,
    row: u32,
}

/// How many bytes a segment may take before it is closed.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How many bytes of names the next segment takes over, most of which it will need again, and of room for the rest.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

impl Draft {
    /// What was not closed yet, read from its rows. Closes what turns out to be full, which happens only where rows were
    /// written without this: `connection` must be able to write then.
    pub(in crate::sqlite) fn load(connection: &Connection, full_at: usize) -> Result<Self, StoreError> {
        let mut draft = match greatest(connection, LAST_CLOSED)? {
            Some(number) => {
                let last = closed_since(connection, number, 1)?.first().map_or(0, |closed| closed.last);
                Self::after(number.saturating_add(1), last, full_at)
            }
            None => Self::after(0, 0, full_at),
        };
        draft.revision = revision(connection)?;
        draft.read_on(connection)?;
        Ok(draft)
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
            self.close_if_full(connection)
        })
    }

    /// An empty one, of the rows after this sequence.
    fn after(number: i64, last: i64, full_at: usize) -> Self {
        Self {
            number,
            last,
            revision: 0,
            full_at,
            rows: Vec::new(),
            ids: String::new(),
            had: Vec::new(),
            dictionary: Dictionary::default(),
        }
    }

    /// What is left of a closed segment, to be written again.
    pub(super) fn of_closed(connection: &Connection, closed: &Closed) -> Result<Self, StoreError> {
        let before = closed.first.saturating_sub(1);
        let mut draft = Self::after(closed.number, before, usize::MAX);
        rows::between(connection, before, closed.last, |sequence, activity| {
            draft.add(sequence, activity);
            Ok(())
        })?;
        Ok(draft)
    }

    /// Adds the next public row. Sequences rise; there may be gaps.
    pub(in crate::sqlite) fn add(&mut self, sequence: i64, activity: &Activity) {
        let row = index(self.rows.len());
        let Self { rows, ids, had, dictionary, .. } = self;
        // Of the actor, who comes first; the others are counted under nobody.
        let mut label = None;
        for principal in activity.principals() {
            let known = dictionary.principal(principal);
            had.extend(dictionary.keys_of(known).iter().map(|key| Had { key: *key, row }));
            label.get_or_insert(known.label);
        }
        let mut app = None;
        keys::each_beside_principals(activity, |kind, key| {
            let key = dictionary.key(kind, key);
            had.push(Had { key, row });
            app.get_or_insert(key);
        });
        let (app, label) = (app.unwrap_or_default(), label.unwrap_or_default());
        ids.push_str(activity.id().as_str());
        let at = activity.occurred_at().timestamp_micros();
        rows.push(Row { at, sequence, id_end: index(ids.len()), app, label });
        self.last = sequence;
    }

    /// Closes the segment once it is full, in the transaction of the batch that filled it, and goes on with the next one.
    /// Whoever rolls that transaction back has to [load](Self::load) again.
    pub(in crate::sqlite) fn close_if_full(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let bytes = self.ids.len() + self.had.len() * size_of::<Had>() + self.dictionary.bytes();
        if self.rows.len() < self.full_at && bytes < MOST_BYTES || self.rows.is_empty() {
            return Ok(());
        }
        self.write(connection, self.last)?;
        if let Some(segments) = group::ending_with(connection, self.number)? {
            group::write(connection, &segments)?;
        }
        self.number = self.number.saturating_add(1);
        self.rows.clear();
        self.ids.clear();
        self.had.clear();
        // What a segment took that was full of names.
        self.ids.shrink_to(KEPT_BYTES);
        self.had.shrink_to(KEPT_BYTES / size_of::<Had>());
        if self.dictionary.bytes() > KEPT_BYTES {
            self.dictionary = Dictionary::default();
        }
        Ok(())
    }

    /// Writes everything that is known of it as the closed segment that ends with this sequence, if it has any rows.
    pub(super) fn write(&self, connection: &Connection, last: i64) -> Result<(), StoreError> {
        let newest_first = self.newest_first();
        let row = |at: Option<&u32>| at.and_then(|row| self.rows.get(*row as usize));
        let (Some(first), Some(newest), Some(oldest)) =
            (self.rows.first(), row(newest_first.first()), row(newest_first.last()))
        else {
            return Ok(());
        };
        let apps = Numbers::of(self.rows.iter().map(|row| row.app));
        let labels = Numbers::of(self.rows.iter().map(|row| row.label));
        let entry = |row: &Row| Entry {
            at: row.at,
            sequence: row.sequence,
            app: apps.of_code(row.app),
            label: labels.of_code(row.label),
        };
        let entries: Vec<Entry> = newest_first.iter().filter_map(|at| row(Some(at))).map(entry).collect();
        order::write(connection, self.number, first.sequence, &entries)?;

        let buckets = self.postings(&newest_first);
        buckets.write(connection, POSTINGS, self.number)?;

        let mut adder = FACETS.adder(connection)?;
        for facet in Facet::ALL {
            let bytes = match facet {
                Facet::Hours => self.hours(),
                Facet::Apps => named(self.dictionary.keys(Kind::App), &apps),
                Facet::Labels => named(self.dictionary.labels(), &labels),
            };
            adder.add(self.number, facet.part(), &bytes)?;
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

    /// All rows by time and then by id, as indices.
    fn newest_first(&self) -> Vec<u32> {
        let place = |row: &u32| self.rows.get(*row as usize).map(|found| (found.at, self.id(*row)));
        let mut order: Vec<u32> = (0..index(self.rows.len())).rev().collect();
        // Mostly they are in order but for a few; then this is fast.
        order.sort_by(|a, b| place(b).cmp(&place(a)));
        order
    }

    fn id(&self, row: u32) -> &str {
        let end = |row: usize| self.rows.get(row).map_or(0, |row| row.id_end as usize);
        let begin = (row as usize).checked_sub(1).map_or(0, end);
        self.ids.get(begin..end(row as usize)).unwrap_or_default()
    }

    fn postings(&self, newest_first: &[u32]) -> Buckets {
        let mut rank_of = vec![0; self.rows.len()];
        for (rank, row) in (0..).zip(newest_first) {
            if let Some(of) = rank_of.get_mut(*row as usize) {
                *of = rank;
            }
        }
        // The ranks of each key side by side: a counting sort.
        let mut ends = vec![0; self.dictionary.key_count() + 1];
        for had in &self.had {
            if let Some(count) = ends.get_mut(had.key as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let (starts, mut ranks) = (ends.clone(), vec![0_u32; self.had.len()]);
        // From behind, because rows come mostly in order of time: so ranks rise.
        for had in self.had.iter().rev() {
            if let (Some(rank), Some(end)) = (rank_of.get(had.row as usize), ends.get_mut(had.key as usize))
                && let Some(place) = ranks.get_mut(*end)
            {
                *place = *rank;
                *end += 1;
            }
        }
        let bounds = |key: u32| -> std::ops::Range<usize> {
            let start = |at: usize| starts.get(at).copied().unwrap_or_default();
            start(key as usize)..start(key as usize + 1)
        };
        let lists = || {
            let of_kind = |kind: &Kind| {
                let kind = *kind;
                self.dictionary.keys(kind).map(move |(key, code)| (kind, key, code))
            };
            Kind::ALL.iter().flat_map(of_kind).map(|(kind, key, code)| (kind, key, bounds(code)))
        };
        let lists = || lists().filter(|(.., bounds)| !bounds.is_empty());
        // Most ranks are near the one before.
        let mut buckets =
            Buckets::for_bytes(lists().map(|(_, key, bounds)| key.len() + bounds.len() * 3 / 2 + 5).sum());
        let (mut value, mut list) = (Vec::new(), Vec::new());
        for (kind, key, bounds) in lists() {
            list.clear();
            list.extend_from_slice(ranks.get(bounds).unwrap_or_default());
            list.sort();
            // The same key twice on one activity.
            list.dedup();
            value.clear();
            ranks::encode(&mut value, list.iter().copied());
            buckets.put(kind as u8, key, &value);
        }
        buckets
    }

    fn hours(&self) -> Vec<u8> {
        let mut sums = Sums::default();
        self.rows.iter().for_each(|row| sums.add_hour(hour_of(row.at), 1));
        sums.encode(Facet::Hours)
    }
}

/// Names in the order of their numbers, by which the order of the rows tells them.
fn named<'a>(names: impl Iterator<Item = (&'a str, u32)>, numbers: &Numbers) -> Vec<u8> {
    let mut names: Vec<(u32, &str, u64)> =
        names.filter_map(|(name, code)| numbers.rows(code).map(|(number, rows)| (number, name, rows))).collect();
    names.sort_unstable();
    let mut bytes = Vec::new();
    names.into_iter().for_each(|(_, name, rows)| put_name(&mut bytes, name, rows));
    bytes
}
