//! The other side of `benchmark.py`: the time that the library itself takes for the same flow, from arrays in two files.
//!
//! ```text
//! cargo run --release -p ratioflow-python --example rust_time -- source.npy target.npy STEPS REPEATS
//! ```
//!
//! Prints a line of seconds for the flow with its clouds kept, and a line for the bare loop, the experiment built each time.

use std::error::Error;
use std::time::Instant;

use ndarray::Array3;
use ratioflow::cloud::Cloud;
use ratioflow::experiment::Experiment;
use ratioflow::observe::Cadence;
use ratioflow::point_file::{Asked, Header, read_from};
use ratioflow::scenario::Document;
use ratioflow::target::{Memory, open_file};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, steps, repeats] = arguments.as_slice() else {
        return Err("source.npy target.npy STEPS REPEATS".into());
    };
    let read = |name: &String| -> Result<Cloud, Box<dyn Error>> {
        let file = open_file(name.as_ref())?;
        Ok(read_from(file, name, Header::Auto, Asked::Option)?.points)
    };
    let (source, target) = (read(source)?, read(target)?);
    let text = format!(
        "seed = 1\ntarget.points.file = 'target.npy'\nsource.points = {{ file = 'source.npy', in_order = true }}\ncloud.particles = {}\nflow.steps = {steps}\n",
        source.nrows()
    );
    let begin = || -> Result<Experiment, Box<dyn Error>> {
        let files = Memory::default()
            .with_points("source.npy", source.view())
            .with_points("target.npy", target.view());
        Ok(Experiment::read(&Document::parse("rust", &text)?, &files)?)
    };
    for keeps in [true, false] {
        for _ in 0..repeats.parse::<usize>()? {
            let begun = Instant::now();
            let experiment = begin()?;
            let cadence = Cadence::Spread(experiment.scenario.output.frames);
            let mut flow = experiment.flow()?;
            let mut clouds: Vec<f64> = Vec::new();
            while let Some(step) = flow.advance()? {
                if keeps && cadence.is_due(step.index, step.steps) {
                    clouds.extend(step.state.cloud.iter());
                }
            }
            let frames = clouds.len() / (2 * source.nrows());
            let _kept = Array3::from_shape_vec((frames, source.nrows(), 2), clouds)?;
            print!("{} ", begun.elapsed().as_secs_f64());
        }
        println!();
    }
    Ok(())
}
