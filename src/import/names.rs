//! The names in the records of one user.

use std::collections::BTreeMap;

use super::RejectReason;
use super::spelling::{self, Holds};
use crate::directory::{User, UserStatus};
use crate::identity::{Alias, UserId};
use crate::steps::advance;

/// The most names that one user may have.
pub(super) const MAX_NAMES: usize = 1000;

/// The names and the status from all records of one user, independent of their order.
#[derive(Default)]
pub(super) struct UserNames {
    /// By the rank of the property that contains them. Names of rank 0 precede the previously known names and determine
    /// the home domain.
    aliases: BTreeMap<(usize, String), Alias>,
    /// The ranks of the properties that are absent. A null property is not absent.
    absent: Option<Vec<usize>>,
    pub(super) enabled: Option<bool>,
}

/// The reason why the records of a user do not make a user.
pub(super) enum NamesError {
    /// The records contain no name.
    NoName,
    /// The records contain too many names.
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
    ) -> Result<(), RejectReason> {
        for text in given {
            for alias in spelling::names(text, property, holds)? {
                advance(1);
                self.aliases.insert((rank, alias.as_str().to_owned()), alias);
            }
            if self.aliases.len() > MAX_NAMES {
                return Err(RejectReason::TooManyNames { max: MAX_NAMES });
            }
        }
        Ok(())
    }

    /// Returns whether the records contain no name.
    pub(super) fn is_empty(&self) -> bool {
        self.aliases.is_empty()
    }

    /// Records that the property of this rank is absent from the record.
    pub(super) fn mark_absent(&mut self, rank: usize) {
        self.absent.get_or_insert_default().push(rank);
    }

    /// Adds another record of the same user.
    pub(super) fn merge(&mut self, other: Self) {
        advance(1 + other.aliases.len());
        self.aliases.extend(other.aliases);
        // A property is absent only if it is absent from both records.
        let others = other.absent.unwrap_or_default();
        if let Some(mine) = &mut self.absent {
            mine.retain(|rank| others.contains(rank));
        }
        // The status does not affect decisions. If the records differ, the user counts as disabled.
        self.enabled = match (self.enabled, other.enabled) {
            (Some(mine), Some(other)) => Some(mine && other),
            (mine, other) => mine.or(other),
        };
    }

    /// Returns the user that these records and the previous record describe.
    ///
    /// The previous names are dropped only if no property is absent: because the records are complete, or because they
    /// contain every property except the one of rank `not_requested`.
    pub(super) fn user(
        &self,
        id: UserId,
        before: Option<&User>,
        whole: bool,
        not_requested: Option<usize>,
    ) -> Result<User, NamesError> {
        advance(1 + self.aliases.len());
        let is_absent = |rank: &usize| Some(*rank) != not_requested;
        let all_said = whole || !self.absent.iter().flatten().any(is_absent);
        let kept = before.filter(|_| !all_said).map(User::aliases).unwrap_or_default();
        let of_rank = |first: bool| {
            self.aliases.iter().filter(move |((rank, _), _)| (*rank == 0) == first).map(|(_, alias)| alias)
        };
        // If the sign-in name is absent, it was not requested, and the other names may not have been either.
        let first_is_absent = self.absent.iter().flatten().any(|rank| *rank == 0);
        if kept.is_empty() && (self.aliases.is_empty() || first_is_absent) {
            return Err(NamesError::NoName);
        }
        if kept.len() + self.aliases.len() > MAX_NAMES {
            return Err(NamesError::TooManyNames);
        }
        advance(kept.len());
        let user = User::new(id).with_aliases(of_rank(true).chain(kept).chain(of_rank(false)).cloned());
        let disabled = match self.enabled {
            Some(enabled) => !enabled,
            None => before.is_some_and(|user| user.status() == UserStatus::Disabled),
        };
        let user = match before.and_then(User::home_on_record) {
            Some(home) => user.with_home_domain(home.clone()),
            // A user without a sign-in name has no known home domain, because no other name determines it.
            None if of_rank(true).next().is_none()
                && (kept.is_empty() || before.is_some_and(User::is_remembered_elsewhere)) =>
            {
                user.remembered_elsewhere()
            }
            None => user,
        };
        Ok(user.with_status(if disabled { UserStatus::Disabled } else { UserStatus::Active }))
    }
}
