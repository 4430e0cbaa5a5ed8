//! Change records: what was done to an entry.

use super::attribute::{Attribute, Class};
use super::dn::Dn;
use super::entry::{Draft, Entry, Member, Texts, dn_of, member, name_of_entry, readable};
use super::line::{Field, Place, is_attribute_name};
use super::rename::Rename;
use super::tree::Tree;
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
            // A name that was never heard of is listed nowhere.
            match tree.by_dn.get(&*dn) {
                Some(node) => Value::Member(Member::Node(*node)),
                None => Value::Text(dn),
            }
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
fn modify(tree: &mut Tree, node: usize, blocks: Vec<Block>) -> Result<bool, RejectReason> {
    let entry = tree.entry(node);
    let texts = match entry {
        Entry::Refused => return Err(RejectReason::UnknownRecord),
        Entry::Person(person) => &person.texts,
        Entry::Group(group) => &group.texts,
        _ => &Texts::default(),
    };
    let (mut taken, mut renamed, mut texts) = (false, false, texts.clone());
    let (is_person, is_group) = (matches!(entry, Entry::Person(_)), matches!(entry, Entry::Group(_)));
    for block in &blocks {
        let Some(attribute) = block.attribute else { continue };
        let nobody = !is_person && !is_group;
        let kept = (is_person && attribute.is_of_person()) || (is_group && attribute.is_of_group());
        if kept {
            renamed = true;
            if block.op == Op::Replace || (block.op == Op::Delete && block.values.is_empty()) {
                texts.remove(attribute, None);
            }
            for text in block.texts() {
                if block.op == Op::Delete { texts.remove(attribute, Some(text)) } else { texts.add(attribute, text) }
            }
        } else if attribute.lists_members() && is_group || attribute == Attribute::MemberOf && (is_person || is_group) {
            taken = true;
        } else if attribute == Attribute::ObjectClass {
            reclassify(block, entry)?;
        } else if attribute.lists_members() || !(nobody || harmless(attribute)) {
            return Err(RejectReason::UnsupportedChange { expected: READ_AGAIN });
        }
    }
    if renamed {
        tree.rename_texts(node, texts)?;
    }
    for block in blocks.into_iter().filter(|_| is_person || is_group) {
        relist(tree, node, block);
    }
    Ok(taken || renamed)
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
        Some(Class::Group) => matches!(entry, Entry::Group(_)),
        Some(Class::Computer | Class::Device) => matches!(entry, Entry::Machine),
        Some(Class::Place | Class::Referral) => false,
    };
    let unchanged = block.op == Op::Add && block.texts().all(|name| same(Class::named(name.trim())));
    if unchanged { Ok(()) } else { Err(RejectReason::UnsupportedChange { expected: READ_AGAIN }) }
}

/// Changes who lists whom as one block says.
fn relist(tree: &mut Tree, node: usize, block: Block) {
    let Some(attribute) = block.attribute else { return };
    let clear = block.op == Op::Replace || (block.op == Op::Delete && block.values.is_empty());
    if attribute == Attribute::MemberOf {
        let named = |group: &usize| {
            block.values.iter().any(|(value, _)| matches!(value, Value::Member(Member::Node(node)) if node == group))
        };
        for group in tree.groups_listing(node) {
            if (clear && !(block.op == Op::Replace && named(&group))) || (block.op == Op::Delete && named(&group)) {
                tree.unlist(group, node, attribute);
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
        gone.extend(
            tree.group(node)
                .into_iter()
                .flat_map(|group| group.members.iter())
                .filter(|(_, mark)| mark.has(attribute.mark()))
                .map(|(node, _)| *node),
        );
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
        tree.unlist(node, member, attribute);
    }
    for (member, at) in listed.into_iter().filter(|_| block.op != Op::Delete) {
        tree.list(node, &member, attribute, at);
    }
}
