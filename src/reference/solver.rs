//! The Fokker-Planck equation by finite volumes: mass conserved, densities positive, the target at rest.

use rayon::prelude::*;

use super::Grid;
use crate::target::Target;

/// The density `q_t` on its way to the target `p` under `∂q/∂t = Δq − ∇·(q ∇log p)`, with no flux through the border.
///
/// In space: the exponentially fitted fluxes of Scharfetter and Gummel (*IEEE Trans. Electron Devices* 16, 1969; Chang and Cooper, *J. Comput. Phys.* 6,
/// 1970, for this equation), of second order, which vanish for `q = p` whatever the size of the cells. In time: the two axes in turn
/// (Strang, *SIAM J. Numer. Anal.* 5, 1968), each by implicit Euler steps extrapolated to second order, the correction
/// limited where it would take more mass than there is. Every part conserves the mass of every line, and the length of steps follows the error that they make.
#[derive(Clone, Debug)]
pub struct Reference {
    grid: Grid,
    time: f64,
    /// Mass of each cell.
    mass: Vec<f64>,
    /// `log` of the target's mass in each cell, the sum over the grid normalised to one.
    log_target: Vec<f64>,
    /// Rates of jumps to the next and to the previous cell along x, for the rows; and along y, for the columns.
    rates: [Rates; 2],
    tolerance: f64,
    step: f64,
    factors: Option<(f64, [Factors; 4])>,
    taken: usize,
}

/// Why there is no reference.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// The density is not known.
    #[error(
        "the density of the {role} is not known, which the Fokker-Planck equation needs: take a gaussian, mixture, ring, grid, circles, rings, moons, spirals or swiss-roll, with noise that is not too fine"
    )]
    NoDensity {
        /// `target` or `source`.
        role: &'static str,
    },
    /// A density that is zero somewhere cannot be approached: its score is infinite there.
    #[error(
        "the density of the target is zero in {cells} of {all} cells, where its score is infinite and the flow undefined; take a target that is positive everywhere, such as a mixture, ring, grid or moons"
    )]
    Zero {
        /// Cells without density.
        cells: usize,
        /// All cells.
        all: usize,
    },
    /// Nothing of the distribution falls on the grid.
    #[error("the {role} has no mass on the grid: let the grid cover it")]
    Outside {
        /// `target` or `source`.
        role: &'static str,
    },
}

/// Jump rates along lines of cells: entry `i` of a line belongs to the border between cells `i` and `i + 1`.
#[derive(Clone, Debug)]
struct Rates {
    length: usize,
    up: Vec<f64>,
    down: Vec<f64>,
}

/// The tridiagonal matrices `I − τL` of all lines, factored.
#[derive(Clone, Debug)]
struct Factors {
    length: usize,
    /// `τ` times the rate into a cell from the one before.
    lower: Vec<f64>,
    /// Inverse pivots.
    pivot: Vec<f64>,
    /// Elements above the diagonal, divided by the pivots.
    upper: Vec<f64>,
}

impl Reference {
    /// Total variation that a step may add to the error, unless said otherwise.
    pub const TOLERANCE: f64 = 1e-6;

    /// The flow from `source` to `target` on `grid`, at time 0. Steps are chosen so that each adds about `tolerance` in total variation.
    ///
    /// # Errors
    /// [`ReferenceError`] for distributions whose density is not known, is zero, or lies elsewhere.
    pub fn new(
        source: &dyn Target,
        target: &dyn Target,
        grid: Grid,
        tolerance: f64,
    ) -> Result<Self, ReferenceError> {
        let middles = grid.middles();
        let log_density = |of: &dyn Target, role| {
            let known = of.log_density(middles.view());
            let values = known.ok_or(ReferenceError::NoDensity { role })?.to_vec();
            let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if !top.is_finite() {
                return Err(ReferenceError::Outside { role });
            }
            let sum: f64 = values.iter().map(|v| (v - top).exp()).sum();
            Ok((values, top + sum.ln()))
        };
        let (source, normal) = log_density(source, "source")?;
        let mass = source.iter().map(|v| (v - normal).exp()).collect();
        let (target, normal) = log_density(target, "target")?;
        let zero = target.iter().filter(|v| !v.is_finite()).count();
        if zero > 0 {
            return Err(ReferenceError::Zero {
                cells: zero,
                all: grid.len(),
            });
        }
        let log_target: Vec<f64> = target.iter().map(|v| v - normal).collect();
        let turned = transposed(&log_target, grid.columns);
        let rates = [
            Rates::new(&log_target, grid.columns, grid.pitch),
            Rates::new(&turned, grid.rows, grid.pitch),
        ];
        Ok(Self {
            step: grid.pitch * grid.pitch,
            grid,
            time: 0.0,
            mass,
            log_target,
            rates,
            tolerance,
            factors: None,
            taken: 0,
        })
    }

    /// The cells.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Time of the flow.
    #[must_use]
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Steps taken so far.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.taken
    }

    /// Mass of each cell, row by row from below.
    #[must_use]
    pub fn mass(&self) -> &[f64] {
        &self.mass
    }

    /// Mass of the target in each cell.
    pub fn target_mass(&self) -> impl Iterator<Item = f64> {
        self.log_target.iter().map(|log_p| log_p.exp())
    }

    /// Mass on the whole grid; 1 up to rounding.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.mass.iter().sum()
    }

    /// `KL(q_t‖p)` in nats. It falls at every step: the scheme is a Markov chain with `p` at rest.
    #[must_use]
    pub fn kl(&self) -> f64 {
        let terms = self.mass.iter().zip(&self.log_target);
        terms
            .filter(|(m, _)| **m > 0.0)
            .map(|(m, log_p)| m * (m.ln() - log_p))
            .sum()
    }

    /// Goes on to `time`, which lies not before the present one.
    pub fn advance_to(&mut self, time: f64) {
        while self.time < time {
            let rest = time - self.time;
            // Equal steps to the end, so that no tiny one is left over.
            let step = (rest / (rest / self.step).ceil().max(1.0)).min(rest);
            let error = self.advance(step);
            self.taken += 1;
            self.time = if step >= rest { time } else { self.time + step };
            // Local errors are of third order in time; powers of two keep the factors for many steps.
            if error < self.tolerance / 8.0 {
                self.step *= 2.0;
            } else if error > self.tolerance {
                self.step *= 0.5;
            }
        }
    }

    /// One step; gives the total variation between the extrapolated and the Euler steps, cubed in time as the error of the former is.
    fn advance(&mut self, step: f64) -> f64 {
        let factors = match self.factors.take() {
            Some((of, factors)) if of == step => factors,
            _ => [
                self.rates[0].factors(0.5 * step),
                self.rates[0].factors(0.25 * step),
                self.rates[1].factors(step),
                self.rates[1].factors(0.5 * step),
            ],
        };
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let mut error = lines(&mut self.mass, &factors[0], &factors[1]);
        let mut turned = transposed(&self.mass, columns);
        error += lines(&mut turned, &factors[2], &factors[3]);
        self.mass = transposed(&turned, rows);
        error += lines(&mut self.mass, &factors[0], &factors[1]);
        self.factors = Some((step, factors));
        // The Euler error is of second order with a constant near one: its power 3/2 is of third.
        error.powf(1.5)
    }
}

impl Rates {
    /// From the log density along lines of `length` cells. Flux from `i` to `j = i + 1`: `(B(−w) q_i − B(w) q_j)/pitch`, `w = log p_j − log p_i`.
    fn new(log_target: &[f64], length: usize, pitch: f64) -> Self {
        let square = pitch * pitch;
        let jumps = |sign: f64| {
            let line = |line: &[f64]| -> Vec<f64> {
                let between = line.windows(2);
                let rate = |pair: &[f64]| bernoulli(sign * (pair[1] - pair[0])) / square;
                // Nothing leaves the last cell.
                between.map(rate).chain([0.0]).collect()
            };
            log_target.chunks(length).flat_map(line).collect()
        };
        Self {
            length,
            up: jumps(-1.0),
            down: jumps(1.0),
        }
    }

    fn factors(&self, step: f64) -> Factors {
        let (length, count) = (self.length, self.up.len());
        let mut factors = Factors {
            length,
            lower: vec![0.0; count],
            pivot: vec![0.0; count],
            upper: vec![0.0; count],
        };
        for start in (0..count).step_by(length) {
            for i in start..start + length {
                let (lower, into, above) = if i == start {
                    (0.0, 0.0, 0.0)
                } else {
                    let before = i - 1;
                    (
                        step * self.up[before],
                        step * self.down[before],
                        factors.upper[before],
                    )
                };
                let diagonal = 1.0 + step * self.up[i] + into;
                // All elements off the diagonal are negative: with their signs turned, nothing cancels but here.
                factors.lower[i] = lower;
                factors.pivot[i] = 1.0 / (diagonal - lower * above);
                factors.upper[i] = step * self.down[i] * factors.pivot[i];
            }
        }
        factors
    }
}

impl Factors {
    /// `(I − τL)⁻¹` applied to line `number`.
    fn solve(&self, number: usize, line: &mut [f64]) {
        let start = number * self.length;
        let of = start..start + self.length;
        let (lower, pivot, upper) = (
            &self.lower[of.clone()],
            &self.pivot[of.clone()],
            &self.upper[of],
        );
        line[0] *= pivot[0];
        for i in 1..line.len() {
            line[i] = (line[i] + lower[i] * line[i - 1]) * pivot[i];
        }
        for i in (0..line.len() - 1).rev() {
            line[i] += upper[i] * line[i + 1];
        }
    }
}

/// Moves all lines on by one step: twice the result of two half steps less that of a whole one. Gives the total variation between the two.
fn lines(mass: &mut [f64], whole: &Factors, half: &Factors) -> f64 {
    let length = whole.length;
    let errors: Vec<f64> = mass
        .par_chunks_mut(length)
        .enumerate()
        .map(|(number, line)| {
            let mut once = line.to_vec();
            whole.solve(number, &mut once);
            half.solve(number, line);
            half.solve(number, line);
            let gap = line.iter().zip(&once).map(|(a, b)| (a - b).abs());
            let error = 0.5 * gap.sum::<f64>();
            extrapolate(line, &once);
            error
        })
        .collect();
    errors.iter().sum()
}

/// Adds the difference `twice − once` to `twice`, as fluxes between neighbours, each cut down to what the cell has that it flows out of
/// (Zalesak, *J. Comput. Phys.* 31, 1979). In the tails, where Euler's exponentials outweigh the truth, that keeps the mass positive.
fn extrapolate(twice: &mut [f64], once: &[f64]) {
    // Flux into each cell from the one before; the sum of all differences is zero, up to rounding.
    let mut flux = vec![0.0; twice.len() + 1];
    for (i, (a, b)) in twice.iter().zip(once).enumerate() {
        flux[i + 1] = flux[i] - (a - b);
    }
    flux[twice.len()] = 0.0;
    let allowed: Vec<f64> = twice
        .iter()
        .enumerate()
        .map(|(i, &mass)| {
            let out = flux[i + 1].max(0.0) + (-flux[i]).max(0.0);
            if out > mass {
                (1.0 - 1e-12) * mass / out
            } else {
                1.0
            }
        })
        .collect();
    for i in 1..twice.len() {
        let from = if flux[i] > 0.0 { i - 1 } else { i };
        let limited = flux[i] * allowed[from];
        twice[i - 1] -= limited;
        twice[i] += limited;
    }
}

/// `x / (eˣ − 1)`.
fn bernoulli(x: f64) -> f64 {
    if x.abs() < 1e-5 {
        1.0 - 0.5 * x + x * x / 12.0
    } else {
        x / x.exp_m1()
    }
}

/// Rows of `width` values as columns.
fn transposed(values: &[f64], width: usize) -> Vec<f64> {
    const TILE: usize = 16;
    let height = values.len() / width;
    let mut turned = vec![0.0; values.len()];
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for row in top..height.min(top + TILE) {
                for column in left..width.min(left + TILE) {
                    turned[column * height + row] = values[row * width + column];
                }
            }
        }
    }
    turned
}
