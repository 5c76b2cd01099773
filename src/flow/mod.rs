//! The engine: a cloud moves along the gradient of the estimated log ratio, which is refit at every step.

mod state_dict;
mod arrows;
mod bath;
mod births;
mod ending;
mod engine;
mod field;
mod fit;
mod momentum;
mod gamma;
mod noise;
mod origin;
mod part;
mod pending;
mod precondition;
mod reaction;
mod room;
mod shown;
mod spec;
mod stage;
mod state;
mod training;

pub use crate::setting::Auto;
pub use ending::{Ending, EndingFacts, EndingKind, Failure, FlowError};
pub use engine::{Flow, Step};
pub use field::Field;
pub use momentum::Momentum;
pub use part::Part;
pub use precondition::Precondition;
pub use reaction::{Carrier, Rate, Reacted, ReactionSpec};
pub use spec::{Clip, FlowSpec, Integrator, Updates};
pub use state::State;
pub use state_dict::{StateDict, StateError};
