//! The engine: a cloud moves along the gradient of the estimated log ratio, which is refit at every step.

mod carry;
mod ending;
mod engine;
mod field;
mod momentum;
mod noise;
mod origin;
mod spec;
mod state;

pub use carry::{Carried, CarryError};
pub use ending::{Divergence, Ending, EndingFacts, EndingKind, FlowError};
pub use engine::{Flow, Step};
pub use field::Field;
pub use momentum::Momentum;
pub use spec::{Auto, Clip, FlowSpec, Integrator};
pub use state::State;
