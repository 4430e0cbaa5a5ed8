//! Casbin. Users and groups are roles with links between them. The private groups are linked to one additional role, so
//! that a decision evaluates one rule instead of fifty. Links are added to the role manager directly, because reading
//! them as rules would store them twice.
//!
//! A decision on an unknown user scans all users; every actor of this benchmark is known.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use casbin::{CoreApi, DefaultModel, DefaultRoleManager, Enforcer, MemoryAdapter, MgmtApi, RoleManager};
use parking_lot::RwLock;

use crate::contender::{Decide, one_by_one};
use crate::engine::Engine;
use crate::organisation::{LARGE, Organisation, group_id, upn};

pub(crate) struct Casbin {
    enforcer: Enforcer,
    roles: Arc<RwLock<DefaultRoleManager>>,
}

const MODEL: &str = "
[request_definition]
r = sub, act

[policy_definition]
p = sub, act

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.act == p.act && g(r.sub, p.sub)
";

/// The role to which the private groups are linked.
const PRIVATE: &str = "private";

impl Engine for Casbin {
    const NAME: &'static str = "casbin, one rule";

    fn load(organisation: &Organisation) -> Self {
        let mut roles = DefaultRoleManager::new(10);
        let names: Vec<String> = Organisation::groups().map(group_id).collect();
        for (parent, child) in Organisation::nestings() {
            roles.add_link(&names[child as usize], &names[parent as usize], None);
        }
        for group in organisation.private_groups() {
            roles.add_link(&names[group as usize], PRIVATE, None);
        }
        for user in 0..organisation.users {
            let upn = upn(user);
            for group in organisation.groups_of(user) {
                roles.add_link(&upn, &names[group as usize], None);
            }
        }
        let roles = Arc::new(RwLock::new(roles));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let enforcer = runtime.block_on(async {
            let model = DefaultModel::from_str(MODEL).await.unwrap();
            let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.unwrap();
            enforcer.enable_auto_build_role_links(false);
            enforcer.add_policy(vec![PRIVATE.to_owned(), "hide".to_owned()]).await.unwrap();
            enforcer.set_role_manager(Arc::<RwLock<DefaultRoleManager>>::clone(&roles)).unwrap();
            enforcer
        });
        Self { enforcer, roles }
    }

    fn decide(&self) -> Decide<'_> {
        Box::new(move |block| {
            one_by_one(block.raw().into_iter(), |actor| {
                black_box(self.enforcer.enforce((actor.to_lowercase(), "hide"))).unwrap()
            })
        })
    }

    /// Adds one link.
    fn publish(&mut self, _: &Organisation) -> f64 {
        let start = Instant::now();
        self.roles.write().add_link(&group_id(LARGE), PRIVATE, None);
        start.elapsed().as_secs_f64()
    }
}
