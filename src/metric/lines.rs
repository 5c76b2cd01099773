//! The points seen from many directions.

use std::f64::consts::PI;

use rayon::prelude::*;

use crate::plane::Planar;

/// Directions taken unless said otherwise.
pub(super) const DIRECTIONS: usize = 64;

/// The points on each of so many lines at equal angles `πj/K`, sorted; roughly, to 1e-7 of the extent of the points, in half of the time.
pub(super) fn projections(points: &Planar, count: usize, roughly: bool) -> Vec<Vec<f64>> {
    let direction = |j: usize| {
        let (sin, cos) = (PI * j as f64 / count as f64).sin_cos();
        [cos, sin]
    };
    let all = (0..count).into_par_iter();
    if let Some(from) = points.first().filter(|_| roughly) {
        // Single precision counts from one of the points, so that it does not matter where they all lie.
        return all
            .map(|j| project_roughly(points, from, direction(j)))
            .collect();
    }
    all.map(|j| project(points, direction(j))).collect()
}

fn project_roughly(points: &Planar, [x, y]: [f64; 2], [cos, sin]: [f64; 2]) -> Vec<f64> {
    let pairs = points.x.iter().zip(&points.y);
    let mut line: Vec<f32> = pairs
        .map(|(u, v)| (cos * (u - x) + sin * (v - y)) as f32)
        .collect();
    radsort::sort(&mut line);
    let origin = cos * x + sin * y;
    line.into_iter().map(|at| origin + f64::from(at)).collect()
}

fn project(points: &Planar, direction: [f64; 2]) -> Vec<f64> {
    let mut line = points.along(direction);
    radsort::sort(&mut line);
    line
}
