//! Deciding most activities with one look.
//!
//! Most of those who act are in no group that a policy speaks of. So a table holds the identities of everybody else,
//! and whoever is not in it is decided: that costs one hash and one cache line, however many people, groups and
//! nestings there are. Whoever is found is held against the directory, and has a class: the set of watched groups that
//! they are in, with the reasons that follow from it made beforehand.
//!
//! INVARIANT: what this says is what [`Seeker`](super::seeker::Seeker) finds. Where that is not certain it says so, and
//! the seeker is asked: for names that several people have, for who was in a group that is gone, for strangers where
//! external users count, for people in several classes on one activity, and for whoever was acted for.

use std::collections::BTreeSet;
use std::hint;
use std::iter;
use std::sync::Arc;

use super::classes::{Class, Kinds, Sorter};
use super::reason::Reasons;
use super::watch::Watch;
use crate::activity::{Activity, App};
use crate::actor::{Actor, ActorKind};
use crate::directory::{BLOCK, DirectorySnapshot, Entry, Hashing, Hints, UserIndex};
use crate::identity::{ACCOUNT_OF, Alias, Identity};
use crate::policy::{GroupRef, ManagedDomain, PrivacyPolicy};

/// See the module.
pub(super) struct Lookout {
    watched: Arc<Hints>,
    /// Whoever came to be watched since that table was made.
    recent: Arc<Hints>,
    /// The class of each user, for blocks of users of whom any has one.
    classes: Vec<Option<Arc<Classes>>>,
    kinds: Arc<Kinds>,
    /// The class of applications, if they are watched.
    applications: Class,
    /// The domains that are not external, if external users are watched.
    managed: Option<Vec<ManagedDomain>>,
}

type Classes = [Class; BLOCK];

/// A mark in the tables for a name that means more than one user, or one whom the directory does not know.
const NOT_ONE_USER: u32 = u32::MAX;

impl Lookout {
    /// Looks through everybody.
    pub(super) fn new(policy: &PrivacyPolicy, watch: &Watch, directory: &DirectorySnapshot) -> Self {
        let mut sorter = Sorter::new(policy, watch, directory, Kinds::new());
        let mut classes = Vec::with_capacity(directory.user_numbers().div_ceil(BLOCK));
        let mut identities = Vec::new();
        let (mut block, mut is_empty) = ([Class::NONE; BLOCK], true);
        let users = directory.user_numbers();
        let mut homes = sorter.home_classes.is_some().then(|| directory.home_numbers());
        directory.each_membership(|user, groups| {
            let home = homes.as_mut().and_then(Iterator::next).unwrap_or(0);
            let class = sorter.class(groups.iter().map(|group| group.get()), home);
            let at = user as usize;
            if class != Class::NONE {
                is_empty = false;
                if let Some(there) = block.get_mut(at % BLOCK) {
                    *there = class;
                }
                identities.extend(directory.hashes_of(UserIndex::numbered(user)).map(|hash| (hash, user)));
            }
            if at % BLOCK == BLOCK - 1 || at + 1 == users {
                classes.push((!is_empty).then(|| Arc::new(block)));
                (block, is_empty) = ([Class::NONE; BLOCK], true);
            }
        });
        identities.extend(unclear_names(watch, directory).map(|hash| (hash, NOT_ONE_USER)));
        let Sorter { kinds, applications, .. } = sorter;
        Self {
            watched: Arc::new(table_of(&identities)),
            recent: Arc::new(Hints::with_room_for(0, 1)),
            classes,
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
        let mut classes = self.classes.clone();
        classes.resize(directory.user_numbers().div_ceil(BLOCK), None);
        let mut identities = Vec::new();
        for user in changed {
            let class =
                sorter.class(directory.groups_of_user(*user).map(|group| group.number()), directory.home_number(*user));
            let block = classes.get_mut(user.place() / BLOCK)?;
            if class != Class::NONE {
                identities.extend(directory.hashes_of(*user).map(|hash| (hash, user.number())));
            }
            if class != Class::NONE || block.is_some() {
                let block = Arc::make_mut(block.get_or_insert_with(|| Arc::new([Class::NONE; BLOCK])));
                *block.get_mut(user.place() % BLOCK)? = class;
            }
        }
        let newly_shared = directory.shared_aliases().difference(before.shared_aliases());
        identities.extend(newly_shared.map(|name| (directory.hashing().of_form(name), NOT_ONE_USER)));

        let mut recent = Hints::clone(&self.recent);
        if !recent.has_room_for(identities.len()) {
            // Room for an eighth of what there is, so that it is copied cheaply and everybody is looked through seldom.
            let room = (self.watched.len() / 8).max(1 << 14);
            if !self.recent.is_empty() || identities.len() > room / 2 {
                return None;
            }
            recent = Hints::with_room_for(room, FILLED);
        }
        for (hash, user) in identities {
            recent.insert(hash, user);
        }
        let Sorter { kinds, applications, .. } = sorter;
        Some(Self {
            watched: Arc::clone(&self.watched),
            recent: Arc::new(recent),
            classes,
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
        match others.fold(actor, Class::and) {
            Class::NONE => Class::NONE,
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
        let mut is_at_home = self.managed.is_none();
        for identity in principal.identities() {
            let found = self.class_of(directory, identity, app);
            class = class.and(found);
            if let Some(managed) = &self.managed {
                match (found, identity) {
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
        if principal.kind() == ActorKind::User && !is_at_home { Class::UNCLEAR } else { class }
    }

    /// The class of whoever goes by an identity, in each of its meanings.
    #[inline]
    fn class_of(&self, directory: &DirectorySnapshot, identity: &Identity, app: &App) -> Class {
        let hashing = directory.hashing();
        match identity {
            Identity::Id(id) => self.class_called(directory, hashing.of_id(id.as_str()), |entry| entry.is(identity)),
            Identity::Alias(alias) => {
                let form = alias.form();
                let class = self.class_called(directory, hashing.of_form(form), |entry| entry.is_called(form));
                match alias.is_address() {
                    true => class,
                    false => match self.class_of_other_meaning(directory, alias, app) {
                        // It can only hide: whose account a name may be says nothing of where its holder is at home.
                        other if other != Class::NONE && self.managed.is_some() => Class::UNCLEAR,
                        other => class.and(other),
                    },
                }
            }
        }
    }

    /// A name that is bound to no app can be that of an account in any, and the other way round.
    #[inline(never)]
    fn class_of_other_meaning(&self, directory: &DirectorySnapshot, alias: &Alias, app: &App) -> Class {
        let class_called =
            |form: &str| self.class_called(directory, directory.hashing().of_form(form), |entry| entry.is_called(form));
        match alias.form().split_once(ACCOUNT_OF) {
            Some((_, name)) => class_called(name),
            None => match Alias::account(app.name().as_str(), alias.as_str()) {
                Ok(account) => class_called(account.form()),
                Err(_) => Class::NONE,
            },
        }
    }

    #[inline]
    fn class_called(&self, directory: &DirectorySnapshot, hash: u64, is: impl Fn(Entry<'_>) -> bool) -> Class {
        if !self.may_know(hash) {
            return Class::NONE;
        }
        let candidates = self.recent.candidates(hash).chain(self.watched.candidates(hash));
        candidates.fold(Class::NONE, |class, user| {
            if user == NOT_ONE_USER {
                return Class::UNCLEAR;
            }
            // Read first, so that its memory is waited for beside that of the record.
            let there = self.class_of_user(user as usize);
            match directory.entry(UserIndex::numbered(user)) {
                Some(entry) if is(entry) => class.and(there),
                _ => class,
            }
        })
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

    /// Asks at once for the memory of those whom these hashes may mean: who that is, then where their records are, then the
    /// records and the classes. One after the other, each of these would be waited for.
    pub(super) fn ask_for(&self, directory: &DirectorySnapshot, hashes: &[u64]) {
        const AT_ONCE: usize = 16;
        for hashes in hashes.chunks(AT_ONCE) {
            let mut users = [0; AT_ONCE];
            for (user, hash) in users.iter_mut().zip(hashes) {
                *user = self.watched.candidates(*hash).next().unwrap_or(0);
            }
            let mut records: [&[u8]; AT_ONCE] = [&[]; AT_ONCE];
            for (record, user) in records.iter_mut().zip(users).take(hashes.len()) {
                *record = directory.record_of(UserIndex::numbered(user));
            }
            let mut read = 0;
            for (record, user) in records.iter().zip(users).take(hashes.len()) {
                // A record is seldom longer than two cache lines.
                read ^= record.first().copied().unwrap_or(0) ^ record.get(64).copied().unwrap_or(0);
                read ^= u8::from(self.class_of_user(user as usize) == Class::NONE);
            }
            hint::black_box(read);
        }
    }

    #[inline]
    fn class_of_user(&self, at: usize) -> Class {
        let block = self.classes.get(at / BLOCK).and_then(Option::as_deref);
        block.and_then(|block| block.get(at % BLOCK)).copied().unwrap_or(Class::NONE)
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
        found.fold(Class::NONE, |class, (identity, hash)| class.and(self.class_by_hash(directory, identity, hash)))
    }

    #[inline]
    fn class_by_hash(&self, directory: &DirectorySnapshot, identity: &Identity, hash: u64) -> Class {
        self.class_called(directory, hash, |entry| entry.is(identity))
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
            [Identity::Alias(alias)] if alias.is_address() => {
                let hash = hashing.of_alias(alias);
                Some([hash, hash])
            }
            [only] => hash_of_one_meaning(hashing, only).map(|hash| [hash, hash]),
            [one, other] => Some([hash_of_one_meaning(hashing, one)?, hash_of_one_meaning(hashing, other)?]),
            _ => None,
        }
    }

    /// How much memory the tables take.
    pub(super) fn heap_bytes(&self) -> usize {
        let blocks = self.classes.iter().flatten().count() * size_of::<Classes>();
        self.watched.heap_bytes() + self.recent.heap_bytes() + blocks + self.classes.capacity() * size_of::<usize>()
    }
}

/// The hash of an identity that means the same in every app.
fn hash_of_one_meaning(hashing: &Hashing, identity: &Identity) -> Option<u64> {
    match identity {
        Identity::Id(id) => Some(hashing.of_id(id.as_str())),
        Identity::Alias(alias) => alias.is_address().then(|| hashing.of_alias(alias)),
    }
}

/// How full the buckets of the tables are. Half, so that hardly a look has to go on to the next.
const FILLED: usize = 8;

fn table_of(identities: &[(u64, u32)]) -> Hints {
    let mut table = Hints::with_room_for(identities.len(), FILLED);
    for (hash, user) in identities {
        table.insert(*hash, *user);
    }
    table
}

/// The hashes of names and ids of which the seeker has to say what they mean.
fn unclear_names<'a>(watch: &'a Watch, directory: &'a DirectorySnapshot) -> impl Iterator<Item = u64> + 'a {
    let hashing = directory.hashing();
    let (ids, names) = watch.remembered();
    let shared = directory.shared_aliases().iter().map(|name| hashing.of_form(name));
    // Whoever the directory knows is also found by what it calls them.
    let known = ids.flat_map(move |id| {
        let user = directory.find(id).into_iter();
        iter::once(hashing.of_id(id.as_str())).chain(user.flat_map(|user| directory.hashes_of(user)))
    });
    shared.chain(known).chain(names.map(|name| hashing.of_form(name)))
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
