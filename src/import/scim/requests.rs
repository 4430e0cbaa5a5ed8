//! Requests of a provisioning client, each read as changes to the previous snapshot.

use std::collections::HashSet;
use std::io::Read;

use super::request_state::{RequestOutcome, RequestState};
use super::{bulk_request, patch, read, resource};
use crate::directory::{DirectoryDelta, DirectorySnapshot};
use crate::identity::{GroupId, UserId};
use crate::import::{EntryRejectReason, Import, Place, RejectedEntry};

/// A reader of requests as changes to one snapshot, with options.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::import::scim::Requests;
/// use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision};
/// use activity_privacy::identity::GroupId;
///
/// let council = GroupId::new("g-1")?;
/// let before = DirectoryBuilder::new()
///     .group(council.clone(), "Works council")
///     .build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
/// let requests = Requests::new(&before).ignoring_members(["printer-7"]);
/// let body = br#"{"Operations": [{"op": "add", "path": "members", "value": [{"value": "printer-7"}]}]}"#;
/// let import = requests.patch_group(&council, &body[..])?;
/// assert_eq!(import.ignored(), 1);
/// assert!(import.into_complete()?.is_empty());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Requests<'a> {
    before: &'a DirectorySnapshot,
    non_people: HashSet<String>,
}

impl<'a> Requests<'a> {
    /// Creates a reader of requests that change this snapshot.
    pub fn new(before: &'a DirectorySnapshot) -> Self {
        Self { before, non_people: HashSet::new() }
    }

    /// Declares member ids that do not belong to people, such as devices or placeholders. Members with these ids are
    /// [ignored](Import::ignored), even if the rest of the member is invalid. An operation of a `PATCH` that names only
    /// such members is ignored as a whole.
    pub fn ignoring_members(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.non_people.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Reads the body of a `PUT` or `POST` of a group; see [`put_group`](super::put_group).
    ///
    /// # Errors
    /// Returns [`RejectedEntry`] if the body is not a group, or has another id.
    pub fn put_group(&self, id: &GroupId, body: impl Read) -> Result<Import<DirectoryDelta>, RejectedEntry> {
        let group = resource::body_of(body, id.as_str()).map_err(in_whole)?;
        let outcome = resource::put_group(&mut self.known(), id, &group).map_err(in_whole)?;
        let place = |at| Place::Page { page: 1, record: 1, member: Some(at) };
        Ok(outcome.import(1, place))
    }

    /// Reads the body of a `PATCH` of a group in the snapshot; see the [module](super).
    ///
    /// # Errors
    /// Returns [`RejectedEntry`] if the body is not a `PATCH` request, or the snapshot does not contain the group.
    pub fn patch_group(&self, id: &GroupId, body: impl Read) -> Result<Import<DirectoryDelta>, RejectedEntry> {
        let body = read(body).map_err(in_whole)?;
        Ok(patch::patch_group(&mut self.known(), id, &body).map_err(in_whole)?.import(0, Place::Record))
    }

    /// Reads the body of a `PATCH` of a user in the snapshot; see the [module](super).
    ///
    /// # Errors
    /// Returns [`RejectedEntry`] if the body is not a `PATCH` request, or the snapshot does not contain the user.
    pub fn patch_user(&self, id: &UserId, body: impl Read) -> Result<Import<DirectoryDelta>, RejectedEntry> {
        let body = read(body).map_err(in_whole)?;
        Ok(patch::patch_user(&mut self.known(), id, &body).map_err(in_whole)?.import(0, Place::Record))
    }

    /// Reads the body of a bulk request; see [`bulk`](super::bulk).
    ///
    /// # Errors
    /// Returns [`RejectedEntry`] if the body is not a bulk request.
    pub fn bulk(
        &self,
        assigned: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        body: impl Read,
    ) -> Result<Import<DirectoryDelta>, RejectedEntry> {
        let body = read(body).map_err(in_whole)?;
        let assigned = assigned.into_iter().map(|(bulk_id, id)| (bulk_id.into(), id.into())).collect();
        bulk_request::bulk(&mut self.known(), &assigned, &body).map_err(in_whole)
    }

    fn known(&self) -> RequestState<'_> {
        RequestState::new(self.before, &self.non_people)
    }
}

impl std::fmt::Debug for Requests<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Requests").finish_non_exhaustive()
    }
}

/// Reads the body of a `PUT` or `POST` of the user with this id. The body replaces the user's record.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::identity::UserId;
/// use activity_privacy::import::scim;
///
/// let body = br#"{"userName": "adele@contoso.com", "emails": [{"value": "a.vance@contoso.com"}], "active": "False"}"#;
/// let delta = scim::put_user(&UserId::new("u-1")?, &body[..])?.into_complete()?;
/// assert_eq!(delta.changes().len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Returns [`RejectedEntry`] if the body is not a user, has no `userName`, or has another id.
pub fn put_user(id: &UserId, body: impl Read) -> Result<Import<DirectoryDelta>, RejectedEntry> {
    let user = resource::body_of(body, id.as_str()).and_then(|user| resource::user(id, &user)).map_err(in_whole)?;
    Ok(Import { value: DirectoryDelta::new().user(user), read: 1, ignored: 0, rejected: Vec::new() })
}

/// Reads the body of a `PUT` or `POST` of the group with this id: its name, and its members if the body contains any.
/// If a member is rejected, no member is removed.
///
/// # Errors
/// Returns [`RejectedEntry`] if the body is not a group, or has another id.
pub fn put_group(
    before: &DirectorySnapshot,
    id: &GroupId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, RejectedEntry> {
    Requests::new(before).put_group(id, body)
}

/// Reads the body of a `PATCH` of a group in the previous snapshot; see the [module](super).
///
/// # Errors
/// Returns [`RejectedEntry`] if the body is not a `PATCH` request, or the snapshot does not contain the group.
pub fn patch_group(
    before: &DirectorySnapshot,
    id: &GroupId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, RejectedEntry> {
    Requests::new(before).patch_group(id, body)
}

/// Reads the body of a `PATCH` of a user in the previous snapshot; see the [module](super).
///
/// # Errors
/// Returns [`RejectedEntry`] if the body is not a `PATCH` request, or the snapshot does not contain the user.
pub fn patch_user(
    before: &DirectorySnapshot,
    id: &UserId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, RejectedEntry> {
    Requests::new(before).patch_user(id, body)
}

/// Reads the body of a bulk request ([RFC 7644, section 3.7][rfc]) and applies its operations in order, as one delta.
///
/// `assigned` contains the ids that the provider assigned to the created resources, by `bulkId`. A `POST` without an
/// assigned id is accepted if its `data` contains an `id`, and rejected otherwise. Members can be named as
/// `bulkId:...`, and groups can refer to each other in any order, also in a cycle. Pass only the operations that the
/// provider accepted: the request does not show at which operation the provider stopped.
///
/// A **record** is an operation, a member that an operation lists, or an operation of a `PATCH`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::import::scim;
/// use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision};
/// use activity_privacy::identity::GroupId;
///
/// let (empty, now) = (DirectoryBuilder::new(), "2026-03-01T00:00:00Z".parse()?);
/// let before = empty.build(DirectoryRevision(1), now)?;
/// let body = br#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
///     {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "Council",
///      "members": [{"value": "bulkId:u"}]}},
///     {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "adele@contoso.com"}}]}"#;
/// let delta = scim::bulk(&before, [("g", "g-1"), ("u", "u-1")], &body[..])?.into_complete()?;
/// let after = before.apply(&delta, DirectoryRevision(2), now)?;
/// assert_eq!(after.all_members(&GroupId::new("g-1")?).len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc7644#section-3.7
///
/// # Errors
/// Returns [`RejectedEntry`] if the body is not a bulk request.
pub fn bulk(
    before: &DirectorySnapshot,
    assigned: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, RejectedEntry> {
    Requests::new(before).bulk(assigned, body)
}

impl RequestOutcome {
    /// Converts the outcome of a request to an import. `records` is 1 if the request itself counts as a record, or 0.
    fn import(self, records: u64, place: impl Fn(u64) -> Place) -> Import<DirectoryDelta> {
        let Self { changes, items, ignored, rejected } = self;
        let rejected = rejected.into_iter().map(|(at, reason)| RejectedEntry { place: place(at), reason }).collect();
        Import { value: changes, read: records + items, ignored, rejected }.into_delta()
    }
}

fn in_whole(reason: EntryRejectReason) -> RejectedEntry {
    RejectedEntry { place: Place::Whole, reason }
}
