//! What deserialisation found wrong, and where, before it is put into words.

use std::fmt::{self, Display};

use serde::de;

use super::place::Place;
use super::tree::{Path, Step};

/// The kinds of faults. A *kind* is a variant: `ring` is a kind of `target`.
#[derive(Debug)]
pub(super) enum What {
    /// A key that the table at `path` does not have.
    UnknownKey { key: String, expected: Vec<String> },
    /// A kind that does not exist.
    UnknownKind { name: String, kinds: Vec<String> },
    /// A table that should name a kind and names none.
    NoKind { kinds: Vec<String> },
    /// A table that names more than one kind.
    TwoKinds {
        first: (String, Place),
        second: (String, Place),
    },
    /// A kind with settings, written as a bare name.
    BareKind { name: String },
    /// A kind without settings, written with some.
    NoSettings { name: String },
    /// A key that must be written and is not.
    Missing { key: String },
    /// A value of the wrong type or out of range; what serde expected.
    Unsuited { expected: String },
    /// A list of the wrong length.
    Length { found: usize, expected: String },
    /// A key that the type passes over.
    Ignored,
    /// Anything a specification says by itself.
    Other(String),
}

/// A fault with its path from the root (collected on the way up) and the innermost place known.
#[derive(Debug)]
pub(super) struct Fault(Box<Found>);

#[derive(Debug)]
struct Found {
    what: What,
    upward: Vec<Step>,
    place: Option<Place>,
}

impl Fault {
    pub(super) fn new(what: What) -> Self {
        Self(Box::new(Found {
            what,
            upward: Vec::new(),
            place: None,
        }))
    }

    /// The same fault at `place`, unless a place further in is known already.
    pub(super) fn at(mut self, place: &Place) -> Self {
        self.0.place.get_or_insert_with(|| place.clone());
        self
    }

    /// The same fault seen from one level up.
    pub(super) fn below(mut self, step: Step) -> Self {
        self.0.upward.push(step);
        self
    }

    pub(super) fn into_parts(self) -> (What, Path, Option<Place>) {
        let Found {
            what,
            mut upward,
            place,
        } = *self.0;
        upward.reverse();
        (what, Path(upward), place)
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.what)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(What::Other(message.to_string()))
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(What::Unsuited {
            expected: expected.to_string(),
        })
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(What::Unsuited {
            expected: expected.to_string(),
        })
    }

    fn invalid_length(found: usize, expected: &dyn de::Expected) -> Self {
        Self::new(What::Length {
            found,
            expected: expected.to_string(),
        })
    }

    fn unknown_variant(name: &str, kinds: &'static [&'static str]) -> Self {
        Self::new(What::UnknownKind {
            name: name.to_owned(),
            kinds: owned(kinds),
        })
    }

    fn unknown_field(key: &str, expected: &'static [&'static str]) -> Self {
        Self::new(What::UnknownKey {
            key: key.to_owned(),
            expected: owned(expected),
        })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(What::Missing {
            key: key.to_owned(),
        })
    }
}

pub(super) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
