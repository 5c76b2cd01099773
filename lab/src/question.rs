//! What a page can ask.

use serde::Deserialize;

/// A change of the scenario as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Edit {
    /// `key=value`, as after `--set`.
    Set(String),
    /// The only kind in a table: `discriminator`, `mlp`.
    Kind(String, String),
    /// A key that is taken away.
    Remove(String),
}

/// What runs: a scenario with changes, and panels that differ from it in their own.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plan {
    /// What errors call the scenario.
    pub(crate) name: String,
    /// The scenario, in TOML.
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) edits: Vec<Edit>,
    pub(crate) panels: Vec<PanelPlan>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PanelPlan {
    /// How the page calls it.
    pub(crate) name: String,
    /// Its own scenario, in TOML, in place of the plan's.
    pub(crate) text: Option<String>,
    /// As the scenario's own list of variants has it: `NAME: key=value, key=value`.
    pub(crate) variant: Option<String>,
    #[serde(default)]
    pub(crate) edits: Vec<Edit>,
}

/// What becomes of the clouds when the plan changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Keep {
    /// They begin anew.
    #[default]
    Nothing,
    /// They go on where they are, if they can.
    Flow,
    /// They stay where they are, and the schedules of the run begin anew.
    Cloud,
}

/// A question.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask")]
pub(crate) enum Question {
    /// What there is to choose from.
    About,
    /// Points in memory, `n×2` numbers beside the question, under the name of a file.
    File { name: String },
    /// Begins to run a plan.
    Open {
        plan: Plan,
        #[serde(default)]
        keep: Keep,
    },
    /// One step of a panel.
    Advance { panel: usize },
    /// Where a panel stands. The field is asked on a lattice of so many columns and rows over `view`.
    Look {
        panel: usize,
        view: [[f64; 2]; 2],
        lattice: [usize; 2],
    },
    /// D, its gradient and the velocity at a place of the plane.
    At { panel: usize, place: [f64; 2] },
    /// Prepares the measures of a panel's scenario: `live` for those that cost little, else all.
    Gauge { panel: usize, live: bool },
    /// Measures the cloud beside the question, `n×2` numbers and then as many weights as it has points, if it has any.
    Measure { points: usize, live: bool },
    /// The scenario of a panel as a file, every default spelled out; without one, all of them in one.
    Written { panel: Option<usize> },
}
