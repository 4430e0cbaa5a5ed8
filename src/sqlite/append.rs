//! How a batch is written.

use rusqlite::Connection;

use super::dimension::{Dimensions, Numbers};
use super::family::{Family, PRIVATE};
use super::ids::{IdKey, Ids, News};
use super::options::SqliteOptions;
use super::partition::{Partition, State};
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
    let Written { public, private, partition_rows, .. } = written;
    let mut target = Target::new(connection, *partition_rows)?;
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
    partition: Option<Partition>,
    public: Option<RowWriter<'a>>,
    private: Option<RowWriter<'a>>,
}

impl<'a> Target<'a> {
    fn new(connection: &'a Connection, partition_rows: i64) -> Result<Self, StoreError> {
        let partition = Partition::open(connection)?;
        Ok(Self { connection, partition_rows, partition, public: None, private: None })
    }

    fn write_public(&mut self, family: &mut FamilyWritten, row: &NewRow) -> Result<(), StoreError> {
        let sequence = family.ids.last_sequence() + 1;
        if let Some(partition) = self.partition.take_if(|full| sequence - full.first_sequence >= self.partition_rows) {
            Partition { state: State::Full, ..partition }.save(self.connection)?;
            self.public = None;
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

/// Does a part of what was put off while rows were written: ids go into their index, and a full partition gets an index.
/// Returns whether there is more to do.
pub(super) fn tidy(connection: &Connection, written: &mut Written) -> Result<bool, StoreError> {
    for family in Family::BOTH {
        let of = written.of(family);
        of.catch_up(connection)?;
        if of.ids.is_due() {
            of.ids.index_some(connection)?;
        }
    }
    if let Some(full) = Partition::full(connection)? {
        full.index_next(connection, &written.public.dimensions, written.with_text_index)?;
    }
    is_untidy(connection, written)
}

/// Returns whether there is something to [tidy](tidy).
pub(super) fn is_untidy(connection: &Connection, written: &Written) -> Result<bool, StoreError> {
    let mut full = connection.prepare_cached("SELECT 1 FROM public_partition WHERE state = 'full'")?;
    Ok(written.public.ids.is_due() || written.private.ids.is_due() || full.exists([])?)
}
