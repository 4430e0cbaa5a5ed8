//! The tables in which ids stand, and the statements that read and write them.

/// Of one table of activities.
#[derive(Debug)]
pub(in crate::sqlite) struct Tables {
    /// Goes into every seal, so that no part of one is taken for the same part of the other.
    pub(super) tag: u8,
    /// What makes them.
    pub(in crate::sqlite) create: &'static str,
    /// By what it can be told whether anything changed: the seals of the newest run and of one row of the tail.
    pub(super) standing: &'static str,
    pub(super) tail_after: &'static str,
    pub(super) add_to_tail: &'static str,
    pub(super) clear_tail: &'static str,
    pub(super) runs: &'static str,
    pub(super) filter: &'static str,
    pub(super) add_run: &'static str,
    pub(super) drop_run: &'static str,
    pub(super) buckets: &'static str,
    pub(super) add_bucket: &'static str,
    pub(super) drop_buckets: &'static str,
    pub(super) removed: &'static str,
    pub(super) add_removed: &'static str,
}

/// The columns that can be long come last, so that those before them are read without them.
macro_rules! tables {
    ($of:literal, $tag:literal) => {
        Tables {
            tag: $tag,
            create: concat!(
                "CREATE TABLE ",
                $of,
                "_id_tail (place INTEGER PRIMARY KEY, seal INTEGER NOT NULL, entries BLOB NOT NULL) STRICT;
                CREATE TABLE ",
                $of,
                "_id_run (
                    run INTEGER PRIMARY KEY,
                    entries INTEGER NOT NULL,
                    seal INTEGER NOT NULL,
                    filter BLOB NOT NULL
                ) STRICT;
                CREATE TABLE ",
                $of,
                "_id_bucket (place INTEGER PRIMARY KEY, seal INTEGER NOT NULL, entries BLOB NOT NULL) STRICT;
                CREATE TABLE ",
                $of,
                "_id_removed (sequence INTEGER PRIMARY KEY, id INTEGER NOT NULL) STRICT;"
            ),
            standing: concat!(
                "SELECT (SELECT seal FROM ",
                $of,
                "_id_run ORDER BY run DESC LIMIT 1), (SELECT seal FROM ",
                $of,
                "_id_tail WHERE place = ?1)"
            ),
            tail_after: concat!("SELECT place, seal, entries FROM ", $of, "_id_tail WHERE place > ?1 ORDER BY place"),
            add_to_tail: concat!("INSERT INTO ", $of, "_id_tail (place, seal, entries) VALUES (?1, ?2, ?3)"),
            clear_tail: concat!("DELETE FROM ", $of, "_id_tail"),
            runs: concat!("SELECT run, entries, seal FROM ", $of, "_id_run ORDER BY run"),
            filter: concat!("SELECT filter FROM ", $of, "_id_run WHERE run = ?1"),
            add_run: concat!("INSERT INTO ", $of, "_id_run (run, entries, seal, filter) VALUES (?1, ?2, ?3, ?4)"),
            drop_run: concat!("DELETE FROM ", $of, "_id_run WHERE run = ?1"),
            buckets: concat!(
                "SELECT seal, entries FROM ",
                $of,
                "_id_bucket WHERE place BETWEEN ?1 AND ?2 ORDER BY place"
            ),
            add_bucket: concat!("INSERT INTO ", $of, "_id_bucket (place, seal, entries) VALUES (?1, ?2, ?3)"),
            drop_buckets: concat!("DELETE FROM ", $of, "_id_bucket WHERE place BETWEEN ?1 AND ?2"),
            removed: concat!("SELECT id FROM ", $of, "_id_removed WHERE sequence = ?1"),
            add_removed: concat!("INSERT INTO ", $of, "_id_removed (sequence, id) VALUES (?1, ?2)"),
        }
    };
}

pub(in crate::sqlite) static PUBLIC: Tables = tables!("public", 1);
pub(in crate::sqlite) static PRIVATE: Tables = tables!("private", 2);
