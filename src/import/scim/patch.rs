//! `PATCH` requests (RFC 7644, section 3.5.2), in the forms that clients send.

use serde_json::Value;

use super::attributes::{Attributes, boolean, check_extension, entries, is_core, unqualified};
use super::path::AttributePath;
use super::request_state::{CreatedResource, RequestOutcome, RequestState};
use super::resource::{email_address, member_entries};
use crate::directory::{DirectoryChange, User, UserStatus};
use crate::identity::{Alias, GroupId, UserId};
use crate::import::facts::{MemberRecord, ResolvedMember};
use crate::import::names::MAX_NAMES;
use crate::import::spelling::{self, Holds};
use crate::import::{EntryRejectReason, document};
use crate::steps::advance;

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Returns the changes of a `PATCH` of a known group. The items are its operations.
pub(super) fn patch_group(
    known: &mut RequestState<'_>,
    id: &GroupId,
    body: &Attributes,
) -> Result<RequestOutcome, EntryRejectReason> {
    let operations = operations(body)?;
    if known.group_name(id).is_none() {
        let expected = "a group of the previous snapshot";
        return Err(EntryRejectReason::InvalidField { field: "id", expected });
    }
    Ok(apply_each(operations, |operation| {
        let mut steps = Vec::new();
        for (path, value) in operation.targets()? {
            steps.extend(GroupStep::new(operation.verb, &path, value, known)?);
        }
        // INVARIANT: an operation changes nothing before all of it was parsed.
        let any = !steps.is_empty();
        Ok(any.then(|| steps.into_iter().flat_map(|step| step.apply(known, id)).collect()))
    }))
}

/// Returns the changes of a `PATCH` of a known user. The items are its operations.
pub(super) fn patch_user(
    known: &mut RequestState<'_>,
    id: &UserId,
    body: &Attributes,
) -> Result<RequestOutcome, EntryRejectReason> {
    let operations = operations(body)?;
    let Some(before) = known.user(id) else {
        let expected = "a user of the previous snapshot";
        return Err(EntryRejectReason::InvalidField { field: "id", expected });
    };
    let mut steps = Vec::new();
    let mut outcome = apply_each(operations, |operation| {
        let mut taken = Vec::new();
        for (path, value) in operation.targets()? {
            taken.extend(UserStep::all(operation.verb, &path, value)?);
        }
        let any = !taken.is_empty();
        steps.append(&mut taken);
        Ok(any.then(Vec::new))
    });
    if before.aliases().len() + steps.len() > MAX_NAMES {
        return Err(EntryRejectReason::TooManyNames { max: MAX_NAMES });
    }
    let user = changed(&before, steps);
    if user != before {
        outcome.changes.push(known.put_user(user));
    }
    Ok(outcome)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

struct PatchOperation {
    verb: Verb,
    path: Option<String>,
    value: Option<Value>,
}

fn operations(body: &Attributes) -> Result<Vec<Result<PatchOperation, EntryRejectReason>>, EntryRejectReason> {
    body.check_schemas(PATCH_OP, "the URN of a patch request")?;
    match body.list("Operations")? {
        None | Some([]) => {
            Err(EntryRejectReason::MissingField { field: "Operations", expected: "a list of at least one operation" })
        }
        Some(operations) => Ok(operations.iter().map(PatchOperation::new).collect()),
    }
}

/// Applies the operations in order. An operation without changes counts as ignored.
fn apply_each(
    operations: Vec<Result<PatchOperation, EntryRejectReason>>,
    mut take: impl FnMut(&PatchOperation) -> Result<Option<Vec<DirectoryChange>>, EntryRejectReason>,
) -> RequestOutcome {
    let mut outcome = RequestOutcome::default();
    for (at, operation) in (1..).zip(operations) {
        advance(1);
        outcome.items += 1;
        match operation.and_then(|operation| take(&operation)) {
            Ok(Some(changes)) => outcome.changes.extend(changes),
            Ok(None) => outcome.ignored += 1,
            Err(reason) => outcome.rejected.push((at, reason)),
        }
    }
    outcome
}

impl PatchOperation {
    fn new(operation: &Value) -> Result<Self, EntryRejectReason> {
        let operation = Attributes::from_object(operation.clone())?;
        let expected = "`add`, `replace` or `remove`";
        let verb = match operation.text("op")? {
            Some(verb) if verb.eq_ignore_ascii_case("add") => Verb::Add,
            Some(verb) if verb.eq_ignore_ascii_case("replace") => Verb::Replace,
            Some(verb) if verb.eq_ignore_ascii_case("remove") => Verb::Remove,
            Some(_) => return Err(EntryRejectReason::InvalidField { field: "op", expected }),
            None => return Err(EntryRejectReason::MissingField { field: "op", expected }),
        };
        // The URN of a core schema alone refers to the resource itself.
        let path = operation.text("path")?.filter(|path| !is_core(path)).map(str::to_owned);
        let value = match operation.get("value").cloned() {
            Some(value @ Value::Object(_)) if path.is_none() => Some(Attributes::of_resource(value)?.into_value()),
            value => value,
        };
        Ok(Self { verb, path, value })
    }

    /// Returns the target paths with their values. Without a path, the value is an object of paths.
    fn targets(&self) -> Result<Vec<(AttributePath<'_>, Option<&Value>)>, EntryRejectReason> {
        match (&self.path, &self.value) {
            (Some(path), value) => {
                value.as_ref().map_or(Ok(()), |value| check_extension(unqualified(path.trim()), value))?;
                Ok(vec![(AttributePath::new(path)?, value.as_ref())])
            }
            (None, Some(Value::Object(values))) if self.verb != Verb::Remove => {
                values.iter().map(|(path, value)| Ok((AttributePath::new(path)?, Some(value)))).collect()
            }
            (None, Some(_)) if self.verb != Verb::Remove => {
                let expected = "an object of attributes if there is no `path`";
                Err(EntryRejectReason::InvalidField { field: "value", expected })
            }
            (None, _) => Err(EntryRejectReason::MissingField { field: "path", expected: "the attribute to change" }),
        }
    }
}

/// One change of a group.
enum GroupStep {
    Name(String),
    Add(Vec<ResolvedMember>),
    Replace(Vec<ResolvedMember>),
    Remove(Vec<ResolvedMember>),
}

impl GroupStep {
    /// Returns `None` if the path is none that is read.
    fn new(
        verb: Verb,
        path: &AttributePath<'_>,
        value: Option<&Value>,
        known: &RequestState<'_>,
    ) -> Result<Option<Self>, EntryRejectReason> {
        match (path.attribute.as_str(), verb) {
            ("displayname", Verb::Add | Verb::Replace) => {
                let name = document::text_of(value, "displayName")?;
                Ok(name.map(|name| Self::Name(name.to_owned())))
            }
            ("members", _) => Self::of_members(verb, path, value, known),
            _ => Ok(None),
        }
    }

    fn of_members(
        verb: Verb,
        path: &AttributePath<'_>,
        value: Option<&Value>,
        known: &RequestState<'_>,
    ) -> Result<Option<Self>, EntryRejectReason> {
        if let (Some(filter), None, Verb::Remove) = (path.filter, &path.sub_attribute, verb) {
            let expected = "`members`, or `members[value eq \"...\"]` to remove one";
            let id = AttributePath::value(filter).ok_or(EntryRejectReason::InvalidField { field: "path", expected })?;
            document::user_id(&id, "path")?;
            let CreatedResource { id, kind } = known.resolve(&id, "path")?;
            let resolved = known.resolve_member(&MemberRecord { id, kind, removed: true }, false)?;
            return Ok(resolved.map(|resolved| Self::Remove(vec![resolved])));
        }
        if path.filter.is_some() || path.sub_attribute.is_some() {
            let expected = "`members`, or `members[value eq \"...\"]` to remove one";
            return Err(EntryRejectReason::InvalidField { field: "path", expected });
        }
        let resolved_members = |value: &Value| -> Result<Vec<ResolvedMember>, EntryRejectReason> {
            let members = member_entries(value, "value")?;
            advance(members.len());
            // Declared non-people are skipped.
            members.iter().filter_map(|entry| known.resolve_entry(entry, verb != Verb::Remove).transpose()).collect()
        };
        let missing = EntryRejectReason::MissingField { field: "value", expected: "the members" };
        let any = |resolved_members: Vec<ResolvedMember>| {
            Some(resolved_members).filter(|resolved_members| !resolved_members.is_empty())
        };
        match (verb, value) {
            (Verb::Add, Some(value)) => Ok(any(resolved_members(value)?).map(Self::Add)),
            (Verb::Replace, Some(value)) => Ok(Some(Self::Replace(resolved_members(value)?))),
            (Verb::Add | Verb::Replace, None) => Err(missing),
            (Verb::Remove, None) => Ok(Some(Self::Replace(Vec::new()))),
            // An empty list may mean no members or all members.
            (Verb::Remove, Some(Value::Array(members))) if members.is_empty() => Err(missing),
            (Verb::Remove, Some(value)) => Ok(any(resolved_members(value)?).map(Self::Remove)),
        }
    }

    fn apply(self, known: &mut RequestState<'_>, group: &GroupId) -> Vec<DirectoryChange> {
        match self {
            Self::Name(name) => vec![known.put_group(group, &name)],
            Self::Add(resolved_members) => known.listed(group).add(resolved_members),
            Self::Replace(resolved_members) => known.replace_members(group, resolved_members),
            Self::Remove(resolved_members) => known.listed(group).remove(resolved_members),
        }
    }
}

/// One change of a user.
enum UserStep {
    /// The sign-in name, which determines the home domain.
    SignInName(Alias),
    Name(Alias),
    Enabled(bool),
}

impl UserStep {
    fn all(verb: Verb, path: &AttributePath<'_>, value: Option<&Value>) -> Result<Vec<Self>, EntryRejectReason> {
        let text = |field| document::text_of(value, field);
        Ok(match path.attribute.as_str() {
            // Names are never removed.
            _ if verb == Verb::Remove => Vec::new(),
            "username" => {
                let names = spelled(text("userName")?, "userName", Holds::Accounts)?;
                names.into_iter().map(UserStep::SignInName).collect()
            }
            "externalid" => {
                let names = spelled(text("externalId")?, "externalId", Holds::ForeignId)?;
                names.into_iter().map(UserStep::Name).collect()
            }
            "active" => {
                let enabled = value.map(|value| boolean(value, "active")).transpose()?.flatten();
                enabled.into_iter().map(UserStep::Enabled).collect()
            }
            "emails" => emails(path, value)?.into_iter().map(UserStep::Name).collect(),
            _ => Vec::new(),
        })
    }
}

/// Returns the addresses in the value of a path to `emails`: strings for `emails.value`, objects otherwise.
fn emails(path: &AttributePath<'_>, value: Option<&Value>) -> Result<Vec<Alias>, EntryRejectReason> {
    let mut addresses = Vec::new();
    match (path.sub_attribute.as_deref(), value) {
        (_, None | Some(Value::Null)) => {}
        (Some("value"), value) => addresses.extend(document::text_of(value, "emails.value")?.map(str::to_owned)),
        (Some(_), _) => {}
        (None, Some(value)) => {
            for entry in entries(value, "emails")? {
                addresses.extend(email_address(&Attributes::from_object(entry.clone())?)?.map(str::to_owned));
            }
        }
    }
    spelled(addresses.iter().map(String::as_str), "emails.value", Holds::Addresses)
}

/// Returns the names in texts.
fn spelled<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    field: &'static str,
    holds: Holds,
) -> Result<Vec<Alias>, EntryRejectReason> {
    let mut names = Vec::new();
    for text in texts {
        advance(1);
        names.append(&mut spelling::names(text, field, holds)?);
    }
    Ok(names)
}

/// Returns the user after all steps: the last sign-in name first, then the known names, then the added names.
fn changed(known: &User, steps: Vec<UserStep>) -> User {
    let (mut sign_in_names, mut names, mut status) = (Vec::new(), Vec::new(), known.status());
    for step in steps {
        match step {
            UserStep::SignInName(name) => sign_in_names.push(name),
            UserStep::Name(name) => names.push(name),
            UserStep::Enabled(true) => status = UserStatus::Active,
            UserStep::Enabled(false) => status = UserStatus::Disabled,
        }
    }
    let signs_in = !sign_in_names.is_empty();
    let all = sign_in_names.into_iter().rev().chain(known.aliases().iter().cloned()).chain(names);
    let user = User::new(known.id().clone()).with_aliases(all);
    let user = match known.home_on_record() {
        Some(home) => user.with_home_domain(home.clone()),
        None if known.is_at_home_elsewhere() && !signs_in => user.at_home_elsewhere(),
        None => user,
    };
    user.with_status(status)
}
