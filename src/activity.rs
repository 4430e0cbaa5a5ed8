//! Activities. An activity is one thing that an actor did in an app at a certain time.

mod actor;

use std::fmt;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

pub use self::actor::{Actor, ActorKind, ActorName};
use crate::json::canonical;
use crate::text::{checked_text, deserialize_without_quoting, read_document};

checked_text! {
    /// The id that the source gave to an activity. Delivering the same id again never changes the
    /// stored activity.
    ///
    /// `Debug` does not show it, because even the id of a private activity may be private.
    ActivityId, "activity id", max 512, redacted
}

checked_text! {
    /// The name of an app or of a suite of apps, compared byte for byte.
    AppName, "app name", max 256, shown
}

checked_text! {
    /// The action as the source names it, for example `FileAccessed`.
    Action, "action", max 256, redacted, truncatable
}

/// One thing that an actor did in an app at a certain time.
///
/// [`Activity::builder`] builds one and checks its limits. Times have microsecond precision; a leap second is stored as
/// the second after it. `Debug` shows no field, so that no log line reveals a private activity. Deserialization errors
/// do not quote the input.
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

/// The error of an activity that exceeds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ActivityError {
    /// A count or size exceeds its limit.
    #[error("{count} {what}, expected at most {max}")]
    OverLimit {
        /// The things that are counted, for example "objects" or "bytes of details".
        what: &'static str,
        /// The count.
        count: usize,
        /// The limit.
        max: usize,
    },
}

/// The most values in details that are compared as JSON.
const MAX_VALUES: usize = 100_000;

impl Activity {
    /// The maximum number of objects.
    pub const MAX_OBJECTS: usize = 1_000;
    /// The maximum length of an object's name in bytes.
    pub const MAX_OBJECT_BYTES: usize = 8 * 1024;
    /// The maximum number of principals on whose behalf the actor acted.
    pub const MAX_ON_BEHALF_OF: usize = 8;
    /// The maximum length of the details in bytes.
    pub const MAX_DETAILS_BYTES: usize = 4 * 1024 * 1024;

    /// Returns a builder with the fields that every activity has.
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
            occurred_at: normalised(occurred_at),
            objects: Vec::new(),
            details: None,
        })
    }

    /// Returns the id that the source gave to the activity.
    #[must_use]
    pub fn id(&self) -> &ActivityId {
        &self.id
    }

    /// Returns the actor.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns the principals on whose behalf the actor acted, for example with a delegated mailbox or by
    /// impersonation.
    #[must_use]
    pub fn on_behalf_of(&self) -> &[Actor] {
        &self.on_behalf_of
    }

    /// Returns the actor and the principals on whose behalf it acted.
    pub fn principals(&self) -> impl Iterator<Item = &Actor> {
        std::iter::once(&self.actor).chain(&self.on_behalf_of)
    }

    /// Returns the app in which the action was done.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Returns the action.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Returns the time of the action by the clock of the source, to the microsecond.
    #[must_use]
    pub fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// Returns the names of the objects on which the action was done.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = &str> {
        self.objects.iter().map(|object| &**object)
    }

    /// Returns whether another activity has the same content, so that a second delivery of the id is a duplicate and no
    /// conflict. Details that are JSON are compared without regard to their layout; see [`is_same_details`].
    #[must_use]
    pub fn is_same_content(&self, other: &Self) -> bool {
        let Self { id, actor, on_behalf_of, app, action, occurred_at, objects, details } = self;
        let is_same_details = match (details, &other.details) {
            (Some(details), Some(other)) => is_same_details(details, other),
            (details, other) => details == other,
        };
        is_same_details
            && *id == other.id
            && *actor == other.actor
            && *on_behalf_of == other.on_behalf_of
            && *app == other.app
            && *action == other.action
            && *occurred_at == other.occurred_at
            && *objects == other.objects
    }

    /// Returns the other details that the source gave, unchanged.
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        self.details.as_deref()
    }
}

/// Returns whether two details are the same: equal texts, or JSON objects that differ only in white space, the order of
/// members, escapes and the notation of numbers.
///
/// For a store that compares columns. It compares JSON by a canonical form after [RFC 8785], in which a number that a
/// double does not represent exactly keeps its text. Takes time only for texts that are not equal.
///
/// ```
/// use activity_privacy::activity::is_same_details;
///
/// assert!(is_same_details(r#"{"a": 1, "b": "\u00e9"}"#, r#"{"b":"é","a":1.0}"#));
/// assert!(!is_same_details(r#"{"a": 1}"#, r#"{"a": 2}"#));
/// assert!(!is_same_details("a: 1", "a:  1"));
/// ```
///
/// [RFC 8785]: https://www.rfc-editor.org/rfc/rfc8785.html
#[must_use]
pub fn is_same_details(one: &str, other: &str) -> bool {
    let canonical =
        |text: &str| text.trim_ascii_start().starts_with('{').then(|| canonical(text, MAX_VALUES)).flatten();
    one == other || canonical(one).is_some_and(|one| canonical(other) == Some(one))
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activity").finish_non_exhaustive()
    }
}

/// A builder of an [`Activity`].
#[must_use]
pub struct ActivityBuilder(Activity);

impl ActivityBuilder {
    /// Adds a principal on whose behalf the actor acted.
    pub fn on_behalf_of(mut self, principal: Actor) -> Self {
        self.0.on_behalf_of.push(principal);
        self
    }

    /// Adds the name of an object: a thing or a person on which the action was done.
    pub fn object(mut self, name: impl Into<String>) -> Self {
        self.0.objects.push(name.into().into_boxed_str());
        self
    }

    /// Sets the other details that the source gave.
    pub fn details(mut self, text: impl Into<String>) -> Self {
        self.0.details = Some(text.into().into_boxed_str());
        self
    }

    /// Returns the activity if it is within the limits.
    ///
    /// # Errors
    /// Returns [`ActivityError`] with the limit that was exceeded.
    pub fn build(self) -> Result<Activity, ActivityError> {
        let activity = self.0;
        check_limit("objects", activity.objects.len(), Activity::MAX_OBJECTS)?;
        check_limit("on-behalf-of principals", activity.on_behalf_of.len(), Activity::MAX_ON_BEHALF_OF)?;
        for principal in activity.principals() {
            check_limit("identities of one actor", principal.identities().len(), Actor::MAX_IDENTITIES)?;
        }
        for object in &activity.objects {
            check_limit("bytes in the name of an object", object.len(), Activity::MAX_OBJECT_BYTES)?;
        }
        check_limit("bytes of details", activity.details().map_or(0, str::len), Activity::MAX_DETAILS_BYTES)?;
        Ok(activity)
    }
}

/// Returns the time in microsecond precision, without a leap second.
fn normalised(time: DateTime<Utc>) -> DateTime<Utc> {
    without_leap_second(time).trunc_subsecs(6)
}

/// Replaces a leap second by the second after it. Cursors and databases order times by a count since the epoch, which
/// has no leap seconds.
pub(crate) fn without_leap_second(time: DateTime<Utc>) -> DateTime<Utc> {
    let part = TimeDelta::nanoseconds(time.timestamp_subsec_nanos().into());
    // Fails only within a second of the latest time, which then stays as it is.
    DateTime::from_timestamp(time.timestamp(), 0).and_then(|whole| whole.checked_add_signed(part)).unwrap_or(time)
}

fn check_limit(what: &'static str, count: usize, max: usize) -> Result<(), ActivityError> {
    if count > max { Err(ActivityError::OverLimit { what, count, max }) } else { Ok(()) }
}

impl fmt::Debug for ActivityBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivityBuilder").finish_non_exhaustive()
    }
}

/// The serde form of an activity. It goes through the builder, which checks the limits.
#[derive(Deserialize)]
// If unknown fields were ignored, a misspelt one, such as `onBehalfOf` for `on_behalf_of`, would silently cost a person
// their protection.
#[serde(deny_unknown_fields)]
struct ActivityDocument {
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
        read_document(deserializer, ActivityDocument::deserialize)?.try_into().map_err(de::Error::custom)
    }
}

impl TryFrom<ActivityDocument> for Activity {
    type Error = ActivityError;

    fn try_from(raw: ActivityDocument) -> Result<Self, ActivityError> {
        let ActivityDocument { id, actor, on_behalf_of, app, action, occurred_at, objects, details } = raw;
        let mut builder = Self::builder(id, actor, app, action, occurred_at);
        builder.0.on_behalf_of = on_behalf_of;
        builder.0.objects = objects;
        builder.0.details = details;
        builder.build()
    }
}

/// The app in which an action was done, and the suite to which the app belongs, if any.
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

deserialize_without_quoting!(App, AppDocument);

impl App {
    /// Returns an app without a suite.
    #[must_use]
    pub fn new(name: AppName) -> Self {
        Self { name, suite: None }
    }

    /// Returns the app as part of a suite.
    #[must_use]
    pub fn in_suite(self, suite: AppName) -> Self {
        Self { suite: Some(suite), ..self }
    }

    /// Returns the name of the app.
    #[must_use]
    pub fn name(&self) -> &AppName {
        &self.name
    }

    /// Returns the suite to which the app belongs, if any.
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
