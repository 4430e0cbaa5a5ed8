//! Who acted, and for whom. When in doubt a person, or nobody known; never the system.

use serde_json::Value;
use uuid::Uuid;

use super::fields::{Fields, in_field, is_nil};
use super::reject::RejectReason;
use crate::activity::{Actor, ActorKind, ActorName};
use crate::identity::{Alias, Identity, UserId};

/// The account that SharePoint names for every application with permissions of its own.
const SHAREPOINT_APP: &str = "app@sharepoint";

/// What SharePoint puts before the address of somebody who came by a one-time passcode.
const GUEST: &str = "urn:spo:guest#";

/// `IdentityType` in the schema: what an entry of `Actor` or `Target` is.
const NAME: (u64, &str) = (1, "Name");
const OTHER: (u64, &str) = (2, "Other");
const PUID: (u64, &str) = (3, "PUID");
const SPN: (u64, &str) = (4, "SPN");
const UPN: (u64, &str) = (5, "UPN");

/// Who acted.
pub(super) fn acting(fields: &Fields) -> Result<Actor, RejectReason> {
    let user_id = fields.text("UserId")?.filter(|name| !names_nobody(name));
    let user_key = fields.text("UserKey")?.filter(|name| !names_nobody(name));
    let entries = fields.entries("Actor")?;

    let mut identities = Identities::default();
    if let Some(user_id) = user_id {
        identities.add_sign_in_name(user_id, "UserId")?;
    }
    if let Some(user_key) = user_key.filter(|key| Some(*key) != user_id) {
        identities.add_key(user_key, "UserKey")?;
    }
    for entry in &entries {
        identities.add_entry(entry)?;
    }

    let kind = user_id.or(user_key).and_then(impersonal).unwrap_or_else(|| kind_of(fields.value("UserType")));
    let title = || entries.iter().find_map(|entry| typed(entry, NAME).or_else(|| typed(entry, SPN)));
    let (name, field) = match (user_id, title(), user_key) {
        (Some(name), _, _) => (name, "UserId"),
        (None, Some(name), _) if !names_nobody(name) => (name, "Actor"),
        (_, _, Some(name)) => (name, "UserKey"),
        _ => ("", "UserId"),
    };
    let mut known = identities.0.into_iter();
    let actor = match kind {
        ActorKind::Application if !name.is_empty() => {
            Actor::application(ActorName::new(name).map_err(in_field(field))?)
        }
        ActorKind::System if !name.is_empty() => Actor::system(ActorName::new(name).map_err(in_field(field))?),
        _ => known.next().map_or_else(Actor::unknown, Actor::user),
    };
    Ok(known.fold(actor, Actor::also))
}

/// For whom it was done, beside the actor.
///
/// The kind of logon (`LogonType`) is not asked: where the owner of a mailbox is not the one who acted, somebody else
/// acted in it, and where the record only calls the owner by another name, naming them twice does no harm.
pub(super) fn acted_for(fields: &Fields, actor: &Actor) -> Result<Vec<Alias>, RejectReason> {
    let mut principals: Vec<Alias> = Vec::new();
    let named = [
        fields.text("SendOnBehalfOfUserSmtp")?.map(|name| (name, "SendOnBehalfOfUserSmtp")),
        fields.text("SendAsUserSmtp")?.map(|name| (name, "SendAsUserSmtp")),
        fields.text("MailboxOwnerUPN")?.map(|name| (name, "MailboxOwnerUPN")),
        // The person whose doing a data-loss-prevention agent reports.
        fields.inner_text("SharePointMetaData", "From")?.map(|name| (name, "From")),
        fields.inner_text("ExchangeMetaData", "From")?.map(|name| (name, "From")),
    ];
    for (name, field) in named.into_iter().flatten().filter(|(name, _)| !names_nobody(name)) {
        let alias = Alias::new(name).map_err(in_field(field))?;
        if !actor.aliases().chain(&principals).any(|known| known.matches(&alias)) {
            principals.push(alias);
        }
    }
    Ok(principals)
}

/// The UPN in an entry of `Target`.
pub(super) fn directory_name(entry: &Value) -> Option<&str> {
    typed(entry, UPN).or_else(|| entry.as_str())
}

/// The id in an entry, if it is of this type, given as a number or as a word.
fn typed<'a>(entry: &'a Value, (number, word): (u64, &str)) -> Option<&'a str> {
    let matches = match entry.get("Type")? {
        Value::String(text) => text.trim().eq_ignore_ascii_case(word) || text.trim().parse() == Ok(number),
        other => other.as_u64() == Some(number),
    };
    entry.get("ID")?.as_str().map(str::trim).filter(|_| matches)
}

/// Whether a name says that there is none, or that it is not told.
fn names_nobody(name: &str) -> bool {
    let name = name.trim();
    ["", "unknown", "not available", "anonymous", "null", "<null>"].iter().any(|word| name.eq_ignore_ascii_case(word))
        || has_prefix(name, "urn:spo:anon#")
        || is_nil(name)
}

/// What a name stands for that Microsoft gives to no person, whatever the type of user says.
///
/// Apart from `app@sharepoint` none of them is an address: a name that could be somebody's address is nobody else's.
fn impersonal(name: &str) -> Option<ActorKind> {
    let is = |word: &str| name.eq_ignore_ascii_case(word);
    if is(SHAREPOINT_APP) || has_prefix(name, "i:0i.t|") {
        return Some(ActorKind::Application);
    }
    if name.contains('@') {
        return None;
    }
    let system = is(r"SHAREPOINT\system")
        || is("DlpAgent")
        || is("SecurityComplianceAlerts")
        || ["NT AUTHORITY\\", "NT SERVICE\\", "DlpPolicyEventBasedAssistant"].iter().any(|head| has_prefix(name, head));
    if system {
        Some(ActorKind::System)
    } else if is("Application") || service_principal(name).is_some() {
        Some(ActorKind::Application)
    } else {
        None
    }
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

/// The identities of one actor, in the order in which they were found.
#[derive(Default)]
struct Identities(Vec<Identity>);

impl Identities {
    fn add(&mut self, identity: impl Into<Identity>) {
        let identity = identity.into();
        // INVARIANT: at most one more than an actor may carry, for which the activity is then refused.
        if self.0.len() <= Actor::MAX_IDENTITIES && !self.0.contains(&identity) {
            self.0.push(identity);
        }
    }

    /// What `UserId` holds.
    fn add_sign_in_name(&mut self, name: &str, field: &'static str) -> Result<(), RejectReason> {
        if self.add_known_form(name, field)? {
            return Ok(());
        }
        self.add(Alias::new(name).map_err(in_field(field))?);
        self.add_ids(name, field)
    }

    /// What `UserKey` holds.
    fn add_key(&mut self, key: &str, field: &'static str) -> Result<(), RejectReason> {
        if self.add_known_form(key, field)? {
            return Ok(());
        }
        if guid(key).is_some() || is_puid(key) {
            return self.add_ids(key, field);
        }
        self.add(Alias::account("userkey", key).map_err(in_field(field))?);
        Ok(())
    }

    /// An entry of `Actor`. The kinds that are not known here, and display names, identify nobody.
    fn add_entry(&mut self, entry: &Value) -> Result<(), RejectReason> {
        let field = "Actor";
        let named = |kind| typed(entry, kind).filter(|name| !names_nobody(name));
        if let Some(name) = named(UPN).or_else(|| entry.as_str().filter(|name| !names_nobody(name))) {
            self.add_sign_in_name(name, field)?;
        }
        if let Some(name) = named(PUID) {
            self.add_key(name, field)?;
        }
        if let Some(name) = named(OTHER) {
            let name = ["User_", "ServicePrincipal_"].iter().find_map(|head| name.strip_prefix(head)).unwrap_or(name);
            self.add_ids(name, field)?;
            if address(name).is_some() && impersonal(name).is_none() {
                self.add(Alias::new(name).map_err(in_field(field))?);
            }
        }
        Ok(())
    }

    /// An Entra object id, a passport id.
    fn add_ids(&mut self, text: &str, field: &'static str) -> Result<(), RejectReason> {
        if let Some(uuid) = guid(text) {
            // Ids are never folded, and directories write them in lower case; records do not always.
            self.add(UserId::new(uuid.to_string()).map_err(in_field(field))?);
            self.add(UserId::new(text).map_err(in_field(field))?);
        }
        if is_puid(text) {
            self.add(Alias::account("puid", text).map_err(in_field(field))?);
        }
        Ok(())
    }

    /// Account names that belong to no person, and names wrapped into more text; whether it was one of them.
    fn add_known_form(&mut self, name: &str, field: &'static str) -> Result<bool, RejectReason> {
        if let Some(id) = service_principal(name) {
            self.add_ids(id, field)?;
        }
        if let Some((provider, value)) = claim(name) {
            self.add_claim(provider, value, field)?;
            return Ok(true);
        }
        if impersonal(name).is_some() {
            return Ok(true);
        }
        if let Some(guest) = after_prefix(name, GUEST).filter(|guest| address(guest).is_some()) {
            self.add(Alias::new(guest).map_err(in_field(field))?);
            return Ok(true);
        }
        Ok(false)
    }

    /// A claim as SharePoint encodes it.
    fn add_claim(&mut self, provider: &str, value: &str, field: &'static str) -> Result<(), RejectReason> {
        if names_nobody(value) || value.eq_ignore_ascii_case(SHAREPOINT_APP) {
            return Ok(());
        }
        let (local, domain) = address(value).unwrap_or((value, ""));
        // What stands behind a passport id is who vouches for it, and not where anybody is at home.
        if is_puid(local) && (domain.is_empty() || provider.eq_ignore_ascii_case("i:0h.f")) {
            return self.add_ids(local, field);
        }
        if guid(local).is_some() {
            // An application or a user by object id, `id@tenant`.
            return self.add_ids(local, field);
        }
        // Whatever an application's claim names is nobody, unless it reads as an address.
        if !provider.eq_ignore_ascii_case("i:0i.t") || !domain.is_empty() {
            let name = after_prefix(value, GUEST).unwrap_or(value);
            self.add(Alias::new(name).map_err(in_field(field))?);
        }
        Ok(())
    }
}

/// Provider and value of an encoded claim, `i:0#.f|membership|adele@contoso.com`: what kind of claim it is stands
/// before the first `|`, whom it names after the last.
fn claim(text: &str) -> Option<(&str, &str)> {
    let (provider, rest) = text.split_once('|')?;
    let encoded = provider.len() == 6 && (has_prefix(provider, "i:0") || has_prefix(provider, "c:0"));
    let value = rest.rsplit_once('|').map_or(rest, |(_, value)| value).trim();
    encoded.then_some((provider, value)).filter(|(_, value)| !value.is_empty())
}

/// The object id in `ServicePrincipal_<object id>`.
fn service_principal(name: &str) -> Option<&str> {
    after_prefix(name, "ServicePrincipal_").filter(|id| guid(id).is_some())
}

/// A GUID in the form in which Microsoft writes it.
fn guid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|uuid| text.len() == 36 && !uuid.is_nil())
}

/// A passport unique id: 16 hexadecimal digits.
fn is_puid(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn address(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    after_prefix(text, prefix).is_some()
}

/// What follows a prefix, whatever its ASCII case.
fn after_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
