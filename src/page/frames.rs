//! What a page holds of each frame of a run, as series to be packed.

use super::curves::short;
use super::raws::Raw;
use crate::cloud::CloudView;
use crate::film::{DrawnRun, Law, Snapshot};
use crate::render::look::LOOK;
use crate::render::{BANDS, Colour, Theme, View, depth, origin, unlimited};

/// Parts of a band that the log ratio of a particle is counted in.
pub(super) const FINE: f32 = 16.0;
/// The same for the field, whose contours would show the steps where it is flat.
pub(super) const FINER: f32 = 160.0;
/// Steps in which the field fades where nobody is.
pub(super) const VEILS: f32 = 32.0;
/// Arrows stand at every second place of the field's lattice.
pub(super) const ARROWS: usize = 2;

/// 32 times the root of the share of each particle, frame by frame: how much wider it is drawn; nothing where all are equal.
pub(super) fn widths(frames: &[&Snapshot], kept: &[usize]) -> Option<Raw> {
    let weighted = frames.iter().any(|frame| !frame.shares.is_empty());
    let width = |share: f64| (32.0 * share.sqrt()).round().min(255.0) as u8;
    let all = frames.iter().flat_map(|frame| {
        kept.iter()
            .map(|&k| width(frame.shares.get(k).copied().unwrap_or(1.0)))
    });
    weighted.then(|| Raw::Bytes(all.collect()))
}

/// Red, green and blue of the particles of the first cloud, all or those that are `kept`.
pub(super) fn colours(start: CloudView<'_>, kept: Option<&[usize]>, theme: Theme) -> Raw {
    let all = origin::colours(start, theme);
    let bytes = |&Colour { r, g, b }: &Colour| [r, g, b];
    Raw::Bytes(match kept {
        Some(kept) => kept
            .iter()
            .filter_map(|&k| all.get(k))
            .flat_map(bytes)
            .collect(),
        None => all.iter().flat_map(bytes).collect(),
    })
}

/// The place of each particle's log ratio among the bands, frame by frame.
pub(super) fn ratios(frames: &[&Snapshot], kept: &[usize]) -> Raw {
    let of = |frame: &Snapshot, k: usize| frame.log_ratio.get(k).map_or(0.0, |&u| depth(u));
    let all = frames
        .iter()
        .flat_map(|frame| kept.iter().map(|&k| fine(of(frame, k))));
    Raw::Narrow(all.collect(), kept.len())
}

/// How far the field counts at each place, frame by frame; nothing where it counts everywhere.
pub(super) fn veils(frames: &[&Snapshot]) -> Option<Raw> {
    let weights = frames.iter().map(|frame| frame.field.weights());
    let places = frames.first()?.field.weights().len();
    let even = places > 0 && weights.clone().all(|weights| weights.len() == places);
    let all = weights
        .flatten()
        .map(|weight| (VEILS * weight).round() as i8);
    even.then(|| Raw::Narrow(all.collect(), places))
}

/// Mean and variance of target and cloud on the line at each frame, where a closed form knows them.
pub(super) fn laws(take: &DrawnRun<'_>, frames: &[&Snapshot]) -> Option<Vec<[[f64; 2]; 2]>> {
    let law = |frame: &&Snapshot| {
        let laws = Law::of(take.scenario, frame)?.on_line()?;
        Some(laws.map(|law| law.map(short)))
    };
    frames.iter().map(law).collect()
}

/// Where the log ratios of the field lie among the bands, frame by frame.
pub(super) fn fields(frames: &[&Snapshot], on_line: bool) -> Raw {
    let all = frames.iter().flat_map(|frame| field(frame, on_line));
    let places = frames.first().map_or(0, |frame| {
        let [columns, rows] = frame.field.lattice().shape();
        columns * rows
    });
    Raw::Wide(all.collect(), places)
}

/// The length over which the field of each frame is smooth.
pub(super) fn scales(frames: &[&Snapshot]) -> Vec<f64> {
    let scales = frames.iter().map(|frame| frame.field.gauge().scale);
    let all: Option<Vec<f64>> = scales
        .map(|scale| scale.is_finite().then(|| short(scale)))
        .collect();
    all.unwrap_or_default()
}

/// The next moves at every second place, frame by frame: all x, then all y. Their roots keep the short ones exact; `most` is the longest part that is kept.
pub(super) fn arrows(frames: &[&Snapshot], most: f64) -> Raw {
    let shape = |frame: &&&Snapshot| frame.field.lattice().shape();
    let [columns, rows] = frames.first().as_ref().map_or([0, 0], shape);
    let [across, up] = [columns, rows].map(|n| n.div_ceil(ARROWS));
    let mut values = Vec::with_capacity(2 * across * up * frames.len());
    for field in frames.iter().map(|frame| &frame.field) {
        for axis in 0..2 {
            for k in 0..across * up {
                let place = ARROWS * (k / across * columns + k % across);
                let weight = field.movers().get(place).copied().unwrap_or(1.0);
                let moved = weight >= LOOK.near;
                let along = field.next_move(place).filter(|_| moved);
                let along = along.unwrap_or_default();
                // One that is too long keeps its direction.
                let most = most.max(along[0].hypot(along[1])).max(f64::MIN_POSITIVE);
                let part = along[axis].abs() / most;
                values.push((127.0 * part.sqrt().copysign(along[axis])).round() as i8);
            }
        }
    }
    Raw::Narrow(values, 2 * across * up)
}

/// The longest part of a move along an axis that is kept, where the longest of those that arrows stand for is this.
pub(super) fn most_of(longest: f64) -> f64 {
    LOOK.arrow.most / LOOK.arrow.longest * longest
}

/// The middle of each frame's cloud and how wide it is, where it is hardly wider than a dot, however large the picture; nothing where none is.
pub(super) fn cores(frames: &[&Snapshot], view: View) -> Option<Vec<Option<[f64; 3]>>> {
    /// Of the width of the picture.
    const LITTLE: f64 = 0.05;
    let core = |frame: &&Snapshot| {
        let [x, y, wide] = View::core(frame.cloud.view())?;
        let told = wide < LITTLE * view.width() && view.contains(x, y);
        told.then(|| [short(x), short(y), short(wide)])
    };
    let all: Vec<_> = frames.iter().map(core).collect();
    all.iter().any(Option::is_some).then_some(all)
}

/// A place among the bands in parts of a band. A little beyond the last edge nothing changes any more.
fn fine(depth: f32) -> i8 {
    let most = BANDS as f32 + 1.0;
    (FINE * depth.clamp(-most, most)).round() as i8
}

/// Where the log ratio of the field is among the bands. On the line it is drawn as a curve, which goes on beyond them.
fn field(frame: &Snapshot, on_line: bool) -> Vec<i16> {
    if !on_line {
        return frame.field.depths().iter().map(|&v| finer(v)).collect();
    }
    let most = f32::from(i16::MAX);
    let place = |&v: &f32| {
        let depth = unlimited(f64::from(v));
        (FINER * depth).round().clamp(-most, most) as i16
    };
    frame.field.log_ratio().iter().map(place).collect()
}

/// The same, finer: contours of a flat field would show the steps.
fn finer(depth: f32) -> i16 {
    let most = BANDS as f32 + 0.7;
    (FINER * depth.clamp(-most, most)).round() as i16
}
