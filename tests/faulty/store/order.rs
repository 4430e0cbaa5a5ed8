//! Faults in ends, counts and times of the storage order.

use activity_privacy::forward::Offset;
use activity_privacy::store::{PublicOrder, StoreError};
use chrono::{DateTime, Utc};

use super::{After, Fault, all};
use crate::list::ListStore;

/// Counts the remaining activities only.
#[derive(Default)]
pub(crate) struct CountsRemaining;

impl Fault for CountsRemaining {
    fn stored_between(&self, right: &ListStore, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        right.stored_between(after, until)?;
        let (after, until) = (after.number()?, until.number()?);
        let list = right.list();
        let slots = (1..).zip(&list.public).filter(|(number, _)| *number > after && *number <= until);
        Ok(slots.filter(|(_, slot)| slot.is_some()).count() as u64)
    }
}

/// Counts private activities too.
#[derive(Default)]
pub(crate) struct CountsPrivateBetween;

impl Fault for CountsPrivateBetween {
    fn stored_between(&self, right: &ListStore, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        let public = right.stored_between(after, until)?;
        let hidden = all(right).filter(super::is_private).count() as u64;
        Ok(if public == 0 { 0 } else { public + hidden })
    }
}

/// Ends at the newest remaining activity.
#[derive(Default)]
pub(crate) struct EndsAtRemaining;

impl Fault for EndsAtRemaining {
    fn end(&self, right: &ListStore) -> Result<Offset, StoreError> {
        let found = right.public_after(&Offset::START, usize::MAX)?;
        Ok(found.last().map_or(Offset::START, |(offset, _)| offset.clone()))
    }
}

/// Compares the time at which an activity occurred.
#[derive(Default)]
pub(crate) struct StartsByOccurrence;

impl Fault for StartsByOccurrence {
    fn offset_before(&self, right: &ListStore, time: DateTime<Utc>) -> Result<Offset, StoreError> {
        let found: After = right.public_after(&Offset::START, usize::MAX);
        let since = found?.into_iter().find(|(_, public)| public.activity().occurred_at() >= time);
        match since {
            Some((offset, _)) => Ok(Offset::of_number(offset.number()?.saturating_sub(1))),
            None => right.end(),
        }
    }
}

/// Accepts an offset after the end.
#[derive(Default)]
pub(crate) struct AcceptsAnyOffset;

impl Fault for AcceptsAnyOffset {
    fn stored_between(&self, _: &ListStore, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        Ok(until.number()?.saturating_sub(after.number()?))
    }
}

/// Forgets in a crash that the removed activities at the end were stored.
#[derive(Default)]
pub(crate) struct ForgetsEnd;

impl Fault for ForgetsEnd {
    fn crash(&self, list: &mut crate::list::List) {
        while list.public.pop_if(|slot| slot.is_none()).is_some() {}
    }
}
