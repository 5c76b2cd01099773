//! The curves of a run, or of several side by side: what was measured, and what theory says of it.

use super::pictures::{DrawnRun, Scene, sharp};
use super::theory::closed_form;
use crate::metric::{ALL, About, ENERGY_DISTANCE, Floor, Floors, Ideal, Scale};
use crate::observe::{OFF, Row, W2_MOVED, flow_columns};
use crate::render::{Chart, Curve, Figure, FloorLine, Style, curves, curves_svg};

impl Scene<'_> {
    /// The bytes of `convergence.png`, at twice the scale: one chart for each measure that any of the runs has.
    #[must_use]
    pub fn convergence(&self, style: &Style) -> Vec<u8> {
        self.figure(&sharp(style), curves).png()
    }

    /// The text of `convergence.svg`.
    #[must_use]
    pub fn convergence_svg(&self, style: &Style) -> String {
        self.figure(style, curves_svg)
    }

    /// Draws the curves with `draw`.
    fn figure<T>(&self, style: &Style, draw: impl Fn(&Figure<'_>, &Style) -> T) -> T {
        let known = charts(self.takes);
        let series: Vec<Vec<Series<'_>>> = known
            .iter()
            .map(|(about, _)| {
                self.takes
                    .iter()
                    .filter_map(|take| take.series(about.name, self.label(take)))
                    .collect()
            })
            .collect();
        let curved: Vec<Vec<Curve<'_>>> = series
            .iter()
            .map(|all| all.iter().map(Series::curve).collect())
            .collect();
        let mut charts: Vec<Chart<'_>> = known
            .iter()
            .zip(&curved)
            .filter(|(_, curves)| !curves.is_empty())
            .map(|((about, scale), curves)| Chart {
                name: about.words,
                note: gloss(about),
                floor: shared(
                    self.takes
                        .iter()
                        .map(|take| floor_of(take.meter.floors(), about.name)),
                ),
                logarithmic: *scale == Scale::Log,
                curves,
            })
            .collect();
        let balance = self.balance();
        let balanced: Vec<Vec<Curve<'_>>> = balance
            .iter()
            .map(|balance| balance.series.iter().map(Series::curve).collect())
            .collect();
        for (balance, curves) in balance.iter().zip(&balanced) {
            charts.push(Chart {
                name: balance.name,
                note: balance.note,
                floor: None,
                logarithmic: balance.logarithmic,
                curves,
            });
        }
        let drawn = known.iter().zip(&curved);
        let drawn = drawn.filter(|(_, curves)| !curves.is_empty());
        let figure = Figure {
            main: drawn.filter(|((about, _), _)| is_main(about)).count(),
            note: "against a second sample, which D has never seen; the verdict on the last cloud is against a third",
            across: "step",
            title: self.title,
            charts: &charts,
        };
        draw(&figure, style)
    }
}

impl<'a> Scene<'a> {
    /// What the curves of a run are called; a run by itself is told from what is drawn beside it.
    fn label(&self, take: &DrawnRun<'a>) -> &'a str {
        if self.takes.len() == 1 {
            "measured"
        } else {
            take.name
        }
    }

    /// Charts that hold runs to the theory. A run by itself: the KL lost against what the moves promise to take off it, and W2 from the
    /// first cloud against its two upper bounds. Several: which part of the loss was promised.
    fn balance(&self) -> Vec<Balance<'a>> {
        let [take] = self.takes else {
            let shares = self.takes.iter().filter_map(DrawnRun::promised_share);
            let shares: Vec<_> = shares.collect();
            if !shares.iter().any(|share| is_near(share.values.last())) {
                return Vec::new();
            }
            return vec![Balance {
                name: "lost KL that D promised",
                note: "as a share: 1 if D is exact",
                logarithmic: true,
                series: shares,
            }];
        };
        let chart = |name, note, columns: &[(&str, &'static str)]| {
            let measured = |&(column, label): &(&str, &'static str)| take.series(column, label);
            let mut series: Vec<Series<'_>> = columns.iter().filter_map(measured).collect();
            // The first is what the last may lie on.
            if let [first, _, ..] = &mut series[..] {
                first.wide = true;
            }
            let last = |series: &Series<'_>| series.values.last().copied().unwrap_or(f64::NAN);
            let far = matches!(&series[..], [a, b] if last(a) > 0.0 && !(0.1..10.0).contains(&(last(b) / last(a))));
            Balance {
                name,
                note,
                logarithmic: far,
                series,
            }
        };
        let all = [
            chart(
                "KL(q‖p) lost",
                "equal if D is exact, less if it smooths",
                &[
                    ("dissipation", "promised by D, Σ ε E‖v‖²"),
                    ("reaction_dissipation", "promised to births and deaths"),
                    ("kl_lost", "measured"),
                ],
            ),
            chart(
                "W₂(q₀, q) and its bounds",
                "never above them",
                &[
                    ("displacement", "rms displacement"),
                    ("path_length", "path length"),
                    (W2_MOVED.name, "measured"),
                ],
            ),
        ];
        let drawn = |balance: &Balance<'_>| balance.series.len() > 1;
        // A D that smooths promises little of what is lost: that is no error of the theory, and is not shown as one.
        let holds = |series: &Series<'_>| is_near(series.values.last());
        let exact = take.promised_share().as_ref().is_some_and(holds);
        // Masses that change are no coupling of the clouds, and bound no distance.
        let bounds = take.series("births", "").is_none();
        let [lost, moved] = all;
        let lost = Some(lost).filter(|_| exact);
        let moved = Some(moved).filter(|_| bounds);
        lost.into_iter().chain(moved).filter(drawn).collect()
    }
}

/// A chart that sets measured curves against what theory says of them.
struct Balance<'a> {
    name: &'static str,
    note: &'static str,
    logarithmic: bool,
    series: Vec<Series<'a>>,
}

/// One measure of one run.
struct Series<'a> {
    label: &'a str,
    steps: Vec<f64>,
    values: Vec<f64>,
    theory: Vec<f64>,
    converged_at: Option<f64>,
    wide: bool,
}

impl Series<'_> {
    fn curve(&self) -> Curve<'_> {
        Curve {
            label: self.label,
            steps: &self.steps,
            values: &self.values,
            theory: &self.theory,
            converged_at: self.converged_at,
            wide: self.wide,
        }
    }
}

impl<'a> DrawnRun<'a> {
    /// The values of the measure `name` at each measured step, not a number where it was not taken.
    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        if name == OFF.name {
            return self.meter.marks().iter().map(|m| m.off as f64).collect();
        }
        let value = |row: &Row| row.values.get(name).unwrap_or(f64::NAN);
        self.meter.rows().iter().map(value).collect()
    }

    /// What theory says of the measure `name` at each measured step; empty where it says nothing.
    pub(crate) fn theory(&self, name: &str) -> Vec<f64> {
        let mut snapshots = self.recorder.snapshots().iter();
        if !snapshots.any(|snapshot| snapshot.field.is_log_ratio()) {
            return Vec::new();
        }
        closed_form(self.scenario, self.meter.rows(), name)
    }

    /// All values of the measure `name`; `None` if it was never measured.
    fn series(&self, name: &str, label: &'a str) -> Option<Series<'a>> {
        let rows = self.meter.rows();
        let values = self.values(name);
        values.iter().any(|v| v.is_finite()).then(|| Series {
            label,
            steps: rows.iter().map(|row| row.step as f64).collect(),
            values,
            theory: self.theory(name),
            converged_at: self
                .meter
                .arrivals()
                .find(|(n, _)| *n == name)
                .and_then(|(_, step)| step.map(|step| step as f64)),
            wide: false,
        })
    }

    /// What D promised to take off the KL divergence, as a share of what is gone; a gap where nothing is.
    fn promised_share(&self) -> Option<Series<'a>> {
        let [promised, lost] =
            ["dissipation", "kl_lost"].map(|column| self.series(column, self.name));
        let (mut series, lost) = promised.zip(lost)?;
        for (value, lost) in series.values.iter_mut().zip(lost.values) {
            *value = if lost > 0.0 { *value / lost } else { f64::NAN };
        }
        Some(series)
    }
}

/// All measures in the order of their columns, and behind them those of `more` that are not in the catalogue, each once.
pub(crate) fn all_and(more: impl Iterator<Item = &'static About>) -> Vec<&'static About> {
    let mut all = ALL.to_vec();
    for about in more {
        if all.iter().all(|known| known.name != about.name) {
            all.push(about);
        }
    }
    all
}

/// What has a curve in `convergence.png` and on the page: the measures in the order of their columns, then what describes the flow.
pub(crate) fn charts(takes: &[DrawnRun<'_>]) -> Vec<(&'static About, Scale)> {
    let measured = all_and(takes.iter().flat_map(|take| take.meter.about()));
    let all = [&OFF].into_iter().chain(measured).chain(flow_columns());
    let mut all: Vec<_> = all.filter_map(|about| Some((about, about.axis?))).collect();
    all.sort_by_key(|(about, _)| !is_main(about));
    all
}

/// What is looked at first, beside the joint test: as a whole, nearby, and what was left behind.
const MAIN: [&str; 3] = ["energy_distance", "c2st", "stranded"];

/// Whether the measure has one of the large charts.
pub(crate) fn is_main(about: &About) -> bool {
    about.name == OFF.name || MAIN.contains(&about.name)
}

/// What is good, in a few words.
pub(crate) fn gloss(about: &About) -> &'static str {
    match (about.name, about.ideal) {
        ("off", _) => "0: told from the target by none",
        ("c2st", _) => "0.5: neighbours are of either cloud alike",
        ("kl_discriminator", _) => "KL(q‖p) as D itself sees it",
        ("js" | "kl_forward", _) => "as D itself sees it: 0 where it sees no difference",
        ("sd_discriminator", _) => "0 where a log ratio sees no difference",
        ("loss_discriminator", _) => "what the fit of D makes small",
        ("loss_generator", _) => "what the generator makes small",
        ("speed", _) => "0: at rest",
        ("kl" | "knn_kl", _) => "less is better, below 0 more regular than a sample",
        ("distillation_energy", _) => "0: the moved points, as a set",
        ("distillation_gap", _) => "0: the moves are learnt, 1: none is",
        (_, Ideal::Low) => "less is better, down to the floor",
        (_, Ideal::High) => "more is better",
        (_, Ideal::UpTo) => "more is better, up to the floor",
        (_, Ideal::Between) => "best within the floor",
        (_, Ideal::Open) => "",
    }
}

/// Whether what is promised is near what is lost.
fn is_near(share: Option<&f64>) -> bool {
    share.is_some_and(|share| (0.5..2.0).contains(share))
}

/// What all have that have any, if it is the same; runs with other numbers of points, or towards other targets, have no floor in common.
pub(crate) fn shared<T: PartialEq>(all: impl Iterator<Item = Option<T>>) -> Option<T> {
    let mut all = all.flatten();
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// The floor by which a chart is read, with the measure that it is one of.
pub(crate) fn floor_by<'a>(floors: &'a Floors, name: &str) -> Option<(&'static About, &'a Floor)> {
    // Two independent samples of the target are as far apart as two such sets.
    let name = match name {
        "distillation_energy" => ENERGY_DISTANCE.name,
        name => name,
    };
    floors.known().find(|(about, _)| about.name == name)
}

/// The floor of a measure of which less is better.
fn floor_of(floors: &Floors, name: &str) -> Option<FloorLine> {
    if name == OFF.name {
        // Of a perfect cloud no measure is off, all looked at together.
        return Some(FloorLine {
            median: 0.0,
            q95: 0.0,
        });
    }
    let (about, floor) = floor_by(floors, name)?;
    (about.ideal == Ideal::Low).then_some(FloorLine {
        median: floor.median,
        q95: floor.q95,
    })
}
