//! How a batch is written to the two tables of activities.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::age::Ages;
use super::document::{ACTIVITY, to_json};
use super::facts;
use super::ids::{self, Filters, Ids};
use super::segments::{Draft, SEGMENT_ROWS};
use super::table::{PRIVATE, PUBLIC, Table};
use super::writer::Memory;
use crate::activity::Activity;
use crate::screen::{Stamp, Visibility};
use crate::store::{Appended, StoreError};

/// What the writer knows of the two tables.
#[derive(Default)]
pub(super) struct Written {
    filters: Filters,
    /// Public ones and private ones, once they were read.
    ids: Option<[Ids; 2]>,
    /// The newest public rows, once they were read.
    draft: Option<Draft>,
    /// Stamps that have a number, of each table: those that were given last.
    stamps: [Vec<(Stamp, i64)>; 2],
    facts: Vec<u8>,
}

impl Written {
    pub(super) fn new(filters: Filters) -> Self {
        Self { filters, ..Self::default() }
    }

    /// What is known of the newest public rows is read again when it is needed.
    pub(super) fn let_go_of_public_rows(&mut self) {
        self.draft = None;
    }
}

impl Memory for Written {
    fn forget(&mut self) {
        self.ids = None;
        self.draft = None;
        self.stamps.iter_mut().for_each(Vec::clear);
    }
}

/// One table while a batch is written to it.
struct Writing<'a> {
    connection: &'a Connection,
    of: &'static str,
    ids: &'a mut Ids,
    /// Whether an id of the batch may be in the table since earlier.
    marks: Vec<bool>,
    candidates: Vec<i64>,
    stamps: &'a mut Vec<(Stamp, i64)>,
    find: CachedStatement<'a>,
    insert: CachedStatement<'a>,
    next: i64,
    ages: Ages,
    stored: bool,
}

/// Stores a batch, but for what is stored under its id in either table.
pub(super) fn append(
    connection: &Connection,
    written: &mut Written,
    batch: &[(&Activity, &Stamp)],
) -> Result<Vec<Appended>, StoreError> {
    let Written { filters, ids, draft, stamps: [public_stamps, private_stamps], facts } = written;
    let [public_ids, private_ids] = match ids {
        Some(ids) => ids,
        None => {
            ids.insert([Ids::open(connection, &ids::PUBLIC, filters)?, Ids::open(connection, &ids::PRIVATE, filters)?])
        }
    };
    // Somebody may have put the file back from a copy, under this process: then nothing that is known is sure.
    if !public_ids.catch_up(connection)? {
        *draft = None;
        public_stamps.clear();
    }
    if !private_ids.catch_up(connection)? {
        private_stamps.clear();
    }
    // Both hash alike.
    let hashes: Vec<u64> = batch.iter().map(|(activity, _)| public_ids.hash(activity.id().as_str())).collect();
    let mut public = Writing::new(connection, PUBLIC, public_ids, public_stamps, &hashes)?;
    let mut private = Writing::new(connection, PRIVATE, private_ids, private_stamps, &hashes)?;
    let draft = match draft {
        Some(draft) => draft,
        None => draft.insert(Draft::load(connection, SEGMENT_ROWS)?),
    };
    draft.catch_up(connection, public.next - 1)?;
    let mut appended = Vec::with_capacity(batch.len());
    for (at, ((activity, stamp), hash)) in batch.iter().zip(&hashes).enumerate() {
        facts.clear();
        facts::write(activity, facts);
        let first = match public.first(at, *hash, activity, facts)? {
            None => private.first(at, *hash, activity, facts)?,
            first => first,
        };
        appended.push(match first {
            Some(first) => first,
            None => {
                let table = match stamp.visibility() {
                    Visibility::Public => &mut public,
                    Visibility::Private => &mut private,
                };
                let sequence = table.insert(*hash, activity, stamp, facts)?;
                if table.of == PUBLIC.of {
                    draft.add(sequence, activity);
                    draft.close_if_full(connection)?;
                }
                Appended::Stored
            }
        });
    }
    public.finish()?;
    private.finish()?;
    Ok(appended)
}

impl<'a> Writing<'a> {
    fn new(
        connection: &'a Connection,
        Table { of, .. }: Table,
        ids: &'a mut Ids,
        stamps: &'a mut Vec<(Stamp, i64)>,
        hashes: &[u64],
    ) -> Result<Self, StoreError> {
        let (mut marks, next) = (Vec::new(), ids.entries()? + 1);
        ids.mark(connection, hashes, &mut marks)?;
        let prepare = |sql: String| connection.prepare_cached(&sql);
        Ok(Self {
            connection,
            of,
            ids,
            marks,
            candidates: Vec::new(),
            stamps,
            find: prepare(format!("SELECT id, occurred_at, facts, details FROM {of}_activity WHERE sequence = ?1"))?,
            insert: prepare(format!(
                "INSERT INTO {of}_activity (sequence, id, occurred_at, decided_at, stamp, facts, details)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            ))?,
            next,
            ages: Ages::default(),
            stored: false,
        })
    }

    /// What is to be answered for an activity of the batch because something is stored under its id.
    fn first(
        &mut self,
        at: usize,
        hash: u64,
        activity: &Activity,
        facts: &[u8],
    ) -> Result<Option<Appended>, StoreError> {
        self.candidates.clear();
        let marked = self.marks.get(at).copied().unwrap_or(true);
        self.ids.candidates(self.connection, hash, marked, &mut self.candidates)?;
        let is_first = |row: &Row<'_>| {
            if row.get_ref(0)?.as_bytes()? != activity.id().as_str().as_bytes() {
                return Ok(None);
            }
            let same = row.get_ref(1)?.as_i64()? == activity.occurred_at().timestamp_micros()
                && row.get_ref(2)?.as_bytes()? == facts
                && row.get_ref(3)?.as_bytes_or_null()? == activity.details().map(str::as_bytes);
            Ok(Some(if same { Appended::Duplicate } else { Appended::Conflict }))
        };
        for sequence in &self.candidates {
            let first = match self.find.query_row([sequence], is_first).optional()? {
                Some(first) => first,
                // What its content was is known no more.
                None => self
                    .ids
                    .was_removed(self.connection, *sequence, activity.id().as_str())?
                    .then_some(Appended::Duplicate),
            };
            if first.is_some() {
                return Ok(first);
            }
        }
        Ok(None)
    }

    fn insert(&mut self, hash: u64, activity: &Activity, stamp: &Stamp, facts: &[u8]) -> Result<i64, StoreError> {
        let decided_at = stamp.decided_at().timestamp_micros();
        let stamp = self.number_of(stamp)?;
        self.insert.execute(params![
            self.next,
            activity.id().as_str(),
            activity.occurred_at().timestamp_micros(),
            decided_at,
            stamp,
            facts,
            activity.details(),
        ])?;
        self.ids.add(hash, self.next);
        self.ages.add(self.next, decided_at);
        self.next += 1;
        self.stored = true;
        Ok(self.next - 1)
    }

    /// The number of the stamp that is like this one, but for the time.
    fn number_of(&mut self, stamp: &Stamp) -> Result<i64, StoreError> {
        /// So many different reasons are known at a time.
        const KNOWN: usize = 64;
        if let Some((_, number)) = self.stamps.iter().find(|(known, _)| known.is_like(stamp)) {
            return Ok(*number);
        }
        let insert = format!("INSERT INTO {}_stamp (document) VALUES (?1)", self.of);
        self.connection.prepare_cached(&insert)?.execute([to_json(ACTIVITY, stamp)?])?;
        let number = self.connection.last_insert_rowid();
        if self.stamps.len() == KNOWN {
            self.stamps.clear();
        }
        self.stamps.push((stamp.clone(), number));
        Ok(number)
    }

    fn finish(self) -> Result<(), StoreError> {
        if self.stored {
            self.ages.write(self.connection, self.of)?;
            self.ids.keep_up(self.connection)?;
        }
        Ok(())
    }
}
