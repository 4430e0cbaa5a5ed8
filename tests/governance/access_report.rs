//! What a protected person is told: G7.

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

fn told(fixture: &Fixture, name: &str) -> Vec<AccessNotice> {
    fixture.filter.access_report(&Subject::of(user(name)), ALWAYS).unwrap()
}

fn look(from: i64, until: i64, pages: u64, purpose: Option<&str>) -> AccessNotice {
    let purpose = purpose.map(|text| Purpose::new(text).unwrap());
    AccessNotice { from: at(from), until: at(until), pages, purpose }
}

/// What Adele and Ann do is private, what Bob does is not.
fn furnish(fixture: &Fixture) {
    let people = people(&[("adele", &["council"]), ("ann", &["council"]), ("bob", &[])]);
    fixture.install(people).manage("contoso.com").make_private("council").permit_root();
    fixture.ingest(&[activity("a1", "adele"), activity("a2", "adele"), activity("b", "bob"), activity("c", "ann")]);
}

#[test]
fn g7_the_protected_are_told_when_and_for_what_purpose_and_not_by_whom() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        assert_eq!(told(&fixture, "adele"), []);
        let mut first = fixture.filter.reveal(reveal_for("security incident")).unwrap();
        assert_eq!(told(&fixture, "adele"), [], "nothing was seen yet");
        first.page(PageSize::default(), None).unwrap();
        fixture.advance(60);
        first.page(PageSize::default(), None).unwrap();
        fixture.advance(60);
        fixture.filter.reveal(reveal_all("root")).unwrap().page(PageSize::default(), None).unwrap();
        let looks = [look(0, 60, 2, Some("security incident")), look(120, 120, 1, None)];
        assert_eq!(told(&fixture, "adele"), looks);
        assert_eq!(told(&fixture, "ann"), looks);
        assert_eq!(told(&fixture, "bob"), [], "what is public is nobody's secret");
        assert!(!serde_json::to_string(&told(&fixture, "adele")).unwrap().contains("root"));
        // In some times only.
        let subject = Subject::of(user("adele"));
        assert_eq!(
            fixture.filter.access_report(&subject, at(60)..at(120)).unwrap(),
            [look(60, 60, 1, Some("security incident"))]
        );
        assert_eq!(fixture.filter.access_report(&subject, at(61)..at(120)).unwrap(), []);
    }
}

/// Tags can be held against everybody in the directory, so nobody who reads the log gets them.
#[test]
fn v2_no_reader_of_the_log_learns_who_has_private_activities() {
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
                    assert_eq!(["adele", "ann", "bob"].iter().find(|name| is_on_it(name)), None, "told to {reader}");
                }
            }
            assert!(pages > 0);
        }
        assert_eq!(told(&fixture, "adele").len(), 1, "they themselves are told");
    }
}

/// However long the log is, and whoever else is on its pages.
#[test]
fn g7_a_long_log_is_read_to_its_end() {
    let fixture = Fixture::new();
    furnish(&fixture);
    let mut reveal = fixture.filter.reveal(reveal_for("audit")).unwrap();
    for _ in 0..600 {
        reveal.page(PageSize::default(), None).unwrap();
    }
    assert_eq!(told(&fixture, "adele"), [look(0, 0, 600, Some("audit"))]);
}

/// A page with something private on it that names nobody is about nobody.
#[test]
fn g7_what_names_nobody_is_nobody_s() {
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
fn g7_only_those_whose_activities_were_on_the_page_are_told() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let query = Query::all().by_actor("ann@contoso.com").unwrap();
        let wish = RevealRequest::new(user("root"), query, Duration::from_secs(9), audited);
        fixture.filter.reveal(wish).unwrap().page(PageSize::default(), None).unwrap();
        assert_eq!(told(&fixture, "ann"), [look(0, 0, 1, None)]);
        assert_eq!(told(&fixture, "adele"), []);
    }
}

/// By whatever an activity names them, as a principal of either kind, or as an object where objects count.
#[test]
fn g7_people_are_found_by_every_identity_on_an_activity() {
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
            assert_eq!(told(&fixture, "adele").len(), n, "x{n}");
            assert_eq!(told(&fixture, "ann"), [], "x{n}");
            assert_eq!(told(&fixture, "bob").len(), n.saturating_sub(2), "x{n}: what they did is private too");
        }
    }
}

/// Names that the directory does not know any more can be given along.
#[test]
fn g7_whoever_is_gone_from_the_directory_is_told_by_the_names_that_they_bring() {
    let fixture = Fixture::new();
    furnish(&fixture);
    fixture.filter.reveal(reveal_for("audit")).unwrap().page(PageSize::default(), None).unwrap();
    fixture.install(people(&[("bob", &[])]));
    assert_eq!(told(&fixture, "adele"), []);
    let known = Subject::of(user("adele")).with_identity(alias("Adele@contoso.com"));
    assert_eq!(fixture.filter.access_report(&known, ALWAYS).unwrap(), [look(0, 0, 1, Some("audit"))]);
}

#[test]
fn g7_a_page_that_was_refused_at_the_last_moment_was_not_seen() {
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
        assert_eq!(told(&fixture, "adele").len() as i64, seen);
        assert!(told(&fixture, "adele").iter().all(|told| *told == look(began, began, 1, Some("audit"))));
    }
}

/// Whoever reads the log learns from a page whose it is only if they know whom they look for.
#[test]
fn g2_a_page_s_record_names_nobody_and_cannot_be_compared_with_another_reveal_s() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        let mut tags = Vec::new();
        for _ in 0..2 {
            let mut reveal = fixture.filter.reveal(reveal_for("audit")).unwrap();
            reveal.page(PageSize::default(), None).unwrap();
            let last = fixture.records().pop().unwrap().record;
            assert!(!serde_json::to_string(&last).unwrap().contains("adele"));
            let Event::Page { reveal: id, subjects: sealed, .. } = last.event else { panic!("not a page") };
            let subjects = sealed.value().unwrap().clone();
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
/// Gives the first records again and again, as many as it is asked for.
struct GoesBack(Arc<dyn GovernanceSink>);

impl GovernanceSink for GoesBack {
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
fn b3_a_sink_that_goes_back_is_refused_and_not_read_for_ever() {
    let place = crate::place::Place::in_memory();
    let fixture = Fixture::over(Arc::clone(&place.store), Arc::new(GoesBack(Arc::clone(&place.sink))));
    furnish(&fixture);
    fixture.filter.reveal(reveal_all("root")).unwrap().page(PageSize::default(), None).unwrap();
    let error = fixture.filter.access_report(&Subject::of(user("adele")), ALWAYS).unwrap_err();
    assert!(matches!(error, GovernanceError::Sink(SinkError::NotReadBack)), "{error:?}");
    #[cfg(feature = "export")]
    {
        let (all, mut out) = (RecordQuery::default(), std::io::sink());
        let error =
            fixture.filter.export_governance(&user("root"), &all, RecordFormat::JsonLines, &mut out).unwrap_err();
        assert!(matches!(error, ExportError::Sink(SinkError::NotReadBack)), "{error:?}");
    }
}
