//! Deciding most activities with one look.
//!
//! Most of those who act are in no group that a policy speaks of. So a table holds the identities of everybody else,
//! and whoever is not in it is decided: that costs one hash and one cache line, however many people, groups and
//! nestings there are. Whoever is found is told apart from all others by a second hash, and has a class: the set of
//! watched groups that they are in, with the reasons that follow from it made beforehand.
//!
//! INVARIANT: what this says is what [`Seeker`](super::seeker::Seeker) finds. Where that is not certain it says so, and
//! the seeker is asked: for names that several people have, for who was in a group that is gone, for strangers where
//! external users count, for people in several classes on one activity, and for members who were acted for.

use std::collections::{BTreeMap, BTreeSet};
use std::hint;
use std::sync::Arc;

use super::census::{Census, FILLED};
use super::classes::{Class, Kinds, Seen, Sorter};
use super::reason::Reasons;
use super::seeker::would_be_known;
use super::watch::Watch;
use crate::activity::{Activity, Actor, ActorKind, App};
use crate::directory::{DirectorySnapshot, Hashing, Hints, Print, UserIndex};
use crate::identity::{ACCOUNT_OF, Alias, Identity, UserId};
use crate::policy::{GroupRef, ManagedDomain, PrivacyPolicy};
use crate::steps;

/// See the module.
pub(super) struct Lookout {
    watched: Arc<Hints<Seen>>,
    /// What is otherwise since that table was made.
    recent: Arc<Hints<Seen>>,
    kinds: Arc<Kinds>,
    /// The class of applications, if they are watched.
    applications: Class,
    /// The domains that are not external, if external users are watched.
    managed: Option<Vec<ManagedDomain>>,
}

impl Lookout {
    /// Looks through everybody.
    pub(super) fn new(policy: &PrivacyPolicy, watch: &Watch, directory: &DirectorySnapshot) -> Self {
        let Census { identities, kinds, applications } = Census::take(policy, watch, directory);
        Self {
            watched: Arc::new(identities),
            recent: Arc::new(Hints::with_room_for(0, 1)),
            kinds: Arc::new(kinds),
            applications,
            managed: managed(policy, watch),
        }
    }

    /// The same after a delta, at the cost of whoever `changed`; `None` if it is better to look through everybody
    /// again. The policy is the same, and so is what groups lead to.
    pub(super) fn following(
        &self,
        policy: &PrivacyPolicy,
        watch: &Watch,
        before: &DirectorySnapshot,
        directory: &DirectorySnapshot,
        changed: &BTreeSet<UserIndex>,
    ) -> Option<Self> {
        let mut sorter = Sorter::new(policy, watch, directory, Kinds::clone(&self.kinds));
        // Whatever anybody was called who changed is nobody's name, unless it is one now.
        let former = changed.iter().flat_map(|user| before.prints_of(*user));
        let mut identities: BTreeMap<Print, Class> = former.map(|print| (print, Class::NONE)).collect();
        for user in changed {
            steps::advance(1);
            let groups = directory.groups_of_user(*user).map(|group| group.number());
            let class = sorter.class(groups, directory.home_number(*user));
            for print in directory.prints_of(*user) {
                let known = identities.entry(print).or_insert(Class::NONE);
                *known = known.and(class);
            }
        }
        // Whoever has a name in common with somebody whose record changed counts as changed; and what several are called is
        // unclear in any case.
        for name in directory.shared_aliases().iter() {
            let print = directory.hashing().print_of_form(name);
            if let Some(class) = identities.get_mut(&print) {
                *class = Class::UNCLEAR;
            }
        }

        // Nor does a look say who a last member was.
        let entries = changed.iter().flat_map(|user| [before.entry(*user), directory.entry(*user)]).flatten();
        for entry in entries.filter(|_| !watch.remembers_nobody()) {
            let id = Identity::Id(UserId::from_checked(entry.id()));
            let aliases = entry.aliases().map(|alias| Identity::Alias(alias.to_alias()));
            let is_retained = watch.retains(&id);
            for identity in std::iter::once(id.clone()).chain(aliases) {
                if is_retained || watch.retains(&identity) {
                    identities.insert(print_of(directory.hashing(), &identity), Class::UNCLEAR);
                }
            }
        }

        let mut recent = Hints::clone(&self.recent);
        if self.recent.is_empty() || !recent.has_room_for(identities.len()) {
            // Room for an eighth of what there is, so that it is copied cheaply and everybody is looked through seldom.
            let room = (self.watched.len() / 8).max(1 << 14);
            if !self.recent.is_empty() || identities.len() > room / 2 {
                return None;
            }
            recent = Hints::with_room_for(room, FILLED);
        }
        for (print, class) in identities {
            recent.put(print.hash, Seen::new(print.proof, class), |seen| seen.is(print.proof));
        }
        let Sorter { kinds, applications, .. } = sorter;
        Some(Self {
            watched: Arc::clone(&self.watched),
            recent: Arc::new(recent),
            kinds: Arc::new(kinds),
            applications,
            managed: self.managed.clone(),
        })
    }

    /// The watched groups of a class.
    pub(super) fn groups(&self, class: Class) -> &[usize] {
        self.kinds.groups(class)
    }

    /// The reasons why somebody of a class is hidden.
    pub(super) fn reasons(&self, class: Class) -> Reasons {
        self.kinds.reasons(class)
    }

    /// The class of whoever did something.
    pub(super) fn look(&self, directory: &DirectorySnapshot, activity: &Activity) -> Class {
        let actor = self.look_at(directory, activity.actor(), activity.app());
        if activity.on_behalf_of().is_empty() {
            return actor;
        }
        let others = activity.on_behalf_of().iter().map(|principal| self.look_at(directory, principal, activity.app()));
        match others.fold(Class::NONE, Class::and) {
            Class::NONE => actor,
            // The reasons tell who stood where.
            _ => Class::UNCLEAR,
        }
    }

    fn look_at(&self, directory: &DirectorySnapshot, principal: &Actor, app: &App) -> Class {
        let mut class = match principal.kind() {
            ActorKind::User if !principal.identities().is_empty() => Class::NONE,
            ActorKind::User | ActorKind::Unknown => return Class::UNCLEAR,
            ActorKind::Application => self.applications,
            ActorKind::System => Class::NONE,
        };
        let (mut is_at_home, mut is_usable) = (self.managed.is_none(), principal.kind() != ActorKind::User);
        for identity in principal.identities() {
            is_usable = is_usable || would_be_known(directory, identity, app);
            let found = self.class_of(directory, identity, app);
            class = class.and(found);
            if let Some(managed) = &self.managed {
                match (found, identity) {
                    // A guest's name says where they are at home, address or not.
                    (_, Identity::Alias(alias)) if !alias.is_address() && alias.is_guest() => return Class::UNCLEAR,
                    (Class::NONE, Identity::Alias(alias)) if alias.is_technical_id() => return Class::UNCLEAR,
                    (Class::NONE, Identity::Alias(alias)) if alias.is_address() => match is_managed(alias, managed) {
                        true => is_at_home = true,
                        false => return Class::UNCLEAR,
                    },
                    (Class::NONE, _) => {}
                    // Whether they are external is part of what they were found to be.
                    _ => is_at_home = true,
                }
            }
        }
        let is_clear = is_usable && (is_at_home || principal.kind() != ActorKind::User);
        if is_clear { class } else { Class::UNCLEAR }
    }

    /// The class of whoever goes by an identity, in each of its meanings.
    fn class_of(&self, directory: &DirectorySnapshot, identity: &Identity, app: &App) -> Class {
        let hashing = directory.hashing();
        let class = self.class_by_hash(hashing, identity, hashing.of(identity));
        let Identity::Alias(alias) = identity else { return class };
        if alias.is_address() {
            return class;
        }
        match self.class_of_other_meaning(hashing, alias, app) {
            // It can only hide: whose account a name may be says nothing of where its holder is at home.
            other if other != Class::NONE && self.managed.is_some() => Class::UNCLEAR,
            other => class.and(other),
        }
    }

    /// A name that is bound to no app can be that of an account in any, and the other way round.
    fn class_of_other_meaning(&self, hashing: &Hashing, alias: &Alias, app: &App) -> Class {
        let class_called = |form: &str| {
            self.class_known_as(hashing.of_form(form), || hashing.proof_of_form(form)).unwrap_or(Class::NONE)
        };
        match alias.form().split_once(ACCOUNT_OF) {
            Some((_, name)) => class_called(name),
            None => match Alias::account(app.name().as_str(), alias.as_str()) {
                Ok(account) => class_called(account.form()),
                Err(_) => Class::NONE,
            },
        }
    }

    #[inline]
    fn class_by_hash(&self, hashing: &Hashing, identity: &Identity, hash: u64) -> Class {
        self.class_known_as(hash, || hashing.proof_of(identity)).unwrap_or(Class::NONE)
    }

    #[inline]
    fn class_known_as(&self, hash: u64, proof: impl Fn() -> u64) -> Option<Class> {
        if !self.may_know(hash) {
            return None;
        }
        let proof = proof();
        let known = |table: &Hints<Seen>| {
            let seen = table.candidates(hash).filter(|seen| seen.is(proof)).map(Seen::class);
            seen.reduce(Class::and)
        };
        // What is known since counts, also that it is nobody's any more.
        (!self.recent.is_empty()).then(|| known(&self.recent)).flatten().or_else(|| known(&self.watched))
    }

    /// Whether an identity of this hash may be anybody's who is watched. If not, it is nobody's.
    #[inline(always)]
    fn may_know(&self, hash: u64) -> bool {
        self.watched.may_hold(hash) || (!self.recent.is_empty() && self.recent.may_hold(hash))
    }

    /// Whether either of two may be.
    #[inline(always)]
    pub(super) fn may_know_any(&self, [one, other]: [u64; 2]) -> bool {
        self.may_know(one) || (one != other && self.may_know(other))
    }

    /// Asks at once for the memory of those whom these hashes may mean. One after the other, each would be waited for.
    pub(super) fn ask_for(&self, hashes: &[u64]) {
        let seen = hashes.iter().filter_map(|hash| self.watched.candidates(*hash).next());
        hint::black_box(seen.fold(0, |read, seen| read ^ seen.class().number()));
    }

    /// The class of whoever did something, where [`Self::hashes`] are all that has to be looked for.
    #[inline(always)]
    pub(super) fn look_for(&self, directory: &DirectorySnapshot, activity: &Activity, hashes: [u64; 2]) -> Class {
        if !self.may_know_any(hashes) {
            return Class::NONE;
        }
        self.class_by_hashes(directory, activity, hashes)
    }

    #[inline(never)]
    fn class_by_hashes(&self, directory: &DirectorySnapshot, activity: &Activity, hashes: [u64; 2]) -> Class {
        let found = activity.actor().identities().iter().zip(hashes);
        let hashing = directory.hashing();
        found.fold(Class::NONE, |class, (identity, hash)| class.and(self.class_by_hash(hashing, identity, hash)))
    }

    /// The hashes of the identities on an activity, twice if there is one, if its class is that of whoever is called
    /// by them.
    #[inline(always)]
    pub(super) fn hashes(&self, directory: &DirectorySnapshot, activity: &Activity) -> Option<[u64; 2]> {
        let actor = activity.actor();
        if self.managed.is_some() || actor.kind() != ActorKind::User || !activity.on_behalf_of().is_empty() {
            return None;
        }
        let hashing = directory.hashing();
        match actor.identities() {
            [Identity::Alias(alias)] if alias.is_conclusive_address() => {
                let hash = hashing.of_alias(alias);
                Some([hash, hash])
            }
            // Ids alone tell who it is only where the directory has ids of their form.
            [Identity::Id(one)] | [Identity::Id(one), Identity::Id(_)] if !directory.has_ids_like(one) => None,
            [only] => hash_of_one_meaning(hashing, only).map(|hash| [hash, hash]),
            [one, other] => Some([hash_of_one_meaning(hashing, one)?, hash_of_one_meaning(hashing, other)?]),
            _ => None,
        }
    }

    /// How much memory the tables take.
    pub(super) fn heap_bytes(&self) -> usize {
        self.watched.heap_bytes() + self.recent.heap_bytes()
    }
}

fn print_of(hashing: &Hashing, identity: &Identity) -> Print {
    match identity {
        Identity::Id(id) => hashing.print_of_id(id.as_str()),
        Identity::Alias(alias) => hashing.print_of_form(alias.form()),
    }
}

/// The hash of an identity that means the same in every app.
fn hash_of_one_meaning(hashing: &Hashing, identity: &Identity) -> Option<u64> {
    match identity {
        Identity::Id(id) => Some(hashing.of_id(id.as_str())),
        Identity::Alias(alias) => alias.is_conclusive_address().then(|| hashing.of_alias(alias)),
    }
}

fn managed(policy: &PrivacyPolicy, watch: &Watch) -> Option<Vec<ManagedDomain>> {
    watch.position(&GroupRef::ExternalUsers).map(|_| policy.managed_domains().iter().cloned().collect())
}

/// Whether an address is certainly in one of the domains, and not a guest's.
fn is_managed(alias: &Alias, managed: &[ManagedDomain]) -> bool {
    let Some((_, domain)) = alias.as_str().rsplit_once('@') else { return false };
    // Below a managed domain is only what is a domain.
    alias.is_plain_address() && !alias.is_guest() && managed.iter().any(|managed| managed.covers_ascii(domain))
}
