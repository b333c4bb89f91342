//! Rows of a YAML file: a list of mappings. Such a file is read whole, within a bound.

use std::{fs::File, io::Read, path::Path};

use serde_json::Value;

use super::{DatasetError, Format, RowLayout, Rows, sniff};
use crate::{
    fields::{Fields, Marks},
    files::MAX_TEXT,
    suite::document::Document,
};

pub(super) fn open(path: &Path, file: File, layout: &RowLayout) -> Result<Rows, DatasetError> {
    let wrong = |message: String| DatasetError::of_file(path, message);
    let mut text = String::new();
    sniff::open(path, file, Format::Yaml, layout.encoding)?
        .take(MAX_TEXT + 1)
        .read_to_string(&mut text)
        .map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if text.len() as u64 > MAX_TEXT {
        let most = MAX_TEXT >> 20;
        return Err(wrong(format!(
            "has more than {most} MiB; save a dataset of that size as JSONL"
        )));
    }
    let mut document = Document::parse(&text).map_err(|mistake| {
        let place = format!("line {}, column {}", mistake.position.line, mistake.position.column);
        let hint = mistake.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        DatasetError::of_row(path, place, format!("{}{hint}", mistake.message))
    })?;
    let pointer: String = layout.rows.iter().map(|step| super::pointer_step(step)).collect();
    let rows = match document.value.pointer_mut(&pointer) {
        Some(Value::Array(rows)) => std::mem::take(rows),
        Some(Value::Null) if pointer.is_empty() => return Err(wrong("is empty".to_owned())),
        _ if pointer.is_empty() => {
            let lists = lists(&document.value);
            let example = lists.first().map_or("data", String::as_str);
            return Err(wrong(format!(
                "is not a list of mappings; name the list of its rows, as in `dataset: {{ rows: {example} }}`"
            )));
        }
        _ => return Err(wrong(format!("`rows: {}` is not a list", layout.rows.join(".")))),
    };
    let path = path.to_owned();
    let rows = rows.into_iter().enumerate().map(move |(at, row)| {
        let place = format!("{pointer}/{at}");
        row_of(row, &document, &place).map_err(|message| {
            let line = document.position(&place).line;
            DatasetError::of_row(&path, format!("row {} (line {line})", at + 1), message)
        })
    });
    // Nothing is read behind the first error.
    let mut is_over = false;
    Ok(Box::new(rows.take_while(move |row| !std::mem::replace(&mut is_over, row.is_err()))))
}

/// A row, whose numbers keep their digits.
fn row_of(row: Value, document: &Document, place: &str) -> Result<Fields, String> {
    let Value::Object(values) = row else {
        return Err("is not a mapping of columns to values".to_owned());
    };
    let mut marks = Marks::default();
    for (pointer, spelled) in document.respellings_below(place) {
        marks.number(pointer, spelled);
    }
    Ok(Fields::new(values, marks))
}

/// The keys of a mapping that hold lists of mappings.
fn lists(value: &Value) -> Vec<String> {
    let is_list = |value: &Value| {
        value.as_array().is_some_and(|list| list.first().is_some_and(Value::is_object))
    };
    let entries = value.as_object().into_iter().flatten();
    entries.filter(|(_, value)| is_list(value)).map(|(key, _)| key.clone()).collect()
}
