//! Who acted, and for whom. When in doubt a person, or nobody known; never the system.

use serde_json::Value;
use uuid::Uuid;

use super::fields::{Fields, in_field, is_nil};
use super::reject::RejectReason;
use crate::activity::Activity;
use crate::actor::{Actor, ActorKind, ActorName};
use crate::identity::{Alias, Identity, UserId, address};

/// The account that SharePoint names for every application with permissions of its own.
const SHAREPOINT_APP: &str = "app@sharepoint";

/// What SharePoint puts before the address of somebody who came by a one-time passcode.
const GUEST: &str = "urn:spo:guest#";

/// `IdentityType` in the schema: what an entry of `Actor` or `Target` is.
const NAME: (f64, &str) = (1.0, "Name");
const OTHER: (f64, &str) = (2.0, "Other");
const PUID: (f64, &str) = (3.0, "PUID");
const SPN: (f64, &str) = (4.0, "SPN");
const UPN: (f64, &str) = (5.0, "UPN");

/// Who acted.
pub(super) fn acting(fields: &Fields) -> Result<Actor, RejectReason> {
    let user_id = fields.text("UserId")?.filter(|name| !names_nobody(name));
    let user_key = fields.text("UserKey")?.filter(|name| !names_nobody(name));
    let entries = fields.people("Actor")?;

    let mut identities = Identities::default();
    if let Some(user_id) = user_id {
        identities.add_sign_in_name(user_id, "UserId")?;
    }
    if let Some(user_key) = user_key.filter(|key| Some(*key) != user_id) {
        identities.add_key(user_key, "UserKey")?;
    }
    for entry in entries.iter() {
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
pub(super) fn acted_for(fields: &Fields, actor: &Actor) -> Result<Vec<Actor>, RejectReason> {
    let mut named: Vec<(String, &'static str)> = Vec::new();
    for field in ["SendOnBehalfOfUserSmtp", "SendAsUserSmtp", "MailboxOwnerUPN"] {
        named.extend(fields.text(field)?.map(|name| (name.to_owned(), field)));
    }
    // The person whose doing a data-loss-prevention agent reports.
    for object in ["SharePointMetaData", "ExchangeMetaData"] {
        named.extend(fields.inner_texts(object, "From")?.into_iter().map(|name| (name, "From")));
    }
    let mut principals: Vec<Actor> = Vec::new();
    for (name, field) in named.iter().filter(|(name, _)| !names_nobody(name)) {
        let mut identities = Identities::default();
        identities.add_sign_in_name(name, field)?;
        let known = |identity: &Identity| {
            std::iter::once(actor).chain(&principals).flat_map(Actor::identities).any(|known| same(known, identity))
        };
        // INVARIANT: at most one more than there may be, for which the activity is then refused.
        if principals.len() <= Activity::MAX_ON_BEHALF_OF && !identities.0.iter().all(known) {
            principals.extend(identities.into_user());
        }
    }
    Ok(principals)
}

fn same(a: &Identity, b: &Identity) -> bool {
    match (a, b) {
        (Identity::Alias(a), Identity::Alias(b)) => a.matches(b),
        (a, b) => a == b,
    }
}

/// The name in an entry of `Target`: a UPN, or whatever reads as an address.
pub(super) fn directory_name(entry: &Value) -> Option<&str> {
    typed(entry, UPN).or_else(|| entry.as_str()).or_else(|| id_of(entry).filter(|id| address(id).is_some()))
}

/// Whom a text names, each by an id or a name as a directory has it.
pub(super) fn named_in(text: &str) -> impl Iterator<Item = String> {
    std::iter::once(text).chain(addresses_within(text)).flat_map(|name| {
        let mut identities = Identities::default();
        // What is too long for a name, or otherwise none, names nobody.
        let named = identities.add_name(name, "").is_ok() && !names_nobody(name);
        identities.0.into_iter().filter(move |_| named).filter_map(|identity| match identity {
            Identity::Id(id) => Some(id.as_str().to_owned()),
            Identity::Alias(alias) => alias.app().is_none().then(|| alias.as_str().to_owned()),
        })
    })
}

/// The id in an entry, if it is of this type, given as a number or as a word.
fn typed<'a>(entry: &'a Value, (number, word): (f64, &str)) -> Option<&'a str> {
    let matches = match entry.get("Type")? {
        Value::String(text) => text.trim().eq_ignore_ascii_case(word) || text.trim().parse() == Ok(number),
        other => other.as_f64() == Some(number),
    };
    id_of(entry).filter(|_| matches)
}

/// The id in an entry, of whatever type.
fn id_of(entry: &Value) -> Option<&str> {
    entry.get("ID")?.as_str().map(str::trim)
}

/// Whether a name says that there is none, or that it is not told, and holds nobody's address beside.
fn names_nobody(name: &str) -> bool {
    let name = name.trim();
    // The last is the security id of the anonymous logon.
    let words = ["", "unknown", "not available", "anonymous", "anonymous logon", "null", "<null>", "S-1-5-7"];
    let nobody = words.iter().any(|word| name.eq_ignore_ascii_case(word))
        || ["urn:spo:anon#", r"NT AUTHORITY\ANONYMOUS"].iter().any(|head| has_prefix(name, head))
        || is_nil(name)
        || claim(name).is_some_and(|(_, value)| names_nobody(value));
    nobody && addresses_within(name).next().is_none()
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

    /// The person known by these, if there are any.
    fn into_user(self) -> Option<Actor> {
        let mut known = self.0.into_iter();
        known.next().map(|first| known.fold(Actor::user(first), Actor::also))
    }

    /// What `UserId` holds, and whatever else says who somebody is.
    fn add_sign_in_name(&mut self, text: &str, field: &'static str) -> Result<(), RejectReason> {
        let within = self.add_addresses_within(text, field);
        // What stands around an address makes no address, and would pass for one in a domain of nobody's.
        if within && Alias::new(text).ok().is_none_or(|whole| whole.domain().is_none()) {
            return Ok(());
        }
        self.add_name(text, field)
    }

    /// The addresses in a text that holds more, each as if it stood alone; whether there were any.
    fn add_addresses_within(&mut self, text: &str, field: &'static str) -> bool {
        // One that cannot be an alias is the address of nobody whom a directory knows.
        addresses_within(text).filter(|name| self.add_name(name, field).is_ok()).count() > 0
    }

    fn add_name(&mut self, name: &str, field: &'static str) -> Result<(), RejectReason> {
        if self.add_known_form(name, field)? {
            return Ok(());
        }
        self.add(Alias::new(name).map_err(in_field(field))?);
        self.add_ids(name, field)
    }

    /// What `UserKey` holds.
    fn add_key(&mut self, key: &str, field: &'static str) -> Result<(), RejectReason> {
        self.add_addresses_within(key, field);
        if self.add_known_form(key, field)? {
            return Ok(());
        }
        if guid(key).is_some() || is_puid(key) {
            return self.add_ids(key, field);
        }
        self.add(Alias::account("userkey", key).map_err(in_field(field))?);
        Ok(())
    }

    /// An entry of `Actor`. The kinds that are not known here, and display names, identify nobody, unless they read
    /// as an address.
    fn add_entry(&mut self, entry: &Value) -> Result<(), RejectReason> {
        let field = "Actor";
        let Some(id) = entry.as_str().or_else(|| id_of(entry)).filter(|id| !names_nobody(id)) else { return Ok(()) };
        if typed(entry, PUID).is_some() {
            return self.add_key(id, field);
        }
        if entry.is_string() || typed(entry, UPN).is_some() {
            return self.add_sign_in_name(id, field);
        }
        let mut name = id;
        if typed(entry, OTHER).is_some() {
            name = ["User_", "ServicePrincipal_"].iter().find_map(|head| id.strip_prefix(head)).unwrap_or(id);
            self.add_ids(name, field)?;
        }
        if address(name).is_some() { self.add_sign_in_name(name, field) } else { Ok(()) }
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

/// The addresses in a text that is more than one address: `Adele <adele@contoso.com>`, `adele@contoso.com;lee@...`.
fn addresses_within(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || r#"<>()[]{}";,"#.contains(c))
        .map(|part| part.trim_matches('\''))
        .filter(move |part| part.len() < text.len() && address(part).is_some() && !names_nobody(part))
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    after_prefix(text, prefix).is_some()
}

/// What follows a prefix, whatever its ASCII case.
fn after_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
