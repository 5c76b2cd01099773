//! A sheet of shapes instead of pixels: what a picture is made of, as SVG, for papers and posters.
//!
//! Letters are outlines, so that the picture looks the same wherever it is opened and turns into a PDF without fonts.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tiny_skia::{Path, PathSegment};

use super::shape::{Clip, Disc, Ink, Rect};
use crate::pixels::Colour;

/// Elements in the order in which they were drawn.
pub(crate) struct Sheet {
    size: [f64; 2],
    pub(crate) paper: Colour,
    /// Device pixels per logical pixel of what has to be a picture in the picture.
    pub(crate) resolution: f64,
    elements: String,
    /// What is drawn now is cut off outside this box.
    clip: Option<Clip>,
    clips: Vec<Clip>,
}

impl Sheet {
    pub(crate) fn new(size: [f64; 2], paper: Colour, resolution: f64) -> Self {
        Self {
            size,
            paper,
            resolution,
            elements: String::new(),
            clip: None,
            clips: Vec::new(),
        }
    }

    pub(crate) fn size(&self) -> [f64; 2] {
        self.size
    }

    pub(crate) fn fill(&mut self, path: &Path, ink: Ink) {
        self.within(None);
        let _ = writeln!(
            self.elements,
            "<path d=\"{}\" fill=\"{}\"{}/>",
            outline(path),
            code(ink.colour),
            opacity("fill", ink.alpha)
        );
    }

    pub(crate) fn stroke(&mut self, path: &Path, width: f64, dashes: Option<[f64; 2]>, ink: Ink) {
        self.within(None);
        let ends = dashes.map_or_else(
            || " stroke-linecap=\"round\"".to_owned(),
            |[on, off]| format!(" stroke-dasharray=\"{} {}\"", short(on), short(off)),
        );
        let _ = writeln!(
            self.elements,
            "<path d=\"{}\" fill=\"none\" stroke=\"{}\"{} stroke-width=\"{}\" stroke-linejoin=\"round\"{ends}/>",
            outline(path),
            code(ink.colour),
            opacity("stroke", ink.alpha),
            short(width)
        );
    }

    /// A disc; its rim is a stroke that lies around it.
    pub(crate) fn disc(&mut self, [x, y]: [f64; 2], disc: &Disc, clip: Clip) {
        let rim = disc.rim.map_or(0.0, |(width, _)| width);
        let reach = disc.radius + rim;
        let beyond = |v: f64, [from, to]: [usize; 2]| {
            // Also true for what is not a number.
            !(v + reach >= from as f64 && v - reach <= to as f64)
        };
        if beyond(x, clip.x) || beyond(y, clip.y) {
            return;
        }
        let whole = clip.x[0] == 0
            && clip.y[0] == 0
            && clip.x[1] as f64 >= self.size[0].floor()
            && clip.y[1] as f64 >= self.size[1].floor();
        self.within((!whole).then_some(clip));
        let stroke = disc.rim.map_or_else(String::new, |(width, ink)| {
            format!(
                " stroke=\"{}\"{} stroke-width=\"{}\"",
                code(ink.colour),
                opacity("stroke", ink.alpha),
                short(width)
            )
        });
        let _ = writeln!(
            self.elements,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"{}{stroke}/>",
            short(x),
            short(y),
            short(disc.radius + rim / 2.0),
            code(disc.ink.colour),
            opacity("fill", disc.ink.alpha)
        );
    }

    /// A PNG, stretched over the box. It is named by `xlink:href`, which every program knows; some of the year 2022 do not know `href`.
    pub(crate) fn picture(&mut self, rect: Rect, png: &[u8]) {
        self.within(None);
        let _ = writeln!(
            self.elements,
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" xlink:href=\"data:image/png;base64,{}\"/>",
            short(rect.x),
            short(rect.y),
            short(rect.width),
            short(rect.height),
            STANDARD.encode(png)
        );
    }

    /// Opens and closes the groups that cut things off.
    fn within(&mut self, clip: Option<Clip>) {
        if self.clip == clip {
            return;
        }
        if self.clip.is_some() {
            self.elements.push_str("</g>\n");
        }
        if let Some(clip) = clip {
            let known = self.clips.iter().position(|&other| other == clip);
            let place = known.unwrap_or_else(|| {
                self.clips.push(clip);
                self.clips.len() - 1
            });
            let _ = writeln!(self.elements, "<g clip-path=\"url(#plot-{place})\">");
        }
        self.clip = clip;
    }

    /// The file. `title` is what a reader who cannot see the picture is told.
    pub(crate) fn finish(mut self, title: &str) -> String {
        self.within(None);
        let [width, height] = self.size.map(short);
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n",
            escape(title)
        );
        for (place, Clip { x, y }) in self.clips.iter().enumerate() {
            let _ = writeln!(
                text,
                "<clipPath id=\"plot-{place}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>",
                x[0],
                y[0],
                x[1] - x[0],
                y[1] - y[0]
            );
        }
        let _ = writeln!(
            text,
            "<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
            code(self.paper)
        );
        text.push_str(&self.elements);
        text.push_str("</svg>\n");
        text
    }
}

/// Text as it may stand in XML: markup escaped, and what XML forbids shown as `�`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

fn code(Colour { r, g, b }: Colour) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn opacity(of: &str, alpha: f64) -> String {
    if alpha < 1.0 {
        format!(" {of}-opacity=\"{}\"", short(alpha.max(0.0)))
    } else {
        String::new()
    }
}

/// A length to a hundredth of a logical pixel, without needless zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

fn outline(path: &Path) -> String {
    let mut text = String::new();
    let mut say = |letter: char, points: &[tiny_skia::Point]| {
        text.push(letter);
        for (place, point) in points.iter().enumerate() {
            let gap = if place > 0 { " " } else { "" };
            let [x, y] = [point.x, point.y].map(|v| short(f64::from(v)));
            let _ = write!(text, "{gap}{x} {y}");
        }
    };
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(a) => say('M', &[a]),
            PathSegment::LineTo(a) => say('L', &[a]),
            PathSegment::QuadTo(a, b) => say('Q', &[a, b]),
            PathSegment::CubicTo(a, b, c) => say('C', &[a, b, c]),
            PathSegment::Close => say('Z', &[]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out_of_its_element() {
        assert_eq!(
            escape("</title><script>\"&'\u{1b}[31m\0\n"),
            "&lt;/title&gt;&lt;script&gt;&quot;&amp;&#39;\u{fffd}[31m\u{fffd} "
        );
    }

    #[test]
    fn lengths_are_short() {
        for (value, text) in [
            (1.0, "1"),
            (-0.001, "0"),
            (12.345, "12.35"),
            (0.5, "0.5"),
            (100.0, "100"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
