//! Rows of a file that the user names (`--data`): JSONL, JSON or CSV.

use std::path::Path;

use evalmark_core::files::FileAccess;
use serde_json::{Map, Value};

use super::definition::SuiteImportError;

pub(super) fn read(path: &Path) -> Result<Vec<Map<String, Value>>, SuiteImportError> {
    let shown = path.display().to_string();
    let wrong =
        |line: usize, problem: String| SuiteImportError::new(format!("{shown}:{line}"), problem);
    let text = FileAccess::unlimited().read_text(path);
    let text = text.map_err(|error| SuiteImportError::new(&shown, error.to_string()))?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let rows: Vec<(usize, Value)> = match ending.to_ascii_lowercase().as_str() {
        "json" => {
            let value: Value = serde_json::from_str(&text)
                .map_err(|error| wrong(error.line(), error.to_string()))?;
            match value {
                Value::Array(list) => list.into_iter().map(|row| (1, row)).collect(),
                _ => return Err(wrong(1, "a JSON array of rows is expected".to_owned())),
            }
        }
        "csv" => {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let headers = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
            let rows = reader.records().enumerate();
            let row = |(at, row): (usize, Result<csv::StringRecord, csv::Error>)| {
                let row = row.map_err(|error| wrong(at + 2, error.to_string()))?;
                let cells = headers.iter().zip(row.iter());
                let cells = cells.map(|(name, cell)| (name.to_owned(), Value::from(cell)));
                Ok((at + 2, Value::Object(cells.collect())))
            };
            rows.map(row).collect::<Result<_, SuiteImportError>>()?
        }
        _ => {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let row = |(at, line): (usize, &str)| {
                let row =
                    serde_json::from_str(line).map_err(|error| wrong(at + 1, error.to_string()))?;
                Ok((at + 1, row))
            };
            lines.map(row).collect::<Result<_, SuiteImportError>>()?
        }
    };
    let object = |(line, row): (usize, Value)| match row {
        Value::Object(map) => Ok(map),
        _ => Err(wrong(line, "a row is a JSON object".to_owned())),
    };
    let rows: Vec<_> = rows.into_iter().map(object).collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Err(SuiteImportError::new(shown, "there are no rows"));
    }
    Ok(rows)
}
