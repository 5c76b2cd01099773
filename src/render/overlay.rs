//! Two clouds in one picture, to see what the measures say of them.

use super::Style;
use super::axes::{self, Axis};
use super::frame::{DOTS, places, shade};
use super::look::LOOK;
use super::theme::series;
use super::view::View;
use crate::canvas::{Anchor, Canvas, Disc, Rect, regular};
use crate::cloud::CloudView;
use crate::digits;
use crate::pixels::Image;

const LEFT: f64 = 60.0;
const RIGHT: f64 = 34.0;
const HEAD: f64 = 84.0;
const FOOT: f64 = 44.0;

/// Draws the second of `clouds` in grey and the first in colour above it; `names` stand below the title. Points that are not finite are not
/// drawn; stray ones may lie outside.
#[must_use]
pub fn overlay(title: &str, names: [&str; 2], clouds: [CloudView<'_>; 2], style: &Style) -> Image {
    let theme = style.theme;
    let width = style.sane_width(Style::WIDTH);
    let view = View::around(&clouds).sane();
    let across = width - LEFT - RIGHT;
    let tall = (across * view.height() / view.width()).round();
    let mut canvas = Canvas::new(width, HEAD + tall + FOOT, style.sane_scale(), theme.paper());
    let plot = Rect {
        x: LEFT,
        y: HEAD,
        width: across,
        height: tall,
    };
    canvas.title(title, [LEFT - 1.0, 40.0], across, theme.ink());

    let everywhere = canvas.clip(Rect {
        x: 0.0,
        y: 0.0,
        width: 1e5,
        height: 1e5,
    });
    let colours = [series(0), theme.target()];
    let mut x = LEFT;
    for place in 0..2 {
        let label = format!(
            "{} ({} points)",
            names[place],
            digits::count(clouds[place].nrows() as u64)
        );
        let disc = Disc {
            radius: 4.0,
            ink: colours[place].into(),
            rim: None,
        };
        canvas.disc([x + 5.0, 61.5], &disc, everywhere);
        let letters = regular(13.0);
        let label = letters.fit(&label, 0.5 * across - 40.0);
        x += 38.0 + canvas.text(&label, [x + 14.0, 66.0], Anchor::Left, letters, theme.ink());
    }

    let clip = canvas.clip(plot);
    let size = (plot.width * plot.height).sqrt();
    for place in [1, 0] {
        let (cloud, colour) = (clouds[place], colours[place]);
        let count = cloud.nrows();
        let [thick, strength] = [[0.17, 0.75], [0.155, 0.5]][place];
        if count > DOTS {
            let strongest = [0.95, 0.55][place];
            shade(&mut canvas, cloud, |_| colour, &view, plot, clip, strongest);
            continue;
        }
        let disc = Disc {
            radius: (thick * size / (count.max(1) as f64).sqrt()).clamp(0.8, 3.6),
            ink: colour.alpha(strength),
            rim: None,
        };
        for at in places(cloud, &view, plot) {
            canvas.disc(at, &disc, clip);
        }
    }
    canvas.border(plot, 1.0, theme.faint());
    let horizontal = Axis::across(view.x, plot.width, LOOK.apart[0]);
    let vertical = Axis::linear(view.y, plot.height / LOOK.apart[0]);
    axes::draw(
        &mut canvas,
        plot,
        [&horizontal, &vertical],
        theme,
        false,
        &[],
    );
    canvas.into_image()
}
