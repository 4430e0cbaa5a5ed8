//! The objects of an activity: those in the fields of objects, and every other identity in any field.

use super::RejectReason;
use super::entries::{DirectoryEntry, Entry};
use super::field::Field;
use super::fields::Fields;
use super::names::ACTOR;
use super::principals::Principals;
use crate::activity::Actor;
use crate::json::DocumentValue;
use crate::sources::identity::Identities;
use crate::sources::identity::services::is_placeholder;
use crate::sources::objects::Objects;
use crate::sources::texts::Texts;

/// Returns the objects of a record.
///
/// If there are more than an activity can contain, adds an unknown principal, so that the activity is hidden.
pub(super) fn objects(
    fields: &Fields<'_>,
    texts: &Texts<'_>,
    principals: &mut Principals,
) -> Result<Vec<String>, RejectReason> {
    let mut objects = Objects::default();
    if let Some(object) = fields.lenient_text(fields.schema.object) {
        objects.add(&object);
    }
    for field in [Field::TargetUserOrGroupName, Field::UserSharedWith, Field::DestMailboxOwnerUpn] {
        fields.lenient_text(field).iter().for_each(|people| add_people(&mut objects, people));
    }
    fields.for_each_entry(Field::Members, &mut |member| {
        let name = match member {
            Entry::Text(text) => Some(text),
            Entry::Object(member) => member.get("UPN").and_then(DocumentValue::as_str),
        };
        name.into_iter().for_each(|people| add_people(&mut objects, people));
        Ok(())
    })?;
    for field in [Field::Target, Field::AadTarget] {
        fields.for_each_entry(field, &mut |target| {
            let name = DirectoryEntry::of(target).directory_name();
            name.into_iter().for_each(|people| add_people(&mut objects, people));
            Ok(())
        })?;
    }
    // The technical ids of the actor are not objects.
    objects.add_identities_in(texts, |text| text.path().outermost().is(ACTOR), |identity| principals.include(identity));
    let (names, is_truncated) = objects.into_names();
    if is_truncated {
        principals.push(Actor::unknown());
    }
    Ok(names)
}

/// Adds the text of a field that contains people: the text itself, and each person.
fn add_people(objects: &mut Objects, text: &str) {
    objects.add(text);
    let mut named = Identities::of_many();
    // A text that is not a valid name, for example because it is too long, gives no identity.
    if !is_placeholder(text) && named.add_sign_in_name(text.trim(), "").is_ok() {
        named.iter().for_each(|identity| objects.add_identity(identity));
    }
    for part in text.split([';', ',']) {
        named = Identities::of_many();
        named.add_embedded_addresses(part);
        named.add_identities_in(part);
        named.iter().for_each(|identity| objects.add_identity(identity));
    }
}
