//! What the first cloud may be, and what a user should know of it.

use std::sync::Arc;

use crate::cloud::{self, CloudView};
use crate::generator::{GeneratorSpec, Trained};
use crate::metric::{SCORE_ERROR, W2_LAW, W2Law};
use crate::scenario::Scenario;
use crate::setting::{Invalid, spelled};
use crate::target::{AutoSpec, BuildError, Files, Target, TargetSpec};

/// Says so if many particles are drawn to each of the points of a file.
pub(super) fn crowded(particles: usize, points: usize) -> Option<String> {
    /// So many to a point, and most of them lie nearer to it than a new point of the distribution would.
    const MANY: usize = 4;
    (particles > MANY * points).then(|| {
        format!(
            "target.points: {particles} particles follow {points} points, {} to each: the nearer they come, the more of them are copies of these points and not new ones; give more points, or ask for fewer particles (cloud.particles)",
            particles / points.max(1)
        )
    })
}

/// The Gaussian that fits the target sample, for a scenario that names no source.
pub(super) fn fitting(
    spec: &AutoSpec,
    training: CloudView<'_>,
    dimension: usize,
) -> Result<Arc<dyn Target>, Invalid> {
    let fitting = spec
        .fit(training, dimension)
        .map_err(|invalid| invalid.under("source"))?;
    Ok(Arc::new(fitting))
}

/// What a generator goes on from, where its settings name a file.
///
/// # Errors
/// [`BuildError::File`] for a file that is not there or holds no generator.
pub(super) fn trained(
    scenario: &Scenario,
    dimension: usize,
    files: &dyn Files,
) -> Result<Option<Trained>, BuildError> {
    let Some(generator) = &scenario.generator else {
        return Ok(None);
    };
    let Some(name) = generator.file() else {
        return Ok(None);
    };
    let wrong = |reason: String| BuildError::File {
        key: format!("generator.{}.from", generator.name()),
        file: name.to_owned(),
        reason,
    };
    let bytes = files.read(name).map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::NotFound {
            "; a run that has ended with a generator has left one in its folder"
        } else {
            ""
        };
        wrong(format!("{error}{hint}"))
    })?;
    Trained::parse(bytes, dimension).map(Some).map_err(wrong)
}

/// Says which measures are asked for that need to know more of the law of the target than is known.
pub(super) fn lawless(
    scenario: &Scenario,
    target: &Arc<dyn Target>,
) -> impl Iterator<Item = String> {
    type Known = fn(&Arc<dyn Target>) -> bool;
    let known: [(_, Known, _); 2] = [
        (
            W2_LAW,
            |target| W2Law::new(target).is_some(),
            "it needs a law on the line whose mass and mean over an interval are known; w2 is that to a sample",
        ),
        (
            SCORE_ERROR,
            |target| target.score(CloudView::from(&[[0.0; 2]; 0])).is_some(),
            "the score of this target is not known",
        ),
    ];
    known
        .into_iter()
        .filter(|(about, is_known, _)| scenario.metrics.wants(about.name) && !is_known(target))
        .map(|(about, _, why)| format!("{} is left out: {why}", about.name))
}

/// Refuses a source on the line for a target in the plane, and the other way round.
pub(super) fn same_space(
    scenario: &Scenario,
    source: &dyn Target,
    target: &dyn Target,
) -> Result<(), Invalid> {
    let [from, to] = [source, target].map(Target::dimension);
    if from == to {
        return Ok(());
    }
    let [source, target] = [&scenario.source, &scenario.target].map(TargetSpec::name);
    Err(Invalid::new(
        format!("source.{source}"),
        format!("a distribution of {from} coordinate(s)"),
        format!(
            "must have {to}, as target.{target}: write means, covariances, ends and files of one coordinate for the line, of two for the plane; or leave [source] out"
        ),
    ))
}

/// Says so if a source has points to judge by.
pub(super) fn unused(source: &TargetSpec) -> Option<String> {
    let TargetSpec::Points(spec) = source else {
        return None;
    };
    let unused = "source.points.held_out is not used: nothing is measured against the source";
    spec.held_out.as_ref().map(|_| unused.to_owned())
}

/// Refuses more particles than a source can give without repeating itself.
pub(super) fn enough(source: &dyn Target, scenario: &Scenario) -> Result<(), Invalid> {
    let (cloud, flowing) = (&scenario.cloud, scenario.flowing());
    let Some(most) = source.capacity().filter(|&most| flowing > most) else {
        return Ok(());
    };
    let (key, value) = if cloud.particles > most {
        ("cloud.particles", cloud.particles)
    } else if let Some(GeneratorSpec::Pairs(pairs)) = &scenario.generator {
        ("generator.pairs.count", pairs.count)
    } else {
        ("cloud.bath", cloud.bath)
    };
    let room = match key {
        "generator.pairs.count" => format!("at most {}", most.saturating_sub(cloud.flowing())),
        // A sample is chosen from a bath so many times as large.
        _ if flowing > cloud.particles => {
            format!("cloud.particles times cloud.bath of at most {most}")
        }
        _ => format!("at most {most}"),
    };
    Err(Invalid::new(
        key,
        value,
        format!(
            "the source holds {most} points and does not repeat them, and {flowing} particles flow; ask for {room}, or set replace = true there"
        ),
    ))
}

/// Says so if a file of points has to begin with copies.
pub(super) fn twins(source: &dyn Target, particles: usize) -> Option<String> {
    let parts = source.parts().filter(|_| source.capacity().is_none())?;
    let rows = if parts.is_parted() {
        parts.training.nrows() + parts.held_out.nrows()
    } else {
        parts.training.nrows()
    };
    (rows < particles).then(|| {
        format!(
            "source.points has {rows} points for {particles} particles: some begin as twins, and stay so where nothing random moves them"
        )
    })
}

/// Says so if the first cloud is a point beside the target: to the first bandwidth all of its particles are one, and the cloud opens only when the bandwidth has
/// passed the gaps that it should have crossed.
pub(super) fn narrow(start: CloudView<'_>, target: CloudView<'_>) -> Option<String> {
    /// Narrower by so much, the cloud ends away from its floor: measured with corner starts of 1e-2 to 1e-4 of the target's units.
    const NARROW: f64 = 0.02;
    let [start, target] = [start, target].map(cloud::spread);
    (start < NARROW * target).then(|| {
        if start <= 0.0 {
            return "all particles begin at one place: nothing but noise or births can part them; leave [source] out, or write [source.auto], for one that fits".to_owned();
        }
        format!(
            "the source is {} times narrower than the target (standard deviations {start:.3e} and {target:.3e}): its particles move as one until the bandwidth is below the gaps of the target; leave [source] out, or write [source.auto], for one that fits",
            spelled((target / start).round())
        )
    })
}
