//! Nearest neighbours among the points of a cloud: a balanced k-d tree that does not mind duplicates.

use super::planar::Planar;

/// Nearest-neighbour queries that one task takes.
pub(crate) const QUERIES: usize = 128;

/// Points in a leaf at most.
pub(super) const LEAF: usize = 16;

/// A k-d tree that splits by rank and not by value, so that its depth is `log₂ n` whatever the points, a thousand copies of
/// one included. Of neighbours at equal distance it keeps those it meets first, an order that depends on the points alone.
#[derive(Clone, Debug)]
pub(crate) struct Neighbours {
    points: Planar,
    /// Place of each stored point in the cloud it came from.
    index: Vec<u32>,
    /// `[x_low, x_high, y_low, y_high]` of each node; the children of node `i` are `2i+1` and `2i+2`.
    boxes: Vec<[f64; 4]>,
    leaves: Vec<Leaf>,
    /// The leaf of each node that is one.
    places: Vec<Option<u32>>,
}

/// The points of a leaf, and infinities up to the size of the largest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub(super) x: [f64; LEAF],
    pub(super) y: [f64; LEAF],
    pub(super) start: usize,
    pub(super) count: usize,
    /// `[x_low, x_high, y_low, y_high]`
    pub(super) edges: [f64; 4],
    node: usize,
}

/// The nearest points found so far, nearest first.
#[derive(Clone, Debug)]
pub(crate) struct Nearest {
    squared: Vec<f64>,
}

impl Nearest {
    /// As if so many neighbours stood at this square of a distance.
    fn new(wanted: usize, bound: f64) -> Self {
        Self {
            squared: vec![bound; wanted],
        }
    }

    /// Distance to the last of the wanted neighbours.
    pub(crate) fn radius(&self) -> f64 {
        self.bound().sqrt()
    }

    /// Its square, without the rounding of a root: a point at exactly that distance has exactly that square.
    pub(crate) fn bound(&self) -> f64 {
        self.squared.last().copied().unwrap_or(0.0)
    }

    fn offer(&mut self, squared: f64) {
        let mut place = self.squared.len() - 1;
        while place > 0 && self.squared[place - 1] > squared {
            self.squared[place] = self.squared[place - 1];
            place -= 1;
        }
        self.squared[place] = squared;
    }
}

impl Neighbours {
    pub(crate) fn new(points: &Planar) -> Self {
        let n = points.len();
        let mut order: Vec<u32> = (0..n as u32).collect();
        let mut boxes = vec![[0.0; 4]; nodes(n)];
        for (node, edges) in split(points, &mut order, 0) {
            boxes[node] = edges;
        }
        let mut leaves = Vec::new();
        let points = points.map(|side| order.iter().map(|&i| side[i as usize]).collect());
        gather(&points, [0, 0, n], &boxes, &mut leaves);
        let mut places = vec![None; boxes.len()];
        for (place, leaf) in leaves.iter().enumerate() {
            places[leaf.node] = Some(place as u32);
        }
        Self {
            points,
            index: order,
            boxes,
            leaves,
            places,
        }
    }

    /// All leaves, with the points in their order.
    pub(super) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The place of a node among the leaves, if it is one.
    pub(super) fn leaf(&self, node: usize) -> Option<usize> {
        self.places[node].map(|place| place as usize)
    }

    pub(super) fn edges(&self, node: usize) -> [f64; 4] {
        self.boxes[node]
    }

    /// The stored points with their places in the cloud. Neighbours in this order are neighbours in the plane, which
    /// keeps the nodes that one query needs in the cache for the next.
    pub(crate) fn points(&self) -> impl ExactSizeIterator<Item = ([f64; 2], u32)> {
        let coordinates = self.points.x.iter().zip(&self.points.y);
        coordinates
            .zip(&self.index)
            .map(|((&x, &y), &index)| ([x, y], index))
    }

    /// The `wanted` stored points nearest to `at`, leaving out the one at place `skip` of the cloud. The cloud must have
    /// that many.
    pub(crate) fn nearest(&self, at: [f64; 2], wanted: usize, skip: Option<u32>) -> Nearest {
        let mut found = Nearest::new(wanted, f64::INFINITY);
        let query = Query {
            at,
            skip: skip.unwrap_or(u32::MAX),
            enough: f64::NEG_INFINITY,
        };
        self.search(0, 0, self.index.len(), &query, &mut found);
        found
    }

    /// The square of the distance from `at` to the nearest stored point that lies elsewhere; `None` if all lie there. It looks at all of
    /// them, and is meant for places where neighbours coincide.
    pub(crate) fn elsewhere(&self, at: [f64; 2]) -> Option<f64> {
        let stored = self.points.x.iter().zip(&self.points.y);
        stored
            .map(|(x, y)| {
                let (dx, dy) = (x - at[0], y - at[1]);
                dx * dx + dy * dy
            })
            .filter(|&squared| squared > 0.0)
            .reduce(f64::min)
    }

    /// The square of the distance from `at` to the `wanted`-th nearest stored point where it equals `bound`; where it is less, a number between the two,
    /// which is found out sooner, and infinity where it is more.
    pub(crate) fn within(&self, at: [f64; 2], wanted: usize, bound: f64) -> f64 {
        // As if there were so many points just beyond the bound.
        let mut found = Nearest::new(wanted, bound.next_up());
        let query = Query {
            at,
            skip: u32::MAX,
            enough: bound,
        };
        self.search(0, 0, self.index.len(), &query, &mut found);
        if found.bound() <= bound {
            found.bound()
        } else {
            f64::INFINITY
        }
    }

    fn search(&self, node: usize, start: usize, end: usize, query: &Query, found: &mut Nearest) {
        if found.bound() < query.enough {
            return;
        }
        if end - start <= LEAF {
            let mut squares = [0.0; LEAF];
            let points = self.points.x[start..end]
                .iter()
                .zip(&self.points.y[start..end]);
            for (to, (x, y)) in squares.iter_mut().zip(points) {
                let (dx, dy) = (x - query.at[0], y - query.at[1]);
                *to = dx * dx + dy * dy;
            }
            for (&squared, &index) in squares.iter().zip(&self.index[start..end]) {
                if squared < found.bound() && index != query.skip {
                    found.offer(squared);
                }
            }
            return;
        }
        let middle = start.midpoint(end);
        let (left, right) = (2 * node + 1, 2 * node + 2);
        let to_left = distance(query.at, self.boxes[left]);
        let to_right = distance(query.at, self.boxes[right]);
        if to_left <= to_right {
            if to_left < found.bound() {
                self.search(left, start, middle, query, found);
            }
            if to_right < found.bound() {
                self.search(right, middle, end, query, found);
            }
        } else {
            if to_right < found.bound() {
                self.search(right, middle, end, query, found);
            }
            if to_left < found.bound() {
                self.search(left, start, middle, query, found);
            }
        }
    }
}

struct Query {
    at: [f64; 2],
    skip: u32,
    /// A square of a distance below which it does not matter how near the last of the wanted is.
    enough: f64,
}

/// Squared distance from a point to a box; 0 inside.
pub(super) fn distance([x, y]: [f64; 2], [x_low, x_high, y_low, y_high]: [f64; 4]) -> f64 {
    let dx = (x_low - x).max(x - x_high).max(0.0);
    let dy = (y_low - y).max(y - y_high).max(0.0);
    dx * dx + dy * dy
}

/// Nodes of the tree over `n` points: all levels down to that where the largest part fits a leaf.
fn nodes(n: usize) -> usize {
    let (mut nodes, mut level, mut largest) = (1, 1, n);
    while largest > LEAF {
        level *= 2;
        nodes += level;
        largest = largest.div_ceil(2);
    }
    nodes
}

/// The leaves below a node, of the points from `start` to `end`.
fn gather(
    points: &Planar,
    [node, start, end]: [usize; 3],
    boxes: &[[f64; 4]],
    leaves: &mut Vec<Leaf>,
) {
    let count = end - start;
    if count > LEAF {
        let middle = start.midpoint(end);
        gather(points, [2 * node + 1, start, middle], boxes, leaves);
        gather(points, [2 * node + 2, middle, end], boxes, leaves);
        return;
    }
    let mut leaf = Leaf {
        x: [f64::INFINITY; LEAF],
        y: [f64::INFINITY; LEAF],
        start,
        count,
        node,
        edges: boxes[node],
    };
    leaf.x[..count].copy_from_slice(&points.x[start..end]);
    leaf.y[..count].copy_from_slice(&points.y[start..end]);
    leaves.push(leaf);
}

/// Puts the points below a node in the order of the tree; gives its box and those of the nodes below it.
fn split(points: &Planar, order: &mut [u32], node: usize) -> Vec<(usize, [f64; 4])> {
    let mut boxes = Vec::new();
    split_into(&mut boxes, points, order, node);
    boxes
}

fn split_into(boxes: &mut Vec<(usize, [f64; 4])>, points: &Planar, order: &mut [u32], node: usize) {
    /// Points that are worth a task.
    const TASK: usize = 32_768;
    let side = |values: &[f64]| {
        order
            .iter()
            .map(|&i| values[i as usize])
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            })
    };
    let ((x_low, x_high), (y_low, y_high)) = (side(&points.x), side(&points.y));
    boxes.push((node, [x_low, x_high, y_low, y_high]));
    if order.len() <= LEAF {
        return;
    }
    let values = if x_high - x_low >= y_high - y_low {
        &points.x
    } else {
        &points.y
    };
    let middle = order.len() / 2;
    order.select_nth_unstable_by(middle, |&i, &j| {
        values[i as usize]
            .total_cmp(&values[j as usize])
            .then(i.cmp(&j))
    });
    let (low, high) = order.split_at_mut(middle);
    let [left, right] = [2 * node + 1, 2 * node + 2];
    if low.len() > TASK {
        let (low, high) = rayon::join(|| split(points, low, left), || split(points, high, right));
        boxes.extend(low);
        boxes.extend(high);
    } else {
        split_into(boxes, points, low, left);
        split_into(boxes, points, high, right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_sorting(points: &Planar, at: [f64; 2], wanted: usize, skip: Option<u32>) -> f64 {
        let mut all: Vec<f64> = (0..points.len())
            .filter(|&i| Some(i as u32) != skip)
            .map(|i| (points.x[i] - at[0]).hypot(points.y[i] - at[1]))
            .collect();
        all.sort_by(f64::total_cmp);
        all[wanted - 1]
    }

    #[test]
    fn agrees_with_sorting_all_distances() {
        for n in [17, 64, 101, 500] {
            let points = Planar {
                x: (0..n).map(|i| (1.3 * f64::from(i)).sin()).collect(),
                // Every third point has a twin in y, and some are equal altogether.
                y: (0..n).map(|i| f64::from(i / 3 % 7)).collect(),
            };
            let tree = Neighbours::new(&points);
            assert_eq!(tree.points().len(), n as usize);
            for wanted in [1, 5, 16] {
                for (at, place) in tree.points() {
                    for skip in [None, Some(place)] {
                        let found = tree.nearest(at, wanted, skip);
                        let expected = by_sorting(&points, at, wanted, skip);
                        assert!((found.radius() - expected).abs() < 1e-14);
                    }
                }
                // Bounded by what it is, and by a little less.
                let (at, _) = tree.points().next().unwrap();
                let squared = tree.nearest(at, wanted, None).bound();
                assert_eq!(tree.within(at, wanted, squared), squared);
                if squared > 0.0 {
                    assert!(tree.within(at, wanted, squared.next_down()).is_infinite());
                }
                let far = [10.0, -30.0];
                let expected = by_sorting(&points, far, wanted, None);
                assert!((tree.nearest(far, wanted, None).radius() - expected).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn a_thousand_copies_are_answered_from_one_leaf() {
        let points = Planar {
            x: vec![0.5; 2000],
            y: vec![-1.0; 2000],
        };
        let tree = Neighbours::new(&points);
        let found = tree.nearest([0.5, -1.0], 15, Some(7));
        assert_eq!(found.radius(), 0.0);
    }
}
