//! Who did something.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::{Alias, Identity, name_key};
use crate::text::{checked_text, deserialize_silently};

checked_text! {
    /// The name of an application or a system account.
    ActorName, "actor name", max 512, redacted
}

/// What kind of principal acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// An application or service principal: a member of the built-in group of applications.
    Application,
    /// The platform itself.
    System,
    /// The source does not say. Such an activity is hidden.
    Unknown,
}

/// Who did something, by every identity under which the source knows them.
///
/// An identity protects wherever it stands: an application's activity that also names a protected user is that
/// user's. `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    kind: ActorKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<ActorName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identities: Vec<Identity>,
}

#[derive(Deserialize)]
#[serde(remote = "Actor", deny_unknown_fields)]
struct ActorDocument {
    kind: ActorKind,
    #[serde(default)]
    name: Option<ActorName>,
    #[serde(default)]
    identities: Vec<Identity>,
}

deserialize_silently!(Actor, ActorDocument);

impl Actor {
    /// The most identities that one actor may carry.
    pub const MAX_IDENTITIES: usize = 32;

    /// A person, known by an id or an alias. Say the sign-in name first: it is what a user interface shows.
    pub fn user(identity: impl Into<Identity>) -> Self {
        Self { kind: ActorKind::User, name: None, identities: vec![identity.into()] }
    }

    /// An application or service principal.
    #[must_use]
    pub fn application(name: ActorName) -> Self {
        Self { kind: ActorKind::Application, name: Some(name), identities: Vec::new() }
    }

    /// A system account.
    #[must_use]
    pub fn system(name: ActorName) -> Self {
        Self { kind: ActorKind::System, name: Some(name), identities: Vec::new() }
    }

    /// Nobody that the source would name.
    #[must_use]
    pub fn unknown() -> Self {
        Self { kind: ActorKind::Unknown, name: None, identities: Vec::new() }
    }

    /// The same actor, known by one more identity.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Identity>) -> Self {
        let identity = identity.into();
        if !self.identities.contains(&identity) {
            self.identities.push(identity);
        }
        self
    }

    /// What kind of principal this is.
    #[must_use]
    pub fn kind(&self) -> ActorKind {
        self.kind
    }

    /// The name of an application or a system account.
    #[must_use]
    pub fn name(&self) -> Option<&ActorName> {
        self.name.as_ref()
    }

    /// Every identity under which the source knows this actor.
    #[must_use]
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// What a user interface shows: the name, else the first alias, else the first id, else `unknown`.
    #[must_use]
    pub fn label(&self) -> &str {
        let aliases = self.aliases().map(Alias::as_str);
        let ids = self.identities.iter().filter_map(|identity| match identity {
            Identity::Id(id) => Some(id.as_str()),
            Identity::Alias(_) => None,
        });
        self.name.iter().map(ActorName::as_str).chain(aliases).chain(ids).next().unwrap_or("unknown")
    }

    /// The [label](Self::label) in the form in which it is compared, so that one actor counts as one.
    pub(crate) fn folded_label(&self) -> String {
        match (&self.name, self.aliases().next(), self.identities.first()) {
            (Some(name), _, _) => name_key(name.as_str()),
            (None, Some(alias), _) => alias.key().replace('\u{1f}', ": "),
            (None, None, Some(_)) => self.label().to_owned(),
            (None, None, None) => "unknown".to_owned(),
        }
    }

    pub(crate) fn aliases(&self) -> impl Iterator<Item = &Alias> {
        self.identities.iter().filter_map(|identity| match identity {
            Identity::Alias(alias) => Some(alias),
            Identity::Id(_) => None,
        })
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor").field("kind", &self.kind).finish_non_exhaustive()
    }
}
