//! The only list of the families of distributions.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::files::{BuildError, Files};
use super::{
    AutoSpec, BananaSpec, CheckerboardSpec, CirclesSpec, GaussianSpec, GridSpec, ImageSpec,
    MixtureSpec, MoonsSpec, PinwheelSpec, PointsSpec, RingSpec, RingsSpec, SpiralsSpec,
    SwissRollSpec, Target, UniformSpec,
};
use crate::setting::Given;

/// Lists families: how each is documented, its parameters, its name in a scenario file, and a line about it.
macro_rules! families {
    ($($(#[$documented:meta])* $variant:ident($spec:ty) = $name:literal: $line:literal;)*) => {
        /// A distribution as a scenario names it: `[target.ring]`, `[source.gaussian]`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum TargetSpec {
            $($(#[$documented])* $variant($spec),)*
            /// A Gaussian around the target sample's mean, as wide as twice its pooled standard deviation; for sources alone.
            Auto(AutoSpec),
            /// What was given in code, which a file cannot build.
            Given(Given),
        }

        impl TargetSpec {
            /// The families in the order in which they are told, each with one line about it.
            #[must_use]
            pub fn catalogue() -> &'static [(&'static str, &'static str)] {
                &[$(($name, $line)),*]
            }

            /// The family `name` with its default parameters; `None` if there is none of that name. `points` and `image`
            /// still need a file before they can be built.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Some(match name {
                    $($name => Self::$variant(<$spec>::default()),)*
                    _ => return None,
                })
            }

            /// Name of the family, as in a scenario file.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                    Self::Auto(_) => "auto",
                    Self::Given(_) => "given",
                }
            }

            fn family(&self) -> &dyn Family {
                match self {
                    $(Self::$variant(spec) => spec,)*
                    Self::Auto(auto) => auto,
                    Self::Given(given) => given,
                }
            }

            fn family_mut(&mut self) -> &mut dyn Family {
                match self {
                    $(Self::$variant(spec) => spec,)*
                    Self::Auto(auto) => auto,
                    Self::Given(given) => given,
                }
            }
        }
    };
}

families! {
    /// One Gaussian.
    Gaussian(GaussianSpec) = "gaussian": "one Gaussian: mean, covariance";
    /// Gaussians with weights, means and covariances of their own.
    Mixture(MixtureSpec) = "mixture": "Gaussians with weights, means and covariances of their own";
    /// Equal Gaussians around a circle.
    Ring(RingSpec) = "ring": "equal Gaussians around a circle: modes, radius, sd";
    /// Equal Gaussians on a grid.
    Grid(GridSpec) = "grid": "equal Gaussians on a grid: rows, columns, spacing, sd";
    /// Two interleaved half circles.
    Moons(MoonsSpec) = "moons": "two interleaved half circles: radius, sd";
    /// Two concentric circles.
    Circles(CirclesSpec) = "circles": "two concentric circles: outer, inner, sd";
    /// Any number of concentric circles.
    Rings(RingsSpec) = "rings": "any number of concentric circles: radii, sd";
    /// A spiral of one and a half turns.
    SwissRoll(SwissRollSpec) = "swiss-roll": "a spiral of one and a half turns: scale, sd";
    /// Curved arms around the origin.
    Pinwheel(PinwheelSpec) = "pinwheel": "curved arms around the origin: arms, radial_sd, tangential_sd, rate, scale";
    /// A bent Gaussian.
    Banana(BananaSpec) = "banana": "a Gaussian bent along a parabola: spread, bend, sd";
    /// Two interleaved spirals.
    Spirals(SpiralsSpec) = "spirals": "two interleaved spirals: turns, scale, sd";
    /// Every other square of a board.
    Checkerboard(CheckerboardSpec) = "checkerboard": "every other square of a board, uniformly filled: squares, width";
    /// Uniform on an interval, or in a box.
    Uniform(UniformSpec) = "uniform": "uniform on an interval or in a box: low, high";
    /// Points from a file.
    Points(PointsSpec) = "points": "points from an .npy, .npz or .csv file: file, held_out, replace, in_order, header";
    /// A picture read as a density.
    Image(ImageSpec) = "image": "a PNG picture read as a density: file, ink, width";
}

impl TargetSpec {
    /// Names of the files that [`build`](Self::build) reads.
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        self.family().files()
    }

    /// Makes the specification read other files instead of its [`files`](Self::files), in their order; an array named behind one stays.
    pub fn rename_files(&mut self, paths: &[String]) {
        self.family_mut().rename_files(paths);
    }

    /// The same as something to reach: in which order, and how often, particles begin at the points of a file is left aside.
    pub(crate) fn to_reach(&self) -> Cow<'_, Self> {
        match self {
            Self::Points(points) => Cow::Owned(Self::Points(points.to_reach())),
            _ => Cow::Borrowed(self),
        }
    }

    /// Checks every parameter, reads what has to be read, and gives the distribution.
    ///
    /// # Errors
    /// [`BuildError`], its key under the family's name: `ring.sd`.
    pub fn build(&self, files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        let built = self.family().distribution(files);
        built.map_err(|error| error.under(self.name()))
    }
}
