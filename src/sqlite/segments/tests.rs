//! Random public activities in small segments, held against a list that is searched from end to end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]

mod tidying;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::*;
use crate::activity::{Activity, App};
use crate::actor::Actor;
use crate::identity::{Alias, UserId};
use crate::query::{Count, CountBy, Position, Query, Tally};
use crate::screen::Stamp;
use crate::sqlite::document::from_json;
use crate::sqlite::facts;
use crate::sqlite::table::{Flow, PUBLIC};
use crate::strategies::{activities, searches};

const ALL_COUNTS: [CountBy; 4] = [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor];

/// A file with public rows, and what is known of them.
struct Log {
    connection: Connection,
    draft: Draft,
    rows: Vec<(i64, Activity)>,
    /// The last sequence that was given.
    last: i64,
    _folder: tempfile::TempDir,
}

impl Log {
    fn new(segment_rows: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("log.db")).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;").unwrap();
        connection.execute_batch(PUBLIC.create).unwrap();
        connection.execute_batch(CREATE).unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        let draft = Draft::load(&connection, segment_rows).unwrap();
        Self { connection, draft, rows: Vec::new(), last: 0, _folder: folder }
    }

    fn reader(&self) -> Connection {
        Connection::open(self._folder.path().join("log.db")).unwrap()
    }

    /// Stores activities under ids that tell them apart, with gaps in the sequence here and there.
    fn append(&mut self, batch: &[Activity]) {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        self.draft.catch_up(&transaction, self.last).unwrap();
        for activity in batch {
            let sequence = self.last + if self.last % 7 == 3 { 100 } else { 1 };
            self.last = sequence;
            insert(&transaction, sequence, activity);
            self.draft.add(sequence, activity);
            self.draft.close_if_full(&transaction).unwrap();
            self.rows.push((sequence, activity.clone()));
        }
        transaction.commit().unwrap();
    }

    fn delete(&mut self, which: &Index) {
        if !self.rows.is_empty() {
            let (sequence, _) = self.rows.remove(which.index(self.rows.len()));
            let transaction = self.connection.transaction().unwrap();
            transaction.execute("DELETE FROM public_activity WHERE sequence = ?1", [sequence]).unwrap();
            thin(&transaction, &[sequence]).unwrap();
            transaction.commit().unwrap();
        }
    }

    /// Rolls back whatever it did.
    fn fail(&mut self, batch: &[Activity], segment_rows: usize) {
        let transaction = self.connection.transaction().unwrap();
        let before = self.rows.last().map_or(0, |(sequence, _)| *sequence);
        for (nth, activity) in (1..).zip(batch) {
            insert(&transaction, before + nth, activity);
            self.draft.add(before + nth, activity);
            self.draft.close_if_full(&transaction).unwrap();
        }
        transaction.rollback().unwrap();
        self.draft = Draft::load(&self.connection, segment_rows).unwrap();
    }
}

fn insert(connection: &Connection, sequence: i64, activity: &Activity) {
    let statement = "INSERT INTO public_activity (sequence, id, occurred_at, decided_at, stamp, seal, facts)
        VALUES (?1, ?2, ?3, 0, 1, 0, ?4)";
    let (id, at) = (activity.id().as_str(), activity.occurred_at().timestamp_micros());
    let mut facts = Vec::new();
    facts::write(activity, &mut facts);
    connection.execute(statement, params![sequence, id, at, facts]).unwrap();
}

/// As ids are unique in a store; by no means in the order of delivery.
fn with_unique_ids(activities: Vec<Activity>) -> Vec<Activity> {
    let unique = |(n, activity): (usize, Activity)| {
        let id = format!("{}{}", n * 37 % 101, activity.id().as_str()) + &n.to_string();
        let actor = activity.actor().clone();
        let mut builder = Activity::builder(
            id.parse().unwrap(),
            actor,
            activity.app().clone(),
            activity.action().clone(),
            activity.occurred_at(),
        );
        for principal in activity.on_behalf_of() {
            builder = builder.on_behalf_of(principal.clone());
        }
        for object in activity.objects() {
            builder = builder.object(object);
        }
        builder.build().unwrap()
    };
    activities.into_iter().enumerate().map(unique).collect()
}

/// How many segments there are, but for the open one.
fn closed(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM public_segment", [], |row| row.get(0)).unwrap()
}

fn histories(most: usize) -> impl Strategy<Value = Vec<Activity>> {
    vec(activities(), 0..most).prop_map(with_unique_ids)
}

fn queries() -> impl Strategy<Value = Query> {
    let names = select(vec!["nobody at all", "backup", "ADELE@contoso.com", "adele@contoso.com."]);
    let odd = names.prop_map(|name| Query::all().by_actor(name).unwrap());
    prop_oneof![6 => searches().prop_map(|search| search.query()), 1 => odd]
}

fn stamp() -> Stamp {
    let text =
        r#"{"visibility":"public","policy":1,"directory":null,"decided_at":"2026-01-01T00:00:00Z","reasons":[]}"#;
    from_json("stamp", text.as_bytes()).unwrap()
}

/// The sequences of what matches after a position, newest first.
fn expected(rows: &[(i64, Activity)], query: &Query, after: Option<&Position>) -> Vec<i64> {
    let stamp = stamp();
    let mut found: Vec<_> = rows.iter().filter(|(_, activity)| query.matches(activity, &stamp)).collect();
    found.retain(|(_, activity)| after.is_none_or(|after| Position::of(activity) < *after));
    found.sort_by_key(|(_, activity)| std::cmp::Reverse(Position::of(activity)));
    found.into_iter().map(|(sequence, _)| *sequence).collect()
}

fn row(connection: &Connection, sequence: i64) -> Option<Activity> {
    let select = "SELECT id, occurred_at, facts FROM public_activity WHERE sequence = ?1";
    let mut statement = connection.prepare_cached(select).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let (id, facts): (String, Vec<u8>) = (row.get(0)?, row.get(2)?);
        Ok(facts::read(&id, row.get(1)?, &facts, None).unwrap())
    };
    statement.query_row([sequence], row).optional().unwrap()
}

/// At most `limit` that match, as a store would find them, and how many rows it took to find them.
fn page(
    (connection, tail): (&Connection, &Tail),
    query: &Query,
    after: Option<&Position>,
    limit: usize,
) -> (Vec<(i64, Activity)>, usize) {
    let (mut page, mut read, stamp) = (Vec::new(), 0, stamp());
    search(connection, tail, query, after, |sequence| {
        read += 1;
        if let Some(activity) = row(connection, sequence).filter(|activity| query.matches(activity, &stamp)) {
            page.push((sequence, activity));
        }
        Ok(if page.len() < limit { Flow::On } else { Flow::Enough })
    })
    .unwrap();
    (page, read)
}

fn sequences(page: &[(i64, Activity)]) -> Vec<i64> {
    page.iter().map(|(sequence, _)| *sequence).collect()
}

fn only_keys(query: &Query) -> bool {
    !query.looks_into_rows()
}

/// Everything that the room answers, held against a list.
fn check(reader: (&Connection, &Tail), rows: &[(i64, Activity)], query: &Query) -> Result<(), TestCaseError> {
    let (whole, _) = page(reader, query, None, usize::MAX);
    let expected = expected(rows, query, None);
    prop_assert_eq!(&sequences(&whole), &expected);
    let counted = count(reader.0, reader.1, query).unwrap();
    prop_assert_eq!(counted, only_keys(query).then_some(expected.len() as u64));
    for by in ALL_COUNTS {
        let mut tally = Tally::new(Some(by));
        whole.iter().for_each(|(_, activity)| tally.add(activity));
        let tell = |counts: Vec<Count>| counts.into_iter().map(|count| (count.key, count.activities)).collect();
        let expected: Vec<_> = tell(tally.counts());
        let counted: Option<Vec<_>> = counts(reader.0, reader.1, query, by).unwrap().map(tell);
        prop_assert_eq!(counted, only_keys(query).then_some(expected));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn v3_what_is_found_and_counted_is_what_a_list_gives(
        history in histories(120), segment_rows in 1..6_usize, batch in 1..9_usize,
        deleted in vec(any::<Index>(), 0..4), queries in vec(queries(), 1..8),
    ) {
        let mut log = Log::new(segment_rows);
        let tail = Tail::default();
        let half = history.len() / 2;
        for batch in history[..half].chunks(batch) {
            log.append(batch);
        }
        // What the tail knows by now must not stand in the way of what comes later.
        let _ = count(&log.connection, &tail, &Query::all()).unwrap();
        for batch in history[half..].chunks(batch) {
            log.append(batch);
        }
        for which in &deleted {
            log.delete(which);
        }
        for query in &queries {
            check((&log.connection, &tail), &log.rows, query)?;
            check((&log.connection, &Tail::default()), &log.rows, query)?;
        }
    }

    #[test]
    fn v3_pages_chained_by_position_are_one_list(
        history in histories(60), segment_rows in 1..6_usize, limit in 1..4_usize,
        deleted in vec(any::<Index>(), 0..6), query in queries(), from in any::<Index>(),
    ) {
        let mut log = Log::new(segment_rows);
        log.append(&history);
        let positions: Vec<Position> = log.rows.iter().map(|(_, activity)| Position::of(activity)).collect();
        for which in &deleted {
            log.delete(which);
        }
        let (tail, mut after, mut chained) = (Tail::default(), None, Vec::new());
        loop {
            let (page, _) = page((&log.connection, &tail), &query, after.as_ref(), limit);
            let Some((_, last)) = page.last() else { break };
            after = Some(Position::of(last));
            chained.extend(sequences(&page));
            prop_assert!(chained.len() <= log.rows.len(), "pages that have no end");
        }
        prop_assert_eq!(chained, expected(&log.rows, &query, None));
        // A position is good though its row is gone.
        if let Some(from) = (!positions.is_empty()).then(|| &positions[from.index(positions.len())]) {
            let (rest, _) = page((&log.connection, &tail), &query, Some(from), usize::MAX);
            prop_assert_eq!(sequences(&rest), expected(&log.rows, &query, Some(from)));
        }
    }

    #[test]
    fn v3_an_older_snapshot_is_answered_beside_newer_ones(
        history in histories(60), segment_rows in 1..6_usize, batch in 1..9_usize,
        turns in vec((any::<Index>(), queries()), 1..12),
    ) {
        let mut log = Log::new(segment_rows);
        let (tail, mut readers) = (Tail::default(), Vec::new());
        for batch in history.chunks(batch) {
            let reader = log.reader();
            reader.execute_batch("BEGIN; SELECT count(*) FROM public_activity").unwrap();
            readers.push((reader, log.rows.len()));
            log.append(batch);
        }
        readers.push((log.reader(), log.rows.len()));
        for (which, query) in &turns {
            let (reader, seen) = &readers[which.index(readers.len())];
            check((reader, &tail), &log.rows[..*seen], query)?;
        }
    }

    #[test]
    fn d4_after_a_rollback_everything_is_as_it_was(
        history in histories(40), segment_rows in 1..6_usize, query in queries(),
    ) {
        let mut log = Log::new(segment_rows);
        let tail = Tail::default();
        let (first, then) = history.split_at(history.len() / 2);
        log.append(first);
        log.fail(then, segment_rows);
        check((&log.connection, &tail), &log.rows, &query)?;
        log.append(then);
        check((&log.connection, &tail), &log.rows, &query)?;
    }

    #[test]
    fn b3_damage_is_an_error_and_never_a_panic(
        history in histories(60), table in select(TABLES.to_vec()), row in any::<Index>(),
        damage in vec((any::<Index>(), any::<u8>()), 0..4), cut in any::<Index>(), query in queries(),
    ) {
        let mut log = Log::new(2);
        log.append(&history);
        let select = format!("SELECT place, entries FROM {table} ORDER BY place LIMIT 1 OFFSET ?1");
        let rows: i64 = log.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        prop_assume!(rows > 0);
        let nth = row.index(usize::try_from(rows).unwrap()) as i64;
        let (place, mut entries): (i64, Vec<u8>) =
            log.connection.query_row(&select, [nth], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        for (at, byte) in &damage {
            if !entries.is_empty() {
                let at = at.index(entries.len());
                entries[at] = *byte;
            }
        }
        entries.truncate(cut.index(entries.len() + 1));
        log.connection.execute(&format!("UPDATE {table} SET entries = ?2 WHERE place = ?1"), params![place, entries]).unwrap();
        let tail = Tail::default();
        let searched = search(&log.connection, &tail, &query, None, |_| Ok(Flow::On));
        let counted = count(&log.connection, &tail, &query).map(|_| ());
        let by = ALL_COUNTS.map(|by| counts(&log.connection, &tail, &query, by).map(|_| ()));
        for answer in [searched, counted].into_iter().chain(by) {
            prop_assert!(matches!(answer, Ok(()) | Err(StoreError::Unreadable(_))));
        }
    }
}

const TABLES: [&str; 5] = ["public_order", "public_posting", "public_facet", "public_group_key", "public_group_facet"];

fn activity(n: i64, actor: Actor, app: &str) -> Activity {
    let time = chrono::DateTime::from_timestamp(1_772_000_000 + n, 0).unwrap();
    let id = format!("a-{n:03}").parse().unwrap();
    Activity::builder(id, actor, App::new(app.parse().unwrap()), "Login".parse().unwrap(), time).build().unwrap()
}

fn alias(text: &str) -> Actor {
    Actor::user(Alias::new(text).unwrap())
}

/// A hundred and twenty activities in segments of four, of two apps by turns; three are Adele's.
fn hundred_and_twenty() -> Log {
    let mut log = Log::new(4);
    let actor = |n| if [10, 50, 110].contains(&n) { alias("adele@contoso.com") } else { alias("otto@contoso.com") };
    let app = |n| if n % 2 == 0 { "Box" } else { "Teams" };
    log.append(&(0..120).map(|n| activity(n, actor(n), app(n))).collect::<Vec<_>>());
    log
}

#[test]
fn v2_a_filter_names_no_row_that_does_not_match() {
    let log = hundred_and_twenty();
    let reader = (&log.connection, &Tail::default());
    for query in [
        Query::all().by_actor("ADELE@contoso.com").unwrap(),
        Query::all().in_app("Box".parse().unwrap()),
        Query::all().in_app("Box".parse().unwrap()).by_actor("adele@contoso.com").unwrap(),
        Query::all().by_actor("nobody@contoso.com").unwrap(),
    ] {
        let (found, read) = page(reader, &query, None, usize::MAX);
        assert_eq!(read, found.len());
    }
}

#[test]
fn v2_a_page_reads_the_segments_that_it_shows_and_no_other() {
    let log = hundred_and_twenty();
    let older = 27_i64 << 20;
    for table in TABLES {
        log.connection.execute(&format!("UPDATE {table} SET entries = x'ff' WHERE place < ?1"), [older]).unwrap();
    }
    let reader = (&log.connection, &Tail::default());
    let in_box = Query::all().in_app("Box".parse().unwrap());
    assert_eq!(sequences(&page(reader, &in_box, None, 5).0), expected(&log.rows, &in_box, None)[..5]);
    let spoilt = search(reader.0, reader.1, &in_box, None, |_| Ok(Flow::On));
    assert!(matches!(spoilt, Err(StoreError::Unreadable(_))), "the rest cannot be read");
}

#[test]
fn v2_counts_read_no_order_where_segments_are_whole() {
    let log = hundred_and_twenty();
    log.connection.execute_batch("UPDATE public_order SET entries = x'ff'").unwrap();
    let tail = Tail::default();
    assert_eq!(count(&log.connection, &tail, &Query::all()).unwrap(), Some(120));
    assert_eq!(count(&log.connection, &tail, &Query::all().by_actor("adele@contoso.com").unwrap()).unwrap(), Some(3));
    for by in ALL_COUNTS {
        let counts = counts(&log.connection, &tail, &Query::all(), by).unwrap().unwrap();
        assert_eq!(counts.iter().map(|count| count.activities).sum::<u64>(), 120);
    }
    // Of whole groups, not even the segments.
    log.connection.execute_batch("UPDATE public_posting SET entries = x'ff' WHERE place < 16 << 20").unwrap();
    assert_eq!(count(&log.connection, &tail, &Query::all().by_actor("adele@contoso.com").unwrap()).unwrap(), Some(3));
}

#[test]
fn v3_a_principal_is_found_under_every_form_that_matches() {
    let mut log = Log::new(2);
    let names = [
        "stra\u{df}e@b\u{fc}cher.example",
        "NRC@contoso.com.",
        "Adele",
        "\u{130}@contoso.com",
        "x@contoso..com",
        // Folded it is the name of another domain.
        "x@stra\u{df}e.example",
    ];
    let mut actors: Vec<Actor> = names.iter().map(|name| alias(name)).collect();
    actors.extend(names.iter().map(|name| Actor::application(name.parse().unwrap())));
    actors.push(Actor::user(Alias::account("GitHub", "Nrc").unwrap()));
    actors.push(Actor::user(UserId::new("Adele").unwrap()).also(Alias::new("adele").unwrap()));
    actors.push(Actor::unknown());
    log.append(&(0..).zip(actors).map(|(n, actor)| activity(n, actor, "Box")).collect::<Vec<_>>());
    let tail = Tail::default();
    let others = ["STRASSE@xn--bcher-kva.example", "nrc@CONTOSO.com", "nrc", "ADELE", "adele", "X@strasse.example"];
    for text in names.into_iter().chain(others) {
        let query = Query::all().by_actor(text).unwrap();
        assert_eq!(
            sequences(&page((&log.connection, &tail), &query, None, usize::MAX).0),
            expected(&log.rows, &query, None),
            "{text}"
        );
    }
}

#[test]
fn v3_an_activity_of_one_person_under_two_names_counts_once() {
    let mut log = Log::new(2);
    let both = || Actor::user(UserId::new("adele").unwrap()).also(Alias::new("adele").unwrap());
    log.append(&(0..70).map(|n| activity(n, both(), "Box")).collect::<Vec<_>>());
    let query = Query::all().by_actor("adele").unwrap();
    assert_eq!(count(&log.connection, &Tail::default(), &query).unwrap(), Some(70));
}

#[test]
fn b3_long_names_fill_a_segment_before_its_rows_do() {
    let log = Log::new(1);
    let mut draft = Draft::load(&log.connection, usize::MAX).unwrap();
    let mut rows = 0;
    while closed(&log.connection) == 0 {
        rows += 1;
        let principal = |nth| {
            let names = (0..32).map(|name| Alias::new(format!("{rows}-{nth}-{name}-{}", "x".repeat(450))).unwrap());
            names.fold(Actor::unknown(), Actor::also)
        };
        let mut builder = Activity::builder(
            format!("a-{rows}").parse().unwrap(),
            principal(0),
            App::new("Box".parse().unwrap()),
            "Login".parse().unwrap(),
            chrono::DateTime::UNIX_EPOCH,
        );
        for nth in 1..=8 {
            builder = builder.on_behalf_of(principal(nth));
        }
        draft.add(rows, &builder.build().unwrap());
        draft.close_if_full(&log.connection).unwrap();
        assert!(rows < 1_000);
    }
}

/// More names than the next segment takes over, and the same ones again.
#[test]
fn v3_names_that_were_let_go_of_are_told_again() {
    let long = |n: i64, name: i64| alias(&format!("{n}-{name}-{}", "x".repeat(480)));
    let several = |n: i64| {
        (0..31).fold(alias("adele@contoso.com"), |actor, name| actor.also(long(n, name).identities()[0].clone()))
    };
    let mut log = Log::new(700);
    for round in 0..2 {
        log.append(&(0..700).map(|n| activity(1_000 * round + n, several(n), "Box")).collect::<Vec<_>>());
    }
    assert_eq!(closed(&log.connection), 2);
    let reader = (&log.connection, &Tail::default());
    let longest = format!("7-30-{}", "x".repeat(480));
    for (name, rows) in [("adele@contoso.com", 1_400), (longest.as_str(), 2)] {
        let query = Query::all().by_actor(name).unwrap();
        assert_eq!(count(&log.connection, &Tail::default(), &query).unwrap(), Some(rows));
        check(reader, &log.rows, &query).unwrap();
    }
    check(reader, &log.rows, &Query::all()).unwrap();
}

/// The order of a segment is written in chunks, of which the others here have one.
#[test]
fn v3_rows_of_large_segments_are_found_in_time_and_after_each_position() {
    let mut log = Log::new(600);
    // Seven at a time, delivered in no order, and some as old as nothing else.
    let time = |n: i64| if n % 97 == 0 { -n } else { n / 7 };
    let builder = |n: i64| {
        let n = n * 367 % 1_300;
        let time = chrono::DateTime::from_timestamp(1_772_000_000 + time(n), 0).unwrap();
        let (id, app) =
            (format!("a-{n:04}").parse().unwrap(), App::new(["Box", "Teams"][n as usize % 2].parse().unwrap()));
        Activity::builder(id, alias("otto@contoso.com"), app, "Login".parse().unwrap(), time).build().unwrap()
    };
    log.append(&(0..1_300).map(builder).collect::<Vec<_>>());
    let reader = (&log.connection, &Tail::default());
    let at = |second: i64| chrono::DateTime::from_timestamp(1_772_000_000 + second, 0).unwrap();
    for from in (-5..190).step_by(13) {
        let ranges = [
            Query::all().since(at(from)),
            Query::all().until(at(from)),
            Query::all().since(at(from)).until(at(from + 40)).in_app("Box".parse().unwrap()),
        ];
        for query in ranges {
            check(reader, &log.rows, &query).unwrap();
        }
    }
    for (_, activity) in log.rows.iter().step_by(17) {
        let after = Position::of(activity);
        let (rest, read) = page(reader, &Query::all(), Some(&after), 20);
        let expected = expected(&log.rows, &Query::all(), Some(&after));
        assert_eq!(sequences(&rest), expected[..expected.len().min(20)]);
        assert_eq!(read, rest.len(), "rows were read that come before it");
    }
}

#[test]
fn v3_groups_that_a_range_cuts_are_counted_by_their_segments() {
    let log = hundred_and_twenty();
    let reader = (&log.connection, &Tail::default());
    let at = |second: i64| chrono::DateTime::from_timestamp(1_772_000_000 + second, 0).unwrap();
    for cut in (-1..122).step_by(3).flat_map(|cut| [cut, cut + 1]) {
        for query in
            [Query::all().since(at(cut)), Query::all().until(at(cut)), Query::all().since(at(cut)).until(at(99))]
        {
            check(reader, &log.rows, &query).unwrap();
            check(reader, &log.rows, &query.in_app("Box".parse().unwrap())).unwrap();
        }
    }
}

#[test]
fn v3_rows_that_were_there_before_are_taken_in() {
    let log = hundred_and_twenty();
    for table in TABLES.into_iter().chain(["public_segment", "public_group"]) {
        log.connection.execute(&format!("DELETE FROM {table}"), []).unwrap();
    }
    drop(Draft::load(&log.connection, 50).unwrap());
    assert_eq!(closed(&log.connection), 2);
    check((&log.connection, &Tail::default()), &log.rows, &Query::all().by_actor("adele@contoso.com").unwrap())
        .unwrap();
}
