//! Entries that are being read, and the values in their lines.

use uuid::Uuid;

use super::MAX_VALUE_BYTES;
use super::attribute::{Attribute, EntryClass};
use super::dn::{self, Dn};
use super::entry::{DirectoryEntry, GroupEntry, MemberRef, PersonEntry, PrimaryGroup, check_count, check_names};
use super::line::{AttributeLine, LineInfo};
use super::links::Links;
use super::reference;
use super::sid::{self, Sid};
use super::texts::Texts;
use super::tree::DirectoryTree;
use crate::identity::{GroupId, UserId, fold};
use crate::import::EntryRejectReason;
use crate::steps;

/// The attributes with an immutable id, in order of precedence.
const ID_ATTRIBUTES: [Attribute; 3] = [Attribute::EntryUuid, Attribute::ObjectGuid, Attribute::NsUniqueId];

/// The class that an entry with members must have.
const GROUP_CLASS: &str = "a group class, because the entry lists members";

/// The form of a record, determined by its first line.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordForm {
    #[default]
    Entry,
    /// The summary at the end of a search.
    Summary,
    /// A search reference.
    Reference,
}

/// An entry that is being read.
#[derive(Default)]
pub(super) struct EntryDraft {
    /// The index of the entry in the tree.
    pub(super) node: Option<usize>,
    pub(super) form: RecordForm,
    classes: Vec<EntryClass>,
    has_object_class: bool,
    /// The values of [`ID_ATTRIBUTES`].
    ids: [Option<String>; 3],
    sid: Option<(Sid, u64)>,
    gid: Option<(i64, u64)>,
    primary: Option<(u32, u64)>,
    primary_sid: Option<(Sid, u64)>,
    /// The values of all other attributes.
    texts: Vec<(Attribute, String)>,
    /// The members that the entry lists, each with the attribute and the line.
    pub(super) members: Vec<(Attribute, MemberRef, u64)>,
    /// The groups in `memberOf`, each with its line.
    pub(super) groups: Vec<(usize, u64)>,
    /// An attribute by which the server computes members, which cannot be read.
    computed: Option<Attribute>,
}

impl EntryDraft {
    /// Reads one more line.
    pub(super) fn read_line(
        &mut self,
        tree: &mut DirectoryTree,
        line: &[u8],
        info: LineInfo,
    ) -> Result<(), EntryRejectReason> {
        let field = AttributeLine::parse(line)?;
        match self.form {
            RecordForm::Entry => {}
            RecordForm::Summary => {
                let failed = field.is("result") && field.text("result")?.split(' ').next() != Some("0");
                return if failed { Err(EntryRejectReason::IncompleteSearch) } else { Ok(()) };
            }
            RecordForm::Reference => return reference::read_line(tree, &field, info),
        }
        if field.is("dn") {
            let text = dn_value(&field, info)?;
            if self.node.is_some() {
                return Err(EntryRejectReason::RepeatedField { field: "dn" });
            }
            let dn = Dn::parse(&text).ok_or(EntryRejectReason::InvalidField { field: "dn", expected: dn::EXPECTED })?;
            self.node = Some(tree.node(&dn));
            self.texts.extend(dn.rdn);
            return Ok(());
        }
        if self.node.is_none() {
            if field.is("search") {
                self.form = RecordForm::Summary;
                return Ok(());
            }
            if field.is("ref") {
                self.form = RecordForm::Reference;
                return reference::read_line(tree, &field, info);
            }
            return Err(dn_first());
        }
        if field.is("control") {
            let advice = "remove the `control`, and pass change records to `DirectoryTree::change`";
            return Err(EntryRejectReason::UnsupportedChange { advice });
        }
        if field.is("changetype") && !field.text("changetype")?.trim().eq_ignore_ascii_case("add") {
            let advice = "pass change records to `DirectoryTree::change`";
            return Err(EntryRejectReason::UnsupportedChange { advice });
        }
        let Some(attribute) = Attribute::named(field.name) else { return Ok(()) };
        check_complete(attribute, &field, info)?;
        self.add(tree, attribute, &field, info)
    }

    fn add(
        &mut self,
        tree: &mut DirectoryTree,
        attribute: Attribute,
        field: &AttributeLine<'_>,
        at: LineInfo,
    ) -> Result<(), EntryRejectReason> {
        use Attribute::*;

        match attribute {
            ObjectClass => {
                self.has_object_class = true;
                if let Some(class) = EntryClass::named(field.text(ObjectClass.name())?.trim())
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
                let id = id.ok_or(EntryRejectReason::InvalidField {
                    field: attribute.name(),
                    expected: "a UUID (RFC 9562)",
                })?;
                if slot.replace(id).is_some() {
                    return Err(EntryRejectReason::RepeatedField { field: attribute.name() });
                }
            }
            ObjectSid => set_single(attribute, &mut self.sid, sid_in(attribute, field)?, at)?,
            GidNumber => {
                let gid = number_in(attribute, field, "a 64-bit integer")?;
                set_single(attribute, &mut self.gid, gid, at)?;
            }
            PrimaryGroupId => {
                let number = number_in(attribute, field, "an integer from 0 to 4294967295")?;
                set_single(attribute, &mut self.primary, number, at)?;
            }
            SambaPrimaryGroupSid => set_single(attribute, &mut self.primary_sid, sid_in(attribute, field)?, at)?,
            Member | UniqueMember | RoleOccupant | MemberUid => {
                self.members.push((attribute, member(tree, attribute, field)?, at.number));
            }
            MemberOf => {
                let group = tree.node(&dn_of(attribute, &field.text(attribute.name())?)?);
                self.groups.push((group, at.number));
            }
            MemberUrl | SambaSidList => self.computed = Some(attribute),
            _ => self.texts.push((attribute, field.text(attribute.name())?)),
        }
        Ok(())
    }

    /// Determines the kind of the entry, once its last line was read, and moves its data out of the draft.
    pub(super) fn finish(&mut self, tree: &DirectoryTree, node: usize) -> Result<DirectoryEntry, EntryRejectReason> {
        let is = |class| self.classes.contains(&class);
        let invalid_class =
            |expected| Err(EntryRejectReason::InvalidField { field: Attribute::ObjectClass.name(), expected });
        if !self.has_object_class {
            return Err(EntryRejectReason::MissingField {
                field: Attribute::ObjectClass.name(),
                expected: "the classes of the entry",
            });
        }
        if is(EntryClass::Referral) {
            return if tree.names.is_non_person(node) {
                Ok(DirectoryEntry::Other)
            } else {
                Err(EntryRejectReason::Referral)
            };
        }
        let lists = !self.members.is_empty();
        if is(EntryClass::Computer) && !lists {
            return Ok(DirectoryEntry::Machine);
        }
        let person = is(EntryClass::Person);
        let group = is(EntryClass::Group) || (is(EntryClass::Role) && (lists || !person));
        if person && group {
            return invalid_class("either a user class or a group class");
        }
        if person && lists {
            return invalid_class(GROUP_CLASS);
        }
        if is(EntryClass::Tombstone) {
            self.texts.push((Attribute::IsDeleted, "TRUE".into()));
        }
        // A deleted group keeps its id but loses its members, and the directory no longer contains it.
        let is_deleted = |(attribute, text): &(Attribute, String)| {
            steps::advance(1);
            *attribute == Attribute::IsDeleted && is_true(text)
        };
        if group && self.texts.iter().any(is_deleted) {
            return Ok(DirectoryEntry::Other);
        }
        if group {
            return self.group(tree, node).map(DirectoryEntry::Group);
        }
        if person {
            return self.person(tree, node).map(DirectoryEntry::Person);
        }
        let texts = self.texts.iter().inspect(|_| steps::advance(1));
        let named = texts.filter(|(_, text)| !text.trim().is_empty()).any(|(attribute, _)| attribute.is_name());
        let known = is(EntryClass::Device) || is(EntryClass::Place) || is(EntryClass::Foreign);
        if lists {
            return invalid_class(GROUP_CLASS);
        }
        if named && !known {
            return invalid_class(
                "the class of a user, group, device or place, because the entry has a name or address",
            );
        }
        Ok(if is(EntryClass::Foreign) {
            DirectoryEntry::Foreign
        } else if is(EntryClass::Device) {
            DirectoryEntry::Machine
        } else {
            DirectoryEntry::Other
        })
    }

    fn person(&mut self, tree: &DirectoryTree, node: usize) -> Result<PersonEntry, EntryRejectReason> {
        let (id, attribute) = self.id(tree, node);
        let named_by_dn = attribute.is_none();
        let id = UserId::new(id).map_err(|error| EntryRejectReason::Text { field: id_field(attribute), error })?;
        let mut primary = Vec::new();
        if let Some((gid, line)) = self.gid {
            primary.push(PrimaryGroup { by: Attribute::GidNumber, key: Some(gid_key(gid)), line });
        }
        // The primary group is in the domain of the user; `primaryGroupID` is only the last part of its SID.
        if let Some((number, line)) = self.primary {
            let key = self.sid.as_ref().and_then(|(sid, _)| sid.sibling(number)).as_ref().map(sid_key);
            primary.push(PrimaryGroup { by: Attribute::PrimaryGroupId, key, line });
        }
        if let Some((sid, line)) = &self.primary_sid {
            primary.push(PrimaryGroup { by: Attribute::SambaPrimaryGroupSid, key: Some(sid_key(sid)), line: *line });
        }
        let texts = self.texts(Attribute::is_of_person);
        check_count(&texts)?;
        let sid = self.sid.as_ref().map(|(sid, _)| sid.to_string().into());
        let person = PersonEntry { id, named_by_dn, texts, sid, primary };
        person.user().and_then(|user| check_names(&user)).map(|()| person)
    }

    fn group(&mut self, tree: &DirectoryTree, node: usize) -> Result<GroupEntry, EntryRejectReason> {
        if let Some(attribute) = self.computed {
            return Err(EntryRejectReason::ComputedMembers { field: attribute.name() });
        }
        let (id, attribute) = self.id(tree, node);
        let named_by_dn = attribute.is_none();
        let id = GroupId::new(id).map_err(|error| EntryRejectReason::Text { field: id_field(attribute), error })?;
        let gid = self.gid.map(|(gid, _)| gid_key(gid));
        let keys = gid.into_iter().chain(self.sid.as_ref().map(|(sid, _)| sid_key(sid))).collect();
        let texts = self.texts(Attribute::is_of_group);
        check_count(&texts)?;
        Ok(GroupEntry { id, named_by_dn, texts, members: Links::default(), keys })
    }

    fn texts(&mut self, keep: impl Fn(Attribute) -> bool) -> Texts {
        Texts::new(std::mem::take(&mut self.texts).into_iter().filter(|(attribute, _)| keep(*attribute)))
    }

    /// Returns the immutable id with its attribute, or else the distinguished name.
    fn id(&mut self, tree: &DirectoryTree, node: usize) -> (String, Option<Attribute>) {
        let mut ids = ID_ATTRIBUTES.into_iter().zip(&mut self.ids);
        match ids.find_map(|(attribute, id)| Some((id.take()?, attribute))) {
            Some((id, attribute)) => (id, Some(attribute)),
            None => (tree.names.text(node), None),
        }
    }
}

/// Returns the field that contains the id of an entry.
fn id_field(attribute: Option<Attribute>) -> &'static str {
    attribute.map_or("dn", Attribute::name)
}

/// Returns whether the value of a boolean attribute is true.
pub(super) fn is_true(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("true")
}

/// Returns the error of a record that does not begin with a distinguished name.
pub(super) fn dn_first() -> EntryRejectReason {
    EntryRejectReason::MissingField { field: "dn", expected: "`dn` as the first line of an entry" }
}

/// Returns the member in a value.
pub(super) fn member(
    tree: &mut DirectoryTree,
    attribute: Attribute,
    field: &AttributeLine<'_>,
) -> Result<MemberRef, EntryRejectReason> {
    let text = field.text(attribute.name())?;
    if attribute == Attribute::MemberUid {
        return Ok(MemberRef::Uid(fold(text.trim()).into()));
    }
    Ok(MemberRef::Node(tree.node(&dn_of(attribute, &text)?)))
}

/// Parses a value as a distinguished name. The empty name is that of the root, which some servers use as the member of
/// an empty group.
pub(super) fn dn_of(attribute: Attribute, text: &str) -> Result<Dn, EntryRejectReason> {
    let invalid = EntryRejectReason::InvalidField { field: attribute.name(), expected: dn::EXPECTED };
    Dn::parse_with_uid(text).ok_or(invalid)
}

/// Returns the distinguished name of the entry that a record describes.
pub(super) fn dn_value(field: &AttributeLine<'_>, info: LineInfo) -> Result<String, EntryRejectReason> {
    if info.too_long { Err(EntryRejectReason::TooLong { max: MAX_VALUE_BYTES }) } else { field.text("dn") }
}

/// Checks that the value, and the list of values, are complete.
pub(super) fn check_complete(
    attribute: Attribute,
    field: &AttributeLine<'_>,
    info: LineInfo,
) -> Result<(), EntryRejectReason> {
    if info.too_long {
        return Err(EntryRejectReason::TooLong { max: MAX_VALUE_BYTES });
    }
    // A server that returns a limited number of values states the range in an option.
    let partial = |option: &str| {
        option.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("range=")) && option.get(6..) != Some("0-*")
    };
    if field.options.split(';').any(partial) {
        return Err(EntryRejectReason::PartialValues { field: attribute.name() });
    }
    Ok(())
}

fn uuid_of_text(text: &str) -> Option<String> {
    Uuid::try_parse(text.trim()).ok().map(|uuid| uuid.to_string())
}

/// Returns the UUID in an `objectGUID`: 16 bytes, the first three parts little-endian. Some tools export it as text.
fn uuid_of_bytes(bytes: &[u8]) -> Option<String> {
    match <[u8; 16]>::try_from(bytes) {
        Ok(bytes) => Some(Uuid::from_bytes_le(bytes).to_string()),
        Err(_) => std::str::from_utf8(bytes).ok().and_then(uuid_of_text),
    }
}

/// Sets a single-valued attribute. Repeating an equal value is allowed; the first line is kept.
fn set_single<T: PartialEq>(
    attribute: Attribute,
    slot: &mut Option<(T, u64)>,
    value: T,
    at: LineInfo,
) -> Result<(), EntryRejectReason> {
    match slot {
        Some((held, _)) if *held != value => Err(EntryRejectReason::DifferentValues { field: attribute.name() }),
        Some(_) => Ok(()),
        None => {
            *slot = Some((value, at.number));
            Ok(())
        }
    }
}

fn sid_in(attribute: Attribute, field: &AttributeLine<'_>) -> Result<Sid, EntryRejectReason> {
    let field_name = attribute.name();
    let sid = Sid::read(&field.value(field_name)?);
    sid.ok_or(EntryRejectReason::InvalidField { field: field_name, expected: sid::EXPECTED })
}

fn number_in<T: std::str::FromStr>(
    attribute: Attribute,
    field: &AttributeLine<'_>,
    expected: &'static str,
) -> Result<T, EntryRejectReason> {
    let field_name = attribute.name();
    let number = field.text(field_name)?.trim().parse();
    number.map_err(|_| EntryRejectReason::InvalidField { field: field_name, expected })
}

fn sid_key(sid: &Sid) -> Box<str> {
    format!("sid {sid}").into()
}

fn gid_key(gid: i64) -> Box<str> {
    format!("gid {gid}").into()
}
