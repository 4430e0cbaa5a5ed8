//! A source of sixty records, and the store that it fills.

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::filter::BulkProgress;
use activity_privacy::forward::Offset;
use activity_privacy::policy::{PolicyChange, ScopeRule, ScopeTarget};
use activity_privacy::query::PageSize;
use activity_privacy::store::StoredActivity;

use crate::fixture::*;
use crate::place::Place;

/// An activity, or the number of a rejected record.
pub(crate) type Record = Result<Activity, u64>;

pub(crate) const RECORDS: u64 = 60;
/// Of [`RECORDS`].
pub(crate) const REJECTED: u64 = 9;
/// Of [`RECORDS`].
pub(crate) const OUT_OF_SCOPE: u64 = 5;

/// Returns the records in order. Their ids are their numbers.
pub(crate) fn records() -> impl Iterator<Item = Record> + Send {
    (0..RECORDS).map(|n| match n {
        // Three in a row are rejected.
        17 | 18 | 19 | 30 | 31 | 32 | 40 | 41 | 59 => Err(n),
        n if n % 11 == 5 => Ok(out_of_scope(&format!("a-{n}"))),
        n if n % 3 == 0 => Ok(activity(&format!("a-{n}"), "adele")),
        _ => Ok(activity(&format!("a-{n}"), "bob")),
    })
}

pub(crate) fn number(activity: &Activity) -> u64 {
    activity.id().as_str().strip_prefix("a-").unwrap().parse().unwrap()
}

pub(crate) fn is_in_scope(activity: &Activity) -> bool {
    activity.app().name().as_str() != "Box"
}

pub(crate) fn out_of_scope(id: &str) -> Activity {
    let app = App::new("Box".parse().unwrap());
    Activity::builder(id.parse().unwrap(), Actor::user(alias("bob@contoso.com")), app, "Op".parse().unwrap(), at(0))
        .build()
        .unwrap()
}

pub(crate) fn other_content(id: &str) -> Activity {
    begun(id, Actor::user(alias("bob@contoso.com"))).details("something else").build().unwrap()
}

/// Opens a filter as a new process does.
pub(crate) fn open(place: &Place) -> Fixture {
    let fixture = place.fixture();
    fixture.install(people(&[("adele", &["council"]), ("bob", &["sales"])]));
    fixture
}

/// Opens a filter with Adele in a private group, and with Bob not monitored in Box.
pub(crate) fn set_up(place: &Place) -> Fixture {
    let fixture = open(place);
    let exclude = ScopeRule::exclude(group("sales"), ScopeTarget::App("Box".parse().unwrap()));
    fixture.make_private("council").manage("contoso.com").update_policy(PolicyChange::AddScopeRule(exclude));
    fixture
}

/// Everything that is stored, and the ids for a forwarder in storage order.
#[derive(PartialEq, Eq)]
pub(crate) struct Contents {
    everything: Vec<StoredActivity>,
    forwarded: Vec<String>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} activities, forwarded {:?}", self.everything.len(), self.forwarded)
    }
}

pub(crate) fn contents(fixture: &Fixture) -> Contents {
    let public = fixture.filter.forward(&Offset::START, PageSize::MAX).unwrap().activities;
    let forwarded = public.iter().map(|public| public.activity().id().as_str().to_owned()).collect();
    Contents { everything: fixture.everything(), forwarded }
}

pub(crate) fn assert_adds_up(progress: &BulkProgress) {
    let done = progress.stored() + progress.duplicates() + progress.conflicts() + progress.not_monitored();
    assert_eq!(progress.read(), progress.skipped() + done + progress.rejected(), "{progress:?}");
}
