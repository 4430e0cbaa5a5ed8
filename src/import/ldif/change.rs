//! Change records: what was done to an entry.

use std::sync::Arc;

use super::attribute::{Attribute, Class};
use super::dn::{self, Dn};
use super::entry::{Draft, Entry, Group, Member, Person, dn_of, member, name_of_entry, readable};
use super::line::{Field, Place, is_attribute_name};
use super::tree::Tree;
use crate::directory::DirectoryChange;
use crate::import::RejectReason;

const READ_AGAIN: &str = "all entries to be read anew after it";
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
}

#[derive(Default)]
struct Rename {
    rdn: Option<Dn>,
    drop_old: Option<bool>,
    parent: Option<String>,
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
                        let dn = format!("dn:{}", self.dn.as_deref().unwrap_or_default());
                        draft.take(tree, dn.as_bytes(), Place { too_long: false, ..place })?;
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
    pub(super) fn apply(self, tree: &mut Tree, line: u64) -> Result<bool, RejectReason> {
        let Some(name) = self.dn else { return Err(RejectReason::Syntax { expected: FIRST }) };
        let expected = "a distinguished name (RFC 4514)";
        let dn = Dn::parse(&name).ok_or(RejectReason::InvalidField { field: "dn", expected })?.normal;
        let node = tree.by_dn.get(&*dn).copied().filter(|node| !matches!(tree.entry(*node), Entry::Unknown));
        match self.act {
            Act::Unsaid => Err(RejectReason::MissingField { field: "changetype", expected: "what was done" }),
            Act::Add(draft) => tree.insert(*draft),
            Act::Delete => {
                let node = node.ok_or(RejectReason::UnknownRecord)?;
                Ok(matches!(tree.remove(node), Entry::Person(_) | Entry::Group(_)))
            }
            Act::Modify(blocks) => {
                if blocks.last().is_some_and(|block| !block.closed) {
                    return Err(RejectReason::Truncated { expected: "`-` after the last value of a block" });
                }
                modify(tree, node.ok_or(RejectReason::UnknownRecord)?, blocks, line)
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
            // A name that was never heard of is listed nowhere.
            let Some(node) = tree.by_dn.get(&*dn) else { return Ok(block.values.push((Value::Text(dn), place.number))) };
            Value::Member(Member::Node(*node))
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
        self.values.iter().filter_map(|(value, _)| match value {
            Value::Text(text) => Some(text.as_str()),
            Value::Member(_) => None,
        })
    }
}

/// Changes an entry as all blocks together say, or not at all.
fn modify(tree: &mut Tree, node: usize, blocks: Vec<Block>, line: u64) -> Result<bool, RejectReason> {
    let entry = tree.entry(node).clone();
    if matches!(entry, Entry::Refused) {
        return Err(RejectReason::UnknownRecord);
    }
    let (mut taken, mut texts) = (false, match &entry {
        Entry::Person(person) => person.texts.clone(),
        Entry::Group(group) => group.texts.clone(),
        _ => Default::default(),
    });
    let (is_person, is_group) = (matches!(entry, Entry::Person(_)), matches!(entry, Entry::Group(_)));
    for block in &blocks {
        let Some(attribute) = block.attribute else { continue };
        let kept = (is_person && attribute.is_of_person()) || (is_group && attribute.is_of_group());
        if kept {
            taken = true;
            if block.op == Op::Replace || (block.op == Op::Delete && block.values.is_empty()) {
                texts.remove(attribute, None);
            }
            for text in block.texts() {
                if block.op == Op::Delete { texts.remove(attribute, Some(text)) } else { texts.add(attribute, text) }
            }
        } else if attribute.lists_members() && is_group || attribute == Attribute::MemberOf && (is_person || is_group) {
            taken = true;
        } else if attribute == Attribute::ObjectClass {
            reclassify(block, &entry)?;
        } else if attribute.lists_members() || !harmless(attribute) {
            return Err(RejectReason::UnsupportedChange { expected: READ_AGAIN });
        }
    }
    match entry {
        Entry::Person(before) => {
            let now = Person { texts, ..before.clone() };
            now.user()?;
            tree.replace_person(node, &before, now);
        }
        Entry::Group(before) => {
            let now = Group { texts, ..before };
            let (id, name) = (now.id.clone(), now.name().to_owned());
            if let Some(group) = tree.group_mut(node) {
                let renamed = group.name() != name;
                group.texts = now.texts;
                if renamed {
                    tree.tell(|| DirectoryChange::Group(id, name.into()));
                }
            }
        }
        _ => {}
    }
    for block in blocks {
        relist(tree, node, block, line);
    }
    Ok(taken)
}

/// Whether a change of it leaves ids and memberships as they are.
fn harmless(attribute: Attribute) -> bool {
    attribute.is_name() || attribute.is_of_person() || attribute.is_of_group()
}

/// Refuses a change of classes that could make something else of the entry.
fn reclassify(block: &Block, entry: &Entry) -> Result<(), RejectReason> {
    let same = |class| match (class, entry) {
        (None, _) | (Some(Class::Person), Entry::Person(_)) | (Some(Class::Group), Entry::Group(_)) => true,
        (Some(Class::Computer | Class::Device), Entry::Machine) => true,
        _ => false,
    };
    let unchanged = block.op == Op::Add && block.texts().all(|name| same(Class::named(name.trim())));
    if unchanged { Ok(()) } else { Err(RejectReason::UnsupportedChange { expected: READ_AGAIN }) }
}

/// Changes who lists whom as one block says.
fn relist(tree: &mut Tree, node: usize, block: Block, line: u64) {
    let Some(attribute) = block.attribute else { return };
    let clear = block.op == Op::Replace || (block.op == Op::Delete && block.values.is_empty());
    if attribute == Attribute::MemberOf {
        let named = |group: &usize| {
            block.values.iter().any(|(value, _)| matches!(value, Value::Member(Member::Node(node)) if node == group))
        };
        for group in tree.groups_listing(node) {
            if (clear && !(block.op == Op::Replace && named(&group))) || (block.op == Op::Delete && named(&group)) {
                tree.unlist(group, node);
            }
        }
        for (value, at) in block.values.into_iter().filter(|_| block.op != Op::Delete) {
            if let Value::Member(Member::Node(group)) = value {
                tree.list_in(group, node, at);
            }
        }
        return;
    }
    if !attribute.lists_members() {
        return;
    }
    let mut gone: Vec<usize> = Vec::new();
    if clear {
        gone.extend(tree.group(node).into_iter().flat_map(|group| group.members.iter().copied()));
    }
    let (mut named, mut listed) = (Vec::new(), Vec::new());
    for (value, at) in block.values {
        match value {
            Value::Member(Member::Uid(uid)) => {
                named.extend(tree.holders(&uid));
                listed.push((Member::Uid(uid), at));
            }
            Value::Member(Member::Node(member)) => {
                named.push(member);
                listed.push((Member::Node(member), at));
            }
            Value::Text(_) => {}
        }
    }
    if block.op == Op::Delete {
        gone.extend(named);
    } else {
        named.sort_unstable();
        gone.retain(|member| named.binary_search(member).is_err());
    }
    for member in gone {
        tree.unlist(node, member);
    }
    for (member, at) in listed.into_iter().filter(|_| block.op != Op::Delete) {
        tree.list(node, &member, at.max(line));
    }
}

impl Rename {
    fn take(&mut self, field: &Field<'_>) -> Result<(), RejectReason> {
        let again = |name| RejectReason::RepeatedField { field: name };
        let expected = "a distinguished name (RFC 4514)";
        if field.is("newrdn") {
            let rdn = Dn::parse(&field.text("newrdn")?).filter(|rdn| !rdn.normal.is_empty() && dn::parent(&rdn.normal).is_empty());
            let rdn = rdn.ok_or(RejectReason::InvalidField { field: "newrdn", expected })?;
            return if self.rdn.replace(rdn).is_some() { Err(again("newrdn")) } else { Ok(()) };
        }
        if field.is("deleteoldrdn") {
            let drop = match field.text("deleteoldrdn")?.trim() {
                "0" => false,
                "1" => true,
                _ => return Err(RejectReason::InvalidField { field: "deleteoldrdn", expected: "`0` or `1`" }),
            };
            return if self.drop_old.replace(drop).is_some() { Err(again("deleteoldrdn")) } else { Ok(()) };
        }
        if field.is("newsuperior") {
            let parent = Dn::parse(&field.text("newsuperior")?);
            let parent = parent.ok_or(RejectReason::InvalidField { field: "newsuperior", expected })?.normal;
            return if self.parent.replace(parent).is_some() { Err(again("newsuperior")) } else { Ok(()) };
        }
        Err(RejectReason::Syntax { expected: "`newrdn`, `deleteoldrdn` and maybe `newsuperior`" })
    }

    /// Gives an entry and everything below it other names. Who lists them lists them still.
    fn apply(self, tree: &mut Tree, node: usize) -> Result<bool, RejectReason> {
        let missing = |field| RejectReason::MissingField { field, expected: "it with every move" };
        let rdn = self.rdn.ok_or(missing("newrdn"))?;
        let drop_old = self.drop_old.ok_or(missing("deleteoldrdn"))?;
        let Some(old) = tree.nodes.get(node).map(|node| Arc::clone(&node.dn)) else { return Ok(false) };
        let new = dn::below(&rdn.normal, self.parent.as_deref().unwrap_or_else(|| dn::parent(&old)));
        let moved = moved(tree, &old, &new)?;

        let entry = tree.entry(node).clone();
        let old_rdn = Dn::parse(&old).map(|dn| dn.rdn).unwrap_or_default();
        if let Entry::Person(before) = &entry {
            let mut now = before.clone();
            for (attribute, text) in old_rdn.iter().filter(|(attribute, _)| drop_old && attribute.is_of_person()) {
                now.texts.remove(*attribute, Some(text));
            }
            for (attribute, text) in rdn.rdn.iter().filter(|(attribute, _)| attribute.is_of_person()) {
                now.texts.add(*attribute, text);
            }
            now.user()?;
            tree.replace_person(node, before, now);
        } else if let Entry::Group(group) = &entry {
            let mut now = group.clone();
            for (attribute, text) in old_rdn.iter().filter(|(attribute, _)| drop_old && attribute.is_of_group()) {
                now.texts.remove(*attribute, Some(text));
            }
            for (attribute, text) in rdn.rdn.iter().filter(|(attribute, _)| attribute.is_of_group()) {
                now.texts.add(*attribute, text);
            }
            let (id, name) = (now.id.clone(), now.name().to_owned());
            if let Some(group) = tree.group_mut(node) {
                group.texts = now.texts;
            }
            tree.tell(|| DirectoryChange::Group(id, name.into()));
        }
        let is_somebody = matches!(entry, Entry::Person(_) | Entry::Group(_));
        for (node, dn) in moved {
            tree.rename(node, dn);
        }
        Ok(is_somebody)
    }
}

/// What is at or below a name, with the names that they get.
fn moved(tree: &Tree, old: &str, new: &str) -> Result<Vec<(usize, String)>, RejectReason> {
    let mut moved = Vec::new();
    for (dn, node) in &tree.by_dn {
        let Some(head) = dn.strip_suffix(old).filter(|_| is_at_or_below(dn, old)) else { continue };
        if tree.is_named_by_dn(*node) {
            return Err(RejectReason::UnsupportedChange { expected: "an immutable id of whatever is moved" });
        }
        moved.push((*node, format!("{head}{new}")));
    }
    let goes = |dn: &str| is_at_or_below(dn, old);
    if moved.iter().any(|(_, dn)| !goes(dn) && tree.by_dn.contains_key(dn.as_str())) || is_below(new, old) {
        return Err(RejectReason::UnsupportedChange { expected: "a new name that nothing had before" });
    }
    Ok(moved)
}

fn is_at_or_below(dn: &str, above: &str) -> bool {
    dn == above || is_below(dn, above)
}

fn is_below(dn: &str, above: &str) -> bool {
    let mut rest = dn;
    while rest.len() > above.len() && !rest.is_empty() {
        rest = dn::parent(rest);
        if rest == above {
            return true;
        }
    }
    false
}
