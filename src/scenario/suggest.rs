//! Which name was meant by a misspelt one.

use strsim::{jaro_winkler, osa_distance};

/// Longest word that is compared; names are far shorter, and the comparison is quadratic.
const LONGEST: usize = 64;

/// A name close to what was written, and how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Near<'a> {
    pub(super) name: &'a str,
    /// Letters dropped, added, changed or swapped; 0 if only case, `-` and `_` differ.
    pub(super) distance: usize,
}

/// The candidate closest to `word`, if any is close enough to be what was meant.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<Near<'a>> {
    let word = plain(word);
    if word.len() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .filter_map(|name| {
            let likely = plain(name);
            let distance = osa_distance(&word, &likely);
            let allowed = match likely.len() {
                0..=4 => 1,
                5..=8 => 2,
                _ => 3,
            };
            let shares_a_letter = word.chars().any(|c| likely.contains(c));
            // `batch_size` for `batch`, `rate` for `learning_rate`.
            let one_holds_the_other = word.len().min(likely.len()) >= 4
                && (word.contains(&likely) || likely.contains(&word));
            if shares_a_letter && (distance <= allowed || one_holds_the_other) {
                let alike = jaro_winkler(&word, &likely);
                Some((Near { name, distance }, alike))
            } else {
                None
            }
        })
        .min_by(|(a, a_alike), (b, b_alike)| {
            (a.distance.cmp(&b.distance)).then(b_alike.total_cmp(a_alike))
        })
        .map(|(near, _)| near)
}

fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}
