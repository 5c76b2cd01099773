//! Variants of a scenario: the same seed, with some keys set otherwise.

use super::split::split;
use super::{Document, Scenario, ScenarioError};
use crate::setting::Invalid;

/// A name, and the keys that are set: `fast: flow.steps=50, flow.h=exp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Name in tables, pictures and folders.
    pub name: String,
    /// Assignments `KEY=VALUE`, as for `--set`.
    pub settings: Vec<String>,
}

impl Variant {
    /// Reads `NAME: KEY=VALUE, KEY=VALUE`; commas inside brackets, braces and quotes belong to a value.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((name, rest)) = text.split_once(':') else {
            return Err(format!(
                "the variant `{text}` has no name; write `--variant \"NAME: key=value, key=value\"`"
            ));
        };
        let name = name.trim();
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_alphanumeric() || "-_. +=".contains(c))
        {
            return Err(format!(
                "`{name}` cannot name a variant; use letters, digits, `-`, `_`, `.`, `+`, `=` and spaces"
            ));
        }
        let settings = split(rest, ',').into_iter();
        let settings: Vec<String> = settings.map(|part| rest[part].trim().to_owned()).collect();
        if settings.is_empty() {
            return Err(format!(
                "the variant `{name}` sets nothing; write `--variant \"{name}: key=value\"`, or `--variant \"{name}: seed=1\"` with the scenario's own seed for the scenario as it is"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            settings,
        })
    }

    /// The three that a comparison has if none is named: the flow itself, and both kinds of generator.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        ["flow", "distill", "adversarial"]
            .map(|name| Self {
                name: name.to_owned(),
                settings: Vec::new(),
            })
            .to_vec()
    }

    /// The document with the keys of this variant set. A setting inside another kind of generator or discriminator
    /// makes that kind the one: `generator.distill.inner_steps=5` switches the generator to `distill`.
    ///
    /// # Errors
    /// As [`Document::set`].
    pub fn apply(&self, document: &Document) -> Result<Document, ScenarioError> {
        let mut own = document.clone();
        if self.settings.is_empty() {
            match self.name.as_str() {
                "flow" => own.remove("generator"),
                kind => own.replace("--variant", "generator", kind)?,
            }
        }
        for setting in &self.settings {
            let key = setting.split('=').next().unwrap_or_default().trim();
            let mut parts = key.split('.');
            if let (Some(table @ ("generator" | "discriminator")), Some(kind)) =
                (parts.next(), parts.next())
            {
                own.replace("--variant", table, kind.trim())?;
            }
            if setting.trim() == "generator=off" {
                own.remove("generator");
            } else if let Some(kind) = bare_kind(setting) {
                own.replace("--variant", kind.0, kind.1)?;
            } else {
                own.set(setting)?;
            }
        }
        Ok(own)
    }

    /// Refuses a variant that is no variant of `base`: one with another seed, or on the line where the others are in the plane. Another source or target, and other numbers of points,
    /// are compared each with its own floor.
    ///
    /// # Errors
    /// [`Invalid`] naming the key and why that is no comparison.
    pub fn check(&self, base: &Scenario, own: &Scenario) -> Result<(), Invalid> {
        if base.seed == own.seed {
            return Ok(());
        }
        Err(Invalid::new(
            "seed",
            format!("changed by the variant `{}`", self.name),
            "variants are compared on the same seeds, or a difference would say nothing about them; `--seeds N` runs all on several",
        ))
    }
}

/// `discriminator=mlp`, `generator=distill`: a kind named without its table.
fn bare_kind(setting: &str) -> Option<(&str, &str)> {
    let (key, value) = setting.split_once('=')?;
    let (key, value) = (key.trim(), value.trim().trim_matches('"'));
    let is_word = !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || c == '-');
    (matches!(key, "generator" | "discriminator") && is_word).then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_has_a_name_and_settings() {
        let variant = Variant::parse(
            "K = 5: generator.distill.inner_steps=5, flow.h={ table = [[0, 1], [1, 2]] }",
        )
        .unwrap();
        assert_eq!(variant.name, "K = 5");
        assert_eq!(
            variant.settings,
            [
                "generator.distill.inner_steps=5",
                "flow.h={ table = [[0, 1], [1, 2]] }"
            ]
        );
    }

    #[test]
    fn a_variant_without_name_or_settings_is_refused() {
        for text in [
            "",
            "flow.steps=3",
            ": flow.steps=3",
            "a/b: flow.steps=3",
            "name:",
            "name: ,",
        ] {
            assert!(Variant::parse(text).is_err(), "{text}");
        }
    }
}
