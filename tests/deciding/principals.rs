//! D6: the principals of an activity.

use activity_privacy::activity::Actor;
use activity_privacy::directory::{DirectoryBuilder, User};
use activity_privacy::engine::{PrincipalRole, Reason, UndecidableReason};
use activity_privacy::filter::IngestOutcome;
use activity_privacy::identity::Alias;
use activity_privacy::policy::{GroupRef, OptionsPatch, PolicyChange};

use crate::fixture::*;

fn reasons(fixture: &Fixture, id: &str) -> Vec<Reason> {
    fixture.decision(id).reasons().to_vec()
}

fn member(name: &str, role: PrincipalRole) -> Reason {
    Reason::Member { group: group(name).into(), role }
}

/// Adele is in the council, Bob in no group.
fn council() -> Fixture {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture
}

#[test]
fn d6_members_of_private_group_are_hidden() {
    let fixture = council();
    assert_eq!(fixture.ingest(&[activity("a", "adele"), activity("b", "bob")]), [IngestOutcome::Stored; 2]);
    assert_eq!(fixture.public_ids(), ["b"]);
    assert_eq!(reasons(&fixture, "a"), [member("council", PrincipalRole::Actor)]);
    assert_eq!(reasons(&fixture, "b"), []);
}

#[test]
fn d6_private_group_includes_nested_groups_not_parents() {
    let fixture = Fixture::new();
    let nested = people(&[("top", &["outer"]), ("adele", &["middle"]), ("deep", &["inner"]), ("bob", &["other"])])
        .nested(&group("outer"), &group("middle"))
        .nested(&group("middle"), &group("inner"));
    fixture.install(nested).manage("contoso.com").make_private("middle");
    fixture.ingest(&["top", "adele", "deep", "bob"].map(|name| activity(name, name)));
    assert_eq!(fixture.public_ids(), ["top", "bob"], "the private group holds what is nested in it, not what holds it");
    fixture.make_private("outer");
    fixture.ingest(&[activity("deep-2", "deep"), activity("top-2", "top")]);
    assert_eq!(
        reasons(&fixture, "deep-2"),
        [member("middle", PrincipalRole::Actor), member("outer", PrincipalRole::Actor)]
    );
    assert_eq!(reasons(&fixture, "top-2"), [member("outer", PrincipalRole::Actor)]);
}

#[test]
fn d6_on_behalf_of_principal_counts_as_actor() {
    let fixture = council();
    let bob = || Actor::user(alias("bob@contoso.com"));
    let adele = || Actor::user(alias("adele@contoso.com"));
    fixture.ingest(&[
        begun("for-adele", bob()).on_behalf_of(adele()).build().unwrap(),
        begun("by-adele", adele()).on_behalf_of(bob()).build().unwrap(),
        begun("second", bob()).on_behalf_of(bob()).on_behalf_of(adele()).build().unwrap(),
        begun("app", Actor::application("Mailer".parse().unwrap())).on_behalf_of(adele()).build().unwrap(),
        begun("system", Actor::system("Exchange".parse().unwrap())).on_behalf_of(adele()).build().unwrap(),
        begun("for-bob", bob()).on_behalf_of(bob()).build().unwrap(),
    ]);
    assert_eq!(fixture.public_ids(), ["for-bob"]);
    assert_eq!(reasons(&fixture, "for-adele"), [member("council", PrincipalRole::OnBehalfOf)]);
    assert_eq!(reasons(&fixture, "by-adele"), [member("council", PrincipalRole::Actor)]);
}

#[test]
fn d6_private_built_in_group_hides_its_members() {
    let fixture = council();
    let app = || Actor::application("Mailer".parse().unwrap());
    let guest = || Actor::user(alias("x@partner.example"));
    let bob = || Actor::user(alias("bob@contoso.com"));
    let four = |prefix: &str| {
        let id = |name: &str| format!("{prefix}-{name}");
        [
            by(&id("app"), app()),
            by(&id("guest"), guest()),
            begun(&id("for-app"), bob()).on_behalf_of(app()).build().unwrap(),
            begun(&id("for-guest"), bob()).on_behalf_of(guest()).build().unwrap(),
        ]
    };
    fixture.ingest(&four("1"));
    assert_eq!(fixture.public_ids().len(), 4, "neither built-in group is private by itself");
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::Applications)).ingest(&four("2"));
    assert_eq!(["app", "for-app", "guest", "for-guest"].map(|name| fixture.is_private(&format!("2-{name}"))), {
        [true, true, false, false]
    });
    fixture.update_policy(PolicyChange::MakePublic(GroupRef::Applications));
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers)).ingest(&four("3"));
    assert_eq!(["app", "for-app", "guest", "for-guest"].map(|name| fixture.is_private(&format!("3-{name}"))), {
        [false, false, true, true]
    });
}

#[test]
fn d6_objects_count_only_by_option() {
    let fixture = council();
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    let bob = || Actor::user(alias("bob@contoso.com"));
    let on = |id: &str, object: &str| begun(id, bob()).object("plan.docx").object(object).build().unwrap();
    let objects = ["Adele@Contoso.com", "adele", "x@partner.example", "bob@contoso.com", "https://a@b.example/plan"];
    fixture.ingest(&objects.map(|object| on(&format!("off {object}"), object)));
    assert_eq!(fixture.public_ids().len(), 5);

    fixture.options(OptionsPatch::new().include_objects(true));
    fixture.ingest(&objects.map(|object| on(&format!("on {object}"), object)));
    let hidden = objects.map(|object| fixture.is_private(&format!("on {object}")));
    assert_eq!(hidden, [true, true, true, false, false]);
    assert_eq!(reasons(&fixture, "on adele"), [member("council", PrincipalRole::Object)]);
    // The role of the actor takes precedence.
    fixture.ingest(&[begun("self", Actor::user(user("adele"))).object("adele@contoso.com").build().unwrap()]);
    assert_eq!(reasons(&fixture, "self"), [member("council", PrincipalRole::Actor)]);
}

#[test]
fn d6_ambiguous_object_is_hidden() {
    let fixture = Fixture::new();
    let shared = |name: &str| contoso(name).with_alias(alias("desk@contoso.com"));
    fixture.install(people(&[("bob", &["council"])]).user(shared("x")).user(shared("y"))).manage("contoso.com");
    fixture.make_private("council");
    fixture.options(OptionsPatch::new().include_objects(true));
    let by_root = Actor::user(alias("root@contoso.com"));
    fixture.ingest(&[begun("a", by_root).object("desk@contoso.com").build().unwrap()]);
    assert_eq!(reasons(&fixture, "a"), [Reason::Undecidable(UndecidableReason::AmbiguousAlias)]);
}

#[test]
fn d6_object_is_found_by_id_name_and_account() {
    let fixture = Fixture::new();
    let abroad = User::new(user("u-ext")).with_alias(alias("x@gmail.example")).with_alias(alias("ext"));
    let coder = contoso("bob").with_alias(Alias::account("SharePoint", "nrc").unwrap());
    fixture.install(
        people(&[]).user(abroad).user(coder).group(group("council"), "Council").member(&group("council"), &user("bob")),
    );
    fixture
        .manage("contoso.com")
        .make_private("council")
        .update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    fixture.options(OptionsPatch::new().include_objects(true));
    let on = |object: &str| begun(object, Actor::user(alias("root@contoso.com"))).object(object).build().unwrap();
    let objects = ["u-ext", "ext", "NRC", "root", "plan"];
    fixture.ingest(&objects.map(on));
    assert_eq!(objects.map(|object| fixture.is_private(object)), [true, true, true, false, false]);
}

#[test]
fn d8_unbound_name_protects_in_every_app() {
    let fixture = Fixture::new();
    let coder = contoso("bob").with_alias(alias("nrc"));
    fixture.install(people(&[("adele", &["council"])]).user(coder).member(&group("council"), &user("bob")));
    fixture.manage("contoso.com").make_private("council");
    let account = |id: &str, name: &str| by(id, Actor::user(Alias::account("GitHub", name).unwrap()));
    fixture.ingest(&[account("1", "NRC"), account("2", "else")]);
    // The directory has no accounts in that app, so an account that no name equals is hidden as well.
    assert_eq!(reasons(&fixture, "1"), [member("council", PrincipalRole::Actor)]);
    assert_eq!(reasons(&fixture, "2"), [Reason::Undecidable(UndecidableReason::NoUsableActor)]);
    // Also if another user has the account. And the other way round: the name can be an account in the app of the
    // activity.
    let zoe = contoso("zoe").with_alias(Alias::account("GitHub", "nrc").unwrap());
    let amy = contoso("amy").with_alias(Alias::account("SharePoint", "amy-at-work").unwrap());
    let coder = contoso("bob").with_alias(alias("nrc"));
    let council = |builder: DirectoryBuilder, name: &str| builder.member(&group("council"), &user(name));
    let import = people(&[("adele", &["council"])]).user(coder).user(zoe).user(amy);
    fixture.install(council(council(import, "bob"), "amy"));
    let plain = |id: &str, name: &str| by(id, Actor::user(alias(name)));
    fixture.ingest(&[account("4", "nrc"), plain("5", "amy-at-work"), plain("6", "zoe-at-work")]);
    assert_eq!(["4", "5", "6"].map(|id| fixture.is_private(id)), [true, true, false]);
    // The second meaning states no home for the holder of the account.
    fixture.update_policy(PolicyChange::MakePublic(group("council").into()));
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    fixture.ingest(&[account("3", "bob-at-work")]);
    assert!(fixture.is_private("3"));
    // Unless that holder is external.
    let abroad = User::new(user("x")).with_alias(alias("x@partner.example")).with_alias(alias("out"));
    fixture.install(people(&[("bob", &["council"])]).user(abroad));
    fixture.ingest(&[by(
        "7",
        Actor::user(alias("bob@contoso.com")).with_identity(Alias::account("GitHub", "out").unwrap()),
    )]);
    assert!(fixture.is_private("7"));
}
