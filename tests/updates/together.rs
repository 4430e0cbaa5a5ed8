//! Several changes are one revision with one pair of records, or none of them is made.

use activity_privacy::*;

use crate::house::*;
use crate::place::places;

fn private(name: &str) -> PolicyChange {
    PolicyChange::MakePrivate(group(name).into())
}

fn grant(name: &str) -> PolicyChange {
    PolicyChange::Grant(alias(&format!("{name}@contoso.com")))
}

fn furnished(house: &House) -> &House {
    house.install(people(&[("adele", &["council"]), ("bob", &["board"]), ("ann", &[])]))
}

fn refused(house: &House, update: impl Into<PolicyUpdate>) -> PolicyError {
    let before = house.filter.policy().unwrap();
    let ChangeError::Invalid(error) = house.filter.change(&user("root"), update).unwrap_err() else {
        panic!("invalid")
    };
    assert_eq!(house.filter.policy().unwrap(), before, "none of it is made");
    assert_eq!(
        house.records().last().unwrap().record.outcome,
        Outcome::Invalid(error.clone()),
        "and that is on record"
    );
    error
}

#[test]
fn p1_changes_made_together_are_one_revision_and_one_record_pair() {
    for place in places() {
        let house = place.house();
        let (before, records) = (furnished(&house).filter.policy().unwrap().revision(), house.records().len());
        let patch = OptionsPatch::new().approvals_required(2);
        let analyst = PolicyChange::SetAdmin(user("ann"), Role::Analyst);
        let changes = [private("council"), analyst, grant("ann"), PolicyChange::SetOptions(patch.clone())];
        let revision = house.filter.change(&user("root"), changes).unwrap();
        assert_eq!(revision.number(), before.number() + 1);
        let policy = house.filter.policy().unwrap();
        assert_eq!(policy.private_groups().len(), 1);
        assert_eq!(policy.options(), &PolicyOptions::builder().approvals_required(2).build());
        assert_eq!(policy.grants()[&user("ann")].granted_in(), revision);
        let records = house.records().split_off(records);
        let [intent, outcome] = &records[..] else { panic!("{records:?}") };
        assert_eq!((&intent.record.outcome, intent.record.policy), (&Outcome::Intended, Some(before)));
        assert_eq!(outcome.record.outcome, Outcome::Done { intent: intent.record.id });
        let summaries = vec![
            ChangeSummary::MakePrivate(group("council").into()),
            ChangeSummary::SetAdmin(user("ann"), Role::Analyst),
            ChangeSummary::Grant(Some(user("ann"))),
            ChangeSummary::SetOptions(patch),
        ];
        assert_eq!(intent.record.act, Act::ChangePolicy(summaries));
        assert_eq!(outcome.record.act, intent.record.act);
    }
}

#[test]
fn p1_one_misfit_refuses_all_and_is_named() {
    for place in places() {
        let house = place.house();
        furnished(&house);
        let unknown = refused(&house, [private("council"), private("ghost"), grant("nobody")]);
        let reason = Box::new(PolicyError::UnknownGroup(group("ghost")));
        assert_eq!(unknown, PolicyError::InUpdate { index: 1, reason });
        assert!(unknown.to_string().contains("index 1"), "{unknown}");
        let summaries = vec![
            ChangeSummary::MakePrivate(group("council").into()),
            ChangeSummary::MakePrivate(group("ghost").into()),
            ChangeSummary::Grant(None),
        ];
        assert_eq!(house.records().last().unwrap().record.act, Act::ChangePolicy(summaries), "all were tried");
        let gone = ["root", "deputy"].map(|name| PolicyChange::RemoveAdmin(user(name)));
        let [root, deputy] = gone.clone();
        let last = PolicyError::InUpdate { index: 1, reason: Box::new(PolicyError::LastAdministrator) };
        assert_eq!(refused(&house, [root, deputy, private("council")]), last);
        // Alone, a change needs no number.
        assert_eq!(refused(&house, private("ghost")), PolicyError::UnknownGroup(group("ghost")));
        // Somebody else comes in their place.
        let [root, deputy] = gone;
        let other = PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator);
        assert!(house.filter.change(&user("root"), [root, deputy, other]).is_ok());
    }
}

#[test]
fn p1_an_update_changes_something_or_is_refused() {
    let house = House::new();
    furnished(&house).make_private("council").permit_root();
    assert_eq!(refused(&house, PolicyUpdate::default()), PolicyError::Unchanged);
    assert_eq!(
        refused(&house, [private("council"), PolicyChange::SetOptions(OptionsPatch::new())]),
        PolicyError::Unchanged
    );
    assert_eq!(
        refused(&house, [private("board"), PolicyChange::MakePublic(group("board").into())]),
        PolicyError::Unchanged
    );
    house.change([private("council"), private("board")]);
    assert_eq!(house.filter.policy().unwrap().private_groups().len(), 2);
}

/// What the changes before it made of the policy counts for each.
#[test]
fn p1_changes_made_together_apply_in_order() {
    let house = House::new();
    furnished(&house).advance(8 * 86_400);
    let old = OptionsPatch::new().max_directory_age(None);
    let told = refused(&house, [private("council"), PolicyChange::SetOptions(old.clone())]);
    assert_eq!(told, PolicyError::InUpdate { index: 0, reason: Box::new(PolicyError::NoDirectory) });
    house.change([PolicyChange::SetOptions(old), private("council")]);
    let made_out = |to: &str| people(&[]).user(User::new(user(to)).with_alias(alias("boss@contoso.com")));
    house.install(made_out("ann")).change([PolicyChange::SetAdmin(user("ann"), Role::Analyst), grant("boss")]);
    // The name passes to somebody else. The first revocation is of the old grant, the second of the new one.
    house.install(made_out("amy"));
    let revoke = || PolicyChange::Revoke(alias("boss@contoso.com").into());
    house.change([PolicyChange::SetAdmin(user("amy"), Role::Analyst), revoke(), grant("boss"), revoke()]);
    let Act::ChangePolicy(summaries) = house.records().pop().unwrap().record.act else { panic!("a change") };
    let revoked = [&summaries[1], &summaries[3]];
    assert_eq!(revoked, ["ann", "amy"].map(|name| ChangeSummary::Revoke(Some(user(name)))).each_ref());
    assert!(house.filter.policy().unwrap().grants().is_empty());
}

#[test]
fn p1_an_update_made_for_an_older_revision_is_refused() {
    for place in places() {
        let house = place.house();
        let seen = furnished(&house).filter.policy().unwrap().revision();
        let update = |name: &str| PolicyUpdate::from([private(name)]).made_for(seen);
        house.change(update("council"));
        let in_force = house.filter.policy().unwrap().revision();
        let moved_on = PolicyError::MovedOn { made_for: seen, in_force };
        assert_eq!(refused(&house, update("board")), moved_on);
        assert!(moved_on.to_string().contains(&format!("revision {in_force} is in force")), "{moved_on}");
        let dry = house.filter.dry_run(&user("root"), update("board"), 1).unwrap_err();
        assert!(matches!(dry, DryRunError::Refused(ChangeRefusal::Invalid(PolicyError::MovedOn { .. }))), "{dry:?}");
        house.change(update("board").made_for(in_force));
    }
}

#[test]
fn d13_dry_run_of_several_changes_adds_up() {
    let house = House::new();
    furnished(&house);
    let run = house.filter.dry_run(&user("root"), [private("council"), private("board")], 0).unwrap();
    assert_eq!(run.hidden().users(), 2);
}

#[test]
fn g3_record_of_several_changes_is_found_by_each() {
    for place in places() {
        let house = place.house();
        furnished(&house).change(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
        house.change([
            private("council"),
            grant("ann"),
            PolicyChange::SetAdmin(user("bob"), Role::Analyst),
            grant("bob"),
        ]);
        let expected: Vec<u64> = house.records().iter().rev().take(2).rev().map(|entry| entry.sequence).collect();
        let found = |kind, target: Option<&str>| -> Vec<u64> {
            let query = RecordQuery { kind, target: target.map(str::to_owned), ..RecordQuery::default() };
            let found = house.filter.governance(&user("root"), &query, 0, PageSize::MAX).unwrap();
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
        house.change([PolicyChange::Revoke(user("bob").into()), PolicyChange::MakePublic(group("council").into())]);
        let revoked = found(Some(RecordKind::Revocation), Some("council"));
        assert_eq!(revoked.len(), 2);
        assert_eq!(found(Some(RecordKind::Grant), Some("bob")), expected);
    }
}

#[test]
fn p1_initialization_records_both_administrators() {
    let house = House::new();
    let act = Act::InitializePolicy { administrators: [user("deputy"), user("root")].into() };
    let records = house.records();
    assert!(records.len() == 2 && records.iter().all(|entry| entry.record.act == act));
    for name in ["root", "deputy"] {
        assert!(house.filter.policy().unwrap().may_manage_privacy(&user(name)).is_ok());
        let query = RecordQuery { target: Some(name.to_owned()), ..RecordQuery::default() };
        assert_eq!(house.sink.records(&query, 0, 9).unwrap(), records);
    }
    assert_eq!(Administrators::new(user("root"), user("root")), Err(SameAdministrator));
}

#[test]
fn p3_no_update_allows_its_own_grant() {
    for place in places() {
        let house = place.house();
        furnished(&house);
        let allowed = |is_allowed| PolicyChange::SetOptions(OptionsPatch::new().self_grant_allowed(is_allowed));
        let told = refused(&house, [allowed(true), grant("root"), allowed(false)]);
        assert_eq!(told, PolicyError::InUpdate { index: 1, reason: Box::new(PolicyError::SelfGrant) });
        assert!(house.filter.policy().unwrap().grants().is_empty());
    }
}
