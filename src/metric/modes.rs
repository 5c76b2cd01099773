//! Modes of a known mixture: which are there, how pure, how heavy, and what lies between them.

use std::sync::Arc;

use super::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use crate::cloud::CloudView;
use crate::target::Component;

/// What [`ModeMeasure::captured`] measures.
pub const MODES: About = About {
    name: "modes",
    words: "modes",
    measures: "components with at least a quarter of the points within 3 σ that their weight lets expect",
    sees: "sees modes that are missing; blind to everything inside a mode and to moderate errors of mass",
    ideal: Ideal::High,
    grain: Grain::Whole,
    axis: None,
    taken: Taken::Always,
    needs: Needs::Mixture,
    effort: Effort::Quick,
};

/// What [`ModeMeasure::high_quality`] measures.
pub const HIGH_QUALITY: About = About {
    name: "high_quality",
    words: "high-quality points",
    measures: "fraction of points within 3 σ of some component; for separate components sampled perfectly 0.9889, on the line 0.9973",
    sees: "sees blur, outliers and bridges as too few, and shrunken modes as too many; blind to masses and missing modes",
    ideal: Ideal::UpTo,
    grain: Grain::Share,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Mixture,
    effort: Effort::Quick,
};

/// What [`ModeMeasure::width`] measures.
pub const MODE_WIDTH: About = About {
    name: "mode_width",
    words: "width of modes",
    measures: "rms Mahalanobis distance of the points within 3 σ to their nearest component, over that of a Gaussian cut off there; 1 for the right widths",
    sees: "sees modes that are too narrow (below 1) or too wide; blind to masses, to missing modes and to what lies outside all of them",
    ideal: Ideal::Between,
    grain: Grain::Fine,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Mixture,
    effort: Effort::Quick,
};

/// What [`ModeMeasure::mass_tv`] measures.
pub const MASS_TV: About = About {
    name: "mass_tv",
    words: "mode mass error",
    measures: "total variation between the components' weights and their shares of the points, each point given to the most responsible component",
    sees: "sees wrong masses of modes, of which local measures see nothing; blind to everything inside a mode",
    ideal: Ideal::Low,
    grain: Grain::Share,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Mixture,
    effort: Effort::Quick,
};

/// What [`ModeMeasure::bridges`] measures.
pub const BRIDGES: About = About {
    name: "bridges",
    words: "points off all modes",
    measures: "fraction of points more than 4 σ from every component",
    sees: "sees the few points that lie between modes or outside all of them, which no global distance sees; blind to everything else",
    ideal: Ideal::Low,
    grain: Grain::Share,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Mixture,
    effort: Effort::Quick,
};

/// A component as a point sees it.
#[derive(Clone, Debug)]
struct Mode {
    weight: f64,
    mean: [f64; 2],
    /// Inverse Cholesky factor `[[a, 0], [b, c]]` of the covariance: its product with `x − μ` has the Mahalanobis length.
    whiten: [f64; 3],
    /// `log(weight) − ½ log det covariance`.
    log_scale: f64,
}

/// The components of a mixture; those of weight zero are left out.
#[derive(Clone, Debug)]
struct Mixture {
    modes: Vec<Mode>,
    /// Of a Gaussian draw, the probability to lie within 3 σ, and the mean squared Mahalanobis distance of those that do.
    within_three: [f64; 2],
}

/// Where a point stands in a mixture.
struct Place {
    /// Most responsible component, by `log(w_k N(x; μ_k, Σ_k))`.
    mode: usize,
    /// Smallest squared Mahalanobis distance to any component.
    squared: f64,
}

impl Mixture {
    fn new(components: &[Component]) -> Self {
        let present = components.iter().filter(|c| c.weight > 0.0);
        Self {
            modes: present.map(Mode::new).collect(),
            within_three: if components.iter().all(Component::is_on_line) {
                ModeMeasure::WITHIN_THREE_ON_A_LINE
            } else {
                [ModeMeasure::WITHIN_THREE, ModeMeasure::SQUARED_WITHIN_THREE]
            },
        }
    }

    fn place(&self, at: [f64; 2]) -> Place {
        let mut place = Place {
            mode: 0,
            squared: f64::INFINITY,
        };
        let mut best = f64::NEG_INFINITY;
        for (k, mode) in self.modes.iter().enumerate() {
            let squared = mode.squared_distance(at);
            let responsibility = mode.log_scale - 0.5 * squared;
            if responsibility > best {
                best = responsibility;
                place.mode = k;
            }
            place.squared = place.squared.min(squared);
        }
        place
    }
}

impl Mode {
    fn new(component: &Component) -> Self {
        let [[xx, xy], [_, yy]] = component.covariance;
        let l00 = xx.sqrt();
        let l10 = xy / l00;
        if component.is_on_line() {
            return Self {
                weight: component.weight,
                mean: component.mean,
                whiten: [1.0 / l00, 0.0, 0.0],
                log_scale: component.weight.ln() - l00.ln(),
            };
        }
        let l11 = (yy - l10 * l10).sqrt();
        Self {
            weight: component.weight,
            mean: component.mean,
            whiten: [1.0 / l00, -l10 / (l00 * l11), 1.0 / l11],
            log_scale: component.weight.ln() - (l00 * l11).ln(),
        }
    }

    fn squared_distance(&self, at: [f64; 2]) -> f64 {
        let (dx, dy) = (at[0] - self.mean[0], at[1] - self.mean[1]);
        let [a, b, c] = self.whiten;
        let (u, v) = (a * dx, b * dx + c * dy);
        u * u + v * v
    }
}

#[derive(Clone, Copy, Debug)]
enum Question {
    Captured,
    HighQuality,
    Width,
    MassTv,
    Bridges,
}

/// One of five measures against the components of a Gaussian mixture. They share the mixture, and cost little.
#[derive(Clone, Debug)]
pub struct ModeMeasure {
    mixture: Arc<Mixture>,
    question: Question,
}

impl ModeMeasure {
    /// Probability that a Gaussian draw in the plane lies within 3 σ: `1 − e^{−9/2}`.
    pub const WITHIN_THREE: f64 = 0.988_891_003_461_758;
    /// Mean squared Mahalanobis distance of a Gaussian draw in the plane, given that it lies within 3 σ: `2 − 9e^{−9/2}/(1 − e^{−9/2})`.
    pub const SQUARED_WITHIN_THREE: f64 = 1.898_895_865_677_63;
    /// The same two numbers on the line: `erf(3/√2)` and `1 − 6φ(3)/erf(3/√2)`, φ the density of N(0, 1).
    const WITHIN_THREE_ON_A_LINE: [f64; 2] = [0.997_300_203_936_739_8, 0.973_336_924_662_541_5];
    /// Share of its expected points within 3 σ that a mode needs to count as captured.
    pub const CAPTURED: f64 = 0.25;

    /// Number of modes captured: those that have at least [`CAPTURED`](Self::CAPTURED) of the `weight · n ·`
    /// [`WITHIN_THREE`](Self::WITHIN_THREE) points (on the line 0.9973) that a perfect sampler puts within 3 σ of them, and at least one. Stricter than the customary "one point"
    /// (Srivastava et al., VEEGAN, NIPS 2017), which 2000 scattered points pass by chance.
    #[must_use]
    pub fn captured(components: &[Component]) -> Self {
        Self::new(components, Question::Captured)
    }

    /// Fraction of high-quality points: within 3 σ (Mahalanobis) of some component.
    #[must_use]
    pub fn high_quality(components: &[Component]) -> Self {
        Self::new(components, Question::HighQuality)
    }

    /// Width of the modes: the root mean square of the Mahalanobis distances of all points within 3 σ to their nearest component, divided by that of a
    /// Gaussian cut off there, `√`[`SQUARED_WITHIN_THREE`](Self::SQUARED_WITHIN_THREE). NaN if no point lies within 3 σ of any.
    #[must_use]
    pub fn width(components: &[Component]) -> Self {
        Self::new(components, Question::Width)
    }

    /// Total variation `½ Σ_k |share_k − weight_k|`.
    #[must_use]
    pub fn mass_tv(components: &[Component]) -> Self {
        Self::new(components, Question::MassTv)
    }

    /// Fraction of points further than 4 σ from every component; `e^{−8} = 0.0003` at best, on the line 0.00006.
    #[must_use]
    pub fn bridges(components: &[Component]) -> Self {
        Self::new(components, Question::Bridges)
    }

    /// The measures that make sense for these components: all five for two and more; for one the high-quality fraction and the width.
    #[must_use]
    pub fn all(components: &[Component]) -> Vec<Self> {
        let mixture = Arc::new(Mixture::new(components));
        let questions: &[Question] = match mixture.modes.len() {
            0 => &[],
            1 => &[Question::HighQuality, Question::Width],
            _ => &[
                Question::Captured,
                Question::HighQuality,
                Question::Width,
                Question::MassTv,
                Question::Bridges,
            ],
        };
        let ask = |&question| Self {
            mixture: Arc::clone(&mixture),
            question,
        };
        questions.iter().map(ask).collect()
    }

    fn new(components: &[Component], question: Question) -> Self {
        Self {
            mixture: Arc::new(Mixture::new(components)),
            question,
        }
    }
}

impl Metric for ModeMeasure {
    fn about(&self) -> &'static About {
        match self.question {
            Question::Captured => &MODES,
            Question::HighQuality => &HIGH_QUALITY,
            Question::Width => &MODE_WIDTH,
            Question::MassTv => &MASS_TV,
            Question::Bridges => &BRIDGES,
        }
    }

    fn uses_reference(&self) -> bool {
        false
    }

    fn weighted(&self, cloud: CloudView<'_>, weights: &[f64]) -> Option<f64> {
        let modes = &self.mixture.modes;
        let [within, squared] = self.mixture.within_three;
        let rows = cloud.rows().into_iter().zip(weights);
        let places: Vec<(Place, f64)> = rows
            .map(|(row, w)| (self.mixture.place([row[0], row[1]]), *w))
            .collect();
        let share = |keep: &dyn Fn(&Place) -> bool| -> f64 {
            let kept = places.iter().filter(|(place, _)| keep(place));
            kept.map(|(_, w)| w).sum()
        };
        let pure = |place: &Place| place.squared <= 9.0;
        Some(match self.question {
            Question::Captured => {
                let captured = |&(k, mode): &(usize, &Mode)| {
                    let share = share(&|place| place.mode == k && pure(place));
                    share > 0.0 && share >= Self::CAPTURED * mode.weight * within
                };
                modes.iter().enumerate().filter(captured).count() as f64
            }
            Question::HighQuality => share(&pure),
            Question::Width => {
                let inside = places.iter().filter(|(place, _)| pure(place));
                let squares: f64 = inside.map(|(place, w)| w * place.squared).sum();
                (squares / share(&pure) / squared).sqrt()
            }
            Question::MassTv => {
                let gap = |(k, mode): (usize, &Mode)| {
                    (share(&|place| place.mode == k) - mode.weight).abs()
                };
                0.5 * modes.iter().enumerate().map(gap).sum::<f64>()
            }
            Question::Bridges => share(&|place| place.squared > 16.0),
        })
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let n = cloud.nrows() as f64;
        let modes = &self.mixture.modes;
        let [within, squared] = self.mixture.within_three;
        let places = cloud
            .rows()
            .into_iter()
            .map(|row| self.mixture.place([row[0], row[1]]));
        let fraction = |count: usize| count as f64 / n;
        let per_mode = |keep: fn(&Place) -> bool| {
            let mut counts = vec![0_usize; modes.len()];
            places
                .clone()
                .filter(keep)
                .for_each(|place| counts[place.mode] += 1);
            counts
        };
        match self.question {
            Question::Captured => {
                let pure = per_mode(|place| place.squared <= 9.0);
                let captured = |(mode, &count): (&Mode, &usize)| {
                    let expected = mode.weight * n * within;
                    count > 0 && count as f64 >= Self::CAPTURED * expected
                };
                modes
                    .iter()
                    .zip(&pure)
                    .filter(|&pair| captured(pair))
                    .count() as f64
            }
            Question::HighQuality => fraction(places.filter(|place| place.squared <= 9.0).count()),
            Question::Width => {
                let inside = places.filter(|place| place.squared <= 9.0);
                let (count, sum) = inside.fold((0_usize, 0.0), |(count, sum), place| {
                    (count + 1, sum + place.squared)
                });
                (sum / count as f64 / squared).sqrt()
            }
            Question::MassTv => {
                let shares = per_mode(|_| true);
                let gap = |(mode, &count): (&Mode, &usize)| (fraction(count) - mode.weight).abs();
                0.5 * modes.iter().zip(&shares).map(gap).sum::<f64>()
            }
            Question::Bridges => fraction(places.filter(|place| place.squared > 16.0).count()),
        }
    }
}
