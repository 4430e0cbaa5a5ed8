//! A directory revision is in force whole or not at all.

use super::DirectoryHarness;
use super::import::{AsOf, CouncilMembers, difference, ensure_equals, ensure_never_loaded, import, snapshot, source};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{Task, Workers, while_running};

pub(super) fn d11_interrupted_import_changes_nothing(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    let first = source(AsOf(10), CouncilMembers(3))?;
    import(&harness, &first)?;
    let before = snapshot(&directory)?.revision();
    harness.import_cut_off(&source(AsOf(20), CouncilMembers(8))?);
    for (handle, directory) in [("an open handle", &directory), ("a new handle", &harness.open())] {
        let found = snapshot(directory)?;
        ensure_equals(&format!("after an interrupted import, on {handle},"), &found, &first)?;
        let now = found.revision();
        ensure!(now == before, "an interrupted import changed the revision from {before} to {now}");
    }
    let next = source(AsOf(30), CouncilMembers(4))?;
    import(&harness, &next)?;
    ensure_equals("after the next import", &*snapshot(&directory)?, &next)
}

pub(super) fn d11_interrupted_first_import_leaves_no_snapshot(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    harness.import_cut_off(&source(AsOf(10), CouncilMembers(3))?);
    ensure_never_loaded("after an interrupted first import,", &directory)?;
    ensure_never_loaded("after an interrupted first import, on a new handle,", &harness.open())?;
    let next = source(AsOf(20), CouncilMembers(3))?;
    import(&harness, &next)?;
    ensure_equals("after the next import", &*snapshot(&directory)?, &next)
}

pub(super) fn d11_readers_see_whole_imports(harness: impl DirectoryHarness) -> Checked {
    const IMPORTS: usize = 12;
    let sources = (0_i64..)
        .zip(0..IMPORTS)
        .map(|(n, size)| source(AsOf(n), CouncilMembers(size + 1)))
        .collect::<Checked<Vec<_>>>()?;
    let [first, later @ ..] = &sources[..] else { return Ok(()) };
    import(&harness, first)?;
    let (importers, readers) = (&Workers::default(), &Workers::default());
    let read = || {
        let (directory, worker) = (harness.open(), readers.start());
        let sources = &sources;
        Box::new(move || {
            while importers.are_active() {
                let seen = snapshot(&directory)?;
                let whole = sources.iter().any(|source| difference(&seen, source).is_none());
                ensure!(whole, "during imports, a snapshot equals none of them: {seen:?}");
                worker.step();
            }
            Ok(())
        }) as Task<'_>
    };
    let worker = importers.start();
    while_running(vec![read(), read()], || {
        for source in later {
            import(&harness, source)?;
            readers.wait_for_step();
        }
        drop(worker);
        Ok(())
    })
}
