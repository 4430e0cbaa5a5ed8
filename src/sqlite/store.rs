//! The store of activities and of the policy that decides them.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::append::{StoreCache, append};
use super::backup::BackupError;
use super::count::count;
use super::deferred::{DeferredWork, has_deferred_work};
use super::dimension::{Dimensions, removals};
use super::document::{APPLIED_RECORDS, POLICY, REMOVED_GROUP, corrupt, document, from_json, to_json};
use super::family::Family;
use super::file::File;
use super::ids::{IdKey, Ids};
use super::options::SqliteOptions;
use super::row::{self, NewRow, RowMaker};
use super::schema::SCHEMA;
use super::search::{Candidates, Search};
use super::tail::{Snapshot, Tail};
use super::writer::Cache;
use super::{integrity, removal, text_index};
use crate::activity::ActivityId;
use crate::directory::RemovedGroup;
use crate::engine::DecidedBatch;
use crate::governance::{AppliedRecords, NewPolicy, Recorded, Removal};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::{CountBy, Counts, Position, Query, Tally};
use crate::reveal::{PagePermit, SealedPage};
use crate::store::{
    ActivityStore, AppendOutcome, PublicActivity, PublicPage, RemovedGroups, RemovedGroupsUpdate, StoreError,
    StoredActivity,
};
use crate::sync::{ArcSwapOption, Mutex};

/// A store of activities and the policy in one SQLite file.
///
/// One connection writes. Reads use connections of their own, and a write never blocks them.
///
/// A page reads at most [`ROWS_PER_PAGE`](Self::ROWS_PER_PAGE) activities that do not match its query, and a count with
/// a condition on texts or groups reads at most [`ROWS_PER_COUNT`](Self::ROWS_PER_COUNT) activities. Beyond the limit,
/// the page ends and has a next page, and the count is marked incomplete. Activities that a text index returns but that
/// do not match count towards the limits.
pub struct SqliteStore {
    pub(super) file: File<StoreCache>,
    key: IdKey,
    policy: ArcSwapOption<PrivacyPolicy>,
    /// Values of public activities only: values of private ones are not cached beyond a call.
    pub(super) public: Dimensions,
    /// The ids as of the last lookup.
    public_ids: Mutex<Ids>,
    private_ids: Mutex<Ids>,
    tail: Tail,
    partition_rows: usize,
    public_deferred: DeferredWork,
    private_deferred: DeferredWork,
}

/// A text with more candidates in a partition is frequent enough that reading by time soon fills the page. The total is
/// below the number of rows that a page may read, so that each page advances.
const CANDIDATES_PER_PAGE: Candidates = Candidates { per_table: 4_096, in_all: SqliteStore::ROWS_PER_PAGE / 5 * 4 };
/// A count may read all of its candidates.
const CANDIDATES_PER_COUNT: Candidates =
    Candidates { per_table: SqliteStore::ROWS_PER_COUNT, in_all: SqliteStore::ROWS_PER_COUNT };

impl SqliteStore {
    /// The maximum number of activities that one page reads.
    pub const ROWS_PER_PAGE: usize = 20_000;
    /// The maximum number of activities that one count reads, if it cannot be answered from indexes.
    pub const ROWS_PER_COUNT: usize = 100_000;

    /// Opens a file, or creates it. A relative path is resolved against the current directory at the time of the call.
    ///
    /// # Errors
    /// Returns [`StoreError::Unreadable`] with a [`FileError`](super::FileError) as its source if another program or a
    /// newer version of this library created the file, or the path names no file, and [`StoreError::Backend`] if the
    /// file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        SqliteOptions::default().open(path)
    }

    pub(super) fn open_with(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let mut key = None;
        let file = File::open(path, &SCHEMA, |connection| {
            let read = IdKey::read(connection)?;
            key = Some(read);
            if options.has_text_index() || text_index::has_any(connection)? {
                text_index::require_fts5(connection)?;
            }
            Ok::<_, StoreError>(StoreCache::new(read, &options))
        })?;
        let key = key.ok_or_else(corrupt)?;
        Ok(Self {
            file,
            key,
            policy: ArcSwapOption::empty(),
            public: Dimensions::new(Family::Public),
            public_ids: Mutex::new(Ids::new(Family::Public, key, options.partition_rows())),
            private_ids: Mutex::new(Ids::new(Family::Private, key, options.partition_rows())),
            tail: Tail::default(),
            partition_rows: usize::try_from(options.partition_rows()).unwrap_or(usize::MAX),
            public_deferred: DeferredWork::default(),
            private_deferred: DeferredWork::default(),
        })
    }

    /// Runs SQLite's `integrity_check` on the file and reads and verifies every activity. Other callers can read and
    /// write meanwhile.
    ///
    /// # Errors
    /// Returns [`StoreError::Unreadable`] with [`FileError::Corrupt`](super::FileError::Corrupt) or
    /// [`FileError::InvalidContent`](super::FileError::InvalidContent) as its source if the content is not as it was
    /// written, and [`StoreError`] if the file cannot be read.
    pub fn integrity_check(&self) -> Result<(), StoreError> {
        self.file.check::<StoreError>()?;
        // The shared caches would hide damage: their values were read earlier.
        let [public, private] = Family::BOTH.map(Dimensions::new);
        self.snapshot(|connection| integrity::check(connection, &self.key, [&public, &private]))
    }

    /// Copies everything that is durable now to a new file, which can be opened in place of this one. Other callers can
    /// read and write meanwhile. The copy appears under its name only once it is complete. Back up the governance
    /// records after the activities: each record is written before the change that it describes.
    ///
    /// A process that dies during the copy can leave a partial file with the name of the copy and `.part0`, or another
    /// number, appended. Restore a copy only while no process has the file open.
    ///
    /// # Errors
    /// Returns [`BackupError`] if the target already exists or the copy cannot be written.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<(), BackupError> {
        self.file.backup(to.as_ref())
    }

    /// Runs a read in one snapshot of the file.
    pub(super) fn snapshot<T>(&self, act: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.file.read(|connection| act(&*connection.unchecked_transaction()?))
    }

    /// Calls `visit` with the activities of some families that match a query, newest first, until it breaks. Returns
    /// the position of the last activity read if the search stopped after reading `max_rows` activities.
    fn search(
        &self,
        families: &[Family],
        query: &Query,
        after: Option<&Position>,
        (max_rows, candidates): (usize, Candidates),
        mut visit: impl FnMut(StoredActivity) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<Option<Position>, StoreError> {
        if !query.ids().is_empty() {
            let mut found = Vec::new();
            for family in families {
                self.find(*family, query.ids(), |stored| found.push(stored))?;
            }
            found.sort_by_cached_key(|stored| std::cmp::Reverse(Position::of(stored.activity())));
            for stored in found {
                let is_after = after.is_none_or(|after| Position::of(stored.activity()) < *after);
                let is_found = is_after && query.matches(stored.activity(), stored.decision());
                if is_found && visit(stored)?.is_break() {
                    break;
                }
            }
            return Ok(None);
        }
        self.snapshot(|connection| {
            let snapshot = Snapshot::read(connection)?;
            self.public.observe_removals(snapshot.removals);
            let private = Dimensions::new(Family::Private);
            let dimensions: Vec<&Dimensions> =
                families.iter().map(|family| self.dimensions(*family, &private)).collect();
            Search::new(connection, query, (&self.tail, &snapshot), &dimensions, after)?
                .with_candidates(candidates)
                .run(max_rows, visit)
        })
    }

    /// Calls `visit` with the activities of one family that have one of some ids.
    fn find(
        &self,
        family: Family,
        ids: &[ActivityId],
        mut visit: impl FnMut(StoredActivity),
    ) -> Result<(), StoreError> {
        let ids_of_family = match family {
            Family::Public => &self.public_ids,
            Family::Private => &self.private_ids,
        };
        self.file.read(|connection| {
            let mut ids_of_family = ids_of_family.lock().unwrap_or_else(PoisonError::into_inner);
            // Begins with the lock held, so that a caller with an older snapshot does not follow one with a newer.
            let snapshot = connection.unchecked_transaction()?;
            ids_of_family.catch_up(&snapshot).inspect_err(|_| ids_of_family.clear())?;
            let private = Dimensions::new(Family::Private);
            let dimensions = self.dimensions(family, &private);
            dimensions.observe_removals(removals(&snapshot, family)?);
            for id in ids {
                let Some(sequence) = ids_of_family.find(&snapshot, self.key.hash(id.as_str()))? else { continue };
                let stored = row::stored(&snapshot, dimensions, sequence)?;
                // Otherwise another id has the same hash, or the activity was removed.
                if let Some(stored) = stored.filter(|stored| stored.activity().id() == id) {
                    visit(stored);
                }
            }
            Ok(())
        })
    }

    /// Returns the dimensions of a family, where `private` are those of private activities for this call.
    fn dimensions<'a>(&'a self, family: Family, private: &'a Dimensions) -> &'a Dimensions {
        match family {
            Family::Public => &self.public,
            Family::Private => private,
        }
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

    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        let (document, change) = (to_json(POLICY, change.policy())?, change.clone());
        self.file.write(move |writer| {
            let connection = writer.connection();
            fence(connection, change.expected())?;
            connection
                .prepare_cached("INSERT INTO policy (revision, document) VALUES (?1, ?2)")?
                .execute(params![as_integer(change.policy().revision().number()), document])?;
            save_applied(connection, &change.applied(&applied(connection)?))
        })
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        self.file.read(applied)
    }

    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        self.snapshot(|connection| {
            let version = "SELECT version FROM removed_groups_version";
            let version: i64 = connection.prepare_cached(version)?.query_row([], |row| row.get(0))?;
            let version = version.unsigned_abs();
            if known == Some(version) {
                return Ok(None);
            }
            let mut statement = connection.prepare_cached("SELECT document FROM removed_group ORDER BY id")?;
            let mut rows = statement.query([])?;
            let mut groups = Vec::new();
            while let Some(row) = rows.next()? {
                groups.push(from_json(REMOVED_GROUP, &document(row)?)?);
            }
            Ok(Some(RemovedGroups { version, groups }))
        })
    }

    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        let (group, change) = match update {
            RemovedGroupsUpdate::Keep(kept) => (kept.group().clone(), Ok(kept.clone())),
            RemovedGroupsUpdate::Drop { group, up_to } => (group.clone(), Err(up_to)),
        };
        self.file.write(move |writer| {
            let connection = writer.connection();
            let known = removed_group(connection, &group)?;
            match &change {
                Ok(kept) => {
                    let merged = known.clone().map_or_else(|| kept.clone(), |known| known.merge(kept));
                    if known.as_ref() == Some(&merged) {
                        return Ok(());
                    }
                    connection
                        .prepare_cached("INSERT OR REPLACE INTO removed_group (id, document) VALUES (?1, ?2)")?
                        .execute(params![group.as_str(), to_json(REMOVED_GROUP, &merged)?])?;
                }
                Err(up_to) => {
                    if known.is_none_or(|known| known.removed_in() > *up_to) {
                        return Ok(());
                    }
                    connection.prepare_cached("DELETE FROM removed_group WHERE id = ?1")?.execute([group.as_str()])?;
                }
            }
            connection.prepare_cached("UPDATE removed_groups_version SET version = version + 1")?.execute([])?;
            Ok(())
        })
    }

    fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let policy = batch.policy();
        if batch.decided().is_empty() {
            return self.file.read(|connection| fence(connection, Some(policy))).map(|()| Vec::new());
        }
        let mut maker = RowMaker::new(self.key);
        let rows = batch.decided().iter().map(|decided| maker.make(decided.activity(), decided.decision()));
        let rows: Vec<NewRow> = rows.collect::<Result<_, _>>()?;
        let (appended, deferred) = self.file.write(move |writer| {
            fence(writer.connection(), Some(policy))?;
            let (connection, cache) = writer.with_cache();
            let done = append(connection, cache, &rows).and_then(|appended| {
                let mut deferred = Vec::new();
                for family in Family::BOTH {
                    let is_stored = |(row, appended): &(&NewRow, &AppendOutcome)| {
                        row.family == family && **appended == AppendOutcome::Stored
                    };
                    let stored = rows.iter().zip(&appended).filter(is_stored).count();
                    if stored > 0 && has_deferred_work(connection, cache, family)? {
                        deferred.push((family, stored));
                    }
                }
                Ok((appended, deferred))
            });
            // The cache is incomplete after an error.
            done.inspect_err(|_| cache.clear())
        })?;
        for (family, stored) in deferred {
            let work = match family {
                Family::Public => &self.public_deferred,
                Family::Private => &self.private_deferred,
            };
            work.run_due(&self.file, family, stored, self.partition_rows);
        }
        Ok(appended)
    }

    fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = removal::remove(&self.file, self.key, removal, limit)?;
        if removed == 0 && limit > 0 {
            // Other processes clear theirs when they next read or write.
            self.public.clear_actors();
            let removal = removal.clone();
            self.file.write(move |writer| {
                let (connection, cache) = writer.with_cache();
                for family in Family::BOTH {
                    cache.catch_up(connection, family).inspect_err(|_| cache.clear())?;
                }
                let before = applied(connection)?;
                let after = removal.applied(&before);
                if after == before { Ok(()) } else { save_applied(connection, &after) }
            })?;
            // The log still contains the removed content. If a long transaction of a reader or writer keeps it from
            // being emptied, the content stays until the next removal or until the log restarts. The removal itself is
            // complete.
            drop(self.file.empty_log());
        }
        Ok(removed)
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Result<PublicPage, StoreError> {
        let mut activities = Vec::new();
        if limit == 0 {
            return Ok(PublicPage::default());
        }
        let stopped_at =
            self.search(&[Family::Public], query, after, (Self::ROWS_PER_PAGE, CANDIDATES_PER_PAGE), |stored| {
                activities.push(require_public(stored)?);
                Ok(if activities.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
        Ok(PublicPage { activities, stopped_at })
    }

    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        if query.conditions().are_sufficient {
            return self.snapshot(|connection| {
                let snapshot = Snapshot::read(connection)?;
                self.public.observe_removals(snapshot.removals);
                count(connection, query, by, (&self.tail, &snapshot), &self.public)
            });
        }
        let mut tally = Tally::new(by);
        let stopped_at =
            self.search(&[Family::Public], query, None, (Self::ROWS_PER_COUNT, CANDIDATES_PER_COUNT), |stored| {
                tally.add(require_public(stored)?.activity());
                Ok(ControlFlow::Continue(()))
            })?;
        Ok(tally.into_counts(stopped_at.is_none()))
    }

    fn revealed_page(
        &self,
        permit: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let families: &[Family] = if permit.is_private_only() { &[Family::Private] } else { &Family::BOTH };
        let (mut page, mut stopped_at) = (Vec::new(), None);
        if limit > 0 {
            stopped_at =
                self.search(families, permit.query(), after, (Self::ROWS_PER_PAGE, CANDIDATES_PER_PAGE), |stored| {
                    page.push(stored);
                    Ok(if page.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
                })?;
        }
        Ok(SealedPage::seal(permit, page, stopped_at))
    }
}

/// Returns an activity that was read from a public table. INVARIANT: public tables contain public activities only, so
/// any other is damage.
pub(super) fn require_public(stored: StoredActivity) -> Result<PublicActivity, StoreError> {
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

fn save_applied(connection: &Connection, applied: &AppliedRecords) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO applied_record (one, document) VALUES (1, ?1)")?
        .execute([to_json(APPLIED_RECORDS, applied)?])?;
    Ok(())
}

fn removed_group(connection: &Connection, group: &GroupId) -> Result<Option<RemovedGroup>, StoreError> {
    let found = connection
        .prepare_cached("SELECT document FROM removed_group WHERE id = ?1")?
        .query_row([group.as_str()], document)
        .optional()?;
    found.map(|found| from_json(REMOVED_GROUP, &found)).transpose()
}

/// Rejects a write whose expected policy revision is not the one in force (rule D5).
fn fence(connection: &Connection, expected: Option<Revision>) -> Result<(), StoreError> {
    let in_force = revision_in_force(connection)?;
    if in_force == expected { Ok(()) } else { Err(StoreError::Stale { in_force }) }
}

/// Converts a revision to SQLite's signed integer, whose range no revision reaches.
fn as_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.file.path()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
