//! The files that a scenario reads, copied into the run directory, so that it repeats the run by itself.

use std::path::Path;

use crate::scenario::Scenario;
use crate::store::{GENERATOR, INPUTS, ReportError, RunDirectory, plain};
use crate::target::Files;

/// Copies the files that the scenario reads into the folder `inputs` and names the copies instead.
pub(super) fn keep(
    scenario: &Scenario,
    files: &dyn Files,
    directory: &RunDirectory,
) -> Result<Scenario, ReportError> {
    let put = |name: &str, copy: &str| {
        let file = files.open(name);
        let file = file.map_err(|error| ReportError::io("read", Path::new(name), error))?;
        directory.put_from(copy, file)
    };
    let mut kept = scenario.clone();
    for (role, spec) in [("target", &mut kept.target), ("source", &mut kept.source)] {
        let names: Vec<String> = spec.files().iter().map(|&name| name.to_owned()).collect();
        let mut copies: Vec<String> = Vec::new();
        for name in &names {
            let base = Path::new(name)
                .file_name()
                .map_or_else(|| "input".into(), |base| base.to_string_lossy());
            // A run that is repeated from its own directory keeps the names it has.
            let mut copy = if is_copy(name) {
                name.clone()
            } else {
                format!("{INPUTS}/{role}-{base}")
            };
            // Two files of one name from two folders.
            let same = |copies: &[String]| copies.iter().position(|other| *other == copy);
            if same(&copies).is_some_and(|k| names[k] != *name) {
                copy = format!("{INPUTS}/{role}-held-out-{base}");
            }
            put(name, &copy)?;
            copies.push(copy);
        }
        spec.rename_files(&copies);
    }
    if let Some(generator) = &mut kept.generator
        && let Some(name) = generator.file().map(str::to_owned)
    {
        let copy = if is_copy(&name) {
            name.clone()
        } else {
            format!("{INPUTS}/{GENERATOR}")
        };
        put(&name, &copy)?;
        generator.rename_file(copy);
    }
    Ok(kept)
}

/// Whether `name` is that of a file in the folder of copies itself.
fn is_copy(name: &str) -> bool {
    let below = name.strip_prefix(INPUTS);
    let below = below.and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|base| plain::leads_down(base) && !base.contains('/'))
}
