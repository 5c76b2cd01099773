//! Scenario documents: every mistake is refused with its place, the value and the remedy.
//!
//! The types below stand in for the program's own scenario; they have the shape of a real file.

use ratioflow::scenario::{Document, ScenarioError};
use ratioflow::setting::Invalid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[serde(default)]
    title: String,
    #[serde(default)]
    seed: u64,
    target: Shape,
    #[serde(default)]
    source: Option<Shape>,
    #[serde(default)]
    cloud: Cloud,
    #[serde(default)]
    flow: Flow,
    discriminator: Critic,
    #[serde(default)]
    generator: Option<Generator>,
    #[serde(default)]
    metrics: Metrics,
    #[serde(default)]
    output: Output,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Gaussian(Gaussian),
    Ring(Ring),
    Grid(Grid),
    Mixture(Mixture),
    Points(Points),
    SwissRoll(SwissRoll),
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Gaussian {
    mean: [f64; 2],
    covariance: [[f64; 2]; 2],
}

impl Default for Gaussian {
    fn default() -> Self {
        Self {
            mean: [0.0; 2],
            covariance: [[1.0, 0.0], [0.0, 1.0]],
        }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Ring {
    modes: usize,
    radius: f64,
    sd: f64,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Grid {
    rows: usize,
    columns: usize,
    spacing: f64,
    sd: f64,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Mixture {
    components: Vec<Component>,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Component {
    weight: f64,
    mean: [f64; 2],
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Points {
    file: String,
    #[serde(default)]
    replacement: bool,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct SwissRoll {
    noise: f64,
    turns: f64,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Cloud {
    particles: usize,
    samples: usize,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Flow {
    steps: u32,
    step_size: StepSize,
    step_ratio: f64,
    h: Map,
    shift: f64,
    momentum: Momentum,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            steps: 200,
            step_size: StepSize::Rule(Rule::Auto),
            step_ratio: 1.0,
            h: Map::Identity,
            shift: 0.0,
            momentum: Momentum::None,
        }
    }
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum StepSize {
    Rule(Rule),
    Fixed(f64),
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Rule {
    Auto,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Map {
    Identity,
    Exp,
    Softplus,
    LogSigmoid,
    Table(Vec<[f64; 2]>),
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Momentum {
    None,
    Nesterov(Nesterov),
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Nesterov {
    friction: f64,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Critic {
    Kde(Kde),
    Mlp(Mlp),
    Oracle,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Kde {
    bandwidth: Bandwidth,
}

impl Default for Kde {
    fn default() -> Self {
        Self {
            bandwidth: Bandwidth::Rule(BandwidthRule::Anneal),
        }
    }
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Bandwidth {
    Rule(BandwidthRule),
    Fixed(f64),
    Schedule(Schedule),
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum BandwidthRule {
    Anneal,
    Loo,
    Silverman,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Schedule {
    begin: f64,
    finish: f64,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Mlp {
    hidden: Vec<usize>,
    learning_rate: f64,
    batch: usize,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Generator {
    Distill(Distill),
    Adversarial(Distill),
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Distill {
    inner_steps: u32,
    optimizer: Optimizer,
    learning_rate: f64,
    latents: String,
}

impl Default for Distill {
    fn default() -> Self {
        Self {
            inner_steps: 20,
            optimizer: Optimizer::Adam,
            learning_rate: 1e-3,
            latents: "fresh".to_owned(),
        }
    }
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Optimizer {
    Adam,
    Sgd,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Metrics {
    every: u32,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Output {
    frames: u32,
    animation: bool,
}

/// A scenario that reads; the tests below spoil one line of it.
const GOOD: &str = r#"title = "Ring of eight Gaussians"
seed = 1

[target.ring]
modes = 8
radius = 2.5
sd = 0.2

[source.gaussian]
mean = [0.0, 0.0]
covariance = [[1.0, 0.0], [0.0, 1.0]]

[cloud]
particles = 2000
samples = 4000

[flow]
steps = 200
step_size = "auto"
step_ratio = 1.0
h = "identity"
shift = 0.0
momentum = "none"

[discriminator.kde]
bandwidth = "anneal"

[generator.distill]
inner_steps = 20
optimizer = "adam"
learning_rate = 1e-3
latents = "fresh"

[metrics]
every = 10

[output]
frames = 100
animation = true
"#;

fn read(text: &str) -> Result<Scenario, ScenarioError> {
    Document::parse("ring.toml", text)?.read()
}

/// `GOOD` with one piece of it replaced.
fn spoilt(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the good scenario");
    GOOD.replacen(from, to, 1)
}

/// `GOOD` changed by `--set` arguments.
fn set(assignments: &[&str]) -> Result<Scenario, ScenarioError> {
    let mut document = Document::parse("ring.toml", GOOD)?;
    for assignment in assignments {
        document.set(assignment)?;
    }
    document.read()
}

fn complaint(outcome: Result<Scenario, ScenarioError>) -> String {
    outcome.expect_err("this must be refused").to_string()
}

#[test]
fn a_good_scenario_is_read_as_written() {
    let scenario = read(GOOD).unwrap();
    assert_eq!(
        scenario.target,
        Shape::Ring(Ring {
            modes: 8,
            radius: 2.5,
            sd: 0.2
        })
    );
    assert_eq!(scenario.flow, Flow::default());
    assert_eq!(
        scenario.generator,
        Some(Generator::Distill(Distill::default()))
    );
}

#[test]
fn whole_numbers_are_numbers() {
    let text = spoilt("sd = 0.2", "sd = 1").replace("\"auto\"", "2");
    let scenario = read(&text).unwrap();
    assert_eq!(scenario.flow.step_size, StepSize::Fixed(2.0));
    let Shape::Ring(ring) = scenario.target else {
        panic!("not a ring")
    };
    assert_eq!(ring.sd, 1.0);
    let largest = spoilt("seed = 1", "seed = 18446744073709551615");
    assert_eq!(read(&largest).unwrap().seed, u64::MAX);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(read(&text).unwrap(), read(GOOD).unwrap());
    let message = complaint(read(&text.replace("sd = 0.2", "sd = true")));
    assert!(message.contains("ring.toml:7:6"), "{message}");
}

/// The whole message, for the mistakes people make most.
#[test]
fn messages_in_full() {
    let cases = [
        (
            spoilt("[target.ring]", "[target.rng]"),
            "\
no `target` is called `rng`
 --> ring.toml:4:9
  |
4 | [target.rng]
  |         ^^^
  = help: did you mean `ring`?
  = note: `target` is one of: gaussian, ring, grid, mixture, points, swiss-roll",
        ),
        (
            spoilt("step_size", "step_sise"),
            "\
unknown key `step_sise` in `[flow]`
  --> ring.toml:19:1
   |
19 | step_sise = \"auto\"
   | ^^^^^^^^^
   = help: did you mean `step_size`?
   = note: `[flow]` has: steps, step_size, step_ratio, h, shift, momentum",
        ),
        (
            spoilt("every = 10", "every = 10\nparticles = 500"),
            "\
unknown key `particles` in `[metrics]`
  --> ring.toml:36:1
   |
36 | particles = 500
   | ^^^^^^^^^
   = help: `particles` belongs in `[cloud]`
   = note: `[metrics]` has: every",
        ),
        (
            spoilt("[cloud]", "[target.grid]\nrows = 2\n\n[cloud]"),
            "\
`target` is given twice: `ring` and `grid`
  --> ring.toml:4:9
   |
 4 | [target.ring]
   |         ^^^^ the first
  --> ring.toml:13:9
   |
13 | [target.grid]
   |         ^^^^ the second
   = help: keep one of them",
        ),
        (
            spoilt("modes = 8", "modes = 8.0"),
            "\
`target.ring.modes` is 8.0; expected a whole number, 0 or more
 --> ring.toml:5:9
  |
5 | modes = 8.0
  |         ^^^
  = help: write `8`",
        ),
        (
            spoilt("\"auto\"", "\"atuo\""),
            "\
`flow.step_size` is \"atuo\"; expected \"auto\" or a number
  --> ring.toml:19:13
   |
19 | step_size = \"atuo\"
   |             ^^^^^^
   = help: did you mean `\"auto\"`?",
        ),
        (
            spoilt("[discriminator.kde]\nbandwidth = \"anneal\"", ""),
            "\
`discriminator` is missing
 --> ring.toml
  = help: add one of `[discriminator.kde]`, `[discriminator.mlp]`, `[discriminator.oracle]`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(complaint(read(&text)), expected);
    }
}

#[test]
fn messages_about_options_in_full() {
    let cases = [
        (
            "flow.step_sise=0.1",
            "\
unknown key `step_sise` in `[flow]`
 --> command line
  |
  | --set flow.step_sise=0.1
  |            ^^^^^^^^^
  = help: did you mean `step_size`?
  = note: `[flow]` has: steps, step_size, step_ratio, h, shift, momentum",
        ),
        (
            "target.grid.rows=2",
            "\
`target` is given twice: `ring` and `grid`
 --> ring.toml:4:9
  |
4 | [target.ring]
  |         ^^^^ the first
 --> command line
  |
  | --set target.grid.rows=2
  |              ^^^^ the second
  = help: to put one in place of the other, write `--set target={grid={}}` first",
        ),
        (
            "flow.h=softpluss",
            "\
no `flow.h` is called `softpluss`
 --> command line
  |
  | --set flow.h=softpluss
  |              ^^^^^^^^^
  = help: did you mean `softplus`?
  = note: `flow.h` is one of: identity, exp, softplus, log-sigmoid, table",
        ),
        (
            "flow.h.shift=1",
            "\
cannot set `flow.h.shift`: `flow.h` is \"identity\", not a table
  --> command line
   |
   | --set flow.h.shift=1
   |              ^^^^^
  --> ring.toml:21:5
   |
21 | h = \"identity\"
   |     ^^^^^^^^^^ it is set here",
        ),
    ];
    for (assignment, expected) in cases {
        assert_eq!(complaint(set(&[assignment])), expected);
    }
}

/// The target of the good scenario.
const RING: &str = "[target.ring]\nmodes = 8\nradius = 2.5\nsd = 0.2\n";

/// What is written instead of what, where the error must point (line, column), and what it must say.
type Mistake = (
    &'static str,
    &'static str,
    (usize, usize),
    &'static [&'static str],
);

#[rustfmt::skip]
const MISTAKES: &[Mistake] = &[
    ("seed = 1", "sede = 1", (2, 1), &["`sede`", "did you mean `seed`?"]),
    ("[flow]", "[flw]", (17, 2), &["unknown table `[flw]`", "`flow`"]),
    ("[discriminator.kde]", "[discriminator.kdee]", (25, 16), &["`kdee`", "`kde`?"]),
    ("[discriminator.kde]", "[discrimnator.kde]", (25, 2), &["`discriminator`?"]),
    ("[generator.distill]", "[generator.distil]", (28, 12), &["`distill`?"]),
    ("[source.gaussian]", "[source.gausian]", (9, 9), &["`gaussian`?"]),
    ("\"identity\"", "\"softpluss\"", (21, 5), &["`softpluss`", "`softplus`?"]),
    ("\"identity\"", "\"LogSigmoid\"", (21, 5), &["`log-sigmoid`?"]),
    ("step_size =", "stepSize =", (19, 1), &["`step_size`?"]),
    ("step_size =", "step-size =", (19, 1), &["`step_size`?"]),
    ("learning_rate =", "rate =", (31, 1), &["`learning_rate`?"]),
    ("modes = 8", "modes = \"eight\"", (5, 9), &["\"eight\"", "a whole number, 0 or more"]),
    ("modes = 8", "modes = \"8\"", (5, 9), &["write `8`, without quotes"]),
    ("modes = 8", "modes = -1", (5, 9), &["is -1", "0 or more"]),
    ("modes = 8", "modes = true", (5, 9), &["is true", "whole number"]),
    ("modes = 8", "modes = [8]", (5, 9), &["is [8]", "whole number"]),
    ("modes = 8", "modes = { a = 1 }", (5, 1), &["is a table", "whole number"]),
    ("modes = 8", "modes = 18446744073709551616", (5, 9), &["too large"]),
    ("modes = 8", "modes = 99999999999999999999999999999999999999999", (5, 9), &["too large"]),
    ("steps = 200", "steps = 4294967296", (18, 9), &["4294967296", "too large"]),
    ("sd = 0.2", "sd = nan", (7, 6), &["`target.ring.sd` is nan", "finite"]),
    ("sd = 0.2", "sd = -inf", (7, 6), &["is -inf", "finite"]),
    ("sd = 0.2", "sd = 1e999", (7, 6), &["is 1e999", "finite"]),
    ("[0.0, 1.0]]", "[0.0, nan]]", (11, 33), &["`source.gaussian.covariance[1][1]` is nan"]),
    ("sd = 0.2", "sd = \"0.2\"", (7, 6), &["write `0.2`, without quotes"]),
    ("sd = 0.2", "sd = false", (7, 6), &["is false", "a number"]),
    ("sd = 0.2", "sd = 1979-05-27", (7, 6), &["is 1979-05-27", "a number"]),
    ("\"Ring of eight Gaussians\"", "2024-01-01", (1, 9), &["write `\"2024-01-01\"`"]),
    ("\"Ring of eight Gaussians\"", "7", (1, 9), &["write `\"7\"`"]),
    ("mean = [0.0, 0.0]", "mean = [0.0]", (10, 8), &["has 1 value;", "a list of 2 numbers"]),
    ("mean = [0.0, 0.0]", "mean = [0, 0, 0]", (10, 8), &["has 3 values", "2 numbers"]),
    ("mean = [0.0, 0.0]", "mean = 0.0", (10, 8), &["is 0.0", "a list of 2 numbers"]),
    ("mean = [0.0, 0.0]", "mean = [0.0, \"a\"]", (10, 14), &["`source.gaussian.mean[1]`"]),
    ("[1.0, 0.0], [", "[1.0], [", (11, 15), &["`source.gaussian.covariance[0]` has 1"]),
    ("animation = true", "animation = 1", (39, 13), &["is 1", "true or false"]),
    ("animation = true", "animation = \"True\"", (39, 13), &["write `true`, without quotes"]),
    ("\"anneal\"", "\"aneal\"", (26, 13), &["\"loo\", \"silverman\", a number", "`\"anneal\"`?"]),
    ("\"anneal\"", "{ begn = 1.0 }", (26, 15), &["unknown key `begn`", "`begin`?"]),
    ("\"none\"", "\"nesterov\"", (23, 12), &["write it as a table, `[flow.momentum.nesterov]`"]),
    ("\"none\"", "{ none = { a = 1 } }", (23, 14), &["has no settings"]),
    ("\"none\"", "{ nesterov = { frction = 1 } }", (23, 27), &["`friction`?"]),
    ("\"none\"", "{}", (23, 1), &["`flow.momentum` is empty"]),
    ("\"identity\"", "{ table = [[0, 1], [1]] }", (21, 24), &["`flow.h.table[1]` has 1"]),
    (RING, "[target]\n", (4, 2), &["must say which kind", "`[target.swiss-roll]`"]),
    (RING, "[target]\ntype = \"ring\"\n", (5, 1), &["write `[target.ring]`"]),
    (RING, "[target]\nmodes = 8\n", (5, 1), &["`modes` belongs in `[target.ring]`"]),
    (RING, "target = \"ring\"\n", (4, 10), &["write it as a table, `[target.ring]`"]),
    (RING, "target = 3\n", (4, 10), &["`target` is 3", "a table"]),
    (RING, "[target.points]\n", (4, 9), &["`target.points.file` is missing", "`file = …`"]),
    (RING, "[target.mixture]\ncomponents = [{ weigth = 1 }]\n", (5, 17), &["`weight`?"]),
    (RING, "[[target.mixture.components]]\nmean = [0, 0]\nweigth = 1\n", (6, 1), &["`weight`?"]),
    ("seed = 1", "seed = 1\nsteps = 9", (3, 1), &["`steps` belongs in `[flow]`"]),
    ("every = 10", "every = 10\nseed = 3", (36, 1), &["at the top of the file"]),
    ("every = 10", "every = 10\nsteps_ = 3", (36, 1), &["did you mean `steps`?", "`[flow]`"]),
    ("[cloud]", "[cloud.flow]\nsteps = 1\n[cloud]", (13, 8), &["unknown table `[cloud.flow]`"]),
    ("seed = 1", "seed = 1\nseed = 2", (3, 1), &["`seed` is written twice"]),
    ("[metrics]", "[flow]", (34, 2), &["`flow` is written twice"]),
    ("seed = 1", "seed 1", (2, 6), &["not valid TOML", "expected `=`"]),
    ("seed = 1", "seed =", (2, 7), &["not valid TOML"]),
    ("Gaussians\"", "Gaussians", (1, 33), &["not valid TOML"]),
    ("\"identity\"", "softplus", (21, 5), &["must be quoted"]),
    ("[flow]", "[flow", (17, 6), &["not valid TOML"]),
];

#[test]
fn mistakes_in_the_file() {
    for &(from, to, (line, column), says) in MISTAKES {
        let error = read(&spoilt(from, to)).expect_err(to);
        let message = error.to_string();
        assert_eq!(
            error.place(),
            Some(("ring.toml", line, column)),
            "{to}:\n{message}"
        );
        for words in says {
            assert!(message.contains(words), "{to}: no {words:?} in\n{message}");
        }
    }
}

/// A `--set` argument, and what the error about it must say.
#[rustfmt::skip]
const MISTAKEN_OPTIONS: &[(&str, &[&str])] = &[
    ("flow.stpes=3", &["`stpes`", "`steps`?", "|            ^^^^^\n"]),
    ("flw.steps=3", &["unknown table `[flw]`", "`flow`?", "|       ^^^\n"]),
    ("particles=3", &["the key is `cloud.particles`"]),
    ("cloud.sd=3", &["the key is `target.ring.sd`"]),
    ("target.rng.modes=2", &["`rng`", "`ring`?", "|              ^^^\n"]),
    ("target.ring.modes=eight", &["is \"eight\"", "a whole number", "^^^^^"]),
    ("target.ring.modes=8.0", &["write `8`"]),
    ("target.ring.modes=-1", &["is -1", "0 or more"]),
    ("target.ring.sd=nan", &["`target.ring.sd` is nan", "finite"]),
    ("target.ring.sd = inf", &["`target.ring.sd` is inf", "finite"]),
    ("flow.step_size=0,1", &["is \"0,1\"", "\"auto\" or a number"]),
    ("output.animation=yes", &["is \"yes\"", "true or false"]),
    ("source.gaussian.mean[1]=a", &["`source.gaussian.mean[1]` is \"a\""]),
    ("source.gaussian.mean[2]=1", &["no `source.gaussian.mean[2]`", "2 items"]),
    ("source.gaussian.mean.x=1", &["is a list"]),
    ("source.gaussian[0]=1", &["not a list"]),
    ("seed[0]=1", &["`seed` is 1, not a list", "ring.toml:2:8"]),
    ("seed.x=1", &["`seed` is 1, not a table", "ring.toml:2:8"]),
    ("discriminator=kde", &["write `--set discriminator.kde={}`"]),
    ("generator=off", &["no `generator` is called `off`"]),
    ("flow.steps", &["`--set` needs a value", "--set KEY=VALUE"]),
    ("flow.steps=", &["no value after `=`", "`\"\"`"]),
    ("=3", &["no key before `=`"]),
    ("flow..a=3", &["`flow..a` is not a key"]),
    ("\"flow\".steps=3", &["write keys without quotes"]),
    ("mean[x]=3", &["`components[0]`"]),
    ("flow.h=\"exp", &["not valid TOML"]),
    ("flow.steps=[1", &["not valid TOML", "unclosed array"]),
    ("flow.steps=3 # four", &["not valid TOML"]),
    ("flow.steps=3\nseed=4", &["a value takes one line"]),
];

#[test]
fn mistakes_on_the_command_line() {
    for &(assignment, says) in MISTAKEN_OPTIONS {
        let error = set(&[assignment]).expect_err(assignment);
        let message = error.to_string();
        assert_eq!(error.place(), None, "{message}");
        assert!(message.contains("--> command line"), "{message}");
        for words in says {
            assert!(
                message.contains(words),
                "{assignment}: no {words:?} in\n{message}"
            );
        }
    }
}

#[test]
fn options_change_what_was_written() {
    let scenario = set(&[
        "flow.h=log-sigmoid",
        "title=Eight Gaussians, once more",
        "flow.step_size=0.1",
        "source.gaussian.mean[1]=-2",
        "target={grid={rows=3}}",
        "target.grid.columns = 4",
        "flow.momentum={nesterov={friction=0.2}}",
        "seed=7",
        "seed=8",
    ])
    .unwrap();
    assert_eq!(scenario.flow.h, Map::LogSigmoid);
    assert_eq!(scenario.title, "Eight Gaussians, once more");
    assert_eq!(scenario.flow.step_size, StepSize::Fixed(0.1));
    assert_eq!(
        scenario.flow.momentum,
        Momentum::Nesterov(Nesterov { friction: 0.2 })
    );
    assert_eq!(
        scenario.source,
        Some(Shape::Gaussian(Gaussian {
            mean: [0.0, -2.0],
            ..Gaussian::default()
        }))
    );
    let grid = Grid {
        rows: 3,
        columns: 4,
        ..Grid::default()
    };
    assert_eq!(scenario.target, Shape::Grid(grid));
    assert_eq!(scenario.seed, 8);
}

#[test]
fn an_option_reaches_into_a_list_of_tables() {
    let text = spoilt(
        RING,
        "[[target.mixture.components]]\nweight = 1\n[[target.mixture.components]]\nweight = 1\n",
    );
    let mut document = Document::parse("two.toml", &text).unwrap();
    document
        .set("target.mixture.components[1].weight=3")
        .unwrap();
    let Shape::Mixture(mixture) = document.read::<Scenario>().unwrap().target else {
        panic!("not a mixture")
    };
    let weights: Vec<f64> = mixture.components.iter().map(|c| c.weight).collect();
    assert_eq!(weights, [1.0, 3.0]);
}

#[test]
fn another_kind_takes_the_place_of_the_first() {
    let mut document = Document::parse("ring.toml", GOOD).unwrap();
    document
        .replace("--discriminator", "discriminator", "oracle")
        .unwrap();
    assert_eq!(
        document.read::<Scenario>().unwrap().discriminator,
        Critic::Oracle
    );

    // The same kind again keeps its settings.
    let text = spoilt("\"anneal\"", "\"loo\"");
    let mut document = Document::parse("ring.toml", &text).unwrap();
    document
        .replace("--discriminator", "discriminator", "kde")
        .unwrap();
    assert_eq!(
        document.read::<Scenario>().unwrap().discriminator,
        Critic::Kde(Kde {
            bandwidth: Bandwidth::Rule(BandwidthRule::Loo)
        })
    );

    document
        .replace("--discriminator", "discriminator", "mpl")
        .unwrap();
    assert_eq!(
        complaint(document.read()),
        "\
no `discriminator` is called `mpl`
 --> command line
  |
  | --discriminator mpl
  |                 ^^^
  = help: did you mean `mlp`?
  = note: `discriminator` is one of: kde, mlp, oracle"
    );
}

#[test]
fn a_table_can_be_taken_away() {
    let mut document = Document::parse("ring.toml", GOOD).unwrap();
    document.remove("generator");
    document.remove("flow.steps");
    document.remove("nothing.of.this.kind");
    let scenario = document.read::<Scenario>().unwrap();
    assert_eq!(scenario.generator, None);
    assert_eq!(scenario.flow.steps, Flow::default().steps);
}

#[test]
fn other_options_are_blamed_by_their_own_name() {
    let mut document = Document::parse("ring.toml", GOOD).unwrap();
    document.set_by("--seed", "seed", "-3").unwrap();
    assert_eq!(
        complaint(document.read()),
        "\
`seed` is -3; expected a whole number, 0 or more
 --> command line
  |
  | --seed -3
  |        ^^"
    );
}

#[test]
fn what_cannot_be_used_is_blamed_on_its_place() {
    let mut document = Document::parse("ring.toml", GOOD).unwrap();
    document.set("flow.shift=1e9").unwrap();
    let blame = |key: &str| {
        let invalid = Invalid::new(key, -1, "must be greater than 0");
        document.blame(&invalid).to_string()
    };
    assert_eq!(
        blame("target.ring.sd"),
        "\
`target.ring.sd` is -1: must be greater than 0
 --> ring.toml:7:6
  |
7 | sd = 0.2
  |      ^^^"
    );
    assert_eq!(
        blame("flow.shift"),
        "\
`flow.shift` is -1: must be greater than 0
 --> command line
  |
  | --set flow.shift=1e9
  |                  ^^^"
    );
    assert_eq!(
        blame("cloud.seats"),
        "\
`cloud.seats` is -1 by default: must be greater than 0
  --> ring.toml:13:2
   |
13 | [cloud]
   |  ^^^^^ not written in here
   = help: set `cloud.seats`"
    );
    assert!(blame("source.gaussian.covariance[1]").contains("ring.toml:11:27"));
    assert!(blame("render.colours").contains("--> ring.toml\n"));
}

#[test]
fn a_long_line_is_cut_and_control_characters_are_hidden() {
    let values = vec!["0.5"; 3000].join(", ");
    let text = format!("title = \"\u{1b}[31m\\u0007\" # x\n[target.ring]\nsd = [{values}, x]\n");
    let message = complaint(read(&text));
    let longest = message.lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(130), "{message}");
    assert!(!message.contains('\u{1b}'), "{message:?}");

    let message = complaint(read("\"\\u001b[31m\" = 1\n"));
    assert!(!message.contains('\u{1b}'), "{message:?}");
}

/// Three files that together write every key of every kind.
fn full_scenarios() -> [String; 3] {
    let grid = GOOD
        .replace(
            RING,
            "[target.grid]\nrows = 5\ncolumns = 5\nspacing = 1.5\nsd = 0.15\n",
        )
        .replace(
            "[source.gaussian]\nmean = [0.0, 0.0]\ncovariance = [[1.0, 0.0], [0.0, 1.0]]\n",
            "[source.points]\nfile = \"points.npy\"\nreplacement = true\n",
        )
        .replace(
            "[discriminator.kde]\nbandwidth = \"anneal\"\n",
            "[discriminator.mlp]\nhidden = [64, 64]\nlearning_rate = 1e-3\nbatch = 256\n",
        )
        .replace("distill", "adversarial");
    let roll = GOOD
        .replace(
            RING,
            "[[target.mixture.components]]\nweight = 0.5\nmean = [1.0, 2.0]\n",
        )
        .replace(
            "[source.gaussian]\nmean = [0.0, 0.0]\ncovariance = [[1.0, 0.0], [0.0, 1.0]]\n",
            "[source.swiss-roll]\nnoise = 0.1\nturns = 1.5\n",
        );
    [GOOD.to_owned(), grid, roll]
}

/// One letter dropped, doubled, or swapped with the next, at every place.
fn misspellings(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut all = Vec::new();
    for place in 0..letters.len() {
        let mut dropped = letters.clone();
        dropped.remove(place);
        let mut doubled = letters.clone();
        doubled.insert(place, letters[place]);
        let mut swapped = letters.clone();
        if place + 1 < letters.len() {
            swapped.swap(place, place + 1);
        }
        all.extend([dropped, doubled, swapped]);
    }
    let mut all: Vec<String> = all.iter().map(|letters| letters.iter().collect()).collect();
    all.retain(|other| other != word && !other.is_empty());
    all.sort();
    all.dedup();
    all
}

/// The parts of `text` that are names, as `(line, range in the line, dotted key)`.
fn names(text: &str) -> Vec<(usize, std::ops::Range<usize>, String)> {
    let mut found = Vec::new();
    let mut table = String::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            let inner = header.trim_matches(['[', ']']);
            let shift = line.find(inner).unwrap();
            inner.clone_into(&mut table);
            let mut start = 0;
            for part in inner.split('.') {
                let end = start + part.len();
                found.push((number, shift + start..shift + end, inner[..end].to_owned()));
                start = end + 1;
            }
            if line.starts_with("[[") {
                table += "[0]";
            }
        } else if let Some((key, _)) = line.split_once(" = ") {
            let dotted = if table.is_empty() {
                key.to_owned()
            } else {
                format!("{table}.{key}")
            };
            found.push((number, 0..key.len(), dotted));
        }
    }
    found
}

#[test]
fn nine_misspellings_in_ten_get_the_right_suggestion() {
    let (mut right, mut all) = (0, 0);
    for text in full_scenarios() {
        read(&text).unwrap();
        for (number, range, dotted) in names(&text) {
            let line = text.lines().nth(number).unwrap();
            let word = &line[range.clone()];
            for misspelt in misspellings(word) {
                let mut lines: Vec<&str> = text.lines().collect();
                let spoilt = format!("{}{misspelt}{}", &line[..range.start], &line[range.end..]);
                lines[number] = &spoilt;
                let error = read(&lines.join("\n")).expect_err(&spoilt);
                let here = ("ring.toml", number + 1, range.start + 1);
                assert_eq!(error.place(), Some(here), "{error}");
                let hint = format!("did you mean `{word}`?");
                all += 1;
                right += usize::from(error.remedies().iter().any(|help| help.starts_with(&hint)));

                // The same by --set, where the value is a key's own.
                if let Some((_, value)) = line.split_once(" = ") {
                    let (above, _) = dotted.rsplit_once('.').unwrap_or(("", &dotted));
                    let dot = if above.is_empty() { "" } else { "." };
                    let mut document = Document::parse("ring.toml", &text).unwrap();
                    document
                        .set(&format!("{above}{dot}{misspelt}={value}"))
                        .unwrap();
                    let message = complaint(document.read());
                    assert!(message.contains("--> command line"), "{message}");
                    all += 1;
                    right += usize::from(message.contains(&hint));
                }
            }
        }
    }
    assert!(all > 1000, "only {all} misspellings");
    assert!(
        right * 10 >= all * 9,
        "{right} of {all} suggestions are right"
    );
}

#[test]
fn every_misplaced_key_is_told_its_table() {
    let text = GOOD;
    let names = names(text);
    let tables: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with('['))
        .collect();
    let mut told = 0;
    for (number, _, dotted) in &names {
        let line = text.lines().nth(*number).unwrap();
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        let home = dotted.rsplit_once('.').map_or("", |(table, _)| table);
        for &(header, table) in &tables {
            if table == format!("[{home}]") {
                continue;
            }
            let mut lines: Vec<&str> = text.lines().collect();
            lines.insert(header + 1, line);
            let message = complaint(read(&lines.join("\n")));
            assert!(
                message.contains(&format!("ring.toml:{}:1", header + 2)),
                "{message}"
            );
            let expected = if home.is_empty() {
                format!("`{key}` belongs at the top of the file")
            } else {
                format!("`{key}` belongs in `[{home}]`")
            };
            assert!(message.contains(&expected), "{message}");
            told += 1;
        }
    }
    assert!(told > 100, "{told}");
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    fn survives(text: &str, assignments: &[String]) {
        let outcome = Document::parse("x.toml", text).and_then(|mut document| {
            for assignment in assignments {
                document.set(assignment)?;
            }
            document.read::<Scenario>()
        });
        if let Err(error) = outcome {
            let message = error.to_string();
            assert!(
                !message.chars().any(|c| c.is_control() && c != '\n'),
                "{message:?}"
            );
            if let Some((_, line, _)) = error.place() {
                assert!(line <= text.split('\n').count(), "line {line} of {text:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn arbitrary_text(text in any::<String>(), assignment in any::<String>()) {
            survives(&text, std::slice::from_ref(&assignment));
            survives(GOOD, &[assignment]);
        }

        #[test]
        fn text_that_looks_like_toml(text in "([\\[\\]{}=.,#\"'\n a-d0-9_-]|flow|target|ring|\r\n|\\PC){0,60}") {
            survives(&text, &[]);
            survives(GOOD, &[text]);
        }

        #[test]
        fn a_damaged_scenario(start in 0..GOOD.len(), length in 0..40_usize, put in "[\\[\\]=.\"\n a-z0-9]{0,6}") {
            let end = (start + length).min(GOOD.len());
            let text = format!("{}{put}{}", &GOOD[..start], &GOOD[end..]);
            survives(&text, &[]);
        }
    }

    #[test]
    fn deep_and_wide() {
        let deep = format!("a = {}1{}", "[".repeat(50_000), "]".repeat(50_000));
        survives(&deep, &[]);
        survives(&format!("{}a = 1", "a.".repeat(50_000)), &[]);
        survives(&format!("[{}a]", "a.".repeat(50_000)), &[]);
        survives(GOOD, &[format!("{}a=1", "a.".repeat(50_000))]);
        survives(GOOD, &[format!("a{}=1", "[0]".repeat(50_000))]);
        survives(GOOD, &[format!("a={}1", "[".repeat(50_000))]);
        survives(&format!("{} = 1", "k".repeat(1_000_000)), &[]);
        let wide: Vec<String> = (0..20_000).map(|k| format!("k{k} = 1")).collect();
        survives(&wide.join("\n"), &[]);
    }
}
