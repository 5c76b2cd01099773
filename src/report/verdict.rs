//! What happened, in words: did the cloud reach the target, since when, and what is still wrong.

use crate::digits::three;
use crate::flow::Ending;
use crate::metric::{ALL, ENERGY_DISTANCE, Floors, Measurement};

/// The sentences that sum up a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The headline: how the run ended, and where the energy distance stands against its floor.
    pub headline: String,
    /// Further sentences, one a line: modes, and the measures that are not at their floor.
    pub details: Vec<String>,
    /// Whether the energy distance is at its floor.
    pub at_floor: bool,
}

impl Verdict {
    /// Whether a headline that was written down says that the energy distance is at its floor.
    pub(super) fn tells_arrival(headline: &str) -> bool {
        let stopped = headline.split_once("; ").map_or("", |(_, place)| place);
        [headline, stopped]
            .iter()
            .any(|place| place.starts_with("at the sampling floor"))
    }

    /// Sums up a run from its `ending`, the `values` of the last cloud against the reference sample, the `floors` of
    /// that sample, and the step since which the energy distance has been at the floor of the validation sample.
    #[must_use]
    pub fn new(ending: &Ending, values: &Measurement, floors: &Floors, since: Option<u64>) -> Self {
        let name = ENERGY_DISTANCE.name;
        let value = values.get(name).unwrap_or(f64::NAN);
        let at_floor = floors.holds(name, value).unwrap_or(false);
        let floor = floors.get(name);
        let numbers = floor.map_or_else(
            || format!("energy distance {}", three(value)),
            |floor| {
                format!(
                    "energy distance {} (floor {}, q95 {})",
                    three(value),
                    three(floor.median),
                    three(floor.q95)
                )
            },
        );
        let place = match (at_floor, since) {
            (true, Some(step)) => format!("at the sampling floor since step {step}"),
            (true, None) => "at the sampling floor at the end".to_owned(),
            (false, since) => {
                let times = floor.map_or(f64::NAN, |floor| value / floor.median);
                let once = since.map_or(String::new(), |step| {
                    format!(", though it was at step {step}")
                });
                format!(
                    "not at the sampling floor, {} times above it{once}",
                    three(times)
                )
            }
        };
        let headline = match ending {
            Ending::Complete => format!("{place}: {numbers}"),
            Ending::Stopped { reason } => format!("stopped, {reason}; {place}: {numbers}"),
            Ending::Diverged { step, cause } => {
                format!(
                    "diverged at step {step}: {cause}; the last good cloud is {place}: {numbers}"
                )
            }
        };
        Self {
            headline,
            details: details(values, floors),
            at_floor,
        }
    }
}

fn details(values: &Measurement, floors: &Floors) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(modes), Some(good), Some(bridges), Some(mass)) = (
        values.get("modes"),
        values.get("high_quality"),
        values.get("bridges"),
        values.get("mass_tv"),
    ) {
        let best = floors
            .get("high_quality")
            .map_or(f64::NAN, |floor| floor.mean);
        lines.push(format!(
            "modes {modes}, high quality {:.2} % (perfect samples: {:.2} %), bridges {:.2} %, mass error {:.2} %",
            100.0 * good,
            100.0 * best,
            100.0 * bridges,
            100.0 * mass
        ));
    }
    let off: Vec<String> = ALL
        .iter()
        .filter(|about| about.name != ENERGY_DISTANCE.name)
        .filter_map(|about| {
            let value = values.get(about.name)?;
            let floor = floors.get(about.name)?;
            (floors.holds(about.name, value) == Some(false)).then(|| {
                format!(
                    "{} {} (perfect samples: {})",
                    about.name,
                    three(value),
                    three(floor.median)
                )
            })
        })
        .collect();
    lines.push(if off.is_empty() {
        "every other measure is at its floor too".to_owned()
    } else {
        format!("off their floor: {}", off.join(", "))
    });
    lines
}
