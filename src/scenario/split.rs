//! Splits what was written in one line, and leaves whole what belongs together.

use std::ops::Range;

/// The parts of `text` between separators that stand in no brackets, braces or quotes; blank parts are left out.
pub(super) fn split(text: &str, separator: char) -> Vec<Range<usize>> {
    let (mut parts, mut begin, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, _) if c == separator && depth == 0 => {
                parts.push(begin..at);
                begin = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(begin..text.len());
    parts.retain(|part| !text[part.clone()].trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn what_is_in_brackets_or_quotes_stays_whole() {
        let text = "a, [b, c], 'd,e' ,, {f = 1, g = 2}";
        let parts: Vec<&str> = split(text, ',')
            .into_iter()
            .map(|part| text[part].trim())
            .collect();
        assert_eq!(parts, ["a", "[b, c]", "'d,e'", "{f = 1, g = 2}"]);
    }
}
