//! Who acted, and for whom. When in doubt a person, or nobody known; never the system.

use serde_json::Value;

use super::fields::Fields;
use super::identity::{Identities, guid, names_nobody, service_kind, service_name, service_principal};
use super::reject::RejectReason;
use super::report;
use super::walk::{plain, walk};
use crate::activity::Activity;
use crate::actor::{Actor, ActorKind};
use crate::identity::{Alias, Identity};

/// `IdentityType` in the schema: what an entry of `Actor` or `Target` is.
const NAME: (f64, &str) = (1.0, "Name");
const PUID: (f64, &str) = (3.0, "PUID");
const SPN: (f64, &str) = (4.0, "SPN");
const UPN: (f64, &str) = (5.0, "UPN");

/// Who acted, and every other principal who performed with them.
pub(super) struct Performers {
    pub(super) actor: Actor,
    pub(super) on_behalf_of: Vec<Actor>,
}

impl Performers {
    pub(super) fn of(fields: &Fields) -> Result<Self, RejectReason> {
        let (actor, acting) = acting(fields)?;
        let mut performers = Self { actor, on_behalf_of: Vec::new() };
        for principal in acted_for(fields, &acting)? {
            performers.add(principal);
        }
        let is_service = !acting.are_of_somebody() && performers.on_behalf_of.is_empty();
        if is_service && report::is_about_somebody(fields, &performers.actor) {
            report::subjects(fields).into_iter().for_each(|principal| performers.push(principal));
        }
        // Whom a record names beside a nameless actor is the one who acted.
        if performers.actor == Actor::unknown()
            && let Some(first) = performers.on_behalf_of.first()
        {
            performers.actor = first.clone();
            performers.on_behalf_of.remove(0);
        }
        Ok(performers)
    }

    /// Whether an identity is that of anybody who performed.
    pub(super) fn include(&self, identity: &Identity) -> bool {
        std::iter::once(&self.actor).chain(&self.on_behalf_of).flat_map(Actor::identities).any(|known| {
            match (known, identity) {
                (Identity::Alias(a), Identity::Alias(b)) => a.matches(b),
                (a, b) => a == b,
            }
        })
    }

    /// Adds a principal, unless it is known by all its names.
    fn add(&mut self, principal: Identities) {
        if !principal.is_empty() && !principal.iter().all(|identity| self.include(identity)) {
            principal.into_user().into_iter().for_each(|principal| self.push(principal));
        }
    }

    fn push(&mut self, principal: Actor) {
        // INVARIANT: at most one more than there may be, for which the activity is then rejected.
        if self.on_behalf_of.len() <= Activity::MAX_ON_BEHALF_OF {
            self.on_behalf_of.push(principal);
        }
    }
}

/// Who acted, and by which names.
fn acting(fields: &Fields) -> Result<(Actor, Identities), RejectReason> {
    let user_id = fields.text("UserId")?.filter(|name| !names_nobody(name));
    let user_key = fields.text("UserKey")?.filter(|name| !names_nobody(name));
    let entries = fields.people("Actor")?;

    let mut identities = Identities::default();
    for user_id in fields.texts("UserId")? {
        identities.add_sign_in_name(user_id, "UserId")?;
    }
    for user_key in fields.texts("UserKey")?.into_iter().filter(|key| Some(*key) != user_id) {
        identities.add_key(user_key, "UserKey")?;
    }
    for entry in entries.iter() {
        add_entry(&mut identities, entry)?;
    }
    for sid in fields.texts("LogonUserSid")? {
        identities.add_key(sid, "LogonUserSid")?;
    }

    let named = user_id.or(user_key);
    let kind = named.and_then(service_kind).unwrap_or_else(|| match kind_of(fields.value("UserType")) {
        // An application that only `Actor` names, whatever kind of user that is said to be.
        ActorKind::User | ActorKind::System if named.is_none() && are_an_application(&entries) => {
            ActorKind::Application
        }
        kind => kind,
    });
    // The object id in the token of an application is that of its user, or its own.
    if matches!(kind, ActorKind::Application | ActorKind::System) {
        for id in fields.texts("TokenObjectId")? {
            identities.add_key(id, "TokenObjectId")?;
        }
    }
    let title = || entries.iter().find_map(|entry| typed(entry, NAME).or_else(|| typed(entry, SPN)));
    let principal = || entries.iter().filter_map(id_of).find(|id| service_principal(id).is_some());
    let name =
        [user_id, title().filter(|name| !names_nobody(name)), principal(), user_key].into_iter().flatten().next();
    let service = |actor: fn(_) -> Actor| name.and_then(service_name).map(actor);
    let actor = match kind {
        ActorKind::Application => service(Actor::application),
        ActorKind::System => service(Actor::system),
        ActorKind::User | ActorKind::Unknown => None,
    };
    let known = identities.clone();
    let actor = match actor {
        Some(actor) => identities.into_actor(actor),
        None => identities.into_user().unwrap_or_else(Actor::unknown),
    };
    Ok((actor, known))
}

/// For whom it was done, beside the actor: whoever a field names that says so, and the owner of a mailbox in which
/// somebody else acted.
fn acted_for(fields: &Fields, acting: &Identities) -> Result<Vec<Identities>, RejectReason> {
    let mut principals = Vec::new();
    let mut add = |name: &str, field: &'static str| {
        let mut identities = Identities::default();
        let added = identities.add_sign_in_name(name, field);
        principals.push(identities);
        added
    };
    for (field, name) in fields.performers() {
        add(name, field)?;
    }
    // The person whose doing a data-loss-prevention agent reports.
    for object in ["SharePointMetaData", "ExchangeMetaData", "EndpointMetaData"] {
        for name in fields.inner_texts(object, "From")? {
            add(&name, "From")?;
        }
    }
    let mut named_within: Vec<String> = Vec::new();
    walk(&fields.map, &mut |path, text| {
        if path.len() > 1 && names_a_performer(path) && !names_nobody(text) {
            named_within.push(text.to_owned());
        }
    });
    for name in named_within {
        add(&name, "a field that names who performed")?;
    }
    principals.push(mailbox_owner(fields, acting)?);
    Ok(principals)
}

/// Whether a field inside a record names somebody who performed: the user of a token, of a Power Platform session, on whose
/// behalf it was done.
fn names_a_performer(path: &[&str]) -> bool {
    let [outer, .., last] = path else { return false };
    let (outer, last) = (plain(outer), plain(last));
    let by_name = ["onbehalfof", "impersonat"].iter().any(|part| last.contains(part));
    let is_users = ["userobjectid", "userid", "userupn", "userprincipalname", "upn"].contains(&&*last);
    by_name || last.starts_with("enduser") || (outer == "appaccesscontext" && is_users)
}

/// The owner of a mailbox in which somebody else acted.
///
/// Where the owner is not the one who acted, somebody else acted in it, and where the record only calls the owner by another
/// name, naming them twice does no harm. An owner who is named by a technical id alone is somebody, whoever it is.
fn mailbox_owner(fields: &Fields, acting: &Identities) -> Result<Identities, RejectReason> {
    let mut owner = Identities::default();
    for name in fields.texts("MailboxOwnerUPN")? {
        owner.add_sign_in_name(name, "MailboxOwnerUPN")?;
    }
    if owner.iter().all(|identity| acting.contains(identity)) && !owner.is_empty() {
        return Ok(Identities::default());
    }
    let is_named = owner.name_a_person();
    let logon = fields.text("LogonUserSid")?;
    for field in ["MailboxOwnerSid", "MailboxOwnerMasterAccountSid"] {
        for sid in fields.texts(field)? {
            owner.add_key(sid, field)?;
            // The owner acted: by the security identifier under which they signed in.
            if !is_named && logon.is_some_and(|logon| logon.eq_ignore_ascii_case(sid)) {
                return Ok(Identities::default());
            }
        }
    }
    let logon_type = fields.value("LogonType").or_else(|| fields.value("Logon_Type"));
    let by_owner = logon.is_none() && logon_type.is_some_and(|kind| is_word(kind, (0.0, "Owner")));
    if !is_named && (by_owner || (!owner.is_empty() && owner.iter().all(|identity| acting.contains(identity)))) {
        return Ok(Identities::default());
    }
    for guid in fields.texts("MailboxGuid")? {
        let mailbox = Alias::account(Alias::MAILBOX_IDS, guid.to_ascii_lowercase());
        owner.add(mailbox.map_err(super::fields::in_field("MailboxGuid"))?);
    }
    Ok(owner)
}

/// The name in an entry of `Target`: a UPN, an object id, or whatever reads as an address.
pub(super) fn directory_name(entry: &Value) -> Option<&str> {
    let is_somebody = |id: &&str| crate::identity::address(id).is_some();
    typed(entry, UPN).or_else(|| entry.as_str()).or_else(|| id_of(entry).filter(is_somebody))
}

/// Adds an entry of `Actor`. The kinds that are not known here, and display names, identify nobody, unless they read as an
/// address or an object id.
fn add_entry(identities: &mut Identities, entry: &Value) -> Result<(), RejectReason> {
    let field = "Actor";
    let Some(id) = entry.as_str().or_else(|| id_of(entry)).filter(|id| !names_nobody(id)) else { return Ok(()) };
    if typed(entry, PUID).is_some() {
        return identities.add_key(id, field);
    }
    if entry.is_string() || typed(entry, UPN).is_some() {
        return identities.add_sign_in_name(id, field);
    }
    identities.add_all_within(id, true);
    Ok(())
}

/// Whether entries of `Actor` name an application and no person.
fn are_an_application(entries: &[Value]) -> bool {
    let is_person = |entry: &Value| {
        let id = entry.as_str().or_else(|| id_of(entry)).unwrap_or_default();
        typed(entry, UPN).is_some() || typed(entry, PUID).is_some() || id.starts_with("User_") || id == "User"
    };
    let is_application = |entry: &Value| {
        let id = id_of(entry).unwrap_or_default();
        service_principal(id).is_some()
            || id == "ServicePrincipal"
            || (typed(entry, SPN).is_some() && guid(id).is_some())
    };
    entries.iter().any(is_application) && !entries.iter().any(is_person)
}

/// The id in an entry, if it is of this type, given as a number or as a word.
fn typed<'a>(entry: &'a Value, kind: (f64, &str)) -> Option<&'a str> {
    let matches = is_word(entry.get("Type")?, kind);
    id_of(entry).filter(|_| matches)
}

fn is_word(value: &Value, (number, word): (f64, &str)) -> bool {
    match value {
        Value::String(text) => text.trim().eq_ignore_ascii_case(word) || text.trim().parse() == Ok(number),
        other => other.as_f64() == Some(number),
    }
}

/// The id in an entry, of whatever type.
fn id_of(entry: &Value) -> Option<&str> {
    entry.get("ID").or_else(|| entry.get("Id"))?.as_str().map(str::trim)
}

/// What the type of user says: `UserType` in the schema, as a number or as a word.
fn kind_of(user_type: Option<&Value>) -> ActorKind {
    let word = match user_type {
        Some(Value::String(text)) => text.trim().to_ascii_lowercase(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    match word.as_str() {
        "4" | "system" | "7" | "custompolicy" | "8" | "systempolicy" => ActorKind::System,
        "5" | "application" | "6" | "serviceprincipal" => ActorKind::Application,
        // 3, DcAdmin, is a system account or somebody at Microsoft: only the name tells.
        _ => ActorKind::User,
    }
}
