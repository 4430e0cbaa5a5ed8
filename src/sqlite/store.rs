//! Activities and the policy that they are stamped under.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::append::{Written, append};
use super::care::BackupError;
use super::document::{APPLIED_RECORDS, POLICY, VANISHED_GROUP, corrupt, document, from_json, to_json};
use super::file::{File, Schema};
use super::ids::{self, CREATE_KEY, Filters, Ids};
use super::removal::{self, Places};
use super::segments::{self, Tail};
use super::table::{self, BySequence, Flow, PRIVATE, PUBLIC, Table, each};
use super::writer::Writer;
use crate::activity::{Activity, ActivityId};
use crate::applied::AppliedRecords;
use crate::change::RecordedChange;
use crate::directory::RemovedGroup;
use crate::forward::Offset;
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::{Count, CountBy, Counts, Position, Query, Tally};
use crate::removal::RecordedRemoval;
use crate::reveal::{Admission, SealedPage};
use crate::screen::{Stamp, StampedBatch};
use crate::store::{ActivityStore, Appended, PublicPage, RemovedGroups, RemovedGroupsUpdate, StoreError};
use crate::stored::{PublicActivity, StoredActivity};
use crate::sync::{ArcSwapOption, Mutex};

static SCHEMA: Schema = Schema {
    application_id: 0x4150_5631,
    version: 1,
    holds: "activities",
    // Twice as much as usual: rows come in batches, and so fewer pages are written.
    page_size: 8_192,
    erases: false,
    tables: &[
        "CREATE TABLE policy (revision INTEGER PRIMARY KEY, document TEXT NOT NULL) STRICT;",
        "CREATE TABLE applied_record (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;",
        "CREATE TABLE vanished_group (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;",
        "CREATE TABLE vanished_version (number INTEGER NOT NULL) STRICT; INSERT INTO vanished_version VALUES (0);",
        PUBLIC.create,
        PRIVATE.create,
        CREATE_KEY,
        ids::PUBLIC.create,
        ids::PRIVATE.create,
        segments::CREATE,
    ],
};

/// Activities and the policy in one SQLite file.
///
/// One connection writes; reads have their own and are never blocked by it.
pub struct SqliteStore {
    file: File<Written>,
    policy: ArcSwapOption<PrivacyPolicy>,
    /// For looking up: those of public activities, once they were read.
    public_ids: Mutex<Option<Ids>>,
    filters: Filters,
    /// For filters and counts: the newest public rows by their keys.
    tail: Tail,
    /// For removals that are under way.
    places: Places,
}

impl SqliteStore {
    /// Opens a file, and makes it if it is not there. A relative path is taken from where the process is now.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] with a [`FileError`](super::FileError) as its source when something else or a newer
    /// version made the file, or the path names none; [`StoreError::Backend`] when it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let filters = Filters::default();
        Ok(Self {
            file: File::open(path.as_ref(), &SCHEMA, Written::new(filters.clone()))?,
            policy: ArcSwapOption::empty(),
            public_ids: Mutex::new(None),
            filters,
            tail: Tail::default(),
            places: Places::default(),
        })
    }

    /// Looks through the whole file, as SQLite's `integrity_check` does. Others go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] with [`FileError::Corrupt`](super::FileError::Corrupt) as its source when something is
    /// not where it belongs; [`StoreError`] when it cannot be looked through.
    pub fn check(&self) -> Result<(), StoreError> {
        self.file.check()
    }

    /// Copies everything that is durable now to a file of its own, which can be opened in place of this one. Others go on
    /// meanwhile, and the copy is whole or not there. It belongs together with a copy of the governance records that
    /// is made after it: a record is older than what it is of.
    ///
    /// A process that dies meanwhile leaves a file behind that is called like the copy, with `.part0` or another number
    /// behind it. A copy is put back while no process has the file open.
    ///
    /// # Errors
    /// [`BackupError`] when something is there already or the copy cannot be written.
    pub fn back_up(&self, to: impl AsRef<Path>) -> Result<(), BackupError> {
        self.file.back_up(to.as_ref())
    }

    /// Reads in one snapshot of the file.
    fn snapshot<T>(&self, act: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.file.read(|connection| act(&*connection.unchecked_transaction()?))
    }

    /// Hands every public activity that matches to `take`, newest first, until it has enough. To be called in a snapshot.
    fn each_public(
        &self,
        connection: &Connection,
        query: &Query,
        after: Option<&Position>,
        mut take: impl FnMut(PublicActivity) -> Flow,
    ) -> Result<(), StoreError> {
        let mut before = after.cloned();
        let mut take = |stored: StoredActivity| {
            // What comes twice, or too soon, was led to by a part of the file that belongs elsewhere.
            let position = Position::of(stored.activity());
            if before.as_ref().is_some_and(|before| position >= *before) {
                return Err(corrupt());
            }
            before = Some(position);
            public(stored).map(&mut take)
        };
        if !query.has_keys() {
            return each(connection, &[PUBLIC], query, after, take);
        }
        let mut rows = BySequence::new(connection, PUBLIC)?;
        segments::search(connection, &self.tail, query, after, |sequence| {
            let found = rows.read(sequence)?.filter(|stored| query.matches(stored.activity(), stored.stamp()));
            found.map_or(Ok(Flow::On), &mut take)
        })
    }
}

impl ActivityStore for SqliteStore {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        self.file.read(|connection| {
            let Some(in_force) = revision_in_force(connection)? else { return Ok(None) };
            if let Some(known) = self.policy.load_full().filter(|known| known.revision() == in_force) {
                return Ok(Some(known));
            }
            let found = connection
                .prepare_cached("SELECT document FROM policy WHERE revision = ?1")?
                .query_row([as_integer(in_force.number())], document)?;
            let policy: Arc<PrivacyPolicy> = Arc::new(from_json(POLICY, &found)?);
            self.policy.store(Some(Arc::clone(&policy)));
            Ok(Some(policy))
        })
    }

    fn publish(&self, change: &RecordedChange) -> Result<(), StoreError> {
        let document = to_json(POLICY, change.policy())?;
        let change = change.clone();
        self.file.write(move |writer| {
            let connection = writer.connection();
            fence(connection, change.expected())?;
            connection
                .prepare_cached("INSERT INTO policy (revision, document) VALUES (?1, ?2)")?
                .execute(params![as_integer(change.policy().revision().number()), document])?;
            keep_applied(connection, &change.applied(&applied(connection)?))
        })
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        self.file.read(applied)
    }

    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        self.snapshot(|connection| {
            let number = "SELECT number FROM vanished_version";
            let version: i64 = connection.prepare_cached(number)?.query_row([], |row| row.get(0))?;
            let version = version.unsigned_abs();
            if known == Some(version) {
                return Ok(None);
            }
            let mut statement = connection.prepare_cached("SELECT document FROM vanished_group ORDER BY id")?;
            let mut rows = statement.query([])?;
            let mut groups = Vec::new();
            while let Some(row) = rows.next()? {
                groups.push(from_json(VANISHED_GROUP, &document(row)?)?);
            }
            Ok(Some(RemovedGroups { version, groups }))
        })
    }

    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        match update {
            RemovedGroupsUpdate::Keep(vanished) => {
                let vanished = vanished.clone();
                self.file.write(move |writer| {
                    let connection = writer.connection();
                    let known = vanished_group(connection, vanished.group())?;
                    let merged = known.clone().map_or_else(|| vanished.clone(), |known| known.merge(&vanished));
                    if known.as_ref() != Some(&merged) {
                        connection
                            .prepare_cached("INSERT OR REPLACE INTO vanished_group (id, document) VALUES (?1, ?2)")?
                            .execute(params![merged.group().as_str(), to_json(VANISHED_GROUP, &merged)?])?;
                        count_vanished(connection)?;
                    }
                    Ok(())
                })
            }
            RemovedGroupsUpdate::Drop { group, up_to } => {
                let group = group.clone();
                self.file.write(move |writer| {
                    let connection = writer.connection();
                    let known = vanished_group(connection, &group)?;
                    if known.is_some_and(|known| known.removed_in() <= up_to) {
                        connection
                            .prepare_cached("DELETE FROM vanished_group WHERE id = ?1")?
                            .execute([group.as_str()])?;
                        count_vanished(connection)?;
                    }
                    Ok(())
                })
            }
        }
    }

    fn append(&self, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        if batch.stamped().is_empty() {
            return self.file.read(|connection| fence(connection, Some(batch.policy()))).map(|()| Vec::new());
        }
        let policy = batch.policy();
        let stamped = batch.stamped().iter();
        let owned: Vec<_> = stamped.map(|stamped| (stamped.activity().clone(), stamped.stamp().clone())).collect();
        self.file.write(move |writer| {
            let lent: Vec<_> = owned.iter().map(|(activity, stamp)| (activity, stamp)).collect();
            append_under(writer, policy, &lent)
        })
    }

    fn remove(&self, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let removed = removal::remove(&self.file, &self.places, &self.tail, removal, limit)?;
        if removed == 0 && limit > 0 {
            let removal = removal.clone();
            self.file.write(move |writer| {
                let connection = writer.connection();
                let before = applied(connection)?;
                let after = removal.applied(&before);
                if after == before { Ok(()) } else { keep_applied(connection, &after) }
            })?;
        }
        Ok(removed)
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Result<PublicPage, StoreError> {
        if !query.ids().is_empty() {
            let mut page = Vec::new();
            for id in query.ids() {
                let found = self.public_activity(id)?;
                page.extend(found.filter(|found| query.matches(found.activity(), found.stamp())));
            }
            page.sort_by_key(|found| std::cmp::Reverse(Position::of(found.activity())));
            page.retain(|found| after.is_none_or(|after| Position::of(found.activity()) < *after));
            page.truncate(limit);
            return Ok(PublicPage { activities: page, stopped_at: None });
        }
        let mut page = Vec::new();
        if limit > 0 {
            self.snapshot(|connection| {
                self.each_public(connection, query, after, |public| {
                    page.push(public);
                    if page.len() < limit { Flow::On } else { Flow::Enough }
                })
            })?;
        }
        Ok(PublicPage { activities: page, stopped_at: None })
    }

    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        Ok(match by {
            None => Counts { total: self.public_count(query)?, by_key: Vec::new(), is_complete: true },
            Some(by) => {
                let by_key = self.counts_by(query, by)?;
                Counts { total: by_key.iter().map(|count| count.activities).sum(), by_key, is_complete: true }
            }
        })
    }

    fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError> {
        let after = match offset.as_bytes() {
            [] => 0,
            bytes => u64::from_be_bytes(bytes.try_into().map_err(|_| StoreError::UnknownOffset)?),
        };
        let found = self.since_place(after, limit)?.into_iter();
        found
            .map(|(place, activity)| {
                Ok((Offset::new(place.to_be_bytes()).map_err(|_| StoreError::UnknownOffset)?, activity))
            })
            .collect()
    }
    fn revealed_page(
        &self,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let tables: &[Table] = if admission.private_only() { &[PRIVATE] } else { &[PUBLIC, PRIVATE] };
        let mut page = Vec::new();
        if limit > 0 {
            self.file.read(|connection| {
                each(connection, tables, admission.query(), after, |stored| {
                    page.push(stored);
                    Ok(if page.len() < limit { Flow::On } else { Flow::Enough })
                })
            })?;
        }
        Ok(SealedPage::seal(admission, page, None))
    }
}

impl SqliteStore {
    fn public_activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        self.file.read(|connection| {
            let mut public_ids = self.public_ids.lock().unwrap_or_else(PoisonError::into_inner);
            // Begun with the lock held, so that none comes behind another that saw more.
            let snapshot = connection.unchecked_transaction()?;
            let ids = match &mut *public_ids {
                Some(ids) => ids,
                None => public_ids.insert(Ids::open(&snapshot, &ids::PUBLIC, &self.filters)?),
            };
            table::find(&snapshot, PUBLIC, ids, id.as_str())?.map(public).transpose()
        })
    }

    fn public_count(&self, query: &Query) -> Result<u64, StoreError> {
        self.snapshot(|connection| {
            if let Some(counted) = segments::count(connection, &self.tail, query)? {
                return Ok(counted);
            }
            let mut count = 0;
            self.each_public(connection, query, None, |_| {
                count += 1;
                Flow::On
            })?;
            Ok(count)
        })
    }

    fn counts_by(&self, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        self.snapshot(|connection| {
            if let Some(counted) = segments::counts(connection, &self.tail, query, by)? {
                return Ok(counted);
            }
            let mut tally = Tally::new(Some(by));
            self.each_public(connection, query, None, |public| {
                tally.add(public.activity());
                Flow::On
            })?;
            Ok(tally.counts())
        })
    }

    fn since_place(&self, after: u64, limit: usize) -> Result<Vec<(u64, PublicActivity)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.file.read(|connection| {
            let found = table::since(connection, PUBLIC, as_integer(after), limit)?.into_iter();
            found.map(|(sequence, stored)| Ok((sequence.unsigned_abs(), public(stored)?))).collect()
        })
    }
}

/// What was read from the public table. INVARIANT: nothing else lies there, so anything else is damage.
fn public(stored: StoredActivity) -> Result<PublicActivity, StoreError> {
    stored.into_public().ok_or_else(corrupt)
}

fn revision_in_force(connection: &Connection) -> Result<Option<Revision>, StoreError> {
    let newest = "SELECT revision FROM policy ORDER BY revision DESC LIMIT 1";
    let number: Option<i64> = connection.prepare_cached(newest)?.query_row([], |row| row.get(0)).optional()?;
    Ok(number.map(|number| Revision::from_number(number.unsigned_abs())))
}

fn applied(connection: &Connection) -> Result<AppliedRecords, StoreError> {
    let found = connection.prepare_cached("SELECT document FROM applied_record")?.query_row([], document).optional()?;
    found.map_or_else(|| Ok(AppliedRecords::default()), |found| from_json(APPLIED_RECORDS, &found))
}

fn keep_applied(connection: &Connection, applied: &AppliedRecords) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO applied_record (one, document) VALUES (1, ?1)")?
        .execute([to_json(APPLIED_RECORDS, applied)?])?;
    Ok(())
}

/// Notes that what is kept of vanished groups is another from now on.
fn count_vanished(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE vanished_version SET number = number + 1")?.execute([])?;
    Ok(())
}

fn vanished_group(connection: &Connection, group: &GroupId) -> Result<Option<RemovedGroup>, StoreError> {
    let found = connection
        .prepare_cached("SELECT document FROM vanished_group WHERE id = ?1")?
        .query_row([group.as_str()], document)
        .optional()?;
    found.map(|found| from_json(VANISHED_GROUP, &found)).transpose()
}

fn append_under(
    writer: &mut Writer<Written>,
    policy: Revision,
    batch: &[(&Activity, &Stamp)],
) -> Result<Vec<Appended>, StoreError> {
    fence(writer.connection(), Some(policy))?;
    let (connection, written) = writer.with_memory();
    append(connection, written, batch)
}

/// Rule D5: nothing is written unless the revision that the caller went by is the one in force.
fn fence(connection: &Connection, expected: Option<Revision>) -> Result<(), StoreError> {
    let in_force = revision_in_force(connection)?;
    if in_force == expected { Ok(()) } else { Err(StoreError::Stale { in_force }) }
}

/// SQLite's integers are signed; no revision or sequence comes near the sign.
fn as_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.file.path()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod damage;
