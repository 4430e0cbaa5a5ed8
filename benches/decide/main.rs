//! The cost of a decision, compared with versions written by hand and with the minimal cost.
//!
//! `cargo bench --bench decide` takes some ten minutes, and several GB of memory for 10 M users.
//! `DECIDE_SIZES=10000,1000000` sets the numbers of users, `DECIDE_ROUNDS=100` makes it shorter. Every verdict is
//! checked while it is timed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may fail"
)]

mod block;
mod chance;
mod contender;
mod import;
mod median;
mod organisation;
mod plot;
mod policies;
mod race;
mod report;
mod upkeep;

use std::sync::Arc;

use activity_privacy::directory::DirectorySnapshot;
use activity_privacy::engine::PolicyEngine;
use activity_privacy::policy::PrivacyPolicy;
use chrono::{DateTime, Utc};

use self::block::Form;
use self::contender::{
    Contender, GroupsByName, IsHidden, Names, VerdictByName, decision, verdict as single_verdict,
    verdicts as batch_verdicts,
};
use self::organisation::{Actors, Organisation};
use self::race::{FLOOR, FLOOR_BATCH, Times, race};
use self::report::{Report, Size};

/// The time of all activities and decisions.
pub(crate) fn as_of() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000, 0).unwrap()
}

const VERDICT: &str = "`PolicyEngine::verdict`";
const VERDICT_BATCH: &str = "`PolicyEngine::verdicts`";

/// How many actors are drawn.
const POOL: usize = 1_000_000;

fn main() {
    let sizes = std::env::var("DECIDE_SIZES").ok();
    let sizes: Vec<u32> = match &sizes {
        Some(sizes) => {
            sizes.split(',').map(|size| size.trim().parse().expect("DECIDE_SIZES is a list of numbers")).collect()
        }
        None => vec![10_000, 1_000_000, 10_000_000],
    };
    let rounds =
        std::env::var("DECIDE_ROUNDS").ok().map_or(1_500, |rounds| rounds.parse().expect("DECIDE_ROUNDS is a number"));
    let report = Report(sizes.iter().map(|users| measure(*users, rounds)).collect());
    println!("{report}");
    // The plot that the README shows is that of a full run.
    let plot = std::env::var("DECIDE_PLOT").ok();
    let whole_run = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/plots/decide.svg").to_owned();
    if let Some(path) = plot.or((sizes.len() == 3 && sizes.last() == Some(&10_000_000)).then_some(whole_run)) {
        std::fs::write(&path, plot::svg(&report)).expect("the plot can be written");
    }
}

fn measure(users: u32, rounds: usize) -> Size {
    let organisation = Organisation::new(users);
    let step = |what: &str| eprintln!("{users} users: {what}");
    step("sorting");
    let sorting = import::sorting(&organisation);
    step("importing");
    let imported = import::import(&organisation, 1);
    let directory = Arc::new(imported.snapshot);
    let policy = policies::private(&organisation, &directory);
    let (bytes, of_names) = directory.heap_bytes();
    step("updating");
    let steps = upkeep::steps(&organisation, &policy, &directory);
    let pauses = upkeep::pauses(&organisation, &directory);
    step("deciding");
    let engine = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::clone(&directory)));
    let engine_bytes = engine.heap_bytes();
    let decisions = decisions(&organisation, &engine, rounds);
    step("deciding what is less plain");
    let variants = variants(&organisation, &policy, &directory, &engine, rounds / 3);
    let per_user = |bytes: usize| bytes as f64 / f64::from(users);
    Size {
        users,
        decisions,
        variants,
        directory_bytes: per_user(bytes - of_names),
        name_bytes: per_user(of_names),
        engine_bytes: per_user(engine_bytes),
        sorting,
        collecting: imported.collecting,
        building: imported.building,
        steps,
        pauses,
    }
}

fn decisions(organisation: &Organisation, engine: &PolicyEngine, rounds: usize) -> Vec<(Actors, Times)> {
    let (groups, verdicts) = (GroupsByName::new(organisation), VerdictByName::new(organisation));
    let (protected, all) = (Names::of_protected(organisation), Names::of_all(organisation));
    let is_hidden: IsHidden<'_> = &|user| organisation.is_protected(user);
    let contender = |name, is_batch, decide| Contender { name, form: Form::Upn, is_batch, decide, is_hidden };
    let contenders = [
        contender(FLOOR, false, protected.decide()),
        contender(VERDICT, false, single_verdict(engine)),
        contender(FLOOR_BATCH, true, protected.decide_at_once()),
        contender(VERDICT_BATCH, true, batch_verdicts(engine)),
        contender(report::DECISIONS, true, decision(engine)),
        contender(report::ALL, false, all.decide()),
        contender(report::VERDICTS, false, verdicts.decide()),
        contender(report::GROUPS, false, groups.decide()),
    ];
    Actors::BOTH
        .map(|actors| (actors, race(organisation, &actors.draw(organisation.users, POOL), rounds, &contenders)))
        .into()
}

fn variants(
    organisation: &Organisation,
    policy: &PrivacyPolicy,
    directory: &Arc<DirectorySnapshot>,
    engine: &PolicyEngine,
    rounds: usize,
) -> Vec<(Actors, Times)> {
    let of = |policy: Arc<PrivacyPolicy>| PolicyEngine::new(policy, Ok(Arc::clone(directory)));
    let external = of(policies::with_external(policy, directory));
    let scope = of(policies::with_scope(policy, directory));
    let protected = Names::of_protected(organisation);
    let is_protected: IsHidden<'_> = &|user| organisation.is_protected(user);
    let in_scope: IsHidden<'_> = &|user| organisation.is_in_large(user) && organisation.is_protected(user);
    let contender = |name, form, is_batch, decide, is_hidden| Contender { name, form, is_batch, decide, is_hidden };
    let mut contenders = vec![
        contender(FLOOR, Form::Upn, false, protected.decide(), is_protected),
        contender(FLOOR_BATCH, Form::Upn, true, protected.decide_at_once(), is_protected),
    ];
    for ([single, batch], form, engine, is_hidden) in [
        (report::VARIANTS[0], Form::IdAndUpn, engine, is_protected),
        (report::VARIANTS[1], Form::OnBehalf, engine, is_protected),
        (report::VARIANTS[2], Form::Upn, &external, is_protected),
        (report::VARIANTS[3], Form::Upn, &scope, in_scope),
        (report::VARIANTS[4], Form::Account, engine, is_protected),
        (report::VARIANTS[5], Form::NotAscii, engine, is_protected),
        (report::VARIANTS[6], Form::Protected, engine, is_protected),
    ] {
        contenders.push(contender(single, form, false, single_verdict(engine), is_hidden));
        contenders.push(contender(batch, form, true, batch_verdicts(engine), is_hidden));
    }
    let [single, batch] = report::VARIANTS[7];
    contenders.push(contender(single, Form::Protected, false, protected.decide(), is_protected));
    contenders.push(contender(batch, Form::Protected, true, protected.decide_at_once(), is_protected));
    Actors::BOTH
        .map(|actors| (actors, race(organisation, &actors.draw(organisation.users, POOL), rounds, &contenders)))
        .into()
}
