//! Seeds, as they are written on the command line and in files.

use std::collections::BTreeSet;

/// The seeds that `text` names: `11..15`, where both ends count, or `3,8,9`; at most `most` of them.
///
/// # Errors
/// What is wrong, in words.
pub fn seeds(text: &str, most: u64) -> Result<Vec<u64>, String> {
    let number = |part: &str| {
        let part = part.trim();
        part.parse::<u64>()
            .ok()
            .filter(|&seed| i64::try_from(seed).is_ok())
            .ok_or_else(|| format!("`{part}` is no seed; write FROM..TO, such as 11..15, or 3,8,9"))
    };
    let seeds: Vec<u64> = match text.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to.trim_start_matches('='))?);
            if to < from || to - from >= most {
                return Err(format!("must go upwards, over {most} seeds at most"));
            }
            (from..=to).collect()
        }
        None => text.split(',').map(number).collect::<Result<_, _>>()?,
    };
    let distinct: BTreeSet<u64> = seeds.iter().copied().collect();
    if distinct.len() < seeds.len() {
        return Err("names a seed twice".to_owned());
    }
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::seeds;

    #[test]
    fn seeds_are_a_range_with_both_ends_or_a_list() {
        assert_eq!(seeds("11..15", 1000).unwrap(), [11, 12, 13, 14, 15]);
        assert_eq!(seeds("3, 8,9", 1000).unwrap(), [3, 8, 9]);
        for text in ["", "5..3", "a", "1,1", "0..100000", "-1..2"] {
            assert!(seeds(text, 1000).is_err(), "{text}");
        }
    }
}
