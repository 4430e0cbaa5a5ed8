#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use rusqlite::TransactionBehavior;
use tempfile::TempDir;

use super::*;
use crate::sqlite::FileError;

/// So small that a few batches go through every level.
const SMALL: Sizes = Sizes { tail: 8, fan: 3, top: 2, bucket: 4 };

/// What one connection and its ids do.
struct Side {
    connection: Connection,
    ids: Ids,
}

struct House {
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        let connection = house.connect();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        for create in [CREATE_KEY, PUBLIC.create, PRIVATE.create] {
            connection.execute_batch(create).unwrap();
        }
        house
    }

    fn path(&self) -> impl AsRef<Path> {
        self.folder.path().join("file.db")
    }

    fn connect(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        connection
    }

    fn side(&self, filters: &Filters) -> Side {
        let connection = self.connect();
        let ids = Ids::open_sized(&connection, &PUBLIC, filters, SMALL).unwrap();
        Side { connection, ids }
    }
}

impl Side {
    /// One batch of rows, kept or rolled back.
    fn write(&mut self, entries: &[(u64, i64)], end: End) {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        self.ids.catch_up(&transaction).unwrap();
        for (hash, sequence) in entries {
            self.ids.add(*hash, *sequence);
            assert!(candidates(&mut self.ids, &transaction, *hash).contains(sequence));
        }
        if end != End::Forgotten {
            self.ids.keep_up(&transaction).unwrap();
        }
        if end == End::Kept {
            transaction.commit().unwrap();
        }
    }

    fn read(&mut self, hash: u64) -> Vec<i64> {
        let transaction = self.connection.transaction().unwrap();
        self.ids.catch_up(&transaction).unwrap();
        candidates(&mut self.ids, &transaction, hash)
    }

    /// Reads everything, and says so if anything of it is damaged.
    fn check(&mut self, hashes: &[u64]) -> Result<Vec<Vec<i64>>, StoreError> {
        self.ids.catch_up(&self.connection)?;
        let mut marks = Vec::new();
        self.ids.mark(&self.connection, hashes, &mut marks)?;
        let mut found = Vec::new();
        for (hash, mark) in hashes.iter().zip(marks) {
            let mut sequences = Vec::new();
            self.ids.candidates(&self.connection, *hash, mark, &mut sequences)?;
            sequences.sort_unstable();
            found.push(sequences);
        }
        Ok(found)
    }
}

fn candidates(ids: &mut Ids, connection: &Connection, hash: u64) -> Vec<i64> {
    let (mut marks, mut found) = (Vec::new(), Vec::new());
    ids.mark(connection, &[hash], &mut marks).unwrap();
    ids.candidates(connection, hash, marks[0], &mut found).unwrap();
    found.sort_unstable();
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Kept,
    RolledBack,
    /// Rolled back before it was written.
    Forgotten,
}

#[derive(Debug, Clone)]
enum Step {
    Write { side: usize, ids: Vec<u64>, end: End },
    Read { side: usize, ids: Vec<u64> },
    Reopen { side: usize },
}

/// A hash so weak that different ids meet, spread over all buckets.
fn weak_hash(id: u64) -> u64 {
    (id % 61).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn step() -> impl Strategy<Value = Step> {
    let ids = |most| proptest::collection::vec(0_u64..200, 0..most);
    let end = prop_oneof![4 => Just(End::Kept), 1 => Just(End::RolledBack), 1 => Just(End::Forgotten)];
    prop_oneof![
        6 => (0_usize..3, ids(20), end.clone()).prop_map(|(side, ids, end)| Step::Write { side, ids, end }),
        1 => (0_usize..3, ids(200), end).prop_map(|(side, ids, end)| Step::Write { side, ids, end }),
        3 => (0_usize..3, ids(10)).prop_map(|(side, ids)| Step::Read { side, ids }),
        1 => (0_usize..3).prop_map(|side| Step::Reopen { side }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Three connections, two of which share filters; what was rolled back is nowhere.
    #[test]
    fn d4_every_id_that_was_kept_is_found_and_no_other(steps in proptest::collection::vec(step(), 1..40)) {
        let house = House::new();
        let (shared, own) = (Filters::default(), Filters::default());
        let filters = [&shared, &shared, &own];
        let mut sides = filters.map(|filters| house.side(filters));
        let mut model: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        let mut sequence = 0;
        for step in steps {
            match step {
                Step::Write { side, ids, end } => {
                    // What is rolled back has its sequences given again.
                    let entries: Vec<_> = ids.iter().zip(sequence + 1..).map(|(id, at)| (weak_hash(*id), at)).collect();
                    sides[side].write(&entries, end);
                    if end == End::Kept {
                        sequence += entries.len() as i64;
                        entries.into_iter().for_each(|(hash, at)| model.entry(hash).or_default().push(at));
                    }
                }
                Step::Read { side, ids } => {
                    for hash in ids.into_iter().map(weak_hash) {
                        prop_assert_eq!(sides[side].read(hash), model.get(&hash).cloned().unwrap_or_default());
                    }
                }
                Step::Reopen { side } => sides[side] = house.side(filters[side]),
            }
        }
        for side in &mut sides {
            for hash in (0..61).map(weak_hash) {
                prop_assert_eq!(side.read(hash), model.get(&hash).cloned().unwrap_or_default());
            }
        }
    }
}

/// Random enough that every bucket has some.
fn entries(sequences: std::ops::RangeInclusive<i64>) -> Vec<(u64, i64)> {
    sequences.map(|sequence| (sequence.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15), sequence)).collect()
}

/// A file with runs of every level and a tail of two rows.
fn filled() -> (House, Vec<u64>) {
    let house = House::new();
    let mut side = house.side(&Filters::default());
    let all = entries(1..=8 * 13 + 6);
    let (in_runs, in_tail) = all.split_at(8 * 13);
    in_runs.chunks(4).chain(in_tail.chunks(3)).for_each(|batch| side.write(batch, End::Kept));
    let levels: Vec<_> = side.ids.runs.iter().map(|run| SMALL.level(run.entries())).collect();
    assert_eq!((levels.as_slice(), side.ids.tail.len()), ([2, 1, 0].as_slice(), 6));
    (house, all.into_iter().map(|(hash, _)| hash).collect())
}

fn is_damaged(error: &StoreError) -> bool {
    let expected = FileError::Damaged { what: "index of ids" };
    matches!(error, StoreError::Unreadable(source) if source.downcast_ref() == Some(&expected))
}

#[test]
fn d4_runs_are_merged_when_there_are_enough_and_leave_nothing_behind() {
    let (house, _) = filled();
    let connection = house.connect();
    let count = |query| connection.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM public_id_run"), 3);
    assert_eq!(count("SELECT count(DISTINCT place >> 24) FROM public_id_bucket"), 3);
    assert_eq!(count("SELECT sum(length(entries)) FROM public_id_bucket"), 8 * 13 * entry::WIDTH as i64);
    assert_eq!(count("SELECT count(*) FROM public_id_tail"), 2);
}

#[test]
fn d4_a_very_large_batch_is_one_run_of_its_level() {
    let house = House::new();
    let mut side = house.side(&Filters::default());
    let all = entries(1..=100);
    side.write(&all, End::Kept);
    assert_eq!(side.ids.runs.iter().map(|run| SMALL.level(run.entries())).collect::<Vec<_>>(), [2]);
    assert!(all.iter().all(|(hash, sequence)| side.read(*hash) == [*sequence]));
}

#[test]
fn d4_a_run_that_was_rolled_back_lends_its_filter_to_no_other_of_its_number() {
    let house = House::new();
    let filters = Filters::default();
    let (mut first, mut second) = (house.side(&filters), house.side(&filters));
    let all = entries(1..=16);
    first.write(&all[..8], End::RolledBack);
    second.write(&all[8..], End::Kept);
    for side in [&mut first, &mut second] {
        assert!(all[..8].iter().all(|(hash, _)| side.read(*hash).is_empty()));
        assert!(all[8..].iter().all(|(hash, sequence)| side.read(*hash) == [*sequence]));
    }
}

#[test]
fn d4_ids_that_are_ahead_of_a_snapshot_go_back_to_it() {
    let house = House::new();
    let (mut writer, mut reader) = (house.side(&Filters::default()), house.side(&Filters::default()));
    let all = entries(1..=20);
    writer.write(&all[..5], End::Kept);
    let snapshot = house.connect();
    snapshot.execute_batch("BEGIN; SELECT count(*) FROM public_id_tail").unwrap();
    for (before, now) in [(5, 6), (6, 20)] {
        writer.write(&all[before..now], End::Kept);
        assert_eq!(reader.read(all[now - 1].0), [all[now - 1].1]);
        reader.ids.catch_up(&snapshot).unwrap();
        assert_eq!(candidates(&mut reader.ids, &snapshot, all[4].0), [5]);
        assert!(candidates(&mut reader.ids, &snapshot, all[now - 1].0).is_empty());
    }
}

#[test]
fn d4_who_opens_the_file_later_hashes_alike_and_another_file_hashes_otherwise() {
    let (house, other) = (House::new(), House::new());
    let hash = |house: &House| house.side(&Filters::default()).ids.hash("an id");
    assert_eq!(hash(&house), hash(&house));
    assert_ne!(hash(&house), hash(&other));
}

#[test]
fn v2_private_ids_are_not_among_the_public_ones() {
    let house = House::new();
    let connection = house.connect();
    let open = |tables| Ids::open_sized(&connection, tables, &Filters::default(), SMALL).unwrap();
    let (mut public, mut private) = (open(&PUBLIC), open(&PRIVATE));
    for batch in entries(1..=60).chunks(7) {
        batch.iter().for_each(|(hash, sequence)| private.add(*hash, *sequence));
        private.keep_up(&connection).unwrap();
    }
    public.catch_up(&connection).unwrap();
    assert!(public.runs.is_empty() && public.tail.len() == 0 && !private.runs.is_empty());
    assert!(entries(1..=60).iter().all(|(hash, _)| candidates(&mut public, &connection, *hash).is_empty()));
    assert!(entries(1..=60).iter().all(|(hash, at)| candidates(&mut private, &connection, *hash) == [*at]));
}

/// What may be done to a file, and must be noticed by whoever opens it and by whoever goes on writing.
#[test]
fn b1_whatever_is_damaged_is_an_error_and_never_an_id_that_is_not_there() {
    let mut damages = vec![
        "DELETE FROM id_key".to_owned(),
        "UPDATE id_key SET key = zeroblob(16)".to_owned(),
        "UPDATE id_key SET key = randomblob(16)".to_owned(),
        "UPDATE id_key SET key = randomblob(15)".to_owned(),
    ];
    for (table, column) in [("tail", "entries"), ("bucket", "entries"), ("run", "filter")] {
        let name = if table == "run" { "run" } else { "place" };
        for which in ["min", "max"] {
            let at = format!("WHERE {name} = (SELECT {which}({name}) FROM public_id_{table})");
            damages.extend([
                format!("UPDATE public_id_{table} SET {column} = substr({column}, 1, length({column}) - 1) {at}"),
                format!("UPDATE public_id_{table} SET {column} = substr({column}, 14) {at}"),
                format!("UPDATE public_id_{table} SET {column} = CAST({column} || zeroblob(13) AS BLOB) {at}"),
                format!("UPDATE public_id_{table} SET {column} = randomblob(length({column})) {at}"),
                format!("UPDATE public_id_{table} SET {column} = x'' {at}"),
                format!("UPDATE public_id_{table} SET seal = seal + 1 {at}"),
            ]);
            // The newest row of the tail can be taken away unseen, as if it had never been written.
            if (table, which) != ("tail", "max") {
                damages.push(format!("DELETE FROM public_id_{table} {at}"));
            }
        }
    }
    damages.extend([
        "UPDATE public_id_run SET entries = entries + 1 WHERE run = (SELECT min(run) FROM public_id_run)".to_owned(),
        "UPDATE public_id_run SET entries = -1".to_owned(),
        "UPDATE public_id_run SET entries = 9223372036854775807".to_owned(),
        "UPDATE public_id_run SET run = 9223372036854775807 WHERE run = (SELECT max(run) FROM public_id_run)"
            .to_owned(),
        "UPDATE public_id_run SET run = -run".to_owned(),
        "UPDATE public_id_tail SET place = place + 1 WHERE place = (SELECT max(place) FROM public_id_tail)".to_owned(),
        "DELETE FROM public_id_run".to_owned(),
        "UPDATE public_id_bucket SET (seal, entries) = (SELECT seal, entries FROM public_id_bucket LIMIT 1)".to_owned(),
        "DELETE FROM public_id_bucket".to_owned(),
        "UPDATE public_id_bucket SET place = -place".to_owned(),
    ]);
    for damage in &damages {
        let (house, hashes) = filled();
        let before = house.side(&Filters::default()).check(&hashes).unwrap();
        assert!(before.iter().all(|found| found.len() == 1));
        assert_ne!(house.connect().execute(damage, []).unwrap(), 0, "{damage}");
        let connection = house.connect();
        let opened = Ids::open_sized(&connection, &PUBLIC, &Filters::default(), SMALL);
        let checked = opened.and_then(|ids| Side { connection, ids }.check(&hashes));
        assert!(checked.as_ref().is_err_and(is_damaged), "{damage}: {checked:?}");
    }
}

#[test]
fn b1_half_an_entry_is_none_and_a_key_of_zeros_is_no_key() {
    assert_eq!(entry::in_bytes(&[0; 26]).unwrap().len(), 2);
    assert!(entry::in_bytes(&[0; 25]).is_err_and(|error| is_damaged(&error)));
    let house = House::new();
    let connection = house.connect();
    assert!(Ids::open(&connection, &PUBLIC, &Filters::default()).is_ok());
    connection.execute("UPDATE id_key SET key = zeroblob(16)", []).unwrap();
    assert!(Ids::open(&connection, &PUBLIC, &Filters::default()).is_err_and(|error| is_damaged(&error)));
}

#[test]
fn b1_a_merge_copies_no_damage() {
    for damage in [
        "UPDATE public_id_bucket SET entries = CAST(entries || entries AS BLOB)",
        "UPDATE public_id_run SET entries = entries - 1; DELETE FROM public_id_tail",
    ] {
        let (house, _) = filled();
        house.connect().execute_batch(damage).unwrap();
        let mut side = house.side(&Filters::default());
        let more = entries(200..=300);
        let mut written = more.chunks(8).map(|batch| {
            side.ids.catch_up(&side.connection)?;
            batch.iter().for_each(|(hash, sequence)| side.ids.add(*hash, *sequence));
            side.ids.keep_up(&side.connection)
        });
        assert!(written.any(|result| result.is_err_and(|error| is_damaged(&error))), "{damage}");
    }
}

#[test]
fn d4_several_batches_of_one_transaction_are_kept() {
    let house = House::new();
    let mut side = house.side(&Filters::default());
    let all = entries(1..=60);
    let transaction = side.connection.transaction().unwrap();
    for batch in all.chunks(3) {
        batch.iter().for_each(|(hash, sequence)| side.ids.add(*hash, *sequence));
        side.ids.keep_up(&transaction).unwrap();
    }
    transaction.commit().unwrap();
    let mut other = house.side(&Filters::default());
    assert!(all.iter().all(|(hash, sequence)| side.read(*hash) == [*sequence] && other.read(*hash) == [*sequence]));
}

#[test]
fn b1_a_sequence_that_no_row_can_have_is_refused() {
    let house = House::new();
    let mut side = house.side(&Filters::default());
    for (sequence, fits) in [(0, true), ((1 << 40) - 1, true), (1 << 40, false), (-1, false), (i64::MAX, false)] {
        side.ids.catch_up(&side.connection).unwrap();
        side.ids.add(sequence.unsigned_abs(), sequence);
        assert_eq!(side.ids.keep_up(&side.connection).is_ok(), fits, "{sequence}");
    }
}

#[test]
fn d4_a_filter_passes_all_that_it_holds_and_one_in_some_hundred_others() {
    let hash = |number: u64| {
        let mixed = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    let mut filter = filter::Filter::for_hashes(10_000);
    (1..=10_000).for_each(|number| filter.add(hash(number)));
    let filter = filter::Filter::from_bytes(&filter.to_bytes(), 10_000).unwrap();
    let passes = |number: &u64| filter.may_hold(&Probe::of(hash(*number)));
    let bytes = filter.to_bytes();
    assert!(filter::Filter::from_bytes(&bytes[32..], 10_000).is_none());
    assert!(filter::Filter::from_bytes(&bytes[1..], 10_000).is_none());
    assert!((1..=10_000).all(|number| passes(&number)));
    assert!((10_001..=110_000).filter(passes).count() < 400);
}

#[test]
fn d4_two_tails_that_end_alike_are_told_apart() {
    let house = House::new();
    let (mut first, mut second) = (house.side(&Filters::default()), house.side(&Filters::default()));
    let all = entries(1..=4);
    let transaction = first.connection.transaction().unwrap();
    for batch in all.chunks(2) {
        batch.iter().for_each(|(hash, sequence)| first.ids.add(*hash, *sequence));
        first.ids.keep_up(&transaction).unwrap();
    }
    transaction.rollback().unwrap();
    second.write(&[(7, 1), (8, 2)], End::Kept);
    second.write(&all[2..], End::Kept);
    assert_eq!((first.read(7), first.read(all[0].0), first.read(all[3].0)), (vec![1], vec![], vec![4]));
}

#[test]
fn d4_every_hash_of_a_large_batch_is_marked() {
    let house = House::new();
    let mut side = house.side(&Filters::default());
    let all = entries(1..=2_500);
    side.write(&all, End::Kept);
    let (hashes, mut marks): (Vec<_>, _) = (all.iter().map(|(hash, _)| *hash).collect(), vec![true; 3]);
    side.ids.mark(&side.connection, &hashes, &mut marks).unwrap();
    assert_eq!(marks, vec![true; 2_500]);
    side.ids.mark(&side.connection, &[1], &mut marks).unwrap();
    assert_eq!(marks, [false]);
}

#[test]
fn b3_those_who_read_one_file_hold_one_copy_of_a_filter() {
    let (house, hashes) = filled();
    let filters = Filters::default();
    let mut sides = [&filters, &filters, &Filters::default()].map(|filters| house.side(filters));
    let held = sides.each_mut().map(|side| {
        side.check(&hashes).unwrap();
        let Ids { runs, setting, .. } = &mut side.ids;
        let held = runs.iter_mut().map(|run| std::ptr::from_ref(run.filter(&side.connection, setting).unwrap()));
        held.collect::<Vec<_>>()
    });
    assert_eq!(held[0], held[1]);
    assert!(held[0].iter().all(|filter| !held[2].contains(filter)));
}

#[test]
fn d4_what_still_stands_is_only_added_to() {
    let house = House::new();
    let (mut first, mut second) = (house.side(&Filters::default()), house.side(&Filters::default()));
    let all = entries(1..=20);
    for batch in all[..6].chunks(2) {
        first.write(batch, End::Kept);
        for side in [&mut first, &mut second, &mut house.side(&Filters::default())] {
            assert!(side.ids.catch_up(&side.connection).unwrap(), "all of it was read again");
        }
    }
    first.write(&all[6..], End::Kept);
    assert!(first.ids.catch_up(&first.connection).unwrap());
    assert!(!second.ids.catch_up(&second.connection).unwrap(), "another has made a run");
    assert!(second.ids.catch_up(&second.connection).unwrap());
}

/// Two ids can have one hash; of a row that is gone, a second hash tells which of them it had.
#[test]
fn d4_another_id_of_the_same_hash_is_not_taken_for_one_that_was_removed() {
    let house = House::new();
    let Side { connection, ids } = house.side(&Filters::default());
    Removed::from(&connection, &PUBLIC).unwrap().add(7, b"an id").unwrap();
    let was_removed = |sequence, id| ids.was_removed(&connection, sequence, id).unwrap();
    assert!(was_removed(7, "an id"));
    assert!(!was_removed(7, "another") && !was_removed(8, "an id"));
    // The one is nothing that the other tells.
    assert_ne!(ids.setting.key.other_hash(b"an id"), ids.hash("an id"));
}

/// More than goes through memory at once, of which the others here are a part.
#[test]
fn d4_every_id_of_large_runs_that_are_merged_is_found() {
    let house = House::new();
    let connection = house.connect();
    let sizes = Sizes { tail: 8, fan: 2, top: 30, bucket: 160 };
    let open = || Ids::open_sized(&connection, &PUBLIC, &Filters::default(), sizes).unwrap();
    let (mut ids, all) = (open(), entries(1..=40_000));
    connection.execute_batch("BEGIN").unwrap();
    for batch in all.chunks(20_000) {
        batch.iter().for_each(|(hash, sequence)| ids.add(*hash, *sequence));
        ids.keep_up(&connection).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    assert_eq!(ids.runs.iter().map(Run::entries).collect::<Vec<_>>(), [40_000]);
    let buckets = connection.query_row("SELECT count(*) FROM public_id_bucket", [], |row| row.get::<_, i64>(0));
    assert_eq!(buckets.unwrap(), 256, "none is left of the runs that were merged");
    let hashes: Vec<u64> = all.iter().step_by(7).map(|(hash, _)| *hash).collect();
    let found = Side { ids: open(), connection: house.connect() }.check(&hashes).unwrap();
    assert!(found.into_iter().flatten().eq((1..=40_000).step_by(7)));
}
