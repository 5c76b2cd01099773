//! Which losses lead a generator to its target? The experiment of `MonoFlow` (Yi, Zhu and Liu, ICML 2023), section 4.3.
//!
//! A generator `x = m + S z` starts at N((1, 1), I) and is to reach `p = N(0, [[1, 0.8], [0.8, 0.89]])`, with `r = p/q_θ` known exactly
//! or learned by a discriminator on the way. Each row is one loss, over several seeds:
//!
//! * attached, the loss is differentiated through all that depends on θ, as in variational inference. Then `E[f(r)]` is a divergence and falls, while
//!   `−E[h(log r)]` is none: for h = e^{1.5u} its expected gradient is −½ times the detached one, and q walks away from p;
//! * detached, r is frozen as a function of x, as a discriminator is in the generator's turn. Then `−E[h(log r)]` moves the samples along
//!   `∇h(log r)`, towards p for every increasing h, while `E[f(r)]` moves them along `−r f′(r) ∇log r`: rightly for
//!   f = −log r, but for the other four backwards wherever p exceeds q.
//!
//! ```text
//! cargo run --release --example monoflow_section_4_3
//! cargo run --release --example monoflow_section_4_3 -- --ratio learned    # some minutes
//! ```

mod experiment;

use std::io::{self, Write, stdout};

use clap::{Parser, ValueEnum, value_parser};
use rayon::prelude::*;

use experiment::{Affine, Cell, Estimate, Gradient, START, Settings, Verdict, train};

#[derive(Debug, Parser)]
#[command(
    about = "Trains an affine generator on each loss of MonoFlow, section 4.3, and prints where it ends"
)]
struct Options {
    /// Where the density ratio comes from
    #[arg(long, value_enum, default_value = "exact")]
    ratio: Ratio,
    /// Number of seeds, from 1
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u64).range(1..))]
    seeds: u64,
    /// Steps of the generator [default: 1000 with the exact ratio, 5000 with the learned one]
    #[arg(long)]
    steps: Option<u64>,
    /// Learning rate of the generator [default: 0.01 with the exact ratio, 0.001 with the learned one]
    #[arg(long, value_parser = positive)]
    rate: Option<f64>,
    /// Learning rate of the discriminator
    #[arg(long, default_value_t = 1e-4, value_parser = positive)]
    discriminator_rate: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ratio {
    /// Of the two Gaussians; batches of 1000
    Exact,
    /// By a perceptron 2-512-256-1 on the logistic loss, one step of each player at a time; batches of 32
    Learned,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if f64::is_finite(value) && value > 0.0 => Ok(value),
        _ => Err("must be a finite number greater than 0".to_owned()),
    }
}

impl Options {
    fn settings(&self) -> Settings {
        let (ratio, steps, rate, batch) = match self.ratio {
            Ratio::Exact => (Estimate::Exact, 1000, 0.01, 1000),
            Ratio::Learned => (Estimate::Learned(self.discriminator_rate), 5000, 0.001, 32),
        };
        Settings {
            ratio,
            steps: self.steps.unwrap_or(steps),
            rate: self.rate.unwrap_or(rate),
            batch,
        }
    }
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let settings = options.settings();
    let mut out = stdout();
    write_heading(&mut out, &settings, options.seeds)?;
    for cell in Cell::all() {
        // A discriminator knows nothing of θ, so that with it nothing can be attached.
        if settings.ratio != Estimate::Exact && cell.gradient == Gradient::Attached {
            continue;
        }
        let mut ends: Vec<Affine> = (1..=options.seeds)
            .into_par_iter()
            .map(|seed| train(&cell, &settings, seed))
            .collect();
        ends.sort_by(|a, b| a.kl().total_cmp(&b.kl()));
        write_row(&mut out, &cell, &ends)?;
    }
    Ok(())
}

fn write_heading(out: &mut impl Write, settings: &Settings, seeds: u64) -> io::Result<()> {
    let ratio = match settings.ratio {
        Estimate::Exact => "exact ratio".to_owned(),
        Estimate::Learned(rate) => format!("ratio learned at rate {rate}"),
    };
    let (steps, rate, batch) = (settings.steps, settings.rate, settings.batch);
    let (limit, start) = (Verdict::REACHED, START.kl());
    writeln!(
        out,
        "{ratio}, {steps} steps of Adam at rate {rate}, batch {batch}, seeds 1 to {seeds}\n\
         reached: KL(q‖p) ends at most at {limit}; stalls: below the {start:.3} of the start; diverges: above\n\
         verdict, mean and covariance of the run with the median KL; the target's are (0, 0) and [1 0.8; 0.8 0.89]\n"
    )?;
    writeln!(
        out,
        "{:<44} {:>7}  {:>9}  {:<8}  {:<14}  covariance",
        "gradient  loss", "reached", "median KL", "verdict", "mean"
    )
}

fn write_row(out: &mut impl Write, cell: &Cell, ends: &[Affine]) -> io::Result<()> {
    let reached = ends
        .iter()
        .filter(|end| Verdict::of(end) == Verdict::Reached)
        .count();
    let median = &ends[(ends.len() - 1) / 2];
    let verdict = match Verdict::of(median) {
        Verdict::Reached => "reached",
        Verdict::Stalls => "stalls",
        Verdict::Diverges => "diverges",
    };
    let [x, y] = median.mean();
    let [[xx, xy], [_, yy]] = median.covariance();
    // Adding zero turns −0.00 into 0.00.
    let two = |v: f64| format!("{:.2}", (100.0 * v).round() / 100.0 + 0.0);
    writeln!(
        out,
        "{:<44} {:>7}  {:>9.4}  {verdict:<8}  {:<14}  [{} {}; {} {}]",
        cell.to_string(),
        format!("{reached}/{}", ends.len()),
        median.kl(),
        format!("({}, {})", two(x), two(y)),
        two(xx),
        two(xy),
        two(xy),
        two(yy),
    )
}
