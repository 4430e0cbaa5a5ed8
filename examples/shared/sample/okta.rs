//! Events of the Okta System Log API, as one JSON array like the answer of the API.

use super::{PEOPLE, address, append, network, person, pick, scatter, time};

/// The type of the event, its message, and the app that it is about.
const EVENTS: &[(&str, &str, &str)] = &[
    ("user.session.start", "User login to Okta", ""),
    ("user.authentication.sso", "User single sign on to app", "Payroll"),
    ("user.authentication.sso", "User single sign on to app", "Travel"),
    ("user.authentication.auth_via_mfa", "Authentication of user via MFA", ""),
    ("user.account.update_password", "User update password for Okta", ""),
    ("user.session.end", "User logout from Okta", ""),
];

/// Returns the events of a day, as a JSON array.
pub(crate) fn day(events: usize) -> String {
    let mut array = "[".to_owned();
    for number in 0..events {
        array.push_str(if number > 0 { ",\n" } else { "" });
        array.push_str(&event(number));
    }
    array.push_str("]\n");
    array
}

/// Returns an event as one line without its end.
pub(crate) fn event(number: usize) -> String {
    let dice = scatter(number ^ 0x0c7a);
    let (event, message, app) = pick(EVENTS, dice);
    let (time, network, actor) = (time(2, number * 5), network(dice >> 12), actor(dice >> 24));
    let session = format!("102{:016x}", scatter(number / 7));
    let target = match app {
        "" => "null".to_owned(),
        app => format!(
            "[{{\"id\":\"0oa{:013x}\",\"type\":\"AppInstance\",\"alternateId\":\"{app}\",\"displayName\":\"{app}\",\
             \"detailEntry\":null}}]",
            app.len()
        ),
    };
    let mut record = String::new();
    append(
        &mut record,
        &format!(
            r#"{{"actor":{actor},"client":{{"userAgent":{{"rawUserAgent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)
            AppleWebKit/537.36","os":"Windows 10","browser":"CHROME"}},"zone":"null","device":"Computer","id":null,
            "ipAddress":"{network}","geographicalContext":{{"city":"Hamburg","state":"Hamburg","country":"Germany",
            "postalCode":"20095","geolocation":{{"lat":53.55,"lon":10.0}}}}}},"device":null,
            "authenticationContext":{{"authenticationProvider":null,"credentialProvider":null,"credentialType":null,
            "issuer":null,"interface":null,"authenticationStep":0,"externalSessionId":"{session}"}},
            "displayMessage":"{message}","eventType":"{event}","outcome":{{"result":"SUCCESS","reason":null}},
            "published":"{time}.{:03}Z","securityContext":{{"asNumber":64500,"asOrg":"Example","isp":"Example",
            "domain":null,"isProxy":false}},"severity":"INFO","debugContext":{{"debugData":{{"requestId":"{:016x}",
            "requestUri":"/api/v1/authn","url":"/api/v1/authn?"}}}},"legacyEventType":null,"transaction":
            {{"type":"WEB","id":"{:016x}","detail":{{}}}},"uuid":"{:08x}-1111-4000-8000-{number:012x}","version":"0",
            "request":{{"ipChain":[{{"ip":"{network}","geographicalContext":null,"version":"V4","source":null}}]}},
            "target":{target}}}"#,
            dice % 1_000,
            scatter(number ^ 0x11),
            scatter(number ^ 0x22),
            dice >> 32,
        ),
    );
    record
}

/// Returns an actor: usually a person; sometimes Okta itself, an application, or a person from outside.
fn actor(dice: u64) -> String {
    let (id, kind, alternate, name) = match dice % 100 {
        0..3 => ("okta.b58d5b75".to_owned(), "SystemPrincipal", "system@okta.com".to_owned(), "Okta System".to_owned()),
        3..6 => {
            let id = "0oa00000000000000sync".to_owned();
            (id, "PublicClientApp", "unknown".to_owned(), "Directory sync".to_owned())
        }
        6..8 => {
            let id = "00u000000000000000ext".to_owned();
            (id, "User", "vera@fabrikam.example".to_owned(), "Vera (Fabrikam)".to_owned())
        }
        _ => {
            let number = (dice >> 8) as usize % PEOPLE.len();
            (format!("00u{number:017x}"), "User", address(number), person(number).to_owned())
        }
    };
    format!(
        "{{\"id\":\"{id}\",\"type\":\"{kind}\",\"alternateId\":\"{alternate}\",\"displayName\":\"{name}\",\
         \"detailEntry\":null}}"
    )
}
