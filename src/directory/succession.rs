//! What a snapshot remembers of the ones before: groups that vanished, and the names of users whose record is gone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::lineage::Lineage;
use super::names::{self, Entry};
use super::people::NewRecord;
use super::snapshot::DirectorySnapshot;
use super::user::User;
use super::vanished::VanishedGroup;
use crate::identity::{Alias, GroupId, Identity, UserId};

impl DirectorySnapshot {
    /// The same snapshot as the one that follows `before`. Groups that stood there and are gone keep their last
    /// members, from one import to the next, until they come back; and a member of whom the import has no record,
    /// because the user was deleted, stays known by the aliases of before, unless somebody else holds them now. Every
    /// adapter puts its snapshots in force in this way, so that what is remembered depends on the imports alone.
    ///
    /// Both are remembered by the process that saw the imports; for the next start, groups that vanished are kept by
    /// [`PrivacyFilter::follow_directory`](crate::PrivacyFilter::follow_directory), while deleted members of a group
    /// that is still there are then known by id alone. An adapter does best to import deleted users with their records.
    ///
    /// Reads everybody once, and all memberships for each group that vanished. What was made of `before` by deltas
    /// [has done it all already](Self::with).
    #[must_use]
    pub fn succeeding(mut self, before: &Self) -> Self {
        if self.succeeds(before) {
            return self;
        }
        let known_to = |snapshot: &Self, id: &UserId| {
            snapshot.find(id).and_then(|user| snapshot.entry(user)).map(|entry| entry.to_user())
        };
        let mut vanished = self.vanished_after(before, |id| known_to(&self, id));
        // What this remembers already, because deltas led to it, is from later; but whom it knew by id alone had names
        // before.
        vanished.extend(self.vanished.iter().map(|(group, later)| {
            let named = later.learning(|user| known_to(before, user.id()).filter(|_| user.aliases().is_empty()));
            (group.clone(), named.map_or_else(|| Arc::clone(later), Arc::new))
        }));
        self.vanished = vanished;

        let (mut records, mut homes) = (BTreeMap::new(), self.people.known_homes());
        let is_free =
            |alias: &Alias| !self.people.called(&Identity::Alias(alias.clone())).any(|(_, entry)| entry.is_recorded());
        // Whoever is remembered here already, because deltas led to it, stays known as they are.
        let by_id_alone = |entry: &Entry<'_>| !entry.is_recorded() && !entry.is_known_by_more_than_an_id();
        for (user, entry) in self.people.entries().filter(|(_, entry)| by_id_alone(entry)) {
            let known = before.find(&UserId::from_checked(entry.id())).and_then(|user| before.entry(user));
            // An alias that somebody else holds by now is theirs, and never comes back.
            if let Some(known) = known.filter(|known| known.is_known_by_more_than_an_id()) {
                let user_now = known.to_user().remembered(is_free);
                let mut bytes = Vec::new();
                // What is only remembered may have any length.
                if names::write(&user_now, false, &mut bytes).is_ok() {
                    records.insert(user.number(), NewRecord { bytes, home: homes.number_of(&user_now) });
                }
            }
        }
        self.lineage = Lineage::after(&before.lineage);
        if !records.is_empty() {
            self.people = self.people.replacing(&records, homes);
        }
        self
    }

    /// The groups that are gone from here: what `before` remembered and what stood there. `since` gives users as they
    /// are known now, at least those of whom it has news.
    pub(super) fn vanished_after(
        &self,
        before: &Self,
        since: impl Fn(&UserId) -> Option<User>,
    ) -> HashMap<GroupId, Arc<VanishedGroup>> {
        let gone = |group: &GroupId| self.group_index(group).is_none();
        let long_gone = before.vanished.values().filter(|vanished| gone(vanished.group())).cloned();
        // After most deltas the groups are the very same.
        let groups = (!Arc::ptr_eq(&self.groups, &before.groups)).then(|| before.groups());
        let now_gone = groups.into_iter().flatten().map(|(group, _)| group).filter(|group| gone(group)).map(|group| {
            let members = before.users_below(group).collect();
            Arc::new(VanishedGroup::new(group.clone(), before.revision, self.revision, members))
        });
        // Whoever is renamed now or later is to be known by the new name too, once their record is gone.
        let learned =
            |vanished: Arc<VanishedGroup>| vanished.learning(|user| since(user.id())).map_or(vanished, Arc::new);
        let vanished = long_gone.chain(now_gone).map(learned);
        vanished.map(|vanished| (vanished.group().clone(), vanished)).collect()
    }
}
