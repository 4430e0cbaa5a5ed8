//! The fence: no batch is stored under a policy that is no longer in force, and policies succeed one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::StoreHarness;
use crate::activity::Actor;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    self, ADELE, HANNA, ReadExt, StoreExt, Task, Workers, activities, activity, activity_builder, alias, at, council,
    council_toggled, decided, ensure_same, initial, race, staff,
};
use crate::engine::DecidedBatch;
use crate::error::with_sources;
use crate::identity::{Alias, Domain, UserId};
use crate::policy::{GroupRef, ManagedDomain, OptionsPatch, PolicyChange, Revision, Role, ScopeRule, ScopeTarget};
use crate::store::{ActivityStore, StoreError};

/// Checks that a call was rejected as stale, with this revision in force.
fn ensure_stale<T>(what: &str, answer: Result<T, StoreError>, in_force: Option<Revision>) -> Checked {
    match answer {
        Err(StoreError::Stale { in_force: reported }) if reported == in_force => Ok(()),
        Err(error) => {
            let expected = StoreError::Stale { in_force };
            Err(Breach::new(format!("{what} was rejected with `{}`, expected `{expected}`", with_sources(&error))))
        }
        Ok(_) => Err(Breach::new(format!("{what} was accepted"))),
    }
}

fn ensure_rejected(
    what: &str,
    store: &impl ActivityStore,
    batch: &DecidedBatch<'_>,
    in_force: Option<Revision>,
) -> Checked {
    let before = store.all_stored()?;
    ensure_stale(what, store.append(batch), in_force)?;
    ensure_same(&format!("after {what} was rejected"), &store.all_stored()?, &before)
}

pub(super) fn d5_batch_without_policy_is_stale(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    ensure!(store.policy()?.is_none(), "the store has a policy before any was published");
    let activities = [activity("early", ADELE)?];
    let initial = initial()?;
    for (what, activities) in [("a batch before the first policy", &activities[..]), ("an empty batch", &[])] {
        ensure_rejected(what, &store, &decided(initial.policy(), activities)?, None)?;
    }
    Ok(())
}

pub(super) fn d5_stale_batch_is_rejected_whole(harness: impl StoreHarness) -> Checked {
    let (store, other) = (harness.open(), harness.open());
    store.initialize()?;
    let activities = [activity("shown", ADELE)?, activity("hidden", HANNA)?];
    let first = store.in_force()?;
    let stale = decided(&first, &activities)?;
    store.toggle_council()?;
    let second = store.in_force()?;
    ensure_rejected("a stale batch", &store, &stale, Some(second.revision()))?;
    ensure_rejected("a stale batch through another handle", &other, &stale, Some(second.revision()))?;
    let third = council_toggled(&second)?;
    ensure_rejected(
        "a batch of a later revision",
        &store,
        &decided(third.policy(), &activities)?,
        Some(second.revision()),
    )?;
    store.append_new(&activities)?;
    Ok(())
}

pub(super) fn d5_empty_batch_only_checks_revision(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize()?;
    let first = store.in_force()?;
    let nothing = decided(&first, &[])?;
    let answers = store.append(&nothing)?;
    ensure!(answers.is_empty(), "an empty batch returned {} outcomes", answers.len());
    store.toggle_council()?;
    ensure_rejected("a stale empty batch", &store, &nothing, Some(store.in_force()?.revision()))
}

pub(super) fn d5_no_older_batch_is_stored_after_publish(harness: impl StoreHarness) -> Checked {
    const BATCHES: usize = 24;
    let publisher = harness.open();
    publisher.initialize()?;
    let writers = &Workers::default();
    let publish = || {
        let mut published = Vec::new();
        while writers.are_active() {
            publisher.toggle_council()?;
            let stored = publisher.followed()?.len();
            published.push((publisher.in_force()?.revision(), stored));
            // Waits for a batch, so that changes and batches alternate.
            writers.wait_for_step();
        }
        Ok(published)
    };
    let append = |name: &'static str| {
        let (store, worker) = (harness.open(), writers.start());
        move || {
            for n in 0..BATCHES {
                let batch = activities(&format!("{name}-{n}"), ADELE, 2)?;
                match store.append(&decided(&*store.in_force()?, &batch)?) {
                    Ok(_) | Err(StoreError::Stale { .. }) => worker.step(),
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(Vec::new())
        }
    };
    let tasks: [Task<'_, _>; 3] = [Box::new(append("a")), Box::new(append("b")), Box::new(publish)];
    let published = race(tasks.into())?.concat();
    let stored = publisher.followed()?;
    for (in_force, stored_before) in published {
        let late =
            (0..).zip(&stored).skip(stored_before).find(|(_, (_, public))| public.decision().policy() < in_force);
        if let Some((number, (_, public))) = late {
            let (id, revision) = (public.activity().id().as_str(), public.decision().policy());
            return Err(Breach::new(format!(
                "`{id}` of revision {revision} was stored as number {number} after revision {in_force} was published"
            )));
        }
    }
    Ok(())
}

pub(super) fn d5_stale_change_is_rejected(harness: impl StoreHarness) -> Checked {
    let (store, other) = (harness.open(), harness.open());
    store.initialize()?;
    let first = store.in_force()?;
    let (change, stale) = (council_toggled(&first)?, council_toggled(&first)?);
    store.publish(&change)?;
    let second = store.in_force()?;
    ensure_stale("a change of an older policy", store.publish(&stale), Some(second.revision()))?;
    ensure_stale("a change of an older policy on another handle", other.publish(&stale), Some(second.revision()))?;
    ensure_stale("a change that was published before", store.publish(&change), Some(second.revision()))?;
    let third = council_toggled(&second)?;
    let fourth = council_toggled(third.policy())?;
    ensure_stale("a change of a later policy", store.publish(&fourth), Some(second.revision()))?;
    let in_force = store.in_force()?;
    ensure!(in_force == second, "after a rejected change revision {} is in force", in_force.revision());
    Ok(())
}

pub(super) fn d5_policy_is_initialized_once(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let late = council_toggled(initial()?.policy())?;
    ensure_stale("a change without a policy", store.publish(&late), None)?;
    store.initialize()?;
    let first = store.in_force()?;
    ensure_stale("a second initial policy", store.publish(&initial()?), Some(first.revision()))?;
    ensure_stale(
        "a second initial policy on another handle",
        harness.open().publish(&initial()?),
        Some(first.revision()),
    )?;
    let in_force = store.in_force()?;
    ensure!(in_force == first, "after a second initial policy revision {} is in force", in_force.revision());
    Ok(())
}

pub(super) fn d5_one_concurrent_change_is_published(harness: impl StoreHarness) -> Checked {
    const THREADS: usize = 4;
    let store = harness.open();
    store.initialize()?;
    for _ in 0..6 {
        let before = store.in_force()?;
        let task = |_| {
            let (handle, change) = (harness.open(), council_toggled(&before)?);
            Ok(move || match handle.publish(&change) {
                Ok(()) => Ok(1),
                Err(StoreError::Stale { .. }) => Ok(0),
                Err(error) => Err(error.into()),
            })
        };
        let winners: usize = race((0..THREADS).map(task).collect::<Checked<_>>()?)?.iter().sum();
        ensure!(winners == 1, "{winners} of {THREADS} changes of revision {} were published", before.revision());
        let after = store.in_force()?;
        ensure!(
            after == Arc::new(council_toggled(&before)?.policy().clone()),
            "the policy in force is not the published one"
        );
    }
    Ok(())
}

pub(super) fn d5_policy_is_read_as_published(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize()?;
    for change in changes_of_every_kind()? {
        let next = fixture::change(&*store.in_force()?, &change)?;
        store.publish(&next)?;
        for (handle, policy) in [("the same handle", store.policy()?), ("another handle", harness.open().policy()?)] {
            let found = policy.ok_or_else(|| Breach::new(format!("{handle} returned no policy")))?;
            let revision = next.policy().revision();
            ensure!(*found == *next.policy(), "{handle} did not return revision {revision} as it was published");
        }
    }
    Ok(())
}

fn changes_of_every_kind() -> Checked<Vec<PolicyChange>> {
    let analyst = UserId::new(ADELE)?;
    let (everywhere, suite) = (ScopeTarget::AllApps, ScopeTarget::Suite("Microsoft 365".parse()?));
    Ok(vec![
        PolicyChange::MakePrivate(council()?),
        PolicyChange::MakePrivate(GroupRef::Applications),
        PolicyChange::AddScopeRule(ScopeRule::include(staff()?, everywhere)),
        PolicyChange::AddScopeRule(ScopeRule::exclude(GroupRef::ExternalUsers, suite)),
        PolicyChange::ManageDomain(ManagedDomain::with_subdomains(Domain::new("contoso.com")?)),
        PolicyChange::SetAdmin(analyst, Role::Analyst),
        PolicyChange::Grant(alias(ADELE)?),
        PolicyChange::SetOptions(OptionsPatch::new().include_objects(true)),
    ])
}

pub(super) fn d5_no_handle_reads_older_policy(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize()?;
    let (publishers, readers, published) = (&Workers::default(), &Workers::default(), &AtomicU64::new(1));
    let publish = {
        let worker = publishers.start();
        move || {
            for _ in 0..12 {
                store.toggle_council()?;
                published.fetch_add(1, Ordering::SeqCst);
                readers.wait_for_step();
            }
            drop(worker);
            Ok(())
        }
    };
    let read = || {
        let (handle, worker) = (harness.open(), readers.start());
        move || {
            while publishers.are_active() {
                let at_least = published.load(Ordering::SeqCst);
                let found = handle.in_force()?.revision().number();
                ensure!(found >= at_least, "revision {found} was read after {at_least} was published");
                worker.step();
            }
            Ok(())
        }
    };
    let tasks: [Task<'_>; 3] = [Box::new(publish), Box::new(read()), Box::new(read())];
    race(tasks.into()).map(drop)
}

pub(super) fn b2_errors_contain_no_content(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize()?;
    let actor = Actor::user(Alias::new("canary@contoso.com")?);
    let canary = [activity_builder("canary", actor, at(0))?.object("canary").details("canary").build()?];
    let policy = store.in_force()?;
    let stale = decided(&policy, &canary)?;
    store.toggle_council()?;
    if let Err(error) = store.append(&stale) {
        let message = format!("{} {error:?}", with_sources(&error));
        ensure!(!message.contains("canary"), "the error of a rejected batch contains its content: {message}");
    }
    Ok(())
}
