//! The rules by which principals are found in a record.

use super::MapError;
use super::condition::Condition;
use super::document::{NameDocument, RuleDocument};
use super::error::Path;
use super::form::IdentityPlace;
use super::node::Node;
use super::place::{Place, PlaceParser};
use super::text_source::TextSource;
use crate::activity::{Actor, ActorKind, ActorName};
use crate::identity::Identity;
use crate::sources::identity::Identities;

/// A rule that finds principals of one kind.
pub(super) struct Rule {
    when: Box<[Condition]>,
    /// The parts of the record that are one principal each. Without it, the record is one.
    each: Option<Place>,
    /// The conditions on such a part.
    each_where: Box<[Condition]>,
    kind: ActorKind,
    /// The name of an application or system account.
    name: Box<[TextSource]>,
    /// Where the identities are, or `None` for a principal that is unknown whatever the record contains.
    identities: Option<Box<[IdentityPlace]>>,
}

/// A principal that a rule found.
pub(super) struct Principal {
    pub(super) actor: Actor,
    /// Whether the record has more identities than the principal can contain, or one that is no valid name.
    pub(super) is_incomplete: bool,
}

impl Rule {
    /// Parses a rule. `app` is the app of accounts.
    pub(super) fn parse(
        document: &RuleDocument,
        app: &str,
        places: &mut PlaceParser,
        path: Path<'_>,
    ) -> Result<Self, MapError> {
        let when = document.when.as_deref().unwrap_or_default();
        let when = Condition::parse_all(when, places, path.member("when"))?;
        let each = match &document.each {
            Some(each) if !each.starts_with('$') => {
                return Err(path.member("each").error("expected a JSONPath such as `$.target[*]`"));
            }
            each => each.as_deref().map(|each| places.parse(each)).transpose(),
        };
        let each = each.map_err(|fault| path.member("each").error(fault))?;
        let each_where = match &document.each_where {
            Some(_) if each.is_none() => {
                return Err(path.member("where").error("has no effect without `each`; use `when`"));
            }
            each_where => each_where.as_deref().unwrap_or_default(),
        };
        let each_where = Condition::parse_all(each_where, places, path.member("where"))?;
        let is_service = matches!(document.kind, ActorKind::Application | ActorKind::System);
        if document.name.is_some() && !is_service {
            let fault = "only an application or a system account has a name; use `identities`";
            return Err(path.member("name").error(fault));
        }
        if document.name.is_none() && document.identities.is_none() && document.kind != ActorKind::Unknown {
            return Err(path.error("expected `identities`, or `name` for an application or a system account"));
        }
        let name = match &document.name {
            None => Box::default(),
            Some(NameDocument::Texts(texts)) => TextSource::parse_all(texts, places, path.member("name"))?,
            Some(NameDocument::Text(text)) => [TextSource::parse(text, places, path.member("name"))?].into(),
        };
        let path_of_identities = path.member("identities");
        let identities = document.identities.as_ref().map(|identities| {
            let parse =
                |(index, document)| IdentityPlace::parse(document, app, places, path_of_identities.entry(index));
            identities.iter().enumerate().map(parse).collect()
        });
        Ok(Self { when, each, each_where, kind: document.kind, name, identities: identities.transpose()? })
    }

    /// Parses a list of rules.
    pub(super) fn parse_all(
        documents: &[RuleDocument],
        app: &str,
        places: &mut PlaceParser,
        path: Path<'_>,
    ) -> Result<Box<[Self]>, MapError> {
        documents.iter().enumerate().map(|(index, rule)| Self::parse(rule, app, places, path.entry(index))).collect()
    }

    /// Calls `visit` with each principal that the rule finds in a record. There is none if a condition does not hold, or
    /// if the record has neither a name nor an identity.
    pub(super) fn for_each(&self, record: Node<'_>, visit: &mut dyn FnMut(Principal)) {
        if !Condition::all_hold(&self.when, record) {
            return;
        }
        match &self.each {
            None => self.principal(record).into_iter().for_each(visit),
            Some(each) => each.for_each_node(record, &mut |node| {
                if Condition::all_hold(&self.each_where, node) {
                    self.principal(node).into_iter().for_each(&mut *visit);
                }
            }),
        }
    }

    /// Returns the principal in a part of a record, or `None` if it has neither a name nor an identity.
    fn principal(&self, node: Node<'_>) -> Option<Principal> {
        let Some(places) = &self.identities else { return self.principal_without_identities(node) };
        let mut identities = Identities::default();
        let mut is_incomplete = false;
        for place in places {
            is_incomplete |= place.add_to(&mut identities, node);
        }
        is_incomplete |= identities.truncate();
        let actor = match self.kind {
            ActorKind::Application => self.service_name(node, &identities).map(Actor::application),
            ActorKind::System => self.service_name(node, &identities).map(Actor::system),
            ActorKind::User => {
                // A name that no directory can contain is still a person.
                let user = identities.into_user().or_else(|| is_incomplete.then(Actor::unknown));
                return user.map(|actor| Principal { actor, is_incomplete });
            }
            ActorKind::Unknown => (is_incomplete || !identities.is_empty()).then(Actor::unknown),
        };
        // A service of which only an invalid identity is known.
        let actor = actor.or_else(|| is_incomplete.then(Actor::unknown))?;
        Some(Principal { actor: identities.into_actor(actor), is_incomplete })
    }

    fn principal_without_identities(&self, node: Node<'_>) -> Option<Principal> {
        let name = || self.service_name(node, &Identities::default());
        let actor = match self.kind {
            ActorKind::Application => Actor::application(name()?),
            ActorKind::System => Actor::system(name()?),
            ActorKind::User | ActorKind::Unknown => Actor::unknown(),
        };
        Some(Principal { actor, is_incomplete: false })
    }

    /// Returns the name of an application or system account: the one in the record, or else its first identity.
    fn service_name(&self, node: Node<'_>, identities: &Identities) -> Option<ActorName> {
        let named = TextSource::first(&self.name, node);
        let first = identities.iter().next().map(|identity| match identity {
            Identity::Id(id) => id.as_str(),
            Identity::Alias(alias) => alias.as_str(),
        });
        let truncated = |text: &str| ActorName::truncated(text).ok();
        named.as_deref().and_then(truncated).or_else(|| first.and_then(truncated))
    }
}
