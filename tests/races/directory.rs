//! D11: imports that race ingests, policy changes and directory reconciliation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use activity_privacy::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory};
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::policy::{GroupRef, PolicyChange};
use activity_privacy::store::ActivityStore;
use shuttle::thread;

use super::explore::explore;
use super::scene::*;
use crate::fixture::*;

/// Returns the only member of the council at this directory revision. Each import replaces the member.
fn seat(revision: u64) -> &'static str {
    if revision % 2 == 1 { "adele" } else { "bob" }
}

fn seated(revision: u64) -> DirectorySnapshot {
    let member = |name| if seat(revision) == name { &["council"][..] } else { &[] };
    people(&[("adele", member("adele")), ("bob", member("bob"))]).build(DirectoryRevision(revision), at(0)).unwrap()
}

/// Checks that each stored activity was decided with one whole directory, no older than the directory at its batch's
/// start.
fn check(scene: &Scene, floors: &std::collections::BTreeMap<String, u64>) {
    let everything = scene.everything();
    assert_eq!(everything.len(), 2 * floors.len());
    for stored in everything {
        let revision = stored.decision().directory().unwrap().0;
        let batch = stored.activity().id().as_str().split_once('/').unwrap().0;
        assert!(revision >= floors[batch], "directory {revision} was superseded before the ingest began");
        assert_eq!(
            is_private(&stored),
            is_of(&stored, seat(revision)),
            "the whole decision is from directory {revision}"
        );
    }
}

#[test]
fn d11_racing_import_is_visible_whole_and_permanently() {
    explore(|| {
        let scene = Scene::with_private_council();
        let directory = directory(seated(1));
        let node = scene.node(Arc::clone(&directory));
        let (installed, floors) = (AtomicU64::new(1), Notes::new());
        thread::scope(|scope| {
            scope.spawn(|| {
                for revision in 2..4 {
                    directory.install(seated(revision)).unwrap();
                    installed.store(revision, Ordering::SeqCst);
                    node.reconcile_directory().unwrap();
                }
            });
            for number in 0..2 {
                let (node, installed, floors) = (&node, &installed, &floors);
                scope.spawn(move || {
                    for turn in 0..2 {
                        let batch = format!("{number}-{turn}");
                        floors.note(batch.clone(), installed.load(Ordering::SeqCst));
                        node.ingest(&both(&batch)).unwrap();
                    }
                });
            }
        });
        check(&scene, &floors.all());
    });
}

/// A directory that returns a snapshot some reads old, like an adapter over replicas.
struct Wavering {
    snapshots: [Arc<DirectorySnapshot>; 3],
    /// The snapshots that it returns, cyclically, by index.
    answers: &'static [usize],
    asked: AtomicU64,
}

impl Wavering {
    fn new(answers: &'static [usize]) -> Self {
        let snapshots = [1, 2, 3].map(|revision| Arc::new(seated(revision)));
        Self { snapshots, answers, asked: AtomicU64::new(0) }
    }
}

impl GroupDirectory for Wavering {
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) as usize;
        Ok(Arc::clone(&self.snapshots[self.answers[asked % self.answers.len()]]))
    }
}

#[test]
fn d11_older_directory_is_ignored() {
    explore(|| {
        let scene = Scene::with_private_council();
        let node = scene.node(Wavering::new(&[0, 1, 0, 2, 1, 0, 2]));
        let (seen, floors) = (AtomicU64::new(1), Notes::new());
        thread::scope(|scope| {
            // The change makes the filter read the directory. Until then its engine keeps the one it has.
            scope.spawn(|| {
                for change in [PolicyChange::MakePrivate, PolicyChange::MakePublic] {
                    node.update_policy(&user("root"), change(GroupRef::Applications)).unwrap();
                }
            });
            for number in 0..3 {
                let (node, seen, floors, scene) = (&node, &seen, &floors, &scene);
                scope.spawn(move || {
                    for turn in 0..2 {
                        let batch = format!("{number}-{turn}");
                        floors.note(batch.clone(), seen.load(Ordering::SeqCst));
                        node.ingest(&both(&batch)).unwrap();
                        // From here on no older directory may decide.
                        for stored in scene.everything() {
                            seen.fetch_max(stored.decision().directory().unwrap().0, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        check(&scene, &floors.all());
    });
}

#[test]
fn d11_newest_of_racing_snapshots_is_kept() {
    explore(|| {
        let scene = Scene::with_private_council();
        // The first answer opens the filter, the next two race, and the later ones show which of the two the filter
        // kept.
        let node = scene.node(Wavering::new(&[0, 1, 2, 0, 0, 0, 0, 0, 0]));
        thread::scope(|scope| {
            for batch in ["one", "other"] {
                let node = &node;
                scope.spawn(move || node.ingest(&both(batch)).unwrap());
            }
        });
        // The filter discards its engine and reads the directory again.
        scene.update_policy(PolicyChange::MakePrivate(GroupRef::Applications));
        node.ingest(&both("after")).unwrap();
        let floors = [("one", 1), ("other", 1), ("after", 3)].map(|(batch, floor)| (batch.to_owned(), floor));
        check(&scene, &floors.into());
    });
}

#[test]
fn d11_racing_imports_never_regress_or_lose_groups() {
    explore(|| {
        let directory = directory(council(1));
        thread::scope(|scope| {
            for revision in [2, 3, 4] {
                let directory = &directory;
                // Some imports are rejected because a later one was installed first.
                scope.spawn(move || directory.install(no_council(revision)));
            }
            scope.spawn(|| {
                let mut before = DirectoryRevision(1);
                for _ in 0..3 {
                    let snapshot = directory.snapshot().unwrap();
                    assert!(snapshot.revision() >= before);
                    let known = snapshot.group_name(&group("council")).is_some()
                        || snapshot.removed_group(&group("council")).is_some_and(|gone| gone.members().len() == 1);
                    assert!(known, "the council or its last members are known");
                    before = snapshot.revision();
                }
            });
        });
        assert_eq!(directory.snapshot().unwrap().revision(), DirectoryRevision(4));
    });
}

/// Checks that a new node, whose directory never contained the council, knows the last members.
fn check_new_node(scene: &Scene, batch: &str) {
    let node = scene.node(directory(no_council(9)));
    node.ingest(&both(batch)).unwrap();
    let everything = scene.everything();
    let of = |name: &str| {
        everything.iter().find(|stored| stored.activity().id().as_str() == format!("{batch}/{name}")).unwrap()
    };
    assert!(is_private(of("adele")), "the last members of the council still count");
    assert!(!is_private(of("bob")), "no other user counts as a member");
}

#[test]
fn d11_last_members_are_kept_in_any_order() {
    explore(|| {
        let scene = Scene::initialized();
        let directory = directory(council(1));
        let node = scene.node(Arc::clone(&directory));
        let (make_private, gone) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                let change = PolicyChange::MakePrivate(group("council").into());
                // Rejected if the council is removed first.
                make_private.store(u64::from(node.update_policy(&user("root"), &change).is_ok()), Ordering::SeqCst);
            });
            scope.spawn(|| {
                directory.install(no_council(2)).unwrap();
                gone.store(1, Ordering::SeqCst);
                node.reconcile_directory().unwrap();
            });
            scope.spawn(|| {
                for turn in 0..2 {
                    let private_before = make_private.load(Ordering::SeqCst) == 1;
                    let batch = format!("{turn}-{private_before}");
                    node.ingest(&both(&batch)).unwrap();
                }
            });
        });
        for stored in scene.everything() {
            let private_before = stored.activity().id().as_str().contains("true");
            assert!(!is_of(&stored, "bob") || !is_private(&stored), "a user outside the council is public");
            assert!(!private_before || is_of(&stored, "bob") || is_private(&stored), "the last members still count");
        }
        if make_private.load(Ordering::SeqCst) == 1 {
            check_new_node(&scene, "new");
        }
    });
}

#[test]
fn d11_late_reconciliation_keeps_groups_of_later_policy() {
    explore(|| {
        let scene = Scene::initialized();
        let late = scene.node(directory(council(1)));
        let directory = directory(council(1));
        let node = scene.node(Arc::clone(&directory));
        thread::scope(|scope| {
            scope.spawn(|| late.reconcile_directory().unwrap());
            scope.spawn(|| {
                node.update_policy(&user("root"), PolicyChange::MakePrivate(group("council").into())).unwrap();
                directory.install(no_council(2)).unwrap();
                node.reconcile_directory().unwrap();
            });
        });
        check_new_node(&scene, "new");
    });
}

#[test]
fn d11_nodes_merge_last_members_from_different_imports() {
    explore(|| {
        let scene = Scene::with_private_council();
        // One node missed the import in which Bob became a member.
        let seats = |revision, bob: &[&str]| {
            people(&[("adele", &["council"]), ("bob", bob), ("eve", &[])])
                .build(DirectoryRevision(revision), at(0))
                .unwrap()
        };
        let directories = [directory(seats(1, &[])), directory(seats(2, &["council"]))];
        let nodes = directories.each_ref().map(|directory| scene.node(Arc::clone(directory)));
        thread::scope(|scope| {
            for (directory, node) in directories.iter().zip(&nodes) {
                scope.spawn(move || {
                    install_without_council(directory);
                    node.reconcile_directory().unwrap();
                });
            }
        });
        let kept = scene.store.removed_groups(None).unwrap().unwrap().groups;
        let members: Vec<_> = kept[0].members().iter().map(|member| member.id().clone()).collect();
        assert_eq!((kept.len(), members.len()), (1, 2), "{members:?}");
    });
}

fn install_without_council(directory: &MemoryDirectory) {
    directory.install(no_council(3)).unwrap();
}
