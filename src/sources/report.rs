//! Reports of a service on the actions of a person: alerts, matches of a rule, detections.

use super::identity::Identities;
use super::texts::{IdKind, Texts};
use crate::activity::{Activity, Actor};

/// Returns every principal that a report names in any field. Adds an unknown principal if there is none, or if there
/// are more than an activity can contain.
pub(super) fn principals(texts: &Texts<'_>) -> Vec<Actor> {
    let (mut people, mut others) = (Identities::of_many(), Identities::of_many());
    for text in texts.iter() {
        text.add_addresses(&mut people);
        match text.path().id_kind() {
            IdKind::Person => text.add_special(&mut people),
            IdKind::Thing => {}
            // The field does not show whether an id is that of a person.
            IdKind::Unknown => text.add_special(&mut others),
        }
        text.add_account(&mut people);
        for owner in text.onedrive_owners() {
            others.add_embedded_addresses(&owner);
        }
    }
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
    if principals.is_empty() || principals.len() > Activity::MAX_ON_BEHALF_OF || !texts.is_complete() {
        principals.truncate(Activity::MAX_ON_BEHALF_OF - 1);
        principals.push(Actor::unknown());
    }
    principals
}
