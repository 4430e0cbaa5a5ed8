//! Change records: what was done to an entry.

use std::collections::HashSet;

use super::attribute::{Attribute, Class};
use super::dn::{self, Dn};
use super::draft::{Draft, dn_of, is_true, member, name_of_entry, readable};
use super::entry::{Entry, Member};
use super::line::{Field, Place, is_attribute_name};
use super::rename::Rename;
use super::texts::Edit;
use super::tree::Tree;
use crate::import::RejectReason;
use crate::steps;

pub(super) const READ_AGAIN: &str = "all entries to be read anew after it";
const FIRST: &str = "`dn`, then `changetype`";

/// A change record of which lines are still being read.
#[derive(Default)]
pub(super) struct Change {
    dn: Option<String>,
    act: Act,
}

#[derive(Default)]
enum Act {
    #[default]
    Unsaid,
    Add(Box<Draft>),
    Delete,
    Modify(Vec<Block>),
    Rename(Rename),
}

/// One block of a modification.
struct Block {
    op: Op,
    name: String,
    attribute: Option<Attribute>,
    values: Vec<(Value, u64)>,
    closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Delete,
    Replace,
}

enum Value {
    Text(String),
    Member(Member),
    /// A name that was never heard of, which is listed nowhere.
    Nobody,
}

impl Change {
    /// Takes in one more line.
    pub(super) fn take(&mut self, tree: &mut Tree, line: &[u8], place: Place) -> Result<(), RejectReason> {
        if let Act::Add(draft) = &mut self.act {
            return draft.take(tree, line, place);
        }
        if let Act::Modify(blocks) = &mut self.act {
            return Block::take(blocks, tree, line, place);
        }
        let field = Field::parse(line)?;
        if self.dn.is_none() {
            let missing = RejectReason::MissingField { field: "dn", expected: "it to be the first of a change" };
            let name = if field.is("dn") { name_of_entry(&field, place)? } else { return Err(missing) };
            self.dn = Some(name);
            return Ok(());
        }
        if place.too_long {
            return Err(RejectReason::TooLong { max: super::MAX_VALUE_BYTES });
        }
        match &mut self.act {
            Act::Unsaid if field.is("changetype") => {
                self.act = match field.text("changetype")?.trim().to_ascii_lowercase().as_str() {
                    "add" => {
                        let mut draft = Draft::default();
                        let dn = format!("dn: {}", self.dn.as_deref().unwrap_or_default());
                        draft.take(tree, dn.as_bytes(), place)?;
                        Act::Add(Box::new(draft))
                    }
                    "delete" => Act::Delete,
                    "modify" => Act::Modify(Vec::new()),
                    "modrdn" | "moddn" => Act::Rename(Rename::default()),
                    _ => {
                        let expected = "`add`, `delete`, `modify`, `modrdn` or `moddn`";
                        return Err(RejectReason::InvalidField { field: "changetype", expected });
                    }
                };
                Ok(())
            }
            // One of them deletes whatever is below.
            Act::Unsaid if field.is("control") => {
                Err(RejectReason::UnsupportedChange { expected: "changes without a `control`" })
            }
            Act::Rename(rename) => rename.take(&field),
            _ => Err(RejectReason::Syntax { expected: FIRST }),
        }
    }

    /// The entry that it was to add, which was refused.
    pub(super) fn refuse(&self, tree: &mut Tree) {
        if let Act::Add(draft) = &self.act
            && let Some(node) = draft.node
        {
            tree.refuse(node);
        }
    }

    /// Does to the tree what was done. Whether it says anything of a user or a group.
    pub(super) fn apply(self, tree: &mut Tree) -> Result<bool, RejectReason> {
        let Some(name) = self.dn else { return Err(RejectReason::Syntax { expected: FIRST }) };
        let dn = Dn::parse(&name).ok_or(RejectReason::InvalidField { field: "dn", expected: dn::EXPECTED })?;
        let node = tree.find(&dn);
        match self.act {
            Act::Unsaid => Err(RejectReason::MissingField { field: "changetype", expected: "what was done" }),
            Act::Add(draft) => tree.insert(*draft),
            Act::Delete => {
                let removed = tree.remove(node.ok_or(RejectReason::UnknownRecord)?);
                removed.ok_or(RejectReason::UnsupportedChange { expected: READ_AGAIN })
            }
            Act::Modify(blocks) => {
                if blocks.last().is_some_and(|block| !block.closed) {
                    return Err(RejectReason::Truncated { expected: "`-` after the last value of a block" });
                }
                modify(tree, node.ok_or(RejectReason::UnknownRecord)?, blocks)
            }
            Act::Rename(rename) => rename.apply(tree, node.ok_or(RejectReason::UnknownRecord)?),
        }
    }
}

impl Block {
    fn take(blocks: &mut Vec<Self>, tree: &mut Tree, line: &[u8], place: Place) -> Result<(), RejectReason> {
        let block = match blocks.last_mut().filter(|block| !block.closed) {
            Some(block) => block,
            None => {
                blocks.push(Self::open(&Field::parse(line)?, place)?);
                return Ok(());
            }
        };
        if line == b"-" {
            block.closed = true;
            return Ok(());
        }
        let field = Field::parse(line)?;
        if !field.is(&block.name) {
            return Err(RejectReason::Syntax { expected: "values of the attribute that the block is about, then `-`" });
        }
        let Some(attribute) = block.attribute else { return Ok(()) };
        readable(attribute, &field, place)?;
        let value = if !attribute.lists_members() && attribute != Attribute::MemberOf {
            Value::Text(field.text(attribute.name())?)
        } else if block.op == Op::Delete && attribute.holds_dns() {
            let dn = dn_of(attribute, &field.text(attribute.name())?)?;
            tree.names.find(&dn).map_or(Value::Nobody, |node| Value::Member(Member::Node(node)))
        } else {
            Value::Member(member(tree, attribute, &field)?)
        };
        block.values.push((value, place.number));
        Ok(())
    }

    fn open(field: &Field<'_>, place: Place) -> Result<Self, RejectReason> {
        if place.too_long {
            return Err(RejectReason::TooLong { max: super::MAX_VALUE_BYTES });
        }
        let expected = "`add`, `delete` or `replace` with the name of an attribute";
        let op = match field.name.to_ascii_lowercase().as_str() {
            "add" => Op::Add,
            "delete" => Op::Delete,
            "replace" => Op::Replace,
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
            Value::Text(text) => Some(text.as_str()),
            Value::Member(_) | Value::Nobody => None,
        })
    }

    /// Whether all values of before go.
    fn clears(&self) -> bool {
        self.op == Op::Replace || (self.op == Op::Delete && self.values.is_empty())
    }

    /// What it does to the texts that are kept of an entry.
    fn edits(&self, attribute: Attribute) -> impl Iterator<Item = Edit> {
        let clear = self.clears().then_some(Edit::Clear(attribute));
        clear.into_iter().chain(self.texts().map(move |text| match self.op {
            Op::Delete => Edit::Remove(attribute, text.to_owned()),
            Op::Add | Op::Replace => Edit::Add(attribute, text.to_owned()),
        }))
    }
}

/// Changes an entry as all blocks together say, or not at all.
fn modify(tree: &mut Tree, node: usize, blocks: Vec<Block>) -> Result<bool, RejectReason> {
    let entry = tree.entry(node);
    if matches!(entry, Entry::Refused) {
        return Err(RejectReason::UnknownRecord);
    }
    let (mut lists, mut edits, mut is_deleted) = (false, Vec::new(), false);
    let (is_person, is_group) = (matches!(entry, Entry::Person(_)), matches!(entry, Entry::Group(_)));
    let is_nobody = !is_person && !is_group && !matches!(entry, Entry::Foreign);
    for block in &blocks {
        let Some(attribute) = block.attribute else { continue };
        let kept = (is_person && attribute.is_of_person()) || (is_group && attribute.is_of_group());
        if attribute == Attribute::IsDeleted && !is_person {
            let deletes = block.op != Op::Delete && block.texts().any(is_true);
            is_deleted |= deletes;
            // It can be a group that is restored.
            if !deletes && matches!(entry, Entry::Neither) {
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
fn check_holders(tree: &Tree, block: &Block) -> Result<(), RejectReason> {
    let is_shared = |(value, _): &(Value, u64)| match value {
        Value::Member(Member::Uid(uid)) => tree.holders(uid).is_none(),
        _ => false,
    };
    let shared = block.op == Op::Delete && block.values.iter().any(is_shared);
    if shared { Err(RejectReason::UnsupportedChange { expected: READ_AGAIN }) } else { Ok(()) }
}

/// Whether a change of it leaves ids and memberships as they are.
fn harmless(attribute: Attribute) -> bool {
    attribute.is_name() || attribute.is_of_person() || attribute.is_of_group()
}

/// Refuses a change of classes that could make something else of the entry.
fn reclassify(block: &Block, entry: &Entry) -> Result<(), RejectReason> {
    let same = |class| match class {
        None => true,
        Some(Class::Person) => matches!(entry, Entry::Person(_)),
        Some(Class::Group | Class::Role) => matches!(entry, Entry::Group(_)),
        Some(Class::Computer | Class::Device) => matches!(entry, Entry::Machine),
        Some(Class::Place | Class::Foreign | Class::Tombstone | Class::Referral) => false,
    };
    let unchanged = block.op == Op::Add && block.texts().all(|name| same(Class::named(name.trim())));
    if unchanged { Ok(()) } else { Err(RejectReason::UnsupportedChange { expected: READ_AGAIN }) }
}

/// Changes who lists whom as one block says.
fn relist(tree: &mut Tree, node: usize, block: Block) {
    steps::advance(block.values.len());
    match block.attribute {
        Some(Attribute::MemberOf) => relist_in(tree, node, block),
        Some(attribute) if attribute.lists_members() => relist_members(tree, node, attribute, block),
        _ => {}
    }
}

/// Changes in which groups an entry says that it is.
fn relist_in(tree: &mut Tree, node: usize, block: Block) {
    let (clears, op) = (block.clears(), block.op);
    let groups: Vec<(usize, u64)> = block
        .values
        .into_iter()
        .filter_map(|(value, at)| match value {
            Value::Member(Member::Node(group)) => Some((group, at)),
            _ => None,
        })
        .collect();
    let named: HashSet<usize> = groups.iter().map(|(group, _)| *group).collect();
    let mut gone = if clears { tree.said_groups(node) } else { Vec::new() };
    gone.retain(|group| !named.contains(group));
    if op == Op::Delete {
        gone.extend(groups.iter().map(|(group, _)| *group));
    }
    gone.into_iter().for_each(|group| tree.unlist(group, node, Attribute::MemberOf));
    for (group, at) in groups.into_iter().filter(|_| op != Op::Delete) {
        tree.list_in(group, node, at);
    }
}

/// Changes whom a group lists by one attribute.
fn relist_members(tree: &mut Tree, node: usize, attribute: Attribute, block: Block) {
    let (clears, op) = (block.clears(), block.op);
    let listed: Vec<(Member, u64)> = block
        .values
        .into_iter()
        .filter_map(|(value, at)| match value {
            Value::Member(member) => Some((member, at)),
            Value::Text(_) | Value::Nobody => None,
        })
        .collect();
    let named = listed.iter().flat_map(|(member, _)| match member {
        Member::Uid(uid) => tree.holders(uid).unwrap_or_default(),
        Member::Node(member) => vec![*member],
    });
    let named: HashSet<usize> = named.collect();
    let mut gone = if clears { tree.listed_by(node, attribute.mark()) } else { Vec::new() };
    gone.retain(|member| !named.contains(member));
    if clears && attribute == Attribute::MemberUid {
        tree.let_go(node, None, 0);
    }
    if op == Op::Delete {
        gone.extend(named);
        gone.sort_unstable();
    }
    gone.into_iter().for_each(|member| tree.unlist(node, member, attribute));
    for (member, at) in listed {
        match member {
            Member::Uid(uid) if op == Op::Delete => tree.let_go(node, Some(&uid), at),
            _ if op == Op::Delete => {}
            member => tree.list(node, &member, attribute, at),
        }
    }
}
