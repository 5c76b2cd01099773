//! Seeds, as they are written on the command line and in files.

use std::collections::BTreeSet;

/// Largest seed: a scenario file could hold no larger whole number.
const LARGEST: u64 = i64::MAX as u64;

/// The seeds that `text` names: `11..15`, where both ends count, or `3,8,9`; at most `most` of them.
///
/// # Errors
/// What is wrong, in words.
pub fn seeds(text: &str, most: u64) -> Result<Vec<u64>, String> {
    let number = |part: &str| {
        let part = part.trim();
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        match part.parse::<u64>() {
            Ok(seed) if seed <= LARGEST => Ok(seed),
            Err(_) if !digits => Err(format!(
                "`{part}` is no seed; write FROM..TO, such as 11..15, or 3,8,9"
            )),
            _ => Err(format!("`{part}` is too large: seeds are 0 to {LARGEST}")),
        }
    };
    let seeds: Vec<u64> = match text.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to.trim_start_matches('='))?);
            if to < from || to - from >= most {
                return Err(format!("must go upwards, over {most} seeds at most"));
            }
            return Ok((from..=to).collect());
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
        let largest = "9223372036854775807";
        assert_eq!(seeds(largest, 1).unwrap(), [i64::MAX as u64]);
        for text in ["9223372036854775808", "1,99999999999999999999"] {
            let told = seeds(text, 1000).unwrap_err();
            assert!(told.contains("0 to 9223372036854775807"), "{told}");
        }
    }
}
