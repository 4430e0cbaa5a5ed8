//! Forwarders do not affect each other.

use super::{OffsetsHarness, name, state};
use crate::conformance::clause::{Checked, ensure};
use crate::forward::{FeedKind, ForwarderName, ForwarderOffsets, SavedForwarder};

/// Names that a careless comparison takes for each other.
const NAMES: [&str; 9] = ["siem", "SIEM", "siem ", " siem", "caf\u{e9}", "cafe\u{301}", "100%", "100_", "o'neil\"; --"];

fn names() -> Checked<Vec<ForwarderName>> {
    NAMES.into_iter().map(name).collect()
}

/// Creates a forwarder of each name in a feed. Returns their states.
fn create(offsets: &impl ForwarderOffsets, feed: FeedKind, run: u128) -> Checked<Vec<(ForwarderName, SavedForwarder)>> {
    let mut all = Vec::new();
    for (number, name) in (1..).zip(names()?) {
        let first = state(run, number);
        ensure!(offsets.replace(feed, &name, None, Some(&first))?, "forwarder `{name}` exists before it was created");
        all.push((name, first));
    }
    Ok(all)
}

pub(super) fn f2_names_are_compared_bytewise(harness: impl OffsetsHarness) -> Checked {
    let offsets = harness.open();
    let all = create(&offsets, FeedKind::Activities, 1)?;
    for (name, saved) in &all {
        let found = harness.open().saved(FeedKind::Activities, name)?;
        ensure!(found.as_ref() == Some(saved), "forwarder `{name}` has the state {found:?}, expected {saved:?}");
    }
    let [(first, state), rest @ ..] = &*all else { return Ok(()) };
    offsets.replace(FeedKind::Activities, first, Some(state), None)?;
    for (name, saved) in rest {
        let found = offsets.saved(FeedKind::Activities, name)?;
        ensure!(found.as_ref() == Some(saved), "the removal of `{first}` changed `{name}` to {found:?}");
    }
    Ok(())
}

pub(super) fn f2_feeds_are_separate(harness: impl OffsetsHarness) -> Checked {
    let offsets = harness.open();
    let forwarders = create(&offsets, FeedKind::Activities, 1)?;
    let followers = create(&offsets, FeedKind::Records, 2)?;
    for (name, saved) in &forwarders {
        offsets.replace(FeedKind::Activities, name, Some(saved), None)?;
    }
    for (name, saved) in &followers {
        let found = harness.open().saved(FeedKind::Records, name)?;
        ensure!(found.as_ref() == Some(saved), "follower `{name}` has the state {found:?}, expected {saved:?}");
    }
    Ok(())
}

pub(super) fn f2_every_forwarder_is_listed_in_order(harness: impl OffsetsHarness) -> Checked {
    let offsets = harness.open();
    ensure!(offsets.all_saved()?.is_empty(), "a new port lists forwarders");
    let mut expected = Vec::new();
    for (feed, run) in [(FeedKind::Records, 2), (FeedKind::Activities, 1)] {
        let created = create(&offsets, feed, run)?;
        expected.extend(created.into_iter().map(|(name, saved)| (feed, name, saved)));
    }
    expected.sort_by(|(feed, name, _), (other_feed, other, _)| (feed, name).cmp(&(other_feed, other)));
    for handle in [&offsets, &harness.open()] {
        let found = handle.all_saved()?;
        ensure!(found == expected, "the list is {found:?}, expected {expected:?}");
    }
    Ok(())
}
