//! The principals of a record: the actor, and those on whose behalf they acted.
//!
//! An unclear actor is a person or unknown, and never the system.

use serde_json::Value;

use super::field_texts::{FieldName, FieldText, visit_texts};
use super::fields::{Fields, member};
use super::{RejectReason, report};
use crate::activity::{Activity, Actor, ActorKind};
use crate::identity::{Alias, Identity};
use crate::sources::identity::name_form::guid;
use crate::sources::identity::services::{is_placeholder, service_kind, service_name, service_principal};
use crate::sources::identity::{Identities, same};

/// `IdentityType` in the schema: the type of an entry of `Actor` or `Target`, as a number and as a word.
const NAME: (f64, &str) = (1.0, "Name");
const PUID: (f64, &str) = (3.0, "PUID");
const SPN: (f64, &str) = (4.0, "SPN");
const UPN: (f64, &str) = (5.0, "UPN");

/// The actor of a record, and the other principals.
pub(super) struct Principals {
    pub(super) actor: Actor,
    pub(super) on_behalf_of: Vec<Actor>,
}

impl Principals {
    pub(super) fn of(fields: &Fields) -> Result<Self, RejectReason> {
        let (actor, actor_identities, mut is_truncated) = actor(fields)?;
        let mut principals = Self { actor, on_behalf_of: Vec::new() };
        for mut principal in on_behalf_of(fields, &actor_identities)? {
            is_truncated |= principal.truncate();
            principals.add(principal);
        }
        let is_service = match principals.actor.kind() {
            // A service has keys and ids of its own.
            ActorKind::Application | ActorKind::System => !actor_identities.have_address(),
            ActorKind::User | ActorKind::Unknown => {
                !actor_identities.have_address_or_id() && !actor_identities.have_personal_id()
            }
        };
        if is_service && principals.on_behalf_of.is_empty() && report::is_about_person(fields, &principals.actor) {
            report::principals(fields).into_iter().for_each(|principal| principals.push(principal));
        }
        // The first principal beside an unknown actor is the actor.
        if principals.actor == Actor::unknown() && !principals.on_behalf_of.is_empty() {
            principals.actor = principals.on_behalf_of.remove(0);
        }
        if is_truncated {
            principals.push(Actor::unknown());
        }
        Ok(principals)
    }

    /// Returns whether an identity is that of a principal.
    pub(super) fn include(&self, identity: &Identity) -> bool {
        let principals = std::iter::once(&self.actor).chain(&self.on_behalf_of);
        principals.flat_map(Actor::identities).any(|known| same(known, identity))
    }

    /// Adds a principal, unless all its identities are known.
    fn add(&mut self, principal: Identities) {
        if !principal.is_empty() && !principal.iter().all(|identity| self.include(identity)) {
            principal.into_user().into_iter().for_each(|principal| self.push(principal));
        }
    }

    /// Adds a principal. If there are more than an activity can contain, an unknown principal replaces the last one, so
    /// that the activity is hidden.
    pub(super) fn push(&mut self, principal: Actor) {
        if self.on_behalf_of.len() < Activity::MAX_ON_BEHALF_OF {
            self.on_behalf_of.push(principal);
        } else if let Some(last) = self.on_behalf_of.last_mut() {
            *last = Actor::unknown();
        }
    }
}

/// Returns the actor, their identities, and whether there were more identities than an actor can have.
fn actor(fields: &Fields) -> Result<(Actor, Identities, bool), RejectReason> {
    let user_id = fields.required_text("UserId")?.filter(|name| !is_placeholder(name));
    let user_key = fields.lenient_text("UserKey").filter(|name| !is_placeholder(name));
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
        // An application that only `Actor` names, whatever the `UserType` is.
        ActorKind::User | ActorKind::System if named.is_none() && name_application_only(&entries) => {
            ActorKind::Application
        }
        // A system account has no security identifier of a person.
        ActorKind::System | ActorKind::Application if identities.have_security_id() => ActorKind::User,
        kind => kind,
    });
    // The object id in the token of an application is that of its user or its own.
    if matches!(kind, ActorKind::Application | ActorKind::System) {
        fields.texts("TokenObjectId").iter().for_each(|id| identities.add_key(id));
    }
    let is_truncated = identities.truncate();
    let title = || entries.iter().find_map(|entry| typed(entry, NAME).or_else(|| typed(entry, SPN)));
    let principal = || entries.iter().filter_map(id_of).find(|id| service_principal(id).is_some());
    let title = title().filter(|name| !is_placeholder(name)).or_else(principal);
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
    Ok((actor, known, is_truncated))
}

/// Returns the principals on whose behalf the actor acted: those in fields for them, and the owner of a mailbox in
/// which another user acted.
fn on_behalf_of(fields: &Fields, actor: &Identities) -> Result<Vec<Identities>, RejectReason> {
    let mut principals = Vec::new();
    // The sender by address, else by mailbox.
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
    // The person whose action a data-loss-prevention agent reports.
    for object in ["SharePointMetaData", "ExchangeMetaData", "EndpointMetaData"] {
        for name in fields.inner_texts(object, "From")? {
            let mut sender = Identities::default();
            sender.add_sign_in_name(&name, "From")?;
            principals.push(sender);
        }
    }
    visit_texts(&fields.map, &mut |text| {
        let Some(certainty) = principal_certainty(text).filter(|_| !is_placeholder(text.text)) else { return };
        let mut named = Identities::default();
        named.add_embedded_addresses(text.text);
        named.add_identities_in(text.text);
        // Any other word is a name only if the field contains nothing else.
        if named.is_empty() && certainty == Certainty::Certain {
            named.add_account(text.text);
        }
        principals.push(named);
    });
    principals.push(mailbox_owner(fields, actor)?);
    Ok(principals)
}

/// How certain it is that a field contains a principal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// Every text in the field is the name of a principal.
    Certain,
    /// A text with the form of an identity is.
    Likely,
}

/// Returns how certain it is that a text names a principal: one on whose behalf the actor acted, the user of an
/// impersonation, of a token or of a Power Platform session. Returns `None` if its field contains no principals.
fn principal_certainty(text: &FieldText<'_>) -> Option<Certainty> {
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
    let is_named = |field: &FieldName| {
        parts.iter().any(|part| field.name.contains(part)) || heads.iter().any(|head| field.name.starts_with(head))
    };
    let users = ["userobjectid", "userid", "userupn", "userprincipalname", "upn"];
    let is_of_token = outermost == "appaccesscontext" && users.contains(&text.innermost());
    let is_of_record = text.path.len() == 1 && outermost == "userprincipalname";
    (text.path.iter().any(is_named) || is_of_token || is_of_record).then_some(Certainty::Likely)
}

fn add_mailboxes(identities: &mut Identities, fields: &Fields, field: &'static str) {
    for id in fields.texts(field) {
        // `is_placeholder` skips the nil GUID.
        let id = guid(&id).map_or_else(|| id.to_ascii_lowercase(), |id| id.to_string());
        if !is_placeholder(&id)
            && let Ok(mailbox) = Alias::account(Alias::MAILBOX_IDS, id)
        {
            identities.add(mailbox);
        }
    }
}

/// Returns the owner of a mailbox in which another user acted.
///
/// If the record names the actor differently as the owner, the activity names them twice, which does no harm. An owner
/// with only a technical id is a principal as well.
fn mailbox_owner(fields: &Fields, actor: &Identities) -> Result<Identities, RejectReason> {
    let mut owner = Identities::default();
    for field in ["MailboxOwnerUPN", "MailboxUPN"] {
        for name in fields.texts(field) {
            owner.add_sign_in_name(&name, field)?;
        }
    }
    if owner.have_address_or_id() {
        let is_actor = owner.iter().all(|identity| actor.contains(identity));
        return Ok(if is_actor { Identities::default() } else { owner });
    }
    for field in ["MailboxOwnerSid", "MailboxOwnerMasterAccountSid"] {
        fields.texts(field).iter().for_each(|sid| owner.add_key(sid));
    }
    let is_actor = !owner.is_empty() && owner.iter().all(|identity| actor.contains(identity));
    if is_actor || owner_acted(fields) {
        return Ok(Identities::default());
    }
    add_mailboxes(&mut owner, fields, "MailboxGuid");
    Ok(owner)
}

/// Returns whether the owner of a mailbox acted, by the security identifier of the logon or else by its type.
fn owner_acted(fields: &Fields) -> bool {
    match fields.lenient_text("LogonUserSid") {
        Some(logon) => fields.texts("MailboxOwnerSid").iter().any(|owner| owner.eq_ignore_ascii_case(&logon)),
        None => {
            let kind = fields.value("LogonType").or_else(|| fields.value("Logon_Type"));
            kind.is_some_and(|kind| is_word(kind, (0.0, "Owner")))
        }
    }
}

/// Returns the name in an entry of `Target`: a UPN, a string, or an id that is an address.
pub(super) fn directory_name(entry: &Value) -> Option<&str> {
    let is_address = |id: &&str| crate::identity::address(id).is_some();
    typed(entry, UPN).or_else(|| entry.as_str()).or_else(|| id_of(entry).filter(is_address))
}

/// Adds the identities in an entry of `Actor`. Display names and entries of unknown types count only if they have the
/// form of an identity.
fn add_entry(identities: &mut Identities, entry: &Value) -> Result<(), RejectReason> {
    let field = "Actor";
    let Some(id) = entry.as_str().or_else(|| id_of(entry)).filter(|id| !is_placeholder(id)) else { return Ok(()) };
    if typed(entry, PUID).is_some() {
        identities.add_key(id);
        return Ok(());
    }
    if entry.is_string() || typed(entry, UPN).is_some() {
        return identities.add_sign_in_name(id, field);
    }
    identities.add_embedded_addresses(id);
    identities.add_identities_in(id);
    Ok(())
}

/// Returns whether entries of `Actor` name an application and no person.
fn name_application_only(entries: &[Value]) -> bool {
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

/// Returns the id in an entry, if its type is this number or word.
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

/// Returns the id in an entry of any type.
fn id_of(entry: &Value) -> Option<&str> {
    member(entry.as_object()?, "ID")?.as_str().map(str::trim)
}

/// Returns the kind of an actor by the `UserType` of the schema, as a number or as a word.
fn kind_of(user_type: Option<&Value>) -> ActorKind {
    let word = match user_type {
        Some(Value::String(text)) => text.trim().to_ascii_lowercase(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    match word.as_str() {
        "4" | "system" | "7" | "custompolicy" | "8" | "systempolicy" => ActorKind::System,
        "5" | "application" | "6" | "serviceprincipal" => ActorKind::Application,
        // 3, DcAdmin, is a system account or a Microsoft administrator; only the name shows which.
        _ => ActorKind::User,
    }
}
