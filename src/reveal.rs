//! Looking at private activities: asked for, approved where the policy says so, recorded, and only then seen.
//!
//! Each step is a value that only the step before it makes. A [`RevealRequest`] that the policy allows becomes a
//! [`PendingReveal`]; with a sink's receipt for its record that becomes a [`RecordedReveal`]; one that is still allowed
//! is [admitted](RecordedReveal::admit) page by page. A store gives a [`SealedPage`] for an [`PagePermit`] alone, and
//! uses it up. With the receipt for a record that says what is on it the page becomes a [`RecordedPage`], which
//! [opens](RecordedPage::open) if the viewer may still see it. No other order can be written:
//!
//! ```compile_fail,E0308
//! # use activity_privacy::reveal::PendingReveal;
//! # use activity_privacy::store::ActivityStore;
//! fn skip_the_sink(store: &dyn ActivityStore, pending: &PendingReveal) {
//!     let _ = store.revealed_page(pending, None, 10);
//! }
//! ```
//!
//! ```compile_fail,E0451
//! # use activity_privacy::reveal::{RecordedReveal, RevealRequest};
//! fn forge(request: RevealRequest, other: RecordedReveal) -> RecordedReveal {
//!     RecordedReveal { request, ..other }
//! }
//! ```
//!
//! Where the policy asks for approvals, the viewer [asks](RevealRequest::ask) for them first. What others say to it is
//! governance records and nothing else: [`Approvals`] are read from the log, whose order is the same for everybody, and
//! read again for every page.

mod approval;
mod capability;
mod life;
mod page;
mod request;

pub use self::approval::{Approvals, RequestStatus};
use self::capability::Terms;
pub use self::capability::{PagePermit, PendingReveal, RecordedReveal, RevealTotals};
pub use self::page::{PendingPage, RecordedPage, SealedPage};
pub use self::request::{Acknowledgement, RevealRequest};
