//! The median of measurements, and other quantiles.

pub(crate) fn median(all: Vec<f64>) -> f64 {
    quantile(all, 0.5)
}

/// Returns the quantile of a share.
pub(crate) fn quantile(mut all: Vec<f64>, share: f64) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get((all.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
}
