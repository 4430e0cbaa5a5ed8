//! Into which class of people somebody falls: those who are in the same watched groups.

use std::collections::HashMap;

use super::reason::{PrincipalRole, Reasons};
use super::watch::Watch;
use crate::directory::{DirectorySnapshot, Home};
use crate::policy::{GroupRef, PrivacyPolicy};
use crate::steps;

/// A set of watched groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Class(u16);

impl Class {
    /// No watched group.
    pub(super) const NONE: Self = Self(0);
    /// It takes more than a look.
    pub(super) const UNCLEAR: Self = Self(u16::MAX);

    pub(super) fn number(self) -> u16 {
        self.0
    }

    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, Self::NONE) => one,
            (Self::NONE, other) => other,
            (one, other) if one == other => one,
            _ => Self::UNCLEAR,
        }
    }
}

/// What is known of an identity: the class of whoever has it, behind so much of its proof as there is room for.
///
/// By the fingerprint and this, and in a large table by the place in it, identities are told apart by 64 to 80 bits under
/// keys that nobody knows. That two of ten million people fall together is less likely than that the memory fails in
/// which they are, and would hide one of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen(u64);

impl Seen {
    pub(super) fn new(proof: u64, class: Class) -> Self {
        Self(proof & !u64::from(u16::MAX) | u64::from(class.number()))
    }

    pub(super) fn is(self, proof: u64) -> bool {
        (self.0 ^ proof) <= u64::from(u16::MAX)
    }

    pub(super) fn class(self) -> Class {
        Class(self.0 as u16)
    }

    /// The same of another class; it takes more than a look if there is none.
    pub(super) fn with_class(self, class: Option<Class>) -> Self {
        Self::new(self.0, class.unwrap_or(Class::UNCLEAR))
    }
}

/// What each class stands for.
#[derive(Clone)]
pub(super) struct Kinds {
    kinds: Vec<Kind>,
    numbers: HashMap<Box<[usize]>, Class>,
    /// How many groups there are in all of them.
    groups: usize,
}

/// How many groups of classes are written out in all.
const WRITTEN: usize = 1 << 20;

#[derive(Clone)]
struct Kind {
    groups: Box<[usize]>,
    /// For the one who acted.
    reasons: Reasons,
}

impl Kinds {
    pub(super) fn new() -> Self {
        let none = Kind { groups: Box::default(), reasons: Reasons::NONE };
        Self { kinds: vec![none], numbers: HashMap::from([(Box::default(), Class::NONE)]), groups: 0 }
    }

    /// The watched groups of a class.
    pub(super) fn groups(&self, class: Class) -> &[usize] {
        self.kinds.get(usize::from(class.0)).map_or(&[], |kind| &kind.groups)
    }

    /// The reasons why somebody of a class is hidden.
    pub(super) fn reasons(&self, class: Class) -> Reasons {
        self.kinds.get(usize::from(class.0)).map_or(Reasons::NONE, |kind| kind.reasons.clone())
    }

    /// Adds the classes of others, and gives each of them as it is numbered here, in order of their numbers there.
    pub(super) fn taking_in(&mut self, watch: &Watch, others: &Self) -> Vec<Class> {
        others.kinds.iter().map(|kind| self.number(watch, &kind.groups)).collect()
    }

    /// The class of a sorted set.
    pub(super) fn number(&mut self, watch: &Watch, groups: &[usize]) -> Class {
        steps::advance(groups.len());
        if let Some(class) = self.numbers.get(groups) {
            return *class;
        }
        let class = match u16::try_from(self.kinds.len()) {
            Ok(number) if number < u16::MAX && self.groups + groups.len() <= WRITTEN => Class(number),
            // So many different sets are not worth more memory: the seeker knows them all.
            _ => return Class::UNCLEAR,
        };
        self.groups += groups.len();
        let groups: Box<[usize]> = groups.into();
        let reasons = groups.iter().filter_map(|at| watch.private_reason(*at, PrincipalRole::Actor)).collect();
        self.kinds.push(Kind { groups: groups.clone(), reasons });
        self.numbers.insert(groups, class);
        class
    }
}

/// Puts users into classes.
pub(super) struct Sorter<'a> {
    watch: &'a Watch,
    pub(super) kinds: Kinds,
    /// The class of whoever is in one group of a set alone, by the number of the set.
    of_sets: Vec<Option<Class>>,
    pub(super) applications: Class,
    /// What the home of a user adds, by its number, if external users are watched.
    pub(super) home_classes: Option<Vec<HomeClass>>,
    external: Option<usize>,
    groups: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HomeClass {
    Managed,
    External,
    Unclear,
}

impl<'a> Sorter<'a> {
    pub(super) fn new(
        policy: &PrivacyPolicy,
        watch: &'a Watch,
        directory: &DirectorySnapshot,
        mut kinds: Kinds,
    ) -> Self {
        let applications = watch.position(&GroupRef::Applications);
        let applications = applications.map_or(Class::NONE, |at| kinds.number(watch, &[at]));
        let external = watch.position(&GroupRef::ExternalUsers);
        let class = |home: Home<'_>| match home {
            Home::At(domain) if policy.manages(domain) => HomeClass::Managed,
            Home::At(_) | Home::Elsewhere => HomeClass::External,
            // It depends on the name by which they are seen.
            Home::Unsaid => HomeClass::Unclear,
        };
        let home_classes = external.map(|_| directory.all_homes().map(class).collect());
        Self { watch, kinds, of_sets: Vec::new(), applications, home_classes, external, groups: Vec::new() }
    }

    /// The class of a user in these groups and at home there.
    #[inline]
    pub(super) fn class(&mut self, groups: impl Iterator<Item = u32>, home: u32) -> Class {
        let reach = self.watch.reach();
        let (mut only, mut several) = (0, false);
        self.groups.clear();
        for set in groups.map(|group| reach.number(group)).filter(|set| *set != 0) {
            if only == 0 {
                only = set;
            } else if only != set {
                several = true;
                let Some(set) = reach.written(set) else { return Class::UNCLEAR };
                self.groups.extend_from_slice(set);
            }
        }
        let home = match &self.home_classes {
            None => HomeClass::Managed,
            Some(classes) => classes.get(home as usize).copied().unwrap_or(HomeClass::Unclear),
        };
        match home {
            HomeClass::Unclear => Class::UNCLEAR,
            HomeClass::Managed if only == 0 => Class::NONE,
            HomeClass::Managed if !several => self.class_of_set(only),
            _ => {
                let Some(set) = reach.written(only) else { return Class::UNCLEAR };
                self.groups.extend_from_slice(set);
                self.groups.extend(self.external.filter(|_| home == HomeClass::External));
                self.groups.sort_unstable();
                self.groups.dedup();
                self.kinds.number(self.watch, &self.groups)
            }
        }
    }

    fn class_of_set(&mut self, set: u32) -> Class {
        let at = set as usize;
        if self.of_sets.len() <= at {
            self.of_sets.resize(at + 1, None);
        }
        let Self { watch, kinds, of_sets, .. } = self;
        match of_sets.get_mut(at) {
            Some(Some(class)) => *class,
            Some(unknown) => {
                let written = watch.reach().written(set);
                *unknown.insert(written.map_or(Class::UNCLEAR, |set| kinds.number(watch, set)))
            }
            None => Class::UNCLEAR,
        }
    }
}
