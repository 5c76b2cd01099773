//! What pictures show of the plane: what the scenario says, or a reader of a finished run.

use super::recorder::{Recorder, view};
use crate::cloud::CloudView;
use crate::render::View;
#[cfg(feature = "cli")]
use crate::render::counted;
#[cfg(feature = "cli")]
use crate::scenario::Scenario;
use crate::scenario::{Sight, ViewSpec};
use crate::setting::WordOr;

/// What the pictures of these runs show.
pub(crate) fn sight(spec: ViewSpec, recorders: &[&Recorder]) -> View {
    let around = |clouds: &[CloudView<'_>]| View::around(clouds);
    match (spec.0, recorders) {
        (WordOr::Value(corners), _) => view(corners),
        // Runs towards other targets, or from elsewhere, have pictures of their own: all of them are seen.
        (WordOr::Word(Sight::Auto), [first, rest @ ..]) => {
            rest.iter().fold(first.view(), |all, own| {
                let own = own.view();
                let both = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
                View {
                    x: both(all.x, own.x),
                    y: both(all.y, own.y),
                }
            })
        }
        (WordOr::Word(Sight::Cloud), [_, ..]) => {
            let snapshots = recorders.iter().flat_map(|recorder| recorder.snapshots());
            around(&snapshots.map(|s| s.cloud.view()).collect::<Vec<_>>())
        }
        _ => {
            let targets = recorders.iter().map(|recorder| recorder.target());
            around(&targets.collect::<Vec<_>>())
        }
    }
}

/// What the pictures of a run do not show, in a sentence: how many particles of the last cloud and how many target samples lie outside; empty where that is no
/// news.
#[cfg(feature = "cli")]
pub(crate) fn unseen(scenario: &Scenario, recorder: &Recorder) -> String {
    let target = recorder.target();
    let mut view = sight(scenario.output.view, &[recorder]).sane();
    if recorder.lattice().is_on_line() {
        view.y = [f64::NEG_INFINITY, f64::INFINITY];
    }
    let last = recorder.snapshots().last().map(|last| last.cloud.view());
    let told = |cloud: CloudView<'_>, what: &str| {
        let missing = view.missing(cloud);
        let news = missing.is_news(cloud.nrows());
        news.then(|| counted(missing.outside, what))
    };
    let particles = last.and_then(|cloud| told(cloud, "particle"));
    let parts: Vec<String> = particles
        .into_iter()
        .chain(told(target, "target sample"))
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("outside the pictures: {}", parts.join(", "))
}
