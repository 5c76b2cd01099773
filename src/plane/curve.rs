//! A curve that fills the plane: points that are neighbours on it are neighbours in the plane.

use rayon::prelude::*;

use super::planar::Planar;
use crate::cloud::by_place;

/// Cells of the Hilbert curve along each axis, as a power of two.
const DEPTH: u32 = 16;

/// Indices of points in the order of the Hilbert curve over a rectangle, given by lowest and highest coordinate along each axis; points in one cell in the order in which they came.
pub(crate) fn along_curve(points: &Planar, corners: [[f64; 2]; 2]) -> Vec<u32> {
    let keys = sorted_keys(points, corners);
    keys.into_iter().map(|key| key as u32).collect()
}

/// The same with points in one cell in the order of their places, so that the order in which they came does not matter but for points at one place.
pub(crate) fn along_curve_by_place(points: &Planar, corners: [[f64; 2]; 2]) -> Vec<u32> {
    let mut keys = sorted_keys(points, corners);
    let at = |key: &u64| points.at(*key as u32 as usize);
    for cell in keys.chunk_by_mut(|a, b| a >> 32 == b >> 32) {
        cell.sort_by(|a, b| by_place(at(a), at(b)));
    }
    keys.into_iter().map(|key| key as u32).collect()
}

/// The place of each point along the curve, and behind it its index, sorted.
fn sorted_keys(points: &Planar, corners: [[f64; 2]; 2]) -> Vec<u64> {
    const LAST: u32 = (1 << DEPTH) - 1;
    let [[left, right], [bottom, top]] = corners;
    let side = (right - left).max(top - bottom);
    let cells = f64::from(LAST);
    let scale = if side > 0.0 { cells / side } else { 0.0 };
    let cell = |v: &[f64], low: f64| -> [u32; LANES] {
        std::array::from_fn(|lane| {
            v.get(lane)
                .map_or(0, |v| (((v - low) * scale) as u32).min(LAST))
        })
    };
    let [x, y] = points.sides();
    let mut keys = vec![0; x.len()];
    keys.par_chunks_mut(LANES)
        .zip(x.par_chunks(LANES).zip(y.par_chunks(LANES)))
        .enumerate()
        .with_min_len(256)
        .for_each(|(chunk, (keys, (x, y)))| {
            let places = hilbert(cell(x, left), cell(y, bottom));
            for (lane, (key, place)) in keys.iter_mut().zip(places).enumerate() {
                *key = u64::from(place) << 32 | (chunk * LANES + lane) as u64;
            }
        });
    if keys.len() <= FEW {
        radsort::sort_by_key(&mut keys, |key| (key >> 32) as u32);
    } else {
        keys.par_sort_unstable();
    }
    keys
}

/// So many keys are sorted by their digits, on one thread, before many threads have compared them. Indices are in order already.
const FEW: usize = 1 << 16;

/// Cells whose places are found side by side.
const LANES: usize = 16;

/// Places of cells along the Hilbert curve (Hilbert 1891): at each scale the quadrant's number, seen in the frame in
/// which the curve enters it.
fn hilbert(mut x: [u32; LANES], mut y: [u32; LANES]) -> [u32; LANES] {
    let mut place = [0; LANES];
    for scale in (0..DEPTH).rev() {
        for lane in 0..LANES {
            let (right, up) = (x[lane] >> scale & 1, y[lane] >> scale & 1);
            place[lane] = place[lane] << 2 | (3 * right) ^ up;
            // The two lower quadrants are turned: the left one is mirrored, and the right one in the other diagonal.
            let turned = up.wrapping_sub(1);
            let flipped = turned & right.wrapping_neg();
            let swap = (x[lane] ^ y[lane]) & turned;
            x[lane] ^= swap ^ flipped;
            y[lane] ^= swap ^ flipped;
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_from_cell_to_neighbouring_cell() {
        let mut cells: Vec<(u32, u32)> =
            (0..32).flat_map(|x| (0..32).map(move |y| (x, y))).collect();
        cells.sort_by_key(|&(x, y)| hilbert([x; LANES], [y; LANES])[0]);
        for pair in cells.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            assert_eq!(x0.abs_diff(x1) + y0.abs_diff(y1), 1, "{pair:?}");
        }
    }
}
