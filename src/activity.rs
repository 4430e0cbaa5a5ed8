//! What happened: one thing that an actor did in an app at a time.

mod actor;

use std::fmt;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

pub use self::actor::{Actor, ActorKind, ActorName};
use crate::text::{TextError, checked_text, deserialize_silently, without_values};

checked_text! {
    /// The id that the source gave to an activity. Delivering it again never changes what was stored first.
    ///
    /// `Debug` does not show it: of a private activity, not even the id may be known.
    ActivityId, "activity id", max 512, redacted
}

checked_text! {
    /// The name of an app or of a suite of apps, compared byte for byte.
    AppName, "app name", max 256, shown
}

checked_text! {
    /// What was done, in the words of the source, for example `FileAccessed`.
    Action, "action", max 256, redacted
}

/// One thing that an actor did in an app at a time.
///
/// Built with [`Activity::builder`]; whatever exists is within its limits. Times are kept to the microsecond, and a
/// leap second as the second after it. `Debug` shows none of it, so that a log line cannot tell what the library hides.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::activity::{Activity, Actor, App};
/// use activity_privacy::identity::Alias;
///
/// let activity = Activity::builder(
///     "1f6a".parse()?,
///     Actor::user(Alias::new("adele@contoso.com")?),
///     App::new("SharePoint".parse()?).in_suite("Microsoft 365".parse()?),
///     "FileAccessed".parse()?,
///     "2026-03-01T09:30:00Z".parse()?,
/// )
/// .object("https://contoso.example/plan.docx")
/// .build()?;
/// assert_eq!(activity.app().name().as_str(), "SharePoint");
/// assert_eq!(format!("{activity:?}"), "Activity { .. }");
/// # Ok(())
/// # }
/// ```
///
/// What cannot be read back is an error that does not repeat what it read.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    id: ActivityId,
    actor: Actor,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on_behalf_of: Vec<Actor>,
    app: App,
    action: Action,
    occurred_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Box<str>>,
}

/// What makes an activity too large to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ActivityError {
    /// More of something than the limit.
    #[error("{count} {what}, expected at most {max}")]
    TooMany {
        /// What there is too much of, for example "objects".
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// One part is longer than its limit.
    #[error(transparent)]
    Text(#[from] TextError),
}

impl Activity {
    /// The most objects that one activity may name.
    pub const MAX_OBJECTS: usize = 1_000;
    /// The longest that the name of an object may be, in bytes.
    pub const MAX_OBJECT_BYTES: usize = 8 * 1024;
    /// The most principals that an activity may be done for.
    pub const MAX_ON_BEHALF_OF: usize = 8;
    /// The longest that the details may be, in bytes.
    pub const MAX_DETAILS_BYTES: usize = 4 * 1024 * 1024;

    /// Begins an activity with what every activity has.
    pub fn builder(
        id: ActivityId,
        actor: Actor,
        app: App,
        action: Action,
        occurred_at: DateTime<Utc>,
    ) -> ActivityBuilder {
        ActivityBuilder(Self {
            id,
            actor,
            on_behalf_of: Vec::new(),
            app,
            action,
            occurred_at: without_leap_second(occurred_at).trunc_subsecs(6),
            objects: Vec::new(),
            details: None,
        })
    }

    /// The id that its source gave it.
    #[must_use]
    pub fn id(&self) -> &ActivityId {
        &self.id
    }

    /// Who did it.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// For whom the actor did it, if for somebody else: delegated mailboxes, impersonation.
    #[must_use]
    pub fn on_behalf_of(&self) -> &[Actor] {
        &self.on_behalf_of
    }

    /// Everybody who counts as having done it: the actor, and those for whom it was done.
    pub fn principals(&self) -> impl Iterator<Item = &Actor> {
        std::iter::once(&self.actor).chain(&self.on_behalf_of)
    }

    /// Where it was done.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// What was done.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// When it was done, by the clock of the source, to the microsecond.
    #[must_use]
    pub fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// To what or whom it was done.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = &str> {
        self.objects.iter().map(|object| &**object)
    }

    /// Whatever else the source said, as it said it.
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        self.details.as_deref()
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activity").finish_non_exhaustive()
    }
}

/// An activity in the making.
#[must_use]
pub struct ActivityBuilder(Activity);

impl ActivityBuilder {
    /// Adds somebody for whom the actor acted.
    pub fn on_behalf_of(mut self, principal: Actor) -> Self {
        self.0.on_behalf_of.push(principal);
        self
    }

    /// Adds something or somebody that it was done to.
    pub fn object(mut self, name: impl Into<String>) -> Self {
        self.0.objects.push(name.into().into_boxed_str());
        self
    }

    /// Keeps what else the source said.
    pub fn details(mut self, text: impl Into<String>) -> Self {
        self.0.details = Some(text.into().into_boxed_str());
        self
    }

    /// The activity, if it is within the limits.
    ///
    /// # Errors
    /// [`ActivityError`] names what there is too much of.
    pub fn build(self) -> Result<Activity, ActivityError> {
        let activity = self.0;
        at_most("objects", activity.objects.len(), Activity::MAX_OBJECTS)?;
        at_most("principals acted for", activity.on_behalf_of.len(), Activity::MAX_ON_BEHALF_OF)?;
        for principal in activity.principals() {
            at_most("identities of one actor", principal.identities().len(), Actor::MAX_IDENTITIES)?;
        }
        for object in &activity.objects {
            at_most("bytes in the name of an object", object.len(), Activity::MAX_OBJECT_BYTES)?;
        }
        at_most("bytes of details", activity.details().map_or(0, str::len), Activity::MAX_DETAILS_BYTES)?;
        Ok(activity)
    }
}

/// The same time as a count from the epoch tells it, in which a leap second is the second after it. Whoever orders
/// times by that count, as cursors and databases do, then orders them as everybody else.
pub(crate) fn without_leap_second(time: DateTime<Utc>) -> DateTime<Utc> {
    let part = TimeDelta::nanoseconds(time.timestamp_subsec_nanos().into());
    DateTime::from_timestamp(time.timestamp(), 0).and_then(|whole| whole.checked_add_signed(part)).unwrap_or(time)
}

fn at_most(what: &'static str, count: usize, max: usize) -> Result<(), ActivityError> {
    if count > max { Err(ActivityError::TooMany { what, count, max }) } else { Ok(()) }
}

impl fmt::Debug for ActivityBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivityBuilder").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
// A field that nobody reads would be a protection lost without a word: `onBehalfOf` for `on_behalf_of`.
#[serde(deny_unknown_fields)]
struct RawActivity {
    id: ActivityId,
    actor: Actor,
    #[serde(default)]
    on_behalf_of: Vec<Actor>,
    app: App,
    action: Action,
    occurred_at: DateTime<Utc>,
    #[serde(default)]
    objects: Vec<Box<str>>,
    #[serde(default)]
    details: Option<Box<str>>,
}

impl<'de> Deserialize<'de> for Activity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawActivity::deserialize(deserializer)
            .map_err(|error| de::Error::custom(without_values(&error.to_string())))?;
        raw.try_into().map_err(de::Error::custom)
    }
}

impl TryFrom<RawActivity> for Activity {
    type Error = ActivityError;

    fn try_from(raw: RawActivity) -> Result<Self, ActivityError> {
        let RawActivity { id, actor, on_behalf_of, app, action, occurred_at, objects, details } = raw;
        let mut builder = Self::builder(id, actor, app, action, occurred_at);
        builder.0.on_behalf_of = on_behalf_of;
        builder.0.objects = objects;
        builder.0.details = details;
        builder.build()
    }
}

/// The app in which something was done, and the suite that the app belongs to, if any.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct App {
    name: AppName,
    #[serde(skip_serializing_if = "Option::is_none")]
    suite: Option<AppName>,
}

#[derive(Deserialize)]
#[serde(remote = "App", deny_unknown_fields)]
struct AppDocument {
    name: AppName,
    #[serde(default)]
    suite: Option<AppName>,
}

deserialize_silently!(App, AppDocument);

impl App {
    /// An app that belongs to no suite.
    #[must_use]
    pub fn new(name: AppName) -> Self {
        Self { name, suite: None }
    }

    /// The same app, as part of a suite.
    #[must_use]
    pub fn in_suite(self, suite: AppName) -> Self {
        Self { suite: Some(suite), ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &AppName {
        &self.name
    }

    /// The suite that it belongs to.
    #[must_use]
    pub fn suite(&self) -> Option<&AppName> {
        self.suite.as_ref()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
