//! Rule G8: a store and a governance log belong together. Opening a filter reports whether they differ.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
#[cfg(feature = "sqlite")]
mod place;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use activity_privacy::directory::DirectoryRevision;
use activity_privacy::filter::{IngestOutcome, OpenError, PrivacyFilter, PrivacyFilterBuilder};
use activity_privacy::governance::{
    AcceptedDifference, Difference, Event, FailureReason, GovernanceSink, Initiator, Outcome, Receipt, Record,
    RecordEntry, RecordId, RecordKind, RecordQuery, Recorded, Removal, SinkError, WriteOnlySink,
};
use activity_privacy::identity::Subject;
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{Administrators, OptionsPatch, PolicyChange, Retention, Revision, Role};
use activity_privacy::store::ActivityStore;
use fixture::*;

#[cfg(feature = "sqlite")]
#[path = "store_and_log/files.rs"]
mod files;

/// A store and a log, whose copies can be restored as files can.
#[derive(Clone)]
struct Pair {
    store: Arc<dyn ActivityStore>,
    sink: Arc<dyn GovernanceSink>,
    clock: Arc<AtomicI64>,
}

impl Pair {
    fn new() -> Self {
        Self::of(Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()))
    }

    fn of(store: Arc<dyn ActivityStore>, sink: Arc<dyn GovernanceSink>) -> Self {
        Self { store, sink, clock: Arc::default() }
    }

    fn with_log(&self, sink: Arc<dyn GovernanceSink>) -> Self {
        Self { sink, ..self.clone() }
    }

    fn with_store(&self, store: Arc<dyn ActivityStore>) -> Self {
        Self { store, ..self.clone() }
    }

    fn builder(&self) -> PrivacyFilterBuilder {
        let directory = MemoryDirectory::new();
        directory.install(people(&[("adele", &["council"])]).build(DirectoryRevision(1), at(0)).unwrap()).unwrap();
        let now = Arc::clone(&self.clock);
        PrivacyFilter::builder(Arc::clone(&self.store), directory, Arc::clone(&self.sink))
            .clock(move || at(now.load(Ordering::SeqCst)))
    }

    fn open(&self) -> PrivacyFilter {
        self.builder().open().unwrap()
    }

    fn initialize(&self) -> PrivacyFilter {
        self.builder().initialize(administrators()).unwrap()
    }

    /// Returns how store and log differ, after opening a filter in both ways.
    fn difference(&self) -> Option<Difference> {
        let differs = |opened: Result<PrivacyFilter, OpenError>| match opened {
            Err(OpenError::StoreAndLogDiffer(difference)) => Some(difference),
            Ok(_) | Err(OpenError::NoPolicy | OpenError::AlreadyInitialized) => None,
            Err(error) => panic!("{error}"),
        };
        let before = self.records().len();
        let found = differs(self.builder().open());
        if found.is_some() {
            let initialized = self.builder().initialize(administrators());
            match self.store.policy().unwrap() {
                Some(_) => assert!(matches!(initialized, Err(OpenError::AlreadyInitialized)), "{initialized:?}"),
                None => assert_eq!(differs(initialized), found),
            }
            assert_eq!(differs(self.builder().open_or_initialize(administrators())), found);
            assert_eq!(self.records().len(), before, "a failed opening changes neither store nor log");
        }
        found
    }

    fn records(&self) -> Vec<RecordEntry> {
        self.sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap()
    }

    fn accept(&self, difference: Difference) -> Result<PrivacyFilter, OpenError> {
        let accepted = AcceptedDifference::i_accept_that_what_is_missing_is_lost(user("root"), difference);
        self.builder().accept_difference(accepted).open_or_initialize(administrators())
    }

    /// Returns a copy of the log with its first records, like a backup.
    fn log_up_to(&self, sequence: u64) -> Arc<dyn GovernanceSink> {
        let copy = MemorySink::new();
        for entry in self.records().into_iter().filter(|entry| entry.sequence <= sequence) {
            let _receipt = copy.record(&entry.record).unwrap();
        }
        Arc::new(copy)
    }
}

fn administrators() -> Administrators {
    Administrators::new(user("root"), user("deputy")).unwrap()
}

fn make_private(filter: &PrivacyFilter) -> Revision {
    filter.update_policy(&user("root"), PolicyChange::MakePrivate(group("council").into())).unwrap()
}

fn make_public(filter: &PrivacyFilter) -> Revision {
    filter.update_policy(&user("root"), PolicyChange::MakePublic(group("council").into())).unwrap()
}

fn erase(filter: &PrivacyFilter) {
    let _receipt = filter.erase(&user("root"), Subject::of(user("adele"))).unwrap();
}

fn rev(number: u64) -> Revision {
    Revision::from_number(number)
}

#[test]
fn g8_matching_store_and_log_open() {
    let pair = Pair::new();
    assert_eq!(pair.difference(), None, "an empty store and an empty log match");
    let filter = pair.initialize();
    assert_eq!(pair.difference(), None);
    make_private(&filter);
    filter.ingest(&[activity("a", "adele")]).unwrap();
    erase(&filter);
    assert_eq!(pair.difference(), None);
    filter.update_policy(&user("root"), PolicyChange::SetAdmin(user("ann"), Role::Analyst)).unwrap();
    let before = pair.records();
    drop(pair.open());
    assert_eq!(pair.records(), before, "opening writes no record if no outcome is missing");
}

#[test]
fn g8_missing_store_is_not_initialized_again() {
    let pair = Pair::new();
    make_private(&pair.initialize());
    let empty = pair.with_store(Arc::new(MemoryStore::new()));
    assert_eq!(empty.difference(), Some(Difference::StoreEmpty { log: rev(2) }));
    // An initialization that was recorded but never published is not a policy.
    let log = pair.log_up_to(1);
    assert_eq!(empty.with_log(log).difference(), None);
}

#[test]
fn g8_missing_or_older_log_is_rejected() {
    let pair = Pair::new();
    let filter = pair.initialize();
    make_private(&filter);
    let missing = pair.with_log(Arc::new(MemorySink::new()));
    assert_eq!(missing.difference(), Some(Difference::LogEmpty { store: rev(2) }));
    let older = pair.with_log(pair.log_up_to(2));
    assert_eq!(older.difference(), Some(Difference::LogBehind { log: 2, store: 3 }));
    let other = Pair::new();
    let filter = other.initialize();
    make_private(&filter);
    make_public(&filter);
    make_private(&filter);
    assert_eq!(pair.with_log(other.sink).difference(), Some(Difference::StoreBehind { store: rev(2), log: rev(4) }));
    let foreign = Pair::new();
    make_private(&foreign.initialize());
    assert_eq!(pair.with_log(foreign.sink).difference(), Some(Difference::OtherLog { sequence: 3 }));
}

#[test]
fn g8_interrupted_change_is_completed() {
    let pair = Pair::new();
    make_private(&pair.initialize());
    // The process crashed after it published and before it recorded the outcome.
    let cut = pair.with_log(pair.log_up_to(3));
    drop(cut.open());
    let records = cut.records();
    let intent = records[2].record.clone();
    assert_eq!(records.len(), 4);
    assert_eq!(records[3].record.outcome, Outcome::Done { intent: intent.id });
    assert_eq!((&records[3].record.event, &records[3].record.initiator), (&intent.event, &intent.initiator));
    drop(cut.open());
    assert_eq!(cut.records().len(), 4, "the outcome is recorded once");

    // The process crashed before it published. No reader can distinguish that from a change in progress, so the filter
    // waits.
    let (store, sink) = (pair.store.clone(), cut.log_up_to(4));
    let pending = Record { id: RecordId(uuid::Uuid::from_u128(9)), at: at(10), ..intent };
    let _receipt = sink.record(&pending).unwrap();
    let begun = Pair::of(store, sink);
    begun.clock.store(20, Ordering::SeqCst);
    drop(begun.open());
    assert_eq!(begun.records().len(), 5);
    begun.clock.store(600, Ordering::SeqCst);
    drop(begun.open());
    let failed = Outcome::Failed { intent: pending.id, reason: FailureReason::Interrupted };
    assert_eq!(begun.records().last().unwrap().record.outcome, failed);
    assert_eq!(begun.difference(), None);
}

#[test]
fn g8_interrupted_removal_is_completed() {
    let pair = Pair::new();
    let filter = pair.initialize();
    erase(&filter);
    assert_eq!(pair.records().len(), 4);
    let cut = pair.with_log(pair.log_up_to(3));
    drop(cut.open());
    let intent = cut.records()[2].record.id;
    assert_eq!(cut.records()[3].record.outcome, Outcome::Done { intent });
    assert_eq!(cut.difference(), None);
}

/// Returns a recorded erasure of `subject`, with the receipt of its intent.
fn begun_erasure(pair: &Pair, subject: &str, record: u128) -> Recorded<Removal> {
    let policy = pair.store.policy().unwrap().unwrap();
    let record = RecordId(uuid::Uuid::from_u128(record));
    let pending = Removal::of_subject(&policy, &user("root"), Subject::of(user(subject)), record, at(0)).unwrap();
    let receipt = pair.sink.record(pending.record()).unwrap();
    pending.recorded(&receipt).unwrap()
}

fn done(pair: &Pair, removal: &Recorded<Removal>, record: u128) {
    let salts = [salt(record), salt(record + 1)];
    let record = RecordId(uuid::Uuid::from_u128(record));
    let _receipt = pair.sink.record(&removal.outcome(record, salts, at(1), 0, 0, None)).unwrap();
}

#[test]
fn g8_overlapping_removals_are_distinguished() {
    let pair = Pair::new();
    drop(pair.initialize());
    let (first, second) = (begun_erasure(&pair, "adele", 10), begun_erasure(&pair, "bob", 20));
    // The second removal ends first.
    assert_eq!(pair.store.remove(&second, 10).unwrap(), 0);
    done(&pair, &second, 21);
    assert_eq!(pair.difference(), None, "the first removal is still in progress");
    done(&pair, &first, 11);
    let lacking = pair.difference();
    assert!(matches!(lacking, Some(Difference::RemovalUnknown { .. })), "{lacking:?}");
    assert_eq!(pair.store.remove(&first, 10).unwrap(), 0);
    assert_eq!(pair.difference(), None);
    // No matter how many removals follow.
    for number in 1..=40 {
        let next = begun_erasure(&pair, "adele", 1_000 * number);
        assert_eq!(pair.store.remove(&next, 10).unwrap(), 0);
        assert_eq!(pair.difference(), None);
        done(&pair, &next, 1_000 * number + 1);
        assert_eq!(pair.difference(), None);
    }
}

#[test]
fn g8_incomplete_removal_gets_no_outcome() {
    let pair = Pair::new();
    let filter = pair.initialize();
    filter.ingest(&[activity("a", "adele"), activity("b", "adele")]).unwrap();
    let policy = pair.store.policy().unwrap().unwrap();
    let subject = Subject::of(user("adele")).with_identity(alias("adele@contoso.com"));
    let record = RecordId(uuid::Uuid::from_u128(10));
    let pending = Removal::of_subject(&policy, &user("root"), subject, record, at(0)).unwrap();
    let receipt = pair.sink.record(pending.record()).unwrap();
    let removal = pending.recorded(&receipt).unwrap();
    assert_eq!(pair.store.remove(&removal, 1).unwrap(), 1);
    let before = pair.records();
    pair.clock.store(10_000, Ordering::SeqCst);
    drop(pair.open());
    assert_eq!(pair.records(), before, "the duration of a removal is not disclosed");
}

#[test]
fn g8_accepted_difference_is_recorded_and_valid_once() {
    let pair = Pair::new();
    make_private(&pair.initialize());
    let missing = pair.with_log(Arc::new(MemorySink::new()));
    let difference = missing.difference().unwrap();
    let filter = missing.accept(difference).unwrap();
    assert_eq!(filter.policy().unwrap().revision(), rev(3));
    assert!(filter.policy().unwrap().private_groups().contains(&group("council").into()), "the policy is kept");
    let records = missing.records();
    let event =
        Event::AcceptDifference { difference, revision: rev(3), administrators: std::collections::BTreeSet::new() };
    assert_eq!([&records[0].record.event, &records[1].record.event], [&event, &event]);
    assert_eq!(records[1].record.outcome, Outcome::Done { intent: records[0].record.id });
    assert_eq!(records[0].record.initiator, Initiator::User(user("root")));
    assert_eq!(missing.difference(), None);
    // A difference other than the accepted one is not accepted.
    let again = missing.with_log(Arc::new(MemorySink::new()));
    let found = again.accept(difference).unwrap_err();
    assert!(
        matches!(found, OpenError::StoreAndLogDiffer(Difference::LogEmpty { store }) if store == rev(3)),
        "{found:?}"
    );
    // If store and log match, there is no difference to accept.
    let before = missing.records().len();
    drop(missing.accept(difference).unwrap());
    assert_eq!(missing.records().len(), before);
}

#[test]
fn g8_only_administrator_accepts_difference() {
    let pair = Pair::new();
    make_private(&pair.initialize());
    let missing = pair.with_log(Arc::new(MemorySink::new()));
    let empty = pair.with_store(Arc::new(MemoryStore::new()));
    for differing in [missing, empty] {
        let difference = differing.difference().unwrap();
        let accepted = AcceptedDifference::i_accept_that_what_is_missing_is_lost(user("adele"), difference);
        let refused = differing.builder().accept_difference(accepted).open_or_initialize(administrators());
        assert!(matches!(refused, Err(OpenError::Denied(_))), "{refused:?}");
        let last = differing.records().pop().unwrap().record;
        assert!(matches!(last.outcome, Outcome::Denied(_)), "{last:?}");
        assert_eq!(last.initiator, Initiator::User(user("adele")));
    }
}

#[test]
fn g8_new_store_gets_later_revision() {
    let pair = Pair::new();
    let filter = pair.initialize();
    make_private(&filter);
    let empty = pair.with_store(Arc::new(MemoryStore::new()));
    let difference = empty.difference().unwrap();
    let accepted = AcceptedDifference::i_accept_that_what_is_missing_is_lost(user("root"), difference);
    let opened = empty.builder().accept_difference(accepted).open();
    assert!(matches!(opened, Err(OpenError::NoPolicy)), "a new policy needs administrators");
    let anew = empty.accept(difference).unwrap();
    assert_eq!(anew.policy().unwrap().revision(), rev(3));
    assert!(anew.policy().unwrap().private_groups().is_empty());
    let Event::AcceptDifference { administrators, .. } = empty.records().pop().unwrap().record.event else { panic!() };
    assert!(administrators.into_iter().eq([user("deputy"), user("root")]));
    assert_eq!(empty.difference(), None);
    make_private(&anew);
    assert_eq!(empty.difference(), None);
    // The earlier store does not contain the acceptance.
    assert_eq!(pair.difference(), Some(Difference::StoreBehind { store: rev(2), log: rev(4) }));
}

#[test]
fn g8_initializing_existing_policy_records_no_acceptance() {
    let pair = Pair::new();
    make_private(&pair.initialize());
    let missing = pair.with_log(Arc::new(MemorySink::new()));
    let difference = missing.difference().unwrap();
    let accepted = AcceptedDifference::i_accept_that_what_is_missing_is_lost(user("root"), difference);
    let initialized = missing.builder().accept_difference(accepted).initialize(administrators());
    assert!(matches!(initialized, Err(OpenError::AlreadyInitialized)), "{initialized:?}");
    assert!(missing.records().is_empty());
    assert_eq!(missing.difference(), Some(difference), "the difference is still not accepted");
}

#[test]
fn g8_unreadable_log_is_rejected_unless_write_only() {
    struct WriteOnly(MemorySink);
    impl GovernanceSink for WriteOnly {
        fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
            self.0.record(record)
        }

        fn records(&self, _: &RecordQuery, _: u64, _: usize) -> Result<Vec<RecordEntry>, SinkError> {
            Err(SinkError::Backend("write-only".into()))
        }

        fn newest(&self, _: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
            Err(SinkError::Backend("write-only".into()))
        }

        fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
            self.0.remove(removal)
        }
    }
    let pair = Pair::new().with_log(Arc::new(WriteOnly(MemorySink::new())));
    let refused = pair.builder().initialize(administrators());
    assert!(matches!(refused, Err(OpenError::LogUnreadable(_))), "{refused:?}");
    let known = || WriteOnlySink::i_know_that_a_restored_store_goes_unnoticed();
    drop(pair.builder().write_only_sink(known()).initialize(administrators()).unwrap());
    assert!(matches!(pair.builder().open(), Err(OpenError::LogUnreadable(_))));
    let filter = pair.builder().write_only_sink(known()).open().unwrap();
    make_private(&filter);
    pair.clock.store(100, Ordering::SeqCst);
    assert_eq!(filter.ingest(&[activity("a", "adele")]).unwrap().count(IngestOutcome::Stored), 1);
}

/// Counts the records read.
struct Counting(Arc<dyn GovernanceSink>, std::sync::atomic::AtomicUsize);

impl GovernanceSink for Counting {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        self.0.record(record)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        let found = self.0.records(query, after, limit)?;
        self.1.fetch_add(1 + found.len(), Ordering::SeqCst);
        Ok(found)
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.newest(query)
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        self.0.remove(removal)
    }
}

#[test]
fn g8_opening_reads_constant_number_of_records() {
    let reads = |changes: usize| {
        let pair = Pair::new();
        let filter = pair.initialize();
        for _ in 0..changes {
            make_private(&filter);
            make_public(&filter);
            erase(&filter);
        }
        let counting = Arc::new(Counting(Arc::clone(&pair.sink), 0.into()));
        drop(pair.with_log(counting.clone()).open());
        counting.1.load(Ordering::SeqCst)
    };
    // A store remembers up to sixteen removals.
    let (few, many) = (reads(20), reads(200));
    assert!(few == many && many < 60, "{few} records read of few, {many} of many");
}

#[test]
fn g8_retention_keeps_newest_policy_change_known() {
    let pair = Pair::new();
    let filter = pair.initialize();
    make_private(&filter);
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let retention = Retention::of_activities(days(10)).and_of_records(days(20)).unwrap();
    let options = OptionsPatch::new().retention(Some(retention));
    filter.update_policy(&user("root"), PolicyChange::SetOptions(options)).unwrap();
    let older = pair.log_up_to(4);
    pair.clock.store(100 * 86_400, Ordering::SeqCst);
    filter.apply_retention().unwrap();
    let kept = pair.records();
    assert!(kept.iter().all(|entry| entry.record.kind() == RecordKind::Retention), "all changes are removed: {kept:?}");
    assert_eq!(pair.difference(), None);
    let empty = pair.with_store(Arc::new(MemoryStore::new()));
    assert_eq!(empty.difference(), Some(Difference::StoreEmpty { log: rev(3) }));
    assert!(pair.with_log(older).difference().is_some());
    make_public(&filter);
    assert_eq!(pair.difference(), None);
}
