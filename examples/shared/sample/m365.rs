//! Records in the Common schema of the Office 365 Management Activity API, one per line.

use std::fmt::Write;

use super::{PEOPLE, object_id, person, pick, scatter, time};

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
    let time = time(2, number);
    let id = format!("{:08x}-0000-4000-8000-{number:012x}", dice >> 32);
    let actor = actor(dice >> 16);
    let object = format!("{object}{}", (dice >> 40) % 90 + edition as u64 * 1_000);
    // Writing to a string cannot fail.
    let _ = writeln!(
        lines,
        "{{\"Id\":\"{id}\",\"RecordType\":6,\"CreationTime\":\"{time}\",\
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
            let name = person(number);
            let name = if dice & 1 == 0 { name.to_string() } else { name.to_uppercase() };
            format!("\"UserType\":0,\"UserId\":\"{name}@Contoso.Example\",\"UserKey\":\"{}\"", object_id(number))
        }
    }
}
