//! The choice of a target in a scenario: one table, named after its family.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    BuildError, CheckerboardSpec, CirclesSpec, Files, GaussianSpec, GridSpec, ImageSpec,
    MixtureSpec, MoonsSpec, PinwheelSpec, PointsSpec, RingSpec, RingsSpec, SpiralsSpec,
    SwissRollSpec, Target,
};

/// A distribution as a scenario names it: `[target.ring]`, `[source.gaussian]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetSpec {
    /// One Gaussian.
    Gaussian(GaussianSpec),
    /// Gaussians with weights, means and covariances of their own.
    Mixture(MixtureSpec),
    /// Equal Gaussians around a circle.
    Ring(RingSpec),
    /// Equal Gaussians on a grid.
    Grid(GridSpec),
    /// Two interleaved half circles.
    Moons(MoonsSpec),
    /// Two concentric circles.
    Circles(CirclesSpec),
    /// Any number of concentric circles.
    Rings(RingsSpec),
    /// A spiral of one and a half turns.
    SwissRoll(SwissRollSpec),
    /// Curved arms around the origin.
    Pinwheel(PinwheelSpec),
    /// Two interleaved spirals.
    Spirals(SpiralsSpec),
    /// Every other square of a board.
    Checkerboard(CheckerboardSpec),
    /// Points from a file.
    Points(PointsSpec),
    /// A picture read as a density.
    Image(ImageSpec),
}

impl TargetSpec {
    /// The families in the order in which they are told, each with one line about it.
    #[must_use]
    pub fn catalogue() -> &'static [(&'static str, &'static str)] {
        &[
            ("gaussian", "one Gaussian: mean, covariance"),
            (
                "mixture",
                "Gaussians with weights, means and covariances of their own",
            ),
            ("ring", "equal Gaussians around a circle: modes, radius, sd"),
            (
                "grid",
                "equal Gaussians on a grid: rows, columns, spacing, sd",
            ),
            ("moons", "two interleaved half circles: radius, sd"),
            ("circles", "two concentric circles: outer, inner, sd"),
            ("rings", "any number of concentric circles: radii, sd"),
            ("swiss-roll", "a spiral of one and a half turns: scale, sd"),
            (
                "pinwheel",
                "curved arms around the origin: arms, radial_sd, tangential_sd, rate, scale",
            ),
            ("spirals", "two interleaved spirals: turns, scale, sd"),
            (
                "checkerboard",
                "every other square of a board, uniformly filled: squares, width",
            ),
            (
                "points",
                "points from an .npy, .npz or .csv file: file, held_out, replace, header",
            ),
            ("image", "a PNG picture read as a density: file, ink, width"),
        ]
    }

    /// The family `name` with its default parameters; `None` if there is none of that name. `points` and `image`
    /// still need a file before they can be built.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gaussian" => Self::Gaussian(GaussianSpec::default()),
            "mixture" => Self::Mixture(MixtureSpec::default()),
            "ring" => Self::Ring(RingSpec::default()),
            "grid" => Self::Grid(GridSpec::default()),
            "moons" => Self::Moons(MoonsSpec::default()),
            "circles" => Self::Circles(CirclesSpec::default()),
            "rings" => Self::Rings(RingsSpec::default()),
            "swiss-roll" => Self::SwissRoll(SwissRollSpec::default()),
            "pinwheel" => Self::Pinwheel(PinwheelSpec::default()),
            "spirals" => Self::Spirals(SpiralsSpec::default()),
            "checkerboard" => Self::Checkerboard(CheckerboardSpec::default()),
            "points" => Self::Points(PointsSpec::default()),
            "image" => Self::Image(ImageSpec::default()),
            _ => return None,
        })
    }

    /// Name of the family, as in a scenario file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gaussian(_) => "gaussian",
            Self::Mixture(_) => "mixture",
            Self::Ring(_) => "ring",
            Self::Grid(_) => "grid",
            Self::Moons(_) => "moons",
            Self::Circles(_) => "circles",
            Self::Rings(_) => "rings",
            Self::SwissRoll(_) => "swiss-roll",
            Self::Pinwheel(_) => "pinwheel",
            Self::Spirals(_) => "spirals",
            Self::Checkerboard(_) => "checkerboard",
            Self::Points(_) => "points",
            Self::Image(_) => "image",
        }
    }

    /// Names of the files that [`build`](Self::build) reads.
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        match self {
            Self::Points(spec) => spec.paths(),
            Self::Image(spec) => vec![&spec.file],
            _ => Vec::new(),
        }
    }

    /// Makes the specification read other files instead of its [`files`](Self::files), in their order; an array named behind one stays.
    pub fn rename_files(&mut self, paths: &[String]) {
        match (self, paths) {
            (Self::Points(spec), paths) => spec.rename_files(paths),
            (Self::Image(spec), [path, ..]) => path.clone_into(&mut spec.file),
            _ => {}
        }
    }

    /// Checks every parameter, reads what has to be read, and gives the distribution.
    ///
    /// # Errors
    /// [`BuildError`], its key under the family's name: `ring.sd`.
    pub fn build(&self, files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        match self {
            Self::Gaussian(spec) => boxed(spec.build()),
            Self::Mixture(spec) => boxed(spec.build()),
            Self::Ring(spec) => boxed(spec.build()),
            Self::Grid(spec) => boxed(spec.build()),
            Self::Moons(spec) => boxed(spec.build()),
            Self::Circles(spec) => boxed(spec.build()),
            Self::Rings(spec) => boxed(spec.build()),
            Self::SwissRoll(spec) => boxed(spec.build()),
            Self::Pinwheel(spec) => boxed(spec.build()),
            Self::Spirals(spec) => boxed(spec.build()),
            Self::Checkerboard(spec) => boxed(spec.build()),
            Self::Points(spec) => boxed(spec.build(files)),
            Self::Image(spec) => boxed(spec.build(files)),
        }
        .map_err(|error| error.under(self.name()))
    }
}

fn boxed<T: Target + 'static, E: Into<BuildError>>(
    built: Result<T, E>,
) -> Result<Box<dyn Target>, BuildError> {
    match built {
        Ok(target) => Ok(Box::new(target)),
        Err(error) => Err(error.into()),
    }
}
