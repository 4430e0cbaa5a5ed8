//! The process that is killed: what it does, until then.

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
use super::word::{ApprovalDecision, AuditState, Call, Item, Word};
use crate::fixture::*;

/// The folder with the files.
pub(crate) const FOLDER: &str = "ACTIVITY_PRIVACY_CRASH_FOLDER";
/// The child's name, which no other child of these files has.
pub(crate) const NAME: &str = "ACTIVITY_PRIVACY_CRASH_NAME";
/// The seed of what it does.
pub(crate) const SEED: &str = "ACTIVITY_PRIVACY_CRASH_SEED";
/// Where, within the folder, stands what children of before have delivered.
pub(crate) const BEFORE: &str = "before.json";

const DELIVERERS: u64 = 2;

/// Delivers, changes and reveals until the process is killed, or its standard input ends.
pub(crate) fn live(folder: &Path) {
    // Whatever goes wrong ends the process, and the parent sees that it was not the kill.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("the child broke off: {panic}");
        process::exit(3);
    }));
    let (store, sink) = files::open(folder);
    Word::Opened.say();
    let fixture = Fixture::over(store, sink);
    Word::Initialized.say();
    fixture.install(everybody());
    let child = Child {
        name: env::var(NAME).unwrap(),
        before: serde_json::from_slice(&fs::read(folder.join(BEFORE)).unwrap()).unwrap(),
        floor: AtomicU64::new(fixture.filter.policy().unwrap().revision().number()),
        fixture,
        calls: AtomicU64::new(0),
        delivered: AtomicU64::new(0),
        known: Mutex::default(),
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
    // Without a word of the test harness.
    process::exit(0);
}

/// Adele is on the council, Bob is nobody in particular; root and Ann are admins or are made ones.
pub(crate) fn everybody() -> DirectoryBuilder {
    people(&[("adele", &["council"]), ("bob", &[]), ("ann", &[])])
}

struct Child {
    name: String,
    fixture: Fixture,
    calls: AtomicU64,
    delivered: AtomicU64,
    /// What children of before have delivered, whether they were answered or not.
    before: Vec<Item>,
    /// What this one was answered for lately.
    known: Mutex<VecDeque<Item>>,
    /// The revision that a change last came back with.
    floor: AtomicU64,
    done: AtomicBool,
}

impl Child {
    fn repeat(&self, mut chance: Chance, event: fn(&Self, &mut Chance)) {
        while !self.done.load(Ordering::SeqCst) {
            event(self, &mut chance);
        }
    }

    /// Says that a call begins, makes it, and says what it was answered.
    fn call<T>(&self, call: Call, event: impl FnOnce() -> (ApprovalDecision, T)) -> T {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        Word::Began(number, call).say();
        let (answer, result) = event();
        Word::Ended(number, answer).say();
        result
    }

    /// A batch of what is new, with something from before in it now and then, the same or with another content.
    fn deliver(&self, chance: &mut Chance) {
        let mut batch: Vec<Item> = (0..chance.below(8) + 1)
            .map(|_| {
                let number = self.delivered.fetch_add(1, Ordering::SeqCst);
                Item::of(&self.name, number, if chance.one_in(2) { "adele" } else { "bob" })
            })
            .collect();
        let fresh = batch.clone();
        let known: Vec<Item> = self.known.lock().unwrap().iter().cloned().collect();
        for among in [&known, &self.before, &fresh] {
            if let Some(again) = chance.pick(among).filter(|_| chance.one_in(2)) {
                batch.push(if chance.one_in(3) { again.with_other_content() } else { again.clone() });
            }
        }
        let activities: Vec<Activity> = batch.iter().map(Item::activity).collect();
        let delivered = self.call(Call::Ingest(batch), || {
            let floor = self.floor.load(Ordering::SeqCst);
            match self.fixture.filter.ingest(&activities) {
                Ok(report) => {
                    let outcomes = report.outcomes().iter().copied().map(AuditState::of).collect();
                    let ceiling = self.fixture.filter.policy().unwrap().revision().number();
                    (ApprovalDecision::Ingested { floor, ceiling, outcomes }, true)
                }
                Err(IngestError::Contended { .. }) => (ApprovalDecision::Refused, false),
                Err(error) => panic!("{error}: {error:?}"),
            }
        });
        if delivered {
            let mut known = self.known.lock().unwrap();
            known.extend(fresh);
            let surplus = known.len().saturating_sub(50);
            known.drain(..surplus);
        }
    }

    /// Makes what is private public and what is public private, gives Ann the permission and takes it away.
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
                (ApprovalDecision::Changed(revision.number()), ())
            }
            // Another child was first.
            Err(UpdatePolicyError::Invalid(_) | UpdatePolicyError::Contended { .. }) => (ApprovalDecision::Refused, ()),
            // The machine has other things to do.
            Err(
                UpdatePolicyError::Unrecorded(SinkError::TimedOut)
                | UpdatePolicyError::OutcomeUnrecorded { source: SinkError::TimedOut, .. },
            ) => (ApprovalDecision::Refused, ()),
            Err(error) => panic!("{error}: {error:?}"),
        });
    }

    /// A reveal of Ann's, a few pages long; she is refused while she has no permission.
    fn reveal(&self, chance: &mut Chance) {
        let opened = self.call(Call::Reveal, || match self.fixture.filter.reveal(reveal_all("ann")) {
            Ok(reveal) => (ApprovalDecision::Revealed, Some(reveal)),
            Err(RevealError::Denied(_) | RevealError::Unrecorded(SinkError::TimedOut)) => {
                (ApprovalDecision::Refused, None)
            }
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
                    (ApprovalDecision::Shown { reveal: reveal.id(), shown: shown.collect() }, Some(page))
                }
                Err(RevealError::Denied(_) | RevealError::Unrecorded(SinkError::TimedOut)) => {
                    (ApprovalDecision::Refused, None)
                }
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
                    Ok(RevealTotals { pages, private }) => {
                        (ApprovalDecision::Closed { reveal: id, pages, private }, ())
                    }
                    Err(RevealError::Unrecorded(SinkError::TimedOut)) => (ApprovalDecision::Refused, ()),
                    Err(error) => panic!("{error}: {error:?}"),
                }
            });
        }
    }
}
