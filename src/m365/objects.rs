//! To what and whom it was done.

use std::collections::HashSet;

use super::actor::{Performers, directory_name};
use super::fields::Fields;
use super::identity::{Identities, names_nobody};
use super::reject::RejectReason;
use super::walk::{Subject, plain, walk};
use crate::activity::Activity;
use crate::identity::{Alias, Identity};

/// Ends of the names of fields that hold an account name, if nothing else.
const ACCOUNTS: [&str; 10] =
    ["userid", "username", "user", "upn", "accountname", "login", "owner", "sender", "identity", "alias"];

/// The objects of a record: those that its fields state, and then everybody else whom it names anywhere.
pub(super) fn objects(fields: &Fields, performers: &Performers) -> Result<Vec<String>, RejectReason> {
    let mut objects = Objects::default();
    objects.extend(fields.text(fields.shape.object)?.map(str::to_owned));
    for field in ["TargetUserOrGroupName", "UserSharedWith", "DestMailboxOwnerUPN"] {
        objects.add_people(fields.text(field)?);
    }
    for member in fields.entries("Members")?.iter() {
        objects.add_people(member.get("UPN").unwrap_or(member).as_str());
    }
    for field in ["Target", "AADTarget"] {
        for target in fields.entries(field)?.iter() {
            objects.add_people(directory_name(target));
        }
    }
    walk(&fields.map, &mut |path, text| {
        if is_performers(path) {
            return;
        }
        let mut named = Identities::of_many();
        named.add_all_within(text, Subject::of(path) != Subject::Thing);
        let is_account = path.last().is_some_and(|name| ACCOUNTS.iter().any(|end| plain(name).ends_with(end)));
        if is_account && !text.contains(char::is_whitespace) {
            let _ = named.add_sign_in_name(text, "");
        }
        for owner in drive_owners(text) {
            let _ = named.add_sign_in_name(&owner, "");
        }
        objects.extend(named.iter().filter(|identity| !performers.include(identity)).filter_map(name_of));
    });
    Ok(objects.names)
}

/// Whether a field says who acted, whose technical ids are no objects.
fn is_performers(path: &[&str]) -> bool {
    let outermost = path.first().map(|name| plain(name)).unwrap_or_default();
    ["userid", "userkey", "actor", "usertype", "logonusersid", "mailboxownersid", "mailboxguid"].contains(&&*outermost)
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

/// Whom a OneDrive address can belong to, `https://contoso-my.sharepoint.com/personal/adele_contoso_com/`: the address of
/// the owner, in which each `@` and `.` became `_`. Where that is not clear, it is each address that it can be.
fn drive_owners(text: &str) -> Vec<String> {
    const MAX_OWNERS: usize = 32;
    let mut owners = Vec::new();
    for (at, _) in text.match_indices("/personal/") {
        let owner = text.get(at + "/personal/".len()..).unwrap_or_default();
        let owner = owner.split(|c: char| c == '/' || c == '?' || c.is_whitespace()).next().unwrap_or_default();
        let parts: Vec<&str> = owner.split('_').collect();
        // At least one part of a name, and two of a domain.
        for split in 1..parts.len().saturating_sub(1) {
            let (local, domain) = parts.split_at(split);
            for sign in ['.', '_'] {
                if owners.len() < MAX_OWNERS {
                    owners.push(format!("{}@{}", local.join(&sign.to_string()), domain.join(".")));
                }
            }
        }
    }
    owners.dedup();
    owners
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
        named = Identities::of_many();
        named.add_all_within(text, true);
        self.extend(named.iter().filter_map(name_of));
    }

    fn extend(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            // INVARIANT: at most one more than an activity may name, for which it is then rejected.
            if self.names.len() > Activity::MAX_OBJECTS {
                return;
            }
            if !name.trim().is_empty() && self.seen.insert(name.clone()) {
                self.names.push(name);
            }
        }
    }
}
