//! The transportation problem in the plane: clouds of unequal sizes or weights matched at the least total of squared distances.

use multiversion::multiversion;
use rayon::prelude::*;

use super::assignment::squared;
use crate::plane::{Planar, QUERIES, along_curve};

/// A column is better than a row's own if it is so by more than this share of the numbers that are compared: the rest is rounding.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// Passes over all rows after which the share grows, so that the last bits of a hard problem cannot go round for ever.
const PATIENCE: usize = 1000;

/// A cheapest plan.
pub(crate) struct Plan {
    /// Where mass goes: row, column and amount.
    pub(crate) arcs: Vec<(u32, u32, f64)>,
    /// Its cost, mass times squared distance, is above the least by no more than this, rounding included.
    pub(crate) gap: f64,
}

/// Finds the cheapest way to carry the masses `supply` at the points `rows` to the masses `demand` at the points `columns`; all masses are
/// positive, and both sides have the same total.
pub(crate) fn cheapest(rows: &Planar, columns: &Planar, supply: &[f64], demand: &[f64]) -> Plan {
    let mut tree = Tree::staircase(rows, columns, supply, demand);
    let n = rows.len();
    let mut row = 0;
    let mut rounding = ROUNDING;
    // Rows in a row without a pivot, and rows looked at.
    let (mut idle, mut looked) = (0, 0);
    while idle < n {
        let at = tree.place(row);
        let (low, column) = lowest(at, [&columns.x, &columns.y, &tree.potential[n..]]);
        let (own, price) = (tree.potential[row], tree.potential[n + column]);
        if own - low > rounding * (own.abs() + price.abs() + (low + price)) {
            tree.enter(row, n + column);
            idle = 0;
        } else {
            idle += 1;
        }
        row = (row + 1) % n;
        looked += 1;
        if looked % (PATIENCE * n) == 0 {
            rounding *= 2.0;
        }
    }
    tree.settle();
    let arcs: Vec<(u32, u32, f64)> = (0..tree.parent.len())
        .filter(|&node| tree.flow[node] > 0.0)
        .map(|node| {
            let (row, column) = tree.arc(node);
            (row as u32, (column - n) as u32, tree.flow[node])
        })
        .collect();
    let gap = gap([rows, columns], &tree.potential[n..], &arcs);
    Plan { arcs, gap }
}

/// How far the cost of a plan can be above the least, given prices of the columns: what is seen, and what rounding can hide.
fn gap([rows, columns]: [&Planar; 2], price: &[f64], arcs: &[(u32, u32, f64)]) -> f64 {
    let greatest = price.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    let least: Vec<f64> = (0..rows.len())
        .into_par_iter()
        .with_min_len(QUERIES)
        .map(|i| lowest(rows.at(i), [&columns.x, &columns.y, price]).0)
        .collect();
    let slack = |&(i, j, mass): &(u32, u32, f64)| {
        let (i, j) = (i as usize, j as usize);
        let cost = squared(rows.at(i), columns.at(j));
        let own = cost - price[j];
        let hidden = ROUNDING * (cost + own.abs() + 2.0 * greatest);
        mass * ((own - least[i]).max(0.0) + hidden)
    };
    arcs.iter().map(slack).sum()
}

/// In place of a node where there is none.
const NONE: usize = usize::MAX;

/// The primal network simplex (Cunningham, *Math. Program.* 11, 1976): a spanning tree of rows and columns, whose arcs alone
/// carry mass. Rows come first among the nodes, then columns. The tree stays strongly feasible, so that no sequence of pivots can return to where it began.
struct Tree<'a> {
    rows: &'a Planar,
    columns: &'a Planar,
    parent: Vec<usize>,
    /// Mass on the arc between a node and its parent.
    flow: Vec<f64>,
    depth: Vec<usize>,
    /// Dual variables: `potential[row] + potential[column]` is the cost of each arc of the tree.
    potential: Vec<f64>,
    first_child: Vec<usize>,
    /// Siblings before and after.
    sibling: [Vec<usize>; 2],
    stack: Vec<usize>,
}

impl<'a> Tree<'a> {
    /// The tree of the plan that serves rows and columns in the order of a curve through the plane, each from where the one before left off.
    fn staircase(rows: &'a Planar, columns: &'a Planar, supply: &[f64], demand: &[f64]) -> Self {
        let (n, m) = (rows.len(), columns.len());
        let mut tree = Self {
            rows,
            columns,
            parent: vec![NONE; n + m],
            flow: vec![0.0; n + m],
            depth: vec![0; n + m],
            potential: vec![0.0; n + m],
            first_child: vec![NONE; n + m],
            sibling: [vec![NONE; n + m], vec![NONE; n + m]],
            stack: Vec::new(),
        };
        let [row_order, column_order] = along_a_curve([rows, columns]);
        let (mut i, mut j) = (0, 0);
        let (mut left, mut wanted) = (supply[row_order[0]], demand[column_order[0]]);
        let mut flow = left.min(wanted);
        tree.hang(n + column_order[0], row_order[0], flow);
        while i + 1 < n || j + 1 < m {
            left -= flow;
            wanted -= flow;
            // If both are used up the arc of the next row has no flow: it points to the root, as strong feasibility wants.
            let next_row = j + 1 == m || (i + 1 < n && left <= wanted);
            let node;
            let to;
            if next_row {
                i += 1;
                left = supply[row_order[i]];
                (node, to) = (row_order[i], n + column_order[j]);
            } else {
                j += 1;
                wanted = demand[column_order[j]];
                (node, to) = (n + column_order[j], row_order[i]);
            }
            flow = left.min(wanted).max(0.0);
            tree.hang(node, to, flow);
        }
        tree.settle();
        tree
    }

    fn place(&self, node: usize) -> [f64; 2] {
        let n = self.rows.len();
        if node < n {
            self.rows.at(node)
        } else {
            self.columns.at(node - n)
        }
    }

    /// Row and column (as nodes) of the arc between a node and its parent.
    fn arc(&self, node: usize) -> (usize, usize) {
        let parent = self.parent[node];
        (node.min(parent), node.max(parent))
    }

    fn hang(&mut self, node: usize, parent: usize, flow: f64) {
        self.parent[node] = parent;
        self.flow[node] = flow;
        let next = self.first_child[parent];
        self.first_child[parent] = node;
        self.sibling[0][node] = NONE;
        self.sibling[1][node] = next;
        if next != NONE {
            self.sibling[0][next] = node;
        }
    }

    fn cut(&mut self, node: usize) {
        let [before, after] = [self.sibling[0][node], self.sibling[1][node]];
        if before == NONE {
            self.first_child[self.parent[node]] = after;
        } else {
            self.sibling[1][before] = after;
        }
        if after != NONE {
            self.sibling[0][after] = before;
        }
    }

    /// Depths and potentials of all nodes, from those of the root. A constant can be moved from the columns to the rows: it is chosen so that
    /// the median price is 0, lest a root far away leave all others its rounding.
    fn settle(&mut self) {
        let root = (0..self.parent.len()).find(|&node| self.parent[node] == NONE);
        let root = root.unwrap_or(0);
        self.settle_below(root);
        let n = self.rows.len();
        let mut prices = self.potential[n..].to_vec();
        let middle = prices.len() / 2;
        let (_, &mut median, _) = prices.select_nth_unstable_by(middle, f64::total_cmp);
        self.potential[root] += if root < n { median } else { -median };
        self.settle_below(root);
    }

    /// Depths and potentials below a node, from its own.
    fn settle_below(&mut self, top: usize) {
        self.stack.push(top);
        while let Some(node) = self.stack.pop() {
            let (depth, potential, at) = (self.depth[node], self.potential[node], self.place(node));
            let mut child = self.first_child[node];
            while child != NONE {
                self.depth[child] = depth + 1;
                self.potential[child] = squared(at, self.place(child)) - potential;
                self.stack.push(child);
                child = self.sibling[1][child];
            }
        }
    }

    /// Lets the arc from `row` to `column` into the tree: mass goes around the cycle it closes until some arc is empty and leaves.
    fn enter(&mut self, row: usize, column: usize) {
        let mut ends = [row, column];
        while ends[0] != ends[1] {
            let deeper = usize::from(self.depth[ends[1]] > self.depth[ends[0]]);
            ends[deeper] = self.parent[ends[deeper]];
        }
        let join = ends[0];
        // Above the entering row the arcs of rows lose mass, above the column those of columns. Of equals the last one on the way around leaves.
        let is_row = |node: usize| node < self.rows.len();
        let (mut amount, mut leaving, mut on_row_side) = (f64::INFINITY, NONE, true);
        let mut node = row;
        while node != join {
            if is_row(node) && self.flow[node] < amount {
                (amount, leaving) = (self.flow[node], node);
            }
            node = self.parent[node];
        }
        node = column;
        while node != join {
            if !is_row(node) && self.flow[node] <= amount {
                (amount, leaving, on_row_side) = (self.flow[node], node, false);
            }
            node = self.parent[node];
        }
        if amount > 0.0 {
            for (start, losing) in [(row, true), (column, false)] {
                node = start;
                while node != join {
                    let sign = if is_row(node) == losing { -1.0 } else { 1.0 };
                    self.flow[node] += sign * amount;
                    node = self.parent[node];
                }
            }
        }
        // What hung on the leaving arc hangs on the entering one now: the parents between the two turn around.
        let (mut node, mut parent) = if on_row_side {
            (row, column)
        } else {
            (column, row)
        };
        let top = node;
        let mut flow = amount;
        loop {
            let (next, own) = (self.parent[node], self.flow[node]);
            self.cut(node);
            self.hang(node, parent, flow);
            if node == leaving {
                break;
            }
            (parent, node, flow) = (node, next, own);
        }
        let above = self.parent[top];
        self.depth[top] = self.depth[above] + 1;
        self.potential[top] = squared(self.place(top), self.place(above)) - self.potential[above];
        self.settle_below(top);
    }
}

/// The places of each cloud in the order of one curve over both, on which neighbours tend to be near each other.
fn along_a_curve(clouds: [&Planar; 2]) -> [Vec<usize>; 2] {
    let [from, to] = clouds.map(Planar::bounds);
    let corners = [0, 1].map(|k| [from[k][0].min(to[k][0]), from[k][1].max(to[k][1])]);
    clouds.map(|cloud| {
        let order = along_curve(cloud, corners);
        order.into_iter().map(|i| i as usize).collect()
    })
}

/// The least of `‖at − y_j‖² − v_j` over the columns, and where it is.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
pub(crate) fn lowest(at: [f64; 2], columns: [&[f64]; 3]) -> (f64, usize) {
    const LANES: usize = 16;
    let m = columns[2].len();
    let [x, y, v] = columns.map(|column| &column[..m]);
    let value = |j: usize| {
        let (dx, dy) = (x[j] - at[0], y[j] - at[1]);
        dx * dx + dy * dy - v[j]
    };
    let mut lows = [f64::INFINITY; LANES];
    let mut places = [0_u64; LANES];
    let mut start = 0;
    while start + LANES <= m {
        for lane in 0..LANES {
            let value = value(start + lane);
            let less = value < lows[lane];
            lows[lane] = if less { value } else { lows[lane] };
            places[lane] = if less { start as u64 } else { places[lane] };
        }
        start += LANES;
    }
    let mut best = (f64::INFINITY, 0);
    for lane in 0..LANES {
        if lows[lane] < best.0 {
            best = (lows[lane], places[lane] as usize + lane);
        }
    }
    for j in start..m {
        if value(j) < best.0 {
            best = (value(j), j);
        }
    }
    best
}
