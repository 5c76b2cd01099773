//! Few points that stand for many: evenly spread over all of them, whatever their order.

use crate::cloud::{self, Cloud, CloudView, by_place};

/// At most `count` of the points, each the one furthest from those chosen before, beginning with the one nearest to the
/// mean (Gonzalez 1985). The choice depends on no order and moves with the points. Coinciding points are taken once.
pub(crate) fn spread_out(points: CloudView<'_>, count: usize) -> Cloud {
    let places: Vec<[f64; 2]> = points.rows().into_iter().map(|p| [p[0], p[1]]).collect();
    let [x, y] = cloud::mean(points);
    let square = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
    let mut gaps: Vec<f64> = places.iter().map(|&p| -square(p, [x, y])).collect();
    let mut chosen = Vec::with_capacity(count.min(places.len()));
    while chosen.len() < count {
        // Of equally far ones the last in reading order, so that the order of the list does not matter.
        let furthest = (0..places.len()).max_by(|&i, &j| {
            let tie = || by_place(places[i], places[j]);
            gaps[i].total_cmp(&gaps[j]).then_with(tie)
        });
        let Some(next) = furthest else { break };
        if chosen.is_empty() {
            gaps.fill(f64::INFINITY);
        } else if gaps[next] <= 0.0 {
            break;
        }
        chosen.push(next);
        let place = places[next];
        for (gap, &other) in gaps.iter_mut().zip(&places) {
            *gap = gap.min(square(place, other));
        }
    }
    cloud::rows(points, &chosen)
}

/// The points in reading order.
pub(crate) fn in_order(points: CloudView<'_>) -> Cloud {
    cloud::rows(points, &cloud::in_order(points))
}

/// The points as at most `count` centres, each the mean of the samples nearest to one of [`spread_out`], with the share of
/// the samples that it stands for. With `count` points or fewer they are the points themselves.
pub(crate) fn condense(points: CloudView<'_>, count: usize) -> (Cloud, Vec<f64>) {
    let all = points.nrows();
    if all <= count {
        return (points.to_owned(), vec![1.0 / all as f64; all]);
    }
    let chosen = spread_out(points, count);
    let mut sums = Cloud::zeros(chosen.raw_dim());
    let mut counts = vec![0.0; chosen.nrows()];
    for point in points.rows() {
        let distance =
            |c: usize| (point[0] - chosen[[c, 0]]).powi(2) + (point[1] - chosen[[c, 1]]).powi(2);
        let nearest = (0..chosen.nrows()).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        let Some(nearest) = nearest else { continue };
        counts[nearest] += 1.0;
        let mut sum = sums.row_mut(nearest);
        sum += &point;
    }
    for (mut sum, count) in sums.rows_mut().into_iter().zip(&mut counts) {
        sum.mapv_inplace(|v| v / *count);
        *count /= all as f64;
    }
    (sums, counts)
}

/// The fold, below `folds`, of each point: its rank by distance from the mean, modulo `folds`.
pub(crate) fn folds(points: CloudView<'_>, folds: usize) -> Vec<usize> {
    let [x, y] = cloud::mean(points);
    let distances: Vec<f64> = points
        .rows()
        .into_iter()
        .map(|p| (p[0] - x).hypot(p[1] - y))
        .collect();
    let mut order: Vec<usize> = (0..distances.len()).collect();
    order.sort_by(|&i, &j| distances[i].total_cmp(&distances[j]));
    let mut found = vec![0; order.len()];
    for (rank, i) in order.into_iter().enumerate() {
        found[i] = rank % folds;
    }
    found
}
