//! Chapter P of the rules: permission.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fault;
mod fixture;
mod forward;
mod place;

use std::sync::{Arc, Mutex};

use std::time::Duration;

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory, User, UserStatus,
};
use activity_privacy::filter::{PrivacyFilter, RevealError, UpdatePolicyError};
use activity_privacy::governance::{
    Commitment, Event, FailureReason, GovernanceSink, Justification, Outcome, RecordKind, RecordQuery,
};
use activity_privacy::identity::Alias;
use activity_privacy::policy::{
    Denial, GroupRef, ManagedDomain, OptionsPatch, PolicyChange, PolicyError, Role, ScopeRule, ScopeTarget,
};
use activity_privacy::query::{PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};
use fault::Meanwhile;
use fixture::*;
use place::*;

fn refusal(fixture: &Fixture, by: &str, change: PolicyChange) -> UpdatePolicyError {
    let before = fixture.filter.policy().unwrap();
    let error = fixture.filter.update_policy(&user(by), &change).unwrap_err();
    assert_eq!(fixture.filter.policy().unwrap(), before, "a rejected change has no effect");
    error
}

fn denied(fixture: &Fixture, by: &str, change: PolicyChange) -> Denial {
    match refusal(fixture, by, change) {
        UpdatePolicyError::Denied(denial) => denial,
        other => panic!("expected a denial, got {other:?}"),
    }
}

fn invalid(fixture: &Fixture, change: PolicyChange) -> PolicyError {
    match refusal(fixture, "root", change) {
        UpdatePolicyError::Invalid(error) => error,
        other => panic!("expected an invalid change, got {other:?}"),
    }
}

fn granted(fixture: &Fixture, name: &str) -> bool {
    fixture.filter.policy().unwrap().may_view_private(&user(name)).is_ok()
}

fn reveal_denial(fixture: &Fixture, request: RevealRequest) -> Denial {
    match fixture.filter.reveal(request).unwrap_err() {
        RevealError::Denied(denial) => denial,
        other => panic!("expected a denial, got {other:?}"),
    }
}

/// Ann is an analyst, Bob has no role, Adele is in the council.
fn populated(place: &Place) -> Fixture {
    let fixture = place.fixture();
    fixture.install(directory()).manage("contoso.com").make_private("council");
    fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
    fixture.ingest(&[activity("a", "adele"), activity("b", "bob")]);
    fixture
}

fn directory() -> DirectoryBuilder {
    people(&[("adele", &["council"]), ("bob", &[]), ("ann", &[])])
}

fn every_change() -> Vec<PolicyChange> {
    let rule = ScopeRule::include(group("council"), ScopeTarget::AllApps);
    vec![
        PolicyChange::MakePrivate(GroupRef::Applications),
        PolicyChange::MakePublic(group("council").into()),
        PolicyChange::AddScopeRule(rule.clone()),
        PolicyChange::RemoveScopeRule(rule),
        PolicyChange::ManageDomain(ManagedDomain::exactly(domain("other.example"))),
        PolicyChange::UnmanageDomain(domain("contoso.com")),
        PolicyChange::SetAdmin(user("bob"), Role::PrivacyAdministrator),
        PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator),
        PolicyChange::RemoveAdmin(user("root")),
        PolicyChange::Grant(alias("ann@contoso.com")),
        PolicyChange::Revoke(user("ann").into()),
        PolicyChange::SetOptions(OptionsPatch::new().self_grant_allowed(true)),
    ]
}

#[test]
fn p1_only_privacy_administrator_changes_policy() {
    for place in places() {
        let fixture = populated(&place);
        fixture.grant("ann");
        for change in every_change() {
            assert_eq!(denied(&fixture, "ann", change.clone()), Denial::MayNotManage);
            assert_eq!(denied(&fixture, "bob", change.clone()), Denial::NotAdmin);
            assert_eq!(denied(&fixture, "ROOT", change.clone()), Denial::NotAdmin, "ids are never folded");
            assert_eq!(denied(&fixture, "root@contoso.com", change), Denial::NotAdmin, "an alias is not an id");
        }
        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
        assert!(fixture.filter.update_policy(&user("ann"), PolicyChange::RemoveAdmin(user("root"))).is_ok());
        assert_eq!(denied(&fixture, "root", PolicyChange::RemoveAdmin(user("ann"))), Denial::NotAdmin);
    }
}

#[test]
fn p1_last_privacy_administrator_cannot_be_removed() {
    for place in places() {
        let fixture = populated(&place);
        fixture.update_policy(PolicyChange::RemoveAdmin(user("deputy")));
        for change in [PolicyChange::RemoveAdmin(user("root")), PolicyChange::SetAdmin(user("root"), Role::Analyst)] {
            assert_eq!(invalid(&fixture, change), PolicyError::LastAdministrator);
        }
    }
}

#[test]
fn p1_grant_by_address_must_identify_one_admin() {
    for place in places() {
        let fixture = populated(&place);
        let grant = |text: &str| PolicyChange::Grant(alias(text));
        assert_eq!(invalid(&fixture, grant("bob@contoso.com")), PolicyError::NotAnAdmin);
        assert_eq!(invalid(&fixture, grant("nobody@contoso.com")), PolicyError::UnknownPerson);
        assert_eq!(invalid(&fixture, grant("ann")), PolicyError::NotAnAddress);
        assert_eq!(invalid(&fixture, grant("ann@")), PolicyError::NotAnAddress);
        assert_eq!(
            invalid(&fixture, PolicyChange::Grant(Alias::account("Box", "ann").unwrap())),
            PolicyError::NotAnAddress
        );
        let counterpart = User::new(user("counterpart")).with_alias(alias("ANN@contoso.com"));
        fixture.install(directory().user(counterpart));
        assert_eq!(invalid(&fixture, grant("ann@contoso.com")), PolicyError::AmbiguousPerson);
        fixture.install(directory());
        assert!(!granted(&fixture, "ann"));
        fixture.update_policy(grant("Ann@CONTOSO.com."));
        assert!(granted(&fixture, "ann"));
        assert_eq!(invalid(&fixture, grant("ann@contoso.com")), PolicyError::Unchanged);
    }
}

#[test]
fn p1_grant_without_directory_is_rejected() {
    for place in places() {
        let fixture = place.fixture();
        let grant = PolicyChange::Grant(alias("root@contoso.com"));
        assert_eq!(invalid(&fixture, grant), PolicyError::NoDirectory);
    }
}

/// The alias moves to another admin. The grant stays with the user to whom it was made.
#[test]
fn p1_grant_is_bound_to_id_when_made() {
    for place in places() {
        let fixture = populated(&place);
        fixture.update_policy(PolicyChange::SetAdmin(user("eve"), Role::Analyst));
        fixture.grant("ann");
        let renamed = User::new(user("ann")).with_alias(alias("ann.married@contoso.com"));
        let heir = User::new(user("eve")).with_alias(alias("ann@contoso.com"));
        fixture.install(people(&[("adele", &["council"]), ("bob", &[])]).user(renamed).user(heir));
        assert!(granted(&fixture, "ann"));
        assert!(!granted(&fixture, "eve"));
        assert!(fixture.filter.reveal(reveal_all("ann")).is_ok());
        assert_eq!(reveal_denial(&fixture, reveal_all("eve")), Denial::NotPermitted);
        let policy = fixture.filter.policy().unwrap();
        let grant = &policy.grants()[&user("ann")];
        assert!(grant.named().matches(&alias("ann@contoso.com")));
        assert_eq!((grant.granted_by(), grant.granted_at()), (&user("root"), at(0)));
        // Both of her names revoke it, even the one that moved: it can only mean her grant.
        fixture.update_policy(PolicyChange::Revoke(alias("ann@contoso.com").into()));
        assert!(!granted(&fixture, "ann"));
        fixture.update_policy(PolicyChange::Grant(alias("ann.married@contoso.com")));
        fixture.update_policy(PolicyChange::Revoke(alias("ann.married@contoso.com").into()));
        assert!(!granted(&fixture, "ann"));
        let revoke = PolicyChange::Revoke(alias("ann.married@contoso.com").into());
        assert_eq!(invalid(&fixture, revoke), PolicyError::Unchanged);
    }
}

/// The grant of a user whom the directory no longer contains can still be revoked by id.
#[test]
fn p1_grant_can_be_revoked_without_directory() {
    for place in places() {
        let fixture = populated(&place);
        fixture.grant("ann");
        fixture.install(people(&[("adele", &["council"])]));
        assert!(granted(&fixture, "ann"));
        fixture.update_policy(PolicyChange::Revoke(user("ann").into()));
        assert!(!granted(&fixture, "ann"));
    }
}

#[test]
fn p2_losing_role_ends_grant_permanently() {
    for place in places() {
        let fixture = populated(&place);
        fixture.grant("ann");
        let mut reveal = fixture.filter.reveal(reveal_all("ann")).unwrap();
        assert!(reveal.page(PageSize::MAX, None).unwrap().includes_private());
        fixture.update_policy(PolicyChange::RemoveAdmin(user("ann")));
        let page = reveal.page(PageSize::MAX, None).unwrap_err();
        assert!(matches!(page, RevealError::Denied(Denial::NotAdmin)));
        assert_eq!(reveal_denial(&fixture, reveal_all("ann")), Denial::NotAdmin);

        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
        let page = reveal.page(PageSize::MAX, None).unwrap_err();
        assert!(matches!(page, RevealError::Denied(Denial::NotPermitted)), "the role is back, the grant is not");
        assert_eq!(reveal_denial(&fixture, reveal_all("ann")), Denial::NotPermitted);
        assert!(fixture.filter.policy().unwrap().grants().is_empty());
    }
}

#[test]
fn p2_changing_role_keeps_grant() {
    for place in places() {
        let fixture = populated(&place);
        fixture.grant("ann");
        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
        assert!(granted(&fixture, "ann"));
    }
}

#[test]
fn p2_revocation_stops_reveal_at_next_page() {
    for place in places() {
        let fixture = populated(&place);
        fixture.grant("ann");
        let mut reveal = fixture.filter.reveal(reveal_all("ann")).unwrap();
        let first = reveal.page(PageSize::at_most(1), None).unwrap();
        fixture.update_policy(PolicyChange::Revoke(alias("ann@contoso.com").into()));
        let next = reveal.page(PageSize::at_most(1), first.next()).unwrap_err();
        assert!(matches!(next, RevealError::Denied(Denial::NotPermitted)));
    }
}

#[test]
fn p2_new_grant_does_not_reopen_old_reveal() {
    for place in places() {
        let fixture = populated(&place);
        let grant = || PolicyChange::Grant(alias("ann@contoso.com"));
        let ends: [&[PolicyChange]; 2] = [
            &[PolicyChange::Revoke(user("ann").into())],
            &[PolicyChange::RemoveAdmin(user("ann")), PolicyChange::SetAdmin(user("ann"), Role::Analyst)],
        ];
        fixture.update_policy(grant());
        for end in ends {
            let mut reveal = fixture.filter.reveal(reveal_all("ann")).unwrap();
            assert!(reveal.page(PageSize::MAX, None).is_ok());
            for change in end.iter().cloned().chain([grant()]) {
                fixture.update_policy(change);
            }
            let next = reveal.page(PageSize::MAX, None).unwrap_err();
            assert!(matches!(next, RevealError::Denied(Denial::NotPermitted)), "{next:?}");
            assert!(fixture.filter.reveal(reveal_all("ann")).unwrap().page(PageSize::MAX, None).is_ok());
        }
    }
}

#[test]
fn p1_grant_by_name_of_deleted_user_is_rejected() {
    let fixture = Fixture::new();
    fixture.install(people(&[("ann", &["staff"])]));
    fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
    let staff = |builder: DirectoryBuilder| {
        builder.user(contoso("root")).group(group("staff"), "Staff").member(&group("staff"), &user("ann"))
    };
    // A group still lists her, so her name is still known.
    fixture.install(staff(DirectoryBuilder::new()));
    assert_eq!(invalid(&fixture, PolicyChange::Grant(alias("ann@contoso.com"))), PolicyError::UnknownPerson);
    fixture.install(staff(DirectoryBuilder::new().user(contoso("ann").with_status(UserStatus::Deleted))));
    assert_eq!(invalid(&fixture, PolicyChange::Grant(alias("ann@contoso.com"))), PolicyError::UnknownPerson);
    fixture.install(staff(DirectoryBuilder::new().user(contoso("ann").with_status(UserStatus::Disabled))));
    fixture.grant("ann");
}

/// Another handle to the same store revokes, like another node.
#[test]
fn p2_revocation_through_other_handle_stops_reveal() {
    for place in places() {
        let fixture = populated(&place);
        fixture.grant("ann");
        let mut reveal = fixture.filter.reveal(reveal_all("ann")).unwrap();
        assert!(reveal.page(PageSize::MAX, None).unwrap().includes_private());
        let elsewhere = place.fixture();
        elsewhere.install(directory()).update_policy(PolicyChange::Revoke(user("ann").into()));
        let next = reveal.page(PageSize::MAX, None).unwrap_err();
        assert!(matches!(next, RevealError::Denied(Denial::NotPermitted)));
        assert_eq!(reveal_denial(&fixture, reveal_all("ann")), Denial::NotPermitted);
    }
}

/// Another handle that has opened the file separately revokes, like another process.
#[cfg(feature = "sqlite")]
#[test]
fn p2_revocation_in_other_process_stops_reveal() {
    use std::sync::Arc;

    use activity_privacy::sqlite::SqliteStore;

    let place = Place::in_sqlite();
    let fixture = populated(&place);
    fixture.grant("ann");
    let mut reveal = fixture.filter.reveal(reveal_all("ann")).unwrap();
    assert!(reveal.page(PageSize::MAX, None).unwrap().includes_private());
    let elsewhere = Fixture::over(Arc::new(SqliteStore::open(place.path()).unwrap()), Arc::clone(&place.sink));
    elsewhere.install(directory()).update_policy(PolicyChange::RemoveAdmin(user("ann")));
    let next = reveal.page(PageSize::MAX, None).unwrap_err();
    assert!(matches!(next, RevealError::Denied(Denial::NotAdmin)));
}

#[test]
fn p3_administrator_cannot_grant_to_self_by_any_name() {
    for place in places() {
        let fixture = populated(&place);
        let root = contoso("root").with_alias(alias("r.oot@mail.example")).with_alias(alias("süß@mail.example"));
        let builder = DirectoryBuilder::new().user(root).user(contoso("ann")).group(group("council"), "council");
        fixture.install(builder);
        for name in ["root@contoso.com", "ROOT@contoso.com", "r.oot@MAIL.example.", "SÜSS@mail.example"] {
            assert_eq!(invalid(&fixture, PolicyChange::Grant(alias(name))), PolicyError::SelfGrant, "{name}");
        }
        // Administrators can grant to others, and others to them.
        fixture.grant("ann");
        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
        fixture.filter.update_policy(&user("ann"), PolicyChange::Grant(alias("r.oot@mail.example"))).unwrap();
        assert!(granted(&fixture, "root"));
    }
}

#[test]
fn p3_option_lets_administrator_grant_to_self() {
    let fixture = populated(&Place::in_memory());
    fixture.options(OptionsPatch::new().self_grant_allowed(true));
    fixture.update_policy(PolicyChange::Grant(alias("root@contoso.com")));
    assert!(granted(&fixture, "root"));
}

#[test]
fn p3_reveal_without_required_justification_is_denied() {
    for place in places() {
        let fixture = populated(&place);
        fixture.permit_root();
        assert!(fixture.filter.reveal(reveal_all("root")).is_ok(), "no justification is needed by default");
        fixture.options(OptionsPatch::new().justification_required(true));
        assert_eq!(reveal_denial(&fixture, reveal_all("root")), Denial::JustificationMissing);
        for blank in [" ", "\u{a0}", "\u{2003}\u{2003}"] {
            let blank = reveal_all("root").because(Justification::new(blank).unwrap());
            assert_eq!(reveal_denial(&fixture, blank), Denial::JustificationMissing);
        }
        let reason = Justification::new("case 4711").unwrap();
        let reveal = fixture.filter.reveal(reveal_all("root").because(reason)).unwrap();
        let records = fixture.records();
        let Event::Reveal(summary) = &records.last().unwrap().record.event else { panic!("not a reveal") };
        assert_eq!(
            (
                summary.reveal,
                summary.terms.justification.as_ref().and_then(Commitment::value).map(Justification::as_str)
            ),
            (reveal.id(), Some("case 4711"))
        );
    }
}

#[test]
fn p3_reveal_lifetime_is_limited_by_policy() {
    for place in places() {
        let fixture = populated(&place);
        fixture.permit_root();
        let lasting = |lifetime: Duration| {
            let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
            RevealRequest::new(user("root"), Query::all(), lifetime, audited)
        };
        let hour = Duration::from_secs(3_600);
        assert!(fixture.filter.reveal(lasting(hour)).is_ok(), "the default limit is an hour");
        for lifetime in [hour + Duration::from_nanos(1), Duration::MAX, Duration::ZERO] {
            assert_eq!(reveal_denial(&fixture, lasting(lifetime)), Denial::LifetimeNotAllowed, "{lifetime:?}");
        }
        let minute = Some(Duration::from_secs(60));
        fixture.options(OptionsPatch::new().max_reveal_lifetime(minute));
        assert_eq!(reveal_denial(&fixture, lasting(hour)), Denial::LifetimeNotAllowed);
        assert!(fixture.filter.reveal(lasting(Duration::from_secs(60))).is_ok());
        fixture.options(OptionsPatch::new().max_reveal_lifetime(None));
        assert!(fixture.filter.reveal(lasting(hour * 1_000)).is_ok());
        assert_eq!(
            reveal_denial(&fixture, lasting(Duration::MAX)),
            Denial::LifetimeNotAllowed,
            "the time is out of range"
        );
    }
}

#[test]
fn p2_denial_discloses_only_callers_own_permission() {
    for place in places() {
        let fixture = populated(&place);
        assert_eq!(reveal_denial(&fixture, reveal_all("bob")), Denial::NotAdmin);
        assert_eq!(reveal_denial(&fixture, reveal_all("ann")), Denial::NotPermitted);
        assert_eq!(reveal_denial(&fixture, reveal_all("root")), Denial::NotPermitted, "an administrator needs a grant");
        // A caller without the permission gets that denial first, even if the request exceeds other limits.
        fixture.options(OptionsPatch::new().justification_required(true));
        assert_eq!(reveal_denial(&fixture, reveal_all("ann")), Denial::NotPermitted);
    }
}

/// A directory that returns any snapshot it is given, older or newer.
struct AuditState(Mutex<Arc<DirectorySnapshot>>);

impl GroupDirectory for AuditState {
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        Ok(Arc::clone(&self.0.lock().unwrap()))
    }
}

#[test]
fn p1_grant_ignores_superseded_directory() {
    let snapshot = |revision, holder: &str| {
        let boss = User::new(user(holder)).with_alias(alias("boss@contoso.com"));
        Arc::new(DirectoryBuilder::new().user(boss).build(DirectoryRevision(revision), at(0)).unwrap())
    };
    let directory = Arc::new(AuditState(Mutex::new(snapshot(2, "new"))));
    let ports = (
        activity_privacy::memory::MemoryStore::new(),
        Arc::clone(&directory),
        activity_privacy::memory::MemorySink::new(),
    );
    let builder = PrivacyFilter::builder(ports.0, ports.1, ports.2).clock(|| at(0));
    let filter = builder.initialize(admins()).unwrap();
    for holder in ["old", "new"] {
        filter.update_policy(&user("root"), PolicyChange::SetAdmin(user(holder), Role::Analyst)).unwrap();
    }
    *directory.0.lock().unwrap() = snapshot(1, "old");
    filter.update_policy(&user("root"), PolicyChange::Grant(alias("boss@contoso.com"))).unwrap();
    let policy = filter.policy().unwrap();
    assert_eq!(policy.grants().keys().collect::<Vec<_>>(), [&user("new")], "the former holder gets no grant");
}

#[test]
fn p1_grant_rejects_directory_too_old_or_future() {
    let fixture = Fixture::new();
    fixture.advance(10_000).install(people(&[]));
    let max_directory_age = Some(std::time::Duration::from_secs(60));
    fixture.options(OptionsPatch::new().max_directory_age(max_directory_age));
    for seconds in [-10_000, 20_000] {
        fixture.advance(seconds);
        let refused = fixture.filter.update_policy(&user("root"), PolicyChange::Grant(alias("root@contoso.com")));
        assert!(matches!(refused, Err(UpdatePolicyError::Invalid(PolicyError::NoDirectory))), "{refused:?}");
        fixture.ingest(&[activity(&seconds.to_string(), "adele")]);
    }
    fixture.advance(-10_000).permit_root();
    assert!(fixture.is_private("-10000") && fixture.is_private("20000"), "nor does a decision");
}

#[test]
fn p2_grant_is_revoked_by_original_name() {
    let fixture = Fixture::new();
    fixture.install(people(&[("ann", &[])]));
    fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
    fixture.grant("ann");
    // She took another name at her marriage, and her old name identifies no user.
    let ann = User::new(user("ann")).with_alias(alias("ann.other@contoso.com"));
    fixture.install(DirectoryBuilder::new().user(ann).user(contoso("root")));
    fixture.update_policy(PolicyChange::Revoke(alias("ann@contoso.com").into()));
    assert!(fixture.filter.policy().unwrap().grants().is_empty());
}

#[test]
fn p2_name_matching_two_grants_revokes_neither() {
    let fixture = Fixture::new();
    fixture.install(people(&[("ann", &[]), ("amy", &[])]));
    for admin in ["ann", "amy"] {
        fixture.update_policy(PolicyChange::SetAdmin(user(admin), Role::Analyst));
        fixture.grant(admin);
    }
    let amy = contoso("amy").with_alias(alias("ann@contoso.com"));
    fixture.install(DirectoryBuilder::new().user(User::new(user("ann"))).user(amy).user(contoso("root")));
    let refused = fixture.filter.update_policy(&user("root"), PolicyChange::Revoke(alias("ann@contoso.com").into()));
    assert!(matches!(refused, Err(UpdatePolicyError::Invalid(PolicyError::AmbiguousPerson))), "{refused:?}");
    fixture.update_policy(PolicyChange::Revoke(user("ann").into()));
    assert_eq!(fixture.filter.policy().unwrap().grants().keys().collect::<Vec<_>>(), [&user("amy")]);
}

#[test]
fn p2_revocation_or_expiry_stops_page_being_recorded() {
    for (expires, denial) in [(false, Denial::NotPermitted), (true, Denial::Expired)] {
        let sink = Arc::new(Meanwhile::default());
        let recorder: Arc<dyn GovernanceSink> = sink.clone();
        let fixture = Fixture::over(Arc::new(activity_privacy::memory::MemoryStore::new()), recorder);
        fixture.install(people(&[("adele", &["council"])])).make_private("council");
        fixture.ingest(&[activity("a", "adele")]);
        fixture.permit_root();
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let (filter, clock) = (fixture.filter.clone(), Arc::clone(&fixture.clock));
        sink.then(move || {
            if expires {
                clock.fetch_add(3_600, std::sync::atomic::Ordering::SeqCst);
            } else {
                filter.update_policy(&user("root"), PolicyChange::Revoke(user("root").into())).unwrap();
            }
        });
        let refused = reveal.page(PageSize::MAX, None).unwrap_err();
        assert!(matches!(refused, RevealError::Denied(why) if why == denial), "{refused}");
        // An auditor can see that this page was not shown.
        let pages = RecordQuery { kind: Some(RecordKind::Page), ..RecordQuery::default() };
        let [intended, failed] = &fixture.sink.records(&pages, 0, 9).unwrap()[..] else { panic!("two records") };
        let (intent, reason) = (intended.record.id, FailureReason::Denied(denial));
        assert_eq!(intended.record.outcome, Outcome::Intended);
        assert_eq!(failed.record.outcome, Outcome::Failed { intent, reason });
        // Only the record of the page contains counts and subjects.
        assert_eq!(failed.record.event, intended.record.without_openings().event);
        // The record has the time of the page, so that it discloses no duration, and the policy that stopped it.
        assert_eq!(failed.record.at, at(0));
        assert_eq!(failed.record.policy, Some(fixture.filter.policy().unwrap().revision()));
        assert_eq!(failed.record.policy > intended.record.policy, !expires);
    }
}
