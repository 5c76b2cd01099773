//! What every page is made with: the template engine, JSON inside HTML, and the hashes that a content security policy knows elements by.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// What more than one page shows, by the name under which a template includes it.
const PARTS: [(&str, &str); 4] = [
    ("meta.html", include_str!("meta.html")),
    ("colours.html", include_str!("colours.html")),
    ("marks.html", include_str!("marks.html")),
    ("bands.html", include_str!("bands.html")),
];

/// The template `name` with these values, every one that it asks for among them.
pub(super) fn filled(name: &str, template: &str, values: Value) -> io::Result<String> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    for (part, text) in PARTS {
        engine.add_template(part, text).map_err(io::Error::other)?;
    }
    engine
        .render_named_str(name, template, values)
        .map_err(io::Error::other)
}

/// JSON that may stand inside an HTML page: no character of it begins or ends a tag.
pub(super) fn harmless(value: &impl Serialize) -> io::Result<String> {
    let json = serde_json::to_string(value)?;
    Ok(json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026"))
}

/// The hash by which a content security policy knows an element.
pub(super) fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        // The example of the Content Security Policy Level 3 draft, section 2.3.1.
        assert_eq!(
            hash("alert('Hello, world.');"),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
    }
}
