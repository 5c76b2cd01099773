//! The monotone maps `h` of `MonoFlow`: how the log ratio becomes a speed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::numeric::{sigmoid, softplus};
use crate::setting::{Invalid, WordOr, finite, positive};

/// The speed law of a flow `dx/dt = ∇h(log r)`, one of the rows of Yi, Zhu and Liu, "`MonoFlow`: Rethinking
/// Divergence GANs via the Perspective of Wasserstein Gradient Flows", ICML 2023, table 1 and sections 4.3 and 5.2.
///
/// Every `h` with `h' > 0` lowers `KL(q‖p)`: `d/dt KL = −E_q[h'(log r) ‖∇ log r‖²]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Map {
    /// `h(u) = u`: the Wasserstein gradient flow of the reverse KL divergence `KL(q‖p)`.
    #[default]
    Identity,
    /// `h(u) = e^u`: forward KL.
    Exp,
    /// `h(u) = e^{2u}`: Pearson χ².
    Chi2,
    /// `h(u) = e^{u/2}`: squared Hellinger distance.
    Hellinger,
    /// `h(u) = log(1 + e^u)`: Jensen-Shannon, the vanilla (saturating) GAN.
    Softplus,
    /// `h(u) = log σ(u)`: the non-saturating GAN.
    LogSigmoid,
    /// `h(u) = arcsinh u`.
    Arcsinh,
    /// `h(u) = e^{1.5 u}`; write `{ exp-power = a }` for another exponent.
    ExpPower,
    /// `h(u) = −2 e^{−u}`: Neyman χ².
    Neyman,
    /// `h(u) = e^u + u`: Jeffreys divergence, the symmetric KL.
    Jeffreys,
    /// `h(u) = −σ(−u)²`: least-squares GAN with labels 0 and 1.
    LeastSquares,
}

/// All named maps: name in a scenario file, and what it is.
pub const CATALOGUE: &[(&str, &str)] = &[
    ("identity", "h(u) = u: reverse KL, KL(q‖p) (default)"),
    ("exp", "h(u) = exp(u): forward KL"),
    ("chi2", "h(u) = exp(2u): Pearson χ²"),
    ("hellinger", "h(u) = exp(u/2): squared Hellinger distance"),
    (
        "softplus",
        "h(u) = log(1 + exp(u)): Jensen-Shannon, the vanilla (saturating) GAN",
    ),
    ("log-sigmoid", "h(u) = log σ(u): the non-saturating GAN"),
    ("arcsinh", "h(u) = arcsinh(u)"),
    (
        "exp-power",
        "h(u) = exp(a u), a = 1.5; { exp-power = a } for another a",
    ),
    ("neyman", "h(u) = −2 exp(−u): Neyman χ²"),
    (
        "jeffreys",
        "h(u) = exp(u) + u: Jeffreys divergence, the symmetric KL",
    ),
    ("least-squares", "h(u) = −σ(−u)²: least-squares GAN"),
    (
        "table",
        "{ table = [[u, slope], …] }: any h, its slope piecewise linear",
    ),
];

/// A map with numbers of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ShapedMap {
    /// `h(u) = e^{au}` with this `a > 0`.
    ExpPower(f64),
    /// `h'` piecewise linear through these points `[u, slope]`, `u` increasing, slopes not negative;
    /// constant beyond the first and the last.
    Table(Vec<[f64; 2]>),
}

/// How `flow.h` is written: a name, or a table with numbers.
pub type MapSpec = WordOr<ShapedMap, Map>;

/// A monotone map that is ready to use.
#[derive(Clone, Debug, PartialEq)]
pub struct Monotone {
    law: Law,
    shift: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Law {
    Named(Map),
    ExpPower(f64),
    Table(Vec<[f64; 2]>),
}

impl Monotone {
    /// The map `u ↦ h(u + shift)`.
    ///
    /// # Errors
    /// [`Invalid`] for a shift or a number of the map that is out of range, under the keys `shift` and `h`.
    pub fn new(spec: &MapSpec, shift: f64) -> Result<Self, Invalid> {
        finite("shift", shift)?;
        let law = match spec {
            WordOr::Word(Map::ExpPower) => Law::ExpPower(1.5),
            WordOr::Word(map) => Law::Named(*map),
            WordOr::Value(ShapedMap::ExpPower(a)) => {
                positive("h.exp-power", *a)?;
                Law::ExpPower(*a)
            }
            WordOr::Value(ShapedMap::Table(points)) => {
                check_table(points)?;
                Law::Table(points.clone())
            }
        };
        Ok(Self { law, shift })
    }

    /// `h(u)`, up to a constant for a table.
    #[must_use]
    pub fn value(&self, u: f64) -> f64 {
        let u = self.argument(u);
        match &self.law {
            Law::Named(map) => match map {
                Map::Identity => u,
                Map::Exp => u.exp(),
                Map::Chi2 => (2.0 * u).exp(),
                Map::Hellinger => (0.5 * u).exp(),
                Map::Softplus => softplus(u).0,
                Map::LogSigmoid => -softplus(-u).0,
                Map::Arcsinh => u.asinh(),
                Map::ExpPower => (1.5 * u).exp(),
                Map::Neyman => -2.0 * (-u).exp(),
                Map::Jeffreys => u.exp() + u,
                Map::LeastSquares => -sigmoid(-u).powi(2),
            },
            Law::ExpPower(a) => (a * u).exp(),
            Law::Table(points) => integral(points, u),
        }
    }

    /// `h'(u)`, the factor on the velocity `∇ log r`; never negative.
    #[must_use]
    pub fn slope(&self, u: f64) -> f64 {
        let u = self.argument(u);
        match &self.law {
            Law::Named(map) => match map {
                Map::Identity => 1.0,
                Map::Exp => u.exp(),
                Map::Chi2 => 2.0 * (2.0 * u).exp(),
                Map::Hellinger => 0.5 * (0.5 * u).exp(),
                Map::Softplus => sigmoid(u),
                Map::LogSigmoid => sigmoid(-u),
                Map::Arcsinh => 1.0 / u.hypot(1.0),
                Map::ExpPower => 1.5 * (1.5 * u).exp(),
                Map::Neyman => 2.0 * (-u).exp(),
                Map::Jeffreys => 1.0 + u.exp(),
                Map::LeastSquares => 2.0 * sigmoid(u) * sigmoid(-u).powi(2),
            },
            Law::ExpPower(a) => a * (a * u).exp(),
            Law::Table(points) => interpolate(points, u),
        }
    }

    /// Whether the velocity is `∇ log r` itself.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.law == Law::Named(Map::Identity)
    }

    /// Whether the map takes another number in place of `u`, because it lies outside the range of an exponential law.
    #[must_use]
    pub fn holds_back(&self, u: f64) -> bool {
        self.range()
            .is_some_and(|[low, high]| !(low..=high).contains(&(u + self.shift)))
    }

    /// Its name, if it has one.
    #[must_use]
    pub fn named(&self) -> Option<Map> {
        match self.law {
            Law::Named(map) => Some(map),
            Law::ExpPower(_) | Law::Table(_) => None,
        }
    }

    /// `u + shift`, held inside the [`range`](Self::range).
    pub(crate) fn argument(&self, u: f64) -> f64 {
        let u = u + self.shift;
        self.range().map_or(u, |[low, high]| u.clamp(low, high))
    }

    /// The range in which an exponential law stays finite and a clipped step still means something: `[−60, 8]`, mirrored where the
    /// exponential grows to the left; none for other laws.
    fn range(&self) -> Option<[f64; 2]> {
        match self.law {
            Law::Named(Map::Exp | Map::Chi2 | Map::Hellinger | Map::Jeffreys)
            | Law::ExpPower(_) => Some([-60.0, 8.0]),
            Law::Named(Map::Neyman) => Some([-8.0, 60.0]),
            _ => None,
        }
    }
}

fn check_table(points: &[[f64; 2]]) -> Result<(), Invalid> {
    if points.len() < 2 {
        return Err(Invalid::new(
            "h.table",
            format!("{} points", points.len()),
            "needs at least two points [u, slope]",
        ));
    }
    for (i, &[u, slope]) in points.iter().enumerate() {
        let key = format!("h.table[{i}]");
        finite(&key, u)?;
        if !(slope.is_finite() && slope >= 0.0) {
            return Err(Invalid::new(
                key,
                format!("[{u}, {slope}]"),
                "the slope must be finite and not negative, or h would not be monotone",
            ));
        }
        if i > 0 && u <= points[i - 1][0] {
            return Err(Invalid::new(
                key,
                format!("[{u}, {slope}]"),
                format!(
                    "u must be greater than {}, the one before",
                    points[i - 1][0]
                ),
            ));
        }
    }
    Ok(())
}

/// The slope at `u`, constant beyond the ends of the table.
fn interpolate(points: &[[f64; 2]], u: f64) -> f64 {
    let right = points.partition_point(|point| point[0] <= u);
    if right == 0 {
        return points[0][1];
    }
    let [u0, s0] = points[right - 1];
    match points.get(right) {
        Some(&[u1, s1]) => s0 + (s1 - s0) * (u - u0) / (u1 - u0),
        None => s0,
    }
}

/// The integral of [`interpolate`] from the first point of the table to `u`: trapezia are exact for it.
fn integral(points: &[[f64; 2]], u: f64) -> f64 {
    let first = points[0];
    if u <= first[0] {
        return first[1] * (u - first[0]);
    }
    let mut total = 0.0;
    let mut from = first;
    for &[next, slope] in points.iter().skip(1).filter(|point| point[0] < u) {
        total += 0.5 * (from[1] + slope) * (next - from[0]);
        from = [next, slope];
    }
    total + 0.5 * (from[1] + interpolate(points, u)) * (u - from[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Monotone> {
        use Map::{
            Arcsinh, Chi2, Exp, ExpPower, Hellinger, Identity, Jeffreys, LeastSquares, LogSigmoid,
            Neyman, Softplus,
        };
        [
            Identity,
            Exp,
            Chi2,
            Hellinger,
            Softplus,
            LogSigmoid,
            Arcsinh,
            ExpPower,
            Neyman,
            Jeffreys,
            LeastSquares,
        ]
        .map(WordOr::Word)
        .into_iter()
        .chain([
            WordOr::Value(ShapedMap::ExpPower(0.7)),
            WordOr::Value(ShapedMap::Table(vec![[-1.0, 0.0], [0.0, 2.0], [2.0, 1.0]])),
        ])
        .flat_map(|spec| [0.0, 1.25].map(|shift| Monotone::new(&spec, shift).unwrap()))
        .collect()
    }

    #[test]
    fn slopes_are_derivatives() {
        for map in all() {
            for i in -30..=30 {
                let u = 0.1 * f64::from(i) + 0.013;
                let d = 1e-5;
                let finite_difference = (map.value(u + d) - map.value(u - d)) / (2.0 * d);
                let slope = map.slope(u);
                assert!(
                    (slope - finite_difference).abs() < 1e-6 * slope.abs().max(1.0),
                    "{map:?} at {u}: {slope} against {finite_difference}"
                );
            }
        }
    }

    #[test]
    fn what_is_held_back_is_told() {
        let map = |map, shift| Monotone::new(&WordOr::Word(map), shift).unwrap();
        let exp = map(Map::Exp, 1.0);
        let told = [-61.1, -60.9, 0.0, 6.9, 7.1].map(|u| exp.holds_back(u));
        assert_eq!(told, [true, false, false, false, true]);
        assert!(map(Map::Neyman, 0.0).holds_back(-9.0) && !map(Map::Neyman, 0.0).holds_back(50.0));
        assert!(!map(Map::Identity, 0.0).holds_back(1e9));
    }

    #[test]
    fn slopes_are_finite_and_not_negative_everywhere() {
        for map in all() {
            for u in [-1e300, -1e4, -50.0, 0.0, 50.0, 1e4, 1e300] {
                let slope = map.slope(u);
                assert!(slope.is_finite() && slope >= 0.0, "{map:?} at {u}: {slope}");
            }
        }
    }

    #[test]
    fn laws_of_f_divergences_are_r_squared_times_the_second_derivative() {
        // h'(log r) = r² f''(r) for f(r) = −log r, r log r, (r−1)², (√r−1)², (1−r)²/r, (r−1) log r.
        let r: f64 = 1.7;
        let second = [
            (Map::Identity, 1.0 / (r * r)),
            (Map::Exp, 1.0 / r),
            (Map::Chi2, 2.0),
            (Map::Hellinger, 0.5 * r.powf(-1.5)),
            (Map::Neyman, 2.0 / r.powi(3)),
            (Map::Jeffreys, 1.0 / r + 1.0 / (r * r)),
        ];
        for (map, f2) in second {
            let h = Monotone::new(&WordOr::Word(map), 0.0).unwrap();
            assert!((h.slope(r.ln()) - r * r * f2).abs() < 1e-12, "{map:?}");
        }
    }

    #[test]
    fn tables_that_are_not_monotone_are_refused() {
        for points in [
            vec![],
            vec![[0.0, 1.0]],
            vec![[0.0, 1.0], [0.0, 2.0]],
            vec![[0.0, 1.0], [1.0, -0.1]],
            vec![[0.0, f64::NAN], [1.0, 0.0]],
        ] {
            assert!(Monotone::new(&WordOr::Value(ShapedMap::Table(points)), 0.0).is_err());
        }
    }
}
