//! The exact flow of a target with a known density: its Fokker-Planck equation, solved on a grid.
//!
//! The particle flow with `h` = identity and an exact discriminator is the Wasserstein gradient flow of `KL(q‖p)`, and its densities obey
//! `∂q/∂t = Δq − ∇·(q ∇log p)`. Here that equation is solved without particles and without a discriminator, so that a run can be compared
//! with the truth also where no formula exists.

mod grid;
mod solver;

pub use grid::Grid;
pub use solver::{Reference, ReferenceError};
