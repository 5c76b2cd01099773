//! `render`: draws the pictures of a finished run again, with other options.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::common::{Common, set_threads};
use super::error::CliError;
use super::terminal::{print, print_path, say};
use crate::record::{Format, Redraw, latent, redraw, snapshots};
use crate::render::{Show, Theme};
use crate::scenario::ViewSpec;

#[derive(Clone, Debug, Args)]
pub(super) struct RenderArgs {
    /// The directory of a finished run, or of a comparison
    #[arg(value_name = "RUN_DIR")]
    directory: PathBuf,
    /// Width of a picture in logical pixels, 480 to 8000 [default: 720 for one panel]
    #[arg(long, value_name = "PIXELS", value_parser = |text: &str| within(text, 480.0, 8000.0))]
    width: Option<f64>,
    /// Device pixels per logical pixel, 0.25 to 4; 2 is sharp on a dense screen [default: the scenario's]
    #[arg(long, value_name = "FACTOR", value_parser = |text: &str| within(text, 0.25, 4.0))]
    scale: Option<f64>,
    /// Frames a second of the animation, 1 to 60 [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = |text: &str| within(text, 1.0, 60.0))]
    fps: Option<f64>,
    /// Colours of the paper [default: the scenario's]
    #[arg(long)]
    theme: Option<Paper>,
    /// What a frame shows, separated by commas
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LAYERS",
        default_value = "particles,target,field,arrows"
    )]
    show: Vec<Layer>,
    /// What pictures show: `xmin,xmax,ymin,ymax` in the target's units, `target`, `cloud` (wherever the particles come) or `auto` [default: the scenario's]; widened to the shape of the picture. Bands and arrows are drawn where the run has recorded them, which is its own view
    #[arg(long, value_name = "VIEW", allow_hyphen_values = true)]
    view: Option<ViewSpec>,
    /// `png`: animation, frames, last cloud and curves; `svg`: last cloud and curves as shapes, for papers
    #[arg(long, default_value = "png")]
    format: Kind,
    /// With --show latent: the generator as it was after this step, of those that `output.history` keeps
    #[arg(long, value_name = "STEP")]
    at: Option<usize>,
    /// Draw nothing but the run at these steps, side by side for a paper: `0,10,50,200` into `snapshots.png`
    #[arg(long, value_delimiter = ',', value_name = "STEPS")]
    snapshots: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Paper {
    Light,
    Dark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Layer {
    Particles,
    Target,
    Field,
    Arrows,
    Trails,
    /// The formulas of a step with their present numbers
    Formula,
    /// The phases of each step one after the other: points, fit, move, and the generator's fit with threads from where the points were moved
    Loop,
    /// Alone, and in `latent.png`: a grid of latent points, its image under the trained generator, and the images of straight ways between pairs of latent points
    Latent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Png,
    Svg,
}

/// A number from `low` to `high`.
pub(super) fn within(text: &str, low: f64, high: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (low..=high).contains(&number) {
        Ok(number)
    } else {
        Err(format!("it must be from {low} to {high}"))
    }
}

pub(super) fn render(args: &RenderArgs, common: Common) -> Result<ExitCode, CliError> {
    set_threads(None)?;
    // What adds to the layers needs none of them named.
    let alone = |layer: &Layer| matches!(layer, Layer::Formula | Layer::Loop | Layer::Latent);
    let usual = args.show.iter().all(alone);
    let shows = |layer| usual || args.show.contains(&layer);
    let added = |layer| args.show.contains(&layer);
    let wish = Redraw {
        width: args.width,
        scale: args.scale,
        fps: args.fps,
        theme: args.theme.map(|paper| match paper {
            Paper::Light => Theme::Light,
            Paper::Dark => Theme::Dark,
        }),
        show: Show {
            target: shows(Layer::Target),
            particles: shows(Layer::Particles),
            field: shows(Layer::Field),
            arrows: shows(Layer::Arrows),
            trails: added(Layer::Trails) || usual && added(Layer::Loop),
            formula: added(Layer::Formula),
            phases: added(Layer::Loop),
        },
        view: args.view,
        format: match args.format {
            Kind::Png => Format::Png,
            Kind::Svg => Format::Svg,
        },
    };
    let of_latents = args.show.contains(&Layer::Latent);
    if of_latents && (args.show.len() > 1 || !args.snapshots.is_empty()) {
        return Err(CliError::Usage(
            "--show latent is a picture of its own\n  = help: leave out what else is named with it, and --snapshots".to_owned(),
        ));
    }
    if args.at.is_some() && !of_latents {
        return Err(CliError::Usage(
            "--at is a step of the generator that --show latent draws\n  = help: add --show latent, or ask for steps of the cloud by --snapshots".to_owned(),
        ));
    }
    let files = if of_latents {
        vec![latent(&args.directory, args.at, &wish)?.to_owned()]
    } else if args.snapshots.is_empty() {
        redraw(&args.directory, &wish)?
    } else {
        let (name, missing) = snapshots(&args.directory, &wish, &args.snapshots)?;
        if !missing.is_empty() && !common.quiet {
            let missing: Vec<String> = missing.iter().map(usize::to_string).collect();
            say(&format!(
                "not recorded, so that the frames next to them are shown: step {}; a run records output.frames of its steps",
                missing.join(", ")
            ));
        }
        vec![name]
    };
    if common.json {
        let object = json!({ "directory": args.directory.to_string_lossy(), "files": files });
        return print(&format!("{object:#}\n"));
    }
    if !common.quiet {
        say(&format!("drew {}", files.join(", ")));
    }
    print_path(&args.directory)
}
