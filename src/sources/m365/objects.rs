//! The objects of an activity: the things and people that it affected.

use std::collections::HashSet;

use super::RejectReason;
use super::field_texts::{FieldText, IdKind, visit_texts};
use super::fields::Fields;
use super::principals::{Principals, directory_name};
use crate::activity::{Activity, Actor};
use crate::identity::{Alias, DRIVE_OF, Identity};
use crate::sources::identity::Identities;
use crate::sources::identity::addresses::onedrive_owners;
use crate::sources::identity::services::is_placeholder;

/// Returns the objects of a record: those in the fields of objects, and every other identity in any field.
///
/// If there are more than an activity can contain, adds an unknown principal, so that the activity is hidden.
pub(super) fn objects(fields: &Fields, principals: &mut Principals) -> Result<Vec<String>, RejectReason> {
    let mut objects = Objects::default();
    objects.extend(fields.lenient_text(fields.schema.object).map(|text| text.into_owned()));
    for field in ["TargetUserOrGroupName", "UserSharedWith", "DestMailboxOwnerUPN"] {
        objects.add_people(fields.lenient_text(field).as_deref());
    }
    for member in &fields.entries("Members")? {
        objects.add_people(member.get("UPN").unwrap_or(member).as_str());
    }
    for field in ["Target", "AADTarget"] {
        for target in &fields.entries(field)? {
            objects.add_people(directory_name(target));
        }
    }
    let mut is_truncated = false;
    let is_complete = visit_texts(&fields.map, &mut |text| {
        if is_principal_field(text) {
            return;
        }
        let mut named = Identities::of_many();
        if text.id_kind() != IdKind::Thing {
            named.add_embedded_addresses(text.text);
            named.add_identities_in(text.text);
        }
        if text.is_account() {
            named.add_account(text.text);
        }
        is_truncated |= named.exceed_limit();
        objects.extend(named.iter().filter(|identity| !principals.include(identity)).filter_map(object_name));
        objects.extend(onedrive_owners(text.text).into_iter().map(|owner| format!("{DRIVE_OF}{owner}")));
    });
    if objects.names.len() > Activity::MAX_OBJECTS || is_truncated || !is_complete {
        objects.names.truncate(Activity::MAX_OBJECTS);
        principals.push(Actor::unknown());
    }
    Ok(objects.names)
}

/// Returns whether a field contains the actor, whose technical ids are not objects.
fn is_principal_field(text: &FieldText<'_>) -> bool {
    ["userid", "userkey", "actor", "usertype", "logonusersid", "mailboxownersid", "mailboxguid"]
        .contains(&text.outermost())
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
    /// Adds the text of a field that contains people: the text itself, and each person.
    fn add_people(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        self.extend([text.to_owned()]);
        let mut named = Identities::of_many();
        // A text that is not a valid name, for example because it is too long, gives no identity.
        if !is_placeholder(text) && named.add_sign_in_name(text.trim(), "").is_ok() {
            self.extend(named.iter().filter_map(object_name));
        }
        for part in text.split([';', ',']) {
            named = Identities::of_many();
            named.add_embedded_addresses(part);
            named.add_identities_in(part);
            self.extend(named.iter().filter_map(object_name));
        }
    }

    fn extend(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            // INVARIANT: at most one more than an activity can contain, which shows that some are left out.
            if self.names.len() > Activity::MAX_OBJECTS {
                return;
            }
            if !name.trim().is_empty() && name.len() <= Activity::MAX_OBJECT_BYTES && self.seen.insert(name.clone()) {
                self.names.push(name);
            }
        }
    }
}
