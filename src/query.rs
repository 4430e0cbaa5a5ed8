//! What to look for in the log, and where one page ends and the next begins.

mod count;
mod cursor;

use std::fmt;

use chrono::{DateTime, Utc};

pub(crate) use self::count::Tally;
pub use self::count::{Count, CountBy};
pub use self::cursor::{Cursor, CursorError, Position};
use crate::activity::{Action, Activity, AppName, without_leap_second};
use crate::actor::Actor;
use crate::digest::Fields;
use crate::identity::{Alias, Identity, fold};
use crate::policy::GroupRef;
use crate::screen::Stamp;
use crate::text::{TextError, check};

/// Which activities to look for; every filter narrows. The order is always newest first.
///
/// `Debug` does not show the filters, because they can name a person.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::Query;
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
    actor: Option<ActorFilter>,
    app: Option<AppName>,
    suite: Option<AppName>,
    action: Option<Action>,
    group: Option<GroupRef>,
    text: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct ActorFilter {
    text: String,
    alias: Alias,
    folded: String,
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

    /// Only what somebody did, or what was done for them: an id, any alias, an account name or the name of an
    /// application.
    ///
    /// # Errors
    /// [`TextError`] when the text is blank, too long or holds a control character.
    pub fn by_actor(self, text: impl AsRef<str>) -> Result<Self, TextError> {
        let text = text.as_ref().trim();
        let alias = Alias::new(text)?;
        Ok(Self { actor: Some(ActorFilter { text: text.to_owned(), alias, folded: fold(text) }), ..self })
    }

    /// Only what was done in this app.
    pub fn in_app(self, app: AppName) -> Self {
        Self { app: Some(app), ..self }
    }

    /// Only what was done in this suite of apps.
    pub fn in_suite(self, suite: AppName) -> Self {
        Self { suite: Some(suite), ..self }
    }

    /// Only this action.
    pub fn with_action(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }

    /// Only activities whose stamp speaks of this group: as it was decided then, not as the directory is now.
    pub fn stamped_with(self, group: GroupRef) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Only activities with this text in the action or in the name of an object, case ignored.
    ///
    /// # Errors
    /// [`TextError`] when the text is empty, too long or holds a control character.
    pub fn containing(self, text: impl AsRef<str>) -> Result<Self, TextError> {
        check("text to look for", text.as_ref(), Self::MAX_FILTER_BYTES)?;
        Ok(Self { text: Some(fold(text.as_ref())), ..self })
    }

    /// Whether an activity is looked for. Every store must give the answer that this gives.
    #[must_use]
    pub fn matches(&self, activity: &Activity, stamp: &Stamp) -> bool {
        let Self { since, until, actor, app, suite, action, group, text } = self;
        since.is_none_or(|since| activity.occurred_at() >= since)
            && until.is_none_or(|until| activity.occurred_at() < until)
            && app.as_ref().is_none_or(|app| activity.app().name() == app)
            && suite.as_ref().is_none_or(|suite| activity.app().suite() == Some(suite))
            && action.as_ref().is_none_or(|action| activity.action() == action)
            && group.as_ref().is_none_or(|group| stamp.groups().any(|stamped| stamped == group))
            && actor.as_ref().is_none_or(|actor| activity.principals().any(|principal| actor.matches(principal)))
            && text.as_ref().is_none_or(|text| {
                std::iter::once(activity.action().as_str())
                    .chain(activity.objects())
                    .any(|has| fold(has).contains(text))
            })
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

    /// The one app looked for, if it is one. A store can use it to narrow before it asks [`Query::matches`].
    #[must_use]
    pub fn app(&self) -> Option<&AppName> {
        self.app.as_ref()
    }

    /// The one suite looked for, if it is one.
    #[must_use]
    pub fn suite(&self) -> Option<&AppName> {
        self.suite.as_ref()
    }

    /// The one action looked for, if it is one.
    #[must_use]
    pub fn action(&self) -> Option<&Action> {
        self.action.as_ref()
    }

    /// Whether the query names one actor.
    #[must_use]
    pub fn names_an_actor(&self) -> bool {
        self.actor.is_some()
    }

    /// The forms in which the one actor looked for is compared: as it was written with ids, as an alias with aliases,
    /// and folded with aliases and names.
    #[cfg(feature = "sqlite")]
    pub(crate) fn actor_forms(&self) -> Option<(&str, String, &str)> {
        self.actor.as_ref().map(|actor| (&*actor.text, actor.alias.key(), &*actor.folded))
    }

    /// Whether it narrows by something that an index can be kept of.
    #[cfg(feature = "sqlite")]
    pub(crate) fn has_keys(&self) -> bool {
        self.actor.is_some() || self.app.is_some() || self.suite.is_some() || self.action.is_some()
    }

    /// Whether it asks for what only the whole activity or its stamp tells: a text, or a group.
    #[cfg(feature = "sqlite")]
    pub(crate) fn looks_into_rows(&self) -> bool {
        self.text.is_some() || self.group.is_some()
    }

    /// Feeds everything that tells this query from another.
    pub(crate) fn feed(&self, fields: &mut Fields) {
        let Self { since, until, actor, app, suite, action, group, text } = self;
        for time in [since, until] {
            fields.add_option(time.map(|time| time.to_rfc3339()));
        }
        fields.add_option(actor.as_ref().map(|actor| &actor.text));
        fields.add_option(app.as_ref().map(AppName::as_str));
        fields.add_option(suite.as_ref().map(AppName::as_str));
        fields.add_option(action.as_ref().map(Action::as_str));
        fields.add_option(group.as_ref().map(ToString::to_string));
        fields.add_option(text.as_ref());
    }
}

impl ActorFilter {
    fn matches(&self, actor: &Actor) -> bool {
        let named = actor.name().is_some_and(|name| fold(name.as_str()) == self.folded);
        named
            || actor.identities().iter().any(|identity| match identity {
                Identity::Id(id) => id.as_str() == self.text,
                Identity::Alias(alias) => alias.matches(&self.alias) || fold(alias.as_str()) == self.folded,
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
    pub fn get(self) -> usize {
        self.0.into()
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}
