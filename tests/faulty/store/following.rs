//! Faults in following the storage order.

use activity_privacy::store::{ActivityStore, PublicOrder};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use activity_privacy::activity::ActivityId;
use activity_privacy::engine::{DecidedBatch, Visibility};
use activity_privacy::forward::Offset;
use activity_privacy::query::Query;
use activity_privacy::store::{AppendOutcome, PublicActivity, StoreError};

use super::{After, Fault, all_of};
use crate::list::ListStore;

/// Numbers the given activities and returns those after an offset.
fn numbered(all: impl IntoIterator<Item = (u64, PublicActivity)>, after: &Offset, limit: usize) -> After {
    let after = after.number()?;
    let later = all.into_iter().filter(|(number, _)| *number > after).take(limit);
    Ok(later.map(|(number, public)| (Offset::of_number(number), public)).collect())
}

/// Uses the row number of an activity, hidden rows included, as its offset.
#[derive(Default)]
pub(crate) struct OffsetsCountHidden(Mutex<(u64, Vec<u64>)>);

impl Fault for OffsetsCountHidden {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let answers = batch.decided().iter().map(|decided| {
            let answer = list.append(decided);
            rows.0 += u64::from(answer == AppendOutcome::Stored);
            let row = rows.0;
            rows.1.resize(list.public.len(), row);
            answer
        });
        Ok(answers.collect())
    }

    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        let rows = self.0.lock().unwrap().1.clone();
        let public = right.list().public.clone();
        numbered(rows.into_iter().zip(public).filter_map(|(row, public)| Some((row, public?))), offset, limit)
    }
}

/// Uses the rank of an activity by time as its offset.
#[derive(Default)]
pub(crate) struct OffsetsByTime;

impl Fault for OffsetsByTime {
    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        let mut all = all_of(right, &Query::all(), None)?;
        all.reverse();
        numbered((1..).zip(all), offset, limit)
    }
}

/// Returns one offset for a whole batch.
#[derive(Default)]
pub(crate) struct OneOffsetForAll;

impl Fault for OneOffsetForAll {
    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        let mut found = right.public_after(offset, limit)?;
        let last = found.last().map(|(last, _)| last.clone()).unwrap_or_default();
        found.iter_mut().for_each(|(offset, _)| *offset = last.clone());
        Ok(found)
    }
}

/// Reports a foreign offset as a failure of its own.
#[derive(Default)]
pub(crate) struct FailsAtForeignOffset;

impl Fault for FailsAtForeignOffset {
    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        right.public_after(offset, limit).map_err(|error| StoreError::Unreadable(error.into()))
    }
}

/// Parses a part of a foreign offset, and goes backwards.
#[derive(Default)]
pub(crate) struct ParsesForeignOffset;

impl Fault for ParsesForeignOffset {
    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        let mut found =
            right.public_after(&if offset.as_bytes().len() == 8 { offset.clone() } else { Offset::START }, limit)?;
        if ![0, 8].contains(&offset.as_bytes().len()) {
            found.reverse();
        }
        Ok(found)
    }
}

/// Assigns an offset before the activity is stored, so that a later offset can be stored first.
#[derive(Default)]
pub(crate) struct OffsetsBeforeCommit(Mutex<(u64, Vec<(u64, ActivityId)>)>);

impl Fault for OffsetsBeforeCommit {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let public = batch.decided().iter().filter(|decided| decided.decision().visibility() == Visibility::Public);
        let mut numbers = Vec::new();
        for decided in public {
            let mut given = self.0.lock().unwrap();
            given.0 += 1;
            numbers.push((given.0, decided.activity().id().clone()));
        }
        if numbers.len() == 3 && numbers[0].0 % 2 == 1 {
            thread::sleep(Duration::from_millis(1));
        }
        let answers = right.append(batch)?;
        let mut given = self.0.lock().unwrap();
        numbers.retain(|(_, id)| !given.1.iter().any(|(_, known)| known == id));
        given.1.extend(numbers);
        Ok(answers)
    }

    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        let mut numbers = self.0.lock().unwrap().1.clone();
        numbers.sort_unstable_by_key(|(number, _)| *number);
        let public = all_of(right, &Query::all(), None)?;
        let find = |id: &ActivityId| public.iter().find(|public| public.activity().id() == id).cloned();
        numbered(numbers.into_iter().filter_map(|(number, id)| Some((number, find(&id)?))), offset, limit)
    }
}
