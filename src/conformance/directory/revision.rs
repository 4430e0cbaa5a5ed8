//! Revisions order directories.

use super::import::{difference, import, says, snapshot, source};
use super::{DirectoryHarness, Source};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{Crew, Racer, while_watched};
use crate::directory::{DirectoryError, DirectoryRevision, GroupDirectory};

pub(super) fn d1_the_revision_grows_with_every_change(place: impl DirectoryHarness) -> Checked {
    let directory = place.open();
    let mut last = None;
    let changes = [
        ("the first import", source(10, 3)?),
        ("one member more", source(10, 4)?),
        ("a later as-of time alone", source(20, 4)?),
        ("an earlier as-of time", source(15, 4)?),
        ("what was said before", source(10, 3)?),
    ];
    for (what, source) in changes {
        import(&place, &source)?;
        let now = snapshot(&directory)?.revision();
        if let Some(before) = last {
            ensure!(now > before, "{what} came with revision {now}, after {before}");
        }
        last = Some(now);
    }
    Ok(())
}

pub(super) fn d1_a_revision_says_one_thing(place: impl DirectoryHarness) -> Checked {
    let (here, there) = (place.open(), place.open());
    let mut told: Vec<(DirectoryRevision, Source)> = Vec::new();
    for source in [source(10, 3)?, source(10, 3)?, source(20, 3)?, source(20, 4)?, source(20, 2)?] {
        import(&place, &source)?;
        let (mine, theirs) = (snapshot(&here)?, snapshot(&there)?);
        let (one, other) = (mine.revision(), theirs.revision());
        ensure!(one == other, "after an import one handle answers with revision {one}, another with {other}");
        says("on another handle", &theirs, &source)?;
        let earlier = told.iter().find(|(revision, _)| *revision == one);
        let moved = earlier.and_then(|(_, earlier)| difference(&mine, earlier));
        ensure!(moved.is_none(), "revision {one} says something else than before: {}", moved.unwrap_or_default());
        told.push((one, source));
    }
    Ok(())
}

pub(super) fn d1_the_revision_never_goes_back(place: impl DirectoryHarness) -> Checked {
    let sources = (0..16).map(|n| source(n, 2)).collect::<Checked<Vec<_>>>()?;
    let (importers, readers) = (&Crew::default(), &Crew::default());
    let read = || {
        let (directory, at_work) = (place.open(), readers.join());
        Box::new(move || {
            let mut last = None;
            while importers.is_at_work() {
                let now = match directory.snapshot() {
                    Ok(snapshot) => Some(snapshot.revision()),
                    Err(DirectoryError::NeverLoaded) => None,
                    Err(error) => return Err(error.into()),
                };
                ensure!(now >= last, "a handle answered with revision {now:?} after {last:?}");
                last = now;
                at_work.step();
            }
            Ok(())
        }) as Racer<'_>
    };
    let at_work = importers.join();
    while_watched(vec![read(), read()], || {
        let mut last = None;
        for source in &sources {
            import(&place, source)?;
            let now = Some(snapshot(&place.open())?.revision());
            ensure!(now > last, "a new handle answered with revision {now:?} after {last:?}");
            last = now;
            readers.await_a_step();
        }
        drop(at_work);
        Ok(())
    })
}

pub(super) fn d1_the_revision_does_not_go_back_at_a_crash(mut place: impl DirectoryHarness) -> Checked {
    let before = place.open();
    for n in 0..3 {
        import(&place, &source(n, 3)?)?;
    }
    let (last, said) = (snapshot(&before)?.revision(), source(2, 3)?);
    place.crash();
    let directory = place.open();
    match directory.snapshot() {
        Ok(found) => {
            let now = found.revision();
            ensure!(now >= last, "after a crash the revision is {now}, before it was {last}");
            says("after a crash", &found, &said)?;
        }
        Err(DirectoryError::NeverLoaded) => {}
        Err(error) => return Err(error.into()),
    }
    import(&place, &source(9, 4)?)?;
    let next = snapshot(&directory)?.revision();
    ensure!(next > last, "after a crash an import came with revision {next}, before it was {last}");
    drop(before);
    Ok(())
}
