//! The state while requests are read: the previous snapshot and the changes of earlier requests in the same input.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::group_members::MemberChanges;
use super::missing_type;
use super::resource::{id_in, is_bulk_reference, member};
use crate::directory::{DirectoryChange, DirectorySnapshot, User, UserIndex};
use crate::identity::{GroupId, UserId};
use crate::import::EntryRejectReason;
use crate::import::facts::{MemberRecord, MemberType, ResolvedMember, known_user};
use crate::steps::advance;

/// The state that requests change in order.
pub(super) struct RequestState<'a> {
    before: &'a DirectorySnapshot,
    non_people: &'a HashSet<String>,
    /// The users whose record the input replaces (`Some`) or removes (`None`).
    users: HashMap<UserId, Option<User>>,
    /// The names of the groups that the input replaces (`Some`) or removes (`None`).
    groups: HashMap<GroupId, Option<Box<str>>>,
    listed: HashMap<GroupId, MemberChanges<'a>>,
    /// The direct members of each group in the previous snapshot. Computed at the second lookup.
    direct_members_before: Option<HashMap<u32, Vec<UserIndex>>>,
    lookups: usize,
    /// The resources that the input creates, by `bulkId`.
    created: HashMap<String, CreatedResource>,
}

/// A resource that a bulk request creates.
#[derive(Clone)]
pub(super) struct CreatedResource {
    pub(super) id: String,
    pub(super) kind: MemberType,
}

/// The result of one request. Its items are the members that it lists, or the operations of a `PATCH`.
#[derive(Default)]
pub(super) struct RequestOutcome {
    pub(super) changes: Vec<DirectoryChange>,
    pub(super) items: u64,
    pub(super) ignored: u64,
    /// By the number of the item, from 1.
    pub(super) rejected: Vec<(u64, EntryRejectReason)>,
}

impl<'a> RequestState<'a> {
    pub(super) fn new(before: &'a DirectorySnapshot, non_people: &'a HashSet<String>) -> Self {
        let (users, groups, listed, created) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
        Self { before, non_people, users, groups, listed, direct_members_before: None, lookups: 0, created }
    }

    /// Adds a resource that a bulk request creates. Returns whether the `bulkId` is new.
    pub(super) fn add_created(&mut self, bulk_id: String, created: CreatedResource) -> bool {
        self.created.insert(bulk_id, created).is_none()
    }

    /// Resolves a reference `bulkId:...` to the id and type of the created resource. Any other text is an id itself.
    pub(super) fn resolve(&self, id: &str, field: &'static str) -> Result<CreatedResource, EntryRejectReason> {
        if !is_bulk_reference(id) {
            return Ok(CreatedResource { id: id.to_owned(), kind: MemberType::Unspecified });
        }
        let bulk_id = id.split_once(':').map_or("", |(_, bulk_id)| bulk_id);
        let expected = "the `bulkId` of a `POST` in this request with a known id";
        self.created.get(bulk_id).cloned().ok_or(EntryRejectReason::InvalidField { field, expected })
    }

    pub(super) fn user(&self, id: &UserId) -> Option<User> {
        match self.users.get(id) {
            Some(user) => user.clone(),
            None => known_user(self.before, id),
        }
    }

    fn knows_user(&self, id: &UserId) -> bool {
        self.users.get(id).map_or_else(|| self.before.find(id).is_some(), Option::is_some)
    }

    pub(super) fn group_name(&self, id: &GroupId) -> Option<&str> {
        match self.groups.get(id) {
            Some(name) => name.as_deref(),
            None => self.before.group_name(id),
        }
    }

    pub(super) fn put_user(&mut self, user: User) -> DirectoryChange {
        self.users.insert(user.id().clone(), Some(user.clone()));
        DirectoryChange::User(user)
    }

    pub(super) fn put_group(&mut self, id: &GroupId, name: &str) -> DirectoryChange {
        self.groups.insert(id.clone(), Some(name.into()));
        DirectoryChange::Group(id.clone(), name.into())
    }

    pub(super) fn remove_user(&mut self, id: UserId) -> DirectoryChange {
        self.users.insert(id.clone(), None);
        DirectoryChange::RemoveUser(id)
    }

    pub(super) fn remove_group(&mut self, id: GroupId) -> DirectoryChange {
        self.groups.insert(id.clone(), None);
        self.listed.insert(id.clone(), MemberChanges::empty(self.before, id.clone()));
        DirectoryChange::RemoveGroup(id)
    }

    /// Returns the members of a group for changes.
    pub(super) fn listed(&mut self, group: &GroupId) -> &mut MemberChanges<'a> {
        let before = self.before;
        self.listed.entry(group.clone()).or_insert_with(|| MemberChanges::new(before, group.clone()))
    }

    /// Replaces the members of a group.
    pub(super) fn replace_members(
        &mut self,
        group: &GroupId,
        resolved_members: Vec<ResolvedMember>,
    ) -> Vec<DirectoryChange> {
        let is_cleared = self.listed(group).is_cleared();
        let previous_users = if is_cleared { BTreeSet::new() } else { self.direct_members_before(group) };
        self.listed(group).replace(resolved_members, previous_users)
    }

    /// Returns the direct members of a group in the previous snapshot. All memberships are read at most twice, however
    /// many groups are looked up.
    fn direct_members_before(&mut self, group: &GroupId) -> BTreeSet<UserId> {
        let before = self.before;
        self.lookups += 1;
        if self.lookups == 1 {
            advance(before.user_range().len());
            return before.direct_members(group);
        }
        let all = self.direct_members_before.get_or_insert_with(|| {
            let mut all: HashMap<u32, Vec<UserIndex>> = HashMap::new();
            for user in before.user_range().map(UserIndex::from_u32) {
                advance(1);
                for group in before.groups_of_user(user) {
                    advance(1);
                    all.entry(group.as_u32()).or_default().push(user);
                }
            }
            all
        });
        let users = before.group_index(group).and_then(|group| all.get(&group.as_u32()));
        let records = users.into_iter().flatten().filter_map(|user| before.record(*user));
        records.map(|record| UserId::from_checked(record.id())).collect()
    }

    /// Resolves an entry of `members`, or returns `None` if it is a declared non-person.
    pub(super) fn resolve_entry(
        &self,
        entry: &Value,
        listed: bool,
    ) -> Result<Option<ResolvedMember>, EntryRejectReason> {
        // Checked first, because a declared non-person never makes an import incomplete.
        if id_in(entry).is_some_and(|id| self.non_people.contains(id)) {
            return Ok(None);
        }
        let MemberRecord { id, kind, removed } = member(entry)?;
        let CreatedResource { id, kind: created_as } = self.resolve(&id, "members.value")?;
        let kind = if created_as == MemberType::Unspecified { kind } else { created_as };
        self.resolve_member(&MemberRecord { id, kind, removed }, listed)
    }

    /// Resolves a member, or returns `None` if it is a declared non-person.
    pub(super) fn resolve_member(
        &self,
        member: &MemberRecord,
        listed: bool,
    ) -> Result<Option<ResolvedMember>, EntryRejectReason> {
        if self.non_people.contains(&member.id) {
            return Ok(None);
        }
        let types = BTreeSet::from([member.kind]);
        let knows_group = |group: &GroupId| self.group_name(group).is_some();
        let resolved = ResolvedMember::of(&member.id, &types, listed, |user| self.knows_user(user), knows_group);
        let resolved = resolved.ok_or_else(missing_type)?;
        // The members of an unknown group are unknown.
        match &resolved.group {
            Some(group) if listed && !knows_group(group) => Err(EntryRejectReason::UnknownMember { count: 1 }),
            _ => Ok(Some(resolved)),
        }
    }
}
