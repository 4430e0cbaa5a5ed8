//! The sample organisation.

use activity_privacy::identity::Domain;
use activity_privacy::prelude::*;

pub(crate) use crate::data::m365;
use crate::data::{AWS_ACCOUNTS, PEOPLE, address, aws_cloudtrail, google_workspace, object_id, okta, person};
use crate::groups::{Group, Organisation};
use crate::terminal::Result;

/// Returns an organisation with a works council and a health service, both nested in the protected staff, and a sales
/// team.
pub(crate) fn organisation() -> Result<Organisation> {
    let mut users = Vec::new();
    for number in 0..PEOPLE.len() {
        let mut user = User::new(UserId::new(object_id(number))?).with_alias(Alias::new(address(number))?);
        if AWS_ACCOUNTS.contains(&number) {
            user = user.with_alias(Alias::account("AWS", person(number))?);
        }
        users.push(user);
    }
    let ids = |numbers: std::ops::Range<usize>| -> Result<Vec<UserId>> {
        numbers.map(|number| Ok(UserId::new(object_id(number))?)).collect()
    };
    let group = |id: &str, name: &str, users, groups: &[&str]| -> Result<Group> {
        let groups = groups.iter().map(|id| GroupId::new(*id)).collect::<std::result::Result<_, _>>()?;
        Ok(Group { id: GroupId::new(id)?, name: name.to_owned(), users, groups })
    };
    Ok(Organisation {
        managed_domains: vec![Domain::new("contoso.example")?],
        users,
        groups: vec![
            group("g-protected", "Protected staff", Vec::new(), &["g-council", "g-health"])?,
            group("g-council", "Works council", ids(0..4)?, &[])?,
            group("g-health", "Health service", ids(3..6)?, &[])?,
            group("g-sales", "Sales", ids(8..20)?, &[])?,
        ],
    })
}

/// Returns the records of the first day, an input for each source. Each source names the same people in its own form.
pub(crate) fn first_day() -> [String; 4] {
    [m365::first_day(), okta::day(600), aws_cloudtrail::day(600), google_workspace::day(600)]
}
