//! D7 and D8: external users, and the identities of a user.

use activity_privacy::activity::Actor;
use activity_privacy::directory::{DirectoryBuilder, User};
use activity_privacy::engine::{PrincipalRole, Reason};
use activity_privacy::identity::{Alias, Identity};
use activity_privacy::policy::{GroupRef, ManagedDomain, PolicyChange};

use crate::fixture::*;

/// Returns for each name whether its user is external, while external users are private.
fn outsiders<const N: usize>(fixture: &Fixture, names: [&str; N]) -> [bool; N] {
    fixture.ingest(&names.map(|name| by(name, Actor::user(alias(name)))));
    names.map(|name| fixture.is_private(name))
}

/// Only root is in the directory, and external users are private.
fn border(managed: &[ManagedDomain]) -> Fixture {
    let fixture = Fixture::new();
    fixture.install(people(&[])).update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    for managed in managed {
        fixture.update_policy(PolicyChange::ManageDomain(managed.clone()));
    }
    fixture
}

#[test]
fn d7_domain_after_last_at_is_normalised() {
    let fixture =
        border(&[ManagedDomain::exactly(domain("contoso.com")), ManagedDomain::exactly(domain("bücher.example"))]);
    let own = [
        "adele@contoso.com",
        "adele@CONTOSO.Com",
        "adele@contoso.com.",
        "adele@ｃontoso。com",
        "\"x@evil.example\"@contoso.com",
        "x@evil.example@contoso.com",
        "x@xn--bcher-kva.example",
        "x@BÜCHER.example.",
        "x@bu\u{308}cher.example",
    ];
    assert_eq!(outsiders(&fixture, own), [false; 9]);
    let foreign = [
        "x@evilcontoso.com",
        "x@contoso.com.evil.example",
        "x@contoso.com@evil.example",
        "x@mail.contoso.com",
        "x@contoso",
        "x@com",
        "x@contoso.co",
        "x@xn--contoso.com",
        "x@\u{441}ontoso.com",
        "x@bucher.example",
        "contoso.com",
        "@contoso.com",
        "x@",
        "x@contoso..com",
        "x",
    ];
    assert_eq!(outsiders(&fixture, foreign), [true; 15]);
}

#[test]
fn d7_managed_domain_covers_subdomains_only_when_declared() {
    let fixture = border(&[ManagedDomain::exactly(domain("contoso.com"))]);
    fixture.update_policy(PolicyChange::ManageDomain(ManagedDomain::with_subdomains(domain("fabrikam.com"))));
    let names = ["a@contoso.com", "a@mail.contoso.com", "a@fabrikam.com", "a@x.y.fabrikam.com", "a@notfabrikam.com"];
    assert_eq!(outsiders(&fixture, names), [false, true, false, false, true]);
    // Declared again without them.
    fixture.manage("fabrikam.com");
    assert_eq!(outsiders(&fixture, ["b@fabrikam.com", "b@x.fabrikam.com"]), [false, true]);
}

#[test]
fn d7_without_managed_domains_every_user_is_external() {
    assert_eq!(outsiders(&border(&[]), ["adele@contoso.com", "nrc"]), [true; 2]);
}

#[test]
fn d7_guest_is_external_for_any_suffix() {
    let fixture = border(&[ManagedDomain::with_subdomains(domain("contoso.com"))]);
    let guests = [
        "x_gmail.com#EXT#@contoso.com",
        "x_gmail.com#ext#@contoso.com",
        "x_gmail.com#EXT#@tenant.contoso.com",
        "adele_contoso.com#EXT#@contoso.com",
        "adele_contoso.com#EXT#@fabrikam.onmicrosoft.com",
        "adele_contoso.com#EXT#",
    ];
    assert_eq!(outsiders(&fixture, guests), [true; 6]);
    assert_eq!(outsiders(&fixture, ["adele#EXT@contoso.com"]), [false], "that is no guest's name");
}

#[test]
fn d7_stated_home_overrides_name() {
    let guest = "adele_fabrikam.com#EXT#@contoso.com";
    let fixture = Fixture::new();
    let known = |name: &str, upn: &str| User::new(user(name)).with_alias(alias(upn));
    fixture.install(
        people(&[])
            .user(known("guest-of-ours", guest).with_home_domain(domain("fabrikam.com")))
            .user(known("guest", "bob_gmail.com#EXT#@contoso.com"))
            .user(known("lent", "lent@contoso.com").with_home_domain(domain("partner.example")))
            .user(known("two-names", "two@contoso.com").with_alias(alias("two@partner.example")))
            .user(known("late-guest", "late@contoso.com").with_alias(alias("late_x.example#EXT#@contoso.com"))),
    );
    fixture.manage("contoso.com").manage("fabrikam.com");
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    let names =
        [guest, "bob_gmail.com#EXT#@contoso.com", "lent@contoso.com", "two@partner.example", "late@contoso.com"];
    assert_eq!(outsiders(&fixture, names), [false, true, true, false, true]);
    // The same people, known by their ids alone, and an unknown person.
    let ids = ["guest-of-ours", "guest", "lent", "two-names", "late-guest", "stranger"];
    fixture.ingest(&ids.map(|id| by(id, Actor::user(user(id)))));
    assert_eq!(ids.map(|id| fixture.is_private(id)), [false, true, true, false, true, true]);
    // One external identity is enough.
    let both = Actor::user(alias("two@contoso.com")).with_identity(alias("someone@partner.example"));
    fixture.ingest(&[by("both", both)]);
    assert!(fixture.is_private("both"));
}

#[test]
fn d7_name_without_address_states_no_home() {
    let fixture = Fixture::new();
    fixture.install(people(&[("bob", &[])])).manage("contoso.com");
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    let named = |id: &str, more: Identity| by(id, Actor::user(alias("bob@contoso.com")).with_identity(more));
    let account = Alias::account("GitHub", "nrc").unwrap();
    fixture.ingest(&[named("account", account.into()), named("id", user("unheard-of").into())]);
    fixture.ingest(&[named("abroad", alias("bob@partner.example").into())]);
    assert_eq!(["account", "id", "abroad"].map(|id| fixture.is_private(id)), [false, false, true]);
}

/// A guest is invited again under a new id, and the record with the old id is removed.
#[test]
fn d7_guest_with_removed_record_stays_external() {
    let fixture = Fixture::new();
    let upn = "g_fabrikam.com#EXT#@contoso.com";
    let staff =
        |builder: DirectoryBuilder| builder.group(group("staff"), "Staff").member(&group("staff"), &user("guest"));
    let guest = User::new(user("guest")).with_alias(alias(upn)).with_alias(alias("guest@contoso.com"));
    fixture.install(staff(people(&[]).user(guest))).manage("contoso.com");
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    fixture.install(staff(people(&[]).user(User::new(user("guest-2")).with_alias(alias(upn)))));
    fixture.ingest(&[by("a", Actor::user(user("guest"))), by("b", Actor::user(alias("guest@contoso.com")))]);
    assert_eq!(["a", "b"].map(|id| fixture.is_private(id)), [true, true]);
}

#[test]
fn d7_guest_is_external_once_home_is_unmanaged() {
    let fixture = Fixture::new();
    let guest = User::new(user("g")).with_alias(alias("g_fabrikam.com#EXT#@contoso.com"));
    fixture.install(people(&[]).user(guest.with_home_domain(domain("fabrikam.com")))).manage("contoso.com");
    fixture.manage("fabrikam.com").update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    fixture.ingest(&[by("a", Actor::user(user("g")))]);
    fixture.update_policy(PolicyChange::UnmanageDomain(domain("fabrikam.com")));
    fixture.ingest(&[by("b", Actor::user(user("g")))]);
    assert_eq!(["a", "b"].map(|id| fixture.is_private(id)), [false, true]);
}

#[test]
fn d7_private_application_group_hides_applications() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).manage("contoso.com");
    let app = || Actor::application("Backup".parse().unwrap());
    let three = |prefix: &str| {
        [
            by(&format!("{prefix} app"), app()),
            by(&format!("{prefix} system"), Actor::system("SharePoint".parse().unwrap())),
            activity(&format!("{prefix} user"), "adele"),
        ]
    };
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::Applications)).ingest(&three("1"));
    assert_eq!(["app", "system", "user"].map(|who| fixture.is_private(&format!("1 {who}"))), [true, false, false]);
    let reason = Reason::Member { group: GroupRef::Applications, role: PrincipalRole::Actor };
    assert_eq!(fixture.decision("1 app").reasons(), [reason]);
    // An application is not external.
    fixture.update_policy(PolicyChange::MakePublic(GroupRef::Applications));
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers)).ingest(&three("2"));
    assert_eq!(["app", "system", "user"].map(|who| fixture.is_private(&format!("2 {who}"))), [false; 3]);
    // An application that is a member of a private group, or has the name of a member, is hidden as such.
    fixture.make_private("council").ingest(&[by("3", app().with_identity(alias("adele@contoso.com")))]);
    assert!(fixture.is_private("3"));
}

/// Returns whether an actor's activity is hidden.
fn hidden(fixture: &Fixture, id: &str, actor: Actor) -> bool {
    fixture.ingest(&[by(id, actor)]);
    fixture.is_private(id)
}

#[test]
fn d8_aliases_are_folded_by_unicode_not_locale() {
    let fixture = Fixture::new();
    let member = |id: &str, name: &str| User::new(user(id)).with_alias(alias(name));
    let mut import = people(&[]).group(group("council"), "Works council");
    for (id, name) in [
        ("1", "IRIS@contoso.com"),
        ("2", "ışık@contoso.com"),
        ("3", "İnci@contoso.com"),
        ("4", "straße@contoso.com"),
        ("5", "jos\u{e9}@bücher.example"),
        ("6", "Σίσυφος@contoso.com"),
    ] {
        import = import.user(member(id, name)).member(&group("council"), &user(id));
    }
    fixture.install(import).manage("contoso.com").manage("bücher.example").make_private("council");
    for same in [
        "iris@contoso.com",
        "Iris@CONTOSO.COM.",
        " iris@contoso.com ",
        "ışık@Contoso.com",
        "i\u{307}nci@contoso.com",
        "STRASSE@contoso.com",
        "JOSE\u{301}@xn--bcher-kva.example",
        "ΣΊΣΥΦΟΣ@contoso.com",
    ] {
        assert!(hidden(&fixture, same, Actor::user(alias(same))), "{same}");
    }
    for other in ["ırıs@contoso.com", "isik@contoso.com", "IŞIK@contoso.com", "inci@contoso.com", "strase@contoso.com"]
    {
        assert!(!hidden(&fixture, other, Actor::user(alias(other))), "{other}");
    }
}

#[test]
fn d8_alias_belongs_to_holder_in_directory_in_force() {
    let fixture = Fixture::new();
    let desk = alias("desk@contoso.com");
    let with = |name: &str| contoso(name).with_alias(desk.clone());
    let import = |holder: User, other: User| {
        let council = group("council");
        people(&[]).user(holder).user(other).group(council.clone(), "Works council").member(&council, &user("adele"))
    };
    fixture.install(import(with("adele"), contoso("bob"))).manage("contoso.com").make_private("council");
    assert!(hidden(&fixture, "adele holds it", Actor::user(desk.clone())));
    fixture.install(import(with("bob"), contoso("adele")));
    assert!(!hidden(&fixture, "bob holds it", Actor::user(desk.clone())));
    assert!(hidden(&fixture, "adele herself", Actor::user(alias("adele@contoso.com"))));
    fixture.install(import(contoso("bob"), contoso("adele")));
    assert!(!hidden(&fixture, "nobody holds it", Actor::user(desk.clone())));
    fixture.install(import(with("adele"), contoso("bob")));
    assert!(hidden(&fixture, "adele holds it again", Actor::user(desk)));
}

#[test]
fn d8_id_alone_protects_and_is_not_folded() {
    let fixture = Fixture::new();
    let council = group("council");
    // The second member has no user record at all.
    let import = people(&[]).user(contoso("Adele-1")).group(council.clone(), "Works council");
    fixture.install(import.member(&council, &user("Adele-1")).member(&council, &user("Stra\u{df}e")));
    fixture.manage("contoso.com").make_private("council");
    assert!(hidden(&fixture, "a", Actor::user(user("Adele-1"))));
    assert!(hidden(&fixture, "b", Actor::user(user("Stra\u{df}e"))));
    assert!(!hidden(&fixture, "c", Actor::user(user("adele-1"))));
    assert!(!hidden(&fixture, "d", Actor::user(user("STRASSE"))));
    assert!(!hidden(&fixture, "e", Actor::user(user("Adele-1 "))));
    // An id is no alias, and an alias is no id.
    assert!(!hidden(&fixture, "f", Actor::user(user("Adele-1@contoso.com"))));
    let tells = |name: &str| Actor::user(alias(name)).with_identity(alias("zoe@contoso.com"));
    assert!(!hidden(&fixture, "g", tells("Adele-1")));
    assert!(hidden(&fixture, "h", Actor::user(alias("adele-1@contoso.com"))));
}

#[test]
fn d8_any_one_identity_protects() {
    let fixture = Fixture::new();
    let account = User::new(user("carol")).with_alias(Alias::account("GitHub", "nrc").unwrap());
    let import = people(&[("adele", &["council"]), ("bob", &[])]).user(account);
    fixture.install(import.member(&group("council"), &user("carol"))).manage("contoso.com").make_private("council");
    let bob = || Actor::user(alias("bob@contoso.com"));
    assert!(!hidden(&fixture, "bob", bob().with_identity(user("bob")).with_identity(alias("nrc"))));
    assert!(hidden(&fixture, "by id", bob().with_identity(user("bob")).with_identity(user("adele"))));
    assert!(hidden(
        &fixture,
        "by alias",
        bob().with_identity(alias("nobody@contoso.com")).with_identity(alias("ADELE@contoso.com"))
    ));
    assert!(hidden(&fixture, "by account", bob().with_identity(Alias::account("github", "NRC").unwrap())));
    assert!(!hidden(&fixture, "other app", bob().with_identity(Alias::account("Slack", "nrc").unwrap())));
    // An outdated id with the alias of a member, and the other way round.
    assert!(hidden(&fixture, "stale id", Actor::user(user("gone")).with_identity(alias("adele@contoso.com"))));
    assert!(hidden(&fixture, "stale alias", Actor::user(alias("gone@contoso.com")).with_identity(user("adele"))));
    // For an application, the system or an unknown actor, a name still protects.
    assert!(hidden(
        &fixture,
        "system",
        Actor::system("Exchange".parse().unwrap()).with_identity(alias("adele@contoso.com"))
    ));
}
