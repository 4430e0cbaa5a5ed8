//! Data subjects: the persons whose activities an operation concerns.

use std::fmt;

use crate::identity::{Identity, UserId};

/// A person with every identity under which activities name them: the subject of an [access
/// report](crate::filter::PrivacyFilter::access_report) or an [erasure](crate::filter::PrivacyFilter::erase).
///
/// The [`PrivacyFilter`](crate::filter::PrivacyFilter) adds the names that the current directory has for them. `Debug`
/// does not show the identities.
///
/// ```
/// # fn main() -> Result<(), activity_privacy::identity::TextError> {
/// use activity_privacy::identity::{Alias, Subject, UserId};
///
/// let adele = Subject::of(UserId::new("u-2")?).with_identity(Alias::new("adele.vance@contoso.com")?);
/// assert_eq!(adele.identities().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Subject {
    id: UserId,
    /// INVARIANT: the id is the first identity, and no identity occurs twice.
    identities: Vec<Identity>,
}

impl Subject {
    /// Returns the person with this id.
    pub fn of(id: UserId) -> Self {
        Self { identities: vec![Identity::Id(id.clone())], id }
    }

    /// Adds an id or alias that the person has or had.
    pub fn with_identity(mut self, identity: impl Into<Identity>) -> Self {
        let identity = identity.into();
        if !self.identities.contains(&identity) {
            self.identities.push(identity);
        }
        self
    }

    /// Returns the immutable id.
    #[must_use]
    pub fn id(&self) -> &UserId {
        &self.id
    }

    /// Returns every identity of the person.
    #[must_use]
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}
