//! Checks bytes as activities and queries: the two stores give the same answers.

use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::identity::Alias;
use activity_privacy::memory::MemoryStore;
use activity_privacy::policy::GroupRef;
use activity_privacy::query::{CountBy, PageSize, Query};
use activity_privacy::sqlite::SqliteStore;
use activity_privacy::store::ActivityStore;
use chrono::{DateTime, TimeDelta, Utc};

use crate::fixture::{Fixture, at, group, people, user};

const NAMES: [&str; 6] = ["adele@contoso.com", "bob@contoso.com", "BOB@Contoso.com.", "Backup", "straße", "STRASSE"];
const APPS: [&str; 3] = ["SharePoint", "Box", "box"];
const SUITE: &str = "Microsoft 365";
const WORDS: [&str; 6] = ["Plan", "plan.docx", "100% _sure\\", "'; --", "\u{130}stanbul", ""];

/// Reads all values from the bytes; every value after the last byte is zero.
struct Bytes<'a>(std::slice::Iter<'a, u8>);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    /// Returns a filter for some of the inputs.
    fn sometimes<T>(&mut self, filter: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.next() % 3 == 1).then(|| filter(self))
    }

    fn time(&mut self) -> DateTime<Utc> {
        let minutes = i64::from(i16::from_be_bytes([self.next(), self.next()]));
        at(minutes * 60) + TimeDelta::microseconds(self.next().into())
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[usize::from(self.next()) % from.len()]
    }

    fn activity(&mut self) -> Activity {
        let (id, time, action) = (format!("a{}", self.next()), self.time(), format!("Did{}", self.next() % 3));
        let actor = match self.pick(&NAMES) {
            "Backup" => Actor::application("Backup".parse().unwrap()),
            name => Actor::user(Alias::new(name).unwrap()),
        };
        let app = App::new(self.pick(&APPS).parse().unwrap());
        let app = if self.next().is_multiple_of(2) { app.in_suite(SUITE.parse().unwrap()) } else { app };
        let builder = Activity::builder(id.parse().unwrap(), actor, app, action.parse().unwrap(), time);
        builder.object(self.pick(&WORDS)).build().unwrap()
    }

    fn query(&mut self) -> Query {
        let mut query = Query::all();
        query = self.sometimes(Self::time).into_iter().fold(query, Query::since);
        query = self.sometimes(Self::time).into_iter().fold(query, Query::until);
        while let Some(name) = self.sometimes(|bytes| bytes.pick(&NAMES)) {
            query = query.by_actor(name).unwrap();
        }
        while let Some(app) = self.sometimes(|bytes| bytes.pick(&APPS)) {
            query = query.in_app(app.parse().unwrap());
        }
        if let Some(suite) = self.sometimes(|bytes| bytes.pick(&[SUITE, "microsoft 365"])) {
            query = query.in_suite(suite.parse().unwrap());
        }
        if let Some(action) = self.sometimes(|bytes| bytes.pick(&["Did0", "Did1", "did1"])) {
            query = query.with_action(action.parse().unwrap());
        }
        if let Some(council) = self.sometimes(|bytes| bytes.next().is_multiple_of(2)) {
            query = query.decided_by_group(if council { group("council").into() } else { GroupRef::ExternalUsers });
        }
        if let Some(word) = self.sometimes(|bytes| bytes.pick(&WORDS[..5])) {
            query = query.containing(word).unwrap();
        }
        query
    }
}

/// Checks some activities, and as many queries as the bytes encode.
pub(crate) fn check(input: &[u8]) {
    let mut bytes = Bytes(input.iter());
    let activities: Vec<Activity> = (0..bytes.next() % 40).map(|_| bytes.activity()).collect();

    let memory_disk = std::path::Path::new("/dev/shm");
    let folder = if memory_disk.is_dir() { tempfile::tempdir_in(memory_disk) } else { tempfile::tempdir() }.unwrap();
    let sqlite = populated(Arc::new(SqliteStore::open(folder.path().join("activities.db")).unwrap()));
    let memory = populated(Arc::new(MemoryStore::new()));
    assert!(sqlite.ingest(&activities) == memory.ingest(&activities), "D4: both stores have the same outcomes");
    for _ in 0..8 {
        let (query, size) = (bytes.query(), PageSize::at_most(bytes.next().into()));
        same_answers(&sqlite, &memory, &query, size);
    }
    assert!(sqlite.everything() == memory.everything(), "R3: a reveal shows the same");
}

fn same_answers(sqlite: &Fixture, memory: &Fixture, query: &Query, size: PageSize) {
    let (one, other) = (sqlite.filter.view(&user("somebody")), memory.filter.view(&user("somebody")));
    let count = one.count(query).unwrap();
    assert_eq!(count, other.count(query).unwrap(), "V3");
    for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
        assert!(one.counts(query, by).unwrap() == other.counts(query, by).unwrap(), "V3: {by:?}");
    }
    let (mut cursor, mut seen) = (None, 0);
    loop {
        let page = one.page(query, size, cursor.as_ref()).unwrap();
        assert!(page == other.page(query, size, cursor.as_ref()).unwrap(), "V3: the same page");
        assert!(!page.includes_private(), "V1");
        seen += page.activities().len() as u64;
        cursor = page.next().cloned();
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, count.total, "V3: the count is the number of shown activities");
}

fn populated(store: Arc<dyn ActivityStore>) -> Fixture {
    let fixture = Fixture::repeatable(store);
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture
}
