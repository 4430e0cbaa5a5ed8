//! The maps that this crate contains.

use std::sync::LazyLock;

use super::Map;

/// A map of this crate. It is parsed when it is first used.
struct Shipped {
    name: &'static str,
    map: LazyLock<Option<Map>>,
}

/// Lists the maps: the file `maps/<name>.json` of each. Detection prefers a map before those behind it.
macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        static SHIPPED: [Shipped; <[&str]>::len(&[$($name),*])] = [$(Shipped {
            name: $name,
            map: LazyLock::new(|| Map::from_json(include_str!(concat!("maps/", $name, ".json"))).ok()),
        }),*];
    };
}

shipped![
    "google_workspace",
    "google_workspace_sentinel",
    "google_workspace_alerts",
    "okta_system_log",
    "okta_sentinel",
    "entra_sign_in",
    "entra_audit",
    "entra_provisioning",
    "entra_risk",
    "github_audit",
    "slack_audit",
    "slack_audit_sentinel",
    "salesforce_setup_audit_trail",
    "salesforce_event_log",
    "salesforce_events",
    "salesforce_login_history",
    "onepassword_audit",
    "onepassword_sign_in",
    "onepassword_item_usage",
    "bitwarden_events",
    "atlassian_organization",
    "bitbucket_data_center_audit",
    "jira_data_center_audit",
    "confluence_data_center_audit",
    "jira_audit",
    "confluence_audit",
    "duo_activity",
    "duo_authentication",
    "duo_admin",
    "onelogin_events",
    "anthropic_activity",
    "asana_audit",
    "aws_cloudtrail",
    "aws_cloudtrail_sentinel",
    "azure_activity",
    "azure_activity_diagnostic",
    "azure_activity_sentinel",
    "box_events",
    "box_events_sentinel",
    "box_webhooks",
    "carbon_black_audit",
    "cloudflare_audit",
    "cloudflare_audit_logpush",
    "docusign_connect",
    "dropbox_team_events",
    "gcp_audit",
    "gcp_audit_sentinel",
    "gitlab_audit",
    "mongodb_atlas_events",
    "netskope_audit",
    "notion_audit",
    "openai_audit",
    "panther_audit",
    "push_security_activity",
    "snowflake_login_history",
    "snowflake_query_history",
    "snyk_audit",
    "sublime_audit",
    "tailscale_audit",
    "tailscale_audit_stream",
    "teleport_audit",
    "tines_audit",
    "wiz_audit",
    "zendesk_audit",
    "zoom_activities",
    "zoom_meeting_activities",
    "zoom_operation_logs",
    "zoom_reports",
    "zoom_reports_sentinel",
    "zoom_webhooks",
    "zscaler_zia_audit",
    "ocsf",
    "ecs",
];

impl Map {
    /// Returns the map of this crate with a name, such as `okta_system_log`. The table in the [module](super) lists all.
    #[must_use]
    pub fn shipped(name: &str) -> Option<&'static Self> {
        SHIPPED.iter().find(|shipped| shipped.name == name)?.map.as_ref()
    }

    /// Returns the names of the maps of this crate.
    pub fn shipped_names() -> impl ExactSizeIterator<Item = &'static str> {
        SHIPPED.iter().map(|shipped| shipped.name)
    }

    /// Returns the maps of this crate.
    pub fn all_shipped() -> impl Iterator<Item = &'static Self> {
        SHIPPED.iter().filter_map(|shipped| shipped.map.as_ref())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn b1_shipped_maps_are_valid_and_named() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sources/mapped/maps");
        for name in Map::shipped_names() {
            let text = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
            let map = Map::from_json(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(map.name(), name);
            assert!(map.source().is_some() && map.rules().has_signs(), "{name}");
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_value(&map).unwrap(), document, "{name}");
            assert_eq!(Map::shipped(name), Some(&map));
            assert!(Map::shipped(map.source_of_ids()).is_some(), "{name}");
        }
        let files = std::fs::read_dir(folder)
            .unwrap()
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "json"));
        assert_eq!(files.count(), Map::shipped_names().len(), "each file is listed");
    }
}
