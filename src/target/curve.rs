//! Curves blurred by Gaussian noise: density and score by quadrature, as good as a closed form.

use ndarray::{Array1, Array2};

use super::{each, each_vector};
use crate::cloud::CloudView;
use crate::numeric::Real;

/// Nodes in a piece of the curve: those of Gauss's rule, the right half with their weights.
const NODES: usize = 16;
const GAUSS: [[f64; 2]; NODES / 2] = [
    [0.095_012_509_837_637_44, 0.189_450_610_455_068_64],
    [0.281_603_550_779_258_9, 0.182_603_415_044_923_64],
    [0.458_016_777_657_227_37, 0.169_156_519_395_002_65],
    [0.617_876_244_402_643_8, 0.149_595_988_816_576_7],
    [0.755_404_408_355_003, 0.124_628_971_255_533_87],
    [0.865_631_202_387_831_8, 0.095_158_511_682_492_6],
    [0.944_575_023_073_232_6, 0.062_253_523_938_647_456],
    [0.989_400_934_991_649_9, 0.027_152_459_411_754_176],
];
/// Longest piece, in standard deviations of the noise, and in units of `t`. Over three standard deviations the rule is exact to 2·10⁻¹³.
const LONGEST: [f64; 2] = [3.0, 1.0];
/// Most pieces that a density is worth.
const PIECES: usize = 1 << 13;
/// Terms that are smaller than the largest by this many nats are nothing.
const HIDDEN: f64 = 45.0;

/// Where a curve is at `t`.
pub(super) struct Along {
    /// `c(t)`, in the target's units.
    pub(super) place: [f64; 2],
    /// `‖c′(t)‖`; must not fall with `t`.
    pub(super) speed: f64,
    /// Density of `t`.
    pub(super) share: f64,
}

/// The points `c(t) + σn`, `t` random on an interval, `n` ~ N(0, I): `p(x) = ∫ share(t) N(x; c(t), σ² I) dt`, an integral that Gauss's rule
/// in short pieces gives to rounding.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BlurredCurve {
    sd: f64,
    /// Places of the nodes, in units of `sd`, and their shares of the mass, piece by piece.
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
struct Piece {
    x: [f64; NODES],
    y: [f64; NODES],
    mass: [f64; NODES],
}

impl BlurredCurve {
    /// Takes σ, the interval of `t`, and the curve; `None` for one that is so long, against the noise, that it has too many pieces.
    pub(super) fn new(
        sd: f64,
        [mut t, end]: [f64; 2],
        curve: impl Fn(f64) -> Along,
    ) -> Option<Self> {
        let reach = |t: f64| LONGEST[1].min(LONGEST[0] * sd / curve(t).speed);
        let mut pieces = Vec::new();
        while t < end {
            if pieces.len() == PIECES {
                return None;
            }
            // The curve may get faster on the way.
            let next = (t + reach(t + reach(t))).min(end);
            let (middle, half) = (t.midpoint(next), 0.5 * (next - t));
            let mut piece = Piece {
                x: [0.0; NODES],
                y: [0.0; NODES],
                mass: [0.0; NODES],
            };
            for node in 0..NODES {
                let [offset, weight] = GAUSS[node / 2];
                let side = if node % 2 == 0 { half } else { -half };
                let along = curve(middle + side * offset);
                [piece.x[node], piece.y[node]] = along.place.map(|v| v / sd);
                piece.mass[node] = half * weight * along.share;
            }
            pieces.push(piece);
            t = next;
        }
        Some(Self { sd, pieces })
    }

    /// The curve and its reflection in the origin, with half of the mass each.
    pub(super) fn reflected(mut self) -> Self {
        for piece in &mut self.pieces {
            piece.mass = piece.mass.map(|mass| 0.5 * mass);
        }
        let turned = self.pieces.clone().into_iter().map(|piece| Piece {
            x: piece.x.map(|x| -x),
            y: piece.y.map(|y| -y),
            ..piece
        });
        self.pieces.extend(turned);
        self
    }

    pub(super) fn log_density(&self, at: CloudView<'_>) -> Array1<f64> {
        let mut room = Vec::new();
        each(at, |place| self.near(place, &mut room).0)
    }

    pub(super) fn score(&self, at: CloudView<'_>) -> Array2<f64> {
        let mut room = Vec::new();
        each_vector(at, |place| {
            let (_, [x, y]) = self.near(place, &mut room);
            // Noise pulls back to where on the curve a point comes from.
            [
                (x - place[0] / self.sd) / self.sd,
                (y - place[1] / self.sd) / self.sd,
            ]
        })
    }

    /// `log p` at a place, and the mean place on the curve, in units of `sd`, that points there come from.
    fn near(&self, place: [f64; 2], squares: &mut Vec<[f64; NODES]>) -> (f64, [f64; 2]) {
        let [px, py] = place.map(|v| v / self.sd);
        squares.clear();
        squares.extend(self.pieces.iter().map(|piece| {
            std::array::from_fn(|node| {
                let (dx, dy) = (piece.x[node] - px, piece.y[node] - py);
                let square = dx * dx + dy * dy;
                if square < f64::MAX { square } else { f64::MAX }
            })
        }));
        let least_of = |squares: &[f64; NODES]| squares.iter().copied().fold(f64::MAX, f64::min);
        let least = squares.iter().map(least_of).fold(f64::MAX, f64::min);
        let [mut sum, mut x, mut y] = [[0.0; NODES]; 3];
        for (piece, squares) in self.pieces.iter().zip(squares) {
            if 0.5 * (least_of(squares) - least) > HIDDEN {
                continue;
            }
            for node in 0..NODES {
                let mass = piece.mass[node] * Real::exp(0.5 * (least - squares[node]));
                sum[node] += mass;
                x[node] += mass * piece.x[node];
                y[node] += mass * piece.y[node];
            }
        }
        let [sum, x, y] = [sum, x, y].map(|lanes| lanes.iter().sum::<f64>());
        let unit = (2.0 * std::f64::consts::PI).ln() + 2.0 * self.sd.ln();
        (sum.ln() - 0.5 * least - unit, [x / sum, y / sum])
    }
}
