//! A GAN as a flow, from Rust: at each step a generator is distilled onto the cloud that the flow has moved.
//!
//! ```text
//! cargo run --release --example gan
//! ```

use std::sync::Arc;

use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::flow::{Flow, FlowSpec};
use ratioflow::generator::{GeneratorSpec, TrainingSpec, Units};
use ratioflow::metric::{EnergyDistance, Floor, Metric};
use ratioflow::random::Stream;
use ratioflow::target::{GaussianSpec, RingSpec, Target};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (seed, particles) = (1, 1000);
    let target: Arc<dyn Target> = Arc::new(RingSpec::default().build()?);
    let source: Arc<dyn Target> = Arc::new(GaussianSpec::default().build()?);
    let real = target.sample(4000, Stream::new(seed, "target"));
    let start = source.sample(particles, Stream::new(seed, "source"));

    // g(z) = z + MLP(z) begins as the identity, so that its first cloud is that of the pure flow.
    let distill = GeneratorSpec::Distill(TrainingSpec::default());
    let units = Units::between([&*source, &*target], start.view(), real.view());
    let generator = distill.build(
        start.clone(),
        [source, Arc::clone(&target)],
        units,
        Stream::new(seed, "weights"),
    )?;
    let kde = DiscriminatorSpec::default().for_network().build(&*target)?;
    let flow = Flow::new(FlowSpec::default(), kde, real, start, seed)?;
    let mut gan = flow.with_generator(generator)?;

    let fresh = target.sample(particles, Stream::new(seed, "reference"));
    let distance = EnergyDistance::new(fresh.view());
    while let Some(step) = gan.advance()? {
        if let (0, Some(gap)) = (step.index % 25, step.state.distillation_gap) {
            let energy = distance.measure(step.state.cloud.view());
            println!(
                "step {:>3}   energy distance {energy:.5}   distillation gap {gap:.3}",
                step.index
            );
        }
    }
    let draws = (0..32).map(|i| target.sample(particles, Stream::new(seed, "floor").at(i)));
    let floor = Floor::new(draws.map(|draw| distance.measure(draw.view()))).ok_or("no floor")?;
    println!(
        "floor      energy distance {:.5} (95 %: {:.5})",
        floor.mean, floor.q95
    );
    Ok(())
}
