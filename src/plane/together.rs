//! Nearest neighbours of many points at once: those of one leaf of a tree are looked for together.

use multiversion::multiversion;
use rayon::prelude::*;

use super::batch::Batch;
use super::neighbours::{LEAF, Leaf, Neighbours, distance};
#[cfg(target_arch = "x86_64")]
use super::wide;

/// Leaves of queries that one task takes.
const LEAVES: usize = 8;

/// For each point of `from`, in its tree's order, the squares of the distances to the `wanted` nearest points of `to`, nearest first, and others beyond them;
/// infinite where there are no more. A point is no neighbour of its own where both are `same`.
pub(crate) fn nearest<const N: usize>(
    from: &Neighbours,
    to: &Neighbours,
    same: bool,
) -> Vec<[f64; N]> {
    each(from, to, same, N, |_| {
        ([f64::INFINITY; N], f64::NEG_INFINITY)
    })
}

/// What [`Neighbours::within`] gives for each point of `from`, in its tree's order, with a bound for each.
pub(crate) fn nearest_within<const N: usize>(
    from: &Neighbours,
    to: &Neighbours,
    wanted: usize,
    bounds: &[f64],
) -> Vec<f64> {
    let found = each(from, to, false, wanted, |i| {
        ([bounds[i].next_up(); N], bounds[i])
    });
    let found = found.iter().zip(bounds);
    found
        .map(|(near, &bound)| match near[wanted - 1] {
            last if last <= bound => last,
            _ => f64::INFINITY,
        })
        .collect()
}

fn each<const N: usize>(
    from: &Neighbours,
    to: &Neighbours,
    same: bool,
    wanted: usize,
    begin: impl Fn(usize) -> ([f64; N], f64) + Sync,
) -> Vec<[f64; N]> {
    let found: Vec<Vec<[f64; N]>> = from
        .leaves()
        .par_iter()
        .enumerate()
        .with_min_len(LEAVES)
        .map(|(place, leaf)| {
            let [x_low, x_high, y_low, y_high] = leaf.edges;
            let mut batch = Batch {
                leaf: *leaf,
                middle: [f64::midpoint(x_low, x_high), f64::midpoint(y_low, y_high)],
                wanted,
                near: [[f64::INFINITY; N]; LEAF],
                enough: [f64::NEG_INFINITY; LEAF],
                widest: f64::INFINITY,
            };
            for i in 0..leaf.count {
                (batch.near[i], batch.enough[i]) = begin(leaf.start + i);
            }
            batch.narrow();
            visit(to, 0, &mut batch, same.then_some(place));
            batch.near[..leaf.count].to_vec()
        })
        .collect();
    found.concat()
}

fn visit<const N: usize>(to: &Neighbours, node: usize, batch: &mut Batch<N>, own: Option<usize>) {
    let edges = to.edges(node);
    if batch.distance_to(edges) >= batch.widest {
        return;
    }
    if let Some(place) = to.leaf(node) {
        let (leaf, own) = (&to.leaves()[place], own == Some(place));
        #[cfg(target_arch = "x86_64")]
        let done = wide::scan(leaf, edges, batch, own);
        #[cfg(not(target_arch = "x86_64"))]
        let done = false;
        if !done {
            scan(leaf, edges, batch, own);
        }
        batch.narrow();
        return;
    }
    let [left, right] = [2 * node + 1, 2 * node + 2];
    let [to_left, to_right] = [left, right].map(|child| distance(batch.middle, to.edges(child)));
    let order = if to_left <= to_right {
        [left, right]
    } else {
        [right, left]
    };
    for child in order {
        visit(to, child, batch, own);
    }
}

/// Looks through a leaf for all queries that it is not too far from.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn scan<const N: usize>(leaf: &Leaf, edges: [f64; 4], batch: &mut Batch<N>, own: bool) {
    for i in 0..batch.leaf.count {
        let at = [batch.leaf.x[i], batch.leaf.y[i]];
        let bound = batch.near[i][batch.wanted - 1];
        if bound < batch.enough[i] || distance(at, edges) >= bound {
            continue;
        }
        let mut squares = [0.0; LEAF];
        for (squared, (x, y)) in squares.iter_mut().zip(leaf.x.iter().zip(&leaf.y)) {
            let (dx, dy) = (x - at[0], y - at[1]);
            *squared = dx * dx + dy * dy;
        }
        if own {
            squares[i] = f64::INFINITY;
        }
        let mut nearer = 0_u32;
        for (lane, &squared) in squares.iter().enumerate() {
            nearer |= u32::from(squared < bound) << lane;
        }
        let near = &mut batch.near[i];
        while nearer != 0 {
            let squared = squares[nearer.trailing_zeros() as usize % LEAF];
            nearer &= nearer - 1;
            // Each place keeps its own, or takes the new one, or what the place before it had.
            let before = *near;
            near[0] = if squared < before[0] {
                squared
            } else {
                before[0]
            };
            for k in 1..N {
                let pushed = if squared > before[k - 1] {
                    squared
                } else {
                    before[k - 1]
                };
                near[k] = if pushed < before[k] {
                    pushed
                } else {
                    before[k]
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::planar::Planar;
    use super::*;

    /// Where there are wide registers, the other search is not asked otherwise.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn wide_registers_find_what_the_plain_search_finds() {
        let points = Planar {
            x: (0..200).map(|i| (1.3 * f64::from(i)).sin()).collect(),
            y: (0..200).map(|i| f64::from(i % 7)).collect(),
        };
        let tree = Neighbours::new(&points);
        let leaves = tree.leaves();
        for from in leaves {
            let mut batch = Batch::<5> {
                leaf: *from,
                middle: [0.0; 2],
                wanted: 3,
                near: [[f64::INFINITY; 5]; LEAF],
                enough: [0.01; LEAF],
                widest: f64::INFINITY,
            };
            for to in leaves {
                let own = std::ptr::eq(from, to);
                let before = batch.near;
                if !wide::scan(to, to.edges, &mut batch, own) {
                    eprintln!("SKIPPED: this processor has no such registers");
                    return;
                }
                let found = std::mem::replace(&mut batch.near, before);
                scan(to, to.edges, &mut batch, own);
                assert_eq!(batch.near, found);
            }
        }
    }

    #[test]
    fn together_they_find_what_each_finds_alone() {
        let points = |n: usize, phase: f64| Planar {
            x: (0..n).map(|i| (1.3 * i as f64 + phase).sin()).collect(),
            // Some are equal altogether.
            y: (0..n).map(|i| (i / 3 % 7) as f64 + phase).collect(),
        };
        for (n, m) in [(1, 1), (9, 40), (17, 16), (500, 333), (64, 2000)] {
            let [from, to] = [(n, 0.0), (m, 0.3)].map(|(n, at)| Neighbours::new(&points(n, at)));
            let own = nearest::<8>(&from, &from, true);
            let other = nearest::<8>(&from, &to, false);
            let bounds: Vec<f64> = (0..n).map(|i| 0.01 * i as f64).collect();
            let bounded = nearest_within::<8>(&from, &to, 5, &bounds);
            for (i, (at, place)) in from.points().enumerate() {
                for k in 1..=8 {
                    let alone = from.nearest(at, k, Some(place)).bound();
                    assert_eq!(own[i][k - 1], alone, "{n}, {i}, {k}");
                    assert_eq!(other[i][k - 1], to.nearest(at, k, None).bound());
                }
                let alone = to.within(at, 5, bounds[i]);
                let same = bounded[i] == alone || bounded[i].max(alone) < bounds[i];
                assert!(same, "{n}, {i}: {} and {alone}", bounded[i]);
            }
        }
    }
}
