//! The groups of a directory, their nesting, and removed groups.
//!
//! A removed group keeps its index, its nesting and the memberships of users in it. Queries about the directory do not
//! return it, but its last members can still be computed from it. So removing a group costs little, and a group that a
//! delta restores continues from its last known members.
//!
//! INVARIANT: the last members of a removed group do not change until they are [forgotten](Groups::forget). They
//! include those of the groups nested in it. The members of a nested group that is still in the directory can change,
//! so the removed group refers to a *copy* of that group: a node that holds the members it had at that time and serves
//! no other purpose. A forgotten group or copy has unknown members; [`LastChildren`] may still name it.

use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

use super::revision::DirectoryRevision;
use crate::identity::GroupId;
use crate::steps;

/// The index of a group in a snapshot and in every snapshot that results from it by deltas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupIndex(pub(super) u32);

impl GroupIndex {
    pub(crate) fn from_u32(index: u32) -> Self {
        Self(index)
    }

    pub(crate) fn as_u32(self) -> u32 {
        self.0
    }

    /// Returns the position in a list with a slot for each index.
    pub(crate) fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// How completely the directory knows the members of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// All members are known: an import listed them.
    Whole,
    /// Only members added after a delta created the group are known. Another process may have known the group, with
    /// members, before.
    SinceAdded,
    /// No members are known: they were forgotten while the group was removed, or there was no room to carry over
    /// removed groups.
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

/// All groups by index. An index is not used again.
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
    /// The groups that this one is nested in directly, removed ones included. Copies have none.
    parents: BTreeSet<GroupIndex>,
    /// The groups nested directly in this one, removed ones included. Copies have none.
    children: BTreeSet<GroupIndex>,
    knowledge: Knowledge,
    state: State,
}

#[derive(Clone)]
enum State {
    InDirectory,
    Removed(Removal, LastChildren),
    /// A copy of a group as it was in this revision, for the removed groups that it was nested in.
    LastKnownCopy(DirectoryRevision, LastChildren),
}

/// The removed groups and copies that were nested in a group when it was removed.
type LastChildren = BTreeSet<GroupIndex>;

/// The elements of a node of a B-tree set, and its approximate size in bytes: 56 for a leaf, and its share of the inner
/// nodes.
const SET_NODE_LEN: usize = 11;
const SET_NODE_BYTES: usize = 64;
/// The bytes of the two counters of an `Arc`.
const ARC_COUNTERS: usize = 16;

static NO_GROUPS: BTreeSet<GroupIndex> = BTreeSet::new();

impl Node {
    fn new(id: GroupId, name: Box<str>, knowledge: Knowledge, state: State) -> Self {
        Self { id, name, parents: BTreeSet::new(), children: BTreeSet::new(), knowledge, state }
    }

    fn is_in_directory(&self) -> bool {
        matches!(self.state, State::InDirectory)
    }

    fn last_children(&self) -> Option<&LastChildren> {
        match &self.state {
            State::InDirectory => None,
            State::Removed(_, last) | State::LastKnownCopy(_, last) => Some(last),
        }
    }
}

impl Groups {
    /// Returns how many indexes are or were in use.
    pub(super) fn slots(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the index of a group in the directory.
    pub(super) fn index_of(&self, id: &GroupId) -> Option<GroupIndex> {
        self.index_even_if_removed(id).filter(|group| self.is_in_directory(*group))
    }

    /// Returns the index of a group that is in the directory or was removed.
    pub(super) fn index_even_if_removed(&self, id: &GroupId) -> Option<GroupIndex> {
        self.by_id.get(id).copied()
    }

    pub(super) fn id(&self, group: GroupIndex) -> Option<&GroupId> {
        self.node(group).map(|node| &node.id)
    }

    pub(super) fn name(&self, group: GroupIndex) -> Option<&str> {
        self.node(group).map(|node| &*node.name)
    }

    pub(super) fn is_in_directory(&self, group: GroupIndex) -> bool {
        self.node(group).is_some_and(Node::is_in_directory)
    }

    /// Returns how completely the members of a group are known: not at all for a forgotten copy.
    pub(super) fn knowledge(&self, group: GroupIndex) -> Knowledge {
        self.node(group).map_or(Knowledge::Unknown, |node| node.knowledge)
    }

    pub(super) fn set_knowledge(&mut self, group: GroupIndex, knowledge: Knowledge) {
        if let Some(node) = self.node_mut(group) {
            node.knowledge = knowledge;
        }
    }

    /// Returns when a group was removed. Returns `None` if it was not.
    pub(super) fn removal(&self, group: GroupIndex) -> Option<Removal> {
        match self.node(group)?.state {
            State::Removed(removal, _) => Some(removal),
            State::InDirectory | State::LastKnownCopy(..) => None,
        }
    }

    /// Returns the revision since which the members of a removed group or a copy are remembered, or `None` if they are
    /// forgotten or the group is in the directory.
    pub(super) fn remembered_since(&self, group: GroupIndex) -> Option<DirectoryRevision> {
        let node = self.node(group)?;
        match node.state {
            State::Removed(removal, _) => (node.knowledge != Knowledge::Unknown).then_some(removal.removed_in),
            State::LastKnownCopy(made_in, _) => Some(made_in),
            State::InDirectory => None,
        }
    }

    /// Returns the groups in the directory with their display names.
    pub(super) fn iter_in_directory(&self) -> impl Iterator<Item = (&GroupId, &str)> {
        self.nodes.iter().flatten().filter(|node| node.is_in_directory()).map(|node| (&node.id, &*node.name))
    }

    /// Returns the indexes of all groups, removed ones included, and of all copies.
    pub(super) fn all_indexes(&self) -> impl Iterator<Item = GroupIndex> {
        steps::advance(self.nodes.len());
        (0..).map(GroupIndex).zip(&self.nodes).filter(|(_, node)| node.is_some()).map(|(group, _)| group)
    }

    /// Adds a group, restores a removed one with its last known members, or changes the name of a group. `knowledge`
    /// applies only to a group that is added.
    pub(super) fn put(&mut self, id: GroupId, name: Box<str>, knowledge: Knowledge) -> GroupIndex {
        if let Some(group) = self.index_even_if_removed(&id) {
            if let Some(node) = self.node_mut(group) {
                let restored = !node.is_in_directory();
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
    pub(super) fn put_removed(
        &mut self,
        id: GroupId,
        name: Box<str>,
        knowledge: Knowledge,
        removal: Removal,
    ) -> GroupIndex {
        let group = self.push(Node::new(id.clone(), name, knowledge, State::Removed(removal, LastChildren::new())));
        self.by_id.insert(id, group);
        group
    }

    /// Adds a copy of a group. The caller adds the nested groups and the members.
    pub(super) fn put_copy(&mut self, id: GroupId, knowledge: Knowledge, made_in: DirectoryRevision) -> GroupIndex {
        self.push(Node::new(id, Box::default(), knowledge, State::LastKnownCopy(made_in, LastChildren::new())))
    }

    fn push(&mut self, node: Node) -> GroupIndex {
        // INVARIANT: the callers keep the number of groups below `membership::MAX_GROUPS`.
        self.nodes.push(Some(Arc::new(node)));
        GroupIndex(self.nodes.len() as u32 - 1)
    }

    /// Removes a group from the directory. The caller [adds](Self::add_last_child) the groups that were nested in it
    /// when it was removed.
    pub(super) fn remove(&mut self, group: GroupIndex, removal: Removal) {
        if let Some(node) = self.node_mut(group).filter(|node| node.is_in_directory()) {
            node.state = State::Removed(removal, LastChildren::new());
            self.len -= 1;
        }
    }

    /// Forgets the members of a removed group, or removes a copy.
    pub(super) fn forget(&mut self, group: GroupIndex) {
        let Some(slot) = self.nodes.get_mut(group.as_usize()) else { return };
        if slot.as_ref().is_some_and(|node| matches!(node.state, State::LastKnownCopy(..))) {
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
    pub(super) fn mark_all_unknown(&mut self) {
        steps::advance(self.nodes.len());
        for node in self.nodes.iter_mut().flatten().filter(|node| node.is_in_directory()) {
            Arc::make_mut(node).knowledge = Knowledge::Unknown;
        }
    }

    /// Uses up all indexes.
    #[cfg(test)]
    pub(super) fn fill_up(&mut self) {
        self.nodes.resize(super::membership::MAX_GROUPS, None);
    }

    /// Nests `child` directly in `group`.
    pub(super) fn nest(&mut self, group: GroupIndex, child: GroupIndex) {
        steps::advance(1);
        // Avoids copying a shared node.
        if self.all_children(group).contains(&child) {
            return;
        }
        if let Some(node) = self.node_mut(group) {
            node.children.insert(child);
        }
        if let Some(node) = self.node_mut(child) {
            node.parents.insert(group);
        }
    }

    /// Removes a nesting if both groups are in the directory. A removed group stays nested as it was at its removal.
    pub(super) fn remove_nesting(&mut self, group: GroupIndex, child: GroupIndex) {
        steps::advance(1);
        if !self.is_in_directory(group) || !self.is_in_directory(child) {
            return;
        }
        if let Some(node) = self.node_mut(group) {
            node.children.remove(&child);
        }
        if let Some(node) = self.node_mut(child) {
            node.parents.remove(&group);
        }
    }

    /// Adds `child`, a removed group or a copy, to the last children of `group`, which is one of these too. Has no
    /// effect on a group in the directory.
    pub(super) fn add_last_child(&mut self, group: GroupIndex, child: GroupIndex) {
        steps::advance(1);
        if let Some(State::Removed(_, last) | State::LastKnownCopy(_, last)) =
            self.node_mut(group).map(|node| &mut node.state)
        {
            last.insert(child);
        }
    }

    /// In the last children of removed groups and of copies, replaces each restored group with its copy.
    pub(super) fn replace_last_children(&mut self, copies: &HashMap<GroupIndex, GroupIndex>) {
        steps::advance(self.nodes.len());
        for node in self.nodes.iter_mut().flatten() {
            let Some(last) = node.last_children() else { continue };
            steps::advance(last.len());
            if last.iter().any(|child| copies.contains_key(child)) {
                let replaced = last.iter().map(|child| copies.get(child).copied().unwrap_or(*child)).collect();
                if let State::Removed(_, last) | State::LastKnownCopy(_, last) = &mut Arc::make_mut(node).state {
                    *last = replaced;
                }
            }
        }
    }

    /// Returns which of these groups are last children of a removed group or of a copy.
    pub(super) fn last_children_among(&self, groups: &BTreeSet<GroupIndex>) -> BTreeSet<GroupIndex> {
        if groups.is_empty() {
            return BTreeSet::new();
        }
        steps::advance(self.nodes.len());
        let lists = self.nodes.iter().flatten().filter_map(|node| node.last_children());
        let children = lists.inspect(|last| steps::advance(last.len())).flatten().copied();
        children.filter(|child| groups.contains(child)).collect()
    }

    /// Returns the copies that no removed group refers to any more.
    pub(super) fn unused_copies(&self) -> impl Iterator<Item = GroupIndex> {
        let removed = self.all_indexes().filter(|group| self.removal(*group).is_some());
        let used = closure(removed, |group| self.last_children_of(group));
        self.all_indexes().filter(move |group| {
            let node = self.node(*group);
            node.is_some_and(|node| matches!(node.state, State::LastKnownCopy(..))) && !used.contains(group)
        })
    }

    fn last_children_of(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        self.node(group).into_iter().filter_map(|node| node.last_children()).flatten().copied()
    }

    /// Returns the groups in the directory that are nested directly in a group.
    pub(super) fn children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let children = self.node(group).into_iter().flat_map(|node| node.children.iter().copied());
        children.filter(|child| self.is_in_directory(*child))
    }

    /// Returns the groups that a group is nested in directly, removed ones included.
    pub(super) fn all_parents(&self, group: GroupIndex) -> &BTreeSet<GroupIndex> {
        self.node(group).map_or(&NO_GROUPS, |node| &node.parents)
    }

    /// Returns the groups that are nested directly in a group, removed ones included.
    pub(super) fn all_children(&self, group: GroupIndex) -> &BTreeSet<GroupIndex> {
        self.node(group).map_or(&NO_GROUPS, |node| &node.children)
    }

    /// Returns the groups whose members also count as members of this one: the groups nested directly in it, removed
    /// ones included. For a removed group or a copy they are those of the time when the group was removed or copied.
    pub(super) fn counted_children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let node = self.node(group).into_iter();
        node.flat_map(|node| node.last_children().unwrap_or(&node.children).iter().copied())
    }

    /// Returns whether `child` is among the [counted children](Self::counted_children) of `group`.
    pub(super) fn counts_as_child(&self, group: GroupIndex, child: GroupIndex) -> bool {
        self.node(group).is_some_and(|node| node.last_children().unwrap_or(&node.children).contains(&child))
    }

    /// Returns these groups and all groups that they are nested in, directly or not. Groups that are not in the
    /// directory are left out, and nesting through them is not followed.
    pub(super) fn above(&self, groups: impl IntoIterator<Item = GroupIndex>) -> BTreeSet<GroupIndex> {
        let parents = |group| self.all_parents(group).iter().copied();
        closure(groups.into_iter().filter(|group| self.is_in_directory(*group)), |group| {
            parents(group).filter(|parent| self.is_in_directory(*parent))
        })
    }

    /// Returns a group and all groups nested in it.
    pub(super) fn below(&self, group: GroupIndex) -> BTreeSet<GroupIndex> {
        closure([group], |group| self.children(group))
    }

    /// Returns a group, its [counted children](Self::counted_children), theirs, and so on.
    pub(super) fn counted_below(&self, group: GroupIndex) -> BTreeSet<GroupIndex> {
        closure([group], |group| self.counted_children(group))
    }

    fn node(&self, group: GroupIndex) -> Option<&Node> {
        self.nodes.get(group.as_usize())?.as_deref()
    }

    fn node_mut(&mut self, group: GroupIndex) -> Option<&mut Node> {
        self.nodes.get_mut(group.as_usize())?.as_mut().map(Arc::make_mut)
    }

    /// Returns the approximate size in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let bytes_of_set = |set: &BTreeSet<GroupIndex>| set.len().div_ceil(SET_NODE_LEN) * SET_NODE_BYTES;
        let bytes_of_node = |node: &Node| {
            // The id of a group is also a key of `by_id`; that of a copy is not.
            let ids = if matches!(node.state, State::LastKnownCopy(..)) { 1 } else { 2 };
            let sets = bytes_of_set(&node.parents) + bytes_of_set(&node.children);
            let last = node.last_children().map_or(0, bytes_of_set);
            ARC_COUNTERS + size_of::<Node>() + ids * node.id.as_str().len() + node.name.len() + sets + last
        };
        let ids = self.by_id.capacity() * size_of::<(GroupId, GroupIndex)>();
        let slots = self.nodes.capacity() * size_of::<Option<Arc<Node>>>();
        let nodes: usize = self.nodes.iter().flatten().map(|node| bytes_of_node(node)).sum();
        slots + nodes + ids
    }
}

/// Returns `start` and all groups that `next` leads to from there. Each is visited once, so cycles terminate.
fn closure<I: Iterator<Item = GroupIndex>>(
    start: impl IntoIterator<Item = GroupIndex>,
    next: impl Fn(GroupIndex) -> I,
) -> BTreeSet<GroupIndex> {
    let mut seen: BTreeSet<GroupIndex> = start.into_iter().collect();
    let mut pending: Vec<GroupIndex> = seen.iter().copied().collect();
    while let Some(group) = pending.pop() {
        for reached in next(group) {
            steps::advance(1);
            if seen.insert(reached) {
                pending.push(reached);
            }
        }
    }
    seen
}
