//! Who descends from whom in the snapshots of a flow with births, so that no line is drawn from the dead to the living.

use super::recorder::{Parents, Snapshot};
use crate::cloud::CloudView;
use crate::render::Colour;

/// The descent along the snapshots of a run.
#[derive(Clone, Debug)]
pub(crate) struct Lineage<'a>(Vec<&'a Parents>);

impl<'a> Lineage<'a> {
    /// The lineage of a run; nothing where no particle is ever born.
    pub(crate) fn of(snapshots: &'a [Snapshot]) -> Option<Self> {
        let parents = snapshots.iter().map(|snapshot| snapshot.parents.as_ref());
        parents.collect::<Option<Vec<_>>>().map(Self)
    }

    /// For each particle of snapshot `at` the row of its ancestor in the first cloud; `None` for one whose line began elsewhere.
    pub(crate) fn origins(&self, at: usize) -> Vec<Option<usize>> {
        self.followed(self.0[0].clone(), 0, at)
    }

    /// The same from what is known of snapshot `from`, its `origins`.
    pub(crate) fn followed(&self, origins: Parents, from: usize, at: usize) -> Parents {
        self.0[from + 1..=at]
            .iter()
            .fold(origins, |before, parents| {
                let rows = parents.iter();
                rows.map(|parent| before.get((*parent)?).copied().flatten())
                    .collect()
            })
    }

    /// For each particle of snapshot `to` how many snapshots after `from` it was born; 0 for those that were there already.
    pub(crate) fn births(&self, from: usize, to: usize) -> Vec<usize> {
        let mut born = vec![0; self.0[to].len()];
        for at in from + 1..=to {
            for (row, parent) in self.0[at].iter().enumerate() {
                if *parent != Some(row) {
                    born[row] = at - from;
                }
            }
        }
        born
    }
}

/// Where the particles of a moment have been, since when each has lived, and their colours.
pub(super) struct Lives<'a> {
    pub(super) past: Vec<CloudView<'a>>,
    /// The first of these moments, and then of the present, at which each lived; empty where all were there from the first.
    pub(super) births: Vec<usize>,
    pub(super) colours: Vec<Colour>,
}

impl<'a> Lives<'a> {
    /// The lives up to snapshot `now` of `all`, as far back as `trail` snapshots. Each particle has the one of the `colours` of the first cloud that it
    /// descends from, or that of a newcomer.
    pub(super) fn up_to(
        all: &'a [Snapshot],
        now: usize,
        trail: usize,
        colours: &[Colour],
        newcomer: Colour,
    ) -> Self {
        let from = now.saturating_sub(trail);
        let past = all[from..now].iter().map(|s| s.cloud.view()).collect();
        let last = now.min(all.len().saturating_sub(1));
        let Some(lineage) = Lineage::of(all).filter(|_| !all.is_empty()) else {
            return Self {
                past,
                births: Vec::new(),
                colours: colours.to_vec(),
            };
        };
        let shade = |row: Option<usize>| row.and_then(|row| colours.get(row)).copied();
        let origins = lineage.origins(last).into_iter();
        Self {
            past,
            births: lineage.births(from.min(last), last),
            colours: origins.map(|row| shade(row).unwrap_or(newcomer)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_followed_to_the_first_cloud_and_break_at_births() {
        let parents: [Parents; 4] = [
            vec![Some(0), Some(1), Some(2)],
            // The second dies, and a copy of the third takes its row.
            vec![Some(0), Some(2), Some(2)],
            // That copy has one itself; the third gives its row to a newcomer.
            vec![Some(1), Some(1), None],
            vec![Some(0), Some(1), Some(2)],
        ];
        let lineage = Lineage(parents.iter().collect());
        assert_eq!(lineage.origins(0), [Some(0), Some(1), Some(2)]);
        assert_eq!(lineage.origins(1), [Some(0), Some(2), Some(2)]);
        assert_eq!(lineage.origins(3), [Some(2), Some(2), None]);
        assert_eq!(lineage.births(0, 3), [2, 1, 2]);
        assert_eq!(lineage.births(1, 3), [1, 0, 1]);
        assert_eq!(lineage.births(2, 3), [0, 0, 0]);
    }
}
