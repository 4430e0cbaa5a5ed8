//! Generated sample data: an organisation, and two days of its records in the Common schema of the Office 365
//! Management Activity API. The data is identical in every run, and all people in it are fictitious.

use std::fmt::Write;

use activity_privacy::identity::Domain;
use activity_privacy::prelude::*;

use crate::groups::{Group, Organisation};
use crate::terminal::Result;

const PEOPLE: &[&str] = &[
    "adele",
    "bashir",
    "chidi",
    "dorothea",
    "emre",
    "fatima",
    "goran",
    "hanneke",
    "ilse",
    "jürgen",
    "kwame",
    "lucía",
    "mehmet",
    "nadia",
    "oluwaseun",
    "priya",
    "quentin",
    "rosa",
    "søren",
    "tamara",
    "ulrich",
    "valentina",
    "wanjiru",
    "xavier",
    "yuki",
    "zofia",
];

/// The workload, the operation, and the prefix of the object's name.
const OPERATIONS: &[(&str, &str, &str)] = &[
    ("SharePoint", "FileAccessed", "https://contoso.sharepoint.example/sites/plans/Shared Documents/plan-"),
    ("SharePoint", "FileModified", "https://contoso.sharepoint.example/sites/plans/Shared Documents/plan-"),
    ("OneDrive", "FileDownloaded", "https://contoso-my.sharepoint.example/personal/notes/note-"),
    ("Exchange", "MailItemsAccessed", "mailbox folder "),
    ("Exchange", "Send", "message "),
    ("MicrosoftTeams", "MessageSent", "thread "),
    ("MicrosoftTeams", "TeamsSessionStarted", "client "),
    ("AzureActiveDirectory", "UserLoggedIn", "application "),
];

/// Returns an organisation with a works council and a health service, both nested in the protected staff, and a sales
/// team.
pub(crate) fn organisation() -> Result<Organisation> {
    let mut users = Vec::new();
    for (number, name) in PEOPLE.iter().enumerate() {
        let upn = Alias::new(format!("{name}@contoso.example"))?;
        users.push(User::new(UserId::new(object_id(number))?).with_alias(upn));
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

/// Returns 3,000 lines, some of them repeated, changed or truncated.
pub(crate) fn first_day() -> String {
    let mut lines = String::new();
    for number in 0..2_960 {
        record(&mut lines, number, 0);
    }
    for again in 0..30 {
        record(&mut lines, again * 97, 0);
    }
    for changed in 0..6 {
        record(&mut lines, changed * 311, 1);
    }
    lines.push_str("{\"Id\":\"cut-short\",\"CreationTime\":\"2026-03-02T1\n");
    lines.push_str("{\"Id\":\"no-operation\",\"CreationTime\":\"2026-03-02T11:00:00\"}\n");
    lines.push_str("[\"not\",\"a\",\"record\"]\n");
    lines.push_str("{\"Id\":\"no-time\",\"Operation\":\"FileAccessed\",\"CreationTime\":\"yesterday\"}\n");
    lines
}

/// Returns 500 more lines of the same people.
pub(crate) fn second_day() -> String {
    let mut lines = String::new();
    for number in 3_000..3_500 {
        record(&mut lines, number, 0);
    }
    lines
}

/// Appends one line. `edition` changes the content but not the id.
fn record(lines: &mut String, number: usize, edition: usize) {
    let dice = scatter(number);
    let (workload, operation, object) = pick(OPERATIONS, dice);
    let second = number * 24;
    let (day, hour, minute, second) = (2 + second / 86_400, second / 3_600 % 24, second / 60 % 60, second % 60);
    let id = format!("{:08x}-0000-4000-8000-{number:012x}", dice >> 32);
    let actor = actor(dice >> 16);
    let object = format!("{object}{}", (dice >> 40) % 90 + edition as u64 * 1_000);
    // Writing to a string cannot fail.
    let _ = writeln!(
        lines,
        "{{\"Id\":\"{id}\",\"RecordType\":6,\"CreationTime\":\"2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}\",\
         \"Operation\":\"{operation}\",\"Workload\":\"{workload}\",\"ObjectId\":\"{object}\",\
         \"OrganizationId\":\"7f1c6f0e-5d1e-4f53-9a2c-3c1b7a2d9e10\",{actor},\"Version\":1}}"
    );
}

/// Returns an actor: usually a user, in upper or lower case; sometimes a guest, an application, the system, or none.
fn actor(dice: u64) -> String {
    match dice % 100 {
        0..4 => {
            let guest = pick(&["vera_fabrikam.example", "tom_adatum.example"], dice >> 8);
            format!(
                "\"UserType\":0,\"UserId\":\"{guest}#EXT#@contoso.example\",\"UserKey\":\"10032000AB{:06X}\"",
                dice % 9
            )
        }
        4..9 => {
            "\"UserType\":0,\"UserId\":\"app@sharepoint\",\"UserKey\":\"i:0i.t|00000003|app@sharepoint\"".to_owned()
        }
        9..11 => {
            "\"UserType\":4,\"UserId\":\"NT AUTHORITY\\\\SYSTEM\",\"UserKey\":\"NT AUTHORITY\\\\SYSTEM\"".to_owned()
        }
        11..13 => "\"UserType\":0,\"UserId\":\"\",\"UserKey\":\"\"".to_owned(),
        _ => {
            let number = (dice >> 8) as usize % PEOPLE.len();
            let name = pick(PEOPLE, number as u64);
            let name = if dice & 1 == 0 { name.to_string() } else { name.to_uppercase() };
            format!("\"UserType\":0,\"UserId\":\"{name}@Contoso.Example\",\"UserKey\":\"{}\"", object_id(number))
        }
    }
}

fn object_id(number: usize) -> String {
    format!("5d0c9b1e-0000-4000-8000-{number:012x}")
}

fn pick<T: Copy>(from: &[T], dice: u64) -> T {
    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length, and no list here is empty")]
    from[dice as usize % from.len()]
}

/// SplitMix64 (Steele, Lea and Flood, 2014): scatters a number over 64 bits.
fn scatter(number: usize) -> u64 {
    let mut bits = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
