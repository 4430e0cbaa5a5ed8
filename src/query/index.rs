//! Index terms: the values of an activity that a store can index, and the conditions of a query in the same terms.
//!
//! A store that keeps `(term, occurred_at, id)` for each [term of an activity](Activity::index_terms) answers a query
//! by looking up the terms of its [conditions](Query::conditions). [`Query::matches`] makes the final decision on each
//! activity found, so an index may return too many activities, never too few.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::activity::Activity;
use crate::identity::{Identity, name_key};

/// The field of an activity to which a term belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TermField {
    /// The opaque id of a principal, compared byte for byte.
    ActorId,
    /// The name of a principal in the form in which names are compared: an alias without its app, or the name of an
    /// application or a system account.
    ActorName,
    /// The app.
    App,
    /// The suite of apps.
    Suite,
    /// The action.
    Action,
}

/// One value of one field, in the form in which it is compared: two values are equal exactly if their bytes are.
///
/// `Debug` does not show the value, because it can name a person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexTerm<'a> {
    field: TermField,
    value: Cow<'a, str>,
}

impl<'a> IndexTerm<'a> {
    pub(crate) fn new(field: TermField, value: impl Into<Cow<'a, str>>) -> Self {
        Self { field, value: value.into() }
    }

    /// Returns the field of the term.
    #[must_use]
    pub fn field(&self) -> TermField {
        self.field
    }

    /// Returns the value, in the form in which it is compared.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl std::fmt::Debug for IndexTerm<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexTerm").field("field", &self.field).finish_non_exhaustive()
    }
}

/// The conditions of a query, in terms that a store can index.
///
/// Every activity that matches the query meets all conditions. [`Query::matches`](crate::query::Query::matches) decides
/// whether an activity that meets them matches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Conditions<'a> {
    /// The activity occurred at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// The activity occurred before this time.
    pub until: Option<DateTime<Utc>>,
    /// The activity has at least one term of each list. All terms of a list have the same field, except that one list
    /// contains both the ids and the names of actors.
    pub any_of: Vec<Vec<IndexTerm<'a>>>,
    /// At least one of the [searched texts](Activity::searched_texts) contains this text.
    pub text: Option<&'a str>,
    /// Whether every activity that meets the conditions matches the query, so that an index can count the matches.
    /// False if the query has a text, ids, or a group of the decision.
    pub are_sufficient: bool,
}

impl Identity {
    /// Returns the index term of a principal with this identity.
    #[must_use]
    pub fn index_term(&self) -> IndexTerm<'_> {
        match self {
            Self::Id(id) => IndexTerm::new(TermField::ActorId, id.as_str()),
            Self::Alias(alias) => IndexTerm::new(TermField::ActorName, alias.name_key()),
        }
    }
}

impl Activity {
    /// Returns the index terms of the activity: every identity and name of its principals, its app, its suite and its
    /// action. A term can be returned more than once.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use activity_privacy::activity::{Activity, Actor, App};
    /// use activity_privacy::identity::Alias;
    /// use activity_privacy::query::{Query, TermField};
    ///
    /// let (actor, app) = (Actor::user(Alias::new("Adele@Contoso.com")?), App::new("Box".parse()?));
    /// let time = "2026-03-01T09:30:00Z".parse()?;
    /// let activity = Activity::builder("a-1".parse()?, actor, app, "Login".parse()?, time).build()?;
    /// let terms: Vec<_> = activity.index_terms().collect();
    /// assert!(terms.iter().any(|term| term.field() == TermField::ActorName && term.value() == "adele@contoso.com"));
    ///
    /// // A query has the same terms.
    /// let query = Query::all().by_actor("ADELE@contoso.com")?;
    /// let conditions = query.conditions();
    /// assert!(conditions.any_of[0].iter().any(|term| terms.contains(term)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn index_terms(&self) -> impl Iterator<Item = IndexTerm<'_>> {
        let of_principals = self.principals().flat_map(|principal| {
            let name = principal.name().map(|name| IndexTerm::new(TermField::ActorName, name_key(name.as_str())));
            name.into_iter().chain(principal.identities().iter().map(Identity::index_term))
        });
        let app = IndexTerm::new(TermField::App, self.app().name().as_str());
        let suite = self.app().suite().map(|suite| IndexTerm::new(TermField::Suite, suite.as_str()));
        let action = IndexTerm::new(TermField::Action, self.action().as_str());
        of_principals.chain([app, action]).chain(suite)
    }

    /// Returns the texts that [`Query::containing`](crate::query::Query::containing) searches, folded like
    /// [`Conditions::text`]: the action and the name of each object.
    pub fn searched_texts(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.action().as_str()).chain(self.objects()).map(crate::identity::fold)
    }
}
