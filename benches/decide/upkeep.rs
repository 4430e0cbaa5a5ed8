//! The cost of updating the directory and the policy, and the pauses that it causes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use activity_privacy::activity::Activity;
use activity_privacy::directory::{DirectoryDelta, DirectoryRevision, DirectorySnapshot};
use activity_privacy::engine::PolicyEngine;
use activity_privacy::filter::PrivacyFilter;
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{Administrators, GroupRef, PolicyChange, PrivacyPolicy};

use super::as_of;
use super::block::{Block, Form};
use super::chance::SplitMix64;
use super::import::{group, user_id};
use super::median::median;
use super::organisation::{GROUPS, LARGE, Organisation};
use super::policies::{self, administrator};

/// The duration of each step in milliseconds: medians of several.
pub(crate) struct Steps {
    pub(crate) new_engine: f64,
    pub(crate) delta: f64,
    pub(crate) updated_for_delta: f64,
    pub(crate) updated_for_policy: f64,
}

/// The longest duration of a batch in milliseconds, without the time that it waited for a core.
pub(crate) struct Pauses {
    pub(crate) quiet: f64,
    pub(crate) delta: f64,
    pub(crate) policy: f64,
}

const REPEATS: usize = 5;

/// A thousand users join a group or leave one. One group in ten is private.
fn delta(organisation: &Organisation, chance: &mut SplitMix64) -> DirectoryDelta {
    let private: Vec<u32> = organisation.private_groups().collect();
    (0..1_000).fold(DirectoryDelta::new(), |delta, at| {
        let user = chance.below(organisation.users.into()) as u32;
        match at % 10 {
            0 => delta.member(&group(private[at / 10 % private.len()]), &user_id(user)),
            1..5 => delta.member(&group(chance.below(GROUPS.into()) as u32), &user_id(user)),
            _ => delta.without_member(&group(organisation.group_of(user, 7)), &user_id(user)),
        }
    })
}

pub(crate) fn steps(
    organisation: &Organisation,
    policy: &Arc<PrivacyPolicy>,
    directory: &Arc<DirectorySnapshot>,
) -> Steps {
    let mut chance = SplitMix64::new(13);
    let [mut new_engine, mut with, mut updated_for_delta, mut updated_for_policy] = [const { Vec::new() }; 4];
    let other = policies::with_large(policy, directory);
    for repeat in 0..REPEATS {
        let engine = timed(&mut new_engine, || PolicyEngine::new(Arc::clone(policy), Ok(Arc::clone(directory))));
        let delta = delta(organisation, &mut chance);
        let revision = DirectoryRevision(directory.revision().0 + 1 + repeat as u64);
        let next = timed(&mut with, || directory.apply(&delta, revision, as_of()).unwrap());
        let next = Arc::new(next);
        let after = timed(&mut updated_for_delta, || engine.updated(Arc::clone(policy), Ok(Arc::clone(&next)), &[]));
        drop(after);
        drop(timed(&mut updated_for_policy, || engine.updated(Arc::clone(&other), Ok(Arc::clone(directory)), &[])));
    }
    Steps {
        new_engine: median(new_engine),
        delta: median(with),
        updated_for_delta: median(updated_for_delta),
        updated_for_policy: median(updated_for_policy),
    }
}

fn timed<T>(times: &mut Vec<f64>, step: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let made = step();
    times.push(milliseconds(start.elapsed()));
    made
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The time that a thread waited for a core because others had them all. It is not caused by the library, and left out
/// if the system reports it: in the second number of `schedstat` of Linux.
struct Queue(Option<File>);

impl Queue {
    fn of_this_thread() -> Self {
        Self(File::open("/proc/thread-self/schedstat").ok())
    }

    /// Returns the time since the start of the thread in nanoseconds.
    fn waited(&self) -> u64 {
        let Some(mut file) = self.0.as_ref() else { return 0 };
        let mut text = String::with_capacity(64);
        let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut text));
        read.ok().and_then(|_| text.split(' ').nth(1)?.parse().ok()).unwrap_or(0)
    }
}

/// Returns the worst batch of a thread that ingests the same activities again and again through a filter: while nothing
/// changes, while deltas are installed, and while the large group is made private and public again.
pub(crate) fn pauses(organisation: &Organisation, directory: &Arc<DirectorySnapshot>) -> Pauses {
    const BATCH: usize = 64;
    let holder = Arc::new(MemoryDirectory::new());
    let filter = PrivacyFilter::builder(MemoryStore::new(), Arc::clone(&holder), MemorySink::new())
        .clock(as_of)
        .initialize(Administrators::only_one(administrator()))
        .unwrap();
    holder.install(Arc::clone(directory)).unwrap();
    let change = |change: &PolicyChange| filter.update_policy(&administrator(), change).unwrap();
    for private in organisation.private_groups() {
        change(&PolicyChange::MakePrivate(group(private).into()));
    }
    let mut chance = SplitMix64::new(14);
    let users: Vec<u32> = (0..64 * BATCH).map(|_| chance.below(organisation.users.into()) as u32).collect();
    let activities: Vec<Activity> = Block::new(&users, Form::Upn, &mut chance, |_| false).activities;

    let (worst, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let queue = Queue::of_this_thread();
            for batch in activities.chunks(BATCH).cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
                let (start, waited) = (Instant::now(), queue.waited());
                filter.ingest(batch).unwrap();
                let waited = queue.waited() - waited;
                worst.fetch_max((start.elapsed().as_nanos() as u64).saturating_sub(waited), Ordering::Relaxed);
            }
        });
        let worst_since = || worst.swap(0, Ordering::Relaxed) as f64 / 1e6;
        // Until everything was stored once, and then nothing is stored any more.
        std::thread::sleep(Duration::from_millis(300));
        let (mut revision, mut current) = (directory.revision().0, Arc::clone(directory));
        let [mut quiet, mut after_delta, mut after_policy] = [const { Vec::new() }; 3];
        let large: GroupRef = group(LARGE).into();
        for _ in 0..REPEATS {
            worst_since();
            let start = Instant::now();
            for _ in 0..4 {
                revision += 1;
                let delta = delta(organisation, &mut chance);
                current = Arc::new(current.apply(&delta, DirectoryRevision(revision), as_of()).unwrap());
                filter.prewarm(&current).unwrap();
                holder.install(Arc::clone(&current)).unwrap();
                filter.reconcile_directory().unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
            let took = start.elapsed();
            after_delta.push(worst_since());
            std::thread::sleep(took);
            quiet.push(worst_since());
            let start = Instant::now();
            change(&PolicyChange::MakePrivate(large.clone()));
            change(&PolicyChange::MakePublic(large.clone()));
            std::thread::sleep(Duration::from_millis(5));
            let took = start.elapsed();
            after_policy.push(worst_since());
            std::thread::sleep(took);
            quiet.push(worst_since());
        }
        done.store(true, Ordering::Relaxed);
        let worst = |all: Vec<f64>| all.into_iter().fold(0.0, f64::max);
        Pauses { quiet: worst(quiet), delta: worst(after_delta), policy: worst(after_policy) }
    })
}
