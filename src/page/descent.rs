//! Who descends from whom, for the player of the page.

use serde::Serialize;

use super::raws::{Raw, Raws};
use crate::film::{Lineage, Snapshot};

/// Particles whose descent can be counted in the page.
const ANCESTORS: usize = i16::MAX as usize;

/// Who was born, and of whom.
#[derive(Debug, Serialize)]
pub(super) struct Descent {
    /// Each frame: 1 for each particle that was born since the frame before; nothing for a flow without births.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) births: Option<usize>,
    /// Each frame: which of the colours is that of the particle's ancestor in the first cloud, -1 for none; then there is a colour for each particle of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origins: Option<usize>,
}

impl Descent {
    /// The descent along the `frames` among the snapshots `all` of the particles `kept` of so many.
    pub(super) fn of(
        all: &[Snapshot],
        frames: &[usize],
        kept: &[usize],
        particles: usize,
        raws: &mut Raws,
    ) -> Self {
        let Some(lineage) = Lineage::of(all) else {
            return Self {
                births: None,
                origins: None,
            };
        };
        let before = frames.iter().take(1).chain(frames);
        let born = before.zip(frames).flat_map(|(&from, &to)| {
            let born = lineage.births(from, to);
            kept.iter().map(move |&k| u8::from(born[k] > 0))
        });
        let born = Raw::Bytes(born.collect());
        let origins = || {
            let (mut rows, mut from) = (lineage.origins(0), 0);
            let mut all = Vec::with_capacity(frames.len() * kept.len());
            for &at in frames {
                (rows, from) = (lineage.followed(rows, from, at), at);
                let row = |&k: &usize| rows[k].and_then(|row| i16::try_from(row).ok());
                all.extend(kept.iter().map(|k| row(k).unwrap_or(-1)));
            }
            Raw::Wide(all, kept.len())
        };
        let origins = (particles <= ANCESTORS).then(origins);
        Self {
            births: Some(raws.add(born)),
            origins: origins.map(|origins| raws.add(origins)),
        }
    }
}
