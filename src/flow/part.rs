//! The arrows of the loop, and whoever wants to know when each begins.

use std::fmt;

/// A part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The discriminator is fitted, and asked at the particles.
    Fit,
    /// The particles move along its field.
    Move,
    /// The generator follows.
    Distil,
}

/// Is told of each part as it begins, and with `None` when the step is done.
type Told = Box<dyn FnMut(Option<Part>) + Send + Sync>;

/// Somebody who wants to know, or nobody.
#[derive(Default)]
pub(super) struct Parts(Option<Told>);

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Parts").field(&self.0.is_some()).finish()
    }
}

impl Parts {
    pub(super) fn told(told: impl FnMut(Option<Part>) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(told)))
    }

    pub(super) fn begins(&mut self, part: Option<Part>) {
        if let Some(told) = &mut self.0 {
            told(part);
        }
    }
}
