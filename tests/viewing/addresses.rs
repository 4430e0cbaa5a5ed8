//! D8: a query by address matches the domain, in views and reveals. Names that are not addresses are folded.

use activity_privacy::identity::Subject;
use std::time::Duration;

use super::*;

/// Folding the whole text makes them equal, but their domains differ.
const SHARP: [&str; 3] = ["x@fa\u{df}.example", "X@FA\u{df}.EXAMPLE.", "x@xn--fa-hia.example"];
const DOUBLE: [&str; 2] = ["x@fass.example", "X@FASS.Example"];

/// Returns public activities of two users, others on behalf of a council member, and an application with each name.
fn activities_of_both() -> Vec<Activity> {
    let mut activities_of_both = Vec::new();
    for name in [SHARP[0], DOUBLE[0]] {
        let user = || Actor::user(alias(name));
        activities_of_both.push(by(&format!("{name} open"), user()));
        activities_of_both.push(by(&format!("{name} app"), Actor::application(name.parse().unwrap())));
        let hidden = begun(&format!("{name} hidden"), user());
        activities_of_both.push(hidden.on_behalf_of(Actor::user(alias("adele@contoso.com"))).build().unwrap());
    }
    let account = Alias::account("GitHub", "stra\u{df}e").unwrap();
    activities_of_both.push(by("account", Actor::user(user("bob")).with_identity(account)));
    activities_of_both
}

fn of(name: &str, sorts: &[&str]) -> Vec<String> {
    sorts.iter().map(|sort| format!("{name} {sort}")).collect()
}

#[test]
fn d8_query_by_address_finds_its_domain_only() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture).ingest(&activities_of_both());
        fixture.permit_root();
        let texts = SHARP.iter().map(|text| (*text, SHARP[0])).chain(DOUBLE.iter().map(|text| (*text, DOUBLE[0])));
        for (text, name) in texts {
            let query = Query::all().by_actor(text).unwrap();
            let view = fixture.filter.view(&user("somebody"));
            let sorted = |page: &Page| {
                let mut ids: Vec<_> =
                    page.activities().iter().map(|stored| stored.activity().id().as_str().to_owned()).collect();
                ids.sort();
                ids
            };
            assert_eq!(sorted(&view.page(&query, size(9), None).unwrap()), of(name, &["app", "open"]), "{text}");
            assert_eq!(view.count(&query).unwrap().total, 2, "{text}");
            let counts = view.counts(&query, CountBy::Actor).unwrap().by_key;
            let counts: Vec<_> = counts.iter().map(|count| (count.key.as_str(), count.activities)).collect();
            let key = if name == SHARP[0] { SHARP[2] } else { DOUBLE[0] };
            assert_eq!(counts, [(key, 2)], "an application with that name counts too");
            let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
            let request = RevealRequest::new(user("root"), query, Duration::from_secs(60), audited);
            let page = fixture.filter.reveal(request).unwrap().page(size(9), None).unwrap();
            assert_eq!(sorted(&page), of(name, &["app", "hidden", "open"]), "{text}");
        }
        let view = fixture.filter.view(&user("somebody"));
        for text in ["STRASSE", "stra\u{df}e", "Strasse"] {
            assert_eq!(view.count(&Query::all().by_actor(text).unwrap()).unwrap().total, 1, "{text} is not an address");
        }
        // Erasure of a user's activities uses the same comparison.
        let subject = Subject::of(user("nobody")).with_identity(alias(DOUBLE[1]));
        fixture.erase(subject);
        let left = |text: &str| view.count(&Query::all().by_actor(text).unwrap()).unwrap().total;
        assert_eq!((left(SHARP[0]), left(DOUBLE[0])), (2, 1), "the application is not an alias of a user");
    }
}

/// A text search compares text, whatever it may look like.
#[test]
fn v3_text_search_folds_addresses_in_objects() {
    for place in places() {
        let fixture = place.fixture();
        let object =
            |id: &str, name: &str| begun(id, Actor::user(alias("bob@contoso.com"))).object(name).build().unwrap();
        with_council(&fixture).ingest(&[object("1", SHARP[0]), object("2", DOUBLE[0])]);
        let query = Query::all().containing("@FASS").unwrap();
        assert_eq!(fixture.filter.view(&user("somebody")).count(&query).unwrap().total, 2);
    }
}
