//! Judging a cloud against a target or another sample: every measure with its value, floor, p-value and a sentence.

use std::sync::Arc;

use ndarray::{ArrayView1, Axis, concatenate};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::catalogue::ALL;
use super::evidence::Rulers;
use super::joint::{Column, JointTest, Side};
use super::range::{has_a_scale, usable};
use super::set::{Measures, metrics};
use super::verdict::{Circumstances, Findings, Verdict, three_or_whole};
use super::{
    About, C2ST, Effort, Evidence, Floor, Ideal, KNN_KL, MEMORISATION, Reading, Wasserstein,
};
use crate::cloud::{Cloud, CloudView, in_order};
use crate::random::Stream;
use crate::setting::{Invalid, at_least};
use crate::target::Target;

/// Whether the measure of this name is among those that are taken together.
type Wanted<'a> = dyn Fn(&str) -> bool + Sync + 'a;

/// What a cloud is judged against.
#[derive(Clone, Copy, Debug)]
pub enum Null<'a> {
    /// A sample, `m×2`. The floor is that of random relabellings of the pooled points.
    Sample(CloudView<'a>),
    /// A distribution. The floor is that of independent draws, against the same reference sample. One that is known by points alone is judged by
    /// those that it holds out, as by any sample.
    Target(&'a Arc<dyn Target>),
}

/// How clouds are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluator {
    /// Most points that are taken of either cloud, at least 2; of more, so many are drawn at random.
    pub points: usize,
    /// Independent draws or relabellings behind each floor, at least 19. The smallest p-value is 1/(draws + 1).
    pub draws: usize,
    /// The same for the measures that cost most, `w2` and `sinkhorn`.
    pub dear_draws: usize,
    /// The measures that are taken; empty: all that apply.
    pub only: Vec<&'static About>,
    /// The dimension of the space that the points live in: 2, or 1 for points of the line, whose second coordinate is 0.
    pub dimension: usize,
    /// All randomness follows from this number.
    pub seed: u64,
}

impl Default for Evaluator {
    fn default() -> Self {
        Self {
            points: 2000,
            draws: 99,
            dear_draws: 19,
            only: Vec::new(),
            dimension: 2,
            seed: 1,
        }
    }
}

/// One measure of the cloud, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricResult {
    /// The measure.
    pub about: &'static About,
    /// Its value.
    pub reading: Reading,
    /// What it gives where the cloud is as good as can be; `None` where it gives no number.
    pub floor: Option<Floor>,
    /// Probability of a value at least as bad, if the cloud is as good as can be; two-sided where values must be neither low nor high. Uniform
    /// under the null hypothesis but for its steps of 1/(draws + 1). NaN without a value or a floor.
    pub p: f64,
    /// Standard deviations of the value above the mean of the floor, as in the joint test; NaN without a value or a floor.
    pub z: f64,
    /// Whether the cloud sits on the points that it is compared with.
    pub copies: bool,
}

/// All measures of a cloud.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The measures in the order of their columns.
    pub judgements: Vec<MetricResult>,
    /// The points of the cloud that were measured.
    pub cloud: Cloud,
    /// The points that they were compared with.
    pub reference: Cloud,
    /// All measures together: whether the cloud can be told from what it is judged against. Measures that have fewer draws than
    /// others stand aside.
    pub verdict: Verdict,
    /// What a reader should know before using the numbers, such as that not all points were taken.
    pub notes: Vec<Note>,
}

/// What a reader should know before using the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Not all points were taken.
    Thinned {
        /// Whether of the points that were compared with, and not of the cloud.
        reference: bool,
        /// Points there are.
        points: usize,
        /// Points that were taken.
        taken: usize,
    },
    /// A measure that was asked for says nothing.
    Silent {
        /// Its name.
        measure: &'static str,
        /// What it needs.
        needs: super::Needs,
    },
    /// What the points that are compared with cannot do.
    Caveat(String),
}

impl Note {
    /// The note in words; `names` are those of the cloud and of what it is judged against.
    #[must_use]
    pub fn words(&self, [cloud, against]: [&str; 2]) -> String {
        match self {
            Self::Thinned {
                reference,
                points,
                taken,
            } => format!(
                "{} holds {points} points: all values are estimates from {taken} of them drawn at random; more can be asked for, and W2 is exact up to {}",
                if *reference { against } else { cloud },
                Wasserstein::MOST
            ),
            Self::Silent { measure, needs } => {
                format!("{measure} says nothing here: it {}", needs.words())
            }
            Self::Caveat(caveat) => caveat.clone(),
        }
    }
}

/// A cloud beside what it is judged against.
#[derive(Clone, Copy)]
struct Case<'a> {
    cloud: CloudView<'a>,
    reference: CloudView<'a>,
    /// Both.
    pooled: CloudView<'a>,
    target: Option<&'a Arc<dyn Target>>,
    rulers: Rulers,
    dimension: usize,
}

impl Case<'_> {
    /// The `wanted` measures on a reference.
    fn measures(&self, reference: CloudView<'_>, wanted: &Wanted<'_>) -> Measures {
        let evidence = Evidence {
            reference,
            training: None,
            components: self.target.and_then(|target| target.components()),
            target: self.target,
            dimension: self.dimension,
        };
        metrics(evidence, self.rulers, wanted)
    }
}

impl Evaluator {
    /// Measures `cloud` (`n×2`) against `null`.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range, for measures of which none applies (`only`), for points of a scale that squares do not bear, and for clouds of
    /// fewer than two points or with coordinates that are not finite, under the keys `a` and `b`.
    pub fn judge(&self, cloud: CloudView<'_>, null: Null<'_>) -> Result<Evaluation, Invalid> {
        at_least("points", self.points, 2)?;
        at_least("draws", self.draws, 19)?;
        at_least("dear_draws", self.dear_draws, 19)?;
        usable("a", cloud)?;
        let mut notes = Vec::new();
        let parts = match null {
            Null::Target(target) => target.parts(),
            Null::Sample(_) => None,
        };
        let null = match parts {
            Some(parts) => {
                notes.extend(parts.caveat.clone().map(Note::Caveat));
                Null::Sample(parts.held_out.view())
            }
            None => null,
        };
        let cloud = self.thinned("a", cloud, &mut notes);
        let (reference, target) = match null {
            Null::Sample(sample) => {
                usable("b", sample)?;
                (self.thinned("b", sample, &mut notes), None)
            }
            Null::Target(target) => {
                // Streams of their own: a run of the same seed must not meet its own samples again.
                (
                    target.sample(cloud.nrows(), self.stream("judged against")),
                    Some(target),
                )
            }
        };
        let pooled = concatenate![Axis(0), cloud, reference];
        has_a_scale(pooled.view())?;
        let case = Case {
            // Along a floor of independent draws the pooled sample changes: there the reference is the ruler.
            rulers: Rulers::of(match target {
                Some(_) => reference.view(),
                None => pooled.view(),
            }),
            cloud: cloud.view(),
            reference: reference.view(),
            pooled: pooled.view(),
            target,
            dimension: self.dimension,
        };

        let judged = self.taken(case)?;
        let copies = is_copy(case.cloud, case.reference, &judged);
        let known = Circumstances {
            references: reference.nrows(),
            copies_reference: copies,
            sample_of: None,
            caveat: parts.and_then(|parts| parts.caveat.as_deref()),
            ..Circumstances::default()
        };
        let verdict = Self::verdict(&judged, cloud.nrows(), known);
        let mut judgements: Vec<MetricResult> = judged.into_iter().map(|(j, _)| j).collect();
        for judgement in &mut judgements {
            judgement.copies = copies;
        }
        for about in &self.only {
            if judgements.iter().all(|j| j.about != *about) {
                notes.push(Note::Silent {
                    measure: about.name,
                    needs: about.needs,
                });
            }
        }
        let place = |j: &MetricResult| ALL.iter().position(|about| *about == j.about);
        judgements.sort_by_key(place);
        Ok(Evaluation {
            verdict,
            judgements,
            cloud,
            reference,
            notes,
        })
    }

    /// All measures that are asked for, each with its values for perfect clouds; refused if there is none.
    fn taken(&self, case: Case<'_>) -> Result<Vec<(MetricResult, Vec<f64>)>, Invalid> {
        let chosen = |name: &str| self.only.is_empty() || self.only.iter().any(|a| a.name == name);
        let all = || ALL.iter();
        let is_dear = |name: &str| all().any(|a| a.name == name && a.effort == Effort::Dear);
        let dear = |name: &str| chosen(name) && is_dear(name);
        let quick = |name: &str| chosen(name) && !is_dear(name) && name != MEMORISATION.name;
        let mut judged = self.hold(case, self.draws, &quick);
        judged.extend(self.hold(case, self.dear_draws, &dear));
        if judged.is_empty() {
            let names: Vec<&str> = self.only.iter().map(|about| about.name).collect();
            let mut needs: Vec<&str> = self.only.iter().map(|about| about.needs.words()).collect();
            needs.dedup();
            return Err(Invalid::new("only", names.join(", "), needs.join(", ")));
        }
        Ok(judged)
    }

    /// The `wanted` measures, each with its values for so many perfect clouds.
    fn hold(
        &self,
        case: Case<'_>,
        draws: usize,
        wanted: &Wanted<'_>,
    ) -> Vec<(MetricResult, Vec<f64>)> {
        let n = case.cloud.nrows();
        let measures = case.measures(case.reference, wanted);
        let values = |measures: &Measures, cloud: CloudView<'_>| -> Vec<f64> {
            let sample = measures.sample(cloud, false);
            let seen = measures.see(&sample);
            let each = measures.list.iter();
            each.map(|metric| metric.value(&seen)).collect()
        };
        let floors: Vec<Vec<f64>> = (0..draws as u64)
            .into_par_iter()
            .map(|draw| {
                if let Some(target) = case.target {
                    let sample = target.sample(n, self.stream("judged floor").at(draw));
                    return values(&measures, sample.view());
                }
                let mut order: Vec<usize> = (0..case.pooled.nrows()).collect();
                order.shuffle(&mut self.stream("relabelling").at(draw).rng());
                let part = |places: &[usize]| case.pooled.select(Axis(0), places);
                let (cloud, reference) = (part(&order[..n]), part(&order[n..]));
                values(&case.measures(reference.view(), wanted), cloud.view())
            })
            .collect();
        let judged = measures.list.iter().enumerate().map(|(place, metric)| {
            let draws = floors.iter().filter_map(|values| values.get(place));
            let draws: Vec<f64> = draws.copied().collect();
            let floor = Floor::new(draws.iter().copied());
            let judgement = MetricResult::new(metric.about(), metric.read(case.cloud), floor, n);
            (judgement, draws)
        });
        judged.collect()
    }

    /// The verdict by all measures that have as many draws as most have.
    fn verdict(
        judged: &[(MetricResult, Vec<f64>)],
        points: usize,
        known: Circumstances<'_>,
    ) -> Verdict {
        let most = judged.iter().map(|(_, draws)| draws.len()).max();
        let full = judged.iter().filter(|(_, draws)| Some(draws.len()) == most);
        let columns: Vec<Column<'_>> = full
            .map(|(judgement, draws)| Column {
                about: judgement.about,
                value: judgement.reading.value,
                draws,
            })
            .collect();
        let findings = Findings {
            fit: JointTest::new(&columns, Side::Worse, points),
            regularity: JointTest::new(&columns, Side::Regular, points),
            points,
            memorisation: None,
        };
        Verdict::of(findings, known)
    }

    fn stream(&self, name: &str) -> Stream {
        Stream::new(self.seed, name)
    }

    /// At most [`points`](Self::points) of the points, in an order that follows from them alone, and a note if some were left out.
    fn thinned(&self, key: &str, cloud: CloudView<'_>, notes: &mut Vec<Note>) -> Cloud {
        let n = cloud.nrows();
        // What is drawn from the rows must not depend on the order in which a file has them.
        let mut order = in_order(cloud);
        if n <= self.points {
            return cloud.select(Axis(0), &order);
        }
        notes.push(Note::Thinned {
            reference: key == "b",
            points: n,
            taken: self.points,
        });
        let mut rng = self.stream("thinning").part(key).rng();
        let (chosen, _) = order.partial_shuffle(&mut rng, self.points);
        cloud.select(Axis(0), chosen)
    }
}

impl MetricResult {
    fn new(about: &'static About, reading: Reading, floor: Option<Floor>, points: usize) -> Self {
        let (value, grain) = (reading.value, about.grain.least(points));
        let p = floor
            .as_ref()
            .filter(|_| !value.is_nan())
            .map_or(f64::NAN, |floor| p_value(value, floor, about.ideal));
        Self {
            z: floor
                .as_ref()
                .map_or(f64::NAN, |floor| floor.deviations(value, grain)),
            about,
            reading,
            floor,
            p,
            copies: false,
        }
    }

    /// One sentence: whether the cloud can be told from the target by this measure, and what the measure can and cannot see.
    #[must_use]
    pub fn verdict(&self) -> String {
        let sees = self.about.sees;
        let Some(floor) = self.floor.as_ref().filter(|_| self.p.is_finite()) else {
            return format!("gives no number here; it {sees}");
        };
        let draws = floor.draws().len();
        let side = if self.z > 0.0 { "above" } else { "below" };
        let sds = three_or_whole(self.z.abs());
        let how = match (self.p <= 0.05, self.z.is_finite()) {
            (true, true) if self.z.abs() >= 1.0 => {
                format!("differs from chance: {sds} sd {side} the floor")
            }
            (true, _) => format!("differs from chance: beyond all but few of {draws} floor values"),
            // So few draws allow no p that would say so.
            (false, true) if self.z.abs() >= 3.0 && !self.reachable(draws) => {
                format!(
                    "differs from chance: {sds} sd {side} the floor, though {draws} draws give no p below {:.2}",
                    2.0 / (1 + draws) as f64
                )
            }
            (false, _) if self.below(floor) && self.copies => {
                "below the floor: the cloud sits on the points that it is compared with, a copy?"
                    .to_owned()
            }
            (false, _) if self.below(floor) => {
                "no worse than chance, and more regular than independent points".to_owned()
            }
            (false, _) => "cannot be told from chance".to_owned(),
        };
        format!("{how}; it {sees}")
    }

    /// Whether so many draws can give a p of one in twenty.
    fn reachable(&self, draws: usize) -> bool {
        let sides = match self.about.ideal {
            Ideal::Low | Ideal::High | Ideal::Open => 1.0,
            Ideal::Between | Ideal::UpTo => 2.0,
        };
        sides / (1 + draws) as f64 <= 0.05
    }

    /// Whether a measure of which less is better lies below nearly all of its floor.
    fn below(&self, floor: &Floor) -> bool {
        self.about.ideal == Ideal::Low && self.reading.value < floor.quantile(0.025)
    }
}

/// Whether the cloud sits on the points of the reference: by more than one in twenty of its points exactly, where the reference does not repeat
/// its own about as often, as a sample of a discrete distribution would, or, nearly, by measures of neighbours further below their floor than any chance.
fn is_copy(
    cloud: CloudView<'_>,
    reference: CloudView<'_>,
    judged: &[(MetricResult, Vec<f64>)],
) -> bool {
    let bits = |points: CloudView<'_>| {
        let place = |row: ArrayView1<'_, f64>| [row[0].to_bits(), row[1].to_bits()];
        let mut all: Vec<[u64; 2]> = points.rows().into_iter().map(place).collect();
        all.sort_unstable();
        all
    };
    let (own, known) = (bits(cloud), bits(reference));
    let met = own
        .iter()
        .filter(|at| known.binary_search(at).is_ok())
        .count();
    let repeated = known.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let met = met as f64 / own.len() as f64;
    let exactly = met > 0.05 && 4.0 * repeated as f64 / (known.len() as f64) < met;
    let nearly = judged.iter().any(|(j, _)| {
        let local = *j.about == C2ST || *j.about == KNN_KL;
        local && j.z < -NEARLY
    });
    exactly || nearly
}

/// Standard deviations below its floor at which a measure of neighbours shows copies and not mere regularity: even a lattice stays above.
const NEARLY: f64 = 12.0;

/// Share of the floor, the value itself counted with it, that is at least as bad.
fn p_value(value: f64, floor: &Floor, ideal: Ideal) -> f64 {
    let draws = floor.draws();
    // The same split of the points must count, whatever the rounding.
    let slack = 1e-12 * draws.iter().fold(value.abs(), |most, v| most.max(v.abs()));
    let share = |count: usize| (1 + count) as f64 / (1 + draws.len()) as f64;
    let above = share(draws.iter().filter(|&&v| v >= value - slack).count());
    let below = share(draws.iter().filter(|&&v| v <= value + slack).count());
    match ideal {
        Ideal::Low => above,
        Ideal::High => below,
        Ideal::Open => 1.0,
        Ideal::Between | Ideal::UpTo => (2.0 * above.min(below)).min(1.0),
    }
}
