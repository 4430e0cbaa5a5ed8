//! A person whose activities something is about.

use std::fmt;

use crate::identity::{Identity, UserId};

/// A person, by every identity under which activities name them: to tell them [who looked](crate::filter::PrivacyFilter::access_report),
/// or to [erase](crate::filter::PrivacyFilter::erase) what they did.
///
/// The [`PrivacyFilter`](crate::filter::PrivacyFilter) adds the names that the directory knows them by now. `Debug` does not show
/// who it is.
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
    /// INVARIANT: the id is the first of them, and none stands twice.
    identities: Vec<Identity>,
}

impl Subject {
    /// The person with this id.
    pub fn of(id: UserId) -> Self {
        Self { identities: vec![Identity::Id(id.clone())], id }
    }

    /// Who is, or was, also known by this.
    pub fn with_identity(mut self, identity: impl Into<Identity>) -> Self {
        let identity = identity.into();
        if !self.identities.contains(&identity) {
            self.identities.push(identity);
        }
        self
    }

    /// Their immutable id.
    #[must_use]
    pub fn id(&self) -> &UserId {
        &self.id
    }

    /// Everything that they are known by.
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
