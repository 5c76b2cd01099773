//! The losses of a generator, and their gradients by its parameters.

use std::fmt;

use ratioflow::cloud::CloudView;
use ratioflow::discriminator::Ratio;
use ratioflow::divergence::Divergence;
use ratioflow::monotone::{Map, Monotone};
use ratioflow::setting::WordOr;

use super::Affine;

/// The five divergences of the paper's experiment.
const DIVERGENCES: [Divergence; 5] = [
    Divergence::ReverseKl,
    Divergence::ForwardKl,
    Divergence::Chi2,
    Divergence::Hellinger,
    Divergence::JensenShannon,
];

/// What is averaged over the samples of q, as a function of `u = log r`.
#[derive(Clone, Debug)]
pub(crate) enum Loss {
    /// `f(r)` of a divergence.
    F(Divergence),
    /// `−h(u)`, with `h` held constant beyond u = 8 as everywhere in the library.
    MinusH(Monotone),
}

/// What depends on θ in the eyes of the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gradient {
    /// Everything: the sample `x = g_θ(z)`, and `r = p/q_θ` as a function of x.
    Attached,
    /// The sample alone. The function r is frozen, as a discriminator is in the generator's turn.
    Detached,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// What is minimised.
    pub(crate) loss: Loss,
    /// How it is differentiated.
    pub(crate) gradient: Gradient,
    name: String,
}

impl Loss {
    /// Its derivative by u.
    fn slope(&self, u: f64) -> f64 {
        match self {
            Self::F(divergence) => divergence.slope(u),
            Self::MinusH(map) => -map.slope(u),
        }
    }

    fn minus_h(map: Map) -> Self {
        let map = Monotone::new(&WordOr::Word(map), 0.0);
        Self::MinusH(map.expect("named maps have no numbers that could be wrong"))
    }
}

impl Cell {
    /// All rows: `E[f(r)]` attached and detached, `−E[e^{1.5u}]` attached and detached, and `−E[h(u)]` detached with the h that
    /// belongs to each divergence.
    pub(crate) fn all() -> Vec<Self> {
        use Gradient::{Attached, Detached};
        let mut cells = Vec::new();
        for gradient in [Attached, Detached] {
            for divergence in DIVERGENCES {
                let name = format!("E[f(r)]   {}", divergence.name());
                cells.push(Self::new(Loss::F(divergence), gradient, name));
            }
            let name = "−E[h(u)]  e^{1.5u}".to_owned();
            cells.push(Self::new(Loss::minus_h(Map::ExpPower), gradient, name));
        }
        for divergence in DIVERGENCES {
            let name = format!("−E[h(u)]  h of {}", divergence.name());
            cells.push(Self::new(Loss::minus_h(divergence.map()), Detached, name));
        }
        cells
    }

    fn new(loss: Loss, gradient: Gradient, name: String) -> Self {
        Self {
            loss,
            gradient,
            name,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gradient = match self.gradient {
            Gradient::Attached => "attached",
            Gradient::Detached => "detached",
        };
        write!(f, "{gradient}  {}", self.name)
    }
}

/// The gradient by θ of the mean loss over the samples of `z`, at which `ratio` gives `u = log r` and `∇u`.
///
/// With r frozen, u moves with θ because x does: `∂u = ∇u · (∂m + ∂S z)`. Attached, u also moves because `log q_θ` does at a fixed
/// place, `∂ log q_θ(x) = S⁻ᵀz · ∂m + S⁻ᵀ(zzᵀ − I) : ∂S`.
pub(crate) fn gradient(
    cell: &Cell,
    generator: &Affine,
    ratio: &Ratio,
    z: CloudView<'_>,
) -> [f64; 6] {
    let inverse = generator.inverse_transposed();
    let mut sum = [0.0; 6];
    for ((z, &u), pull) in z
        .rows()
        .into_iter()
        .zip(&ratio.log)
        .zip(ratio.gradient.rows())
    {
        let slope = cell.loss.slope(u);
        for axis in 0..2 {
            let mut mean = pull[axis];
            let mut scale = [pull[axis] * z[0], pull[axis] * z[1]];
            if cell.gradient == Gradient::Attached {
                let score = inverse[axis][0] * z[0] + inverse[axis][1] * z[1];
                mean -= score;
                scale[0] -= score * z[0] - inverse[axis][0];
                scale[1] -= score * z[1] - inverse[axis][1];
            }
            sum[axis] += slope * mean;
            sum[2 + 2 * axis] += slope * scale[0];
            sum[3 + 2 * axis] += slope * scale[1];
        }
    }
    sum.map(|s| s / z.nrows() as f64)
}
