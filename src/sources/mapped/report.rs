//! Reports of a service on the actions of a person: alerts, detections.

use super::field_texts::visit_texts;
use crate::activity::{Activity, Actor};
use crate::json::DocumentValue;
use crate::sources::identity::Identities;
use crate::sources::identity::addresses::onedrive_owners;

/// Returns every principal that a report names in any field. Adds an unknown principal if there is none, or if there
/// are more than an activity can contain.
pub(super) fn principals(record: DocumentValue<'_>) -> Vec<Actor> {
    let (mut people, mut others) = (Identities::of_many(), Identities::of_many());
    let is_complete = visit_texts(record, &mut |text| {
        text.add_to_either(&mut people, &mut others);
        if text.may_contain_drive() {
            onedrive_owners(text.text).iter().for_each(|owner| others.add_embedded_addresses(owner));
        }
    });
    let names_a_person = people.have_address_or_id();
    // A technical id that the directory does not resolve is an unknown principal, whatever names are beside it.
    let technical = people.split_off_technical();
    people.extend(others);
    let principal = |part: Identities| match names_a_person {
        true => part.into_user().unwrap_or_else(Actor::unknown),
        false => part.into_actor(Actor::unknown()),
    };
    let mut principals: Vec<Actor> = people.into_parts().map(principal).collect();
    principals.extend(technical.into_iter().filter_map(Identities::into_user));
    // If identities were left out, the others are already more principals than an activity can contain.
    if principals.is_empty() || principals.len() > Activity::MAX_ON_BEHALF_OF || !is_complete {
        principals.truncate(Activity::MAX_ON_BEHALF_OF - 1);
        principals.push(Actor::unknown());
    }
    principals
}
