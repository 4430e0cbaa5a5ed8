//! The least that the very tables and indexes of a file cost: what stands in it, inserted once more by a bare loop.
//!
//! Nothing here knows what the tables are. Each one's rows come in the order of its key, spread evenly over all
//! batches; what was written meanwhile and is not there at the end is left out, which is in the floor's favour.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::bare::{connect, count, run};

/// A file that was filled before, and another one of the same make that is to be.
pub(crate) struct Replay {
    model: Connection,
    into: Connection,
    tables: Vec<Table>,
    /// How much is delivered in all, and how much of it was so far.
    total: u64,
    done: u64,
}

struct Table {
    name: String,
    rows: u64,
    insert: String,
    has_rowid: bool,
    last_rowid: i64,
}

/// For each batch, for each table, the rows.
pub(crate) struct Prepared(Vec<Vec<Vec<Vec<Value>>>>);

impl Replay {
    /// `total` is what was delivered to the model.
    pub(crate) fn new(model: &Path, path: &Path, total: u64) -> Self {
        let model = Connection::open(model).unwrap();
        let page_size: i64 = model.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
        let into = Connection::open(path).unwrap();
        into.pragma_update(None, "page_size", page_size).unwrap();
        drop(into);
        let into = connect(path);
        for sql in made_by(&model) {
            into.execute_batch(&sql).unwrap();
        }
        let tables = tables(&model);
        Self { model, into, tables, total, done: 0 }
    }

    /// Reads what so much that is delivered comes to.
    pub(crate) fn prepare(&mut self, delivered: usize, batch: usize) -> Prepared {
        let (from, until) = (self.done, self.done + delivered as u64);
        self.done = until;
        let starts: Vec<u64> = (from..until).step_by(batch).chain([until]).collect();
        let mut batches: Vec<Vec<Vec<Vec<Value>>>> = (1..starts.len()).map(|_| Vec::new()).collect();
        for table in &mut self.tables {
            let place =
                |delivered: u64| (u128::from(table.rows) * u128::from(delivered) / u128::from(self.total)) as u64;
            let places: Vec<u64> = starts.iter().map(|start| place(*start)).collect();
            let (first, last) = (place(from), place(until));
            let mut rows = table.read(&self.model, first, last - first).into_iter();
            for (batch, ends) in batches.iter_mut().zip(places.windows(2)) {
                batch.push(rows.by_ref().take((ends[1] - ends[0]) as usize).collect());
            }
        }
        Prepared(batches)
    }

    pub(crate) fn insert(&self, prepared: &Prepared) -> Duration {
        let begun = Instant::now();
        let prepare = |table: &Table| self.into.prepare_cached(&table.insert).unwrap();
        let mut inserts: Vec<_> = self.tables.iter().map(prepare).collect();
        for batch in &prepared.0 {
            run(&self.into, "BEGIN IMMEDIATE");
            for (insert, rows) in inserts.iter_mut().zip(batch) {
                for row in rows {
                    insert.execute(params_from_iter(row)).unwrap();
                }
            }
            run(&self.into, "COMMIT");
        }
        begun.elapsed()
    }

    /// # Panics
    /// When something of the model is not there now.
    pub(crate) fn check(&self) {
        assert_eq!(self.done, self.total);
        for table in &self.tables {
            assert_eq!(count(&self.into, &table.name), table.rows, "{}", table.name);
        }
    }
}

impl Table {
    fn read(&mut self, model: &Connection, first: u64, many: u64) -> Vec<Vec<Value>> {
        let Self { name, has_rowid, last_rowid, .. } = self;
        let select = match has_rowid {
            true => format!("SELECT rowid, * FROM \"{name}\" WHERE rowid > ?1 ORDER BY rowid LIMIT ?2"),
            false => format!("SELECT 0, * FROM \"{name}\" LIMIT ?2 OFFSET ?1"),
        };
        let mut select = model.prepare_cached(&select).unwrap();
        let columns = select.column_count();
        let begin = if *has_rowid { *last_rowid } else { first as i64 };
        let mut rows = select.query([begin, many as i64]).unwrap();
        let mut read = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            *last_rowid = row.get(0).unwrap();
            read.push((1..columns).map(|column| row.get(column).unwrap()).collect());
        }
        read
    }
}

/// What makes the tables and indexes of a file, tables first.
fn made_by(model: &Connection) -> Vec<String> {
    let select = "SELECT sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL
        AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type = 'index', rowid";
    let mut select = model.prepare(select).unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn tables(model: &Connection) -> Vec<Table> {
    let select = "SELECT name, ncol, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
        AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let mut select = model.prepare(select).unwrap();
    let table = |row: &rusqlite::Row<'_>| {
        let (name, columns): (String, u32) = (row.get(0)?, row.get(1)?);
        let rows = count(model, &name);
        let insert = format!("INSERT INTO \"{name}\" VALUES ({})", vec!["?"; columns as usize].join(", "));
        Ok(Table { name, rows, insert, has_rowid: !row.get(2)?, last_rowid: i64::MIN })
    };
    select.query_map([], table).unwrap().map(Result::unwrap).collect()
}
