//! Behaviour of the pictures: what is drawn, and what the encoded files contain.

use std::f64::consts::TAU;

use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use ratioflow::cloud::Cloud;
use ratioflow::render::{
    Chart, Colour, Curve, Field, Figure, Floor, Frame, Headline, Image, Lattice, Pace, Panel,
    Style, Theme, View, curves, draw, film, origin,
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

    fn field(&self, t: f64) -> Field {
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
        Field::new(lattice, &log, velocity)
    }

    fn image(&self, t: f64, style: &Style) -> Image {
        let field = self.field(t);
        let cloud = self.cloud(t);
        let panel = Panel {
            name: "",
            particles: cloud.view(),
            colours: &self.colours,
            target: self.target.view(),
            field: Some(&field),
            headline: Some(Headline {
                name: "energy distance",
                value: 0.0031 + 0.8 * (1.0 - t).powi(3),
                floor: Some(Floor {
                    median: 0.0033,
                    q95: 0.0053,
                }),
            }),
            note: "",
        };
        let frame = Frame {
            title: "Ring of eight Gaussians",
            step: (t * 200.0).round() as u64,
            steps: 200,
            time: 3.21 * t,
            view: self.view,
            speed: self.field(0.3).typical_speed() / 3.0,
            panels: &[panel],
        };
        draw(&frame, style)
    }
}

fn figure(style: &Style) -> (Image, Image) {
    let steps: Vec<f64> = (0..=40).map(|k| f64::from(k) * 5.0).collect();
    let decay = |rate: f64, floor: f64| -> Vec<f64> {
        steps
            .iter()
            .enumerate()
            .map(|(k, s)| {
                let noise = 0.12 * (7.0 * k as f64 + 90.0 * rate).sin();
                ((-s * rate).exp() * 0.9 + floor) * noise.exp()
            })
            .collect()
    };
    let [a, b, c] = [decay(0.07, 0.0032), decay(0.05, 0.006), decay(0.03, 0.05)];
    let mut mmd = decay(0.06, 0.0);
    for v in mmd.iter_mut().skip(24).step_by(2) {
        *v = -1e-5;
    }
    let mut speed = decay(0.02, 0.01);
    speed[12] = f64::NAN;
    let hq: Vec<f64> = steps
        .iter()
        .map(|s| 0.99 - 0.98 * (-s * 0.03).exp())
        .collect();
    let one = |values: &'static [f64]| values;
    let _ = one;
    let floor = Some(Floor {
        median: 0.0033,
        q95: 0.0053,
    });
    fn curve<'a>(
        label: &'a str,
        steps: &'a [f64],
        values: &'a [f64],
        converged_at: Option<f64>,
    ) -> Curve<'a> {
        Curve {
            label,
            steps,
            values,
            converged_at,
        }
    }
    let single = [
        Chart {
            name: "energy distance",
            floor,
            logarithmic: true,
            curves: &[curve("flow", &steps, &a, Some(85.0))],
        },
        Chart {
            name: "MMD²",
            floor: Some(Floor {
                median: 1e-4,
                q95: 4e-4,
            }),
            logarithmic: true,
            curves: &[curve("flow", &steps, &mmd, Some(120.0))],
        },
        Chart {
            name: "high-quality share",
            floor: None,
            logarithmic: false,
            curves: &[curve("flow", &steps, &hq, None)],
        },
        Chart {
            name: "rms speed",
            floor: None,
            logarithmic: true,
            curves: &[curve("flow", &steps, &speed, None)],
        },
    ];
    let several = [
        Chart {
            name: "energy distance",
            floor,
            logarithmic: true,
            curves: &[
                curve("flow", &steps, &a, Some(85.0)),
                curve("distill", &steps, &b, Some(110.0)),
                curve("adversarial", &steps, &c, None),
            ],
        },
        Chart {
            name: "MMD²",
            floor: Some(Floor {
                median: 1e-4,
                q95: 4e-4,
            }),
            logarithmic: true,
            curves: &[
                curve("flow", &steps, &mmd, None),
                curve("distill", &steps, &b, None),
            ],
        },
        Chart {
            name: "high-quality share",
            floor: None,
            logarithmic: false,
            curves: &[curve("flow", &steps, &hq, None)],
        },
    ];
    (
        curves(
            &Figure {
                title: "Ring of eight Gaussians",
                charts: &single,
            },
            style,
        ),
        curves(
            &Figure {
                title: "Ring of eight Gaussians: three ways",
                charts: &several,
            },
            style,
        ),
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
    let values = [1.23e-12, f64::NAN, 123_456.789, 0.5, f64::INFINITY];
    let panels: Vec<Panel> = (0..count)
        .map(|k| Panel {
            name: if count > 1 { names[k] } else { "" },
            particles: clouds[k].view(),
            colours: &act.colours,
            target: act.target.view(),
            field: (k != 1).then_some(&field),
            headline: Some(Headline {
                name: "energy distance",
                value: values[k],
                floor: Some(Floor {
                    median: 3.3e-13,
                    q95: 5.3e-13,
                }),
            }),
            note: if k == 0 {
                "diverged at step 41: particle 17 left the plane, ∇ log r = 1e300"
            } else {
                ""
            },
        })
        .collect();
    let frame = Frame {
        title: "A title that somebody wrote without a thought for those who would have to put it on a slide, ε ≤ λ₂",
        step: 100_000,
        steps: 1_000_000,
        time: 1.23e-12,
        view: act.view,
        speed: act.field(0.3).typical_speed() / 3.0,
        panels: &panels,
    };
    draw(&frame, style)
}

/// Writes pictures to look at: `cargo test --release --test render gallery -- --ignored --nocapture`.
#[test]
#[ignore = "writes pictures for human eyes"]
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
        let (single, several) = figure(&style);
        save(&format!("curves-{label}.png"), &single.png());
        save(&format!("compare-curves-{label}.png"), &several.png());
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
    save("dark-curves.png", &figure(&dark).1.png());
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
    let clock = std::time::Instant::now();
    for t in [0.0, 0.5, 1.0] {
        save(
            &format!("crowd-{t}.png"),
            &crowd.image(t, &Style::default()).png(),
        );
    }
    println!("three frames of 500 000 points {:?}", clock.elapsed());
    save(
        "few.png",
        &Act::new(60, 100).image(0.5, &Style::default()).png(),
    );
    save(
        "many.png",
        &Act::new(15_000, 20_000).image(0.5, &Style::default()).png(),
    );
    let style = Style::default();
    let field = act.field(0.3);
    let _ = act.image(0.3, &style);
    let clock = std::time::Instant::now();
    let cloud = act.cloud(0.3);
    for _ in 0..20 {
        let panel = Panel {
            name: "",
            particles: cloud.view(),
            colours: &act.colours,
            target: act.target.view(),
            field: Some(&field),
            headline: None,
            note: "",
        };
        let frame = Frame {
            title: "Ring of eight Gaussians",
            step: 1,
            steps: 2,
            time: 0.1,
            view: act.view,
            speed: 1.0,
            panels: &[panel],
        };
        let _ = draw(&frame, &style);
    }
    println!("draw {:?}", clock.elapsed() / 20);
    let images: Vec<Image> = (0..100)
        .map(|k| act.image(f64::from(k) / 99.0, &style))
        .collect();
    let clock = std::time::Instant::now();
    let reel = film(100, |k| images[k].clone(), Pace::default(), false);
    println!("encode 100 frames {:?}", clock.elapsed());
    save("animation.png", &reel.animation);
}

/// `cargo test --release --test render speed -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn speed() {
    let act = Act::new(2000, 2000);
    let (field, cloud) = (act.field(0.3), act.cloud(0.3));
    let style = Style::default();
    let mut best = f64::INFINITY;
    for _ in 0..300 {
        let clock = std::time::Instant::now();
        let panel = Panel {
            name: "",
            particles: cloud.view(),
            colours: &act.colours,
            target: act.target.view(),
            field: Some(&field),
            headline: None,
            note: "",
        };
        let frame = Frame {
            title: "Ring of eight Gaussians",
            step: 1,
            steps: 2,
            time: 0.1,
            view: act.view,
            speed: 1.0,
            panels: &[panel],
        };
        let _ = draw(&frame, &style);
        best = best.min(clock.elapsed().as_secs_f64());
    }
    println!("best {:.2} ms", best * 1e3);
}
