//! Whether particles are born and die after the move of a step, and what drives them.

use super::ending::Failure;
use super::engine::Flow;
use super::reaction::{self, Driven, Rate, Reacted, UNCOVERED};
use crate::cloud::{self, Cloud};
use crate::discriminator::Ratio;
use crate::setting::WordOr;

impl Flow {
    /// Births and deaths in the cloud that has `moved`, by the log ratio before the move. A stale fit does not know of those that it has
    /// caused already: there are none until the next.
    pub(super) fn react(&self, moved: &mut Cloud) -> Result<Option<Reacted>, Failure> {
        let Some((spec, before)) = self
            .spec
            .reaction
            .as_ref()
            .zip(self.state.reaction.as_ref())
        else {
            return Ok(None);
        };
        let step = self.state.step;
        let over = step as f64 >= spec.until * self.spec.steps as f64;
        if over || !step.is_multiple_of(self.spec.refit_every) {
            return Ok(Some(before.rested()));
        }
        let driven = Driven {
            log_ratio: &self.ratio.log,
            mapped: self.ratio.log.mapv(|u| self.map.value(u)),
            rate: match spec.rate {
                WordOr::Value(rate) => rate,
                WordOr::Word(Rate::Auto) => self.discriminator.reaction_rate(),
            },
            scale: self.step_rule.scale,
            uncovered: spec.seed_uncovered.then(|| self.uncovered()),
            on_line: self.on_line,
            stream: self.chance.at(step as u64),
        };
        let reacted = reaction::react(spec, &driven, moved, before);
        self.room.check(moved)?;
        Ok(Some(reacted))
    }

    /// The target samples that the cloud does not cover, and the number of all.
    fn uncovered(&self) -> (Cloud, usize) {
        let mut ratio = Ratio::zeros(self.real.nrows());
        self.field().ratio(self.real.view(), &mut ratio);
        let far = |(row, &log): (usize, &f64)| (log > UNCOVERED.ln()).then_some(row);
        let rows: Vec<usize> = ratio.log.iter().enumerate().filter_map(far).collect();
        (cloud::rows(self.real.view(), &rows), self.real.nrows())
    }
}
