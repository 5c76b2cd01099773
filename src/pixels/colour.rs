//! Colours, and the perceptually uniform space in which they are mixed and compared.

use std::sync::LazyLock;

/// An opaque colour in sRGB, 8 bits a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Colour {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Colour {
    /// The colour `0xRRGGBB`.
    #[must_use]
    pub const fn hex(code: u32) -> Self {
        Self {
            r: (code >> 16) as u8,
            g: (code >> 8) as u8,
            b: code as u8,
        }
    }

    /// The colour of lightness `l` in `[0, 1]` at `(a, b)` on the green-red and blue-yellow axes of Oklab
    /// (Ottosson, "A perceptual color space for image processing", 2020). A colour that no screen shows
    /// loses chroma, not lightness or hue, until one does.
    #[must_use]
    pub fn oklab(l: f64, a: f64, b: f64) -> Self {
        let mut keep = 1.0;
        for _ in 0..40 {
            let rgb = oklab_to_linear([l, a * keep, b * keep]);
            if rgb.iter().all(|c| (-1e-4..=1.0001).contains(c)) {
                return Self::from_linear(rgb);
            }
            keep *= 0.95;
        }
        Self::from_linear(oklab_to_linear([l, 0.0, 0.0]))
    }

    /// The colour of lightness `l`, chroma `c` and hue `h` in radians: Oklab in polar form.
    #[must_use]
    pub fn oklch(l: f64, c: f64, h: f64) -> Self {
        Self::oklab(l, c * h.cos(), c * h.sin())
    }

    /// Lightness, green-red and blue-yellow in Oklab; the distance of two such triples is about how
    /// different the colours look (just noticeable: 0.02).
    #[must_use]
    pub fn to_oklab(self) -> [f64; 3] {
        linear_to_oklab(self.to_linear())
    }

    /// A part `t` of `other` in this colour, as light paint covers: channel by channel.
    #[must_use]
    pub fn mix(self, other: Self, t: f64) -> Self {
        let blend =
            |a: u8, b: u8| (f64::from(a) + t * (f64::from(b) - f64::from(a)) + 0.5).floor() as u8;
        Self {
            r: blend(self.r, other.r),
            g: blend(self.g, other.g),
            b: blend(self.b, other.b),
        }
    }

    /// The three channels in linear light, in `[0, 1]`.
    #[must_use]
    pub fn to_linear(self) -> [f64; 3] {
        /// Of each value of a channel: powers are dear, and there are only so many.
        static LINEAR: LazyLock<[f64; 256]> = LazyLock::new(|| {
            std::array::from_fn(|channel| {
                let c = channel as f64 / 255.0;
                if c <= 0.040_45 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            })
        });
        [self.r, self.g, self.b].map(|channel| LINEAR[usize::from(channel)])
    }

    /// The nearest colour to three channels of linear light.
    #[must_use]
    pub fn from_linear(rgb: [f64; 3]) -> Self {
        let [r, g, b] = rgb.map(|c| {
            let c = c.clamp(0.0, 1.0);
            let s = if c <= 0.003_130_8 {
                12.92 * c
            } else {
                1.055 * c.powf(1.0 / 2.4) - 0.055
            };
            (s * 255.0 + 0.5) as u8
        });
        Self { r, g, b }
    }
}

fn linear_to_oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

fn oklab_to_linear([lightness, a, b]: [f64; 3]) -> [f64; 3] {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of <https://bottosson.github.io/posts/oklab/>: white is (1, 0, 0); red (0.628, 0.225, 0.126).
    #[test]
    fn oklab_agrees_with_its_author() {
        for (colour, lab) in [
            (Colour::hex(0xff_ffff), [1.0, 0.0, 0.0]),
            (Colour::hex(0xff_0000), [0.628, 0.225, 0.126]),
        ] {
            for (ours, theirs) in colour.to_oklab().into_iter().zip(lab) {
                assert!((ours - theirs).abs() < 1e-3, "{colour:?}: {ours}, {theirs}");
            }
        }
    }

    #[test]
    fn oklab_there_and_back_is_the_same_colour() {
        for code in [0x00_0000, 0x12_3456, 0xfe_dcba, 0x00_72b2, 0xff_ffff] {
            let colour = Colour::hex(code);
            let [l, a, b] = colour.to_oklab();
            assert_eq!(Colour::oklab(l, a, b), colour);
        }
    }

    #[test]
    fn a_colour_beyond_the_screen_keeps_its_hue() {
        let [_, a, b] = Colour::oklch(0.6, 0.5, 2.0).to_oklab();
        assert!((b.atan2(a) - 2.0).abs() < 0.02, "hue {}", b.atan2(a));
    }
}
