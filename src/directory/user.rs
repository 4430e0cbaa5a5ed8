//! The users of a directory.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::identity::{Alias, Domain, UserId};
use crate::steps;
use crate::text::{deserialize_without_quoting, words};

/// Whether a user can sign in. Decisions ignore it: a disabled or deleted user stays a member, and protected, until the
/// group removes the membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Can sign in.
    #[default]
    Active,
    /// Disabled or suspended.
    Disabled,
    /// Deleted at the source, though a group may still list the user.
    Deleted,
}

words!(UserStatus, "user status": Active = "active", Disabled = "disabled", Deleted = "deleted");

/// The most names that are compared one by one, because that is faster than hashing them.
pub(super) const FEW_NAMES: usize = 16;

/// Returns a function that returns whether a name is among some others, in constant time.
fn lookup_in(aliases: &[Alias]) -> impl Fn(&Alias) -> bool + '_ {
    let many: HashSet<&Alias> = aliases.iter().filter(|_| aliases.len() > FEW_NAMES).collect();
    steps::advance(many.len());
    move |alias| {
        steps::advance(1);
        if !many.is_empty() {
            return many.contains(alias);
        }
        steps::advance(aliases.len());
        aliases.contains(alias)
    }
}

/// A user of a directory. `Debug` shows neither id nor aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    id: UserId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<Alias>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_domain: Option<Domain>,
    /// Whether a former record had a home that cannot be managed, by a name that another user may have now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    at_home_elsewhere: bool,
    status: UserStatus,
}

#[derive(Deserialize)]
#[serde(remote = "User", deny_unknown_fields)]
struct UserDocument {
    id: UserId,
    #[serde(default)]
    aliases: Vec<Alias>,
    #[serde(default)]
    home_domain: Option<Domain>,
    #[serde(default)]
    at_home_elsewhere: bool,
    #[serde(default)]
    status: UserStatus,
}

deserialize_without_quoting!(User, UserDocument);

impl User {
    /// Returns a user who is known by an id alone.
    #[must_use]
    pub fn new(id: UserId) -> Self {
        Self { id, aliases: Vec::new(), home_domain: None, at_home_elsewhere: false, status: UserStatus::Active }
    }

    /// Returns the user with one more alias. Pass the UPN first: its domain is the home of the user, unless a home
    /// domain is stated.
    #[must_use]
    pub fn with_alias(mut self, alias: Alias) -> Self {
        if !self.aliases.contains(&alias) {
            self.aliases.push(alias);
        }
        self
    }

    /// Returns the user with one more alias. The caller guarantees that it is new.
    #[cfg(any(feature = "import", test))]
    pub(crate) fn with_new_alias(mut self, alias: Alias) -> Self {
        self.aliases.push(alias);
        self
    }

    /// Returns the user with these aliases too. A name that occurs twice is added once, as it was first written.
    #[cfg(feature = "import")]
    pub(crate) fn with_aliases(mut self, aliases: impl IntoIterator<Item = Alias>) -> Self {
        let mut known: std::collections::HashSet<String> = self.aliases.iter().map(Alias::key).collect();
        self.aliases.extend(aliases.into_iter().filter(|alias| known.insert(alias.key())));
        self
    }

    /// Returns the user with a home domain that overrides the aliases, as for a guest whose `#EXT#` name hides a home
    /// in a managed domain.
    #[must_use]
    pub fn with_home_domain(self, domain: Domain) -> Self {
        Self { home_domain: Some(domain), ..self }
    }

    /// Returns the user with a status.
    #[must_use]
    pub fn with_status(self, status: UserStatus) -> Self {
        Self { status, ..self }
    }

    /// Returns the user after the record was removed, with those aliases that `still_has` accepts. The home stays, even
    /// if the UPN does not.
    pub(super) fn without_record(&self, still_has: impl Fn(&Alias) -> bool) -> Self {
        let home = self.home();
        let at_home_elsewhere = home == Some(None);
        let aliases = self.aliases.iter().filter(|alias| still_has(alias)).cloned().collect();
        let status = UserStatus::Deleted;
        Self { id: self.id.clone(), aliases, home_domain: home.flatten(), at_home_elsewhere, status }
    }

    /// Returns the user with a home that cannot be managed.
    pub(crate) fn at_home_elsewhere(self) -> Self {
        Self { at_home_elsewhere: true, ..self }
    }

    /// Returns whether a former record had a home that cannot be managed.
    pub(crate) fn is_at_home_elsewhere(&self) -> bool {
        self.at_home_elsewhere
    }

    /// Returns the home domain that a record stated. For a user without a record, the home domain can be that of a
    /// former UPN, which says nothing about the next one; then this returns `None`.
    #[cfg(feature = "import")]
    pub(crate) fn home_on_record(&self) -> Option<&Domain> {
        let stated = self.home_domain.as_ref()?;
        let mut addresses = self.aliases.iter().filter(|alias| alias.is_address()).peekable();
        let from_upn = addresses.peek().is_none() || addresses.any(|alias| alias.domain().as_ref() == Some(stated));
        (self.status != UserStatus::Deleted || !from_upn).then_some(stated)
    }

    /// Returns the home of the user: the stated domain, or no domain (`Some(None)`) for a guest, or the domain of the
    /// UPN. A UPN without a valid domain is no domain. Returns `None` if none of these is known.
    pub(super) fn home(&self) -> Option<Option<Domain>> {
        if let Some(stated) = &self.home_domain {
            return Some(Some(stated.clone()));
        }
        if self.at_home_elsewhere || self.is_guest() {
            return Some(None);
        }
        self.aliases.iter().find(|alias| alias.is_address()).map(Alias::domain)
    }

    /// Returns whether another record of the user has a name that this one lacks.
    pub(super) fn lacks_a_name_of(&self, other: &Self) -> bool {
        let has = lookup_in(&self.aliases);
        other.aliases.iter().any(|alias| !has(alias))
    }

    /// Returns the user with only those names that another record of the user lacks.
    pub(super) fn names_missing_from(mut self, other: &Self) -> Self {
        let has = lookup_in(&other.aliases);
        self.aliases.retain(|alias| !has(alias));
        Self { aliases: self.aliases, ..Self::new(self.id) }
    }

    /// Adds the names of another record of the user, and its home if this one has none.
    pub(super) fn add_names_of(&mut self, other: &Self) {
        let new: Vec<Alias> = {
            let (has, mut added) = (lookup_in(&self.aliases), HashSet::new());
            other.aliases.iter().filter(|alias| !has(alias) && added.insert(*alias)).cloned().collect()
        };
        self.aliases.extend(new);
        if self.home_domain.is_none() {
            self.home_domain.clone_from(&other.home_domain);
            self.at_home_elsewhere |= other.at_home_elsewhere;
        }
    }

    /// Returns whether any alias is the name of a guest.
    pub(crate) fn is_guest(&self) -> bool {
        self.aliases.iter().any(Alias::is_guest)
    }

    /// Returns the immutable id.
    #[must_use]
    pub fn id(&self) -> &UserId {
        &self.id
    }

    /// Returns the aliases, the UPN first.
    #[must_use]
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    /// Returns the home domain that the directory states explicitly.
    #[must_use]
    pub fn stated_home_domain(&self) -> Option<&Domain> {
        self.home_domain.as_ref()
    }

    /// Returns whether the user can sign in.
    #[must_use]
    pub fn status(&self) -> UserStatus {
        self.status
    }
}
