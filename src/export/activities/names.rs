//! The names of a principal, for formats that have few fields for them.

use crate::activity::Actor;
use crate::identity::{Alias, Identity};

/// The names of a principal: at most one of each kind.
pub(in crate::export) struct Names<'a> {
    /// The text that a user interface shows.
    pub(in crate::export) label: &'a str,
    /// The first id.
    pub(in crate::export) id: Option<&'a str>,
    /// The first alias that is an address of ASCII letters, digits and `.!#$%&'*+/=?^_{|}~-`, with a plain domain.
    pub(in crate::export) address: Option<&'a str>,
}

impl<'a> Names<'a> {
    pub(in crate::export) fn of(actor: &'a Actor) -> Self {
        let id = actor.identities().iter().find_map(|identity| match identity {
            Identity::Id(id) => Some(id.as_str()),
            Identity::Alias(_) => None,
        });
        let is_simple = |c: u8| c.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_{|}~-@".contains(&c);
        let mut addresses = actor.aliases().filter(|alias| alias.is_plain_address()).map(Alias::as_str);
        Self {
            label: actor.label(),
            id,
            address: addresses.find(|text| text.bytes().all(is_simple) && text.matches('@').count() == 1),
        }
    }

    /// Returns every name and id of the principals, each once, in order.
    pub(in crate::export) fn all<'b>(principals: impl Iterator<Item = &'b Actor>) -> Vec<&'b str> {
        let mut all = Vec::new();
        for principal in principals {
            let names = principal.name().map(crate::activity::ActorName::as_str).into_iter();
            let identities = principal.identities().iter().map(|identity| match identity {
                Identity::Id(id) => id.as_str(),
                Identity::Alias(alias) => alias.as_str(),
            });
            for name in names.chain(identities) {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        }
        all
    }
}
