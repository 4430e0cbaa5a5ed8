//! The names that the records of one user give.

use std::collections::BTreeMap;

use super::RejectReason;
use super::spelling::{self, Holds};
use crate::directory::{User, UserStatus};
use crate::identity::{Alias, UserId};
use crate::steps::advance;

/// The most names that a user may have.
pub(super) const MAX_NAMES: usize = 1000;

/// What the records of one user say, together. The order in which they came plays no part.
#[derive(Default)]
pub(super) struct UserNames {
    /// By the rank of the property that gives them. Those of rank 0 come before what was known and tell the home.
    aliases: BTreeMap<(usize, String), Alias>,
    /// The ranks that were not spoken of, be it to say that there is none.
    absent: Option<Vec<usize>>,
    pub(super) enabled: Option<bool>,
}

/// Why there is no user to be made of records.
pub(super) enum NamesError {
    /// They have no name.
    NoName,
    /// They have too many.
    TooManyNames,
}

impl UserNames {
    /// Adds the names that a property gives, as [`spelling`] reads them. A blank one names nobody.
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

    /// Whether they give no name.
    pub(super) fn is_empty(&self) -> bool {
        self.aliases.is_empty()
    }

    /// Says that the record did not speak of the property of this rank.
    pub(super) fn mark_absent(&mut self, rank: usize) {
        self.absent.get_or_insert_default().push(rank);
    }

    /// Adds what another record of the same user says.
    pub(super) fn merge(&mut self, other: Self) {
        advance(1 + other.aliases.len());
        self.aliases.extend(other.aliases);
        // What one of them says is said.
        let others = other.absent.unwrap_or_default();
        if let Some(mine) = &mut self.absent {
            mine.retain(|rank| others.contains(rank));
        }
        // Plays no part in deciding; one of two has to hold.
        self.enabled = match (self.enabled, other.enabled) {
            (Some(mine), Some(other)) => Some(mine && other),
            (mine, other) => mine.or(other),
        };
    }

    /// The user whom these records and the one before tell of. The names of before are dropped only if nothing was left
    /// unsaid: because the records are whole, or because they speak of every property but the one of the rank
    /// `not_requested`.
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
        // A record that does not speak of the name to sign in by was asked for without it, and so may all others.
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
            // Whoever has no name to sign in by has a home that no other name tells.
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
