//! The principals of a record: the actor, and those on whose behalf they acted.

use super::condition::Condition;
use super::map::Rules;
use super::node::Node;
use super::rule::Principal;
use crate::activity::{Activity, Actor, ActorKind};
use crate::identity::{Alias, Identity};
use crate::sources::identity::same;
use crate::sources::report;
use crate::sources::texts::Texts;

/// The actor of a record, and the other principals.
pub(super) struct Principals {
    pub(super) actor: Actor,
    pub(super) on_behalf_of: Vec<Actor>,
}

impl Principals {
    pub(super) fn of(rules: &Rules, record: Node<'_>, texts: &Texts<'_>) -> Self {
        let mut is_incomplete = false;
        let mut found: Option<Self> = None;
        for rule in &rules.actor {
            rule.for_each(record, &mut |principal| {
                is_incomplete |= principal.is_incomplete;
                match &mut found {
                    None => found = Some(Self::of_actor(principal.actor)),
                    // The rule finds several.
                    Some(principals) => principals.add(principal.actor),
                }
            });
            if found.is_some() {
                break;
            }
        }
        let mut principals = found.unwrap_or_else(|| Self::of_actor(Actor::unknown()));
        for rule in &rules.on_behalf_of {
            rule.for_each(record, &mut |Principal { actor, is_incomplete: is_cut }| {
                is_incomplete |= is_cut;
                principals.add(actor);
            });
        }
        let is_report = || rules.reports.iter().any(|when| Condition::all_hold(when, record));
        if !principals.iter().any(|principal| principal.kind() == ActorKind::User) && is_report() {
            report::principals(texts).into_iter().for_each(|principal| principals.push(principal));
        }
        if is_incomplete {
            principals.add(Actor::unknown());
        }
        principals
    }

    fn of_actor(actor: Actor) -> Self {
        Self { actor, on_behalf_of: Vec::new() }
    }

    fn iter(&self) -> impl Iterator<Item = &Actor> {
        std::iter::once(&self.actor).chain(&self.on_behalf_of)
    }

    /// Returns whether an identity is that of a principal.
    pub(super) fn include(&self, identity: &Identity) -> bool {
        self.iter().flat_map(Actor::identities).any(|known| same(known, identity) || is_same_account(known, identity))
    }

    /// Adds a principal, unless all its identities are those of one, or all that is known of it is known of one.
    fn add(&mut self, principal: Actor) {
        let is_known = match principal.identities() {
            [] => self.iter().any(|known| *known == principal),
            identities => self.iter().any(|known| {
                identities.iter().all(|identity| known.identities().iter().any(|known| same(known, identity)))
            }),
        };
        if !is_known {
            self.push(principal);
        }
    }

    /// Adds a principal. If there are more than an activity can contain, an unknown principal replaces the last one, so
    /// that the activity is hidden.
    pub(super) fn push(&mut self, principal: Actor) {
        if self.on_behalf_of.len() < Activity::MAX_ON_BEHALF_OF {
            self.on_behalf_of.push(principal);
        } else if let Some(last) = self.on_behalf_of.last_mut() {
            *last = Actor::unknown();
        }
    }
}

/// Returns whether two identities have the same text, such as an account of an app and its name without the app.
fn is_same_account(one: &Identity, other: &Identity) -> bool {
    text(one).zip(text(other)).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
}

/// Returns the text of an identity that has a meaning outside of its source.
fn text(identity: &Identity) -> Option<&str> {
    match identity {
        Identity::Alias(alias) if alias.app() == Some(Alias::SOURCE_KEYS) => None,
        Identity::Alias(alias) => Some(alias.as_str()),
        Identity::Id(id) => Some(id.as_str()),
    }
}
