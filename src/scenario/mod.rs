//! What was written, in a file and on the command line, with the place of everything that can be wrong in it.

mod assign;
mod document;
mod error;
mod explain;
mod fault;
mod guide;
mod place;
mod read;
mod suggest;
mod tree;

pub use document::Document;
pub use error::ScenarioError;
