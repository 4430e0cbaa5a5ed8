//! An entry of the directory, from its lines to what it says of a user or a group.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::attribute::{Attribute, Class, Mark, NAMES};
use super::line::{Field, Place};
use super::tree::Tree;
use super::{MAX_VALUE_BYTES, PARTIAL_SEARCH};
use crate::directory::{User, UserStatus};
use crate::identity::{Alias, GroupId, UserId, fold};
use crate::import::RejectReason;
use crate::import::names::MAX_NAMES;

const NAME: &str = "a distinguished name (RFC 4514)";

/// What is kept of an entry.
#[derive(Clone, Default)]
pub(super) enum Entry {
    /// Nothing was read of it.
    #[default]
    Unknown,
    Person(Person),
    Group(Group),
    /// It was rejected, and may be anybody.
    Refused,
    /// A machine: it can be listed by a group, and nobody is left out.
    Machine,
    /// Something that is neither user nor group.
    Neither,
}

#[derive(Clone)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) named_by_dn: bool,
    pub(super) texts: Texts,
    /// The keys of the groups that are theirs without listing them.
    pub(super) primary: Vec<Box<str>>,
}

#[derive(Clone)]
pub(super) struct Group {
    pub(super) id: GroupId,
    pub(super) named_by_dn: bool,
    pub(super) texts: Texts,
    /// Who is listed, and by what.
    pub(super) members: BTreeMap<usize, Mark>,
    pub(super) keys: Vec<Box<str>>,
}

/// Who is listed by a group: the place of an entry in the tree, or an account name.
#[derive(Clone)]
pub(super) enum Member {
    Node(usize),
    Uid(Box<str>),
}

/// The texts of an entry that are kept, each with the attribute that holds it.
#[derive(Clone, Default)]
pub(super) struct Texts(Vec<(Attribute, Box<str>)>);

impl Texts {
    pub(super) fn all(&self, attribute: Attribute) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(held, _)| *held == attribute).map(|(_, text)| &**text)
    }

    /// Adds a text; one that is blank says nothing.
    pub(super) fn add(&mut self, attribute: Attribute, text: &str) {
        let text = text.trim();
        if !text.is_empty() && !self.all(attribute).any(|held| held == text) {
            self.0.push((attribute, text.into()));
        }
    }

    /// Takes away one text, however it is written, or all.
    pub(super) fn remove(&mut self, attribute: Attribute, text: Option<&str>) {
        let text = text.map(|text| fold(text.trim()));
        let same = |held: &str| text.as_ref().is_none_or(|text| fold(held) == *text);
        self.0.retain(|(held, value)| *held != attribute || !same(value));
    }

    fn retain(&mut self, keep: impl Fn(Attribute) -> bool) {
        self.0.retain(|(attribute, _)| keep(*attribute));
        self.0.shrink_to_fit();
    }

    fn first(&self, attribute: Attribute) -> Option<&str> {
        // Not the first that was written: the order of values says nothing.
        self.all(attribute).min()
    }
}

impl Person {
    /// The user, with every name by which they are known.
    pub(super) fn user(&self) -> Result<User, RejectReason> {
        let mut user = User::new(self.id.clone()).with_status(self.status());
        for attribute in NAMES {
            let mut texts: Vec<&str> = self.texts.all(attribute).collect();
            // The first address of a mailbox is written in capitals.
            texts.sort_unstable();
            for text in texts {
                let name = match attribute {
                    Attribute::ProxyAddresses => match text.split_once(':') {
                        Some((kind, name)) if kind.eq_ignore_ascii_case("smtp") || kind.eq_ignore_ascii_case("sip") => {
                            name
                        }
                        Some(_) => continue,
                        None => text,
                    },
                    _ => text,
                };
                let field = attribute.name();
                user = user.with_alias(Alias::new(name).map_err(|error| RejectReason::Text { field, error })?);
                if user.aliases().len() > MAX_NAMES {
                    return Err(RejectReason::TooManyNames { max: MAX_NAMES });
                }
            }
        }
        Ok(user)
    }

    fn status(&self) -> UserStatus {
        let says = |attribute, word: &str| self.texts.all(attribute).any(|text| text.eq_ignore_ascii_case(word));
        // ACCOUNTDISABLE is the second bit.
        let disabled = |text: &str| text.parse::<i64>().is_ok_and(|flags| flags & 2 != 0);
        if says(Attribute::IsDeleted, "true") {
            UserStatus::Deleted
        } else if self.texts.all(Attribute::UserAccountControl).any(disabled)
            || says(Attribute::NsAccountLock, "true")
            || self.texts.all(Attribute::PwdAccountLockedTime).next().is_some()
        {
            UserStatus::Disabled
        } else {
            UserStatus::Active
        }
    }
}

impl Group {
    /// The name to show.
    pub(super) fn name(&self) -> &str {
        let name = self.texts.first(Attribute::DisplayName).or_else(|| self.texts.first(Attribute::Cn));
        name.unwrap_or(self.id.as_str())
    }
}

/// An entry of which lines are still being read.
#[derive(Default)]
pub(super) struct Draft {
    /// The place of the entry in the tree.
    pub(super) node: Option<usize>,
    /// Whether it is what a search says of itself at its end.
    pub(super) summary: bool,
    classes: Vec<Class>,
    classified: bool,
    ids: [Option<String>; 3],
    sid: Option<Vec<u8>>,
    gid: Option<String>,
    primary: Option<u32>,
    texts: Texts,
    pub(super) members: Vec<(Attribute, Member, u64)>,
    pub(super) groups: Vec<(usize, u64)>,
    computed: bool,
}

impl Draft {
    /// Takes in one more line.
    pub(super) fn take(&mut self, tree: &mut Tree, line: &[u8], place: Place) -> Result<(), RejectReason> {
        let field = Field::parse(line)?;
        if self.summary {
            let failed = field.is("result") && field.text("result")?.split(' ').next() != Some("0");
            return if failed { Err(RejectReason::Truncated { expected: PARTIAL_SEARCH }) } else { Ok(()) };
        }
        if field.is("dn") {
            let name = name_of_entry(&field, place)?;
            if self.node.is_some() {
                return Err(RejectReason::RepeatedField { field: "dn" });
            }
            let dn = super::dn::Dn::parse(&name).ok_or(RejectReason::InvalidField { field: "dn", expected: NAME })?;
            for (attribute, text) in dn.rdn {
                self.texts.add(attribute, &text);
            }
            self.node = Some(tree.node(dn.normal));
            return Ok(());
        }
        if self.node.is_none() {
            self.summary = field.is("search");
            let missing = RejectReason::MissingField { field: "dn", expected: "it to be the first of an entry" };
            return if self.summary { Ok(()) } else { Err(missing) };
        }
        let added = field.is("changetype") && field.text("changetype")?.trim().eq_ignore_ascii_case("add");
        if !added && (field.is("changetype") || field.is("control")) {
            let expected = "entries here, and records with a `changetype` where changes are read";
            return Err(RejectReason::UnsupportedChange { expected });
        }
        let Some(attribute) = Attribute::named(field.name) else { return Ok(()) };
        readable(attribute, &field, place)?;
        self.add(tree, attribute, &field, place)
    }

    fn add(&mut self, tree: &mut Tree, attribute: Attribute, field: &Field<'_>, at: Place) -> Result<(), RejectReason> {
        use Attribute::*;

        match attribute {
            ObjectClass => {
                self.classified = true;
                if let Some(class) = Class::named(field.text(ObjectClass.name())?.trim())
                    && !self.classes.contains(&class)
                {
                    self.classes.push(class);
                }
            }
            EntryUuid | ObjectGuid | NsUniqueId => {
                let [uuid, guid, unique] = &mut self.ids;
                let (slot, id) = match attribute {
                    EntryUuid => (uuid, uuid_of_text(&field.text(EntryUuid.name())?)),
                    ObjectGuid => (guid, uuid_of_bytes(&field.value(ObjectGuid.name())?)),
                    _ => (unique, Some(field.text(NsUniqueId.name())?)),
                };
                let id =
                    id.ok_or(RejectReason::InvalidField { field: attribute.name(), expected: "a UUID (RFC 9562)" })?;
                if slot.replace(id).is_some() {
                    return Err(RejectReason::RepeatedField { field: attribute.name() });
                }
            }
            ObjectSid => self.sid = Some(field.value(ObjectSid.name())?),
            GidNumber => self.gid = Some(field.text(GidNumber.name())?),
            PrimaryGroupId => {
                let number = field.text(PrimaryGroupId.name())?.trim().parse();
                let expected = "a number of at most 32 bits";
                self.primary =
                    Some(number.map_err(|_| RejectReason::InvalidField { field: PrimaryGroupId.name(), expected })?);
            }
            Member | UniqueMember | MemberUid => {
                self.members.push((attribute, member(tree, attribute, field)?, at.number));
            }
            MemberOf => {
                if let self::Member::Node(group) = member(tree, attribute, field)? {
                    self.groups.push((group, at.number));
                }
            }
            MemberUrl => self.computed = true,
            _ => self.texts.add(attribute, &field.text(attribute.name())?),
        }
        Ok(())
    }

    /// What the entry is, once all of it was read.
    pub(super) fn entry(&mut self, dn: &str) -> Result<Entry, RejectReason> {
        let is = |class| self.classes.contains(&class);
        let unclear = |expected| Err(RejectReason::InvalidField { field: Attribute::ObjectClass.name(), expected });
        let (person, group) = (is(Class::Person), is(Class::Group));
        if !self.classified {
            return Err(RejectReason::MissingField {
                field: Attribute::ObjectClass.name(),
                expected: "what kind of entry it is",
            });
        }
        if is(Class::Referral) {
            return Err(RejectReason::Referral);
        }
        if is(Class::Computer) {
            return Ok(Entry::Machine);
        }
        if person && group {
            return unclear("a class of people or one of groups, not both");
        }
        if group {
            return self.group(dn).map(Entry::Group);
        }
        if person {
            return self.person(dn).map(Entry::Person);
        }
        let named = NAMES.iter().any(|attribute| self.texts.all(*attribute).next().is_some());
        let known = is(Class::Device) || is(Class::Place);
        if !self.members.is_empty() || (named && !known) {
            return unclear("a class of people, of groups or of neither that is known here");
        }
        Ok(if is(Class::Device) { Entry::Machine } else { Entry::Neither })
    }

    fn person(&mut self, dn: &str) -> Result<Person, RejectReason> {
        let (id, named_by_dn) = self.id(dn);
        let id = UserId::new(id).map_err(|error| RejectReason::Text { field: "dn", error })?;
        let mut primary = Vec::new();
        if let Some(gid) = &self.gid {
            primary.push(format!("gid {}", gid.trim()).into_boxed_str());
        }
        // The domain of a user is that of the primary group; the last part of its id is told by itself.
        if let (Some(sid), Some(rid)) = (&self.sid, self.primary)
            && let Some((domain, _)) = sid.split_last_chunk::<4>()
        {
            primary.push(sid_key(&[domain, &rid.to_le_bytes()].concat()));
        }
        let mut texts = std::mem::take(&mut self.texts);
        texts.retain(Attribute::is_of_person);
        let person = Person { id, named_by_dn, texts, primary };
        person.user().map(|_| person)
    }

    fn group(&mut self, dn: &str) -> Result<Group, RejectReason> {
        if self.computed {
            let expected = "`member` with those whom it leads to";
            return Err(RejectReason::InvalidField { field: Attribute::MemberUrl.name(), expected });
        }
        let (id, named_by_dn) = self.id(dn);
        let id = GroupId::new(id).map_err(|error| RejectReason::Text { field: "dn", error })?;
        let gid = self.gid.as_ref().map(|gid| format!("gid {}", gid.trim()).into_boxed_str());
        let keys = gid.into_iter().chain(self.sid.as_deref().map(sid_key)).collect();
        let mut texts = std::mem::take(&mut self.texts);
        texts.retain(Attribute::is_of_group);
        Ok(Group { id, named_by_dn, texts, members: BTreeMap::new(), keys })
    }

    /// The immutable id, or else the name, and whether it is the name.
    fn id(&mut self, dn: &str) -> (String, bool) {
        match self.ids.iter_mut().find_map(Option::take) {
            Some(id) => (id, false),
            None => (dn.to_owned(), true),
        }
    }
}

/// Whom a value names.
pub(super) fn member(tree: &mut Tree, attribute: Attribute, field: &Field<'_>) -> Result<Member, RejectReason> {
    let text = field.text(attribute.name())?;
    if attribute == Attribute::MemberUid {
        return Ok(Member::Uid(fold(text.trim()).into()));
    }
    let dn = dn_of(attribute, &text)?;
    Ok(Member::Node(tree.node(dn)))
}

/// The name that a value is, in the form in which names are compared.
pub(super) fn dn_of(attribute: Attribute, text: &str) -> Result<String, RejectReason> {
    let dn = super::dn::Dn::parse_with_uid(text).filter(|dn| !dn.normal.is_empty());
    dn.map(|dn| dn.normal).ok_or(RejectReason::InvalidField { field: attribute.name(), expected: NAME })
}

/// The name of the entry that a record is about.
pub(super) fn name_of_entry(field: &Field<'_>, place: Place) -> Result<String, RejectReason> {
    if place.too_long { Err(RejectReason::TooLong { max: MAX_VALUE_BYTES }) } else { field.text("dn") }
}

/// Whether all of the values are there, and all of this one.
pub(super) fn readable(attribute: Attribute, field: &Field<'_>, place: Place) -> Result<(), RejectReason> {
    if place.too_long {
        return Err(RejectReason::TooLong { max: MAX_VALUE_BYTES });
    }
    // A server that answers with so many values at a time says so in an option.
    let partial = |option: &str| {
        option.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("range=")) && option.get(6..) != Some("0-*")
    };
    if field.options.split(';').any(partial) {
        return Err(RejectReason::PartialValues { field: attribute.name() });
    }
    Ok(())
}

fn uuid_of_text(text: &str) -> Option<String> {
    Uuid::try_parse(text.trim()).ok().map(|uuid| uuid.to_string())
}

/// Active Directory writes the first three parts the other way round.
fn uuid_of_bytes(bytes: &[u8]) -> Option<String> {
    match <[u8; 16]>::try_from(bytes) {
        Ok(bytes) => Some(Uuid::from_bytes_le(bytes).to_string()),
        Err(_) => std::str::from_utf8(bytes).ok().and_then(uuid_of_text),
    }
}

fn sid_key(sid: &[u8]) -> Box<str> {
    let digits: String = sid.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sid {digits}").into()
}
