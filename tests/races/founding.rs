//! Two who found the policy at once.

use activity_privacy::*;
use shuttle::thread;

use super::explore::explore;
use super::scene::*;
use crate::house::*;

#[test]
fn p1_of_two_founders_one_wins() {
    explore(|| {
        let scene = Scene::new();
        let [one, other] = thread::scope(|scope| {
            ["one", "other"]
                .map(|name| {
                    let builder = scene.builder(directory(council(1)));
                    scope.spawn(move || builder.found(user(name)).map(drop))
                })
                .map(|founder| founder.join().unwrap())
        });
        let winner = match (one, other) {
            (Ok(()), Err(OpenError::AlreadyFounded)) => "one",
            (Err(OpenError::AlreadyFounded), Ok(())) => "other",
            (one, other) => panic!("{one:?} and {other:?}"),
        };
        let policy = scene.store.policy().unwrap().unwrap();
        assert_eq!(policy.revision(), Revision::FIRST);
        assert!(policy.may_manage_privacy(&user(winner)).is_ok());
        assert_eq!(policy.admins().len(), 1);
        let done = scene.records().into_iter().filter(|entry| matches!(entry.record.outcome, Outcome::Done { .. }));
        let founders: Vec<_> = done.map(|entry| entry.record.initiator).collect();
        assert_eq!(founders, [Initiator::User(user(winner))]);
    });
}

#[test]
fn p1_nodes_that_open_or_found_agree() {
    explore(|| {
        let scene = Scene::new();
        let [one, other] = thread::scope(|scope| {
            ["one", "other"]
                .map(|name| {
                    let builder = scene.builder(directory(council(1)));
                    scope.spawn(move || builder.open_or_found(user(name)).unwrap())
                })
                .map(|founder| founder.join().unwrap())
        });
        assert_eq!(one.policy().unwrap(), other.policy().unwrap());
        assert_eq!(one.policy().unwrap().admins().len(), 1);
    });
}
