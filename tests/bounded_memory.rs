//! B3: operations on stored activities take bounded memory.
#![cfg(all(feature = "sqlite", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod fixture;
mod place;

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::identity::Subject;
use fixture::*;
use place::*;

/// Returns the peak memory of this process since the last call, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    kibibytes * 1_024
}

/// The only test of its process, because it measures the whole process.
#[test]
fn b3_erasure_holds_one_activity_in_memory() {
    const ACTIVITIES: usize = 40;
    let place = Place::in_sqlite();
    let fixture = place.fixture();
    fixture.install(people(&[("adele", &["council"]), ("ann", &["council"])])).make_private("council");
    for n in 0..ACTIVITIES {
        let details = "x".repeat(Activity::MAX_DETAILS_BYTES);
        let by_adele = begun(&format!("a-{n}"), Actor::user(alias("adele@contoso.com")));
        fixture.ingest(&[by_adele.details(details).build().unwrap()]);
    }
    peak();
    let before = peak();
    fixture.erase(Subject::of(user("ann")));
    let grown = peak().saturating_sub(before);
    let all = ACTIVITIES * Activity::MAX_DETAILS_BYTES;
    assert!(grown < all / 4, "{grown} bytes of {all}");
}
