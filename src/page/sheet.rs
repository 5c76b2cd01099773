//! What a page knows of a run.

use crate::experiment::Summary;
use crate::metric::Floors;
use crate::store::Manifest;

/// One run on a page, beside its pictures.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// What was run, and the final numbers.
    pub manifest: &'a Manifest,
    /// The same in words.
    pub summary: &'a Summary,
    /// The floors of the final numbers.
    pub floors: &'a Floors,
    /// The resolved scenario, as TOML.
    pub scenario: &'a str,
}
