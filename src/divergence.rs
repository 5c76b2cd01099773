//! The f-divergences: what a generator may minimise, and the map `h` that its motion turns out to follow.

use crate::monotone::Map;
use crate::numeric::softplus;

/// A divergence `D_f(p‖q) = E_q[f(p/q)]` with `f` convex and `f(1) = 0`, as a function of `u = log p/q`.
///
/// Moving the sample `x = g_θ(z)` of `q` to lower `D_f` gives it the velocity `∇h(log p/q)` with `h = r f′ − f`
/// ([`map`](Self::map)), where `r = p/q`: Yi, Zhu and Liu, `MonoFlow`, ICML 2023, table 1. There are two ways to follow it, and one to
/// go wrong (section 4.3 there; the scenario `attached-detached` measures all three):
///
/// * minimise `E[f(r)]`, differentiated through everything that depends on θ, the density `q_θ` included;
/// * minimise `−E[h(log r)]` with `r` frozen as a function of `x`, as a GAN does with its discriminator: the same gradient,
///   in expectation;
/// * minimise `E[f(r)]` with `r` frozen: the velocity is `−r f′(r) ∇log r`, which for each of these divergences but the reverse KL changes
///   sign with `r`. It is not even a property of the divergence, as `f + c (r − 1)` belongs to the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// `f(r) = −log r`: `KL(q‖p)`.
    ReverseKl,
    /// `f(r) = r log r`: `KL(p‖q)`.
    ForwardKl,
    /// `f(r) = (r − 1)²`: Pearson χ².
    Chi2,
    /// `f(r) = (√r − 1)²`: the squared Hellinger distance.
    Hellinger,
    /// `f(r) = r log r − (r + 1) log((r + 1)/2)`: twice the Jensen-Shannon divergence, the vanilla GAN.
    JensenShannon,
    /// `f(r) = (1 − r)²/r`: Neyman χ².
    Neyman,
    /// `f(r) = (r − 1) log r`: the symmetric KL divergence.
    Jeffreys,
}

impl Divergence {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ReverseKl,
        Self::ForwardKl,
        Self::Chi2,
        Self::Hellinger,
        Self::JensenShannon,
        Self::Neyman,
        Self::Jeffreys,
    ];

    /// The one whose map is `h`; `None` for a map that belongs to none of them.
    #[must_use]
    pub fn of(h: Map) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|divergence| divergence.map() == h)
    }

    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReverseKl => "reverse KL",
            Self::ForwardKl => "forward KL",
            Self::Chi2 => "Pearson χ²",
            Self::Hellinger => "Hellinger",
            Self::JensenShannon => "Jensen-Shannon",
            Self::Neyman => "Neyman χ²",
            Self::Jeffreys => "Jeffreys",
        }
    }

    /// `f(e^u)`.
    #[must_use]
    pub fn value(self, u: f64) -> f64 {
        match self {
            Self::ReverseKl => -u,
            Self::ForwardKl => u * u.exp(),
            Self::Chi2 => u.exp_m1().powi(2),
            Self::Hellinger => (0.5 * u).exp_m1().powi(2),
            Self::JensenShannon => u.exp() * u - (u.exp() + 1.0) * log_mean(u),
            Self::Neyman => u.exp_m1().powi(2) * (-u).exp(),
            Self::Jeffreys => u * u.exp_m1(),
        }
    }

    /// `d/du f(e^u) = r f′(r)`.
    #[must_use]
    pub fn slope(self, u: f64) -> f64 {
        match self {
            Self::ReverseKl => -1.0,
            Self::ForwardKl => (u + 1.0) * u.exp(),
            Self::Chi2 => 2.0 * u.exp() * u.exp_m1(),
            Self::Hellinger => (0.5 * u).exp() * (0.5 * u).exp_m1(),
            Self::JensenShannon => u.exp() * (u - log_mean(u)),
            Self::Neyman => u.exp() - (-u).exp(),
            Self::Jeffreys => u * u.exp() + u.exp_m1(),
        }
    }

    /// The map `h = r f′ − f`, up to a constant.
    #[must_use]
    pub fn map(self) -> Map {
        match self {
            Self::ReverseKl => Map::Identity,
            Self::ForwardKl => Map::Exp,
            Self::Chi2 => Map::Chi2,
            Self::Hellinger => Map::Hellinger,
            Self::JensenShannon => Map::Softplus,
            Self::Neyman => Map::Neyman,
            Self::Jeffreys => Map::Jeffreys,
        }
    }
}

/// `log((1 + e^u)/2)`.
fn log_mean(u: f64) -> f64 {
    softplus(u).0 - std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monotone::Monotone;
    use crate::setting::WordOr;

    fn places() -> impl Iterator<Item = f64> {
        (-30..=30).map(|i| 0.1 * f64::from(i) + 0.013)
    }

    #[test]
    fn values_are_those_of_the_textbook() {
        for r in [0.2_f64, 1.0, 3.0] {
            let log = r.ln();
            let f = [
                -log,
                r * log,
                (r - 1.0).powi(2),
                (r.sqrt() - 1.0).powi(2),
                r * log - (r + 1.0) * f64::midpoint(r, 1.0).ln(),
                (1.0 - r).powi(2) / r,
                (r - 1.0) * log,
            ];
            for (divergence, f) in Divergence::ALL.into_iter().zip(f) {
                let value = divergence.value(log);
                assert!((value - f).abs() < 1e-14, "{divergence:?} at r = {r}");
            }
        }
    }

    #[test]
    fn slopes_are_derivatives() {
        for divergence in Divergence::ALL {
            for u in places() {
                let d = 1e-5;
                let slope = divergence.slope(u);
                let difference = (divergence.value(u + d) - divergence.value(u - d)) / (2.0 * d);
                assert!(
                    (slope - difference).abs() < 1e-7 * slope.abs().max(1.0),
                    "{divergence:?} at {u}: {slope} against {difference}"
                );
            }
        }
    }

    #[test]
    fn the_map_is_r_times_the_derivative_minus_the_function() {
        for divergence in Divergence::ALL {
            let h = Monotone::new(&WordOr::Word(divergence.map()), 0.0).unwrap();
            let rest = |u| divergence.slope(u) - divergence.value(u) - h.value(u);
            for u in places() {
                let size = h.value(u).abs().max(1.0);
                assert!((rest(u) - rest(0.0)).abs() < 1e-12 * size, "{divergence:?}");
            }
        }
    }

    #[test]
    fn only_the_reverse_kl_never_turns_round() {
        for divergence in Divergence::ALL {
            let signs: Vec<bool> = places().map(|u| divergence.slope(u) > 0.0).collect();
            let turns = signs.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert_eq!(
                turns,
                usize::from(divergence != Divergence::ReverseKl),
                "{divergence:?}"
            );
        }
    }
}
