//! A particle flow from Rust: a cloud follows the gradient of the log density ratio to a ring of eight Gaussians.
//!
//! ```text
//! cargo run --release --example flow
//! ```

use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::flow::{Flow, FlowSpec};
use ratioflow::metric::{EnergyDistance, Floor, Metric};
use ratioflow::random::Stream;
use ratioflow::target::{GaussianSpec, RingSpec, Target};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (seed, particles) = (1, 1000);
    // Any type of yours with a method `sample` can stand here: see the trait `Target`.
    let target = RingSpec::default().build()?;
    let source = GaussianSpec::default().build()?;
    let real = target.sample(4000, Stream::new(seed, "target"));
    let start = source.sample(particles, Stream::new(seed, "source"));

    let kde = DiscriminatorSpec::default().build(&target)?;
    let mut flow = Flow::new(FlowSpec::default(), kde, real, start, seed)?;

    // The distance to a sample that the flow never sees; then the same for other samples of the target.
    let fresh = target.sample(particles, Stream::new(seed, "reference"));
    let distance = EnergyDistance::new(fresh.view());
    while let Some(step) = flow.advance()? {
        if step.index % 25 == 0 {
            let energy = distance.measure(step.state.cloud.view());
            println!("step {:>3}   energy distance {energy:.5}", step.index);
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
