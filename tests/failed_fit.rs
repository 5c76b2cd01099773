//! A step that fails midway leaves the last good one whole: cloud, fit, and what the next fit would begin with.

use ratioflow::cloud::CloudView;
use ratioflow::discriminator::{
    Discriminator, DiscriminatorSpec, FitContext, FitError, Kind, Ratio, StepRule,
};
use ratioflow::flow::{Ending, Flow, FlowSpec, Integrator};
use ratioflow::random::Stream;
use ratioflow::scenario::Embedded;
use ratioflow::target::{GaussianSpec, TargetSpec};

/// An estimator of which one fit fails when all its work is done.
#[derive(Debug)]
struct Failing {
    inner: Box<dyn Discriminator>,
    fits: usize,
    fails: usize,
}

impl Discriminator for Failing {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        self.fits += 1;
        self.inner.fit(real, fake, round)?;
        if self.fits == self.fails {
            let reason = "as asked".to_owned();
            let discriminator = "failing";
            return Err(FitError {
                discriminator,
                reason,
            });
        }
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        self.inner.evaluate(at, into);
    }

    fn step_rule(&self) -> StepRule {
        self.inner.step_rule()
    }

    fn kind(&self) -> Kind {
        self.inner.kind()
    }

    fn state(&self) -> Vec<f64> {
        self.inner.state()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.inner.load_state(state)
    }
}

/// Every estimator, on small clouds; the second of the kinds that carry something over, too.
fn specs() -> Vec<DiscriminatorSpec> {
    let small = |name: &str| match name {
        "mlp" => "[mlp]\nhidden = [8]\nwarm_up = 5\ninner_steps = 2\nbatch = 16",
        "wasserstein" => "[wasserstein]\nhidden = [8]\nwarm_up = 5\ninner_steps = 2\nbatch = 16",
        "score" => "[score]\nhidden = [8]\nwarm_up = 5\ninner_steps = 2\nbatch = 16",
        "logistic" => "[logistic]\ncount = 16",
        _ => "",
    };
    let mut specs: Vec<DiscriminatorSpec> = DiscriminatorSpec::CATALOGUE
        .iter()
        .map(|(name, _)| {
            let text = small(name);
            let text = if text.is_empty() {
                format!("[{name}]")
            } else {
                text.to_owned()
            };
            toml::from_str(&text).unwrap()
        })
        .collect();
    specs.push(toml::from_str("[logistic]\ncount = 16\nfeatures = \"nystrom\"").unwrap());
    specs
}

#[test]
fn the_last_good_step_is_whole_whichever_fit_fails() {
    let normal = TargetSpec::Gaussian(GaussianSpec::default());
    let target = normal.build(&Embedded).unwrap();
    let sample = |name, count| target.sample(count, Stream::new(1, name));
    let places = sample("places", 7);
    for integrator in [Integrator::Euler, Integrator::Heun] {
        for spec in specs() {
            for fails in 2..9 {
                let inner = spec.build(&*target).unwrap();
                let (fits, about) = (0, format!("{} {integrator:?} {fails}", spec.name()));
                let failing = Failing { inner, fits, fails };
                let flow_spec = FlowSpec {
                    steps: 10,
                    integrator,
                    ..FlowSpec::default()
                };
                let (p, q) = (sample("p", 40), sample("q", 30) * 1.5);
                let mut flow = Flow::new(flow_spec, Box::new(failing), p, q, 1).unwrap();
                let mut good = None;
                while let Some(step) = flow.advance().unwrap() {
                    let mut ratio = Ratio::zeros(places.nrows());
                    step.field.ratio(places.view(), &mut ratio);
                    good = Some((step.state.clone(), step.state_dict(), ratio));
                }
                assert!(
                    matches!(flow.ending(), Some(Ending::Diverged { .. })),
                    "{about}"
                );
                let (state, saved, ratio) = good.unwrap();
                let last = flow.last();
                let mut found = Ratio::zeros(places.nrows());
                last.field.ratio(places.view(), &mut found);
                assert_eq!(last.state, &state, "{about}");
                assert_eq!(last.state_dict(), saved, "{about}");
                assert_eq!(found, ratio, "{about}");
            }
        }
    }
}

/// An estimator whose own fit fails is as it was before it.
#[test]
fn a_fit_that_fails_changes_nothing() {
    let normal = TargetSpec::Gaussian(GaussianSpec::default());
    let target = normal.build(&Embedded).unwrap();
    let sample = |name, count| target.sample(count, Stream::new(1, name));
    let (p, q, places) = (sample("p", 40), sample("q", 30), sample("places", 7));
    let mut failures = 0;
    for spec in specs() {
        let mut estimator = spec.build(&*target).unwrap();
        let round = |index| FitContext {
            index,
            progress: 0.1 * index as f64,
            stream: Stream::new(2, "fits").at(index),
        };
        estimator.fit(p.view(), q.view(), round(0)).unwrap();
        let look = |estimator: &dyn Discriminator| {
            let mut ratio = Ratio::zeros(places.nrows());
            estimator.evaluate(places.view(), &mut ratio);
            (ratio, estimator.state(), estimator.step_rule())
        };
        let before = look(&*estimator);
        // Far beyond what squares of lengths can hold.
        for far in [1e40, 1e160, 1e300] {
            let away = &q * far;
            if estimator.fit(p.view(), away.view(), round(1)).is_err() {
                failures += 1;
                assert_eq!(look(&*estimator), before, "{} {far}", spec.name());
            } else {
                estimator = spec.build(&*target).unwrap();
                estimator.fit(p.view(), q.view(), round(0)).unwrap();
            }
        }
    }
    assert!(failures > 0, "none of the fits has failed");
}
