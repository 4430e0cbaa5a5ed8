//! Erasure of the activities of a data subject.

use activity_privacy::governance::GovernanceSink;
use std::sync::Arc;
use std::time::Duration;

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::directory::{DirectoryBuilder, DirectoryError, DirectorySnapshot, GroupDirectory};
use activity_privacy::export::RecordFormat;
use activity_privacy::filter::{IngestOutcome, PrivacyFilter, RemovalError};
use activity_privacy::governance::{
    Event, Initiator, Justification, Outcome, Record, RecordEntry, RecordId, RecordKind, RecordQuery, RemovalSummary,
};
use activity_privacy::identity::{Alias, Subject};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{Denial, PolicyChange, Role};
use activity_privacy::query::{PageSize, Query};

use crate::fixture::*;
use crate::place::*;

/// Returns a fixture in which Adele is private and Bob is not.
fn set_up(place: &Place) -> Fixture {
    let fixture = place.fixture();
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).make_private("council");
    fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
    fixture
}

fn ids(fixture: &Fixture) -> Vec<String> {
    let mut ids: Vec<_> =
        fixture.everything().iter().map(|stored| stored.activity().id().as_str().to_owned()).collect();
    ids.sort();
    ids
}

fn removals(fixture: &Fixture) -> Vec<Record> {
    let records = fixture.records().into_iter().map(|entry| entry.record);
    records.filter(|record| matches!(record.event, Event::Remove(_))).collect()
}

#[test]
fn g1_erasure_is_recorded_before_and_after_with_totals() {
    for place in places() {
        let fixture = set_up(&place);
        fixture.ingest(&[activity("a", "adele"), activity("b", "bob"), activity("c", "adele")]);
        for (who, erased) in [("adele", 2), ("bob", 1), ("adele", 0)] {
            let receipt = fixture.filter.erase(&user("root"), Subject::of(user(who))).unwrap();
            let records = removals(&fixture);
            let [intent, outcome] = records.last_chunk().unwrap();
            let summary = RemovalSummary::Subject { subject: user(who), identities: 2 };
            for record in [intent, outcome] {
                assert_eq!(record.event, Event::Remove(summary.clone()));
                assert_eq!(record.initiator, Initiator::User(user("root")));
                assert_eq!((record.kind(), record.targets()), (RecordKind::Erasure, vec![(*who).to_owned()]));
            }
            assert_eq!(intent.outcome, Outcome::Intended);
            assert_eq!(removed(&outcome.outcome), Some((erased, 0, true)));
            assert!(matches!(outcome.outcome, Outcome::Removed { intent: of, .. } if of == intent.id));
            assert_eq!(receipt.record(), outcome.id);
        }
        assert_eq!(ids(&fixture), [""; 0]);
    }
}

#[test]
fn g5_erasure_covers_unshared_and_given_identities() {
    for place in places() {
        let fixture = set_up(&place);
        let adele = contoso("adele").with_alias(alias("a.vance@contoso.com")).with_alias(alias("desk@contoso.com"));
        let adele = adele.with_alias(Alias::account("GitHub", "av").unwrap());
        let bob = contoso("bob").with_alias(alias("desk@contoso.com"));
        fixture.install(DirectoryBuilder::new().user(contoso("root")).user(adele).user(bob));
        let by_alias = |id: &str, name: &str| by(id, Actor::user(alias(name)));
        let account = |id: &str, app: &str| by(id, Actor::user(Alias::account(app, "AV").unwrap()));
        fixture.ingest(&[
            by("gone-id", Actor::user(user("adele"))),
            by_alias("gone-upn", "ADELE@Contoso.com."),
            by_alias("gone-other", "a.vance@contoso.com"),
            by_alias("gone-given", "old@contoso.com"),
            account("gone-account", "github"),
            begun("gone-behalf", Actor::application("backup".parse().unwrap()))
                .on_behalf_of(Actor::user(user("adele")))
                .build()
                .unwrap(),
            by_alias("stays-shared", "desk@contoso.com"),
            by_alias("stays-bob", "bob@contoso.com"),
            by_alias("stays-alike", "adele@contoso.com.example"),
            account("stays-account", "GitLab"),
            by("stays-case", Actor::user(user("ADELE"))),
            begun("stays-object", Actor::user(user("bob"))).object("adele@contoso.com").build().unwrap(),
        ]);
        let subject = Subject::of(user("adele")).with_identity(alias("old@contoso.com"));
        fixture.erase(subject);
        let left = ids(&fixture);
        assert!(left.len() == 6 && left.iter().all(|id| id.starts_with("stays")), "{left:?}");
        fixture.erase(Subject::of(user("adele")).with_identity(alias("desk@contoso.com")));
        assert_eq!(ids(&fixture).len(), 5);
    }
}

#[test]
fn p1_only_privacy_administrator_erases_and_others_learn_nothing() {
    for place in places() {
        let fixture = set_up(&place);
        fixture.ingest(&[activity("a", "adele")]);
        let record = fixture.records()[0].record.id;
        let erasure_result = |by: &str, who: &str| fixture.filter.erase(&user(by), Subject::of(user(who))).unwrap_err();
        for (by, denial) in [("ann", Denial::MayNotManage), ("bob", Denial::NotAdmin), ("adele", Denial::NotAdmin)] {
            for who in ["adele", "nobody"] {
                let error = erasure_result(by, who);
                assert!(matches!(error, RemovalError::Denied(found) if found == denial), "{error:?}");
                assert_eq!(removals(&fixture).last().unwrap().outcome, Outcome::Denied(denial));
            }
            assert_eq!(format!("{:?}", erasure_result(by, "adele")), format!("{:?}", erasure_result(by, "nobody")));
            let error = fixture.filter.redact(&user(by), record).unwrap_err();
            assert!(matches!(error, RemovalError::Denied(found) if found == denial), "{error:?}");
        }
        assert_eq!(ids(&fixture), ["a"]);
        assert!(removals(&fixture).iter().all(|record| matches!(record.outcome, Outcome::Denied(_))));
    }
}

/// The administrator's results are the same with and without private activities.
#[test]
fn v2_erasure_result_hides_whether_activities_existed() {
    for (with, without) in places().into_iter().zip(places()) {
        let erasure_result = |place: &Place, batch: &[Activity]| {
            let fixture = place.repeatable_fixture();
            fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).make_private("council");
            fixture.ingest(batch);
            let answers: Vec<String> = ["adele", "bob", "adele", "nobody"]
                .map(|who| format!("{:?}", fixture.filter.erase(&user("root"), Subject::of(user(who)))))
                .to_vec();
            (answers, fixture.public_ids())
        };
        let hidden: Vec<Activity> = (0..5).map(|n| activity(&format!("hidden-{n}"), "adele")).collect();
        assert_eq!(erasure_result(&with, &hidden), erasure_result(&without, &[]));
    }
}

#[test]
fn d4_redelivery_of_erased_activity_is_duplicate() {
    for place in places() {
        let fixture = set_up(&place);
        let batch = [activity("a", "adele"), activity("b", "bob"), activity("c", "carol")];
        fixture.ingest(&batch);
        for who in ["adele", "bob"] {
            fixture.erase(Subject::of(user(who)));
        }
        assert_eq!(fixture.ingest(&batch), [IngestOutcome::Duplicate; 3]);
        let others = [activity("a", "bob"), activity("b", "adele"), activity("d", "adele")];
        assert_eq!(
            fixture.ingest(&others),
            [IngestOutcome::Duplicate, IngestOutcome::Duplicate, IngestOutcome::Stored]
        );
        // A node that starts afterwards gives the same outcome.
        let again = place.fixture();
        again.install(people(&[]));
        assert_eq!(again.ingest(&batch), [IngestOutcome::Duplicate; 3]);
        assert_eq!(ids(&fixture), ["c", "d"]);
    }
}

#[test]
fn g2_erasure_records_contain_no_name() {
    for place in places() {
        let fixture = set_up(&place);
        fixture.ingest(&[by("CANARY-ID", Actor::user(alias("canary@contoso.com")))]);
        let subject = Subject::of(user("u-1")).with_identity(alias("canary@contoso.com"));
        let receipt = fixture.filter.erase(&user("root"), subject.clone()).unwrap();
        let text = format!("{:?}{receipt:?}{subject:?}", fixture.records())
            + &serde_json::to_string(&fixture.records()).unwrap();
        assert!(!text.to_lowercase().contains("canary"), "{text}");
    }
}

/// A directory that is not available.
struct UnavailableDirectory;

impl GroupDirectory for UnavailableDirectory {
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        Err(DirectoryError::Unavailable("on command".into()))
    }
}

#[test]
fn g5_erasure_without_directory_removes_nothing() {
    let (store, sink) = (Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()));
    let filter = PrivacyFilter::builder(Arc::clone(&store), UnavailableDirectory, Arc::clone(&sink))
        .open_or_initialize(admins())
        .unwrap();
    filter.ingest(&[activity("a", "adele")]).unwrap();
    let before = sink.records(&RecordQuery::default(), 0, 100).unwrap().len();
    let error = filter.erase(&user("root"), Subject::of(user("adele"))).unwrap_err();
    assert!(matches!(error, RemovalError::Directory(DirectoryError::Unavailable(_))), "{error:?}");
    assert_eq!(sink.records(&RecordQuery::default(), 0, 100).unwrap().len(), before);
    // A user without the role is denied, and the denial is recorded.
    let error = filter.erase(&user("bob"), Subject::of(user("adele"))).unwrap_err();
    assert!(matches!(error, RemovalError::Denied(Denial::NotAdmin)), "{error:?}");
    assert_eq!(sink.records(&RecordQuery::default(), 0, 100).unwrap().len(), before + 1);
    // If there never was a directory, only the given identities count.
    let (log, directory) = (Arc::clone(&sink), MemoryDirectory::new());
    let filter = PrivacyFilter::builder(store, directory, log).open_or_initialize(admins()).unwrap();
    assert!(filter.erase(&user("root"), Subject::of(user("adele")).with_identity(alias("adele@contoso.com"))).is_ok());
    let last = sink.records(&RecordQuery::default(), 0, 100).unwrap().pop().unwrap().record;
    assert_eq!(removed(&last.outcome), Some((1, 0, true)));
}

#[test]
fn g2_redacted_record_stays_without_personal_content() {
    let place = Place::in_memory();
    let fixture = set_up(&place);
    fixture.permit_root().ingest(&[activity("a", "adele")]);
    let mut reveal = fixture.filter.reveal(reveal_all("root").because(Justification::new("CANARY").unwrap())).unwrap();
    reveal.page(PageSize::default(), None).unwrap();
    reveal.close().unwrap();
    let before = fixture.records();
    let says = |entry: &RecordEntry| entry.record.clone().redact();
    let secrets: Vec<RecordId> = before.iter().filter(|entry| says(entry)).map(|entry| entry.record.id).collect();
    assert_eq!(secrets.len(), 2, "one of the reveal and one of its page");
    for (nth, record) in secrets.iter().enumerate() {
        for forgot in [1, 0] {
            let receipt = fixture.filter.redact(&user("root"), *record).unwrap();
            let outcome = fixture.records().pop().unwrap().record;
            assert_eq!(receipt.record(), outcome.id);
            assert_eq!(removed(&outcome.outcome), Some((0, forgot, true)));
            assert_eq!(outcome.targets(), [record.to_string()]);
        }
        let now = fixture.records();
        for (before, now) in before.iter().zip(&now) {
            let is_forgotten = secrets[..=nth].contains(&before.record.id);
            let mut expected = before.record.clone();
            assert!(!is_forgotten || expected.redact());
            assert_eq!((now.sequence, &now.record), (before.sequence, &expected));
        }
    }
    assert!(!serde_json::to_string(&fixture.records()).unwrap().contains("CANARY"));
    assert_eq!(ids(&fixture), ["a"], "no activity is removed");
}

#[test]
fn g5_erasure_runs_alongside_ingest_and_reads() {
    for place in places() {
        let fixture = set_up(&place);
        let batch = |from: usize| (from..from + 500).map(|n| activity(&format!("a-{n}"), "adele")).collect::<Vec<_>>();
        for from in (0..4_000).step_by(500) {
            fixture.ingest(&batch(from));
        }
        // More than one step, while other threads ingest and read.
        std::thread::scope(|scope| {
            let erasing = scope.spawn(|| fixture.filter.erase(&user("root"), Subject::of(user("adele"))).unwrap());
            let others = activity("other", "bob");
            while !erasing.is_finished() {
                fixture.ingest(std::slice::from_ref(&others));
                assert!(fixture.public_ids().len() <= 1);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        fixture.ingest(&[activity("other", "bob")]);
        assert_eq!(ids(&fixture), ["other"]);
        let outcome = removals(&fixture).pop().unwrap().outcome;
        assert_eq!(removed(&outcome), Some((4_000, 0, true)));
    }
}

/// The log contains the number of removed activities only for readers who may know that private ones existed, and
/// likewise content by which a query could be guessed.
#[test]
fn v2_log_readers_do_not_learn_private_totals() {
    for place in places() {
        let fixture = place.fixture();
        fixture.install(people(&[("adele", &["council"]), ("eve", &[])])).make_private("council").permit_root();
        fixture.update_policy(PolicyChange::SetAdmin(user("eve"), Role::PrivacyAdministrator));
        fixture.ingest(&[activity("a", "adele"), activity("b", "adele")]);
        fixture.filter.reveal(reveal_all("root")).unwrap().close().unwrap();
        fixture.advance(9);
        let _receipt = fixture.filter.erase(&user("eve"), Subject::of(user("adele"))).unwrap();
        let read = |reader: &str| {
            let all = RecordQuery::default();
            fixture.filter.governance_records(&user(reader), &all, 0, PageSize::MAX).unwrap()
        };
        let count = |reader: &str| {
            let last = read(reader).pop().unwrap().record;
            assert_eq!(last.at, at(9), "the record has its own time");
            removed(&last.outcome)
        };
        assert_eq!((count("root"), count("eve")), (Some((2, 0, true)), None));
        let guessed = |reader: &str| {
            let reveals = read(reader).into_iter().filter_map(|entry| match entry.record.event {
                Event::Reveal(summary) => Some(summary.is_about(&Query::all())),
                _ => None,
            });
            reveals.collect::<Vec<_>>()
        };
        assert_eq!((guessed("root"), guessed("eve")), (vec![true, false], vec![false, false]));
        // An export does not reveal it either.
        #[cfg(feature = "export")]
        for format in [RecordFormat::JsonLines, RecordFormat::Ocsf] {
            let mut written = Vec::new();
            fixture.filter.export_governance(&user("eve"), &RecordQuery::default(), format, &mut written).unwrap();
            let written = String::from_utf8(written).unwrap();
            let last = written.lines().last().unwrap();
            assert!(!last.contains("\"value\":2") && !last.contains("opening"), "{last}");
        }
    }
}

/// More than one step searches, and only the actor finds the private ones.
#[test]
fn g5_single_activity_among_thousands_of_private_is_erased() {
    for before in [8_191, 8_192, 8_193] {
        let place = Place::in_sqlite();
        let fixture = place.fixture();
        fixture.install(people(&[("adele", &["council"]), ("carol", &["council"])])).make_private("council");
        let others: Vec<_> = (0..before).map(|n| activity(&format!("a-{n}"), "adele")).collect();
        fixture.ingest(&others);
        fixture.ingest(&[activity("hers", "carol")]);
        assert!(fixture.is_private("hers"));
        fixture.erase(Subject::of(user("carol")));
        let left = fixture.everything();
        assert_eq!(left.len(), others.len());
        assert!(left.iter().all(|stored| stored.activity().id().as_str() != "hers"));
    }
}
