//! The names in a user record of Graph.

use serde_json::Value;

use crate::import::EntryRejectReason;
use crate::import::document::{self, Object};
use crate::import::names::UserNames;
use crate::import::spelling::Holds;

const ASSIGNED: &str = "issuerAssignedId";

/// The rank of `identities`, a property that only customer tenants use.
pub(super) const IDENTITIES: usize = 6;

/// The properties that name a user. The first one determines the home domain.
const PROPERTIES: [&str; 7] = [
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "otherMails",
    "onPremisesUserPrincipalName",
    "onPremisesSamAccountName",
    "identities",
];

/// Reads the names and the status in a user record.
pub(super) fn read(record: &Object) -> Result<UserNames, EntryRejectReason> {
    let mut names = UserNames::default();
    for (rank, property) in PROPERTIES.into_iter().enumerate() {
        if !record.contains_key(property) {
            names.mark_absent(rank);
            continue;
        }
        match property {
            "proxyAddresses" => {
                names.add(rank, property, Holds::ProxyAddresses, texts(record, property)?)?;
            }
            "otherMails" => names.add(rank, property, Holds::Addresses, texts(record, property)?)?,
            "identities" => names.add(rank, ASSIGNED, Holds::Accounts, identities(record)?)?,
            "mail" => names.add(rank, property, Holds::Addresses, document::text(record, property)?)?,
            _ => names.add(rank, property, Holds::Accounts, document::text(record, property)?)?,
        }
    }
    names.enabled = match record.get("accountEnabled") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(enabled)) => Some(*enabled),
        Some(_) => {
            return Err(EntryRejectReason::InvalidField { field: "accountEnabled", expected: "true or false" });
        }
    };
    Ok(names)
}

fn texts<'a>(record: &'a Object, property: &'static str) -> Result<Vec<&'a str>, EntryRejectReason> {
    let entries = document::list(record, property)?.unwrap_or_default().iter();
    let expected = "a list of strings";
    entries.map(|entry| entry.as_str().ok_or(EntryRejectReason::InvalidField { field: property, expected })).collect()
}

/// Returns the ids that issuers assigned to a user. They include phone numbers, where users sign in with one.
fn identities(record: &Object) -> Result<Vec<&str>, EntryRejectReason> {
    let mut assigned = Vec::new();
    for identity in document::list(record, "identities")?.unwrap_or_default() {
        let Value::Object(identity) = identity else {
            return Err(EntryRejectReason::InvalidField { field: "identities", expected: "a list of objects" });
        };
        assigned.extend(document::text(identity, ASSIGNED)?);
    }
    Ok(assigned)
}
