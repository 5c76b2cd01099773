//! An estimator and a target of one's own, with all that a shipped one gets: floors, verdict, pictures, page, resume.
//!
//! ```text
//! cargo run --release --example own_estimator
//! ```

use ndarray::Array2;
use ratioflow::cloud::{Cloud, CloudView, covariance, mean};
use ratioflow::discriminator::{Discriminator, FitContext, FitError, Ratio, StepRule};
use ratioflow::experiment::{Experiment, OwnParts};
use ratioflow::random::Stream;
use ratioflow::record::{StopToken, record};
use ratioflow::scenario::{Document, Embedded};
use ratioflow::store::RunDirectory;
use ratioflow::target::Target;

/// A bent bow: x is normal, and y follows its square.
#[derive(Debug)]
struct Bow;

impl Target for Bow {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let mut points = stream.normals(count);
        for mut point in points.rows_mut() {
            point[1] = 0.5 * (point[0] * point[0] - 1.0) + 0.3 * point[1];
        }
        points
    }
}

/// The log ratio of the Gaussians with the moments of either side: it brings mean and covariance home, and knows of nothing else.
#[derive(Debug, Default)]
struct Moments([([f64; 2], [[f64; 2]; 2]); 2]);

impl Discriminator for Moments {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        _: FitContext,
    ) -> Result<(), FitError> {
        self.0 = [real, fake].map(|side| (mean(side), covariance(side)));
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        for (i, x) in at.rows().into_iter().enumerate() {
            let [p, q] = self.0.map(|(m, [[a, b], [_, c]])| {
                let (dx, dy, det) = (x[0] - m[0], x[1] - m[1], a * c - b * b);
                let pull = [(b * dy - c * dx) / det, (b * dx - a * dy) / det];
                (0.5 * (dx * pull[0] + dy * pull[1] - det.ln()), pull)
            });
            into.log[i] = p.0 - q.0;
            into.gradient[[i, 0]] = p.1[0] - q.1[0];
            into.gradient[[i, 1]] = p.1[1] - q.1[1];
        }
    }

    fn step_rule(&self) -> StepRule {
        let [(_, p), (_, q)] = self.0;
        let least = p[0][0].min(p[1][1]).min(q[0][0]).min(q[1][1]);
        StepRule {
            step_size: 0.1 * least,
            clip: None,
            scale: least.sqrt(),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "title = \"Moments alone\"\nflow.steps = 100\nsource.gaussian.mean = [3.0, 0.0]\ntarget.gaussian = {}";
    let own = OwnParts::default()
        .target("bow", Bow)
        .discriminator("moments", Moments::default);
    let experiment = Experiment::read_with(&Document::parse("own", text)?, &own, &Embedded)?;
    let directory = RunDirectory::create("output".as_ref(), "own-estimator")?;
    let stop = StopToken::default();
    let run = record(
        "own-estimator",
        &experiment,
        &Embedded,
        &directory,
        &stop,
        &mut |_| {},
    )?;
    println!("{}\n{}", directory.path().display(), run.summary.headline);
    let perfect: Array2<f64> = Bow.sample(2000, Stream::new(7, "a perfect sampler"));
    println!(
        "a perfect sampler: {}",
        experiment.evaluate(perfect.view())?.verdict.sentence
    );
    Ok(())
}
