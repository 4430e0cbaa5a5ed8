//! A file that is put back from a copy, as SQLite's own shell does it, although a process has it open: that is not to be
//! done, and does no lasting harm to the file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#![cfg(feature = "sqlite")]

mod house;
mod place;

use std::path::Path;
use std::sync::Arc;

use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
use activity_privacy::*;
use house::*;
use place::*;

fn house_of(path: &Path) -> (House, Arc<SqliteStore>) {
    let store = Arc::new(SqliteStore::open(path).unwrap());
    let sink = Arc::new(SqliteGovernance::open(governance_path(path)).unwrap());
    let house = House::over(store.clone(), sink);
    (house, store)
}

fn furnish(house: &House) {
    house.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    house.ingest(&[activity("a", "adele"), activity("b", "bob")]);
}

fn in_app(id: &str, app: &str) -> Activity {
    let actor = Actor::user(alias("bob@contoso.com"));
    Activity::builder(id.parse().unwrap(), actor, App::new(app.parse().unwrap()), "Login".parse().unwrap(), at(1))
        .build()
        .unwrap()
}

#[test]
fn d1_a_file_put_back_under_a_running_process_gets_no_row_that_cannot_be_read() {
    let folder = folder();
    let path = activities(folder.path());
    let (house, store) = house_of(&path);
    furnish(&house);
    let copy = folder.path().join("copy.db");
    store.backup(&copy).unwrap();
    // Another revision of the directory, so another stamp.
    house.install(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[])]));
    house.ingest(&[in_app("c", "Box")]);
    restore(&path, &copy);
    assert_eq!(house.ingest(&[in_app("d", "Teams")]), [Delivery::Stored]);
    assert_eq!(
        house
            .filter
            .view(&user("somebody"))
            .page(&Query::all(), PageSize::MAX, None)
            .map(|page| page.activities().len())
            .ok(),
        Some(2)
    );
}
