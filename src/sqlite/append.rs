//! Writing a batch of activities.

use rusqlite::Connection;

use super::dimension::{Dimensions, NumberCache};
use super::family::{Family, PRIVATE};
use super::ids::{FileChange, IdKey, Ids};
use super::options::SqliteOptions;
use super::partition::{MAX_FULL, Partition, PartitionState};
use super::row::{NewRow, RowWriter, stored};
use super::writer::Cache;
use crate::store::{AppendOutcome, StoreError};

/// The writing connection's cache of the file, by family.
pub(super) struct StoreCache {
    /// The number of rows that fill a partition.
    partition_rows: i64,
    /// Whether full partitions get a text index.
    with_text_index: bool,
    public: FamilyCache,
    private: FamilyCache,
}

/// The cache of one family.
struct FamilyCache {
    dimensions: Dimensions,
    ids: Ids,
    numbers: NumberCache,
}

impl StoreCache {
    pub(super) fn new(key: IdKey, options: &SqliteOptions) -> Self {
        let partition_rows = options.partition_rows();
        let [public, private] = Family::BOTH.map(|family| FamilyCache::new(family, key, partition_rows));
        Self { partition_rows, with_text_index: options.has_text_index(), public, private }
    }

    fn of(&mut self, family: Family) -> &mut FamilyCache {
        match family {
            Family::Public => &mut self.public,
            Family::Private => &mut self.private,
        }
    }

    /// Updates the cache with what other processes wrote.
    pub(super) fn catch_up(&mut self, connection: &Connection, family: Family) -> Result<(), StoreError> {
        self.of(family).catch_up(connection)
    }

    /// Returns whether a batch of ids is due to be written to the index.
    pub(super) fn are_ids_due(&self, family: Family) -> bool {
        match family {
            Family::Public => self.public.ids.is_due(),
            Family::Private => self.private.ids.is_due(),
        }
    }

    /// Writes some ids to the index.
    pub(super) fn index_ids(&mut self, connection: &Connection, family: Family) -> Result<(), StoreError> {
        self.of(family).ids.index_some(connection)
    }

    /// Runs the next step towards closing a full partition.
    pub(super) fn index_partition(&self, connection: &Connection, full: Partition) -> Result<(), StoreError> {
        full.index_next(connection, &self.public.dimensions, self.with_text_index)
    }
}

impl Cache for StoreCache {
    fn clear(&mut self) {
        self.public.clear();
        self.private.clear();
    }
}

impl FamilyCache {
    fn new(family: Family, key: IdKey, min_batch: i64) -> Self {
        let (ids, numbers) = (Ids::new(family, key, min_batch), NumberCache::default());
        Self { dimensions: Dimensions::new(family), ids, numbers }
    }

    fn family(&self) -> Family {
        self.dimensions.family()
    }

    fn clear(&mut self) {
        self.ids.clear();
        self.numbers.clear();
        // They may contain values that were rolled back.
        self.dimensions = Dimensions::new(self.family());
    }

    /// Updates the cache with what other processes wrote.
    fn catch_up(&mut self, connection: &Connection) -> Result<(), StoreError> {
        match self.ids.catch_up(connection)? {
            FileChange::Appended => {}
            FileChange::Removed => {
                self.numbers.clear();
                self.dimensions.clear_actors();
            }
            FileChange::Replaced => {
                self.numbers.clear();
                self.dimensions = Dimensions::new(self.family());
            }
        }
        Ok(())
    }

    /// Returns the outcome for an activity whose id is already stored under `sequence`, or `None` if there is no
    /// sequence.
    fn outcome_if_stored(
        &self,
        connection: &Connection,
        row: &NewRow,
        sequence: Option<i64>,
    ) -> Result<Option<AppendOutcome>, StoreError> {
        let Some(sequence) = sequence else { return Ok(None) };
        Ok(Some(match stored(connection, &self.dimensions, sequence)? {
            Some(stored) if row.is_same_activity(self.ids.key(), &stored)? => AppendOutcome::Duplicate,
            Some(_) => AppendOutcome::Conflict,
            // The stored activity was removed, so its content cannot be compared.
            None => AppendOutcome::Duplicate,
        }))
    }

    fn save(&self, connection: &Connection) -> Result<(), StoreError> {
        let update = format!("UPDATE {}_state SET last_sequence = ?1", self.family().name());
        connection.prepare_cached(&update)?.execute([self.ids.last_sequence()])?;
        Ok(())
    }
}

/// Stores the activities of a batch whose ids are not stored in either family.
pub(super) fn append(
    connection: &Connection,
    cache: &mut StoreCache,
    batch: &[NewRow],
) -> Result<Vec<AppendOutcome>, StoreError> {
    for family in Family::BOTH {
        let of = cache.of(family);
        of.catch_up(connection)?;
        of.ids.fill_filter(connection)?;
    }
    let stored_under = look_up(connection, cache, batch)?;
    let StoreCache { public, private, partition_rows, with_text_index } = cache;
    let mut writer = BatchWriter::new(connection, *partition_rows, *with_text_index)?;
    let mut appended = Vec::with_capacity(batch.len());
    for (row, [in_public, in_private]) in batch.iter().zip(stored_under) {
        // An earlier activity of this batch may have the same id.
        let in_public = in_public.or_else(|| public.ids.find_newest(row.hash));
        let in_private = in_private.or_else(|| private.ids.find_newest(row.hash));
        let outcome_if_stored = match public.outcome_if_stored(connection, row, in_public)? {
            None => private.outcome_if_stored(connection, row, in_private)?,
            outcome_if_stored => outcome_if_stored,
        };
        appended.push(match outcome_if_stored {
            Some(outcome_if_stored) => outcome_if_stored,
            None => {
                match row.family {
                    Family::Public => writer.write_public(public, row)?,
                    Family::Private => writer.write_private(private, row)?,
                }
                AppendOutcome::Stored
            }
        });
    }
    if writer.public.is_some() {
        public.save(connection)?;
    }
    if writer.private.is_some() {
        private.save(connection)?;
    }
    writer.finish()?;
    Ok(appended)
}

/// Looks up the ids of a batch in index order.
fn look_up(connection: &Connection, cache: &StoreCache, batch: &[NewRow]) -> Result<Vec<[Option<i64>; 2]>, StoreError> {
    let mut order: Vec<usize> = (0..batch.len()).collect();
    order.sort_unstable_by_key(|at| batch.get(*at).map(|row| row.hash));
    let mut stored_under = vec![[None; 2]; batch.len()];
    for at in order {
        if let (Some(row), Some(stored_under)) = (batch.get(at), stored_under.get_mut(at)) {
            *stored_under =
                [cache.public.ids.find(connection, row.hash)?, cache.private.ids.find(connection, row.hash)?];
        }
    }
    Ok(stored_under)
}

/// A writer for the rows of one batch. It prepares the insert of a family at the first row of that family.
struct BatchWriter<'a> {
    connection: &'a Connection,
    partition_rows: i64,
    with_text_index: bool,
    partition: Option<Partition>,
    public: Option<RowWriter<'a>>,
    private: Option<RowWriter<'a>>,
}

impl<'a> BatchWriter<'a> {
    fn new(connection: &'a Connection, partition_rows: i64, with_text_index: bool) -> Result<Self, StoreError> {
        let partition = Partition::open(connection)?;
        Ok(Self { connection, partition_rows, with_text_index, partition, public: None, private: None })
    }

    fn write_public(&mut self, family: &mut FamilyCache, row: &NewRow) -> Result<(), StoreError> {
        let sequence = family.ids.last_sequence() + 1;
        if let Some(partition) = self.partition.take_if(|full| sequence - full.first_sequence >= self.partition_rows) {
            Partition { state: PartitionState::Full, ..partition }.save(self.connection)?;
            self.public = None;
            self.close_surplus(family)?;
        }
        let partition = match &mut self.partition {
            Some(partition) => partition,
            None => self.partition.insert(Partition::begin(self.connection, sequence)?),
        };
        let writer = match &mut self.public {
            Some(writer) => writer,
            None => self.public.insert(RowWriter::new(self.connection, Family::Public, &partition.table())?),
        };
        writer.write(&mut family.numbers, sequence, row)?;
        partition.add(sequence, row.occurred_at, row.decided_at);
        family.ids.add(row.hash, sequence);
        Ok(())
    }

    /// Closes the oldest full partitions beyond [`MAX_FULL`], if the steps between batches did not keep up.
    fn close_surplus(&self, family: &FamilyCache) -> Result<(), StoreError> {
        while Partition::count_full(self.connection)? > MAX_FULL
            && let Some(full) = Partition::full(self.connection)?
        {
            full.index_next(self.connection, &family.dimensions, self.with_text_index)?;
        }
        Ok(())
    }

    fn write_private(&mut self, family: &mut FamilyCache, row: &NewRow) -> Result<(), StoreError> {
        let sequence = family.ids.last_sequence() + 1;
        let writer = match &mut self.private {
            Some(writer) => writer,
            None => self.private.insert(RowWriter::new(self.connection, Family::Private, PRIVATE)?),
        };
        writer.write(&mut family.numbers, sequence, row)?;
        family.ids.add(row.hash, sequence);
        Ok(())
    }

    fn finish(self) -> Result<(), StoreError> {
        match self.partition.filter(|_| self.public.is_some()) {
            Some(partition) => partition.save(self.connection),
            None => Ok(()),
        }
    }
}
