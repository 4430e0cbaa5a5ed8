//! Nothing is stored under a policy that is no longer in force, and policies follow one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::StoreHarness;
use crate::activity::Actor;
use crate::conformance::clause::{Breach, Checked, ensure, in_full};
use crate::conformance::fixture::{
    self, ADELE, Crew, Drive, HANNA, Racer, Read, activities, activity, alias, at, begun, council, decided, initial,
    race, same, staff, turned,
};
use crate::engine::DecidedBatch;
use crate::identity::{Alias, Domain, UserId};
use crate::policy::{GroupRef, ManagedDomain, OptionsPatch, PolicyChange, Revision, Role, ScopeRule, ScopeTarget};
use crate::store::{ActivityStore, StoreError};

/// Breaks off unless a call was refused as stale, in favour of this revision.
fn refused<T>(what: &str, answer: Result<T, StoreError>, in_force: Option<Revision>) -> Checked {
    match answer {
        Err(StoreError::Stale { in_force: told }) if told == in_force => Ok(()),
        Err(error) => {
            let expected = StoreError::Stale { in_force };
            Err(Breach::seen(format!("{what} was refused with `{}`, expected `{expected}`", in_full(&error))))
        }
        Ok(_) => Err(Breach::seen(format!("{what} was taken"))),
    }
}

fn stays_out(what: &str, store: &impl ActivityStore, batch: &DecidedBatch<'_>, in_force: Option<Revision>) -> Checked {
    let before = store.everything()?;
    refused(what, store.append(batch), in_force)?;
    same(&format!("after {what} was refused"), &store.everything()?, &before)
}

pub(super) fn d5_without_a_policy_nothing_is_stored(place: impl StoreHarness) -> Checked {
    let store = place.open();
    ensure!(store.policy()?.is_none(), "a policy before any was published");
    let activities = [activity("early", ADELE)?];
    let initial = initial()?;
    for (what, activities) in [("a batch before the first policy", &activities[..]), ("an empty batch", &[])] {
        stays_out(what, &store, &decided(initial.policy(), activities)?, None)?;
    }
    Ok(())
}

pub(super) fn d5_a_stale_batch_is_refused_whole(place: impl StoreHarness) -> Checked {
    let (store, elsewhere) = (place.open(), place.open());
    store.initialize()?;
    let activities = [activity("shown", ADELE)?, activity("hidden", HANNA)?];
    let first = store.in_force()?;
    let stale = decided(&first, &activities)?;
    store.turn()?;
    let second = store.in_force()?;
    stays_out("a stale batch", &store, &stale, Some(second.revision()))?;
    stays_out("a stale batch through another handle", &elsewhere, &stale, Some(second.revision()))?;
    let third = turned(&second)?;
    stays_out("a batch ahead of its policy", &store, &decided(third.policy(), &activities)?, Some(second.revision()))?;
    store.keep(&activities)?;
    Ok(())
}

pub(super) fn d5_an_empty_batch_only_asks(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.initialize()?;
    let first = store.in_force()?;
    let nothing = decided(&first, &[])?;
    let answers = store.append(&nothing)?;
    ensure!(answers.is_empty(), "{} answers for an empty batch", answers.len());
    store.turn()?;
    stays_out("a stale empty batch", &store, &nothing, Some(store.in_force()?.revision()))
}

pub(super) fn d5_nothing_older_is_stored_once_a_publish_returned(place: impl StoreHarness) -> Checked {
    const BATCHES: usize = 24;
    let publisher = place.open();
    publisher.initialize()?;
    let writers = &Crew::default();
    let publish = || {
        let mut published = Vec::new();
        while writers.is_at_work() {
            publisher.turn()?;
            let stored = publisher.followed()?.len();
            published.push((publisher.in_force()?.revision(), stored));
            // A batch in between, so that changes fall among batches.
            writers.await_a_step();
        }
        Ok(published)
    };
    let append = |name: &'static str| {
        let (store, at_work) = (place.open(), writers.join());
        move || {
            for n in 0..BATCHES {
                let batch = activities(&format!("{name}-{n}"), ADELE, 2)?;
                match store.append(&decided(&*store.in_force()?, &batch)?) {
                    Ok(_) | Err(StoreError::Stale { .. }) => at_work.step(),
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(Vec::new())
        }
    };
    let racers: [Racer<'_, _>; 3] = [Box::new(append("a")), Box::new(append("b")), Box::new(publish)];
    let published = race(racers.into())?.concat();
    let stored = publisher.followed()?;
    for (in_force, stored_before) in published {
        let late =
            (0..).zip(&stored).skip(stored_before).find(|(_, (_, public))| public.decision().policy() < in_force);
        if let Some((number, (_, public))) = late {
            let (id, revision) = (public.activity().id().as_str(), public.decision().policy());
            let seen =
                format!("`{id}` of revision {revision} was stored as number {number} after {in_force} was published");
            return Err(Breach::seen(seen));
        }
    }
    Ok(())
}

pub(super) fn d5_a_stale_change_is_refused(place: impl StoreHarness) -> Checked {
    let (store, elsewhere) = (place.open(), place.open());
    store.initialize()?;
    let first = store.in_force()?;
    let (change, overtaken) = (turned(&first)?, turned(&first)?);
    store.publish(&change)?;
    let second = store.in_force()?;
    refused("a change of an older policy", store.publish(&overtaken), Some(second.revision()))?;
    refused("a change of an older policy elsewhere", elsewhere.publish(&overtaken), Some(second.revision()))?;
    refused("a change that was published before", store.publish(&change), Some(second.revision()))?;
    let third = turned(&second)?;
    let fourth = turned(third.policy())?;
    refused("a change of a policy that is yet to come", store.publish(&fourth), Some(second.revision()))?;
    let third_first = store.in_force()?;
    ensure!(third_first == second, "a refused change left revision {} in force", third_first.revision());
    Ok(())
}

pub(super) fn d5_policy_is_initialized_once(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let late = turned(initial()?.policy())?;
    refused("a change where no policy is", store.publish(&late), None)?;
    store.initialize()?;
    let first = store.in_force()?;
    refused("a second initial policy", store.publish(&initial()?), Some(first.revision()))?;
    refused("a second initial policy elsewhere", place.open().publish(&initial()?), Some(first.revision()))?;
    let in_force = store.in_force()?;
    ensure!(in_force == first, "after a second initial policy revision {} is in force", in_force.revision());
    Ok(())
}

pub(super) fn d5_one_of_racing_changes_wins(place: impl StoreHarness) -> Checked {
    const RIVALS: usize = 4;
    let store = place.open();
    store.initialize()?;
    for _ in 0..6 {
        let before = store.in_force()?;
        let rival = |_| {
            let (handle, change) = (place.open(), turned(&before)?);
            Ok(move || match handle.publish(&change) {
                Ok(()) => Ok(1),
                Err(StoreError::Stale { .. }) => Ok(0),
                Err(error) => Err(error.into()),
            })
        };
        let winners: usize = race((0..RIVALS).map(rival).collect::<Checked<_>>()?)?.iter().sum();
        ensure!(winners == 1, "{winners} of {RIVALS} changes of revision {} were published", before.revision());
        let after = store.in_force()?;
        ensure!(after == Arc::new(turned(&before)?.policy().clone()), "the policy in force is not the one that won");
    }
    Ok(())
}

pub(super) fn d5_a_policy_comes_back_whole(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.initialize()?;
    for change in all_sorts_of_changes()? {
        let next = fixture::change(&*store.in_force()?, &change)?;
        store.publish(&next)?;
        for (handle, policy) in [("the same handle", store.policy()?), ("another handle", place.open().policy()?)] {
            let found = policy.ok_or_else(|| Breach::seen(format!("{handle} finds no policy")))?;
            let revision = next.policy().revision();
            ensure!(*found == *next.policy(), "{handle} does not give back revision {revision} as it was published");
        }
    }
    Ok(())
}

fn all_sorts_of_changes() -> Checked<Vec<PolicyChange>> {
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

pub(super) fn d5_no_handle_goes_back_to_an_older_policy(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.initialize()?;
    let (publishers, readers, published) = (&Crew::default(), &Crew::default(), &AtomicU64::new(1));
    let publish = {
        let at_work = publishers.join();
        move || {
            for _ in 0..12 {
                store.turn()?;
                published.fetch_add(1, Ordering::SeqCst);
                readers.await_a_step();
            }
            drop(at_work);
            Ok(())
        }
    };
    let read = || {
        let (handle, at_work) = (place.open(), readers.join());
        move || {
            while publishers.is_at_work() {
                let at_least = published.load(Ordering::SeqCst);
                let found = handle.in_force()?.revision().number();
                ensure!(found >= at_least, "revision {found} was read after {at_least} was published");
                at_work.step();
            }
            Ok(())
        }
    };
    let racers: [Racer<'_>; 3] = [Box::new(publish), Box::new(read()), Box::new(read())];
    race(racers.into()).map(drop)
}

pub(super) fn b2_a_refusal_carries_no_content(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.initialize()?;
    let actor = Actor::user(Alias::new("canary@contoso.com")?);
    let canary = [begun("canary", actor, at(0))?.object("canary").details("canary").build()?];
    let policy = store.in_force()?;
    let stale = decided(&policy, &canary)?;
    store.turn()?;
    if let Err(error) = store.append(&stale) {
        let told = format!("{} {error:?}", in_full(&error));
        ensure!(!told.contains("canary"), "a refused batch is told of: {told}");
    }
    Ok(())
}
