//! Histories written by hand, for cases that random ones seldom reach.

use super::*;
use activity_privacy::filter::RevealError;
use activity_privacy::governance::{
    Commitment, FailureReason, GovernanceSink, Justification, RecordEntry, RecordQuery, Salt,
};
use activity_privacy::identity::Subject;
use activity_privacy::policy::{Denial, PolicyChange, Role};
use activity_privacy::query::PageSize;
use activity_privacy::store::ActivityStore;

/// Prepares a fixture with a private activity. Root and Eve are administrators, and Eve may not view private
/// activities.
fn populated(fixture: &Fixture) {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture.update_policy(PolicyChange::SetAdmin(user("eve"), Role::PrivacyAdministrator)).permit_root();
    fixture.ingest(&[activity("a-1", "adele"), activity("a-2", "adele"), activity("b-1", "bob")]);
}

/// Returns the log as Eve reads it, in every form.
fn read_by_eve(fixture: &Fixture) -> Vec<String> {
    let found = fixture.filter.governance_records(&user("eve"), &RecordQuery::default(), 0, PageSize::MAX).unwrap();
    vec![format!("{found:?}"), serde_json::to_string(&found).unwrap()]
}

/// The clock advances while the store works, and is back at the same time when the caller gets the answer.
#[test]
fn v2_records_disclose_no_duration_of_store_calls() {
    for make in PLACES {
        let seen = [0, 1, 40].map(|takes| {
            let place = make();
            let store = FaultyStore::new(Arc::clone(&place.store), &Log::default());
            let fixture = Fixture::repeatable(Arc::clone(&store) as Arc<dyn ActivityStore>);
            let clock = Arc::clone(&fixture.clock);
            store.while_it_works(move || {
                clock.fetch_add(takes, Ordering::SeqCst);
            });
            populated(&fixture);
            let back = |seconds| fixture.clock.store(seconds, Ordering::SeqCst);
            let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
            for seconds in 1..4 {
                back(seconds);
                reveal.page(PageSize::at_most(2), None).unwrap();
            }
            back(4);
            reveal.close().unwrap();
            back(5);
            fixture.erase(Subject::of(user("adele")));
            back(6);
            store.fault_in(2, StoreFault::FailsLate);
            fixture.filter.erase(&user("root"), Subject::of(user("bob"))).unwrap_err();
            back(7);
            let _receipt = fixture.filter.redact(&user("root"), fixture.records().last().unwrap().record.id).unwrap();
            let ended: Vec<_> = fixture.records().iter().filter_map(|entry| ended_at(&entry.record.outcome)).collect();
            assert!(
                takes == 0 || ended[0] > at(5) && ended[1] > at(6),
                "the time is recorded, in a commitment: {ended:?}"
            );
            numbered(&read_by_eve(&fixture))
        });
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0], seen[2]);
    }
}

fn ended_at(outcome: &Outcome) -> Option<chrono::DateTime<chrono::Utc>> {
    match outcome {
        Outcome::Removed { ended_at, .. } | Outcome::RemovedInPart { ended_at, .. } => ended_at.value().copied(),
        _ => None,
    }
}

/// A page that is rejected at the last moment also discloses no duration.
#[test]
fn v2_page_rejected_at_last_moment_discloses_no_duration() {
    let seen = [0, 500].map(|takes| {
        let sink = Arc::new(Meanwhile::default());
        let fixture = Fixture::over(Place::in_memory().store, Arc::clone(&sink) as Arc<dyn GovernanceSink>);
        populated(&fixture);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let (filter, clock) = (fixture.filter.clone(), Arc::clone(&fixture.clock));
        sink.then(move || {
            filter.update_policy(&user("eve"), PolicyChange::Revoke(user("root").into())).unwrap();
            clock.fetch_add(takes, Ordering::SeqCst);
        });
        let error = reveal.page(PageSize::MAX, None).unwrap_err();
        assert!(matches!(error, RevealError::Denied(Denial::NotPermitted)), "{error:?}");
        let last = fixture.records().pop().unwrap().record;
        assert!(matches!(last.outcome, Outcome::Failed { reason: FailureReason::Denied(_), .. }), "{last:?}");
        let Event::Page { private, .. } = &last.event else { panic!("not a page") };
        assert_eq!(private.value(), None, "the record of the page contains the count");
        last.at
    });
    assert_eq!(seen, [at(0), at(0)]);
}

/// Root may view private activities and reads the disclosed values. Eve sees only that there are values, always in the
/// same form.
#[test]
fn g2_only_permitted_readers_get_disclosed_values() {
    for place in places() {
        let fixture = place.fixture();
        populated(&fixture);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        reveal.page(PageSize::MAX, None).unwrap();
        reveal.close().unwrap();
        fixture.advance(4_000);
        let mut late = fixture.filter.reveal(reveal_all("root")).unwrap();
        fixture.advance(4_000);
        late.page(PageSize::MAX, None).unwrap_err();
        fixture.erase(Subject::of(user("adele")));
        fixture.erase(Subject::of(user("adele")));
        let ids = ["a-2", "a-1"].map(|id| id.parse::<ActivityId>().unwrap());
        for (reader, may_view) in [("root", true), ("eve", false)] {
            let (mut pages, mut closings, mut removals) = (Vec::new(), Vec::new(), Vec::new());
            for entry in
                fixture.filter.governance_records(&user(reader), &RecordQuery::default(), 0, PageSize::MAX).unwrap()
            {
                match (&entry.record.event, &entry.record.outcome) {
                    (Event::Page { activities, private, digest, subjects, .. }, _) => {
                        assert_eq!(subjects.value(), None, "the subject is not disclosed");
                        pages.push((activities.value().copied(), private.value().copied(), digest.is_of_ids(&ids)));
                    }
                    (_, Outcome::Closed { private, pages, .. }) => closings.push((*pages, private.value().copied())),
                    (_, Outcome::Removed { activities, ended_at, .. }) => {
                        removals.push((activities.value().copied(), ended_at.value().copied()));
                    }
                    _ => {}
                }
            }
            let told = |value| Some(value).filter(|_| may_view);
            assert_eq!(pages, [(told(3), told(2), may_view), (told(0), told(0), false)], "{reader}");
            assert_eq!(closings, [(1, told(2))], "{reader}");
            let at_end = Some(at(8_000)).filter(|_| may_view);
            assert_eq!(removals, [(told(2), at_end), (told(0), at_end)], "{reader}");
        }
    }
}

/// A counter makes ids that any reader can guess. No salt is such an id or is derived from one, so guessing opens no
/// commitment.
#[test]
fn g2_guessed_ids_open_no_commitment() {
    let lived = || {
        let fixture = Fixture::repeatable(Place::in_memory().store);
        populated(&fixture);
        let wish = reveal_all("root").because(Justification::new("case 17").unwrap());
        let _request = fixture.filter.request_reveal(&wish).unwrap();
        let mut reveal = fixture.filter.reveal(wish).unwrap();
        reveal.page(PageSize::MAX, None).unwrap();
        reveal.page(PageSize::MAX, None).unwrap();
        reveal.close().unwrap();
        fixture.erase(Subject::of(user("adele")));
        fixture.records()
    };
    let (once, again) = (lived(), lived());
    let ids = |records: &[RecordEntry]| records.iter().map(|entry| entry.record.id).collect::<Vec<_>>();
    assert_eq!(ids(&once), ids(&again), "the ids are the same");
    let (once, again) = (disclosed(&once), disclosed(&again));
    assert_eq!((once.len(), again.len()), (15, 15));
    let all: BTreeSet<&String> = once.iter().chain(&again).map(|(commitment, _)| commitment).collect();
    assert_eq!(all.len(), 30, "each run makes new commitments, and no two values share a salt");
    let salts: BTreeSet<&String> = once.iter().chain(&again).map(|(_, salt)| salt).collect();
    assert_eq!(salts.len(), 30, "no salt is used twice");
    // The guesses of a reader: every past or future id, as it is and as 32 digits, with every small number.
    for guess in (0..200).map(Uuid::from_u128) {
        for number in 0_u64..10 {
            let guessed = Commitment::new(number, Salt::from_bytes(guess.into_bytes())).commitment().to_string();
            assert!(!all.contains(&guessed), "opened with {guess} and {number}");
        }
        assert!(!salts.contains(&guess.simple().to_string()));
    }
}

/// Returns each disclosed commitment in some records, with its salt.
fn disclosed(records: &[RecordEntry]) -> Vec<(String, String)> {
    fn of(value: &serde_json::Value, found: &mut Vec<(String, String)>) {
        if let (Some(commitment), Some(opening)) = (value.get("sha256"), value.get("opening")) {
            found.push((commitment.as_str().unwrap().to_owned(), opening["salt"].as_str().unwrap().to_owned()));
        }
        let members = value.as_object().into_iter().flat_map(|members| members.values());
        let entries = value.as_array().into_iter().flatten();
        members.chain(entries).for_each(|value| of(value, found));
    }
    let mut found = Vec::new();
    of(&serde_json::to_value(records).unwrap(), &mut found);
    found
}
