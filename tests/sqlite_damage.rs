//! V2 on a damaged file of activities: with any damaged byte or pointer, a public read returns public activities or an
//! error.
//!
//! `ACTIVITY_PRIVACY_DAMAGE=2000 cargo test --features sqlite --test sqlite_damage -- --nocapture` damages that many
//! random bytes and every bit of more pointers, and prints how much of the damage was detected.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#![cfg(feature = "sqlite")]

#[path = "sqlite_damage/btree.rs"]
mod btree;
#[path = "sqlite_damage/checks.rs"]
mod checks;
mod fixture;
mod place;

use activity_privacy::store::{ActivityStore, PublicOrder};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::filter::{IngestOutcome, PrivacyFilter};
use activity_privacy::forward::Offset;
use activity_privacy::governance::WriteOnlySink;
use activity_privacy::identity::Subject;
use activity_privacy::memory::{MemoryDirectory, MemorySink};
use activity_privacy::query::{CountBy, Position, Query};
use activity_privacy::sqlite::{SqliteOptions, SqliteStore};
use activity_privacy::store::{PublicActivity, StoreError};
use btree::{Page, roots, tree};
use fixture::*;
use place::*;

/// A word in every field of every private activity, and in no public one.
const CANARY: &str = "zqcanary";
/// The number of activities of each visibility.
const ROWS: i64 = 400;
const BATCH: usize = 16;
const KEYS: [Option<CountBy>; 5] =
    [None, Some(CountBy::Hour), Some(CountBy::Day), Some(CountBy::App), Some(CountBy::Actor)];

/// Returns an activity. Activities of both visibilities share times. Ids are long, so that the indexes have interior
/// pages.
fn activity(n: i64, is_hidden: bool) -> Activity {
    let word = if is_hidden { CANARY } else { "shown" };
    let id = format!("{word}-{n:04}-{}", "i".repeat(150)).parse().unwrap();
    let app = App::new(format!("App {word}").parse().unwrap());
    let actor = Actor::user(alias(&format!("{word}{}@contoso.com", n % 7)));
    let details = if n % 40 == 7 { format!("{word} {n} ").repeat(2_000) } else { format!("details {word} {n}") };
    Activity::builder(id, actor, app, format!("Action{word}").parse().unwrap(), at(n * 600))
        .object(format!("{word} {}", "o".repeat(300)))
        .details(details)
        .build()
        .unwrap()
}

fn all() -> Vec<Activity> {
    (0..ROWS).flat_map(|n| [activity(n, true), activity(n, false)]).collect()
}

/// A total, and the counts by key.
type CountResult = (u64, Vec<(String, u64)>);

/// The results of the public methods of the store.
#[derive(Debug, Default, PartialEq, Eq)]
struct Results {
    /// The activities of pages and of `public_after`, as ids.
    lists: Vec<Option<Vec<String>>>,
    counts: Vec<Option<CountResult>>,
    errors: usize,
}

impl Results {
    /// Returns whether every result is an error or equals the result from the undamaged file.
    fn are_correct(&self, undamaged: &Self) -> bool {
        let lists = self.lists.iter().zip(&undamaged.lists).all(|(one, other)| one.is_none() || one == other);
        lists && self.counts.iter().zip(&undamaged.counts).all(|(one, other)| one.is_none() || one == other)
    }
}

struct DamagedFile {
    path: PathBuf,
    /// The undamaged content of the file.
    bytes: Vec<u8>,
    public: BTreeMap<String, Activity>,
    undamaged: Results,
    directory: Arc<MemoryDirectory>,
    _folder: tempfile::TempDir,
}

fn open(path: &std::path::Path) -> Result<SqliteStore, StoreError> {
    SqliteOptions::default().with_partition_rows(64).open(path)
}

impl DamagedFile {
    fn new() -> Self {
        let folder = folder();
        let path = activities(folder.path());
        let fixture = Fixture::over(Arc::new(open(&path).unwrap()), Arc::new(MemorySink::new()));
        let names: Vec<String> = (0..7).flat_map(|n| [format!("{CANARY}{n}"), format!("shown{n}")]).collect();
        let groups = |name: &str| -> &[&str] { if name.starts_with(CANARY) { &["council"] } else { &[] } };
        let entries: Vec<_> = names.iter().map(|name| (name.as_str(), groups(name))).collect();
        fixture.install(people(&entries)).manage("contoso.com").make_private("council");
        let all = all();
        for batch in all.chunks(BATCH) {
            assert!(fixture.ingest(batch).iter().all(|delivery| *delivery == IngestOutcome::Stored));
        }
        for erased in [format!("{CANARY}6"), "shown6".to_owned()] {
            fixture.erase(Subject::of(user(&erased)).with_identity(alias(&format!("{erased}@contoso.com"))));
        }
        // Includes erased activities, because they are delivered again.
        let public = all.iter().skip(1).step_by(2).map(|one| (one.id().as_str().to_owned(), one.clone())).collect();
        let directory = Arc::clone(&fixture.directory);
        drop(fixture);
        let bytes = fs::read(&path).unwrap();
        let mut damaged = Self { path, bytes, public, undamaged: Results::default(), directory, _folder: folder };
        damaged.undamaged = damaged.read_all("the undamaged file");
        assert_eq!(damaged.undamaged.errors, 0);
        let remain = (0..ROWS).filter(|n| n % 7 != 6).count();
        assert_eq!(damaged.undamaged.lists[0].as_ref().unwrap().len(), remain);
        assert_eq!(damaged.undamaged.counts[0].as_ref().unwrap().0, remain as u64);
        open(&damaged.path).unwrap().integrity_check().unwrap();
        damaged
    }

    /// Flips every `step`-th bit of some of these pointers of `N` bytes, one at a time. It selects about `many`
    /// pointers across all trees.
    fn flip_bits<const N: usize>(
        &self,
        pointers: &[(String, usize)],
        (many, step): (usize, usize),
        report: &mut DamageReport,
        what: &str,
    ) {
        for (name, at) in pointers.iter().step_by((pointers.len() / many).max(1)).take(many) {
            for bit in (0..N * 8).step_by(step) {
                let mut bytes: [u8; N] = self.bytes[*at..*at + N].try_into().unwrap();
                bytes[bit / 8] ^= 1 << (bit % 8);
                self.put(*at, &bytes);
                report.round(self, &format!("{name}: bit {bit} of the {what} at {at}"));
            }
        }
    }

    /// Writes the file with these bytes at this offset.
    fn put(&self, at: usize, bytes: &[u8]) {
        let mut damaged = self.bytes.clone();
        damaged[at..at + bytes.len()].copy_from_slice(bytes);
        fs::write(&self.path, &damaged).unwrap();
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{beside}", self.path.display()));
        }
    }

    /// Calls every public method of the store. Asserts that no result and no error contains private content.
    fn read_all(&self, what: &str) -> Results {
        let (mut results, mut errors_text, mut errors) = (Results::default(), String::new(), 0);
        let mut fails = |error: StoreError| {
            write!(errors_text, "{error:?} {error}").unwrap();
            let mut source = error.source();
            while let Some(error) = source {
                write!(errors_text, "{error:?} {error}").unwrap();
                source = error.source();
            }
            errors += 1;
        };
        let shown = |public: &PublicActivity| {
            let id = public.activity().id().as_str().to_owned();
            assert_eq!(self.public.get(&id), Some(public.activity()), "{what}: not a public activity");
            id
        };
        let store = match open(&self.path) {
            Ok(store) => store,
            Err(error) => {
                fails(error);
                assert!(!errors_text.contains(CANARY), "{what}: {errors_text}");
                return Results { errors, ..results };
            }
        };
        for word in ["shown", CANARY] {
            let ids = (3..ROWS).step_by(41).map(|n| activity(n, word == CANARY).id().clone());
            let known = ids.fold(Query::all(), Query::with_id);
            let text = Query::all().containing(format!("{word} 1")).unwrap();
            let time = at(77 * 600 + 5);
            for query in [
                Query::all(),
                Query::all().since(time).until(at(300 * 600)),
                Query::all().by_actor(format!("{word}3@contoso.com")).unwrap(),
                Query::all().in_app(format!("App {word}").parse().unwrap()).since(time),
                Query::all().with_action(format!("Action{word}").parse().unwrap()),
                text.clone(),
                known.clone(),
            ] {
                for limit in [10_000, 30] {
                    let mut after = None;
                    let page = store.public_page(&query, None, limit).map_err(&mut fails).ok().map(|page| {
                        after = page.activities.get(page.activities.len() / 2).map(|one| Position::of(one.activity()));
                        page.activities.iter().map(shown).collect()
                    });
                    results.lists.push(page);
                    let next = store.public_page(&query, after.as_ref(), 7).map_err(&mut fails).ok();
                    let list = next.filter(|_| after.is_some()).map(|next| next.activities.iter().map(shown).collect());
                    results.lists.push(list);
                }
                // Each count of these queries reads every activity.
                let is_read = query == text || query == known;
                for by in KEYS.into_iter().filter(|by| !is_read || *by == Some(CountBy::Actor)) {
                    let counts = store.public_counts(&query, by).map_err(&mut fails).ok().map(|counts| {
                        let by_key = counts.by_key.into_iter().map(|count| (count.key, count.activities)).collect();
                        (counts.total, by_key)
                    });
                    assert!(!format!("{counts:?}").contains(CANARY), "{what}: {counts:?}");
                    results.counts.push(counts);
                }
            }
        }
        for limit in [10_000, 50] {
            let (mut offset, mut followed) = (Offset::START, Some(Vec::new()));
            while let Some(all) = &mut followed {
                match store.public_after(&offset, limit).map_err(&mut fails) {
                    Ok(found) => {
                        all.extend(found.iter().map(|(_, public)| shown(public)));
                        assert!(all.len() <= 2 * self.public.len(), "{what}: `public_after` does not end");
                        match found.last() {
                            Some((last, _)) => offset = last.clone(),
                            None => break,
                        }
                    }
                    Err(()) => followed = None,
                }
            }
            results.lists.push(followed);
        }
        let other = [
            store.policy().map(|policy| format!("{policy:?}")),
            store.applied().map(|applied| format!("{applied:?}")),
            store.removed_groups(None).map(|groups| format!("{groups:?}")),
        ];
        other.into_iter().for_each(|other| drop(other.map_err(&mut fails)));
        assert!(!errors_text.contains(CANARY), "{what}: {errors_text}");
        Results { errors, ..results }
    }

    /// Delivers every activity again. Returns whether a known id was stored again.
    fn redeliver(&self) -> Result<bool, Box<dyn Error>> {
        let filter =
            PrivacyFilter::builder(Arc::new(open(&self.path)?), Arc::clone(&self.directory), MemorySink::new())
                .clock(|| at(0))
                .write_only_sink(WriteOnlySink::i_know_that_a_restored_store_goes_unnoticed())
                .open()?;
        let mut is_stored = false;
        for batch in all().chunks(80) {
            // A rejected batch is not stored; a later one can be.
            let Ok(report) = filter.ingest(batch) else { continue };
            is_stored |= report.count(IngestOutcome::Stored) > 0;
        }
        Ok(is_stored)
    }
}

/// Counts of detected and undetected damage.
#[derive(Debug, Default)]
struct DamageReport {
    rounds: usize,
    /// A read failed.
    detected: usize,
    /// No read failed, and every result was correct: the damage was not in content that was read.
    harmless: usize,
    /// No read failed, and a result was wrong.
    wrong: usize,
    missed_by_check: usize,
    wrong_and_missed_by_check: usize,
    /// A read failed, and another result was wrong.
    detected_and_wrong: usize,
    /// A count was higher than in the undamaged file. Public pages may be counted twice, private ones may not.
    overcounted: Vec<String>,
    stored_again: usize,
    stored_again_and_missed: usize,
    failed: Vec<String>,
}

impl DamageReport {
    fn round(&mut self, damaged: &DamagedFile, what: &str) {
        self.rounds += 1;
        let round = catch_unwind(AssertUnwindSafe(|| {
            let results = damaged.read_all(what);
            let check = open(&damaged.path).and_then(|store| store.integrity_check());
            let is_stored_again = damaged.redeliver().unwrap_or(false);
            damaged.read_all(what);
            (results, check.is_ok(), is_stored_again)
        }));
        let (results, is_unchecked, is_stored_again) = match round {
            Ok(round) => round,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
                return self.failed.push(format!("{what}: {}", text.chars().take(300).collect::<String>()));
            }
        };
        let is_right = results.are_correct(&damaged.undamaged);
        match (results.errors > 0, is_right) {
            (true, true) => self.detected += 1,
            (true, false) => {
                self.detected += 1;
                self.detected_and_wrong += 1;
            }
            (false, true) => self.harmless += 1,
            (false, false) => self.wrong += 1,
        }
        self.missed_by_check += usize::from(is_unchecked);
        self.wrong_and_missed_by_check += usize::from(is_unchecked && !is_right);
        self.stored_again += usize::from(is_stored_again);
        self.stored_again_and_missed += usize::from(is_stored_again && is_unchecked);
        let most = |counts: &Option<(u64, Vec<_>)>| counts.as_ref().map_or(0, |(total, _)| *total);
        let mut counts = results.counts.iter().zip(&damaged.undamaged.counts);
        if let Some((found, right)) = counts.find(|(found, right)| most(found) > most(right)) {
            self.overcounted.push(format!("{what}: {} of {}", most(found), most(right)));
        }
    }

    fn report(&self, of: &str) {
        println!("{of}: {self:#?}");
        assert!(self.failed.is_empty(), "{:#?}", self.failed);
    }
}

/// Returns the number of random bytes to damage: `few`, unless the environment sets more.
fn rounds(few: usize) -> usize {
    env::var("ACTIVITY_PRIVACY_DAMAGE").map_or(few, |many| many.parse().unwrap())
}

fn is_thorough() -> bool {
    rounds(0) > 0
}

/// Returns the next pseudorandom number; the sequence is the same in each run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[test]
fn v2_random_damaged_byte_shows_no_hidden_row() {
    let (damaged, mut report, mut state) = (DamagedFile::new(), DamageReport::default(), 1);
    for _ in 0..rounds(12) {
        let at = (random(&mut state) % damaged.bytes.len() as u64) as usize;
        let byte = damaged.bytes[at] ^ (1 + random(&mut state) % 255) as u8;
        damaged.put(at, &[byte]);
        report.round(&damaged, &format!("byte {at} is {byte}"));
    }
    report.report("random bytes");
}

/// Returns the interior pages of the public tables and indexes, by tree.
fn public_trees(damaged: &DamagedFile) -> Vec<(String, Vec<Page>)> {
    damaged.put(0, &[]);
    let trees = roots(&damaged.path).into_iter().filter(|(name, _)| name.contains("public_"));
    let trees: Vec<_> = trees.map(|(name, root)| (name, tree(&damaged.bytes, root))).collect();
    let interior = |of: &str| trees.iter().any(|(name, pages)| name.ends_with(of) && pages[0].is_interior());
    for of in ["public_activity_1", "public_activity_1_time", "public_activity_1_actor", "public_id"] {
        assert!(interior(of), "{of}");
    }
    trees
}

#[test]
fn v2_flipped_bit_of_pointer_shows_no_hidden_row() {
    let (damaged, mut report) = (DamagedFile::new(), DamageReport::default());
    let file = &damaged.bytes;
    let pointers: Vec<(String, usize)> = public_trees(&damaged)
        .iter()
        .flat_map(|(name, pages)| pages.iter().flat_map(|page| page.children(file)).map(|at| (name.clone(), at)))
        .collect();
    let (many, step) = if is_thorough() { (24, 1) } else { (3, 7) };
    damaged.flip_bits::<4>(&pointers, (many, step), &mut report, "pointer");
    report.report("bits of pointers to pages");
    let mut report = DamageReport::default();
    let leaves: Vec<(String, usize)> = public_trees(&damaged)
        .iter()
        .flat_map(|(name, pages)| {
            let leaves = pages.iter().filter(|page| !page.is_interior());
            leaves.flat_map(|page| page.cells(file)).map(|at| (name.clone(), at))
        })
        .collect();
    damaged.flip_bits::<2>(&leaves, (many, step), &mut report, "cell pointer");
    report.report("bits of pointers to cells of leaves");
}

#[test]
fn v2_pointer_to_private_page_shows_no_hidden_row() {
    let (damaged, mut report) = (DamagedFile::new(), DamageReport::default());
    let file = &damaged.bytes;
    let private = roots(&damaged.path).into_iter().filter(|(name, _)| name.contains("private_"));
    let hidden: Vec<Vec<Page>> = private.map(|(_, root)| tree(file, root)).collect();
    // The last pointer of each tree and one page of each private tree, unless a thorough run is requested.
    let (pointers, alike) = if is_thorough() { (usize::MAX, usize::MAX) } else { (1, 1) };
    let is_asked = |name: &String| is_thorough() || !name.contains("public_activity_") || name.contains("activity_1");
    for (name, pages) in public_trees(&damaged).into_iter().filter(|(name, _)| is_asked(name)) {
        let children: Vec<usize> = pages.iter().flat_map(|page| page.children(file)).collect();
        for at in children.into_iter().rev().take(pointers) {
            let child = Page::read(file, btree::pointed(file, at));
            for pages in &hidden {
                for page in pages.iter().filter(|page| page.kind == child.kind).take(alike) {
                    damaged.put(at, &(page.number as u32).to_be_bytes());
                    report.round(&damaged, &format!("{name}: private page {} at {at}", page.number));
                }
            }
        }
    }
    report.report("private pages in public trees");
    assert!(report.overcounted.is_empty(), "{:#?}", report.overcounted);
    assert!(report.rounds > 0);
}

#[test]
fn v2_private_root_of_public_table_shows_no_hidden_row() {
    let (damaged, mut report) = (DamagedFile::new(), DamageReport::default());
    let trees = roots(&damaged.path);
    let of = |word: &str| trees.iter().filter(|(name, _)| name.contains(word)).cloned().collect::<Vec<_>>();
    let (mut nth, step) = (0_usize, if is_thorough() { 1 } else { 73 });
    for (public, _) in of("public_") {
        for (private, root) in of("private_") {
            nth += 1;
            if !nth.is_multiple_of(step) {
                continue;
            }
            damaged.put(0, &[]);
            let connection = rusqlite::Connection::open(&damaged.path).unwrap();
            connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
            connection.pragma_update(None, "writable_schema", "ON").unwrap();
            let update = "UPDATE sqlite_schema SET rootpage = ?1 WHERE name = ?2";
            connection.execute(update, rusqlite::params![root as i64, public]).unwrap();
            drop(connection);
            report.round(&damaged, &format!("{public} has the root of {private}"));
        }
    }
    report.report("private roots of public trees");
    assert!(report.overcounted.is_empty(), "{:#?}", report.overcounted);
}

#[test]
fn v2_integrity_check_compares_derived_columns() {
    let folder = folder();
    let path = activities(folder.path());
    let open = || SqliteOptions::default().with_partition_rows(8).with_text_index().open(&path).unwrap();
    let fixture = Fixture::over(Arc::new(open()), Arc::new(MemorySink::new()));
    let names = ["adele", "bob", "carl"];
    fixture.install(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[])])).make_private("council");
    let activity = |n: i64| {
        let app = App::new(format!("App {}", n % 2).parse().unwrap()).in_suite("Suite".parse().unwrap());
        let actor = Actor::user(alias(&format!("{}@contoso.com", names[n as usize % 3])));
        let action = "FileAccessed".parse().unwrap();
        Activity::builder(format!("a-{n}").parse().unwrap(), actor, app, action, at(n * 9_000)).object("plan").build()
    };
    for n in 0..60 {
        fixture.ingest(&[activity(n).unwrap()]);
    }
    drop(fixture);
    open().integrity_check().unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let undamaged = fs::read(&path).unwrap();
    let damage = [
        "UPDATE public_actor SET label = 'other' WHERE number = (SELECT min(number) FROM public_actor)",
        "UPDATE private_actor SET kind = 'system'",
        "UPDATE public_actor_term SET value = 'other' WHERE value = (SELECT min(value) FROM public_actor_term)",
        "DELETE FROM public_actor_term WHERE actor = (SELECT min(number) FROM public_actor)",
        "INSERT INTO public_actor_term VALUES ('name', 'zoe', 99)",
        "DELETE FROM private_actor_term",
        "UPDATE public_app SET name = 'Other' WHERE name = 'App 1'",
        "UPDATE private_app SET suite = NULL",
        "UPDATE public_action SET name = 'Other'",
        // The sums are unchanged.
        "UPDATE public_hour SET app = app + 100 WHERE hour = (SELECT min(hour) FROM public_hour)",
        "UPDATE public_hour SET activities = activities + iif(hour = (SELECT min(hour) FROM public_hour), 1, -1)
            WHERE hour IN ((SELECT min(hour) FROM public_hour), (SELECT max(hour) FROM public_hour))",
        "UPDATE public_day SET day = day + 100 WHERE day = (SELECT min(day) FROM public_day)",
        "UPDATE public_day SET actor = actor + 100 WHERE day = (SELECT min(day) FROM public_day)",
        "INSERT INTO public_day VALUES (99, 1, 0)",
        "UPDATE public_partition SET latest = earliest WHERE number = 1",
        "UPDATE public_partition SET earliest = latest WHERE state = 'open'",
        "UPDATE public_partition SET earliest_decision = latest_decision + 1 WHERE number = 2",
        "DELETE FROM public_activity_1_text_docsize WHERE id = 3",
        "INSERT INTO public_activity_1_text_docsize VALUES (300, x'00')",
        "DELETE FROM public_id WHERE sequence = 5",
    ];
    drop(connection);
    for damage in damage {
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{beside}", path.display()));
        }
        fs::write(&path, &undamaged).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
        assert!(connection.execute(damage, []).unwrap() > 0, "{damage}");
        drop(connection);
        let error = open().integrity_check().unwrap_err();
        assert!(matches!(error, StoreError::Unreadable(_)), "{damage}: {error:?}");
    }
}
