//! Two administrators change the policy concurrently over one store. Every confirmed change is in the policy, or a
//! later record shows that it was changed again.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use activity_privacy::filter::UpdatePolicyError;
use activity_privacy::governance::{ChangeSummary, Event, FailureReason, Initiator, Outcome, Record, RecordEntry};
use activity_privacy::policy::{
    GroupRef, OptionsPatch, PolicyChange, PolicyError, PolicyUpdate, PrivacyPolicy, Purpose, Revision, Role,
};

use crate::fixture::*;
use crate::place::{Place, places};

const ROUNDS: u32 = 1_000;
const ADMINS: [&str; 2] = ["root", "deputy"];
const GROUPS: [&str; 3] = ["council", "board", "youth"];
const ANALYSTS: [&str; 2] = ["ann", "bob"];

/// The settings of a policy by name, each with its value.
type Settings = BTreeMap<String, String>;

/// Returns every setting of a policy.
fn settings(policy: &PrivacyPolicy) -> Settings {
    let document = serde_json::to_value(policy).unwrap();
    let mut settings = Settings::new();
    for (name, value) in document["options"].as_object().unwrap().iter().filter(|(name, _)| *name != "purposes") {
        settings.insert(format!("option {name}"), value.to_string());
    }
    let mut present = |what: &str, name: String| settings.insert(format!("{what} {name}"), "yes".to_owned());
    for purpose in &policy.options().purposes {
        present("purpose", purpose.as_str().to_owned());
    }
    for group in policy.private_groups() {
        present("private", group.to_string());
    }
    for managed in policy.managed_domains() {
        present("domain", managed.domain().as_str().to_owned());
    }
    for user in policy.grants().keys() {
        present("grant", user.as_str().to_owned());
    }
    for (user, role) in policy.admins() {
        settings.insert(format!("admin {}", user.as_str()), format!("{role:?}"));
    }
    for rule in policy.scope() {
        settings.insert(format!("rule {rule:?}"), "yes".to_owned());
    }
    settings
}

/// Returns the effects of a recorded change, computed from the record. `None` means that the setting is absent.
fn effects(change: &ChangeSummary) -> Vec<(String, Option<String>)> {
    let yes = || Some("yes".to_owned());
    match change {
        ChangeSummary::MakePrivate(group) => vec![(format!("private {group}"), yes())],
        ChangeSummary::MakePublic(group) => vec![(format!("private {group}"), None)],
        ChangeSummary::ManageDomain { domain, .. } => vec![(format!("domain {}", domain.as_str()), yes())],
        ChangeSummary::UnmanageDomain(domain) => vec![(format!("domain {}", domain.as_str()), None)],
        ChangeSummary::Grant(user) => vec![(format!("grant {}", user.as_ref().unwrap().as_str()), yes())],
        ChangeSummary::Revoke(user) => vec![(format!("grant {}", user.as_ref().unwrap().as_str()), None)],
        ChangeSummary::SetOptions(patch) => {
            let document = serde_json::to_value(patch).unwrap();
            let mut effects = Vec::new();
            for (name, value) in document.as_object().unwrap() {
                let purposes = value.as_array().into_iter().flatten().map(|purpose| purpose.as_str().unwrap());
                match name.as_str() {
                    "add_purposes" => effects.extend(purposes.map(|purpose| (format!("purpose {purpose}"), yes()))),
                    "remove_purposes" => effects.extend(purposes.map(|purpose| (format!("purpose {purpose}"), None))),
                    option => effects.push((format!("option {option}"), Some(value.to_string()))),
                }
            }
            effects
        }
        other => panic!("unexpected change {other:?}"),
    }
}

/// Returns the changes of an administrator in a round: settings that only one of them changes, or both.
fn changes(admin: usize, round: u32) -> Vec<PolicyChange> {
    let on = round.is_multiple_of(2);
    let choice = round as usize / 2 + admin;
    let group: GroupRef = group(GROUPS[choice % GROUPS.len()]).into();
    let analyst = ANALYSTS[choice % ANALYSTS.len()];
    let purpose = Purpose::new(ADMINS[admin]).unwrap();
    let patch = match choice % 4 {
        0 => OptionsPatch::new().include_objects(on),
        1 => OptionsPatch::new().approvals_required(round + admin as u32),
        2 if on => OptionsPatch::new().add_purpose(purpose),
        2 => OptionsPatch::new().remove_purpose(purpose),
        _ => OptionsPatch::new().justification_required(on).self_approval_allowed(!on),
    };
    let of_group = if on { PolicyChange::MakePrivate(group) } else { PolicyChange::MakePublic(group) };
    let of_grant = if on {
        PolicyChange::Grant(alias(&format!("{analyst}@contoso.com")))
    } else {
        PolicyChange::Revoke(user(analyst).into())
    };
    let mut all = vec![of_group, of_grant, PolicyChange::SetOptions(patch)];
    // One of the three changes, two of them, or all.
    all.rotate_left(round as usize % 3);
    all.truncate(1 + (round as usize / 3 + admin) % 3);
    all
}

/// Returns one node for each administrator.
fn nodes(place: &Place) -> [Fixture; 2] {
    let nodes = ADMINS.map(|_| place.fixture());
    for fixture in &nodes {
        fixture.install(people(&[("adele", &GROUPS), ("ann", &[]), ("bob", &[])]));
    }
    nodes[0]
        .manage("contoso.com")
        .update_policy(ANALYSTS.map(|name| PolicyChange::SetAdmin(user(name), Role::Analyst)));
    nodes
}

/// Runs both administrators concurrently, round by round. Returns their answers.
fn race<T: Send>(nodes: &[Fixture; 2], rounds: u32, event: impl Fn(&Fixture, usize, u32) -> T + Sync) -> Vec<[T; 2]> {
    let start = Barrier::new(2);
    let [ones, others] = thread::scope(|scope| {
        [0, 1]
            .map(|admin| {
                let (start, event, fixture) = (&start, &event, &nodes[admin]);
                scope.spawn(move || {
                    (0..rounds)
                        .map(|round| {
                            start.wait();
                            event(fixture, admin, round)
                        })
                        .collect::<Vec<_>>()
                })
            })
            .map(|administrator| administrator.join().unwrap())
    });
    ones.into_iter().zip(others).map(|(one, other)| [one, other]).collect()
}

#[test]
fn p1_racing_administrators_lose_no_change() {
    for place in places() {
        let nodes = nodes(&place);
        let mut said = settings(&nodes[0].filter.policy().unwrap());
        let before = nodes[0].records().len();
        let answers = race(&nodes, ROUNDS, |fixture, admin, round| {
            let update = PolicyUpdate::from(changes(admin, round));
            match fixture.filter.update_policy(&user(ADMINS[admin]), update) {
                Ok(revision) => Some(revision),
                Err(UpdatePolicyError::Invalid(PolicyError::Unchanged)) => None,
                Err(error) => panic!("{error:?}"),
            }
        });
        // The confirmed updates, by the revision that each made.
        let mut made: BTreeMap<u64, (usize, u32)> = BTreeMap::new();
        for (round, answers) in (0..).zip(answers) {
            for (admin, revision) in answers.into_iter().enumerate() {
                let other = revision.and_then(|revision| made.insert(revision.number(), (admin, round)));
                assert_eq!(other, None, "one update makes a revision");
            }
        }
        // Applies the recorded updates in order. The result is the policy in force.
        let mut done = 0;
        let mut raced = 0;
        let records = nodes[0].records().split_off(before);
        for entry in &records {
            let Event::ChangePolicy(summaries) = &entry.record.event else { continue };
            raced +=
                usize::from(matches!(entry.record.outcome, Outcome::Failed { reason: FailureReason::Superseded, .. }));
            if !matches!(entry.record.outcome, Outcome::Done { .. }) {
                continue;
            }
            done += 1;
            let (admin, round) = made[&(entry.record.policy.unwrap().number() + 1)];
            assert_eq!(entry.record.initiator, Initiator::User(user(ADMINS[admin])));
            assert_eq!(summaries.len(), changes(admin, round).len());
        }
        assert_eq!(done, made.len(), "each update is recorded once");
        let done = |entry: &&RecordEntry| matches!(entry.record.outcome, Outcome::Done { .. });
        let mut in_order: Vec<&Record> = records.iter().filter(done).map(|entry| &entry.record).collect();
        in_order.sort_by_key(|record| record.policy);
        for record in in_order {
            let Event::ChangePolicy(summaries) = &record.event else { panic!("{record:?}") };
            for (thing, is) in summaries.iter().flat_map(effects) {
                match is {
                    Some(is) => said.insert(thing, is),
                    None => said.remove(&thing),
                };
            }
        }
        for fixture in &nodes {
            assert_eq!(
                settings(&fixture.filter.policy().unwrap()),
                said,
                "confirmed changes are in force, and nothing else changed"
            );
        }
        println!("{} updates made, {raced} superseded and retried", made.len());
        assert!(raced > 0, "no updates raced");
    }
}

#[test]
fn p1_one_of_two_updates_for_revision_wins() {
    for place in places() {
        let nodes = nodes(&place);
        let answers = race(&nodes, 200, |fixture, admin, round| {
            // Both begin with the policy of the previous round.
            let seen = Revision::from_number(3 + u64::from(round));
            let patch = OptionsPatch::new().approvals_required(2 * round + admin as u32 + 1);
            let update = PolicyUpdate::from([PolicyChange::SetOptions(patch)]).made_for(seen);
            fixture.filter.update_policy(&user(ADMINS[admin]), update)
        });
        for (round, answers) in (0_u32..).zip(answers) {
            let next = Revision::from_number(4 + u64::from(round));
            let won = answers.iter().filter(|answer| matches!(answer, Ok(revision) if *revision == next)).count();
            let refused = answers.iter().filter(|answer| {
                matches!(answer, Err(UpdatePolicyError::Invalid(PolicyError::MovedOn { in_force, .. })) if *in_force == next)
            });
            assert_eq!((won, refused.count()), (1, 1), "round {round}: {answers:?}");
        }
        let refusals = nodes[0]
            .records()
            .into_iter()
            .filter(|entry| matches!(entry.record.outcome, Outcome::Invalid(PolicyError::MovedOn { .. })));
        assert_eq!(refusals.count(), 200, "each rejection is recorded");
    }
}
