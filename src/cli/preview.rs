//! `--preview`: the last clouds as small pictures on the terminal.

use super::terminal::{plain, say};
use crate::experiment::Experiment;
use crate::film::view_of;
use crate::record::Record;
use crate::render::{Theme, origin, preview};

/// Characters across a single picture, and across one of several.
const WIDE: usize = 60;
const NARROW: usize = 38;

/// The last cloud of a run, in lines.
pub(super) struct Preview {
    name: String,
    columns: usize,
    lines: Vec<String>,
}

impl Preview {
    pub(super) fn of(name: &str, experiment: &Experiment, record: &Record, alone: bool) -> Self {
        let columns = if alone { WIDE } else { NARROW };
        let (start, target) = (experiment.start.view(), experiment.training.view());
        // Of the two themes the one whose particles can be seen on either paper.
        let colours = origin::colours(start, Theme::Dark);
        let lines = record
            .recorder
            .snapshots()
            .last()
            .map_or_else(Vec::new, |last| {
                let view = view_of(start, target);
                preview(last.cloud.view(), &colours, target, view, columns)
            });
        Self {
            name: plain(name).into_owned(),
            columns,
            lines,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Says the pictures, two in a row.
pub(super) fn show(pictures: &[Preview]) {
    for row in pictures.chunks(2) {
        if row.iter().any(|picture| !picture.name.is_empty()) {
            let names = row.iter().map(|picture| {
                let name: String = picture.name.chars().take(picture.columns).collect();
                format!("{name:<0$}", picture.columns)
            });
            say(names.collect::<Vec<_>>().join("  ").trim_end());
        }
        let tall = row.iter().map(|picture| picture.lines.len()).max();
        let shown = |k: &usize| {
            let lines = row.iter().filter_map(|picture| picture.lines.get(*k));
            lines
                .map(String::as_str)
                .any(|line: &str| !line.trim().is_empty())
        };
        // Empty lines above and below are none of the picture.
        let mut places = 0..tall.unwrap_or(0);
        let first = places.clone().find(shown).unwrap_or(0);
        let last = places.rfind(shown).unwrap_or(0);
        for k in first..=last {
            let line = row.iter().map(|picture| {
                let blank = " ".repeat(picture.columns);
                picture.lines.get(k).cloned().unwrap_or(blank)
            });
            say(line.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
    say("coloured: particles, by where they started; grey: target");
}
