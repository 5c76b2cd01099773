//! A small picture of a cloud for a terminal, in braille dots.

use std::fmt::Write as _;

use super::view::View;
use crate::cloud::CloudView;
use crate::pixels::Colour;

/// Braille dots in a character: two columns, four rows.
const WIDE: usize = 2;
const TALL: usize = 4;
/// The bit of the dot in each row and column.
const BITS: [[u8; WIDE]; TALL] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// What one character shows.
#[derive(Clone, Copy, Default)]
struct Cell {
    dots: [u32; WIDE * TALL],
    /// Sums of red, green and blue.
    paint: [u32; 3],
}

/// The particles over the target sample, `columns` characters wide, as lines of equal width. Where there are particles
/// a character shows these alone, in their mean colour; elsewhere it shows the target, dim. Colours are ANSI sequences
/// of the 256-colour set, reset at the end of each line; a stream without colours may strip them.
#[must_use]
pub fn preview(
    particles: CloudView<'_>,
    colours: &[Colour],
    target: CloudView<'_>,
    view: View,
    columns: usize,
) -> Vec<String> {
    let view = view.sane();
    let columns = columns.clamp(8, 400);
    // A character is about twice as tall as wide, so that dots are as far apart along both axes.
    let tall = (columns * WIDE) as f64 * view.height() / view.width();
    let rows = ((tall / TALL as f64).round() as usize).max(2);
    let white = Colour::hex(0xff_ffff);
    let cloud = cells(particles, view, [columns, rows], |k| {
        colours.get(k).copied().unwrap_or(white)
    });
    let sample = cells(target, view, [columns, rows], |_| white);
    let [most, most_target] = [&cloud, &sample].map(|cells| least_count(cells));
    (0..rows)
        .map(|row| {
            let mut line = String::new();
            let mut ink = String::new();
            for column in 0..columns {
                let place = row * columns + column;
                let (own, below) = (
                    pattern(&cloud[place], most),
                    pattern(&sample[place], most_target),
                );
                let (shown, wish) = match (own, below) {
                    (0, 0) => (0, String::new()),
                    (0, dots) => (dots, "\x1b[38;5;242m".to_owned()),
                    (dots, _) => (dots, format!("\x1b[38;5;{}m", index(&cloud[place]))),
                };
                if shown != 0 && wish != ink {
                    line.push_str(&wish);
                    ink = wish;
                }
                let symbol = char::from_u32(0x2800 + u32::from(shown));
                line.push(symbol.filter(|_| shown != 0).unwrap_or(' '));
            }
            if !ink.is_empty() {
                let _ = write!(line, "\x1b[0m");
            }
            line
        })
        .collect()
}

fn cells(
    points: CloudView<'_>,
    view: View,
    [columns, rows]: [usize; 2],
    colour: impl Fn(usize) -> Colour,
) -> Vec<Cell> {
    let mut cells = vec![Cell::default(); columns * rows];
    for (k, point) in points.rows().into_iter().enumerate() {
        let x = (point[0] - view.x[0]) / view.width() * (columns * WIDE) as f64;
        let y = (view.y[1] - point[1]) / view.height() * (rows * TALL) as f64;
        // Also false for what is not a number.
        if !(x >= 0.0 && y >= 0.0 && x < (columns * WIDE) as f64 && y < (rows * TALL) as f64) {
            continue;
        }
        let (x, y) = (x as usize, y as usize);
        let cell = &mut cells[y / TALL * columns + x / WIDE];
        cell.dots[y % TALL * WIDE + x % WIDE] += 1;
        let Colour { r, g, b } = colour(k);
        for (sum, part) in cell.paint.iter_mut().zip([r, g, b]) {
            *sum += u32::from(part);
        }
    }
    cells
}

/// How many points make a dot: of a large cloud a fifth of what a dot holds on average, lest strays look like crowds.
fn least_count(cells: &[Cell]) -> u32 {
    let (mut points, mut dots) = (0_u64, 0_u64);
    for count in cells.iter().flat_map(|cell| cell.dots) {
        points += u64::from(count);
        dots += u64::from(count > 0);
    }
    ((points / dots.max(1)) as u32 / 5).max(1)
}

fn pattern(cell: &Cell, least: u32) -> u8 {
    let mut bits = 0;
    for (place, &count) in cell.dots.iter().enumerate() {
        if count >= least {
            bits |= BITS[place / WIDE][place % WIDE];
        }
    }
    bits
}

/// The nearest colour of the 6×6×6 cube that terminals have from number 16 on.
fn index(cell: &Cell) -> u32 {
    let count = cell.dots.iter().sum::<u32>().max(1);
    let level = |sum: u32| match sum / count {
        0..48 => 0,
        48..115 => 1,
        v => (v - 35) / 40,
    };
    let [r, g, b] = cell.paint.map(level);
    16 + 36 * r + 6 * g + b
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_point_is_one_dot_at_its_place() {
        let view = View {
            x: [0.0, 8.0],
            y: [0.0, 4.0],
        };
        let target = array![[7.9, 0.1]];
        // 16 by 8 dots: the first dot on the top left, the last on the bottom right.
        let lines = preview(array![[0.1, 3.9]].view(), &[], target.view(), view, 8);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "\x1b[38;5;231m⠁       \x1b[0m");
        assert_eq!(lines[1], "       \x1b[38;5;242m⢀\x1b[0m");
    }

    #[test]
    fn what_is_outside_or_nowhere_is_not_drawn() {
        let view = View {
            x: [-1.0, 1.0],
            y: [-1.0, 1.0],
        };
        let odd = array![[f64::NAN, 0.0], [9.0, 0.0], [0.0, f64::NEG_INFINITY]];
        let lines = preview(odd.view(), &[], odd.view(), view, 20);
        assert!(lines.iter().all(|line| line.trim().is_empty()), "{lines:?}");
    }
}
