//! The log: public activities of a few thousand people over 90 days, about 400 bytes each.

use std::path::Path;
use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision};
use activity_privacy::filter::PrivacyFilter;
use activity_privacy::identity::{Alias, UserId};
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::policy::Administrators;
use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
use chrono::{DateTime, Utc};

const BATCH: u64 = 1_000;

/// Returns the activity with a number. Times grow with numbers, with some disorder.
pub(crate) fn activity(number: u64) -> Activity {
    let mut bits = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let person = bits % 4_000;
    let actor = Actor::user(Alias::new(format!("person-{person}@contoso.example")).unwrap())
        .with_identity(UserId::new(format!("5d0c9b1e-0000-4000-8000-{person:012x}")).unwrap());
    let app = ["SharePoint", "OneDrive", "Exchange", "MicrosoftTeams"][(bits >> 20) as usize % 4];
    let action = ["FileAccessed", "FileModified", "MailItemsAccessed", "MessageSent"][(bits >> 24) as usize % 4];
    let at = at(number * 7 + (bits >> 40) % 5_000);
    let id = format!("{:08x}-0000-4000-8000-{number:012x}", bits >> 32);
    let app = App::new(app.parse().unwrap()).in_suite("Microsoft 365".parse().unwrap());
    let begun = Activity::builder(id.parse().unwrap(), actor, app, action.parse().unwrap(), at);
    let details = format!(
        "{{\"ClientIP\":\"203.0.113.{}\",\"UserAgent\":\"Mozilla/5.0 (X11; Linux x86_64)\",\"Site\":\"{:016x}\",\"Number\":{number}}}",
        bits % 250,
        bits
    );
    begun
        .object(format!("https://contoso.example/sites/plans/plan-{}.docx", bits % 9_000))
        .details(details)
        .build()
        .unwrap()
}

pub(crate) fn at(seconds: u64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000 + seconds as i64, 250_000_000).unwrap()
}

/// Returns a filter over a new SQLite file with this number of activities, and its store.
pub(crate) fn fill(folder: &Path, rows: u64) -> (PrivacyFilter, Arc<SqliteStore>) {
    let path = folder.join("activities.db");
    let directory = MemoryDirectory::new();
    directory.install(DirectoryBuilder::new().build(DirectoryRevision(1), at(0)).unwrap()).unwrap();
    let administrators = Administrators::new(UserId::new("officer").unwrap(), UserId::new("deputy").unwrap()).unwrap();
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let sink = SqliteGovernance::open(governance_path(&path)).unwrap();
    let builder = PrivacyFilter::builder(Arc::clone(&store), directory, sink).clock(|| at(0));
    let filter = builder.initialize(administrators).unwrap();
    for from in (0..rows).step_by(BATCH as usize) {
        let batch: Vec<Activity> = (from..rows.min(from + BATCH)).map(activity).collect();
        filter.ingest(&batch).unwrap();
    }
    (filter, store)
}
