//! One look decides as the whole search does.

use std::sync::Arc;

use activity_privacy::strategies::{activities, imports, policy_changes};
use activity_privacy::*;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::house::{at, changed, user};

/// The same activity, with an object that is nobody's id or name. Where objects count, all of the activity is then searched.
fn with_nobody_as_object(activity: &Activity) -> Activity {
    let mut document = serde_json::to_value(activity).unwrap();
    document["objects"] = serde_json::json!(["\u{1}"]);
    serde_json::from_value(document).unwrap()
}

fn without_objects(activity: &Activity) -> Activity {
    let mut document = serde_json::to_value(activity).unwrap();
    document["objects"] = serde_json::json!([]);
    serde_json::from_value(document).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn d6_d7_d8_a_look_finds_what_the_whole_search_finds(
        before in imports(),
        import in imports(),
        changes in vec(policy_changes(), 0..12),
        activities in vec(activities(), 1..24),
    ) {
        let first = before.snapshot(DirectoryRevision(1), at(1)).unwrap();
        let mut policy = PrivacyPolicy::founding(user("root"));
        for change in &changes {
            policy = changed(&policy, change, Some(&first)).unwrap_or(policy);
        }
        let counted = PolicyChange::SetOptions(PolicyOptions { objects_count: true, ..policy.options().clone() });
        let uncounted = PolicyChange::SetOptions(PolicyOptions { objects_count: false, ..policy.options().clone() });
        // One of the two is no change.
        let searching = changed(&policy, &counted, Some(&first)).unwrap_or_else(|_| policy.clone());
        let looking = changed(&policy, &uncounted, Some(&first)).unwrap_or_else(|_| policy.clone());
        let directory = Arc::new(import.snapshot(DirectoryRevision(2), at(2)).unwrap().succeeding(&first));
        let [searching, looking] =
            [searching, looking].map(|policy| Screen::new(Arc::new(policy), Ok(Arc::clone(&directory))));
        let now = at(5);
        let plain: Vec<Activity> = activities.iter().map(without_objects).collect();
        let together = looking.judge_all(&plain, now);
        for ((activity, plain), together) in activities.iter().zip(&plain).zip(together) {
            let searched = searching.judge(&with_nobody_as_object(activity), now);
            prop_assert_eq!(&looking.judge(plain, now), &searched);
            prop_assert_eq!(&together, &searched);
        }
    }
}
