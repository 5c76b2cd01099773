//! Clouds that fall into parts far from each other: what is matched within a part needs none of the digits that the others take up.

use crate::plane::Planar;

/// Places in a cloud and in a reference that are matched among themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) rows: Vec<usize>,
    pub(crate) columns: Vec<usize>,
}

/// The parts of two clouds such that some cheapest plan leaves none of them. Each point of the first cloud has the mass
/// `columns.len()`, each of the second `rows.len()`, so that the totals are equal.
///
/// Each part holds as much mass of either cloud, and its points are no further from each other than from all others. A plan that takes mass
/// out of a part takes as much into it, and pays at least the square of that distance for it; led to each other within the part, the two pay no
/// more. Such parts are found among the clusters of single linkage, whose tree is that of the shortest connections (Gower and Ross, *J. R.
/// Stat. Soc. C* 18, 1969); of the partitions into parts it is the finest. Takes a time that grows as the square of the number of points.
pub(crate) fn parts(rows: &Planar, columns: &Planar) -> Vec<Part> {
    let ratio = [columns.len(), rows.len()];
    let mut clusters: Vec<Cluster> = (0..rows.len() + columns.len())
        .map(|place| Cluster::of(rows, columns, place))
        .collect();
    // The cluster that each one has become part of.
    let mut above: Vec<usize> = (0..clusters.len()).collect();
    for (distance, ends) in connections(&clusters) {
        let two = ends.map(|mut end| {
            while above[end] != end {
                above[end] = above[above[end]];
                end = above[end];
            }
            end
        });
        let merged = clusters.len();
        for &one in &two {
            let is_part = clusters[one].is_balanced(ratio) && clusters[one].size() <= distance;
            let found = &mut clusters[one].finest;
            if found.is_none() && is_part {
                *found = Some(vec![one]);
            }
            above[one] = merged;
        }
        let [a, b] = two.map(|one| (clusters[one].finest.take(), clusters[one].clone()));
        let finest = a.0.zip(b.0).map(|(mut a, mut b)| {
            if a.len() < b.len() {
                std::mem::swap(&mut a, &mut b);
            }
            a.extend(b);
            a
        });
        clusters.push(Cluster {
            bounds: [0, 1].map(|k| {
                let [one, other] = [a.1.bounds[k], b.1.bounds[k]];
                [one[0].min(other[0]), one[1].max(other[1])]
            }),
            counts: [0, 1].map(|k| a.1.counts[k] + b.1.counts[k]),
            children: Some(two),
            finest,
        });
        above.push(merged);
    }
    let root = clusters.len() - 1;
    let finest = clusters[root].finest.take();
    let mut parts: Vec<Part> = finest
        .unwrap_or_else(|| vec![root])
        .into_iter()
        .map(|top| part(&clusters, top, rows.len()))
        .collect();
    parts.sort_unstable_by(|a, b| a.rows.cmp(&b.rows));
    parts
}

/// Points that are nearer to some other of them than to all the rest.
#[derive(Clone, Debug)]
struct Cluster {
    bounds: [[f64; 2]; 2],
    /// Points of either cloud.
    counts: [usize; 2],
    /// None for a single point, whose place among the clusters is that among rows and columns.
    children: Option<[usize; 2]>,
    /// The finest partition into parts, if there is one.
    finest: Option<Vec<usize>>,
}

impl Cluster {
    fn of(rows: &Planar, columns: &Planar, place: usize) -> Self {
        let row = place < rows.len();
        let (cloud, i) = if row {
            (rows, place)
        } else {
            (columns, place - rows.len())
        };
        Self {
            bounds: [[cloud.x[i]; 2], [cloud.y[i]; 2]],
            counts: [usize::from(row), usize::from(!row)],
            children: None,
            finest: None,
        }
    }

    fn is_balanced(&self, ratio: [usize; 2]) -> bool {
        self.counts[0] * ratio[0] == self.counts[1] * ratio[1]
    }

    /// A length that no two of the points are further apart than.
    fn size(&self) -> f64 {
        let [x, y] = self.bounds;
        (x[1] - x[0]).hypot(y[1] - y[0])
    }
}

/// The shortest connections that tie all points together (Prim 1957), from short to long.
fn connections(points: &[Cluster]) -> Vec<(f64, [usize; 2])> {
    let at = |i: usize| points[i].bounds.map(|side| side[0]);
    let n = points.len();
    let mut nearest = vec![(f64::INFINITY, 0); n];
    let mut left: Vec<usize> = (1..n).collect();
    let mut found = Vec::with_capacity(n);
    let mut last = 0;
    while !left.is_empty() {
        let here = at(last);
        let mut best = (f64::INFINITY, 0);
        for (place, &i) in left.iter().enumerate() {
            let there = at(i);
            let distance = (there[0] - here[0]).hypot(there[1] - here[1]);
            if distance < nearest[i].0 {
                nearest[i] = (distance, last);
            }
            if nearest[i].0 < best.0 || place == 0 {
                best = (nearest[i].0, place);
            }
        }
        last = left.swap_remove(best.1);
        found.push((best.0, [nearest[last].1, last]));
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found
}

/// The points of a cluster.
fn part(clusters: &[Cluster], top: usize, rows: usize) -> Part {
    let mut part = Part::default();
    let mut open = vec![top];
    while let Some(one) = open.pop() {
        match clusters[one].children {
            Some(two) => open.extend(two),
            None if one < rows => part.rows.push(one),
            None => part.columns.push(one - rows),
        }
    }
    part.rows.sort_unstable();
    part.columns.sort_unstable();
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planar(points: &[[f64; 2]]) -> Planar {
        Planar {
            x: points.iter().map(|p| p[0]).collect(),
            y: points.iter().map(|p| p[1]).collect(),
        }
    }

    #[test]
    fn parts_are_far_apart_and_hold_as_much_of_either_cloud() {
        let a = planar(&[[0.0, 0.0], [1.0, 0.0], [1e7, 3.0], [1e7, 1e300]]);
        let b = planar(&[[1e7, 1e300], [0.5, 0.0], [1e7, 4.0], [0.6, 0.0]]);
        let mut found = parts(&a, &b);
        found.sort_by_key(|part| part.rows[0]);
        let part = |rows: &[usize], columns: &[usize]| Part {
            rows: rows.to_vec(),
            columns: columns.to_vec(),
        };
        let expected = [part(&[0, 1], &[1, 3]), part(&[2], &[2]), part(&[3], &[0])];
        assert_eq!(found, expected);
        // Far apart, but one side has more: the mass has to cross.
        let c = planar(&[[0.0, 0.0], [0.5, 0.0], [0.6, 0.0], [1e7, 4.0]]);
        assert_eq!(parts(&a, &c).len(), 1);
        // Of two sizes, as much mass counts, not as many points.
        let d = planar(&[[0.1, 0.0], [1e7, 3.0]]);
        let e = planar(&[[0.0, 0.0], [1.0, 0.0], [1e7, 3.0], [1e7, 2.0]]);
        assert_eq!(parts(&e, &d).len(), 2);
        // Pairs of twins, each nearer to each other than to all others.
        let rows: Vec<[f64; 2]> = (0..50)
            .map(|i| [f64::from(i * i), 0.3 * f64::from(i)])
            .collect();
        let twins: Vec<[f64; 2]> = rows.iter().rev().map(|p| [p[0] + 0.1, p[1]]).collect();
        let found = parts(&planar(&rows), &planar(&twins));
        assert_eq!(found.len(), 50);
        assert!(
            found
                .iter()
                .all(|part| part.columns[0] == 49 - part.rows[0])
        );
        // Near each other, nothing can be taken apart: 0 → 1 and 1 → 2 is cheaper than 0 → 2.
        let (f, g) = (
            planar(&[[0.0, 0.0], [1.0, 0.0]]),
            planar(&[[1.0, 0.0], [2.0, 0.0]]),
        );
        assert_eq!(parts(&f, &g).len(), 1);
    }
}
