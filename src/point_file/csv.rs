//! Comma-separated points: two columns, with or without a line of names above them.

use std::borrow::Cow;
use std::io::{BufRead, Read as _};

use super::{Asked, Header, MOST_POINTS, counted, unusable};
use crate::cloud::Cloud;

/// Longest line that is read, in bytes.
const LONGEST: usize = 1 << 16;

/// Reads two numbers from each line. Empty lines and lines that begin with `#` are left out. Whatever was taken for the columns' names without
/// being so for certain is noted.
pub(super) fn read(
    mut source: impl BufRead,
    header: Header,
    asked: Asked,
) -> Result<(Cloud, Vec<String>), String> {
    let mut notes = Vec::new();
    let mut values = Vec::new();
    let mut first = None;
    let mut doubt = None;
    let mut lines = Lines::default();
    while let Some((number, line)) = lines.next(&mut source)? {
        let fields = fields(line).map_err(|reason| format!("line {number}: {reason}"))?;
        let [x, y] = fields.as_slice() else {
            return Err(columns(number, &fields));
        };
        let pair = [x, y].map(Field::number);
        if first.is_none() {
            first = Some(number);
            let names = match header {
                Header::Yes => true,
                Header::No => false,
                Header::Auto => {
                    let (names, open) = look(number, [x, y], asked, &mut notes)?;
                    doubt = open;
                    names
                }
            };
            if names {
                continue;
            }
        } else if let Some(doubt) = &mut doubt {
            doubt.compare([x, y]);
        }
        for (column, (field, value)) in [x, y].into_iter().zip(pair).enumerate() {
            let place = || format!("line {number}, column {}", column + 1);
            let Some(value) = value else {
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
            values.drain(..2);
        }
    }
    let rows = values.len() / 2;
    counted(rows)?;
    let points = Cloud::from_shape_vec((rows, 2), values).map_err(|error| error.to_string())?;
    Ok((points, notes))
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

/// The complaint about a line that does not have two columns.
fn columns(number: usize, fields: &[Field<'_>]) -> String {
    let count = fields.len();
    let remedy = match fields {
        [one] if one.quoted && one.text.contains(',') => {
            "; the whole line is in quotation marks: take them away"
        }
        [one] if one.text.contains(';') => "; separate them by a comma and write 1.5, not 1,5",
        [one] if one.text.contains('\t') => "; separate them by a comma, not by a tab",
        [first, _, _] if first.text.is_empty() => {
            "; leave the column of row numbers out: in pandas, index=False"
        }
        _ => "",
    };
    format!("line {number} has {count} column(s): it must have two, separated by a comma{remedy}")
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
    fn compare(&mut self, fields: [&Field<'_>; 2]) {
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
    fields: [&Field<'_>; 2],
    asked: Asked,
    notes: &mut Vec<String>,
) -> Result<(bool, Option<Doubt>), String> {
    let said = format!("line {line}, `{},{}`,", fields[0].text, fields[1].text);
    match fields.map(Field::number) {
        [Some(_), Some(_)] => {
            let ascending = match fields.map(Field::integer) {
                [Some(a), Some(b)] => a >= 0 && a.checked_add(1) == Some(b),
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
        [None, None] => {
            let likely = fields.map(|field| name(&field.text));
            if likely.contains(&Likely::No) {
                return Err(format!(
                    "{said} is neither two numbers nor the names of two columns: write numbers as 1.5 or 2e-3; if it is names, {}, and if it is of no use, take it out",
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
