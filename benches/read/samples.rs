//! Generated records of further sources, in the forms of their documentation.

use serde_json::{Value, json};

use super::chance::{SplitMix64, mix};
use super::sample::{PEOPLE, address, object_id, person};

/// The chance of a record and the number of its person.
fn draw(number: usize) -> (SplitMix64, usize) {
    let mut chance = SplitMix64::new(mix(number as u64));
    let person = chance.below(PEOPLE.len() as u64) as usize;
    (chance, person)
}

fn time(number: usize) -> String {
    let time = chrono::DateTime::from_timestamp(1_772_000_000 + number as i64, 0).unwrap();
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn guid(chance: &mut SplitMix64) -> String {
    uuid::Uuid::from_u64_pair(chance.next() & !0xf000 | 0x4000, chance.next() >> 2 | 1 << 63).to_string()
}

fn network(chance: &mut SplitMix64) -> String {
    format!("198.51.100.{}", chance.below(254) + 1)
}

/// Returns a sign-in of Microsoft Graph.
pub(crate) fn entra_sign_in(number: usize) -> String {
    let (mut chance, user) = draw(number);
    let apps = ["Office 365 SharePoint Online", "Microsoft Teams", "Azure Portal"];
    let record = json!({
        "id": guid(&mut chance), "createdDateTime": time(number), "userDisplayName": person(user),
        "userPrincipalName": address(user), "userId": object_id(user), "appId": guid(&mut chance),
        "appDisplayName": apps[chance.below(3) as usize], "ipAddress": network(&mut chance), "clientAppUsed": "Browser",
        "correlationId": guid(&mut chance), "conditionalAccessStatus": "success", "isInteractive": true,
        "riskDetail": "none", "riskLevelAggregated": "none", "riskLevelDuringSignIn": "none", "riskState": "none",
        "riskEventTypes_v2": [], "resourceDisplayName": "Windows Azure Active Directory",
        "resourceId": "00000002-0000-0000-c000-000000000000", "status": {"errorCode": 0, "failureReason": "Other."},
        "deviceDetail": {
            "deviceId": "", "displayName": "", "operatingSystem": "Windows 10", "browser": "Edge 121.0.0",
            "isCompliant": false, "isManaged": false, "trustType": "",
        },
        "location": {
            "city": "Hamburg", "state": "Hamburg", "countryOrRegion": "DE",
            "geoCoordinates": {"altitude": null, "latitude": 53.55, "longitude": 10.0},
        },
        "appliedConditionalAccessPolicies": [{
            "id": guid(&mut chance), "displayName": "Require MFA", "result": "success",
            "enforcedGrantControls": ["Mfa"], "enforcedSessionControls": [],
        }],
    });
    record.to_string()
}

/// Returns an event of the audit log of a GitHub enterprise.
pub(crate) fn github_audit(number: usize) -> String {
    let (mut chance, user) = draw(number);
    let actions = ["git.clone", "git.push", "pull_request.create", "repo.access", "workflows.completed_workflow_run"];
    let milliseconds = 1_772_000_000_000_u64 + number as u64 * 100;
    let record = json!({
        "@timestamp": milliseconds, "_document_id": format!("{:022x}", chance.next()),
        "action": actions[chance.below(5) as usize], "actor": format!("{}_contoso", person(user)),
        "actor_id": 1_000_000 + user, "actor_is_bot": false, "actor_location": {"country_code": "DE"},
        "business": "contoso", "business_id": 4242, "created_at": milliseconds,
        "external_identity_nameid": address(user), "external_identity_username": address(user),
        "operation_type": "access", "org": "contoso", "org_id": 31_415, "repo": "contoso/plans", "repo_id": 27_182,
        "repository": "contoso/plans", "repository_public": false, "transport_protocol": 1,
        "transport_protocol_name": "http", "user_agent": "git/2.43.0", "visibility": "private",
    });
    record.to_string()
}

/// Returns an entry of the Slack audit logs API.
pub(crate) fn slack_audit(number: usize) -> String {
    let (mut chance, user) = draw(number);
    let actions = ["user_login", "file_downloaded", "file_uploaded", "private_channel_created"];
    let record = json!({
        "id": guid(&mut chance), "date_create": 1_772_000_000 + number, "action": actions[chance.below(4) as usize],
        "actor": {"type": "user", "user": {
            "id": format!("W0{user:09}"), "name": person(user), "email": address(user), "team": "T0000000001",
        }},
        "entity": {"type": "file", "file": {
            "id": format!("F0{:09}", chance.below(100_000)), "name": format!("plan-{}.docx", chance.below(1_000)),
            "title": "Plan", "filetype": "docx",
        }},
        "context": {
            "location": {"type": "workspace", "id": "T0000000001", "name": "Contoso", "domain": "contoso"},
            "ua": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "ip_address": network(&mut chance),
            "session_id": chance.next() >> 20,
        },
        "details": {},
    });
    record.to_string()
}

/// Returns a file event of OCSF 1.x.
pub(crate) fn ocsf(number: usize) -> String {
    let (mut chance, user) = draw(number);
    let record = json!({
        "activity_id": 2, "activity_name": "Read", "category_name": "System Activity", "category_uid": 1,
        "class_name": "File System Activity", "class_uid": 1001, "severity": "Informational", "severity_id": 1,
        "status": "Success", "status_id": 1, "time": 1_772_000_000_000_u64 + number as u64 * 100, "type_uid": 100_102,
        "type_name": "File System Activity: Read", "message": "File read",
        "metadata": {
            "uid": guid(&mut chance), "version": "1.3.0", "logged_time": 1_772_000_000_000_u64 + number as u64 * 100,
            "product": {"name": "Contoso Drive", "vendor_name": "Contoso", "version": "4.2"},
        },
        "actor": {
            "user": {
                "name": person(user), "email_addr": address(user), "uid": object_id(user), "type": "User", "type_id": 1,
            },
            "session": {"uid": guid(&mut chance), "is_remote": true},
        },
        "device": {"hostname": "files-1", "type": "Server", "type_id": 1, "ip": network(&mut chance)},
        "file": {
            "name": format!("plan-{}.docx", chance.below(1_000)), "path": "/plans", "type": "Regular File", "type_id": 1,
            "size": chance.below(1_000_000),
        },
        "src_endpoint": {"ip": network(&mut chance), "port": 50_000 + chance.below(1_000)},
    });
    record.to_string()
}

/// Returns a document of the Elastic Common Schema.
pub(crate) fn ecs(number: usize) -> String {
    let (mut chance, user) = draw(number);
    let record: Value = json!({
        "@timestamp": time(number), "ecs": {"version": "8.11.0"},
        "event": {
            "id": guid(&mut chance), "kind": "event", "category": ["authentication"], "type": ["start"],
            "action": "logged-in", "outcome": "success", "module": "system", "dataset": "system.auth",
            "created": time(number),
        },
        "host": {"hostname": "desk-1", "name": "desk-1", "os": {"family": "windows", "name": "Windows 11"}},
        "agent": {"type": "filebeat", "version": "8.17.0", "name": "desk-1", "id": guid(&mut chance)},
        "source": {"ip": network(&mut chance), "port": 50_000 + chance.below(1_000)},
        "user": {"name": person(user), "email": address(user), "domain": "contoso.example", "id": object_id(user)},
        "related": {"user": [person(user), address(user)], "ip": [network(&mut chance)]},
        "user_agent": {"original": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "name": "Edge"},
        "data_stream": {"dataset": "system.auth", "namespace": "default", "type": "logs"}, "tags": ["forwarded"],
    });
    record.to_string()
}
