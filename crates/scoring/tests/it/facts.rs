//! Golden tables: values that reference tools gave, in `tests/facts/` or in the folder that the
//! environment variable `EVALMARK_FACTS` names.

use std::{env, fs, path::Path};

use serde_json::Value;

/// The rows of a table, and of the table of further rows beside it where there is one.
pub(crate) fn rows(table: &str) -> Vec<Value> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/facts").to_owned();
    let folder = env::var("EVALMARK_FACTS").unwrap_or(own);
    let read = |name: String| fs::read_to_string(Path::new(&folder).join(name));
    let rows = read(format!("{table}.jsonl")).expect("the table can be read");
    let more = read(format!("{table}_more.jsonl")).unwrap_or_default();
    let lines = rows.lines().chain(more.lines()).filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Runs a check over a table, and shows the first rows that fail it. A check says what is wrong, or
/// how many values it has compared.
#[track_caller]
pub(crate) fn check_table(table: &str, check: impl Fn(&Value) -> Result<usize, String>) {
    let (mut n_compared, mut wrong) = (0, Vec::new());
    let rows = rows(table);
    for row in &rows {
        match check(row) {
            Ok(n) => n_compared += n,
            Err(why) => wrong.push(format!("{why}\n    {row}")),
        }
    }
    let (n_wrong, n_rows) = (wrong.len(), rows.len());
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{n_wrong} of {n_rows} rows of {table}:\n{}", wrong.join("\n"));
    assert!(n_compared >= n_rows && n_rows > 0, "{n_compared} values in {n_rows} rows");
}

/// Compares a value with the one expected, whose name is `what`; `null` is no value.
pub(crate) fn compare(
    what: &str,
    found: Option<f64>,
    expected: &Value,
    tolerance: f64,
) -> Result<(), String> {
    let close = match (found, expected.as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() <= tolerance,
        (None, None) => expected.is_null(),
        _ => false,
    };
    if close { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected}")) }
}

pub(crate) fn text<'a>(row: &'a Value, pointer: &str) -> &'a str {
    row.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {row}"))
}

/// A text, or a list of texts.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    let one = value.as_str().into_iter();
    one.chain(value.as_array().into_iter().flatten().filter_map(Value::as_str)).collect()
}
