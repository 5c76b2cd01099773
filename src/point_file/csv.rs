//! Comma-separated points: two columns, or one for points of the line, with or without a line of names above them.

use std::borrow::Cow;
use std::io::{BufRead, Read as _};

use super::{Asked, Header, MOST_POINTS, Table, counted, unusable};

/// Longest line that is read, in bytes.
const LONGEST: usize = 1 << 16;

/// Reads as many numbers from each line as there are in the first, two or one. Empty lines and lines that begin with `#` are left out. Whatever was
/// taken for the columns' names without being so for certain is noted.
pub(super) fn read(
    mut source: impl BufRead,
    header: Header,
    asked: Asked,
) -> Result<(Table, Vec<String>), String> {
    let mut notes = Vec::new();
    let mut values = Vec::new();
    let mut width = None;
    let mut doubt = None;
    let mut lines = Lines::default();
    while let Some((number, line)) = lines.next(&mut source)? {
        let fields = fields(line).map_err(|reason| format!("line {number}: {reason}"))?;
        if !fits(&fields) || width.is_some_and(|width| fields.len() != width) {
            return Err(columns(number, &fields, width));
        }
        if width.is_none() {
            width = Some(fields.len());
            let names = match header {
                Header::Yes => true,
                Header::No => false,
                Header::Auto => {
                    let (names, open) = look(number, &fields, asked, &mut notes)?;
                    doubt = open;
                    names
                }
            };
            if names {
                continue;
            }
        } else if let Some(doubt) = &mut doubt {
            doubt.compare(&fields);
        }
        for (column, field) in fields.iter().enumerate() {
            let place = || format!("line {number}, column {}", column + 1);
            let Some(value) = field.number() else {
                return Err(format!("{}: {:?} is no number", place(), field.text));
            };
            if let Some(fault) = unusable(value, "") {
                return Err(format!("{} {fault}", place()));
            }
            values.push(value);
        }
        if values.len() > 2 * MOST_POINTS {
            return Err(format!(
                "it holds more than the {MOST_POINTS} points that are read; take a part of them"
            ));
        }
    }
    if let Some((names, note)) = doubt.map(|doubt| doubt.settle(asked)) {
        notes.extend(note);
        if names {
            values.drain(..width.unwrap_or(2));
        }
    }
    let width = width.unwrap_or(2);
    let rows = values.len() / width;
    counted(rows)?;
    let table = Table::from_shape_vec((rows, width), values).map_err(|error| error.to_string())?;
    Ok((table, notes))
}

/// The lines of a text that hold anything, one at a time.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Number of the last one, from 1.
    number: usize,
    /// Bytes of the lines before it.
    before: usize,
}

impl Lines {
    fn next<'a>(
        &'a mut self,
        source: &mut impl BufRead,
    ) -> Result<Option<(usize, &'a str)>, String> {
        loop {
            self.before += self.bytes.len();
            self.bytes.clear();
            let mut some = source.by_ref().take(LONGEST as u64 + 1);
            let read = some.read_until(b'\n', &mut self.bytes);
            read.map_err(|error| format!("line {} cannot be read ({error})", self.number + 1))?;
            if self.bytes.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            if self.bytes.len() > LONGEST {
                return Err(format!(
                    "line {} is longer than {LONGEST} bytes: each point must have a line of its own",
                    self.number
                ));
            }
            if self.number == 1 && matches!(self.bytes[..], [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
                return Err("it is UTF-16, as some programs save text: save it as UTF-8".to_owned());
            }
            let line = std::str::from_utf8(&self.bytes).map_err(|error| {
                format!("it is no text (byte {})", self.before + error.valid_up_to())
            })?;
            let line = line.trim_start_matches('\u{feff}');
            if !line.trim().is_empty() && !line.starts_with('#') {
                break;
            }
        }
        // Checked above; borrowed anew, which a loop does not allow there.
        let line = std::str::from_utf8(&self.bytes).unwrap_or_default();
        let line = line.trim_start_matches('\u{feff}').trim_end();
        Ok(Some((self.number, line)))
    }
}

/// A cell, without the spaces and quotation marks around it.
struct Field<'a> {
    text: Cow<'a, str>,
    quoted: bool,
}

impl Field<'_> {
    fn number(&self) -> Option<f64> {
        self.text.parse().ok()
    }

    /// The whole number that it is written as.
    fn integer(&self) -> Option<i64> {
        self.text.parse().ok()
    }
}

/// Parts a line at the commas that stand in no quotation marks.
fn fields(line: &str) -> Result<Vec<Field<'_>>, String> {
    let mut fields = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => inside = !inside,
            b',' if !inside => {
                fields.push(field(&line[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    if inside {
        return Err("a quotation mark is opened and not closed".to_owned());
    }
    fields.push(field(&line[start..]));
    Ok(fields)
}

fn field(text: &str) -> Field<'_> {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let quoted = inner.is_some();
    let inner = inner.map_or(text, str::trim);
    let text = if quoted && inner.contains("\"\"") {
        Cow::Owned(inner.replace("\"\"", "\""))
    } else {
        Cow::Borrowed(inner)
    };
    Field { text, quoted }
}

/// Whether a line has one column or two, and the one is not two that are parted otherwise.
fn fits(fields: &[Field<'_>]) -> bool {
    match fields {
        [one] => {
            let text: &str = &one.text;
            !(text.contains([';', '\t', ' ']) || one.quoted && text.contains(','))
        }
        [_, _] => true,
        _ => false,
    }
}

/// The complaint about a line that does not have two columns, or as many as the first.
fn columns(number: usize, fields: &[Field<'_>], width: Option<usize>) -> String {
    let count = fields.len();
    let remedy = match fields {
        [one] if one.quoted && one.text.contains(',') => {
            "; the whole line is in quotation marks: take them away"
        }
        [one] if one.text.contains(';') => "; separate them by a comma and write 1.5, not 1,5",
        [one] if one.text.contains('\t') => "; separate them by a comma, not by a tab",
        [one] if one.text.contains(' ') => "; separate them by a comma, not by spaces",
        [first, _, _] if first.text.is_empty() => {
            "; leave the column of row numbers out: in pandas, index=False"
        }
        _ => "",
    };
    let wanted = match width {
        Some(1) => "one, as the first line",
        Some(_) => "two, separated by a comma, as the first line",
        None => "two, separated by a comma, or one for points of the line",
    };
    format!("line {number} has {count} column(s): it must have {wanted}{remedy}")
}

/// Two numbers that may be names.
struct Doubt {
    said: String,
    /// Of the kind that programs give to columns without names, `0,1`, or years.
    ascending: bool,
    quoted: bool,
    /// What is below them: anything, a whole number that is written as one, a number in quotation marks.
    below: [bool; 3],
}

impl Doubt {
    /// Sees a line below.
    fn compare(&mut self, fields: &[Field<'_>]) {
        let [_, whole, quoted] = self.below;
        let whole = whole || fields.iter().any(|field| field.integer().is_some());
        let quoted = quoted || fields.iter().any(|field| field.quoted);
        self.below = [true, whole, quoted];
    }

    /// Whether they are names, which is so if no number below is written like them, and what to say of it.
    fn settle(self, asked: Asked) -> (bool, Option<String>) {
        let [some, whole, quoted] = self.below;
        let names = some && (self.ascending && !whole || self.quoted && !quoted);
        let said = self.said;
        let note = if names {
            format!(
                "{said} was taken for the names of the columns, since no number below is written like that; if it is a point, {}",
                asked.remedy(false)
            )
        } else {
            format!(
                "{said} was taken for a point; if it is the names of the columns, {}",
                asked.remedy(true)
            )
        };
        (names, (names || self.ascending).then_some(note))
    }
}

/// Whether the first line holds names; two numbers are a question to the lines below.
fn look(
    line: usize,
    fields: &[Field<'_>],
    asked: Asked,
    notes: &mut Vec<String>,
) -> Result<(bool, Option<Doubt>), String> {
    let texts: Vec<&str> = fields.iter().map(|field| &*field.text).collect();
    let said = format!("line {line}, `{}`,", texts.join(","));
    let numbers = fields.iter().filter(|field| field.number().is_some());
    match numbers.count() {
        count if count == fields.len() => {
            let integers: Vec<_> = fields.iter().map(Field::integer).collect();
            let ascending = match integers[..] {
                [Some(a), Some(b)] => a >= 0 && a.checked_add(1) == Some(b),
                // How pandas names a column without a name.
                [only] => only == Some(0),
                _ => false,
            };
            let doubt = Doubt {
                said,
                ascending,
                quoted: fields.iter().all(|field| field.quoted),
                below: [false; 3],
            };
            Ok((false, Some(doubt)))
        }
        0 => {
            let likely: Vec<Likely> = texts.iter().copied().map(name).collect();
            if likely.contains(&Likely::No) {
                return Err(format!(
                    "{said} is neither {} nor {}: write numbers as 1.5 or 2e-3; if it is names, {}, and if it is of no use, take it out",
                    ["a number", "two numbers"][usize::from(texts.len() > 1)],
                    ["the name of a column", "the names of two columns"]
                        [usize::from(texts.len() > 1)],
                    asked.remedy(true)
                ));
            }
            if likely.contains(&Likely::Maybe) {
                notes.push(format!(
                    "{said} was taken for the names of the columns; if it should be a point, write numbers as 1.5 or 2e-3"
                ));
            }
            Ok((true, None))
        }
        // One number of two: the complaint names the other.
        _ => Ok((false, None)),
    }
}

/// Whether a text is the name of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Likely {
    Yes,
    Maybe,
    No,
}

fn name(text: &str) -> Likely {
    /// How programs write that a value is missing.
    const MISSING: [&str; 12] = [
        "na",
        "n/a",
        "null",
        "none",
        "nil",
        "missing",
        "undefined",
        "nan()",
        "<na>",
        "#n/a",
        "true",
        "false",
    ];
    let start = text.chars().find(|c| !"([{<_'$".contains(*c));
    let is_missing = MISSING.contains(&text.to_lowercase().as_str());
    if is_missing || !start.is_some_and(char::is_alphabetic) {
        return Likely::No;
    }
    // `l.5` may be a misread 1.5.
    let digits = text.as_bytes().windows(2);
    let like_a_number = |w: &[u8]| matches!(w[0], b'.' | b',') && w[1].is_ascii_digit();
    if digits.into_iter().any(like_a_number) {
        Likely::Maybe
    } else {
        Likely::Yes
    }
}
