//! What a run needs of a machine at its peak, from its settings alone: known before anything is allocated.

use super::filed::{self, Part};
use super::snapshot_size::seen;
use super::spec::Scenario;
use super::too_much::{Available, Resource, TooMuch};
use crate::discriminator::Sizes;
use crate::generator::Precision;
use crate::metric::{ALL, About, ENERGY_P, Ideal, Needs, TOGETHER};
use crate::network::training_bytes;
use crate::observe::Cadence;
#[cfg(feature = "render")]
use crate::render::{DOTS, expanse};
use crate::setting::WordOr;
use crate::target::{Files, TargetSpec};

/// Bytes that a run needs, and which keys they come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// Held from the beginning to the end of the run.
    held: Vec<Part>,
    /// Used at the peak beside that.
    work: Vec<Part>,
    disk: Vec<Part>,
    /// Files that are open at once.
    files: Vec<Part>,
}

/// What the program takes before it does anything, its fonts and threads included.
const BASE: f64 = 10e6;
/// Bytes a particle at the peak, beside its snapshots. Measured at a million.
const PARTICLE: f64 = 140.0;
/// Bytes a target sample. Measured at a million.
const SAMPLE: f64 = 130.0;
/// Bytes of a particle that is measured, and of its share in the floors. Measured at ten thousand.
const JUDGED: f64 = 2000.0;
/// Bytes of the field in a snapshot.
const FIELD: f64 = 64.0 * 64.0 * 20.0;
/// A frame as picture, and its share in the animation, at scale 1. Measured.
const PICTURE: f64 = 130e3;
/// The last picture and the page at scale 1 while they are drawn, and what each thread takes that draws frames. Measured.
const CANVAS: [f64; 2] = [35e6, 2e6];
/// The same where pictures are drawn one after the other and nothing else goes on. Measured.
const DRAWN: f64 = 14e6;
/// What the curves take that are drawn meanwhile, at scale 1 and their usual width. Measured.
const CURVES: f64 = 23e6;
/// What a cloud takes in addition that is drawn as density, at scale 1. Measured.
#[cfg(feature = "render")]
const DENSE: f64 = 25e6;
/// The part of a picture's height at the usual width that does not grow with it.
const TITLE: f64 = 0.4;
/// Area beyond which a picture is drawn less sharply, as a multiple of that at scale 1.
const LARGEST: f64 = 85.0;
/// A row of measurements, in memory and on file.
const ROW: f64 = 1500.0;
/// Files that are open in any case, and those of a run: its lock, and the store of its snapshots.
const OPEN: [f64; 2] = [32.0, 2.0];

impl Resources {
    /// The needs of one run of `scenario` on so many threads.
    #[must_use]
    pub fn of(scenario: &Scenario, threads: usize) -> Self {
        let particles = scenario.cloud.particles as f64;
        let flowing = scenario.flowing() as f64;
        let samples = scenario.seen() as f64;
        let measured = particles.min(scenario.metrics.particles as f64);
        let references = scenario.metrics.reference.map_or(measured, |r| r as f64);
        let reference_key = match scenario.metrics.reference {
            Some(_) => "metrics.reference",
            None => "cloud.particles",
        };
        let [frames, drawn_frames] = [scenario.frames(), scenario.drawn_frames()].map(|n| n as f64);
        let area = scenario.output.scale * scenario.output.scale;
        let every = Cadence::Every((scenario.metrics.every as usize).max(1));
        let rows = every.count(scenario.flow.steps) as f64 * ROW;
        let permutations = scenario.metrics.permutations as f64;
        let together = permutations.min(TOGETHER as f64);
        let drawn_at_once = drawn_frames.min(threads as f64);
        let seen = seen(scenario);
        let [held_at_once, filed] = scenario.snapshots();
        let snapshots = held_at_once * (seen * particles + FIELD);
        let kept = particles.min(scenario.output.particles as f64);
        let snapshot_key = if seen * particles > FIELD {
            "cloud.particles"
        } else {
            "output.frames"
        };
        let held: Vec<Part> = vec![
            // Where the flow starts, and what is kept of where it ends.
            part((scenario.flowing_key(), 16.0 * flowing)),
            part(("cloud.particles", 32.0 * particles)),
            part(("cloud.samples", 32.0 * samples)),
            part((reference_key, 32.0 * references)),
            part(("metrics.every", rows)),
            part((snapshot_key, snapshots)),
        ];
        let mut work: Vec<Part> = vec![
            part((
                "output.scale",
                BASE + (CANVAS[0] + CANVAS[1] * drawn_at_once + dense(scenario)) * area,
            )),
            // What flows beside the particles is let go with the flow.
            part((
                scenario.flowing_key(),
                PARTICLE * flowing + 32.0 * (flowing - particles),
            )),
            part(("cloud.samples", SAMPLE * samples)),
            part((reference_key, SAMPLE * references)),
            part(("metrics.particles", JUDGED * measured)),
            part((
                "metrics.floor_draws",
                scenario.metrics.draws(measured as usize) as f64 * drawn_once(scenario),
            )),
            part(("metrics.permutations", 16.0 * permutations)),
            part(("metrics.particles", 8.0 * measured * together)),
            part((reference_key, 8.0 * references * together)),
            part(("output.frames", drawn_frames * PICTURE * area)),
            // The arrays of `trajectory.npz` while it is written, and the coordinates in the page.
            part((snapshot_key, written(scenario))),
        ];
        work.extend(fitted(scenario));
        work.extend(generated(scenario));
        let disk = vec![
            part((
                "output.frames",
                drawn_frames * 2.0 * PICTURE * area + filed * FIELD,
            )),
            // In `trajectory.npz` and the page; in the checkpoint's snapshots; in both generations of it.
            part(("output.particles", 2.0 * frames.max(1.0) * seen * kept)),
            part(("cloud.particles", filed * seen * particles)),
            part((scenario.flowing_key(), 200.0 * flowing)),
            part(("cloud.samples", 16.0 * samples)),
            part((reference_key, 16.0 * references)),
            part(("metrics.every", rows)),
            part(("output.scale", 1e6 * area)),
            part(("output.history", history(scenario))),
            part(("output.lab", 1.5e6 * f64::from(scenario.output.lab))),
        ];
        let files = vec![part(("--seeds, or the number of variants", OPEN[1]))];
        Self {
            held,
            work,
            disk,
            files,
        }
    }

    /// The same, and what the scenario's files become in memory.
    #[must_use]
    pub fn with_files(mut self, scenario: &Scenario, files: &dyn Files) -> Self {
        self.held.extend(filed::held(scenario, files));
        self
    }

    /// What the points of a file take in memory; it is looked at, and not read.
    #[must_use]
    pub fn of_points(name: &str, files: &dyn Files) -> Self {
        let bytes = filed::points(name, files).unwrap_or(0.0);
        Self::of_memory(&format!("the number of points in {name}"), bytes)
    }

    /// The needs of what fits, samples or solves the parts of `scenario` and draws a picture, but runs no flow with frames and measures.
    #[must_use]
    pub fn of_parts(scenario: &Scenario) -> Self {
        let mut parts = scenario.clone();
        parts.output.frames = 0;
        parts.output.scale = 1.0;
        parts.metrics.permutations = 0;
        parts.generator = None;
        let mut need = Self::of(&parts, 1).without_disk();
        need.work.retain(|(key, _)| key != "output.scale");
        need.work.push(drawn(&parts, 1, 1));
        need
    }

    /// What the pictures of `panels` variants of `scenario` side by side take, when all have run.
    #[must_use]
    pub fn of_pictures(scenario: &Scenario, panels: usize, threads: usize) -> Self {
        let frames = scenario.drawn_frames() as f64;
        let area = scenario.output.scale * scenario.output.scale * expanse(panels);
        Self {
            work: vec![
                drawn(scenario, panels, threads),
                part(("output.frames", frames * PICTURE * area)),
            ],
            disk: vec![
                part(("output.frames", frames * PICTURE * area)),
                part(("output.scale", 1e6 * area)),
            ],
            ..Self::default()
        }
    }

    /// The same, if `later` is worked on after this, and what this holds is still held.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.held.extend(later.held);
        self.disk.extend(later.disk);
        self.files.extend(later.files);
        if total(&later.work) > total(&self.work) {
            self.work = later.work;
        }
        self
    }

    /// The scale whose pictures take as much as those that are so many times as wide as usual.
    #[must_use]
    pub fn widening(scenario: &Scenario, wider: f64) -> f64 {
        // Title and legend become wider, but not taller. Nearly all that a density takes is for the cloud below them.
        let fixed = if dense(scenario) > 0.0 { 0.0 } else { TITLE };
        (wider * (fixed + (1.0 - fixed) * wider)).sqrt()
    }

    /// The needs of drawing a finished run of `scenario` again, its curves so many times as large as at scale 1 and their usual width.
    #[must_use]
    pub fn of_redrawn(scenario: &Scenario, curves: f64, threads: usize) -> Self {
        let mut need = Self::of(scenario, threads).without_disk();
        need.work
            .retain(|(key, _)| key == "output.frames" || key == "cloud.samples");
        let (charts, read) = (CURVES * curves, written(scenario));
        let rest = [("output.scale", charts), ("output.particles", read)].map(part);
        need.work.push(drawn(scenario, 1, threads));
        need.work.extend(rest);
        need
    }

    /// The same without what is written.
    #[must_use]
    pub fn without_disk(mut self) -> Self {
        self.disk.clear();
        self
    }

    /// How many of several runs can be worked on at a time in so many bytes of memory: at least one.
    #[must_use]
    pub fn at_once(needs: &[Self], memory: u64) -> usize {
        let fits = |count: &usize| Self::of_all(needs, *count).memory() <= memory as f64;
        (2..=needs.len()).rev().find(fits).unwrap_or(1)
    }

    /// So many bytes of memory, that grow with `key`.
    #[must_use]
    pub fn of_memory(key: &str, bytes: f64) -> Self {
        Self {
            held: vec![(key.to_owned(), bytes)],
            ..Self::default()
        }
    }

    /// The needs of several runs, of which `at_once` are worked on at a time.
    #[must_use]
    pub fn of_all(needs: &[Self], at_once: usize) -> Self {
        let mut all = Self::default();
        let mut work: Vec<&Vec<Part>> = Vec::new();
        for need in needs {
            all.held.extend_from_slice(&need.held);
            all.disk.extend_from_slice(&need.disk);
            all.files.extend_from_slice(&need.files);
            work.push(&need.work);
        }
        work.sort_by(|a, b| total(b).total_cmp(&total(a)));
        all.work = work.into_iter().take(at_once).flatten().cloned().collect();
        all
    }

    /// Bytes of memory at the peak.
    #[must_use]
    pub fn memory(&self) -> f64 {
        total(&self.held) + total(&self.work)
    }

    /// Bytes on disk.
    #[must_use]
    pub fn disk(&self) -> f64 {
        total(&self.disk)
    }

    /// Compares with what there is.
    ///
    /// # Errors
    /// [`TooMuch`] naming the key that asks for most.
    pub fn fits(&self, room: Available) -> Result<(), TooMuch> {
        let memory = self.held.iter().chain(&self.work);
        let demands = [
            (Resource::Memory, memory.collect::<Vec<_>>(), room.memory),
            (Resource::Disk, self.disk.iter().collect(), room.disk),
            (
                Resource::Files,
                self.files.iter().collect(),
                room.files.saturating_sub(OPEN[0] as u64),
            ),
        ];
        for (resource, parts, free) in demands {
            let needed: f64 = parts.iter().map(|(_, bytes)| bytes).sum();
            let free = free as f64;
            if needed > free {
                let sum = |key: &str| -> f64 {
                    let own = parts.iter().filter(|(other, _)| other == key);
                    own.map(|(_, bytes)| bytes).sum()
                };
                let most = parts
                    .iter()
                    .max_by(|(a, _), (b, _)| sum(a).total_cmp(&sum(b)));
                return Err(TooMuch {
                    resource,
                    needed,
                    free,
                    key: most.map_or_else(String::new, |(key, _)| key.clone()),
                });
            }
        }
        Ok(())
    }
}

/// Drawing pictures with so many panels, when nothing else goes on: the last one, which is twice as sharp, or the frames, of which each thread
/// draws one.
fn drawn(scenario: &Scenario, panels: usize, threads: usize) -> Part {
    let area = scenario.output.scale * scenario.output.scale * expanse(panels);
    let last = area.min(LARGEST);
    let at_once = (scenario.drawn_frames() as f64).min(threads as f64);
    let frames = at_once * 0.25 * area.min(4.0 * LARGEST);
    // A cloud is drawn as density one panel after another.
    let density = dense(scenario) * last / panels.max(1) as f64;
    let bytes = DRAWN * last.max(frames) + density;
    ("output.scale".to_owned(), BASE + bytes)
}

/// Bytes of a draw of the floors, for both gauges: the values of its measures with their names, in the memory of a list that grows, and by themselves, twice.
fn drawn_once(scenario: &Scenario) -> f64 {
    let modes = matches!(
        scenario.target,
        TargetSpec::Gaussian(_)
            | TargetSpec::Mixture(_)
            | TargetSpec::Ring(_)
            | TargetSpec::Grid(_)
    );
    let applies = |needs: Needs| modes || needs != Needs::Mixture;
    let taken = |name: &str| scenario.metrics.wants(name);
    let floored = |about: &&&About| about.ideal != Ideal::Open && **about != &ENERGY_P;
    let all = ALL.iter().filter(floored);
    let count = all.filter(|about| applies(about.needs) && taken(about.name));
    let count = count.count();
    2.0 * (24 * count.max(4).next_power_of_two() + 16 * count) as f64
}

/// The arrays of `trajectory.npz`.
fn written(scenario: &Scenario) -> f64 {
    let kept = scenario.cloud.particles.min(scenario.output.particles) as f64;
    (scenario.frames() as f64).max(1.0) * (seen(scenario) * kept + FIELD)
}

/// How much larger pictures with so many panels are; without the room of pictures there are none.
#[cfg(not(feature = "render"))]
fn expanse(_panels: usize) -> f64 {
    0.0
}

/// Without the room of pictures, no cloud is drawn.
#[cfg(not(feature = "render"))]
fn dense(_scenario: &Scenario) -> f64 {
    0.0
}

/// What drawing a cloud so large takes that it is drawn as density, at scale 1; 0 for dots.
#[cfg(feature = "render")]
fn dense(scenario: &Scenario) -> f64 {
    let larger = scenario.cloud.particles.max(scenario.seen());
    if larger > DOTS { DENSE } else { 0.0 }
}

/// What the fits need; one to fresh points may be the larger.
fn fitted(scenario: &Scenario) -> Vec<Part> {
    let sizes = Sizes {
        particles: scenario.flowing().max(pool(scenario)),
        samples: scenario.seen().max(pool(scenario)),
    };
    scenario.discriminator.memory(sizes)
}

/// What the generator needs, if there is one.
fn generated(scenario: &Scenario) -> Vec<Part> {
    let Some(spec) = &scenario.generator else {
        return Vec::new();
    };
    let training = spec.training();
    let particles = scenario.cloud.particles;
    let rows = training.rows(particles);
    let size = match training.precision {
        Precision::F32 => 4.0,
        Precision::F64 => 8.0,
    };
    let [held, worked] = match &training.network {
        WordOr::Value(hidden) => training_bytes(hidden, rows as f64, size),
        WordOr::Word(_) => [0.0; 2],
    };
    let key = |name: &str| format!("generator.{}.{name}", spec.name());
    let latent = training
        .latent
        .map_or(0.0, |latent| 8.0 * latent.dimension as f64);
    vec![
        (
            key("latent.dimension"),
            // The drawn cloud's, and those of a round beside them.
            latent * (2 * particles + 3 * pool(scenario)) as f64,
        ),
        (key("network"), held),
        (key("batch"), worked),
        (key("batch"), (PARTICLE + SAMPLE) * pool(scenario) as f64),
        ("cloud.particles".to_owned(), 100.0 * particles as f64),
    ]
}

fn part((key, bytes): (&str, f64)) -> Part {
    (key.to_owned(), bytes)
}

/// Bytes of the parameters that are kept along the run, which are less than what training holds.
fn history(scenario: &Scenario) -> f64 {
    let parts = generated(scenario).into_iter();
    let network = parts.filter(|(key, _)| key.ends_with(".network"));
    scenario.output.history as f64 * network.map(|(_, bytes)| bytes).sum::<f64>()
}

/// Fresh points of either side that a generator's field is fitted to at a time.
fn pool(scenario: &Scenario) -> usize {
    let training = scenario.generator.as_ref().map(|spec| spec.training());
    training.map_or(0, |training| training.pool(scenario.cloud.particles))
}

fn total(parts: &[Part]) -> f64 {
    parts.iter().map(|(_, bytes)| bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_runs_at_once_as_there_is_memory_for() {
        let part = |bytes: f64| vec![("key".to_owned(), bytes)];
        let run = |work: f64| Resources {
            held: part(10.0),
            work: part(work),
            ..Resources::default()
        };
        // Held: 30 by the three. The two largest work on 170 bytes, all on 200.
        let needs = [run(30.0), run(100.0), run(70.0)];
        let at_once = |memory| Resources::at_once(&needs, memory);
        assert_eq!([230, 229, 200, 199, 0].map(at_once), [3, 2, 2, 1, 1]);
    }
}
