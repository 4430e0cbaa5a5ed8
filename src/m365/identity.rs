//! What an identity looks like in a record, wherever it stands, and the form in which directories hold it.
//!
//! Sources write one person in many ways: an address with a prefix (`SMTP:`, `mailto:`, `sip:`, `live.com#`), a claim of
//! SharePoint (`i:0#.f|membership|...`), an object id in braces, without hyphens or as a URN, a passport id with or
//! without a tenant, a security identifier, `DOMAIN\name`; and marks that nobody sees, of byte order or direction, stand
//! around all of them. Every reader of this module goes through [`Identities`], so that a form is known everywhere or
//! nowhere.

use std::borrow::Cow;

use uuid::Uuid;

use super::fields::{in_field, is_nil};
use super::reject::RejectReason;
use crate::activity::Activity;
use crate::actor::{Actor, ActorKind, ActorName};
use crate::identity::{Alias, Identity, UserId, address, is_passport_id};

/// The account that SharePoint names for every application with permissions of its own.
const SHAREPOINT_APP: &str = "app@sharepoint";

/// What stands before the address of somebody from outside: of a one-time passcode, of a personal Microsoft account.
const OUTSIDE: [&str; 2] = ["urn:spo:guest#", "live.com#"];

/// How deep one form may be wrapped into another: a percent-encoded claim of an address with a prefix.
const MAX_WRAPPING: usize = 4;

/// The identities of one principal, each once, in the order in which they were found.
#[derive(Clone)]
pub(super) struct Identities {
    list: Vec<Identity>,
    max: usize,
}

impl Default for Identities {
    /// Those of one principal.
    fn default() -> Self {
        Self { list: Vec::new(), max: Actor::MAX_IDENTITIES }
    }
}

/// What a name may be beside a person's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A name that people sign in with.
    SignIn,
    /// A key of the source, which is an account name if it is nothing else.
    Key,
}

impl Identities {
    /// Those of as many principals as one activity may name.
    pub(super) fn of_many() -> Self {
        Self { max: Actor::MAX_IDENTITIES * (Activity::MAX_ON_BEHALF_OF + 1), ..Self::default() }
    }

    pub(super) fn add(&mut self, identity: impl Into<Identity>) {
        let identity = identity.into();
        // INVARIANT: at most one more than there may be, for which the activity is then rejected.
        if self.list.len() <= self.max && !self.list.contains(&identity) {
            self.list.push(identity);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Identity> {
        self.list.iter()
    }

    /// Whether any of them means the same as an identity.
    pub(super) fn contains(&self, identity: &Identity) -> bool {
        self.list.iter().any(|known| same(known, identity))
    }

    /// Whether any of them is a person's in a form that directories hold of everybody: an address or an object id.
    pub(super) fn name_a_person(&self) -> bool {
        self.list.iter().any(|identity| match identity {
            Identity::Id(_) => true,
            Identity::Alias(alias) => alias.is_conclusive_address(),
        })
    }

    /// Whether any of them is given to people only, be it in a form that no directory holds of everybody.
    pub(super) fn are_of_somebody(&self) -> bool {
        self.list.iter().any(|identity| match identity {
            Identity::Id(_) => true,
            Identity::Alias(alias) => alias.is_address() || alias.is_technical_id(),
        })
    }

    /// Adds those of another principal.
    pub(super) fn extend(&mut self, others: Self) {
        others.list.into_iter().for_each(|identity| self.add(identity));
    }

    /// Returns the user known by these, if there are any.
    pub(super) fn into_user(self) -> Option<Actor> {
        let mut known = self.list.into_iter();
        known.next().map(|first| known.fold(Actor::user(first), Actor::also))
    }

    /// Returns an actor of a kind that has these identities.
    pub(super) fn into_actor(self, actor: Actor) -> Actor {
        self.list.into_iter().fold(actor, Actor::also)
    }

    /// Returns the identities in parts that one actor can carry each.
    pub(super) fn into_parts(self) -> impl Iterator<Item = Self> {
        let mut rest = self.list.into_iter();
        std::iter::from_fn(move || {
            let list: Vec<_> = rest.by_ref().take(Actor::MAX_IDENTITIES).collect();
            (!list.is_empty()).then_some(Self { list, max: Actor::MAX_IDENTITIES })
        })
    }

    /// Adds whom a text names that people sign in with, and every address within it.
    pub(super) fn add_sign_in_name(&mut self, text: &str, field: &'static str) -> Result<(), RejectReason> {
        // What stands around an address makes no address, and would pass for one in a domain of nobody's.
        if self.add_addresses_within(text) {
            return Ok(());
        }
        self.add_form(text, Meaning::SignIn, MAX_WRAPPING).map_err(in_field(field))
    }

    /// Adds whom a key of the source names, and every address within it.
    pub(super) fn add_key(&mut self, key: &str, field: &'static str) -> Result<(), RejectReason> {
        self.add_addresses_within(key);
        self.add_form(key, Meaning::Key, MAX_WRAPPING).map_err(in_field(field))
    }

    /// Adds every identity that a text contains, at whatever place: addresses, object ids if `with_ids`, passport ids and
    /// security identifiers.
    pub(super) fn add_all_within(&mut self, text: &str, with_ids: bool) {
        self.add_addresses_within(text);
        /// No identity is longer, with whatever stands around it.
        const LONGEST: usize = 2 * Alias::MAX_BYTES;
        crate::steps::advance(text.len());
        for part in parts(text).chain([text]).filter(|part| part.len() <= LONGEST) {
            let part = clean(part);
            let is_wanted = match shape(&part) {
                Shape::Address(_) | Shape::PassportId(..) | Shape::SecurityId(_) | Shape::Claim(..) => true,
                Shape::ObjectId(_) | Shape::IdAndAddress(..) => with_ids,
                Shape::Encoded(_) => part.contains("%40"),
                _ => false,
            };
            if is_wanted {
                // What cannot be an alias is the name of nobody whom a directory knows.
                let _ = self.add_form(&part, Meaning::SignIn, MAX_WRAPPING);
            }
        }
    }

    /// Adds the addresses in a text that holds more, each as if it stood alone; returns whether there were any.
    fn add_addresses_within(&mut self, text: &str) -> bool {
        // One that cannot be an alias is the address of nobody whom a directory knows.
        crate::steps::advance(text.len());
        addresses_within(text).filter(|name| self.add_form(name, Meaning::SignIn, MAX_WRAPPING).is_ok()).count() > 0
    }

    /// Adds what one name means, in every form in which a directory can hold it.
    fn add_form(&mut self, name: &str, meaning: Meaning, depth: usize) -> Result<(), crate::text::TextError> {
        let name = &*clean(name);
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        if names_nobody(name) || name.eq_ignore_ascii_case(SHAREPOINT_APP) {
            return Ok(());
        }
        if let Some(id) = service_principal(name) {
            self.add_object_id(id)?;
        }
        match shape(name) {
            Shape::Claim(provider, value) => return self.add_claim(provider, value, depth),
            _ if service_kind(name).is_some() => {}
            Shape::Outside(rest) => return self.add_form(rest, meaning, depth),
            Shape::Encoded(decoded) => return self.add_form(&decoded, meaning, depth),
            Shape::IdAndAddress(id, address) => {
                self.add_object_id(id)?;
                self.add_form(address, meaning, depth)?;
            }
            Shape::ObjectId(id) => self.add_object_id(id)?,
            Shape::PassportId(id, whole) => {
                self.add(Alias::account(Alias::PASSPORT_IDS, id)?);
                // A tenant behind it is not where anybody is at home; but a directory may hold it so.
                if whole.len() > id.len() && !whole.to_ascii_lowercase().ends_with("@live.com") {
                    self.add(Alias::new(whole)?);
                }
            }
            Shape::SecurityId(sid) => {
                if let Some(id) = object_id_of(&sid) {
                    self.add(UserId::new(id.to_string())?);
                }
                self.add(Alias::account(Alias::SECURITY_IDS, sid)?);
            }
            Shape::Address(address) => {
                self.add(Alias::new(&*address)?);
                // `upn=adele@contoso.com`, `users/adele@contoso.com`; but both signs can also be part of an address.
                if let Some((_, rest)) = address.rsplit_once(['=', '/']).filter(|(_, rest)| is_address(rest)) {
                    self.add(Alias::new(rest)?);
                }
            }
            Shape::Account(account) => {
                self.add(Alias::new(name)?);
                self.add(Alias::new(account)?);
            }
            Shape::Name if meaning == Meaning::Key => self.add(Alias::account(Alias::SOURCE_KEYS, name)?),
            Shape::Name => self.add(Alias::new(name)?),
        }
        Ok(())
    }

    /// Adds an Entra object id, written as one or as part of something else.
    fn add_object_id(&mut self, id: &str) -> Result<(), crate::text::TextError> {
        let Some(uuid) = guid(id) else { return Ok(()) };
        // Ids are never folded, and directories write them in lower case; records do not always.
        self.add(UserId::new(uuid.to_string())?);
        if id.len() == 36 {
            self.add(UserId::new(id)?);
        }
        Ok(())
    }

    /// Adds whom a claim names as SharePoint encodes it.
    fn add_claim(&mut self, provider: &str, value: &str, depth: usize) -> Result<(), crate::text::TextError> {
        let (local, domain) = address(value).unwrap_or((value, ""));
        // What stands behind a passport id is who vouches for it.
        if is_passport_id(local) && provider.eq_ignore_ascii_case("i:0h.f") {
            self.add(Alias::account(Alias::PASSPORT_IDS, local)?);
            return Ok(());
        }
        if guid(local).is_some() {
            // An application or a user by object id, `id@tenant`.
            return self.add_object_id(local);
        }
        // `c:0t.c|tenant|...` is a claim of groups and roles, of which a directory has no entry as people.
        let is_of_group = has_prefix(provider, "c:") && !has_prefix(provider, "c:0!");
        if is_of_group && domain.is_empty() {
            self.add(Alias::account(Alias::SOURCE_KEYS, value)?);
            return Ok(());
        }
        // Whatever an application's claim names is nobody, unless it reads as an address.
        if !provider.eq_ignore_ascii_case("i:0i.t") || !domain.is_empty() {
            return self.add_form(value, Meaning::SignIn, depth);
        }
        Ok(())
    }
}

/// What one name looks like.
enum Shape<'a> {
    /// Provider and value of a claim.
    Claim(&'a str, &'a str),
    /// A name after a mark of somebody from outside.
    Outside(&'a str),
    /// A name that was percent-encoded.
    Encoded(String),
    /// A deleted user's UPN: the object id without hyphens, and the address that was theirs.
    IdAndAddress(&'a str, &'a str),
    ObjectId(&'a str),
    /// A passport id, and the whole name with what stands behind it.
    PassportId(&'a str, &'a str),
    SecurityId(String),
    /// An address, without what stood around it.
    Address(Cow<'a, str>),
    /// An account name after its domain, `DOMAIN\name`, or at the end of a legacy distinguished name of Exchange.
    Account(&'a str),
    Name,
}

/// Tells what a name looks like that is [clean](clean).
fn shape(name: &str) -> Shape<'_> {
    if let Some((provider, value)) = claim(name) {
        return Shape::Claim(provider, value);
    }
    if let Some(rest) = OUTSIDE.iter().find_map(|mark| after_prefix(name, mark)).filter(|rest| address(rest).is_some())
    {
        return Shape::Outside(rest);
    }
    let is_plain = address(name).is_some();
    if let Some(decoded) = percent_decoded(name).filter(|decoded| !is_plain && decoded != name) {
        return Shape::Encoded(decoded);
    }
    let id = ["User_", "ServicePrincipal_"].iter().find_map(|head| after_prefix(name, head)).unwrap_or(name);
    if guid(id).is_some() {
        return Shape::ObjectId(id);
    }
    if let Some((id, rest)) = name.split_at_checked(32)
        && guid(id).is_some()
        && address(rest).is_some()
    {
        return Shape::IdAndAddress(id, rest);
    }
    if is_sid(name) {
        return Shape::SecurityId(name.to_ascii_uppercase());
    }
    let local = address(name).map_or(name, |(local, _)| local);
    if is_passport_id(local) {
        return Shape::PassportId(local, name);
    }
    if guid(local).is_some() {
        return Shape::ObjectId(local);
    }
    if is_plain {
        return Shape::Address(bare_address(name));
    }
    let account = name.rsplit_once('\\').map(|(_, account)| account).or_else(|| {
        // `/o=ExchangeLabs/ou=.../cn=Recipients/cn=0123456789abcdef-adele`
        let last = after_prefix(name, "/o=")?.rsplit_once("/cn=").map(|(_, last)| last)?;
        Some(last.split_once('-').map_or(last, |(_, account)| account))
    });
    match account.map(str::trim).filter(|account| !account.is_empty()) {
        Some(account) => Shape::Account(account),
        None => Shape::Name,
    }
}

/// Returns a name without white space, quotes and punctuation around it, and without marks that nobody sees: of byte order,
/// of direction, of where a word may break.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let is_mark = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let trimmed = |text: &str| bare(text).to_owned();
    if text.contains(is_mark) {
        let without: String = text.chars().filter(|c| !is_mark(*c)).collect();
        return trimmed(&without).into();
    }
    match trimmed(text) {
        same if same == text => text.into(),
        other => other.into(),
    }
}

/// Returns a text without white space, separators and pairs of quotes or brackets around it.
fn bare(mut text: &str) -> &str {
    const PAIRS: [(char, char); 3] = [('<', '>'), ('"', '"'), ('\'', '\'')];
    loop {
        text = text.trim_matches(|c: char| c.is_whitespace() || c == ';' || c == ',');
        let within = |(open, close): &(char, char)| text.strip_prefix(*open)?.strip_suffix(*close);
        match PAIRS.iter().find_map(within).filter(|inner| !inner.is_empty()) {
            // `<null>` is a word for nobody.
            Some(inner) if !names_nobody_in_words(text) => text = inner,
            _ => return text,
        }
    }
}

/// Returns an address without what stands around it: a scheme before it (`SMTP:`, `mailto:`, `sip:`), a device, port or path
/// behind it (`|device`, `:443`, `/App`).
fn bare_address(name: &str) -> Cow<'_, str> {
    let Some((local, domain)) = address(name) else { return name.into() };
    // A quoted local part may contain anything.
    let local = match local.rsplit_once([':', '|', ' ', '(']) {
        Some((_, rest)) if !rest.is_empty() && !local.ends_with('"') => rest,
        _ => local,
    };
    let local = match local.rsplit_once('#') {
        // `live.com#lee@outlook.com` behind another prefix; `#EXT#` is a guest's and is kept.
        Some((head, rest)) if !rest.is_empty() && head.contains('.') => rest,
        _ => local,
    };
    let end = domain.find(|c: char| !(c.is_alphanumeric() || ".-_。．｡".contains(c))).unwrap_or(domain.len());
    match domain.get(..end).filter(|domain| !domain.is_empty()) {
        Some(domain) if local.len() + 1 + domain.len() < name.len() => format!("{local}@{domain}").into(),
        _ => name.into(),
    }
}

/// Returns a text without percent-encoding (RFC 3986, section 2.1), if it has any and is UTF-8 without it.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).filter(|_| *first == b'%').and_then(|pair| str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn is_address(text: &str) -> bool {
    address(text).is_some()
}

fn same(a: &Identity, b: &Identity) -> bool {
    match (a, b) {
        (Identity::Alias(a), Identity::Alias(b)) => a.matches(b),
        (a, b) => a == b,
    }
}

/// Whether a name says that there is none, or that it is not told, and holds nobody's address beside.
pub(super) fn names_nobody(name: &str) -> bool {
    let name = name.trim();
    let nobody = names_nobody_in_words(name)
        || ["urn:spo:anon#", r"NT AUTHORITY\ANONYMOUS"].iter().any(|head| has_prefix(name, head))
        || is_nil(name)
        || claim(name).is_some_and(|(_, value)| names_nobody(value));
    nobody && addresses_within(name).next().is_none()
}

fn names_nobody_in_words(name: &str) -> bool {
    // The last is the security identifier of the anonymous logon.
    let words = [
        "",
        "-",
        "n/a",
        "none",
        "unknown",
        "not available",
        "notavailable",
        "not set",
        "anonymous",
        "anonymous logon",
        "null",
        "(null)",
        "<null>",
        "undefined",
        "[]",
        "{}",
        "S-1-5-7",
    ];
    words.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Returns what a name stands for that Microsoft gives to no person, whatever the type of user says.
///
/// Apart from `app@sharepoint` none of them is an address: a name that could be somebody's address is nobody else's.
pub(super) fn service_kind(name: &str) -> Option<ActorKind> {
    let is = |word: &str| name.eq_ignore_ascii_case(word);
    if is(SHAREPOINT_APP) || has_prefix(name, "i:0i.t|") {
        return Some(ActorKind::Application);
    }
    if name.contains('@') {
        return None;
    }
    let heads = [
        "NT AUTHORITY\\",
        "NT SERVICE\\",
        "BUILTIN\\",
        "IIS APPPOOL\\",
        "Window Manager\\",
        "DlpPolicyEventBasedAssistant",
    ];
    let system = is(r"SHAREPOINT\system")
        || is("DlpAgent")
        || is("SecurityComplianceAlerts")
        || heads.iter().any(|head| has_prefix(name, head))
        || is_well_known_sid(name);
    if system {
        Some(ActorKind::System)
    } else if is("Application") || is("ServicePrincipal") || service_principal(name).is_some() {
        Some(ActorKind::Application)
    } else {
        None
    }
}

/// Returns the name of an application or system account, cut to the longest that is kept.
pub(super) fn service_name(name: &str) -> Option<ActorName> {
    let end = (0..=name.len().min(ActorName::MAX_BYTES)).rev().find(|end| name.is_char_boundary(*end))?;
    ActorName::new(name.get(..end)?).ok()
}

/// Provider and value of an encoded claim, `i:0#.f|membership|adele@contoso.com`: what kind of claim it is stands before
/// the first `|`, whom it names after the last.
fn claim(text: &str) -> Option<(&str, &str)> {
    let (provider, rest) = text.split_once('|')?;
    let encoded = provider.len() == 6 && (has_prefix(provider, "i:0") || has_prefix(provider, "c:0"));
    let value = rest.rsplit_once('|').map_or(rest, |(_, value)| value).trim();
    encoded.then_some((provider, value)).filter(|(_, value)| !value.is_empty())
}

/// The object id in `ServicePrincipal_<object id>`.
pub(super) fn service_principal(name: &str) -> Option<&str> {
    after_prefix(name, "ServicePrincipal_").filter(|id| guid(id).is_some())
}

/// A GUID in any of the forms in which records write it: with or without hyphens, in braces or parentheses, as a URN.
pub(super) fn guid(text: &str) -> Option<Uuid> {
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let known = matches!(text.len(), 32 | 36 | 38 | 45);
    Uuid::try_parse(text).ok().filter(|uuid| known && !uuid.is_nil())
}

/// A security identifier as text: `S-1-`, the authority, and at least one number behind it.
fn is_sid(text: &str) -> bool {
    let Some(rest) = after_prefix(text, "S-1-") else { return false };
    let parts = rest.split('-');
    parts.clone().count() >= 2 && parts.clone().count() <= 16 && parts.clone().all(is_decimal)
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a security identifier is one that Windows gives to the system and to groups of everybody, and not to a person:
/// those of a domain or machine are below `S-1-5-21`, those of Entra below `S-1-12-1`.
fn is_well_known_sid(text: &str) -> bool {
    is_sid(text) && !["S-1-5-21-", "S-1-12-1-"].iter().any(|head| has_prefix(text, head))
}

/// The object id that Entra wrote into a security identifier, `S-1-12-1-` and the four numbers of the id, each little
/// endian.
fn object_id_of(sid: &str) -> Option<Uuid> {
    let numbers: Vec<u32> = after_prefix(sid, "S-1-12-1-")?.split('-').map_while(|part| part.parse().ok()).collect();
    let numbers: [u32; 4] = numbers.try_into().ok()?;
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
    Some(Uuid::from_bytes_le(bytes.try_into().ok()?)).filter(|id| !id.is_nil())
}

/// The addresses in a text that is more than one address: `Adele <adele@contoso.com>`, `adele@contoso.com;lee@...`.
fn addresses_within(text: &str) -> impl Iterator<Item = &str> {
    parts(text).filter(move |part| part.len() < text.trim().len() && address(part).is_some() && !names_nobody(part))
}

/// The parts of a text between white space and punctuation.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || r#"<>()[]{}";,"#.contains(c))
        .map(|part| part.trim_matches('\''))
        .filter(|part| !part.is_empty())
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    after_prefix(text, prefix).is_some()
}

/// What follows a prefix, whatever its ASCII case.
pub(super) fn after_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
