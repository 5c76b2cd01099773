//! Points in memory, as if they lay in files.

use std::collections::BTreeMap;
use std::io;

use super::Files;
use crate::cloud::CloudView;
use crate::npy;

/// Files that exist in memory alone: points that were made or read elsewhere become a target by the name of such a file.
///
/// ```
/// use ratioflow::experiment::Experiment;
/// use ratioflow::scenario::Document;
/// use ratioflow::target::Memory;
///
/// let points = ndarray::Array2::from_shape_fn((400, 2), |(i, axis)| (i as f64 + 9.0 * axis as f64).sin());
/// let files = Memory::default().with_points("mine.npy", points.view());
/// let document = Document::parse("mine", "target.points.file = \"mine.npy\"")?;
/// let experiment = Experiment::read(&document, &files)?;
/// assert_eq!(experiment.training.nrows(), 200);
/// # Ok::<(), ratioflow::scenario::ScenarioError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    /// Adds the points (`n×2`) under the `name` of a file, which should end in `.npy`. A run keeps a copy of it, so that its directory repeats it.
    #[must_use]
    pub fn with_points(mut self, name: &str, points: CloudView<'_>) -> Self {
        self.0.insert(name.to_owned(), npy::of_points(points));
        self
    }
}

impl Files for Memory {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let found = self.0.get(name).cloned();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
