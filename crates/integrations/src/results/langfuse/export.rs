//! What Langfuse exports from its tables: traces, and the scores and observations that belong to them, as JSONL, JSON or
//! CSV. Several files are one run.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    answers::{ERROR, answer, item, scored},
    scores::{of_answer, yes_or_no},
};
use crate::{
    results::{
        collect::{Collector, Place},
        error::ResultsError,
        input::{Input, json},
        text::text_of,
    },
    services::langfuse::{Observation, Score},
};

/// Columns of a trace that are no scores.
const OF_TRACES: [&str; 30] = [
    "id",
    "timestamp",
    "name",
    "userId",
    "sessionId",
    "release",
    "version",
    "environment",
    "tags",
    "bookmarked",
    "public",
    "input",
    "output",
    "metadata",
    "comments",
    "latency",
    "usage",
    "inputCost",
    "outputCost",
    "totalCost",
    "level",
    "observationCount",
    "createdAt",
    "updatedAt",
    "projectId",
    "errorCount",
    "warningCount",
    "defaultCount",
    "debugCount",
    "usageDetails",
];

type Row = Map<String, Value>;

/// Rows of each table, with their places.
#[derive(Default)]
struct Tables {
    traces: Vec<(Place, Row)>,
    scores: HashMap<String, Vec<Score>>,
    observations: HashMap<String, Vec<Observation>>,
    /// Places of scores, by the trace.
    score_places: HashMap<String, Place>,
    has_scores: bool,
}

/// Which table a row is of.
enum Table {
    Traces,
    Scores,
    Observations,
}

/// Reads all files as one run.
pub(super) fn read_files(files: &[&PathBuf], into: &mut Collector) -> Result<(), ResultsError> {
    let mut tables = Tables::default();
    for path in files {
        read_file(path, &mut tables, into)?;
    }
    if tables.traces.is_empty() {
        let names: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
        let message = "there are no traces, and scores alone do not tell what was asked";
        return Err(ResultsError::of_file(&names.join(", "), message)
            .hint("export the table of traces, too, and name both files"));
    }
    // Repetitions are counted in the order of time.
    tables.traces.sort_by_key(|(_, row)| (text(row, "timestamp"), text(row, "id")));
    for (place, row) in std::mem::take(&mut tables.traces) {
        take(row, &place, &mut tables, into)?;
    }
    let mut rest: Vec<_> = tables.scores.iter().collect();
    rest.sort_by_key(|(trace, _)| *trace);
    for (trace, scores) in rest {
        let place = &tables.score_places[trace];
        for _ in scores {
            into.leave_score_out("its trace is in none of the files", place);
        }
    }
    Ok(())
}

fn read_file(path: &Path, tables: &mut Tables, into: &mut Collector) -> Result<(), ResultsError> {
    let mut input = Input::open(path)?;
    let name = input.name().to_owned();
    let start = input.head().iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let file = match start {
        Some(b'{') => input.json_lines::<Row>(|line, row| {
            tables.push(Place::new(&name, format!("line {line}")), row)
        })?,
        Some(b'[') => {
            let (bytes, file) = input.bytes()?;
            let rows: Vec<Row> = json(&name, "", &bytes)?;
            for (at, row) in rows.into_iter().enumerate() {
                tables.push(Place::new(&name, format!("[{at}]")), row)?;
            }
            file
        }
        _ => {
            let (bytes, file) = input.bytes()?;
            if std::str::from_utf8(&bytes).is_err() {
                return Err(ResultsError::of_file(&name, "is not UTF-8 text"));
            }
            read_csv(&bytes, &name, tables)?;
            file
        }
    };
    into.file(file);
    Ok(())
}

fn read_csv(bytes: &[u8], name: &str, tables: &mut Tables) -> Result<(), ResultsError> {
    let mut reader = csv::Reader::from_reader(bytes);
    let wrong = |error: &csv::Error| {
        let line = error.position().map(|position| format!("line {}", position.line()));
        let place = line.unwrap_or_else(|| "its header".to_owned());
        ResultsError::at(name, place, format!("is not CSV: {error}"))
    };
    let columns = reader.headers().map_err(|error| wrong(&error))?.clone();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells = columns.iter().zip(&record).filter(|(_, cell)| !cell.is_empty());
        let row = cells.map(|(column, cell)| (column.to_owned(), cell.into())).collect();
        tables.push(Place::new(name, format!("line {line}")), row)?;
    }
    Ok(())
}

impl Tables {
    fn push(&mut self, place: Place, row: Row) -> Result<(), ResultsError> {
        match table_of(&row) {
            Some(Table::Traces) => self.traces.push((place, row)),
            Some(Table::Scores) => {
                self.has_scores = true;
                let score: Score = typed(row, &place)?;
                let trace = score.trace_id.clone().unwrap_or_default();
                self.score_places.entry(trace.clone()).or_insert(place);
                self.scores.entry(trace).or_default().push(score);
            }
            Some(Table::Observations) => {
                let trace = text(&row, "traceId");
                let observation = typed(row, &place)?;
                self.observations.entry(trace).or_default().push(observation);
            }
            None => {
                let columns: Vec<_> = row.keys().take(12).map(String::as_str).collect();
                let message = format!(
                    "is not a trace, score or observation as Langfuse exports them; its columns are: {}",
                    columns.join(", ")
                );
                return Err(place.error(message).hint(
                    "Langfuse exports its tables of traces, scores and observations as JSONL, JSON and CSV",
                ));
            }
        }
        Ok(())
    }
}

fn table_of(row: &Row) -> Option<Table> {
    let has = |names: &[&str]| names.iter().all(|name| row.contains_key(*name));
    if has(&["name", "dataType", "source"]) {
        Some(Table::Scores)
    } else if has(&["id", "traceId", "type"]) {
        Some(Table::Observations)
    } else if has(&["id", "timestamp"]) {
        Some(Table::Traces)
    } else {
        None
    }
}

/// A row as its types; cells of CSV files are texts, whatever they hold.
fn typed<T: serde::de::DeserializeOwned>(row: Row, place: &Place) -> Result<T, ResultsError> {
    let numbers = ["value", "usageDetails"];
    let cells = row.into_iter().map(|(name, value)| {
        let value = if numbers.contains(&name.as_str()) { unpacked(value) } else { value };
        (name, value)
    });
    let row = Value::Object(cells.collect());
    serde_path_to_error::deserialize(row).map_err(|error| {
        let at = format!("{}, {}", place.at, error.path());
        ResultsError::at(
            &place.file,
            at,
            format!("is not what is expected: {}", error.into_inner()),
        )
    })
}

/// A text that holds JSON, as that.
fn unpacked(value: Value) -> Value {
    match &value {
        Value::String(text) => serde_json::from_str(text.trim()).unwrap_or(value),
        _ => value,
    }
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).and_then(text_of).unwrap_or_default()
}

fn take(
    mut row: Row,
    place: &Place,
    tables: &mut Tables,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let id = text(&row, "id");
    let mut cell = |name: &str| row.remove(name).map(structure).unwrap_or_default();
    let (input, output) = (cell("input"), cell("output"));
    let scores = tables.scores.remove(&id);
    if input.is_null() {
        into.leave_out("the trace has no input, and can be paired with nothing", place);
        return Ok(());
    }
    let scores = if tables.has_scores {
        scores.unwrap_or_default()
    } else {
        row.into_iter()
            .filter(|(name, _)| !OF_TRACES.contains(&name.as_str()))
            .flat_map(flattened)
            .collect()
    };
    let scores = of_answer(&scores, place, into);
    let mut answer = answer(item(None, input.clone(), &Value::Null), &input, &output, into);
    let observations = tables.observations.remove(&id).unwrap_or_default();
    let errors = || observations.iter().filter(|one| one.level == ERROR);
    let is_outer =
        |one: &&Observation| one.parent_observation_id.as_deref().is_none_or(str::is_empty);
    let found = errors().find(is_outer).or_else(|| errors().next().filter(|_| output.is_null()));
    let failure = found.map(|one| {
        let why = one.status_message.clone().filter(|why| !why.trim().is_empty());
        why.unwrap_or_else(|| "an observation ended with an error".to_owned())
    });
    let none =
        (failure.is_none() && output.is_null()).then(|| "the trace has no output".to_owned());
    scored(&mut answer, failure.or(none), scores);
    into.answer(answer, place)
}

/// Input and output: structures are JSON in a text.
fn structure(value: Value) -> Value {
    match &value {
        Value::String(text) if text.trim_start().starts_with(['{', '[', '"']) => unpacked(value),
        _ => value,
    }
}

/// A column of scores of one name: a list of numbers or texts, or one of them.
fn flattened((name, value): (String, Value)) -> Vec<Score> {
    let values = match unpacked(value) {
        Value::Null => Vec::new(),
        Value::Array(values) => values,
        one => vec![one],
    };
    let score = |value: Value| {
        let data_type = match &value {
            Value::Bool(_) => "BOOLEAN",
            Value::Number(_) => "NUMERIC",
            // Booleans are exported as texts.
            Value::String(text) if yes_or_no(text).is_some() => "BOOLEAN",
            _ => "TEXT",
        };
        Score { name: name.clone(), data_type: data_type.to_owned(), value, ..Score::default() }
    };
    values.into_iter().map(score).collect()
}
