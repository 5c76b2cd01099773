//! How things look, wherever they are drawn: pictures read these numbers here, and the page is given the very same.

use serde::Serialize;

use super::axes::Axis;

/// Radii, strengths and lengths, in logical pixels where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Look {
    /// A particle.
    pub particle: Dot,
    /// A point of the target sample.
    pub target: Dot,
    /// What sets a particle off from those beneath it.
    pub rim: Rim,
    /// The arrows of the velocity.
    pub arrow: Arrow,
    /// Where particles have just been.
    pub trail: Trail,
    /// Rings around those who have just been born: the inner edge and the width, as shares of a particle's radius, and the opacity.
    pub birth: [f64; 3],
    /// A cloud on the line.
    pub line: Line,
    /// Of so many particles one may be outside without being news.
    pub news: usize,
    /// A target sample so many times smaller than the cloud lies above it, where it would not be seen.
    pub few: usize,
    /// How much of a panel whose run failed is hidden.
    pub lost: f64,
    /// Heights of an axis from tick to tick at least: along the edge of the plane, in a chart, in a chart of decades.
    pub apart: [f64; 3],
    /// Scales over which a field is smooth between two places of its lattice, beyond which what lies between them cannot be known from these.
    pub finest: f64,
    /// How far a place counts where bands end, and arrows.
    pub near: f32,
    /// The part of a picture that may be beyond what was recorded without a word.
    pub unknown: f64,
    /// A cloud that is no wider than the first has a ring of the second as its radius around it.
    pub clump: [f64; 2],
    /// A panel of several whose longest move is so many times shorter than that of all has arrows on a scale of its own.
    pub own: f64,
}

/// How a cloud on the line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Height over width of a panel.
    pub aspect: f64,
    /// Where its parts begin and end, from the top: densities, log ratio, origins, paths.
    pub parts: [[f64; 2]; 4],
    /// The largest log ratio that is shown.
    pub reach: f64,
    /// The part of the highest density below which there is as good as nothing, and the strength of what is said of such places.
    pub least: f64,
    /// See [`least`](Self::least).
    pub faint: f64,
    /// Most bars of the histogram, threads to origins, and paths.
    pub most: [usize; 3],
}

/// A kind of dots.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Dot {
    /// The radius as a share of the distance between points that are spread evenly over the plot.
    pub share: f64,
    /// The least radius.
    pub least: f64,
    /// The greatest.
    pub most: f64,
    /// The opacity, from 0 to 1.
    pub alpha: f64,
}

impl Dot {
    /// The radius among `count` points on a plot with the area of a square of side `size`.
    #[must_use]
    pub fn radius(&self, size: f64, count: usize) -> f64 {
        (self.share * size / (count.max(1) as f64).sqrt()).clamp(self.least, self.most)
    }
}

/// An edge in the colour of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rim {
    /// Dots of a smaller radius have none.
    pub from: f64,
    /// Its width as a share of the radius.
    pub share: f64,
    /// The radius from which on it grows no more.
    pub most: f64,
    /// The opacity.
    pub alpha: f64,
}

impl Rim {
    /// The width around a dot of this radius; nothing if it has none.
    #[must_use]
    pub fn width(&self, radius: f64) -> Option<f64> {
        (radius > self.from).then(|| self.share * radius.min(self.most))
    }
}

/// Arrows on a lattice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Arrow {
    /// About how far they stand apart.
    pub spacing: f64,
    /// As long as nearly all of a film stay, as a share of how far they stand apart.
    pub longest: f64,
    /// As long as any may be, in the same way.
    pub most: f64,
    /// Shorter ones are not drawn.
    pub least: f64,
    /// Where no more than this part of the arrows that there is room for are drawn, a picture says how long the moves are instead.
    pub rest: f64,
    /// Pixels that some move of a film must have for arrows to be drawn longer than moves.
    pub seen: f64,
    /// The opacity.
    pub alpha: f64,
    /// The head as a share of the length, at least, and at most.
    pub head: [f64; 3],
    /// Half the width of the head as a share of its length.
    pub wing: f64,
    /// Half the width of the shaft as a share of the length, and at most.
    pub shaft: [f64; 2],
}

/// Lines behind particles, that fade into the past.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trail {
    /// Frames that it goes back.
    pub frames: usize,
    /// Particles that have one; of more, an even part.
    pub most: usize,
    /// The opacity before its beginning, and at its end.
    pub alpha: [f64; 2],
}

impl Trail {
    /// The opacity of the part before moment `age + 1` of `all`, the oldest first.
    #[must_use]
    pub fn alpha(&self, age: usize, all: usize) -> f64 {
        let [from, to] = self.alpha;
        from + (to - from) * (age + 1) as f64 / all as f64
    }
}

/// How everything looks.
pub const LOOK: Look = Look {
    particle: Dot {
        share: 0.19,
        least: 0.8,
        most: 4.2,
        alpha: 0.92,
    },
    target: Dot {
        share: 0.155,
        least: 0.7,
        most: 3.4,
        alpha: 0.34,
    },
    rim: Rim {
        from: 1.3,
        share: 0.32,
        most: 2.5,
        alpha: 0.55,
    },
    arrow: Arrow {
        spacing: 38.0,
        longest: 0.9,
        most: 1.2,
        least: 5.0,
        rest: 0.2,
        seen: 0.6,
        alpha: 0.5,
        head: [0.42, 2.6, 6.5],
        wing: 0.42,
        shaft: [0.1, 0.55],
    },
    trail: Trail {
        frames: 10,
        most: 2000,
        alpha: [0.06, 0.36],
    },
    birth: [0.6, 0.9, 0.5],
    line: Line {
        aspect: 0.98,
        parts: [[0.0, 0.36], [0.40, 0.55], [0.61, 0.69], [0.72, 1.0]],
        // A factor of 150.
        reach: 5.0,
        least: 0.005,
        faint: 0.22,
        most: [60, 60, 200],
    },
    news: 200,
    few: 4,
    lost: 0.62,
    apart: [64.0, 38.0, 26.0],
    finest: 2.5,
    near: 0.5,
    unknown: 0.05,
    clump: [8.0, 14.0],
    own: 5.0,
};

/// How much longer than moves arrows are drawn, where the longest move is so many pixels long: 1, 2 or 5 times a power of ten. Where no move of a film
/// would be seen, arrows would only make much of little, and there is none.
#[must_use]
pub fn stretch(longest: f64) -> f64 {
    let room = LOOK.arrow.longest * LOOK.arrow.spacing / longest;
    if !(longest > LOOK.arrow.seen && room > 0.0) {
        return 1.0;
    }
    let power = 10.0_f64.powf(room.log10().floor());
    let fits = |factor: &f64| factor * power <= room * (1.0 + 1e-9);
    let factors = [5.0, 2.0, 1.0].into_iter();
    factors.clone().find(fits).unwrap_or(1.0) * power
}

/// Round numbers within a range, about `most` of them, and how they are written.
#[must_use]
pub fn ticks(range: [f64; 2], most: f64) -> Vec<(f64, String)> {
    Axis::linear(range, most).ticks
}

/// The same for decimal logarithms.
#[must_use]
pub fn decades(range: [f64; 2], most: f64) -> Vec<(f64, String)> {
    Axis::decades(range, most).ticks
}

/// What a chart spans that shows these values, in the units of its axis: all of them, and some air. Values of which there is no logarithm are left out.
#[must_use]
pub fn span(values: impl Iterator<Item = f64>, logarithmic: bool) -> [f64; 2] {
    let heights = values.filter_map(|v| height(v, logarithmic));
    let [mut low, mut high] = heights.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| {
        [low.min(v), high.max(v)]
    });
    if low > high {
        [low, high] = [0.0, 1.0];
    }
    if !logarithmic && low > 0.0 && low < 0.5 * high {
        low = 0.0;
    }
    let size = high.abs().max(low.abs());
    let (least, half) = if logarithmic {
        (0.5, 0.25)
    } else {
        (1e-4 * size.max(1e-8), 0.5 * high.abs().max(0.1))
    };
    if high - low < least {
        (low, high) = (low - half, high + half);
    }
    let air = 0.07 * (high - low);
    let from_zero = !logarithmic && low == 0.0;
    [if from_zero { 0.0 } else { low - air }, high + air]
}

/// A value as the axis counts it; nothing where there is nothing to draw.
pub(super) fn height(value: f64, logarithmic: bool) -> Option<f64> {
    if logarithmic {
        (value.is_finite() && value > 0.0).then(|| value.log10())
    } else {
        Some(value).filter(|v| v.is_finite())
    }
}
