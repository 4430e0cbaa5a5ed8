//! Activities as events of the [Open Cybersecurity Schema Framework](https://schema.ocsf.io/1.8.0/), 1.8.0.

use serde::Serialize;

use super::action_kind::ActionKind;
use super::own_fields::OwnFields;
use super::{Names, rfc3339};
use crate::activity::{Actor, ActorKind};
use crate::export::product::Product;
use crate::store::PublicActivity;

/// One event.
#[derive(Serialize)]
pub(super) struct OcsfEvent<'a> {
    category_uid: u32,
    category_name: &'static str,
    class_uid: u32,
    class_name: &'static str,
    activity_id: u32,
    activity_name: &'a str,
    type_uid: u32,
    type_name: String,
    /// In milliseconds.
    time: i64,
    severity_id: u32,
    severity: &'static str,
    message: &'a str,
    metadata: Metadata<'a>,
    actor: OcsfActor<'a>,
    #[serde(flatten)]
    fields: ClassFields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_data: Option<&'a str>,
    unmapped: OwnFields<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    version: &'static str,
    product: Product,
    uid: &'a str,
    original_time: String,
    /// In milliseconds.
    logged_time: i64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OcsfActor<'a> {
    User {
        user: User<'a>,
    },
    App {
        #[serde(skip_serializing_if = "Option::is_none")]
        app_uid: Option<&'a str>,
        app_name: &'a str,
    },
}

#[derive(Serialize)]
struct User<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_addr: Option<&'a str>,
    type_id: u32,
    #[serde(rename = "type")]
    user_type: &'static str,
}

/// The fields of the class, in addition to the common ones.
#[derive(Serialize)]
#[serde(untagged)]
enum ClassFields<'a> {
    Api {
        api: Api<'a>,
        src_endpoint: Endpoint,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        resources: Vec<Named<'a>>,
    },
    Authentication {
        user: User<'a>,
        service: Named<'a>,
    },
}

#[derive(Serialize)]
struct Api<'a> {
    operation: &'a str,
    service: Named<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

/// The class requires an endpoint, and an activity has none.
#[derive(Serialize)]
struct Endpoint {
    name: &'static str,
    type_id: u32,
    #[serde(rename = "type")]
    endpoint_type: &'static str,
}

impl<'a> OcsfEvent<'a> {
    pub(super) fn of(public: &'a PublicActivity) -> Self {
        let (activity, decision) = (public.activity(), public.decision());
        let action = activity.action().as_str();
        let service = || Named { name: activity.app().name().as_str() };
        let suite = activity.app().suite().map(|suite| suite.as_str());
        let kind = ActionKind::of(activity);
        let (activity_id, activity_name) = match kind {
            ActionKind::Create => (1, "Create"),
            ActionKind::Read => (2, "Read"),
            ActionKind::Update => (3, "Update"),
            ActionKind::Delete => (4, "Delete"),
            ActionKind::SignIn => (1, "Logon"),
            ActionKind::SignOut => (2, "Logoff"),
            ActionKind::Other => (99, action),
        };
        let is_authentication = matches!(kind, ActionKind::SignIn | ActionKind::SignOut);
        let (class_uid, class_name, category_name) = if is_authentication {
            (3002, "Authentication", "Identity & Access Management")
        } else {
            (6003, "API Activity", "Application Activity")
        };
        let fields = if is_authentication {
            ClassFields::Authentication { user: user(activity.actor()), service: service() }
        } else {
            ClassFields::Api {
                api: Api { operation: action, service: service(), group: suite.map(|name| Named { name }) },
                src_endpoint: Endpoint { name: "unknown", type_id: 0, endpoint_type: "Unknown" },
                resources: activity.objects().map(|name| Named { name }).collect(),
            }
        };
        let mut unmapped = OwnFields::of(public);
        if !is_authentication {
            // The API has them as its group and its resources.
            (unmapped.suite, unmapped.objects) = (None, Vec::new());
        }
        let type_caption = if activity_id == 99 { "Other" } else { activity_name };
        Self {
            category_uid: class_uid / 1000,
            category_name,
            class_uid,
            class_name,
            activity_id,
            activity_name,
            type_uid: class_uid * 100 + activity_id,
            type_name: format!("{class_name}: {type_caption}"),
            time: activity.occurred_at().timestamp_millis(),
            severity_id: 1,
            severity: "Informational",
            message: action,
            metadata: Metadata {
                version: "1.8.0",
                product: Product::THIS_CRATE,
                uid: activity.id().as_str(),
                original_time: rfc3339(activity.occurred_at()),
                logged_time: decision.decided_at().timestamp_millis(),
            },
            actor: actor(activity.actor()),
            fields,
            raw_data: activity.details(),
            unmapped,
        }
    }
}

fn actor(actor: &Actor) -> OcsfActor<'_> {
    match actor.kind() {
        ActorKind::Application => {
            let names = Names::of(actor);
            OcsfActor::App { app_uid: names.id, app_name: names.label }
        }
        ActorKind::User | ActorKind::System | ActorKind::Unknown => OcsfActor::User { user: user(actor) },
    }
}

fn user(actor: &Actor) -> User<'_> {
    let names = Names::of(actor);
    let (type_id, user_type) = match actor.kind() {
        ActorKind::User => (1, "User"),
        ActorKind::System => (3, "System"),
        ActorKind::Application => (4, "Service"),
        ActorKind::Unknown => (0, "Unknown"),
    };
    User { uid: names.id, name: names.label, email_addr: names.address, type_id, user_type }
}
