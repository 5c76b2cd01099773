//! `sweep.html`: each measure against each key, as small multiples. One file that runs no script and fetches nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

use super::Sweep;
use super::rows::{Row, Rows};
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
/// A panel in pixels, and what is left free at its sides for numbers.
const SIZE: [f64; 2] = [300.0, 210.0];
const MARGIN: [f64; 4] = [46.0, 26.0, 8.0, 34.0];

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

/// Where each value of a key stands, from 0 to 1: as numbers where all are, by their logarithm if they span more than a factor of 20.
fn places(values: &[String]) -> BTreeMap<&str, f64> {
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.parse().ok()).collect();
    let numbers = numbers.unwrap_or_else(|| (0..values.len()).map(|place| place as f64).collect());
    let ends = |numbers: &[f64]| {
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        (
            low,
            numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )
    };
    let (low, high) = ends(&numbers);
    let numbers: Vec<f64> = if low > 0.0 && high > 20.0 * low {
        numbers.iter().map(|value| value.ln()).collect()
    } else {
        numbers
    };
    let (low, high) = ends(&numbers);
    let span = if high > low { high - low } else { 1.0 };
    // A little room at both sides.
    let place = |number: f64| 0.06 + 0.88 * (number - low) / span;
    values
        .iter()
        .zip(numbers)
        .map(|(value, number)| (value.as_str(), place(number)))
        .collect()
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
    let pooled = all.groups(&|row| vec![row.setting(key)]);
    let floors: Vec<(f64, [f64; 2])> = pooled
        .iter()
        .filter_map(|(words, group)| {
            let floor = Spread::of(group.values.get(&number)?)?.floor;
            let place = *places.get(words[0].as_str())?;
            floor
                .iter()
                .all(|value| value.is_finite())
                .then_some((place, floor))
        })
        .collect();
    let scale = Scale::of(&spreads, &floors)?;
    let lines = if apart { names } else { vec![String::new()] };
    let lines = lines.into_iter().enumerate().map(|(colour, name)| {
        let own = spreads.iter().filter(|(words, _)| words[0] == name);
        let mut marks: Vec<[f64; 4]> = own
            .filter_map(|(words, spread)| {
                let x = Scale::x(*places.get(words[1].as_str())?);
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
        points: points(all, pages, key, number, &places, &scale),
        across: values
            .iter()
            .map(|value| (Scale::x(places[value.as_str()]), short(value)))
            .collect(),
        up: scale.ticks(),
    })
}

/// Each run as a point.
fn points(
    all: &Rows,
    pages: &[Option<String>],
    key: &str,
    number: usize,
    places: &BTreeMap<&str, f64>,
    scale: &Scale,
) -> Vec<Point> {
    if all.runs.len() > MOST_POINTS {
        return Vec::new();
    }
    let drawn = all.runs.iter().zip(pages).filter_map(|(row, page)| {
        let value = row.values.get(&number).map(|value| value[0])?;
        let inside = row.status == Status::Complete && scale.holds(value);
        let place = *places.get(row.setting(key).as_str())?;
        inside.then(|| Point {
            x: Scale::x(place),
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

/// From values to pixels.
struct Scale {
    /// Ends of the axis, as logarithms of an axis of these.
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    fn of(spreads: &[(&Vec<String>, Spread)], floors: &[(f64, [f64; 2])]) -> Option<Self> {
        let sds = |spread: &Spread| {
            if spread.sd.is_nan() {
                0.0
            } else {
                2.0 * spread.sd
            }
        };
        let means = spreads.iter().map(|(_, spread)| spread.mean);
        let floors = floors.iter().flat_map(|(_, floor)| *floor);
        let middles: Vec<f64> = means.chain(floors).filter(|v| v.is_finite()).collect();
        let least = middles.iter().copied().fold(f64::INFINITY, f64::min);
        let most = middles.iter().copied().fold(0.0, f64::max);
        // Distances of very different sizes: ratios are what is seen of them.
        let is_log = least > 0.0 && most > 20.0 * least;
        let ends = spreads
            .iter()
            .flat_map(|(_, spread)| [spread.mean - sds(spread), spread.mean + sds(spread)]);
        let all = middles.iter().copied().chain(ends);
        let all = all.filter(|value| value.is_finite());
        let all = all.map(|value| {
            if is_log {
                value.max(0.3 * least).ln()
            } else {
                value
            }
        });
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let room = if high > low {
            0.05 * (high - low)
        } else {
            0.5 * high.abs().max(1.0)
        };
        (low <= high).then_some(Self {
            low: low - room,
            high: high + room,
            is_log,
        })
    }

    /// Where a value is on the axis, in its units.
    fn at(&self, value: f64) -> f64 {
        match (self.is_log, value > 0.0) {
            (true, true) => value.ln(),
            (true, false) => self.low,
            (false, _) => value,
        }
    }

    fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&self.at(value))
    }

    /// Heights with their values: both ends, and the middle.
    fn ticks(&self) -> Vec<(f64, String)> {
        let room = 0.04 * (self.high - self.low);
        let places = [
            self.low + room,
            f64::midpoint(self.low, self.high),
            self.high - room,
        ];
        let value = |at: f64| if self.is_log { at.exp() } else { at };
        places
            .map(|at| (self.y(value(at)), three(value(at))))
            .to_vec()
    }

    fn x(place: f64) -> f64 {
        MARGIN[0] + place * (SIZE[0] - MARGIN[0] - MARGIN[2])
    }

    fn y(&self, value: f64) -> f64 {
        let part = (self.at(value).max(self.low) - self.low) / (self.high - self.low);
        SIZE[1] - MARGIN[3] - part * (SIZE[1] - MARGIN[1] - MARGIN[3])
    }

    /// The floors from their median to their 95 % point, as a polygon over the whole width.
    fn band(&self, mut floors: Vec<(f64, [f64; 2])>) -> String {
        floors.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (Some(first), Some(last)) = (floors.first().copied(), floors.last().copied()) else {
            return String::new();
        };
        let whole: Vec<_> = [(0.0, first.1)]
            .into_iter()
            .chain(floors)
            .chain([(1.0, last.1)])
            .collect();
        let corner = |(x, y): (f64, f64)| format!("{:.1},{:.1}", Self::x(x), self.y(y));
        let there = whole.iter().map(|(x, floor)| corner((*x, floor[0])));
        let back = whole.iter().rev().map(|(x, floor)| corner((*x, floor[1])));
        there.chain(back).collect::<Vec<_>>().join(" ")
    }
}

/// As much of a value as stands below a panel.
fn short(value: &str) -> String {
    const LONGEST: usize = 10;
    if value.chars().count() <= LONGEST {
        return value.to_owned();
    }
    value.chars().take(LONGEST - 1).chain(['…']).collect()
}
