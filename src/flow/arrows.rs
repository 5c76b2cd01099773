//! The arrows of the loop, one after another: fit, move, distil.

use std::ops::Range;

use ndarray::s;

use super::ending::{Ending, Failure, FlowError};
use super::engine::{Flow, Step};
use super::part::Part;
use super::pending::{Pending, Place, Way};
use super::reaction::Reacted;
use super::spec::{Integrator, Updates};
use super::state::State;
use crate::cloud::{self, Cloud, CloudView};
use crate::generator::Generator;

impl Flow {
    /// Goes on to the next cloud and fits the ratio to it. The first call gives the first cloud, not moved
    /// yet; `None` means that the flow has ended, and [`ending`](Self::ending) says why.
    ///
    /// # Errors
    /// [`FlowError::Unfit`] if the ratio cannot be estimated for the first cloud; later on that is an
    /// [`Ending`].
    pub fn advance(&mut self) -> Result<Option<Step<'_>>, FlowError> {
        while let Some(part) = self.part()? {
            if part == Part::Fit {
                return Ok(Some(self.last()));
            }
        }
        Ok(None)
    }

    /// Does the next part of the loop, and says which it was: the fit, the move, and, with a generator, its training, in turn, from a fit to the first cloud on. In between,
    /// [`last`](Self::last) and [`state`](Self::state) are those of the last fit, and [`moved`](Self::moved) is where the points have gone since. `None` means that the flow has ended.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn part(&mut self) -> Result<Option<Part>, FlowError> {
        if self.ending.is_some() {
            return Ok(None);
        }
        if self.fitted && self.pending.is_none() && self.state.step == self.spec.steps {
            self.ending = Some(Ending::Complete);
            return Ok(None);
        }
        let first = !self.fitted && self.state.step == 0;
        // Within the thread pool, which is entered once, not at every parallel loop.
        let done = rayon::scope(|_| self.next_part());
        if !matches!(done, Ok(Part::Move | Part::Distil)) {
            self.parts.begins(None);
            self.show();
        }
        match done {
            Ok(part) => Ok(Some(part)),
            Err(Failure::Unfit(error)) if first => Err(error.into()),
            Err(cause) => {
                let step = self.state.step + usize::from(self.fitted);
                self.ending = Some(Ending::Diverged { step, cause });
                Ok(None)
            }
        }
    }

    /// Between a move and the fit that follows: where the points are, `n×2`; with a generator, before it has followed, what it is to follow.
    #[must_use]
    pub fn moved(&self) -> Option<CloudView<'_>> {
        match &self.pending.as_ref()?.place {
            Place::Moved(way) => Some(way.moved.view()),
            Place::Arrived(state) => Some(state.cloud.view()),
        }
    }

    /// The state changes only with the fit, and only if the whole step was good.
    fn next_part(&mut self) -> Result<Part, Failure> {
        let Some(Pending { generator, place }) = self.pending.take() else {
            if !self.fitted {
                self.refit(None)?;
                return Ok(Part::Fit);
            }
            return self.set_out();
        };
        match place {
            Place::Moved(way) => {
                let arrived = self.arrive(*way);
                self.pend(
                    generator,
                    arrived.map(|state| Place::Arrived(Box::new(state))),
                )?;
                Ok(Part::Distil)
            }
            Place::Arrived(state) => {
                let before = std::mem::replace(&mut self.state, *state);
                let earlier = (self.spec.updates == Updates::Simultaneous).then_some(&before);
                if let Err(cause) = self.refit(earlier) {
                    self.state = before;
                    self.take_back(generator.as_deref());
                    return Err(cause);
                }
                Ok(Part::Fit)
            }
        }
    }

    /// Moves the points; without a generator that is all.
    fn set_out(&mut self) -> Result<Part, Failure> {
        self.parts.begins(Some(Part::Move));
        let generator = self.generator.as_ref().map(Generator::state);
        let place = match (self.travel(), &generator) {
            (Ok(way), Some(_)) => Ok(Place::Moved(Box::new(way))),
            (Ok(way), None) => self
                .arrive(way)
                .map(|state| Place::Arrived(Box::new(state))),
            (Err(cause), _) => Err(cause),
        };
        self.pend(generator, place)?;
        Ok(Part::Move)
    }

    /// Keeps how far a step has come, or takes it back.
    fn pend(
        &mut self,
        generator: Option<Vec<f64>>,
        place: Result<Place, Failure>,
    ) -> Result<(), Failure> {
        match place {
            Ok(place) => {
                self.pending = Some(Pending { generator, place });
                Ok(())
            }
            Err(cause) => {
                self.take_back(generator.as_deref());
                Err(cause)
            }
        }
    }

    /// Where the points go in one more step.
    fn travel(&mut self) -> Result<Way, Failure> {
        let epsilon = self.step_size();
        let longest = self.longest();
        let beta = self.spec.momentum_decay;
        let momentum = self.spec.momentum;
        let mut memory = self.state.memory.clone();

        let mut elsewhere = None;
        if let Some(ahead) = momentum.look_ahead(beta, &memory) {
            let there = &self.state.cloud + &ahead;
            self.room.check(&there)?;
            elsewhere = Some(self.fit_ahead(&there, self.state.step)?);
        }
        if self.spec.integrator == Integrator::Heun {
            let before = elsewhere.unwrap_or_else(|| self.velocity.clone());
            let predicted = &self.state.cloud + &(&before * epsilon);
            self.room.check(&predicted)?;
            let after = self.fit_ahead(&predicted, self.state.step + 1)?;
            elsewhere = Some((before + after) * 0.5);
        }
        let velocity = elsewhere.as_ref().unwrap_or(&self.velocity);
        let mut moves = momentum.displace(velocity, epsilon, beta, &mut memory);
        let clipped = cloud::shorten(&mut moves, longest);
        let gamma = self.noise(self.state.step);
        if gamma > 0.0 {
            moves += &self.shock((2.0 * gamma * epsilon).sqrt());
        }
        let moved = cloud::plus(self.state.cloud.view(), moves.view());
        self.room.check(&moved)?;
        Ok(Way {
            epsilon,
            longest,
            moves,
            moved,
            clipped,
            memory,
        })
    }

    /// What the present ratio says that the move gains, a particle.
    fn promised(&self, moved: &Cloud) -> f64 {
        let shares = self.state.shares();
        let gained = |rows: Range<usize>| {
            let all = [moved, &self.state.cloud, &self.ratio.gradient];
            let [to, from, slope] = all.map(|all| all.slice(s![rows.clone(), ..]));
            let mut gained = (&to - &from) * slope;
            let own = shares.iter().skip(rows.start);
            for (mut row, share) in gained.rows_mut().into_iter().zip(own) {
                row *= *share;
            }
            gained.sum()
        };
        cloud::summed(moved.nrows(), gained) / moved.nrows() as f64
    }

    /// The state after that step: with a generator, once it has followed.
    fn arrive(&mut self, way: Way) -> Result<State, Failure> {
        let Way {
            epsilon,
            longest,
            moves,
            mut moved,
            clipped,
            memory,
        } = way;
        let mut distillation_gap = None;
        let mut reaction = None;
        if self.generator.as_ref().is_some_and(Generator::is_of_pairs) {
            self.parts.begins(Some(Part::Distil));
            distillation_gap = self.fit_pairs(&mut moved);
            self.check_drawn(&moved)?;
        } else if let Some(mut generator) = self.generator.take() {
            // A birth moves the aim of one latent point: the cloud itself stays where the generator has it.
            reaction = match self.react(&mut moved) {
                Ok(reacted) => reacted.map(|reacted| reacted.of_aims(&self.start)),
                Err(failure) => {
                    self.generator = Some(generator);
                    return Err(failure);
                }
            };
            let aim = reaction.as_ref().map(|_: &Reacted| &moved);
            self.parts.begins(Some(Part::Distil));
            let trained = self.train(&mut generator, aim, epsilon, longest);
            let drawn = generator.cloud();
            self.generator = Some(generator);
            trained?;
            let asked = match &reaction {
                Some(_) => cloud::rms((&moved - &self.state.cloud).view()),
                None => cloud::rms(moves.view()),
            };
            let missed = cloud::rms((&drawn - &moved).view());
            distillation_gap = (asked > 0.0).then(|| (missed / asked).powi(2));
            self.check_drawn(&drawn)?;
            self.moved = Some(std::mem::replace(&mut moved, drawn));
        }

        self.parts.begins(Some(Part::Move));
        let length = cloud::rms_between(moved.view(), self.state.cloud.view());
        let promised = self.promised(&moved);
        if self.generator.is_none() {
            reaction = self.react(&mut moved)?;
        }
        Ok(State {
            step: self.state.step + 1,
            time: self.state.time + epsilon,
            path_length: self.state.path_length + length,
            dissipation: self.state.dissipation + promised,
            cloud: moved,
            clipped,
            distillation_gap,
            reaction,
            memory,
        })
    }
}
