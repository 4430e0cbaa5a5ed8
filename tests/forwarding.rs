//! Chapter F of the rules: forwarding.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
mod place;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::engine::Visibility;
use activity_privacy::filter::PrivacyFilter;
use activity_privacy::forward::{ForwardBatch, Offset, OffsetError};
use activity_privacy::policy::PolicyChange;
use activity_privacy::query::PageSize;
use activity_privacy::store::StoreError;
use fixture::*;
use place::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn size(activities: u16) -> PageSize {
    PageSize::at_most(activities)
}

fn ids(batch: &ForwardBatch) -> Vec<&str> {
    batch.activities.iter().map(|public| public.activity().id().as_str()).collect()
}

fn furnish(fixture: &Fixture) -> &Fixture {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council")
}

/// Forwards everything after an offset, in batches of one size, and keeps the offset as JSON in between.
fn forwarded(filter: &PrivacyFilter, from: Offset, size: PageSize) -> Vec<(String, String)> {
    let (mut all, mut offset) = (Vec::new(), from);
    loop {
        let batch = filter.forward(&offset, size).unwrap();
        if batch.activities.is_empty() {
            assert_eq!(batch.next, offset, "an empty batch does not move the offset");
            return all;
        }
        assert!(batch.activities.len() <= size.get() && batch.next != offset);
        let kept = serde_json::to_string(&batch.next).unwrap();
        offset = serde_json::from_str(&kept).unwrap();
        all.extend(
            batch
                .activities
                .iter()
                .map(|public| (public.activity().id().as_str().to_owned(), serde_json::to_string(public).unwrap())),
        );
        assert!(all.len() < 1_000, "the batches never end");
    }
}

fn just_ids(forwarded: &[(String, String)]) -> Vec<&str> {
    forwarded.iter().map(|(id, _)| id.as_str()).collect()
}

#[test]
fn f1_only_public_activities_are_forwarded() {
    for place in places() {
        let fixture = place.fixture();
        let log = [("1", "adele"), ("2", "bob"), ("3", "adele"), ("4", "bob")].map(|(id, name)| activity(id, name));
        furnish(&fixture).ingest(&log);
        fixture.ingest(&[by("5", Actor::unknown()), activity("6", "bob")]);
        for pages in [1, 2, 1_000] {
            assert_eq!(just_ids(&forwarded(&fixture.filter, Offset::START, size(pages))), ["2", "4", "6"]);
        }
        let batch = fixture.filter.forward(&Offset::START, PageSize::MAX).unwrap();
        assert!(batch.activities.iter().all(|public| public.visibility() == Visibility::Public));
        let json = serde_json::to_string(&batch.activities).unwrap();
        assert!(!json.contains("adele"), "{json}");
    }
}

/// The stored verdict counts, even if the policy or the directory changed or the id was delivered again.
#[test]
fn f1_replay_uses_stored_verdict() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture).ingest(&[activity("hidden", "adele"), activity("shown", "bob")]);
        let before = forwarded(&fixture.filter, Offset::START, size(1));
        assert_eq!(just_ids(&before), ["shown"]);
        fixture.update_policy(PolicyChange::MakePublic(group("council").into()));
        assert_eq!(forwarded(&fixture.filter, Offset::START, size(1)), before, "after the group became public");
        fixture.ingest(&[activity("hidden", "adele"), activity("hidden", "bob")]);
        assert_eq!(forwarded(&fixture.filter, Offset::START, size(1)), before, "delivered again");
        fixture.install(people(&[("adele", &[]), ("bob", &["council"])])).make_private("council");
        assert_eq!(forwarded(&fixture.filter, Offset::START, size(1)), before, "after another group became private");
        fixture.ingest(&[activity("shown", "bob"), activity("since", "bob"), activity("lately", "adele")]);
        assert_eq!(just_ids(&forwarded(&fixture.filter, Offset::START, size(1))), ["shown", "lately"]);
        // A forwarder that is enabled for the first time, on another node, receives the same.
        let elsewhere = place.fixture();
        assert_eq!(just_ids(&forwarded(&elsewhere.filter, Offset::START, size(2))), ["shown", "lately"]);
    }
}

/// In storage order, not by time: a back-filled activity follows the ones stored before it.
#[test]
fn f2_activities_are_forwarded_in_storage_order() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        let app = || App::new("Box".parse().unwrap());
        let happened = |id: &str, seconds| {
            let actor = Actor::user(alias("bob@contoso.com"));
            Activity::builder(id.parse().unwrap(), actor, app(), "Login".parse().unwrap(), at(seconds)).build().unwrap()
        };
        fixture.ingest(&[happened("z", 5), happened("a", -500), happened("m", 900)]);
        fixture.ingest(&[happened("a", -500), happened("b", -9_000)]);
        assert_eq!(just_ids(&forwarded(&fixture.filter, Offset::START, size(2))), ["z", "a", "m", "b"]);
    }
}

#[test]
fn f2_forwarder_continues_from_its_offset() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        let deliver = |from: i64, until: i64| {
            let name = |i: i64| if i % 2 == 0 { "bob" } else { "adele" };
            fixture.ingest(&(from..until).map(|i| activity(&format!("{i:02}"), name(i))).collect::<Vec<_>>())
        };
        deliver(0, 10);
        let first = fixture.filter.forward(&Offset::START, size(3)).unwrap();
        assert_eq!(ids(&first), ["00", "02", "04"]);
        // The same offset returns the same batch after a failure. An older offset after a restart loses nothing.
        assert_eq!(fixture.filter.forward(&Offset::START, size(3)).unwrap(), first);
        let rest = forwarded(&fixture.filter, first.next.clone(), size(2));
        assert_eq!(just_ids(&rest), ["06", "08"]);
        deliver(10, 14);
        let later = forwarded(&place.fixture().filter, first.next.clone(), size(2));
        assert_eq!(just_ids(&later), ["06", "08", "10", "12"]);
        // Another forwarder has an offset of its own.
        assert_eq!(forwarded(&fixture.filter, Offset::START, size(3)).len(), 7);
    }
}

/// An offset that no batch returned is rejected, or nothing follows it.
#[test]
fn f2_offset_beyond_end_returns_nothing() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture).ingest(&[activity("a", "bob")]);
        for number in [1, 2, i64::MAX as u64, u64::MAX] {
            let beyond = Offset::new(number.to_be_bytes()).unwrap();
            match fixture.filter.forward(&beyond, PageSize::MAX) {
                Ok(batch) => assert_eq!((batch.activities.len(), batch.next), (0, beyond)),
                Err(error) => assert!(matches!(error, StoreError::UnknownOffset), "{error:?}"),
            }
        }
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn f2_offset_survives_restart() {
    use std::sync::Arc;

    use activity_privacy::sqlite::SqliteStore;
    let place = Place::in_sqlite();
    let fixture = place.fixture();
    furnish(&fixture).ingest(&["a", "b", "c"].map(|id| activity(id, "bob")));
    let first = fixture.filter.forward(&Offset::START, size(2)).unwrap();
    drop(fixture);
    let again = Fixture::over(Arc::new(SqliteStore::open(place.path()).unwrap()), Arc::clone(&place.sink));
    furnish_again(&again).ingest(&[activity("d", "bob")]);
    assert_eq!(just_ids(&forwarded(&again.filter, first.next.clone(), size(9))), ["c", "d"]);
}

#[cfg(feature = "sqlite")]
fn furnish_again(fixture: &Fixture) -> &Fixture {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])]))
}

#[test]
fn b1_malformed_offset_is_rejected() {
    let too_long = "00".repeat(Offset::MAX_BYTES + 1);
    for text in ["0", "000", "0g", "AB", "+1", " 00", "00 ", "\u{e9}", "0\u{e9}0", "\u{1f600}", &too_long] {
        assert_eq!(text.parse::<Offset>(), Err(OffsetError), "{text}");
        assert!(serde_json::from_value::<Offset>(serde_json::json!(text)).is_err(), "{text}");
    }
    for document in ["0", "null", "[]", "[0]", "{}"] {
        assert!(serde_json::from_str::<Offset>(document).is_err(), "{document}");
    }
    assert_eq!(Offset::new(vec![0; Offset::MAX_BYTES + 1]), Err(OffsetError));
}

#[test]
fn f2_start_is_empty_offset() {
    assert_eq!(Offset::new([]).unwrap(), Offset::START);
    assert_eq!(Offset::default(), Offset::START);
    assert_eq!("".parse::<Offset>().unwrap(), Offset::START);
    assert_eq!(serde_json::to_string(&Offset::START).unwrap(), "\"\"");
}

proptest! {
    /// An offset survives a round trip through text and JSON.
    #[test]
    fn f2_offset_round_trips_through_text(bytes in vec(any::<u8>(), 0..=Offset::MAX_BYTES)) {
        let offset = Offset::new(bytes.clone()).unwrap();
        prop_assert_eq!(offset.as_bytes(), &bytes[..]);
        prop_assert_eq!(offset.to_string().parse::<Offset>().unwrap(), offset.clone());
        let json = serde_json::to_string(&offset).unwrap();
        prop_assert_eq!(serde_json::from_str::<Offset>(&json).unwrap(), offset);
    }

    #[test]
    fn b3_parsing_any_text_as_offset_does_not_panic(text in any::<String>()) {
        if let Ok(offset) = text.parse::<Offset>() {
            prop_assert_eq!(offset.to_string(), text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A forwarder that follows along sees the same contents, batches and offsets with and without the private
    /// activities.
    #[test]
    fn f3_forwarding_is_independent_of_private_activities(
        batches in vec(vec((0..40_u8, any::<bool>()), 0..8), 0..10),
        pages in 1..6_u16,
    ) {
        for (with, without) in places().into_iter().zip(places()) {
            let (with, without) = (with.fixture(), without.fixture());
            let mut hidden = std::collections::BTreeMap::new();
            let mut offsets = [Offset::START, Offset::START];
            for fixture in [&with, &without] {
                furnish(fixture);
            }
            for batch in &batches {
                for (id, private) in batch {
                    hidden.entry(*id).or_insert(*private);
                }
                let activities = |left_out: bool| -> Vec<Activity> {
                    let kept = batch.iter().filter(|(id, _)| !(left_out && hidden[id]));
                    kept.map(|(id, private)| activity(&id.to_string(), if *private { "adele" } else { "bob" })).collect()
                };
                with.ingest(&activities(false));
                without.ingest(&activities(true));
                let seen = [&with, &without].map(|fixture| fixture.filter.forward(&offsets[0], size(pages)).unwrap());
                prop_assert_eq!(&seen[0], &seen[1]);
                offsets = seen.map(|batch| batch.next);
                prop_assert_eq!(&offsets[0], &offsets[1]);
            }
            let from_the_beginning =
                [&with, &without].map(|fixture| forwarded(&fixture.filter, Offset::START, size(pages)));
            prop_assert_eq!(&from_the_beginning[0], &from_the_beginning[1]);
        }
    }
}
