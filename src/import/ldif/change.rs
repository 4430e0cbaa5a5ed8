//! Change records: what was done to an entry.

use std::collections::HashSet;

use super::attribute::{Attribute, EntryClass};
use super::dn::{self, Dn};
use super::draft::{EntryDraft, dn_of, is_true, member, name_of_entry, readable};
use super::entry::{DirectoryEntry, MemberRef};
use super::line::{AttributeLine, LineInfo, is_attribute_name};
use super::rename::Rename;
use super::texts::Edit;
use super::tree::DirectoryTree;
use crate::import::RejectReason;
use crate::steps;

pub(super) const READ_AGAIN: &str = "all entries to be read anew after it";
const FIRST: &str = "`dn`, then `changetype`";

/// A change record of which lines are still being read.
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

/// One block of a modification.
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
    /// A name that was never heard of, which is listed nowhere.
    Unknown,
}

impl ChangeRecord {
    /// Takes in one more line.
    pub(super) fn take(&mut self, tree: &mut DirectoryTree, line: &[u8], place: LineInfo) -> Result<(), RejectReason> {
        if let ChangeType::Add(draft) = &mut self.change_type {
            return draft.take(tree, line, place);
        }
        if let ChangeType::Modify(blocks) = &mut self.change_type {
            return Modification::take(blocks, tree, line, place);
        }
        let field = AttributeLine::parse(line)?;
        if self.dn.is_none() {
            let missing = RejectReason::MissingField { field: "dn", expected: "it to be the first of a change" };
            let name = if field.is("dn") { name_of_entry(&field, place)? } else { return Err(missing) };
            self.dn = Some(name);
            return Ok(());
        }
        if place.too_long {
            return Err(RejectReason::TooLong { max: super::MAX_VALUE_BYTES });
        }
        match &mut self.change_type {
            ChangeType::Unset if field.is("changetype") => {
                self.change_type = match field.text("changetype")?.trim().to_ascii_lowercase().as_str() {
                    "add" => {
                        let mut draft = EntryDraft::default();
                        let dn = format!("dn: {}", self.dn.as_deref().unwrap_or_default());
                        draft.take(tree, dn.as_bytes(), place)?;
                        ChangeType::Add(Box::new(draft))
                    }
                    "delete" => ChangeType::Delete,
                    "modify" => ChangeType::Modify(Vec::new()),
                    "modrdn" | "moddn" => ChangeType::Rename(Rename::default()),
                    _ => {
                        let expected = "`add`, `delete`, `modify`, `modrdn` or `moddn`";
                        return Err(RejectReason::InvalidField { field: "changetype", expected });
                    }
                };
                Ok(())
            }
            // One of them deletes whatever is below.
            ChangeType::Unset if field.is("control") => {
                Err(RejectReason::UnsupportedChange { expected: "changes without a `control`" })
            }
            ChangeType::Rename(rename) => rename.take(&field),
            _ => Err(RejectReason::Syntax { expected: FIRST }),
        }
    }

    /// The entry that it was to add, which was refused.
    pub(super) fn reject(&self, tree: &mut DirectoryTree) {
        if let ChangeType::Add(draft) = &self.change_type
            && let Some(node) = draft.node
        {
            tree.reject(node);
        }
    }

    /// Does to the tree what was done. Whether it says anything of a user or a group.
    pub(super) fn apply(self, tree: &mut DirectoryTree) -> Result<bool, RejectReason> {
        let Some(name) = self.dn else { return Err(RejectReason::Syntax { expected: FIRST }) };
        let dn = Dn::parse(&name).ok_or(RejectReason::InvalidField { field: "dn", expected: dn::EXPECTED })?;
        let node = tree.find(&dn);
        match self.change_type {
            ChangeType::Unset => Err(RejectReason::MissingField { field: "changetype", expected: "what was done" }),
            ChangeType::Add(draft) => tree.insert(*draft),
            ChangeType::Delete => {
                let removed = tree.remove(node.ok_or(RejectReason::UnknownRecord)?);
                removed.ok_or(RejectReason::UnsupportedChange { expected: READ_AGAIN })
            }
            ChangeType::Modify(blocks) => {
                if blocks.last().is_some_and(|block| !block.closed) {
                    return Err(RejectReason::Truncated { expected: "`-` after the last value of a block" });
                }
                modify(tree, node.ok_or(RejectReason::UnknownRecord)?, blocks)
            }
            ChangeType::Rename(rename) => rename.apply(tree, node.ok_or(RejectReason::UnknownRecord)?),
        }
    }
}

impl Modification {
    fn take(
        blocks: &mut Vec<Self>,
        tree: &mut DirectoryTree,
        line: &[u8],
        place: LineInfo,
    ) -> Result<(), RejectReason> {
        let block = match blocks.last_mut().filter(|block| !block.closed) {
            Some(block) => block,
            None => {
                blocks.push(Self::open(&AttributeLine::parse(line)?, place)?);
                return Ok(());
            }
        };
        if line == b"-" {
            block.closed = true;
            return Ok(());
        }
        let field = AttributeLine::parse(line)?;
        if !field.is(&block.name) {
            return Err(RejectReason::Syntax { expected: "values of the attribute that the block is about, then `-`" });
        }
        let Some(attribute) = block.attribute else { return Ok(()) };
        readable(attribute, &field, place)?;
        let value = if !attribute.lists_members() && attribute != Attribute::MemberOf {
            ModifyValue::Text(field.text(attribute.name())?)
        } else if block.op == ModifyOp::Delete && attribute.holds_dns() {
            let dn = dn_of(attribute, &field.text(attribute.name())?)?;
            tree.names.find(&dn).map_or(ModifyValue::Unknown, |node| ModifyValue::Member(MemberRef::Node(node)))
        } else {
            ModifyValue::Member(member(tree, attribute, &field)?)
        };
        block.values.push((value, place.number));
        Ok(())
    }

    fn open(field: &AttributeLine<'_>, place: LineInfo) -> Result<Self, RejectReason> {
        if place.too_long {
            return Err(RejectReason::TooLong { max: super::MAX_VALUE_BYTES });
        }
        let expected = "`add`, `delete` or `replace` with the name of an attribute";
        let op = match field.name.to_ascii_lowercase().as_str() {
            "add" => ModifyOp::Add,
            "delete" => ModifyOp::Delete,
            "replace" => ModifyOp::Replace,
            "increment" => return Err(RejectReason::UnsupportedChange { expected }),
            _ => return Err(RejectReason::Syntax { expected }),
        };
        let text = field.text("modify")?;
        let name = text.trim().split(';').next().unwrap_or_default();
        if !is_attribute_name(name) {
            return Err(RejectReason::Syntax { expected });
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

    /// Whether all values of before go.
    fn clears(&self) -> bool {
        self.op == ModifyOp::Replace || (self.op == ModifyOp::Delete && self.values.is_empty())
    }

    /// What it does to the texts that are kept of an entry.
    fn edits(&self, attribute: Attribute) -> impl Iterator<Item = Edit> {
        let clear = self.clears().then_some(Edit::Clear(attribute));
        clear.into_iter().chain(self.texts().map(move |text| match self.op {
            ModifyOp::Delete => Edit::Remove(attribute, text.to_owned()),
            ModifyOp::Add | ModifyOp::Replace => Edit::Add(attribute, text.to_owned()),
        }))
    }
}

/// Changes an entry as all blocks together say, or not at all.
fn modify(tree: &mut DirectoryTree, node: usize, blocks: Vec<Modification>) -> Result<bool, RejectReason> {
    let entry = tree.entry(node);
    if matches!(entry, DirectoryEntry::Rejected) {
        return Err(RejectReason::UnknownRecord);
    }
    let (mut lists, mut edits, mut is_deleted) = (false, Vec::new(), false);
    let (is_person, is_group) = (matches!(entry, DirectoryEntry::Person(_)), matches!(entry, DirectoryEntry::Group(_)));
    let is_nobody = !is_person && !is_group && !matches!(entry, DirectoryEntry::Foreign);
    for block in &blocks {
        let Some(attribute) = block.attribute else { continue };
        let kept = (is_person && attribute.is_of_person()) || (is_group && attribute.is_of_group());
        if attribute == Attribute::IsDeleted && !is_person {
            let deletes = block.op != ModifyOp::Delete && block.texts().any(is_true);
            is_deleted |= deletes;
            // It can be a group that is restored.
            if !deletes && matches!(entry, DirectoryEntry::Other) {
                return Err(RejectReason::UnsupportedChange { expected: READ_AGAIN });
            }
        } else if kept {
            edits.extend(block.edits(attribute));
        } else if attribute.lists_members() && is_group || attribute == Attribute::MemberOf && (is_person || is_group) {
            check_holders(tree, block)?;
            lists = true;
        } else if attribute == Attribute::ObjectClass {
            reclassify(block, entry)?;
        } else if attribute.lists_members() || !(is_nobody || harmless(attribute)) {
            return Err(RejectReason::UnsupportedChange { expected: READ_AGAIN });
        }
    }
    if is_deleted && is_group {
        return tree.remove(node).ok_or(RejectReason::UnsupportedChange { expected: READ_AGAIN });
    }
    let renames = !edits.is_empty();
    if renames {
        tree.edit_texts(node, edits)?;
    }
    for block in blocks.into_iter().filter(|_| is_person || is_group) {
        relist(tree, node, block);
    }
    Ok(lists || renames)
}

/// Refuses to take out of a group whoever has an account name that too many have.
fn check_holders(tree: &DirectoryTree, block: &Modification) -> Result<(), RejectReason> {
    let is_shared = |(value, _): &(ModifyValue, u64)| match value {
        ModifyValue::Member(MemberRef::Uid(uid)) => tree.uid_holders(uid).is_none(),
        _ => false,
    };
    let shared = block.op == ModifyOp::Delete && block.values.iter().any(is_shared);
    if shared { Err(RejectReason::UnsupportedChange { expected: READ_AGAIN }) } else { Ok(()) }
}

/// Whether a change of it leaves ids and memberships as they are.
fn harmless(attribute: Attribute) -> bool {
    attribute.is_name() || attribute.is_of_person() || attribute.is_of_group()
}

/// Refuses a change of classes that could make something else of the entry.
fn reclassify(block: &Modification, entry: &DirectoryEntry) -> Result<(), RejectReason> {
    let same = |class| match class {
        None => true,
        Some(EntryClass::Person) => matches!(entry, DirectoryEntry::Person(_)),
        Some(EntryClass::Group | EntryClass::Role) => matches!(entry, DirectoryEntry::Group(_)),
        Some(EntryClass::Computer | EntryClass::Device) => matches!(entry, DirectoryEntry::Machine),
        Some(EntryClass::Place | EntryClass::Foreign | EntryClass::Tombstone | EntryClass::Referral) => false,
    };
    let unchanged = block.op == ModifyOp::Add && block.texts().all(|name| same(EntryClass::named(name.trim())));
    if unchanged { Ok(()) } else { Err(RejectReason::UnsupportedChange { expected: READ_AGAIN }) }
}

/// Changes who lists whom as one block says.
fn relist(tree: &mut DirectoryTree, node: usize, block: Modification) {
    steps::advance(block.values.len());
    match block.attribute {
        Some(Attribute::MemberOf) => relist_in(tree, node, block),
        Some(attribute) if attribute.lists_members() => relist_members(tree, node, attribute, block),
        _ => {}
    }
}

/// Changes in which groups an entry says that it is.
fn relist_in(tree: &mut DirectoryTree, node: usize, block: Modification) {
    let (clears, op) = (block.clears(), block.op);
    let groups: Vec<(usize, u64)> = block
        .values
        .into_iter()
        .filter_map(|(value, at)| match value {
            ModifyValue::Member(MemberRef::Node(group)) => Some((group, at)),
            _ => None,
        })
        .collect();
    let named: HashSet<usize> = groups.iter().map(|(group, _)| *group).collect();
    let mut gone = if clears { tree.groups_named_by(node) } else { Vec::new() };
    gone.retain(|group| !named.contains(group));
    if op == ModifyOp::Delete {
        gone.extend(groups.iter().map(|(group, _)| *group));
    }
    gone.into_iter().for_each(|group| tree.unlist(group, node, Attribute::MemberOf));
    for (group, at) in groups.into_iter().filter(|_| op != ModifyOp::Delete) {
        tree.list_in(group, node, at);
    }
}

/// Changes whom a group lists by one attribute.
fn relist_members(tree: &mut DirectoryTree, node: usize, attribute: Attribute, block: Modification) {
    let (clears, op) = (block.clears(), block.op);
    let listed: Vec<(MemberRef, u64)> = block
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
    let mut gone = if clears { tree.listed_by(node, attribute.source()) } else { Vec::new() };
    gone.retain(|member| !named.contains(member));
    if clears && attribute == Attribute::MemberUid {
        tree.defer_uid_removal(node, None, 0);
    }
    if op == ModifyOp::Delete {
        gone.extend(named);
        gone.sort_unstable();
    }
    gone.into_iter().for_each(|member| tree.unlist(node, member, attribute));
    for (member, at) in listed {
        match member {
            MemberRef::Uid(uid) if op == ModifyOp::Delete => tree.defer_uid_removal(node, Some(&uid), at),
            _ if op == ModifyOp::Delete => {}
            member => tree.list(node, &member, attribute, at),
        }
    }
}
