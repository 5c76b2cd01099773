//! `sweep.html`: each measure against each key, as small multiples. One file that runs no script and fetches nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

use super::Sweep;
use super::rows::{Row, Rows};
use super::scale::{MARGIN, SIZE, Scale, labels, places, short};
use super::spread::{Group, Spread};
use super::task::page_of;
use crate::digits::three;
use crate::store::Status;

pub(super) const FILE: &str = "sweep.html";
const TEMPLATE: &str = include_str!("sweep.html");

/// Measures that are drawn, if the runs have them, one of each kind first.
const SHOWN: [&str; 10] = [
    "energy_distance",
    "steps_to_floor",
    "sliced_w2",
    "knn_kl",
    "c2st",
    "modes",
    "high_quality",
    "mass_tv",
    "mmd2",
    "w2",
];
/// Most measures and keys that are drawn: tables have them all.
const MOST_MEASURES: usize = 8;
const MOST_KEYS: usize = 4;
/// Most lines in a panel; with more settings of the other keys, all of them are one line.
const MOST_LINES: usize = 6;
/// Most runs that are drawn one by one, and that are listed.
const MOST_POINTS: usize = 1500;
const MOST_LISTED: usize = 5000;

/// One measure against one key.
#[derive(Serialize)]
struct Panel {
    measure: String,
    key: String,
    lines: Vec<Line>,
    /// The floors, as the points of a polygon.
    floor: String,
    points: Vec<Point>,
    /// Place and words along each side.
    across: Vec<(f64, String)>,
    up: Vec<(f64, String)>,
}

#[derive(Serialize)]
struct Line {
    name: String,
    colour: usize,
    path: String,
    /// Place, mean, and both ends of a standard deviation.
    marks: Vec<[f64; 4]>,
}

#[derive(Serialize)]
struct Point {
    x: f64,
    y: f64,
    title: String,
    page: Option<String>,
}

/// The text of the page.
pub(super) fn of(sweep: &Sweep, all: &Rows) -> io::Result<String> {
    let pages: Vec<Option<String>> = all
        .runs
        .iter()
        .map(|row| {
            sweep
                .head
                .record
                .then(|| page_of(&sweep.folder, &row.task.id))
                .flatten()
        })
        .collect();
    let varied = varied(all);
    let keys: Vec<&String> = varied.iter().copied().take(MOST_KEYS).collect();
    let named = all.named();
    let shown = SHOWN
        .iter()
        .filter_map(|name| named.iter().find(|(other, _, _)| other == name));
    let shown: Vec<_> = shown.take(MOST_MEASURES).collect();
    let mut rows = Vec::new();
    for (name, place, _) in &shown {
        let panels: Vec<Panel> = keys
            .iter()
            .filter_map(|key| panel(all, &pages, (key, &varied), (name, *place)))
            .collect();
        rows.push(panels);
    }
    let count = |status: Status| all.runs.iter().filter(|row| row.status == status).count();
    let listed: Vec<_> = all
        .runs
        .iter()
        .zip(&pages)
        .take(MOST_LISTED)
        .map(listed)
        .collect();
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("px", |value: f64| format!("{value:.1}"));
    environment
        .add_template(FILE, TEMPLATE)
        .map_err(io::Error::other)?;
    let template = environment.get_template(FILE).map_err(io::Error::other)?;
    let cells = cells(all, &shown);
    let heads: Vec<&str> = shown.iter().map(|(name, _, _)| *name).collect();
    template
        .render(context! {
            title => sweep.name(),
            seeds => seeds(all),
            tasks => sweep.count(),
            done => all.runs.len(),
            complete => count(Status::Complete),
            diverged => count(Status::Diverged),
            failed => count(Status::Failed),
            rows => Serde(&rows),
            keys => Serde(&all.keys),
            heads => Serde(&heads),
            cells => Serde(&cells),
            listed => Serde(&listed),
            left_out => all.runs.len() - listed.len(),
            width => SIZE[0],
            height => SIZE[1],
            left => MARGIN[0],
            bottom => SIZE[1] - MARGIN[3],
        })
        .map_err(io::Error::other)
}

/// The seeds, as far as there is room to name them.
fn seeds(all: &Rows) -> String {
    const NAMED: usize = 12;
    let seeds: BTreeSet<u64> = all.runs.iter().map(|row| row.task.seed).collect();
    let named: Vec<String> = seeds.iter().take(NAMED).map(u64::to_string).collect();
    let more = seeds.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", named.join(", "))
}

/// A run in the list: its settings, seed, status, ending and page.
fn listed(
    (row, page): (&Row, &Option<String>),
) -> (Vec<String>, u64, String, String, Option<String>) {
    let settings = row
        .task
        .settings
        .keys()
        .map(|key| format!("{key} = {}", row.setting(key)));
    (
        settings.collect(),
        row.task.seed,
        row.status.to_string(),
        row.ending.clone(),
        page.clone(),
    )
}

/// The table of cells: settings, counts, and each measure with its interval.
fn cells(all: &Rows, shown: &[&(&str, usize, bool)]) -> Vec<(Vec<String>, Vec<String>)> {
    let groups = all.groups(&|row| all.keys.iter().map(|key| row.setting(key)).collect());
    let groups = groups.into_iter().take(MOST_LISTED);
    let told = |group: &Group| {
        let counts = group.counts.iter().chain([&group.at_floor]);
        let mut told: Vec<String> = counts.map(usize::to_string).collect();
        for (_, place, _) in shown {
            let spread = group
                .values
                .get(place)
                .and_then(|values| Spread::of(values));
            told.push(spread.map_or_else(String::new, |spread| match spread.runs {
                1 => three(spread.mean),
                _ => format!(
                    "{} ± {}",
                    three(spread.mean),
                    three(spread.interval[1] - spread.mean)
                ),
            }));
        }
        told
    };
    groups.map(|(words, group)| (words, told(&group))).collect()
}

/// The keys that have several values; of keys that change together the first that tells the others.
fn varied(all: &Rows) -> Vec<&String> {
    let count = |keys: &[&String]| {
        let words = |row: &Row| keys.iter().map(|key| row.setting(key)).collect();
        all.groups(&words).len()
    };
    let mut varied: Vec<(&String, usize)> = Vec::new();
    for key in &all.keys {
        let own = count(&[key]);
        let tied = varied
            .iter()
            .any(|&(other, values)| count(&[other, key]) == values);
        if own > 1 && !tied {
            varied.push((key, own));
        }
    }
    varied.into_iter().map(|(key, _)| key).collect()
}

/// The values that a key takes, in the order of the plan.
fn distinct(all: &Rows, key: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in &all.runs {
        let next = seen.len();
        seen.entry(row.setting(key)).or_insert(next);
    }
    let mut values: Vec<_> = seen.into_iter().collect();
    values.sort_by_key(|(_, place)| *place);
    values.into_iter().map(|(value, _)| value).collect()
}

/// The measure `number` against `key`; nothing if no run completed.
fn panel(
    all: &Rows,
    pages: &[Option<String>],
    (key, varied): (&str, &[&String]),
    (measure, number): (&str, usize),
) -> Option<Panel> {
    let values = distinct(all, key);
    let places = places(&values);
    let others: Vec<&&String> = varied.iter().filter(|other| **other != key).collect();
    let others = |row: &Row| {
        let words = others.iter();
        let words = words.map(|other| format!("{other} = {}", short(&row.setting(other))));
        words.collect::<Vec<_>>().join(", ")
    };
    // Between kinds there is nothing, and no line.
    let is_ordered = values.iter().all(|value| value.parse::<f64>().is_ok());
    let names: Vec<String> = {
        let groups = all.groups(&|row| vec![others(row)]);
        groups
            .into_iter()
            .map(|(words, _)| words.concat())
            .collect()
    };
    let apart = names.len() <= MOST_LINES;
    let name = |row: &Row| if apart { others(row) } else { String::new() };
    let groups = all.groups(&|row| vec![name(row), row.setting(key)]);
    let spreads: Vec<_> = groups
        .iter()
        .filter_map(|(words, group)| Some((words, Spread::of(group.values.get(&number)?)?)))
        .collect();
    let floors = floors(all, key, number, &places);
    // Below what is never negative there is nothing to see.
    let mut values_of = all.runs.iter().filter_map(|row| row.values.get(&number));
    let is_negative = values_of.any(|value| value[0] < 0.0);
    let bottom = if is_negative { f64::NEG_INFINITY } else { 0.0 };
    let scale = Scale::of(&spreads, &floors, bottom)?;
    let lines = if apart { names } else { vec![String::new()] };
    // Of kinds, whose places mean nothing, several lines stand side by side, each with its runs.
    let middle = (lines.len() - 1) as f64 / 2.0;
    let aside = |line: usize| 6.0 * (line as f64 - middle) * f64::from(u8::from(!is_ordered));
    let asides: BTreeMap<String, f64> = lines
        .iter()
        .enumerate()
        .map(|(line, name)| (name.clone(), aside(line)))
        .collect();
    let lines = lines.into_iter().enumerate().map(|(colour, name)| {
        let own = spreads.iter().filter(|(words, _)| words[0] == name);
        let mut marks: Vec<[f64; 4]> = own
            .filter_map(|(words, spread)| {
                let x = Scale::x(*places.get(words[1].as_str())?) + aside(colour);
                let sd = if spread.sd.is_nan() { 0.0 } else { spread.sd };
                let y = [spread.mean, spread.mean - sd, spread.mean + sd].map(|y| scale.y(y));
                Some([x, y[0], y[1], y[2]])
            })
            .collect();
        marks.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let path = marks
            .iter()
            .map(|mark| format!("{:.1},{:.1}", mark[0], mark[1]));
        let path = path.filter(|_| is_ordered);
        let path = path.collect::<Vec<_>>().join(" ");
        Line {
            name,
            colour,
            path,
            marks,
        }
    });
    Some(Panel {
        measure: measure.to_owned(),
        key: key.to_owned(),
        lines: lines.collect(),
        floor: scale.band(floors),
        points: points(all, pages, number, &scale, &|row| {
            let aside = asides.get(&name(row)).copied().unwrap_or_default();
            Some(Scale::x(*places.get(row.setting(key).as_str())?) + aside)
        }),
        across: labels(&values, &places),
        up: scale.ticks(),
    })
}

/// Where the values of a key stand, and the floors there.
fn floors(
    all: &Rows,
    key: &str,
    number: usize,
    places: &BTreeMap<&str, f64>,
) -> Vec<(f64, [f64; 2])> {
    let pooled = all.groups(&|row| vec![row.setting(key)]);
    pooled
        .iter()
        .filter_map(|(words, group)| {
            let floor = Spread::of(group.values.get(&number)?)?.floor;
            let place = *places.get(words[0].as_str())?;
            floor
                .iter()
                .all(|value| value.is_finite())
                .then_some((place, floor))
        })
        .collect()
}

/// Each run as a point, at the `place` of its settings.
fn points(
    all: &Rows,
    pages: &[Option<String>],
    number: usize,
    scale: &Scale,
    place: &dyn Fn(&Row) -> Option<f64>,
) -> Vec<Point> {
    if all.runs.len() > MOST_POINTS {
        return Vec::new();
    }
    let drawn = all.runs.iter().zip(pages).filter_map(|(row, page)| {
        let value = row.values.get(&number).map(|value| value[0])?;
        let inside = row.status == Status::Complete && scale.holds(value);
        let x = place(row)?;
        inside.then(|| Point {
            x,
            y: scale.y(value),
            title: format!(
                "task {}, seed {}: {}",
                row.task.index,
                row.task.seed,
                three(value)
            ),
            page: page.clone(),
        })
    });
    drawn.collect()
}
