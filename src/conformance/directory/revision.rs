//! Revisions order the snapshots of a directory.

use super::import::{AsOf, CouncilMembers, difference, ensure_equals, import, snapshot, source};
use super::{DirectoryHarness, Source};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{Task, Workers, while_running};
use crate::directory::{DirectoryError, DirectoryRevision, GroupDirectory};

pub(super) fn d1_revision_grows_with_every_change(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    let mut last = None;
    let changes = [
        ("the first import", source(AsOf(10), CouncilMembers(3))?),
        ("one more member", source(AsOf(10), CouncilMembers(4))?),
        ("only a later as-of time", source(AsOf(20), CouncilMembers(4))?),
        ("an earlier as-of time", source(AsOf(15), CouncilMembers(4))?),
        ("the content of the first import", source(AsOf(10), CouncilMembers(3))?),
    ];
    for (what, source) in changes {
        import(&harness, &source)?;
        let now = snapshot(&directory)?.revision();
        if let Some(before) = last {
            ensure!(now > before, "{what} has revision {now}, after {before}");
        }
        last = Some(now);
    }
    Ok(())
}

pub(super) fn d1_one_revision_has_one_content(harness: impl DirectoryHarness) -> Checked {
    let (here, there) = (harness.open(), harness.open());
    let mut imported: Vec<(DirectoryRevision, Source)> = Vec::new();
    for (as_of, members) in [(10, 3), (10, 3), (20, 3), (20, 4), (20, 2)] {
        let source = source(AsOf(as_of), CouncilMembers(members))?;
        import(&harness, &source)?;
        let (mine, theirs) = (snapshot(&here)?, snapshot(&there)?);
        let (one, other) = (mine.revision(), theirs.revision());
        ensure!(one == other, "after an import one handle returns revision {one} and another {other}");
        ensure_equals("on another handle", &theirs, &source)?;
        let earlier = imported.iter().find(|(revision, _)| *revision == one);
        let changed = earlier.and_then(|(_, earlier)| difference(&mine, earlier));
        ensure!(changed.is_none(), "revision {one} has other content than before: {}", changed.unwrap_or_default());
        imported.push((one, source));
    }
    Ok(())
}

pub(super) fn d1_revision_never_decreases(harness: impl DirectoryHarness) -> Checked {
    let sources = (0..16).map(|n| source(AsOf(n), CouncilMembers(2))).collect::<Checked<Vec<_>>>()?;
    let (importers, readers) = (&Workers::default(), &Workers::default());
    let read = || {
        let (directory, worker) = (harness.open(), readers.start());
        Box::new(move || {
            let mut last = None;
            while importers.are_active() {
                let now = match directory.snapshot() {
                    Ok(snapshot) => Some(snapshot.revision()),
                    Err(DirectoryError::NeverLoaded) => None,
                    Err(error) => return Err(error.into()),
                };
                ensure!(now >= last, "a handle returned revision {now:?} after {last:?}");
                last = now;
                worker.step();
            }
            Ok(())
        }) as Task<'_>
    };
    let worker = importers.start();
    while_running(vec![read(), read()], || {
        let mut last = None;
        for source in &sources {
            import(&harness, source)?;
            let now = Some(snapshot(&harness.open())?.revision());
            ensure!(now > last, "a new handle returned revision {now:?} after {last:?}");
            last = now;
            readers.wait_for_step();
        }
        drop(worker);
        Ok(())
    })
}

pub(super) fn d1_overtaken_import_keeps_order(harness: impl DirectoryHarness) -> Checked {
    let (here, there) = (harness.open(), harness.open());
    let (first, second) = (source(AsOf(20), CouncilMembers(4))?, source(AsOf(30), CouncilMembers(2))?);
    import(&harness, &source(AsOf(10), CouncilMembers(3))?)?;
    let finish_first = harness.begin_import(&first);
    import(&harness, &second)?;
    let before = snapshot(&here)?.revision();
    // Rejected or not.
    let _ = finish_first();
    for directory in [&here, &there] {
        let now = snapshot(directory)?;
        let (revision, expected) = (now.revision(), if now.revision() == before { &second } else { &first });
        ensure!(revision >= before, "an import that ended late has revision {revision}, an earlier one {before}");
        ensure_equals(&format!("under revision {revision}, after {before},"), &now, expected)?;
    }
    Ok(())
}

pub(super) fn d1_revision_does_not_decrease_after_crash(mut harness: impl DirectoryHarness) -> Checked {
    let before = harness.open();
    for n in 0..3 {
        import(&harness, &source(AsOf(n), CouncilMembers(3))?)?;
    }
    let (last, expected) = (snapshot(&before)?.revision(), source(AsOf(2), CouncilMembers(3))?);
    harness.crash();
    let directory = harness.open();
    match directory.snapshot() {
        Ok(found) => {
            let now = found.revision();
            ensure!(now >= last, "after a crash the revision is {now}, before {last}");
            ensure_equals("after a crash", &found, &expected)?;
        }
        Err(DirectoryError::NeverLoaded) => {}
        Err(error) => return Err(error.into()),
    }
    import(&harness, &source(AsOf(9), CouncilMembers(4))?)?;
    let next = snapshot(&directory)?.revision();
    ensure!(next > last, "after a crash an import has revision {next}, before {last}");
    drop(before);
    Ok(())
}
