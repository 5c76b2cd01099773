//! What a picture itself does not show, in words beside it: how a run ended, who is outside, how wide the field is blurred.

use super::Style;
use super::blur;
use super::field::{Arrows, FieldGrid};
use super::frame_parts::Panel;
use super::legend::times;
use super::view::View;
use crate::canvas::{Anchor, Canvas, Rect, bold, regular};
use crate::digits::{counted, number};

/// The plot, and how much of the line above it is taken by its name.
#[derive(Clone, Copy)]
pub(super) struct Beside {
    pub(super) plot: Rect,
    pub(super) taken: f64,
    pub(super) named: bool,
    /// Few or none: because moves are short.
    pub(super) arrows: Arrows,
    /// How much longer than moves arrows are.
    pub(super) stretch: f64,
    /// Whether any panel has bands.
    pub(super) bands: bool,
}

/// Writes the remarks into the line above the plot, its name before them and h behind; those that do not fit, on the picture.
pub(super) fn draw(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    beside: Beside,
    view: &View,
    style: &Style,
) {
    let Beside {
        plot, taken, named, ..
    } = beside;
    let theme = style.theme;
    let letters = regular(11.5);
    let y = plot.y - if named { 26.0 } else { 6.0 };
    let mut free = plot.width - taken;
    if style.show.field && panel.profile.is_none() {
        let h = blur::length(panel);
        let place = [plot.right(), y];
        let width = canvas.text(&h, place, Anchor::Right, letters, theme.muted());
        free -= if width > 0.0 { width + 14.0 } else { 0.0 };
    }
    let lines = lines(panel, beside, view, style);
    if panel.diverged {
        let letters = bold(15.0);
        let middle = [plot.x + plot.width / 2.0, plot.y + plot.height / 2.0];
        let text = letters.fit(panel.note, plot.width - 12.0);
        canvas.text(&text, middle, Anchor::Centre, letters, theme.ink());
    }
    let join = |count: usize| lines[..count].join(" \u{b7} ");
    let fits = |count: &usize| letters.width(&join(*count)) + 14.0 < free;
    let above = (0..=lines.len()).rev().find(fits).unwrap_or(0);
    let joined = join(above);
    let x = if named {
        plot.x + taken + free - letters.width(&joined)
    } else {
        plot.x
    };
    canvas.text(&joined, [x, y], Anchor::Left, letters, theme.ink());
    // Below the words that say what the first part of a panel of the line is.
    let lower = if panel.profile.is_some() { 14.0 } else { 0.0 };
    for (k, line) in lines[above..].iter().enumerate() {
        let text = letters.fit(line, plot.width - 36.0);
        let y = plot.y + lower + 10.0 + 22.0 * k as f64;
        let plate = Rect {
            x: plot.x + 10.0,
            y,
            width: letters.width(&text) + 14.0,
            height: 19.0,
        };
        canvas.fill_box(plate, theme.paper().alpha(0.82));
        let place = [plate.x + 7.0, y + 13.5];
        canvas.text(&text, place, Anchor::Left, letters, theme.ink());
    }
}

/// The panel's note, particles and samples that are not in the picture, and what of the field is not.
fn lines(panel: &Panel<'_>, beside: Beside, view: &View, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    if !panel.note.is_empty() && !panel.diverged {
        lines.push(panel.note.to_owned());
    }
    for (cloud, what) in [
        (panel.particles, "particle"),
        (panel.target, "target sample"),
    ] {
        let missing = view.missing(cloud);
        let counted = |count: usize| counted(count, what);
        if missing.nowhere > 0 {
            lines.push(format!("{} not finite", counted(missing.nowhere)));
        }
        if missing.is_news(cloud.nrows()) {
            let far = if missing.far == missing.outside {
                "far "
            } else {
                ""
            };
            lines.push(format!("{} {far}outside", counted(missing.outside)));
        }
    }
    let field = panel.field.filter(|_| panel.profile.is_none());
    if let Some([.., wide]) = panel
        .clump(beside.plot, view)
        .filter(|_| style.show.particles)
    {
        lines.push(format!("95 % within {}", number(wide)));
    }
    let has_bands = field.is_none_or(FieldGrid::is_log_ratio);
    if style.show.field && beside.bands && !has_bands {
        lines.push("no log p/q".to_owned());
    }
    if field.is_some_and(FieldGrid::is_too_coarse) && style.show.field && has_bands {
        lines.push("h finer than the field recorded".to_owned());
    } else if let Some(field) = field.filter(|_| beside.arrows != Arrows::Enough && !panel.diverged)
    {
        lines.push(blur::moves(field, panel, beside.named, beside.arrows));
    } else if panel.longest.is_some() && style.show.arrows {
        lines.push(format!("arrows {}", times(beside.stretch)));
    }
    let layers = match (style.show.field, style.show.arrows) {
        (true, true) => "field and arrows",
        (true, false) => "field",
        (false, true) => "arrows",
        (false, false) => return lines,
    };
    if field.is_some_and(|field| !field.meets(view)) {
        lines.push(format!("no {} recorded here", layers.replace("and", "or")));
    } else if field.is_some_and(|field| field.falls_short_of(view)) {
        lines.push(format!("{layers} recorded within the dashes alone"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;

    use super::*;
    use crate::cloud::Cloud;
    use crate::render::Lattice;

    const UNIT: View = View {
        x: [-1.0, 1.0],
        y: [-0.9, 0.9],
    };

    /// What is said of a cloud that is its own target, with a field that is known in a view.
    fn said(cloud: &Cloud, known: View) -> Vec<String> {
        let lattice = Lattice::new(known, 16);
        let points = lattice.points();
        let zero = Array1::zeros(points.nrows());
        let field = FieldGrid::new(lattice, &zero, Cloud::zeros(points.raw_dim()));
        let panel = Panel {
            name: "",
            particles: cloud.view(),
            past: &[],
            threads: None,
            births: &[],
            shares: &[],
            colours: &[],
            target: cloud.view(),
            field: Some(&field),
            profile: None,
            headline: None,
            note: "",
            diverged: false,
            longest: None,
        };
        let beside = Beside {
            plot: Rect {
                x: 0.0,
                y: 0.0,
                width: 600.0,
                height: 540.0,
            },
            taken: 0.0,
            named: false,
            arrows: Arrows::Enough,
            stretch: 1.0,
            bands: true,
        };
        lines(&panel, beside, &UNIT, &Style::default())
    }

    #[test]
    fn one_far_away_is_told_and_one_beside_the_frame_is_not() {
        let along = |(k, axis): (usize, usize)| [k as f64 / 3000.0 - 0.5, 0.0][axis];
        let mut cloud = Cloud::from_shape_fn((3000, 2), along);
        cloud[(7, 0)] = 1.1;
        assert_eq!(said(&cloud, UNIT), [""; 0]);
        cloud[(7, 0)] = 1000.0;
        let told = ["1 particle far outside", "1 target sample far outside"];
        assert_eq!(said(&cloud, UNIT), told);
        // Then all are counted.
        cloud[(8, 0)] = 1.1;
        let told = ["2 particles outside", "2 target samples outside"];
        assert_eq!(said(&cloud, UNIT), told);
    }

    #[test]
    fn a_cloud_that_has_shrunk_to_a_dot_is_told() {
        let place = |(k, axis): (usize, usize)| 0.002 * [k as f64 / 99.0, 0.5][axis];
        let cloud = Cloud::from_shape_fn((100, 2), place);
        let told = said(&cloud, UNIT);
        assert!(told[0].starts_with("95 % within 0.0019"), "{told:?}");
    }

    #[test]
    fn a_field_that_is_not_known_everywhere_is_told() {
        let nobody = Cloud::zeros((0, 2));
        let part = View {
            x: [-0.5, 0.5],
            y: [-0.45, 0.45],
        };
        let apart = View {
            x: [5.0, 6.0],
            y: [5.0, 5.9],
        };
        let told = "field and arrows recorded within the dashes alone";
        assert_eq!(said(&nobody, part), [told]);
        assert_eq!(said(&nobody, apart), ["no field or arrows recorded here"]);
        assert_eq!(said(&nobody, UNIT), [""; 0]);
    }
}
