//! Change records.

use std::collections::HashSet;

use super::attribute::{Attribute, EntryClass};
use super::dn::{self, Dn};
use super::draft::{EntryDraft, check_complete, dn_of, dn_value, is_true, member};
use super::entry::{DirectoryEntry, MemberRef};
use super::line::{AttributeLine, LineInfo, is_attribute_name};
use super::rename::Rename;
use super::texts::Edit;
use super::tree::DirectoryTree;
use crate::import::EntryRejectReason;
use crate::steps;

pub(super) const READ_AGAIN: &str = "read all entries again after it";
const FIRST: &str = "`dn`, then `changetype`";

/// A change record that is being read.
#[derive(Default)]
pub(super) struct ChangeRecord {
    dn: Option<String>,
    change_type: ChangeType,
}

#[derive(Default)]
enum ChangeType {
    #[default]
    Unset,
    Add(Box<EntryDraft>),
    Delete,
    Modify(Vec<Modification>),
    Rename(Rename),
}

/// One modification of a `modify` record.
struct Modification {
    op: ModifyOp,
    name: String,
    attribute: Option<Attribute>,
    values: Vec<(ModifyValue, u64)>,
    closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ModifyOp {
    Add,
    Delete,
    Replace,
}

enum ModifyValue {
    Text(String),
    Member(MemberRef),
    /// A name that no record contained before, so no group lists it.
    Unknown,
}

impl ChangeRecord {
    /// Reads one more line.
    pub(super) fn read_line(
        &mut self,
        tree: &mut DirectoryTree,
        line: &[u8],
        info: LineInfo,
    ) -> Result<(), EntryRejectReason> {
        if let ChangeType::Add(draft) = &mut self.change_type {
            return draft.read_line(tree, line, info);
        }
        if let ChangeType::Modify(modifications) = &mut self.change_type {
            return Modification::read_line(modifications, tree, line, info);
        }
        let field = AttributeLine::parse(line)?;
        if self.dn.is_none() {
            let missing =
                EntryRejectReason::MissingField { field: "dn", expected: "`dn` as the first line of a change" };
            let text = if field.is("dn") { dn_value(&field, info)? } else { return Err(missing) };
            self.dn = Some(text);
            return Ok(());
        }
        if info.too_long {
            return Err(EntryRejectReason::TooLong { max: super::MAX_VALUE_BYTES });
        }
        match &mut self.change_type {
            ChangeType::Unset if field.is("changetype") => {
                self.change_type = match field.text("changetype")?.trim().to_ascii_lowercase().as_str() {
                    "add" => {
                        let mut draft = EntryDraft::default();
                        let dn = format!("dn: {}", self.dn.as_deref().unwrap_or_default());
                        draft.read_line(tree, dn.as_bytes(), info)?;
                        ChangeType::Add(Box::new(draft))
                    }
                    "delete" => ChangeType::Delete,
                    "modify" => ChangeType::Modify(Vec::new()),
                    "modrdn" | "moddn" => ChangeType::Rename(Rename::default()),
                    _ => {
                        let expected = "`add`, `delete`, `modify`, `modrdn` or `moddn`";
                        return Err(EntryRejectReason::InvalidField { field: "changetype", expected });
                    }
                };
                Ok(())
            }
            // A control can delete a whole subtree.
            ChangeType::Unset if field.is("control") => {
                Err(EntryRejectReason::UnsupportedChange { advice: "remove the `control`" })
            }
            ChangeType::Rename(rename) => rename.read_line(&field),
            _ => Err(EntryRejectReason::Syntax { expected: FIRST }),
        }
    }

    /// Marks the entry that the change would have added as rejected.
    pub(super) fn reject(&self, tree: &mut DirectoryTree) {
        if let ChangeType::Add(draft) = &self.change_type
            && let Some(node) = draft.node
        {
            tree.reject(node);
        }
    }

    /// Applies the change to the tree. Returns whether it concerns a user or a group.
    pub(super) fn apply(self, tree: &mut DirectoryTree) -> Result<bool, EntryRejectReason> {
        let Some(name) = self.dn else { return Err(EntryRejectReason::Syntax { expected: FIRST }) };
        let dn = Dn::parse(&name).ok_or(EntryRejectReason::InvalidField { field: "dn", expected: dn::EXPECTED })?;
        let node = tree.find(&dn);
        match self.change_type {
            ChangeType::Unset => {
                Err(EntryRejectReason::MissingField { field: "changetype", expected: "the type of the change" })
            }
            ChangeType::Add(draft) => tree.insert(*draft),
            ChangeType::Delete => {
                let removed = tree.remove(node.ok_or(EntryRejectReason::UnknownRecord)?);
                removed.ok_or(EntryRejectReason::UnsupportedChange { advice: READ_AGAIN })
            }
            ChangeType::Modify(modifications) => {
                if modifications.last().is_some_and(|modification| !modification.closed) {
                    return Err(EntryRejectReason::Truncated {
                        expected: "`-` after the last value of a modification",
                    });
                }
                modify(tree, node.ok_or(EntryRejectReason::UnknownRecord)?, modifications)
            }
            ChangeType::Rename(rename) => rename.apply(tree, node.ok_or(EntryRejectReason::UnknownRecord)?),
        }
    }
}

impl Modification {
    fn read_line(
        modifications: &mut Vec<Self>,
        tree: &mut DirectoryTree,
        line: &[u8],
        info: LineInfo,
    ) -> Result<(), EntryRejectReason> {
        let modification = match modifications.last_mut().filter(|modification| !modification.closed) {
            Some(modification) => modification,
            None => {
                modifications.push(Self::open(&AttributeLine::parse(line)?, info)?);
                return Ok(());
            }
        };
        if line == b"-" {
            modification.closed = true;
            return Ok(());
        }
        let field = AttributeLine::parse(line)?;
        if !field.is(&modification.name) {
            return Err(EntryRejectReason::Syntax { expected: "values of the modified attribute, then `-`" });
        }
        let Some(attribute) = modification.attribute else { return Ok(()) };
        check_complete(attribute, &field, info)?;
        let value = if !attribute.lists_members() && attribute != Attribute::MemberOf {
            ModifyValue::Text(field.text(attribute.name())?)
        } else if modification.op == ModifyOp::Delete && attribute.holds_dns() {
            let dn = dn_of(attribute, &field.text(attribute.name())?)?;
            tree.names.find(&dn).map_or(ModifyValue::Unknown, |node| ModifyValue::Member(MemberRef::Node(node)))
        } else {
            ModifyValue::Member(member(tree, attribute, &field)?)
        };
        modification.values.push((value, info.number));
        Ok(())
    }

    fn open(field: &AttributeLine<'_>, info: LineInfo) -> Result<Self, EntryRejectReason> {
        if info.too_long {
            return Err(EntryRejectReason::TooLong { max: super::MAX_VALUE_BYTES });
        }
        let expected = "`add`, `delete` or `replace` with an attribute name";
        let op = match field.name.to_ascii_lowercase().as_str() {
            "add" => ModifyOp::Add,
            "delete" => ModifyOp::Delete,
            "replace" => ModifyOp::Replace,
            "increment" => {
                return Err(EntryRejectReason::UnsupportedChange { advice: "use `add`, `delete` or `replace`" });
            }
            _ => return Err(EntryRejectReason::Syntax { expected }),
        };
        let text = field.text("modify")?;
        let name = text.trim().split(';').next().unwrap_or_default();
        if !is_attribute_name(name) {
            return Err(EntryRejectReason::Syntax { expected });
        }
        let attribute = Attribute::named(name);
        Ok(Self { op, name: name.to_owned(), attribute, values: Vec::new(), closed: false })
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().inspect(|_| steps::advance(1)).filter_map(|(value, _)| match value {
            ModifyValue::Text(text) => Some(text.as_str()),
            ModifyValue::Member(_) | ModifyValue::Unknown => None,
        })
    }

    /// Returns whether all previous values are removed.
    fn clears(&self) -> bool {
        self.op == ModifyOp::Replace || (self.op == ModifyOp::Delete && self.values.is_empty())
    }

    /// Returns the edits of the stored texts of an entry.
    fn edits(&self, attribute: Attribute) -> impl Iterator<Item = Edit> {
        let clear = self.clears().then_some(Edit::Clear(attribute));
        clear.into_iter().chain(self.texts().map(move |text| match self.op {
            ModifyOp::Delete => Edit::Remove(attribute, text.to_owned()),
            ModifyOp::Add | ModifyOp::Replace => Edit::Add(attribute, text.to_owned()),
        }))
    }
}

/// Applies all modifications of an entry, or none of them.
fn modify(tree: &mut DirectoryTree, node: usize, modifications: Vec<Modification>) -> Result<bool, EntryRejectReason> {
    let entry = tree.entry(node);
    if matches!(entry, DirectoryEntry::Rejected) {
        return Err(EntryRejectReason::UnknownRecord);
    }
    let (mut lists, mut edits, mut is_deleted) = (false, Vec::new(), false);
    let (is_person, is_group) = (matches!(entry, DirectoryEntry::Person(_)), matches!(entry, DirectoryEntry::Group(_)));
    let is_other = !is_person && !is_group && !matches!(entry, DirectoryEntry::Foreign);
    for modification in &modifications {
        let Some(attribute) = modification.attribute else { continue };
        let kept = (is_person && attribute.is_of_person()) || (is_group && attribute.is_of_group());
        if attribute == Attribute::IsDeleted && !is_person {
            let deletes = modification.op != ModifyOp::Delete && modification.texts().any(is_true);
            is_deleted |= deletes;
            // The change may restore a deleted group.
            if !deletes && matches!(entry, DirectoryEntry::Other) {
                return Err(EntryRejectReason::UnsupportedChange { advice: READ_AGAIN });
            }
        } else if kept {
            edits.extend(modification.edits(attribute));
        } else if attribute.lists_members() && is_group || attribute == Attribute::MemberOf && (is_person || is_group) {
            check_holders(tree, modification)?;
            lists = true;
        } else if attribute == Attribute::ObjectClass {
            check_classes(modification, entry)?;
        } else if attribute.lists_members() || !(is_other || keeps_memberships(attribute)) {
            return Err(EntryRejectReason::UnsupportedChange { advice: READ_AGAIN });
        }
    }
    if is_deleted && is_group {
        return tree.remove(node).ok_or(EntryRejectReason::UnsupportedChange { advice: READ_AGAIN });
    }
    let renames = !edits.is_empty();
    if renames {
        tree.edit_texts(node, edits)?;
    }
    for modification in modifications.into_iter().filter(|_| is_person || is_group) {
        change_memberships(tree, node, modification);
    }
    Ok(lists || renames)
}

/// Rejects the removal of an account name that too many users share.
fn check_holders(tree: &DirectoryTree, modification: &Modification) -> Result<(), EntryRejectReason> {
    let is_shared = |(value, _): &(ModifyValue, u64)| match value {
        ModifyValue::Member(MemberRef::Uid(uid)) => tree.uid_holders(uid).is_none(),
        _ => false,
    };
    let shared = modification.op == ModifyOp::Delete && modification.values.iter().any(is_shared);
    if shared { Err(EntryRejectReason::UnsupportedChange { advice: READ_AGAIN }) } else { Ok(()) }
}

/// Returns whether a change of this attribute leaves ids and memberships unchanged.
fn keeps_memberships(attribute: Attribute) -> bool {
    attribute.is_name() || attribute.is_of_person() || attribute.is_of_group()
}

/// Rejects a change of classes that could change the type of the entry.
fn check_classes(modification: &Modification, entry: &DirectoryEntry) -> Result<(), EntryRejectReason> {
    let same = |class| match class {
        None => true,
        Some(EntryClass::Person) => matches!(entry, DirectoryEntry::Person(_)),
        Some(EntryClass::Group | EntryClass::Role) => matches!(entry, DirectoryEntry::Group(_)),
        Some(EntryClass::Computer | EntryClass::Device) => matches!(entry, DirectoryEntry::Machine),
        Some(EntryClass::Place | EntryClass::Foreign | EntryClass::Tombstone | EntryClass::Referral) => false,
    };
    let unchanged =
        modification.op == ModifyOp::Add && modification.texts().all(|name| same(EntryClass::named(name.trim())));
    if unchanged { Ok(()) } else { Err(EntryRejectReason::UnsupportedChange { advice: READ_AGAIN }) }
}

/// Applies the membership changes of one modification.
fn change_memberships(tree: &mut DirectoryTree, node: usize, modification: Modification) {
    steps::advance(modification.values.len());
    match modification.attribute {
        Some(Attribute::MemberOf) => change_groups(tree, node, modification),
        Some(attribute) if attribute.lists_members() => change_members(tree, node, attribute, modification),
        _ => {}
    }
}

/// Changes the `memberOf` groups of an entry.
fn change_groups(tree: &mut DirectoryTree, node: usize, modification: Modification) {
    let (clears, op) = (modification.clears(), modification.op);
    let groups: Vec<(usize, u64)> = modification
        .values
        .into_iter()
        .filter_map(|(value, at)| match value {
            ModifyValue::Member(MemberRef::Node(group)) => Some((group, at)),
            _ => None,
        })
        .collect();
    let named: HashSet<usize> = groups.iter().map(|(group, _)| *group).collect();
    let mut removals = if clears { tree.groups_named_by(node) } else { Vec::new() };
    removals.retain(|group| !named.contains(group));
    if op == ModifyOp::Delete {
        removals.extend(groups.iter().map(|(group, _)| *group));
    }
    removals.into_iter().for_each(|group| tree.unlist(group, node, Attribute::MemberOf));
    for (group, at) in groups.into_iter().filter(|_| op != ModifyOp::Delete) {
        tree.list_in(group, node, at);
    }
}

/// Changes the members that a group lists in one attribute.
fn change_members(tree: &mut DirectoryTree, node: usize, attribute: Attribute, modification: Modification) {
    let (clears, op) = (modification.clears(), modification.op);
    let listed: Vec<(MemberRef, u64)> = modification
        .values
        .into_iter()
        .filter_map(|(value, at)| match value {
            ModifyValue::Member(member) => Some((member, at)),
            ModifyValue::Text(_) | ModifyValue::Unknown => None,
        })
        .collect();
    let named = listed.iter().flat_map(|(member, _)| match member {
        MemberRef::Uid(uid) => tree.uid_holders(uid).unwrap_or_default(),
        MemberRef::Node(member) => vec![*member],
    });
    let named: HashSet<usize> = named.collect();
    let mut removals = if clears { tree.listed_by(node, attribute.source()) } else { Vec::new() };
    removals.retain(|member| !named.contains(member));
    if clears && attribute == Attribute::MemberUid {
        tree.defer_uid_removal(node, None, 0);
    }
    if op == ModifyOp::Delete {
        removals.extend(named);
        removals.sort_unstable();
    }
    removals.into_iter().for_each(|member| tree.unlist(node, member, attribute));
    for (member, at) in listed {
        match member {
            MemberRef::Uid(uid) if op == ModifyOp::Delete => tree.defer_uid_removal(node, Some(&uid), at),
            _ if op == ModifyOp::Delete => {}
            member => tree.list(node, &member, attribute, at),
        }
    }
}
