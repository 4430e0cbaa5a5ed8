//! Chapter V of the rules, for stores with an index: an index of terms finds the results of a query.
#![cfg(feature = "proptest")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::directory::DirectoryError;
use activity_privacy::engine::{Decision, PolicyEngine};
use activity_privacy::identity::{Alias, UserId};
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::query::{Conditions, IndexTerm, Query, TermField};
use activity_privacy::strategies::{activities, activity_ids, searches};
use chrono::DateTime;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

/// Returns the decision for an activity if no directory was ever loaded: it names no imported group.
fn decision(activity: &Activity) -> Decision {
    let administrators =
        activity_privacy::policy::Administrators::new(UserId::new("one").unwrap(), UserId::new("other").unwrap());
    let policy = PrivacyPolicy::initial(&administrators.unwrap());
    let engine = PolicyEngine::new(Arc::new(policy), Err(DirectoryError::NeverLoaded));
    let batch = engine.decide(std::slice::from_ref(activity), DateTime::UNIX_EPOCH).unwrap();
    batch.decided()[0].decision().clone()
}

fn has_its_terms(activity: &Activity, conditions: &Conditions<'_>) -> bool {
    let terms: Vec<IndexTerm<'_>> = activity.index_terms().collect();
    conditions.any_of.iter().all(|list| list.iter().any(|term| terms.contains(term)))
}

fn has_its_time(activity: &Activity, conditions: &Conditions<'_>) -> bool {
    conditions.from.is_none_or(|from| activity.occurred_at() >= from)
        && conditions.until.is_none_or(|until| activity.occurred_at() < until)
}

fn has_its_text(activity: &Activity, conditions: &Conditions<'_>) -> bool {
    conditions.text.is_none_or(|text| activity.searched_texts().any(|searched| searched.contains(text)))
}

fn terms_of(activity: &Activity) -> Vec<(TermField, String)> {
    activity.index_terms().map(|term| (term.field(), term.value().to_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// An index may find too much, never too little. It finds exactly the query's results if its conditions are
    /// sufficient.
    #[test]
    fn v3_query_results_satisfy_its_conditions(
        activities in vec(activities(), 24),
        search in searches(),
        ids in weighted(0.2, vec(activity_ids(), 1..4)),
    ) {
        let query = ids.into_iter().flatten().fold(search.query(), Query::with_id);
        let conditions = query.conditions();
        let are_sufficient = query.ids().is_empty() && search.group.is_none() && search.text.is_none();
        prop_assert_eq!(conditions.are_sufficient, are_sufficient);
        for activity in &activities {
            let found = query.matches(activity, &decision(activity));
            let satisfies = has_its_terms(activity, &conditions)
                && has_its_time(activity, &conditions)
                && has_its_text(activity, &conditions);
            prop_assert!(satisfies || !found, "found, but does not satisfy {:?}", conditions);
            prop_assert!(found || !satisfies || !conditions.are_sufficient, "satisfies {:?}, not found", conditions);
        }
    }

    /// A query for one value finds exactly the activities that have its term.
    #[test]
    fn v3_query_for_term_finds_activities_with_term(one in activities(), other in activities()) {
        let mut queries = vec![
            Query::all().in_app(one.app().name().clone()),
            Query::all().with_action(one.action().clone()),
        ];
        queries.extend(one.app().suite().map(|suite| Query::all().in_suite(suite.clone())));
        for principal in one.principals() {
            let by_label = Query::all().by_actor(principal.label()).ok();
            queries.extend(by_label.filter(|_| !principal.identities().is_empty()));
            queries.extend(principal.name().map(|name| Query::all().by_actor(name.as_str()).unwrap()));
        }
        for query in queries {
            let conditions = query.conditions();
            prop_assert_eq!(conditions.any_of.len(), 1);
            prop_assert!(has_its_terms(&one, &conditions) && query.matches(&one, &decision(&one)));
            prop_assert_eq!(has_its_terms(&other, &conditions), query.matches(&other, &decision(&other)));
        }
    }

    /// A text search examines the searched texts, and no others.
    #[test]
    fn v3_text_is_found_only_in_searched_texts(activity in activities(), search in searches()) {
        let text = search.text.unwrap_or_else(|| "PLAN".to_owned());
        let query = Query::all().containing(&text).unwrap();
        let conditions = query.conditions();
        prop_assert!(conditions.text.is_some() && conditions.any_of.is_empty());
        prop_assert_eq!(has_its_text(&activity, &conditions), query.matches(&activity, &decision(&activity)));
        prop_assert_eq!(activity.searched_texts().count(), 1 + activity.objects().count());
    }
}

fn begun(actor: Actor, app: App) -> activity_privacy::activity::ActivityBuilder {
    Activity::builder("a-1".parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), DateTime::UNIX_EPOCH)
}

#[test]
fn v3_index_terms_contain_every_principal_app_and_action() {
    let adele = Actor::user(UserId::new("U-77").unwrap()).with_identity(Alias::new("Adele@Contoso.com.").unwrap());
    let app = App::new("SharePoint".parse().unwrap()).in_suite("Microsoft 365".parse().unwrap());
    let backup = Actor::application("BACKUP Robot".parse().unwrap());
    let terms_of = terms_of(&begun(backup, app).on_behalf_of(adele).object("plan.docx").build().unwrap());
    for (field, value) in [
        (TermField::ActorName, "backup robot"),
        (TermField::ActorId, "U-77"),
        (TermField::ActorName, "adele@contoso.com"),
        (TermField::App, "SharePoint"),
        (TermField::Suite, "Microsoft 365"),
        (TermField::Action, "FileAccessed"),
    ] {
        assert!(terms_of.contains(&(field, value.to_owned())), "{field:?} {value}: {terms_of:?}");
    }
    assert_eq!(terms_of.len(), 6, "{terms_of:?}");
}

#[test]
fn v3_names_of_different_domains_are_different_terms() {
    let of = |name: &str| {
        let app = App::new("Box".parse().unwrap());
        terms_of(&begun(Actor::user(Alias::new(name).unwrap()), app).build().unwrap())
    };
    assert_eq!(of("x@fa\u{df}.example"), of("X@xn--fa-hia.example."));
    assert_ne!(of("x@fa\u{df}.example"), of("x@fass.example"));
}

#[test]
fn b2_debug_of_terms_and_conditions_names_no_user() {
    let query = Query::all().by_actor("canary@contoso.com").unwrap().in_app("canary".parse().unwrap());
    let debug = format!("{:?}", query.conditions());
    assert!(!debug.contains("canary"), "{debug}");
    let app = App::new("canary".parse().unwrap());
    let activity = begun(Actor::user(Alias::new("canary@contoso.com").unwrap()), app).build().unwrap();
    let debug = format!("{:?}", activity.index_terms().collect::<Vec<_>>());
    assert!(!debug.contains("canary"), "{debug}");
}
