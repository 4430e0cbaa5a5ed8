//! Names of forwarders and followers.

use crate::text::checked_text;

checked_text! {
    /// The name of a forwarder or a follower. Names are compared byte for byte. Forwarders and followers do not share
    /// their names: both can have the same one.
    ForwarderName, "forwarder name", max 64, shown
}
