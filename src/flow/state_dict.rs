//! What the rest of a flow follows from, as named arrays: to stop a flow, and to go on with it later bit for bit.

use std::collections::BTreeMap;

use ndarray::{Array1, ArrayD, Ix2, arr1};

use super::engine::{Flow, Step};
use super::momentum::{Filter, Memory};
use super::origin::Origin;
use super::reaction::Reacted;
use super::state::State;
use crate::cloud::{Cloud, CloudView};
use crate::discriminator::FitContext;
use crate::generator::Generator;

/// Named arrays of plain numbers.
pub type StateDict = BTreeMap<String, ArrayD<f64>>;

/// Why a flow cannot go on from what was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Something is missing.
    #[error("it holds no `{0}`")]
    Missing(&'static str),
    /// Something has another shape than in this flow.
    #[error("its `{0}` does not fit this flow")]
    Shape(&'static str),
    /// A number is none of a flow of so many steps.
    #[error("its `{0}` is of no step of this flow")]
    Beyond(&'static str),
    /// The fit cannot be repeated.
    #[error("its fit cannot be repeated: {0}")]
    Unfit(String),
}

impl Step<'_> {
    /// The generator, if there is one.
    #[must_use]
    pub fn generator(&self) -> Option<&Generator> {
        self.flow.generator()
    }

    /// The target sample that the discriminator sees, `m×2`.
    #[must_use]
    pub fn real(&self) -> CloudView<'_> {
        self.flow.real()
    }

    /// What the rest of the flow follows from; [`Flow::load_state_dict`] takes it up.
    #[must_use]
    pub fn state_dict(&self) -> StateDict {
        self.flow.state_dict()
    }
}

/// Steps, time, path length, dissipation, clipped particles, and the distillation gap if there is one.
const STATE: &str = "state";
const CLOUD: &str = "cloud";
/// What the particles remember of their motion.
const MEMORY: [&str; 2] = ["motion", "rate of motion"];
/// The gain of a Kalman filter, and the averages that it follows from.
const GAIN: &str = "gain";
/// What the fit began with.
const FIT_CARRY: &str = "fit from";
const FIT_CLOUD: &str = "fit to";
/// Index and progress.
const FIT_ROUND: &str = "fit at";
const GENERATOR: &str = "generator";
/// Births, deaths, effective sample size and dissipation of the reaction; where lines of descent began; parents, −1 where there is none.
const REACTION: &str = "reaction";
const BEGUN: &str = "descended from";
const PARENTS: &str = "parents";
/// N times the weights of the particles, and of those of the fit.
const SHARES: [&str; 2] = ["shares", "fit shares"];

impl Flow {
    fn state_dict(&self) -> StateDict {
        let State {
            step,
            time,
            cloud,
            path_length,
            dissipation,
            clipped,
            distillation_gap,
            reaction,
            memory,
        } = &self.state;
        let numbers = [
            *step as f64,
            *time,
            *path_length,
            *dissipation,
            *clipped as f64,
        ];
        let numbers: Array1<f64> = numbers.into_iter().chain(*distillation_gap).collect();
        let mut carried = StateDict::from([
            (STATE.to_owned(), numbers.into_dyn()),
            (CLOUD.to_owned(), cloud.clone().into_dyn()),
        ]);
        let mut keep = |name: &str, array: ArrayD<f64>| carried.insert(name.to_owned(), array);
        for (name, memory) in MEMORY.into_iter().zip([&memory.first, &memory.second]) {
            if let Some(memory) = memory {
                keep(name, memory.clone().into_dyn());
            }
        }
        if let Some(Filter {
            gain,
            product,
            square,
        }) = memory.gain
        {
            keep(GAIN, arr1(&[gain, product, square]).into_dyn());
        }
        if let Some(reaction) = reaction {
            let counts = [reaction.births, reaction.deaths].map(|count| count as f64);
            let numbers = counts
                .into_iter()
                .chain([reaction.ess, reaction.dissipation]);
            keep(REACTION, numbers.collect::<Array1<f64>>().into_dyn());
            keep(BEGUN, reaction.begun.clone().into_dyn());
            let parents = reaction.parents.iter();
            let rows = parents.map(|parent| parent.map_or(-1.0, |row| row as f64));
            keep(PARENTS, rows.collect::<Array1<f64>>().into_dyn());
            if !reaction.shares.is_empty() {
                keep(SHARES[0], arr1(&reaction.shares).into_dyn());
            }
        }
        if let Some(Origin {
            state,
            cloud,
            shares,
            round,
        }) = &self.origin
        {
            if !shares.is_empty() {
                keep(SHARES[1], arr1(shares).into_dyn());
            }
            keep(FIT_CARRY, arr1(state).into_dyn());
            keep(FIT_CLOUD, cloud.clone().into_dyn());
            keep(
                FIT_ROUND,
                arr1(&[round.index as f64, round.progress]).into_dyn(),
            );
        }
        if let Some(generator) = &self.generator {
            keep(GENERATOR, arr1(&generator.state()).into_dyn());
        }
        carried
    }

    /// Takes up what [`Step::state_dict`] gave, in a flow of the same settings, samples and seed that has not begun. The
    /// flow then stands where that step stood, its fit included, and [`advance`](Self::advance) gives the step after it.
    ///
    /// # Errors
    /// [`StateError`] if it is not from such a flow; the flow is of no use then.
    pub fn load_state_dict(&mut self, carried: &StateDict) -> Result<(), StateError> {
        let numbers = list(carried, STATE)?;
        let (&[step, time, path_length, dissipation, clipped], gap) =
            numbers
                .split_first_chunk()
                .ok_or(StateError::Shape(STATE))?;
        let last = self.spec.steps as f64;
        let whole = |value: f64| value >= 0.0 && value.fract() == 0.0;
        if !whole(step) || step > last || !whole(clipped) || !time.is_finite() {
            return Err(StateError::Beyond(STATE));
        }
        let memory = |name| {
            let there = carried.contains_key(name);
            there.then(|| self.points(carried, name)).transpose()
        };
        let state = State {
            step: step as usize,
            time,
            cloud: self.points(carried, CLOUD)?,
            path_length,
            dissipation,
            clipped: clipped as usize,
            distillation_gap: gap.first().copied(),
            reaction: self.reaction(carried)?,
            memory: Memory {
                first: memory(MEMORY[0])?,
                second: memory(MEMORY[1])?,
                gain: gain(carried)?,
            },
        };
        let fit_cloud = self.points(carried, FIT_CLOUD)?;
        let &[index, progress] = list(carried, FIT_ROUND)? else {
            return Err(StateError::Shape(FIT_ROUND));
        };
        if !whole(index) || !progress.is_finite() {
            return Err(StateError::Beyond(FIT_ROUND));
        }
        let index = index as u64;
        let round = FitContext {
            index,
            progress,
            stream: self.fits.at(index),
        };
        if let Some(generator) = &mut self.generator
            && !generator.load_state(list(carried, GENERATOR)?)
        {
            return Err(StateError::Shape(GENERATOR));
        }
        let unfit = |error: &dyn ToString| StateError::Unfit(error.to_string());
        self.discriminator
            .load_state(list(carried, FIT_CARRY)?)
            .map_err(|error| unfit(&error))?;
        let shares = self.shares(carried, SHARES[1])?;
        let origin = Origin::new(&*self.discriminator, &fit_cloud, &shares, round);
        self.renew(round);
        origin
            .fit(&mut *self.discriminator, self.real.view())
            .map_err(|error| unfit(&error))?;
        self.origin = Some(origin);
        (self.ratio, self.velocity) = self
            .velocity_at(state.cloud.view())
            .map_err(|error| unfit(&error))?;
        self.step_rule = self.discriminator.step_rule();
        self.state = state;
        self.fitted = true;
        self.show();
        Ok(())
    }

    /// What births and deaths had come to, if this flow has any.
    fn reaction(&self, carried: &StateDict) -> Result<Option<Reacted>, StateError> {
        if self.spec.reaction.is_none() {
            return Ok(None);
        }
        let &[births, deaths, ess, dissipation] = list(carried, REACTION)? else {
            return Err(StateError::Shape(REACTION));
        };
        let parents = list(carried, PARENTS)?;
        let count = self.start.nrows() as f64;
        if parents.len() != self.start.nrows() {
            return Err(StateError::Shape(PARENTS));
        }
        if parents
            .iter()
            .any(|&row| row.fract() != 0.0 || !(-1.0..count).contains(&row))
        {
            return Err(StateError::Beyond(PARENTS));
        }
        let parents = parents
            .iter()
            .map(|&row| (row >= 0.0).then_some(row as usize));
        Ok(Some(Reacted {
            births: births as usize,
            deaths: deaths as usize,
            ess,
            dissipation,
            parents: parents.collect(),
            begun: self.points(carried, BEGUN)?,
            shares: self.shares(carried, SHARES[0])?,
        }))
    }

    /// Kept weights of as many points; none where all are equal.
    fn shares(&self, carried: &StateDict, name: &'static str) -> Result<Vec<f64>, StateError> {
        if !carried.contains_key(name) {
            return Ok(Vec::new());
        }
        let shares = list(carried, name)?;
        if shares.len() != self.start.nrows() {
            return Err(StateError::Shape(name));
        }
        let fits = |share: &f64| *share >= 0.0 && share.is_finite();
        if !shares.iter().all(fits) || shares.iter().sum::<f64>() <= 0.0 {
            return Err(StateError::Beyond(name));
        }
        Ok(shares.to_vec())
    }

    /// A kept cloud of as many points as this flow has.
    fn points(&self, carried: &StateDict, name: &'static str) -> Result<Cloud, StateError> {
        let array = carried.get(name).ok_or(StateError::Missing(name))?;
        let cloud = array.clone().into_dimensionality::<Ix2>();
        cloud
            .ok()
            .filter(|cloud| cloud.dim() == self.start.dim())
            .ok_or(StateError::Shape(name))
    }
}

/// The kept gain of a Kalman filter, if there is one.
fn gain(carried: &StateDict) -> Result<Option<Filter>, StateError> {
    if !carried.contains_key(GAIN) {
        return Ok(None);
    }
    let &[gain, product, square] = list(carried, GAIN)? else {
        return Err(StateError::Shape(GAIN));
    };
    Ok(Some(Filter {
        gain,
        product,
        square,
    }))
}

/// A kept list of numbers.
fn list<'a>(carried: &'a StateDict, name: &'static str) -> Result<&'a [f64], StateError> {
    let array = carried.get(name).ok_or(StateError::Missing(name))?;
    match array.as_slice() {
        Some(values) if array.ndim() == 1 => Ok(values),
        _ => Err(StateError::Shape(name)),
    }
}
