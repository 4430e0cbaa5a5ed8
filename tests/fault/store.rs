//! A store with faults on command.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use activity_privacy::engine::DecidedBatch;
use activity_privacy::forward::Offset;
use activity_privacy::governance::{AppliedRecords, NewPolicy, Recorded, Removal};
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::query::{CountBy, Counts, Position, Query};
use activity_privacy::reveal::{PagePermit, SealedPage};
use activity_privacy::store::{
    ActivityStore, AppendOutcome, PublicActivity, PublicOrder, PublicPage, RemovedGroups, RemovedGroupsUpdate,
    StoreError, StoredActivity,
};
use chrono::{DateTime, Utc};

use super::{Log, panic_on_command};

/// A fault of a store. A call to which a fault does not apply is answered correctly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum StoreFault {
    /// Returns an error.
    Fails,
    /// Executes the call and returns an error.
    FailsLate,
    /// Panics.
    Panics,
    /// Executes the call and panics.
    PanicsLate,
    /// Is slow.
    Dawdles,
    /// Executes the call twice and returns the second result.
    ExecutesTwice,
    /// Reports a stale policy although the policy did not change.
    SaysStale,
    /// Reports success without executing the call.
    Loses,
    /// Omits the last result or row.
    OmitsLast,
    /// Repeats the last result or row, beyond any limit.
    RepeatsLast,
    /// Returns rows in reverse order.
    WrongOrder,
    /// Returns all rows, ignoring the query, the position and the limit.
    ReturnsAll,
    /// Returns an older policy.
    OlderPolicy,
    /// Returns no policy.
    NoPolicy,
    /// Returns a page that it read for another reveal.
    PageOfAnother,
}

pub(crate) const STORE_FAULTS: [StoreFault; 15] = [
    StoreFault::Fails,
    StoreFault::FailsLate,
    StoreFault::Panics,
    StoreFault::PanicsLate,
    StoreFault::Dawdles,
    StoreFault::ExecutesTwice,
    StoreFault::SaysStale,
    StoreFault::Loses,
    StoreFault::OmitsLast,
    StoreFault::RepeatsLast,
    StoreFault::WrongOrder,
    StoreFault::ReturnsAll,
    StoreFault::OlderPolicy,
    StoreFault::NoPolicy,
    StoreFault::PageOfAnother,
];

/// A store in front of a correct one, with a fault at certain calls, counted from 0. Logs the calls for revealed pages
/// and for publications.
pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<dyn ActivityStore>,
    log: Log,
    calls: AtomicUsize,
    faults: Mutex<HashMap<usize, StoreFault>>,
    /// The errors that the next publications return.
    publications: Mutex<Vec<StoreError>>,
    older: Mutex<Option<Arc<PrivacyPolicy>>>,
    everything: Mutex<Vec<StoredActivity>>,
    keeps_next_page: AtomicBool,
    page_of_another: Mutex<Option<SealedPage>>,
    works: Mutex<Option<Box<dyn Fn() + Send>>>,
    gate: Mutex<Gate>,
    moved: Condvar,
}

/// The call that hangs.
#[derive(Default)]
struct Gate {
    at: Option<usize>,
    hangs: bool,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn ActivityStore>, log: &Log) -> Arc<Self> {
        Arc::new(Self {
            inner,
            log: Arc::clone(log),
            calls: AtomicUsize::new(0),
            faults: Mutex::default(),
            publications: Mutex::default(),
            older: Mutex::default(),
            everything: Mutex::default(),
            keeps_next_page: AtomicBool::new(false),
            page_of_another: Mutex::default(),
            works: Mutex::default(),
            gate: Mutex::default(),
            moved: Condvar::new(),
        })
    }

    pub(crate) fn fail_to_publish(&self, error: StoreError) {
        self.publications.lock().unwrap().insert(0, error);
    }

    /// Sets a fault for the `n`th call from now, 0 being the next.
    pub(crate) fn fault_in(&self, n: usize, fault: StoreFault) {
        self.faults.lock().unwrap().insert(self.calls() + n, fault);
    }

    /// Runs a closure at every call that can read hidden rows: pages of a reveal, and removals.
    pub(crate) fn while_it_works(&self, works: impl Fn() + Send + 'static) {
        *self.works.lock().unwrap() = Some(Box::new(works));
    }

    fn work(&self) {
        self.works.lock().unwrap().iter().for_each(|works| works());
    }

    /// Hangs at the `n`th call from now, 0 being the next, until it is released.
    pub(crate) fn hang_in(&self, n: usize) {
        self.gate.lock().unwrap().at = Some(self.calls() + n);
    }

    /// Waits until a call hangs. Returns `false` if none does, because the call was never made.
    pub(crate) fn hangs_within(&self, patience: Duration) -> bool {
        self.moved.wait_timeout_while(self.gate.lock().unwrap(), patience, |gate| !gate.hangs).unwrap().0.hangs
    }

    pub(crate) fn release(&self) {
        self.gate.lock().unwrap().at = None;
        self.moved.notify_all();
    }

    /// Removes all faults.
    pub(crate) fn recover(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// Returns the number of calls so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Sets the policy that [`StoreFault::OlderPolicy`] returns.
    pub(crate) fn remember_policy(&self, policy: Arc<PrivacyPolicy>) {
        *self.older.lock().unwrap() = Some(policy);
    }

    /// Sets the rows that [`StoreFault::ReturnsAll`] returns.
    pub(crate) fn remember_rows(&self, rows: Vec<StoredActivity>) {
        *self.everything.lock().unwrap() = rows;
    }

    /// Keeps the next page of a reveal for [`StoreFault::PageOfAnother`] and returns an error for it.
    pub(crate) fn keep_next_page(&self) {
        self.keeps_next_page.store(true, Ordering::SeqCst);
    }

    fn begin(&self) -> Option<StoreFault> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let mut gate = self.gate.lock().unwrap();
        if gate.at == Some(call) {
            gate.hangs = true;
            self.moved.notify_all();
            gate = self.moved.wait_while(gate, |gate| gate.at == Some(call)).unwrap();
        }
        drop(gate);
        let fault = self.faults.lock().unwrap().get(&call).copied();
        if fault == Some(StoreFault::Dawdles) {
            thread::sleep(Duration::from_millis(2));
        }
        fault
    }

    /// Executes a call under the faults that apply to all calls; `call` is the correct execution.
    fn at_fault<T>(
        fault: Option<StoreFault>,
        mut call: impl FnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match fault {
            Some(StoreFault::Fails) => Err(failed()),
            Some(StoreFault::FailsLate) => call().and(Err(failed())),
            Some(StoreFault::Panics) => panic_on_command(),
            Some(StoreFault::PanicsLate) => {
                let _done = call();
                panic_on_command()
            }
            Some(StoreFault::ExecutesTwice) => call().and_then(|_| call()),
            Some(StoreFault::SaysStale) => Err(StoreError::Stale { in_force: None }),
            _ => call(),
        }
    }

    fn rows<T: Clone>(
        &self,
        unasked: impl Fn(&StoredActivity) -> Option<T>,
        call: impl FnMut() -> Result<Vec<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let fault = self.begin();
        let mut rows = Self::at_fault(fault, call)?;
        match fault {
            Some(StoreFault::ReturnsAll) => Ok(self.everything.lock().unwrap().iter().filter_map(unasked).collect()),
            Some(StoreFault::Loses) => Ok(Vec::new()),
            fault => {
                spoil(fault, &mut rows);
                Ok(rows)
            }
        }
    }
}

fn failed() -> StoreError {
    StoreError::Backend("on command".into())
}

fn spoil<T: Clone>(fault: Option<StoreFault>, rows: &mut Vec<T>) {
    match fault {
        Some(StoreFault::OmitsLast) => drop(rows.pop()),
        Some(StoreFault::RepeatsLast) => rows.extend(rows.last().cloned()),
        Some(StoreFault::WrongOrder) => rows.reverse(),
        _ => {}
    }
}

impl PublicOrder for FaultyStore {
    fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError> {
        let number = AtomicUsize::new(0);
        let row = |stored: &StoredActivity| {
            let public = stored.clone().into_public()?;
            let number = number.fetch_add(1, Ordering::SeqCst) as u64 + 1;
            Some((Offset::new(number.to_be_bytes()).unwrap(), public))
        };
        self.rows(row, || self.inner.public_after(offset, limit))
    }

    fn end(&self) -> Result<Offset, StoreError> {
        Self::at_fault(self.begin(), || self.inner.end())
    }

    fn offset_before(&self, time: DateTime<Utc>) -> Result<Offset, StoreError> {
        Self::at_fault(self.begin(), || self.inner.offset_before(time))
    }

    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        Self::at_fault(self.begin(), || self.inner.stored_between(after, until))
    }
}

impl ActivityStore for FaultyStore {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        let fault = self.begin();
        match fault {
            Some(StoreFault::OlderPolicy) => Ok(self.older.lock().unwrap().clone()),
            Some(StoreFault::NoPolicy) => Ok(None),
            fault => Self::at_fault(fault, || self.inner.policy()),
        }
    }

    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        let fault = self.begin();
        self.log.lock().unwrap().push("publish");
        let publication = self.publications.lock().unwrap().pop();
        match (publication, fault) {
            (Some(error), _) => Err(error),
            (None, Some(StoreFault::Loses)) => Ok(()),
            (None, fault) => Self::at_fault(fault, || self.inner.publish(change)),
        }
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        Self::at_fault(self.begin(), || self.inner.applied())
    }

    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        let fault = self.begin();
        self.log.lock().unwrap().push("removed_groups");
        let kept = match fault {
            Some(StoreFault::Loses) => return Ok(Some(RemovedGroups::default())),
            fault => Self::at_fault(fault, || self.inner.removed_groups(known))?,
        };
        Ok(kept.map(|RemovedGroups { version, mut groups }| {
            spoil(fault, &mut groups);
            RemovedGroups { version, groups }
        }))
    }

    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        match self.begin() {
            Some(StoreFault::Loses) => Ok(()),
            fault => Self::at_fault(fault, || self.inner.update_removed_groups(update)),
        }
    }

    fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let fault = self.begin();
        if fault == Some(StoreFault::Loses) {
            return Ok(vec![AppendOutcome::Stored; batch.decided().len()]);
        }
        let mut answers = Self::at_fault(fault, || self.inner.append(batch))?;
        // Outcomes carry no id, so another order is not detectable.
        if fault != Some(StoreFault::WrongOrder) {
            spoil(fault, &mut answers);
        }
        Ok(answers)
    }

    fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        self.work();
        match self.begin() {
            Some(StoreFault::Loses) => Ok(0),
            fault => Self::at_fault(fault, || self.inner.remove(removal, limit)),
        }
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Result<PublicPage, StoreError> {
        let mut stopped_at = None;
        let read = || {
            let page = self.inner.public_page(query, after, limit)?;
            stopped_at = page.stopped_at;
            Ok(page.activities)
        };
        let activities = self.rows(|stored| stored.clone().into_public(), read)?;
        Ok(PublicPage { activities, stopped_at })
    }

    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        let read = || {
            counts = self.inner.public_counts(query, by)?;
            Ok(std::mem::take(&mut counts.by_key))
        };
        let by_key = self.rows(|_| None, read)?;
        Ok(Counts { by_key, ..counts })
    }

    fn revealed_page(
        &self,
        permit: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let fault = self.begin();
        self.log.lock().unwrap().push("revealed_page");
        self.work();
        if self.keeps_next_page.swap(false, Ordering::SeqCst) {
            *self.page_of_another.lock().unwrap() = Some(self.inner.revealed_page(permit, after, limit)?);
            return Err(failed());
        }
        let limit = match fault {
            Some(StoreFault::Fails) => return Err(failed()),
            Some(StoreFault::Panics) => panic_on_command(),
            Some(StoreFault::SaysStale) => return Err(StoreError::Stale { in_force: None }),
            Some(StoreFault::PageOfAnother) => match self.page_of_another.lock().unwrap().take() {
                Some(page) => return Ok(page),
                None => limit,
            },
            Some(StoreFault::Loses) => return Ok(SealedPage::seal(permit, Vec::new(), None)),
            Some(StoreFault::ReturnsAll) => {
                let rows = self.everything.lock().unwrap().clone();
                return Ok(SealedPage::seal(permit, rows, None));
            }
            Some(StoreFault::WrongOrder) => {
                let rows = self.everything.lock().unwrap();
                let asked = rows.iter().filter(|row| permit.query().matches(row.activity(), row.decision()));
                let mut rows: Vec<_> = asked.cloned().collect();
                rows.sort_by_key(|row| Position::of(row.activity()));
                rows.truncate(limit);
                return Ok(SealedPage::seal(permit, rows, None));
            }
            Some(StoreFault::OmitsLast) => limit - 1,
            Some(StoreFault::RepeatsLast) => limit + 1,
            _ => limit,
        };
        let sealed = self.inner.revealed_page(permit, after, limit);
        match fault {
            Some(StoreFault::FailsLate) => sealed.and(Err(failed())),
            Some(StoreFault::PanicsLate) => panic_on_command(),
            _ => sealed,
        }
    }
}
