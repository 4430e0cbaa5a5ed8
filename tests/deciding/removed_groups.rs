//! D11 among several imports and nodes: the last members depend on the imports alone, and never on which node ingested
//! an activity in between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use activity_privacy::activity::Actor;
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, GroupDirectory, User};
use activity_privacy::engine::{PolicyEngine, PrincipalRole, Reason, UndecidableReason};
use activity_privacy::filter::{IngestError, PrivacyFilter, ReconcileError};
use activity_privacy::governance::{
    Event, GovernanceSink, Receipt, Record, RecordEntry, RecordKind, RecordQuery, Recorded, Removal, SinkError,
    WriteOnlySink,
};
use activity_privacy::identity::Alias;
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{
    GroupRef, OnUndecidable, OptionsPatch, PolicyChange, PrivacyPolicy, ScopeRule, ScopeTarget,
};
use activity_privacy::query::{PageSize, Query};
use activity_privacy::store::ActivityStore;

use crate::fixture::*;
use crate::forward::forward;

/// Adele is in the council, then Bob is too, then there is no council.
fn imports() -> [DirectoryBuilder; 3] {
    [
        people(&[("adele", &["council"]), ("bob", &[])]),
        people(&[("adele", &["council"]), ("bob", &["council"])]),
        people(&[("adele", &[]), ("bob", &[])]),
    ]
}

fn two_nodes() -> [Fixture; 2] {
    let store: Arc<dyn ActivityStore> = Arc::new(MemoryStore::new());
    let sink: Arc<dyn GovernanceSink> = Arc::new(MemorySink::new());
    [Fixture::over(Arc::clone(&store), Arc::clone(&sink)), Fixture::over(store, sink)]
}

#[test]
fn d11_last_members_come_from_last_import_without_ingest() {
    let fixture = Fixture::new();
    let [first, second, third] = imports();
    fixture.install(first).make_private("council").ingest(&[activity("before", "adele")]);
    fixture.install(second).install(third).ingest(&[activity("adele", "adele"), activity("bob", "bob")]);
    assert!(fixture.is_private("adele") && fixture.is_private("bob"));
}

#[test]
fn d11_last_members_are_known_before_first_ingest() {
    let fixture = Fixture::new();
    let [first, _, third] = imports();
    fixture.install(first).make_private("council");
    fixture.install(third).ingest(&[activity("adele", "adele"), activity("bob", "bob")]);
    assert_eq!(["adele", "bob"].map(|id| fixture.is_private(id)), [true, false]);
}

#[test]
fn d11_idle_node_removes_no_last_member() {
    let [busy, idle] = two_nodes();
    let install = |at: usize| [&busy, &idle].map(|node| node.install(imports().into_iter().nth(at).unwrap()));
    install(0);
    busy.make_private("council");
    idle.ingest(&[activity("1", "adele")]);
    install(1);
    busy.ingest(&[activity("2", "bob")]);
    install(2);
    idle.ingest(&[activity("3", "adele")]);
    busy.ingest(&[activity("4", "bob")]);
    assert_eq!(["1", "2", "3", "4"].map(|id| busy.is_private(id)), [true; 4]);
}

#[test]
fn d11_node_that_missed_import_removes_no_last_member() {
    let [whole, gap] = two_nodes();
    let [first, second, third] = imports();
    whole.install(first);
    gap.install(imports().into_iter().next().unwrap());
    whole.make_private("council");
    whole.install(second).install(third).ingest(&[activity("1", "bob")]);
    // The node lags, and skips the import in which Bob was a member.
    gap.ingest(&[activity("2", "zoe")]);
    gap.install(imports().into_iter().nth(2).unwrap()).install(imports().into_iter().nth(2).unwrap());
    gap.ingest(&[activity("3", "zoe")]);
    whole.ingest(&[activity("4", "bob")]);
    assert!(whole.is_private("1") && whole.is_private("4"));
    // A third node starts after all that, and uses what both nodes stored.
    let late = Fixture::over(Arc::clone(&whole.store), Arc::clone(&whole.sink));
    late.install(imports().into_iter().nth(2).unwrap()).ingest(&[activity("5", "bob"), activity("6", "zoe")]);
    assert_eq!(["5", "6"].map(|id| late.is_private(id)), [true, false]);
}

fn import(at: usize) -> DirectoryBuilder {
    imports().into_iter().nth(at).unwrap()
}

#[test]
fn d11_node_that_missed_import_reads_stored_members() {
    let [whole, gap] = two_nodes();
    whole.install(import(0)).make_private("council");
    gap.install(import(0)).ingest(&[activity("0", "zoe")]);
    whole.install(import(1));
    // The node skips the import in which Bob was a member, and decides before the other node stored him.
    gap.directory.install(import(2).build(DirectoryRevision(3), at(0)).unwrap()).unwrap();
    gap.ingest(&[activity("1", "zoe")]);
    whole.install(import(2));
    whole.filter.reconcile_directory().unwrap();
    gap.ingest(&[activity("2", "bob"), activity("3", "adele"), activity("4", "zoe")]);
    assert_eq!(["2", "3", "4"].map(|id| whole.is_private(id)), [true, true, false]);
}

#[test]
fn d11_later_node_has_members_of_latest_removal() {
    let [node, late] = two_nodes();
    let follow = |builder| node.install(builder).filter.reconcile_directory().unwrap();
    node.install(import(0)).make_private("council");
    follow(import(2));
    // Restored with Bob alone, and removed again, without any ingest.
    follow(people(&[("adele", &[]), ("bob", &["council"])]));
    follow(import(2));
    late.directory.install(import(2).build(DirectoryRevision(5), at(0)).unwrap()).unwrap();
    late.ingest(&[activity("adele", "adele"), activity("bob", "bob")]);
    assert_eq!(["adele", "bob"].map(|id| node.is_private(id)), [false, true]);
}

#[test]
fn d11_stored_members_of_earlier_removal_do_not_count() {
    let run = |with_private: bool| {
        let fixture = Fixture::repeatable(Arc::new(MemoryStore::new()));
        fixture.install(import(0)).make_private("council");
        fixture.install(import(2)).ingest(&[activity("1", "zoe")]);
        fixture.install(people(&[("adele", &[]), ("bob", &["council"])]));
        if with_private {
            fixture.ingest(&[activity("private", "bob")]);
        }
        fixture.install(import(2)).ingest(&[activity("2", "adele"), activity("3", "zoe"), activity("4", "bob")]);
        fixture.public_ids()
    };
    assert_eq!(run(true), ["3", "2", "1"]);
    assert_eq!(run(false), run(true));
}

#[test]
fn d11_unknown_members_are_recorded_even_if_batches_are_rejected() {
    let [node, late] = two_nodes();
    node.install(import(0)).make_private("council");
    let on_undecidable = OnUndecidable::Reject;
    node.options(OptionsPatch::new().on_undecidable(on_undecidable));
    late.directory.install(import(2).build(DirectoryRevision(2), at(0)).unwrap()).unwrap();
    for _ in 0..3 {
        assert!(matches!(late.filter.ingest(&[activity("1", "zoe")]), Err(IngestError::Undecidable(_))));
    }
    let query = RecordQuery { kind: Some(RecordKind::Directory), ..RecordQuery::default() };
    let records = late.sink.records(&query, 0, 10).unwrap();
    let said: Vec<_> = records.iter().map(|entry| &entry.record.event).collect();
    assert_eq!(said, [&Event::GroupRemoved { group: group("council"), members: None }]);
}

/// For the record that everything is hidden, the same node writes one record that it is not any more.
#[test]
fn d11_restoration_of_group_with_unknown_members_is_recorded() {
    let [node, late] = two_nodes();
    node.install(import(0)).make_private("council");
    late.directory.install(import(2).build(DirectoryRevision(2), at(0)).unwrap()).unwrap();
    late.ingest(&[activity("1", "zoe")]);
    late.directory.install(import(0).build(DirectoryRevision(3), at(0)).unwrap()).unwrap();
    late.ingest(&[activity("2", "zoe")]);
    late.filter.reconcile_directory().unwrap();
    assert_eq!(["1", "2"].map(|id| late.is_private(id)), [true, false]);
    let query = RecordQuery { kind: Some(RecordKind::Directory), ..RecordQuery::default() };
    let said: Vec<Event> =
        late.sink.records(&query, 0, 10).unwrap().into_iter().map(|entry| entry.record.event).collect();
    let group = group("council");
    assert_eq!(said, [Event::GroupRemoved { group: group.clone(), members: None }, Event::GroupRestored { group }]);
}

#[test]
fn d11_member_with_removed_record_keeps_every_name() {
    let fixture = Fixture::new();
    fixture.install(import(0)).make_private("council");
    // Adele's record was removed, and the council still lists her id, in two imports, so that her names are carried
    // over.
    let without_record = || people(&[("bob", &["council"])]).member(&group("council"), &user("adele"));
    fixture.install(without_record()).install(without_record());
    fixture.ingest(&[activity("adele", "adele"), activity("zoe", "zoe"), by("id", Actor::user(user("adele")))]);
    assert_eq!(["adele", "zoe", "id"].map(|id| fixture.is_private(id)), [true, false, true]);
    // Another user has her name now.
    let heir = User::new(user("heir")).with_alias(alias("adele@contoso.com"));
    fixture.install(without_record().user(heir)).ingest(&[activity("heir", "adele")]);
    assert!(!fixture.is_private("heir"));
    // The council removes her.
    fixture.install(import(2)).install(people(&[("bob", &["council"])])).ingest(&[activity("after", "adele")]);
    assert!(!fixture.is_private("after"));
}

/// An import in which some groups list Adele, who has no record.
fn adele_by_id(groups: &[&str]) -> DirectoryBuilder {
    let mut builder = people(&[("bob", &[])]);
    for name in groups {
        builder = builder.group(group(name), *name).member(&group(name), &user("adele"));
    }
    builder
}

#[test]
fn d11_members_stored_by_two_nodes_merge_in_any_order() {
    for knowing_first in [true, false] {
        let [knowing, late] = two_nodes();
        knowing.install(import(0)).make_private("council").install(adele_by_id(&["council"]));
        late.directory.install(adele_by_id(&["council"]).build(DirectoryRevision(2), at(0)).unwrap()).unwrap();
        for (node, revision) in [(&knowing, 3), (&late, 3)] {
            node.directory.install(people(&[]).build(DirectoryRevision(revision), at(0)).unwrap()).unwrap();
        }
        let order = if knowing_first { [&knowing, &late] } else { [&late, &knowing] };
        for node in order {
            node.filter.reconcile_directory().unwrap();
        }
        late.ingest(&[activity("1", "adele"), activity("2", "zoe")]);
        assert_eq!(["1", "2"].map(|id| late.is_private(id)), [true, false], "{knowing_first}");
    }
}

#[test]
fn d11_last_member_listed_by_id_keeps_stored_names() {
    let [node, late] = two_nodes();
    let both = people(&[("adele", &["council", "staff"]), ("bob", &[])]);
    node.install(both).make_private("council").install(adele_by_id(&["staff"]));
    node.filter.reconcile_directory().unwrap();
    late.directory.install(adele_by_id(&["staff"]).build(DirectoryRevision(2), at(0)).unwrap()).unwrap();
    late.ingest(&[activity("1", "adele"), activity("2", "zoe")]);
    assert_eq!(["1", "2"].map(|id| late.is_private(id)), [true, false]);
}

/// A node that missed an import remembers fewer names of a deleted member than another node stored.
#[test]
fn d11_last_member_without_record_has_stored_names() {
    let [whole, gap] = two_nodes();
    let adele = || people(&[("adele", &["council", "staff"])]);
    whole.install(adele()).make_private("council");
    gap.install(adele());
    let renamed = contoso("adele").with_alias(alias("a.vance@contoso.com"));
    let both = ["council", "staff"].map(group);
    let import = people(&[]).group(both[0].clone(), "Council").group(both[1].clone(), "Staff").user(renamed);
    whole.install(import.member(&both[0], &user("adele")).member(&both[1], &user("adele")));
    whole.install(adele_by_id(&["staff"])).filter.reconcile_directory().unwrap();
    gap.directory.install(adele_by_id(&["staff"]).build(DirectoryRevision(3), at(0)).unwrap()).unwrap();
    gap.ingest(&[activity("1", "adele"), activity("2", "a.vance"), activity("3", "zoe")]);
    assert_eq!(["1", "2", "3"].map(|id| gap.is_private(id)), [true, true, false]);
}

#[test]
fn d11_moved_name_never_returns_to_deleted_user() {
    let fixture = Fixture::new();
    let alice = User::new(user("alice")).with_alias(alias("x@contoso.com"));
    let staff =
        |builder: DirectoryBuilder| builder.group(group("staff"), "Staff").member(&group("staff"), &user("alice"));
    fixture.install(staff(people(&[("adele", &["council"])])).user(alice)).make_private("council");
    // Bob of the council has the name now. Then he and the council are removed.
    let heir = User::new(user("heir")).with_alias(alias("x@contoso.com"));
    fixture.install(staff(people(&[("adele", &["council"])])).user(heir).member(&group("council"), &user("heir")));
    fixture.install(staff(people(&[]))).ingest(&[activity("1", "x")]);
    assert!(fixture.is_private("1"));
}

#[test]
fn d11_record_without_names_counts_as_record() {
    let fixture = Fixture::new();
    let managed = User::new(user("u")).with_alias(alias("x@contoso.com"));
    fixture
        .install(people(&[]).user(managed))
        .manage("contoso.com")
        .update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    let moved = User::new(user("u")).with_home_domain(domain("elsewhere.example"));
    fixture.install(people(&[]).user(moved)).ingest(&[by("1", Actor::user(user("u")))]);
    assert!(fixture.is_private("1"), "what the import says counts, not what was remembered");
}

/// V2 if the private activity is the only one that makes the filter read a directory.
#[test]
fn v2_private_ingest_does_not_affect_later_offsets() {
    let run = |with_private: bool, comes_back: bool| {
        let fixture = Fixture::repeatable(Arc::new(MemoryStore::new()));
        let [first, second, third] = imports();
        fixture.install(first).make_private("council").ingest(&[activity("1", "zoe")]);
        fixture.install(second);
        if with_private {
            fixture.ingest(&[activity("2", "adele")]);
        }
        fixture.install(third);
        if with_private {
            fixture.ingest(&[activity("3", "adele")]);
        }
        if comes_back {
            fixture.install(imports().into_iter().next().unwrap());
        }
        fixture.ingest(&[activity("4", "bob"), activity("5", "zoe")]);
        let page = fixture.filter.view(&user("viewer")).page(&Query::all(), PageSize::MAX, None).unwrap();
        serde_json::to_string(&page).unwrap()
    };
    for comes_back in [false, true] {
        assert_eq!(run(true, comes_back), run(false, comes_back), "comes back: {comes_back}");
    }
}

/// A sink that hangs on every record.
struct Dead;

impl GovernanceSink for Dead {
    fn record(&self, _: &Record) -> Result<Receipt, SinkError> {
        std::thread::sleep(Duration::from_secs(30));
        Err(SinkError::TimedOut)
    }

    fn records(&self, _: &RecordQuery, _: u64, _: usize) -> Result<Vec<RecordEntry>, SinkError> {
        Ok(Vec::new())
    }

    fn newest(&self, _: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        Ok(None)
    }

    fn remove(&self, _: &Recorded<Removal>) -> Result<u64, SinkError> {
        Ok(0)
    }
}

#[test]
fn d11_hanging_sink_neither_shows_member_nor_blocks_batches() {
    let fixture = Fixture::new();
    let [first, _, third] = imports();
    fixture.install(first).make_private("council");
    let directory = Arc::new(MemoryDirectory::new());
    let limit = Duration::from_millis(200);
    let filter = PrivacyFilter::builder(Arc::clone(&fixture.store), Arc::clone(&directory), Dead)
        .sink_timeout(limit)
        .write_only_sink(WriteOnlySink::i_know_that_a_restored_store_goes_unnoticed())
        .open()
        .unwrap();
    let revision = DirectoryRevision;
    directory.install(imports().into_iter().next().unwrap().build(revision(1), at(0)).unwrap()).unwrap();
    directory.install(third.build(revision(2), at(0)).unwrap()).unwrap();
    let begun = Instant::now();
    for number in 0..20 {
        filter.ingest(&[activity(&number.to_string(), "adele")]).unwrap();
    }
    assert!(begun.elapsed() < limit * 10, "one of twenty waited");
    assert!((0..20).all(|number| fixture.is_private(&number.to_string())));
}

/// A sink that fails while a flag is set.
#[derive(Default)]
struct Moody {
    inner: MemorySink,
    fails: std::sync::atomic::AtomicBool,
}

impl GovernanceSink for Moody {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        if self.fails.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(SinkError::Backend("on command".into()));
        }
        self.inner.record(record)
    }

    forward! { inner: records newest remove }
}

/// Returns the records of removed and restored groups.
fn on_record(fixture: &Fixture) -> Vec<Event> {
    let query = RecordQuery { kind: Some(RecordKind::Directory), ..RecordQuery::default() };
    fixture.sink.records(&query, 0, 100).unwrap().into_iter().map(|entry| entry.record.event).collect()
}

fn gone(members: Option<u64>) -> Event {
    Event::GroupRemoved { group: group("council"), members }
}

fn back() -> Event {
    Event::GroupRestored { group: group("council") }
}

#[test]
fn d11_failing_sink_keeps_protection_and_gets_records_later() {
    let sink = Arc::new(Moody::default());
    let recorder: Arc<dyn GovernanceSink> = sink.clone();
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), recorder);
    fixture.install(import(0)).make_private("council").install(import(2));
    fixture.filter.reconcile_directory().unwrap();
    // Restored with Bob alone, and removed again, while the sink fails.
    sink.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    for builder in [people(&[("adele", &[]), ("bob", &["council"])]), import(2)] {
        assert!(matches!(fixture.install(builder).filter.reconcile_directory(), Err(ReconcileError::Unrecorded(_))));
    }
    let late = Fixture::over(Arc::clone(&fixture.store), Arc::clone(&fixture.sink));
    late.directory.install(import(2).build(DirectoryRevision(4), at(0)).unwrap()).unwrap();
    late.ingest(&[activity("adele", "adele"), activity("bob", "bob")]);
    assert_eq!(on_record(&fixture), [gone(Some(1))]);
    sink.fails.store(false, std::sync::atomic::Ordering::SeqCst);
    fixture.filter.reconcile_directory().unwrap();
    assert_eq!(on_record(&fixture), [gone(Some(1)), back(), gone(Some(1))]);
    assert_eq!(["adele", "bob"].map(|id| fixture.is_private(id)), [false, true]);
}

#[test]
fn d11_group_restored_meanwhile_is_not_the_earlier_one() {
    let [node, late] = two_nodes();
    node.install(import(0)).make_private("council").install(import(2));
    node.filter.reconcile_directory().unwrap();
    node.install(people(&[("adele", &[]), ("bob", &["council"])])).filter.reconcile_directory().unwrap();
    // No node reconciles the import in which it was removed again, so no node knows that Bob was a member.
    late.directory.install(import(2).build(DirectoryRevision(4), at(0)).unwrap()).unwrap();
    late.ingest(&[activity("zoe", "zoe")]);
    assert_eq!(
        late.decision("zoe").reasons(),
        [Reason::Undecidable(UndecidableReason::GroupRemoved(group("council")))]
    );
    // Neither does a node that ran before and missed the time in between.
    let [node, gap] = two_nodes();
    node.install(import(0)).make_private("council");
    gap.install(import(0)).install(import(2)).ingest(&[activity("1", "zoe")]);
    node.install(import(2)).install(import(1)).filter.reconcile_directory().unwrap();
    gap.directory.install(import(2).build(DirectoryRevision(4), at(0)).unwrap()).unwrap();
    gap.ingest(&[activity("2", "zoe")]);
    assert_eq!(["1", "2"].map(|id| gap.is_private(id)), [false, true]);
    // Until the other node stores the last members.
    node.install(import(2)).filter.reconcile_directory().unwrap();
    gap.ingest(&[activity("bob", "bob"), activity("3", "zoe")]);
    assert_eq!(["bob", "3"].map(|id| gap.is_private(id)), [true, false]);
}

#[test]
fn d11_group_restored_elsewhere_keeps_members_for_lagging_node() {
    let [whole, lags] = two_nodes();
    whole.install(import(0)).make_private("council");
    lags.install(import(0));
    whole.install(import(1)).install(import(2)).filter.reconcile_directory().unwrap();
    lags.directory.install(import(2).build(DirectoryRevision(3), at(0)).unwrap()).unwrap();
    lags.ingest(&[activity("1", "bob")]);
    whole.install(import(1)).filter.reconcile_directory().unwrap();
    lags.ingest(&[activity("2", "bob"), activity("zoe", "zoe")]);
    assert_eq!(["1", "2", "zoe"].map(|id| whole.is_private(id)), [true, true, false]);
    let said = on_record(&whole);
    assert_eq!(said.iter().filter(|event| **event == back()).count(), 1, "{said:?}");
}

/// A guest stays external after another user got the guest name.
#[test]
fn d8_moved_guest_name_never_returns_to_deleted_user() {
    let name = || alias("g_fabrikam.com#EXT#@contoso.com");
    let known = |id: &str| User::new(user(id)).with_alias(name());
    let fixture = Fixture::new();
    let groups = |builder: DirectoryBuilder| builder.group(group("council"), "").group(group("staff"), "");
    fixture.install(groups(people(&[])).user(known("guest")));
    fixture.install(groups(people(&[])).user(known("adele")).member(&group("council"), &user("guest")));
    fixture.install(groups(people(&[])).member(&group("staff"), &user("guest")));
    fixture.make_private("staff").manage("contoso.com");
    fixture.ingest(&[by("by name", Actor::user(name())), by("by id", Actor::user(user("guest")))]);
    assert_eq!(["by name", "by id"].map(|id| fixture.is_private(id)), [false, true]);
    fixture.update_policy(PolicyChange::MakePublic(group("staff").into()));
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    fixture.ingest(&[by("from elsewhere", Actor::user(user("guest")))]);
    assert!(fixture.is_private("from elsewhere"));
}

/// The members that a node remembers count for its own directory, whatever other nodes stored since.
#[test]
fn d11_lagging_node_hides_members_of_both_removals() {
    let [whole, lags] = two_nodes();
    whole.install(import(0)).make_private("council");
    lags.install(import(0)).install(import(2));
    whole.install(import(2)).install(people(&[("adele", &[]), ("bob", &["council"])])).install(import(2));
    whole.filter.reconcile_directory().unwrap();
    lags.ingest(&[activity("adele", "adele"), activity("bob", "bob"), activity("zoe", "zoe")]);
    assert_eq!(["adele", "bob", "zoe"].map(|id| lags.is_private(id)), [true, true, false]);
    whole.ingest(&[activity("adele, later", "adele")]);
    assert!(!whole.is_private("adele, later"));
}

/// Two sources number different imports alike. The one with the group must not restore the group for the other.
#[test]
fn d11_directory_of_same_revision_restores_no_group() {
    let [without, with] = two_nodes();
    without.install(import(0)).make_private("council").install(import(2));
    without.filter.reconcile_directory().unwrap();
    with.install(import(0)).install(import(0)).filter.reconcile_directory().unwrap();
    without.ingest(&[activity("adele", "adele"), activity("zoe", "zoe")]);
    assert_eq!(["adele", "zoe"].map(|id| without.is_private(id)), [true, false]);
    assert_eq!(on_record(&without), [gone(Some(1))]);
}

#[test]
fn d11_failed_reconciliation_is_retried_after_pause() {
    let sink = Arc::new(Moody::default());
    let recorder: Arc<dyn GovernanceSink> = sink.clone();
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), recorder);
    fixture.install(import(0)).make_private("council").install(import(2));
    sink.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    fixture.ingest(&[activity("1", "zoe")]);
    sink.fails.store(false, std::sync::atomic::Ordering::SeqCst);
    fixture.advance(29).ingest(&[activity("2", "zoe")]);
    assert_eq!(on_record(&fixture), [], "a sink that hangs must not hold up every batch");
    fixture.advance(1).ingest(&[activity("3", "zoe")]);
    assert_eq!(on_record(&fixture), [gone(Some(1))]);
}

#[test]
fn d11_group_with_unknown_members_is_recorded_when_restored() {
    let [node, late] = two_nodes();
    node.install(import(0)).make_private("council");
    late.directory.install(import(2).build(DirectoryRevision(2), at(0)).unwrap()).unwrap();
    late.filter.reconcile_directory().unwrap();
    late.directory.install(import(0).build(DirectoryRevision(3), at(0)).unwrap()).unwrap();
    late.filter.reconcile_directory().unwrap();
    assert_eq!(on_record(&late), [gone(None), back()]);
}

#[test]
fn d11_last_member_keeps_later_names() {
    let fixture = Fixture::new();
    fixture.install(import(0)).make_private("council").install(import(2));
    let renamed = User::new(user("adele")).with_alias(alias("adele.other@contoso.com"));
    fixture.install(people(&[]).user(renamed)).install(people(&[]));
    fixture.ingest(&[activity("1", "adele.other"), activity("2", "adele"), activity("3", "zoe")]);
    assert_eq!(["1", "2", "3"].map(|id| fixture.is_private(id)), [true, true, false]);
    // And so does a node that starts then.
    fixture.filter.reconcile_directory().unwrap();
    let late = Fixture::over(Arc::clone(&fixture.store), Arc::clone(&fixture.sink));
    late.directory.install(people(&[]).build(DirectoryRevision(4), at(0)).unwrap()).unwrap();
    late.ingest(&[activity("4", "adele.other")]);
    assert!(late.is_private("4"));
}

#[test]
fn d11_last_name_leads_to_all_groups_of_holder() {
    let [node, late] = two_nodes();
    let board =
        |builder: DirectoryBuilder| builder.group(group("board"), "Board").member(&group("board"), &user("adele"));
    node.install(board(import(0))).make_private("board");
    node.update_policy(PolicyChange::AddScopeRule(ScopeRule::include(group("council"), ScopeTarget::AllApps)));
    // The council was removed with her record. The board still lists her, by id.
    node.install(board(people(&[]))).filter.reconcile_directory().unwrap();
    late.directory.install(board(people(&[])).build(DirectoryRevision(2), at(0)).unwrap()).unwrap();
    late.ingest(&[activity("a", "adele")]);
    assert!(late.is_private("a"));
}

#[test]
fn d11_name_added_by_removing_import_is_stored() {
    for gap in [false, true] {
        let fixture = Fixture::new();
        let named = |name: &str| User::new(user("m")).with_alias(alias(&format!("{name}@contoso.com")));
        let council = |builder: DirectoryBuilder| {
            builder.group(group("council"), "Council").member(&group("council"), &user("m"))
        };
        fixture.install(council(people(&[]).user(named("old")))).make_private("council");
        if gap {
            fixture.install(people(&[]).user(named("old")));
        }
        fixture.install(people(&[]).user(named("new")));
        fixture.filter.reconcile_directory().unwrap();
        let late = Fixture::over(Arc::clone(&fixture.store), Arc::clone(&fixture.sink));
        late.directory.install(people(&[]).build(DirectoryRevision(4), at(0)).unwrap()).unwrap();
        late.ingest(&[activity("1", "new"), activity("2", "old"), activity("3", "zoe")]);
        assert_eq!(["1", "2", "3"].map(|id| late.is_private(id)), [true, true, false]);
    }
}

#[test]
fn d11_shared_name_stays_hidden_after_one_record_left() {
    let fixture = Fixture::new();
    let shared = |name: &str| User::new(user(name)).with_alias(alias("desk@contoso.com"));
    let staff =
        |builder: DirectoryBuilder| builder.group(group("staff"), "Staff").member(&group("staff"), &user("one"));
    let council = group("council");
    let first = staff(people(&[]).user(shared("one")).user(shared("two"))).group(council.clone(), "Council");
    fixture.install(first.member(&council, &user("two"))).make_private("council");
    fixture.install(staff(people(&[])));
    fixture.ingest(&[activity("a", "desk")]);
    assert!(fixture.is_private("a"));
}

#[test]
fn d11_unrecorded_removal_is_recorded_by_later_node() {
    let sink = Arc::new(Moody::default());
    let recorder: Arc<dyn GovernanceSink> = sink.clone();
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), recorder);
    fixture.install(import(0)).make_private("council").install(import(2)).advance(60);
    sink.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(fixture.filter.reconcile_directory().is_err());
    sink.fails.store(false, std::sync::atomic::Ordering::SeqCst);
    // The process ends, and another node takes over.
    let next = Fixture::over(Arc::clone(&fixture.store), Arc::clone(&fixture.sink));
    for revision in [2, 3] {
        next.directory.install(import(2).build(DirectoryRevision(revision), at(0)).unwrap()).unwrap();
        next.filter.reconcile_directory().unwrap();
    }
    assert_eq!(on_record(&next), [gone(Some(1))], "once");
    // A node that was not able to record it offers the same record again, with the earlier time.
    fixture.advance(60).filter.reconcile_directory().unwrap();
    let last = fixture.records().pop().unwrap().record;
    assert_eq!((last.event, last.at), (gone(Some(1)), at(60)));
}

#[test]
fn d11_renamed_members_make_no_new_record() {
    let fixture = Fixture::new();
    fixture.install(import(0)).make_private("council").install(import(2));
    fixture.filter.reconcile_directory().unwrap();
    for name in ["adele.b", "adele.c"] {
        let renamed = User::new(user("adele")).with_alias(alias(&format!("{name}@contoso.com")));
        fixture.install(people(&[]).user(renamed)).filter.reconcile_directory().unwrap();
    }
    assert_eq!(on_record(&fixture), [gone(Some(1))]);
}

/// Another node can store a group that this node never saw, after this node has decided a batch.
#[test]
fn d11_group_that_node_never_saw_protects_once_stored() {
    let [saw, never_saw] = two_nodes();
    let board = |builder: DirectoryBuilder| builder.group(group("board"), "Board");
    let nested = board(people(&[("adele", &["council"]), ("bob", &[])])).nested(&group("board"), &group("council"));
    let without = || board(people(&[("adele", &[]), ("bob", &[])]));
    saw.install(nested).make_private("board");
    saw.ingest(&[activity("1", "adele")]);
    never_saw.directory.install(without().build(DirectoryRevision(2), at(0)).unwrap()).unwrap();
    never_saw.ingest(&[activity("2", "bob")]);
    saw.install(without());
    saw.filter.reconcile_directory().unwrap();
    never_saw.ingest(&[activity("3", "adele"), activity("4", "bob")]);
    assert_eq!(["1", "2", "3", "4"].map(|id| saw.is_private(id)), [true, false, true, false]);
}

/// The names of last members identify a person only while their group counts for the policy, stored or not.
#[test]
fn d9_name_of_member_of_unrelated_group_is_unknown() {
    let sid = || Alias::account("SID", "S-1-5-21-1-2-3-1104").unwrap();
    let adele = User::new(user("adele")).with_alias(sid());
    let before = people(&[("bob", &["council"])]).member(&group("council"), adele.id()).user(adele);
    let directory = MemoryDirectory::new();
    directory.install(before.build(DirectoryRevision(1), at(0)).unwrap()).unwrap();
    directory.install(people(&[("bob", &[])]).build(DirectoryRevision(2), at(0)).unwrap()).unwrap();
    let removed = directory.snapshot().unwrap().removed_group(&group("council")).unwrap();

    // A node that has only the last import reads the stored group.
    let snapshot = Arc::new(people(&[("bob", &[])]).build(DirectoryRevision(2), at(0)).unwrap());
    let reasons = |policy: Arc<PrivacyPolicy>| {
        let engine =
            PolicyEngine::with_removed_groups(policy, Ok(Arc::clone(&snapshot)), std::slice::from_ref(&removed));
        engine.verdict(&by("a", Actor::user(sid())), at(0)).1.iter().cloned().collect::<Vec<_>>()
    };
    let fixture = Fixture::new();
    let unknown = Reason::Undecidable(UndecidableReason::NoUsableActor);
    assert_eq!(reasons(fixture.filter.policy().unwrap()), [unknown]);
    fixture.install(imports().into_iter().next().unwrap()).make_private("council");
    let member = Reason::Member { group: group("council").into(), role: PrincipalRole::Actor };
    assert_eq!(reasons(fixture.filter.policy().unwrap()), [member]);
}
