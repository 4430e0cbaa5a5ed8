//! Files that are lost, restored from copies, or truncated.

use activity_privacy::filter::{IngestError, UpdatePolicyError};
use activity_privacy::store::StoreError;
use std::fs;
use std::path::{Path, PathBuf};

use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::place::{folder, restore};

/// Two files in a folder, and named copies of them.
struct Files {
    folder: tempfile::TempDir,
    clock: Arc<AtomicI64>,
}

impl Files {
    fn new() -> Self {
        Self { folder: folder(), clock: Arc::default() }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("activities.db")
    }

    fn log(&self) -> PathBuf {
        governance_path(self.store())
    }

    fn copy_of(&self, file: &Path, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}-{}", file.file_name().unwrap().to_str().unwrap()))
    }

    fn pair(&self) -> Pair {
        let store = Arc::new(SqliteStore::open(self.store()).unwrap());
        let sink = Arc::new(SqliteGovernance::open(self.log()).unwrap());
        Pair { clock: Arc::clone(&self.clock), ..Pair::of(store, sink) }
    }

    /// Copies both files, as an operator does.
    fn copy_both(&self, name: &str) {
        SqliteStore::open(self.store()).unwrap().backup(self.copy_of(&self.store(), name)).unwrap();
        SqliteGovernance::open(self.log()).unwrap().backup(self.copy_of(&self.log(), name)).unwrap();
    }

    fn restore(&self, file: &Path, name: &str) {
        self.lose(file);
        fs::copy(self.copy_of(file, name), file).unwrap();
    }

    fn lose(&self, file: &Path) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{suffix}", file.display()));
        }
    }

    /// Replaces a file with one of zero bytes.
    fn empty(&self, file: &Path) {
        self.lose(file);
        fs::write(file, b"").unwrap();
    }
}

/// Returns files in which the council is private since revision 2. Adele's activities were erased after the copy
/// `before`.
fn scene() -> Files {
    let files = Files::new();
    let filter = files.pair().initialize();
    make_private(&filter);
    filter.ingest(&[activity("a", "adele"), activity("b", "root")]).unwrap();
    drop(filter);
    files.copy_both("erasure");
    let filter = files.pair().open();
    erase(&filter);
    drop(filter);
    files.copy_both("change");
    let filter = files.pair().open();
    make_public(&filter);
    make_private(&filter);
    drop(filter);
    files
}

#[test]
fn g8_table_of_lost_and_restored_files() {
    type Loss = fn(&Files);
    let cases: [(&str, Loss, Option<Difference>); 12] = [
        ("nothing", |_| {}, None),
        (
            "store older",
            |files| files.restore(&files.store(), "change"),
            Some(Difference::StoreBehind { store: rev(2), log: rev(4) }),
        ),
        ("store missing", |files| files.lose(&files.store()), Some(Difference::StoreEmpty { log: rev(4) })),
        ("store of zero bytes", |files| files.empty(&files.store()), Some(Difference::StoreEmpty { log: rev(4) })),
        (
            "store older, same policy, an erasure since",
            |files| {
                files.restore(&files.log(), "change");
                files.restore(&files.store(), "erasure");
            },
            Some(Difference::RemovalUnknown { store: 0, log: 6 }),
        ),
        ("log older", |files| files.restore(&files.log(), "change"), Some(Difference::LogBehind { log: 6, store: 9 })),
        ("log missing", |files| files.lose(&files.log()), Some(Difference::LogEmpty { store: rev(4) })),
        ("log of zero bytes", |files| files.empty(&files.log()), Some(Difference::LogEmpty { store: rev(4) })),
        (
            "both missing",
            |files| {
                files.lose(&files.store());
                files.lose(&files.log());
            },
            None,
        ),
        (
            "both older",
            |files| {
                files.restore(&files.store(), "erasure");
                files.restore(&files.log(), "erasure");
            },
            None,
        ),
        (
            "store older, log missing",
            |files| {
                files.restore(&files.store(), "change");
                files.lose(&files.log());
            },
            Some(Difference::LogEmpty { store: rev(2) }),
        ),
        (
            "store missing, log older",
            |files| {
                files.lose(&files.store());
                files.restore(&files.log(), "erasure");
            },
            Some(Difference::StoreEmpty { log: rev(2) }),
        ),
    ];
    for (what, lose, expected) in cases {
        let files = scene();
        lose(&files);
        let found = files.pair().difference();
        println!("{what}: {}", found.map_or_else(|| "opens".to_owned(), |difference| difference.to_string()));
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn g8_each_difference_is_accepted_by_its_own_value() {
    // The store contains neither the erasure nor the later changes.
    let files = scene();
    files.restore(&files.store(), "erasure");
    let behind = files.pair().difference().unwrap();
    assert_eq!(behind, Difference::StoreBehind { store: rev(2), log: rev(4) });
    let refused = files.pair().accept(behind);
    let unknown = Difference::RemovalUnknown { store: 0, log: 6 };
    assert!(matches!(refused, Err(OpenError::StoreAndLogDiffer(found)) if found == unknown), "{refused:?}");
    assert_eq!(files.pair().difference(), Some(unknown));
    let filter = files.pair().accept(unknown).unwrap();
    assert_eq!(filter.policy().unwrap().revision(), rev(6), "each acceptance makes a revision later than the log's");
    drop(filter);
    assert_eq!(files.pair().difference(), None);
}

#[test]
fn g8_reordered_outcomes_hide_no_newer_change() {
    let files = Files::new();
    drop(files.pair().initialize());
    make_private(&files.pair().open());
    files.copy_both("private");
    make_public(&files.pair().open());
    // The node of the first change recorded its outcome late.
    let records: Vec<Record> = files.pair().records().into_iter().map(|entry| entry.record).collect();
    let [initial, done, first, first_done, second, second_done] = records.try_into().unwrap();
    files.lose(&files.log());
    let log = SqliteGovernance::open(files.log()).unwrap();
    for record in [initial, done, first, second, second_done, first_done] {
        let _receipt = log.record(&record).unwrap();
    }
    drop(log);
    files.restore(&files.store(), "private");
    assert_eq!(files.pair().difference(), Some(Difference::StoreBehind { store: rev(2), log: rev(3) }));
}

/// SQLite keeps the last transactions of a file in a separate log file until the database is closed.
#[test]
fn g8_file_copied_without_wal_is_rejected() {
    for is_store in [true, false] {
        let files = Files::new();
        drop(files.pair().initialize());
        let pair = files.pair();
        let filter = pair.open();
        make_private(&filter);
        // A process has the file open during `cp activities.db`.
        let copies = Files::new();
        let other = if is_store { files.log() } else { files.store() };
        for (from, to) in [(files.store(), copies.store()), (files.log(), copies.log())] {
            fs::copy(&from, &to).unwrap();
            if from == other {
                fs::copy(format!("{}-wal", from.display()), format!("{}-wal", to.display())).unwrap();
            }
        }
        drop((filter, pair));
        let found = copies.pair().difference();
        let expected = match is_store {
            true => Difference::StoreBehind { store: rev(1), log: rev(2) },
            false => Difference::LogBehind { log: 2, store: 3 },
        };
        assert_eq!(found, Some(expected));
    }
}

#[test]
fn g8_store_restored_under_running_filter_is_rejected() {
    let files = Files::new();
    drop(files.pair().initialize());
    let running = files.pair().open();
    // The filter has a policy to decide with, and reads no other.
    running.ingest(&[activity("before", "adele")]).unwrap();
    files.copy_both("first");
    // Another process changes the policy. The filter has not read it when the older store is restored.
    make_private(&files.pair().open());
    files.copy_both("second");
    restore(&files.store(), &files.copy_of(&files.store(), "first"));
    files.clock.fetch_add(2, Ordering::SeqCst);
    let refused = running.ingest(&[activity("a", "adele")]);
    assert!(matches!(refused, Err(IngestError::Store(StoreError::StoreAndLogDiffer(_)))), "{refused:?}");
    let refused = running.update_policy(&user("root"), PolicyChange::SetAdmin(user("ann"), Role::Analyst));
    assert!(matches!(refused, Err(UpdatePolicyError::Store(StoreError::StoreAndLogDiffer(_)))), "{refused:?}");
    // After the newer store is restored, the filter continues.
    restore(&files.store(), &files.copy_of(&files.store(), "second"));
    assert_eq!(running.ingest(&[activity("a", "adele")]).unwrap().count(IngestOutcome::Stored), 1);
    let shown = running.view(&user("root")).activity(&"a".parse().unwrap()).unwrap();
    assert!(shown.is_none(), "decided under the newer policy");
}

#[derive(Debug, Clone)]
enum Step {
    Change,
    Erase,
    Ingest,
    BackUp,
    /// The store, the log, and the number of the copy.
    PutBack(bool, u8),
    Lose(bool),
    Accept,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Change),
        2 => Just(Step::Erase),
        4 => Just(Step::Ingest),
        3 => Just(Step::BackUp),
        3 => (any::<bool>(), any::<u8>()).prop_map(|(store, copy)| Step::PutBack(store, copy)),
        1 => any::<bool>().prop_map(Step::Lose),
        1 => Just(Step::Accept),
    ];
    vec(step, 1..14)
}

/// Returns the newest revision that the log records as published.
fn newest_done(records: &[RecordEntry]) -> Option<Revision> {
    let done = records.iter().filter(|entry| matches!(entry.record.outcome, Outcome::Done { .. }));
    done.filter_map(|entry| entry.record.made_revision()).max()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g8_restored_store_needs_acceptance_for_older_policy(steps in steps()) {
        let files = Files::new();
        drop(files.pair().initialize());
        files.copy_both("0");
        let (mut copies, mut delivered) = (1_u32, 0);
        for step in steps {
            match step {
                Step::BackUp => {
                    files.copy_both(&copies.to_string());
                    copies += 1;
                }
                Step::PutBack(is_store, copy) => {
                    let file = if is_store { files.store() } else { files.log() };
                    files.restore(&file, &(u32::from(copy) % copies).to_string());
                }
                Step::Lose(is_store) => files.lose(&if is_store { files.store() } else { files.log() }),
                Step::Change | Step::Erase | Step::Ingest | Step::Accept => {
                    let pair = files.pair();
                    let (before, known) = (pair.records(), newest_done(&pair.records()));
                    let opened = match (&step, pair.builder().open()) {
                        (Step::Accept, Err(OpenError::StoreAndLogDiffer(difference))) => pair.accept(difference),
                        (_, Err(OpenError::NoPolicy)) => pair.builder().initialize(administrators()),
                        (_, opened) => opened,
                    };
                    let filter = match opened {
                        Ok(filter) => filter,
                        Err(OpenError::StoreAndLogDiffer(_)) => continue,
                        Err(error) => panic!("{error:?}"),
                    };
                    let policy = filter.policy().unwrap();
                    // No policy in force is older than the log's newest. An acceptance publishes a newer one.
                    prop_assert!(known <= Some(policy.revision()), "{known:?} and {}", policy.revision());
                    let newest = newest_done(&pair.records());
                    prop_assert_eq!(newest, Some(policy.revision()), "the log has the revision in force");
                    if known.is_some_and(|known| known < policy.revision()) {
                        let new = &pair.records()[before.len()..];
                        let is_accepted = |entry: &RecordEntry| matches!(entry.record.event, Event::AcceptDifference { .. });
                        let is_completed = |entry: &RecordEntry| matches!(entry.record.outcome, Outcome::Done { .. });
                        prop_assert!(new.iter().any(|entry| is_accepted(entry) || is_completed(entry)));
                    }
                    match step {
                        Step::Change if policy.private_groups().is_empty() => drop(make_private(&filter)),
                        Step::Change => drop(make_public(&filter)),
                        Step::Erase => erase(&filter),
                        _ => {
                            delivered += 1;
                            let id = format!("a-{delivered}");
                            filter.ingest(&[activity(&id, "adele")]).unwrap();
                            let is_shown = filter.view(&user("root")).activity(&id.parse().unwrap()).unwrap().is_some();
                            prop_assert_eq!(is_shown, policy.private_groups().is_empty());
                        }
                    }
                    prop_assert_eq!(pair.difference(), None, "store and log match after these steps");
                }
            }
        }
    }
}
