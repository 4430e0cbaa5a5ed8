//! Reveals: private activities are requested, approved if the policy requires it, recorded, and only then shown.
//!
//! Each step is a value that only the step before it creates:
//!
//! 1. A [`RevealRequest`] that the policy allows becomes a pending [`AuthorisedReveal`], and with a sink's receipt a
//!    [`Recorded`](crate::governance::Recorded) one.
//! 2. A recorded reveal that is still allowed [permits](crate::governance::Recorded::permit_page) one page at a time. A
//!    store returns a [`SealedPage`] for a [`PagePermit`] only, and consumes it.
//! 3. With the receipt for the record of its content, the page becomes a recorded [`RevealedPage`]. That
//!    [opens](crate::governance::Recorded::open) if the viewer may still see it.
//!
//! No other order compiles:
//!
//! ```compile_fail,E0308
//! # use activity_privacy::governance::Pending;
//! # use activity_privacy::reveal::AuthorisedReveal;
//! # use activity_privacy::store::ActivityStore;
//! fn skip_the_sink(store: &dyn ActivityStore, pending: &Pending<AuthorisedReveal>) {
//!     let _ = store.revealed_page(pending, None, 10);
//! }
//! ```
//!
//! ```compile_fail,E0451
//! # use activity_privacy::governance::{Receipt, Recorded};
//! # use activity_privacy::reveal::AuthorisedReveal;
//! fn forge(receipt: Receipt, other: Recorded<AuthorisedReveal>) -> Recorded<AuthorisedReveal> {
//!     Recorded { receipt, ..other }
//! }
//! ```
//!
//! If the policy requires approvals, the viewer [asks](RevealRequest::ask) for them first. Requests and answers are
//! governance records and nothing else. [`Approvals`] are read from the log, whose order is the same for all readers,
//! and are read again for every page.

mod approval;
mod authorised;
mod export;
mod life;
mod page;
mod permit;
mod request;
mod terms;

pub use self::approval::{Approvals, RequestStatus};
pub use self::authorised::{AuthorisedReveal, RevealTotals};
pub use self::export::RevealExport;
pub use self::page::{RevealedPage, SealedPage};
pub use self::permit::PagePermit;
pub use self::request::{Acknowledgement, RevealRequest};
