//! Users as the directory knows them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::identity::{Alias, Domain, UserId};
use crate::steps;
use crate::text::deserialize_silently;

/// Whether a user can sign in. Plays no part in deciding: whoever was disabled or deleted stays protected until
/// their group says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Can sign in.
    #[default]
    Active,
    /// Disabled or suspended.
    Disabled,
    /// Deleted at the source, though a group may still list them.
    Deleted,
}

/// Up to how many names are looked through, because that is faster than to hash them.
pub(super) const FEW_NAMES: usize = 16;

/// Returns whether a name is among others, in a time that does not grow with how many these are.
fn looking_up(aliases: &[Alias]) -> impl Fn(&Alias) -> bool + '_ {
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

/// A user as the directory knows them. `Debug` shows neither id nor aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    id: UserId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<Alias>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_domain: Option<Domain>,
    /// Whether they are remembered as at home in no domain that could be managed, by a name that may be somebody else's
    /// now.
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

deserialize_silently!(User, UserDocument);

impl User {
    /// A user who is known by an id alone.
    #[must_use]
    pub fn new(id: UserId) -> Self {
        Self { id, aliases: Vec::new(), home_domain: None, at_home_elsewhere: false, status: UserStatus::Active }
    }

    /// The same user, known by one more alias. Say the UPN first: unless told otherwise, its domain is the user's home.
    #[must_use]
    pub fn with_alias(mut self, alias: Alias) -> Self {
        if !self.aliases.contains(&alias) {
            self.aliases.push(alias);
        }
        self
    }

    /// The same user, known by one more alias, of which the caller knows that it is new.
    #[cfg(any(feature = "import", test))]
    pub(crate) fn with_new_alias(mut self, alias: Alias) -> Self {
        self.aliases.push(alias);
        self
    }

    /// The same user, known by these aliases too, of which each name is taken once, as it was first written.
    #[cfg(feature = "import")]
    pub(crate) fn with_aliases(mut self, aliases: impl IntoIterator<Item = Alias>) -> Self {
        let mut known: std::collections::HashSet<String> = self.aliases.iter().map(Alias::key).collect();
        self.aliases.extend(aliases.into_iter().filter(|alias| known.insert(alias.key())));
        self
    }

    /// The same user with a home domain that overrides what the aliases suggest, as for a guest whose `#EXT#` name
    /// hides a home in a managed domain.
    #[must_use]
    pub fn with_home_domain(self, domain: Domain) -> Self {
        Self { home_domain: Some(domain), ..self }
    }

    /// The same user with a status.
    #[must_use]
    pub fn with_status(self, status: UserStatus) -> Self {
        Self { status, ..self }
    }

    /// The same user once their record is gone, known by those aliases that are still theirs. The home stays where it
    /// was, whatever became of the UPN.
    pub(super) fn remembered(&self, still_theirs: impl Fn(&Alias) -> bool) -> Self {
        // Of whoever was remembered before, the name that said so may be somebody else's by now.
        let is_elsewhere = self.at_home_elsewhere || self.is_guest();
        let upn = self.aliases.iter().find(|alias| alias.is_address()).filter(|_| !is_elsewhere);
        let home_domain = self.home_domain.clone().or_else(|| upn.and_then(Alias::domain));
        let at_home_elsewhere = self.home() == Some(None);
        let aliases = self.aliases.iter().filter(|alias| still_theirs(alias)).cloned().collect();
        Self { id: self.id.clone(), aliases, home_domain, at_home_elsewhere, status: UserStatus::Deleted }
    }

    /// The same user, remembered as at home in no domain that could be managed.
    pub(crate) fn remembered_elsewhere(self) -> Self {
        Self { at_home_elsewhere: true, ..self }
    }

    pub(crate) fn is_remembered_elsewhere(&self) -> bool {
        self.at_home_elsewhere
    }

    /// The home domain that a record stated. Of somebody who was remembered without a record, it can also be that of the UPN
    /// that they had, which says nothing of the one that they have next.
    #[cfg(feature = "import")]
    pub(crate) fn home_on_record(&self) -> Option<&Domain> {
        let stated = self.home_domain.as_ref()?;
        let mut addresses = self.aliases.iter().filter(|alias| alias.is_address()).peekable();
        let from_upn = addresses.peek().is_none() || addresses.any(|alias| alias.domain().as_ref() == Some(stated));
        (self.status != UserStatus::Deleted || !from_upn).then_some(stated)
    }

    /// Where the user is at home, if any of that says so: what is stated comes first, then that a name is a guest's,
    /// then the UPN. An address without a proper domain is at home in no domain.
    pub(super) fn home(&self) -> Option<Option<Domain>> {
        if let Some(stated) = &self.home_domain {
            return Some(Some(stated.clone()));
        }
        if self.at_home_elsewhere || self.is_guest() {
            return Some(None);
        }
        self.aliases.iter().find(|alias| alias.is_address()).map(Alias::domain)
    }

    /// Whether another record of the same user knows a name that this one does not.
    pub(super) fn lacks_a_name_of(&self, other: &Self) -> bool {
        let knows = looking_up(&self.aliases);
        other.aliases.iter().any(|alias| !knows(alias))
    }

    /// The names of a user that another record of them does not know.
    pub(super) fn names_beside(mut self, other: &Self) -> Self {
        let is_known = looking_up(&other.aliases);
        self.aliases.retain(|alias| !is_known(alias));
        Self { aliases: self.aliases, ..Self::new(self.id) }
    }

    /// Adds what another record of the same user knows.
    pub(super) fn learn(&mut self, other: &Self) {
        let new: Vec<Alias> = {
            let (knows, mut seen) = (looking_up(&self.aliases), HashSet::new());
            other.aliases.iter().filter(|alias| !knows(alias) && seen.insert(*alias)).cloned().collect()
        };
        self.aliases.extend(new);
        if self.home_domain.is_none() {
            self.home_domain.clone_from(&other.home_domain);
            self.at_home_elsewhere |= other.at_home_elsewhere;
        }
    }

    /// Whether any of their names is a guest's.
    pub(crate) fn is_guest(&self) -> bool {
        self.aliases.iter().any(Alias::is_guest)
    }

    /// The immutable id.
    #[must_use]
    pub fn id(&self) -> &UserId {
        &self.id
    }

    /// The names by which the user is known, the UPN first.
    #[must_use]
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    /// The home domain that the directory states in so many words.
    #[must_use]
    pub fn stated_home_domain(&self) -> Option<&Domain> {
        self.home_domain.as_ref()
    }

    /// Whether the user can sign in.
    #[must_use]
    pub fn status(&self) -> UserStatus {
        self.status
    }
}
