//! The groups file of an organisation, and the four administrators of the walk-through.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use activity_privacy::directory::DirectorySnapshot;
use activity_privacy::identity::{Domain, TextError};
use activity_privacy::policy::ManagedDomain;
use activity_privacy::prelude::*;
use serde::Deserialize;

use crate::terminal::{Result, at};

/// The content of a groups file, for example:
///
/// ```json
/// {
///   "managed_domains": ["contoso.com"],
///   "users": [{"id": "u-1", "aliases": ["adele@contoso.com"]}],
///   "groups": [{"id": "g-1", "name": "Works council", "users": ["u-1"], "groups": []}]
/// }
/// ```
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Organisation {
    #[serde(default)]
    pub(crate) managed_domains: Vec<Domain>,
    #[serde(default)]
    pub(crate) users: Vec<User>,
    #[serde(default)]
    pub(crate) groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) users: Vec<UserId>,
    #[serde(default)]
    pub(crate) groups: Vec<GroupId>,
}

/// The prefix of the ids of the administrators, which no user of a groups file has.
pub(crate) const WALK_THROUGH: &str = "walk-through:";

/// Returns the administrator who changes the policy and reads the governance log.
pub(crate) fn officer() -> UserId {
    admin("officer")
}

/// Returns the second privacy administrator, so that one remains if the officer leaves.
pub(crate) fn deputy() -> UserId {
    admin("deputy")
}

/// Returns an administrator without the permission to view private activities.
pub(crate) fn analyst() -> UserId {
    admin("analyst")
}

/// Returns an administrator with the permission to view private activities.
pub(crate) fn investigator() -> UserId {
    admin("investigator")
}

pub(crate) fn investigator_address() -> std::result::Result<Alias, TextError> {
    Alias::new("investigator@walk-through.example")
}

#[expect(clippy::expect_used, reason = "the ids are constants of this program and are valid")]
fn admin(name: &str) -> UserId {
    UserId::new(format!("{WALK_THROUGH}{name}")).expect("a user id")
}

impl Organisation {
    /// Creates an organisation without users and groups.
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(at(path))?;
        Ok(serde_json::from_str(&text).map_err(at(path))?)
    }

    pub(crate) fn managed_domains(&self) -> impl Iterator<Item = ManagedDomain> {
        self.managed_domains.iter().cloned().map(ManagedDomain::with_subdomains)
    }

    /// Returns the directory as of now. Its revision is the Unix time in seconds, because the file has no revision.
    pub(crate) fn snapshot(&self) -> Result<DirectorySnapshot> {
        let investigator = User::new(investigator()).with_alias(investigator_address()?);
        let mut builder = DirectoryBuilder::new().user(investigator);
        for user in &self.users {
            builder = builder.user(user.clone());
        }
        for group in &self.groups {
            builder = builder.group(group.id.clone(), &group.name);
        }
        for group in &self.groups {
            for user in &group.users {
                builder = builder.member(&group.id, user);
            }
            for child in &group.groups {
                builder = builder.nested(&group.id, child);
            }
        }
        let now = SystemTime::now();
        let revision = now.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        Ok(builder.build(DirectoryRevision(revision), now.into())?)
    }

    /// Returns the groups to make private, given by id, by name, or by the name of a built-in group.
    pub(crate) fn choose(&self, wanted: &[String], snapshot: &DirectorySnapshot) -> Result<Vec<GroupRef>> {
        if wanted.is_empty() {
            let first = self.groups.first().map(|group| GroupRef::from(group.id.clone()));
            return Ok(vec![first.unwrap_or(GroupRef::Applications)]);
        }
        let find = |wanted: &String| match wanted.as_str() {
            "applications" => Ok(GroupRef::Applications),
            "external-users" => Ok(GroupRef::ExternalUsers),
            _ => {
                let mut found = snapshot.groups().filter(|(id, name)| id.as_str() == wanted || name == wanted);
                match (found.next(), found.next()) {
                    (Some((id, _)), None) => Ok(GroupRef::from(id.clone())),
                    (None, _) => {
                        Err(format!("no group has the id or name `{wanted}`; `--groups` reads groups from a file")
                            .into())
                    }
                    (Some(_), Some(_)) => Err(format!("several groups have the name `{wanted}`; use the id").into()),
                }
            }
        };
        wanted.iter().map(find).collect()
    }
}
