//! The only list of the measures, in the order of their columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::about::{About, Metric};
use super::c2st::{C2ST, C2st};
use super::coverage::{COVERAGE, Coverage, DENSITY, Density};
use super::energy::{ENERGY_DISTANCE, ENERGY_P, EnergyDistance};
use super::evidence::Grounds;
use super::frechet::{FRECHET, Frechet};
use super::knn_kl::{KNN_KL, KNN_KL_REVERSE, KnnKl};
use super::known_kl::{KL, KnownKl};
use super::logistic::{C2ST_LOGISTIC, LogisticC2st};
use super::memorisation::{MEMORISATION, Memorisation};
use super::mmd::{MMD2, Mmd2};
use super::modes::{BRIDGES, HIGH_QUALITY, MASS_TV, MODE_WIDTH, MODES};
use super::score::{SCORE_ERROR, ScoreError};
use super::sinkhorn::{SINKHORN, Sinkhorn};
use super::sliced::{SLICED_W2, SlicedW2};
use super::stranded::{STRANDED, Stranded};
use super::w2_law::{W2_LAW, W2Law};
use super::wasserstein::{W2, Wasserstein};

/// Builds a measure, if it makes sense on these grounds.
type Builder = fn(&Grounds<'_>) -> Option<Box<dyn Metric>>;

/// Lists measures, each with what builds it; one that runs take only if asked has a name for that, and a line for the schema.
macro_rules! measures {
    ($($about:ident $(asked as $asked:ident: $line:literal)?, $on:ident => $build:expr;)*) => {
        /// All measures there are, in the order of their columns.
        pub const ALL: &[&About] = &[$(&$about),*];

        /// Each with what builds it.
        pub(super) const BUILDERS: &[(&About, Builder)] = &[$((&$about, |$on| $build)),*];

        /// A measure that a run takes only if it is asked to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Extra {
            $($(#[doc = $line] $asked,)?)*
            /// Exact 2-Wasserstein distance to the first cloud, at every measured step; that of the last cloud is taken in any case. It has no floor.
            W2Moved,
        }

        impl Extra {
            /// Name of the measure.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$asked => $about.name,)?)*
                    Self::W2Moved => "w2_moved",
                }
            }
        }
    };
}

measures! {
    ENERGY_DISTANCE, on => some(EnergyDistance::new(on.evidence.reference));
    // Taken along with the energy distance.
    ENERGY_P, _on => None;
    MMD2, on => some(Mmd2::new(on.evidence.reference, on.rulers.bandwidth));
    SLICED_W2, on => some(SlicedW2::new(on.evidence.reference, SlicedW2::DIRECTIONS).within(on.evidence.dimension));
    W2 asked as W2: "Exact 2-Wasserstein distance to the target.", on => some(Wasserstein::new(on.evidence.reference).ok()?);
    W2_LAW asked as W2Law: "2-Wasserstein distance to the law of a target on the line itself.", on => some(W2Law::new(on.evidence.target?)?);
    FRECHET asked as Frechet: "Fréchet distance, from means and covariances alone.", on => some(Frechet::new(on.evidence.reference));
    SINKHORN asked as Sinkhorn: "Debiased Sinkhorn divergence.", on => some(Sinkhorn::new(on.evidence.reference, on.rulers.epsilon));
    KL, on => some(KnownKl::new(on.evidence.target?)?);
    KNN_KL, on => some(KnnKl::on(on.evidence.reference, on.near.clone()?, KnnKl::K));
    KNN_KL_REVERSE asked as KnnKlReverse: "`KL(p‖q)` by nearest neighbours.", on => some(KnnKl::reverse(on.evidence.reference, KnnKl::K));
    SCORE_ERROR asked as ScoreError: "Error of the score, for targets that know their own.", on => some(ScoreError::new(on.evidence.target?, on.evidence.reference)?);
    C2ST, on => some(C2st::on(on.near.clone()?));
    C2ST_LOGISTIC asked as C2stLogistic: "Accuracy of a logistic classifier.", on => some(LogisticC2st::new(on.evidence.reference));
    DENSITY asked as Density: "How densely the target lies around the cloud.", on => some(Density::new(on.evidence.reference)?);
    COVERAGE asked as Coverage: "How much of the target the cloud reaches.", on => some(Coverage::new(on.evidence.reference)?);
    STRANDED, on => some(Stranded::on(on.near.clone()?)?);
    MEMORISATION, on => some(Memorisation::new(on.evidence.reference, on.evidence.training?)?);
    MODES, on => mode(&MODES, on);
    HIGH_QUALITY, on => mode(&HIGH_QUALITY, on);
    MODE_WIDTH, on => mode(&MODE_WIDTH, on);
    MASS_TV, on => mode(&MASS_TV, on);
    BRIDGES, on => mode(&BRIDGES, on);
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "most builders may find that their measure makes no sense"
)]
fn some(metric: impl Metric + 'static) -> Option<Box<dyn Metric>> {
    Some(Box::new(metric))
}

/// The measure `about` of a mixture, if it makes sense for its components.
fn mode(about: &About, on: &Grounds<'_>) -> Option<Box<dyn Metric>> {
    let mut own = on.modes.iter().filter(|measure| measure.about() == about);
    own.next().cloned().and_then(some)
}
