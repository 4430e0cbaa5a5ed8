//! One history: what is ingested, changed, forwarded and exported, and the search of all that left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::activity::Activity;
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, User};
use activity_privacy::engine::Visibility;
use activity_privacy::export::RecordFormat;
use activity_privacy::filter::{Forwarders, IngestOutcome};
use activity_privacy::forward::{
    Accepted, BackOff, BatchLimit, Driver, DriverOptions, Forwarder, ForwarderName, Offset, Phase, Start,
};
use activity_privacy::governance::PrivateRows;
use activity_privacy::identity::Subject;
use activity_privacy::policy::{OnUndecidable, OptionsPatch, PolicyChange, ScopeRule, ScopeTarget};

use super::activities::Activities;
use super::destination::Destination;
use super::encoding::Encoding;
use super::exports::{FORMATS, export};
use super::tokens::{token, tokens};
use super::totals::Totals;
use crate::chance::Chance;
use crate::fixture::*;
use crate::place::Place;

const GROUPS: [&str; 4] = ["g0", "g1", "g2", "g3"];
const FOLLOWER: &str = "archive";
/// Numbers of tokens for content that is delivered under the id of another activity.
const OTHER_CONTENT: u64 = 1 << 40;

/// A forwarder with its destination.
struct Line {
    name: ForwarderName,
    destination: Arc<Destination>,
    /// It never fails and is never created again, so it delivers everything once.
    is_steady: bool,
}

pub(crate) struct History<'a> {
    place: &'a Place,
    people: Vec<User>,
    chance: Chance,
    fixture: Fixture,
    forwarders: Forwarders,
    /// The groups of each of the people.
    groups: Vec<Vec<&'static str>>,
    revision: u64,
    now: i64,
    lines: Vec<Line>,
    ingested: Vec<Activity>,
    /// The stored tokens, also of activities that were removed since.
    stored: BTreeMap<String, Visibility>,
    /// The tokens of other content that was delivered under an id that is stored.
    other_content: BTreeSet<String>,
    /// The tokens that left, with the way on which they did first.
    left: BTreeMap<String, String>,
    totals: Totals,
}

impl<'a> History<'a> {
    pub(crate) fn new(place: &'a Place, people: Vec<User>, mut chance: Chance) -> Self {
        let fixture = place.fixture();
        let forwarders = fixture.filter.forwarders(Arc::clone(&place.offsets));
        let lines = Encoding::all().into_iter().flat_map(|(name, encoding)| {
            let failures = Chance::new(chance.below(u64::MAX));
            [("steady", None), ("shaky", Some(failures))].map(|(kind, failures)| Line {
                name: format!("{kind}-{name}").parse().unwrap(),
                is_steady: failures.is_none(),
                destination: Destination::new(encoding.clone(), failures),
            })
        });
        let lines: Vec<Line> = lines.collect();
        let mut history = Self {
            place,
            groups: vec![Vec::new(); people.len()],
            people,
            chance,
            fixture,
            forwarders,
            revision: 0,
            now: 0,
            lines,
            ingested: Vec::new(),
            stored: BTreeMap::new(),
            other_content: BTreeSet::new(),
            left: BTreeMap::new(),
            totals: Totals { histories: 1, ..Totals::default() },
        };
        for line in &history.lines {
            history.forwarders.create(&line.name, Start::Beginning).unwrap();
        }
        history.move_people();
        history.fixture.make_private("g0").make_private("g1");
        history.fixture.update_policy(PolicyChange::AddFollower(FOLLOWER.parse().unwrap(), Start::Beginning));
        history
    }

    pub(crate) fn run(mut self, activities: &mut impl Activities, steps: u64) -> Totals {
        for _ in 0..steps {
            self.now += 1;
            self.fixture.advance(1);
            match self.chance.below(20) {
                0..=8 => self.ingest(activities),
                9 | 10 => self.change_policy(),
                11 => self.move_people(),
                12..=15 => self.forward(),
                16 => self.drive(),
                17 => self.create_again(),
                18 => self.erase_or_restart(),
                _ => self.export(),
            }
        }
        self.finish()
    }

    fn ingest(&mut self, activities: &mut impl Activities) {
        let batch = activities.next(&mut self.chance);
        self.ingested.extend_from_slice(&batch);
        self.totals.ingested += batch.len() as u64;
        self.fixture.ingest(&batch);
        let Some(again) = self.some_ingested() else { return };
        // An activity that was out of scope before can be stored now, with the content that is delivered now.
        if self.fixture.ingest(std::slice::from_ref(&again)) == [IngestOutcome::Duplicate] {
            let other = token(OTHER_CONTENT + self.totals.ingested);
            let (id, actor, app) = (again.id().clone(), again.actor().clone(), again.app().clone());
            let begun = Activity::builder(id, actor, app, again.action().clone(), again.occurred_at());
            let outcome = self.fixture.ingest(&[begun.details(&other).build().unwrap()]);
            assert_ne!(outcome, [IngestOutcome::Stored], "D4");
            self.other_content.insert(other);
        }
    }

    fn some_ingested(&mut self) -> Option<Activity> {
        let count = self.ingested.len() as u64;
        (count > 0 && self.chance.one_in(2)).then(|| self.ingested[self.chance.below(count) as usize].clone())
    }

    fn change_policy(&mut self) {
        let name = GROUPS[self.chance.below(GROUPS.len() as u64) as usize];
        let exclude = ScopeRule::exclude(group(name), ScopeTarget::AllApps);
        let change = match self.chance.below(8) {
            0..=2 => PolicyChange::MakePrivate(group(name).into()),
            3 => PolicyChange::MakePublic(group(name).into()),
            4 => PolicyChange::AddScopeRule(exclude),
            5 => PolicyChange::RemoveScopeRule(exclude),
            6 => PolicyChange::SetOptions(OptionsPatch::new().include_objects(self.chance.one_in(2))),
            _ => {
                let when = if self.chance.one_in(2) { OnUndecidable::FailOpen } else { OnUndecidable::Hide };
                PolicyChange::SetOptions(OptionsPatch::new().on_undecidable(when))
            }
        };
        // A change that has no effect is rejected.
        self.totals.policy_changes += u64::from(self.fixture.filter.update_policy(&user("root"), change).is_ok());
    }

    /// Installs a directory in which some people are in other groups.
    fn move_people(&mut self) {
        for groups in &mut self.groups {
            if self.chance.one_in(3) {
                *groups = GROUPS.into_iter().filter(|_| self.chance.one_in(4)).collect();
            }
        }
        self.install();
    }

    fn install(&mut self) {
        let mut builder = DirectoryBuilder::new().user(contoso("root"));
        for name in GROUPS {
            builder = builder.group(group(name), name);
        }
        for (person, groups) in self.people.iter().zip(&self.groups) {
            builder = builder.user(person.clone());
            for name in groups {
                builder = builder.member(&group(name), person.id());
            }
        }
        self.revision += 1;
        let snapshot = builder.build(DirectoryRevision(self.revision), at(self.now)).unwrap();
        self.fixture.directory.install(snapshot).unwrap();
    }

    /// Delivers a batch of every forwarder, and acknowledges what was accepted, unless the process ends before.
    fn forward(&mut self) {
        for line in &self.lines {
            let feed = self.forwarders.open(&line.name).unwrap();
            let batch = feed.next_batch(BatchLimit::rows(1 + self.chance.below(60) as u16)).unwrap();
            if batch.is_empty() {
                continue;
            }
            let mut connection = line.destination.connect();
            let deliver = std::panic::AssertUnwindSafe(|| connection.deliver(&batch));
            let accepted = match std::panic::catch_unwind(deliver) {
                Ok(Ok(Accepted::All)) => batch.items().len(),
                Ok(Ok(Accepted::First(items))) => items,
                Ok(Err(_)) | Err(_) => 0,
            };
            if line.is_steady || !self.chance.one_in(4) {
                feed.acknowledge_first(&batch, accepted).unwrap();
            }
        }
        self.follow();
        let list = serde_json::to_string(&self.forwarders.list().unwrap()).unwrap();
        self.search("the list of forwarders", &list);
    }

    /// Runs the driver of one forwarder until it has delivered everything.
    fn drive(&mut self) {
        let at = self.chance.below(self.lines.len() as u64) as usize;
        let feed = self.forwarders.open(&self.lines[at].name).unwrap();
        let destination = Arc::clone(&self.lines[at].destination);
        let delay = Duration::from_millis(1);
        let options = DriverOptions::default()
            .batch(BatchLimit::rows(1 + self.chance.below(60) as u16))
            .poll_every(delay)
            .back_off(BackOff::new(delay, delay));
        let driver = Driver::start(feed, move || Ok(destination.connect()), options).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while driver.state().phase != Phase::Waiting {
            assert!(Instant::now() < until, "the driver never catches up: {:?}", driver.state());
            thread::sleep(delay);
        }
        let state = driver.stop();
        (self.totals.driven, self.totals.retries) = (self.totals.driven + 1, self.totals.retries + state.retries);
        self.search("the state of a driver", &format!("{state:?} {}", serde_json::to_string(&state).unwrap()));
    }

    fn create_again(&mut self) {
        let shaky: Vec<&Line> = self.lines.iter().filter(|line| !line.is_steady).collect();
        let line = shaky[self.chance.below(shaky.len() as u64) as usize];
        self.forwarders.remove(&line.name).unwrap();
        let start = if self.chance.one_in(2) { Start::Beginning } else { Start::Time(at(0)) };
        self.forwarders.create(&line.name, start).unwrap();
        self.totals.created_again += 1;
    }

    fn erase_or_restart(&mut self) {
        if self.chance.one_in(2) {
            self.observe();
            let person = &self.people[self.chance.below(self.people.len() as u64) as usize];
            let subject =
                person.aliases().iter().cloned().fold(Subject::of(person.id().clone()), Subject::with_identity);
            self.fixture.erase(subject);
        } else {
            self.fixture = self.place.fixture();
            self.fixture.advance(self.now);
            self.forwarders = self.fixture.filter.forwarders(Arc::clone(&self.place.offsets));
            self.install();
            self.totals.restarts += 1;
        }
    }

    fn export(&mut self) {
        self.fixture.permit_root();
        let format = FORMATS[self.chance.below(FORMATS.len() as u64) as usize];
        let reveal = [None, Some(PrivateRows::Omit), Some(PrivateRows::Redact)][self.chance.below(3) as usize];
        self.totals.redacted_exports += u64::from(reveal == Some(PrivateRows::Redact));
        let rows = export(&self.fixture.filter, format, reveal);
        self.totals.exported_rows += rows.public.len() as u64;
        self.search("an export", &rows.file);
        self.search("an export", &rows.public.concat());
    }

    /// Writes what a follower reads, in every format of records.
    fn follow(&mut self) {
        let feed = self.forwarders.follower(&FOLLOWER.parse().unwrap()).unwrap();
        let batch = feed.next_batch(BatchLimit::default()).unwrap();
        for format in [RecordFormat::JsonLines, RecordFormat::Ocsf] {
            let mut out = Vec::new();
            for entry in batch.items() {
                format.write(entry, &mut out).unwrap();
            }
            let text = String::from_utf8(out).unwrap();
            assert_eq!(tokens(&text), BTreeSet::new(), "G2: a record contains no content");
            self.totals.bytes += text.len() as u64;
        }
        self.totals.records += batch.items().len() as u64;
        feed.acknowledge(&batch).unwrap();
    }

    fn search(&mut self, way: &str, text: &str) {
        self.totals.bytes += text.len() as u64;
        for token in tokens(text) {
            self.left.entry(token.to_owned()).or_insert_with(|| way.to_owned());
        }
    }

    /// Notes the visibility of everything that is stored now. Returns the public tokens.
    fn observe(&mut self) -> BTreeSet<String> {
        let mut public = BTreeSet::new();
        for stored in self.fixture.everything() {
            let (id, visibility) = (stored.activity().id().as_str().to_owned(), stored.decision().visibility());
            if visibility == Visibility::Public {
                public.insert(id.clone());
            }
            if let Some(before) = self.stored.insert(id, visibility) {
                assert_eq!(before, visibility, "D2");
            }
        }
        public
    }

    /// Delivers and exports the rest, and checks what left.
    fn finish(mut self) -> Totals {
        self.follow();
        let public = self.observe();
        let in_order = self.fixture.store.public_after(&Offset::START, usize::MAX).unwrap();
        let in_order: Vec<&str> = in_order.iter().map(|(_, public)| public.activity().id().as_str()).collect();
        for at in 0..self.lines.len() {
            self.drain(at, &in_order);
        }
        for format in FORMATS {
            for reveal in [None, Some(PrivateRows::Omit), Some(PrivateRows::Redact)] {
                let rows = export(&self.fixture.filter, format, reveal);
                let ids: Vec<&str> = rows.public.iter().flat_map(|row| tokens(row)).collect();
                assert_eq!(ids.len(), public.len(), "V5: each public activity is one row");
                assert!(ids.iter().all(|id| public.contains(*id)), "V5");
                self.totals.exported_rows += rows.public.len() as u64;
                self.search("an export", &rows.file);
            }
        }
        // A file that is compressed, or a connection that broke, contains cut tokens. They can look like others.
        let ingested: BTreeSet<&str> = self.ingested.iter().map(|activity| activity.id().as_str()).collect();
        for (token, way) in &self.left {
            assert!(!self.other_content.contains(token), "D4: {token} left by {way}");
            if ingested.contains(&**token) {
                assert_eq!(self.stored.get(token), Some(&Visibility::Public), "F1: {token} left by {way}");
            }
        }
        let count = |which| self.stored.values().filter(|visibility| **visibility == which).count() as u64;
        (self.totals.public, self.totals.private) = (count(Visibility::Public), count(Visibility::Private));
        self.totals
    }

    /// Delivers what one forwarder has not delivered yet, and checks that it delivered everything.
    fn drain(&mut self, at: usize, stored: &[&str]) {
        let Line { name, destination, is_steady } = &self.lines[at];
        let feed = self.forwarders.open(name).unwrap();
        loop {
            let batch = feed.next_batch(BatchLimit::default()).unwrap();
            if batch.is_empty() {
                break;
            }
            if let Ok(Ok(accepted)) =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| destination.connect().deliver(&batch)))
            {
                let items = if let Accepted::First(items) = accepted { items } else { batch.items().len() };
                feed.acknowledge_first(&batch, items).unwrap();
            }
        }
        let (ids, text, way) = (destination.ids(), destination.text(), name.to_string());
        let delivered: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let repeated = ids.len() - delivered.len();
        assert!(stored.iter().all(|id| delivered.contains(id)), "F2: {way} lost an activity");
        if *is_steady {
            assert_eq!(repeated, 0, "F2: {way} delivered an activity twice, although nothing failed");
            let left: BTreeSet<&str> = stored.iter().copied().collect();
            let still_stored = ids.iter().map(String::as_str).filter(|id| left.contains(id));
            assert!(
                still_stored.eq(stored.iter().copied()),
                "F2: {way} delivered in another order than that of storing"
            );
        }
        (self.totals.messages, self.totals.repeated) =
            (self.totals.messages + ids.len() as u64, self.totals.repeated + repeated as u64);
        self.search(&way, &text);
    }
}
