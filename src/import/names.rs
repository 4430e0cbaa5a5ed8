//! The names that the records of one user give.

use std::collections::BTreeMap;

use super::RejectReason;
use super::document;
use crate::directory::{User, UserStatus};
use crate::identity::{Alias, UserId};

/// The most names that a user may have.
pub(super) const MAX_NAMES: usize = 1000;

/// What the records of one user say, together. The order in which they came plays no part.
#[derive(Default)]
pub(super) struct Names {
    /// By the rank of the property that gives them. Those of rank 0 come before what was known and tell the home.
    aliases: BTreeMap<(usize, String), Alias>,
    /// The ranks that were not spoken of, be it to say that there is none.
    unsaid: Option<Vec<usize>>,
    pub(super) enabled: Option<bool>,
}

/// Why there is no user to be made of records.
pub(super) enum Unfit {
    /// They have no name.
    Nameless,
    /// They have too many.
    TooManyNames,
}

impl Names {
    /// Adds the names that a property gives. A blank one names nobody.
    pub(super) fn add<'a>(
        &mut self,
        rank: usize,
        property: &'static str,
        given: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), RejectReason> {
        for name in given.into_iter().filter(|name| !name.trim().is_empty()) {
            self.aliases.insert((rank, name.to_owned()), document::alias(name, property)?);
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
    pub(super) fn leave_unsaid(&mut self, rank: usize) {
        self.unsaid.get_or_insert_default().push(rank);
    }

    /// Adds what another record of the same user says.
    pub(super) fn learn(&mut self, other: Self) {
        self.aliases.extend(other.aliases);
        // What one of them says is said.
        let others = other.unsaid.unwrap_or_default();
        if let Some(mine) = &mut self.unsaid {
            mine.retain(|rank| others.contains(rank));
        }
        // Plays no part in deciding; one of two has to hold.
        self.enabled = match (self.enabled, other.enabled) {
            (Some(mine), Some(other)) => Some(mine && other),
            (mine, other) => mine.or(other),
        };
    }

    /// The user whom these records and the one before tell of. The names of before are dropped only if nothing was left
    /// unsaid: because the records are whole, or because they speak of every property.
    pub(super) fn user(&self, id: UserId, before: Option<&User>, whole: bool) -> Result<User, Unfit> {
        let all_said = whole || self.unsaid.as_ref().is_none_or(Vec::is_empty);
        let kept = before.filter(|_| !all_said).map(User::aliases).unwrap_or_default();
        let of_rank = |first: bool| {
            self.aliases.iter().filter(move |((rank, _), _)| (*rank == 0) == first).map(|(_, alias)| alias)
        };
        if kept.is_empty() && of_rank(true).next().is_none() {
            return Err(Unfit::Nameless);
        }
        if kept.len() + self.aliases.len() > MAX_NAMES {
            return Err(Unfit::TooManyNames);
        }
        let user = of_rank(true).chain(kept).chain(of_rank(false)).fold(User::new(id), |user, alias| {
            if user.aliases().iter().any(|known| known.matches(alias)) { user } else { user.with_alias(alias.clone()) }
        });
        let disabled = match self.enabled {
            Some(enabled) => !enabled,
            None => before.is_some_and(|user| user.status() == UserStatus::Disabled),
        };
        let user = match before.and_then(User::home_on_record) {
            Some(home) => user.with_home_domain(home.clone()),
            None => user,
        };
        Ok(user.with_status(if disabled { UserStatus::Disabled } else { UserStatus::Active }))
    }
}
