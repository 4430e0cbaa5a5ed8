//! Full `Debug` output of generated values, so that a failure can be understood. Generated values are not confidential.

use std::fmt::{self, Debug, Formatter};

use super::histories::Step;
use super::imports::ImportedDirectory;
use crate::activity::{Activity, Actor};
use crate::directory::User;
use crate::identity::{Alias, Identity};
use crate::policy::PolicyChange;

fn alias(alias: &Alias) -> String {
    alias.app().map_or_else(|| alias.as_str().to_owned(), |app| format!("{app}: {}", alias.as_str()))
}

fn identity(identity: &Identity) -> String {
    match identity {
        Identity::Id(id) => format!("id {}", id.as_str()),
        Identity::Alias(name) => alias(name),
    }
}

fn actor(actor: &Actor) -> String {
    let name = actor.name().map_or("", |name| name.as_str());
    format!("{:?} {name}{:?}", actor.kind(), actor.identities().iter().map(identity).collect::<Vec<_>>())
}

fn activity(activity: &Activity) -> String {
    let on_behalf_of: Vec<_> = activity.on_behalf_of().iter().map(actor).collect();
    let suite = activity.app().suite().map_or("", |suite| suite.as_str());
    format!(
        "{:?}: {} for {on_behalf_of:?} in {}/{suite} {} at {} to {:?}",
        activity.id().as_str(),
        actor(activity.actor()),
        activity.app().name().as_str(),
        activity.action().as_str(),
        activity.occurred_at(),
        activity.objects().collect::<Vec<_>>(),
    )
}

fn user(user: &User) -> String {
    let aliases: Vec<_> = user.aliases().iter().map(alias).collect();
    format!("{} {aliases:?} home {:?} {:?}", user.id().as_str(), user.stated_home_domain(), user.status())
}

fn change(change: &PolicyChange) -> String {
    match change {
        PolicyChange::SetAdmin(user, role) => format!("SetAdmin({}, {role:?})", user.as_str()),
        PolicyChange::RemoveAdmin(user) => format!("RemoveAdmin({})", user.as_str()),
        PolicyChange::Grant(name) => format!("Grant({})", alias(name)),
        PolicyChange::Revoke(whom) => format!("Revoke({})", identity(whom)),
        other => format!("{other:?}"),
    }
}

impl Debug for ImportedDirectory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { users, groups, members, nested } = self;
        let names: Vec<_> = groups.iter().map(|group| group.as_str()).collect();
        let members: Vec<_> = members.iter().map(|(group, user)| (group.as_str(), user.as_str())).collect();
        let nested: Vec<_> = nested.iter().map(|(group, child)| (group.as_str(), child.as_str())).collect();
        f.debug_struct("ImportedDirectory")
            .field("users", &users.iter().map(user).collect::<Vec<_>>())
            .field("groups", &names)
            .field("members", &members)
            .field("nested", &nested)
            .finish()
    }
}

impl Debug for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import { import, reconcile } => write!(f, "Import(reconcile: {reconcile}, {import:?})"),
            Self::CatchUp => f.write_str("CatchUp"),
            Self::Reconcile(node) => write!(f, "Reconcile({node:?})"),
            Self::Outage { at, failing } => write!(f, "Outage({at:?}, {failing})"),
            Self::Change { at, by, update } => {
                let changes: Vec<_> = update.changes().iter().map(change).collect();
                write!(f, "Change({at:?}, by {}, made for {:?}, {changes:?})", by.as_str(), update.expected())
            }
            Self::Deliver { at, batch } => {
                write!(f, "Deliver({at:?}, {:#?})", batch.iter().map(activity).collect::<Vec<_>>())
            }
            Self::DeliverAgain { at, batch } => write!(f, "DeliverAgain({at:?}, {batch})"),
            Self::Advance { seconds } => write!(f, "Advance({seconds})"),
            Self::Restart { at, loaded } => write!(f, "Restart({at:?}, loaded: {loaded})"),
            Self::Page { at, viewer, search, size, cursor } => {
                write!(f, "Page({at:?}, {}, {search:?}, {size}, {cursor:?})", viewer.as_str())
            }
            Self::Count { at, search, by } => write!(f, "Count({at:?}, {search:?}, {by:?})"),
            Self::LookUp { at, id } => write!(f, "LookUp({at:?}, {:?})", id.as_str()),
            Self::Open { at, viewer, search, lifetime, private_only, justification } => {
                let viewer = viewer.as_str();
                write!(
                    f,
                    "Open({at:?}, {viewer}, {search:?}, {lifetime:?}, private only: {private_only}, {justification:?})"
                )
            }
            Self::RevealPage { reveal, size, cursor } => write!(f, "RevealPage({reveal}, {size}, {cursor:?})"),
            Self::Export { reveal, private_rows } => write!(f, "Export({reveal}, {private_rows})"),
            Self::Close { reveal } => write!(f, "Close({reveal})"),
            Self::Governance { at, reader, query, after, size } => {
                let target = &query.target;
                let initiator = query.initiator.as_ref().map(|user| user.as_str());
                write!(
                    f,
                    "Governance({at:?}, {}, {query:?}, {target:?} by {initiator:?}, {after}, {size})",
                    reader.as_str()
                )
            }
            Self::Forward { at, replay, size } => write!(f, "Forward({at:?}, replay: {replay}, {size})"),
            Self::Erase { at, by, subject } => {
                let subject: Vec<_> = subject.identities().iter().map(identity).collect();
                write!(f, "Erase({at:?}, by {}, {subject:?})", by.as_str())
            }
            Self::Retain { at } => write!(f, "Retain({at:?})"),
            Self::Initialize { at, administrator } => write!(f, "Initialize({at:?}, {})", administrator.as_str()),
        }
    }
}
