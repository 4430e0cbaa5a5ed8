//! Faults in keeping removed groups.

use activity_privacy::directory::DirectoryRevision;
use activity_privacy::store::RemovedGroupsUpdate::{Drop, Keep};
use activity_privacy::store::{ActivityStore, RemovedGroups, RemovedGroupsUpdate, StoreError};

use super::Fault;
use crate::list::{List, ListStore};

/// Keeps the last update of a group.
#[derive(Default)]
pub(crate) struct KeepsLastUpdate;

impl Fault for KeepsLastUpdate {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        let Keep(group) = update else { return right.update_removed_groups(update) };
        let mut list = right.list();
        let before = list.removed_groups.insert(group.group().clone(), group.clone());
        list.removed_groups_version += u64::from(before.as_ref() != Some(group));
        Ok(())
    }
}

/// Uses the number of kept groups as the version.
#[derive(Default)]
pub(crate) struct CountsAsVersion;

impl Fault for CountsAsVersion {
    fn removed_groups(&self, right: &ListStore, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        let kept = right.removed_groups(None)?;
        let kept = kept.map(|kept| RemovedGroups { version: kept.groups.len() as u64, groups: kept.groups });
        Ok(kept.filter(|kept| known != Some(kept.version)))
    }
}

/// Increments the version at each call, changed or not.
#[derive(Default)]
pub(crate) struct NumbersEachUpdate;

impl Fault for NumbersEachUpdate {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        right.list().removed_groups_version += 1;
        right.update_removed_groups(update)
    }
}

/// Returns all groups even if the caller has the current version.
#[derive(Default)]
pub(crate) struct ReturnsKnownVersion;

impl Fault for ReturnsKnownVersion {
    fn removed_groups(&self, right: &ListStore, _: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        right.removed_groups(None)
    }
}

/// Accepts a version that is later than its own as current.
#[derive(Default)]
pub(crate) struct TrustsLaterVersion;

impl Fault for TrustsLaterVersion {
    fn removed_groups(&self, right: &ListStore, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        Ok(right.removed_groups(None)?.filter(|kept| known.is_none_or(|known| known < kept.version)))
    }
}

/// Drops a group that another node kept at a later time.
#[derive(Default)]
pub(crate) struct DropsLaterRemovedGroup;

impl Fault for DropsLaterRemovedGroup {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        right.update_removed_groups(match update {
            Drop { group, .. } => Drop { group, up_to: DirectoryRevision(u64::MAX) },
            keep => keep,
        })
    }
}

/// Keeps a group after a conversion.
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

/// Keeps the ids of the members without their names.
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

/// Keeps the members of a group without the mark that it is restored.
#[derive(Default)]
pub(crate) struct ForgetsRestoration;

impl Fault for ForgetsRestoration {
    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        keep_as(right, update, |document| drop(document.as_object_mut().unwrap().remove("restored_in")))
    }
}

/// Keeps removed groups in the process only.
#[derive(Default)]
pub(crate) struct ForgetsRemovedGroups;

impl Fault for ForgetsRemovedGroups {
    fn crash(&self, list: &mut List) {
        list.removed_groups.clear();
    }
}
