//! Behaviour of the pictures: what is drawn, and what the encoded files contain.

use std::f64::consts::TAU;
use std::time::Instant;

use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use ratioflow::cloud::Cloud;
use ratioflow::render::{
    Chart, Colour, Curve, FieldGrid, Figure, Film, FloorLine, Frame, Gauge, Headline, Image,
    Lattice, Pace, Panel, Profile, Show, Style, Theme, View, curves, curves_svg, draw, draw_svg,
    film, look, origin, series,
};

/// A made-up flow with a known field: a Gaussian blob that turns into a ring of eight.
struct Act {
    start: Cloud,
    end: Cloud,
    target: Cloud,
    colours: Vec<Colour>,
    view: View,
}

fn centre(mode: usize) -> [f64; 2] {
    let (sin, cos) = (mode as f64 * TAU / 8.0).sin_cos();
    [2.5 * cos, 2.5 * sin]
}

impl Act {
    fn new(particles: usize, samples: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut blob = |[x, y]: [f64; 2], sd: f64| {
            let [a, b]: [f64; 2] = [rng.sample(StandardNormal), rng.sample(StandardNormal)];
            [x + sd * a, y + sd * b]
        };
        let start: Vec<_> = (0..particles).map(|_| blob([0.0, 0.0], 0.9)).collect();
        let end = start
            .iter()
            .map(|[x, y]| {
                let sector = (y.atan2(*x) / TAU * 8.0).round().rem_euclid(8.0);
                blob(centre(sector as usize), 0.2)
            })
            .collect::<Vec<_>>();
        let target: Vec<_> = (0..samples).map(|k| blob(centre(k % 8), 0.2)).collect();
        let [start, end, target] = [start, end, target].map(Cloud::from);
        let view = View::around(&[start.view(), target.view()]);
        let colours = origin::colours(start.view(), Theme::Light);
        Self {
            start,
            end,
            target,
            colours,
            view,
        }
    }

    fn cloud(&self, t: f64) -> Cloud {
        let s = t * t * (3.0 - 2.0 * t);
        &self.start * (1.0 - s) + &self.end * s
    }

    fn field(&self, t: f64) -> FieldGrid {
        let s = t * t * (3.0 - 2.0 * t);
        let lattice = Lattice::new(self.view, 64);
        let h = 0.35;
        let log_p = |x: f64, y: f64, spread: f64, pull: f64, hole: f64| {
            let mut sum = hole * (-(x * x + y * y) / 2.0 / (0.81 + h * h)).exp() / (0.81 + h * h);
            for mode in 0..8 {
                let [a, b] = centre(mode).map(|c| c * pull);
                let v = spread * spread + h * h;
                sum += (-((x - a).powi(2) + (y - b).powi(2)) / 2.0 / v).exp() / v / 8.0;
            }
            (sum + 1e-9).ln()
        };
        let ratio = |x: f64, y: f64| {
            log_p(x, y, 0.2, 1.0, 0.0)
                - log_p(x, y, 0.9 * (1.0 - s) + 0.2 * s, s, (1.0 - s).powi(2))
        };
        let points = lattice.points();
        let log: Array1<f64> = points
            .rows()
            .into_iter()
            .map(|p| ratio(p[0], p[1]))
            .collect();
        let velocity = Array2::from_shape_fn(points.dim(), |(k, axis)| {
            let (x, y) = (points[(k, 0)], points[(k, 1)]);
            let e = 1e-4;
            if axis == 0 {
                (ratio(x + e, y) - ratio(x - e, y)) / 2.0 / e
            } else {
                (ratio(x, y + e) - ratio(x, y - e)) / 2.0 / e
            }
        });
        FieldGrid::new(lattice, &log, velocity)
    }

    fn panel<'a>(&'a self, cloud: &'a Cloud, field: Option<&'a FieldGrid>) -> Panel<'a> {
        Panel {
            name: "",
            particles: cloud.view(),
            past: &[],
            threads: None,
            births: &[],
            shares: &[],
            colours: &self.colours,
            target: self.target.view(),
            field,
            profile: None,
            headline: None,
            note: "",
            diverged: false,
            longest: None,
        }
    }

    fn frame<'a, 'p>(&self, panels: &'a [Panel<'p>]) -> Frame<'a, 'p> {
        Frame {
            title: "Ring of eight Gaussians",
            step: 0,
            steps: 200,
            time: 0.0,
            view: self.view,
            longest: 0.5,
            strip: None,
            panels,
        }
    }

    fn image(&self, t: f64, style: &Style) -> Image {
        let (field, cloud) = (self.field(t), self.cloud(t));
        let headline = Headline {
            words: if t < 1.0 {
                [
                    "5 of 12 measures off the floor, worst kl 3.21",
                    "5 of 12 off the floor",
                    "5 of 12 off",
                ]
            } else {
                [
                    "indistinguishable by 12 measures, p = 0.43 ✓",
                    "at the floor, p = 0.43 ✓",
                    "at the floor ✓",
                ]
            },
            arrived: t >= 1.0,
            since: None,
        };
        let panel = Panel {
            headline: Some(headline),
            ..self.panel(&cloud, Some(&field))
        };
        let panels = [panel];
        let frame = Frame {
            step: (t * 200.0).round() as u64,
            time: 3.21 * t,
            ..self.frame(&panels)
        };
        draw(&frame, style)
    }
}

/// Made-up curves of one run, or of three.
fn figure(several: bool, style: &Style) -> Image {
    let steps: Vec<f64> = (0..=40).map(|k| f64::from(k) * 5.0).collect();
    let decay = |rate: f64, floor: f64| -> Vec<f64> {
        let wave = |k: usize| (0.12 * (7.0 * k as f64 + 90.0 * rate).sin()).exp();
        let fall = |s: f64| 0.9 * (-s * rate).exp() + floor;
        steps
            .iter()
            .enumerate()
            .map(|(k, s)| fall(*s) * wave(k))
            .collect()
    };
    let [flow, distill, adversarial] = [decay(0.07, 0.0032), decay(0.05, 0.006), decay(0.03, 0.05)];
    let mut mmd = decay(0.06, 0.0);
    for v in mmd.iter_mut().skip(24).step_by(2) {
        *v = -1e-5;
    }
    let mut speed = decay(0.02, 0.01);
    speed[12] = f64::NAN;
    let share: Vec<f64> = steps
        .iter()
        .map(|s| 0.99 - 0.98 * (-s * 0.03).exp())
        .collect();
    let curve = |label, values, converged_at| Curve {
        label,
        steps: &steps,
        values,
        theory: &[],
        converged_at,
        wide: false,
    };
    let chart = |name, floor, logarithmic, curves| Chart {
        name,
        note: "",
        floor,
        logarithmic,
        curves,
    };
    let floor = |median: f64, q95: f64| Some(FloorLine { median, q95 });
    let count = if several { 3 } else { 1 };
    let energy = [
        curve("flow", &flow, Some(85.0)),
        curve("distill", &distill, Some(110.0)),
        curve("adversarial", &adversarial, None),
    ];
    let mmd = [
        curve("flow", &mmd, Some(115.0)),
        curve("distill", &distill, None),
        curve("adversarial", &adversarial, None),
    ];
    let (share, speed) = ([curve("flow", &share, None)], [curve("flow", &speed, None)]);
    let charts = [
        chart(
            "energy distance",
            floor(0.0033, 0.0053),
            true,
            &energy[..count],
        ),
        chart("MMD²", floor(1e-4, 4e-4), true, &mmd[..count]),
        chart("high-quality share", None, false, &share),
        chart("rms speed", None, true, &speed),
    ];
    let title = "Ring of eight Gaussians";
    let charts = &charts[..4 - usize::from(several)];
    curves(
        &Figure {
            across: "step",
            main: 0,
            note: "",
            title,
            charts,
        },
        style,
    )
}

/// Several panels, with all that may be too long or too large.
fn panels(act: &Act, count: usize, style: &Style) -> Image {
    let mut clouds: Vec<Cloud> = (0..count)
        .map(|k| act.cloud(0.9 - 0.2 * k as f64))
        .collect();
    for (k, mut row) in clouds[0].rows_mut().into_iter().enumerate() {
        match k % 40 {
            0 => row[0] = f64::NAN,
            1 => row[1] = 1e9,
            _ => {}
        }
    }
    let field = act.field(0.6);
    let names = [
        "flow",
        "distill",
        "adversarial with a name that is so long that it cannot fit",
        "h = exp",
        "5",
    ];
    let long = "every one of a great many measures tells it from the target, and so on, without an end in sight";
    let panels: Vec<Panel> = (0..count)
        .map(|k| Panel {
            name: if count > 1 { names[k] } else { "" },
            particles: clouds[k].view(),
            past: &[],
            threads: None,
            births: &[],
            shares: &[],
            colours: &act.colours,
            target: act.target.view(),
            field: (k != 1).then_some(&field),
            profile: None,
            headline: Some(Headline {
                words: [long; 3],
                arrived: k == 3,
                since: None,
            }),
            note: if k == 0 {
                "diverged at step 41: particle 17 left the plane, ∇ log r = 1e300"
            } else {
                ""
            },
            diverged: k == 0,
            longest: None,
        })
        .collect();
    let frame = Frame {
        title: "A title that somebody wrote without a thought for those who would have to put it on a slide, ε ≤ λ₂",
        step: 100_000,
        steps: 1_000_000,
        time: 1.23e-12,
        view: act.view,
        longest: 0.5,
        strip: None,
        panels: &panels,
    };
    draw(&frame, style)
}

/// Writes pictures to look at: `cargo test --release --test render gallery -- --ignored --nocapture`.
#[test]
#[ignore = "writes pictures for human eyes"]
#[expect(clippy::too_many_lines, reason = "a list of pictures")]
fn gallery() {
    let folder = std::env::temp_dir().join("ratioflow-gallery");
    std::fs::create_dir_all(&folder).unwrap();
    let save = |name: &str, bytes: &[u8]| {
        println!("{name}: {} kB", bytes.len() / 1000);
        std::fs::write(folder.join(name), bytes).unwrap();
    };
    let act = Act::new(2000, 4000);
    for (label, scale) in [("1x", 1.0), ("2x", 2.0)] {
        let style = Style {
            scale,
            ..Style::default()
        };
        for (k, t) in [0.0, 0.35, 0.6, 1.0].into_iter().enumerate() {
            save(
                &format!("frame{k}-{label}.png"),
                &act.image(t, &style).png(),
            );
        }
        save(&format!("curves-{label}.png"), &figure(false, &style).png());
        save(&format!("compare-{label}.png"), &figure(true, &style).png());
    }
    let dark = Style {
        theme: Theme::Dark,
        ..Style::default()
    };
    let night = Act {
        colours: origin::colours(act.start.view(), Theme::Dark),
        ..Act::new(2000, 4000)
    };
    save("dark.png", &night.image(0.45, &dark).png());
    save("dark-curves.png", &figure(true, &dark).png());
    for (count, name) in [(1, "wide"), (2, "two"), (3, "three"), (5, "five")] {
        save(
            &format!("{name}.png"),
            &panels(&act, count, &Style::default()).png(),
        );
    }
    save(
        "three-2x.png",
        &panels(
            &act,
            3,
            &Style {
                scale: 2.0,
                ..Style::default()
            },
        )
        .png(),
    );
    save(
        "narrow.png",
        &panels(
            &act,
            1,
            &Style {
                width: Some(360.0),
                ..Style::default()
            },
        )
        .png(),
    );
    let crowd = Act::new(400_000, 100_000);
    for t in [0.0, 0.5, 1.0] {
        save(
            &format!("crowd-{t}.png"),
            &crowd.image(t, &Style::default()).png(),
        );
    }
    save(
        "few.png",
        &Act::new(60, 100).image(0.5, &Style::default()).png(),
    );
    save(
        "many.png",
        &Act::new(15_000, 20_000).image(0.5, &Style::default()).png(),
    );
    let reel = film(
        100,
        |k| act.image(k as f64 / 99.0, &Style::default()),
        Pace::default(),
        false,
    );
    save("animation.png", &reel.animation);
}

/// Measures: `cargo test --release --test render speed -- --ignored --nocapture`.
#[test]
#[ignore = "measures time, which depends on the machine"]
fn speed() {
    let act = Act::new(2000, 2000);
    let (field, cloud) = (act.field(0.3), act.cloud(0.3));
    let panels = [act.panel(&cloud, Some(&field))];
    let best = (0..300)
        .map(|_| {
            let clock = Instant::now();
            let image = draw(&act.frame(&panels), &Style::default());
            assert_eq!(image.width(), 720);
            clock.elapsed()
        })
        .min();
    let images: Vec<Image> = (0..100)
        .map(|k| act.image(f64::from(k) / 99.0, &Style::default()))
        .collect();
    let clock = Instant::now();
    let reel = film(100, |k| images[k].clone(), Pace::default(), false);
    let bytes = reel.animation.len() / 1000;
    println!(
        "a frame {best:?}; 100 frames encoded in {:?}, {bytes} kB",
        clock.elapsed()
    );
}

/// A single particle, or what the test makes of it, and nothing else.
const BARE: Style = Style {
    theme: Theme::Light,
    scale: 1.0,
    width: None,
    show: Show {
        target: false,
        particles: true,
        trails: false,
        field: false,
        arrows: false,
        formula: false,
        phases: false,
    },
};

/// The unit square, widened to what a panel may be.
const UNIT: View = View {
    x: [-1.0, 1.0],
    y: [-0.9, 0.9],
};

fn bare<'a>(particles: &'a Cloud, nothing: &'a Cloud) -> Panel<'a> {
    Panel {
        name: "",
        particles: particles.view(),
        past: &[],
        threads: None,
        births: &[],
        shares: &[],
        colours: &[],
        target: nothing.view(),
        field: None,
        profile: None,
        headline: None,
        note: "",
        diverged: false,
        longest: None,
    }
}

fn still<'a, 'p>(view: View, panels: &'a [Panel<'p>]) -> Frame<'a, 'p> {
    Frame {
        title: "",
        step: 0,
        steps: 0,
        time: 0.0,
        view,
        longest: 0.5,
        strip: None,
        panels,
    }
}

/// Centre of all differences between two pictures of one size, in device pixels, and how much there is.
fn difference(a: &Image, b: &Image) -> ([f64; 2], f64) {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let (mut sum, mut weight) = ([0.0; 2], 0.0);
    for y in 0..a.height() {
        for x in 0..a.width() {
            let (p, q) = (a.at(x, y), b.at(x, y));
            let gap = f64::from(p.r.abs_diff(q.r))
                + f64::from(p.g.abs_diff(q.g))
                + f64::from(p.b.abs_diff(q.b));
            sum[0] += gap * (f64::from(x) + 0.5);
            sum[1] += gap * (f64::from(y) + 0.5);
            weight += gap;
        }
    }
    (sum.map(|s| s / weight.max(1e-9)), weight)
}

#[test]
fn a_particle_moves_by_fractions_of_a_pixel() {
    let nothing = Cloud::zeros((0, 2));
    for scale in [1.0, 2.0] {
        let style = Style { scale, ..BARE };
        let empty = draw(&still(UNIT, &[bare(&nothing, &nothing)]), &style);
        let place = |x: f64, y: f64| {
            let cloud = ndarray::array![[x, y]];
            difference(
                &draw(&still(UNIT, &[bare(&cloud, &nothing)]), &style),
                &empty,
            )
            .0
        };
        // The plot is 640 logical pixels wide and shows two units.
        let unit = 320.0 * scale;
        let home = place(0.0, 0.0);
        for [dx, dy] in [[0.3, 0.0], [0.0, 0.25], [0.7, -0.4], [100.5, 33.25]] {
            let there = place(dx / unit, dy / unit);
            assert!(
                (there[0] - home[0] - dx).abs() < 0.06,
                "{dx}: {home:?} {there:?}"
            );
            assert!(
                (there[1] - home[1] + dy).abs() < 0.06,
                "{dy}: {home:?} {there:?}"
            );
        }
    }
}

#[test]
fn many_points_are_shaded_where_they_are() {
    let nothing = Cloud::zeros((0, 2));
    let empty = draw(&still(UNIT, &[bare(&nothing, &nothing)]), &BARE);
    let centre = |count: usize| {
        let cloud = Cloud::from_shape_fn((count, 2), |(k, axis)| {
            0.2 + 0.05 * ((k * (7 + 4 * axis)) as f64).sin()
        });
        difference(
            &draw(&still(UNIT, &[bare(&cloud, &nothing)]), &BARE),
            &empty,
        )
        .0
    };
    let (dots, shade) = (centre(20_000), centre(20_001));
    for axis in 0..2 {
        assert!((dots[axis] - shade[axis]).abs() < 1.0, "{dots:?} {shade:?}");
    }
}

#[test]
fn words_are_drawn_and_kept_to_their_places() {
    let nothing = Cloud::zeros((0, 2));
    let panel = bare(&nothing, &nothing);
    let picture = |title: &str, step: u64, time: f64, panel: Panel| {
        let panels = [panel];
        let frame = Frame {
            title,
            step,
            steps: 200_000,
            time,
            ..still(UNIT, &panels)
        };
        draw(&frame, &BARE)
    };
    let plain = picture("", 0, 0.0, panel);
    let long = "ε ∇ log r ".repeat(40);
    let headline = Headline {
        words: [&long; 3],
        arrived: false,
        since: None,
    };
    for (what, image) in [
        ("title", picture("A title", 0, 0.0, panel)),
        ("long title", picture(&long, 0, 0.0, panel)),
        ("step", picture("", 100_000, 0.0, panel)),
        ("time", picture("", 0, 1.23e-12, panel)),
        ("time that is not a number", picture("", 0, f64::NAN, panel)),
        (
            "headline",
            picture(
                "",
                0,
                0.0,
                Panel {
                    headline: Some(headline),
                    ..panel
                },
            ),
        ),
        (
            "note",
            picture(
                "",
                0,
                0.0,
                Panel {
                    note: &long,
                    diverged: false,
                    longest: None,
                    ..panel
                },
            ),
        ),
    ] {
        let ([_, y], ink) = difference(&image, &plain);
        assert!(ink > 1000.0, "the {what} is missing");
        assert!(y < 160.0, "the {what} is at {y}");
        for y in 0..image.height() {
            for x in [0, image.width() - 1] {
                assert_eq!(
                    image.at(x, y),
                    plain.at(x, y),
                    "the {what} runs out of the picture"
                );
            }
        }
    }
    // A long title ends before the step begins.
    let titled = picture(&long, 100_000, 0.0, panel);
    let untitled = picture("", 100_000, 0.0, panel);
    let head = |image: &Image, x: u32| (0..50).any(|y| image.at(x, y) != plain.at(x, y));
    let start = (300..720).find(|&x| head(&untitled, x)).unwrap();
    let gap = (start - 20..start - 1).all(|x| !head(&titled, x));
    assert!(gap, "the title runs into the step");
}

#[test]
fn twice_the_scale_is_the_same_picture_sharper() {
    let act = Act::new(300, 300);
    let (once, twice) = (
        act.image(0.4, &Style::default()),
        act.image(
            0.4,
            &Style {
                scale: 2.0,
                ..Style::default()
            },
        ),
    );
    assert_eq!(
        [2 * once.width(), 2 * once.height()],
        [twice.width(), twice.height()]
    );
    let mut gap = 0.0;
    for y in 0..once.height() {
        for x in 0..once.width() {
            let four = [(0, 0), (1, 0), (0, 1), (1, 1)]
                .map(|(i, j)| f64::from(twice.at(2 * x + i, 2 * y + j).g));
            gap += (four.iter().sum::<f64>() / 4.0 - f64::from(once.at(x, y).g)).abs();
        }
    }
    let mean = gap / f64::from(once.width() * once.height());
    assert!(mean < 1.5, "they differ by {mean} levels");
}

#[test]
fn the_field_is_the_right_way_up_and_in_the_right_band() {
    let view = UNIT.sane();
    let lattice = Lattice::new(view, 20);
    let nothing = Cloud::zeros((0, 2));
    let style = Style {
        show: Show {
            field: true,
            ..BARE.show
        },
        ..BARE
    };
    let colours = |log: &dyn Fn(f64, f64) -> f64| {
        let points = lattice.points();
        let log = points.rows().into_iter().map(|p| log(p[0], p[1])).collect();
        let field = FieldGrid::new(lattice, &log, Cloud::zeros(points.dim()));
        let panel = Panel {
            field: Some(&field),
            profile: None,
            ..bare(&nothing, &nothing)
        };
        let image = draw(&still(view, &[panel]), &style);
        [
            image.at(200, 150),
            image.at(500, 150),
            image.at(200, 600),
            image.at(500, 600),
        ]
    };
    let blue = |c: Colour| c.b > c.r;
    assert_eq!(
        colours(&|_, y| 9.0 * y).map(blue),
        [true, true, false, false]
    );
    assert_eq!(
        colours(&|x, _| 9.0 * x).map(blue),
        [false, true, false, true]
    );
    // Within a factor of 1.03, between 2 and 10, and beyond 10, on either side.
    let flat = |factor: f64| {
        let [a, rest @ ..] = colours(&|_, _| f64::ln(factor));
        assert_eq!(rest, [a; 3]);
        a
    };
    assert_eq!(flat(1.02), flat(1.0 / 1.02));
    assert_eq!(flat(2.1), flat(9.9));
    assert_eq!(flat(11.0), flat(f64::INFINITY));
    assert_eq!(flat(f64::NAN), flat(1.0));
    assert_ne!(flat(1.9), flat(2.1));
    assert_ne!(flat(2.1), flat(1.0 / 2.1));
}

#[test]
fn arrows_point_where_the_velocity_goes() {
    let view = UNIT.sane();
    let lattice = Lattice::new(view, 20);
    let nothing = Cloud::zeros((0, 2));
    let style = Style {
        show: Show {
            arrows: true,
            ..BARE.show
        },
        ..BARE
    };
    let image = |velocity: [f64; 2]| {
        let cloud = Cloud::from_shape_fn(lattice.points().dim(), |(_, axis)| velocity[axis]);
        let field = FieldGrid::new(lattice, &ndarray::Array1::zeros(cloud.nrows()), cloud);
        let panel = Panel {
            field: Some(&field),
            profile: None,
            ..bare(&nothing, &nothing)
        };
        draw(&still(view, &[panel]), &style)
    };
    let rest = image([0.0, 0.0]);
    let ([right, _], ink) = difference(&image([1.0, 0.0]), &rest);
    let ([left, _], _) = difference(&image([-1.0, 0.0]), &rest);
    let ([_, up], _) = difference(&image([0.0, 1.0]), &rest);
    let ([_, down], _) = difference(&image([0.0, -1.0]), &rest);
    assert!(
        ink > 0.0 && right > left + 1.0 && up < down - 1.0,
        "the heads are on the wrong side"
    );
    let (_, slow) = difference(&image([0.3, 0.0]), &rest);
    assert!(slow < 0.8 * ink, "a slow arrow is as long as a fast one");
    assert_eq!(difference(&image([f64::NAN, 1.0]), &rest).1, 0.0);
}

#[test]
fn a_cloud_on_the_line_is_drawn_by_its_curves() {
    let places: Vec<f64> = (0..101).map(|k| -5.0 + 0.1 * f64::from(k)).collect();
    let bell = |at: f64| -> Vec<f64> {
        let wave = |x: &f64| (-0.5 * (x - at).powi(2)).exp() / std::f64::consts::TAU.sqrt();
        places.iter().map(wave).collect()
    };
    let (target, cloud) = (bell(0.0), bell(2.0));
    let points = ndarray::Array2::from_shape_fn((200, 2), |(k, axis)| match axis {
        0 => 1.0 + 0.01 * k as f64,
        _ => 0.0,
    });
    let act = Act::new(200, 100);
    let view = View {
        x: [-5.0, 5.0],
        y: [-2.5, 2.5],
    };
    let moments = [(0, points.view()), (5, points.view())];
    let image = |cloud: &[f64], theme: Theme| {
        let truth: Vec<f64> = target
            .iter()
            .zip(cloud)
            .map(|(p, q)| (p / q).ln())
            .collect();
        let panel = Panel {
            particles: points.view(),
            births: &[],
            profile: Some(Profile {
                places: &places,
                target: &target,
                cloud,
                truth: &truth,
                closed: false,
                top: 0.5,
                moments: &moments,
                births: &[],
                steps: 10,
            }),
            ..act.panel(&points, None)
        };
        let frame = Frame {
            title: "line",
            step: 5,
            steps: 10,
            time: 1.0,
            view,
            longest: 0.5,
            strip: None,
            panels: &[panel],
        };
        let style = Style {
            theme,
            ..Style::default()
        };
        assert!(draw_svg(&frame, &style).contains("<path"));
        draw(&frame, &style)
    };
    for theme in [Theme::Light, Theme::Dark] {
        let drawn = image(&cloud, theme);
        assert_eq!(drawn, image(&cloud, theme));
        assert_ne!(
            drawn,
            image(&bell(1.0), theme),
            "the cloud's curve is not there"
        );
        // A density with a pole leaves the picture through its top, and no number is no line.
        let mut wild = cloud.clone();
        (wild[40], wild[50]) = (1e9, f64::NAN);
        let wild = image(&wild, theme);
        assert_eq!(
            (wild.width(), wild.height()),
            (drawn.width(), drawn.height())
        );
    }
}

#[test]
fn panels_share_their_axes() {
    let act = Act::new(200, 100);
    let cloud = act.cloud(0.5);
    let lattice = Lattice::new(act.view, 8);
    let points = lattice.points();
    let zero = Array1::zeros(points.nrows());
    let field = FieldGrid::new(lattice, &zero, Cloud::zeros(points.raw_dim()));
    let panel = act.panel(&cloud, Some(&field));
    let panels = [
        Panel {
            name: "one",
            ..panel
        },
        Panel {
            name: "two",
            ..panel
        },
        Panel {
            name: "three",
            ..panel
        },
        Panel {
            name: "four",
            ..panel
        },
        Panel {
            name: "five",
            ..panel
        },
    ];
    // Four stand in a square, which is narrower than three in a row; seven as four and three, ten as twice five.
    let four = draw(&act.frame(&panels[..4]), &Style::default());
    for (count, width, rows) in [(7, 1720, 2), (9, 1400, 3), (10, 1900, 2), (11, 1720, 3)] {
        let all = vec![panel; count];
        let image = draw(&act.frame(&all), &Style::default());
        assert_eq!(image.width(), width, "{count} panels");
        // As many bands of rows in which something is drawn down the middle, where a shorter row stands too.
        let x = image.width() / 2 - 150;
        let ink = |y: u32| (x..x + 60).all(|x| image.at(x, y) != Colour::hex(0xff_ffff));
        let below = (100..image.height() - 90).filter(|&y| ink(y) && !ink(y - 1));
        assert_eq!(below.count(), rows, "{count} panels");
    }
    let image = draw(&act.frame(&panels), &Style::default());
    assert_eq!([four.width(), image.width()], [1080, 1400]);
    // Where a panel starts: the first column and row of its frame.
    let paper = Colour::hex(0xff_ffff);
    let inside = |x: u32, y: u32| image.at(x, y) != paper;
    let middle = 300;
    let lefts: Vec<u32> = (1..image.width())
        .filter(|&x| {
            inside(x, middle)
                && !inside(x - 1, middle)
                && (0..200).all(|k| inside((x + k).min(image.width() - 1), middle))
        })
        .collect();
    assert_eq!(lefts.len(), 3, "{lefts:?}");
    let mut checked = 0;
    for y in 125..480 {
        for x in 0..400 {
            let first = image.at(lefts[0] + 5 + x, y);
            for left in &lefts[1..] {
                let other = image.at(left + 5 + x, y);
                let gap = first.r.abs_diff(other.r).max(first.g.abs_diff(other.g));
                assert!(
                    gap.max(first.b.abs_diff(other.b)) <= 3,
                    "{first:?} {other:?} at {x}, {y}"
                );
            }
            checked += u32::from(first.r.abs_diff(first.b) > 40);
        }
    }
    assert!(checked > 500, "no particles were compared");
}

#[test]
fn nothing_breaks_a_picture() {
    let act = Act::new(50, 20);
    let odd = ndarray::array![
        [f64::NAN, 0.0],
        [f64::INFINITY, f64::NEG_INFINITY],
        [1e300, -1e300],
        [0.0, f64::NAN],
        [0.5, 0.5],
    ];
    let nothing = Cloud::zeros((0, 2));
    let lattice = Lattice::new(UNIT, 8);
    let log = odd.column(0).to_owned();
    let field = FieldGrid::new(lattice, &log, odd.clone());
    let views = [
        UNIT,
        View {
            x: [0.0, 0.0],
            y: [0.0, 0.0],
        },
        View {
            x: [f64::NAN, 1.0],
            y: [0.0, f64::INFINITY],
        },
        View {
            x: [1.0, -1.0],
            y: [5.0, 2.0],
        },
        View {
            x: [1e300, 1e301],
            y: [-1e-300, 1e-300],
        },
        View {
            x: [1e6, 1e6 + 1e-4],
            y: [0.0, 1.0],
        },
        View::around(&[]),
        View::around(&[nothing.view(), odd.view()]),
        View::around(&[ndarray::array![[3.0, 4.0]].view()]),
    ];
    for view in views {
        for longest in [0.0, f64::NAN, f64::INFINITY, -1.0, 1e-300] {
            let panels = [
                Panel {
                    field: Some(&field),
                    profile: None,
                    target: odd.view(),
                    ..bare(&odd, &nothing)
                },
                bare(&nothing, &nothing),
            ];
            let image = draw(
                &Frame {
                    longest,
                    strip: None,
                    ..still(view, &panels)
                },
                &Style::default(),
            );
            assert_eq!(image.width(), 1080);
        }
    }
    let none = draw(&still(UNIT, &[]), &Style::default());
    assert_eq!(none.width(), 720);
    for (scale, width) in [
        (f64::NAN, Some(f64::NAN)),
        (0.0, Some(0.0)),
        (1e9, Some(1e9)),
        (-3.0, Some(-3.0)),
    ] {
        let image = draw(
            &act.frame(&[]),
            &Style {
                scale,
                width,
                ..Style::default()
            },
        );
        assert!(u64::from(image.width()) * u64::from(image.height()) < 140_000_000);
    }
}

#[test]
fn what_cannot_be_seen_is_told() {
    let nothing = Cloud::zeros((0, 2));
    let told = |cloud: &Cloud| {
        let here = draw(&still(UNIT, &[bare(cloud, &nothing)]), &BARE);
        difference(
            &here,
            &draw(&still(UNIT, &[bare(&nothing, &nothing)]), &BARE),
        )
        .1 > 0.0
    };
    assert!(
        told(&ndarray::array![[5.0, 0.0]]),
        "a particle outside goes unmentioned"
    );
    assert!(
        told(&ndarray::array![[f64::NAN, 0.0]]),
        "a particle without a place goes unmentioned"
    );
    // Dots outside their panel do not spill over its border, even from its edge.
    let edge = ndarray::array![[1.0, 0.0], [-1.0, 0.9]];
    let image = draw(&still(UNIT, &[bare(&edge, &nothing)]), &BARE);
    let empty = draw(&still(UNIT, &[bare(&nothing, &nothing)]), &BARE);
    for y in 0..image.height() {
        for x in (0..45).chain(687..720) {
            assert_eq!(image.at(x, y), empty.at(x, y));
        }
    }
}

/// Where one colour covers a plot of the unit view, the one at this place in it.
fn colour_at(image: &Image, [x, y]: [f64; 2]) -> Colour {
    // The plot is 640 pixels wide, from the 46th on; below it are the labels and the key.
    let top = image.height() - 104 - 576 + (576.0 * (1.0 - (y + 0.9) / 1.8)) as u32;
    image.at(46 + (640.0 * (x + 1.0) / 2.0) as u32, top)
}

/// Grey is where the ratio is one, and bare paper where nobody is.
#[test]
fn no_band_and_the_neutral_band_are_two_things() {
    let nothing = Cloud::zeros((0, 2));
    let cloud = Cloud::from_shape_fn((400, 2), |(k, axis)| {
        let place = [k % 20, k / 20][axis] as f64;
        -0.9 + 0.3 * place / 19.0
    });
    let lattice = Lattice::new(UNIT, 64);
    let points = lattice.points();
    let zero = Array1::zeros(points.nrows());
    let gauge = Gauge {
        scale: 0.1,
        ..Gauge::PLAIN
    };
    let field = FieldGrid::new(lattice, &zero, Cloud::zeros(points.raw_dim()));
    let field = field.gauged(gauge, [nothing.view(), cloud.view()]);
    for theme in [Theme::Light, Theme::Dark] {
        let show = Show {
            particles: false,
            field: true,
            ..BARE.show
        };
        let style = Style {
            theme,
            show,
            ..BARE
        };
        let panel = Panel {
            field: Some(&field),
            ..bare(&cloud, &nothing)
        };
        let image = draw(&still(UNIT, &[panel]), &style);
        let [near, far] = [[-0.75, -0.75], [0.6, 0.5]].map(|place| colour_at(&image, place));
        let paper = image.at(0, 0);
        assert_eq!(far, paper, "{theme:?}: far from all");
        assert_ne!(near, paper, "{theme:?}: where the ratio is one");
    }
}

/// Of three samples under a thousand particles nothing would be seen; they lie above.
#[test]
fn a_few_samples_lie_above_many_particles() {
    let act = Act::new(2000, 4);
    let few = ndarray::array![[0.0, 0.0], [0.3, 0.2], [-0.4, 0.1]];
    let crowd = Cloud::from_elem((1000, 2), 0.0);
    let show = Show {
        target: true,
        ..BARE.show
    };
    let style = Style { show, ..BARE };
    let image = |target: &Cloud, particles: &Cloud| {
        let panel = Panel {
            target: target.view(),
            ..bare(particles, &act.target)
        };
        // On the ring of a sample in the middle.
        colour_at(&draw(&still(UNIT, &[panel]), &style), [4.0 / 320.0, 0.0])
    };
    let none = Cloud::zeros((0, 2));
    let covered = image(&Cloud::from_elem((2000, 2), 0.0), &crowd);
    assert_eq!(covered, image(&none, &crowd), "many samples lie below");
    assert_ne!(image(&few, &crowd), covered, "few lie above, as rings");
}

/// What is left of a run that failed beside others is greyed, and says why.
#[test]
fn a_failed_panel_is_greyed_and_says_so() {
    let nothing = Cloud::zeros((0, 2));
    let cloud = Cloud::zeros((1, 2));
    let panel = |diverged| Panel {
        name: "wild",
        note: "diverged at step 41",
        diverged,
        ..bare(&cloud, &nothing)
    };
    let [well, failed] = [false, true].map(|diverged| {
        let image = draw(&still(UNIT, &[panel(diverged)]), &BARE);
        let ink = |pixel: Colour| {
            765 - [pixel.r, pixel.g, pixel.b]
                .map(u32::from)
                .iter()
                .sum::<u32>()
        };
        // The particle stands just above the words.
        (0..image.height())
            .map(|y| ink(image.at(366, y)))
            .sum::<u32>()
    });
    assert_ne!(well, failed);
}

/// The closed form is dashes over the curve, and named in the key.
#[test]
fn a_closed_form_is_drawn_over_its_curve() {
    let (steps, values, theory) = ([0.0, 1.0, 2.0], [1.0, 0.5, 0.2], [1.0, 0.45, 0.25]);
    let text = |theory: &[f64]| {
        let curve = Curve {
            label: "measured",
            steps: &steps,
            values: &values,
            theory,
            converged_at: None,
            wide: false,
        };
        let chart = Chart {
            name: "KL",
            note: "",
            floor: None,
            logarithmic: false,
            curves: &[curve],
        };
        let figure = Figure {
            title: "",
            across: "step",
            charts: &[chart],
            note: "",
            main: 0,
        };
        curves_svg(&figure, &Style::default())
    };
    let dashes = |theory: &[f64]| text(theory).matches("stroke-dasharray").count();
    // Over the curve, and in the key.
    assert_eq!(dashes(&theory), dashes(&[]) + 2);
}

#[test]
fn a_view_shows_everything_that_counts_with_equal_units() {
    let mut cloud = Act::new(5000, 10).start;
    cloud[(0, 0)] = 1e9;
    cloud[(1, 1)] = f64::NAN;
    let view = View::around(&[cloud.view()]);
    let inside = cloud
        .rows()
        .into_iter()
        .filter(|p| view.contains(p[0], p[1]))
        .count();
    assert!(
        view.width() < 20.0 && inside > 4970,
        "{view:?} shows {inside}"
    );
    let flat = View::around(&[ndarray::array![[-6.0, 0.0], [6.0, 0.0]].view()]);
    assert!(flat.contains(-6.0, 0.0) && flat.contains(6.0, 0.0));
    assert!((flat.height() / flat.width() - 0.5).abs() < 1e-12);
    assert_eq!(flat.sane(), flat);
}

/// The frame follows the target where the cloud begins around it, and shows the way where it does not; whatever unit, origin and order.
#[test]
fn a_view_of_a_flow_follows_what_matters() {
    let mut rng = ChaCha8Rng::seed_from_u64(2702);
    let mut cloud = |centre: [f64; 2], sd: f64, count: usize| {
        Cloud::from_shape_fn((count, 2), |(_, axis)| {
            centre[axis] + sd * rng.sample::<f64, _>(StandardNormal)
        })
    };
    for (unit, origin) in [
        (1.0, [0.0, 0.0]),
        (1e-9, [2e-9, 1e-9]),
        (10.0, [3.5e6, 5.8e6]),
    ] {
        let at = |x: f64, y: f64| [origin[0] + unit * x, origin[1] + unit * y];
        let target = cloud(at(0.0, 0.0), 0.4 * unit, 2000);
        let (narrow, wide) = (
            cloud(at(0.0, 0.0), 0.3 * unit, 2000),
            cloud(at(0.2, 0.0), 3.0 * unit, 2000),
        );
        let far = cloud(at(9.0, 0.0), 0.5 * unit, 2000);
        let own = View::around(&[target.view()]);
        let share = |view: View| own.width() / view.width();
        let flow = |start: &Cloud| View::of_flow(start.view(), target.view());
        assert_eq!(flow(&narrow), View::around(&[narrow.view(), target.view()]));
        assert!(
            (0.45..0.75).contains(&share(flow(&wide))),
            "{:?}",
            flow(&wide)
        );
        assert!(View::around(&[wide.view(), target.view()]).width() > 2.0 * flow(&wide).width());
        assert_eq!(flow(&far), View::around(&[far.view(), target.view()]));
        let mut turned = wide.clone();
        turned.invert_axis(ndarray::Axis(0));
        assert_eq!(flow(&turned), flow(&wide));
    }
}

/// A field asked for in one view is drawn in another where the two meet: the same place has the same colour.
#[test]
fn a_field_is_drawn_in_any_view() {
    let lattice = Lattice::new(UNIT, 64);
    let points = lattice.points();
    let log: Array1<f64> = points
        .rows()
        .into_iter()
        .map(|p| 3.0 * (2.0 * p[0]).sin() + p[1])
        .collect();
    let field = FieldGrid::new(lattice, &log, Cloud::zeros(points.dim()));
    let nothing = Cloud::zeros((0, 2));
    let show = Show {
        field: true,
        ..BARE.show
    };
    let image = |view: View| {
        let panel = Panel {
            field: Some(&field),
            ..bare(&nothing, &nothing)
        };
        draw(&still(view, &[panel]), &Style { show, ..BARE })
    };
    let near = View {
        x: [-0.5, 0.5],
        y: [-0.45, 0.45],
    };
    let (whole, part) = (image(UNIT), image(near));
    let middle = [366.0, 94.0 + 0.45 * 640.0];
    let mut same = 0;
    for dx in -40..40 {
        for dy in -30..30 {
            let at = |zoom: f64| {
                let place = [f64::from(dx), f64::from(dy)].map(|d| 3.0 * d * zoom);
                [middle[0] + place[0], middle[1] + place[1]].map(|v| v.round() as u32)
            };
            let ([x, y], [u, v]) = (at(1.0), at(2.0));
            same += usize::from(whole.at(x, y) == part.at(u, v));
        }
    }
    assert!(
        same > 4500,
        "{same} of 4800 places have one colour in both views"
    );
    // Beyond the lattice there is no field.
    let beside = image(View {
        x: [0.5, 2.5],
        y: [-0.9, 0.9],
    });
    assert_ne!(beside.at(60, 300), beside.at(400, 300));
    assert_eq!(beside.at(400, 300), beside.at(600, 120));
}

#[test]
fn no_two_ticks_look_alike_and_all_say_what_they_are() {
    let mut rng = ChaCha8Rng::seed_from_u64(2612);
    for _ in 0..2000 {
        let size = 10.0_f64.powf(rng.random_range(-14.0..16.0));
        let width = size * 10.0_f64.powf(rng.random_range(-12.0..0.5));
        let low = rng.random_range(-1.0..1.0) * size;
        let most = rng.random_range(2.0..9.0);
        let axis = look::ticks([low, low + width], most);
        assert!(axis.len() > 1, "{low} and {width} wide");
        for (tick, label) in &axis {
            let plain = label.replace('−', "-").replace("·10", "e");
            let figures = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻".chars().zip("0123456789-".chars());
            let plain = figures.fold(plain, |text, (from, to)| {
                text.replace(from, &to.to_string())
            });
            let read: f64 = plain.parse().unwrap();
            assert!(
                (read - tick).abs() <= 4.0 * f64::EPSILON * tick.abs(),
                "{label} at {tick}"
            );
            assert!((low - 1e-6 * width..=low + width * (1.0 + 1e-6)).contains(tick));
        }
        let mut labels: Vec<&String> = axis.iter().map(|tick| &tick.1).collect();
        labels.sort();
        labels.dedup();
        assert_eq!(labels.len(), axis.len(), "{axis:?}");
    }
}

#[test]
fn map_coordinates_are_written_out() {
    let labels = |range, most| -> Vec<String> {
        look::ticks(range, most)
            .into_iter()
            .map(|tick| tick.1)
            .collect()
    };
    assert_eq!(
        labels([3_513_999.0, 3_514_001.1], 3.0),
        ["3513999", "3514000", "3514001"]
    );
    assert_eq!(
        labels([5.8e6 + 0.4, 5.8e6 + 1.1], 2.0),
        ["5800000.5", "5800001.0"]
    );
    assert_eq!(
        labels([1e15, 1e15 + 4.0], 2.0),
        ["1000000000000000", "1000000000000002", "1000000000000004"]
    );
    assert_eq!(labels([-1e-12, 1e-12], 2.0), ["−1·10⁻¹²", "0", "1·10⁻¹²"]);
    assert_eq!(
        labels([1.2344e-7, 1.2346e-7], 2.0),
        ["1.2344·10⁻⁷", "1.2345·10⁻⁷", "1.2346·10⁻⁷"]
    );
}

/// The same cloud far from zero, or minute, is the same picture but for the numbers at its axes.
#[test]
fn far_and_minute_clouds_are_drawn_as_others_are() {
    let mut rng = ChaCha8Rng::seed_from_u64(3105);
    // Multiples of a power of two, so that none of the places is rounded.
    let cloud = Cloud::from_shape_fn((300, 2), |_| f64::from(rng.random_range(-16_i32..=16)));
    let nothing = Cloud::zeros((0, 2));
    let picture = |scale: f64, origin: [f64; 2]| {
        let moved = Cloud::from_shape_fn(cloud.dim(), |(k, axis)| {
            origin[axis] + scale * cloud[(k, axis)]
        });
        let image = draw(
            &still(View::around(&[moved.view()]), &[bare(&moved, &nothing)]),
            &BARE,
        );
        let inside = |x: &u32| *x + 500 > image.width() && *x + 40 < image.width();
        let pixels =
            (110..500).flat_map(|y| (0..image.width()).filter(inside).map(move |x| (x, y)));
        pixels
            .map(|(x, y)| image.at(x, y))
            .filter(|c| u16::from(c.r) + u16::from(c.g) + u16::from(c.b) < 600)
            .count()
    };
    let plain = picture(1.0, [0.0, 0.0]) as f64;
    assert!(plain > 2000.0, "{plain} pixels have ink");
    for (scale, origin) in [
        (1.0, [3_514_000.0, 5_812_345.0]),
        (64.0, [1e15, -1e15]),
        (2.0_f64.powi(-44), [0.0, 0.0]),
        (2.0_f64.powi(-44), [2.0_f64.powi(-10), 0.0]),
        (2.0_f64.powi(-1000), [0.0, 0.0]),
        (2.0_f64.powi(900), [0.0, 0.0]),
    ] {
        let share = picture(scale, origin) as f64 / plain;
        assert!(
            (0.6..1.8).contains(&share),
            "{scale:e} about {origin:?}: {share}"
        );
    }
}

#[test]
fn views_are_wide_enough_to_be_drawn() {
    for side in [
        [1e15, 1e15 + 1e3],
        [-1e-12, 1e-12],
        [-1e-300, 1e-300],
        [3.5e6, 3.5e6 + 1e-4],
        [-1e299, 1e299],
    ] {
        for other in [side, [0.0, 0.0], [side[0], side[0]]] {
            let view = View { x: side, y: other }.sane();
            assert!(
                view.x[0] <= side[0]
                    && view.x[1] >= side[1]
                    && view.x[1] - view.x[0] < 1.2 * (side[1] - side[0]).max(2e-13 * side[1]),
                "{view:?}"
            );
            let aspect = view.height() / view.width();
            assert!((0.49..0.91).contains(&aspect), "{view:?}");
            let again = view.sane();
            assert!(
                (again.width() / view.width() - 1.0).abs() < 0.02,
                "{view:?} and {again:?}"
            );
        }
    }
}

#[test]
fn a_lattice_covers_its_view_row_by_row() {
    let points = Lattice::new(UNIT, 21).points();
    assert_eq!(points.dim(), (21 * 19, 2));
    let corner = |k: usize| [points[(k, 0)], points[(k, 1)]];
    assert_eq!(corner(0), [-1.0, -0.9]);
    assert_eq!(corner(20), [1.0, -0.9]);
    let [x, y] = corner(points.nrows() - 1);
    assert!((x - 1.0).abs() < 1e-12 && (y - 0.9).abs() < 1e-12);
    let lattice = Lattice::new(UNIT, 21);
    let speeds = Cloud::from_shape_fn(
        points.dim(),
        |(k, axis)| if axis == 0 { k as f64 } else { 0.0 },
    );
    let field = FieldGrid::new(lattice, &Array1::zeros(399), speeds);
    assert_eq!(field.longest_move(points.view()), 390.0);
    let gauge = Gauge {
        step_size: 0.5,
        longest: 100.0,
        ..Gauge::PLAIN
    };
    let field = field.gauged(gauge, [points.view(); 2]);
    assert_eq!(field.next_move(30), Some([15.0, 0.0]));
    assert_eq!(field.next_move(398), Some([100.0, 0.0]));
    assert_eq!(field.next_move(399), None);
}

/// Four points at each of many random places, and single points: a field counts where the former are, whatever unit, origin, order and side.
#[test]
fn a_field_counts_where_somebody_is() {
    let mut rng = ChaCha8Rng::seed_from_u64(2611);
    for _ in 0..20 {
        let view = View {
            x: [-5.0, 5.0],
            y: [-4.0, 4.0],
        };
        let lattice = Lattice::new(view, 64);
        let h = rng.random_range(0.2..0.6);
        let mut place = || [rng.random_range(-4.0..0.0), rng.random_range(-3.0..3.0)];
        let crowds: Vec<[f64; 2]> = (0..3).map(|_| place()).collect();
        let cloud: Vec<[f64; 2]> = crowds.iter().flat_map(|at| [*at; 50]).collect();
        let lone: Vec<[f64; 2]> = cloud.into_iter().chain([[3.0, 0.0]]).collect();
        let lone = Cloud::from(lone);
        let weights = lattice.presence(lone.view(), h);
        let points = lattice.points();
        for (at, &weight) in points.rows().into_iter().zip(&weights) {
            let far = |p: &[f64; 2]| (p[0] - at[0]).hypot(p[1] - at[1]);
            let nearest = crowds.iter().map(far).fold(f64::INFINITY, f64::min);
            let pitch = lattice.pitch();
            if nearest < h - pitch {
                assert_eq!(weight, 1.0, "{at} beside a crowd");
            } else if nearest > 2.0 * h + pitch {
                assert!(weight < 0.05, "{weight} at {at}, where nobody or one is");
            }
        }
        // In other units, about another origin, in another order.
        let [unit, shift] = [1e-9, 3.0];
        let moved = |cloud: &Cloud| {
            let mut moved = (cloud + shift) * unit;
            moved.invert_axis(ndarray::Axis(0));
            moved
        };
        let other = Lattice::new(
            View {
                x: view.x.map(|v| (v + shift) * unit),
                y: view.y.map(|v| (v + shift) * unit),
            },
            64,
        );
        let again = other.presence(moved(&lone).view(), h * unit);
        for (a, b) in weights.iter().zip(again) {
            assert!((a - b).abs() < 1e-3, "{a} and {b}");
        }
        // Points that all stand alone are all there is: these count.
        let few = Cloud::from(vec![[-3.0, 0.0], [3.0, 0.0]]);
        let weights = lattice.presence(few.view(), 0.3);
        assert!(weights.contains(&1.0));
    }
}

/// A field that is not told apart from nothing where nobody is: no bands, no arrows.
#[test]
fn where_nobody_is_nothing_is_drawn() {
    let view = UNIT.sane();
    let lattice = Lattice::new(view, 64);
    let cloud = Cloud::from(vec![[-0.6, 0.0]; 200]);
    let points = lattice.points();
    let field = FieldGrid::new(
        lattice,
        &Array1::from_elem(points.nrows(), 9.0),
        Cloud::ones(points.dim()),
    );
    let gauge = Gauge {
        step_size: 0.1,
        scale: 0.2,
        ..Gauge::PLAIN
    };
    let field = field.gauged(gauge, [cloud.view(); 2]);
    let nothing = Cloud::zeros((0, 2));
    let image = |field| {
        let panel = Panel {
            field,
            ..bare(&nothing, &nothing)
        };
        let show = Show {
            field: true,
            arrows: true,
            ..BARE.show
        };
        draw(&still(view, &[panel]), &Style { show, ..BARE })
    };
    let (bare, drawn) = (image(None), image(Some(&field)));
    let ink = |from: u32, to: u32| {
        let places = (from..to).flat_map(|x| (110..560).map(move |y| (x, y)));
        places
            .filter(|&(x, y)| bare.at(x, y) != drawn.at(x, y))
            .count()
    };
    assert!(ink(60, 340) > 5000, "the bands are not drawn");
    assert_eq!(ink(400, 640), 0, "something is drawn where nobody is");
}

/// The arrows of a film have one scale: a move that is half as long has an arrow that is half as long.
#[test]
fn arrows_are_as_long_as_the_moves() {
    for longest in [0.7, 7.0, 3e8] {
        let factor = look::stretch(longest);
        let room = look::LOOK.arrow.longest * look::LOOK.arrow.spacing;
        assert!(factor * longest <= room * 1.001 && factor * longest > room / 2.6);
        let digits = format!("{factor:e}");
        assert!(
            ["1e", "2e", "5e"].iter().any(|d| digits.starts_with(d)),
            "{digits}"
        );
    }
    // Of moves that nobody would see nothing is made.
    for odd in [0.0, -1.0, 1e-9, 0.5, f64::NAN, f64::INFINITY] {
        assert_eq!(look::stretch(odd), 1.0);
    }
}

/// Name and data of each chunk of a PNG file.
fn chunks(bytes: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let mut rest = &bytes[8..];
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        chunks.push((rest[4..8].try_into().unwrap(), rest[8..8 + length].to_vec()));
        rest = &rest[12 + length..];
    }
    chunks
}

fn word(data: &[u8], place: usize) -> u32 {
    u32::from_be_bytes(data[place..place + 4].try_into().unwrap())
}

/// Every frame of an animation as a viewer composes it: red, green, blue, alpha.
fn play(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let (width, height) = reader.info().size();
    let count = reader.info().animation_control().unwrap().num_frames;
    let mut canvas = vec![0; (4 * width * height) as usize];
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    (0..count)
        .map(|_| {
            let info = reader.next_frame(&mut buffer).unwrap();
            let control = *reader.info().frame_control().unwrap();
            assert_eq!(info.color_type, png::ColorType::Rgba);
            for (place, pixel) in buffer[..info.buffer_size()].chunks_exact(4).enumerate() {
                if pixel[3] == 255 {
                    let [x, y] = [place as u32 % info.width, place as u32 / info.width];
                    let at = 4 * ((control.y_offset + y) * width + control.x_offset + x) as usize;
                    canvas[at..at + 4].copy_from_slice(pixel);
                }
            }
            canvas.clone()
        })
        .collect()
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

/// Nineteen frames: more than one batch, the last two equal.
fn reel(act: &Act) -> Film {
    let pace = Pace {
        frame: 40,
        last: 1200,
    };
    film(
        19,
        |k| act.image((k as f64 / 17.0).min(1.0), &Style::default()),
        pace,
        true,
    )
}

#[test]
fn an_animation_plays_the_frames_that_were_drawn() {
    let act = Act::new(150, 150);
    let film = reel(&act);
    let played = play(&film.animation);
    assert_eq!((played.len(), film.stills.len()), (19, 19));
    for (k, (played, still)) in played.iter().zip(&film.stills).enumerate() {
        assert!(
            *played == decode(still),
            "frame {k} is played otherwise than it was drawn"
        );
    }
    // The colours are those drawn, but for what no eye sees.
    let drawn = act.image(9.0 / 17.0, &Style::default());
    let total: f64 = played[9]
        .iter()
        .zip(drawn.pixels())
        .map(|(a, b)| f64::from(a.abs_diff(*b)))
        .sum();
    let mean = total / drawn.pixels().len() as f64;
    assert!(mean < 0.3, "colours are {mean} levels off");

    let chunks = chunks(&film.animation);
    let names: Vec<&[u8; 4]> = chunks.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names[..6],
        [b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"IDAT"]
    );
    assert_eq!(names.last(), Some(&b"IEND"));
    assert_eq!(
        [word(&chunks[3].1, 0), word(&chunks[3].1, 4)],
        [19, 0],
        "frames, plays"
    );
    let numbered: Vec<u32> = chunks
        .iter()
        .filter(|(name, _)| name == b"fcTL" || name == b"fdAT")
        .map(|(_, data)| word(data, 0))
        .collect();
    assert_eq!(numbered, (0..37).collect::<Vec<u32>>());
    let delays: Vec<u16> = chunks
        .iter()
        .filter(|(name, _)| name == b"fcTL")
        .map(|(_, data)| u16::from_be_bytes([data[20], data[21]]))
        .collect();
    assert_eq!(delays[..18], [40; 18]);
    assert_eq!(delays[18], 1200);
    // A frame like the one before costs next to nothing.
    let last = chunks.iter().rfind(|(name, _)| name == b"fdAT").unwrap();
    assert!(last.1.len() < 40, "{} bytes for no change", last.1.len());
}

#[test]
fn the_number_of_threads_does_not_show() {
    let act = Act::new(150, 150);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| reel(&act))
    };
    assert!(on(1) == on(3), "the bytes depend on the number of threads");
}

#[test]
fn an_animation_without_frames_is_empty() {
    let film = film(
        0,
        |_| unreachable!("no frame is asked for"),
        Pace::default(),
        true,
    );
    assert!(film.animation.is_empty() && film.stills.is_empty());
}

#[test]
fn a_still_keeps_few_colours_exactly() {
    let nothing = Cloud::zeros((0, 2));
    let image = draw(
        &still(UNIT, &[bare(&nothing, &nothing)]),
        &Style {
            show: Show {
                particles: false,
                trails: false,
                ..BARE.show
            },
            ..BARE
        },
    );
    let stored = decode(&image.png());
    let worst = stored
        .iter()
        .zip(image.pixels())
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(worst <= Some(2), "a colour is off by {worst:?}");
    let middle = 4 * (300 * image.width() as usize + 300);
    assert_eq!(
        stored[middle..middle + 4],
        image.pixels()[middle..middle + 4]
    );
}

#[test]
fn curves_are_drawn_with_gaps_and_marks() {
    let steps = [0.0, 10.0, 20.0, 30.0, 40.0];
    let image = |values: &[f64], logarithmic: bool, floor: Option<FloorLine>| {
        let curve = Curve {
            label: "flow",
            steps: &steps,
            values,
            theory: &[],
            converged_at: None,
            wide: false,
        };
        let chart = Chart {
            name: "metric",
            note: "",
            floor,
            logarithmic,
            curves: &[curve],
        };
        curves(
            &Figure {
                across: "step",
                main: 0,
                note: "",
                title: "",
                charts: &[chart],
            },
            &Style::default(),
        )
    };
    // The colour of the first curve, found at each of the five steps across the plot.
    let inked = |image: &Image| -> Vec<bool> {
        let wanted = series(0);
        (0..5)
            .map(|k| {
                let x = (66.0 + (720.0 - 66.0 - 34.0) * f64::from(k) / 4.0) as u32;
                (x.saturating_sub(12)..x + 12).any(|x| (100..480).any(|y| image.at(x, y) == wanted))
            })
            .collect()
    };
    assert_eq!(
        inked(&image(&[1.0, 0.5, 0.3, 0.2, 0.1], false, None)),
        [true; 5]
    );
    let gap = [1.0, 0.5, f64::NAN, 0.2, 0.1];
    assert_eq!(
        inked(&image(&gap, false, None)),
        [true, true, false, true, true]
    );
    let gone = [f64::NAN; 5];
    assert_eq!(inked(&image(&gone, true, None)), [false; 5]);

    let floor = Some(FloorLine {
        median: 0.05,
        q95: 0.1,
    });
    let (with, without) = (image(&gap, true, floor), image(&gap, true, None));
    assert_ne!(with, without);
    // A value at or below zero shows as a mark near the lower border, and is explained below the chart.
    let (low, none) = (
        image(&[1.0, 0.5, 0.0, 0.2, 0.1], true, None),
        image(&gap, true, None),
    );
    let x = 66.0 + (720.0 - 66.0 - 34.0) / 2.0;
    let marked = (450..500).any(|y| low.at(x as u32, y) != none.at(x as u32, y));
    assert!(marked, "zero left no mark on a logarithmic axis");
    let words = (0..low.width())
        .any(|x| (low.height() - 40..low.height()).any(|y| low.at(x, y) != none.at(x, y)));
    assert!(words, "the mark is not explained");
}

#[test]
fn nothing_breaks_a_figure() {
    let odd = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300, 1e-300];
    let steps = [0.0, 1.0, f64::NAN, 3.0, f64::INFINITY, 5.0];
    for logarithmic in [true, false] {
        for floor in [
            None,
            Some(FloorLine {
                median: f64::NAN,
                q95: -1.0,
            }),
            Some(FloorLine {
                median: 0.0,
                q95: 1e308,
            }),
        ] {
            for (steps, values) in [
                (&steps[..], &odd[..]),
                (&steps[..2], &odd[..]),
                (&[][..], &odd[..]),
                (&steps[..], &[][..]),
                (&[7.0][..], &[3.0][..]),
            ] {
                let curve = Curve {
                    label: "a label that is rather long for a label, is it not, my friend",
                    steps,
                    values,
                    theory: &[],
                    converged_at: Some(3.0),
                    wide: true,
                };
                let many = vec![curve; 9];
                let chart = Chart {
                    name: "a metric with a long name: energy distance between two clouds in the plane",
                    note: "and a note that is longer than there is room for in any chart of this figure",
                    floor,
                    logarithmic,
                    curves: &many,
                };
                let empty = Chart {
                    curves: &[],
                    ..chart
                };
                let image = curves(
                    &Figure {
                        across: "step",
                        main: 0,
                        note: "",
                        title: "t",
                        charts: &[chart, empty, chart],
                    },
                    &Style::default(),
                );
                assert_eq!(image.width(), 1080);
            }
        }
    }
    assert_eq!(
        curves(
            &Figure {
                across: "step",
                main: 0,
                note: "",
                title: "",
                charts: &[]
            },
            &Style::default()
        )
        .width(),
        720
    );
}
