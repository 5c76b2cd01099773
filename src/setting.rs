//! A setting that cannot be used: which key, what value, and what would do.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Says why a specification cannot be built. `key` is relative to the specification that was checked
/// (`sd`, `weights[2]`); whoever holds it puts its own place in front with [`Invalid::under`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {value}: {remedy}")]
pub struct Invalid {
    /// Dotted key, as written in a scenario file.
    pub key: String,
    /// The value that was given.
    pub value: String,
    /// What is wrong with it and what would do, in a few words: `must be greater than 0`.
    pub remedy: String,
}

impl Invalid {
    /// A setting `key` whose `value` is refused, with the `remedy`.
    pub fn new(key: impl Into<String>, value: impl Display, remedy: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.to_string(),
            remedy: remedy.into(),
        }
    }

    /// The same complaint seen from one level up: `sd` under `target.ring` is `target.ring.sd`.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        self.key = if self.key.is_empty() {
            parent.to_owned()
        } else {
            format!("{parent}.{}", self.key)
        };
        self
    }
}

/// What was given in code: a file names it, and cannot build it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// What it was called there.
    pub name: String,
}

impl Given {
    /// Why a file that names it is not enough.
    pub(crate) fn refusal(&self) -> Invalid {
        Invalid::new(
            "name",
            format!("{:?}", self.name),
            "was given in code, which no file can build: run the program that gave it",
        )
    }
}

/// A number as messages have it: with a power of ten where it would have many zeros.
pub(crate) fn spelled(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() || (1e-5..1e15).contains(&size) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// Refuses anything but a finite number greater than zero.
///
/// # Errors
/// [`Invalid`] naming `key` and `value`.
pub fn positive(key: &str, value: f64) -> Result<(), Invalid> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Invalid::new(
        key,
        spelled(value),
        "must be a finite number greater than 0",
    ))
}

/// Refuses NaN and infinities.
///
/// # Errors
/// [`Invalid`] naming `key` and `value`.
pub fn finite(key: &str, value: f64) -> Result<(), Invalid> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Invalid::new(key, value, "must be a finite number"))
}

/// Refuses a number outside `[low, high]`, and NaN.
///
/// # Errors
/// [`Invalid`] naming `key`, `value` and the range.
pub fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), Invalid> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let [low, high] = [low, high].map(spelled);
    Err(Invalid::new(
        key,
        spelled(value),
        format!("must lie between {low} and {high}"),
    ))
}

/// Refuses a number outside `(0, high]`, and NaN.
///
/// # Errors
/// [`Invalid`] naming `key`, `value` and the range.
pub(crate) fn above_zero(key: &str, value: f64, high: f64) -> Result<(), Invalid> {
    if value > 0.0 && value <= high {
        return Ok(());
    }
    let remedy = format!("must be greater than 0, and at most {}", spelled(high));
    Err(Invalid::new(key, spelled(value), remedy))
}

/// Refuses a count below `least`.
///
/// # Errors
/// [`Invalid`] naming `key`, `value` and the least count.
pub fn at_least(key: &str, value: usize, least: usize) -> Result<(), Invalid> {
    if value >= least {
        return Ok(());
    }
    Err(Invalid::new(
        key,
        value,
        format!("must be at least {least}"),
    ))
}

/// Whether a setting is what it is by itself, so that a file need not spell it out.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// For `#[serde(deserialize_with = "exactly")]`: a list of `N` values, neither fewer nor more. Left to itself the
/// TOML reader takes the first `N` of a longer list and says nothing.
///
/// # Errors
/// The deserializer's own, for a list of another length.
pub fn exactly<'de, D, T, const N: usize>(deserializer: D) -> Result<[T; N], D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    sized(Vec::deserialize(deserializer)?)
}

/// As [`exactly`], for `M` rows of `N` values each.
///
/// # Errors
/// The deserializer's own, for a table of another shape.
pub fn exactly_rows<'de, D, T, const M: usize, const N: usize>(
    deserializer: D,
) -> Result<[[T; N]; M], D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let rows = Vec::<Vec<T>>::deserialize(deserializer)?;
    sized(rows.into_iter().map(sized).collect::<Result<_, _>>()?)
}

fn sized<T, E: Error, const N: usize>(values: Vec<T>) -> Result<[T; N], E> {
    let count = values.len();
    let wanted = format!("{N} values");
    values
        .try_into()
        .map_err(|_| E::invalid_length(count, &wanted.as_str()))
}

/// A setting that is either one of a few words or a value: `bandwidth = "loo"` or `bandwidth = 0.2`.
///
/// `W` is an enum of unit variants, `V` a number, a list or a table. A misspelt word is answered with
/// the words there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WordOr<V, W> {
    /// One of the words.
    Word(W),
    /// A value.
    Value(V),
}

/// The word for "choose a number that suits".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// Choose a number that suits.
    Auto,
}

impl<'de, V: Deserialize<'de>, W: Deserialize<'de>> Deserialize<'de> for WordOr<V, W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrVisitor(PhantomData))
    }
}

struct WordOrVisitor<V, W>(PhantomData<(V, W)>);

impl<'de, V: Deserialize<'de>, W: Deserialize<'de>> Visitor<'de> for WordOrVisitor<V, W> {
    type Value = WordOr<V, W>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word in quotes or a value")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        W::deserialize(word.into_deserializer()).map(WordOr::Word)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        V::deserialize(value.into_deserializer()).map(WordOr::Value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        V::deserialize(value.into_deserializer()).map(WordOr::Value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        V::deserialize(value.into_deserializer()).map(WordOr::Value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Self::Value, A::Error> {
        V::deserialize(SeqAccessDeserializer::new(values)).map(WordOr::Value)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        V::deserialize(MapAccessDeserializer::new(entries)).map(WordOr::Value)
    }
}
