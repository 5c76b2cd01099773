//! Text in `DejaVu` Sans, which has every symbol we print: glyph outlines filled at sub-pixel positions.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, GlyphId, OutlineCurve, Point};
use tiny_skia::PathBuilder;

use super::shape::Ink;
use super::stamp::{Key, stamp};
use super::surface::Canvas;

/// Weight of the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    Regular,
    Bold,
}

/// Which part of a line of text is put at the given place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Left,
    Centre,
    Right,
}

/// Face and size of a line of text; the size is the em in logical pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Letters {
    pub(crate) face: Face,
    pub(crate) size: f64,
}

pub(crate) const fn regular(size: f64) -> Letters {
    Letters {
        face: Face::Regular,
        size,
    }
}

pub(crate) const fn bold(size: f64) -> Letters {
    Letters {
        face: Face::Bold,
        size,
    }
}

#[expect(clippy::expect_used, reason = "the fonts are constants")]
fn font(face: Face) -> &'static FontRef<'static> {
    static FONTS: [OnceLock<FontRef<'static>>; 2] = [OnceLock::new(), OnceLock::new()];
    let (place, bytes): (_, fn() -> &'static [u8]) = match face {
        Face::Regular => (0, dejavu::sans::regular),
        Face::Bold => (1, dejavu::sans::bold),
    };
    FONTS[place].get_or_init(|| {
        FontRef::try_from_slice(bytes()).expect("the font inside the program is a font")
    })
}

impl Letters {
    /// Logical pixels per font unit.
    fn unit(self) -> f64 {
        self.size / f64::from(font(self.face).units_per_em().unwrap_or(2048.0))
    }

    /// Calls `visit` with each glyph and its distance from the start in logical pixels; returns the width.
    fn lay_out(self, text: &str, mut visit: impl FnMut(GlyphId, f64)) -> f64 {
        let font = font(self.face);
        let unit = self.unit();
        let mut pen = 0.0;
        let mut last = None;
        for c in text.chars() {
            let glyph = font.glyph_id(if c.is_control() { ' ' } else { c });
            if let Some(last) = last {
                pen += f64::from(font.kern_unscaled(last, glyph)) * unit;
            }
            visit(glyph, pen);
            pen += f64::from(font.h_advance_unscaled(glyph)) * unit;
            last = Some(glyph);
        }
        pen
    }

    /// Width of a line of text in logical pixels.
    pub(crate) fn width(self, text: &str) -> f64 {
        self.lay_out(text, |_, _| ())
    }

    /// The longest beginning of the text that fits into `width` logical pixels and ends with a word, and the rest. A word that
    /// is longer than that is broken.
    pub(crate) fn split(self, text: &str, width: f64) -> (&str, &str) {
        let ends = text.match_indices(' ').map(|(place, _)| place);
        let ends = ends.filter(|&place| place > 0);
        let fits = |place: &usize| self.width(&text[..*place]) <= width;
        let place = if self.width(text) <= width {
            text.len()
        } else if let Some(word) = ends.take_while(fits).last() {
            word
        } else {
            let letters = text.char_indices().map(|(place, _)| place);
            letters.take_while(fits).last().unwrap_or(0)
        };
        (&text[..place], text[place..].trim_start())
    }

    /// The text, or as much of it as fits into `width` logical pixels with `…` at its end.
    pub(crate) fn fit(self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut kept = String::new();
        let room = width - self.width("…");
        let mut used = 0.0;
        for c in text.chars() {
            used += self.width(c.encode_utf8(&mut [0; 4]));
            if used > room {
                break;
            }
            kept.push(c);
        }
        kept.truncate(kept.trim_end().len());
        kept.push('…');
        kept
    }
}

impl Canvas {
    /// The title of a figure from `at` on, as much of it as fits into `room`.
    pub(crate) fn title(&mut self, title: &str, at: [f64; 2], room: f64, ink: impl Into<Ink>) {
        let letters = bold(20.0);
        self.text(&letters.fit(title, room), at, Anchor::Left, letters, ink);
    }

    /// A line of text with its baseline at `y`, rounded to a device pixel; returns its width.
    pub(crate) fn text(
        &mut self,
        text: &str,
        [x, y]: [f64; 2],
        anchor: Anchor,
        letters: Letters,
        ink: impl Into<Ink>,
    ) -> f64 {
        let scale = self.scale();
        let unit = letters.unit() * scale;
        let width = letters.width(text);
        let left = match anchor {
            Anchor::Left => x,
            Anchor::Centre => x - width / 2.0,
            Anchor::Right => x - width,
        };
        let baseline = (y * scale).round();
        let outline = |start: f64, baseline: f64| {
            let mut path = PathBuilder::new();
            letters.lay_out(text, |glyph, pen| {
                let start = start + pen * scale;
                trace(&mut path, letters.face, glyph, |p| {
                    (
                        (start + f64::from(p.x) * unit) as f32,
                        (baseline - f64::from(p.y) * unit) as f32,
                    )
                });
            });
            path.finish()
        };
        let (start, columns) = (left * scale, self.columns());
        if self.pixels_mut().is_empty() {
            self.fill_path(outline(start, baseline), ink.into());
            return width;
        }
        let key = Key {
            text: text.to_owned(),
            face: letters.face as u8,
            unit: unit.to_bits(),
            part: (start - start.floor()).to_bits(),
        };
        let stamp = stamp(key, || outline(start - start.floor(), 0.0));
        let place = [start.floor() as isize, baseline as isize];
        stamp.put(self.pixels_mut(), columns, place, ink.into());
        width
    }
}

/// Adds the outline of a glyph to a path.
fn trace(path: &mut PathBuilder, face: Face, glyph: GlyphId, place: impl Fn(Point) -> (f32, f32)) {
    let Some(outline) = font(face).outline(glyph) else {
        return;
    };
    let mut end = None;
    for curve in &outline.curves {
        let (start, stop) = match curve {
            OutlineCurve::Line(a, b)
            | OutlineCurve::Quad(a, _, b)
            | OutlineCurve::Cubic(a, _, _, b) => (*a, *b),
        };
        if end != Some(start) {
            if end.is_some() {
                path.close();
            }
            let (x, y) = place(start);
            path.move_to(x, y);
        }
        let (x, y) = place(stop);
        match curve {
            OutlineCurve::Line(..) => path.line_to(x, y),
            OutlineCurve::Quad(_, c, _) => {
                let (cx, cy) = place(*c);
                path.quad_to(cx, cy, x, y);
            }
            OutlineCurve::Cubic(_, c, d, _) => {
                let ((cx, cy), (dx, dy)) = (place(*c), place(*d));
                path.cubic_to(cx, cy, dx, dy, x, y);
            }
        }
        end = Some(stop);
    }
    if end.is_some() {
        path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_we_print_is_in_both_faces() {
        for face in [Face::Regular, Face::Bold] {
            for c in "∇ε₀₁₂≤≥·×−…→←↔±∞‖⟨⟩σλμη²⁰¹³⁴⁵⁶⁷⁸⁹⁻\u{202f}½¼▽".chars()
            {
                assert_ne!(font(face).glyph_id(c), GlyphId(0), "no `{c}` in {face:?}");
            }
        }
    }

    #[test]
    fn a_long_text_is_cut_to_its_room() {
        let letters = regular(14.0);
        let text = "A ring of eight Gaussians, and then some more of them".to_owned();
        let cut = letters.fit(&text, 150.0);
        assert!(letters.width(&cut) <= 150.0 && cut.ends_with('…'), "{cut}");
        assert_eq!(letters.fit(&text, 1000.0), text);
        assert_eq!(letters.fit("word", 0.0), "…");
    }

    #[test]
    fn a_long_text_goes_on_in_a_second_line() {
        let letters = bold(14.0);
        let text = "a ring of eight Gaussians";
        let (first, rest) = letters.split(text, 100.0);
        assert!(letters.width(first) <= 100.0 && !first.ends_with(' '));
        assert_eq!(format!("{first} {rest}"), text);
        assert_eq!(letters.split(text, 1000.0), (text, ""));
        let (first, rest) = letters.split("Gaussians", 40.0);
        assert!(!first.is_empty() && letters.width(first) <= 40.0);
        assert_eq!(format!("{first}{rest}"), "Gaussians");
        // A first word that is itself too long, and words after it.
        let (first, rest) = letters.split("Gaussians all", 40.0);
        assert!(letters.width(first) <= 40.0 && rest.ends_with("all"));
    }
}
