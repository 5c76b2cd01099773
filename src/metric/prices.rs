//! Prices for the assignment problem to start from: those of two Gaussians, refined by an auction.

use std::collections::VecDeque;

use super::assignment::{NONE, Solver};
use super::pairs::Planar;

/// First size of the bidders' overbidding in units of the plane's cost scale `s`, for prices that are no more than a guess.
pub(super) const COLD: f64 = 0.1;
/// The same for prices of a similar problem.
pub(super) const WARM: f64 = 0.02;
/// Last size, in units of `s/n`, and the factor between rounds.
const LAST: f64 = 0.3;
const FACTOR: f64 = 5.0;
/// Bids per row in one round after which it is left as it is: prices are all that is wanted of it.
const BIDS: usize = 40;
/// Bids per row without overbidding.
const EXACT: usize = 4;

/// The prices at which two Gaussians with the moments of the clouds (both centred) would be matched. The optimal map from
/// `N(0, C_y)` to `N(0, C_x)` is linear, `y ↦ By` with `B = C_y⁻¹ # C_x` (geometric mean), and its dual potential is
/// `v(y) = |y|² − yᵀBy` (Knott & Smith, *J. Optim. Theory Appl.* 43, 1984).
pub(super) fn gaussian_prices(rows: &Planar, columns: &Planar) -> Vec<f64> {
    let [xx, xy, yy] = linear_map(columns, rows);
    let places = columns.x.iter().zip(&columns.y);
    places
        .map(|(x, y)| (1.0 - xx) * x * x - 2.0 * xy * x * y + (1.0 - yy) * y * y)
        .collect()
}

/// `C_from⁻¹ # C_to` as its entries xx, xy, yy. A trace of noise keeps clouds on a line from having no inverse; a point maps with 0.
fn linear_map(from: &Planar, to: &Planar) -> [f64; 3] {
    let [[a, b, c], [d, e, f]] = [moments(from), moments(to)].map(|[xx, xy, yy]| {
        let noise = 1e-6 * (xx + yy);
        [xx + noise, xy, yy + noise]
    });
    let (root_from, root_to) = ((a * c - b * b).sqrt(), (d * f - e * e).sqrt());
    if !(root_from > 0.0 && root_to > 0.0) {
        return [0.0; 3];
    }
    // In the plane A # B = √(αβ) (A/α + B/β) / √det(A/α + B/β), with α² = det A and β² = det B; here A = C_from⁻¹.
    let sum = [
        c / root_from + d / root_to,
        -b / root_from + e / root_to,
        a / root_from + f / root_to,
    ];
    let scale = (root_to / root_from).sqrt() / (sum[0] * sum[2] - sum[1] * sum[1]).sqrt();
    sum.map(|entry| scale * entry)
}

/// Mean of x², xy and y².
fn moments(points: &Planar) -> [f64; 3] {
    let n = points.len() as f64;
    let mut sums = [0.0; 3];
    for (x, y) in points.x.iter().zip(&points.y) {
        sums[0] += x * x / n;
        sums[1] += x * y / n;
        sums[2] += y * y / n;
    }
    sums
}

/// Improves the solver's prices by auctions with ever finer bids (Bertsekas, *Ann. Oper. Res.* 14, 1988): each row
/// without a column bids for its best, by what that is better than the second best and a little more, and displaces the row that had it.
/// The last auction is without the little more, so that the rows that end it with a column have their best.
pub(super) fn auction(solver: &mut Solver<'_>, columns: &Planar, first: f64) {
    let n = solver.rows.len();
    // All of |x − y|² but −2x·y is settled by prices, so costs matter on the scale of the product of the widths.
    let scale = width(solver.rows) * width(columns);
    let mut step = first * scale;
    while step > LAST * scale / n as f64 {
        solver.release();
        round(solver, step, BIDS);
        step /= FACTOR;
    }
    solver.release();
    round(solver, 0.0, EXACT);
}

fn round(solver: &mut Solver<'_>, step: f64, bids: usize) {
    let n = solver.rows.len();
    let mut waiting: VecDeque<u32> = (0..n as u32).collect();
    for _ in 0..bids * n {
        let Some(i) = waiting.pop_front() else { return };
        let best = solver.best(i);
        let advantage = if best.second < f64::INFINITY {
            best.second - best.value
        } else {
            0.0
        };
        let fall = advantage + step;
        let mut column = best.column;
        if fall > 0.0 {
            let price = solver.price.of(column) - fall;
            solver.price.set(column, price);
        } else if !solver.is_free(column) {
            // Displacing a row for nothing would have no end.
            if best.second > best.value || !solver.is_free(best.other) {
                continue;
            }
            column = best.other;
        }
        let displaced = solver.assign(i, column);
        if displaced != NONE {
            waiting.push_back(displaced);
        }
    }
}

/// Root mean square distance from the origin, per coordinate.
pub(super) fn width(points: &Planar) -> f64 {
    let [xx, _, yy] = moments(points);
    (0.5 * (xx + yy)).sqrt()
}
