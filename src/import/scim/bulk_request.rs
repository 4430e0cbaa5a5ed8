//! Bulk requests (RFC 7644, section 3.7).

use std::collections::HashMap;

use serde_json::Value;

use super::attributes::Attributes;
use super::request_state::{CreatedResource, RequestOutcome, RequestState};
use super::{Endpoint, patch, resource};
use crate::directory::{DirectoryChange, DirectoryDelta};
use crate::identity::GroupId;
use crate::import::facts::MemberType;
use crate::import::{EntryRejectReason, Import, Place, RejectedEntry, document};
use crate::steps::advance;

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

/// One operation, with the id of its resource.
struct BulkOperation {
    method: Method,
    endpoint: Endpoint,
    id: Result<String, EntryRejectReason>,
    data: Option<Value>,
}

/// Reads a bulk request. The groups that it creates come first, so that every other group can refer to them.
pub(super) fn bulk(
    known: &mut RequestState<'_>,
    assigned: &HashMap<String, String>,
    body: &Attributes,
) -> Result<Import<DirectoryDelta>, EntryRejectReason> {
    body.check_schemas(BULK_REQUEST, "the URN of a bulk request")?;
    let operations = match body.list("Operations")? {
        None | Some([]) => {
            let expected = "a list of at least one operation";
            return Err(EntryRejectReason::MissingField { field: "Operations", expected });
        }
        Some(operations) => operations,
    };
    let operations: Vec<Result<BulkOperation, EntryRejectReason>> =
        operations.iter().map(|operation| BulkOperation::new(operation, assigned, known)).collect();
    let mut changes: Vec<DirectoryChange> = Vec::new();
    for operation in operations.iter().flatten().filter(|operation| operation.method == Method::Post) {
        advance(1);
        let id = operation.id.as_ref().ok().filter(|_| operation.endpoint == Endpoint::Groups);
        let group = id.and_then(|id| document::group_id(id, "id").ok());
        if let Some(group) = group.filter(|group| known.group_name(group).is_none()) {
            changes.push(known.put_group(&group, group.as_str()));
        }
    }
    let mut import = Import { value: changes, read: 0, ignored: 0, rejected: Vec::new() };
    for (record, operation) in (1..).zip(operations) {
        import.read += 1;
        let place = |member| Place::Page { page: 1, record, member };
        match operation.and_then(|operation| operation.apply(known)) {
            Err(reason) => import.rejected.push(RejectedEntry { place: place(None), reason }),
            Ok(RequestOutcome { changes, items, ignored, rejected }) => {
                import.value.extend(changes);
                import.read += items;
                import.ignored += ignored;
                let rejected =
                    rejected.into_iter().map(|(at, reason)| RejectedEntry { place: place(Some(at)), reason });
                import.rejected.extend(rejected);
            }
        }
    }
    Ok(import.into_delta())
}

impl BulkOperation {
    fn new(
        operation: &Value,
        assigned: &HashMap<String, String>,
        known: &mut RequestState<'_>,
    ) -> Result<Self, EntryRejectReason> {
        advance(1);
        let operation = Attributes::from_object(operation.clone())?;
        let expected = "`POST`, `PUT`, `PATCH` or `DELETE`";
        let method = match operation.text("method")?.map(str::to_ascii_uppercase).as_deref() {
            Some("POST") => Method::Post,
            Some("PUT") => Method::Put,
            Some("PATCH") => Method::Patch,
            Some("DELETE") => Method::Delete,
            Some(_) => return Err(EntryRejectReason::InvalidField { field: "method", expected }),
            None => return Err(EntryRejectReason::MissingField { field: "method", expected }),
        };
        let (endpoint, id) = target(&operation)?;
        let data = operation.get("data").cloned();
        if method != Method::Post {
            let missing = EntryRejectReason::InvalidField {
                field: "path",
                expected: "a path that ends with the id of the resource",
            };
            return Ok(Self { method, endpoint, id: id.map(str::to_owned).ok_or(missing), data });
        }
        if id.is_some() {
            return Err(EntryRejectReason::InvalidField {
                field: "path",
                expected: "`/Users` or `/Groups` for a `POST`",
            });
        }
        let bulk_id = operation.text("bulkId")?;
        let declared = data.as_ref().and_then(|data| data.get("id")).and_then(Value::as_str);
        let id = bulk_id.and_then(|bulk_id| assigned.get(bulk_id).map(String::as_str)).or(declared);
        let expected = "the id that the provider assigned to the resource, in `assigned` or in `data`";
        let id = id.map(str::to_owned).ok_or(EntryRejectReason::MissingField { field: "id", expected });
        if let (Some(bulk_id), Ok(id)) = (bulk_id, &id) {
            let kind = if endpoint == Endpoint::Users { MemberType::User } else { MemberType::Group };
            if !known.add_created(bulk_id.to_owned(), CreatedResource { id: id.clone(), kind }) {
                return Err(EntryRejectReason::RepeatedBulkId);
            }
        }
        Ok(Self { method, endpoint, id, data })
    }

    fn apply(self, known: &mut RequestState<'_>) -> Result<RequestOutcome, EntryRejectReason> {
        let Self { method, endpoint, id, data } = self;
        let id = known.resolve(&id?, "path")?.id;
        let data = || {
            let missing = EntryRejectReason::MissingField { field: "data", expected: "the body of the request" };
            data.ok_or(missing).and_then(Attributes::of_resource)
        };
        match endpoint {
            Endpoint::Users => {
                let id = document::user_id(&id, "id")?;
                match method {
                    Method::Post | Method::Put => {
                        let data = data()?;
                        resource::check_id(&data, id.as_str())?;
                        let user = resource::user(&id, &data)?;
                        Ok(RequestOutcome { changes: vec![known.put_user(user)], ..RequestOutcome::default() })
                    }
                    Method::Patch => patch::patch_user(known, &id, &data()?),
                    Method::Delete => {
                        Ok(RequestOutcome { changes: vec![known.remove_user(id)], ..RequestOutcome::default() })
                    }
                }
            }
            Endpoint::Groups => {
                let id: GroupId = document::group_id(&id, "id")?;
                match method {
                    Method::Post | Method::Put => {
                        let data = data()?;
                        resource::check_id(&data, id.as_str())?;
                        resource::put_group(known, &id, &data)
                    }
                    Method::Patch => patch::patch_group(known, &id, &data()?),
                    Method::Delete => {
                        Ok(RequestOutcome { changes: vec![known.remove_group(id)], ..RequestOutcome::default() })
                    }
                }
            }
        }
    }
}

/// Parses a path such as `/Users/u-1` or `/v2/Groups`.
fn target(operation: &Attributes) -> Result<(Endpoint, Option<&str>), EntryRejectReason> {
    let expected = "`/Users` or `/Groups`, followed by the id of the resource unless it is a `POST`";
    let path = operation.text("path")?.ok_or(EntryRejectReason::MissingField { field: "path", expected })?;
    let mut parts = path.trim().trim_matches('/').rsplit('/');
    let (last, before) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let endpoint = |part: &str| match part.to_ascii_lowercase().as_str() {
        "users" => Some(Endpoint::Users),
        "groups" => Some(Endpoint::Groups),
        _ => None,
    };
    match (endpoint(before), endpoint(last)) {
        (Some(endpoint), _) => Ok((endpoint, Some(last))),
        (None, Some(endpoint)) => Ok((endpoint, None)),
        (None, None) => Err(EntryRejectReason::InvalidField { field: "path", expected }),
    }
}
