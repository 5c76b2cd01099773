//! The assignment problem in the plane: which point goes where at the least total of squared distances.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use multiversion::multiversion;

use super::blocks::{Best, Blocks, Prices};
use super::pairs::Planar;
use super::prices::{COLD, WARM, auction, gaussian_prices, width};

/// In place of a row or a column where there is none.
pub(super) const NONE: u32 = u32::MAX;
/// Values that one row is compared with at a time.
const BLOCK: usize = 16;

/// An optimal assignment of rows (points of one cloud) to columns (points of another) and the prices that support it:
/// no column offers a row a lower `cost − price` than its own, up to rounding.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assignment {
    /// Column of each row.
    pub(super) column: Vec<u32>,
    /// Dual variable of each column.
    pub(super) price: Vec<f64>,
    /// What the prices have beyond those of two Gaussians, per width of the rows: what stays nearly the same while the rows move.
    pub(super) excess: Vec<f64>,
}

impl Assignment {
    /// Solves between two clouds of one size, both centred. Any prices lead to an optimum, good ones sooner: they are those of the
    /// two Gaussians with the clouds' moments, plus the `excess` that a similar problem had, improved by an auction, which begins
    /// more coarsely without one.
    pub(super) fn solve(rows: &Planar, columns: &Planar, excess: Option<&[f64]>) -> Self {
        let gaussian = gaussian_prices(rows, columns);
        let width = width(rows);
        let (first, start) = match excess {
            Some(excess) => {
                let prices = gaussian.iter().zip(excess).map(|(g, e)| g + width * e);
                (WARM, prices.collect())
            }
            None => (COLD, gaussian.clone()),
        };
        let mut solver = Solver::new(rows, columns, &start);
        auction(&mut solver, columns, first);
        solver.augment_all();

        let (mut column, mut price) = (vec![NONE; rows.len()], vec![0.0; rows.len()]);
        for (j, &place) in solver.columns.index.iter().enumerate() {
            column[solver.row[j] as usize] = place;
            price[place as usize] = solver.price.of(j);
        }
        let beyond = |(p, g): (&f64, &f64)| if width > 0.0 { (p - g) / width } else { 0.0 };
        Self {
            excess: price.iter().zip(&gaussian).map(beyond).collect(),
            column,
            price,
        }
    }
}

pub(super) fn squared(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    dx * dx + dy * dy
}

/// Shortest augmenting paths (Jonker & Volgenant, *Computing* 38, 1987) that look only at columns within reach, in linear memory.
///
/// Prices only fall. A row that has a column has its best one, but during an auction.
pub(super) struct Solver<'a> {
    pub(super) rows: &'a Planar,
    columns: Blocks,
    pub(super) price: Prices,
    column: Vec<u32>,
    /// Row of each column, or [`NONE`].
    row: Vec<u32>,
    /// Length of the shortest known path to each column.
    length: Vec<f64>,
    /// The row from which that path comes.
    from: Vec<u32>,
    /// Columns with a finite length.
    reached: Vec<u32>,
    queue: BinaryHeap<Reverse<(u64, u32)>>,
    /// A good column of each row: its best one when it last asked.
    near: Vec<u32>,
    found: Vec<(f64, u32)>,
}

impl<'a> Solver<'a> {
    fn new(rows: &'a Planar, columns: &Planar, price: &[f64]) -> Self {
        let n = rows.len();
        let columns = Blocks::new(columns);
        Self {
            rows,
            price: columns.prices(price),
            columns,
            column: vec![NONE; n],
            row: vec![NONE; n],
            length: vec![f64::INFINITY; n],
            from: vec![NONE; n],
            reached: Vec::new(),
            queue: BinaryHeap::new(),
            near: vec![0; n],
            found: Vec::new(),
        }
    }

    /// Gives column `j` to row `i` and returns the row that had it, or [`NONE`].
    pub(super) fn assign(&mut self, i: u32, j: usize) -> u32 {
        self.column[i as usize] = j as u32;
        let displaced = std::mem::replace(&mut self.row[j], i);
        if displaced != NONE {
            self.column[displaced as usize] = NONE;
        }
        displaced
    }

    pub(super) fn is_free(&self, j: usize) -> bool {
        self.row[j] == NONE
    }

    /// Takes all columns back.
    pub(super) fn release(&mut self) {
        self.row.fill(NONE);
        self.column.fill(NONE);
    }

    /// The two best columns for row `i`.
    pub(super) fn best(&mut self, i: u32) -> Best {
        let at = self.at(i);
        let near = &mut self.near[i as usize];
        let best = self.columns.best(&self.price, at, *near as usize);
        *near = best.column as u32;
        best
    }

    fn at(&self, i: u32) -> [f64; 2] {
        [self.rows.x[i as usize], self.rows.y[i as usize]]
    }

    /// Gives a column to every row that has none.
    fn augment_all(&mut self) {
        let mut free = self.price.filtered(|j| self.row.get(j) == Some(&NONE));
        for i in 0..self.rows.len() as u32 {
            if self.column[i as usize] == NONE {
                let taken = self.augment(i, &free);
                free.set(taken, f64::NEG_INFINITY);
            }
        }
    }

    /// Finds a column for the free row `start` along the shortest path to any free column, and lowers the prices of the columns on
    /// the way so that all pairs stay best for their rows. `free` are the prices of the free columns. Returns the column.
    fn augment(&mut self, start: u32, free: &Prices) -> usize {
        for j in self.reached.drain(..) {
            self.length[j as usize] = f64::INFINITY;
        }
        self.queue.clear();

        // How much longer than `cost − price` the paths through the row in turn are.
        let mut base = -self.best(start).value;
        let (mut row, mut level) = (start, 0.0);
        let mut goal = (f64::INFINITY, 0);
        let mut settled = Vec::new();
        loop {
            self.relax(row, base, level, free, &mut goal);
            let Some((length, j)) = self.next_within(goal.0) else {
                break;
            };
            (level, row) = (length, self.row[j]);
            base = length - (squared(self.at(row), self.columns.at(j)) - self.price.of(j));
            settled.push(j);
        }

        for j in settled {
            let price = self.price.of(j) - (goal.0 - self.length[j]);
            self.price.set(j, price);
        }
        let mut j = goal.1;
        loop {
            let i = self.from[j];
            let next = self.column[i as usize];
            self.column[i as usize] = j as u32;
            self.row[j] = i;
            if i == start {
                return goal.1;
            }
            j = next as usize;
        }
    }

    /// The nearest column in the queue that is nearer than `goal`.
    fn next_within(&mut self, goal: f64) -> Option<(f64, usize)> {
        while let Some(Reverse((length, j))) = self.queue.pop() {
            let (length, j) = (f64::from_bits(length), j as usize);
            if length >= goal {
                return None;
            }
            // Longer ones are outdated.
            if length <= self.length[j] {
                return Some((length, j));
            }
        }
        None
    }

    /// Carries the shortest paths on from a row. Lengths never fall below `level`: that keeps rounding from coming back to columns that
    /// are settled.
    fn relax(&mut self, row: u32, base: f64, level: f64, free: &Prices, goal: &mut (f64, usize)) {
        let at = self.at(row);
        let nearest = self.columns.best(free, at, goal.1);
        let length = (base + nearest.value).max(level);
        if length < goal.0 {
            *goal = (length, nearest.column);
            self.from[nearest.column] = row;
        }
        // A trace wider than the goal, for rounding; the lengths themselves decide.
        let limit = goal.0 - base;
        let limit = limit + 1e-12 * limit.abs();
        self.columns.below(&self.price, at, limit, &mut self.found);
        for &(value, j) in &self.found {
            let to = j as usize;
            let length = (base + value).max(level);
            if length >= self.length[to] || length >= goal.0 || self.row[to] == NONE {
                continue;
            }
            if self.length[to] == f64::INFINITY {
                self.reached.push(j);
            }
            self.length[to] = length;
            self.from[to] = row;
            // Lengths are not negative, so their bits are ordered as they are.
            self.queue.push(Reverse((length.to_bits(), j)));
        }
    }
}

/// The least `cost − price` over all columns for a row at `at`: its dual variable.
pub(super) fn least_value(at: [f64; 2], columns: &Planar, price: &[f64]) -> f64 {
    least([&columns.x, &columns.y, price], at)
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn least(columns: [&[f64]; 3], at: [f64; 2]) -> f64 {
    let n = columns[2].len();
    let [x, y, price] = columns.map(|column| &column[..n]);
    let mut lanes = [f64::INFINITY; BLOCK];
    let mut start = 0;
    while start + BLOCK <= n {
        for (lane, low) in lanes.iter_mut().enumerate() {
            let j = start + lane;
            let value = squared(at, [x[j], y[j]]) - price[j];
            *low = if value < *low { value } else { *low };
        }
        start += BLOCK;
    }
    let rest = (start..n).map(|j| squared(at, [x[j], y[j]]) - price[j]);
    lanes.into_iter().chain(rest).fold(f64::INFINITY, f64::min)
}
