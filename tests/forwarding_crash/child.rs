//! The process that is killed: it ingests and forwards.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, process, thread};

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::forward::{
    Accepted, BackOff, Batch, BatchLimit, DeliveryError, Driver, DriverOptions, FeedKind, Forwarder, ForwarderName,
    ForwarderOffsets, SavedForwarder, Start,
};
use activity_privacy::sqlite::{SqliteGovernance, SqliteOptions, SqliteStore, governance_path};
use activity_privacy::store::{PublicActivity, StoreError};

use crate::chance::Chance;
use crate::fixture::*;
use crate::place::activities;

/// The folder of the files.
pub(crate) const FOLDER: &str = "ACTIVITY_PRIVACY_FORWARD_FOLDER";
/// The seed of the child.
pub(crate) const SEED: &str = "ACTIVITY_PRIVACY_FORWARD_SEED";
/// The line by which the child reports that it forwards.
pub(crate) const READY: &str = "the child forwards";
/// A part of every private activity, in every field.
pub(crate) const CANARY: &str = "canary-2f9c";
pub(crate) const ROWS: u16 = 7;

pub(crate) fn delivered(folder: &Path) -> PathBuf {
    folder.join("delivered.jsonl")
}

pub(crate) fn marks(folder: &Path) -> PathBuf {
    folder.join("marks")
}

/// Opens the files and the filter.
pub(crate) fn open(folder: &Path) -> (Fixture, Arc<SqliteStore>) {
    let path = activities(folder);
    // So small that partitions are filled and closed during the kills.
    let store = Arc::new(SqliteOptions::default().with_partition_rows(64).open(&path).unwrap());
    let fixture = Fixture::over(store.clone(), Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap()));
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])]));
    (fixture, store)
}

/// Ingests and forwards until the process is killed.
pub(crate) fn live(folder: &Path) {
    // Any failure ends the process with an exit code, which the parent distinguishes from the kill.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("the child failed: {panic}");
        process::exit(3);
    }));
    let seed: u64 = env::var(SEED).unwrap().parse().unwrap();
    let (fixture, store) = open(folder);
    if !fixture.filter.policy().unwrap().private_groups().contains(&group("council").into()) {
        fixture.make_private("council");
    }
    let marks = Marks::open(folder);
    let offsets = Marked { inner: store, marks: marks.clone() };
    let feed = fixture.filter.forwarders(offsets).open_or_create(&name(), Start::Beginning).unwrap();
    let (folder, chance) = (folder.to_owned(), Arc::new(Mutex::new(Chance::new(seed))));
    let connect = move || Ok(Destination::connect(&folder, marks.clone(), Arc::clone(&chance))?);
    // A child lives for milliseconds, so delays must be shorter.
    let delay = Duration::from_millis(1);
    let options =
        DriverOptions::default().batch(BatchLimit::rows(ROWS)).poll_every(delay).back_off(BackOff::new(delay, delay));
    let _driver = Driver::start(feed, connect, options).unwrap();
    println!("{READY}");
    let mut chance = Chance::new(!seed);
    for number in 0_u64.. {
        let batch: Vec<Activity> = (0..chance.below(6) + 1).map(|n| item(seed, number, n, chance.one_in(2))).collect();
        fixture.filter.ingest(&batch).unwrap();
        thread::sleep(Duration::from_micros(chance.below(1_500)));
    }
}

pub(crate) fn name() -> ForwarderName {
    "siem".parse().unwrap()
}

/// Returns an activity. A private one contains the canary in every field.
fn item(seed: u64, batch: u64, number: u64, is_private: bool) -> Activity {
    let (who, token) = if is_private { ("adele", CANARY) } else { ("bob", "plain") };
    let app = App::new(format!("App {token}").parse().unwrap()).in_suite(format!("Suite {token}").parse().unwrap());
    let id = format!("{seed}-{batch}-{number}-{token}");
    let actor = Actor::user(alias(&format!("{who}@contoso.com"))).with_identity(alias(&format!("{token}@contoso.com")));
    Activity::builder(id.parse().unwrap(), actor, app, format!("Read {token}").parse().unwrap(), at(0))
        .object(format!("object {token}"))
        .details(format!("details {token}"))
        .build()
        .unwrap()
}

/// The last operation of the child, one byte for each beginning and end.
#[derive(Clone)]
struct Marks(Arc<File>);

impl Marks {
    fn open(folder: &Path) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(marks(folder)).unwrap();
        Self(Arc::new(file))
    }

    fn put(&self, mark: u8) {
        (&*self.0).write_all(&[mark]).unwrap();
    }
}

/// The destination: a file with one activity a line.
struct Destination {
    file: File,
    marks: Marks,
    chance: Arc<Mutex<Chance>>,
}

impl Destination {
    fn connect(folder: &Path, marks: Marks, chance: Arc<Mutex<Chance>>) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(delivered(folder))?;
        // A kill can leave a part of a line.
        if file.seek(SeekFrom::End(-1)).is_ok() {
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Self { file, marks, chance })
    }
}

impl Forwarder for Destination {
    fn deliver(&mut self, batch: &Batch<PublicActivity>) -> Result<Accepted, DeliveryError> {
        self.marks.put(b'd');
        let all = batch.items().len();
        let (accepted, fails, pause) = {
            let mut chance = self.chance.lock().unwrap();
            let accepted = if chance.one_in(4) { chance.below(all as u64 + 1) as usize } else { all };
            (accepted, chance.one_in(10), chance.below(1_500))
        };
        for public in &batch.items()[..accepted] {
            let mut line = serde_json::to_vec(public).map_err(DeliveryError::unavailable)?;
            line.push(b'\n');
            self.file.write_all(&line)?;
            thread::sleep(Duration::from_micros(pause / u64::from(ROWS)));
        }
        self.marks.put(b'e');
        if fails { Err(DeliveryError::unavailable("a lost answer")) } else { Ok(Accepted::First(accepted)) }
    }
}

/// Marks the beginning and the end of each replacement.
struct Marked {
    inner: Arc<SqliteStore>,
    marks: Marks,
}

impl ForwarderOffsets for Marked {
    fn saved(&self, feed: FeedKind, name: &ForwarderName) -> Result<Option<SavedForwarder>, StoreError> {
        self.inner.saved(feed, name)
    }

    fn all_saved(&self) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError> {
        self.inner.all_saved()
    }

    fn replace(
        &self,
        feed: FeedKind,
        name: &ForwarderName,
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        self.marks.put(b'a');
        let replaced = self.inner.replace(feed, name, expected, next);
        self.marks.put(b'b');
        replaced
    }
}
