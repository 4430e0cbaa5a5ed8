//! The connection that writes to a file, and what is kept in memory of what it wrote.

use rusqlite::Connection;

use super::commit::Transact;

/// The one connection of a process that writes to a file, with what the adapter knows of the file beside it. That is
/// forgotten once anything is undone that was done with it.
pub(super) struct Writer<M> {
    connection: Connection,
    memory: M,
    /// Whether the memory was used since the transaction began, and since the mark in it.
    used: [bool; 2],
}

impl<M: Default> Writer<M> {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, memory: M::default(), used: [false; 2] }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The connection, and the memory to go with whatever is written.
    pub(super) fn with_memory(&mut self) -> (&Connection, &mut M) {
        self.used = [true; 2];
        (&self.connection, &mut self.memory)
    }

    fn run(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn undo(&mut self, used: bool, sql: &str) -> Result<(), rusqlite::Error> {
        if used {
            self.memory = M::default();
        }
        self.run(sql)
    }
}

impl<M: Default> Transact for Writer<M> {
    type Error = rusqlite::Error;

    /// Immediate: from here on no other process can change anything before this transaction is over.
    fn begin(&mut self) -> Result<(), rusqlite::Error> {
        self.used = [false; 2];
        self.run("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), rusqlite::Error> {
        self.run("COMMIT").inspect_err(|_| self.roll_back())
    }

    fn roll_back(&mut self) {
        // SQLite itself has undone it already after some errors; then this is one more.
        let [used, _] = self.used;
        drop(self.undo(used, "ROLLBACK"));
    }

    fn mark(&mut self) -> Result<(), rusqlite::Error> {
        let [_, since_mark] = &mut self.used;
        *since_mark = false;
        self.run("SAVEPOINT caller")
    }

    fn forget_mark(&mut self) -> Result<(), rusqlite::Error> {
        self.run("RELEASE caller")
    }

    fn back_to_mark(&mut self) -> Result<(), rusqlite::Error> {
        let [_, used] = self.used;
        self.undo(used, "ROLLBACK TO caller")?;
        self.run("RELEASE caller")
    }
}

#[cfg(test)]
mod tests {
    use super::super::commit::{Failed, Shared};
    use super::*;

    #[test]
    fn d4_what_was_undone_is_forgotten() {
        let writer: Writer<Vec<i64>> = Writer::new(Connection::open_in_memory().unwrap());
        writer.connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let shared = Shared::new(writer);
        let put = |number: i64, keep: bool| {
            shared.act(|writer| -> Result<Vec<i64>, Failed<rusqlite::Error>> {
                let (connection, memory) = writer.with_memory();
                connection.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
                memory.push(number);
                if keep { Ok(memory.clone()) } else { Err(Failed::Abandoned) }
            })
        };
        assert_eq!(put(1, true).unwrap(), [1]);
        assert_eq!(put(2, true).unwrap(), [1, 2]);
        assert!(put(3, false).is_err());
        assert_eq!(put(4, true).unwrap(), [4]);
        // Whoever fails without having used it takes nothing from anybody.
        let refused = shared.act(|_| -> Result<(), Failed<rusqlite::Error>> { Err(Failed::Abandoned) });
        assert!(refused.is_err());
        assert_eq!(put(5, true).unwrap(), [4, 5]);
        let sum = shared.act(|writer| -> Result<i64, Failed<rusqlite::Error>> {
            Ok(writer.connection().query_row("SELECT sum(n) FROM t", [], |row| row.get(0)).unwrap())
        });
        assert_eq!(sum.unwrap(), 12);
    }
}
