//! Queries: conditions on activities, pages and their cursors, and counts.

mod count;
mod cursor;
mod document;
mod index;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::count::{Count, CountBy, Counts, Tally};
pub(crate) use self::cursor::end_page;
pub use self::cursor::{Cursor, CursorError, Position};
pub use self::index::{Conditions, IndexTerm, TermField};
use crate::activity::{Action, Activity, ActivityId, Actor, AppName, without_leap_second};
use crate::digest::FieldHasher;
use crate::engine::Decision;
use crate::identity::{Alias, Identity, fold, name_key};
use crate::policy::GroupRef;
use crate::text::{TextError, check_text};

/// Conditions on activities; each one narrows the query. Pages are always newest first.
///
/// A query can name several actors, apps, suites, actions or ids. An activity then matches if it has any one of them.
///
/// `Debug` does not show the conditions, because they can name a person. The serde form has a field for each kind of
/// condition: `since`, `until`, `ids`, `actors`, `apps`, `suites`, `actions`, `group` and `text`. A missing field and
/// an empty list match everything. Unknown fields are rejected.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::query::Query;
///
/// let query = Query::all()
///     .since("2026-03-01T00:00:00Z".parse()?)
///     .by_actor("adele@contoso.com")?
///     .in_app("SharePoint".parse()?)
///     .containing("plan")?;
/// # let _ = query;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Query {
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    ids: Vec<ActivityId>,
    actors: Vec<ActorFilter>,
    apps: Vec<AppName>,
    suites: Vec<AppName>,
    actions: Vec<Action>,
    group: Option<GroupRef>,
    text: Option<TextFilter>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct ActorFilter {
    /// The text as the caller wrote it: the form in which ids are compared.
    text: String,
    /// The form in which names are compared.
    key: String,
}

#[derive(Clone, PartialEq, Eq)]
struct TextFilter {
    /// The text as the caller wrote it.
    text: String,
    /// The form in which it is compared.
    folded: String,
}

impl Query {
    /// The maximum length of an actor or of a text to search for, in bytes.
    pub const MAX_FILTER_BYTES: usize = 512;

    /// Returns a query that matches every activity.
    pub fn all() -> Self {
        Self::default()
    }

    /// Matches only activities that occurred at this time or later.
    pub fn since(self, time: DateTime<Utc>) -> Self {
        Self { since: Some(without_leap_second(time)), ..self }
    }

    /// Matches only activities that occurred before this time.
    pub fn until(self, time: DateTime<Utc>) -> Self {
        Self { until: Some(without_leap_second(time)), ..self }
    }

    /// Matches only the activity with this id. Repeated calls match any of the ids.
    pub fn with_id(mut self, id: ActivityId) -> Self {
        add(&mut self.ids, id);
        self
    }

    /// Matches only activities with this principal, as actor or on its behalf: an id, any alias, an account name or the
    /// name of an application. Repeated calls match any of the principals.
    ///
    /// Ids are compared byte for byte. Addresses are compared as [`Alias::matches`] does: the local part folded, the
    /// domain by IDNA, so that `x@fass.example` does not match `x@faß.example`. Other names are compared folded,
    /// without regard to the app: `STRASSE` matches the account `straße`.
    ///
    /// # Errors
    /// Returns [`TextError`] if the text is blank, too long or contains a control character.
    pub fn by_actor(mut self, text: impl AsRef<str>) -> Result<Self, TextError> {
        add(&mut self.actors, ActorFilter::new(text.as_ref())?);
        Ok(self)
    }

    /// Matches only activities in this app. Repeated calls match any of the apps.
    pub fn in_app(mut self, app: AppName) -> Self {
        add(&mut self.apps, app);
        self
    }

    /// Matches only activities in this suite of apps. Repeated calls match any of the suites.
    pub fn in_suite(mut self, suite: AppName) -> Self {
        add(&mut self.suites, suite);
        self
    }

    /// Matches only activities with this action. Repeated calls match any of the actions.
    pub fn with_action(mut self, action: Action) -> Self {
        add(&mut self.actions, action);
        self
    }

    /// Matches only activities whose decision names this group. The current directory plays no part.
    pub fn decided_by_group(self, group: GroupRef) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Matches only activities whose action or the name of an object contains this text. Both are folded as a whole.
    ///
    /// This searches text, not people: an address in the name of an object is compared as text, so `x@fass.example`
    /// matches an object named `x@faß.example`. Use [`by_actor`](Self::by_actor) to search for a person.
    ///
    /// # Errors
    /// Returns [`TextError`] if the text is empty, too long or contains a control character.
    pub fn containing(self, text: impl AsRef<str>) -> Result<Self, TextError> {
        check_text("search text", text.as_ref(), Self::MAX_FILTER_BYTES)?;
        let text = text.as_ref().to_owned();
        Ok(Self { text: Some(TextFilter { folded: fold(&text), text }), ..self })
    }

    /// Returns whether an activity matches. Every store must give the same answer.
    #[must_use]
    pub fn matches(&self, activity: &Activity, decision: &Decision) -> bool {
        let Self { since, until, ids, actors, apps, suites, actions, group, text } = self;
        let by = |actor: &ActorFilter| activity.principals().any(|principal| actor.matches(principal));
        since.is_none_or(|since| activity.occurred_at() >= since)
            && until.is_none_or(|until| activity.occurred_at() < until)
            && (ids.is_empty() || ids.contains(activity.id()))
            && (apps.is_empty() || apps.contains(activity.app().name()))
            && (suites.is_empty() || activity.app().suite().is_some_and(|suite| suites.contains(suite)))
            && (actions.is_empty() || actions.contains(activity.action()))
            && (actors.is_empty() || actors.iter().any(by))
            && group.as_ref().is_none_or(|group| decision.groups().any(|decided| decided == group))
            && text.as_ref().is_none_or(|text| activity.searched_texts().any(|has| has.contains(&text.folded)))
    }

    /// Returns the beginning of the time range, if it has one.
    #[must_use]
    pub fn time_from(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    /// Returns the end of the time range, if it has one.
    #[must_use]
    pub fn time_until(&self) -> Option<DateTime<Utc>> {
        self.until
    }

    /// Returns the apps that match; empty if any app does. A store can narrow by them before it calls
    /// [`Query::matches`].
    #[must_use]
    pub fn apps(&self) -> &[AppName] {
        &self.apps
    }

    /// Returns the suites that match; empty if any suite or none does.
    #[must_use]
    pub fn suites(&self) -> &[AppName] {
        &self.suites
    }

    /// Returns the actions that match; empty if any action does.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// Returns how many actors the query names; 0 if any actor matches.
    #[must_use]
    pub fn actors(&self) -> usize {
        self.actors.len()
    }

    /// Returns the ids that match; empty if any id does.
    #[must_use]
    pub fn ids(&self) -> &[ActivityId] {
        &self.ids
    }

    /// Returns the conditions of the query in terms that a store can index. They do not include the ids: see
    /// [`ids`](Self::ids).
    #[must_use]
    pub fn conditions(&self) -> Conditions<'_> {
        let Self { since, until, ids, actors, apps, suites, actions, group, text } = self;
        let of_actors = actors.iter().flat_map(|actor| {
            [IndexTerm::new(TermField::ActorId, &*actor.text), IndexTerm::new(TermField::ActorName, &*actor.key)]
        });
        let of_apps = |field, names: &'_ [AppName]| -> Vec<_> {
            names.iter().map(|name| IndexTerm::new(field, name.as_str().to_owned())).collect()
        };
        let of_actions = actions.iter().map(|action| IndexTerm::new(TermField::Action, action.as_str()));
        let lists = [
            of_actors.collect(),
            of_apps(TermField::App, apps),
            of_apps(TermField::Suite, suites),
            of_actions.collect(),
        ];
        Conditions {
            from: *since,
            until: *until,
            any_of: lists.into_iter().filter(|list| !list.is_empty()).collect(),
            text: text.as_ref().map(|text| &*text.folded),
            are_sufficient: ids.is_empty() && text.is_none() && group.is_none(),
        }
    }

    /// Feeds every field that distinguishes this query from another.
    pub(crate) fn feed(&self, fields: &mut FieldHasher) {
        let Self { since, until, ids, actors, apps, suites, actions, group, text } = self;
        for time in [since, until] {
            fields.add_option(time.map(|time| time.to_rfc3339()));
        }
        fields.add_list(ids.iter().map(ActivityId::as_str));
        fields.add_list(actors.iter().map(|actor| &actor.text));
        fields.add_list(apps.iter().map(AppName::as_str));
        fields.add_list(suites.iter().map(AppName::as_str));
        fields.add_list(actions.iter().map(Action::as_str));
        fields.add_option(group.as_ref().map(ToString::to_string));
        fields.add_option(text.as_ref().map(|text| &text.folded));
    }
}

/// Adds a value unless the list contains it.
fn add<T: PartialEq>(to: &mut Vec<T>, one: T) {
    if !to.contains(&one) {
        to.push(one);
    }
}

impl ActorFilter {
    fn new(text: &str) -> Result<Self, TextError> {
        let alias = Alias::new(text)?;
        Ok(Self { text: alias.as_str().to_owned(), key: alias.key() })
    }

    fn matches(&self, actor: &Actor) -> bool {
        actor.name().is_some_and(|name| name_key(name.as_str()) == self.key)
            || actor.identities().iter().any(|identity| match identity {
                Identity::Id(id) => id.as_str() == self.text,
                Identity::Alias(alias) => alias.name_key() == self.key,
            })
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("since", &self.since).field("until", &self.until).finish_non_exhaustive()
    }
}

/// The maximum number of activities on a page: 1 to 1,000.
///
/// Deserialization accepts the numbers in this range only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct PageSize(u16);

/// The error of a number that is not a page size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("invalid page size, expected 1 to {}", PageSize::MAX.0)]
pub struct PageSizeError;

impl PageSize {
    /// The largest page size.
    pub const MAX: Self = Self(1_000);

    /// Returns a page size of at most this many activities. A value out of range becomes the nearest value in range.
    #[must_use]
    pub const fn at_most(activities: u16) -> Self {
        match activities {
            0 => Self(1),
            1..=1_000 => Self(activities),
            _ => Self::MAX,
        }
    }

    /// Returns the number of activities.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<u16> for PageSize {
    type Error = PageSizeError;

    fn try_from(activities: u16) -> Result<Self, PageSizeError> {
        if (1..=Self::MAX.0).contains(&activities) { Ok(Self(activities)) } else { Err(PageSizeError) }
    }
}

impl From<PageSize> for u16 {
    fn from(size: PageSize) -> Self {
        size.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}
