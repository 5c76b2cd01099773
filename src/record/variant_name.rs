//! Names of variants, which are also names of folders and cells of tables.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

use crate::scenario::Variant;
use crate::store::is_taken;

impl Variant {
    /// Reads a variant as [`parse`](Self::parse) does, and refuses a name that no folder can have.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn named(text: &str) -> Result<Self, String> {
        let variant = Self::parse(text)?;
        match fault_of(&variant.name) {
            None => Ok(variant),
            Some(fault) => Err(format!(
                "`{}` cannot name a variant, which is also the name of a folder and a cell of a table: {fault}",
                variant.name
            )),
        }
    }

    /// Refuses names that some systems or readers take for one: they differ by capitals or by how a letter is written alone.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn tell_apart(variants: &[Self]) -> Result<(), String> {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for variant in variants {
            match seen.insert(folded(&variant.name), &variant.name) {
                None => {}
                Some(other) if other == variant.name => {
                    return Err(format!(
                        "two variants are called `{other}`; give each a name of its own"
                    ));
                }
                Some(other) => {
                    return Err(format!(
                        "the variants `{other}` and `{}` would share a folder on systems that do not tell their names apart; give each a name of its own",
                        variant.name
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Longest name in bytes; systems take 255, and ours add to it.
const LONGEST: usize = 200;

/// Why a name made of allowed letters cannot be one, and what would do.
fn fault_of(name: &str) -> Option<String> {
    if name.starts_with('.') || name.ends_with('.') {
        return Some("it begins or ends with a dot; leave the dot out".to_owned());
    }
    if let Some(sign) = name.chars().next().filter(|c| "=+-".contains(*c)) {
        return Some(format!(
            "it begins with `{sign}`, by which table programs know a formula; put a letter or a digit first"
        ));
    }
    if name.len() > LONGEST {
        let length = name.len();
        return Some(format!(
            "it has {length} bytes; at most {LONGEST} fit a folder's name"
        ));
    }
    is_taken(&folded(name)).then(|| {
        "files or folders of a comparison are called so; choose another, such as `a`".to_owned()
    })
}

/// The name as systems compare names that do not tell capitals and ways of writing a letter apart.
fn folded(name: &str) -> String {
    let upper: String = name.nfkc().flat_map(char::to_uppercase).collect();
    upper.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_folders_and_tables_cannot_have_are_refused() {
        let long = "n".repeat(201);
        let names = [
            ".",
            "..",
            ".x.tmp",
            "x.",
            "comparison.json",
            "final.png",
            "Final.PNG",
            "frames",
            "inputs",
            "seeds",
            "report.html",
            "run.json",
            "checkpoint",
            "con",
            "Lpt1.a",
            "=1+1",
            "-1",
            "+1",
            "@a",
            &long,
            "\u{ff46}inal.png",
        ];
        for name in names {
            let told = Variant::named(&format!("{name}: seed=1")).unwrap_err();
            assert!(
                told.contains(name) && told.contains("cannot name"),
                "{told}"
            );
        }
        for name in ["K = 5", "power 1.5", "a+b", "g-h", "final", "\u{fc}ber"] {
            assert!(Variant::named(&format!("{name}: seed=1")).is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_are_one_to_some_systems_are_refused() {
        let variants = |names: [&str; 2]| {
            names.map(|name| Variant::named(&format!("{name}: seed=1")).unwrap())
        };
        for names in [
            ["a", "a"],
            ["a", "A"],
            ["caf\u{e9}", "cafe\u{301}"],
            ["stra\u{df}e", "STRASSE"],
            ["\u{fb01}n", "fin"],
        ] {
            // A combining mark is no letter and may be refused by itself.
            if names
                .iter()
                .all(|name| Variant::named(&format!("{name}: seed=1")).is_ok())
            {
                assert!(Variant::tell_apart(&variants(names)).is_err(), "{names:?}");
            }
        }
        assert!(Variant::tell_apart(&variants(["a", "b"])).is_ok());
    }
}
