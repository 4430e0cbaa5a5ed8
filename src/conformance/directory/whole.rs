//! A directory is in force whole or not at all.

use super::DirectoryHarness;
use super::import::{difference, import, never_loaded, says, snapshot, source};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{Crew, Racer, while_watched};

pub(super) fn d11_an_import_that_breaks_off_changes_nothing(place: impl DirectoryHarness) -> Checked {
    let directory = place.open();
    let first = source(10, 3)?;
    import(&place, &first)?;
    let before = snapshot(&directory)?.revision();
    place.import_cut_off(&source(20, 8)?);
    for (handle, directory) in [("an open handle", &directory), ("a new handle", &place.open())] {
        let found = snapshot(directory)?;
        says(&format!("after an import broke off, on {handle},"), &found, &first)?;
        let now = found.revision();
        ensure!(now == before, "an import that broke off moved the revision from {before} to {now}");
    }
    let next = source(30, 4)?;
    import(&place, &next)?;
    says("after the next import", &*snapshot(&directory)?, &next)
}

pub(super) fn d11_before_the_first_whole_import_there_is_no_snapshot(place: impl DirectoryHarness) -> Checked {
    let directory = place.open();
    place.import_cut_off(&source(10, 3)?);
    never_loaded("after a first import broke off,", &directory)?;
    never_loaded("after a first import broke off, on a new handle,", &place.open())?;
    let next = source(20, 3)?;
    import(&place, &next)?;
    says("after the next import", &*snapshot(&directory)?, &next)
}

pub(super) fn d11_readers_see_whole_imports(place: impl DirectoryHarness) -> Checked {
    const IMPORTS: usize = 12;
    let sources = (0_i64..).zip(0..IMPORTS).map(|(n, size)| source(n, size + 1)).collect::<Checked<Vec<_>>>()?;
    let [first, later @ ..] = &sources[..] else { return Ok(()) };
    import(&place, first)?;
    let (importers, readers) = (&Crew::default(), &Crew::default());
    let read = || {
        let (directory, at_work) = (place.open(), readers.join());
        let sources = &sources;
        Box::new(move || {
            while importers.is_at_work() {
                let seen = snapshot(&directory)?;
                let whole = sources.iter().any(|source| difference(&seen, source).is_none());
                ensure!(whole, "while imports went on, a snapshot was none of them: {seen:?}");
                at_work.step();
            }
            Ok(())
        }) as Racer<'_>
    };
    let at_work = importers.join();
    while_watched(vec![read(), read()], || {
        for source in later {
            import(&place, source)?;
            readers.await_a_step();
        }
        drop(at_work);
        Ok(())
    })
}
