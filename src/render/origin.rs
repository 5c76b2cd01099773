//! The colour of a particle, by where it started: a particle keeps it for ever, so that the eye can follow.

use super::theme::Theme;
use crate::cloud::CloudView;
use crate::pixels::Colour;

/// One colour for each point of the initial cloud.
///
/// The direction from the mean gives the hue, the distance the chroma, both smooth and without a seam.
/// Lightness grows with distance and is tilted, most along the green-red axis, the one that most
/// colour-blind people do not see, and a little towards yellow, which shines only when light: the map from the plane to (lightness, blue-yellow) alone is still one to one near
/// the centre, so that places stay distinguishable without red or green cones.
///
/// Distances count in standard deviations of the cloud along each axis. A point that is not finite is grey.
#[must_use]
pub fn colours(initial: CloudView<'_>, theme: Theme) -> Vec<Colour> {
    let (centre, width) = moments(initial);
    initial
        .rows()
        .into_iter()
        .map(|row| {
            let place = |axis: usize| match row[axis] - centre[axis] {
                offset if width[axis] > 0.0 => offset / width[axis],
                offset => 0.0 * offset,
            };
            colour(place(0), place(1), theme)
        })
        .collect()
}

/// The colour of a particle that starts `u` and `v` standard deviations right of and above the mean.
#[must_use]
pub fn colour(u: f64, v: f64, theme: Theme) -> Colour {
    if !(u.is_finite() && v.is_finite()) {
        return theme.target();
    }
    let radius = u.hypot(v);
    // Full chroma is nearly reached at one standard deviation, since few particles start further out.
    let reach = radius / (radius * radius + 0.36).sqrt();
    let (dark, rise, chroma) = match theme {
        Theme::Light => (0.42, 0.24, 0.172),
        Theme::Dark => (0.56, 0.18, 0.165),
    };
    let hue = v.atan2(u) + 0.55;
    let tilt = 0.035 * hue.sin() - 0.08 * hue.cos();
    let lightness = dark + rise * reach * reach + tilt * reach;
    Colour::oklch(lightness, chroma * reach, hue)
}

/// Mean and standard deviation along each axis, of the finite points.
fn moments(points: CloudView<'_>) -> ([f64; 2], [f64; 2]) {
    let mut count = 0.0_f64;
    let (mut sum, mut squares) = ([0.0; 2], [0.0; 2]);
    let finite = || {
        points
            .rows()
            .into_iter()
            .filter(|row| row[0].is_finite() && row[1].is_finite())
    };
    for row in finite() {
        count += 1.0;
        sum = [sum[0] + row[0], sum[1] + row[1]];
    }
    let centre = sum.map(|s| s / count.max(1.0));
    for row in finite() {
        for axis in 0..2 {
            squares[axis] += (row[axis] - centre[axis]).powi(2);
        }
    }
    (centre, squares.map(|s| (s / count.max(1.0)).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_places_look_alike_and_far_places_do_not() {
        let lab = |u: f64, v: f64| colour(u, v, Theme::Light).to_oklab();
        let gap = |a: [f64; 3], b: [f64; 3]| {
            a.iter()
                .zip(b)
                .map(|(x, y)| (x - y).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        for turn in 0..24 {
            let angle = f64::from(turn) / 24.0 * std::f64::consts::TAU;
            let (u, v) = (1.2 * angle.cos(), 1.2 * angle.sin());
            assert!(gap(lab(u, v), lab(u + 0.02, v)) < 0.03, "a jump at {angle}");
            assert!(gap(lab(u, v), lab(-u, -v)) > 0.15, "no contrast at {angle}");
        }
    }

    #[test]
    fn a_point_cloud_without_width_has_a_colour() {
        let cloud = ndarray::array![[1.0, 2.0], [1.0, 2.0], [f64::NAN, 0.0]];
        let colours = colours(cloud.view(), Theme::Light);
        assert_eq!(colours[0], colours[1]);
        assert_eq!(colours[2], Theme::Light.target());
    }
}
