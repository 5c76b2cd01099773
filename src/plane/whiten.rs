//! Whitened coordinates: mean 0, variances 1, no correlation, whatever the units of the axes.

use crate::numeric::power;

/// Correlations nearer to 1 than this are taken for 1: what is left across the line is rounding.
const COLLINEAR: f64 = 1e-12;

/// The map to whitened coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whitening {
    /// Unit of each axis.
    units: [f64; 2],
    middle: [f64; 2],
    /// Rows of the map in those units. A direction without extent is mapped to 0.
    rows: [[f64; 2]; 2],
    /// Logarithm of the determinant of the map; `None` for points on a line.
    pub(crate) log_det: Option<f64>,
}

impl Whitening {
    /// Of these points, at least one, all finite.
    pub(crate) fn of(points: &[[f64; 2]]) -> Self {
        let range = |k: usize| {
            points
                .iter()
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], p| {
                    [low.min(p[k]), high.max(p[k])]
                })
        };
        let ranges = [range(0), range(1)];
        // Each axis in its own power of two, so that no square is too large or too small.
        let units = ranges.map(|[low, high]| 2.0_f64.powi(power(0.5 * high - 0.5 * low)));
        let inside = ranges.map(|[low, high]| f64::midpoint(low, high));
        let n = points.len() as f64;
        let at = |p: &[f64; 2], k: usize| (p[k] - inside[k]) / units[k];
        let mean = [0, 1].map(|k| points.iter().map(|p| at(p, k)).sum::<f64>() / n);
        let moment = |k: usize, l: usize| {
            let product = |p: &[f64; 2]| (at(p, k) - mean[k]) * (at(p, l) - mean[l]);
            points.iter().map(product).sum::<f64>() / n
        };
        let [sx, sy] = [0, 1].map(|k| moment(k, k).sqrt());
        let correlation = moment(0, 1) / (sx * sy);
        let (rows, log_det) = whitened([sx, sy], correlation);
        let log_det = log_det.map(|det| det - units.iter().map(|unit| unit.ln()).sum::<f64>());
        Self {
            units,
            middle: [0, 1].map(|k| inside[k] + units[k] * mean[k]),
            rows,
            log_det,
        }
    }

    /// A point in whitened coordinates.
    pub(crate) fn map(&self, point: [f64; 2]) -> [f64; 2] {
        let at = [0, 1].map(|k| (point[k] - self.middle[k]) / self.units[k]);
        self.rows.map(|row| row[0] * at[0] + row[1] * at[1])
    }
}

/// The map for these standard deviations and their correlation, and the logarithm of its determinant: sum and difference of the
/// standardised axes are uncorrelated.
fn whitened([sx, sy]: [f64; 2], correlation: f64) -> ([[f64; 2]; 2], Option<f64>) {
    match (sx > 0.0, sy > 0.0) {
        (false, false) => return ([[0.0; 2]; 2], None),
        (true, false) => return ([[1.0 / sx, 0.0], [0.0; 2]], None),
        (false, true) => return ([[0.0, 1.0 / sy], [0.0; 2]], None),
        (true, true) => {}
    }
    let row = |sign: f64| {
        let spread = 2.0 * (1.0 + sign * correlation);
        if spread > 2.0 * COLLINEAR {
            let scale = 1.0 / spread.sqrt();
            [scale / sx, sign * scale / sy]
        } else {
            [0.0; 2]
        }
    };
    let rows = [row(1.0), row(-1.0)];
    let rest = 1.0 - correlation * correlation;
    let log_det = -(sx.ln() + sy.ln() + 0.5 * rest.ln());
    (rows, (rest > 2.0 * COLLINEAR).then_some(log_det))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(points: &[[f64; 2]]) -> Whitening {
        let map = Whitening::of(points);
        let white: Vec<[f64; 2]> = points.iter().map(|&p| map.map(p)).collect();
        let n = points.len() as f64;
        for k in 0..2 {
            let mean = white.iter().map(|p| p[k]).sum::<f64>() / n;
            assert!(mean.abs() < 1e-9, "{mean}");
            for l in 0..=k {
                let moment = white.iter().map(|p| p[k] * p[l]).sum::<f64>() / n;
                assert!(
                    (moment - f64::from(u8::from(k == l))).abs() < 1e-9,
                    "{moment}"
                );
            }
        }
        map
    }

    #[test]
    fn whitened_points_have_unit_covariance_in_any_units() {
        let points: Vec<[f64; 2]> = (0..50)
            .map(f64::from)
            .map(|i| [i.sin() + 0.3 * i, (2.0 * i).cos() - 0.2 * i])
            .collect();
        let plain = checked(&points).log_det.unwrap();
        for [a, b] in [[1e-9, 1e9], [1e200, 1e-200], [3.0, 1.0]] {
            let scaled: Vec<[f64; 2]> = points.iter().map(|p| [a * p[0], b * p[1]]).collect();
            let log_det = checked(&scaled).log_det.unwrap();
            assert!((log_det + a.ln() + b.ln() - plain).abs() < 1e-9);
        }
    }

    #[test]
    fn directions_without_extent_are_left_out() {
        let line = [[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]];
        let map = Whitening::of(&line);
        assert_eq!(map.log_det, None);
        let white = line.map(|p| map.map(p));
        assert!(white.iter().all(|p| p[1] == 0.0) && (white[2][0] - 1.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(Whitening::of(&[[3.0, 4.0]; 5]).map([3.0, 4.0]), [0.0; 2]);
        assert_eq!(
            Whitening::of(&[[3.0, 4.0], [3.0, 6.0]]).map([3.0, 6.0]),
            [1.0, 0.0]
        );
    }
}
