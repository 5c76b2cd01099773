//! What happened, in words: how the run ended, and the verdict on its last cloud.

use crate::digits::three;
use crate::flow::Ending;
use crate::metric::{ENERGY_DISTANCE, Floors, HIGH_QUALITY, MEMORISATION, Measurement, Verdict};

/// The sentences that sum up a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How the run ended, and the verdict.
    pub headline: String,
    /// Further sentences, one a line: modes, and the measures that are not at their floor.
    pub details: Vec<String>,
}

impl Summary {
    /// Sums up a run from its `ending`, the `verdict` on its last cloud, and the `values` of that cloud with their `floors`.
    #[must_use]
    pub fn new(ending: &Ending, verdict: &Verdict, values: &Measurement, floors: &Floors) -> Self {
        let sentence = &verdict.sentence;
        let headline = match ending {
            Ending::Complete => sentence.clone(),
            Ending::Stopped { reason } => format!("stopped, {reason}; {sentence}"),
            Ending::Diverged { step, cause } => {
                format!("diverged at step {step}: {cause}; the last good cloud: {sentence}")
            }
        };
        let mut details: Vec<String> = modes(values, floors).into_iter().collect();
        details.push(numbers(verdict, values, floors));
        Self { headline, details }
    }
}

/// The modes of a mixture, in the numbers that people ask for first.
fn modes(values: &Measurement, floors: &Floors) -> Option<String> {
    let [modes, good, bridges, mass] =
        ["modes", "high_quality", "bridges", "mass_tv"].map(|name| values.get(name));
    let (modes, good, bridges, mass) = (modes?, good?, bridges?, mass?);
    let best = floors
        .get("high_quality")
        .map_or(f64::NAN, |floor| floor.mean);
    Some(format!(
        "modes {modes}, high quality {:.2} % (perfect samples: {:.2} %), off all modes {:.2} %, mass error {:.2} %",
        100.0 * good,
        100.0 * best,
        100.0 * bridges,
        100.0 * mass
    ))
}

/// The energy distance, and every measure that lies off its own floor: each of them alone, of which one in twenty does by chance.
fn numbers(verdict: &Verdict, values: &Measurement, floors: &Floors) -> String {
    let energy = values.get(ENERGY_DISTANCE.name).unwrap_or(f64::NAN);
    let energy = match floors.get(ENERGY_DISTANCE.name) {
        Some(floor) => format!(
            "energy distance {} (floor {}, q95 {})",
            three(energy),
            three(floor.median),
            three(floor.q95)
        ),
        None => format!("energy distance {}", three(energy)),
    };
    let alone = |name: &str| {
        let value = values.get(name)?;
        let floor = floors.get(name)?;
        let perfect = three(floor.median);
        // What is purer than perfect samples are is a matter of regularity, of which the headline speaks.
        let pure = name == HIGH_QUALITY.name && value > floor.median;
        (floors.holds(name, value) == Some(false) && !pure)
            .then(|| format!("{name} {} (perfect samples: {perfect})", three(value)))
    };
    let known = floors.known().map(|(about, _)| about);
    let off: Vec<String> = known
        .filter(|about| **about != MEMORISATION && **about != ENERGY_DISTANCE)
        .filter_map(|about| alone(about.name))
        .collect();
    if off.is_empty() {
        energy
    } else if verdict.at_floor {
        format!(
            "{energy}; off their own floor, as some are by chance: {}",
            off.join(", ")
        )
    } else {
        format!("{energy}; off their own floor: {}", off.join(", "))
    }
}
