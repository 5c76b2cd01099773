//! A curve that fills the plane: points that are neighbours on it are neighbours in the plane.

use multiversion::multiversion;
use rayon::prelude::*;

use super::planar::Planar;
use crate::cloud::by_place;

/// Cells of the Hilbert curve along each axis, as a power of two.
const DEPTH: u32 = 16;

/// Points in one cell that are left in the order in which they came.
const CROWD: usize = 64;

/// Indices of points in the order of the Hilbert curve over a rectangle, given by lowest and highest coordinate along each axis; a few points in one cell in the order in which they
/// came, and very many, as there are where others are far away, along a curve of their own.
pub(crate) fn along_curve(points: &Planar, corners: [[f64; 2]; 2]) -> Vec<u32> {
    let keys = sorted_keys(points, corners);
    let mut crowds = Vec::new();
    let mut start = 0;
    for cell in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
        if cell.len() > CROWD {
            crowds.push(start..start + cell.len());
        }
        start += cell.len();
    }
    let keys = keys.into_par_iter().with_min_len(4096);
    let mut order: Vec<u32> = keys.map(|key| key as u32).collect();
    for crowd in crowds {
        let own = order[crowd.clone()].to_vec();
        let points = points.map(|side| own.iter().map(|&i| side[i as usize]).collect());
        let corners = points.bounds();
        if corners.iter().any(|[low, high]| low < high) {
            let finer = along_curve(&points, corners);
            for (into, i) in order[crowd].iter_mut().zip(finer) {
                *into = own[i as usize];
            }
        }
    }
    order
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
    sort(keys)
}

/// Sorts numbers by their upper halves, of which the lower ones are in order already: pieces of the list into boxes, and then each box.
fn sort(mut keys: Vec<u64>) -> Vec<u64> {
    /// Numbers of a piece; with a copy they stay in the second-level cache.
    const PIECE: usize = 32_768;
    const BOXES: usize = 1 << 12;
    const SHIFT: u32 = 64 - BOXES.ilog2();
    if keys.len() <= FEW {
        radsort::sort_by_key(&mut keys, |key| (key >> 32) as u32);
        return keys;
    }
    // Where each box begins in each piece, and ends.
    let place = |key: u64| (key >> SHIFT) as usize;
    let starts: Vec<Vec<u32>> = keys
        .par_chunks_mut(PIECE)
        .map(|keys| {
            let mut starts = vec![0; BOXES + 1];
            for &key in &*keys {
                starts[place(key) + 1] += 1;
            }
            for at in 1..=BOXES {
                starts[at] += starts[at - 1];
            }
            let (copy, mut next) = (keys.to_vec(), starts.clone());
            for key in copy {
                let next = &mut next[place(key)];
                keys[*next as usize] = key;
                *next += 1;
            }
            starts
        })
        .collect();
    let mut sorted = vec![0; keys.len()];
    let mut rest = sorted.as_mut_slice();
    let mut boxes = Vec::with_capacity(BOXES);
    for at in 0..BOXES {
        let size: u32 = starts.iter().map(|piece| piece[at + 1] - piece[at]).sum();
        let (own, others) = rest.split_at_mut(size as usize);
        boxes.push(own);
        rest = others;
    }
    boxes.into_par_iter().enumerate().for_each(|(at, sorted)| {
        let mut rest = &mut *sorted;
        for (keys, starts) in keys.chunks(PIECE).zip(&starts) {
            let own = &keys[starts[at] as usize..starts[at + 1] as usize];
            let (into, others) = rest.split_at_mut(own.len());
            into.copy_from_slice(own);
            rest = others;
        }
        // Where most of the numbers are in one box, there is nobody else to share the work with.
        if sorted.len() > PIECE {
            sorted.par_sort_unstable();
        } else {
            sorted.sort_unstable();
        }
    });
    sorted
}

/// So many keys are sorted by their digits, on one thread, before many threads have compared them. Indices are in order already.
const FEW: usize = 1 << 16;

/// Cells whose places are found side by side.
const LANES: usize = 16;

/// Places of cells along the Hilbert curve (Hilbert 1891): at each scale the quadrant's number, seen in the frame in
/// which the curve enters it.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
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
    fn numbers_are_sorted_wherever_they_crowd() {
        let spread = 0x9E37_79B9;
        for (count, factor) in [(1000, spread), (200_000, spread), (200_000, 977)] {
            let place = |i: u32| u64::from(i.wrapping_mul(factor) / 3);
            let keys: Vec<u64> = (0..count).map(|i| place(i) << 32 | u64::from(i)).collect();
            let mut expected = keys.clone();
            expected.sort_unstable();
            assert_eq!(sort(keys), expected);
        }
    }

    /// Two clouds and a point, each in one cell of a curve around all, and each as if it were alone.
    #[test]
    fn clouds_far_apart_have_curves_of_their_own() {
        let (count, far) = (2000, 1e9);
        let at = |i: u32, factor: u32| f64::from(i * factor % 997);
        let cloud = |shift: f64| Planar {
            x: (0..count).map(|i| at(i, 31) + shift).collect(),
            y: (0..count).map(|i| at(i, 77)).collect(),
        };
        let (near, away) = (cloud(0.0), cloud(far));
        let alone = along_curve(&near, near.bounds());
        let both = Planar {
            x: [near.x, away.x, vec![1.6 * far]].concat(),
            y: [near.y, away.y, vec![0.0]].concat(),
        };
        let order = along_curve(&both, both.bounds());
        assert_eq!(order[..count as usize], alone);
        let next = order[count as usize..2 * count as usize].iter();
        assert_eq!(next.map(|i| i - count).collect::<Vec<u32>>(), alone);
    }

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
