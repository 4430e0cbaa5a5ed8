//! The tree of entries by distinguished name, with their memberships.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::attribute::{Attribute, MembershipSource};
use super::delta::DeltaBuilder;
use super::dn::Dn;
use super::draft::{EntryDraft, dn_first};
use super::entry::{DirectoryEntry, GroupEntry, check_count, check_names, names_in};
use super::links::Links;
use super::name_tree::NameTree;
use super::texts::Edit;
use super::unresolved::{MembershipStatement, UnresolvedMembership};
use crate::directory::{DirectoryBuilder, DirectoryChange};
use crate::identity::{GroupId, UserId, fold};
use crate::import::EntryRejectReason;
use crate::steps;

/// The maximum number of users who share an account name, and of groups that share a number or SID, if a membership
/// refers to it. It bounds the number of memberships for each such value.
pub(super) const MAX_SHARED: usize = 16;

/// The maximum number of deletions of entries with the same name. The ids of deleted users are kept.
const MAX_DELETED: usize = 16;

/// The state of a directory that later change records need.
///
/// Change records identify entries by distinguished name, which a snapshot does not contain. `Debug` shows only the
/// number of entries.
#[derive(Clone, Default)]
#[must_use]
pub struct DirectoryTree {
    pub(super) names: NameTree,
    pub(super) nodes: Vec<TreeNode>,
    ids: HashSet<Box<str>>,
    pub(super) by_uid: HashMap<Box<str>, BTreeSet<usize>>,
    by_key: HashMap<Box<str>, KeyHolders>,
    /// The account names declared as non-people.
    non_people_uids: HashSet<Box<str>>,
    /// The memberships that cannot be resolved before the input ends.
    pub(super) unresolved: Vec<UnresolvedMembership>,
    /// The groups with unresolved account names.
    pub(super) awaiting_uids: HashSet<usize>,
    /// The changes, if the caller reads change records.
    pub(super) delta: Option<DeltaBuilder>,
}

/// The state of a name.
#[derive(Clone, Default)]
pub(super) struct TreeNode {
    pub(super) entry: DirectoryEntry,
    /// The ids under which this name was listed while it had no entry.
    former: Vec<UserId>,
    /// Whether a group listed the name while it had no entry.
    pub(super) awaited: bool,
    /// The number of deleted entries of this name.
    deleted: usize,
    /// The groups that list the name.
    pub(super) groups: Links,
}

/// The groups and users that share a number or SID.
#[derive(Clone, Default)]
struct KeyHolders {
    groups: Vec<usize>,
    /// The number of groups that ever had it, including removed ones.
    ever: usize,
    /// The users whose primary group it identifies.
    members: BTreeSet<usize>,
}

impl DirectoryTree {
    /// Returns the index of a name, and adds the name if needed.
    pub(super) fn node(&mut self, dn: &Dn) -> usize {
        let node = self.names.get_or_insert(dn);
        self.nodes.resize_with(self.names.len(), TreeNode::default);
        node
    }

    /// Returns the index of an entry that was read.
    pub(super) fn find(&self, dn: &Dn) -> Option<usize> {
        self.names.find(dn).filter(|node| !matches!(self.entry(*node), DirectoryEntry::Unknown))
    }

    /// Declares that a name and its subtree are not people. A name of one `uid` is also an account name.
    pub(super) fn mark_non_people(&mut self, dn: &Dn) {
        let node = self.node(dn);
        self.names.mark_non_people(node);
        if dn.parts.is_empty() {
            self.non_people_uids.insert("".into());
        }
        if let ([_], [(Attribute::Uid, uid)]) = (dn.parts.as_slice(), dn.rdn.as_slice()) {
            self.non_people_uids.insert(fold(uid.trim()).into());
        }
    }

    pub(super) fn is_non_person_uid(&self, uid: &str) -> bool {
        self.non_people_uids.contains(uid)
    }

    pub(super) fn entry(&self, node: usize) -> &DirectoryEntry {
        self.nodes.get(node).map_or(&DirectoryEntry::Unknown, |node| &node.entry)
    }

    pub(super) fn group(&self, node: usize) -> Option<&GroupEntry> {
        if let DirectoryEntry::Group(group) = self.entry(node) { Some(group) } else { None }
    }

    pub(super) fn group_mut(&mut self, node: usize) -> Option<&mut GroupEntry> {
        match self.nodes.get_mut(node) {
            Some(TreeNode { entry: DirectoryEntry::Group(group), .. }) => Some(group),
            _ => None,
        }
    }

    pub(super) fn is_foreign(&self, node: usize) -> bool {
        matches!(self.entry(node), DirectoryEntry::Foreign)
    }

    /// Inserts an entry after its last line was read. Returns whether it concerns a user or a group.
    pub(super) fn insert(&mut self, mut draft: EntryDraft) -> Result<bool, EntryRejectReason> {
        let Some(node) = draft.node else { return Err(dn_first()) };
        if !matches!(self.entry(node), DirectoryEntry::Unknown) {
            return Err(EntryRejectReason::RepeatedRecord);
        }
        let entry = match draft.finish(self, node).and_then(|entry| self.with_own_id(entry)) {
            Ok(entry) => entry,
            Err(reason) => {
                self.reject(node);
                return Err(reason);
            }
        };
        let is_member = matches!(entry, DirectoryEntry::Person(_) | DirectoryEntry::Group(_) | DirectoryEntry::Foreign);
        let taken = is_member && !(matches!(entry, DirectoryEntry::Foreign) && draft.groups.is_empty());
        self.put(node, entry);
        for (attribute, member, line) in draft.members {
            self.list(node, &member, attribute, line);
        }
        for (group, line) in draft.groups.iter().filter(|_| is_member) {
            self.list_in(*group, node, *line);
        }
        Ok(taken)
    }

    fn with_own_id(&mut self, entry: DirectoryEntry) -> Result<DirectoryEntry, EntryRejectReason> {
        let id = match &entry {
            DirectoryEntry::Person(person) => person.id.as_str(),
            DirectoryEntry::Group(group) => group.id.as_str(),
            _ => return Ok(entry),
        };
        if let DirectoryEntry::Group(group) = &entry {
            let is_full = |key: &str| self.by_key.get(key).is_some_and(|keyed| keyed.ever >= MAX_SHARED);
            if let Some(key) = group.keys.iter().find(|key| is_full(key.as_ref())) {
                let attribute = if key.starts_with("gid ") { Attribute::GidNumber } else { Attribute::ObjectSid };
                return Err(EntryRejectReason::AmbiguousReference { field: attribute.name(), max: MAX_SHARED });
            }
        }
        if self.ids.insert(id.into()) { Ok(entry) } else { Err(EntryRejectReason::RepeatedRecord) }
    }

    /// Marks an entry as rejected. Groups may list it by name.
    pub(super) fn reject(&mut self, node: usize) {
        if matches!(self.entry(node), DirectoryEntry::Unknown) {
            self.put(node, DirectoryEntry::Rejected);
            self.name_by_dn(node);
        }
    }

    /// Stores an entry, and records the change.
    fn put(&mut self, node: usize, entry: DirectoryEntry) {
        let (primary, keys) = match &entry {
            DirectoryEntry::Person(person) => (person.primary.clone(), Vec::new()),
            DirectoryEntry::Group(group) => (Vec::new(), group.keys.clone()),
            _ => <_>::default(),
        };
        let Some(state) = self.nodes.get_mut(node) else { return };
        if let DirectoryEntry::Person(person) = &entry {
            state.former.retain(|id| *id != person.id);
            for uid in person.texts.all(Attribute::Uid) {
                self.by_uid.entry(fold(uid).into()).or_default().insert(node);
            }
        }
        state.entry = entry;
        let awaited = std::mem::take(&mut state.awaited);
        if self.is_named_by_dn(node) {
            self.names.count_named_by_dn(node, true);
        }
        if matches!(self.entry(node), DirectoryEntry::Person(_) | DirectoryEntry::Group(_)) {
            self.record_entry(node);
        }
        for primary in primary {
            let groups = primary.key.as_ref().map(|key| {
                let keyed = self.by_key.entry(key.clone()).or_default();
                keyed.members.insert(node);
                keyed.groups.clone()
            });
            let groups = groups.unwrap_or_default();
            if groups.is_empty() {
                let statement = MembershipStatement::PrimaryGroup { node, by: primary.by, key: primary.key };
                self.unresolved.push(UnresolvedMembership { line: primary.line, statement });
            }
            groups.into_iter().for_each(|group| self.link(group, node, MembershipSource::Primary));
        }
        for key in keys {
            let keyed = self.by_key.entry(key).or_default();
            keyed.groups.push(node);
            keyed.ever += 1;
            let members: Vec<usize> = keyed.members.iter().copied().collect();
            members.into_iter().for_each(|member| self.link(node, member, MembershipSource::Primary));
        }
        if awaited && self.delta.is_some() {
            let groups = self.nodes.get(node).map(|node| node.groups.nodes()).unwrap_or_default();
            groups.into_iter().for_each(|group| self.record_edges(group, node, true));
        }
    }

    /// Removes an entry, and records the change. Groups keep listing its name until they are changed. Returns whether
    /// the entry was a user or a group, or `None` if entries of this name were deleted too often.
    pub(super) fn remove(&mut self, node: usize) -> Option<bool> {
        let named_by_dn = self.is_named_by_dn(node);
        let state = self.nodes.get_mut(node).filter(|state| state.deleted < MAX_DELETED)?;
        state.deleted += 1;
        state.awaited = true;
        self.fix_entry(node);
        if named_by_dn {
            self.names.count_named_by_dn(node, false);
        }
        let state = self.nodes.get_mut(node)?;
        match std::mem::take(&mut state.entry) {
            DirectoryEntry::Person(person) => {
                state.former.push(person.id.clone());
                self.ids.remove(person.id.as_str());
                person.texts.all(Attribute::Uid).for_each(|uid| self.forget_uid(node, uid));
                for key in person.primary.iter().filter_map(|primary| primary.key.as_ref()) {
                    let Some(keyed) = self.by_key.get_mut(key) else { continue };
                    keyed.members.remove(&node);
                    // The membership stays, as in the directory, until a change removes it.
                    for group in keyed.groups.clone() {
                        self.link(group, node, MembershipSource::Member);
                        self.unlink(group, node, MembershipSource::Primary);
                    }
                }
                self.record_change(|| DirectoryChange::RemoveUser(person.id));
                Some(true)
            }
            DirectoryEntry::Group(group) => {
                self.ids.remove(group.id.as_str());
                for key in &group.keys {
                    if let Some(keyed) = self.by_key.get_mut(key) {
                        keyed.groups.retain(|other| *other != node);
                    }
                }
                for (source, member) in group.members.iter() {
                    if let Some(member) = self.nodes.get_mut(member) {
                        member.groups.remove(source, node);
                    }
                }
                self.record_change(|| DirectoryChange::RemoveGroup(group.id));
                Some(true)
            }
            _ => Some(false),
        }
    }

    /// Edits the texts of a user or a group, and records the change. Changes nothing if the result would be invalid.
    pub(super) fn edit_texts(&mut self, node: usize, edits: Vec<Edit>) -> Result<(), EntryRejectReason> {
        let mut gives_several = false;
        for edit in &edits {
            if let Edit::Add(attribute, text) = edit {
                gives_several |= names_in(*attribute, text)?.len() > 1;
            }
        }
        let done = match self.nodes.get_mut(node).map(|node| &mut node.entry) {
            Some(DirectoryEntry::Person(person)) => {
                let done = person.texts.edit(edits);
                let names = if gives_several { person.user().and_then(|user| check_names(&user)) } else { Ok(()) };
                if let Err(reason) = check_count(&person.texts).and(names) {
                    person.texts.undo(done);
                    return Err(reason);
                }
                done
            }
            Some(DirectoryEntry::Group(group)) => {
                let done = group.texts.edit(edits);
                if let Err(reason) = check_count(&group.texts) {
                    group.texts.undo(done);
                    return Err(reason);
                }
                Vec::new()
            }
            _ => return Ok(()),
        };
        for done in done.iter().filter(|done| done.attribute == Attribute::Uid) {
            if done.added {
                self.by_uid.entry(fold(&done.text).into()).or_default().insert(node);
            } else {
                self.forget_uid(node, &done.text);
            }
        }
        self.record_entry(node);
        Ok(())
    }

    /// Returns whether a group has this key.
    pub(super) fn has_group_with_key(&self, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|keyed| !keyed.groups.is_empty())
    }

    fn forget_uid(&mut self, node: usize, uid: &str) {
        if let Some(uid_holders) = self.by_uid.get_mut(&*fold(uid)) {
            uid_holders.remove(&node);
        }
    }

    /// Returns the whole directory.
    pub(super) fn builder(&self) -> DirectoryBuilder {
        let mut builder = DirectoryBuilder::new();
        for node in self.nodes.iter().inspect(|_| steps::advance(1)) {
            match &node.entry {
                DirectoryEntry::Person(person) => {
                    // The names were checked when the entry was read.
                    if let Ok(user) = person.user() {
                        builder = builder.user(user);
                    }
                }
                DirectoryEntry::Group(group) => {
                    builder = builder.group(group.id.clone(), group.name());
                    for member in group.members.nodes() {
                        builder = self.listed(member).into_iter().fold(builder, |builder, id| match id {
                            ListedId::User(user) => builder.member(&group.id, &user),
                            ListedId::Group(child) => builder.nested(&group.id, &child),
                        });
                    }
                }
                _ => {}
            }
        }
        builder
    }

    /// Returns all ids under which a directory knows the holders of this name.
    pub(super) fn listed(&self, node: usize) -> Vec<ListedId> {
        let Some(node) = self.nodes.get(node) else { return Vec::new() };
        let now = match &node.entry {
            DirectoryEntry::Person(person) => Some(ListedId::User(person.id.clone())),
            DirectoryEntry::Group(group) => Some(ListedId::Group(group.id.clone())),
            _ => None,
        };
        node.former.iter().cloned().map(ListedId::User).chain(now).collect()
    }

    pub(super) fn name_by_dn(&mut self, node: usize) {
        if let Some(state) = self.nodes.get_mut(node)
            && state.former.is_empty()
            && let Ok(id) = UserId::new(self.names.text(node))
        {
            state.former.push(id);
        }
    }

    /// Returns whether the only id of an entry is its name.
    fn is_named_by_dn(&self, node: usize) -> bool {
        match self.entry(node) {
            DirectoryEntry::Person(person) => person.named_by_dn,
            DirectoryEntry::Group(group) => group.named_by_dn,
            _ => false,
        }
    }
}

/// An id under which a directory knows a member.
pub(super) enum ListedId {
    User(UserId),
    Group(GroupId),
}

impl std::fmt::Debug for DirectoryTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryTree").field("entries", &self.nodes.len()).finish_non_exhaustive()
    }
}
