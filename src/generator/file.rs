//! `generator.npz`: what a trained generator is, written and read back.

use std::io::{self, Read, Seek, Write};

use ndarray::{Array0, Array1, Array2, arr0, arr1};

use super::train::{Generator, Trained};
use super::units::Units;
use crate::network::Affinity;
use crate::npz::{Arrays, Stored};

impl Generator {
    /// c, as many numbers as a latent point has coordinates.
    #[must_use]
    pub fn centre(&self) -> Array1<f64> {
        let centre = self.units().centre;
        let axis = |axis| *centre.get(axis).unwrap_or(&0.0);
        Array1::from_shape_fn(self.latent_dimension(), axis)
    }

    /// Adds its arrays: `k.weight` (outputs × inputs) and `k.bias` of each layer, `centre` (as many as a latent point has coordinates), `input`, `output`, `skip` and `shift`.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn write<W: Write + Seek>(&self, arrays: &mut Arrays<W>) -> io::Result<()> {
        let single = self.is_single();
        for (place, (weights, biases)) in self.layers().iter().enumerate() {
            let [weight, bias] = ["weight", "bias"].map(|what| format!("{place}.{what}"));
            if single {
                arrays.add(&weight, weights.mapv(|v| v as f32).view())?;
                arrays.add(&bias, biases.mapv(|v| v as f32).view())?;
            } else {
                arrays.add(&weight, weights.view())?;
                arrays.add(&bias, biases.view())?;
            }
        }
        let units = self.units();
        arrays.add("centre", self.centre().view())?;
        arrays.add("input", arr0(units.input).view())?;
        arrays.add("output", arr0(units.output).view())?;
        arrays.add("skip", arr0(units.skip).view())?;
        arrays.add("shift", arr1(&units.shift).view())
    }
}

impl Trained {
    /// Reads the bytes of a `generator.npz`, of a generator on a space of so many coordinates.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn parse(bytes: Vec<u8>, dimension: usize) -> Result<Self, String> {
        Self::read(&mut Stored::read(io::Cursor::new(bytes))?, dimension)
    }

    /// Reads what [`Generator::write`] has written, of a generator on a space of so many coordinates.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn read<R: Read + Seek>(
        arrays: &mut Stored<R>,
        dimension: usize,
    ) -> Result<Self, String> {
        let mut layers: Vec<Affinity> = Vec::new();
        for place in 0.. {
            let [weight, bias] = ["weight", "bias"].map(|what| format!("{place}.{what}"));
            if !arrays.has(&weight) {
                break;
            }
            // Written in the precision that they had.
            layers.push(match arrays.get::<f32, _>(&weight) {
                Ok::<Array2<f32>, _>(weights) => {
                    let biases: Array1<f32> = arrays.get(&bias)?;
                    (weights.mapv(f64::from), biases.mapv(f64::from))
                }
                Err(_) => (arrays.get(&weight)?, arrays.get(&bias)?),
            });
        }
        let mut number = |name: &str| -> Result<Option<f64>, String> {
            let array: Option<Array0<f64>> = arrays.find(name)?;
            Ok(array.map(Array0::into_scalar))
        };
        let missing =
            |name: &str| format!("it has no array `{name}`: another version has written it");
        let input = number("input")?.ok_or_else(|| missing("input"))?;
        let output = number("output")?.ok_or_else(|| missing("output"))?;
        // Before there were others, all latent points were those of the source.
        let skip = number("skip")?.unwrap_or(1.0);
        let centre: Array1<f64> = arrays.get("centre")?;
        let shift: Option<Array1<f64>> = arrays.find("shift")?;
        let pair = |of: &Array1<f64>| [0, 1].map(|k| *of.get(k).unwrap_or(&0.0));
        let units = Units {
            centre: pair(&centre),
            input,
            output,
            skip,
            shift: shift.as_ref().map_or([0.0; 2], pair),
            dimension,
        };
        let weights = layers.iter().flat_map(|(w, b)| w.iter().chain(b));
        let of_units = [
            units.centre,
            units.shift,
            [units.input, units.output],
            [skip, skip],
        ];
        if !weights
            .chain(of_units.as_flattened())
            .all(|v| v.is_finite())
        {
            return Err("it holds numbers that are not finite".to_owned());
        }
        if layers.is_empty() || input <= 0.0 || output <= 0.0 {
            return Err("it holds no generator".to_owned());
        }
        Ok(Self { layers, units })
    }
}
