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

    /// Whether any of them is an address or an object id: forms in which directories contain everybody.
    pub(super) fn have_address_or_id(&self) -> bool {
        self.list.iter().any(|identity| match identity {
            Identity::Id(_) => true,
            Identity::Alias(alias) => alias.is_conclusive_address(),
        })
    }

    /// Whether any of them is an address.
    pub(super) fn have_address(&self) -> bool {
        self.list.iter().any(|identity| matches!(identity, Identity::Alias(alias) if alias.is_conclusive_address()))
    }

    /// Whether any of them is an id that only people and their accounts have.
    pub(super) fn have_personal_id(&self) -> bool {
        self.list.iter().any(|identity| match identity {
            Identity::Id(_) => true,
            Identity::Alias(alias) => alias.is_technical_id() && alias.app() != Some(Alias::SOURCE_KEYS),
        })
    }

    /// Whether any of them is a person's security identifier.
    pub(super) fn have_security_id(&self) -> bool {
        self.list
            .iter()
            .any(|identity| matches!(identity, Identity::Alias(alias) if alias.app() == Some(Alias::SECURITY_IDS)))
    }

    /// Whether there were more than are kept.
    pub(super) fn is_cut(&self) -> bool {
        self.list.len() > self.max
    }

    /// Leaves those that are kept; returns whether there were more.
    pub(super) fn cut(&mut self) -> bool {
        let is_cut = self.is_cut();
        self.list.truncate(self.max);
        is_cut
    }

    /// Takes out the technical ids, each as a principal by itself.
    pub(super) fn split_off_technical(&mut self) -> Vec<Self> {
        let is_technical = |identity: &Identity| matches!(identity, Identity::Alias(alias) if alias.is_technical_id());
        let (technical, others) = std::mem::take(&mut self.list).into_iter().partition(is_technical);
        self.list = others;
        let alone = |identity| Self { list: vec![identity], ..Self::default() };
        Vec::into_iter(technical).map(alone).collect()
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

    /// Adds whom a key of the source names, and every address within it. A key that can be no name is nobody's.
    pub(super) fn add_key(&mut self, key: &str) {
        self.add_addresses_within(key);
        let _ = self.add_form(key, Meaning::Key, MAX_WRAPPING);
    }

    /// Adds every address in a text, whatever stands around it.
    pub(super) fn add_addresses_in(&mut self, text: &str) {
        crate::steps::advance(text.len());
        for address in addresses_in(text) {
            // What cannot be an alias is the name of nobody whom a directory knows.
            let _ = self.add_form(address, Meaning::SignIn, MAX_WRAPPING);
        }
    }

    /// Adds every identity in a text that is known by its form: object ids, passport ids, security identifiers, claims, and
    /// accounts with their domain.
    pub(super) fn add_all_within(&mut self, text: &str) {
        /// No identity is longer, with whatever stands around it.
        const LONGEST: usize = 2 * Alias::MAX_BYTES;
        crate::steps::advance(text.len());
        let ids = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        for part in parts(text).chain(ids).chain([text]).filter(|part| part.len() <= LONGEST) {
            let part = clean(part);
            let is_whole = part.len() + 2 >= text.trim().len();
            let is_wanted = match shape(&part) {
                Shape::PassportId(..)
                | Shape::SecurityId(_)
                | Shape::Claim(..)
                | Shape::ObjectId(_)
                | Shape::IdAndAddress(..)
                | Shape::Outside(_) => true,
                Shape::Encoded(decoded) => decoded.contains('@'),
                // A path to a file has the form of an account, unless it is all there is.
                Shape::Account(_) => is_whole && part.matches(['\\', '/']).count() <= 1 || part.starts_with("/o="),
                Shape::Address(_) | Shape::Name => false,
            };
            if is_wanted {
                let _ = self.add_form(&part, Meaning::SignIn, MAX_WRAPPING);
            }
        }
    }

    /// Adds an account name that is one word.
    pub(super) fn add_account(&mut self, text: &str) {
        let text = text.trim();
        if text.len() <= Alias::MAX_BYTES && !text.contains(char::is_whitespace) {
            let _ = self.add_form(text, Meaning::SignIn, MAX_WRAPPING);
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
            Shape::ObjectId(id) => {
                self.add_object_id(id)?;
                // A GUID can also be how somebody signs in.
                if is_address(name) {
                    self.add(Alias::new(name)?);
                }
            }
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
                // `upn=adele@contoso.com`, `users/adele@contoso.com`, `mail#adele@contoso.com`; but all three signs can also
                // be part of an address.
                if let Some((_, rest)) = address.rsplit_once(['=', '/', '#']).filter(|(_, rest)| is_address(rest)) {
                    self.add(Alias::new(rest)?);
                }
                // `adele@CONTOSO`, in a domain of Windows.
                if let Some((local, domain)) = crate::identity::address(&address).filter(|(_, it)| !it.contains('.')) {
                    self.add(Alias::new(local)?);
                    self.add(Alias::new(format!("{domain}\\{local}"))?);
                }
                if let Some(decoded) = percent_decoded(name).filter(|decoded| decoded != name) {
                    self.add_form(&decoded, meaning, depth)?;
                }
            }
            Shape::Account(account) => {
                self.add(Alias::new(name)?);
                self.add(Alias::new(account)?);
                // The id behind an alias in a legacy distinguished name of Exchange.
                if let Some((_, rest)) = account.split_once('-').filter(|(head, _)| is_hex(head)) {
                    self.add(Alias::new(rest)?);
                }
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
    // `8:orgid:<object id>`, `NETID:<passport id>`, `X500:/o=...`
    if let Some((_, rest)) = name.rsplit_once(':')
        && (guid(rest).is_some() || is_passport_id(rest) || is_sid(rest) || has_prefix(rest, "/o="))
    {
        return Shape::Outside(rest);
    }
    let account = name.rsplit_once('\\').map(|(_, account)| account).or_else(|| {
        // `/o=ExchangeLabs/ou=.../cn=Recipients/cn=0123456789abcdef-adele`
        let legacy = after_prefix(name, "/o=").and_then(|rest| rest.to_ascii_lowercase().rfind("/cn="));
        match legacy {
            Some(at) => name.get(at + "/o=".len() + "/cn=".len()..),
            // `CONTOSO/adele`
            None => name
                .split_once('/')
                .filter(|(head, rest)| !head.is_empty() && !rest.contains(['/', '.']))
                .map(|it| it.1),
        }
    });
    match account.map(str::trim).filter(|account| !account.is_empty()) {
        Some(account) => Shape::Account(account),
        None => Shape::Name,
    }
}

/// Returns a name without white space, quotes and punctuation around it, and without marks that nobody sees: of byte order,
/// of direction, of where a word may break.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    // Characters that Unicode lets a reader ignore, and the full-width `@`.
    let is_mark = |c: char| {
        matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ff20}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
        )
    };
    let trimmed = |text: &str| bare(text).to_owned();
    if text.contains(is_mark) {
        let text = text.replace('\u{ff20}', "@");
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
    let local = match local.rsplit_once([':', '|', ' ', '(', '\\']) {
        Some((_, rest)) if !rest.is_empty() && !local.ends_with('"') => rest,
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

/// Whether a security identifier is one that Windows gives to the system, to services and to groups of everybody:
/// `[MS-DTYP]`, section 2.4.2.4. Every other is somebody's.
fn is_well_known_sid(text: &str) -> bool {
    let Some(rest) = after_prefix(text, "S-1-").filter(|_| is_sid(text)) else { return false };
    let mut numbers = rest.split('-').map(|number| number.parse::<u64>().unwrap_or(u64::MAX));
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(5), Some(1..=20), None) => true,
        // Groups of the machine, services, application pools, virtual machines, windows and fonts.
        (Some(5), Some(32 | 64 | 80 | 82 | 83 | 87 | 90 | 96), Some(_)) => true,
        // Nobody, everyone, local, creators, apps, and levels of integrity.
        (Some(0..=3 | 15 | 16 | 18), Some(_), _) => true,
        _ => false,
    }
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

/// The addresses in a text, whatever stands around them: for each `@` the longest name and domain on its two sides.
fn addresses_in(text: &str) -> impl Iterator<Item = &str> {
    let is_local = |c: char| c.is_alphanumeric() || ".!#$%&'*+-=?^_{}~\u{200b}\u{ad}".contains(c);
    let is_domain = |c: char| c.is_alphanumeric() || ".-_。．｡\u{200b}\u{ad}".contains(c);
    text.match_indices(['@', '\u{ff20}']).filter_map(move |(at, sign)| {
        let (before, behind) = (text.get(..at)?, text.get(at + sign.len()..)?);
        let local: usize = before.chars().rev().take_while(|c| is_local(*c)).map(char::len_utf8).sum();
        let domain: usize = behind.chars().take_while(|c| is_domain(*c)).map(char::len_utf8).sum();
        let found = text.get(at - local..at + sign.len() + domain)?.trim_end_matches('.');
        (local > 0 && domain > 0 && found.len() <= 2 * Alias::MAX_BYTES && is_of_people(found)).then_some(found)
    })
}

/// Whether an address is one of people: ids of threads and of meetings read like addresses.
fn is_of_people(address: &str) -> bool {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
    let others = ["thread.skype", "thread.tacv2", "thread.v2", "thread.v1", "gbl.spaces", "unq.gbl.spaces"];
    let files = [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".docx", ".xlsx", ".pptx", ".pdf"];
    !others.contains(&&*domain) && !files.iter().any(|end| domain.ends_with(end))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whom a OneDrive address can belong to, `https://contoso-my.sharepoint.com/personal/adele_contoso_com/`: the address of
/// the owner, in which each `@` and `.` became `_`. Where that is not clear, it is each address that it can be.
pub(super) fn drive_owners(text: &str) -> Vec<String> {
    const MAX_OWNERS: usize = 32;
    const PERSONAL: &str = "personal/";
    let mut owners = Vec::new();
    let decoded = percent_decoded(text).unwrap_or_else(|| text.to_owned()).to_lowercase();
    for (at, _) in decoded.match_indices(PERSONAL) {
        let is_part = decoded.get(..at).is_none_or(|before| before.is_empty() || before.ends_with('/'));
        let owner = decoded.get(at + PERSONAL.len()..).filter(|_| is_part).unwrap_or_default();
        let owner =
            owner.split(|c: char| c == '/' || c == '?' || c == '"' || c.is_whitespace()).next().unwrap_or_default();
        let parts: Vec<&str> = owner.split('_').collect();
        // At least one part of a name, and two of a domain.
        for split in 1..parts.len().saturating_sub(1) {
            let (local, domain) = parts.split_at(split);
            for sign in [".", "_"] {
                if owners.len() < MAX_OWNERS {
                    owners.push(format!("{}@{}", local.join(sign), domain.join(".")));
                }
            }
        }
    }
    owners.dedup();
    owners
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
