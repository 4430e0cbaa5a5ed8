//! Several changes in one update: they make one revision with one pair of records, or none of them is applied.

use activity_privacy::directory::User;
use activity_privacy::filter::{DryRunError, UpdatePolicyError};
use activity_privacy::governance::{ChangeSummary, Event, Outcome, PolicyUpdateError, RecordKind, RecordQuery};
use activity_privacy::policy::{
    Administrators, OptionsPatch, PolicyChange, PolicyError, PolicyOptions, PolicyUpdate, Role, SameAdministrator,
};
use activity_privacy::query::PageSize;

use crate::fixture::*;
use crate::place::places;

fn private(name: &str) -> PolicyChange {
    PolicyChange::MakePrivate(group(name).into())
}

fn grant(name: &str) -> PolicyChange {
    PolicyChange::Grant(alias(&format!("{name}@contoso.com")))
}

fn populated(fixture: &Fixture) -> &Fixture {
    fixture.install(people(&[("adele", &["council"]), ("bob", &["board"]), ("ann", &[])]))
}

fn refused(fixture: &Fixture, update: impl Into<PolicyUpdate>) -> PolicyError {
    let before = fixture.filter.policy().unwrap();
    let UpdatePolicyError::Invalid(error) = fixture.filter.update_policy(&user("root"), update).unwrap_err() else {
        panic!("invalid")
    };
    assert_eq!(fixture.filter.policy().unwrap(), before, "no change of the update is applied");
    assert_eq!(
        fixture.records().last().unwrap().record.outcome,
        Outcome::Invalid(error.clone()),
        "the rejection is recorded"
    );
    error
}

#[test]
fn p1_update_makes_one_revision_and_one_record_pair() {
    for place in places() {
        let fixture = place.fixture();
        let (before, records) = (populated(&fixture).filter.policy().unwrap().revision(), fixture.records().len());
        let patch = OptionsPatch::new().approvals_required(2);
        let analyst = PolicyChange::SetAdmin(user("ann"), Role::Analyst);
        let changes = [private("council"), analyst, grant("ann"), PolicyChange::SetOptions(patch.clone())];
        let revision = fixture.filter.update_policy(&user("root"), changes).unwrap();
        assert_eq!(revision.number(), before.number() + 1);
        let policy = fixture.filter.policy().unwrap();
        assert_eq!(policy.private_groups().len(), 1);
        assert_eq!(policy.options(), &PolicyOptions::builder().approvals_required(2).build());
        assert_eq!(policy.grants()[&user("ann")].granted_in(), revision);
        let records = fixture.records().split_off(records);
        let [intent, outcome] = &records[..] else { panic!("{records:?}") };
        assert_eq!((&intent.record.outcome, intent.record.policy), (&Outcome::Intended, Some(before)));
        assert_eq!(outcome.record.outcome, Outcome::Done { intent: intent.record.id });
        let summaries = vec![
            ChangeSummary::MakePrivate(group("council").into()),
            ChangeSummary::SetAdmin(user("ann"), Role::Analyst),
            ChangeSummary::Grant(Some(user("ann"))),
            ChangeSummary::SetOptions(patch),
        ];
        assert_eq!(intent.record.event, Event::ChangePolicy(summaries));
        assert_eq!(outcome.record.event, intent.record.event);
    }
}

#[test]
fn p1_one_invalid_change_rejects_update_and_is_named() {
    for place in places() {
        let fixture = place.fixture();
        populated(&fixture);
        let unknown = refused(&fixture, [private("council"), private("ghost"), grant("nobody")]);
        let reason = Box::new(PolicyError::UnknownGroup(group("ghost")));
        assert_eq!(unknown, PolicyError::InUpdate { index: 1, reason });
        assert!(unknown.to_string().contains("index 1"), "{unknown}");
        let summaries = vec![
            ChangeSummary::MakePrivate(group("council").into()),
            ChangeSummary::MakePrivate(group("ghost").into()),
            ChangeSummary::Grant(None),
        ];
        assert_eq!(
            fixture.records().last().unwrap().record.event,
            Event::ChangePolicy(summaries),
            "the record contains every change"
        );
        let gone = ["root", "deputy"].map(|name| PolicyChange::RemoveAdmin(user(name)));
        let [root, deputy] = gone.clone();
        let last = PolicyError::InUpdate { index: 1, reason: Box::new(PolicyError::LastAdministrator) };
        assert_eq!(refused(&fixture, [root, deputy, private("council")]), last);
        // A single change needs no number.
        assert_eq!(refused(&fixture, private("ghost")), PolicyError::UnknownGroup(group("ghost")));
        // Other users replace them.
        let [root, deputy] = gone;
        let other = PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator);
        assert!(fixture.filter.update_policy(&user("root"), [root, deputy, other]).is_ok());
    }
}

#[test]
fn p1_update_without_effect_is_rejected() {
    let fixture = Fixture::new();
    populated(&fixture).make_private("council").permit_root();
    assert_eq!(refused(&fixture, PolicyUpdate::default()), PolicyError::Unchanged);
    assert_eq!(
        refused(&fixture, [private("council"), PolicyChange::SetOptions(OptionsPatch::new())]),
        PolicyError::Unchanged
    );
    assert_eq!(
        refused(&fixture, [private("board"), PolicyChange::MakePublic(group("board").into())]),
        PolicyError::Unchanged
    );
    fixture.update_policy([private("council"), private("board")]);
    assert_eq!(fixture.filter.policy().unwrap().private_groups().len(), 2);
}

/// Each change applies to the policy that the changes before it made.
#[test]
fn p1_changes_of_one_update_apply_in_order() {
    let fixture = Fixture::new();
    populated(&fixture).advance(8 * 86_400);
    let old = OptionsPatch::new().max_directory_age(None);
    let told = refused(&fixture, [private("council"), PolicyChange::SetOptions(old.clone())]);
    assert_eq!(told, PolicyError::InUpdate { index: 0, reason: Box::new(PolicyError::NoDirectory) });
    fixture.update_policy([PolicyChange::SetOptions(old), private("council")]);
    let made_out = |to: &str| people(&[]).user(User::new(user(to)).with_alias(alias("boss@contoso.com")));
    fixture.install(made_out("ann")).update_policy([PolicyChange::SetAdmin(user("ann"), Role::Analyst), grant("boss")]);
    // The name moves to another user. The first revocation ends the old grant, the second the new one.
    fixture.install(made_out("amy"));
    let revoke = || PolicyChange::Revoke(alias("boss@contoso.com").into());
    fixture.update_policy([PolicyChange::SetAdmin(user("amy"), Role::Analyst), revoke(), grant("boss"), revoke()]);
    let Event::ChangePolicy(summaries) = fixture.records().pop().unwrap().record.event else { panic!("a change") };
    let revoked = [&summaries[1], &summaries[3]];
    assert_eq!(revoked, ["ann", "amy"].map(|name| ChangeSummary::Revoke(Some(user(name)))).each_ref());
    assert!(fixture.filter.policy().unwrap().grants().is_empty());
}

#[test]
fn p1_update_for_older_revision_is_rejected() {
    for place in places() {
        let fixture = place.fixture();
        let seen = populated(&fixture).filter.policy().unwrap().revision();
        let update = |name: &str| PolicyUpdate::from([private(name)]).made_for(seen);
        fixture.update_policy(update("council"));
        let in_force = fixture.filter.policy().unwrap().revision();
        let moved_on = PolicyError::MovedOn { made_for: seen, in_force };
        assert_eq!(refused(&fixture, update("board")), moved_on);
        assert!(moved_on.to_string().contains(&format!("revision {in_force} is in force")), "{moved_on}");
        let dry = fixture.filter.dry_run(&user("root"), update("board"), 1).unwrap_err();
        assert!(
            matches!(dry, DryRunError::Rejected(PolicyUpdateError::Invalid(PolicyError::MovedOn { .. }))),
            "{dry:?}"
        );
        fixture.update_policy(update("board").made_for(in_force));
    }
}

#[test]
fn d13_dry_run_of_several_changes_adds_up() {
    let fixture = Fixture::new();
    populated(&fixture);
    let run = fixture.filter.dry_run(&user("root"), [private("council"), private("board")], 0).unwrap();
    assert_eq!(run.hidden().users(), 2);
}

#[test]
fn g3_record_of_update_is_found_by_each_change() {
    for place in places() {
        let fixture = place.fixture();
        populated(&fixture).update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
        fixture.update_policy([
            private("council"),
            grant("ann"),
            PolicyChange::SetAdmin(user("bob"), Role::Analyst),
            grant("bob"),
        ]);
        let expected: Vec<u64> = fixture.records().iter().rev().take(2).rev().map(|entry| entry.sequence).collect();
        let found = |kind, target: Option<&str>| -> Vec<u64> {
            let query = RecordQuery { kind, target: target.map(str::to_owned), ..RecordQuery::default() };
            let found = fixture.filter.governance_records(&user("root"), &query, 0, PageSize::MAX).unwrap();
            found.iter().map(|entry| entry.sequence).collect()
        };
        for target in ["council", "bob"] {
            for kind in [None, Some(RecordKind::Grant), Some(RecordKind::PolicyChange)] {
                assert_eq!(found(kind, Some(target)), expected, "{kind:?} of {target}");
            }
            assert!(found(Some(RecordKind::Revocation), Some(target)).is_empty());
        }
        assert_eq!(found(Some(RecordKind::Grant), None), expected);
        assert!(found(None, Some("counci")).is_empty() && found(None, Some("ann\nbob")).is_empty());
        fixture.update_policy([
            PolicyChange::Revoke(user("bob").into()),
            PolicyChange::MakePublic(group("council").into()),
        ]);
        let revoked = found(Some(RecordKind::Revocation), Some("council"));
        assert_eq!(revoked.len(), 2);
        assert_eq!(found(Some(RecordKind::Grant), Some("bob")), expected);
    }
}

#[test]
fn p1_initialization_records_both_administrators() {
    let fixture = Fixture::new();
    let event = Event::InitializePolicy { administrators: [user("deputy"), user("root")].into() };
    let records = fixture.records();
    assert!(records.len() == 2 && records.iter().all(|entry| entry.record.event == event));
    for name in ["root", "deputy"] {
        assert!(fixture.filter.policy().unwrap().may_manage_privacy(&user(name)).is_ok());
        let query = RecordQuery { target: Some(name.to_owned()), ..RecordQuery::default() };
        assert_eq!(fixture.sink.records(&query, 0, 9).unwrap(), records);
    }
    assert_eq!(Administrators::new(user("root"), user("root")), Err(SameAdministrator));
}

#[test]
fn p3_update_cannot_allow_its_own_grant() {
    for place in places() {
        let fixture = place.fixture();
        populated(&fixture);
        let allowed = |is_allowed| PolicyChange::SetOptions(OptionsPatch::new().self_grant_allowed(is_allowed));
        let told = refused(&fixture, [allowed(true), grant("root"), allowed(false)]);
        assert_eq!(told, PolicyError::InUpdate { index: 1, reason: Box::new(PolicyError::SelfGrant) });
        assert!(fixture.filter.policy().unwrap().grants().is_empty());
    }
}
