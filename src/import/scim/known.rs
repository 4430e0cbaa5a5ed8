//! What is known while requests are read: the snapshot before, and what earlier requests of the same input changed.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::kindless;
use super::listed::Listed;
use super::resource::{id_in, is_bulk_reference, member};
use crate::directory::{DirectoryChange, DirectorySnapshot, User, UserIndex};
use crate::identity::{GroupId, UserId};
use crate::import::RejectReason;
use crate::import::facts::{Kind, Member, Party, known_user};
use crate::steps::advance;

/// The state that requests change one after the other.
pub(super) struct Known<'a> {
    before: &'a DirectorySnapshot,
    non_people: &'a HashSet<String>,
    /// The users whose record the input gives, or takes away.
    users: HashMap<UserId, Option<User>>,
    /// The names of the groups that the input gives, or that it takes away.
    groups: HashMap<GroupId, Option<Box<str>>>,
    listed: HashMap<GroupId, Listed<'a>>,
    /// The users whom each group of the snapshot before lists, once several groups were asked for.
    listed_before: Option<HashMap<u32, Vec<UserIndex>>>,
    asked: usize,
    /// What the input creates, by its `bulkId`.
    created: HashMap<String, Created>,
}

/// A resource that a bulk request creates.
#[derive(Clone)]
pub(super) struct Created {
    pub(super) id: String,
    pub(super) kind: Kind,
}

/// What one request comes to. Its items are the members that it lists, or the operations of a `PATCH`.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) changes: Vec<DirectoryChange>,
    pub(super) items: u64,
    pub(super) ignored: u64,
    /// By the number of the item, the first being 1.
    pub(super) rejected: Vec<(u64, RejectReason)>,
}

impl<'a> Known<'a> {
    pub(super) fn new(before: &'a DirectorySnapshot, non_people: &'a HashSet<String>) -> Self {
        let (users, groups, listed, created) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
        Self { before, non_people, users, groups, listed, listed_before: None, asked: 0, created }
    }

    /// Adds what a bulk request creates. Returns whether the `bulkId` is a new one.
    pub(super) fn announce(&mut self, bulk_id: String, created: Created) -> bool {
        self.created.insert(bulk_id, created).is_none()
    }

    /// Returns the id that stands for a reference `bulkId:...`, and what it is; any other text stands for itself.
    pub(super) fn resolved(&self, id: &str, field: &'static str) -> Result<Created, RejectReason> {
        if !is_bulk_reference(id) {
            return Ok(Created { id: id.to_owned(), kind: Kind::Unsaid });
        }
        let bulk_id = id.split_once(':').map_or("", |(_, bulk_id)| bulk_id);
        let expected = "the `bulkId` of a `POST` of this request, whose id is known";
        self.created.get(bulk_id).cloned().ok_or(RejectReason::InvalidField { field, expected })
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
        self.listed.insert(id.clone(), Listed::empty(self.before, id.clone()));
        DirectoryChange::RemoveGroup(id)
    }

    /// The members of a group, ready to be changed.
    pub(super) fn listed(&mut self, group: &GroupId) -> &mut Listed<'a> {
        let before = self.before;
        self.listed.entry(group.clone()).or_insert_with(|| Listed::new(before, group.clone()))
    }

    /// Makes these the only members of a group.
    pub(super) fn replace_members(&mut self, group: &GroupId, parties: Vec<Party>) -> Vec<DirectoryChange> {
        let before = if self.listed(group).is_cleared() { BTreeSet::new() } else { self.listed_before(group) };
        let listed = self.listed(group);
        let mut changes = listed.remove_all_but(&parties, before);
        changes.extend(listed.add(parties));
        changes
    }

    /// The users whom a group of the snapshot before lists. All memberships are read twice at most, however many groups
    /// are asked for.
    fn listed_before(&mut self, group: &GroupId) -> BTreeSet<UserId> {
        let before = self.before;
        self.asked += 1;
        if self.asked == 1 {
            advance(before.user_range().len());
            return before.direct_members(group);
        }
        let all = self.listed_before.get_or_insert_with(|| {
            let mut all: HashMap<u32, Vec<UserIndex>> = HashMap::new();
            for user in before.user_range().map(UserIndex::numbered) {
                advance(1);
                for group in before.groups_of_user(user) {
                    advance(1);
                    all.entry(group.number()).or_default().push(user);
                }
            }
            all
        });
        let users = before.group_index(group).and_then(|group| all.get(&group.number()));
        let records = users.into_iter().flatten().filter_map(|user| before.record(*user));
        records.map(|record| UserId::from_checked(record.id())).collect()
    }

    /// Returns what an entry of `members` is, or `None` if it is known to be no person.
    pub(super) fn party_of(&self, entry: &Value, listed: bool) -> Result<Option<Party>, RejectReason> {
        // Before anything else of it is read, because nothing of such a member makes an import incomplete.
        if id_in(entry).is_some_and(|id| self.non_people.contains(id)) {
            return Ok(None);
        }
        let Member { id, kind, removed } = member(entry)?;
        let Created { id, kind: created_as } = self.resolved(&id, "members.value")?;
        let kind = if created_as == Kind::Unsaid { kind } else { created_as };
        self.party(&Member { id, kind, removed }, listed)
    }

    /// Returns what a member is, or `None` if it is known to be no person.
    pub(super) fn party(&self, member: &Member, listed: bool) -> Result<Option<Party>, RejectReason> {
        if self.non_people.contains(&member.id) {
            return Ok(None);
        }
        let said = BTreeSet::from([member.kind]);
        let knows_group = |group: &GroupId| self.group_name(group).is_some();
        let party = Party::of(&member.id, &said, listed, |user| self.knows_user(user), knows_group);
        let party = party.ok_or_else(kindless)?;
        // Whom a group holds of which nothing is known, nobody knows.
        match &party.group {
            Some(group) if listed && !knows_group(group) => Err(RejectReason::UnknownMember { count: 1 }),
            _ => Ok(Some(party)),
        }
    }
}
