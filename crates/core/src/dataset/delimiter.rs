//! Which character separates the cells of a CSV file, where nobody says so.

use std::{fs::File, path::Path};

use csv::ReaderBuilder;

use super::{Format, encoding::TextEncoding, sniff};

/// How many rows are looked at.
const ROWS: usize = 20;

/// Others that are in use.
const OTHERS: [u8; 4] = [b';', b'\t', b'|', b','];

/// The delimiter of a file that begins with `head`: the format's own, unless the header has a
/// single cell by it and another splits every row into as many cells.
pub(super) fn detect(head: &[u8], format: Format) -> u8 {
    let own = of_format(format);
    if n_cells(head, own).is_none_or(|n| n > 1) {
        return own;
    }
    let split = OTHERS.iter().filter_map(|other| Some((even_cells(head, *other)?, *other)));
    split.filter(|(n, _)| *n > 1).max_by_key(|(n, _)| *n).map_or(own, |(_, other)| other)
}

/// The delimiter that a format has by itself.
pub(crate) fn of_format(format: Format) -> u8 {
    if format == Format::Tsv { b'\t' } else { b',' }
}

/// The delimiter of a CSV or TSV file that can be read.
pub(crate) fn of_file(
    path: &Path,
    file: File,
    format: Format,
    encoding: Option<TextEncoding>,
) -> Option<u8> {
    let is_cells = matches!(format, Format::Csv | Format::Tsv);
    let file = is_cells.then(|| sniff::open(path, file, format, encoding).ok()).flatten()?;
    Some(detect(file.buffer(), format))
}

/// A delimiter as people read it.
pub(crate) fn name(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tabs".to_owned(),
        other => format!("`{}`", char::from(other)),
    }
}

/// How many cells the header has.
fn n_cells(head: &[u8], delimiter: u8) -> Option<usize> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(head);
    reader.byte_headers().ok().map(csv::ByteRecord::len).filter(|n| *n > 0)
}

/// How many cells the header and the first rows have, if all have as many.
fn even_cells(head: &[u8], delimiter: u8) -> Option<usize> {
    let n = n_cells(head, delimiter)?;
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(head);
    let lengths: Vec<_> =
        reader.byte_records().take(ROWS).map_while(|row| row.ok().map(|row| row.len())).collect();
    // The last row may be cut off where the head ends.
    let whole = if lengths.len() < ROWS { lengths.len().saturating_sub(1) } else { ROWS };
    lengths.iter().take(whole.max(1)).all(|length| *length == n).then_some(n)
}

/// A delimiter as a suite writes it.
pub(crate) fn parse(text: &str) -> Option<u8> {
    match text {
        "tab" | "\\t" => Some(b'\t'),
        "comma" => Some(b','),
        "semicolon" => Some(b';'),
        "pipe" => Some(b'|'),
        text => match text.as_bytes() {
            [byte]
                if !byte.is_ascii_alphanumeric()
                    && !b"\"\r\n\0'".contains(byte)
                    && byte.is_ascii() =>
            {
                Some(*byte)
            }
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found_where_commas_split_nothing() {
        let check = |text: &str, expected: char| {
            assert_eq!(char::from(detect(text.as_bytes(), Format::Csv)), expected, "{text:?}");
        };
        check("id;text;label\n1;a, b;x\n2;c;y\n", ';');
        check("id\ttext\n1\ta\n", '\t');
        check("id|text|label\n1|\"a|b\"|x\n", '|');
        check("id,text;label\n1,a;b\n", ',');
        check("text\nhello; world\n", ',');
        check("a;b\n1;2\n3\n4;5\n", ',');
        check("", ',');
        check("text\n", ',');
        check("id;text\n", ';');
        assert_eq!(detect(b"id,text\n1,a\n", Format::Tsv), b',');
        assert_eq!(detect(b"id\ttext\n1\ta\n", Format::Tsv), b'\t');
    }
}
