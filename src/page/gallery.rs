//! The gallery: one page about many runs, each with its picture, its question, what was expected and what was found.

use std::io;

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::html::{filled, hash};
use super::{STYLE, palette};
use crate::scenario::{Checked, Claim};
use crate::store::Manifest;

/// A scenario on show.
#[derive(Clone, Debug, Serialize)]
pub struct Exhibit {
    /// Name of the scenario, and of the folder of its run beside the page.
    pub name: String,
    /// Title in words.
    pub title: String,
    /// The question that it asks; empty for none.
    pub question: String,
    /// What its author expected; empty for nothing.
    pub expect: String,
    /// What to type so as to see it again.
    pub command: String,
    /// Whether there is an animation beside the last picture.
    pub animated: bool,
    /// Whether its pictures are there on dark paper too, for readers who like that.
    pub night: bool,
    /// What came out: a line for each run.
    pub found: Vec<Found>,
    /// What the scenario claims, and whether it is so.
    pub claims: Vec<Checked>,
    /// Why there are no pictures; empty if it has run.
    pub failure: String,
}

/// What came out of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Name of the variant; empty for a run by itself.
    pub name: String,
    /// `arrived`, `short` or `diverged`; `lesson` where a claim is that it fails.
    pub state: &'static str,
    /// In words.
    pub headline: String,
}

impl Found {
    /// What a manifest says of its run, of which some of the `claims` may be that it fails.
    #[must_use]
    pub fn of(name: &str, manifest: &Manifest, claims: &[Claim]) -> Self {
        let headline = manifest.ending.clone().unwrap_or_default();
        let own = |claim: &&Claim| claim.variant.as_deref().unwrap_or_default() == name;
        let lesson = claims.iter().filter(own).any(Claim::is_lesson);
        Self {
            name: name.to_owned(),
            state: if lesson { "lesson" } else { manifest.state() },
            headline,
        }
    }
}

/// The text of `index.html`; the folders of the runs lie beside it. `lab` and `docs` are the addresses of the lab and of the first document; empty for none.
///
/// # Errors
/// None that is known; those of the template engine are passed on.
pub fn gallery(exhibits: &[Exhibit], lab: &str, docs: &str) -> io::Result<String> {
    const TEMPLATE: &str = include_str!("gallery.html");
    let style = format!("{}{STYLE}{}", palette::css(), include_str!("gallery.css"));
    let page = context! {
        version => env!("CARGO_PKG_VERSION"),
        exhibits => Serde(exhibits),
        lab,
        docs,
        style_hash => hash(&style),
        style,
    };
    filled("gallery.html", TEMPLATE, page)
}
