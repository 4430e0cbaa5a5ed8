//! The names in the records of one user.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::EntryRejectReason;
use super::spelling::{self, Holds};
use crate::directory::{User, UserStatus};
use crate::identity::{Alias, UserId};
use crate::steps::advance;

/// The most names that one user may have.
pub(super) const MAX_NAMES: usize = 1000;

/// The names and the status from all records of one user, independent of their order.
///
/// The rank of a property is its position in the list of the source. Rank 0 is the sign-in name: it comes before the
/// previously known names and determines the home domain.
#[derive(Default)]
pub(super) struct UserNames {
    /// Each name once, by its key: as it is written in the property of the lowest rank, with that rank.
    names: BTreeMap<String, (usize, Alias)>,
    /// The ranks of the properties that are absent. A null property is not absent.
    absent: Vec<usize>,
    pub(super) enabled: Option<bool>,
}

/// The reason why the records do not describe a valid user.
pub(super) enum NamesError {
    /// The records contain no name, or they lack the sign-in name and no earlier names are known.
    MissingName,
    /// The user would have too many names.
    TooManyNames,
}

impl UserNames {
    /// Adds the names in a property, as [`spelling`] parses them. A blank property adds none.
    pub(super) fn add<'a>(
        &mut self,
        rank: usize,
        property: &'static str,
        holds: Holds,
        given: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), EntryRejectReason> {
        for text in given {
            for alias in spelling::names(text, property, holds)? {
                self.insert(alias.key(), rank, alias);
            }
            if self.names.len() > MAX_NAMES {
                return Err(EntryRejectReason::TooManyNames { max: MAX_NAMES });
            }
        }
        Ok(())
    }

    /// Keeps the spelling of the lowest rank, and of two spellings of one rank the first in byte order.
    fn insert(&mut self, key: String, rank: usize, alias: Alias) {
        advance(1);
        match self.names.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert((rank, alias));
            }
            Entry::Occupied(mut occupied) => {
                let (known_rank, known) = occupied.get();
                if (rank, alias.as_str()) < (*known_rank, known.as_str()) {
                    occupied.insert((rank, alias));
                }
            }
        }
    }

    /// Returns whether the records contain no name.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Records that the property of this rank is absent from the record.
    pub(super) fn mark_absent(&mut self, rank: usize) {
        self.absent.push(rank);
    }

    /// Adds another record of the same user.
    pub(super) fn merge(&mut self, other: Self) {
        advance(1);
        other.names.into_iter().for_each(|(key, (rank, alias))| self.insert(key, rank, alias));
        // A property is absent only if it is absent from both records.
        self.absent.retain(|rank| other.absent.contains(rank));
        // The status does not affect decisions. If the records differ, the user counts as disabled.
        self.enabled = match (self.enabled, other.enabled) {
            (Some(mine), Some(other)) => Some(mine && other),
            (mine, other) => mine.or(other),
        };
    }

    /// Returns the user that these records and the previous record describe.
    ///
    /// The previous names are kept, unless these records state all names: if `complete_records`, or if no property is
    /// absent but that of rank `not_requested`. `complete_records` means that a record of this source contains every
    /// property of the user that has a value.
    pub(super) fn user(
        &self,
        id: UserId,
        before: Option<&User>,
        complete_records: bool,
        not_requested: Option<usize>,
    ) -> Result<User, NamesError> {
        let states_all_names = complete_records || self.absent.iter().all(|rank| Some(*rank) == not_requested);
        let kept = before.filter(|_| !states_all_names).map(User::aliases).unwrap_or_default();
        // Every user has a sign-in name. If it is absent, the request did not ask for it, and the names found may not
        // be all.
        let lacks_sign_in_name = self.absent.contains(&0);
        if kept.is_empty() && (self.names.is_empty() || lacks_sign_in_name) {
            return Err(NamesError::MissingName);
        }
        advance(1 + self.names.len() + kept.len());
        let mut names: Vec<&(usize, Alias)> = self.names.values().collect();
        names.sort_unstable_by_key(|(rank, alias)| (*rank, alias.as_str()));
        let (sign_in_names, other_names) = names.split_at(names.partition_point(|(rank, _)| *rank == 0));
        let aliases =
            |names: &[&(usize, Alias)]| -> Vec<Alias> { names.iter().map(|(_, alias)| alias.clone()).collect() };
        let all = aliases(sign_in_names).into_iter().chain(kept.iter().cloned()).chain(aliases(other_names));
        let user = User::new(id).with_aliases(all);
        if user.aliases().len() > MAX_NAMES {
            return Err(NamesError::TooManyNames);
        }
        let disabled = match self.enabled {
            Some(enabled) => !enabled,
            None => before.is_some_and(|user| user.status() == UserStatus::Disabled),
        };
        let user = match before.and_then(User::home_on_record) {
            Some(home) => user.with_home_domain(home.clone()),
            // Without a sign-in name the home domain is unknown, and no other name may stand in for it. Such a user
            // counts as at home elsewhere, unless names with a known home domain are kept.
            None if sign_in_names.is_empty() && (kept.is_empty() || before.is_some_and(User::is_at_home_elsewhere)) => {
                user.at_home_elsewhere()
            }
            None => user,
        };
        Ok(user.with_status(if disabled { UserStatus::Disabled } else { UserStatus::Active }))
    }
}
