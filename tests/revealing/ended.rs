//! R1: a reveal that ended stays ended, and the clock cannot lengthen its lifetime.

use activity_privacy::filter::Reveal;
use activity_privacy::governance::Recorded;
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::reveal::{AuthorisedReveal, PagePermit, RevealedPage};
use activity_privacy::store::ActivityStore;
use std::thread;

use activity_privacy::memory::{MemoryDirectory, MemoryStore};
use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600;

fn denied(reveal: &mut Reveal) -> Option<Denial> {
    match reveal.page(size(9), None) {
        Ok(_) => None,
        Err(RevealError::Denied(denial)) => Some(denial),
        Err(other) => panic!("expected a page or a denial, got {other:?}"),
    }
}

fn limit(fixture: &Fixture, max_reveal_lifetime: Option<Duration>) {
    fixture.options(OptionsPatch::new().max_reveal_lifetime(max_reveal_lifetime));
}

#[test]
fn r1_ended_reveal_stays_ended_when_clock_goes_back() {
    type Turn = fn(&Fixture);
    let ends: [(Turn, Turn, Denial); 4] = [
        (|fixture| _ = fixture.advance(HOUR), |_| {}, Denial::Expired),
        (
            |fixture| {
                limit(fixture, Some(Duration::from_secs(60)));
                fixture.advance(60);
            },
            |fixture| limit(fixture, Some(Duration::from_secs(7_200))),
            Denial::Expired,
        ),
        (
            |fixture| _ = fixture.update_policy(PolicyChange::Revoke(user("root").into())),
            |fixture| _ = fixture.permit_root(),
            Denial::NotPermitted,
        ),
        (
            |fixture| {
                fixture.options(OptionsPatch::new().approvals_required(1));
            },
            |fixture| _ = fixture.options(OptionsPatch::new().approvals_required(0)),
            Denial::ApprovalsMissing,
        ),
    ];
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        for (end, undo, denial) in ends {
            let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
            assert_eq!(denied(&mut reveal), None);
            let then = fixture.clock.load(std::sync::atomic::Ordering::SeqCst);
            end(&fixture);
            assert_eq!(denied(&mut reveal), Some(denial));
            undo(&fixture);
            for back in [then, then - 10 * HOUR, i64::from(i32::MIN), then] {
                fixture.clock.store(back, std::sync::atomic::Ordering::SeqCst);
                let again = denied(&mut reveal).expect("it stays ended");
                // After a long time it expired as well.
                assert!([denial, Denial::Expired].contains(&again), "{again:?}");
                let last = fixture.records().pop().unwrap().record;
                assert_eq!((last.kind(), last.outcome), (RecordKind::Page, Outcome::Denied(again)));
            }
            assert_eq!(
                denied(&mut fixture.filter.reveal(reveal_all("root")).unwrap()),
                None,
                "another reveal may be opened"
            );
        }
    }
}

#[test]
fn r1_reveal_is_not_extended_when_clock_goes_back() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        fixture.advance(100);
        assert_eq!(denied(&mut reveal), None);
        fixture.advance(-100_000);
        assert_eq!(denied(&mut reveal), None);
        fixture.advance(HOUR - 101);
        assert_eq!(denied(&mut reveal), None, "one second is left");
        fixture.advance(1);
        assert_eq!(denied(&mut reveal), Some(Denial::Expired));
    }
}

/// No call reads the clock meanwhile, so only the other clock measures the time.
#[test]
fn r1_unused_reveal_expires_though_clock_goes_back() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let lifetime = Duration::from_millis(300);
        let request = RevealRequest::new(user("root"), Query::all(), lifetime, audited);
        let mut reveal = fixture.filter.reveal(request).unwrap();
        fixture.advance(-HOUR);
        thread::sleep(lifetime);
        let before = fixture.records().len();
        assert_eq!(denied(&mut reveal), Some(Denial::Expired));
        let records = fixture.records();
        assert_eq!(records.len(), before + 1, "no page was read");
        assert_eq!(records.last().unwrap().record.outcome, Outcome::Denied(Denial::Expired));
    }
}

#[test]
fn r1_reveal_rejected_at_last_moment_stays_ended() {
    let sink = Arc::new(Meanwhile::default());
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), sink.clone());
    populate(&fixture);
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let clock = Arc::clone(&fixture.clock);
    sink.then(move || _ = clock.fetch_add(HOUR, std::sync::atomic::Ordering::SeqCst));
    assert_eq!(denied(&mut reveal), Some(Denial::Expired));
    fixture.advance(-HOUR);
    assert_eq!(denied(&mut reveal), Some(Denial::Expired));
}

/// The clock does not advance while the sink works.
#[test]
fn r1_page_is_not_shown_if_lifetime_passed_meanwhile() {
    let sink = Arc::new(Meanwhile::default());
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), sink.clone());
    populate(&fixture);
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let lifetime = Duration::from_millis(300);
    let request = RevealRequest::new(user("root"), Query::all(), lifetime, audited);
    let mut reveal = fixture.filter.reveal(request).unwrap();
    sink.then(move || thread::sleep(lifetime));
    assert_eq!(denied(&mut reveal), Some(Denial::Expired));
}

/// A reveal of `root`, who has the permission, for one hour, and the values that the steps need.
struct Hand {
    store: Arc<MemoryStore>,
    policy: Arc<PrivacyPolicy>,
    reveal: Recorded<AuthorisedReveal>,
}

fn id(number: u128) -> RecordId {
    RecordId(uuid::Uuid::from_u128(number))
}

impl Hand {
    fn begin() -> Self {
        let store = Arc::new(MemoryStore::new());
        let fixture = Fixture::over(store.clone(), Arc::new(activity_privacy::memory::MemorySink::new()));
        populate(&fixture);
        let policy = fixture.filter.policy().unwrap();
        let reveal = RevealId(uuid::Uuid::from_u128(9));
        let pending = reveal_all("root").authorise(&policy, None, reveal, id(1), [1, 2].map(salt), at(0)).unwrap();
        Self { store, policy, reveal: pending.recorded(&Receipt::assertion(id(1), 1)).unwrap() }
    }

    fn admit(&self, seconds: i64) -> Result<PagePermit<'_>, Denial> {
        self.reveal
            .permit_page(&self.policy, None, id(2), [3, 4, 5, 6].map(salt), at(seconds))
            .map_err(|refused| refused.reason)
    }

    fn page(&self, seconds: i64) -> Result<Recorded<RevealedPage>, Denial> {
        let sealed = self.store.revealed_page(self.admit(seconds)?, None, 10).unwrap();
        let (pending, _) = sealed.pending(10, id(3));
        Ok(pending.recorded(&Receipt::assertion(id(3), 2)).unwrap())
    }

    fn open(&self, page: Recorded<RevealedPage>, seconds: i64) -> Result<usize, Denial> {
        let open = page.open(&self.policy, id(4), at(seconds));
        open.map(|activities| activities.len()).map_err(|refused| refused.reason)
    }
}

#[test]
fn r1_rejected_page_rejects_all_others_in_flight() {
    let hand = Hand::begin();
    let pages = [hand.page(0).unwrap(), hand.page(0).unwrap(), hand.page(0).unwrap()];
    let [first, second, third] = pages;
    assert_eq!(hand.open(first, 0), Ok(5));
    assert_eq!(hand.open(second, HOUR), Err(Denial::Expired));
    assert_eq!(hand.open(third, 0), Err(Denial::Expired));
    assert_eq!(hand.page(0).map(drop), Err(Denial::Expired));

    let hand = Hand::begin();
    let page = hand.page(0).unwrap();
    assert_eq!(hand.admit(HOUR).map(drop), Err(Denial::Expired));
    assert_eq!(hand.open(page, 0), Err(Denial::Expired));
}

#[test]
fn r1_closed_reveal_stays_closed() {
    let hand = Hand::begin();
    let page = hand.page(0).unwrap();
    let closing = hand.reveal.close(id(5), salt(7), at(0), None, RevealTotals::default());
    assert!(matches!(closing.outcome, Outcome::Closed { .. }));
    assert_eq!(hand.admit(0).map(drop), Err(Denial::Closed));
    assert_eq!(hand.open(page, 0), Err(Denial::Closed));
}

#[test]
fn r1_reveal_ends_after_its_total_lifetime() {
    let hand = Hand::begin();
    hand.reveal.elapsed(Duration::from_secs(3_599));
    assert_eq!(hand.page(-9 * HOUR).map(drop), Ok(()));
    // Time that another clock measures first does not count twice, and a smaller measurement adds nothing.
    hand.reveal.elapsed(Duration::from_secs(1));
    assert_eq!(hand.page(-9 * HOUR).map(drop), Ok(()));
    hand.reveal.elapsed(Duration::MAX);
    assert_eq!(hand.page(-9 * HOUR).map(drop), Err(Denial::Expired));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A reveal is never shown for longer than its lifetime in total, and never after that, whatever the clock does.
    #[test]
    fn r1_no_clock_lengthens_reveal(moves in proptest::collection::vec(-4_000_i64..2_000, 1..30)) {
        let hand = Hand::begin();
        let (mut clock, mut lived, mut ended) = (0, 0, false);
        for by in moves {
            clock += by;
            lived = (lived + by.max(0)).max(clock);
            ended |= lived >= HOUR;
            let shown = hand.page(clock).and_then(|page| hand.open(page, clock));
            prop_assert_eq!(shown, if ended { Err(Denial::Expired) } else { Ok(5) });
        }
        let far = at(0).checked_sub_signed(TimeDelta::days(90_000_000)).unwrap_or(chrono::DateTime::<chrono::Utc>::MIN_UTC);
        for time in [far, chrono::DateTime::<chrono::Utc>::MAX_UTC, far] {
            let shown = hand.reveal.permit_page(&hand.policy, None, id(2), [3, 4, 5, 6].map(salt), time).map(drop);
            prop_assert_eq!(shown.is_err(), ended || time > at(0) || lived >= HOUR);
            ended |= shown.is_err();
        }
    }
}

/// A filter needs no directory to reject.
#[test]
fn r1_clones_of_filter_share_no_reveal() {
    let place = Place::in_memory();
    populate(&place.fixture());
    let clock = Arc::new(std::sync::atomic::AtomicI64::new(0));
    let now = Arc::clone(&clock);
    let filter = PrivacyFilter::builder(Arc::clone(&place.store), MemoryDirectory::new(), Arc::clone(&place.sink))
        .clock(move || at(now.load(std::sync::atomic::Ordering::SeqCst)))
        .open()
        .unwrap();
    let mut first = filter.reveal(reveal_all("root")).unwrap();
    clock.store(HOUR, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(denied(&mut first), Some(Denial::Expired));
    clock.store(0, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(denied(&mut filter.clone().reveal(reveal_all("root")).unwrap()), None);
    assert_eq!(denied(&mut first), Some(Denial::Expired));
}
