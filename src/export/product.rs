//! This crate as the product that produced an event.

use serde::Serialize;

pub(super) const PRODUCT: &str = env!("CARGO_PKG_NAME");
pub(super) const PRODUCT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The product of OCSF's metadata.
#[derive(Serialize)]
pub(super) struct Product {
    name: &'static str,
    version: &'static str,
}

impl Product {
    pub(super) const THIS_CRATE: Self = Self { name: PRODUCT, version: PRODUCT_VERSION };
}
