//! What can go wrong in keeping removed groups.

use activity_privacy::directory::DirectoryRevision;
use activity_privacy::store::RemovedGroupsUpdate::{Drop, Keep};
use activity_privacy::store::{ActivityStore, RemovedGroups, RemovedGroupsUpdate, StoreError};

use super::Fault;
use crate::list::{List, ListStore};

/// Keeps what it heard last of a group.
#[derive(Default)]
pub(crate) struct KeepsTheLastWord;

impl Fault for KeepsTheLastWord {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        let Keep(group) = update else { return right.update_removed_groups(update) };
        let mut list = right.list();
        let before = list.removed_groups.insert(group.group().clone(), group.clone());
        list.removed_groups_version += u64::from(before.as_ref() != Some(group));
        Ok(())
    }
}

/// Says with the number of kept groups whether what is kept has changed.
#[derive(Default)]
pub(crate) struct CountsForAVersion;

impl Fault for CountsForAVersion {
    fn removed_groups(&self, right: &ListStore, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        let kept = right.removed_groups(None)?;
        let kept = kept.map(|kept| RemovedGroups { version: kept.groups.len() as u64, groups: kept.groups });
        Ok(kept.filter(|kept| known != Some(kept.version)))
    }
}

/// Numbers each call, whether it changes anything or not.
#[derive(Default)]
pub(crate) struct NumbersEachUpdate;

impl Fault for NumbersEachUpdate {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        right.list().removed_groups_version += 1;
        right.update_removed_groups(update)
    }
}

/// Reads all that is kept, whatever the caller knows.
#[derive(Default)]
pub(crate) struct ReadsWhatIsKnown;

impl Fault for ReadsWhatIsKnown {
    fn removed_groups(&self, right: &ListStore, _: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        right.removed_groups(None)
    }
}

/// Takes a caller who knows a later version for one who knows more.
#[derive(Default)]
pub(crate) struct TrustsALaterVersion;

impl Fault for TrustsALaterVersion {
    fn removed_groups(&self, right: &ListStore, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        Ok(right.removed_groups(None)?.filter(|kept| known.is_none_or(|known| known < kept.version)))
    }
}

/// Drops what another node kept of a later time.
#[derive(Default)]
pub(crate) struct DropsWhatVanishedLater;

impl Fault for DropsWhatVanishedLater {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        right.update_removed_groups(match update {
            Drop { group, .. } => Drop { group, up_to: DirectoryRevision(u64::MAX) },
            keep => keep,
        })
    }
}

/// Keeps a group as this makes it.
fn keep_as(
    right: &ListStore,
    update: RemovedGroupsUpdate<'_>,
    change: impl FnOnce(&mut serde_json::Value),
) -> Result<(), StoreError> {
    let Keep(group) = update else { return right.update_removed_groups(update) };
    let mut document = serde_json::to_value(group).unwrap();
    change(&mut document);
    right.update_removed_groups(Keep(&serde_json::from_value(document).unwrap()))
}

/// Keeps the ids of those who were in a group, and not their names.
#[derive(Default)]
pub(crate) struct ForgetsNames;

impl Fault for ForgetsNames {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        keep_as(right, update, |document| {
            for member in document["members"].as_array_mut().unwrap() {
                member["aliases"] = serde_json::json!([]);
            }
        })
    }
}

/// Keeps of a group who was in it, and not that it is there again.
#[derive(Default)]
pub(crate) struct ForgetsThatItIsBack;

impl Fault for ForgetsThatItIsBack {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        keep_as(right, update, |document| drop(document.as_object_mut().unwrap().remove("restored_in")))
    }
}

/// What vanished is kept in the process.
#[derive(Default)]
pub(crate) struct ForgetsWhoVanished;

impl Fault for ForgetsWhoVanished {
    fn crash(&self, list: &mut List) {
        list.removed_groups.clear();
    }
}
