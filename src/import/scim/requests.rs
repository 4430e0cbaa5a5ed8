//! Requests that a provisioning client sends, each as what it changes in the snapshot before.

use std::collections::HashSet;
use std::io::Read;

use super::request_state::{RequestOutcome, RequestState};
use super::{bulk_request, patch, read, resource};
use crate::directory::{DirectoryDelta, DirectorySnapshot};
use crate::identity::{GroupId, UserId};
use crate::import::{Import, Place, RejectReason, Rejected};

/// Reads requests, each as what it changes in one snapshot, by options of the caller.
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
/// let requests = Requests::new(&before).with_non_people(["printer-7"]);
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
    /// Reads requests as changes of this snapshot.
    pub fn new(before: &'a DirectorySnapshot) -> Self {
        Self { before, non_people: HashSet::new() }
    }

    /// Says which member ids are known to be of no people here, such as devices or placeholders. As members they are
    /// [ignored](Import::ignored), whatever else is invalid_path with them; an operation of a `PATCH` that names nobody else is
    /// ignored as a whole.
    pub fn with_non_people(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.non_people.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Reads the body of a `PUT` or `POST` of a group; see [`put_group`](super::put_group).
    ///
    /// # Errors
    /// [`Rejected`] when the body is no group, or has another id.
    pub fn put_group(&self, id: &GroupId, body: impl Read) -> Result<Import<DirectoryDelta>, Rejected> {
        let group = resource::body_of(body, id.as_str()).map_err(in_whole)?;
        let outcome = resource::put_group(&mut self.known(), id, &group).map_err(in_whole)?;
        let place = |at| Place::Page { page: 1, record: 1, member: Some(at) };
        Ok(outcome.import(1, place))
    }

    /// Reads the body of a `PATCH` of a group that the snapshot holds; see the [module](super).
    ///
    /// # Errors
    /// [`Rejected`] when the body is no `PATCH` request, or the group is not there.
    pub fn patch_group(&self, id: &GroupId, body: impl Read) -> Result<Import<DirectoryDelta>, Rejected> {
        let body = read(body).map_err(in_whole)?;
        Ok(patch::patch_group(&mut self.known(), id, &body).map_err(in_whole)?.import(0, Place::Record))
    }

    /// Reads the body of a `PATCH` of a user whom the snapshot holds; see the [module](super).
    ///
    /// # Errors
    /// [`Rejected`] when the body is no `PATCH` request, or the user is not there.
    pub fn patch_user(&self, id: &UserId, body: impl Read) -> Result<Import<DirectoryDelta>, Rejected> {
        let body = read(body).map_err(in_whole)?;
        Ok(patch::patch_user(&mut self.known(), id, &body).map_err(in_whole)?.import(0, Place::Record))
    }

    /// Reads the body of a bulk request; see [`bulk`](super::bulk).
    ///
    /// # Errors
    /// [`Rejected`] when the body is no bulk request.
    pub fn bulk(
        &self,
        assigned: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        body: impl Read,
    ) -> Result<Import<DirectoryDelta>, Rejected> {
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

/// Reads the body of a `PUT` or `POST` of a user, who has this id: their record is this one.
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
/// [`Rejected`] when the body is no user, has no `userName`, or has another id.
pub fn put_user(id: &UserId, body: impl Read) -> Result<Import<DirectoryDelta>, Rejected> {
    let user = resource::body_of(body, id.as_str()).and_then(|user| resource::user(id, &user)).map_err(in_whole)?;
    Ok(Import { value: DirectoryDelta::new().user(user), read: 1, ignored: 0, rejected: Vec::new() })
}

/// Reads the body of a `PUT` or `POST` of a group, which has this id: its name, and its members, if the body speaks of
/// them. As long as one of them is rejected, nobody is taken out.
///
/// # Errors
/// [`Rejected`] when the body is no group, or has another id.
pub fn put_group(
    before: &DirectorySnapshot,
    id: &GroupId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, Rejected> {
    Requests::new(before).put_group(id, body)
}

/// Reads the body of a `PATCH` of a group that the snapshot before holds; see the [module](super).
///
/// # Errors
/// [`Rejected`] when the body is no `PATCH` request, or the group is not there.
pub fn patch_group(
    before: &DirectorySnapshot,
    id: &GroupId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, Rejected> {
    Requests::new(before).patch_group(id, body)
}

/// Reads the body of a `PATCH` of a user whom the snapshot before holds; see the [module](super).
///
/// # Errors
/// [`Rejected`] when the body is no `PATCH` request, or the user is not there.
pub fn patch_user(
    before: &DirectorySnapshot,
    id: &UserId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, Rejected> {
    Requests::new(before).patch_user(id, body)
}

/// Reads the body of a bulk request ([RFC 7644, section 3.7][rfc]): its operations one after the other, as one change.
///
/// `assigned` are the ids that the provider gave to the resources that the request created, by their `bulkId`. A `POST`
/// without one is read if its `data` holds an `id`, and rejected otherwise. Members can be named by `bulkId:...`,
/// and groups can name each other in any order, also in a cycle. Give only what the provider accepted: the request does
/// not tell at which operation it stopped.
///
/// A **record** is an operation, and so is apply_each member that it lists and apply_each operation of its `PATCH`.
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
/// [`Rejected`] when the body is no bulk request.
pub fn bulk(
    before: &DirectorySnapshot,
    assigned: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, Rejected> {
    Requests::new(before).bulk(assigned, body)
}

impl RequestOutcome {
    /// What a single request comes to, which is a record itself or not.
    fn import(self, records: u64, place: impl Fn(u64) -> Place) -> Import<DirectoryDelta> {
        let Self { changes, items, ignored, rejected } = self;
        let rejected = rejected.into_iter().map(|(at, reason)| Rejected { place: place(at), reason }).collect();
        Import { value: changes, read: records + items, ignored, rejected }.into_delta()
    }
}

fn in_whole(reason: RejectReason) -> Rejected {
    Rejected { place: Place::Whole, reason }
}
