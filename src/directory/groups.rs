//! The groups of a directory, their nesting, and removed groups.
//!
//! A removed group keeps its number, its nesting and the memberships of users in it. Queries about the directory do not
//! see it, and its last members are counted from it. So removing a group costs little, and a group that a delta
//! restores continues from its last known members.
//!
//! INVARIANT: the last members of a removed group never change. They include those of the groups nested in it. The
//! members of a nested group that is still in the directory can change, so the removed group refers to a *copy* of that
//! group: a node that has the members of that time and no other use.

use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

use super::revision::DirectoryRevision;
use crate::identity::GroupId;
use crate::steps;

/// The number of a group in a snapshot, and in the snapshots that deltas make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupIndex(pub(super) u32);

impl GroupIndex {
    pub(crate) fn numbered(number: u32) -> Self {
        Self(number)
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// Returns the position in a list of all groups.
    pub(crate) fn position(self) -> usize {
        self.0 as usize
    }
}

/// How completely the directory knows the members of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// Completely: an import listed them.
    Whole,
    /// Those added since a delta added the group. Another process may have seen the group, with members, before.
    SinceAdded,
    /// Not at all, because they were forgotten while the group was removed.
    Unknown,
}

/// When a group was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Removal {
    /// The last directory with it.
    pub(crate) last_seen: DirectoryRevision,
    /// The first directory without it.
    pub(crate) removed_in: DirectoryRevision,
}

/// All groups by number. A number is not used again.
#[derive(Clone, Default)]
pub(super) struct Groups {
    nodes: Vec<Option<Arc<Node>>>,
    /// The groups in the directory and removed ones.
    by_id: HashMap<GroupId, GroupIndex>,
    /// How many groups are in the directory.
    len: usize,
}

#[derive(Clone)]
struct Node {
    id: GroupId,
    name: Box<str>,
    /// Among the groups in the directory and removed ones.
    parents: BTreeSet<GroupIndex>,
    children: BTreeSet<GroupIndex>,
    knowledge: Knowledge,
    state: State,
}

#[derive(Clone)]
enum State {
    InDirectory,
    Removed(Removal, LastChildren),
    /// A copy of a group for groups that were removed in this directory.
    Copy(DirectoryRevision, LastChildren),
}

/// The removed groups and copies that were nested in a group when it was removed.
type LastChildren = BTreeSet<GroupIndex>;

impl Node {
    fn is_there(&self) -> bool {
        matches!(self.state, State::InDirectory)
    }

    fn last_children(&self) -> Option<&LastChildren> {
        match &self.state {
            State::InDirectory => None,
            State::Removed(_, last) | State::Copy(_, last) => Some(last),
        }
    }
}

impl Groups {
    /// Returns how many numbers are or were in use.
    pub(super) fn numbers(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the number of a group in the directory.
    pub(super) fn number(&self, id: &GroupId) -> Option<GroupIndex> {
        self.known(id).filter(|group| self.is_there(*group))
    }

    /// Returns the number of a group that the directory has or had.
    pub(super) fn known(&self, id: &GroupId) -> Option<GroupIndex> {
        self.by_id.get(id).copied()
    }

    pub(super) fn id(&self, group: GroupIndex) -> Option<&GroupId> {
        self.node(group).map(|node| &node.id)
    }

    pub(super) fn name(&self, group: GroupIndex) -> Option<&str> {
        self.node(group).map(|node| &*node.name)
    }

    pub(super) fn is_there(&self, group: GroupIndex) -> bool {
        self.node(group).is_some_and(Node::is_there)
    }

    /// Returns how completely the members of a group are known: not at all for a forgotten copy.
    pub(super) fn knowledge(&self, group: GroupIndex) -> Knowledge {
        self.node(group).map_or(Knowledge::Unknown, |node| node.knowledge)
    }

    pub(super) fn set_knowledge(&mut self, group: GroupIndex, knowledge: Knowledge) {
        self.node_mut(group).into_iter().for_each(|node| node.knowledge = knowledge);
    }

    /// Returns when a group was removed. Returns `None` if it was not.
    pub(super) fn removal(&self, group: GroupIndex) -> Option<Removal> {
        match self.node(group)?.state {
            State::Removed(removal, _) => Some(removal),
            State::InDirectory | State::Copy(..) => None,
        }
    }

    /// Returns since when the members of a removed group or of a copy are remembered. Returns `None` if they are not.
    pub(super) fn remembered_since(&self, group: GroupIndex) -> Option<DirectoryRevision> {
        let node = self.node(group)?;
        match node.state {
            State::Removed(removal, _) => Some(removal.removed_in).filter(|_| node.knowledge != Knowledge::Unknown),
            State::Copy(made_in, _) => Some(made_in),
            State::InDirectory => None,
        }
    }

    /// Returns the groups in the directory with their display names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&GroupId, &str)> {
        self.nodes.iter().flatten().filter(|node| node.is_there()).map(|node| (&node.id, &*node.name))
    }

    /// Returns the numbers of all groups and copies.
    pub(super) fn all(&self) -> impl Iterator<Item = GroupIndex> {
        steps::advance(self.nodes.len());
        (0..).map(GroupIndex).zip(&self.nodes).filter(|(_, node)| node.is_some()).map(|(group, _)| group)
    }

    /// Adds a group, restores a removed one with its last known members, or changes the name of a group.
    pub(super) fn put(&mut self, id: GroupId, name: Box<str>, knowledge: Knowledge) -> GroupIndex {
        if let Some(group) = self.known(&id) {
            if let Some(node) = self.node_mut(group) {
                let restored = !node.is_there();
                (node.name, node.state) = (name, State::InDirectory);
                self.len += usize::from(restored);
            }
            return group;
        }
        let group = self.push(Node::new(id.clone(), name, knowledge, State::InDirectory));
        self.by_id.insert(id, group);
        self.len += 1;
        group
    }

    /// Adds a group that was already removed.
    pub(super) fn put_removed(&mut self, id: GroupId, name: Box<str>, knowledge: Knowledge, at: Removal) -> GroupIndex {
        let group = self.push(Node::new(id.clone(), name, knowledge, State::Removed(at, LastChildren::new())));
        self.by_id.insert(id, group);
        group
    }

    /// Adds a copy of a group. The caller adds the nested groups and the members.
    pub(super) fn put_copy(&mut self, id: GroupId, knowledge: Knowledge, made_in: DirectoryRevision) -> GroupIndex {
        self.push(Node::new(id, Box::default(), knowledge, State::Copy(made_in, LastChildren::new())))
    }

    fn push(&mut self, node: Node) -> GroupIndex {
        // INVARIANT: the callers keep the number of groups below `membership::MAX_GROUPS`.
        self.nodes.push(Some(Arc::new(node)));
        GroupIndex(self.nodes.len() as u32 - 1)
    }

    /// Removes a group from the directory. The caller adds the groups that were [nested in it last](Self::nest_last).
    pub(super) fn remove(&mut self, group: GroupIndex, removal: Removal) {
        if let Some(node) = self.node_mut(group).filter(|node| node.is_there()) {
            node.state = State::Removed(removal, LastChildren::new());
            self.len -= 1;
        }
    }

    /// Forgets the members of a removed group, or removes a copy.
    pub(super) fn forget(&mut self, group: GroupIndex) {
        let Some(slot) = self.nodes.get_mut(group.position()) else { return };
        if slot.as_ref().is_some_and(|node| matches!(node.state, State::Copy(..))) {
            *slot = None;
            return;
        }
        let Some(node) = self.node_mut(group) else { return };
        let State::Removed(_, last) = &mut node.state else { return };
        last.clear();
        node.knowledge = Knowledge::Unknown;
        let children = mem::take(&mut node.children);
        steps::advance(children.len());
        for child in children {
            if let Some(child) = self.node_mut(child) {
                child.parents.remove(&group);
            }
        }
    }

    /// Marks the members of all groups in the directory as unknown.
    pub(super) fn forget_all(&mut self) {
        steps::advance(self.nodes.len());
        for node in self.nodes.iter_mut().flatten().filter(|node| node.is_there()) {
            Arc::make_mut(node).knowledge = Knowledge::Unknown;
        }
    }

    /// Uses up all numbers.
    #[cfg(test)]
    pub(super) fn fill_up(&mut self) {
        self.nodes.resize(super::membership::MAX_GROUPS, None);
    }

    pub(super) fn nest(&mut self, group: GroupIndex, child: GroupIndex) {
        steps::advance(1);
        if self.neighbours(group).1.contains(&child) {
            return;
        }
        if let Some(node) = self.node_mut(group) {
            node.children.insert(child);
        }
        if let Some(node) = self.node_mut(child) {
            node.parents.insert(group);
        }
    }

    /// Removes a nesting if both groups are in the directory. A removed group stays nested as it was last.
    pub(super) fn remove_nesting(&mut self, group: GroupIndex, child: GroupIndex) {
        steps::advance(1);
        if !self.is_there(group) || !self.is_there(child) {
            return;
        }
        if let Some(node) = self.node_mut(group) {
            node.children.remove(&child);
        }
        if let Some(node) = self.node_mut(child) {
            node.parents.remove(&group);
        }
    }

    /// Adds a removed group or a copy to those that were last nested in a removed group or a copy.
    pub(super) fn nest_last(&mut self, group: GroupIndex, child: GroupIndex) {
        steps::advance(1);
        if let Some(State::Removed(_, last) | State::Copy(_, last)) = self.node_mut(group).map(|node| &mut node.state) {
            last.insert(child);
        }
    }

    /// Replaces restored groups by copies where they were last nested in removed groups.
    pub(super) fn replace_last(&mut self, copies: &HashMap<GroupIndex, GroupIndex>) {
        steps::advance(self.nodes.len());
        for node in self.nodes.iter_mut().flatten() {
            let Some(last) = node.last_children() else { continue };
            steps::advance(last.len());
            if last.iter().any(|child| copies.contains_key(child)) {
                let replaced = last.iter().map(|child| copies.get(child).copied().unwrap_or(*child)).collect();
                if let State::Removed(_, last) | State::Copy(_, last) = &mut Arc::make_mut(node).state {
                    *last = replaced;
                }
            }
        }
    }

    /// Returns those of some groups that were last nested in a removed group or a copy.
    pub(super) fn nested_last(&self, groups: &BTreeSet<GroupIndex>) -> BTreeSet<GroupIndex> {
        let nested = self.nodes.iter().flatten().filter_map(|node| node.last_children());
        let nested = nested.inspect(|last| steps::advance(1 + last.len())).flatten().copied();
        nested.filter(|child| groups.contains(child)).collect()
    }

    /// Returns the copies that no removed group refers to any more.
    pub(super) fn unused_copies(&self) -> impl Iterator<Item = GroupIndex> {
        let removed = self.all().filter(|group| self.removal(*group).is_some());
        let used = closure(removed, |group| self.last_children_of(group));
        self.all().filter(move |group| {
            let node = self.node(*group);
            node.is_some_and(|node| matches!(node.state, State::Copy(..))) && !used.contains(group)
        })
    }

    fn last_children_of(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        self.node(group).into_iter().filter_map(|node| node.last_children()).flatten().copied()
    }

    /// Returns the groups in the directory that are nested directly in a group.
    pub(super) fn children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let children = self.node(group).into_iter().flat_map(|node| node.children.iter().copied());
        children.filter(|child| self.is_there(*child))
    }

    /// Returns the parents and the children of a group, removed ones included.
    pub(super) fn neighbours(&self, group: GroupIndex) -> (&BTreeSet<GroupIndex>, &BTreeSet<GroupIndex>) {
        static NONE: BTreeSet<GroupIndex> = BTreeSet::new();
        self.node(group).map_or((&NONE, &NONE), |node| (&node.parents, &node.children))
    }

    /// Returns the groups that count as nested directly in a group. For a group in the directory these include removed
    /// ones, and for a removed group they are those that were last nested in it.
    pub(super) fn counted_children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let node = self.node(group).into_iter();
        node.flat_map(|node| node.last_children().unwrap_or(&node.children).iter().copied())
    }

    /// Returns whether a group counts as nested directly in another.
    pub(super) fn counts_in(&self, child: GroupIndex, group: GroupIndex) -> bool {
        self.node(group).is_some_and(|node| node.last_children().unwrap_or(&node.children).contains(&child))
    }

    /// Returns some groups and all groups that they are nested in.
    pub(super) fn above(&self, groups: impl IntoIterator<Item = GroupIndex>) -> BTreeSet<GroupIndex> {
        let parents = |group| self.neighbours(group).0.iter().copied();
        closure(groups.into_iter().filter(|group| self.is_there(*group)), |group| {
            parents(group).filter(|parent| self.is_there(*parent))
        })
    }

    /// Returns a group and all groups nested in it.
    pub(super) fn below(&self, group: GroupIndex) -> BTreeSet<GroupIndex> {
        closure([group], |group| self.children(group))
    }

    /// Returns a group and all groups whose members count as its own.
    pub(super) fn counted_below(&self, group: GroupIndex) -> BTreeSet<GroupIndex> {
        closure([group], |group| self.counted_children(group))
    }

    fn node(&self, group: GroupIndex) -> Option<&Node> {
        self.nodes.get(group.position())?.as_deref()
    }

    fn node_mut(&mut self, group: GroupIndex) -> Option<&mut Node> {
        self.nodes.get_mut(group.position())?.as_mut().map(Arc::make_mut)
    }

    /// Returns the approximate size in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        // A B-tree node has room for eleven elements.
        let set = |set: &BTreeSet<GroupIndex>| set.len().next_multiple_of(11) * 6;
        let node = |node: &Node| {
            let last = node.last_children().map_or(0, set);
            2 * node.id.as_str().len() + node.name.len() + set(&node.parents) + set(&node.children) + last
        };
        let ids = self.by_id.capacity() * size_of::<(GroupId, GroupIndex)>();
        let slots = self.nodes.capacity() * size_of::<Option<Arc<Node>>>();
        let nodes = self.nodes.iter().flatten().map(|one| size_of::<Node>() + 16 + node(one)).sum::<usize>();
        slots + nodes + ids
    }
}

impl Node {
    fn new(id: GroupId, name: Box<str>, knowledge: Knowledge, state: State) -> Self {
        Self { id, name, parents: BTreeSet::new(), children: BTreeSet::new(), knowledge, state }
    }
}

/// Returns all groups that `next` leads to from `start`. Each is visited once, so cycles and diamonds end.
fn closure<I: Iterator<Item = GroupIndex>>(
    start: impl IntoIterator<Item = GroupIndex>,
    next: impl Fn(GroupIndex) -> I,
) -> BTreeSet<GroupIndex> {
    let mut seen: BTreeSet<GroupIndex> = start.into_iter().collect();
    let mut open: Vec<GroupIndex> = seen.iter().copied().collect();
    while let Some(group) = open.pop() {
        for more in next(group) {
            steps::advance(1);
            if seen.insert(more) {
                open.push(more);
            }
        }
    }
    seen
}
