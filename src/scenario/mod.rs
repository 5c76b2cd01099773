//! From what was written, in a file and on the command line, to what will run.
//!
//! A [`Document`] knows the place of everything that can be wrong in it; a [`Scenario`] is its content as written; an
//! [`Experiment`](crate::experiment::Experiment) is what that comes to, checked as a whole.

mod assign;
mod claim;
mod document;
mod error;
mod explain;
mod fault;
mod filed;
mod grid;
mod grid_file;
mod guide;
mod resources;
mod place;
mod range;
mod read;
mod shipped;
mod seeds;
mod snapshot_size;
mod spec;
mod split;
mod suggest;
mod too_much;
mod tree;
mod variant;

pub use claim::{At, Checked, Claim, Facts, Moment, Other, Quantity, Relation, Than};
pub use document::Document;
pub use error::ScenarioError;
pub use grid::{Assignment, Axis};
pub use resources::Resources;
pub use seeds::seeds;
pub use shipped::{Embedded, Group, SHIPPED, Shipped, closest, find, headline, plain_name};
pub use spec::{
    CloudSpec, Corners, LastCloud, OutputSpec, Scenario, Sight, SpreadSpec, ThemeSpec, ViewSpec,
};
pub use too_much::{Available, Resource, TooMuch};
pub use variant::Variant;
