//! `calibrate`: every estimator fitted once where the ratio is known, against the truth.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::common::{Common, Threads};
use super::error::CliError;
use super::load::ScenarioArgs;
use super::terminal::{plain, print, say};
use crate::calibration::{Calibration, Identities, Sides};
use crate::render::{Estimates, Scatter, Style, scatter};
use crate::scenario::{Resources, Scenario};
use crate::store::RunDirectory;

#[derive(Clone, Debug, Args)]
pub(super) struct CalibrateArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Put the picture and the table into this folder, new or empty, instead of `output/<scenario>/calibrate-<NNN>`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// With --out: replace an earlier calibration there
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten)]
    threads: Threads,
}

pub(super) fn calibrate(args: &CalibrateArgs, common: Common) -> Result<ExitCode, CliError> {
    args.threads.start()?;
    let folder = args.out.as_deref().unwrap_or("output".as_ref());
    let loaded = args.scenario.load_for(folder, need)?;
    let calibration = Calibration::new(&loaded.experiment)
        .map_err(|invalid| CliError::Usage(invalid.to_string()))?;
    let directory = match &args.out {
        Some(path) => RunDirectory::at(path, args.force)?,
        None => RunDirectory::create_calibration("output".as_ref(), &loaded.name)?,
    };
    directory.put(
        "calibration.png",
        &picture(&loaded.experiment.scenario, &calibration),
    )?;
    let object =
        serde_json::to_value(&calibration).map_err(|error| CliError::Run(error.to_string()))?;
    let seconds: BTreeMap<&str, f64> = calibration
        .estimates
        .iter()
        .map(|estimate| (estimate.name.as_str(), estimate.seconds))
        .collect();
    let timings = serde_json::json!({ "seconds": seconds });
    directory.put("timings.json", format!("{timings:#}\n").as_bytes())?;
    // The last, so that where it is all others are.
    let text = format!("{object:#}\n");
    directory.save("calibration.json", |file| file.write_all(text.as_bytes()))?;
    if !common.quiet {
        let path = directory.path().display().to_string();
        say(&format!("picture and numbers: {}", plain(&path)));
    }
    if common.json {
        let object = serde_json::json!({ "directory": directory.path().to_string_lossy(), "calibration": object });
        return print(&format!("{object:#}\n"));
    }
    print(&table(&calibration))
}

/// What the estimator takes that takes most: they are fitted one after the other.
fn need(scenario: &Scenario) -> Resources {
    let needs = Calibration::estimators(&scenario.discriminator).map(|discriminator| {
        let scenario = Scenario {
            discriminator,
            ..scenario.clone()
        };
        Resources::of_parts(&scenario)
    });
    let most = needs.max_by(|a, b| a.memory().total_cmp(&b.memory()));
    most.unwrap_or_else(|| Resources::of_parts(scenario))
}

fn picture(scenario: &Scenario, calibration: &Calibration) -> Vec<u8> {
    let truth = calibration.truth.to_vec();
    let estimates = &calibration.estimates;
    let values: Vec<Vec<f64>> = estimates.iter().map(|e| e.values.to_vec()).collect();
    let notes: Vec<String> = estimates
        .iter()
        .map(|e| format!("{:.2} · {:.2}", e.log.q, e.log.p))
        .collect();
    let panels: Vec<Estimates<'_>> = estimates
        .iter()
        .zip(values.iter().zip(&notes))
        .map(|(estimate, (values, note))| Estimates {
            name: &estimate.name,
            note,
            values,
        })
        .collect();
    let picture = Scatter {
        title: match scenario.title.as_str() {
            "" => "Calibration",
            title => title,
        },
        across: "log r, exact",
        up: "upwards: log r as estimated; beside the name: its rms error over q · over p",
        truth: &truth,
        second: calibration.probes_of_q,
        groups: ["samples of the cloud, q", "samples of the target, p"],
        panels: &panels,
    };
    scatter(&picture, &Style::of(&scenario.output)).png()
}

/// The table for people.
fn table(calibration: &Calibration) -> String {
    let width = calibration
        .estimates
        .iter()
        .map(|e| e.name.chars().count())
        .chain([9])
        .max()
        .unwrap_or(9);
    let row = |name: &str, log: Sides, gradient: Sides, of: Identities, time: &str| {
        let numbers = [
            log.q, log.p, gradient.q, gradient.p, of.kl_qp, of.kl_pq, of.js,
        ];
        let cells = numbers.map(|v| format!("{v:>9.4}")).concat();
        format!("{name:width$}{cells}{time:>9}\n")
    };
    let mut text = format!(
        "{:width$}{:>18}{:>20}{:>7}{:>9}{:>9}{:>9}\n{:width$}",
        "", "rms D − log r", "rms ∇D − ∇log r ", "KL(q‖p)", "KL(p‖q)", "JS", "fit", "estimator"
    );
    let heads = [
        "over q", "over p", "over q", "over p", "−E_q D", "E_p D", "", "seconds",
    ];
    text.push_str(&heads.map(|head| format!("{head:>9}")).concat());
    text.push('\n');
    for e in &calibration.estimates {
        let time = format!("{:.3}", e.seconds);
        text.push_str(&row(&e.name, e.log, e.gradient, e.identities, &time));
    }
    text.push_str(&row(
        "D = 0",
        calibration.log,
        calibration.gradient,
        Identities {
            kl_qp: 0.0,
            kl_pq: 0.0,
            js: 0.0,
        },
        "",
    ));
    let Identities { kl_qp, kl_pq, js } = calibration.identities;
    let exact = [kl_qp, kl_pq, js].map(|v| format!("{v:>9.4}")).concat();
    text.extend([format!("{:width$}{:36}{exact}\n", "exact", "")]);
    let worse: Vec<&str> = calibration
        .worse_than_none()
        .map(|e| e.name.as_str())
        .collect();
    if !worse.is_empty() {
        text.extend([
            "gradients further from the truth than none at all, over q or over p: ",
            &worse.join(", "),
            "\n",
        ]);
    }
    let left_out = calibration.left_out.iter();
    let left_out = left_out.map(|(name, why)| format!("{name:width$}  left out: {why}\n"));
    text + &left_out.collect::<Vec<_>>().concat()
}
