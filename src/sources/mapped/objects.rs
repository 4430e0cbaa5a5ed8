//! The objects of an activity: the texts at the places of the map, and every other identity in any field.

use super::map::Rules;
use super::node::Node;
use super::principals::Principals;
use crate::activity::Actor;
use crate::sources::objects::Objects;
use crate::sources::texts::Texts;

/// Returns the objects of a record.
///
/// If there are more than an activity can contain, adds an unknown principal, so that the activity is hidden.
pub(super) fn objects(rules: &Rules, record: Node<'_>, texts: &Texts<'_>, principals: &mut Principals) -> Vec<String> {
    let mut objects = Objects::default();
    for place in &rules.objects {
        place.for_each_name(record, &mut |text| objects.add(text));
    }
    objects.add_identities_in(texts, |_| false, |identity| principals.include(identity));
    let (names, is_truncated) = objects.into_names();
    if is_truncated {
        principals.push(Actor::unknown());
    }
    names
}
