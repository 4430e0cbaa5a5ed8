//! Chapter R of the rules: revealing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "revealing/ended.rs"]
mod ended;
mod fault;
mod fixture;
mod forward;
mod place;
#[path = "revealing/refused.rs"]
mod refused;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use activity_privacy::filter::{Page, PrivacyFilter, RevealError};
use activity_privacy::forward::Offset;
use activity_privacy::governance::{
    Commitment, Digest, Event, Initiator, Justification, Outcome, Receipt, RecordId, RecordKind, RevealId, SinkError,
    Subjects,
};
use activity_privacy::policy::{Denial, OptionsPatch, PolicyChange, Role};
use activity_privacy::query::{CountBy, Cursor, CursorError, PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest, RevealTotals};
use activity_privacy::store::StoredActivity;
use fault::*;
use fixture::*;
use place::*;
use sha2::{Digest as _, Sha256};

fn size(activities: u16) -> PageSize {
    PageSize::at_most(activities)
}

fn ids(page: &Page) -> Vec<&str> {
    page.activities().iter().map(|stored| stored.activity().id().as_str()).collect()
}

/// Makes the council, which contains Adele, private. `root` may view private activities.
fn populate(fixture: &Fixture) -> &Fixture {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture.ingest(
        &[("1", "adele"), ("2", "bob"), ("3", "adele"), ("4", "bob"), ("5", "adele")]
            .map(|(id, name)| activity(id, name)),
    );
    fixture.permit_root()
}

/// Returns the digest of ids as an auditor computes it, without this crate.
fn by_hand(ids: &[&str]) -> String {
    let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
    Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A filter over a fixture's store, with a sink that fails on command.
struct Faulty {
    filter: PrivacyFilter,
    sink: Arc<FaultySink>,
    log: Log,
}

fn faulty(place: &Place) -> Faulty {
    populate(&place.fixture());
    let log: Log = Arc::new(Mutex::default());
    let sink = FaultySink::over(Arc::clone(&place.sink), &log);
    let store = FaultyStore::new(Arc::clone(&place.store), &log);
    let filter = PrivacyFilter::builder(store, activity_privacy::memory::MemoryDirectory::new(), Arc::clone(&sink))
        .sink_timeout(LIMIT)
        .clock(|| at(0))
        .open()
        .unwrap();
    Faulty { filter, sink, log }
}

fn unrecorded(error: &RevealError, fault: Fault) {
    let RevealError::Unrecorded(cause) = error else { panic!("{fault:?} gave {error:?}") };
    let fits = match fault {
        Fault::Fails | Fault::FailsLate => matches!(cause, SinkError::Backend(_)),
        Fault::AnswersForAnother | Fault::AnswersForTheLast => matches!(cause, SinkError::WrongReceipt),
        Fault::Panics | Fault::PanicsLate => matches!(cause, SinkError::Panicked),
        Fault::Hangs => matches!(cause, SinkError::TimedOut),
        Fault::Dawdles | Fault::RecordsTwice | Fault::Loses => false,
    };
    assert!(fits, "{fault:?} gave {cause:?}");
}

#[test]
fn r1_reveal_and_its_record_state_its_terms() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let query = Query::all().since(at(-5)).until(at(5)).by_actor("adele@contoso.com").unwrap();
        let request = RevealRequest::new(user("root"), query, Duration::from_secs(90), audited);
        let request = request.private_only().because(Justification::new("case 4711").unwrap());
        let reveal = fixture.filter.reveal(request).unwrap();
        let last = fixture.records().pop().unwrap().record;
        assert_eq!((last.initiator.clone(), last.at), (Initiator::User(user("root")), at(0)));
        assert_eq!(
            (last.outcome.clone(), last.policy),
            (Outcome::Intended, Some(fixture.filter.policy().unwrap().revision()))
        );
        let Event::Reveal(summary) = last.event else { panic!("not a reveal") };
        assert_eq!(summary.reveal, reveal.id());
        assert_eq!((summary.terms.from, summary.terms.until), (Some(at(-5)), Some(at(5))));
        assert!(summary.terms.actors == 1 && summary.terms.private_only);
        assert_eq!(summary.expires_at, at(90));
        assert_eq!(
            summary.terms.justification.as_ref().and_then(Commitment::value).map(Justification::as_str),
            Some("case 4711")
        );
    }
}

/// The record contains a digest that binds the query. Another query or another reveal has another digest.
#[test]
fn r1_record_binds_the_query() {
    let fixture = Fixture::new();
    populate(&fixture);
    let mut digests = Vec::new();
    let queries = [Query::all(), Query::all(), Query::all().containing("x").unwrap(), Query::all().since(at(0))];
    for query in queries {
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let request = RevealRequest::new(user("root"), query, Duration::from_secs(9), audited);
        let _reveal = fixture.filter.reveal(request).unwrap();
        let Event::Reveal(summary) = fixture.records().pop().unwrap().record.event else { panic!("not a reveal") };
        digests.push(*summary.terms.query.value().unwrap());
    }
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 4);
}

#[test]
fn r1_reveal_expires() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let request = RevealRequest::new(user("root"), Query::all(), Duration::from_secs(60), audited);
        let mut reveal = fixture.filter.reveal(request).unwrap();
        fixture.advance(59);
        let page = reveal.page(size(1), None).unwrap();
        fixture.advance(1);
        for cursor in [None, page.next()] {
            let error = reveal.page(size(1), cursor).unwrap_err();
            assert!(matches!(error, RevealError::Denied(Denial::Expired)));
            let last = fixture.records().pop().unwrap().record;
            assert_eq!(last.outcome, Outcome::Denied(Denial::Expired));
            let Event::Page { reveal: of, activities, private, digest, subjects } = last.event else {
                panic!("not a page")
            };
            assert_eq!((of, activities.value(), private.value()), (reveal.id(), Some(&0), Some(&0)));
            assert!(digest.is_of_ids([]) && subjects.value().is_some_and(Subjects::is_empty));
        }
        assert_eq!(reveal.close().unwrap(), RevealTotals { pages: 1, private: 1 }, "closing still returns the totals");
    }
}

#[test]
fn r2_reveal_without_durable_record_is_not_opened() {
    for place in places() {
        let faulty = faulty(&place);
        let _first = faulty.filter.reveal(reveal_all("root")).unwrap();
        for fault in FAULTS {
            faulty.log.lock().unwrap().clear();
            faulty.sink.fault_in(0, fault);
            let begun = Instant::now();
            let error = faulty.filter.reveal(reveal_all("root")).unwrap_err();
            assert!(begun.elapsed() < HANG, "{fault:?} took {:?}", begun.elapsed());
            unrecorded(&error, fault);
            assert_eq!(*faulty.log.lock().unwrap(), ["sink at fault"], "the store is never called");
            assert!(faulty.filter.reveal(reveal_all("root")).is_ok(), "it recovers");
        }
    }
}

#[test]
fn r2_page_without_durable_record_is_not_shown() {
    for place in places() {
        let faulty = faulty(&place);
        for fault in FAULTS {
            // At the first, second and third page.
            for at_page in 0..3 {
                let mut reveal = faulty.filter.reveal(reveal_all("root")).unwrap();
                let (mut seen, mut cursor, mut failed) = (Vec::new(), None, 0);
                faulty.sink.fault_in(at_page, fault);
                for turn in 0..4 {
                    match reveal.page(size(2), cursor.as_ref()) {
                        Ok(page) => {
                            seen.extend(ids(&page).into_iter().map(str::to_owned));
                            cursor = page.next().cloned();
                        }
                        Err(error) => {
                            unrecorded(&error, fault);
                            assert_eq!(turn, at_page);
                            let text = format!("{error} {error:?}");
                            assert!(!text.contains("contoso"), "{text}");
                            failed += 1;
                        }
                    }
                }
                assert_eq!(failed, 1, "{fault:?} at page {at_page}");
                assert_eq!(seen, ["5", "4", "3", "2", "1"], "a failed page can be requested again");
                let counted = reveal.close().unwrap();
                assert_eq!(counted, RevealTotals { pages: 3, private: 3 }, "a page that was not shown is not counted");
            }
        }
    }
}

/// A page is opened, read, recorded and only then returned, in this order.
#[test]
fn r2_store_is_read_after_receipt_of_opening() {
    for place in places() {
        let faulty = faulty(&place);
        let mut reveal = faulty.filter.reveal(reveal_all("root")).unwrap();
        assert_eq!(*faulty.log.lock().unwrap(), ["sink"]);
        let page = reveal.page(size(2), None).unwrap();
        assert_eq!(*faulty.log.lock().unwrap(), ["sink", "revealed_page", "sink"]);
        reveal.page(size(2), page.next()).unwrap();
        reveal.close().unwrap();
        let expected = ["sink", "revealed_page", "sink", "revealed_page", "sink", "sink"];
        assert_eq!(*faulty.log.lock().unwrap(), expected);
    }
}

/// Calls the steps directly, without the filter: each receipt opens only its own record.
#[test]
fn r2_receipt_opens_only_its_own_record() {
    let fixture = Fixture::new();
    populate(&fixture);
    let policy = fixture.filter.policy().unwrap();
    let id = |n: u128| RecordId(uuid::Uuid::from_u128(n));
    let pending = || {
        let reveal = RevealId(uuid::Uuid::from_u128(9));
        reveal_all("root").authorise(&policy, None, reveal, id(1), [0, 1].map(salt), at(0)).unwrap()
    };
    let wrong = pending().recorded(&Receipt::assertion(id(2), 1)).unwrap_err();
    assert!(matches!(wrong, SinkError::WrongReceipt));
    let recorded = pending().recorded(&Receipt::assertion(id(1), 1)).unwrap();
    let sealed = || {
        fixture
            .store
            .revealed_page(recorded.permit_page(&policy, None, id(3), [2, 3, 4, 5].map(salt), at(0)).unwrap(), None, 10)
            .unwrap()
    };
    let (page, _) = sealed().pending(10, id(4));
    assert!(matches!(page.recorded(&Receipt::assertion(id(1), 1)).unwrap_err(), SinkError::WrongReceipt));
    let (page, more) = sealed().pending(2, id(4));
    assert!(more.is_some());
    let page = page.recorded(&Receipt::assertion(id(4), 1)).unwrap();
    assert_eq!(page.open(&policy, id(5), at(0)).unwrap().len(), 2);
}

#[test]
fn r2_sealed_page_discloses_nothing() {
    let fixture = Fixture::new();
    populate(&fixture);
    let policy = fixture.filter.policy().unwrap();
    let id = |n: u128| RecordId(uuid::Uuid::from_u128(n));
    let reveal = RevealId(uuid::Uuid::from_u128(9));
    let pending = reveal_all("root").authorise(&policy, None, reveal, id(1), [0, 1].map(salt), at(0)).unwrap();
    let recorded = pending.recorded(&Receipt::assertion(id(1), 1)).unwrap();
    let admission = recorded.permit_page(&policy, None, id(3), [2, 3, 4, 5].map(salt), at(0)).unwrap();
    let sealed = fixture.store.revealed_page(admission, None, 10).unwrap();
    let before = format!("{sealed:?}");
    let (page, _) = sealed.pending(10, id(4));
    let json = serde_json::to_string(page.record()).unwrap();
    let pending = format!("{page:?}");
    let page = page.recorded(&Receipt::assertion(id(4), 2)).unwrap();
    for text in [before, pending, format!("{page:?}"), json] {
        assert!(!text.is_empty() && !text.contains("adele") && !text.contains("SharePoint"), "{text}");
    }
}

#[test]
fn r3_each_page_is_recorded_before_it_is_returned() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let mut cursor = None;
        let expected: [(&[&str], &[&str]); 3] = [(&["5", "4"], &["5"]), (&["3", "2"], &["3"]), (&["1"], &["1"])];
        for (shown, private) in expected {
            let page = reveal.page(size(2), cursor.as_ref()).unwrap();
            assert_eq!(ids(&page), shown);
            let last = fixture.records().pop().unwrap().record;
            assert_eq!((last.initiator, last.outcome), (Initiator::User(user("root")), Outcome::Intended));
            let Event::Page { reveal: of, activities, private: count, digest, .. } = last.event else {
                panic!("not a page")
            };
            assert_eq!(of, reveal.id());
            assert_eq!(activities.value(), Some(&(shown.len() as u64)));
            assert_eq!(count.value(), Some(&(private.len() as u64)));
            assert_eq!(digest.value().unwrap().to_string(), by_hand(private));
            cursor = page.next().cloned();
        }
        assert!(cursor.is_none());
        let id = reveal.id();
        assert_eq!(reveal.close().unwrap(), RevealTotals { pages: 3, private: 3 });
        let records = fixture.records();
        let opening = records.iter().find(|e| matches!(&e.record.event, Event::Reveal(s) if s.reveal == id)).unwrap();
        let closing = &records.last().unwrap().record;
        let Outcome::Closed { intent, pages, private } = &closing.outcome else { panic!("not a closing") };
        assert_eq!((*intent, *pages, private.value()), (opening.record.id, 3, Some(&3)));
    }
}

/// The digest covers the private ids in the order of the page. A page read twice is recorded twice.
#[test]
fn r3_auditor_can_reconstruct_pages_from_records() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        reveal.page(size(9), None).unwrap();
        reveal.page(size(9), None).unwrap();
        reveal.close().unwrap();
        let mut private_only = fixture.filter.reveal(reveal_all("root").private_only()).unwrap();
        private_only.page(size(9), None).unwrap();
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let of_bob = Query::all().by_actor("bob@contoso.com").unwrap();
        let of_bob = RevealRequest::new(user("root"), of_bob, Duration::from_secs(9), audited);
        fixture.filter.reveal(of_bob).unwrap().page(size(9), None).unwrap();
        let pages: Vec<_> = fixture
            .records()
            .into_iter()
            .filter_map(|entry| match entry.record.event {
                Event::Page { activities, private, digest, .. } => {
                    Some((*activities.value()?, *private.value()?, digest.value()?.to_string()))
                }
                _ => None,
            })
            .collect();
        let seen = by_hand(&["5", "3", "1"]);
        assert_eq!(pages, [(5, 3, seen.clone()), (5, 3, seen.clone()), (3, 3, seen), (2, 0, by_hand(&[]))]);
        assert_ne!(by_hand(&["5", "3", "1"]), by_hand(&["1", "3", "5"]));
    }
}

#[test]
fn r4_rejection_is_recorded_with_cause_and_discloses_nothing() {
    for (with, without) in places().into_iter().zip(places()) {
        let (with, without) = (with.fixture(), without.fixture());
        populate(&with);
        let empty = &without;
        empty.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
        empty.permit_root();
        let mut told: [Vec<String>; 2] = Default::default();
        for (fixture, told) in [&with, &without].into_iter().zip(&mut told) {
            let mut refuse = |request: RevealRequest, cause: Denial| {
                let before = fixture.records().len();
                let error = fixture.filter.reveal(request).unwrap_err();
                told.push(format!("{error} {error:?}"));
                let records = fixture.records();
                assert_eq!(records.len(), before + 1);
                let last = records.last().unwrap();
                assert_eq!(last.record.outcome, Outcome::Denied(cause));
                assert_eq!(last.record.kind(), RecordKind::Reveal);
                told.push(format!("{:?} {:?}", last.record.kind(), last.record.outcome));
            };
            refuse(reveal_all("adele"), Denial::NotAdmin);
            refuse(reveal_all("stranger"), Denial::NotAdmin);
            let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
            let for_ever = RevealRequest::new(user("root"), Query::all(), Duration::MAX, audited);
            refuse(for_ever, Denial::LifetimeNotAllowed);
            // Nor if the policy sets no limit: that reveal would end after the largest time.
            fixture.options(OptionsPatch::new().max_reveal_lifetime(None));
            let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
            let for_ever = RevealRequest::new(user("root"), Query::all(), Duration::MAX, audited);
            refuse(for_ever, Denial::LifetimeNotAllowed);
            fixture.update_policy(PolicyChange::SetAdmin(user("bob"), Role::Analyst));
            refuse(reveal_all("bob"), Denial::NotPermitted);
            let required = OptionsPatch::new().justification_required(true);
            fixture.update_policy(PolicyChange::SetOptions(required));
            refuse(reveal_all("root"), Denial::JustificationMissing);
            fixture.options(OptionsPatch::new().justification_required(false));
            // A page of an open reveal.
            let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
            fixture.update_policy(PolicyChange::Revoke(user("root").into()));
            let error = reveal.page(size(2), None).unwrap_err();
            told.push(format!("{error} {error:?}"));
            let last = fixture.records().pop().unwrap().record;
            let refused = Outcome::Denied(Denial::NotPermitted);
            assert_eq!((last.kind(), &last.outcome), (RecordKind::Page, &refused));
            let Event::Page { activities, private, digest, subjects, .. } = &last.event else { panic!("not a page") };
            let counted = (activities.value(), private.value(), digest.value(), subjects.value());
            told.push(format!("{counted:?} {}", serde_json::to_string(&last.without_openings()).unwrap().len()));
        }
        assert_eq!(told[0], told[1]);
    }
}

#[test]
fn r4_lost_permission_is_recorded_for_any_cursor() {
    for place in places() {
        let fixture = place.fixture();
        fixture.install(people(&[])).manage("contoso.com").permit_root();
        fixture.ingest(&[activity("a", "root"), activity("b", "root")]);
        let foreign = fixture.filter.view(&user("root")).page(&Query::all(), size(1), None).unwrap().next().cloned();
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        fixture.update_policy(PolicyChange::Revoke(user("root").into()));
        let refused = reveal.page(size(1), Some(&foreign.expect("there is a second page"))).unwrap_err();
        assert!(matches!(refused, RevealError::Denied(Denial::NotPermitted)), "{refused:?}");
        let last = fixture.records().pop().unwrap().record;
        assert_eq!((last.kind(), last.outcome), (RecordKind::Page, Outcome::Denied(Denial::NotPermitted)));
    }
}

/// If the rejection cannot be recorded, the call is rejected all the same.
#[test]
fn r4_rejection_holds_when_sink_fails() {
    let faulty = faulty(&Place::in_memory());
    let _first = faulty.filter.reveal(reveal_all("root")).unwrap();
    for fault in FAULTS {
        faulty.sink.fault_in(0, fault);
        let error = faulty.filter.reveal(reveal_all("adele")).unwrap_err();
        assert!(matches!(error, RevealError::Denied(Denial::NotAdmin)));
    }
}

#[test]
fn r5_reveal_belongs_to_one_viewer() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        fixture.update_policy(PolicyChange::SetAdmin(user("bob"), Role::Analyst));
        fixture.grant("bob");
        let mut of_root = fixture.filter.reveal(reveal_all("root")).unwrap();
        let mut of_bob = fixture.filter.reveal(reveal_all("bob").private_only()).unwrap();
        assert_ne!(of_root.id(), of_bob.id());
        let first = of_root.page(size(1), None).unwrap();
        let other = of_bob.page(size(1), first.next()).unwrap_err();
        assert!(matches!(other, RevealError::Cursor(CursorError::Foreign)));
        assert_eq!(fixture.records().pop().unwrap().record.initiator, Initiator::User(user("bob")));
        // One ends and the other does not. Each is recorded for its own viewer.
        fixture.update_policy(PolicyChange::Revoke(user("root").into()));
        assert!(of_root.page(size(1), first.next()).is_err());
        assert_eq!(ids(&of_bob.page(size(9), None).unwrap()), ["5", "3", "1"]);
        let last = fixture.records().pop().unwrap().record;
        assert_eq!(last.initiator, Initiator::User(user("bob")));
        assert_eq!(last.targets(), [of_bob.id().to_string()]);
    }
}

/// A cursor of a reveal continues only from a page that the reveal returned.
#[test]
fn r5_reveal_continues_only_from_its_own_pages() {
    let fixture = Fixture::new();
    populate(&fixture);
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let first = reveal.page(size(1), None).unwrap();
    let token = first.next().unwrap().to_string();
    let ahead: Cursor = format!("{}00000001", token.strip_suffix("00000000").unwrap()).parse().unwrap();
    let error = reveal.page(size(1), Some(&ahead)).unwrap_err();
    assert!(matches!(error, RevealError::Cursor(CursorError::Foreign)));
}

#[test]
fn r6_reveal_widens_no_other_access() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let observe = || {
            let views = ["root", "bob"].map(|name| {
                let view = fixture.filter.view(&user(name));
                let page = serde_json::to_string(&view.page(&Query::all(), size(2), None).unwrap()).unwrap();
                let counts = view.counts(&Query::all(), CountBy::Actor).unwrap();
                (page, view.count(&Query::all()).unwrap(), counts, view.activity(&"1".parse().unwrap()).unwrap())
            });
            (views, fixture.filter.forward(&Offset::START, size(9)).unwrap())
        };
        let before = observe();
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        assert_eq!(observe(), before, "opened");
        let page = reveal.page(size(9), None).unwrap();
        assert!(page.includes_private());
        assert_eq!(observe(), before, "seen");
        // A forwarder cannot send the activities of a reveal: private ones do not convert to public activities.
        let public = page.activities().iter().cloned().filter_map(StoredActivity::into_public).count();
        assert_eq!((page.activities().len(), public), (5, 2));
        reveal.close().unwrap();
        assert_eq!(observe(), before, "closed");
    }
}
