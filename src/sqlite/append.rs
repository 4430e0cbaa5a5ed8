//! How a batch is written.

use rusqlite::Connection;

use super::dimension::{Dimensions, Numbers};
use super::family::{Family, PRIVATE};
use super::ids::{IdKey, Ids, News};
use super::options::SqliteOptions;
use super::partition::{MOST_FULL, Partition, State};
use super::row::{NewRow, RowWriter, stored};
use super::writer::Memory;
use crate::store::{AppendOutcome, StoreError};

/// What the connection that writes knows of its file.
pub(super) struct Written {
    /// How many rows fill a partition.
    partition_rows: i64,
    /// Whether full partitions get a text index.
    with_text_index: bool,
    public: FamilyWritten,
    private: FamilyWritten,
}

/// What it knows of one family.
struct FamilyWritten {
    dimensions: Dimensions,
    ids: Ids,
    numbers: Numbers,
}

impl Written {
    pub(super) fn new(key: IdKey, options: &SqliteOptions) -> Self {
        let partition_rows = options.partition_rows();
        let [public, private] = Family::BOTH.map(|family| FamilyWritten::new(family, key, partition_rows));
        Self { partition_rows, with_text_index: options.has_text_index(), public, private }
    }

    fn of(&mut self, family: Family) -> &mut FamilyWritten {
        match family {
            Family::Public => &mut self.public,
            Family::Private => &mut self.private,
        }
    }

    /// Sees what other processes wrote.
    pub(super) fn catch_up(&mut self, connection: &Connection, family: Family) -> Result<(), StoreError> {
        self.of(family).catch_up(connection)
    }

    /// Returns whether ids are to be written to their index.
    pub(super) fn are_ids_due(&self, family: Family) -> bool {
        match family {
            Family::Public => self.public.ids.is_due(),
            Family::Private => self.private.ids.is_due(),
        }
    }

    /// Writes some ids to their index.
    pub(super) fn index_ids(&mut self, connection: &Connection, family: Family) -> Result<(), StoreError> {
        self.of(family).ids.index_some(connection)
    }

    /// Does the next step towards closing a full partition.
    pub(super) fn index_partition(&self, connection: &Connection, full: Partition) -> Result<(), StoreError> {
        full.index_next(connection, &self.public.dimensions, self.with_text_index)
    }
}

impl Memory for Written {
    fn forget(&mut self) {
        self.public.forget();
        self.private.forget();
    }
}

impl FamilyWritten {
    fn new(family: Family, key: IdKey, gathered: i64) -> Self {
        let (ids, numbers) = (Ids::new(family, key, gathered), Numbers::default());
        Self { dimensions: Dimensions::new(family), ids, numbers }
    }

    fn family(&self) -> Family {
        self.dimensions.family()
    }

    fn forget(&mut self) {
        self.ids.forget();
        self.numbers.forget();
        // They may hold what was undone.
        self.dimensions = Dimensions::new(self.family());
    }

    /// Sees what others wrote.
    fn catch_up(&mut self, connection: &Connection) -> Result<(), StoreError> {
        match self.ids.catch_up(connection)? {
            News::Rows => {}
            News::Removals => {
                self.numbers.forget();
                self.dimensions.forget_actors();
            }
            News::OtherFile => {
                self.numbers.forget();
                self.dimensions = Dimensions::new(self.family());
            }
        }
        Ok(())
    }

    /// Returns what is to be answered for an activity because something is stored under its id.
    fn first(
        &self,
        connection: &Connection,
        row: &NewRow,
        sequence: Option<i64>,
    ) -> Result<Option<AppendOutcome>, StoreError> {
        let Some(sequence) = sequence else { return Ok(None) };
        Ok(Some(match stored(connection, &self.dimensions, sequence)? {
            Some(stored) if row.is(self.ids.key(), &stored)? => AppendOutcome::Duplicate,
            Some(_) => AppendOutcome::Conflict,
            // What its content was is known no more.
            None => AppendOutcome::Duplicate,
        }))
    }

    fn save(&self, connection: &Connection) -> Result<(), StoreError> {
        let update = format!("UPDATE {}_state SET last_sequence = ?1", self.family().name());
        connection.prepare_cached(&update)?.execute([self.ids.last_sequence()])?;
        Ok(())
    }
}

/// Stores a batch, but for what is stored under its id in either family.
pub(super) fn append(
    connection: &Connection,
    written: &mut Written,
    batch: &[NewRow],
) -> Result<Vec<AppendOutcome>, StoreError> {
    for family in Family::BOTH {
        let of = written.of(family);
        of.catch_up(connection)?;
        of.ids.fill_filter(connection)?;
    }
    let known = look_up(connection, written, batch)?;
    let Written { public, private, partition_rows, with_text_index } = written;
    let mut target = Target::new(connection, *partition_rows, *with_text_index)?;
    let mut appended = Vec::with_capacity(batch.len());
    for (row, [in_public, in_private]) in batch.iter().zip(known) {
        // Something of this batch may have its id too.
        let in_public = in_public.or_else(|| public.ids.find_newest(row.hash));
        let in_private = in_private.or_else(|| private.ids.find_newest(row.hash));
        let first = match public.first(connection, row, in_public)? {
            None => private.first(connection, row, in_private)?,
            first => first,
        };
        appended.push(match first {
            Some(first) => first,
            None => {
                match row.family {
                    Family::Public => target.write_public(public, row)?,
                    Family::Private => target.write_private(private, row)?,
                }
                AppendOutcome::Stored
            }
        });
    }
    if target.public.is_some() {
        public.save(connection)?;
    }
    if target.private.is_some() {
        private.save(connection)?;
    }
    target.finish()?;
    Ok(appended)
}

/// Looks the ids of a batch up, in the order in which they stand in the index.
fn look_up(connection: &Connection, written: &Written, batch: &[NewRow]) -> Result<Vec<[Option<i64>; 2]>, StoreError> {
    let mut order: Vec<usize> = (0..batch.len()).collect();
    order.sort_unstable_by_key(|at| batch.get(*at).map(|row| row.hash));
    let mut known = vec![[None; 2]; batch.len()];
    for at in order {
        if let (Some(row), Some(known)) = (batch.get(at), known.get_mut(at)) {
            *known = [written.public.ids.find(connection, row.hash)?, written.private.ids.find(connection, row.hash)?];
        }
    }
    Ok(known)
}

/// The tables that a batch is written to. A family has a writer once a row is written to it.
struct Target<'a> {
    connection: &'a Connection,
    partition_rows: i64,
    with_text_index: bool,
    partition: Option<Partition>,
    public: Option<RowWriter<'a>>,
    private: Option<RowWriter<'a>>,
}

impl<'a> Target<'a> {
    fn new(connection: &'a Connection, partition_rows: i64, with_text_index: bool) -> Result<Self, StoreError> {
        let partition = Partition::open(connection)?;
        Ok(Self { connection, partition_rows, with_text_index, partition, public: None, private: None })
    }

    fn write_public(&mut self, family: &mut FamilyWritten, row: &NewRow) -> Result<(), StoreError> {
        let sequence = family.ids.last_sequence() + 1;
        if let Some(partition) = self.partition.take_if(|full| sequence - full.first_sequence >= self.partition_rows) {
            Partition { state: State::Full, ..partition }.save(self.connection)?;
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

    /// Closes the oldest full partitions if there are too many, because the steps between the batches were not enough.
    fn close_surplus(&self, family: &FamilyWritten) -> Result<(), StoreError> {
        while Partition::count_full(self.connection)? > MOST_FULL
            && let Some(full) = Partition::full(self.connection)?
        {
            full.index_next(self.connection, &family.dimensions, self.with_text_index)?;
        }
        Ok(())
    }

    fn write_private(&mut self, family: &mut FamilyWritten, row: &NewRow) -> Result<(), StoreError> {
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
