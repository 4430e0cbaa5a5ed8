//! The names that most programs need, for `use activity_privacy::prelude::*`.

pub use crate::activity::{Activity, Actor, App};
pub use crate::directory::{DirectoryBuilder, DirectoryRevision, User};
pub use crate::filter::{PrivacyFilter, Reveal, View};
pub use crate::governance::RecordQuery;
pub use crate::identity::{Alias, GroupId, UserId};
pub use crate::policy::{Administrators, GroupRef, PolicyChange};
pub use crate::query::{PageSize, Query};
pub use crate::reveal::{Acknowledgement, RevealRequest};
