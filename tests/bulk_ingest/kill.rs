//! A process that ingests into files and is killed at each batch, while it stores and while it reads.

use std::env;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::sync::Arc;

use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};

use super::source::*;
use crate::place::{Place, activities, folder};

const FOLDER: &str = "ACTIVITY_PRIVACY_BULK_FOLDER";
const BATCH: &str = "ACTIVITY_PRIVACY_BULK_BATCH";
const RECORD: &str = "ACTIVITY_PRIVACY_BULK_RECORD";

fn files(folder: &Path) -> Place {
    let path = activities(folder);
    let sink = SqliteGovernance::open(governance_path(&path)).unwrap();
    Place::over(Arc::new(SqliteStore::open(&path).unwrap()), Arc::new(sink))
}

/// Not a test of its own: the process that is killed.
#[test]
fn the_child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (batch, record) = (number(BATCH), number(RECORD));
    let fixture = open(&files(folder.as_ref()));
    let mut batches = 0;
    let records = records().enumerate().map(|(at, item)| {
        if Some(at as u64) == record {
            process::abort();
        }
        item
    });
    let run = fixture.filter.bulk_ingest(records).max_records(8).run(|_| {
        batches += 1;
        if Some(batches) == batch {
            process::abort();
        }
        ControlFlow::Continue(())
    });
    assert!(run.is_ok(), "the child was to be killed");
    process::exit(3);
}

#[test]
fn d4_process_killed_at_any_batch_and_repeated_gives_one_store() {
    let expected = {
        let place = Place::in_memory();
        let fixture = set_up(&place);
        fixture.filter.bulk_ingest(records()).run(|_| ControlFlow::Continue(())).unwrap();
        contents(&fixture)
    };
    let at_batches = (1..=RECORDS.div_ceil(8)).map(|batch| (BATCH, batch));
    let at_records = (0..RECORDS).step_by(4).map(|record| (RECORD, record));
    for (name, at) in at_batches.chain(at_records) {
        let folder = folder();
        drop(set_up(&files(folder.path())));
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["bulk_ingest::kill::the_child", "--exact", "--nocapture"]).env(FOLDER, folder.path());
        let status = child.env(name, at.to_string()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), None, "the child is killed at {name} {at}");

        let fixture = open(&files(folder.path()));
        let again = fixture.filter.bulk_ingest(records()).run(|_| ControlFlow::Continue(())).unwrap();
        assert_adds_up(&again);
        assert_eq!(again.read(), RECORDS);
        if name == BATCH {
            // Every batch that was passed to the caller is stored.
            let stored = records().take(at as usize * 8).filter(|item| item.as_ref().is_ok_and(is_in_scope)).count();
            assert!(again.duplicates() >= stored as u64, "{again:?}");
        }
        assert_eq!(contents(&fixture), expected, "killed at {name} {at}");
    }
}
