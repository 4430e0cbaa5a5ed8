//! The names that a user record of Graph gives.

use serde_json::Value;

use crate::import::RejectReason;
use crate::import::document::{self, Object};
use crate::import::names::UserNames;
use crate::import::spelling::Holds;

const ASSIGNED: &str = "issuerAssignedId";

/// The rank of `identities`, which only tenants for customers have.
pub(super) const IDENTITIES: usize = 6;

/// The properties that name a user, the one that tells their home first.
const PROPERTIES: [&str; 7] = [
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "otherMails",
    "onPremisesUserPrincipalName",
    "onPremisesSamAccountName",
    "identities",
];

/// What a user record says.
pub(super) fn read(record: &Object) -> Result<UserNames, RejectReason> {
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
            return Err(RejectReason::InvalidField { field: "accountEnabled", expected: "true or false" });
        }
    };
    Ok(names)
}

fn texts<'a>(record: &'a Object, property: &'static str) -> Result<Vec<&'a str>, RejectReason> {
    let entries = document::list(record, property)?.unwrap_or_default().iter();
    let expected = "a list of texts";
    entries.map(|entry| entry.as_str().ok_or(RejectReason::InvalidField { field: property, expected })).collect()
}

/// What the issuers of a user's identities call them. A phone number is among them, where people sign in by it.
fn identities(record: &Object) -> Result<Vec<&str>, RejectReason> {
    let mut assigned = Vec::new();
    for identity in document::list(record, "identities")?.unwrap_or_default() {
        let Value::Object(identity) = identity else {
            return Err(RejectReason::InvalidField { field: "identities", expected: "a list of objects" });
        };
        assigned.extend(document::text(identity, ASSIGNED)?);
    }
    Ok(assigned)
}
