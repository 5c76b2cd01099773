//! What stands above the panels of a frame, and above each: title, step, time, names, where the cloud stands.

use super::Theme;
use super::frame_parts::{Frame, Headline, Panel};
use super::layout::{Layout, RIGHT};
use crate::canvas::{Anchor, Canvas, Letters, Rect, bold, regular};
use crate::digits;

pub(super) fn head(canvas: &mut Canvas, frame: &Frame<'_, '_>, layout: &Layout, theme: Theme) {
    let right = layout.width - RIGHT;
    let left = layout.left;
    let width = right - left;
    let counted = frame.steps > 0;
    let steps = if !counted {
        String::new()
    } else if frame.step <= frame.steps {
        format!(
            "step {} of {}",
            digits::count(frame.step),
            digits::count(frame.steps)
        )
    } else {
        format!("step {}", digits::count(frame.step))
    };
    let time = if counted && frame.time.is_finite() {
        format!("time {}", digits::number(frame.time))
    } else {
        String::new()
    };
    let taken = canvas.text(
        &steps,
        [right, 40.0],
        Anchor::Right,
        regular(14.0),
        theme.ink(),
    );
    title(
        canvas,
        frame.title,
        [left - 1.0, 40.0],
        width - taken - 28.0,
        theme,
    );

    // Several panels have their headlines above each; the time then stands beside the step.
    let bar = if layout.named {
        canvas.text(
            &time,
            [right, 59.0],
            Anchor::Right,
            regular(11.5),
            theme.muted(),
        );
        66.0
    } else {
        let taken = canvas.text(
            &time,
            [right, 63.0],
            Anchor::Right,
            regular(13.0),
            theme.muted(),
        );
        if let Some(headline) = frame.panels.first().and_then(|panel| panel.headline) {
            let place = [left, 63.0];
            verdict(canvas, headline, place, width - taken - 28.0, 13.0, theme);
        }
        78.0
    };
    if !counted {
        return;
    }
    let progress = (frame.step as f64 / frame.steps as f64).min(1.0);
    let line = Rect {
        x: left,
        y: bar,
        width,
        height: 2.0,
    };
    canvas.fill_box(line, theme.faint());
    if progress > 0.0 {
        canvas.fill_box(
            Rect {
                width: width * progress,
                ..line
            },
            theme.ink(),
        );
    }
}

/// A title around the given baseline: smaller where it is long, then on two lines, and cut only where it is longer still.
pub(super) fn title(canvas: &mut Canvas, text: &str, [x, y]: [f64; 2], width: f64, theme: Theme) {
    let one_line = |letters: &Letters| letters.width(text) <= width;
    let mut line = |text: &str, y: f64, letters: Letters| {
        canvas.text(text, [x, y], Anchor::Left, letters, theme.ink());
    };
    if let Some(letters) = [20.0, 18.5, 17.0, 15.5, 14.0]
        .map(bold)
        .into_iter()
        .find(one_line)
    {
        line(text, y, letters);
    } else {
        let letters = bold(14.0);
        let (first, rest) = letters.split(text, width);
        line(first, y - 9.0, letters);
        line(&letters.fit(rest, width), y + 8.0, letters);
    }
}

/// Name and headline of one panel of several; returns the width of the name.
pub(super) fn name(canvas: &mut Canvas, panel: &Panel<'_>, plot: Rect, theme: Theme) -> f64 {
    let fits = |letters: &Letters| letters.width(panel.name) <= plot.width;
    let sizes = [14.0, 13.0, 12.0].map(bold);
    let letters = sizes.into_iter().find(fits).unwrap_or(bold(11.0));
    let text = letters.fit(panel.name, plot.width);
    let place = [plot.x, plot.y - 26.0];
    let taken = canvas.text(&text, place, Anchor::Left, letters, theme.ink());
    if let Some(headline) = panel.headline {
        verdict(
            canvas,
            headline,
            [plot.x, plot.y - 9.0],
            plot.width,
            11.5,
            theme,
        );
    }
    taken
}

/// Where the cloud stands, in as many words as there is room for.
fn verdict(
    canvas: &mut Canvas,
    headline: Headline<'_>,
    [x, y]: [f64; 2],
    width: f64,
    size: f64,
    theme: Theme,
) {
    let letters = regular(size);
    let said = headline.words.map(|words| match headline.since {
        Some(step) => format!("step {step}: {words}"),
        None => words.to_owned(),
    });
    let fits = |words: &&String| letters.width(words) <= width;
    let words = said.iter().find(fits).unwrap_or(&said[2]);
    let ink = if headline.arrived {
        theme.ink()
    } else {
        theme.muted()
    };
    canvas.text(
        &letters.fit(words, width),
        [x, y],
        Anchor::Left,
        letters,
        ink,
    );
}
