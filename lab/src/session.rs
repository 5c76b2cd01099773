//! What stands behind a page: panels that run, and what measures them.

use ndarray::{Array2, ArrayView2};
use ratioflow::discriminator::{DiscriminatorSpec, Ratio};
use ratioflow::experiment::Experiment;
use ratioflow::flow::{Ending, Flow};
use ratioflow::generator::GeneratorSpec;
use ratioflow::monotone;
use ratioflow::observe::Losses;
use ratioflow::scenario::{
    Document, Embedded, Resources, SHIPPED, Scenario, ScenarioError, Variant,
};
use ratioflow::target::{Memory, TargetSpec};
use serde_json::{Map, Value, json};

use crate::carry::carried;
use crate::measures::Gauge;
use crate::question::{Edit, Keep, Plan, Question};
use crate::written;

/// Target samples at which D is asked for its loss at each look.
const ASKED: usize = 500;

/// Memory that a page may ask for: a browser gives 4 GB at most, and keeps some for itself.
const MEMORY: f64 = 1.5e9;
/// Kernels at a step, particles times points that each of them sees: some seconds, during which nothing else is answered.
const PAIRS: f64 = 4e9;

/// One run among those that a page shows.
struct Panel {
    name: String,
    experiment: Experiment,
    flow: Flow,
    descent: Descent,
}

/// From whom the particles descend, and who was born since somebody last looked.
struct Descent {
    /// The row of each particle's ancestor in the first cloud; −1 for none.
    origins: Vec<f64>,
    born: Vec<f64>,
}

impl Descent {
    fn new(count: usize) -> Self {
        Self {
            origins: (0..count).map(|row| row as f64).collect(),
            born: vec![0.0; count],
        }
    }

    /// Takes note of a step, after which each particle has the parent in `parents`.
    fn follow(&mut self, parents: &[Option<usize>]) {
        let before = self.origins.clone();
        let known = |parent: Option<usize>| parent.and_then(|row| before.get(row)).copied();
        for (row, parent) in parents.iter().enumerate() {
            if *parent != Some(row) {
                self.origins[row] = known(*parent).unwrap_or(-1.0);
                self.born[row] = 1.0;
            }
        }
    }
}

/// Everything that runs.
#[derive(Default)]
pub struct Session {
    panels: Vec<Panel>,
    files: Memory,
    /// The measures that cost little, and all.
    gauges: [Option<Gauge>; 2],
    /// The numbers of the last answer, one array after another.
    numbers: Vec<f64>,
}

/// An answer: JSON, and the places of its arrays among the numbers.
struct Answer {
    json: Map<String, Value>,
    arrays: Map<String, Value>,
}

impl Session {
    /// Answers a question; whatever is wrong is an answer with the key `error`.
    #[must_use]
    pub fn answer(&mut self, question: &[u8], numbers: &[u8]) -> String {
        self.numbers.clear();
        let asked: Result<Question, _> = serde_json::from_slice(question);
        let answered = match asked {
            Ok(question) => self.answered(question, &doubles(numbers)),
            Err(error) => Err(format!("the page asked what nobody understands: {error}")),
        };
        let answer = answered.unwrap_or_else(|error| {
            let mut answer = Answer::default();
            answer.json.insert("error".to_owned(), error.into());
            answer
        });
        let mut json = answer.json;
        json.insert("at".to_owned(), (self.numbers.as_ptr() as usize).into());
        json.insert("arrays".to_owned(), answer.arrays.into());
        Value::from(json).to_string()
    }

    /// The numbers of the last answer.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    fn answered(&mut self, question: Question, numbers: &[f64]) -> Result<Answer, String> {
        match question {
            Question::About => Ok(Answer::of(about())),
            Question::File { name } => {
                let points = pairs(numbers, numbers.len() / 2)?;
                self.files = std::mem::take(&mut self.files).with_points(&name, points);
                Ok(Answer::default())
            }
            Question::Open { plan, keep } => self.open(&plan, keep),
            Question::Advance { panel } => self.advance(panel),
            Question::Look {
                panel,
                view,
                lattice,
            } => self.look(panel, view, lattice),
            Question::At { panel, place } => self.at(panel, place),
            Question::Gauge { panel, live } => {
                let experiment = &self.panel(panel)?.experiment;
                let gauge = Gauge::new(experiment, live)?;
                let answer = Answer::of(gauge.about());
                self.gauges[usize::from(!live)] = Some(gauge);
                Ok(answer)
            }
            Question::Measure { points, live } => {
                let (cloud, shares) = numbers.split_at((2 * points).min(numbers.len()));
                let gauge = self.gauges[usize::from(!live)].as_ref();
                let gauge = gauge.ok_or("nothing was said of what to measure against")?;
                Ok(Answer::of(gauge.measure(pairs(cloud, points)?, shares)))
            }
            Question::Written { panel } => {
                let text = match panel {
                    Some(panel) => self.panel(panel)?.experiment.scenario.to_toml(),
                    None => written::together(&self.scenarios())?,
                };
                Ok(Answer::of(json!({ "text": text })))
            }
        }
    }

    fn panel(&mut self, index: usize) -> Result<&mut Panel, String> {
        let panel = self.panels.get_mut(index);
        panel.ok_or_else(|| format!("there is no panel {index}"))
    }

    /// What each panel runs, by its name.
    fn scenarios(&self) -> Vec<(&str, &Scenario)> {
        let panels = self.panels.iter();
        panels
            .map(|panel| (panel.name.as_str(), &panel.experiment.scenario))
            .collect()
    }

    fn open(&mut self, plan: &Plan, keep: Keep) -> Result<Answer, String> {
        let mut panels = Vec::new();
        let mut told = Vec::new();
        for own in &plan.panels {
            let failed = |error: ScenarioError| format!("{}: {error}", own.name);
            let text = own.text.as_ref().unwrap_or(&plan.text);
            let mut document = Document::parse(&plan.name, text).map_err(failed)?;
            for edit in &plan.edits {
                applied(&mut document, edit).map_err(failed)?;
            }
            if let Some(variant) = &own.variant {
                document = Variant::parse(variant)?.apply(&document).map_err(failed)?;
            }
            for edit in &own.edits {
                applied(&mut document, edit).map_err(failed)?;
            }
            let scenario: Scenario = document.read().map_err(failed)?;
            fits(&scenario)?;
            let experiment = Experiment::read(&document, &self.files).map_err(failed)?;
            if experiment.target.dimension() != 2 {
                return Err("the lab draws the plane, and this scenario is on the line: `ratioflow run` draws it".to_owned());
            }
            if let Some(GeneratorSpec::Pairs(_)) = experiment.scenario.generator {
                return Err("the lab moves a generator at each step, and this one is fitted once, at the end, for minutes of a page: `ratioflow run` does it; or take generator.distill".to_owned());
            }
            if let Some(Panel {
                experiment: first,
                name,
                ..
            }) = panels.first()
                && first.training != experiment.training
            {
                return Err(format!(
                    "`{name}` and `{}` have other targets or samples, and the lab draws one target under all panels: `ratioflow compare` shows them side by side",
                    own.name
                ));
            }
            let old = self.panels.iter().find(|panel| panel.name == own.name);
            let old = old.map(|panel| (&panel.flow, &panel.experiment.scenario));
            let flow = experiment.flow().map_err(|error| error.to_string())?;
            let (flow, kept) = match carried(old, &experiment, keep) {
                Some(flow) => (flow, true),
                None => (flow, false),
            };
            told.push(json!({
                "name": own.name,
                "kept": kept,
                "step": flow.state().step,
                "steps": experiment.scenario.flow.steps,
                "particles": experiment.start.nrows(),
                "generator": experiment.scenario.generator.as_ref().map(GeneratorSpec::name),
                "loss": flow.last().field.loss_name(),
                "warnings": experiment.warnings,
                "scenario": experiment.scenario,
            }));
            panels.push(Panel {
                name: own.name.clone(),
                descent: Descent::new(experiment.start.nrows()),
                experiment,
                flow,
            });
        }
        let first = panels.first().ok_or("a plan has at least one panel")?;
        let mut answer = Answer::of(json!({
            "panels": told,
            "knows_density": first.experiment.target.components().is_some(),
        }));
        let Self { numbers, .. } = self;
        answer.add(numbers, "target", first.experiment.training.iter());
        answer.add(numbers, "start", first.experiment.start.iter());
        self.panels = panels;
        self.gauges = [None, None];
        Ok(answer)
    }

    fn advance(&mut self, index: usize) -> Result<Answer, String> {
        let panel = self.panel(index)?;
        let more = panel.flow.advance().map_err(|error| error.to_string())?;
        let advanced = more.is_some();
        if let (true, Some(reaction)) = (advanced, &panel.flow.state().reaction) {
            panel.descent.follow(&reaction.parents);
        }
        Ok(Answer::of(json!({
            "advanced": advanced,
            "step": panel.flow.state().step,
            "ending": panel.flow.ending().map(|ending| match ending {
                Ending::Complete => json!({ "kind": "complete" }),
                Ending::Stopped { reason } => json!({ "kind": "stopped", "why": reason }),
                Ending::Diverged { step, cause } => json!({ "kind": "diverged", "why": cause.to_string(), "step": step }),
            }),
        })))
    }

    fn look(
        &mut self,
        index: usize,
        view: [[f64; 2]; 2],
        [columns, rows]: [usize; 2],
    ) -> Result<Answer, String> {
        let Self {
            panels, numbers, ..
        } = self;
        let panel = panels.get_mut(index).ok_or("there is no such panel")?;
        let step = panel.flow.last();
        let state = step.state;
        let log_ratio = step.field.is_log_ratio();
        let known = step.scale > 0.0;
        let kl = -step.ratio.log.mean().unwrap_or(f64::NAN);
        let losses = if known {
            Losses::of(&step, ASKED)
        } else {
            Losses::default()
        };
        let [loss, climbed] = [losses.discriminator, losses.generator];
        let mut answer = Answer::of(json!({
            "step": state.step,
            "steps": step.steps,
            "time": state.time,
            "epsilon": step.step_size,
            "scale": step.scale,
            "fitted": known,
            "is_log_ratio": log_ratio,
            "kl": (known && log_ratio).then_some(kl),
            "speed": rms(step.velocity),
            "displacement": step.displacement,
            "path": state.path_length,
            "dissipation": state.dissipation,
            "clipped": state.clipped,
            "gap": state.distillation_gap,
            "loss": loss,
            "climbed": climbed,
            "births": state.reaction.as_ref().map(|reaction| reaction.births),
            "ess": state.reaction.as_ref().map(|reaction| reaction.ess),
        }));
        answer.add(numbers, "cloud", state.cloud.iter());
        answer.add(numbers, "ratio", step.ratio.log.iter());
        answer.add(numbers, "velocity", step.velocity.iter());
        answer.add(numbers, "shares", state.shares().iter());
        if state.reaction.is_some() {
            answer.add(numbers, "origins", panel.descent.origins.iter());
            answer.add(numbers, "born", panel.descent.born.iter());
            panel.descent.born.fill(0.0);
        }
        if known && columns > 1 && rows > 1 {
            let places = lattice(view, [columns, rows]);
            let mut ratio = Ratio::zeros(places.nrows());
            step.field.ratio(places.view(), &mut ratio);
            answer.add(numbers, "field", ratio.log.iter());
            answer.add(numbers, "arrows", step.field.velocity(&ratio).iter());
        }
        Ok(answer)
    }

    fn at(&mut self, index: usize, [x, y]: [f64; 2]) -> Result<Answer, String> {
        let step = self.panel(index)?.flow.last();
        if !(step.scale > 0.0 && x.is_finite() && y.is_finite()) {
            return Err("D is not fitted yet: take a step".to_owned());
        }
        let mut ratio = Ratio::zeros(1);
        let place = Array2::from_shape_vec((1, 2), vec![x, y]).map_err(|e| e.to_string())?;
        step.field.ratio(place.view(), &mut ratio);
        let velocity = step.field.velocity(&ratio);
        Ok(Answer::of(json!({
            "d": ratio.log[0],
            "gradient": [ratio.gradient[[0, 0]], ratio.gradient[[0, 1]]],
            "move": [step.step_size * velocity[[0, 0]], step.step_size * velocity[[0, 1]]],
        })))
    }
}

impl Default for Answer {
    fn default() -> Self {
        Self::of(json!({}))
    }
}

impl Answer {
    fn of(json: Value) -> Self {
        let json = match json {
            Value::Object(json) => json,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self {
            json,
            arrays: Map::new(),
        }
    }

    /// Adds an array to the numbers.
    fn add<'a>(
        &mut self,
        numbers: &mut Vec<f64>,
        name: &str,
        values: impl Iterator<Item = &'a f64>,
    ) {
        let from = numbers.len();
        numbers.extend(values);
        let place = json!([from, numbers.len() - from]);
        self.arrays.insert(name.to_owned(), place);
    }
}

/// What there is to choose from.
fn about() -> Value {
    let named = |list: &[(&str, &str)]| -> Vec<Value> {
        let row = |&(name, line): &(&str, &str)| json!({ "name": name, "line": line });
        list.iter().map(row).collect()
    };
    let shipped = SHIPPED
        .iter()
        .filter(|shipped| is_in_plane(shipped.text))
        .map(|shipped| json!({ "name": shipped.name(), "text": shipped.text }));
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "targets": named(TargetSpec::catalogue()),
        "discriminators": named(DiscriminatorSpec::CATALOGUE),
        "generators": named(GeneratorSpec::CATALOGUE),
        "maps": named(monotone::CATALOGUE),
        "shipped": shipped.collect::<Vec<_>>(),
        "schema": schemars::schema_for!(Scenario).to_value(),
    })
}

/// Whether a scenario's target is one of the plane. Only these families have a form on the line, and none of them needs a file.
fn is_in_plane(text: &str) -> bool {
    let document = Document::parse("shipped", text).ok();
    let Some(scenario) = document.and_then(|document| document.read::<Scenario>().ok()) else {
        return true;
    };
    !matches!(scenario.target.name(), "gaussian" | "mixture" | "uniform")
        || scenario
            .target
            .build(&Embedded)
            .is_ok_and(|target| target.dimension() == 2)
}

fn applied(document: &mut Document, edit: &Edit) -> Result<(), ScenarioError> {
    match edit {
        Edit::Set(assignment) => document.set(assignment),
        Edit::Kind(key, kind) => document.replace("--choose", key, kind),
        Edit::Remove(key) => {
            document.remove(key);
            Ok(())
        }
    }
}

/// Refuses what a page cannot hold, or would take so long over that nobody could stop it.
fn fits(scenario: &Scenario) -> Result<(), String> {
    let needed = Resources::of(scenario, 1).memory();
    let remedy = "lower cloud.particles or cloud.samples, or run it natively with `ratioflow run`";
    if needed > MEMORY {
        return Err(format!(
            "too large for a page: it needs about {:.1} GB of memory; {remedy}",
            needed / 1e9
        ));
    }
    let cloud = &scenario.cloud;
    let flowing = cloud.flowing() as f64;
    let seen = flowing + cloud.seen() as f64;
    if flowing * seen > PAIRS {
        return Err(format!(
            "too large for a page: {flowing} particles that each see {seen} points; {remedy}"
        ));
    }
    Ok(())
}

/// Numbers of 64 bits, the lowest byte first.
fn doubles(bytes: &[u8]) -> Vec<f64> {
    let (whole, _) = bytes.as_chunks::<8>();
    whole
        .iter()
        .map(|bytes| f64::from_le_bytes(*bytes))
        .collect()
}

/// The first `count` pairs of `numbers` as points.
fn pairs(numbers: &[f64], count: usize) -> Result<ArrayView2<'_, f64>, String> {
    let first = numbers
        .get(..2 * count)
        .ok_or("there are fewer numbers than points")?;
    if first.iter().any(|value| !value.is_finite()) {
        return Err("not all points are finite numbers".to_owned());
    }
    ArrayView2::from_shape((count, 2), first).map_err(|error| error.to_string())
}

/// Places on a lattice over the view, row by row from the bottom left.
fn lattice([x, y]: [[f64; 2]; 2], [columns, rows]: [usize; 2]) -> Array2<f64> {
    let along = |side: [f64; 2], at: usize, count: usize| {
        side[0] + (side[1] - side[0]) * at as f64 / (count - 1) as f64
    };
    Array2::from_shape_fn((columns * rows, 2), |(place, axis)| match axis {
        0 => along(x, place % columns, columns),
        _ => along(y, place / columns, rows),
    })
}

fn rms(vectors: ArrayView2<'_, f64>) -> f64 {
    let count = vectors.nrows().max(1) as f64;
    (vectors.iter().map(|v| v * v).sum::<f64>() / count).sqrt()
}
