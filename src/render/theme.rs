//! The palette of every picture: paper, ink, the diverging bands of the field, and the colours of curves.

use crate::pixels::Colour;

/// A set of colours that belong together.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Dark ink on white paper.
    #[default]
    Light,
    /// Light ink on near-black.
    Dark,
}

/// Bands on either side of the neutral one.
pub const BANDS: usize = 4;
/// The ratio at the outer edge of the neutral band, and of each one beyond: the logarithm of each is about four times that of the one before. The first is close to one, since a
/// coarse estimate, with which a flow begins, hardly differs from it.
pub const EDGES: [f64; BANDS] = [1.03, 1.2, 2.0, 10.0];

impl Theme {
    pub(crate) fn paper(self) -> Colour {
        match self {
            Self::Light => Colour::hex(0xff_ffff),
            Self::Dark => Colour::hex(0x12_151b),
        }
    }

    /// Titles and numbers.
    pub(crate) fn ink(self) -> Colour {
        match self {
            Self::Light => Colour::hex(0x1a_1f29),
            Self::Dark => Colour::hex(0xf0_f2f5),
        }
    }

    /// Explanations.
    pub(crate) fn muted(self) -> Colour {
        match self {
            Self::Light => Colour::hex(0x5c_6470),
            Self::Dark => Colour::hex(0xa3_abb8),
        }
    }

    /// Frames, tracks and grid lines.
    pub(crate) fn faint(self) -> Colour {
        match self {
            Self::Light => Colour::hex(0xdf_e2e7),
            Self::Dark => Colour::hex(0x31_3742),
        }
    }

    /// The dots of the target sample.
    pub(crate) fn target(self) -> Colour {
        match self {
            Self::Light => Colour::hex(0x6b_7280),
            Self::Dark => Colour::hex(0xb4_bcc8),
        }
    }

    /// The bands of the field from "far more cloud than target" over neutral to "far more target than
    /// cloud": orange to blue, the pair that no common colour blindness confuses. The neutral one is a grey beside the paper, which is where nothing is known.
    pub(crate) fn bands(self) -> [Colour; 2 * BANDS + 1] {
        const ORANGE: f64 = 1.12;
        const BLUE: f64 = 4.42;
        const CHROMA: [f64; BANDS + 1] = [0.003, 0.035, 0.066, 0.096, 0.124];
        std::array::from_fn(|place| {
            let side = place as f64 - BANDS as f64;
            let (depth, hue) = (side.abs(), if side < 0.0 { ORANGE } else { BLUE });
            let depth = depth as usize;
            let [lightness, chroma] = match self {
                Self::Light => [[0.928, 0.885, 0.835, 0.78, 0.72], CHROMA],
                Self::Dark => [[0.30, 0.355, 0.415, 0.48, 0.55], CHROMA],
            };
            Colour::oklch(lightness[depth], chroma[depth], hue)
        })
    }
}

/// The colour of the curve (variant, metric) with this index: the palette of Okabe and Ito (2008), without
/// its yellow, which white paper swallows. It repeats after seven; tell further curves apart by dashes.
#[must_use]
pub fn series(index: usize) -> Colour {
    const OKABE_ITO: [u32; 7] = [
        0x00_72b2, 0xd5_5e00, 0x00_9e73, 0xcc_79a7, 0xe6_9f00, 0x56_b4e9, 0x5b_5f66,
    ];
    Colour::hex(OKABE_ITO[index % OKABE_ITO.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision
    /// deficiency", IEEE TVCG 2009: severity 1.0, on linear light.
    const DEUTERANOPIA: [[f64; 3]; 3] = [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ];
    const PROTANOPIA: [[f64; 3]; 3] = [
        [0.152_286, 1.052_583, -0.204_868],
        [0.114_503, 0.786_281, 0.099_216],
        [-0.003_882, -0.048_116, 1.051_998],
    ];

    fn seen_by(matrix: [[f64; 3]; 3], colour: Colour) -> [f64; 3] {
        let [r, g, b] = colour.to_linear();
        Colour::from_linear(matrix.map(|row| row[0] * r + row[1] * g + row[2] * b)).to_oklab()
    }

    fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
        a.iter()
            .zip(b)
            .map(|(x, y)| (x - y).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    #[test]
    fn curves_stay_apart_without_red_or_green_cones() {
        for matrix in [DEUTERANOPIA, PROTANOPIA] {
            for i in 0..7 {
                for j in 0..i {
                    let gap = distance(seen_by(matrix, series(i)), seen_by(matrix, series(j)));
                    assert!(gap > 0.06, "curves {j} and {i} are {gap:.3} apart");
                }
            }
        }
    }

    #[test]
    fn the_two_sides_of_the_field_stay_apart_without_red_or_green_cones() {
        for theme in [Theme::Light, Theme::Dark] {
            let bands = theme.bands();
            for matrix in [DEUTERANOPIA, PROTANOPIA] {
                for depth in 1..=BANDS {
                    let less = seen_by(matrix, bands[BANDS - depth]);
                    let more = seen_by(matrix, bands[BANDS + depth]);
                    let gap = distance(less, more);
                    assert!(gap > 0.025 * depth as f64, "{theme:?}, {depth}: {gap:.3}");
                }
            }
        }
    }

    #[test]
    fn the_bands_step_evenly_away_from_neutral() {
        for theme in [Theme::Light, Theme::Dark] {
            let bands = theme.bands().map(Colour::to_oklab);
            for pair in bands.windows(2) {
                let gap = distance(pair[0], pair[1]);
                assert!(
                    (0.045..0.085).contains(&gap),
                    "{theme:?}: a step of {gap:.3}"
                );
            }
            let paper = distance(bands[BANDS], theme.paper().to_oklab());
            assert!(
                paper > 0.035,
                "{theme:?}: neutral is {paper:.3} from nothing"
            );
        }
    }
}
