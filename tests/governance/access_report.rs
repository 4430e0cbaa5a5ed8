//! The access report for a data subject: G7.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use activity_privacy::activity::Actor;
use activity_privacy::export::{ExportError, RecordFormat};
use activity_privacy::filter::{AccessNotice, GovernanceError};
use activity_privacy::governance::{
    Event, GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, RevealId, SinkError, Subjects,
};
use activity_privacy::identity::{Identity, Subject};
use activity_privacy::policy::{Denial, OptionsPatch, PolicyChange, Purpose, Role};
use activity_privacy::query::{PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};
use chrono::{DateTime, Utc};

use crate::fault::Meanwhile;
use crate::fixture::*;
use crate::forward::forward;
use crate::place::places;

const ALWAYS: std::ops::Range<DateTime<Utc>> = DateTime::<Utc>::MIN_UTC..DateTime::<Utc>::MAX_UTC;

fn notices(fixture: &Fixture, name: &str) -> Vec<AccessNotice> {
    fixture.filter.access_report(&Subject::of(user(name)), ALWAYS).unwrap()
}

fn notice(from: i64, until: i64, pages: u64, purpose: Option<&str>) -> AccessNotice {
    let purpose = purpose.map(|text| Purpose::new(text).unwrap());
    AccessNotice { from: at(from), until: at(until), pages, purpose }
}

/// Makes the activities of Adele and Ann private, but not those of Bob.
fn furnish(fixture: &Fixture) {
    let people = people(&[("adele", &["council"]), ("ann", &["council"]), ("bob", &[])]);
    fixture.install(people).manage("contoso.com").make_private("council").permit_root();
    fixture.ingest(&[activity("a1", "adele"), activity("a2", "adele"), activity("b", "bob"), activity("c", "ann")]);
}

#[test]
fn g7_report_contains_time_and_purpose_without_viewer() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        assert_eq!(notices(&fixture, "adele"), []);
        let mut first = fixture.filter.reveal(reveal_for("security incident")).unwrap();
        assert_eq!(notices(&fixture, "adele"), [], "no activity was viewed yet");
        first.page(PageSize::default(), None).unwrap();
        fixture.advance(60);
        first.page(PageSize::default(), None).unwrap();
        fixture.advance(60);
        fixture.filter.reveal(reveal_all("root")).unwrap().page(PageSize::default(), None).unwrap();
        let expected = [notice(0, 60, 2, Some("security incident")), notice(120, 120, 1, None)];
        assert_eq!(notices(&fixture, "adele"), expected);
        assert_eq!(notices(&fixture, "ann"), expected);
        assert_eq!(notices(&fixture, "bob"), [], "views of public activities are not reported");
        assert!(!serde_json::to_string(&notices(&fixture, "adele")).unwrap().contains("root"));
        // Limited to a period.
        let subject = Subject::of(user("adele"));
        assert_eq!(
            fixture.filter.access_report(&subject, at(60)..at(120)).unwrap(),
            [notice(60, 60, 1, Some("security incident"))]
        );
        assert_eq!(fixture.filter.access_report(&subject, at(61)..at(120)).unwrap(), []);
    }
}

/// A reader could compare the tags with every user of the directory, so no reader of the log receives them.
#[test]
fn v2_log_does_not_disclose_subjects_of_private_activities() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        fixture.update_policy(PolicyChange::SetAdmin(user("eve"), Role::PrivacyAdministrator));
        fixture.filter.reveal(reveal_all("root")).unwrap().page(PageSize::default(), None).unwrap();
        assert_eq!(fixture.filter.policy().unwrap().may_view_private(&user("eve")), Err(Denial::NotPermitted));
        for reader in ["eve", "root"] {
            let mut read =
                fixture.filter.governance_records(&user(reader), &RecordQuery::default(), 0, PageSize::MAX).unwrap();
            #[cfg(feature = "export")]
            {
                let (all, mut out) = (RecordQuery::default(), Vec::new());
                fixture.filter.export_governance(&user(reader), &all, RecordFormat::JsonLines, &mut out).unwrap();
                let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                read.extend(lines.map(|line| serde_json::from_slice::<RecordEntry>(line).unwrap()));
            }
            let mut pages = 0;
            for entry in read {
                if let Event::Page { reveal, subjects, .. } = entry.record.event {
                    pages += 1;
                    let known = |name: &str| Identity::Alias(alias(&format!("{name}@contoso.com")));
                    let is_on_it =
                        |name: &&str| subjects.value().is_some_and(|tags| tags.contains(reveal, &known(name)));
                    assert_eq!(["adele", "ann", "bob"].iter().find(|name| is_on_it(name)), None, "visible to {reader}");
                }
            }
            assert!(pages > 0);
        }
        assert_eq!(notices(&fixture, "adele").len(), 1, "the data subject receives a report");
    }
}

/// A long log, with other people on its pages.
#[test]
fn g7_report_covers_whole_long_log() {
    let fixture = Fixture::new();
    furnish(&fixture);
    let mut reveal = fixture.filter.reveal(reveal_for("audit")).unwrap();
    for _ in 0..600 {
        reveal.page(PageSize::default(), None).unwrap();
    }
    assert_eq!(notices(&fixture, "adele"), [notice(0, 0, 600, Some("audit"))]);
}

/// A page with a private activity without an identity is in no report.
#[test]
fn g7_activity_without_identity_is_in_no_report() {
    let fixture = Fixture::new();
    fixture.install(people(&[])).permit_root();
    fixture.ingest(&[by("n", Actor::unknown())]);
    fixture.filter.reveal(reveal_for("audit")).unwrap().page(PageSize::default(), None).unwrap();
    let Event::Page { private, subjects, .. } = fixture.records().pop().unwrap().record.event else {
        panic!("not a page")
    };
    assert_eq!(private.value(), Some(&1));
    assert!(subjects.value().is_some_and(Subjects::is_empty));
}

#[test]
fn g7_report_omits_pages_of_other_subjects() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let query = Query::all().by_actor("ann@contoso.com").unwrap();
        let wish = RevealRequest::new(user("root"), query, Duration::from_secs(9), audited);
        fixture.filter.reveal(wish).unwrap().page(PageSize::default(), None).unwrap();
        assert_eq!(notices(&fixture, "ann"), [notice(0, 0, 1, None)]);
        assert_eq!(notices(&fixture, "adele"), []);
    }
}

/// Tests each identity of an activity: of the actor, of the principal acted for, and of an object where objects count.
#[test]
fn g7_subject_is_found_by_each_identity() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        fixture.options(OptionsPatch::new().include_objects(true));
        let bob = || Actor::user(alias("bob@contoso.com"));
        let acts = [
            begun("x1", Actor::user(alias("ADELE@Contoso.COM"))),
            begun("x2", Actor::user(user("some app's own")).with_identity(alias("adele@contoso.com"))),
            begun("x3", bob()).on_behalf_of(Actor::user(user("adele"))),
            begun("x4", bob()).object("adele@contoso.com"),
            begun("x5", bob()).object("adele"),
        ];
        for (n, event) in (1..).zip(acts) {
            fixture.ingest(&[event.build().unwrap()]);
            let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
            let by = ["adele@contoso.com", "some app's own", "bob@contoso.com"][(n - 1).min(2)];
            let (query, minute) = (Query::all().by_actor(by).unwrap(), Duration::from_secs(60));
            let wish = RevealRequest::new(user("root"), query, minute, audited).private_only();
            fixture.filter.reveal(wish).unwrap().page(PageSize::at_most(1), None).unwrap();
            assert_eq!(notices(&fixture, "adele").len(), n, "x{n}");
            assert_eq!(notices(&fixture, "ann"), [], "x{n}");
            assert_eq!(
                notices(&fixture, "bob").len(),
                n.saturating_sub(2),
                "x{n}: the actor's activities are private too"
            );
        }
    }
}

/// Names that the directory no longer contains can be given in the request.
#[test]
fn g7_subject_removed_from_directory_is_found_by_names() {
    let fixture = Fixture::new();
    furnish(&fixture);
    fixture.filter.reveal(reveal_for("audit")).unwrap().page(PageSize::default(), None).unwrap();
    fixture.install(people(&[("bob", &[])]));
    assert_eq!(notices(&fixture, "adele"), []);
    let known = Subject::of(user("adele")).with_identity(alias("Adele@contoso.com"));
    assert_eq!(fixture.filter.access_report(&known, ALWAYS).unwrap(), [notice(0, 0, 1, Some("audit"))]);
}

#[test]
fn g7_withheld_page_is_not_reported() {
    let sink = Arc::new(Meanwhile::default());
    let fixture = Fixture::over(Arc::new(activity_privacy::memory::MemoryStore::new()), sink.clone());
    furnish(&fixture);
    for seen in [0, 1] {
        let mut reveal = fixture.filter.reveal(reveal_for("audit")).unwrap();
        for _ in 0..seen {
            reveal.page(PageSize::default(), None).unwrap();
            fixture.advance(60);
        }
        let clock = Arc::clone(&fixture.clock);
        sink.then(move || {
            clock.fetch_add(3_600, Ordering::SeqCst);
        });
        reveal.page(PageSize::default(), None).unwrap_err();
        let began = 3_600 * seen;
        assert_eq!(notices(&fixture, "adele").len() as i64, seen);
        assert!(notices(&fixture, "adele").iter().all(|one| *one == notice(began, began, 1, Some("audit"))));
    }
}

/// A reader of the log can find the subjects of a page only by testing a known name.
#[test]
fn g2_page_record_names_no_subject_and_is_unlinkable() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        let mut tags = Vec::new();
        for _ in 0..2 {
            let mut reveal = fixture.filter.reveal(reveal_for("audit")).unwrap();
            reveal.page(PageSize::default(), None).unwrap();
            let last = fixture.records().pop().unwrap().record;
            assert!(!serde_json::to_string(&last).unwrap().contains("adele"));
            let Event::Page { reveal: id, subjects: commitment, .. } = last.event else { panic!("not a page") };
            let subjects = commitment.value().unwrap().clone();
            let adele = Identity::Alias(alias("adele@contoso.com"));
            assert!(subjects.contains(id, &adele) && !subjects.contains(RevealId(uuid::Uuid::nil()), &adele));
            assert!(!subjects.contains(id, &Identity::Alias(alias("bob@contoso.com"))));
            tags.push(serde_json::to_string(&subjects).unwrap());
        }
        assert_ne!(tags[0], tags[1]);
    }
}

fn reveal_for(purpose: &str) -> RevealRequest {
    reveal_all("root").for_purpose(Purpose::new(purpose).unwrap())
}
/// A sink that returns the first records repeatedly, as many as requested.
struct RepeatsFirstRecords(Arc<dyn GovernanceSink>);

impl GovernanceSink for RepeatsFirstRecords {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        self.0.record(record)
    }

    fn records(&self, query: &RecordQuery, _: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        let found = self.0.records(query, 0, 1)?;
        Ok(found.into_iter().cycle().take(limit).collect())
    }

    forward! { 0: newest remove }
}

#[test]
fn b3_sink_that_repeats_records_is_rejected() {
    let place = crate::place::Place::in_memory();
    let fixture = Fixture::over(Arc::clone(&place.store), Arc::new(RepeatsFirstRecords(Arc::clone(&place.sink))));
    furnish(&fixture);
    fixture.filter.reveal(reveal_all("root")).unwrap().page(PageSize::default(), None).unwrap();
    let error = fixture.filter.access_report(&Subject::of(user("adele")), ALWAYS).unwrap_err();
    assert!(matches!(error, GovernanceError::Sink(SinkError::WrongRecords)), "{error:?}");
    #[cfg(feature = "export")]
    {
        let (all, mut out) = (RecordQuery::default(), std::io::sink());
        let error =
            fixture.filter.export_governance(&user("root"), &all, RecordFormat::JsonLines, &mut out).unwrap_err();
        assert!(matches!(error, ExportError::Sink(SinkError::WrongRecords)), "{error:?}");
    }
}
