//! The report page: a run, or several side by side, as one HTML file that needs nothing else.
//!
//! `page.html` says what stands where, and every name and title reaches it through the template engine, which escapes
//! it; the film goes along as JSON, in which no character can end its element. The content security policy of
//! the page names the hashes of its one script and its one style sheet, so that nothing else runs and nothing is fetched.

mod curves;
mod descent;
#[cfg(feature = "cli")]
mod docs;
mod film;
mod frames;
mod gallery;
mod html;
#[cfg(feature = "cli")]
mod lab;
mod pack;
mod palette;
mod raws;
mod rounds;
mod results;
mod sheet;

use std::collections::BTreeMap;
use std::io;

use minijinja::context;
use minijinja::value::Serde;
use serde_json::json;

use self::film::Film;
use self::html::{filled, hash};
use self::results::{Outcome, Row};
use crate::film::Scene;
use crate::render::{BANDS, EDGES};
use crate::scenario::{Document, Scenario, find};
use crate::store::PAGE;

#[cfg(feature = "cli")]
pub use docs::{DocumentPage, documents};
pub use gallery::{Exhibit, Found, gallery};
#[cfg(feature = "cli")]
pub use lab::Lab;
pub use sheet::Sheet;

const TEMPLATE: &str = include_str!("page.html");
/// Typography and layout, also of the gallery.
const STYLE: &str = include_str!("page.css");
const HALL: &str = include_str!("hall.css");
/// The parts of the script, each one idea, in the order in which they use each other.
const SCRIPT: [&str; 8] = [
    include_str!("watch.js"),
    include_str!("film.js"),
    include_str!("stage.js"),
    include_str!("line.js"),
    include_str!("charts.js"),
    include_str!("view.js"),
    include_str!("phases.js"),
    include_str!("player.js"),
];

/// Panels that the lab has room for.
const PANELS: usize = 3;

/// A lab that lies near a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearLab {
    /// Its address from the page.
    pub address: String,
    /// What a scenario has to change for it: it holds points in place of files.
    pub edits: BTreeMap<String, String>,
}

/// What a page is made from.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The runs as they are drawn: one panel each, all in lock-step.
    pub scene: &'a Scene<'a>,
    /// What is known of each of them, in the order of the scene.
    pub sheets: &'a [Sheet<'a>],
    /// The question that the scenario asks; empty for none.
    pub question: &'a str,
    /// What its author expected; empty for nothing.
    pub expect: &'a str,
    /// Frames a second at normal speed.
    pub fps: f64,
    /// The picture that lies beside the page, for readers without JavaScript.
    pub picture: &'a str,
    /// What to type in the folder of the page in order to repeat each run.
    pub commands: &'a [String],
    /// What to type anywhere, if the scenario is a shipped one; empty if it is not.
    pub anywhere: &'a str,
    /// The lab near the page; there may be none.
    pub lab: Option<&'a NearLab>,
}

impl Page<'_> {
    /// Name of the file in a run directory.
    pub const FILE: &'static str = PAGE;

    /// The text of the page. The same page gives the same bytes.
    ///
    /// # Errors
    /// None that is known; those of the compressor, the JSON writer and the template engine are passed on.
    pub fn html(&self) -> io::Result<String> {
        let style = format!("{}{STYLE}{HALL}", palette::css());
        let script = SCRIPT.concat();
        let outcomes: Vec<Outcome<'_>> = self
            .scene
            .takes
            .iter()
            .zip(self.sheets)
            .map(|(take, sheet)| Outcome::new(take.name, sheet))
            .collect();
        let page = context! {
            title => self.scene.title,
            question => self.question,
            expect => self.expect,
            picture => self.picture,
            commands => Serde(self.commands),
            anywhere => self.anywhere,
            change => self.change()?,
            version => env!("CARGO_PKG_VERSION"),
            authors => authors(env!("CARGO_PKG_AUTHORS")),
            address => env!("CARGO_PKG_REPOSITORY"),
            scenario => self.sheets.first().map_or("", |sheet| sheet.manifest.scenario.as_str()),
            seed => self.sheets.first().map_or(0, |sheet| sheet.manifest.seed),
            particles => self.scene.takes.first().map_or(0, |take| take.start.nrows()),
            outcomes => Serde(&outcomes),
            rows => Serde(Row::all(self.sheets)),
            own => Serde(Row::flow(self.sheets)),
            bands => 2 * BANDS + 1,
            edges => EDGES,
            film => Film::new(self.scene, self.fps)?.json()?,
            style_hash => hash(&style),
            script_hash => hash(&script),
            style,
            script,
        };
        filled("page.html", TEMPLATE, page)
    }
}

impl Page<'_> {
    /// The address at which the lab shows what the page shows, or as many of its panels as have room there; empty where there is no lab.
    fn change(&self) -> io::Result<String> {
        let (Some(lab), Some(first)) = (self.lab, self.sheets.first()) else {
            return Ok(String::new());
        };
        let has = |kind: &str| first.scenario.contains(&format!("[generator.{kind}"));
        // What the lab does not show: it draws the plane, and moves a generator at each step.
        let shown = |sheet: &Sheet<'_>| !sheet.scenario.contains("[generator.pairs");
        if self.scene.line.is_some() || !self.sheets.iter().any(shown) {
            return Ok(String::new());
        }
        let mut kinds = ["distill", "adversarial"].into_iter();
        let kind = kinds.find(|kind| has(kind));
        let mut plan =
            json!({ "name": first.manifest.scenario, "text": first.scenario, "edits": lab.edits });
        if self.sheets.len() == 1 && (kind.is_some() || !has("")) {
            plan["panels"] = json!([kind.unwrap_or("flow")]);
        } else {
            let names = self.scene.takes.iter().map(|take| take.name);
            let runs: Vec<(&str, &str)> = names
                .map(|name| if name.is_empty() { "run" } else { name })
                .zip(self.sheets)
                .filter(|(_, sheet)| shown(sheet))
                .map(|(name, sheet)| (name, sheet.scenario))
                .take(PANELS)
                .collect();
            plan["panels"] = runs.iter().map(|(name, _)| *name).collect();
            plan["texts"] = json!(runs.into_iter().collect::<BTreeMap<_, _>>());
        }
        Ok(format!(
            "{}#s={}",
            lab.address,
            pack::letters(&plan.to_string())?
        ))
    }
}

/// What to type anywhere so as to repeat a run of `scenario`, called `name`: there is such a command if the scenario is a
/// shipped one, changed in nothing but the seed and the number of steps.
#[must_use]
pub(crate) fn short_command(name: &str, scenario: &Scenario) -> Option<String> {
    let document = Document::parse(name, find(name)?.text).ok()?;
    let mut shipped: Scenario = document.read().ok()?;
    let steps = if shipped.flow.steps == scenario.flow.steps {
        String::new()
    } else {
        format!(" --steps {}", scenario.flow.steps)
    };
    shipped.seed = scenario.seed;
    shipped.flow.steps = scenario.flow.steps;
    (shipped == *scenario).then(|| format!("ratioflow run {name} --seed {}{steps}", scenario.seed))
}

/// The package's authors, `A <a@x>:B`, as BibTeX writes them: `{A} and {B}`, braced so that no name is taken apart.
fn authors(listed: &str) -> String {
    let name = |author: &str| {
        let name = author.split('<').next().unwrap_or(author);
        format!("{{{}}}", name.trim())
    };
    listed
        .split(':')
        .map(name)
        .collect::<Vec<_>>()
        .join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_are_cited_without_their_addresses() {
        assert_eq!(
            authors("A. B <a@b.c>:The C team"),
            "{A. B} and {The C team}"
        );
    }

    #[test]
    fn the_short_command_is_given_only_where_it_is_true() {
        let shipped = find("moons").unwrap();
        let document = Document::parse("moons", shipped.text).unwrap();
        let mut scenario: Scenario = document.read().unwrap();
        scenario.seed = 7;
        let command = |scenario: &Scenario| short_command("moons", scenario);
        assert_eq!(command(&scenario).unwrap(), "ratioflow run moons --seed 7");
        scenario.flow.steps = 12;
        assert_eq!(
            command(&scenario).unwrap(),
            "ratioflow run moons --seed 7 --steps 12"
        );
        scenario.cloud.particles = 10;
        assert_eq!(command(&scenario), None);
        assert_eq!(short_command("no-such-name", &scenario), None);
    }
}
