//! The assignment problem in the plane: which point goes where at the least total of squared distances.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use multiversion::multiversion;

use super::pairs::Planar;
use super::prices::{auction, gaussian_prices, width};

/// In place of a row or a column where there is none.
pub(super) const NONE: u32 = u32::MAX;
/// Arcs of a row that are looked at before there is need for more.
pub(super) const FEW: usize = 16;
/// Columns whose least value is noted together.
const BLOCK: usize = 16;
/// Visits per row after which the given prices are taken to be of no help; a cloud that moved a little needs some 10.
const PATIENCE: usize = 30;

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
    /// two Gaussians with the clouds' moments, plus the `excess` that a similar problem had, or, without one or if it proves to be of no
    /// help, improved by an auction.
    pub(super) fn solve(rows: &Planar, columns: &Planar, excess: Option<&[f64]>) -> Self {
        let gaussian = gaussian_prices(rows, columns);
        let width = width(rows);
        let guess = excess.and_then(|excess| {
            let prices = gaussian.iter().zip(excess).map(|(g, e)| g + width * e);
            let mut solver = Solver::new(rows, columns, prices.collect());
            solver.assign_all(PATIENCE * rows.len()).then_some(solver)
        });
        let solver = guess.unwrap_or_else(|| {
            let mut solver = Solver::new(rows, columns, gaussian.clone());
            auction(&mut solver, columns);
            solver.assign_all(usize::MAX);
            solver
        });
        let beyond = |(p, g): (&f64, &f64)| if width > 0.0 { (p - g) / width } else { 0.0 };
        Self {
            excess: solver.price.iter().zip(&gaussian).map(beyond).collect(),
            column: solver.column,
            price: solver.price,
        }
    }
}

pub(super) fn squared(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    dx * dx + dy * dy
}

/// What is known of a row: its arcs as (cost, column). All others have `cost − price ≥ bound`.
#[derive(Clone, Debug)]
pub(super) struct Arcs {
    pub(super) known: Vec<(f64, u32)>,
    pub(super) bound: f64,
}

/// Shortest augmenting paths (Jonker & Volgenant, *Computing* 38, 1987) with arcs made known on demand.
///
/// Of each row only the few arcs with the least `cost − price` are known, and a bound for the others. Prices only fall, so the bound
/// stays true, and a search asks for more arcs of a row only when the bound comes into reach: exact, in linear memory.
pub(super) struct Solver<'a> {
    pub(super) rows: &'a Planar,
    columns: &'a Planar,
    pub(super) price: Vec<f64>,
    pub(super) arcs: Vec<Arcs>,
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
    /// Rows visited in all searches so far.
    visits: usize,
    values: Values,
}

/// `cost − price` of all columns for one row, with room for selecting among them.
#[derive(Default)]
struct Values {
    all: Vec<f64>,
    lows: Vec<f64>,
    ranked: Vec<f64>,
    tied: Vec<usize>,
}

/// A row that the search has come to, and how much longer than `cost − price` the paths through it are.
#[derive(Clone, Copy)]
struct Visit {
    row: u32,
    base: f64,
}

impl<'a> Solver<'a> {
    fn new(rows: &'a Planar, columns: &'a Planar, price: Vec<f64>) -> Self {
        let n = rows.len();
        let unknown = Arcs {
            known: Vec::new(),
            bound: f64::NEG_INFINITY,
        };
        let mut solver = Self {
            rows,
            columns,
            price,
            arcs: vec![unknown; n],
            column: vec![NONE; n],
            row: vec![NONE; n],
            length: vec![f64::INFINITY; n],
            from: vec![NONE; n],
            reached: Vec::new(),
            queue: BinaryHeap::new(),
            visits: 0,
            values: Values::default(),
        };
        solver.values.all.resize(n, 0.0);
        for i in 0..n as u32 {
            solver.learn(i, FEW);
        }
        solver
    }

    /// Gives column `j` to row `i` and returns the row that had it, or [`NONE`].
    pub(super) fn assign(&mut self, i: u32, j: u32) -> u32 {
        self.column[i as usize] = j;
        std::mem::replace(&mut self.row[j as usize], i)
    }

    /// Takes all columns back.
    pub(super) fn release(&mut self) {
        self.row.fill(NONE);
    }

    /// Assigns every row, first all that can have their best column. False if that takes more visits than `patience`.
    fn assign_all(&mut self, patience: usize) -> bool {
        let all = 0..self.rows.len() as u32;
        let free: Vec<u32> = all.filter(|&i| !self.take_best(i)).collect();
        for i in free {
            self.augment(i);
            if self.visits > patience {
                return false;
            }
        }
        true
    }

    fn take_best(&mut self, i: u32) -> bool {
        let value = |&(cost, j): &(f64, u32)| cost - self.price[j as usize];
        let arcs = &self.arcs[i as usize];
        let best = arcs
            .known
            .iter()
            .min_by(|a, b| value(a).total_cmp(&value(b)));
        match best {
            Some(&arc) if value(&arc) <= arcs.bound && self.row[arc.1 as usize] == NONE => {
                self.assign(i, arc.1);
                true
            }
            _ => false,
        }
    }

    /// Makes known at least `wanted` arcs of row `i`, or all there are: those of least `cost − price`.
    pub(super) fn learn(&mut self, i: u32, wanted: usize) {
        let n = self.price.len();
        let at = [self.rows.x[i as usize], self.rows.y[i as usize]];
        let (x, y) = (&self.columns.x, &self.columns.y);
        let Values {
            all,
            lows,
            ranked,
            tied,
        } = &mut self.values;
        values(at, [x, y, &self.price], all);
        block_lows(all, lows);

        // At least `wanted` values lie at or below the bound. Least values of blocks are fewer to select from, and
        // overshoot a little.
        ranked.clear();
        ranked.extend_from_slice(if wanted * BLOCK < n { lows } else { all });
        let bound = if wanted < ranked.len() {
            *ranked.select_nth_unstable_by(wanted, f64::total_cmp).1
        } else {
            f64::INFINITY
        };

        let arcs = &mut self.arcs[i as usize];
        arcs.bound = bound;
        arcs.known.clear();
        tied.clear();
        let arc = |j: usize| (squared(at, [x[j], y[j]]), j as u32);
        let blocks = all.chunks(BLOCK).zip((0..).step_by(BLOCK));
        for ((block, start), &low) in blocks.zip(&*lows) {
            if low > bound {
                continue;
            }
            for (&value, j) in block.iter().zip(start..) {
                if value < bound {
                    arcs.known.push(arc(j));
                } else if value == bound {
                    tied.push(j);
                }
            }
        }
        // Where many columns are equally good, as for duplicates, rows start at different ones, so as not to compete.
        let (later, sooner) = tied.split_at(i as usize * tied.len() / n);
        let turned = sooner.iter().chain(later);
        arcs.known.extend(turned.take(wanted).map(|&j| arc(j)));
    }

    /// Finds a column for the free row `start` along the shortest path to any free column, and lowers the prices of the columns on
    /// the way so that all pairs stay best for their rows.
    fn augment(&mut self, start: u32) {
        for j in self.reached.drain(..) {
            self.length[j as usize] = f64::INFINITY;
        }
        self.queue.clear();

        let arcs = &self.arcs[start as usize];
        let value = |&(cost, j): &(f64, u32)| cost - self.price[j as usize];
        let least = arcs.known.iter().map(value).fold(arcs.bound, f64::min);
        let mut visits = vec![Visit {
            row: start,
            base: -least,
        }];
        let mut settled = Vec::new();
        let mut goal = (f64::INFINITY, NONE);
        let (mut place, mut level) = (0, 0.0);
        loop {
            self.relax(visits[place], place, level, &mut goal);
            let Some((length, item)) = self.next_within(goal.0) else {
                break;
            };
            level = length;
            if item >= self.price.len() {
                place = item - self.price.len();
                let row = visits[place].row;
                self.learn(row, 2 * self.arcs[row as usize].known.len());
                continue;
            }
            let row = self.row[item];
            let at = [self.rows.x[row as usize], self.rows.y[row as usize]];
            let cost = squared(at, [self.columns.x[item], self.columns.y[item]]);
            place = visits.len();
            visits.push(Visit {
                row,
                base: length - (cost - self.price[item]),
            });
            settled.push(item);
        }

        self.visits += visits.len();
        for j in settled {
            self.price[j] -= goal.0 - self.length[j];
        }
        let (mut i, mut j) = (NONE, goal.1);
        while i != start {
            i = self.from[j as usize];
            let next = self.column[i as usize];
            self.assign(i, j);
            j = next;
        }
    }

    /// The nearest thing in the queue that is nearer than `goal`: a column, or from the number of columns on the
    /// unknown arcs of a visit.
    fn next_within(&mut self, goal: f64) -> Option<(f64, usize)> {
        while let Some(Reverse((length, item))) = self.queue.pop() {
            let (length, item) = (f64::from_bits(length), item as usize);
            if length >= goal {
                return None;
            }
            let outdated = self
                .length
                .get(item)
                .is_some_and(|&shortest| length > shortest);
            if !outdated {
                return Some((length, item));
            }
        }
        None
    }

    /// Carries the shortest paths on from the row of a visit. Lengths never fall below `level`: that keeps rounding from
    /// coming back to columns that are settled.
    fn relax(&mut self, visit: Visit, place: usize, level: f64, goal: &mut (f64, u32)) {
        let arcs = &self.arcs[visit.row as usize];
        for &(cost, j) in &arcs.known {
            let to = j as usize;
            let length = (visit.base + (cost - self.price[to])).max(level);
            if length >= self.length[to] || length >= goal.0 {
                continue;
            }
            if self.length[to] == f64::INFINITY {
                self.reached.push(j);
            }
            self.length[to] = length;
            self.from[to] = visit.row;
            if self.row[to] == NONE {
                *goal = (length, j);
            } else {
                // Lengths are not negative, so their bits are ordered as they are.
                self.queue.push(Reverse((length.to_bits(), j)));
            }
        }
        let beyond = (visit.base + arcs.bound).max(level);
        if beyond < goal.0 {
            let item = (self.price.len() + place) as u32;
            self.queue.push(Reverse((beyond.to_bits(), item)));
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

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn values(at: [f64; 2], columns: [&[f64]; 3], into: &mut [f64]) {
    let n = into.len();
    let [x, y, price] = columns.map(|column| &column[..n]);
    for j in 0..n {
        into[j] = squared(at, [x[j], y[j]]) - price[j];
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn block_lows(values: &[f64], lows: &mut Vec<f64>) {
    lows.clear();
    lows.extend(values.chunks(BLOCK).map(|block| {
        let less = |low: f64, &value: &f64| if value < low { value } else { low };
        block.iter().fold(f64::INFINITY, less)
    }));
}
