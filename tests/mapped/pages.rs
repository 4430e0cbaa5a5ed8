//! The pages in which the API of each source returns records.

use activity_privacy::sources::mapped;
use serde_json::Value;

use super::reading::{map, one, read};

/// The pages of each map, with `RECORDS` for the records.
const PAGES: &[(&str, &str)] = &[
    ("anthropic_activity", r#"{"data":RECORDS,"has_more":true,"first_id":"a","last_id":"b"}"#),
    (
        "asana_audit",
        r#"{"data":RECORDS,"next_page":{"offset":"x","path":"/audit_log_events","uri":"https://app.asana.example"}}"#,
    ),
    (
        "atlassian_organization",
        r#"{"data":RECORDS,"meta":{"next":"x","page_size":2},"links":{"self":"https://api.atlassian.example"}}"#,
    ),
    ("aws_cloudtrail", r#"{"Records":RECORDS}"#),
    (
        "aws_cloudtrail",
        r#"{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"trail","logStream":"1","subscriptionFilters":["all"],"logEvents":RECORDS}"#,
    ),
    ("aws_cloudtrail", r#"{"NextToken":"x","Events":RECORDS}"#),
    ("aws_cloudtrail_sentinel", r#"{"value":RECORDS}"#),
    ("azure_activity", r#"{"value":RECORDS,"nextLink":"https://management.azure.example"}"#),
    ("azure_activity_diagnostic", r#"{"records":RECORDS}"#),
    ("azure_activity_sentinel", r#"{"value":RECORDS}"#),
    (
        "bitbucket_data_center_audit",
        r#"{"pagingInfo":{"lastPage":false,"nextPageCursor":"1_2","size":2},"entities":RECORDS}"#,
    ),
    ("bitwarden_events", r#"{"object":"list","data":RECORDS,"continuationToken":null}"#),
    ("box_events", r#"{"chunk_size":2,"next_stream_position":"1152922976252290886","entries":RECORDS}"#),
    ("box_events_sentinel", r#"{"value":RECORDS}"#),
    (
        "carbon_black_audit",
        r#"{"notifications":RECORDS,"latestTime":1529332687006,"success":true,"message":"Success"}"#,
    ),
    ("carbon_black_audit", r#"{"num_found":2,"num_available":2,"results":RECORDS}"#),
    (
        "cloudflare_audit",
        r#"{"success":true,"errors":[],"messages":[{"code":1000,"message":"x"}],"result":RECORDS,"result_info":{"count":2}}"#,
    ),
    ("cloudflare_audit", r#"{"result":RECORDS,"success":true,"errors":[],"messages":[]}"#),
    (
        "confluence_audit",
        r#"{"results":RECORDS,"start":0,"limit":2,"size":2,"_links":{"self":"https://contoso.example"}}"#,
    ),
    ("confluence_data_center_audit", r#"{"entities":RECORDS,"pagingInfo":{"lastPage":true,"size":2}}"#),
    ("dropbox_team_events", r#"{"events":RECORDS,"cursor":"x","has_more":false}"#),
    (
        "duo_activity",
        r#"{"stat":"OK","response":{"items":RECORDS,"metadata":{"next_offset":"1,2","total_objects":{"relation":"eq","value":2}}}}"#,
    ),
    ("duo_admin", r#"{"stat":"OK","response":RECORDS}"#),
    (
        "duo_authentication",
        r#"{"response":{"authlogs":RECORDS,"metadata":{"next_offset":["1","2"],"total_objects":2}},"stat":"OK"}"#,
    ),
    (
        "ecs",
        r#"{"took":5,"timed_out":false,"_shards":{"total":1},"hits":{"total":{"value":2},"max_score":1.0,"hits":RECORDS}}"#,
    ),
    (
        "entra_audit",
        r#"{"@odata.context":"https://graph.example","value":RECORDS,"@odata.nextLink":"https://graph.example"}"#,
    ),
    ("entra_audit", r#"{"records":RECORDS}"#),
    ("entra_provisioning", r#"{"@odata.context":"https://graph.example","value":RECORDS}"#),
    ("entra_risk", r#"{"@odata.context":"https://graph.example","value":RECORDS}"#),
    (
        "entra_sign_in",
        r#"{"@odata.context":"https://graph.example","@odata.nextLink":"https://graph.example","value":RECORDS}"#,
    ),
    ("gcp_audit", r#"{"entries":RECORDS,"nextPageToken":"x"}"#),
    ("gcp_audit_sentinel", r#"{"value":RECORDS}"#),
    ("google_workspace", r#"{"kind":"admin#reports#activities","etag":"\"x\"","items":RECORDS,"nextPageToken":"x"}"#),
    ("google_workspace_alerts", r#"{"alerts":RECORDS,"nextPageToken":"x"}"#),
    ("jira_audit", r#"{"offset":0,"limit":1000,"total":2,"records":RECORDS}"#),
    ("jira_data_center_audit", r#"{"pagingInfo":{"lastPage":true,"nextPageOffset":2,"size":2},"entities":RECORDS}"#),
    (
        "mongodb_atlas_events",
        r#"{"links":[{"href":"https://cloud.mongodb.example","rel":"self"}],"results":RECORDS,"totalCount":2}"#,
    ),
    ("netskope_audit", r#"{"status":"success","msg":"","data":RECORDS}"#),
    ("netskope_audit", r#"{"ok":1,"result":RECORDS,"wait_time":30,"timestamp_hwm":1529332687}"#),
    ("notion_audit", r#"{"object":"list","results":RECORDS,"next_cursor":null,"has_more":false}"#),
    ("ocsf", r#"{"events":RECORDS}"#),
    ("ocsf", r#"{"took":5,"hits":{"total":{"value":2},"hits":RECORDS}}"#),
    (
        "okta_system_log",
        r#"{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1","source":"https://contoso.okta.example/api/v1/eventHooks/who1","eventId":"b5a188b9-5ece-4636-b041-482ffda96311","data":{"events":RECORDS},"eventTime":"2026-03-01T09:30:00Z","contentType":"application/json"}"#,
    ),
    ("okta_system_log", r#"{"events":RECORDS}"#),
    (
        "onelogin_events",
        r#"{"status":{"error":false,"code":200,"type":"success","message":"Success"},"pagination":{"before_cursor":null,"after_cursor":"x"},"data":RECORDS}"#,
    ),
    ("onepassword_audit", r#"{"cursor":"x","has_more":true,"items":RECORDS}"#),
    ("onepassword_item_usage", r#"{"cursor":"x","has_more":true,"items":RECORDS}"#),
    ("onepassword_sign_in", r#"{"cursor":"x","has_more":true,"items":RECORDS}"#),
    ("openai_audit", r#"{"object":"list","data":RECORDS,"first_id":"a","last_id":"b","has_more":true}"#),
    ("salesforce_events", r#"{"totalSize":2,"done":true,"records":RECORDS}"#),
    ("salesforce_login_history", r#"{"totalSize":2,"done":false,"nextRecordsUrl":"/services","records":RECORDS}"#),
    ("salesforce_setup_audit_trail", r#"{"totalSize":2,"done":true,"records":RECORDS}"#),
    ("slack_audit", r#"{"entries":RECORDS,"response_metadata":{"next_cursor":"x"}}"#),
    ("snyk_audit", r#"{"jsonapi":{"version":"1.0"},"data":{"items":RECORDS},"links":{"next":"/rest"}}"#),
    ("sublime_audit", r#"{"count":2,"events":RECORDS,"total":2}"#),
    ("tailscale_audit", r#"{"version":"1.1","tailnetId":"example","logs":RECORDS}"#),
    ("teleport_audit", r#"{"events":RECORDS,"lastKey":"x"}"#),
    (
        "tines_audit",
        r#"{"audit_logs":RECORDS,"meta":{"current_page":"https://contoso.tines.example","pages":1,"count":2}}"#,
    ),
    (
        "wiz_audit",
        r#"{"data":{"auditLogEntries":{"nodes":RECORDS,"pageInfo":{"hasNextPage":false,"endCursor":null}}}}"#,
    ),
    (
        "zendesk_audit",
        r#"{"audit_logs":RECORDS,"meta":{"has_more":false},"links":{"prev":"https://contoso.zendesk.example"}}"#,
    ),
    (
        "zoom_activities",
        r#"{"from":"2026-03-01","to":"2026-03-02","page_size":2,"next_page_token":"x","activity_logs":RECORDS}"#,
    ),
    ("zoom_meeting_activities", r#"{"next_page_token":"x","page_size":2,"meeting_activity_logs":RECORDS}"#),
    (
        "zoom_operation_logs",
        r#"{"from":"2026-03-01","to":"2026-03-02","page_size":2,"next_page_token":"","operation_logs":RECORDS}"#,
    ),
    ("zoom_reports_sentinel", r#"{"value":RECORDS}"#),
    ("zoom_webhooks", r#"{"events":RECORDS}"#),
];

/// Reads each page of the maps of these records.
pub(crate) fn assert_read(samples: Vec<(&str, Value)>) {
    for (name, record) in samples {
        let document = serde_json::to_value(map(name)).unwrap();
        let mut pages = PAGES.iter().filter(|(of, _)| *of == name).peekable();
        assert_eq!(pages.peek().is_some(), document.get("pages").is_some(), "{name}");
        for (_, template) in pages {
            let page = template.replace("RECORDS", &format!("[{record},{record}]"));
            let pretty: Value = serde_json::from_str(&page).unwrap();
            for text in [page.clone(), format!("{page}\n{page}"), serde_json::to_string_pretty(&pretty).unwrap()] {
                let items = read(name, &text);
                assert_eq!(items.len() % 2, 0, "{name}: {text}");
                for item in items {
                    let activity = item.unwrap_or_else(|rejected| panic!("{name}: {rejected}: {text}"));
                    assert_eq!(activity.id(), one(name, &record).id(), "{name}");
                }
                let found = mapped::detect(text.as_bytes()).map(mapped::Map::name);
                assert_eq!(found, Some(name), "{text}");
            }
            assert_long_page_is_read(name, template, &record);
        }
    }
}

/// Reads a page that is longer than what is inspected to detect its source and its layout, with one record a line.
fn assert_long_page_is_read(name: &str, template: &str, record: &Value) {
    const INSPECTED: usize = 64 * 1024;
    let record = record.to_string();
    let count = INSPECTED / record.len() + 1;
    let text = template.replace("RECORDS", &format!("[\n{}\n]", vec![record; count].join(",\n")));
    let found = text.as_bytes().get(..INSPECTED).and_then(mapped::detect).map(mapped::Map::name);
    assert_eq!(found, Some(name), "a long page: {template}");
    let items = read(name, &text);
    assert!(items.len() >= count && items.iter().all(Result::is_ok), "a long page of {name}: {template}");
}
