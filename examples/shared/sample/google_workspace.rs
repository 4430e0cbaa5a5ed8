//! Activities of the Google Workspace Reports API, as one page like an answer of the API.

use super::{PEOPLE, address, append, network, pick, scatter, time};

/// The application, the type and the name of the event, and a parameter.
const EVENTS: &[(&str, &str, &str, &str)] = &[
    ("drive", "access", "view", "doc_title"),
    ("drive", "access", "edit", "doc_title"),
    ("drive", "access", "download", "doc_title"),
    ("login", "login", "login_success", "login_type"),
    ("calendar", "event_change", "change_event_title", "event_title"),
    ("token", "auth", "authorize", "app_name"),
];

/// Returns the activities of a day, as one page.
pub(crate) fn day(activities: usize) -> String {
    let mut page = "{\"kind\":\"admin#reports#activities\",\"etag\":\"\\\"x\\\"\",\"items\":[".to_owned();
    for number in 0..activities {
        page.push_str(if number > 0 { ",\n" } else { "\n" });
        page.push_str(&activity(number));
    }
    page.push_str("\n]}\n");
    page
}

/// Returns an activity as one line without its end.
pub(crate) fn activity(number: usize) -> String {
    let dice = scatter(number ^ 0x9009);
    let (application, kind, name, parameter) = pick(EVENTS, dice);
    let (time, network, actor) = (time(2, number * 5), network(dice >> 12), actor(dice >> 24));
    let mut record = String::new();
    append(
        &mut record,
        &format!(
            r#"{{"kind":"admin#reports#activity","id":{{"time":"{time}.{:03}Z","uniqueQualifier":"{}",
            "applicationName":"{application}","customerId":"C0example"}},"etag":"\"{:016x}\"","actor":{actor},
            "ownerDomain":"contoso.example","ipAddress":"{network}","events":[{{"type":"{kind}","name":"{name}",
            "parameters":[{{"name":"primary_event","boolValue":true}},{{"name":"{parameter}","value":"plan-{}"}},
            {{"name":"visibility","value":"private"}},{{"name":"originating_app_id","value":"691301496089"}}]}}]}}"#,
            dice % 1_000,
            dice as i64,
            scatter(number ^ 0x44),
            (dice >> 40) % 90,
        ),
    );
    record
}

/// Returns an actor: usually a person; sometimes Google itself, or a person whom the record does not name.
fn actor(dice: u64) -> String {
    match dice % 100 {
        0..4 => "{\"callerType\":\"KEY\",\"key\":\"SYSTEM\"}".to_owned(),
        4..6 => "{\"profileId\":\"105250506097979753968\"}".to_owned(),
        _ => {
            let number = (dice >> 8) as usize % PEOPLE.len();
            format!(
                "{{\"callerType\":\"USER\",\"email\":\"{}\",\"profileId\":\"1100000000000{number:08}\"}}",
                address(number)
            )
        }
    }
}
