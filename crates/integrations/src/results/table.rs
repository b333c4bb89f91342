//! Any table of results: CSV, TSV, JSONL, JSON, YAML, XLSX, Arrow or Parquet with one row an answer, whatever wrote it.

use std::path::Path;

use evalmark_core::{
    dataset::{DatasetError, FileSpec, Format, Rows},
    fields::Fields,
    files::FileAccess,
    record::{Outcome, Usage},
    tool_results::{ToolFile, ToolItem, ToolScore},
};
use evalmark_report::{
    arrow::arrow_rows_of,
    dataset::{DatasetReadError, parquet_rows_of},
};
use serde_json::{Map, Value};

use super::{
    Importer, ResultsRequest,
    collect::{Collector, NewAnswer, Place},
    error::ResultsError,
    input::Input,
    text::name_of,
};

pub(super) const IMPORTER: Importer = Importer {
    name: "csv",
    files: "a table with one row an answer: CSV, TSV, JSONL, JSON, YAML, XLSX, Arrow or Parquet",
    server: None,
    read,
};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnRole {
    /// The item's id.
    Id,
    /// A part of what was asked; there may be several.
    Input,
    /// A right answer; there may be several.
    Target,
    /// Items that share it are not independent.
    Cluster,
    /// The model's answer.
    Output,
    /// The prompt's name.
    Prompt,
    /// The model's name.
    Model,
    /// The repetition, a whole number.
    Epoch,
    /// Why there is no answer; empty where there is one.
    Error,
    /// A score; there may be several.
    Score,
}

impl ColumnRole {
    /// Every role.
    pub const ALL: [Self; 10] = [
        Self::Id,
        Self::Input,
        Self::Target,
        Self::Cluster,
        Self::Output,
        Self::Prompt,
        Self::Model,
        Self::Epoch,
        Self::Error,
        Self::Score,
    ];

    /// The word for it, which is also the column that has it where none is named.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Input => "input",
            Self::Target => "target",
            Self::Cluster => "cluster",
            Self::Output => "output",
            Self::Prompt => "prompt",
            Self::Model => "model",
            Self::Epoch => "epoch",
            Self::Error => "error",
            Self::Score => "score",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A column and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedColumn {
    /// What it holds.
    pub role: ColumnRole,
    /// Its name.
    pub column: String,
}

/// Columns that hold scores where none is named, by the beginning of their names.
const SCORE_PREFIX: &str = "score.";

/// Which columns hold what, in one file.
struct Layout {
    columns: Vec<NamedColumn>,
}

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    for path in request.files {
        let file = digest(path)?;
        let name = file.name.clone();
        let mut rows = open(path, &name)?;
        let mut layout = None;
        for number in 1.. {
            let Some(row) = rows.next() else { break };
            let row = row.map_err(|error| of_dataset(&name, error))?;
            let place = Place::new(&name, format!("row {number}"));
            let layout = match &layout {
                Some(layout) => layout,
                None => layout.insert(Layout::of(&row, request.columns, &name)?),
            };
            take(layout, &row, &place, into)?;
        }
        if layout.is_none() {
            return Err(ResultsError::of_file(&name, "has no row: there is no result in it"));
        }
        into.file(file);
    }
    Ok(())
}

fn digest(path: &Path) -> Result<ToolFile, ResultsError> {
    // It is read twice: a table may be any format that a dataset may have.
    Ok(Input::open(path)?.digest())
}

fn open(path: &Path, name: &str) -> Result<Rows, ResultsError> {
    let Some(format) = Format::of(path) else {
        let message = "has a name that does not tell which table it is";
        return Err(ResultsError::of_file(name, message)
            .hint("call it .csv, .tsv, .jsonl, .json, .yaml, .xlsx, .arrow or .parquet"));
    };
    let spec = FileSpec::new(path.to_owned(), format, columnar, FileAccess::unlimited());
    spec.rows().map_err(|error| of_dataset(name, error))
}

fn columnar(path: &Path, file: std::fs::File, format: Format) -> Result<Rows, DatasetError> {
    let owned = path.to_owned();
    let told = move |error: DatasetReadError| DatasetError::of_file(&owned, error.to_string());
    if format == Format::Arrow {
        let rows = arrow_rows_of(path, file).map_err(&told)?;
        return Ok(Box::new(rows.map(move |row| row.map_err(&told))));
    }
    let rows = parquet_rows_of(path, file).map_err(&told)?;
    Ok(Box::new(rows.map(move |row| row.map_err(&told))))
}

fn of_dataset(name: &str, error: DatasetError) -> ResultsError {
    ResultsError { place: error.place, ..ResultsError::of_file(name, error.message) }
}

impl Layout {
    /// From what the user names, and for the rest by the columns' names.
    fn of(row: &Fields, named: &[NamedColumn], file: &str) -> Result<Self, ResultsError> {
        let known = || row.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(lost) = named.iter().find(|named| row.cell(&named.column).is_none()) {
            let message = format!("has no column `{}`; it has: {}", lost.column, known());
            return Err(ResultsError::of_file(file, message));
        }
        let mut columns = named.to_vec();
        for role in ColumnRole::ALL {
            let is_named = named.iter().any(|named| named.role == role);
            let is_taken = |column: &str| named.iter().any(|named| named.column == column);
            let found = row.keys().filter(|column| {
                let by_prefix = role == ColumnRole::Score && column.starts_with(SCORE_PREFIX);
                (*column == role.name() || by_prefix) && !is_named && !is_taken(column)
            });
            columns.extend(found.map(|column| NamedColumn { role, column: column.clone() }));
        }
        if !columns.iter().any(|named| named.role == ColumnRole::Score) {
            let message = format!("has no column of scores; its columns are: {}", known());
            return Err(ResultsError::of_file(file, message)
                .hint("say which it is: `--map score=COLUMN`, as often as there are metrics"));
        }
        let has = |role| columns.iter().any(|named| named.role == role);
        if !has(ColumnRole::Id) && !has(ColumnRole::Input) {
            let message =
                format!("does not say which item a row is about; its columns are: {}", known());
            return Err(ResultsError::of_file(file, message).hint(
                "say which column is an id, or what was asked: `--map id=COLUMN` or `--map input=COLUMN`",
            ));
        }
        Ok(Self { columns })
    }

    fn of_role(&self, role: ColumnRole) -> impl Iterator<Item = &str> {
        let of_role = self.columns.iter().filter(move |named| named.role == role);
        of_role.map(|named| named.column.as_str())
    }
}

/// The text of the first column of a role; `None` where it is empty.
fn text(
    layout: &Layout,
    row: &Fields,
    role: ColumnRole,
    place: &Place,
) -> Result<Option<String>, ResultsError> {
    let Some(column) = layout.of_role(role).next() else { return Ok(None) };
    cell_text(row, column, place)
}

fn cell_text(row: &Fields, column: &str, place: &Place) -> Result<Option<String>, ResultsError> {
    let Some(cell) = row.cell(column) else { return Ok(None) };
    let text = cell.text().map_err(|why| place.error(format!("column `{column}`: {why}")))?;
    Ok(text.filter(|text| !text.is_empty()).map(std::borrow::Cow::into_owned))
}

fn take(
    layout: &Layout,
    row: &Fields,
    place: &Place,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    if row.values().all(|value| value.is_null() || value.as_str() == Some("")) {
        into.leave_out("the row is empty", place);
        return Ok(());
    }
    let one = |role| text(layout, row, role, place);
    let id = one(ColumnRole::Id)?;
    if id.is_none() && layout.of_role(ColumnRole::Id).next().is_some() {
        return Err(place.error("the id is empty"));
    }
    let inputs = layout.of_role(ColumnRole::Input);
    let fields: Map<String, Value> =
        inputs.filter_map(|column| Some((column.to_owned(), row.get(column)?.clone()))).collect();
    let targets = layout.of_role(ColumnRole::Target);
    let targets = targets.map(|column| cell_text(row, column, place));
    let item = ToolItem {
        id,
        fields,
        targets: targets.filter_map(Result::transpose).collect::<Result<_, _>>()?,
        cluster: one(ColumnRole::Cluster)?,
    };
    let prompt = one(ColumnRole::Prompt)?.unwrap_or_else(|| "prompt".to_owned());
    let model = one(ColumnRole::Model)?.unwrap_or_else(|| "model".to_owned());
    let (prompt, model) = (into.prompt(&name_of(&prompt), None), into.model(&model));
    let epoch = one(ColumnRole::Epoch)?.map(|text| {
        let error = |_| place.error(format!("the epoch `{text}` is not a whole number"));
        text.trim().parse::<u32>().map_err(error)
    });
    let mut answer = NewAnswer {
        epoch: epoch.transpose()?,
        output: one(ColumnRole::Output)?,
        outcome: Outcome::Answered,
        usage: Usage::default(),
        ..NewAnswer::to(item, prompt, model)
    };
    let columns: Vec<_> = layout.of_role(ColumnRole::Score).map(str::to_owned).collect();
    for column in columns {
        let name = column.strip_prefix(SCORE_PREFIX).unwrap_or(&column);
        let score = score(row, &column, place)?;
        answer.scores.push((into.metric(name), score));
    }
    if let Some(error) = one(ColumnRole::Error)? {
        answer.fail(error);
    }
    into.answer(answer, place)
}

/// A score: a number, true or false; an empty cell, or NaN, is missing.
fn score(row: &Fields, column: &str, place: &Place) -> Result<ToolScore, ResultsError> {
    if let Some(Value::Bool(passed)) = row.get(column) {
        return Ok(ToolScore::passed(*passed));
    }
    let Some(text) = cell_text(row, column, place)? else {
        return Ok(ToolScore::missing("the cell is empty"));
    };
    let lower = text.trim().to_ascii_lowercase();
    match lower.as_str() {
        "" | "null" | "none" | "n/a" | "na" | "nan" => {
            Ok(ToolScore::missing(format!("the cell says `{}`", text.trim())))
        }
        "true" | "pass" | "passed" | "yes" => Ok(ToolScore::passed(true)),
        "false" | "fail" | "failed" | "no" => Ok(ToolScore::passed(false)),
        number => match number.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(ToolScore::of(value)),
            _ => Err(place
                .error(format!("column `{column}`: `{text}` is not a score"))
                .hint("a score is a number, true or false; leave it empty where there is none")),
        },
    }
}
