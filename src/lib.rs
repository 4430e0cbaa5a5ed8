//! Activity privacy as a library.
mod activity;
mod identity;
#[cfg(feature = "m365")]
pub mod m365;
mod text;

pub use activity::{
    Action, Activity, ActivityBuilder, ActivityError, ActivityId, Actor, ActorKind, ActorName, App, AppName,
};
pub use identity::{Alias, Domain, DomainError, GroupId, Identity, UserId};
pub use text::TextError;
