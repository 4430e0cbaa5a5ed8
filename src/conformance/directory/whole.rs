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

pub(super) fn d11_readers_see_whole_imports<H: DirectoryHarness>(place: H) -> Checked {
    const IMPORTS: usize = 12;
    let sources = (0_i64..).zip(0..IMPORTS).map(|(n, size)| source(n, size + 1)).collect::<Checked<Vec<_>>>()?;
    let [first, later @ ..] = &sources[..] else { return Ok(()) };
    import(&place, first)?;
    let readers: Vec<H::Directory> = (0..2).map(|_| place.open()).collect();
    let importers = Crew::default();
    let watch = |reader: &H::Directory| {
        while importers.is_at_work() {
            let seen = snapshot(reader)?;
            let whole = sources.iter().any(|source| difference(&seen, source).is_none());
            ensure!(whole, "while imports went on, a snapshot was none of them: {seen:?}");
        }
        Ok(())
    };
    let at_work = importers.join();
    let watchers: Vec<Racer<'_>> = readers.iter().map(|reader| Box::new(|| watch(reader)) as Racer<'_>).collect();
    while_watched(watchers, || {
        let _at_work = at_work;
        later.iter().try_for_each(|source| import(&place, source))
    })
}
