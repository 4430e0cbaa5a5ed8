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

    /// Goes on from a draft of segments that are of another size than usual.
    #[cfg(test)]
    pub(super) fn go_on_from(&mut self, draft: Draft) {
        self.draft = Some(draft);
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
    table: Table,
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
                if table.table == PUBLIC {
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
        table: Table,
        ids: &'a mut Ids,
        stamps: &'a mut Vec<(Stamp, i64)>,
        hashes: &[u64],
    ) -> Result<Self, StoreError> {
        let of = table.of;
        let (mut marks, next) = (Vec::new(), ids.entries()? + 1);
        ids.mark(connection, hashes, &mut marks)?;
        let prepare = |sql: String| connection.prepare_cached(&sql);
        Ok(Self {
            connection,
            table,
            ids,
            marks,
            candidates: Vec::new(),
            stamps,
            find: prepare(format!("SELECT id, occurred_at, facts, details FROM {of}_activity WHERE sequence = ?1"))?,
            insert: prepare(format!(
                "INSERT INTO {of}_activity (sequence, id, occurred_at, decided_at, stamp, seal, facts, details)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
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
        let occurred_at = activity.occurred_at().timestamp_micros();
        let texts = [Some(activity.id().as_str().as_bytes()), Some(facts), activity.details().map(str::as_bytes)];
        let seal = self.table.seal([self.next, occurred_at, decided_at, stamp], texts);
        self.insert.execute(params![
            self.next,
            activity.id().as_str(),
            occurred_at,
            decided_at,
            stamp,
            seal,
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
        let of = self.table.of;
        let greatest = format!("SELECT coalesce(max(number), 0) FROM {of}_stamp");
        let greatest = self.connection.prepare_cached(&greatest)?.query_row([], |row| row.get(0))?;
        let number = self.table.next_stamp(greatest);
        let insert = format!("INSERT INTO {of}_stamp (number, document) VALUES (?1, ?2)");
        self.connection.prepare_cached(&insert)?.execute(params![number, to_json(ACTIVITY, stamp)?])?;
        if self.stamps.len() == KNOWN {
            self.stamps.clear();
        }
        self.stamps.push((stamp.clone(), number));
        Ok(number)
    }

    fn finish(self) -> Result<(), StoreError> {
        if self.stored {
            self.ages.write(self.connection, self.table.of)?;
            self.ids.keep_up(self.connection)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::activity::App;
    use crate::actor::Actor;
    use crate::identity::Alias;
    use crate::query::Query;
    use crate::sqlite::document::from_json;
    use crate::sqlite::segments::{self, Tail};
    use crate::sqlite::table::Flow;

    fn file() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let ids = [ids::CREATE_KEY, ids::PUBLIC.create, ids::PRIVATE.create];
        for create in [PUBLIC.create, PRIVATE.create, segments::CREATE].into_iter().chain(ids) {
            connection.execute_batch(create).unwrap();
        }
        connection
    }

    fn stamp(visibility: &str) -> Stamp {
        let text = format!(
            r#"{{"visibility":"{visibility}","policy":1,"directory":null,"decided_at":"2026-01-01T00:00:00Z","reasons":[]}}"#
        );
        from_json("stamp", text.as_bytes()).unwrap()
    }

    fn activity(n: i64, actor: &str) -> Activity {
        let actor = Actor::user(Alias::new(format!("{actor}@contoso.com")).unwrap());
        let (id, app) = (format!("a-{n}").parse().unwrap(), App::new("Box".parse().unwrap()));
        let time = chrono::DateTime::from_timestamp(1_772_000_000 + n, 0).unwrap();
        Activity::builder(id, actor, app, "Login".parse().unwrap(), time).build().unwrap()
    }

    /// Every third is hidden; some batches fill more than one segment.
    #[test]
    fn v2_a_batch_fills_segments_with_its_public_rows_alone() {
        let connection = file();
        let (public, private) = (stamp("public"), stamp("private"));
        let draft = Some(Draft::load(&connection, 4).unwrap());
        let mut written = Written { draft, ..Written::new(Filters::default()) };
        let hidden = |n: i64| n % 3 == 0;
        let all: Vec<_> = (0..50).map(|n| activity(n, if hidden(n) { "hidden" } else { "shown" })).collect();
        for batch in (0..50).zip(&all).collect::<Vec<_>>().chunks(11) {
            let stamped = |(n, activity): &(i64, _)| (*activity, if hidden(*n) { &private } else { &public });
            let batch: Vec<(&Activity, &Stamp)> = batch.iter().map(stamped).collect();
            assert!(append(&connection, &mut written, &batch).unwrap().iter().all(|done| *done == Appended::Stored));
        }
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM public_segment"), 33 / 4);
        assert_eq!(count("SELECT max(last) FROM public_segment"), 32);
        assert_eq!(count("SELECT count(*) FROM public_posting WHERE instr(entries, CAST('hidden' AS BLOB))"), 0);
        let mut found = Vec::new();
        let by = |who: &str| Query::all().by_actor(format!("{who}@contoso.com")).unwrap();
        segments::search(&connection, &Tail::default(), &by("shown"), None, |sequence| {
            found.push(sequence);
            Ok(Flow::On)
        })
        .unwrap();
        assert_eq!(found, (1..=33).rev().collect::<Vec<_>>());
        assert_eq!(segments::count(&connection, &Tail::default(), &by("hidden")).unwrap(), Some(0));
    }

    #[test]
    fn d4_a_stamp_that_was_undone_is_written_again() {
        let connection = file();
        let public = stamp("public");
        let mut written = Written::new(Filters::default());
        let refuse = "CREATE TRIGGER full BEFORE INSERT ON public_activity BEGIN SELECT RAISE(ABORT, 'full'); END";
        connection.execute_batch(&format!("{refuse}; SAVEPOINT batch")).unwrap();
        assert!(append(&connection, &mut written, &[(&activity(1, "otto"), &public)]).is_err());
        connection.execute_batch("ROLLBACK TO batch; RELEASE batch; DROP TRIGGER full").unwrap();
        written.forget();
        append(&connection, &mut written, &[(&activity(1, "otto"), &public)]).unwrap();
        let with_stamp = "SELECT count(*) FROM public_activity JOIN public_stamp ON number = stamp";
        assert_eq!(connection.query_row(with_stamp, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
}
