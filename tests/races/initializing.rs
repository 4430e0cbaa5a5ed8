//! Two administrators who initialize the policy concurrently.

use activity_privacy::filter::OpenError;
use activity_privacy::governance::{Initiator, Outcome};
use activity_privacy::policy::{Administrators, Revision};
use activity_privacy::store::ActivityStore;
use shuttle::thread;

use super::explore::explore;
use super::scene::*;
use crate::fixture::*;

#[test]
fn p1_one_of_two_initializations_wins() {
    explore(|| {
        let scene = Scene::new();
        let [one, other] = thread::scope(|scope| {
            ["one", "other"]
                .map(|name| {
                    let builder = scene.builder(directory(council(1)));
                    scope.spawn(move || builder.initialize(Administrators::only_one(user(name))).map(drop))
                })
                .map(|node| node.join().unwrap())
        });
        let winner = match (one, other) {
            (Ok(()), Err(OpenError::AlreadyInitialized)) => "one",
            (Err(OpenError::AlreadyInitialized), Ok(())) => "other",
            (one, other) => panic!("{one:?} and {other:?}"),
        };
        let policy = scene.store.policy().unwrap().unwrap();
        assert_eq!(policy.revision(), Revision::FIRST);
        assert!(policy.may_manage_privacy(&user(winner)).is_ok());
        assert_eq!(policy.admins().len(), 1);
        let done = scene.records().into_iter().filter(|entry| matches!(entry.record.outcome, Outcome::Done { .. }));
        let initiators: Vec<_> = done.map(|entry| entry.record.initiator).collect();
        // The other filter may find a published intent without an outcome, and then records the outcome.
        assert!(matches!(initiators.len(), 1 | 2), "{initiators:?}");
        assert!(initiators.iter().all(|initiator| *initiator == Initiator::User(user(winner))), "{initiators:?}");
    });
}

#[test]
fn p1_nodes_opening_or_initializing_concurrently_agree() {
    explore(|| {
        let scene = Scene::new();
        let [one, other] = thread::scope(|scope| {
            ["one", "other"]
                .map(|name| {
                    let builder = scene.builder(directory(council(1)));
                    scope.spawn(move || builder.open_or_initialize(Administrators::only_one(user(name))).unwrap())
                })
                .map(|node| node.join().unwrap())
        });
        assert_eq!(one.policy().unwrap(), other.policy().unwrap());
        assert_eq!(one.policy().unwrap().admins().len(), 1);
    });
}
