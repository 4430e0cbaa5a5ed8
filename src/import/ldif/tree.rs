//! The entries of a directory by their distinguished names, and who lists whom.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::attribute::{Attribute, Mark};
use super::doubt::Doubt;
use super::entry::{Draft, Entry, Group, Member, Person, Texts};
use crate::directory::{DirectoryBuilder, DirectoryChange};
use crate::identity::{GroupId, UserId, fold};
use crate::import::RejectReason;

/// What was read of a directory, from which its next changes are understood.
///
/// Change records name entries by their distinguished names, and a snapshot knows nothing of those. `Debug` tells how
/// many there are.
#[derive(Clone, Default)]
#[must_use]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) by_dn: HashMap<Arc<str>, usize>,
    ids: HashSet<Box<str>>,
    by_uid: HashMap<Box<str>, BTreeSet<usize>>,
    by_key: HashMap<Box<str>, BTreeSet<usize>>,
    /// What could not be decided yet, because an entry was named that may still come.
    pub(super) doubts: Vec<Doubt>,
    /// What changed, if anybody wants to know.
    pub(super) changes: Option<Vec<DirectoryChange>>,
}

/// The place of an entry that was read or named.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) dn: Arc<str>,
    pub(super) entry: Entry,
    /// The ids of whoever was listed under this name without an entry.
    former: Vec<UserId>,
    /// Whether it was listed while there was no entry.
    awaited: bool,
}

impl Tree {
    /// The place of a name.
    pub(super) fn node(&mut self, dn: String) -> usize {
        if let Some(node) = self.by_dn.get(&*dn) {
            return *node;
        }
        let dn: Arc<str> = dn.into();
        self.nodes.push(Node { dn: Arc::clone(&dn), entry: Entry::Unknown, former: Vec::new(), awaited: false });
        let node = self.nodes.len() - 1;
        self.by_dn.insert(dn, node);
        node
    }

    pub(super) fn entry(&self, node: usize) -> &Entry {
        self.nodes.get(node).map_or(&Entry::Unknown, |node| &node.entry)
    }

    pub(super) fn group(&self, node: usize) -> Option<&Group> {
        if let Entry::Group(group) = self.entry(node) { Some(group) } else { None }
    }

    pub(super) fn group_mut(&mut self, node: usize) -> Option<&mut Group> {
        match self.nodes.get_mut(node) {
            Some(Node { entry: Entry::Group(group), .. }) => Some(group),
            _ => None,
        }
    }

    /// The groups that list an entry.
    pub(super) fn groups_listing(&self, node: usize) -> Vec<usize> {
        let lists = |group: &Group| group.members.contains_key(&node);
        (0..self.nodes.len()).filter(|at| self.group(*at).is_some_and(lists)).collect()
    }

    /// Takes in an entry that was read to its end. Whether it is a user or a group.
    pub(super) fn insert(&mut self, mut draft: Draft) -> Result<bool, RejectReason> {
        let missing = RejectReason::MissingField { field: "dn", expected: "it to be the first of an entry" };
        let Some(node) = draft.node else { return Err(missing) };
        if !matches!(self.entry(node), Entry::Unknown) {
            return Err(RejectReason::RepeatedRecord);
        }
        let Some(dn) = self.nodes.get(node).map(|node| Arc::clone(&node.dn)) else { return Err(missing) };
        let entry = match draft.entry(&dn).and_then(|entry| self.with_own_id(entry)) {
            Ok(entry) => entry,
            Err(reason) => {
                self.refuse(node);
                return Err(reason);
            }
        };
        let taken = matches!(entry, Entry::Person(_) | Entry::Group(_));
        self.put(node, entry);
        for (attribute, member, line) in draft.members {
            self.list(node, &member, attribute, line);
        }
        for (group, line) in draft.groups.iter().filter(|_| taken) {
            self.list_in(*group, node, *line);
        }
        Ok(taken)
    }

    fn with_own_id(&mut self, entry: Entry) -> Result<Entry, RejectReason> {
        let id = match &entry {
            Entry::Person(person) => person.id.as_str(),
            Entry::Group(group) => group.id.as_str(),
            _ => return Ok(entry),
        };
        if self.ids.insert(id.into()) { Ok(entry) } else { Err(RejectReason::RepeatedRecord) }
    }

    /// Notes that an entry was rejected. Whoever it is, groups list them by this name.
    pub(super) fn refuse(&mut self, node: usize) {
        if matches!(self.entry(node), Entry::Unknown) {
            self.put(node, Entry::Refused);
            self.name_by_dn(node);
        }
    }

    /// Puts an entry in its place, and tells of it.
    fn put(&mut self, node: usize, entry: Entry) {
        let Some(place) = self.nodes.get_mut(node) else { return };
        if let Entry::Person(person) = &entry {
            place.former.retain(|id| *id != person.id);
        }
        place.entry = entry;
        let awaited = std::mem::take(&mut place.awaited);
        match self.entry(node).clone() {
            Entry::Person(person) => {
                self.note_uids(node, &person);
                self.tell_user(&person);
                let groups: BTreeSet<usize> =
                    person.primary.iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
                for group in groups {
                    self.mark(group, node, Mark::PRIMARY);
                }
                for key in person.primary {
                    self.by_key.entry(format!("of {key}").into()).or_default().insert(node);
                }
            }
            Entry::Group(group) => {
                self.tell(|| DirectoryChange::Group(group.id.clone(), group.name().into()));
                for key in group.keys {
                    let members = self.by_key.get(&*format!("of {key}")).cloned().unwrap_or_default();
                    self.by_key.entry(key).or_default().insert(node);
                    for member in members {
                        self.mark(node, member, Mark::PRIMARY);
                    }
                }
            }
            _ => {}
        }
        if awaited && self.changes.is_some() {
            for group in self.groups_listing(node) {
                self.tell_edges(group, node, true);
            }
        }
    }

    /// Takes an entry away, and tells of it. Groups list its name until they say otherwise.
    pub(super) fn remove(&mut self, node: usize) -> Entry {
        let Some(place) = self.nodes.get_mut(node) else { return Entry::Unknown };
        let entry = std::mem::take(&mut place.entry);
        place.awaited = true;
        match &entry {
            Entry::Person(person) => {
                place.former.push(person.id.clone());
                self.ids.remove(person.id.as_str());
                self.forget_uids(node, person);
                for key in &person.primary {
                    for group in self.by_key.get(key).cloned().unwrap_or_default() {
                        // They stay, as the directory remembers them, until somebody says otherwise.
                        if let Some(mark) = self.group_mut(group).and_then(|group| group.members.get_mut(&node)) {
                            *mark = Attribute::Member.mark();
                        }
                    }
                    if let Some(members) = self.by_key.get_mut(&*format!("of {key}")) {
                        members.remove(&node);
                    }
                }
                self.tell(|| DirectoryChange::NoUser(person.id.clone()));
            }
            Entry::Group(group) => {
                self.ids.remove(group.id.as_str());
                for key in &group.keys {
                    if let Some(groups) = self.by_key.get_mut(key) {
                        groups.remove(&node);
                    }
                }
                self.tell(|| DirectoryChange::NoGroup(group.id.clone()));
            }
            _ => {}
        }
        entry
    }

    /// Puts other texts in the place of those of a user or a group, and tells of it; or of nothing if they do not hold
    /// together.
    pub(super) fn rename_texts(&mut self, node: usize, texts: Texts) -> Result<(), RejectReason> {
        if let Entry::Person(before) = self.entry(node) {
            let (before, now) = (before.clone(), Person { texts, ..before.clone() });
            now.user()?;
            self.forget_uids(node, &before);
            self.note_uids(node, &now);
            self.tell_user(&now);
            if let Some(place) = self.nodes.get_mut(node) {
                place.entry = Entry::Person(now);
            }
        } else if let Some(group) = self.group_mut(node) {
            group.texts = texts;
            let (id, name) = (group.id.clone(), group.name().into());
            self.tell(|| DirectoryChange::Group(id, name));
        }
        Ok(())
    }

    /// Lists somebody in a group, and tells of it.
    pub(super) fn list(&mut self, group: usize, member: &Member, by: Attribute, line: u64) {
        let listed: Vec<usize> = match member {
            Member::Node(node) => vec![*node],
            Member::Uid(uid) => self.by_uid.get(uid).into_iter().flatten().copied().collect(),
        };
        let known = |node: &usize| !matches!(self.entry(*node), Entry::Unknown | Entry::Neither);
        // Whoever is called by this uid can come later too.
        let is_open = matches!(member, Member::Uid(_)) || !listed.iter().all(known);
        if listed.is_empty() || is_open {
            self.doubts.push(Doubt { line, group, member: member.clone(), by });
        }
        for node in listed {
            if let Some(place) = self.nodes.get_mut(node) {
                place.awaited |= matches!(place.entry, Entry::Unknown);
            }
            self.mark(group, node, by.mark());
        }
    }

    /// Notes that somebody is listed, and tells of it if they were not.
    fn mark(&mut self, group: usize, node: usize, by: Mark) {
        let Some(held) = self.group_mut(group) else { return };
        let mark = held.members.entry(node).or_default();
        let is_new = mark.is_empty();
        *mark = mark.and(by);
        if is_new {
            self.tell_edges(group, node, true);
        }
    }

    /// Lists somebody in a group because they say so themselves.
    pub(super) fn list_in(&mut self, group: usize, node: usize, line: u64) {
        let member = Member::Node(node);
        if self.group(group).is_some() {
            self.list(group, &member, Attribute::MemberOf, line);
        } else {
            self.doubts.push(Doubt { line, group, member, by: Attribute::MemberOf });
        }
    }

    /// Takes somebody out of a group, and tells of it.
    pub(super) fn unlist(&mut self, group: usize, node: usize, by: Attribute) {
        let Some(held) = self.group_mut(group) else { return };
        let Some(mark) = held.members.get_mut(&node) else { return };
        *mark = mark.without(by);
        if mark.is_empty() {
            held.members.remove(&node);
            self.tell_edges(group, node, false);
        }
    }

    /// Those whom an account name leads to.
    pub(super) fn holders(&self, uid: &str) -> Vec<usize> {
        self.by_uid.get(uid).into_iter().flatten().copied().collect()
    }

    /// Everything that was read, as one import.
    pub(super) fn builder(&self) -> DirectoryBuilder {
        let mut builder = DirectoryBuilder::new();
        for node in &self.nodes {
            match &node.entry {
                Entry::Person(person) => {
                    // It was made once already, when the entry was read.
                    if let Ok(user) = person.user() {
                        builder = builder.user(user);
                    }
                }
                Entry::Group(group) => {
                    builder = builder.group(group.id.clone(), group.name());
                    for member in group.members.keys() {
                        builder = self.listed(*member).into_iter().fold(builder, |builder, id| match id {
                            Listed::User(user) => builder.member(&group.id, &user),
                            Listed::Group(child) => builder.nested(&group.id, &child),
                        });
                    }
                }
                _ => {}
            }
        }
        builder
    }

    /// All ids under which a directory knows whoever is listed by this name.
    fn listed(&self, node: usize) -> Vec<Listed> {
        let Some(node) = self.nodes.get(node) else { return Vec::new() };
        let now = match &node.entry {
            Entry::Person(person) => Some(Listed::User(person.id.clone())),
            Entry::Group(group) => Some(Listed::Group(group.id.clone())),
            _ => None,
        };
        node.former.iter().cloned().map(Listed::User).chain(now).collect()
    }

    pub(super) fn name_by_dn(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(node)
            && node.former.is_empty()
            && let Ok(id) = UserId::new(&*node.dn)
        {
            node.former.push(id);
        }
    }

    fn note_uids(&mut self, node: usize, person: &Person) {
        for uid in person.texts.all(Attribute::Uid) {
            self.by_uid.entry(fold(uid).into()).or_default().insert(node);
        }
    }

    fn forget_uids(&mut self, node: usize, person: &Person) {
        for uid in person.texts.all(Attribute::Uid) {
            if let Some(holders) = self.by_uid.get_mut(&*fold(uid)) {
                holders.remove(&node);
            }
        }
    }

    /// Whether an entry has no other id than its name.
    pub(super) fn is_named_by_dn(&self, node: usize) -> bool {
        match self.entry(node) {
            Entry::Person(person) => person.named_by_dn,
            Entry::Group(group) => group.named_by_dn,
            _ => false,
        }
    }

    /// Gives an entry another name. Who lists it lists it still.
    pub(super) fn rename(&mut self, node: usize, dn: String) {
        let Some(place) = self.nodes.get_mut(node) else { return };
        let dn: Arc<str> = dn.into();
        let old = std::mem::replace(&mut place.dn, Arc::clone(&dn));
        // Another that was renamed before may have this name by now.
        if self.by_dn.get(&old) == Some(&node) {
            self.by_dn.remove(&old);
        }
        self.by_dn.insert(dn, node);
    }

    pub(super) fn tell(&mut self, change: impl FnOnce() -> DirectoryChange) {
        if let Some(changes) = &mut self.changes {
            changes.push(change());
        }
    }

    fn tell_user(&mut self, person: &Person) {
        if let (Some(changes), Ok(user)) = (&mut self.changes, person.user()) {
            changes.push(DirectoryChange::User(user));
        }
    }

    pub(super) fn tell_edges(&mut self, group: usize, node: usize, listed: bool) {
        if self.changes.is_none() {
            return;
        }
        let Some(group) = self.group(group).map(|group| group.id.clone()) else { return };
        for id in self.listed(node) {
            let group = group.clone();
            self.tell(|| match (id, listed) {
                (Listed::User(user), true) => DirectoryChange::Member(group, user),
                (Listed::User(user), false) => DirectoryChange::NoMember(group, user),
                (Listed::Group(child), true) => DirectoryChange::Nested(group, child),
                (Listed::Group(child), false) => DirectoryChange::NotNested(group, child),
            });
        }
    }
}

enum Listed {
    User(UserId),
    Group(GroupId),
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("entries", &self.nodes.len()).finish_non_exhaustive()
    }
}
