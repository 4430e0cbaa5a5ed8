//! The groups of a directory, and how they are nested.

use std::collections::{BTreeSet, HashMap};

use crate::identity::GroupId;

/// The number of a group in a snapshot and in those that a delta made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupIndex(pub(super) u32);

impl GroupIndex {
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// As a place in a list of all groups.
    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }
}

/// Every group by its number. A number whose group is gone is not used again.
#[derive(Clone, Default)]
pub(super) struct Groups {
    nodes: Vec<Option<Node>>,
    by_id: HashMap<GroupId, GroupIndex>,
}

#[derive(Clone)]
struct Node {
    id: GroupId,
    name: Box<str>,
    parents: Vec<GroupIndex>,
    children: Vec<GroupIndex>,
}

impl Groups {
    /// How many numbers are in use, or were.
    pub(super) fn numbers(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn number(&self, id: &GroupId) -> Option<GroupIndex> {
        self.by_id.get(id).copied()
    }

    pub(super) fn id(&self, group: GroupIndex) -> Option<&GroupId> {
        self.node(group).map(|node| &node.id)
    }

    pub(super) fn name(&self, group: GroupIndex) -> Option<&str> {
        self.node(group).map(|node| &*node.name)
    }

    /// Every group, with its display name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&GroupId, &str)> {
        self.nodes.iter().flatten().map(|node| (&node.id, &*node.name))
    }

    /// Adds a group, or gives it another name.
    pub(super) fn put(&mut self, id: GroupId, name: Box<str>) -> GroupIndex {
        if let Some(group) = self.number(&id) {
            if let Some(node) = self.node_mut(group) {
                node.name = name;
            }
            return group;
        }
        // INVARIANT: whoever adds groups keeps them below `membership::MAX_GROUPS`.
        let group = GroupIndex(self.nodes.len() as u32);
        self.by_id.insert(id.clone(), group);
        self.nodes.push(Some(Node { id, name, parents: Vec::new(), children: Vec::new() }));
        group
    }

    /// Takes a group out, and out of every other.
    pub(super) fn remove(&mut self, group: GroupIndex) {
        let Some(node) = self.nodes.get_mut(group.place()).and_then(Option::take) else { return };
        self.by_id.remove(&node.id);
        for parent in node.parents {
            if let Some(parent) = self.node_mut(parent) {
                parent.children.retain(|child| *child != group);
            }
        }
        for child in node.children {
            if let Some(child) = self.node_mut(child) {
                child.parents.retain(|parent| *parent != group);
            }
        }
    }

    pub(super) fn nest(&mut self, group: GroupIndex, child: GroupIndex) {
        if let Some(node) = self.node_mut(group)
            && !node.children.contains(&child)
        {
            node.children.push(child);
            if let Some(node) = self.node_mut(child) {
                node.parents.push(group);
            }
        }
    }

    pub(super) fn take_out(&mut self, group: GroupIndex, child: GroupIndex) {
        if let Some(node) = self.node_mut(group) {
            node.children.retain(|other| *other != child);
        }
        if let Some(node) = self.node_mut(child) {
            node.parents.retain(|other| *other != group);
        }
    }

    /// The groups that a group holds itself.
    pub(super) fn children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        self.node(group).into_iter().flat_map(|node| node.children.iter().copied())
    }

    /// These groups, and every group that they are nested in.
    pub(super) fn above(&self, groups: impl IntoIterator<Item = GroupIndex>) -> BTreeSet<GroupIndex> {
        self.closure(groups, |node| &node.parents)
    }

    /// A group, and every group that is nested in it.
    pub(super) fn below(&self, group: GroupIndex) -> BTreeSet<GroupIndex> {
        self.closure([group], |node| &node.children)
    }

    /// Follows `next` from `start`, each group once, so that cycles and diamonds end.
    fn closure(
        &self,
        start: impl IntoIterator<Item = GroupIndex>,
        next: impl Fn(&Node) -> &[GroupIndex],
    ) -> BTreeSet<GroupIndex> {
        let mut seen: BTreeSet<GroupIndex> = start.into_iter().collect();
        let mut open: Vec<GroupIndex> = seen.iter().copied().collect();
        while let Some(group) = open.pop() {
            for more in self.node(group).map_or(&[][..], &next) {
                if seen.insert(*more) {
                    open.push(*more);
                }
            }
        }
        seen
    }

    fn node(&self, group: GroupIndex) -> Option<&Node> {
        self.nodes.get(group.place())?.as_ref()
    }

    fn node_mut(&mut self, group: GroupIndex) -> Option<&mut Node> {
        self.nodes.get_mut(group.place())?.as_mut()
    }
}
