//! The objects of an activity: the things and people that it affected.

use std::collections::HashSet;

use super::field_texts::visit_texts;
use super::map::Rules;
use super::node::Node;
use super::principals::Principals;
use crate::activity::{Activity, Actor};
use crate::identity::{Alias, DRIVE_OF, Identity};
use crate::json::DocumentValue;
use crate::sources::identity::Identities;
use crate::sources::identity::addresses::onedrive_owners;

/// Returns the objects of a record: the texts at the places of the map, and every other identity in any field.
///
/// If there are more than an activity can contain, adds an unknown principal, so that the activity is hidden.
pub(super) fn objects(
    rules: &Rules,
    record: Node<'_>,
    root: DocumentValue<'_>,
    principals: &mut Principals,
) -> Vec<String> {
    let mut objects = Objects::default();
    for place in &rules.objects {
        place.for_each_name(record, &mut |text| objects.add(text.to_owned()));
    }
    let mut is_truncated = false;
    let is_complete = visit_texts(root, &mut |text| {
        let mut named = Identities::of_many();
        text.add_to(&mut named);
        is_truncated |= named.exceed_limit();
        let others = named.iter().filter(|identity| !principals.include(identity));
        others.filter_map(object_name).for_each(|name| objects.add(name));
        if text.may_contain_drive() {
            onedrive_owners(text.text).iter().for_each(|owner| objects.add(format!("{DRIVE_OF}{owner}")));
        }
    });
    if objects.names.len() > Activity::MAX_OBJECTS || is_truncated || !is_complete {
        objects.names.truncate(Activity::MAX_OBJECTS);
        principals.push(Actor::unknown());
    }
    objects.names
}

/// Returns the name of an identity as an object.
fn object_name(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Id(id) => Some(id.as_str().to_owned()),
        // A key of the source has no meaning outside of it.
        Identity::Alias(alias) if alias.app() == Some(Alias::SOURCE_KEYS) => None,
        Identity::Alias(alias) => Some(alias.as_str().to_owned()),
    }
}

/// The distinct objects of one activity, in the order of the record.
#[derive(Default)]
struct Objects {
    names: Vec<String>,
    seen: HashSet<String>,
}

impl Objects {
    fn add(&mut self, name: String) {
        // INVARIANT: at most one more than an activity can contain, which shows that some are left out.
        let is_full = self.names.len() > Activity::MAX_OBJECTS;
        if !is_full && !name.trim().is_empty() && name.len() <= Activity::MAX_OBJECT_BYTES && !self.seen.contains(&name)
        {
            self.seen.insert(name.clone());
            self.names.push(name);
        }
    }
}
