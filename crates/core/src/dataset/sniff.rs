//! What a file is, by its name and its first bytes, and what to do where it is not what it is read
//! as.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
};

use super::{
    DatasetError, Format,
    encoding::{TextEncoding, Transcoded},
};

/// How much of a file is looked at.
const HEAD: usize = 1 << 16;

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A text as UTF-8.
pub(super) type TextReader = BufReader<Box<dyn Read + Send>>;

/// A text file to be read as `format`, as UTF-8 and past its byte order mark.
pub(super) fn open(
    path: &Path,
    file: File,
    format: Format,
    encoding: Option<TextEncoding>,
) -> Result<TextReader, DatasetError> {
    let unreadable = |error| DatasetError::of_file(path, format!("cannot be read: {error}"));
    let mut raw = BufReader::with_capacity(HEAD, file);
    let head = raw.fill_buf().map_err(unreadable)?;
    let utf_16 = || encoding.is_none().then(|| utf_16(head).map(str::to_owned)).flatten();
    if let Some(message) = by_content(head, format).or_else(utf_16) {
        return Err(DatasetError::of_file(path, message));
    }
    if head.starts_with(BOM) {
        raw.consume(BOM.len());
    } else if let Some(encoding) = encoding {
        let text: Box<dyn Read + Send> = Box::new(Transcoded::new(raw, encoding));
        let mut reader = BufReader::with_capacity(HEAD, text);
        // What is wrong here is told with its row.
        drop(reader.fill_buf());
        return Ok(reader);
    }
    let mut reader = BufReader::with_capacity(HEAD, Box::new(raw) as Box<dyn Read + Send>);
    reader.fill_buf().map_err(unreadable)?;
    Ok(reader)
}

/// A file that is no text, from its beginning; an error where it is not of its format, but something
/// that can be named.
pub(super) fn not_something_else(
    path: &Path,
    mut file: File,
    format: Format,
) -> Result<File, DatasetError> {
    let unreadable = |error| DatasetError::of_file(path, format!("cannot be read: {error}"));
    let mut head = Vec::new();
    Read::by_ref(&mut file).take(HEAD as u64).read_to_end(&mut head).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let magic: &[u8] = match format {
        Format::Xlsx => b"PK\x03\x04",
        Format::Arrow => b"ARROW1",
        _ => b"PAR1",
    };
    if head.starts_with(magic) {
        return Ok(file);
    }
    by_content(&head, format).map_or(Ok(file), |message| Err(DatasetError::of_file(path, message)))
}

/// What a file that cannot be read as `format` is, by its first bytes.
fn by_content(head: &[u8], format: Format) -> Option<String> {
    const MAGIC: &[(&[u8], &str)] = &[
        (
            b"\x1F\x8B",
            "is compressed (gzip); let its name end in `.gz`, or unpack it with `gunzip -k FILE`",
        ),
        (
            b"\x28\xB5\x2F\xFD",
            "is compressed (zstd); let its name end in `.zst`, or unpack it with `zstd -d FILE`",
        ),
        (b"BZh", "is compressed (bzip2); unpack it with `bunzip2 -k FILE` and name the result"),
        (b"\xFD7zXZ\0", "is compressed (xz); unpack it with `xz -dk FILE` and name the result"),
        (b"PK\x03\x04", "is a ZIP archive or an Excel workbook; unpack it, or add `format: xlsx`"),
        (
            b"\xD0\xCF\x11\xE0",
            "is an old Excel workbook (.xls), or encrypted; save it as .xlsx without a password",
        ),
        (b"ARROW1", "is an Arrow or Feather file; add `format: arrow`"),
        (b"FEA1", "is a Feather file of the first version; save it as Parquet or Feather 2"),
        (b"ORC", "is an ORC file; save it as Parquet"),
        (b"Obj\x01", "is an Avro file; save it as Parquet or JSONL"),
        (b"SQLite format 3\0", "is a SQLite database; export the table as CSV or JSONL"),
        (b"%PDF", "is a PDF"),
        (b"PAR1", "is a Parquet file; add `format: parquet`"),
        (b"version https://git-lfs.", "is a Git LFS pointer, not the data; run `git lfs pull`"),
        (b"<!DOCTYPE html", "is a web page, not the data; was it downloaded without signing in?"),
        (b"<!doctype html", "is a web page, not the data; was it downloaded without signing in?"),
        (b"<html", "is a web page, not the data; was it downloaded without signing in?"),
    ];
    let is = |(magic, _): &&(&[u8], &str)| head.starts_with(magic);
    // Words, not magic numbers, may begin a text.
    let is_text = |magic: &[u8]| matches!(magic, b"ORC" | b"BZh" | b"FEA1");
    if let Some((magic, what)) = MAGIC.iter().find(is)
        && (!is_text(magic) || head.contains(&0))
    {
        return Some((*what).to_owned());
    }
    let first = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start().first();
    match (format, first) {
        (Format::Jsonl, Some(b'[')) => {
            let is_array = head
                .trim_ascii_start()
                .get(1..)
                .is_some_and(|rest| matches!(rest.trim_ascii_start().first(), Some(b'{') | None));
            is_array
                .then(|| "is a JSON array, not one object a line; add `format: json`".to_owned())
        }
        _ => None,
    }
}

/// What is to be said of a text in UTF-16 that nobody declares as such.
fn utf_16(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Some("is UTF-16; save it as UTF-8, or add `encoding: utf-16`");
    }
    let is_it = head.len() >= 4 && head.iter().take(64).skip(1).step_by(2).all(|byte| *byte == 0);
    is_it.then_some(
        "is UTF-16 without a byte order mark; save it as UTF-8, or add `encoding: utf-16le`",
    )
}

/// What is to be said of a path whose ending tells no format, and of one that is no file.
pub(crate) fn by_name(path: &Path, shown: &str) -> (String, String) {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let stem = path.file_stem().map_or(path, Path::new);
    let what = match ending.to_ascii_lowercase().as_str() {
        _ if path.is_dir() => return (format!("`{shown}` is a folder"), in_folder(path)),
        "gz" | "bz2" | "xz" | "zst" | "zip" | "tgz" | "tar" | "7z" => {
            let inner = stem.file_name().and_then(|name| name.to_str()).unwrap_or("data.csv");
            return (
                format!("`{shown}` is compressed, and is not unpacked here"),
                format!(
                    "unpack it and name the file within, for example `{inner}`; a dataset may be \
                     compressed \
                     by gzip or zstd"
                ),
            );
        }
        "xls" | "xlsb" | "ods" => "a spreadsheet of another kind; save it as .xlsx and name that",
        "orc" | "avro" => "of a format that is not read; save it as Parquet or JSONL and name that",
        "db" | "sqlite" | "sqlite3" | "duckdb" => {
            "a database; export the table as CSV or JSONL and name that"
        }
        "pkl" | "pickle" | "npy" | "npz" | "pt" | "h5" => {
            "Python's own; save it as Parquet or JSONL and name that"
        }
        "toml" | "xml" | "html" => {
            "of a format that is not read; save it as JSONL, JSON or CSV and name that"
        }
        _ => {
            return (
                format!("the extension of `{shown}` does not show its format"),
                "add `format: csv` (or tsv, jsonl, json, yaml, xlsx, parquet, arrow)".to_owned(),
            );
        }
    };
    let (what, hint) = what.split_once("; ").unwrap_or((what, ""));
    (format!("`{shown}` is {what}"), hint.to_owned())
}

/// Which files of a folder a dataset could be.
fn in_folder(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().take(1_000).flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| Format::of(path).is_some())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    match names.as_slice() {
        [] => "name one file".to_owned(),
        [one] => format!("name the file in it: `{one}`"),
        [first, .., last] => {
            format!("name one file in it (there are {}, from `{first}` to `{last}`)", names.len())
        }
    }
}
