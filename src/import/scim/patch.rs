//! What a `PATCH` changes (RFC 7644, section 3.5.2), in the forms in which it is sent.

use std::io::Read;

use serde_json::Value;

use super::attributes::{Attributes, entries, truth};
use super::listed::Listed;
use super::path::Path;
use super::resource::{email_address, in_whole, member};
use crate::directory::{DirectoryChange, DirectoryDelta, DirectorySnapshot, User, UserStatus};
use crate::identity::{Alias, GroupId, UserId};
use crate::import::facts::{Kind, Member, Party, known_user};
use crate::import::names::MAX_NAMES;
use crate::import::{Import, Place, RejectReason, Rejected, document};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What changes by the body of a `PATCH` of a group that the snapshot before holds; see the [module](super).
///
/// # Errors
/// [`Rejected`] when the body is no `PATCH` request, or the group is not there.
pub fn patch_group(
    before: &DirectorySnapshot,
    id: &GroupId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, Rejected> {
    let operations = operations(body).map_err(in_whole)?;
    if before.group_name(id).is_none() {
        let expected = "a group that the directory before holds";
        return Err(in_whole(RejectReason::InvalidField { field: "id", expected }));
    }
    let mut listed = Listed::new(before, id);
    let import = each(operations, |operation| {
        let mut steps = Vec::new();
        for (path, value) in operation.targets()? {
            steps.extend(GroupStep::new(operation.verb, &path, value, &listed)?);
        }
        // INVARIANT: nothing of an operation is done before all of it was understood.
        let any = !steps.is_empty();
        Ok(any.then(|| steps.into_iter().flat_map(|step| step.done(&mut listed)).collect()))
    });
    Ok(import.map(|changes: Vec<Vec<DirectoryChange>>| changes.into_iter().flatten().collect()).into_delta())
}

/// What changes by the body of a `PATCH` of a user whom the snapshot before holds; see the [module](super).
///
/// # Errors
/// [`Rejected`] when the body is no `PATCH` request, or the user is not there.
pub fn patch_user(
    before: &DirectorySnapshot,
    id: &UserId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, Rejected> {
    let operations = operations(body).map_err(in_whole)?;
    let Some(known) = known_user(before, id) else {
        let expected = "a user whom the directory before holds";
        return Err(in_whole(RejectReason::InvalidField { field: "id", expected }));
    };
    let import = each(operations, |operation| {
        let mut steps = Vec::new();
        for (path, value) in operation.targets()? {
            steps.extend(UserStep::all(operation.verb, &path, value)?);
        }
        Ok(if steps.is_empty() { None } else { Some(steps) })
    });
    let import = import.map(|steps| steps.into_iter().flatten().collect::<Vec<UserStep>>());
    if known.aliases().len() + import.value.len() > MAX_NAMES {
        return Err(in_whole(RejectReason::TooManyNames { max: MAX_NAMES }));
    }
    let changed = import.map(|steps| changed(&known, steps));
    Ok(changed.map(|user| if user == known { DirectoryDelta::new() } else { DirectoryDelta::new().user(user) }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

struct Operation {
    verb: Verb,
    path: Option<String>,
    value: Option<Value>,
}

fn operations(body: impl Read) -> Result<Vec<Result<Operation, RejectReason>>, RejectReason> {
    let body = super::read(body)?;
    body.is_message(PATCH_OP, "the URN of a patch request")?;
    match body.list("Operations")? {
        None | Some([]) => {
            Err(RejectReason::MissingField { field: "Operations", expected: "a list of at least one operation" })
        }
        Some(operations) => Ok(operations.iter().map(Operation::new).collect()),
    }
}

/// Takes the operations one after the other. What of them is nothing was ignored.
fn each<T>(
    operations: Vec<Result<Operation, RejectReason>>,
    mut take: impl FnMut(&Operation) -> Result<Option<T>, RejectReason>,
) -> Import<Vec<T>> {
    let mut import = Import { value: Vec::new(), read: 0, ignored: 0, rejected: Vec::new() };
    for (at, operation) in (1..).zip(operations) {
        import.read += 1;
        match operation.and_then(|operation| take(&operation)) {
            Ok(Some(taken)) => import.value.push(taken),
            Ok(None) => import.ignored += 1,
            Err(reason) => import.rejected.push(Rejected { place: Place::Record(at), reason }),
        }
    }
    import
}

impl Operation {
    fn new(operation: &Value) -> Result<Self, RejectReason> {
        let operation = Attributes::within(operation.clone())?;
        let expected = "`add`, `replace` or `remove`";
        let verb = match operation.text("op")? {
            Some(verb) if verb.eq_ignore_ascii_case("add") => Verb::Add,
            Some(verb) if verb.eq_ignore_ascii_case("replace") => Verb::Replace,
            Some(verb) if verb.eq_ignore_ascii_case("remove") => Verb::Remove,
            Some(_) => return Err(RejectReason::InvalidField { field: "op", expected }),
            None => return Err(RejectReason::MissingField { field: "op", expected }),
        };
        let path = operation.text("path")?.map(str::to_owned);
        Ok(Self { verb, path, value: operation.get("value").cloned() })
    }

    /// What it is about, and with which value. Without a path, the value is an object of paths.
    fn targets(&self) -> Result<Vec<(Path<'_>, Option<&Value>)>, RejectReason> {
        match (&self.path, &self.value) {
            (Some(path), value) => Ok(vec![(Path::new(path)?, value.as_ref())]),
            (None, Some(Value::Object(values))) if self.verb != Verb::Remove => {
                values.iter().map(|(path, value)| Ok((Path::new(path)?, Some(value)))).collect()
            }
            (None, Some(_)) if self.verb != Verb::Remove => {
                let expected = "an object of attributes, because there is no `path`";
                Err(RejectReason::InvalidField { field: "value", expected })
            }
            (None, _) => Err(RejectReason::MissingField { field: "path", expected: "the attribute to change" }),
        }
    }
}

/// One thing that an operation does to a group.
enum GroupStep {
    Name(String),
    Add(Vec<Party>),
    Replace(Vec<Party>),
    Remove(Vec<Party>),
}

impl GroupStep {
    /// Nothing if it concerns nothing that is known here.
    fn new(
        verb: Verb,
        path: &Path<'_>,
        value: Option<&Value>,
        listed: &Listed<'_>,
    ) -> Result<Option<Self>, RejectReason> {
        match (path.attribute.as_str(), verb) {
            ("displayname", Verb::Add | Verb::Replace) => {
                let name = document::text_of(value, "displayName")?;
                Ok(name.map(|name| Self::Name(name.to_owned())))
            }
            ("members", _) => Self::of_members(verb, path, value, listed).map(Some),
            _ => Ok(None),
        }
    }

    fn of_members(
        verb: Verb,
        path: &Path<'_>,
        value: Option<&Value>,
        listed: &Listed<'_>,
    ) -> Result<Self, RejectReason> {
        if let (Some(filter), None, Verb::Remove) = (path.filter, &path.sub_attribute, verb) {
            let expected = "`members`, or `members[value eq \"...\"]` to remove one";
            let id = Path::value(filter).ok_or(RejectReason::InvalidField { field: "path", expected })?;
            document::user_id(&id, "path")?;
            return Ok(Self::Remove(vec![listed.party(&Member { id, kind: Kind::Unsaid, removed: true }, false)?]));
        }
        if path.filter.is_some() || path.sub_attribute.is_some() {
            let expected = "`members`, or `members[value eq \"...\"]` to remove one";
            return Err(RejectReason::InvalidField { field: "path", expected });
        }
        let parties = |value: &Value| -> Result<Vec<Party>, RejectReason> {
            let members = entries(value, "value")?.iter();
            members.map(|entry| listed.party(&member(entry)?, verb != Verb::Remove)).collect()
        };
        let missing = RejectReason::MissingField { field: "value", expected: "the members" };
        match (verb, value) {
            (Verb::Add, Some(value)) => Ok(Self::Add(parties(value)?)),
            (Verb::Replace, Some(value)) => Ok(Self::Replace(parties(value)?)),
            (Verb::Add | Verb::Replace, None) => Err(missing),
            (Verb::Remove, None) => Ok(Self::Replace(Vec::new())),
            // One that names nobody may have meant nobody, or all.
            (Verb::Remove, Some(Value::Array(members))) if members.is_empty() => Err(missing),
            (Verb::Remove, Some(value)) => Ok(Self::Remove(parties(value)?)),
        }
    }

    fn done(self, listed: &mut Listed<'_>) -> Vec<DirectoryChange> {
        match self {
            Self::Name(name) => vec![DirectoryChange::Group(listed.group.clone(), name.into())],
            Self::Add(parties) => listed.add(parties),
            Self::Replace(parties) => {
                let mut changes = listed.remove_all_but(&parties);
                changes.extend(listed.add(parties));
                changes
            }
            Self::Remove(parties) => listed.remove(parties),
        }
    }
}

/// One thing that an operation does to a user.
enum UserStep {
    /// The name to sign in by, and to tell the home.
    SignInName(Alias),
    Name(Alias),
    Enabled(bool),
}

impl UserStep {
    fn all(verb: Verb, path: &Path<'_>, value: Option<&Value>) -> Result<Vec<Self>, RejectReason> {
        let text = |field| document::text_of(value, field);
        Ok(match path.attribute.as_str() {
            // What is no name any more stays one here.
            _ if verb == Verb::Remove => Vec::new(),
            "username" => {
                let name = text("userName")?.map(|name| document::alias(name, "userName")).transpose()?;
                name.into_iter().map(UserStep::SignInName).collect()
            }
            "externalid" => {
                let name = text("externalId")?.map(|name| document::alias(name, "externalId")).transpose()?;
                name.into_iter().map(UserStep::Name).collect()
            }
            "active" => {
                let enabled = value.map(|value| truth(value, "active")).transpose()?.flatten();
                enabled.into_iter().map(UserStep::Enabled).collect()
            }
            "emails" => emails(path, value)?.into_iter().map(UserStep::Name).collect(),
            _ => Vec::new(),
        })
    }
}

/// The addresses in the value of a path to `emails`: texts for their `value`, or objects.
fn emails(path: &Path<'_>, value: Option<&Value>) -> Result<Vec<Alias>, RejectReason> {
    let mut addresses = Vec::new();
    match (path.sub_attribute.as_deref(), value) {
        (_, None | Some(Value::Null)) => {}
        (Some("value"), value) => addresses.extend(document::text_of(value, "emails.value")?.map(str::to_owned)),
        (Some(_), _) => {}
        (None, Some(value)) => {
            for entry in entries(value, "emails")? {
                addresses.extend(email_address(&Attributes::within(entry.clone())?)?.map(str::to_owned));
            }
        }
    }
    addresses.iter().map(|address| document::alias(address, "emails.value")).collect()
}

/// The user after all steps: the last name to sign in by first, then what was known, then what was learned.
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
    let all = sign_in_names.into_iter().rev().chain(known.aliases().iter().cloned()).chain(names);
    let user = all.fold(User::new(known.id().clone()), |user, alias| {
        if user.aliases().iter().any(|known| known.matches(&alias)) { user } else { user.with_alias(alias) }
    });
    let user = match known.home_on_record() {
        Some(home) => user.with_home_domain(home.clone()),
        None => user,
    };
    user.with_status(status)
}
