//! Points in the order of the cells of a grid.

use std::ops::Range;

use rayon::prelude::*;

/// Points that are sorted together at least.
const FEWEST: usize = 4096;
/// Parts into which many points are cut at least.
const PARTS: usize = 8;
/// Points that are sorted together at most: what is known of them stays in the second-level cache.
const MOST: usize = 32_768;

/// Cells further out than this are not told apart.
const FURTHEST: f64 = 1_073_741_824.0;

/// A cloud, cut into parts that are sorted each on its own.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) parts: Vec<Part>,
    /// Whether the parts are stretches of the curve, and not of the list.
    pub(super) along_curve: bool,
    extent: [[i32; 2]; 2],
}

impl Cells {
    /// Whether points are to be cut into parts along a curve: where the nodes of a grid, so many at most, are more than the second-level cache holds, points of one part
    /// should be neighbours.
    pub(super) fn pays_to_curve(points: usize, nodes: f64) -> bool {
        const NEAR: f64 = 65_536.0;
        points > MOST && nodes > NEAR
    }

    /// Sorts points into cells of side `side`.
    pub(super) fn new([x, y]: [&[f64]; 2], side: f64, along_curve: bool) -> Self {
        let size = x.len().div_ceil(PARTS).clamp(FEWEST, MOST);
        let parts: Vec<Part> = x
            .par_chunks(size)
            .zip(y.par_chunks(size))
            .map(|(x, y)| Part::new(x, y, side))
            .collect();
        let extent = parts
            .iter()
            .map(|part| part.extent)
            .reduce(|[a, b], [c, d]| {
                [
                    [a[0].min(c[0]), a[1].min(c[1])],
                    [b[0].max(d[0]), b[1].max(d[1])],
                ]
            })
            .unwrap_or_default();
        Self {
            parts,
            along_curve,
            extent,
        }
    }

    /// Lowest and highest column and row.
    pub(super) fn extent(&self) -> [[i32; 2]; 2] {
        self.extent
    }
}

/// Points row by row of cells, in each cell in the order in which they came.
#[derive(Debug)]
pub(super) struct Part {
    /// Where each point came to stand.
    pub(super) rank: Vec<u32>,
    column: Vec<i32>,
    row: Vec<i32>,
    /// Distance from the corner of the cell, from 0 to 1.
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    extent: [[i32; 2]; 2],
}

impl Part {
    fn new(x: &[f64], y: &[f64], side: f64) -> Self {
        let [columns, rows] =
            [x, y].map(|v| -> Vec<i32> { v.iter().map(|v| cell(v / side)).collect() });
        let [left, low] = [&columns, &rows].map(|v| v.iter().copied().min().unwrap_or(0));
        let [right, high] = [&columns, &rows].map(|v| v.iter().copied().max().unwrap_or(0));
        let width = (i64::from(right) - i64::from(left) + 1) as u64;
        let height = (i64::from(high) - i64::from(low) + 1) as u64;
        let keys = columns.iter().zip(&rows).map(|(&column, &row)| {
            let [column, row] = [(column, left), (row, low)]
                .map(|(cell, first)| (i64::from(cell) - i64::from(first)) as u64);
            row * width + column
        });
        let rank = if width.saturating_mul(height) <= 16 * x.len() as u64 + 4096 {
            rank_by_counting(keys, (width * height) as usize)
        } else {
            rank_by_comparing(keys)
        };
        let count = rank.len();
        let mut part = Self {
            column: vec![0; count],
            row: vec![0; count],
            x: vec![0.0; count],
            y: vec![0.0; count],
            extent: [[left, low], [right, high]],
            rank,
        };
        for (i, &place) in part.rank.iter().enumerate() {
            let place = place as usize;
            part.column[place] = columns[i];
            part.row[place] = rows[i];
            part.x[place] = x[i] / side - f64::from(columns[i]);
            part.y[place] = y[i] / side - f64::from(rows[i]);
        }
        part
    }

    /// Number of points.
    pub(super) fn len(&self) -> usize {
        self.rank.len()
    }

    /// Column and row of point `i` in the new order.
    pub(super) fn cell(&self, i: usize) -> [i32; 2] {
        [self.column[i], self.row[i]]
    }

    /// The points in some rows.
    pub(super) fn rows(&self, rows: Range<i32>) -> Range<usize> {
        let first = |row: i32| self.row.partition_point(|&r| r < row);
        first(rows.start)..first(rows.end)
    }

    /// The points from `start` on, before `end`, that are in the same cell.
    pub(super) fn run(&self, start: usize, end: usize) -> Range<usize> {
        let cell = self.cell(start);
        let next = (start + 1..end).find(|&i| self.cell(i) != cell);
        start..next.unwrap_or(end)
    }
}

/// The cell that holds a point this many sides from the origin: what is below it in whole numbers. The library's `floor` is a call
/// where the processor may be an old one.
fn cell(at: f64) -> i32 {
    let at = at.clamp(-FURTHEST, FURTHEST);
    let whole = at as i32;
    whole - i32::from(at < f64::from(whole))
}

fn rank_by_counting(keys: impl Iterator<Item = u64> + Clone, cells: usize) -> Vec<u32> {
    let mut next = vec![0u32; cells + 1];
    for key in keys.clone() {
        next[key as usize + 1] += 1;
    }
    let mut before = 0;
    for next in &mut next {
        before += *next;
        *next = before;
    }
    keys.map(|key| {
        let next = &mut next[key as usize];
        *next += 1;
        *next - 1
    })
    .collect()
}

fn rank_by_comparing(keys: impl Iterator<Item = u64>) -> Vec<u32> {
    let mut order: Vec<(u64, u32)> = keys.zip(0..).collect();
    order.sort_unstable();
    let mut rank = vec![0; order.len()];
    for (place, (_, i)) in order.into_iter().enumerate() {
        rank[i as usize] = place as u32;
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_row_by_row_and_stay_in_order_within_a_cell() {
        let x: Vec<f64> = (0..500).map(|i| f64::from(i * i % 97) - 40.0).collect();
        let y: Vec<f64> = (0..500).map(|i| f64::from(i * 31 % 89) - 70.0).collect();
        // The first side is sorted by counting, the second one by comparing.
        for side in [7.0, 0.03] {
            let cells = Cells::new([&x, &y], side, false);
            let part = &cells.parts[0];
            for (i, &place) in part.rank.iter().enumerate() {
                let place = place as usize;
                let cell = part.cell(place).map(f64::from);
                assert!((side * (cell[0] + part.x[place]) - x[i]).abs() < 1e-12);
                assert!((side * (cell[1] + part.y[place]) - y[i]).abs() < 1e-12);
                assert!((0.0..1.0).contains(&part.x[place]));
            }
            let mut order = vec![0; 500];
            for (i, &place) in part.rank.iter().enumerate() {
                order[place as usize] = i;
            }
            let key = |place: usize| {
                let [column, row] = part.cell(place);
                (row, column, order[place])
            };
            assert!((1..500).all(|place| key(place - 1) < key(place)));
            for place in part.rows(-3..2) {
                assert!((-3..2).contains(&part.cell(place)[1]));
            }
            let mut start = 0;
            while start < 500 {
                let run = part.run(start, 500);
                assert!(run.clone().all(|i| part.cell(i) == part.cell(start)));
                assert!(run.end == 500 || part.cell(run.end) != part.cell(start));
                start = run.end;
            }
        }
    }
}
