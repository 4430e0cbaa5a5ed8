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
    assert_eq!(fixture.filter.policy().unwrap(), before, "what is refused changes nothing");
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
        other => panic!("expected a change that does not fit, got {other:?}"),
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

/// Ann is an analyst, Bob is nobody in particular, Adele is in the council.
fn furnished(place: &Place) -> Fixture {
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
fn p1_only_a_privacy_administrator_changes_policy() {
    for place in places() {
        let fixture = furnished(&place);
        fixture.grant("ann");
        for change in every_change() {
            assert_eq!(denied(&fixture, "ann", change.clone()), Denial::MayNotManage);
            assert_eq!(denied(&fixture, "bob", change.clone()), Denial::NotAdmin);
            assert_eq!(denied(&fixture, "ROOT", change.clone()), Denial::NotAdmin, "ids are never folded");
            assert_eq!(denied(&fixture, "root@contoso.com", change), Denial::NotAdmin, "a name is no id");
        }
        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
        assert!(fixture.filter.update_policy(&user("ann"), PolicyChange::RemoveAdmin(user("root"))).is_ok());
        assert_eq!(denied(&fixture, "root", PolicyChange::RemoveAdmin(user("ann"))), Denial::NotAdmin);
    }
}

#[test]
fn p1_somebody_can_always_change_the_policy() {
    for place in places() {
        let fixture = furnished(&place);
        fixture.update_policy(PolicyChange::RemoveAdmin(user("deputy")));
        for change in [PolicyChange::RemoveAdmin(user("root")), PolicyChange::SetAdmin(user("root"), Role::Analyst)] {
            assert_eq!(invalid(&fixture, change), PolicyError::LastAdministrator);
        }
    }
}

#[test]
fn p1_a_grant_names_an_address_that_leads_to_one_admin() {
    for place in places() {
        let fixture = furnished(&place);
        let grant = |text: &str| PolicyChange::Grant(alias(text));
        assert_eq!(invalid(&fixture, grant("bob@contoso.com")), PolicyError::NotAnAdmin);
        assert_eq!(invalid(&fixture, grant("nobody@contoso.com")), PolicyError::UnknownPerson);
        assert_eq!(invalid(&fixture, grant("ann")), PolicyError::NotAnAddress);
        assert_eq!(invalid(&fixture, grant("ann@")), PolicyError::NotAnAddress);
        assert_eq!(
            invalid(&fixture, PolicyChange::Grant(Alias::account("Box", "ann").unwrap())),
            PolicyError::NotAnAddress
        );
        let twin = User::new(user("twin")).with_alias(alias("ANN@contoso.com"));
        fixture.install(directory().user(twin));
        assert_eq!(invalid(&fixture, grant("ann@contoso.com")), PolicyError::AmbiguousPerson);
        fixture.install(directory());
        assert!(!granted(&fixture, "ann"));
        fixture.update_policy(grant("Ann@CONTOSO.com."));
        assert!(granted(&fixture, "ann"));
        assert_eq!(invalid(&fixture, grant("ann@contoso.com")), PolicyError::Unchanged);
    }
}

#[test]
fn p1_without_a_directory_nobody_can_be_granted() {
    for place in places() {
        let fixture = place.fixture();
        let grant = PolicyChange::Grant(alias("root@contoso.com"));
        assert_eq!(invalid(&fixture, grant), PolicyError::NoDirectory);
    }
}

/// The alias moves to somebody else, who is an admin too: the grant stays with whom it was made out to.
#[test]
fn p1_a_grant_is_bound_to_an_id_when_it_is_made() {
    for place in places() {
        let fixture = furnished(&place);
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
        // It is revoked by either of her names, by the one that moved too: the only grant that it can mean is hers.
        fixture.update_policy(PolicyChange::Revoke(alias("ann@contoso.com").into()));
        assert!(!granted(&fixture, "ann"));
        fixture.update_policy(PolicyChange::Grant(alias("ann.married@contoso.com")));
        fixture.update_policy(PolicyChange::Revoke(alias("ann.married@contoso.com").into()));
        assert!(!granted(&fixture, "ann"));
        let revoke = PolicyChange::Revoke(alias("ann.married@contoso.com").into());
        assert_eq!(invalid(&fixture, revoke), PolicyError::Unchanged);
    }
}

/// Whoever is gone from the directory can still lose what they were granted, by their id.
#[test]
fn p1_a_grant_can_be_revoked_without_the_directory() {
    for place in places() {
        let fixture = furnished(&place);
        fixture.grant("ann");
        fixture.install(people(&[("adele", &["council"])]));
        assert!(granted(&fixture, "ann"));
        fixture.update_policy(PolicyChange::Revoke(user("ann").into()));
        assert!(!granted(&fixture, "ann"));
    }
}

#[test]
fn p2_losing_the_role_ends_the_grant_for_good() {
    for place in places() {
        let fixture = furnished(&place);
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
fn p2_another_role_is_still_a_role() {
    for place in places() {
        let fixture = furnished(&place);
        fixture.grant("ann");
        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
        assert!(granted(&fixture, "ann"));
    }
}

#[test]
fn p2_revocation_stops_a_reveal_at_its_next_page() {
    for place in places() {
        let fixture = furnished(&place);
        fixture.grant("ann");
        let mut reveal = fixture.filter.reveal(reveal_all("ann")).unwrap();
        let first = reveal.page(PageSize::at_most(1), None).unwrap();
        fixture.update_policy(PolicyChange::Revoke(alias("ann@contoso.com").into()));
        let next = reveal.page(PageSize::at_most(1), first.next()).unwrap_err();
        assert!(matches!(next, RevealError::Denied(Denial::NotPermitted)));
    }
}

#[test]
fn p2_a_new_grant_revives_no_reveal_of_an_old_one() {
    for place in places() {
        let fixture = furnished(&place);
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
fn p1_nobody_is_granted_anything_by_the_name_of_somebody_deleted() {
    let fixture = Fixture::new();
    fixture.install(people(&[("ann", &["staff"])]));
    fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
    let staff = |builder: DirectoryBuilder| {
        builder.user(contoso("root")).group(group("staff"), "Staff").member(&group("staff"), &user("ann"))
    };
    // A group still lists her, and so her name is still known.
    fixture.install(staff(DirectoryBuilder::new()));
    assert_eq!(invalid(&fixture, PolicyChange::Grant(alias("ann@contoso.com"))), PolicyError::UnknownPerson);
    fixture.install(staff(DirectoryBuilder::new().user(contoso("ann").with_status(UserStatus::Deleted))));
    assert_eq!(invalid(&fixture, PolicyChange::Grant(alias("ann@contoso.com"))), PolicyError::UnknownPerson);
    fixture.install(staff(DirectoryBuilder::new().user(contoso("ann").with_status(UserStatus::Disabled))));
    fixture.grant("ann");
}

/// The revocation comes through another handle on the same store, as from another node.
#[test]
fn p2_revocation_anywhere_stops_a_reveal_here() {
    for place in places() {
        let fixture = furnished(&place);
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

/// As above, and the other handle has the file open for itself.
#[cfg(feature = "sqlite")]
#[test]
fn p2_revocation_in_another_process_stops_a_reveal_here() {
    use std::sync::Arc;

    use activity_privacy::sqlite::SqliteStore;

    let place = Place::in_sqlite();
    let fixture = furnished(&place);
    fixture.grant("ann");
    let mut reveal = fixture.filter.reveal(reveal_all("ann")).unwrap();
    assert!(reveal.page(PageSize::MAX, None).unwrap().includes_private());
    let elsewhere = Fixture::over(Arc::new(SqliteStore::open(place.path()).unwrap()), Arc::clone(&place.sink));
    elsewhere.install(directory()).update_policy(PolicyChange::RemoveAdmin(user("ann")));
    let next = reveal.page(PageSize::MAX, None).unwrap_err();
    assert!(matches!(next, RevealError::Denied(Denial::NotAdmin)));
}

#[test]
fn p3_nobody_grants_to_themselves_under_any_name() {
    for place in places() {
        let fixture = furnished(&place);
        let root = contoso("root").with_alias(alias("r.oot@mail.example")).with_alias(alias("süß@mail.example"));
        let builder = DirectoryBuilder::new().user(root).user(contoso("ann")).group(group("council"), "council");
        fixture.install(builder);
        for name in ["root@contoso.com", "ROOT@contoso.com", "r.oot@MAIL.example.", "SÜSS@mail.example"] {
            assert_eq!(invalid(&fixture, PolicyChange::Grant(alias(name))), PolicyError::SelfGrant, "{name}");
        }
        // To others, and by others.
        fixture.grant("ann");
        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
        fixture.filter.update_policy(&user("ann"), PolicyChange::Grant(alias("r.oot@mail.example"))).unwrap();
        assert!(granted(&fixture, "root"));
    }
}

#[test]
fn p3_administrators_grant_to_themselves_by_option() {
    let fixture = furnished(&Place::in_memory());
    fixture.options(OptionsPatch::new().self_grant_allowed(true));
    fixture.update_policy(PolicyChange::Grant(alias("root@contoso.com")));
    assert!(granted(&fixture, "root"));
}

#[test]
fn p3_a_reveal_may_need_a_written_justification() {
    for place in places() {
        let fixture = furnished(&place);
        fixture.permit_root();
        assert!(fixture.filter.reveal(reveal_all("root")).is_ok(), "not unless the policy says so");
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
                summary.about.justification.as_ref().and_then(Commitment::value).map(Justification::as_str)
            ),
            (reveal.id(), Some("case 4711"))
        );
    }
}

#[test]
fn p3_a_reveal_lives_no_longer_than_the_policy_allows() {
    for place in places() {
        let fixture = furnished(&place);
        fixture.permit_root();
        let lasting = |lifetime: Duration| {
            let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
            RevealRequest::new(user("root"), Query::all(), lifetime, audited)
        };
        let hour = Duration::from_secs(3_600);
        assert!(fixture.filter.reveal(lasting(hour)).is_ok(), "an hour is the default");
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
            "no clock counts so far"
        );
    }
}

#[test]
fn p2_who_may_not_open_a_reveal_is_told_only_about_themselves() {
    for place in places() {
        let fixture = furnished(&place);
        assert_eq!(reveal_denial(&fixture, reveal_all("bob")), Denial::NotAdmin);
        assert_eq!(reveal_denial(&fixture, reveal_all("ann")), Denial::NotPermitted);
        assert_eq!(reveal_denial(&fixture, reveal_all("root")), Denial::NotPermitted, "an administrator needs a grant");
        // Who asks for too much learns first that they may not ask at all.
        fixture.options(OptionsPatch::new().justification_required(true));
        assert_eq!(reveal_denial(&fixture, reveal_all("ann")), Denial::NotPermitted);
    }
}

/// A directory that answers with whatever it is told, older or newer.
struct AuditState(Mutex<Arc<DirectorySnapshot>>);

impl GroupDirectory for AuditState {
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        Ok(Arc::clone(&self.0.lock().unwrap()))
    }
}

#[test]
fn p1_a_grant_goes_by_no_directory_that_was_left_behind() {
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
    assert_eq!(policy.grants().keys().collect::<Vec<_>>(), [&user("new")], "the former holder gets nothing");
}

#[test]
fn p1_a_grant_goes_by_no_directory_that_is_too_old_or_from_the_future() {
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
fn p2_a_grant_is_revoked_by_the_name_that_it_was_made_out_to() {
    let fixture = Fixture::new();
    fixture.install(people(&[("ann", &[])]));
    fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
    fixture.grant("ann");
    // She married, and her old name leads to nobody.
    let ann = User::new(user("ann")).with_alias(alias("ann.other@contoso.com"));
    fixture.install(DirectoryBuilder::new().user(ann).user(contoso("root")));
    fixture.update_policy(PolicyChange::Revoke(alias("ann@contoso.com").into()));
    assert!(fixture.filter.policy().unwrap().grants().is_empty());
}

#[test]
fn p2_a_name_that_means_two_grants_revokes_neither() {
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
fn p2_a_revocation_or_the_end_stops_a_page_that_is_being_recorded() {
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
        // An auditor can tell that this page was never seen.
        let pages = RecordQuery { kind: Some(RecordKind::Page), ..RecordQuery::default() };
        let [intended, failed] = &fixture.sink.records(&pages, 0, 9).unwrap()[..] else { panic!("two records") };
        let (intent, reason) = (intended.record.id, FailureReason::Denied(denial));
        assert_eq!(intended.record.outcome, Outcome::Intended);
        assert_eq!(failed.record.outcome, Outcome::Failed { intent, reason });
        // What it says of people is said in the record of the page alone.
        assert_eq!(failed.record.event, intended.record.without_openings().event);
        // It is of the time of the page, so that nobody learns how long that took, and under the policy that stopped it.
        assert_eq!(failed.record.at, at(0));
        assert_eq!(failed.record.policy, Some(fixture.filter.policy().unwrap().revision()));
        assert_eq!(failed.record.policy > intended.record.policy, !expires);
    }
}
