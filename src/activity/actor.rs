//! Actors: the principals that perform activities.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::identity::{Alias, Identity, name_key};
use crate::text::{checked_text, read_document, words};

checked_text! {
    /// The name of an application or a system account.
    ActorName, "actor name", max 512, redacted, truncatable
}

/// The kind of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// An application or service principal: a member of the built-in group of applications.
    Application,
    /// The platform itself.
    System,
    /// The source does not name the actor. Such an activity is undecidable, and private by default.
    Unknown,
}

words!(ActorKind, "actor kind": User = "user", Application = "application", System = "system", Unknown = "unknown");

/// A principal that performs activities, with every identity under which the source knows it.
///
/// Every identity protects, whatever the kind: an activity of an application that also names a protected user is
/// private. `Debug` shows only the kind.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    kind: ActorKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<ActorName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identities: Vec<Identity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an actor")]
struct ActorDocument {
    kind: ActorKind,
    #[serde(default)]
    name: Option<ActorName>,
    #[serde(default)]
    identities: Vec<Identity>,
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ActorDocument { kind, name, identities } = read_document(deserializer, ActorDocument::deserialize)?;
        // It could not be distinguished from an actor that the source does not name, which is undecidable.
        let is_unnamed = name.is_none() && identities.is_empty();
        if is_unnamed && matches!(kind, ActorKind::Application | ActorKind::System) {
            return Err(de::Error::custom(
                "an application or a system account has no name and no identity; use the kind `unknown`",
            ));
        }
        Ok(Self { kind, name, identities })
    }
}

impl Actor {
    /// The maximum number of identities of one actor.
    pub const MAX_IDENTITIES: usize = 32;

    /// Returns a person with an id or an alias. Pass the sign-in name first: user interfaces show it.
    pub fn user(identity: impl Into<Identity>) -> Self {
        Self { kind: ActorKind::User, name: None, identities: vec![identity.into()] }
    }

    /// Returns an application or service principal.
    #[must_use]
    pub fn application(name: ActorName) -> Self {
        Self { kind: ActorKind::Application, name: Some(name), identities: Vec::new() }
    }

    /// Returns a system account.
    #[must_use]
    pub fn system(name: ActorName) -> Self {
        Self { kind: ActorKind::System, name: Some(name), identities: Vec::new() }
    }

    /// Returns an actor that the source does not name.
    #[must_use]
    pub fn unknown() -> Self {
        Self { kind: ActorKind::Unknown, name: None, identities: Vec::new() }
    }

    /// Returns the actor with one more identity.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Identity>) -> Self {
        let identity = identity.into();
        if !self.identities.contains(&identity) {
            self.identities.push(identity);
        }
        self
    }

    /// Returns a person with these distinct identities, or `None` if there are none.
    #[cfg_attr(
        not(any(feature = "m365", feature = "mapped")),
        expect(dead_code, reason = "only readers of records have lists of identities")
    )]
    pub(crate) fn user_with(identities: Vec<Identity>) -> Option<Self> {
        (!identities.is_empty()).then_some(Self { kind: ActorKind::User, name: None, identities })
    }

    /// Returns the actor with more identities, which are distinct.
    #[cfg_attr(
        not(any(feature = "m365", feature = "mapped")),
        expect(dead_code, reason = "only readers of records have lists of identities")
    )]
    pub(crate) fn with_identities(self, identities: Vec<Identity>) -> Self {
        match self.identities.is_empty() {
            true => Self { identities, ..self },
            false => identities.into_iter().fold(self, Self::with_identity),
        }
    }

    /// Returns the kind of principal.
    #[must_use]
    pub fn kind(&self) -> ActorKind {
        self.kind
    }

    /// Returns the name of an application or a system account.
    #[must_use]
    pub fn name(&self) -> Option<&ActorName> {
        self.name.as_ref()
    }

    /// Returns every identity under which the source knows the actor.
    #[must_use]
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// Returns the text that a user interface shows: the name, else the first alias, else the first id, else `unknown`.
    #[must_use]
    pub fn label(&self) -> &str {
        let aliases = self.aliases().map(Alias::as_str);
        let ids = self.identities.iter().filter_map(|identity| match identity {
            Identity::Id(id) => Some(id.as_str()),
            Identity::Alias(_) => None,
        });
        self.name.iter().map(ActorName::as_str).chain(aliases).chain(ids).next().unwrap_or("unknown")
    }

    /// Returns the [label](Self::label) in the form in which it is compared, so that one actor has one count.
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
