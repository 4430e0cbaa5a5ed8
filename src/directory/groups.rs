//! The groups of a directory, how they are nested, and what is remembered of groups that were removed.
//!
//! A removed group keeps its number, its nesting, and the memberships of users in it. It is invisible to every query about
//! the directory, and it is what counts of it while it is gone. So removing a group costs little, and a group that a delta
//! brings back continues from its last known members.
//!
//! INVARIANT: what counts of a removed group never changes. Its last known members include those of the groups that were
//! nested in it. If such a group is still there, its members can change, so the removed group refers to a *copy* of it: a
//! node that has the members of that time and no other use.

use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

use super::revision::DirectoryRevision;
use crate::identity::GroupId;
use crate::steps;

/// The number of a group in a snapshot and in those that a delta made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupIndex(pub(super) u32);

impl GroupIndex {
    pub(crate) fn numbered(number: u32) -> Self {
        Self(number)
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// As a place in a list of all groups.
    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }
}

/// How much of a group the directory knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// All of its members: an import listed them.
    Whole,
    /// The members that it got since a delta added it. It may have been there before, under the eyes of another process.
    SinceAdded,
    /// Not its members, because they were forgotten while it was removed.
    Unknown,
}

/// When a group went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Removal {
    /// The last directory with it.
    pub(crate) last_seen: DirectoryRevision,
    /// The first directory without it.
    pub(crate) removed_in: DirectoryRevision,
}

/// Every group by its number. A number is not used again.
#[derive(Clone, Default)]
pub(super) struct Groups {
    nodes: Vec<Option<Arc<Node>>>,
    /// Groups that are there and removed ones.
    by_id: HashMap<GroupId, GroupIndex>,
    there: usize,
}

#[derive(Clone)]
struct Node {
    id: GroupId,
    name: Box<str>,
    /// Among groups that are there and removed ones.
    parents: BTreeSet<GroupIndex>,
    children: BTreeSet<GroupIndex>,
    knowledge: Knowledge,
    state: State,
}

#[derive(Clone)]
enum State {
    There,
    Removed(Removal, LastChildren),
    /// A copy of a group, made for groups that were removed in this directory.
    Copy(DirectoryRevision, LastChildren),
}

/// Removed groups and copies.
type LastChildren = BTreeSet<GroupIndex>;

impl Node {
    fn is_there(&self) -> bool {
        matches!(self.state, State::There)
    }

    fn last_children(&self) -> Option<&LastChildren> {
        match &self.state {
            State::There => None,
            State::Removed(_, last) | State::Copy(_, last) => Some(last),
        }
    }
}

impl Groups {
    /// How many numbers are in use, or were.
    pub(super) fn numbers(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn len(&self) -> usize {
        self.there
    }

    /// The number of a group that is there.
    pub(super) fn number(&self, id: &GroupId) -> Option<GroupIndex> {
        self.known(id).filter(|group| self.is_there(*group))
    }

    /// The number of a group that is there or was removed.
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

    /// How much is known of a group; nothing of a copy that was forgotten.
    pub(super) fn knowledge(&self, group: GroupIndex) -> Knowledge {
        self.node(group).map_or(Knowledge::Unknown, |node| node.knowledge)
    }

    pub(super) fn set_knowledge(&mut self, group: GroupIndex, knowledge: Knowledge) {
        self.node_mut(group).into_iter().for_each(|node| node.knowledge = knowledge);
    }

    /// When a removed group went.
    pub(super) fn removal(&self, group: GroupIndex) -> Option<Removal> {
        match self.node(group)?.state {
            State::Removed(removal, _) => Some(removal),
            State::There | State::Copy(..) => None,
        }
    }

    /// Since when the members of a removed group or of a copy are remembered, if they are.
    pub(super) fn remembered_since(&self, group: GroupIndex) -> Option<DirectoryRevision> {
        let node = self.node(group)?;
        match node.state {
            State::Removed(removal, _) => Some(removal.removed_in).filter(|_| node.knowledge != Knowledge::Unknown),
            State::Copy(made_in, _) => Some(made_in),
            State::There => None,
        }
    }

    /// Every group that is there, with its display name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&GroupId, &str)> {
        self.nodes.iter().flatten().filter(|node| node.is_there()).map(|node| (&node.id, &*node.name))
    }

    /// Every number that stands for something.
    pub(super) fn all(&self) -> impl Iterator<Item = GroupIndex> {
        steps::advance(self.nodes.len());
        (0..).map(GroupIndex).zip(&self.nodes).filter(|(_, node)| node.is_some()).map(|(group, _)| group)
    }

    /// Adds a group, restores a removed one with its last known members, or gives a group another name.
    pub(super) fn put(&mut self, id: GroupId, name: Box<str>, knowledge: Knowledge) -> GroupIndex {
        if let Some(group) = self.known(&id) {
            if let Some(node) = self.node_mut(group) {
                let restored = !node.is_there();
                (node.name, node.state) = (name, State::There);
                self.there += usize::from(restored);
            }
            return group;
        }
        let group = self.push(Node::new(id.clone(), name, knowledge, State::There));
        self.by_id.insert(id, group);
        self.there += 1;
        group
    }

    /// Adds a group that was removed already.
    pub(super) fn put_removed(&mut self, id: GroupId, name: Box<str>, knowledge: Knowledge, at: Removal) -> GroupIndex {
        let group = self.push(Node::new(id.clone(), name, knowledge, State::Removed(at, LastChildren::new())));
        self.by_id.insert(id, group);
        group
    }

    /// Adds a copy of a group, of which the caller says what was nested in it and who was.
    pub(super) fn put_copy(&mut self, id: GroupId, knowledge: Knowledge, made_in: DirectoryRevision) -> GroupIndex {
        self.push(Node::new(id, Box::default(), knowledge, State::Copy(made_in, LastChildren::new())))
    }

    fn push(&mut self, node: Node) -> GroupIndex {
        // INVARIANT: whoever adds groups keeps them below `membership::MAX_GROUPS`.
        self.nodes.push(Some(Arc::new(node)));
        GroupIndex(self.nodes.len() as u32 - 1)
    }

    /// Removes a group that is there. The caller says what was [nested in it last](Self::nest_last).
    pub(super) fn remove(&mut self, group: GroupIndex, removal: Removal) {
        if let Some(node) = self.node_mut(group).filter(|node| node.is_there()) {
            node.state = State::Removed(removal, LastChildren::new());
            self.there -= 1;
        }
    }

    /// Forgets the members of a removed group, or a copy.
    pub(super) fn forget(&mut self, group: GroupIndex) {
        let Some(there) = self.nodes.get_mut(group.place()) else { return };
        if there.as_ref().is_some_and(|node| matches!(node.state, State::Copy(..))) {
            *there = None;
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

    /// Says of every group that is there that its members are unknown.
    pub(super) fn forget_all(&mut self) {
        steps::advance(self.nodes.len());
        for node in self.nodes.iter_mut().flatten().filter(|node| node.is_there()) {
            Arc::make_mut(node).knowledge = Knowledge::Unknown;
        }
    }

    /// Leaves no number for another group.
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

    /// Takes a group out of another, if both are there: a removed group stays nested as it was last.
    pub(super) fn take_out(&mut self, group: GroupIndex, child: GroupIndex) {
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

    /// Adds a removed group or a copy to what was nested in a removed group or a copy last.
    pub(super) fn nest_last(&mut self, group: GroupIndex, child: GroupIndex) {
        steps::advance(1);
        if let Some(State::Removed(_, last) | State::Copy(_, last)) = self.node_mut(group).map(|node| &mut node.state) {
            last.insert(child);
        }
    }

    /// Puts copies in the place of groups that are there again, where these were nested last.
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

    /// Those of some groups that count as nested in a removed group or a copy.
    pub(super) fn nested_last(&self, groups: &BTreeSet<GroupIndex>) -> BTreeSet<GroupIndex> {
        let held = self.nodes.iter().flatten().filter_map(|node| node.last_children());
        let held = held.inspect(|last| steps::advance(1 + last.len())).flatten().copied();
        held.filter(|child| groups.contains(child)).collect()
    }

    /// The copies that count for no removed group any more.
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

    /// The groups that a group holds itself and that are there.
    pub(super) fn children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let children = self.node(group).into_iter().flat_map(|node| node.children.iter().copied());
        children.filter(|child| self.is_there(*child))
    }

    /// Every group, there or removed, that a group is nested in or that is nested in it.
    pub(super) fn neighbours(&self, group: GroupIndex) -> (&BTreeSet<GroupIndex>, &BTreeSet<GroupIndex>) {
        static NONE: BTreeSet<GroupIndex> = BTreeSet::new();
        self.node(group).map_or((&NONE, &NONE), |node| (&node.parents, &node.children))
    }

    /// What counts as nested in a group itself: of a group that is there also what was removed, of a removed one what was
    /// nested in it last.
    pub(super) fn counted_children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let node = self.node(group).into_iter();
        node.flat_map(|node| node.last_children().unwrap_or(&node.children).iter().copied())
    }

    /// Whether a group counts as nested in another itself.
    pub(super) fn counts_in(&self, child: GroupIndex, group: GroupIndex) -> bool {
        self.node(group).is_some_and(|node| node.last_children().unwrap_or(&node.children).contains(&child))
    }

    /// These groups, and every group that they are nested in.
    pub(super) fn above(&self, groups: impl IntoIterator<Item = GroupIndex>) -> BTreeSet<GroupIndex> {
        let parents = |group| self.neighbours(group).0.iter().copied();
        closure(groups.into_iter().filter(|group| self.is_there(*group)), |group| {
            parents(group).filter(|parent| self.is_there(*parent))
        })
    }

    /// A group, and every group that is nested in it.
    pub(super) fn below(&self, group: GroupIndex) -> BTreeSet<GroupIndex> {
        closure([group], |group| self.children(group))
    }

    /// A group, and every group whose members count as its own.
    pub(super) fn counted_below(&self, group: GroupIndex) -> BTreeSet<GroupIndex> {
        closure([group], |group| self.counted_children(group))
    }

    fn node(&self, group: GroupIndex) -> Option<&Node> {
        self.nodes.get(group.place())?.as_deref()
    }

    fn node_mut(&mut self, group: GroupIndex) -> Option<&mut Node> {
        self.nodes.get_mut(group.place())?.as_mut().map(Arc::make_mut)
    }

    /// How much memory it takes, about.
    pub(super) fn heap_bytes(&self) -> usize {
        // A set has eleven places in each of its nodes.
        let set = |set: &BTreeSet<GroupIndex>| set.len().next_multiple_of(11) * 6;
        let node = |node: &Node| {
            let last = node.last_children().map_or(0, set);
            2 * node.id.as_str().len() + node.name.len() + set(&node.parents) + set(&node.children) + last
        };
        let ids = self.by_id.capacity() * size_of::<(GroupId, GroupIndex)>();
        let places = self.nodes.capacity() * size_of::<Option<Arc<Node>>>();
        let nodes = self.nodes.iter().flatten().map(|there| size_of::<Node>() + 16 + node(there)).sum::<usize>();
        places + nodes + ids
    }
}

impl Node {
    fn new(id: GroupId, name: Box<str>, knowledge: Knowledge, state: State) -> Self {
        Self { id, name, parents: BTreeSet::new(), children: BTreeSet::new(), knowledge, state }
    }
}

/// Follows `next` from `start`, each group once, so that cycles and diamonds end.
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
