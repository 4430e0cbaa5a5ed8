//! What can go wrong in following the order of storing.

use activity_privacy::store::ActivityStore;
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

/// Numbers each of these, and gives those after an offset.
fn numbered(all: impl IntoIterator<Item = (u64, PublicActivity)>, after: &Offset, limit: usize) -> After {
    let after = after.number()?;
    let later = all.into_iter().filter(|(number, _)| *number > after).take(limit);
    Ok(later.map(|(number, public)| (Offset::of_number(number), public)).collect())
}

/// The offset of an activity is its row number.
#[derive(Default)]
pub(crate) struct OffsetsCountWhatIsHidden(Mutex<(u64, Vec<u64>)>);

impl Fault for OffsetsCountWhatIsHidden {
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

/// The offset of an activity is its rank by time.
#[derive(Default)]
pub(crate) struct OffsetsByTime;

impl Fault for OffsetsByTime {
    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        let mut all = all_of(right, &Query::all(), None)?;
        all.reverse();
        numbered((1..).zip(all), offset, limit)
    }
}

/// All that is returned at once has the offset of the last of it.
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

/// Takes an offset that it did not make for a failure of its own.
#[derive(Default)]
pub(crate) struct FailsAtAForeignOffset;

impl Fault for FailsAtAForeignOffset {
    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        right.public_after(offset, limit).map_err(|error| StoreError::Unreadable(error.into()))
    }
}

/// Reads of an offset as much as it understands, and goes back and forth.
#[derive(Default)]
pub(crate) struct ReadsAForeignOffset;

impl Fault for ReadsAForeignOffset {
    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        let mut found =
            right.public_after(&if offset.as_bytes().len() == 8 { offset.clone() } else { Offset::START }, limit)?;
        if ![0, 8].contains(&offset.as_bytes().len()) {
            found.reverse();
        }
        Ok(found)
    }
}

/// Gives an offset to what is public, and stores it a moment later, when a later offset may be there already.
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
