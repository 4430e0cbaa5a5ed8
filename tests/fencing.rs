//! D4 and D5: the first verdict of an id is final, and no activity is stored under a stale policy.
#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod fixture;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::directory::DirectoryRevision;
use activity_privacy::engine::Visibility;
use activity_privacy::filter::{IngestError, IngestOutcome};
use activity_privacy::forward::{ForwardBatch, Offset};
use activity_privacy::memory::{MemorySink, MemoryStore};
use activity_privacy::policy::{OnUndecidable, OptionsPatch, PolicyChange, Revision, ScopeRule, ScopeTarget};
use activity_privacy::query::{CountBy, PageSize, Query};
use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
use fixture::*;

/// Opens a fixture over the two files in a directory, like a process at its start.
fn open(dir: &Path) -> Fixture {
    let path = dir.join("activities.db");
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let fixture = Fixture::over(store, Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap()));
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])]));
    fixture
}

/// Returns one fixture in memory and one in files, each with Adele in the council.
fn fixtures(dir: &Path) -> [Fixture; 2] {
    let memory = Fixture::over(Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()));
    memory.install(people(&[("adele", &["council"]), ("bob", &[])]));
    let fixtures = [memory, open(dir)];
    for fixture in &fixtures {
        fixture.manage("contoso.com").permit_root();
    }
    fixtures
}

fn other_content(id: &str, name: &str) -> Activity {
    begun(id, Actor::user(alias(&format!("{name}@contoso.com")))).details("something else").build().unwrap()
}

#[test]
fn d4_first_verdict_wins() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in fixtures(dir.path()) {
        let first = activity("a", "adele");
        assert_eq!(fixture.ingest(std::slice::from_ref(&first)), [IngestOutcome::Stored]);
        let decision = fixture.decision("a");
        fixture.make_private("council").advance(5);
        assert_eq!(fixture.ingest(std::slice::from_ref(&first)), [IngestOutcome::Duplicate]);
        assert_eq!(fixture.ingest(&[other_content("a", "adele")]), [IngestOutcome::Conflict]);
        assert_eq!(fixture.ingest(&[activity("a", "bob")]), [IngestOutcome::Conflict]);
        let stored = fixture.everything();
        assert_eq!(stored.len(), 1);
        assert_eq!((stored[0].activity(), stored[0].decision()), (&first, &decision));
        assert_eq!(fixture.public_ids(), ["a"]);
    }
}

#[test]
fn d4_first_verdict_wins_after_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (shown, hidden) = (activity("shown", "adele"), activity("hidden", "adele"));
    let fixture = open(dir.path());
    fixture.manage("contoso.com").ingest(std::slice::from_ref(&shown));
    drop(fixture);
    let fixture = open(dir.path());
    fixture.make_private("council").ingest(std::slice::from_ref(&hidden));
    let decisions = [fixture.decision("shown"), fixture.decision("hidden")];
    drop(fixture);
    // The group is public again, Adele has left it, and another process delivers both activities again.
    let fixture = open(dir.path());
    fixture.update_policy(PolicyChange::MakePublic(group("council").into())).install(people(&[("adele", &[])]));
    assert_eq!(fixture.ingest(&[shown.clone(), hidden.clone()]), [IngestOutcome::Duplicate; 2]);
    let conflicts = [other_content("shown", "adele"), other_content("hidden", "adele")];
    assert_eq!(fixture.ingest(&conflicts), [IngestOutcome::Conflict; 2]);
    assert_eq!([fixture.decision("shown"), fixture.decision("hidden")], decisions);
    let contents: Vec<Activity> = fixture.everything().iter().map(|stored| stored.activity().clone()).collect();
    assert_eq!(contents, [shown, hidden], "newest first, and by id at equal times");
    assert_eq!(fixture.public_ids(), ["shown"]);
}

#[test]
fn d4_first_verdict_survives_crash_before_answer() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path());
    fixture.manage("contoso.com").ingest(&[activity("a", "adele")]);
    // The first process closes nothing: its files are copied as a power failure leaves them.
    let after = tempfile::tempdir().unwrap();
    for file in fs::read_dir(dir.path()).unwrap().map(Result::unwrap).filter(|file| !is_shared_memory(&file.path())) {
        fs::copy(file.path(), after.path().join(file.file_name())).unwrap();
    }
    let fixture = open(after.path());
    fixture.make_private("council");
    assert_eq!(
        fixture.ingest(&[activity("a", "adele"), activity("b", "adele")]),
        [IngestOutcome::Duplicate, IngestOutcome::Stored]
    );
    assert_eq!(fixture.public_ids(), ["a"]);
}

/// Returns whether a file is the shared memory of SQLite, which SQLite recreates if it is missing.
fn is_shared_memory(path: &Path) -> bool {
    path.to_string_lossy().ends_with("-shm")
}

#[test]
fn d4_first_delivery_within_batch_wins() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in fixtures(dir.path()) {
        fixture.make_private("council");
        let batch = [
            activity("x", "adele"),
            activity("x", "adele"),
            activity("x", "bob"),
            activity("y", "bob"),
            activity("y", "adele"),
            activity("y", "bob"),
        ];
        use IngestOutcome::{Conflict, Duplicate, Stored};
        let report = fixture.filter.ingest(&batch).unwrap();
        assert_eq!(report.outcomes(), [Stored, Duplicate, Conflict, Stored, Conflict, Duplicate]);
        assert_eq!(
            [Stored, Duplicate, Conflict, IngestOutcome::NotMonitored].map(|what| report.count(what)),
            [2, 2, 2, 0]
        );
        assert_eq!(fixture.public_ids(), ["y"]);
        assert_eq!((fixture.is_private("x"), fixture.everything().len()), (true, 2));
    }
}

/// Returns everything that a viewer and a forwarder can observe, as text.
fn observed(fixture: &Fixture) -> String {
    let view = fixture.filter.view(&user("somebody"));
    let page = view.page(&Query::all(), PageSize::MAX, None).unwrap();
    let count = view.count(&Query::all()).unwrap().total;
    let counts = view.counts(&Query::all(), CountBy::Actor).unwrap().by_key;
    let known = ["x", "y", "unheard of"].map(|id| view.activity(&id.parse().unwrap()).unwrap());
    let forwarded = fixture.filter.forward(&Offset::START, PageSize::MAX).unwrap();
    let json = serde_json::to_string(&(page, count, counts, known, forwarded.next)).unwrap();
    format!("{json} {}", serde_json::to_string(&forwarded.activities).unwrap())
}

#[test]
fn d4_conflict_is_invisible_to_viewers_and_forwarders() {
    let [dir, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for (fixture, without) in fixtures(dir.path()).into_iter().zip(fixtures(other.path())) {
        fixture.make_private("council").ingest(&[activity("y", "bob")]);
        let before = observed(&fixture);
        // A public activity under the id of a private one, a private one under that of a public one, and both again.
        assert_eq!(fixture.ingest(&[activity("x", "adele")]), [IngestOutcome::Stored]);
        assert_eq!(fixture.ingest(&[activity("x", "bob"), activity("y", "adele")]), [IngestOutcome::Conflict; 2]);
        assert_eq!(fixture.ingest(&[activity("x", "adele"), activity("y", "bob")]), [IngestOutcome::Duplicate; 2]);
        assert_eq!(observed(&fixture), before);
        // The forwarder's offset does not change either.
        fixture.ingest(&[activity("z", "bob")]);
        without.make_private("council").ingest(&[activity("y", "bob")]);
        without.ingest(&[activity("z", "bob")]);
        let [next, expected] =
            [&fixture, &without].map(|fixture| fixture.filter.forward(&Offset::START, PageSize::MAX).unwrap().next);
        assert_eq!(next, expected);
    }
}

/// Whether the council is private, by revision.
type PrivacyByRevision = BTreeMap<Revision, bool>;

fn begun_with(states: &PrivacyByRevision) -> Revision {
    *states.first_key_value().unwrap().0
}

/// Returns the two activities of one delivery: one of a council member, and one that is always public.
fn pair(delivery: &str) -> [Activity; 2] {
    ["adele", "bob"].map(|name| activity(&format!("{delivery}-{name}"), name))
}

/// Makes the council private and public alternately, and stores the state of each revision.
fn turn(fixture: &Fixture, turns: usize, states: &mut PrivacyByRevision, after_each: impl Fn(Revision)) {
    for private in (0..turns).map(|at| at % 2 == 0) {
        let change = |group| if private { PolicyChange::MakePrivate(group) } else { PolicyChange::MakePublic(group) };
        let revision = fixture.filter.update_policy(&user("root"), change(group("council").into())).unwrap();
        states.insert(revision, private);
        after_each(revision);
    }
}

/// Asserts that each decision has the verdict of its revision, and a revision not older than at the start of its
/// delivery.
fn check(fixture: &Fixture, states: &PrivacyByRevision, floors: &BTreeMap<String, u64>) {
    let mut revisions = std::collections::BTreeSet::new();
    let stored = fixture.everything();
    assert!(stored.len() >= floors.len(), "{} of {} are stored", stored.len(), floors.len());
    for stored in stored {
        let (id, decision) = (stored.activity().id().as_str(), stored.decision());
        let (delivery, name) = id.rsplit_once('-').unwrap();
        let floor = floors[delivery];
        assert!(decision.policy().number() >= floor, "{id} began under {floor} and is decided {}", decision.policy());
        let expected = name == "adele" && states[&decision.policy()];
        assert_eq!(decision.visibility() == Visibility::Private, expected, "{id}: the verdict of its revision");
        revisions.insert(decision.policy());
    }
    assert!(revisions.len() > 1, "the policy changed during the ingest");
    // No activity is stored after one of a later revision.
    let (mut place, mut newest) = (Offset::START, begun_with(states));
    loop {
        let ForwardBatch { activities, next, .. } = fixture.filter.forward(&place, PageSize::MAX).unwrap();
        for public in &activities {
            assert!(public.decision().policy() >= newest, "stored under {} after {newest}", public.decision().policy());
            newest = public.decision().policy();
        }
        if activities.is_empty() {
            break;
        }
        place = next;
    }
}

#[test]
fn d5_no_thread_stores_under_stale_policy() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in fixtures(dir.path()) {
        race(&fixture, &fixture);
    }
}

#[test]
fn d5_handles_on_one_file_share_fence() {
    let dir = tempfile::tempdir().unwrap();
    let [_, one] = fixtures(dir.path());
    let other = open(dir.path());
    race(&one, &other);
}

/// Delivers in several threads, most of them on one handle, while the policy changes on another.
fn race(changing: &Fixture, delivering: &Fixture) {
    const DELIVERERS: usize = 3;
    let begun = changing.filter.policy().unwrap().revision();
    let (floor, done, delivered) = (AtomicU64::new(begun.number()), AtomicBool::new(false), AtomicU64::new(0));
    let mut states = PrivacyByRevision::from([(begun, false)]);
    let mut floors = BTreeMap::new();
    thread::scope(|scope| {
        let deliverers: Vec<_> = (0..DELIVERERS)
            .map(|deliverer| {
                let (floor, done, delivered) = (&floor, &done, &delivered);
                let fixture = if deliverer == 0 { changing } else { delivering };
                scope.spawn(move || {
                    let mut floors = BTreeMap::new();
                    for count in 0.. {
                        if done.load(Ordering::SeqCst) {
                            break;
                        }
                        let id = format!("{deliverer}-{count}");
                        floors.insert(id.clone(), floor.load(Ordering::SeqCst));
                        assert_eq!(fixture.ingest(&pair(&id)), [IngestOutcome::Stored; 2]);
                        delivered.fetch_add(1, Ordering::SeqCst);
                    }
                    floors
                })
            })
            .collect();
        turn(changing, 20, &mut states, |revision| {
            floor.store(revision.number(), Ordering::SeqCst);
            // Waits for a delivery under each revision, so that each change finds compiled policies.
            let before = delivered.load(Ordering::SeqCst);
            while delivered.load(Ordering::SeqCst) < before + 2 {
                thread::yield_now();
            }
        });
        done.store(true, Ordering::SeqCst);
        for deliverer in deliverers {
            floors.extend(deliverer.join().unwrap());
        }
    });
    check(changing, &states, &floors);
}

#[test]
fn d5_stale_node_decides_again() {
    let dir = tempfile::tempdir().unwrap();
    let [_, one] = fixtures(dir.path());
    let other = open(dir.path());
    let activities = |id: &str| [activity(&format!("{id}-adele"), "adele"), activity(&format!("{id}-bob"), "bob")];
    // Both handles have compiled the first policy. Each change is made on one and met on the other.
    for (change, adele) in [
        (PolicyChange::MakePrivate(group("council").into()), true),
        (PolicyChange::MakePublic(group("council").into()), false),
    ] {
        for (name, changing, stale) in [("a", &one, &other), ("b", &other, &one)] {
            let back = match &change {
                PolicyChange::MakePrivate(group) => PolicyChange::MakePublic(group.clone()),
                _ => PolicyChange::MakePrivate(group("council").into()),
            };
            let _ = changing.filter.update_policy(&user("root"), &back);
            let id = format!("{name}-{adele}");
            stale.ingest(&activities(&format!("{id}-before")));
            changing.update_policy(change.clone());
            stale.ingest(&activities(&id));
            assert_eq!(stale.is_private(&format!("{id}-adele")), adele);
            assert_eq!(stale.is_private(&format!("{id}-before-adele")), !adele);
            assert!(!stale.is_private(&format!("{id}-bob")));
        }
    }
}

#[test]
fn d5_stale_node_accepts_what_new_policy_accepts() {
    let dir = tempfile::tempdir().unwrap();
    let [_, one] = fixtures(dir.path());
    let other = open(dir.path());
    let leave_out = ScopeRule::exclude(group("council"), ScopeTarget::AllApps);
    one.update_policy(PolicyChange::AddScopeRule(leave_out.clone()));
    assert_eq!(other.ingest(&[activity("a", "adele")]), [IngestOutcome::NotMonitored]);
    one.update_policy(PolicyChange::RemoveScopeRule(leave_out));
    assert_eq!(other.ingest(&[activity("a", "adele")]), [IngestOutcome::Stored]);

    let options = |on_undecidable| PolicyChange::SetOptions(OptionsPatch::new().on_undecidable(on_undecidable));
    one.update_policy(options(OnUndecidable::Reject));
    let refused = other.filter.ingest(&[by("b", Actor::unknown())]);
    assert!(matches!(refused, Err(IngestError::Undecidable(_))), "{refused:?}");
    one.update_policy(options(OnUndecidable::Hide));
    assert_eq!(other.ingest(&[by("b", Actor::unknown())]), [IngestOutcome::Stored]);
    one.update_policy(options(OnUndecidable::Reject));
    assert!(other.filter.ingest(&[by("c", Actor::unknown())]).is_err());
    assert_eq!(other.everything().len(), 2);
}

#[test]
fn d5_batch_during_change_has_one_revision() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in fixtures(dir.path()) {
        const BATCH: usize = 40;
        let (done, batches) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut states = PrivacyByRevision::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                for batch in 0.. {
                    if done.load(Ordering::SeqCst) {
                        break;
                    }
                    let ids = (0..BATCH).map(|at| format!("{batch}-{at}"));
                    fixture.ingest(&ids.map(|id| activity(&id, "adele")).collect::<Vec<_>>());
                    batches.fetch_add(1, Ordering::SeqCst);
                }
            });
            turn(&fixture, 12, &mut states, |_| {
                let before = batches.load(Ordering::SeqCst);
                while batches.load(Ordering::SeqCst) == before {
                    thread::yield_now();
                }
            });
            done.store(true, Ordering::SeqCst);
        });
        let mut revisions: BTreeMap<String, Vec<(Revision, Option<DirectoryRevision>)>> = BTreeMap::new();
        for stored in fixture.everything() {
            let (batch, _) = stored.activity().id().as_str().split_once('-').unwrap();
            let decision = stored.decision();
            revisions.entry(batch.to_owned()).or_default().push((decision.policy(), decision.directory()));
        }
        assert!(revisions.len() > 3);
        for (batch, mut revisions) in revisions {
            assert_eq!(revisions.len(), BATCH, "batch {batch} is stored as a whole");
            revisions.dedup();
            assert_eq!(revisions.len(), 1, "batch {batch} is under one revision");
        }
    }
}

/// The folder of the files, set if this process is the child.
const CHILD: &str = "ACTIVITY_PRIVACY_FENCING_CHILD";

/// Not a test of its own: the other process. Delivers until it is stopped, and writes for each delivery the revision
/// that was known to be in force before it.
#[test]
fn d5_child_process() {
    let Some(dir) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let fixture = open(&dir);
    let mut log = fs::File::create(dir.join("log")).unwrap();
    for count in 0.. {
        if dir.join("stop").exists() {
            break;
        }
        let floor = fs::read_to_string(dir.join("floor")).unwrap();
        let id = format!("child-{count}");
        assert_eq!(fixture.ingest(&pair(&id)), [IngestOutcome::Stored; 2]);
        writeln!(log, "{id} {floor}").unwrap();
    }
}

#[test]
fn d5_processes_on_one_file_share_fence() {
    let dir = tempfile::tempdir().unwrap();
    let [_, fixture] = fixtures(dir.path());
    let begun = fixture.filter.policy().unwrap().revision();
    let tell = |revision: Revision| {
        // Renamed into place, so that the child never reads a partial file.
        fs::write(dir.path().join("next"), revision.to_string()).unwrap();
        fs::rename(dir.path().join("next"), dir.path().join("floor")).unwrap();
    };
    tell(begun);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "d5_child_process"])
        .env(CHILD, dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines = || fs::read_to_string(dir.path().join("log")).map_or(0, |log| log.lines().count());
    let mut wait_for_more = {
        let child = &mut child;
        move || {
            let before = lines();
            while lines() < before + 2 {
                assert!(child.try_wait().unwrap().is_none(), "the child runs until the test stops it");
                thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    };
    wait_for_more();
    let mut states = PrivacyByRevision::from([(begun, false)]);
    let wait_for_more = std::cell::RefCell::new(wait_for_more);
    turn(&fixture, 16, &mut states, |revision| {
        tell(revision);
        (wait_for_more.borrow_mut())();
    });
    fs::write(dir.path().join("stop"), "").unwrap();
    assert!(child.wait().unwrap().success());

    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    let floors: BTreeMap<String, u64> = log
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(id, floor)| (id.to_owned(), floor.parse().unwrap()))
        .collect();
    assert!(floors.len() > 16);
    check(&fixture, &states, &floors);
    // Both processes wrote to one governance log, and its sequence numbers have no gap.
    let sequences: Vec<u64> = fixture.records().iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>());
}
