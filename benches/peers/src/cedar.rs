//! Cedar. All entities are loaded in advance. Each user and each group is an entity whose parents are its groups; Cedar
//! computes the transitive closure at loading. The private groups have one additional parent, so that a decision
//! evaluates one policy with one name. Fifty names in a policy cost ten times as much, but are faster to publish.

use std::collections::HashSet;
use std::hint::black_box;
use std::str::FromStr;
use std::time::Instant;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
};

use crate::contender::{Decide, one_by_one};
use crate::engine::Engine;
use crate::organisation::{LARGE, Organisation, group_id, upn};

pub(crate) struct Cedar {
    authorizer: Authorizer,
    entities: Entities,
    policies: PolicySet,
    user: EntityTypeName,
    action: EntityUid,
    resource: EntityUid,
}

/// The parent of the private groups.
const PRIVATE: &str = "private";

const POLICY: &str = "permit (principal in Group::\"private\", action == Action::\"hide\", resource);";

fn uid(kind: &EntityTypeName, id: impl AsRef<str>) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

impl Engine for Cedar {
    const NAME: &'static str = "Cedar, preloaded";

    fn load(organisation: &Organisation) -> Self {
        let (user, group) = (EntityTypeName::from_str("User").unwrap(), EntityTypeName::from_str("Group").unwrap());
        let mut parents = vec![HashSet::new(); Organisation::groups().count()];
        for (parent, child) in Organisation::nestings() {
            parents[child as usize].insert(uid(&group, group_id(parent)));
        }
        for private in organisation.private_groups() {
            parents[private as usize].insert(uid(&group, PRIVATE));
        }
        let groups = Organisation::groups().zip(parents);
        let groups = groups.map(|(at, parents)| Entity::new_no_attrs(uid(&group, group_id(at)), parents));
        let users = (0..organisation.users).map(|at| {
            let parents = organisation.groups_of(at).map(|at| uid(&group, group_id(at)));
            Entity::new_no_attrs(uid(&user, upn(at)), HashSet::from(parents))
        });
        Self {
            authorizer: Authorizer::new(),
            entities: Entities::from_entities(groups.chain(users), None).unwrap(),
            policies: PolicySet::from_str(POLICY).unwrap(),
            user,
            action: EntityUid::from_str("Action::\"hide\"").unwrap(),
            resource: EntityUid::from_str("Log::\"activities\"").unwrap(),
        }
    }

    fn decide(&self) -> Decide<'_> {
        Box::new(move |block| {
            one_by_one(block.raw().into_iter(), |actor| {
                let user = uid(&self.user, actor.to_lowercase());
                let (action, resource) = (self.action.clone(), self.resource.clone());
                let request = Request::new(user, action, resource, Context::empty(), None).unwrap();
                let answer = self.authorizer.is_authorized(&request, &self.policies, &self.entities);
                black_box(answer).decision() == Decision::Allow
            })
        })
    }

    /// Adds one parent to one group; Cedar recomputes the closure.
    fn publish(&mut self, _: &Organisation) -> f64 {
        let group = EntityTypeName::from_str("Group").unwrap();
        let large = Entity::new_no_attrs(uid(&group, group_id(LARGE)), HashSet::from([uid(&group, PRIVATE)]));
        let entities = std::mem::take(&mut self.entities);
        let start = Instant::now();
        self.entities = entities.upsert_entities([large], None).unwrap();
        start.elapsed().as_secs_f64()
    }
}
