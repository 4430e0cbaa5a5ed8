//! Who acted, and for whom. When in doubt a person, or nobody known; never the system.

use serde_json::Value;

use super::fields::{Fields, member};
use super::identity::{Identities, same};
use super::reject::RejectReason;
use super::report;
use super::services::{names_nobody, service_kind, service_name, service_principal};
use super::shape::guid;
use super::walk::{Field, Text, walk};
use crate::activity::{Activity, Actor, ActorKind};
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
        let (actor, acting, mut is_cut) = acting(fields)?;
        let mut performers = Self { actor, on_behalf_of: Vec::new() };
        for mut principal in acted_for(fields, &acting)? {
            is_cut |= principal.cut();
            performers.add(principal);
        }
        let is_service = match performers.actor.kind() {
            // Keys and ids of a service are not those of a person.
            ActorKind::Application | ActorKind::System => !acting.have_address(),
            ActorKind::User | ActorKind::Unknown => !acting.have_address_or_id() && !acting.have_personal_id(),
        };
        if is_service && performers.on_behalf_of.is_empty() && report::is_about_somebody(fields, &performers.actor) {
            report::subjects(fields).into_iter().for_each(|principal| performers.push(principal));
        }
        // Whom a record names beside a nameless actor is the one who acted.
        if performers.actor == Actor::unknown() && !performers.on_behalf_of.is_empty() {
            performers.actor = performers.on_behalf_of.remove(0);
        }
        if is_cut {
            performers.push(Actor::unknown());
        }
        Ok(performers)
    }

    /// Whether an identity is that of anybody who performed.
    pub(super) fn include(&self, identity: &Identity) -> bool {
        let principals = std::iter::once(&self.actor).chain(&self.on_behalf_of);
        principals.flat_map(Actor::identities).any(|known| same(known, identity))
    }

    /// Adds a principal, unless it is known by all its names.
    fn add(&mut self, principal: Identities) {
        if !principal.is_empty() && !principal.iter().all(|identity| self.include(identity)) {
            principal.into_user().into_iter().for_each(|principal| self.push(principal));
        }
    }

    /// Adds a principal. Where there are more than an activity may have, the last one is somebody who is not known, so that
    /// the activity is hidden.
    pub(super) fn push(&mut self, principal: Actor) {
        if self.on_behalf_of.len() < Activity::MAX_ON_BEHALF_OF {
            self.on_behalf_of.push(principal);
        } else if let Some(last) = self.on_behalf_of.last_mut() {
            *last = Actor::unknown();
        }
    }
}

/// Who acted, by which names, and whether there were more names than can be kept.
fn acting(fields: &Fields) -> Result<(Actor, Identities, bool), RejectReason> {
    let user_id = fields.required_text("UserId")?.filter(|name| !names_nobody(name));
    let user_key = fields.lenient_text("UserKey").filter(|name| !names_nobody(name));
    let entries = fields.people("Actor")?;

    let mut identities = Identities::default();
    for user_id in fields.texts("UserId") {
        identities.add_sign_in_name(&user_id, "UserId")?;
    }
    for user_key in fields.texts("UserKey").into_iter().filter(|key| Some(key) != user_id.as_ref()) {
        identities.add_key(&user_key);
    }
    for entry in &entries {
        add_entry(&mut identities, entry)?;
    }
    for sid in fields.texts("LogonUserSid") {
        identities.add_key(&sid);
    }

    let named = user_id.as_deref().or(user_key.as_deref());
    let kind = named.and_then(service_kind).unwrap_or_else(|| match kind_of(fields.value("UserType")) {
        // An application that only `Actor` names, whatever kind of user that is said to be.
        ActorKind::User | ActorKind::System if named.is_none() && are_an_application(&entries) => {
            ActorKind::Application
        }
        // The system has no security identifier of a person.
        ActorKind::System | ActorKind::Application if identities.have_security_id() => ActorKind::User,
        kind => kind,
    });
    // The object id in the token of an application is that of its user, or its own.
    if matches!(kind, ActorKind::Application | ActorKind::System) {
        fields.texts("TokenObjectId").iter().for_each(|id| identities.add_key(id));
    }
    let is_cut = identities.cut();
    let title = || entries.iter().find_map(|entry| typed(entry, NAME).or_else(|| typed(entry, SPN)));
    let principal = || entries.iter().filter_map(id_of).find(|id| service_principal(id).is_some());
    let title = title().filter(|name| !names_nobody(name)).or_else(principal);
    let name = user_id.as_deref().or(title).or(user_key.as_deref());
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
    Ok((actor, known, is_cut))
}

/// For whom it was done, beside the actor: whoever a field names that says so, and the owner of a mailbox in which
/// somebody else acted.
fn acted_for(fields: &Fields, acting: &Identities) -> Result<Vec<Identities>, RejectReason> {
    let mut principals = Vec::new();
    // The sender by address, and by the mailbox.
    for (address, mailbox) in
        [("SendOnBehalfOfUserSmtp", "SendOnBehalfOfUserMailboxGuid"), ("SendAsUserSmtp", "SendAsUserMailboxGuid")]
    {
        let mut sender = Identities::default();
        for name in fields.texts(address) {
            sender.add_sign_in_name(&name, address)?;
        }
        if !sender.have_address_or_id() {
            add_mailboxes(&mut sender, fields, mailbox);
        }
        principals.push(sender);
    }
    // The person whose doing a data-loss-prevention agent reports.
    for object in ["SharePointMetaData", "ExchangeMetaData", "EndpointMetaData"] {
        for name in fields.inner_texts(object, "From")? {
            let mut sender = Identities::default();
            sender.add_sign_in_name(&name, "From")?;
            principals.push(sender);
        }
    }
    walk(&fields.map, &mut |text| {
        let Some(certainty) = names_a_performer(text).filter(|_| !names_nobody(text.text)) else { return };
        let mut named = Identities::default();
        named.add_addresses_in(text.text);
        named.add_all_within(text.text);
        // Any other word is a name only where nothing else can stand.
        if named.is_empty() && certainty == Certainty::Certain {
            named.add_account(text.text);
        }
        principals.push(named);
    });
    principals.push(mailbox_owner(fields, acting)?);
    Ok(principals)
}

/// How sure it is that a field names somebody who performed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// Whatever is in it is the name of somebody.
    Certain,
    /// What reads as an identity is.
    Likely,
}

/// Whether a field names somebody who performed: on whose behalf it was done, whom an application impersonated, the user
/// of a token or of a Power Platform session.
fn names_a_performer(text: &Text<'_>) -> Option<Certainty> {
    let outermost = text.outermost();
    if text.is_setting() || text.is_name || outermost.starts_with("send") || outermost.starts_with("mailbox") {
        return None;
    }
    let alone = ["userupn", "onbehalfof", "onbehalfofuser", "actoruserid", "actorupn", "impersonateduser"];
    if text.path.len() == 1 && alone.contains(&outermost) {
        return Some(Certainty::Certain);
    }
    let parts = ["onbehalfof", "impersonat"];
    let heads = ["enduser", "initiatedby", "performedby", "executedby"];
    let is_named = |field: &Field| {
        parts.iter().any(|part| field.name.contains(part)) || heads.iter().any(|head| field.name.starts_with(head))
    };
    let users = ["userobjectid", "userid", "userupn", "userprincipalname", "upn"];
    let is_of_token = outermost == "appaccesscontext" && users.contains(&text.innermost());
    let is_of_record = text.path.len() == 1 && outermost == "userprincipalname";
    (text.path.iter().any(is_named) || is_of_token || is_of_record).then_some(Certainty::Likely)
}

fn add_mailboxes(identities: &mut Identities, fields: &Fields, field: &'static str) {
    for id in fields.texts(field) {
        // What is no GUID is written as it is; the nil GUID is none.
        let id = guid(&id).map_or_else(|| id.to_ascii_lowercase(), |id| id.to_string());
        if !names_nobody(&id)
            && let Ok(mailbox) = Alias::account(Alias::MAILBOX_IDS, id)
        {
            identities.add(mailbox);
        }
    }
}

/// The owner of a mailbox in which somebody else acted.
///
/// Where the owner is not the one who acted, somebody else acted in it, and where the record only calls the owner by another
/// name, naming them twice does no harm. An owner who is named by a technical id alone is somebody, whoever it is.
fn mailbox_owner(fields: &Fields, acting: &Identities) -> Result<Identities, RejectReason> {
    let mut owner = Identities::default();
    for field in ["MailboxOwnerUPN", "MailboxUPN"] {
        for name in fields.texts(field) {
            owner.add_sign_in_name(&name, field)?;
        }
    }
    if owner.have_address_or_id() {
        let is_actor = owner.iter().all(|identity| acting.contains(identity));
        return Ok(if is_actor { Identities::default() } else { owner });
    }
    for field in ["MailboxOwnerSid", "MailboxOwnerMasterAccountSid"] {
        fields.texts(field).iter().for_each(|sid| owner.add_key(sid));
    }
    let is_actor = !owner.is_empty() && owner.iter().all(|identity| acting.contains(identity));
    if is_actor || owner_acted(fields) {
        return Ok(Identities::default());
    }
    add_mailboxes(&mut owner, fields, "MailboxGuid");
    Ok(owner)
}

/// Whether the owner of a mailbox acted, as the security identifier or else the kind of the logon says.
fn owner_acted(fields: &Fields) -> bool {
    match fields.lenient_text("LogonUserSid") {
        Some(logon) => fields.texts("MailboxOwnerSid").iter().any(|owner| owner.eq_ignore_ascii_case(&logon)),
        None => {
            let kind = fields.value("LogonType").or_else(|| fields.value("Logon_Type"));
            kind.is_some_and(|kind| is_word(kind, (0.0, "Owner")))
        }
    }
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
        identities.add_key(id);
        return Ok(());
    }
    if entry.is_string() || typed(entry, UPN).is_some() {
        return identities.add_sign_in_name(id, field);
    }
    identities.add_addresses_in(id);
    identities.add_all_within(id);
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
    let matches = is_word(member(entry.as_object()?, "Type")?, kind);
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
    member(entry.as_object()?, "ID")?.as_str().map(str::trim)
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
