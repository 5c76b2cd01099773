//! Which moments of a run a film shows: equally much happens from one to the next, as far as it happens at all.

/// The part of a film that is spread over the steps, whatever happens.
const STEADY: f64 = 0.2;

/// A moment of a run: steps done, and the length of the path up to there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    pub(super) step: usize,
    pub(super) path: f64,
    /// Whether it stays with the moment before, the last step but one: in a cloud that shakes in place, which would seem to rest if every second step were shown.
    pub(super) beside: bool,
}

/// Takes moments of a run of unknown length of path, at most twice as many as the film is to have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    /// Moments of the film.
    pub(super) frames: usize,
    /// Least length of path from one that is taken to the next.
    pub(super) apart: f64,
}

impl Spread {
    pub(super) fn over(frames: usize) -> Self {
        Self { frames, apart: 0.0 }
    }

    /// Whether the moment `now`, after so many of `steps` steps, is taken after `last`.
    pub(super) fn takes(&self, last: Moment, now: Moment, steps: usize) -> bool {
        // As many as the film is to have even where nothing happens.
        let stride = (steps / (self.frames - 1).max(1)).max(1);
        let far = now.path - last.path;
        (far >= self.apart && far > 0.0) || now.step - last.step >= stride
    }

    /// Whether so many are to be thinned out.
    pub(super) fn is_full(&self, taken: usize) -> bool {
        taken >= 2 * self.frames
    }

    /// Which of them stay when they are thinned out, in order; fewer are taken from now on.
    pub(super) fn thin(&mut self, taken: &[Moment]) -> Vec<usize> {
        if let [first, .., last] = taken {
            self.apart = self
                .apart
                .max((last.path - first.path) / self.frames as f64);
        }
        self.choose(taken)
    }

    /// Which of them the film shows, in order: as many as it has, at equal change, the first and the last among them.
    pub(super) fn choose(&self, taken: &[Moment]) -> Vec<usize> {
        let count = self.frames.max(2);
        let [first, .., last] = taken else {
            return (0..taken.len()).collect();
        };
        if taken.len() <= count {
            return (0..taken.len()).collect();
        }
        let part = |from: f64, at: f64, to: f64| {
            if to > from {
                (at - from) / (to - from)
            } else {
                0.0
            }
        };
        let [begun, ended] = [first.step, last.step].map(|step| step as f64);
        let change = |moment: &Moment| {
            (1.0 - STEADY) * part(first.path, moment.path, last.path)
                + STEADY * part(begun, moment.step as f64, ended)
        };
        let changes: Vec<f64> = taken.iter().map(change).collect();
        let whole = change(last);
        let mut kept = Vec::with_capacity(count);
        let (mut from, mut paired) = (0, false);
        for k in 0..count - 1 {
            let wished = whole * k as f64 / (count - 1) as f64;
            // As many are left for those to come as there have to be.
            let until = taken.len() - (count - k - 1);
            let off = |&at: &usize| (changes[at] - wished).abs();
            let nearest = (from..until).min_by(|a, b| off(a).total_cmp(&off(b)));
            let at = nearest.unwrap_or(from);
            // The second of two that belong together, once the first is kept.
            paired = !paired && k > 0 && from < until && taken[from].beside;
            let at = if paired { from } else { at };
            kept.push(at);
            from = at + 1;
        }
        kept.push(taken.len() - 1);
        kept
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;
    use crate::random::Stream;

    /// A run of so many steps, most of whose path lies in the first tenth.
    fn run(steps: usize, name: &str) -> Vec<Moment> {
        let mut rng = Stream::new(2613, name).rng();
        let mut path = 0.0;
        let beside = false;
        let mut moments = vec![Moment {
            step: 0,
            path,
            beside,
        }];
        for step in 1..=steps {
            path += rng.random_range(0.5..1.5) * if 10 * step < steps { 1.0 } else { 0.004 };
            moments.push(Moment { step, path, beside });
        }
        moments
    }

    fn filmed(all: &[Moment], frames: usize) -> (Vec<Moment>, usize) {
        let mut spread = Spread::over(frames);
        let mut taken = vec![all[0]];
        let mut most = 1;
        for moment in &all[1..] {
            let is_last = moment.step + 1 == all.len();
            if is_last || spread.takes(taken[taken.len() - 1], *moment, all.len() - 1) {
                taken.push(*moment);
                most = most.max(taken.len());
            }
            if spread.is_full(taken.len()) {
                taken = spread.thin(&taken).into_iter().map(|k| taken[k]).collect();
            }
        }
        (
            spread
                .choose(&taken)
                .into_iter()
                .map(|k| taken[k])
                .collect(),
            most,
        )
    }

    #[test]
    fn equally_much_happens_from_frame_to_frame() {
        for (steps, frames) in [(200, 100), (1000, 100), (5000, 60), (333, 20)] {
            let all = run(steps, &format!("{steps}"));
            let (film, most) = filmed(&all, frames);
            assert_eq!(film.len(), frames);
            assert!(most <= 2 * frames, "{most} are held at once");
            assert_eq!((film[0], film[frames - 1].step), (all[0], steps));
            let path = film[frames - 1].path;
            // No more than four frames' worth, or one step.
            let longest = all
                .windows(2)
                .map(|pair| pair[1].path - pair[0].path)
                .fold(0.0, f64::max);
            for pair in film.windows(2) {
                let far = pair[1].path - pair[0].path;
                assert!(
                    far <= (4.0 * path / frames as f64).max(2.0 * longest),
                    "{far} of {path}"
                );
                assert!(pair[1].step > pair[0].step);
            }
            let busy = film
                .iter()
                .filter(|moment| 10 * moment.step < steps)
                .count();
            let there = all.iter().filter(|moment| 10 * moment.step < steps).count();
            assert!(
                busy >= (frames / 2).min(there * 4 / 5),
                "{busy} of {frames} where all happens"
            );
            assert!(busy < frames * 19 / 20, "the end is not shown");
        }
    }

    #[test]
    fn neighbouring_steps_stay_together_where_a_cloud_shakes() {
        let moment = |step: usize| Moment {
            step,
            path: 0.1 * step as f64,
            beside: step > 1,
        };
        let all: Vec<Moment> = (0..=200).map(moment).collect();
        let film = Spread::over(30).choose(&all);
        assert_eq!(film.len(), 30);
        let steps: Vec<usize> = film.iter().map(|&k| all[k].step).collect();
        let pairs = steps.windows(2).filter(|pair| pair[1] == pair[0] + 1);
        assert!(pairs.count() > 12, "{steps:?}");
    }

    #[test]
    fn a_flow_at_rest_has_as_many_frames_as_any() {
        let moment = |step| Moment {
            step,
            path: 0.0,
            beside: false,
        };
        let all: Vec<Moment> = (0..=500).map(moment).collect();
        let (film, _) = filmed(&all, 50);
        assert_eq!(film.len(), 50);
        let gaps = film.windows(2).map(|pair| pair[1].step - pair[0].step);
        assert!(
            gaps.clone().all(|gap| (5..=21).contains(&gap)),
            "{:?}",
            gaps.collect::<Vec<_>>()
        );
    }
}
