//! The assignment problem in the plane: which point goes where at the least total of squared distances.

use rayon::prelude::*;

use super::blocks::{Blocks, Prices, order};
use crate::plane::{Planar, QUERIES};

/// In place of a row or a column where there is none.
const NONE: u32 = u32::MAX;
/// A column is better than a row's own if it is so by more than this share of the numbers that are compared: the rest is rounding.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// Rounds after which the share grows, so that the last bits of a hard problem can not go round for ever.
const PATIENCE: usize = 60;

/// An optimal assignment of rows (points of one cloud) to columns (points of another) and the prices that support it:
/// no column offers a row a lower `cost − price` than its own, up to rounding.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) basis: Basis,
    /// The least `cost − price` over all columns for each row: its dual variable.
    pub(crate) value: Vec<f64>,
    /// Dual variable of each column.
    pub(crate) price: Vec<f64>,
    /// The total cost is above the least by no more than this, rounding included.
    pub(crate) gap: f64,
}

/// A spanning tree of the rows and columns, each of which is one arc away from a column of its own: the matching. All rows but one, the
/// root, have a second arc, the link, to a column nearer the root. Mass goes along the matching alone.
///
/// This is the alternating basis of Barr, Glover & Klingman (*Math. Program.* 13, 1977): the simplex method needs no others, and moving
/// between these it cannot come back to where it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Basis {
    /// Column of each row.
    pub(crate) column: Vec<u32>,
    /// Column that each row is linked to.
    link: Vec<u32>,
}

impl Assignment {
    /// Solves between two centred clouds of one size, the columns in the [`order`] of blocks. Any basis leads to an optimum, that of a
    /// similar problem sooner; without one it comes from a coarser problem.
    pub(crate) fn solve(rows: &Planar, columns: &Planar, similar: Option<&Basis>) -> Self {
        let basis = similar.cloned().unwrap_or_else(|| {
            let order = order(rows);
            let Basis { column, link } = guess(&rows.pick(&order), columns);
            let mut basis = Basis {
                column: vec![NONE; rows.len()],
                link: vec![NONE; rows.len()],
            };
            for (&i, (column, link)) in order.iter().zip(column.into_iter().zip(link)) {
                basis.column[i] = column;
                basis.link[i] = link;
            }
            basis
        });
        let blocks = Blocks::new(columns);
        let Tree { basis, price, .. } = optimum(rows, &blocks, basis);
        let greatest =
            (0..columns.len() as u32).fold(0.0_f64, |most, j| most.max(price.of(j).abs()));
        // The least value of a row, and how far its own column may be above it: what is seen, and what rounding can hide. A column that is
        // as good has a cost of about its price and the row's value.
        let value = |(i, &column): (usize, &u32)| {
            let at = rows.at(i);
            let cost = squared(at, blocks.at(column));
            let own = cost - price.of(column);
            let least = blocks.best(&price, at, own).map_or(own, |(_, less)| less);
            let hidden = ROUNDING * (cost + own.abs() + 2.0 * greatest);
            (least, own - least + hidden)
        };
        let found: Vec<(f64, f64)> = basis
            .column
            .par_iter()
            .with_min_len(QUERIES)
            .enumerate()
            .map(value)
            .collect();
        // No cost is negative: where all are zero there is nothing to prove.
        let free = (0..rows.len()).all(|i| squared(rows.at(i), blocks.at(basis.column[i])) == 0.0);
        Self {
            gap: if free {
                0.0
            } else {
                found.iter().map(|(_, gap)| gap).sum()
            },
            value: found.into_iter().map(|(least, _)| least).collect(),
            price: (0..columns.len() as u32).map(|j| price.of(j)).collect(),
            basis,
        }
    }
}

pub(crate) fn squared(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    dx * dx + dy * dy
}

/// A good basis for two clouds, both in the order of blocks: that of half as many points, each in the middle of two that follow each other in
/// that order. The squared distance of two middles is the mean of the four between their points, but for what no choice of partners changes.
fn guess(rows: &Planar, columns: &Planar) -> Basis {
    let n = rows.len();
    if n < 4 {
        let link = |i| if i == 0 { NONE } else { 0 };
        return Basis {
            column: (0..n as u32).collect(),
            link: (0..n).map(link).collect(),
        };
    }
    let [half_rows, half_columns] = [rows, columns].map(middles);
    let coarse = guess(&half_rows, &half_columns);
    let coarse = optimum(&half_rows, &Blocks::new(&half_columns), coarse).basis;
    let mut fine = Basis {
        column: Vec::with_capacity(n),
        link: Vec::with_capacity(n),
    };
    for (i, (&column, &link)) in coarse.column.iter().zip(&coarse.link).enumerate() {
        let cost = |row: usize, column: u32| squared(rows.at(row), columns.at(column as usize));
        let [one, other] = [2 * column, 2 * column + 1];
        let straight = cost(2 * i, one) + cost(2 * i + 1, other);
        let crossed = cost(2 * i, other) + cost(2 * i + 1, one);
        let own = if straight <= crossed {
            [one, other]
        } else {
            [other, one]
        };
        // The first of the two is linked as the one before, the other to its column.
        let up = if link == NONE { NONE } else { 2 * link };
        fine.column.extend(own);
        fine.link.extend([up, own[0]]);
    }
    if n % 2 == 1 {
        fine.column.push(n as u32 - 1);
        fine.link.push(fine.column[0]);
    }
    fine
}

/// The middles of each two points.
fn middles(points: &Planar) -> Planar {
    let middle = |two: &[f64]| f64::midpoint(two[0], two[1]);
    points.map(|side| side.chunks_exact(2).map(middle).collect())
}

/// Moves from a basis to an optimal one.
fn optimum<'a>(rows: &'a Planar, columns: &'a Blocks, basis: Basis) -> Tree<'a> {
    let mut tree = Tree::new(rows, columns, basis);
    let mut rounding = ROUNDING;
    for round in 0.. {
        if round > PATIENCE {
            rounding *= 2.0;
        }
        tree.settle();
        let mut best = true;
        for row in 0..rows.len() as u32 {
            let value = tree.value[row as usize];
            let Some((column, lower)) = columns.best(&tree.price, tree.at(row), value) else {
                continue;
            };
            let price = tree.price.of(column);
            if column == tree.column(row) {
                continue;
            }
            if value - lower > rounding * (value.abs() + price.abs() + (lower + price)) {
                tree.enter(row, column, lower - value);
                best = false;
            }
        }
        if best {
            break;
        }
    }
    tree
}

/// A basis with its dual variables: on each arc those of row and column add up to the cost.
struct Tree<'a> {
    rows: &'a Planar,
    columns: &'a Blocks,
    basis: Basis,
    /// Row of each column.
    row: Vec<u32>,
    /// First of the rows linked to each column, and the ones before and after each of them.
    first: Vec<u32>,
    before: Vec<u32>,
    after: Vec<u32>,
    /// Dual variables of the rows, and of the columns.
    value: Vec<f64>,
    price: Prices,
    /// The rows found below the one in turn, and how many they are; one place more than there can be.
    below: Vec<u32>,
    found: usize,
}

impl<'a> Tree<'a> {
    /// The dual variables are not there yet.
    fn new(rows: &'a Planar, columns: &'a Blocks, basis: Basis) -> Self {
        let n = rows.len();
        let mut tree = Self {
            rows,
            columns,
            row: vec![NONE; n],
            first: vec![NONE; n],
            before: vec![NONE; n],
            after: vec![NONE; n],
            value: vec![0.0; n],
            price: columns.prices(vec![0.0; n]),
            below: vec![NONE; n + 1],
            found: 0,
            basis,
        };
        for i in 0..n {
            tree.row[tree.basis.column[i] as usize] = i as u32;
            let link = tree.basis.link[i];
            if link != NONE {
                tree.link(i as u32, link);
            }
        }
        tree
    }

    fn at(&self, row: u32) -> [f64; 2] {
        self.rows.at(row as usize)
    }

    fn cost(&self, row: u32, column: u32) -> f64 {
        squared(self.at(row), self.columns.at(column))
    }

    fn column(&self, row: u32) -> u32 {
        self.basis.column[row as usize]
    }

    fn give(&mut self, row: u32, column: u32) {
        self.basis.column[row as usize] = column;
        self.row[column as usize] = row;
    }

    fn link(&mut self, row: u32, column: u32) {
        let next = std::mem::replace(&mut self.first[column as usize], row);
        self.basis.link[row as usize] = column;
        self.before[row as usize] = NONE;
        self.after[row as usize] = next;
        if next != NONE {
            self.before[next as usize] = row;
        }
    }

    fn unlink(&mut self, row: u32) {
        let (before, after) = (self.before[row as usize], self.after[row as usize]);
        if before == NONE {
            self.first[self.basis.link[row as usize] as usize] = after;
        } else {
            self.after[before as usize] = after;
        }
        if after != NONE {
            self.before[after as usize] = before;
        }
    }

    /// Finds a row and those whose way to the root leads through its column.
    fn find_below(&mut self, row: u32) {
        // Each brings the next of those linked to the same column and the first of those linked to its own. No processor can guess where
        // these lists end, so it is written without a branch.
        let first = |row: u32| self.first[self.basis.column[row as usize] as usize];
        self.below[0] = row;
        self.below[1] = first(row);
        let mut next = 1;
        self.found = 1 + usize::from(self.below[1] != NONE);
        while next < self.found {
            let row = self.below[next];
            for other in [self.after[row as usize], first(row)] {
                self.below[self.found] = other;
                self.found += usize::from(other != NONE);
            }
            next += 1;
        }
    }

    /// Finds the dual variables from the root on: without the rounding that their changes leave. A constant can be moved from the prices to
    /// the values: it is chosen so that the median price is 0, lest a root far away leave all others its rounding.
    fn settle(&mut self) {
        let root = self.basis.link.iter().position(|&link| link == NONE);
        self.find_below(root.unwrap_or(0) as u32);
        self.descend(0.0);
        let mut prices: Vec<f64> = (0..self.row.len() as u32)
            .map(|j| self.price.of(j))
            .collect();
        let middle = prices.len() / 2;
        let (_, &mut median, _) = prices.select_nth_unstable_by(middle, f64::total_cmp);
        self.descend(median);
        self.price.settle();
    }

    /// Finds the dual variables of all rows found, the first of which is the root, from its own.
    fn descend(&mut self, top: f64) {
        for next in 0..self.found {
            let row = self.below[next];
            let (column, link) = (self.column(row), self.basis.link[row as usize]);
            let value = if link == NONE {
                top
            } else {
                self.cost(row, link) - self.price.of(link)
            };
            self.value[row as usize] = value;
            self.price.set(column, self.cost(row, column) - value);
        }
    }

    /// Takes the arc between a row and a column into the basis, which offers the row this much more than its own; the one that closes
    /// a cycle with it leaves.
    fn enter(&mut self, row: u32, column: u32, more: f64) {
        self.find_below(row);
        let owner = self.row[column as usize];
        let is_cycle = self.below[..self.found].contains(&owner);
        // What is cut off from the root shifts against the rest: all of this but, if its column leaves it, the row.
        let rise = if is_cycle { more } else { -more };
        for &row in &self.below[..self.found] {
            self.value[row as usize] -= rise;
            self.price.add(self.basis.column[row as usize], rise);
        }
        if !is_cycle {
            self.unlink(row);
            self.link(row, column);
            return;
        }
        self.value[row as usize] += rise;
        // Along the way from the column up to the row, each takes the column it was linked to, and is linked to the one it had.
        let mut next = owner;
        while next != row {
            let (had, takes) = (self.column(next), self.basis.link[next as usize]);
            let above = self.row[takes as usize];
            self.unlink(next);
            self.link(next, had);
            self.give(next, takes);
            next = above;
        }
        self.give(row, column);
    }
}
