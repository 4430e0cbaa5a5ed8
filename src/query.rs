//! What to look for in the log, and where one page ends and the next begins.

mod count;
mod cursor;
mod index;

use std::fmt;

use chrono::{DateTime, Utc};

pub use self::count::{Count, CountBy, Counts, Tally};
pub(crate) use self::cursor::end_page;
pub use self::cursor::{Cursor, CursorError, Position};
pub use self::index::{Conditions, IndexTerm, TermField};
use crate::activity::{Action, Activity, ActivityId, Actor, AppName, without_leap_second};
use crate::digest::Fields;
use crate::engine::Decision;
use crate::identity::{Alias, Identity, fold, name_key};
use crate::policy::GroupRef;
use crate::text::{TextError, check};

/// Which activities to look for; every filter narrows. The order is always newest first.
///
/// Actors, apps, suites and actions can be named more than once: then any of those that are named is looked for.
///
/// `Debug` does not show the filters, because they can name a person.
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
    text: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct ActorFilter {
    /// As it was written: the form in which ids are compared.
    text: String,
    /// The form in which names are compared.
    key: String,
}

impl Query {
    /// The longest that a filter by actor or text may be, in bytes.
    pub const MAX_FILTER_BYTES: usize = 512;

    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only what happened at this time or later.
    pub fn since(self, time: DateTime<Utc>) -> Self {
        Self { since: Some(without_leap_second(time)), ..self }
    }

    /// Only what happened before this time.
    pub fn until(self, time: DateTime<Utc>) -> Self {
        Self { until: Some(without_leap_second(time)), ..self }
    }

    /// Only the activity of this id. Said again of another: only one of them.
    pub fn with_id(mut self, id: ActivityId) -> Self {
        add(&mut self.ids, id);
        self
    }

    /// Only what somebody did, or what was done for them: an id, any alias, an account name or the name of an
    /// application. Said again of somebody else: only what one of them did.
    ///
    /// An id is found byte for byte. An address is found as [`Alias::matches`] compares it: the local part folded, the
    /// domain by IDNA, so that `x@fass.example` does not find `x@faß.example`. Any other name is found folded, in
    /// whichever app: `STRASSE` finds the account `straße`.
    ///
    /// # Errors
    /// [`TextError`] when the text is blank, too long or holds a control character.
    pub fn by_actor(mut self, text: impl AsRef<str>) -> Result<Self, TextError> {
        let alias = Alias::new(text)?;
        add(&mut self.actors, ActorFilter { text: alias.as_str().to_owned(), key: alias.key() });
        Ok(self)
    }

    /// Only what was done in this app. Said again of another: only what was done in one of them.
    pub fn in_app(mut self, app: AppName) -> Self {
        add(&mut self.apps, app);
        self
    }

    /// Only what was done in this suite of apps. Said again of another: only what was done in one of them.
    pub fn in_suite(mut self, suite: AppName) -> Self {
        add(&mut self.suites, suite);
        self
    }

    /// Only this action. Said again of another: only these.
    pub fn with_action(mut self, action: Action) -> Self {
        add(&mut self.actions, action);
        self
    }

    /// Only activities whose decision speaks of this group: as it was decided then, not as the directory is now.
    pub fn decided_by_group(self, group: GroupRef) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Only activities with this text in the action or in the name of an object, both folded as a whole.
    ///
    /// This looks for text, not for people: an address in the name of an object is text like any other, so
    /// `x@fass.example` finds an object named `x@faß.example`. Use [`by_actor`](Self::by_actor) to look for somebody.
    ///
    /// # Errors
    /// [`TextError`] when the text is empty, too long or holds a control character.
    pub fn containing(self, text: impl AsRef<str>) -> Result<Self, TextError> {
        check("text to look for", text.as_ref(), Self::MAX_FILTER_BYTES)?;
        Ok(Self { text: Some(fold(text.as_ref())), ..self })
    }

    /// Whether an activity is looked for. Every store must give the answer that this gives.
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
            && text.as_ref().is_none_or(|text| activity.searched_texts().any(|has| has.contains(text)))
    }

    /// The beginning of the time range, if it has one.
    #[must_use]
    pub fn time_from(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    /// The end of the time range, if it has one.
    #[must_use]
    pub fn time_until(&self) -> Option<DateTime<Utc>> {
        self.until
    }

    /// The apps looked for; none if it is any app. A store can use them to narrow before it asks [`Query::matches`].
    #[must_use]
    pub fn apps(&self) -> &[AppName] {
        &self.apps
    }

    /// The suites looked for; none if it is any suite, or none.
    #[must_use]
    pub fn suites(&self) -> &[AppName] {
        &self.suites
    }

    /// The actions looked for; none if it is any action.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// How many actors the query names; none if it is any actor.
    #[must_use]
    pub fn actors(&self) -> usize {
        self.actors.len()
    }

    /// Returns the ids looked for; none if it is any id.
    #[must_use]
    pub fn ids(&self) -> &[ActivityId] {
        &self.ids
    }

    /// Returns what it asks for in terms that a store can keep an index of. The ids that it asks for are not among them: see
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
            text: text.as_deref(),
            are_sufficient: ids.is_empty() && text.is_none() && group.is_none(),
        }
    }

    /// Feeds everything that tells this query from another.
    pub(crate) fn feed(&self, fields: &mut Fields) {
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
        fields.add_option(text.as_ref());
    }
}

/// Adds one that is not there yet.
fn add<T: PartialEq>(to: &mut Vec<T>, one: T) {
    if !to.contains(&one) {
        to.push(one);
    }
}

impl ActorFilter {
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

/// How many activities a page may hold: 1 to 1,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageSize(u16);

impl PageSize {
    /// The largest page.
    pub const MAX: Self = Self(1_000);

    /// A page of at most this many activities; what is out of range becomes the nearest that is in it.
    #[must_use]
    pub const fn at_most(activities: u16) -> Self {
        match activities {
            0 => Self(1),
            1..=1_000 => Self(activities),
            _ => Self::MAX,
        }
    }

    /// How many.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}
