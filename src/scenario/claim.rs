//! What a scenario claims: sentences that can be checked against what a run gives.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digits::three;
use crate::setting::{Invalid, above_zero};

/// One claim: a sentence, and the comparison that decides whether it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What is claimed, for people; with `FAILS` in it where it is that something goes wrong, which makes it a lesson.
    pub says: String,
    /// The variant that it is about; without one the scenario as `run` runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What is compared: a measure or another column of `metrics.csv` (`energy_distance`, `speed`), or a place in `run.json` (`verdict.at_floor`,
    /// `converged_at.joint`, `floor.w2.q95`, `status`, `steps`). Yes and no count as 1 and 0; a step that never came is later than any.
    pub quantity: String,
    /// When: the end, a step (the last row measured until then), or over all rows their smallest, their largest, or the median of the last quarter.
    #[serde(default)]
    pub at: At,
    /// How it compares.
    pub is: Relation,
    /// With what: a number, yes or no, a word, or `{ variant, quantity, at, times, plus }`, of which what is left out is as in the claim itself.
    pub than: Than,
    /// Share of the seeds on which it has to hold, greater than 0.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub holds: f64,
}

fn all() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_all(holds: &f64) -> bool {
    *holds == all()
}

/// When a quantity is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum At {
    /// At the last row measured until this step.
    Step(u64),
    /// At a time that has a name.
    Named(Moment),
}

impl Default for At {
    fn default() -> Self {
        Self::Named(Moment::End)
    }
}

/// Times that have names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The last cloud, against the sample kept for it.
    End,
    /// The row with the smallest value.
    Min,
    /// The row with the largest value.
    Max,
    /// The median over the rows of the last quarter of the steps.
    MedianLastQuarter,
}

/// How two quantities compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Relation {
    /// Less.
    #[serde(rename = "<")]
    Less,
    /// Greater.
    #[serde(rename = ">")]
    Greater,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// Equal: words letter by letter, numbers to nine digits.
    #[serde(rename = "==")]
    Equal,
    /// Different: words by a letter, numbers by more than one part in a thousand.
    #[serde(rename = "!=")]
    Different,
}

/// What a quantity is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Than {
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A word, such as a status.
    Word(String),
    /// Another quantity.
    Other(Other),
}

/// Another quantity: `times` × it + `plus`. What is left out is as in the claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// Of this variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// This quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// At this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
    /// So many times.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub times: f64,
    /// And so much more.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub plus: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_nothing(plus: &f64) -> bool {
    *plus == 0.0
}

/// A quantity of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A number.
    Number(f64),
    /// A word.
    Word(String),
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 1e6 => {
                write!(f, "{value:.0}")
            }
            Self::Number(value) if *value == f64::INFINITY => f.write_str("never"),
            Self::Number(value) => f.write_str(&three(*value)),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// What is known of a run that claims are about.
pub trait Facts {
    /// The quantity of this name at this time; nothing if the run has none of that name.
    fn quantity(&self, name: &str, at: At) -> Option<Quantity>;
}

/// Whether a claim is kept on one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// What is claimed.
    pub says: String,
    /// Whether it is so.
    pub kept: bool,
    /// What was found, in numbers.
    pub found: String,
    /// The quantity itself, if it is a finite number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The share of seeds of which it is claimed.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub holds: f64,
}

/// The word in a claim by which its author says that what is shown is a failure.
const FAILS: &str = "FAILS";

impl Checked {
    /// Whether it is a lesson: kept where something fails.
    #[must_use]
    pub fn is_lesson(&self) -> bool {
        self.says.contains(FAILS)
    }

    /// Whether it is kept, in a few words. One seed breaks nothing that is claimed of most, and other settings than those of the scenario nothing
    /// at all.
    #[must_use]
    pub fn word(&self, is_changed: bool) -> &'static str {
        match (self.kept, is_changed, self.holds < 1.0) {
            (true, _, _) => "kept",
            (false, true, _) => "not with these settings",
            (false, false, true) => "not on this seed",
            (false, false, false) => "BROKEN",
        }
    }
}

impl Claim {
    /// Refuses a claim that nothing could keep.
    ///
    /// # Errors
    /// [`Invalid`] naming the key.
    pub fn check(&self) -> Result<(), Invalid> {
        above_zero("holds", self.holds, 1.0)?;
        for (key, text) in [("says", &self.says), ("quantity", &self.quantity)] {
            if text.is_empty() {
                return Err(Invalid::new(key, "\"\"", "must not be empty"));
            }
        }
        Ok(())
    }

    /// The variants that it speaks of.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        let other = match &self.than {
            Than::Other(other) => other.variant.as_deref(),
            _ => None,
        };
        self.variant.as_deref().into_iter().chain(other)
    }

    /// The same claim of its variant as a run by itself.
    #[must_use]
    pub fn of_its_variant(mut self) -> Self {
        self.variant = None;
        if let Than::Other(other) = &mut self.than {
            other.variant = None;
        }
        self
    }

    /// Whether it is a lesson: what is claimed is that something FAILS.
    #[must_use]
    pub fn is_lesson(&self) -> bool {
        self.says.contains(FAILS)
    }

    /// Whether it speaks of the scenario as `run` runs it.
    #[must_use]
    pub fn is_of_the_run(&self) -> bool {
        self.variants().next().is_none()
    }

    /// Compares it with what the runs gave: one for each variant, under its name, and the scenario's own under the empty name.
    #[must_use]
    pub fn compare<F: Facts>(&self, runs: &BTreeMap<String, F>) -> Checked {
        let checked = |kept, found, value| Checked {
            says: self.says.clone(),
            kept,
            found,
            value,
            holds: self.holds,
        };
        let look = |variant: Option<&str>, name: &str, at: At| {
            let run = runs.get(variant.unwrap_or_default());
            let run =
                run.ok_or_else(|| format!("there is no run `{}`", variant.unwrap_or_default()))?;
            let found = run.quantity(name, at);
            found.ok_or_else(|| format!("the run has no `{name}`"))
        };
        let variant = self.variant.as_deref();
        let own = look(variant, &self.quantity, self.at);
        let other = match &self.than {
            Than::Number(value) => Ok(Quantity::Number(*value)),
            Than::Flag(flag) => Ok(Quantity::Number(f64::from(u8::from(*flag)))),
            Than::Word(word) => Ok(Quantity::Word(word.clone())),
            Than::Other(other) => look(
                other.variant.as_deref().or(variant),
                other.quantity.as_deref().unwrap_or(&self.quantity),
                other.at.unwrap_or(self.at),
            )
            .map(|found| match found {
                Quantity::Number(value) => Quantity::Number(other.times * value + other.plus),
                word @ Quantity::Word(_) => word,
            }),
        };
        match (own, other) {
            (Ok(own), Ok(other)) => {
                let kept = self.is.holds(&own, &other);
                let relation = if kept {
                    self.is.as_str()
                } else {
                    self.is.denied()
                };
                let value = match own {
                    Quantity::Number(value) if value.is_finite() => Some(value),
                    _ => None,
                };
                let found = format!("{} {own} {relation} {other}", self.quantity);
                checked(kept, found, value)
            }
            (Err(reason), _) | (_, Err(reason)) => checked(false, reason, None),
        }
    }
}

impl Relation {
    fn holds(self, a: &Quantity, b: &Quantity) -> bool {
        match (a, b) {
            (Quantity::Word(a), Quantity::Word(b)) => match self {
                Self::Equal => a == b,
                Self::Different => a != b,
                _ => false,
            },
            (&Quantity::Number(a), &Quantity::Number(b)) => match self {
                Self::Less => a < b,
                Self::Greater => a > b,
                Self::AtMost => a <= b,
                Self::AtLeast => a >= b,
                Self::Equal => a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
                Self::Different => (a - b).abs() > 1e-3 * a.abs().max(b.abs()),
            },
            _ => false,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::Greater => ">",
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
            Self::Equal => "=",
            Self::Different => "≠",
        }
    }

    fn denied(self) -> &'static str {
        match self {
            Self::Less => "is not <",
            Self::Greater => "is not >",
            Self::AtMost => "is not ≤",
            Self::AtLeast => "is not ≥",
            Self::Equal => "is not =",
            Self::Different => "is not ≠",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Run(BTreeMap<&'static str, f64>);

    impl Facts for Run {
        fn quantity(&self, name: &str, at: At) -> Option<Quantity> {
            let value = *self.0.get(name)?;
            let later = match at {
                At::Step(step) => step as f64,
                At::Named(_) => 0.0,
            };
            Some(Quantity::Number(value + later))
        }
    }

    fn runs() -> BTreeMap<String, Run> {
        [("", 1.0), ("slow", 2.0)]
            .map(|(name, value)| (name.to_owned(), Run([("w2", value)].into())))
            .into()
    }

    fn claim(text: &str) -> Checked {
        let claim: Claim = toml::from_str(&format!("says = 'x'\n{text}")).unwrap();
        claim.check().unwrap();
        claim.compare(&runs())
    }

    #[test]
    fn claims_compare_numbers_steps_and_variants() {
        let kept = claim("quantity = 'w2'\nis = '<'\nthan = 1.5");
        assert_eq!((kept.kept, kept.found.as_str()), (true, "w2 1 < 1.50"));
        let broken = claim("quantity = 'w2'\nat = 3\nis = '<'\nthan = 1.5");
        assert_eq!(
            (broken.kept, broken.found.as_str()),
            (false, "w2 4 is not < 1.50")
        );
        assert!(
            claim(
                "variant = 'slow'\nquantity = 'w2'\nis = '=='\nthan = { times = 2, variant = '' }"
            )
            .kept
        );
        assert!(claim("quantity = 'w2'\nis = '>='\nthan = { plus = -1.0, variant = 'slow' }").kept);
        assert!(claim("quantity = 'w2'\nis = '=='\nthan = true").kept);
    }

    #[test]
    fn what_there_is_not_is_not_kept() {
        for text in [
            "quantity = 'w3'\nis = '<'\nthan = 1.5",
            "variant = 'fast'\nquantity = 'w2'\nis = '<'\nthan = 1.5",
            "quantity = 'w2'\nis = '=='\nthan = 'complete'",
        ] {
            let checked = claim(text);
            assert!(!checked.kept, "{}", checked.found);
        }
    }
}
