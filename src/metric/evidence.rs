//! What measures are built on.

use std::sync::Arc;

use super::modes::ModeMeasure;
use super::sample::Reference;
use super::sinkhorn::Sinkhorn;
use crate::cloud::CloudView;
use crate::plane::median_distance;
use crate::target::{Component, Target};

/// What a [`MetricSet`](super::MetricSet) is built on.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Sample of the target that the flow never sees, `m×2`: what clouds are compared with.
    pub reference: CloudView<'a>,
    /// The sample that the discriminator was trained on, `k×2`, if there is one: what clouds might have copied.
    pub training: Option<CloudView<'a>>,
    /// The target's components, if it is a mixture.
    pub components: Option<&'a [Component]>,
    /// The target itself, for the measures that need its density or score.
    pub target: Option<&'a Arc<dyn Target>>,
    /// The dimension of the space that the target lives in: 2, or 1 for the line, whose points have a second coordinate of 0.
    pub dimension: usize,
}

/// Lengths that measures need: taken from the pooled sample, so that relabelling its points leaves them as they are, or, along a run, from the
/// reference, which stands for the pooled sample at the floor and, unlike it, stays put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rulers {
    /// Width s of the kernel of the MMD.
    pub(super) bandwidth: f64,
    /// Regularisation of the Sinkhorn divergence.
    pub(super) epsilon: f64,
}

impl Rulers {
    pub(super) fn of(sample: CloudView<'_>) -> Self {
        let median = median_distance(sample);
        Self {
            bandwidth: if median > 0.0 { median } else { 1.0 },
            epsilon: Sinkhorn::epsilon_for(sample),
        }
    }
}

/// All that a measure may be built on.
#[derive(Clone, Debug)]
pub(super) struct Grounds<'a> {
    pub(super) evidence: Evidence<'a>,
    pub(super) rulers: Rulers,
    /// The reference with its neighbours, if some measure asks for them.
    pub(super) near: Option<Reference>,
    /// The measures of modes that make sense for the target.
    pub(super) modes: Vec<ModeMeasure>,
}
