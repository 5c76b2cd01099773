//! Settings that change while a flow runs: a flow of the new settings takes up the state of the old one.

use ndarray::{ArrayD, arr1};
use ratioflow::experiment::Experiment;
use ratioflow::flow::{Flow, StateDict};
use ratioflow::scenario::Scenario;

use crate::question::Keep;

/// The flow of `experiment` at the place of the `old` one; nothing if it has to begin anew, as it has with another number of particles or another network.
pub(crate) fn carried(
    old: Option<(&Flow, &Scenario)>,
    experiment: &Experiment,
    keep: Keep,
) -> Option<Flow> {
    let (old, before) = old.filter(|_| keep != Keep::Nothing)?;
    let kept = old.last().state_dict();
    kept.get("fit to")?;
    // What the new flow begins with stands for whatever the old one has not.
    let mut first = experiment.flow().ok()?;
    first.advance().ok()??;
    let fresh = first.last().state_dict();
    let merged = merge(&kept, &fresh, before, &experiment.scenario, keep)?;
    let try_with = |dict: &StateDict| {
        let mut flow = experiment.flow().ok()?;
        flow.load_state_dict(dict).ok()?;
        Some(flow)
    };
    // What an estimator has learned so far may not suit its new settings.
    try_with(&merged).or_else(|| {
        let mut without = merged.clone();
        without.insert("fit from".to_owned(), fresh.get("fit from")?.clone());
        try_with(&without)
    })
}

fn merge(
    kept: &StateDict,
    fresh: &StateDict,
    before: &Scenario,
    now: &Scenario,
    keep: Keep,
) -> Option<StateDict> {
    let mut merged = fresh.clone();
    let mut take = |name: &str, array: Option<&ArrayD<f64>>| {
        if let Some(array) = array {
            merged.insert(name.to_owned(), array.clone());
        }
    };
    let cloud = kept.get("cloud")?;
    if cloud.shape() != fresh.get("cloud")?.shape() {
        return None;
    }
    take("cloud", Some(cloud));
    take("fit to", Some(cloud));
    let steps = now.flow.steps;
    let mut state = kept.get("state")?.iter().copied().collect::<Vec<_>>();
    let step = match keep {
        Keep::Cloud => 0.0,
        _ => state.first().copied()?.min(steps as f64),
    };
    *state.first_mut()? = step;
    take("state", Some(&arr1(&state).into_dyn()));
    let progress = step / steps.max(1) as f64;
    take("fit at", Some(&arr1(&[2.0 * step, progress]).into_dyn()));
    if now.flow.momentum == before.flow.momentum {
        for name in ["motion", "rate of motion"] {
            take(name, kept.get(name));
        }
    }
    if now.discriminator.name() == before.discriminator.name() {
        take("fit from", kept.get("fit from"));
    }
    if fresh.contains_key("reaction") {
        for name in ["reaction", "descended from", "parents"] {
            take(name, kept.get(name));
        }
        let carriers = [before, now].map(|s| s.flow.reaction.as_ref().map(|r| r.carrier));
        if carriers[0] == carriers[1] {
            take("shares", kept.get("shares"));
        }
    }
    match (kept.get("generator"), fresh.get("generator")) {
        (None, None) => {}
        // The cloud is what the generator draws: another network draws another.
        (Some(old), Some(new)) if old.len() == new.len() => take("generator", Some(old)),
        _ => return None,
    }
    Some(merged)
}
