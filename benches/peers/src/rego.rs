//! Regorus, an engine for Rego. The policy is compiled once for its virtual machine, which is more than twice as fast
//! as its interpreter here. The data contains an array of groups per user, with nesting resolved in advance because a
//! graph traversal in Rego would cost more, and the private groups as keys of an object.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine as Rego, Value};

use crate::contender::{Decide, one_by_one};
use crate::engine::Engine;
use crate::organisation::{LARGE, Organisation, group_id, upn};

pub(crate) struct Regorus {
    groups: Value,
    machine: RefCell<RegoVM>,
}

const POLICY: &str = "
    package privacy
    default hidden := false
    hidden if {
        some group in data.groups[input.actor]
        data.private[group]
    }
";

fn object(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    let entries: BTreeMap<Value, Value> = entries.into_iter().collect();
    Value::from(entries)
}

fn machine(groups: &Value, private: impl Iterator<Item = u32>) -> RefCell<RegoVM> {
    const RULE: &str = "data.privacy.hidden";
    let private = object(private.map(|group| (Value::from(group_id(group)), Value::from(true))));
    let data = object([("groups".into(), groups.clone()), ("private".into(), private)]);
    let mut rego = Rego::new();
    rego.add_policy("privacy.rego".to_owned(), POLICY.to_owned()).unwrap();
    let policy = rego.compile_with_entrypoint(&Arc::from(RULE)).unwrap();
    let mut machine = RegoVM::new();
    machine.load_program(Compiler::compile_from_policy(&policy, &[RULE]).unwrap());
    machine.set_data(data).unwrap();
    RefCell::new(machine)
}

impl Engine for Regorus {
    const NAME: &'static str = "regorus, compiled";

    fn load(organisation: &Organisation) -> Self {
        let names: Vec<Value> = Organisation::groups().map(|group| group_id(group).into()).collect();
        let groups = object((0..organisation.users).map(|user| {
            let groups = organisation.all_groups_of(user);
            let groups: Vec<Value> = groups.into_iter().map(|group| names[group as usize].clone()).collect();
            (Value::from(upn(user)), Value::from(groups))
        }));
        let machine = machine(&groups, organisation.private_groups());
        Self { groups, machine }
    }

    fn decide(&self) -> Decide<'_> {
        let key = Value::from("actor");
        Box::new(move |block| {
            let mut machine = self.machine.borrow_mut();
            one_by_one(block.raw().into_iter(), |actor| {
                let input = object([(key.clone(), Value::from(actor.to_lowercase()))]);
                machine.set_input(input);
                black_box(machine.execute()).unwrap() == Value::from(true)
            })
        })
    }

    /// Compiles the policy again, over the same groups of all users.
    fn publish(&mut self, organisation: &Organisation) -> f64 {
        let start = Instant::now();
        self.machine = machine(&self.groups, organisation.private_groups().chain([LARGE]));
        start.elapsed().as_secs_f64()
    }
}
