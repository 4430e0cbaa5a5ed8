//! To what and whom it was done.

use std::collections::HashSet;

use super::actor::{Performers, directory_name};
use super::fields::Fields;
use super::identity::Identities;
use super::reject::RejectReason;
use super::scan::drive_owners;
use super::services::names_nobody;
use super::walk::{Subject, Text, walk};
use crate::activity::{Activity, Actor};
use crate::identity::{Alias, DRIVE_OF, Identity};

/// Adds the objects of a record: those that its fields state, and then everybody else whom it names anywhere.
///
/// A record that names more than an activity may have also gets an unknown principal, so that the activity is hidden.
pub(super) fn objects(fields: &Fields, performers: &mut Performers) -> Result<Vec<String>, RejectReason> {
    let mut objects = Objects::default();
    objects.extend(fields.lenient_text(fields.shape.object).map(|text| text.into_owned()));
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
    let mut is_cut = false;
    let is_whole = walk(&fields.map, &mut |text| {
        if is_performers(text) {
            return;
        }
        let mut named = Identities::of_many();
        if text.subject() != Subject::Thing {
            named.add_addresses_in(text.text);
            named.add_all_within(text.text);
        }
        if text.is_account() {
            named.add_account(text.text);
        }
        is_cut |= named.is_cut();
        objects.extend(named.iter().filter(|identity| !performers.include(identity)).filter_map(name_of));
        objects.extend(drive_owners(text.text).into_iter().map(|owner| format!("{DRIVE_OF}{owner}")));
    });
    if objects.names.len() > Activity::MAX_OBJECTS || is_cut || !is_whole {
        objects.names.truncate(Activity::MAX_OBJECTS);
        performers.push(Actor::unknown());
    }
    Ok(objects.names)
}

/// Whether a field says who acted, whose technical ids are no objects.
fn is_performers(text: &Text<'_>) -> bool {
    ["userid", "userkey", "actor", "usertype", "logonusersid", "mailboxownersid", "mailboxguid"]
        .contains(&text.outermost())
}

/// What an identity is called as an object.
fn name_of(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Id(id) => Some(id.as_str().to_owned()),
        // An account key of the source means nothing outside it.
        Identity::Alias(alias) if alias.app() == Some(Alias::SOURCE_KEYS) => None,
        Identity::Alias(alias) => Some(alias.as_str().to_owned()),
    }
}

/// The objects of one activity, each once, in the order in which they were found.
#[derive(Default)]
struct Objects {
    names: Vec<String>,
    seen: HashSet<String>,
}

impl Objects {
    /// Adds a text that says whom it was done to: as it is, and each of them by themselves.
    fn add_people(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        self.extend([text.to_owned()]);
        let mut named = Identities::of_many();
        // What is too long for a name, or otherwise none, names nobody.
        if !names_nobody(text) && named.add_sign_in_name(text.trim(), "").is_ok() {
            self.extend(named.iter().filter_map(name_of));
        }
        // However many there are.
        for part in text.split([';', ',']) {
            named = Identities::of_many();
            named.add_addresses_in(part);
            named.add_all_within(part);
            self.extend(named.iter().filter_map(name_of));
        }
    }

    fn extend(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            // INVARIANT: at most one more than an activity may name.
            if self.names.len() > Activity::MAX_OBJECTS {
                return;
            }
            if !name.trim().is_empty() && name.len() <= Activity::MAX_OBJECT_BYTES && self.seen.insert(name.clone()) {
                self.names.push(name);
            }
        }
    }
}
