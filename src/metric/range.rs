//! Which clouds can be measured at all.

use ndarray::{Axis, Slice};

use crate::cloud::{CloudView, bounds};
use crate::setting::{Invalid, spelled};

/// Refuses clouds that nothing can be said about.
pub(super) fn usable(key: &str, cloud: CloudView<'_>) -> Result<(), Invalid> {
    let n = cloud.nrows();
    if n < 2 {
        let remedy = "must have at least 2 points: one point says nothing of a distribution";
        return Err(Invalid::new(key, format!("a cloud of {n}"), remedy));
    }
    match cloud.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let value = cloud.slice_axis(Axis(0), Slice::from(at / 2..=at / 2));
            let key = format!("{key}[{}]", at / 2);
            Err(Invalid::new(key, value, "must have finite coordinates"))
        }
    }
}

/// Refuses points, all clouds together, whose squared distances, and the squares of those, are no ordinary numbers of the machine.
///
/// # Errors
/// [`Invalid`] for a coordinate beyond 1e75, and for points that differ, but by less than 1e-75.
pub fn has_a_scale(pooled: CloudView<'_>) -> Result<(), Invalid> {
    const SCALE: f64 = 1e75;
    let remedy = "is out of the range in which all measures can be computed, 1e-75 to 1e75: write the points in another unit";
    let most = pooled.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    if most > SCALE {
        return Err(Invalid::new("largest coordinate", spelled(most), remedy));
    }
    let sides = bounds(pooled).unwrap_or_default();
    let extent = sides
        .iter()
        .map(|[low, high]| high - low)
        .fold(0.0, f64::max);
    if extent > 0.0 && extent < 1.0 / SCALE {
        return Err(Invalid::new("extent", spelled(extent), remedy));
    }
    Ok(())
}
