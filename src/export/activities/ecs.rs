//! Activities as events of the [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs), 9.4.0.

use serde::Serialize;

use super::action_kind::ActionKind;
use super::own_fields::OwnFields;
use super::{Names, rfc3339};
use crate::activity::Actor;
use crate::store::PublicActivity;

/// One event. A field of the schema that can have several values is an array.
#[derive(Serialize)]
pub(super) struct EcsEvent<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    ecs: Ecs,
    message: &'a str,
    event: Event<'a>,
    service: Service<'a>,
    user: User<'a>,
    related: Related<'a>,
    /// The schema reserves names with a capital letter for fields of others.
    #[serde(rename = "ActivityPrivacy")]
    own: OwnFields<'a>,
}

#[derive(Serialize)]
struct Ecs {
    version: &'static str,
}

#[derive(Serialize)]
struct Event<'a> {
    kind: &'static str,
    category: [&'static str; 1],
    #[serde(rename = "type")]
    types: [&'static str; 1],
    action: &'a str,
    id: &'a str,
    created: String,
    module: &'static str,
    dataset: &'static str,
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<&'a str>,
}

#[derive(Serialize)]
struct Service<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct User<'a> {
    #[serde(flatten)]
    names: UserNames<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective: Option<UserNames<'a>>,
}

#[derive(Serialize)]
struct UserNames<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    user: Vec<&'a str>,
}

impl<'a> EcsEvent<'a> {
    pub(super) fn of(public: &'a PublicActivity) -> Self {
        let (activity, decision) = (public.activity(), public.decision());
        let (category, event_type) = match ActionKind::of(activity) {
            ActionKind::Create => ("api", "creation"),
            ActionKind::Read => ("api", "access"),
            ActionKind::Update => ("api", "change"),
            ActionKind::Delete => ("api", "deletion"),
            ActionKind::SignIn => ("authentication", "start"),
            ActionKind::SignOut => ("authentication", "end"),
            ActionKind::Other => ("api", "info"),
        };
        let app = activity.app().name().as_str();
        Self {
            timestamp: rfc3339(activity.occurred_at()),
            ecs: Ecs { version: "9.4.0" },
            message: activity.action().as_str(),
            event: Event {
                kind: "event",
                category: [category],
                types: [event_type],
                action: activity.action().as_str(),
                id: activity.id().as_str(),
                created: rfc3339(decision.decided_at()),
                module: "activity_privacy",
                dataset: "activity_privacy.activity",
                provider: app,
                original: activity.details(),
            },
            service: Service { name: app },
            user: User {
                names: user_names(activity.actor()),
                effective: activity.on_behalf_of().first().map(user_names),
            },
            related: Related { user: Names::all(activity.principals()) },
            own: OwnFields::of(public),
        }
    }
}

fn user_names(actor: &Actor) -> UserNames<'_> {
    let names = Names::of(actor);
    UserNames { name: names.label, id: names.id, email: names.address }
}
