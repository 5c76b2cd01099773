//! What pictures show of the plane: what the scenario says, or a reader of a finished run.

use super::recorder::{Recorder, view};
use crate::cloud::CloudView;
use crate::render::View;
use crate::scenario::{Sight, ViewSpec};
use crate::setting::WordOr;

/// What the pictures of these runs towards `target` show.
pub(crate) fn sight(spec: ViewSpec, recorders: &[&Recorder], target: CloudView<'_>) -> View {
    let around = |clouds: &[CloudView<'_>]| View::around(clouds);
    match (spec.0, recorders) {
        (WordOr::Value(corners), _) => view(corners),
        (WordOr::Word(Sight::Auto), [first, ..]) => first.view(),
        (WordOr::Word(Sight::Cloud), [_, ..]) => {
            let snapshots = recorders.iter().flat_map(|recorder| recorder.snapshots());
            around(&snapshots.map(|s| s.cloud.view()).collect::<Vec<_>>())
        }
        _ => around(&[target]),
    }
}
