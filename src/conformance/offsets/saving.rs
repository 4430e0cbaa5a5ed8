//! Saving the state of a forwarder.

use super::{OffsetsHarness, name, state};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{Task, race};
use crate::forward::{FeedKind, ForwarderOffsets, Offset, SavedForwarder, SetAside};

const FEED: FeedKind = FeedKind::Activities;

/// Returns states that differ in one part each.
fn states() -> Checked<Vec<SavedForwarder>> {
    let first = state(1, 7);
    let set_aside = |after, at| SetAside { after: Offset::of_number(after), at: Offset::of_number(at) };
    Ok(vec![
        SavedForwarder::new(first.run(), Offset::START),
        first.clone(),
        state(2, 7),
        state(1, 8),
        first.advanced(Offset::of_number(7), 1),
        first.advanced(Offset::of_number(7), u64::MAX),
        first.clone().with_set_aside(set_aside(5, 6)),
        first.clone().with_set_aside(set_aside(4, 6)),
        first.clone().with_set_aside(set_aside(5, 7)),
        first.clone().with_set_aside(set_aside(5, 6)).with_set_aside(set_aside(6, 7)),
        SavedForwarder::new(first.run(), Offset::new([0xff; Offset::MAX_BYTES])?),
    ])
}

pub(super) fn f2_saved_forwarder_is_read_as_saved(harness: impl OffsetsHarness) -> Checked {
    let (offsets, siem) = (harness.open(), name("siem")?);
    ensure!(offsets.saved(FEED, &siem)?.is_none(), "a forwarder that was never created has a saved state");
    let mut before = None;
    for next in states()? {
        ensure!(offsets.replace(FEED, &siem, before.as_ref(), Some(&next))?, "the expected state was not replaced");
        for handle in [&offsets, &harness.open()] {
            let found = handle.saved(FEED, &siem)?;
            ensure!(found.as_ref() == Some(&next), "the saved state {next:?} was returned as {found:?}");
        }
        before = Some(next);
    }
    ensure!(offsets.replace(FEED, &siem, before.as_ref(), None)?, "the expected state was not removed");
    ensure!(harness.open().saved(FEED, &siem)?.is_none(), "a removed forwarder has a saved state");
    Ok(())
}

pub(super) fn f2_replacement_compares_whole_state(harness: impl OffsetsHarness) -> Checked {
    let (offsets, siem) = (harness.open(), name("siem")?);
    let all = states()?;
    let mut before = None;
    for saved in &all {
        offsets.replace(FEED, &siem, before.as_ref(), Some(saved))?;
        before = Some(saved.clone());
        let others = all.iter().filter(|other| *other != saved).map(Some).chain([None]);
        for other in others {
            for next in [other, Some(saved), None] {
                ensure!(
                    !harness.open().replace(FEED, &siem, other, next)?,
                    "a replacement that expected {other:?} replaced {saved:?}"
                );
            }
            let found = offsets.saved(FEED, &siem)?;
            ensure!(found.as_ref() == Some(saved), "a rejected replacement changed {saved:?} to {found:?}");
        }
    }
    Ok(())
}

pub(super) fn f2_one_concurrent_replacement_succeeds(harness: impl OffsetsHarness) -> Checked {
    const ROUNDS: u64 = 24;
    const NODES: u128 = 4;
    let (offsets, siem) = (harness.open(), name("siem")?);
    let mut before = None;
    for round in 0..ROUNDS {
        let expected = &before;
        let tasks: Vec<Task<'_, bool>> = (1..=NODES)
            .map(|node| {
                let (handle, siem) = (harness.open(), siem.clone());
                let task: Task<'_, bool> =
                    Box::new(move || Ok(handle.replace(FEED, &siem, expected.as_ref(), Some(&state(node, round)))?));
                task
            })
            .collect();
        let succeeded = race(tasks)?;
        let count = succeeded.iter().filter(|succeeded| **succeeded).count();
        ensure!(count == 1, "{count} of {NODES} concurrent replacements of one state succeeded");
        let winner = (1..).zip(&succeeded).find(|(_, succeeded)| **succeeded).map(|(node, _)| state(node, round));
        let saved = offsets.saved(FEED, &siem)?;
        ensure!(saved == winner, "{saved:?} is saved, but the replacement by {winner:?} succeeded");
        before = saved;
    }
    Ok(())
}

pub(super) fn f2_saved_forwarders_survive_crash(mut harness: impl OffsetsHarness) -> Checked {
    let (kept, removed) = (name("kept")?, name("removed")?);
    let mut crashed = vec![harness.open()];
    let mut offsets = harness.open();
    let mut before = None;
    for next in states()? {
        offsets.replace(FEED, &kept, before.as_ref(), Some(&next))?;
        offsets.replace(FEED, &removed, None, Some(&next))?;
        offsets.replace(FEED, &removed, Some(&next), None)?;
        harness.crash();
        crashed.push(std::mem::replace(&mut offsets, harness.open()));
        let found = offsets.saved(FEED, &kept)?;
        ensure!(found.as_ref() == Some(&next), "after a crash {next:?} is {found:?}");
        ensure!(offsets.saved(FEED, &removed)?.is_none(), "after a crash a removed forwarder has a saved state");
        before = Some(next);
    }
    drop(crashed);
    Ok(())
}
