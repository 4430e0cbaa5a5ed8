//! D9: an activity that cannot be decided is hidden.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::directory::{
    DirectoryDelta, DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory,
};
use activity_privacy::engine::{PolicyEngine, PrincipalRole, Reason, Undecidable, UndecidableReason, Verdict};
use activity_privacy::filter::{IngestError, IngestOutcome, PrivacyFilter};
use activity_privacy::identity::Alias;
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{ManagedDomain, OnUndecidable, OptionsPatch, PolicyChange};
use activity_privacy::query::{PageSize, Query};

use crate::fixture::*;

fn undecidable(cause: UndecidableReason) -> Reason {
    Reason::Undecidable(cause)
}

fn set_on_undecidable(on_undecidable: OnUndecidable) -> PolicyChange {
    PolicyChange::SetOptions(OptionsPatch::new().on_undecidable(on_undecidable))
}

/// A user about whom the source says nothing.
fn nameless() -> Actor {
    serde_json::from_str(r#"{"kind":"user"}"#).unwrap()
}

/// Adele is in the council, and two people share a desk.
fn office() -> Fixture {
    let fixture = Fixture::new();
    let at_the_desk = |name: &str| contoso(name).with_alias(alias("desk@contoso.com"));
    let import = people(&[("adele", &["council"]), ("bob", &[])]).user(at_the_desk("x")).user(at_the_desk("y"));
    fixture.install(import).manage("contoso.com").make_private("council");
    fixture
}

#[test]
fn d9_no_usable_actor_is_hidden() {
    let fixture = office();
    let bob = || Actor::user(alias("bob@contoso.com"));
    fixture.ingest(&[
        by("unknown", Actor::unknown()),
        by("nameless", nameless()),
        begun("for-unknown", bob()).on_behalf_of(Actor::unknown()).build().unwrap(),
        begun("for-nameless", bob()).on_behalf_of(nameless()).build().unwrap(),
        by("half-known", Actor::unknown().with_identity(alias("bob@contoso.com"))),
    ]);
    assert_eq!(fixture.public_ids(), [""; 0]);
    assert_eq!(fixture.decision("unknown").reasons(), [undecidable(UndecidableReason::NoUsableActor)]);
    assert_eq!(fixture.decision("for-nameless").reasons(), [undecidable(UndecidableReason::NoUsableActor)]);
}

fn account(app: &str, name: &str) -> Actor {
    Actor::user(Alias::account(app, name).unwrap())
}

/// Adele is in the council. Only Bob's passport id and Carol's Slack account are known.
fn some_accounts_known() -> Fixture {
    let fixture = Fixture::new();
    let with = |name: &str, app: &str, account: &str| contoso(name).with_alias(Alias::account(app, account).unwrap());
    let import = people(&[("adele", &["council"])])
        .user(with("bob", Alias::PASSPORT_IDS, "1003200096971F55"))
        .user(with("carol", "Slack", "U1"));
    fixture.install(import).manage("contoso.com").make_private("council");
    fixture
}

/// Applies a delta to the directory of a fixture.
fn apply(fixture: &Fixture, delta: &DirectoryDelta) {
    let before = fixture.directory.snapshot().unwrap();
    let revision = DirectoryRevision(before.revision().0 + 1);
    fixture.directory.install(before.apply(delta, revision, at(1)).unwrap()).unwrap();
}

/// An identity that does not resolve hides the activity unless the directory would list it if it were known: ids that
/// directories list for some users only, damaged or masked names, and accounts in an app of which the directory lists
/// none.
#[test]
fn d9_identity_in_unknown_form_is_hidden() {
    let fixture = some_accounts_known();
    let cases = [
        ("sid", account(Alias::SECURITY_IDS, "S-1-5-21-1-2-3-1104"), true),
        ("mailbox", account(Alias::MAILBOX_IDS, "7d1c8e52-0a43-103e-8f2b-5d2c6a9b1f00"), true),
        ("passport id of a stranger", account(Alias::PASSPORT_IDS, "1003200000000000"), true),
        ("passport id of bob", account(Alias::PASSPORT_IDS, "1003200096971f55"), false),
        ("damaged", Actor::user(alias("ad?le@contoso.com")), true),
        ("damaged by conversion", Actor::user(alias("ad\u{fffd}le@contoso.com")), true),
        ("masked", Actor::user(alias("a***e@contoso.com")), true),
        ("account in an app of which none is known", account("Zoom", "z-1"), true),
        ("account in an app of which some are known", account("slack", "U2"), false),
        ("name bound to no app, of which none is known", Actor::user(alias("adele")), true),
        ("address of a stranger", Actor::user(alias("zoe@contoso.com")), false),
        ("object id of a stranger", Actor::user(user("zoe")), false),
        ("object id of a form that nobody has", Actor::user(user("7d1c8e52-0a43-103e-8f2b-5d2c6a9b1f00")), true),
        ("display name", Actor::user(alias("Adele Vance")), true),
        (
            "sid beside a stranger",
            Actor::user(user("zoe")).with_identity(Alias::account("sid", "S-1-5-21-1").unwrap()),
            false,
        ),
    ];
    let batch: Vec<_> = cases.iter().map(|(id, actor, _)| by(id, actor.clone())).collect();
    fixture.ingest(&batch);
    for (id, _, hidden) in &cases {
        assert_eq!(fixture.is_private(id), *hidden, "{id}");
        if *hidden {
            assert_eq!(fixture.decision(id).reasons(), [undecidable(UndecidableReason::NoUsableActor)], "{id}");
        }
    }
}

#[test]
fn d9_principal_in_unknown_form_is_hidden() {
    let fixture = some_accounts_known();
    let bob = Actor::user(alias("bob@contoso.com"));
    let for_sid = begun("for a sid", bob).on_behalf_of(account(Alias::SECURITY_IDS, "S-1-5-21-1"));
    fixture.ingest(&[for_sid.build().unwrap()]);
    assert!(fixture.is_private("for a sid"));
}

/// A delta removes the only known Slack account, so an unknown one cannot be decided any more.
#[test]
fn d9_account_in_app_without_accounts_is_hidden() {
    let fixture = some_accounts_known();
    fixture.ingest(&[by("before", account("slack", "U2"))]);
    apply(&fixture, &DirectoryDelta::new().user(contoso("carol")));
    fixture.ingest(&[by("after", account("slack", "U2"))]);
    assert!(!fixture.is_private("before") && fixture.is_private("after"));
}

/// Whether the directory has names outside any app says nothing about accounts in an app, and vice versa.
#[test]
fn d9_names_and_accounts_are_known_separately() {
    let fixture = some_accounts_known();
    apply(&fixture, &DirectoryDelta::new().user(contoso("dora").with_alias(alias("dora"))));
    fixture.ingest(&[by("a name", Actor::user(alias("ada"))), by("an account", account("Zoom", "ada"))]);
    assert!(!fixture.is_private("a name") && fixture.is_private("an account"));

    let zoom = Alias::account("Zoom", "z-1").unwrap();
    apply(&fixture, &DirectoryDelta::new().user(contoso("dora")).user(contoso("erin").with_alias(zoom)));
    let in_zoom = |id: &str, actor| {
        let app = App::new("Zoom".parse().unwrap());
        Activity::builder(id.parse().unwrap(), actor, app, "Joined".parse().unwrap(), at(0)).build().unwrap()
    };
    fixture.ingest(&[
        in_zoom("another account", account("Zoom", "ada")),
        in_zoom("another name", Actor::user(alias("ada"))),
        in_zoom("a name that is an account", Actor::user(alias("z-1"))),
    ]);
    assert!(!fixture.is_private("another account") && fixture.is_private("another name"));
    assert!(!fixture.is_private("a name that is an account"));
}

#[test]
fn d9_ambiguous_alias_is_hidden() {
    let fixture = office();
    fixture.ingest(&[
        activity("desk", "desk"),
        by("one of them", Actor::user(user("x"))),
        by("id and shared alias", Actor::user(user("x")).with_identity(alias("DESK@contoso.com"))),
    ]);
    assert_eq!(fixture.decision("desk").reasons(), [undecidable(UndecidableReason::AmbiguousAlias)]);
    assert_eq!(fixture.decision("id and shared alias").reasons(), [undecidable(UndecidableReason::AmbiguousAlias)]);
    assert_eq!(fixture.public_ids(), ["one of them"]);
}

#[test]
fn d9_never_loaded_directory_hides_everything() {
    let fixture = Fixture::new();
    fixture.ingest(&[activity("a", "bob"), by("app", Actor::application("Backup".parse().unwrap()))]);
    assert_eq!(fixture.public_ids(), [""; 0]);
    fixture.install(people(&[("bob", &[])]));
    fixture.ingest(&[activity("b", "bob")]);
    assert_eq!(fixture.public_ids(), ["b"]);
    assert_eq!(fixture.decision("a").reasons(), [undecidable(UndecidableReason::DirectoryNeverLoaded)]);
    assert_eq!(fixture.decision("a").directory(), None);
}

/// A directory that a test can make unavailable.
#[derive(Default)]
struct SwitchableDirectory {
    inner: MemoryDirectory,
    is_down: AtomicBool,
}

impl GroupDirectory for SwitchableDirectory {
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(DirectoryError::Unavailable("the directory is down".into()));
        }
        self.inner.snapshot()
    }
}

#[test]
fn d9_unavailable_directory_hides_everything_until_available() {
    let directory = Arc::new(SwitchableDirectory::default());
    let store = Arc::new(MemoryStore::new());
    let filter = PrivacyFilter::builder(Arc::clone(&store), Arc::clone(&directory), MemorySink::new())
        .clock(|| at(0))
        .initialize(admins())
        .unwrap();
    let import = |groups: &[&str]| people(&[("bob", groups), ("adele", &["council"])]);
    directory.inner.install(import(&[]).build(DirectoryRevision(1), at(0)).unwrap()).unwrap();
    filter
        .update_policy(&user("root"), PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com"))))
        .unwrap();
    filter.update_policy(&user("root"), PolicyChange::MakePrivate(group("council").into())).unwrap();
    let ids = || {
        let page = filter.view(&user("somebody")).page(&Query::all(), PageSize::MAX, None).unwrap();
        page.activities().iter().map(|stored| stored.activity().id().as_str().to_owned()).collect::<Vec<_>>()
    };
    filter.ingest(&[activity("before", "bob")]).unwrap();
    directory.is_down.store(true, Ordering::SeqCst);
    filter.ingest(&[activity("during", "bob")]).unwrap();
    assert_eq!(ids(), ["before"], "an activity was decided with a snapshot from before the outage");
    directory.is_down.store(false, Ordering::SeqCst);
    filter.ingest(&[activity("restored", "bob"), activity("during", "bob")]).unwrap();
    assert_eq!(ids(), ["restored", "before"], "what was hidden stays hidden");
    let engine =
        PolicyEngine::new(filter.policy().unwrap(), Err(DirectoryError::Unavailable("the directory is down".into())));
    let (verdict, reasons) = engine.verdict(&activity("x", "bob"), at(0));
    assert_eq!(verdict, Verdict::Private);
    assert_eq!(reasons, [undecidable(UndecidableReason::DirectoryUnavailable)]);
}

#[test]
fn d9_outdated_directory_hides_everything() {
    let fixture = office();
    let max_directory_age = Some(Duration::from_secs(60));
    fixture.permit_root().options(OptionsPatch::new().max_directory_age(max_directory_age));
    fixture.advance(60).ingest(&[activity("just", "bob")]);
    fixture.advance(1).ingest(&[activity("late", "bob"), activity("adele", "adele")]);
    assert_eq!(fixture.public_ids(), ["just"]);
    assert_eq!(fixture.decision("late").reasons(), [undecidable(UndecidableReason::DirectoryTooOld)]);
    let member = Reason::Member { group: group("council").into(), role: PrincipalRole::Actor };
    assert_eq!(fixture.decision("adele").reasons(), [member, undecidable(UndecidableReason::DirectoryTooOld)]);
    // Imported again, at the time of the fixture's clock.
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).ingest(&[activity("fresh", "bob")]);
    assert_eq!(fixture.public_ids(), ["just", "fresh"]);
}

#[test]
fn d9_undecidable_batch_is_rejected_by_option() {
    let fixture = office();
    fixture.update_policy(set_on_undecidable(OnUndecidable::Reject));
    let batch =
        [activity("fine", "bob"), activity("adele", "adele"), activity("desk", "desk"), by("x", Actor::unknown())];
    match fixture.filter.ingest(&batch) {
        Err(IngestError::Undecidable(undecidable)) => {
            assert_eq!(undecidable, Undecidable { position: 2, reason: UndecidableReason::AmbiguousAlias });
            assert_eq!(
                undecidable.to_string(),
                "the activity at index 2 of the batch cannot be decided: an alias on the activity belongs to several \
                 users; make the alias unique in the directory"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.everything(), []);
    // The caller retries once the alias is unambiguous in the directory.
    fixture.install(people(&[("adele", &["council"]), ("bob", &[]), ("desk", &[])]));
    assert_eq!(fixture.ingest(&batch[..3]), [IngestOutcome::Stored; 3]);
    assert_eq!(fixture.public_ids(), ["fine", "desk"]);
    // Without a directory no activity can be decided, so every batch is rejected.
    let never_loaded = Fixture::new();
    never_loaded.update_policy(set_on_undecidable(OnUndecidable::Reject));
    assert!(matches!(
        never_loaded.filter.ingest(&[activity("a", "bob")]),
        Err(IngestError::Undecidable(Undecidable { position: 0, reason: UndecidableReason::DirectoryNeverLoaded }))
    ));
    assert_eq!(never_loaded.install(people(&[])).everything(), []);
}

#[test]
fn d9_undecidable_activity_is_shown_only_by_option() {
    let fixture = office();
    let batch = |prefix: &str| {
        let id = |name: &str| format!("{prefix} {name}");
        [by(&id("unknown"), Actor::unknown()), activity(&id("desk"), "desk"), activity(&id("adele"), "adele")]
    };
    fixture.ingest(&batch("hide"));
    fixture.update_policy(set_on_undecidable(OnUndecidable::FailOpen)).ingest(&batch("show"));
    fixture.update_policy(set_on_undecidable(OnUndecidable::Hide)).ingest(&batch("hide again"));
    assert_eq!(fixture.public_ids(), ["show unknown", "show desk"]);
    let shown = fixture.decision("show desk");
    assert_eq!(
        shown.reasons(),
        [undecidable(UndecidableReason::AmbiguousAlias)],
        "the decision does not state that it was undecidable"
    );
    // A protected person is hidden, whatever else is unknown.
    fixture.update_policy(set_on_undecidable(OnUndecidable::FailOpen));
    let desk = Actor::user(alias("desk@contoso.com"));
    fixture.ingest(&[by("with adele", desk.with_identity(user("adele")))]);
    assert!(fixture.is_private("with adele"));
}

#[test]
fn d9_user_in_no_group_is_public() {
    let fixture = office();
    fixture.ingest(&[activity("known", "bob"), activity("unheard of", "newcomer"), by("id", Actor::user(user("new")))]);
    assert_eq!(fixture.public_ids(), ["unheard of", "known", "id"]);
    fixture.update_policy(set_on_undecidable(OnUndecidable::Reject));
    assert_eq!(fixture.ingest(&[activity("again", "newcomer")]), [IngestOutcome::Stored]);
}
