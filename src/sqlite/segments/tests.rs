//! Random public activities, held against a list that is searched from end to end.

pub(super) const PUBLIC_ACTIVITY: &str = super::super::table::PUBLIC.create;
