//! The process that is killed.

use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{env, fs, io, process, thread};

use activity_privacy::activity::Activity;
use activity_privacy::directory::DirectoryBuilder;
use activity_privacy::filter::{IngestError, RevealError, UpdatePolicyError};
use activity_privacy::governance::SinkError;
use activity_privacy::policy::{GroupRef, ManagedDomain, PolicyChange, Role};
use activity_privacy::query::PageSize;
use activity_privacy::reveal::RevealTotals;

use super::chance::Chance;
use super::files;
use super::message::{Answer, Call, Item, ItemOutcome, Message};
use crate::fixture::*;

/// The folder of the files.
pub(crate) const FOLDER: &str = "ACTIVITY_PRIVACY_CRASH_FOLDER";
/// The name of the child, unique among the children of the files.
pub(crate) const NAME: &str = "ACTIVITY_PRIVACY_CRASH_NAME";
/// The seed of the child's operations.
pub(crate) const SEED: &str = "ACTIVITY_PRIVACY_CRASH_SEED";
/// The file in the folder that lists the deliveries of earlier children.
pub(crate) const BEFORE: &str = "before.json";

const DELIVERERS: u64 = 2;

/// Ingests, changes the policy and reveals until the process is killed or its standard input ends.
pub(crate) fn live(folder: &Path) {
    // Any failure ends the process with an exit code, which the parent distinguishes from the kill.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("the child failed: {panic}");
        process::exit(3);
    }));
    let (store, sink) = files::open(folder);
    Message::Opened.send();
    let fixture = Fixture::over(store, sink);
    Message::Initialized.send();
    fixture.install(directory());
    let child = Child {
        name: env::var(NAME).unwrap(),
        before: serde_json::from_slice(&fs::read(folder.join(BEFORE)).unwrap()).unwrap(),
        floor: AtomicU64::new(fixture.filter.policy().unwrap().revision().number()),
        fixture,
        calls: AtomicU64::new(0),
        delivered: AtomicU64::new(0),
        answered: Mutex::default(),
        done: AtomicBool::new(false),
    };
    let seed: u64 = env::var(SEED).unwrap().parse().unwrap();
    let chance = |number| Chance::new(seed.wrapping_mul(8).wrapping_add(number));
    thread::scope(|scope| {
        let child = &child;
        for number in 0..DELIVERERS {
            scope.spawn(move || child.repeat(chance(number), Child::deliver));
        }
        scope.spawn(move || child.repeat(chance(DELIVERERS), Child::change));
        scope.spawn(move || child.repeat(chance(DELIVERERS + 1), Child::reveal));
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        child.done.store(true, Ordering::SeqCst);
    });
    // Without output of the test harness.
    process::exit(0);
}

/// Returns a directory in which Adele is in the council and Bob in no group. Root is an administrator; Ann becomes one.
pub(crate) fn directory() -> DirectoryBuilder {
    people(&[("adele", &["council"]), ("bob", &[]), ("ann", &[])])
}

struct Child {
    name: String,
    fixture: Fixture,
    calls: AtomicU64,
    delivered: AtomicU64,
    /// The deliveries of earlier children, answered or not.
    before: Vec<Item>,
    /// The recent deliveries of this child that were answered.
    answered: Mutex<VecDeque<Item>>,
    /// The revision that the last policy change returned.
    floor: AtomicU64,
    done: AtomicBool,
}

impl Child {
    fn repeat(&self, mut chance: Chance, operation: fn(&Self, &mut Chance)) {
        while !self.done.load(Ordering::SeqCst) {
            operation(self, &mut chance);
        }
    }

    /// Sends the beginning of a call, makes the call, and sends its answer.
    fn call<T>(&self, call: Call, operation: impl FnOnce() -> (Answer, T)) -> T {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        Message::Began(number, call).send();
        let (answer, result) = operation();
        Message::Ended(number, answer).send();
        result
    }

    /// Ingests a batch of new items, sometimes with an earlier item, unchanged or with other content.
    fn deliver(&self, chance: &mut Chance) {
        let mut batch: Vec<Item> = (0..chance.below(8) + 1)
            .map(|_| {
                let number = self.delivered.fetch_add(1, Ordering::SeqCst);
                Item::of(&self.name, number, if chance.one_in(2) { "adele" } else { "bob" })
            })
            .collect();
        let fresh = batch.clone();
        let answered: Vec<Item> = self.answered.lock().unwrap().iter().cloned().collect();
        for among in [&answered, &self.before, &fresh] {
            if let Some(again) = pick(chance, among).filter(|_| chance.one_in(2)) {
                batch.push(if chance.one_in(3) { again.with_other_content() } else { again.clone() });
            }
        }
        let activities: Vec<Activity> = batch.iter().map(Item::activity).collect();
        let delivered = self.call(Call::Ingest(batch), || {
            let floor = self.floor.load(Ordering::SeqCst);
            match self.fixture.filter.ingest(&activities) {
                Ok(report) => {
                    let outcomes = report.outcomes().iter().copied().map(ItemOutcome::of).collect();
                    let ceiling = self.fixture.filter.policy().unwrap().revision().number();
                    (Answer::Ingested { floor, ceiling, outcomes }, true)
                }
                Err(IngestError::Contended { .. }) => (Answer::Refused, false),
                Err(error) => panic!("{error}: {error:?}"),
            }
        });
        if delivered {
            let mut answered = self.answered.lock().unwrap();
            answered.extend(fresh);
            let surplus = answered.len().saturating_sub(50);
            answered.drain(..surplus);
        }
    }

    /// Makes the council private or public, grants the permission to Ann or revokes it.
    fn change(&self, chance: &mut Chance) {
        let policy = self.fixture.filter.policy().unwrap();
        let council = GroupRef::from(group("council"));
        let change = if policy.managed_domains().is_empty() {
            PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com")))
        } else if !policy.admins().contains_key(&user("ann")) {
            PolicyChange::SetAdmin(user("ann"), Role::Analyst)
        } else if chance.one_in(3) {
            if policy.grants().is_empty() {
                PolicyChange::Grant(alias("ann@contoso.com"))
            } else {
                PolicyChange::Revoke(user("ann").into())
            }
        } else if policy.private_groups().contains(&council) {
            PolicyChange::MakePublic(council)
        } else {
            PolicyChange::MakePrivate(council)
        };
        self.call(Call::Change, || match self.fixture.filter.update_policy(&user("root"), &change) {
            Ok(revision) => {
                self.floor.fetch_max(revision.number(), Ordering::SeqCst);
                (Answer::Changed(revision.number()), ())
            }
            // Another child changed the policy first.
            Err(UpdatePolicyError::Invalid(_) | UpdatePolicyError::Contended { .. }) => (Answer::Refused, ()),
            // The machine is busy.
            Err(
                UpdatePolicyError::Unrecorded(SinkError::TimedOut)
                | UpdatePolicyError::OutcomeUnrecorded { source: SinkError::TimedOut, .. },
            ) => (Answer::Refused, ()),
            Err(error) => panic!("{error}: {error:?}"),
        });
    }

    /// Opens a reveal of Ann's and reads a few pages; she is refused while she has no permission.
    fn reveal(&self, chance: &mut Chance) {
        let opened = self.call(Call::Reveal, || match self.fixture.filter.reveal(reveal_all("ann")) {
            Ok(reveal) => (Answer::Revealed, Some(reveal)),
            Err(RevealError::Denied(_) | RevealError::Unrecorded(SinkError::TimedOut)) => (Answer::Refused, None),
            Err(error) => panic!("{error}: {error:?}"),
        });
        let Some(mut reveal) = opened else { return };
        let mut cursor = None;
        for _ in 0..chance.below(5) {
            let size = PageSize::at_most(chance.below(20) as u16 + 1);
            let page = self.call(Call::Page, || match reveal.page(size, cursor.as_ref()) {
                Ok(page) => {
                    let shown = page.activities().iter();
                    let shown = shown.map(|stored| (stored.activity().id().as_str().to_owned(), stored.visibility()));
                    (Answer::Shown { reveal: reveal.id(), shown: shown.collect() }, Some(page))
                }
                Err(RevealError::Denied(_) | RevealError::Unrecorded(SinkError::TimedOut)) => (Answer::Refused, None),
                Err(error) => panic!("{error}: {error:?}"),
            });
            cursor = page.and_then(|page| page.next().cloned());
            if cursor.is_none() {
                break;
            }
        }
        if chance.one_in(2) {
            self.call(Call::Close, || {
                let id = reveal.id();
                match reveal.close() {
                    Ok(RevealTotals { pages, private }) => (Answer::Closed { reveal: id, pages, private }, ()),
                    Err(RevealError::OutcomeUnrecorded(SinkError::TimedOut)) => (Answer::Refused, ()),
                    Err(error) => panic!("{error}: {error:?}"),
                }
            });
        }
    }
}

fn pick<'a, T>(chance: &mut Chance, among: &'a [T]) -> Option<&'a T> {
    let end = among.len() as u64;
    if end == 0 { None } else { among.get(chance.below(end) as usize) }
}
