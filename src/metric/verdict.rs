//! The verdict on a cloud: one sentence for people, and the values that it is made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ALL, Floor, Floors, JointTest, MEMORISATION, Mark, Measurement, Standing};
use crate::digits::three;

/// Whether a cloud can be told from independent samples of the target, by all measures of fit together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether no measure tells the cloud from perfect ones, at the level of one false alarm in twenty, and the cloud is no copy.
    pub at_floor: bool,
    /// The joint p-value: the probability that a perfect cloud looks as bad in its worst measure. Nothing if no measure has a floor.
    pub p: Option<f64>,
    /// Perfect clouds that it was compared with.
    pub draws: usize,
    /// The largest badness among the measures, in standard deviations; nothing where a value is no number.
    pub statistic: Option<f64>,
    /// All measures of fit, the worst first.
    pub measures: Vec<Standing>,
    /// The first measured step after the last at which the joint test failed along the run; nothing if it failed at the last, or there was no run.
    pub since: Option<u64>,
    /// Whether some measure shows the cloud to be more regular than independent points.
    pub too_regular: bool,
    /// Whether the cloud lies nearer to the training sample than fresh points do.
    pub leans_on_training: bool,
    /// `enough`, or what so few points cannot show.
    pub power: String,
    /// All of that in one sentence.
    pub sentence: String,
}

/// What is known beside the values of the measures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// See [`Verdict::since`].
    pub since: Option<u64>,
    /// Points that the cloud is compared with.
    pub references: usize,
    /// Why these do not judge as fresh draws would.
    pub caveat: Option<&'a str>,
    /// The joint test of the training sample against the same reference.
    pub training: Option<&'a JointTest>,
    /// Whether the cloud sits on points of the reference itself.
    pub copies_reference: bool,
    /// Particles that flowed, where the cloud is a sample of them.
    pub sample_of: Option<usize>,
}

/// The joint tests of a cloud on either side, and how near to the training sample it lies.
#[derive(Clone, Debug)]
pub(super) struct Findings<'a> {
    pub(super) fit: JointTest,
    pub(super) regularity: JointTest,
    /// Points of the cloud that were measured.
    pub(super) points: usize,
    pub(super) memorisation: Option<(f64, &'a Floor)>,
}

/// A cloud whose points are half as far from the training sample as fresh ones, or nearer, is a copy of it, whatever else holds.
const COPY: f64 = 0.5;

/// Fewest points that show a hundredth of the mass: one that is missing is missed by so many with a probability below one in twenty.
const ENOUGH: usize = 300;

impl Verdict {
    /// The verdict on `values`, measured against the reference that `floors` belong to.
    #[must_use]
    pub fn new(values: &Measurement, floors: &Floors, known: Circumstances<'_>) -> Self {
        let memorisation = values
            .get(MEMORISATION.name)
            .zip(floors.get(MEMORISATION.name));
        let findings = Findings {
            fit: floors.joint(values),
            regularity: floors.regularity(values),
            points: floors.points(),
            memorisation,
        };
        Self::of(findings, known)
    }

    pub(super) fn of(findings: Findings<'_>, known: Circumstances<'_>) -> Self {
        let Findings {
            fit,
            regularity,
            points,
            memorisation,
        } = findings;
        let leaning = memorisation.and_then(Leaning::new);
        let copy = leaning.as_ref().is_some_and(|l| l.value < COPY);
        let judged = !fit.measures.is_empty();
        let at_floor = judged && fit.passes() && !copy && !known.copies_reference;
        let too_regular = regularity.strikes();
        let weak = weakness(points.min(known.references), fit.draws);
        let since = known.since.filter(|_| at_floor);

        let mut clauses = vec![if !judged {
            "no measure has a floor here, so that nothing can be said".to_owned()
        } else if let Some(leaning) = leaning.as_ref().filter(|_| copy) {
            format!("NOT at the floor: it copies the training sample ({leaning})")
        } else if known.copies_reference {
            "NOT at the floor: it sits on the reference's own points, a copy?".to_owned()
        } else if at_floor {
            indistinguishable(&fit, since)
        } else {
            distinguished(&fit)
        }];
        let told = |training: &&JointTest| !training.measures.is_empty() && !training.passes();
        let training = known.training.filter(|_| judged && !at_floor);
        let training = training.filter(told);
        clauses.extend(training.map(|training| {
            format!(
                "the training sample itself is told from it (p = {}), and no flow can be expected to beat that",
                probability(training.p)
            )
        }));
        let regular = regularity.measures.first().filter(|_| too_regular);
        clauses.extend(
            regular
                .map(|most| format!("more regular than independent points ({})", striking(most))),
        );
        let leans = leaning.as_ref().filter(|_| !copy);
        clauses.extend(leans.map(|leaning| format!("leans on the training sample ({leaning})")));
        let sample = known.sample_of;
        clauses.extend(sample.map(|flowed| format!("a sample of {flowed} particles that flowed")));
        clauses.extend(weak.clone());
        clauses.extend(known.caveat.map(str::to_owned));
        let sentence = clauses.join("; ");
        Self {
            at_floor,
            p: judged.then_some(fit.p),
            draws: fit.draws,
            statistic: Some(fit.statistic).filter(|t| t.is_finite()),
            measures: fit.measures,
            since,
            too_regular,
            leans_on_training: leaning.is_some(),
            power: weak.unwrap_or_else(|| "enough".to_owned()),
            sentence,
        }
    }

    /// Where the cloud stands in a few words.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let fit = JointTest {
            p: self.p.unwrap_or(f64::NAN),
            statistic: self.statistic.unwrap_or(f64::INFINITY),
            draws: self.draws,
            measures: self.measures.clone(),
        };
        if fit.passes() && !self.at_floor {
            let said = "NOT at the floor: a copy".to_owned();
            return Mark {
                arrived: false,
                words: [said.clone(), said, "a copy".to_owned()],
                off: fit.off().count(),
            };
        }
        fit.mark()
    }
}

/// The training sample against the reference of the last cloud: `{measure: standing}`.
#[must_use]
pub fn standings(test: &JointTest) -> BTreeMap<String, Standing> {
    let named = |standing: &Standing| (standing.name.clone(), standing.clone());
    test.measures.iter().map(named).collect()
}

/// How much nearer to the training sample the cloud lies than fresh points.
struct Leaning {
    value: f64,
    mean: f64,
    sds: f64,
}

impl Leaning {
    /// Nothing if one fresh sample in a hundred, or any of fewer draws, lies as near.
    fn new((value, floor): (f64, &Floor)) -> Option<Self> {
        let draws = floor.draws();
        let nearer = draws.iter().filter(|&&v| v <= value).count();
        let p = (1 + nearer) as f64 / (1 + draws.len()) as f64;
        (p <= 0.01_f64.max(1.0 / (1 + draws.len()) as f64)).then(|| Self {
            value,
            mean: floor.mean,
            sds: -floor.z(value),
        })
    }
}

impl std::fmt::Display for Leaning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (value, mean) = (three(self.value), three(self.mean));
        write!(
            f,
            "memorisation {value}, fresh samples {mean}, {} sd",
            three_or_whole(self.sds)
        )
    }
}

/// What the counts cannot show; nothing if they show enough.
fn weakness(points: usize, draws: usize) -> Option<String> {
    let few_points = (points < ENOUGH).then(|| {
        let share = 100.0 * (1.0 - 0.05_f64.powf(1.0 / points.max(1) as f64));
        let digits = usize::from(share < 9.95);
        format!(
            "{points} points cannot show less than {share:.digits$} % of the mass missing or astray"
        )
    });
    let least = 1.0 / (1 + draws) as f64;
    let few_draws = (draws > 0 && least > JointTest::LEVEL).then(|| {
        format!("{draws} draws of the floor give no p below {least:.2}, and so many false alarms")
    });
    match (few_points, few_draws) {
        (Some(points), Some(draws)) => Some(format!("{points}; {draws}")),
        (points, draws) => points.or(draws),
    }
}

fn indistinguishable(fit: &JointTest, since: Option<u64>) -> String {
    let count = fit.measures.len();
    let measures = if count == 1 { "measure" } else { "measures" };
    let since = since.map_or(String::new(), |step| format!(" since step {step}"));
    let p = probability(fit.p);
    format!("indistinguishable from the target by {count} {measures}{since} (p = {p})")
}

fn distinguished(fit: &JointTest) -> String {
    let (off, count) = (fit.off().count(), fit.measures.len());
    let worst = fit.measures.first().map_or(String::new(), striking);
    match off {
        0 => format!(
            "NOT at the floor: {count} measures together tell it from the target, worst {worst}"
        ),
        1 => format!("NOT at the floor: 1 of {count} measures tells it from the target, {worst}"),
        _ => format!(
            "NOT at the floor: {off} of {count} measures tell it from the target, worst {worst}"
        ),
    }
}

/// A measure with its value and where perfect clouds have theirs.
fn striking(standing: &Standing) -> String {
    let value = standing.value.map_or("no number".to_owned(), three);
    let mean = three(standing.mean);
    let z = standing.z.map_or(String::new(), |z| {
        format!(", {} sd", three_or_whole(z.abs()))
    });
    let known = ALL.iter().find(|about| about.name == standing.name);
    let words = known.map_or(standing.name.as_str(), |about| about.words);
    let signed = |text: String| match text.strip_prefix('-') {
        Some(size) => format!("−{size}"),
        None => text,
    };
    let [value, mean] = [value, mean].map(signed);
    format!("{words} {value}, perfect samples {mean}{z}")
}

pub(super) fn three_or_whole(value: f64) -> String {
    if value.abs() < 9.95 {
        format!("{value:.1}")
    } else if value.abs() < 1e5 {
        format!("{value:.0}")
    } else {
        three(value)
    }
}

fn probability(p: f64) -> String {
    format!("{p:.2}")
}
