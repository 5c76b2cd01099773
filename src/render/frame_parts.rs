//! What a frame shows.

use super::field::FieldGrid;
use super::look::LOOK;
use super::strip::Strip;
use super::view::View;
use crate::canvas::Rect;
use crate::cloud::CloudView;
use crate::pixels::Colour;

/// One moment of a run, or of several that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a, 'p> {
    /// Title of the scenario. A long one has smaller letters, then a second line, and at last an end `…`.
    pub title: &'a str,
    /// Steps taken so far.
    pub step: u64,
    /// Steps of the whole run; 0 where the panels show moments of their own, and the head none.
    pub steps: u64,
    /// Time of the flow, the sum of the step sizes; not a number where the panels have times of their own.
    pub time: f64,
    /// The part of the plane that every panel shows: the same throughout the run.
    pub view: View,
    /// The longest of the moves that arrows stand for, the same throughout the film, so that all its arrows have one scale. See
    /// [`FieldGrid::longest_move`].
    pub longest: f64,
    /// The phases of a step, above the panels; nothing where they are not shown.
    pub strip: Option<Strip<'a>>,
    /// The clouds, side by side in rows of equal length, or as nearly as can be.
    pub panels: &'a [Panel<'p>],
}

/// One cloud on its way.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'p> {
    /// Name of the variant; empty in a frame with a single panel.
    pub name: &'p str,
    /// The cloud now, `n×2`. Points that are not finite are not drawn.
    pub particles: CloudView<'p>,
    /// The same particles a little earlier, the oldest first: what [`Show::trails`](super::Show::trails) draws.
    pub past: &'p [CloudView<'p>],
    /// Where a thread leads from to each particle, `n×2`, if there are threads.
    pub threads: Option<CloudView<'p>>,
    /// For each particle the first of these moments, and then of the present, at which it lived: no trail goes further back, and who is born now is
    /// marked. Empty where all have lived from the first.
    pub births: &'p [usize],
    /// N times the weight of each particle, to which its area is proportional; empty where all are equal.
    pub shares: &'p [f64],
    /// The colour of each particle, from [`origin::colours`](super::origin::colours).
    pub colours: &'p [Colour],
    /// The target sample, `m×2`.
    pub target: CloudView<'p>,
    /// What the discriminator says all over the view, or over another that meets it.
    pub field: Option<&'p FieldGrid>,
    /// Its curves, where it is a cloud on the line; the panel then shows these.
    pub profile: Option<Profile<'p>>,
    /// The metric that tells how far the cloud has come.
    pub headline: Option<Headline<'p>>,
    /// A remark beside the panel, such as `stopped: …`; empty for none.
    pub note: &'p str,
    /// Whether that says why the cloud is one that is left of a run that failed while others go on: the panel is then greyed, and the note stands across it.
    pub diverged: bool,
    /// The longest of the moves of this run's film, where its arrows have a scale of their own: they would be too short on that of all.
    pub longest: Option<f64>,
}

impl Panel<'_> {
    /// Whether the target sample is so small that it lies above the particles, as rings that hide none of them.
    pub(super) fn has_samples_above(&self) -> bool {
        LOOK.few * self.target.nrows() <= self.particles.nrows()
    }

    /// Where a cloud lies that has shrunk to a dot, in the picture, and how wide it is, in its own units.
    pub(super) fn clump(&self, plot: Rect, view: &View) -> Option<[f64; 3]> {
        let [x, y, wide] = View::core(self.particles)?;
        let unit = plot.width / view.width();
        let is_dot = wide * unit < LOOK.clump[0] && view.contains(x, y) && !self.diverged;
        let place = [
            plot.x + (x - view.x[0]) * unit,
            plot.bottom() - (y - view.y[0]) * unit,
        ];
        is_dot.then_some([place[0], place[1], wide])
    }
}

/// The curves of a cloud on the line, over places in ascending order; all densities are per unit of length.
#[derive(Clone, Copy, Debug)]
pub struct Profile<'p> {
    /// The places, `k`.
    pub places: &'p [f64],
    /// Density of the target there.
    pub target: &'p [f64],
    /// Density of the cloud there: its particles, blurred.
    pub cloud: &'p [f64],
    /// The true `log p/q` there; empty where the density of the target is not known.
    pub truth: &'p [f64],
    /// Whether that is known by a closed form of both, and not from the blurred particles.
    pub closed: bool,
    /// The [highest density](Self::top_of) that the picture shows; the same throughout a film.
    pub top: f64,
    /// Steps done and particles of the recorded moments up to the present, the first first.
    pub moments: &'p [(usize, CloudView<'p>)],
    /// For each particle the first of these moments from which on it has lived; empty where all have from the first.
    pub births: &'p [usize],
    /// The last step that the paths have room for.
    pub steps: usize,
}

impl Profile<'_> {
    /// The highest density that a picture of this target shows. A cloud that is denser leaves it through the top.
    #[must_use]
    pub fn top_of(target: &[f64]) -> f64 {
        Self::top_over(target, 0.0)
    }

    /// The same where clouds are as dense as `cloud`: these are seen too, unless that made the target low.
    #[must_use]
    pub fn top_over(target: &[f64], cloud: f64) -> f64 {
        /// As multiples of the target's highest density: the least and the most, and of the cloud's.
        const AIR: [f64; 2] = [1.3, 2.4];
        const OVER: f64 = 1.15;
        let own = target.iter().copied().fold(0.0, f64::max);
        let top = (OVER * cloud).clamp(AIR[0] * own, AIR[1] * own);
        if top > 0.0 { top } else { 1.0 }
    }
}

/// Where a cloud stands against the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headline<'a> {
    /// The same at length, in brief, and in a word or two: the first that there is room for is written.
    pub words: [&'a str; 3],
    /// Whether the cloud is at the floor.
    pub arrived: bool,
    /// The step at which it stood there, if that is not the one that is shown.
    pub since: Option<usize>,
}
