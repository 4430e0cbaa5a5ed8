//! The ids of records, reveals and requests.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_newtype! {
    /// The id of a governance record. No two records share one.
    RecordId
}

uuid_newtype! {
    /// The id of a reveal. No two reveals share one.
    RevealId
}

uuid_newtype! {
    /// The id of a request for approvals of a reveal. No two requests share one.
    RequestId
}
