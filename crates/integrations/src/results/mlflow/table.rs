//! `MLflow`: `eval_results_table.json`, the artifact of `mlflow.models.evaluate` with one row an answer.

use evalmark_core::{
    metric::Direction,
    tool_results::{ToolItem, ToolScore},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::results::{
    collect::{Collector, NewAnswer, Place},
    error::ResultsError,
    text::{text_of, texts_of},
};

/// Columns that hold the model's answer.
const OUTPUTS: [&str; 3] = ["outputs", "prediction", "predictions"];
/// Columns that hold the right answer.
const TARGETS: [&str; 4] = ["ground_truth", "target", "targets", "expected_response"];
/// What the name of a column of scores ends with.
const SCORE: &str = "/score";

/// A table as pandas splits it.
#[derive(Deserialize)]
pub(super) struct Table {
    columns: Vec<String>,
    data: Vec<Vec<Value>>,
}

/// How such a table is had.
pub(super) fn hint(error: ResultsError) -> ResultsError {
    error.hint(
        "name a run by its id, or fetch its table: `mlflow artifacts download --run-id RUN \
         --artifact-path eval_results_table.json`",
    )
}

/// Takes the rows of a table over.
pub(super) fn take_table(
    table: Table,
    name: &str,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    if !table.columns.iter().any(|column| column.ends_with(SCORE)) {
        let message = format!(
            "has no column of scores (`METRIC/score`); its columns are: {}",
            table.columns.join(", ")
        );
        return Err(hint(ResultsError::of_file(name, message)));
    }
    for (at, cells) in table.data.into_iter().enumerate() {
        let place = Place::new(name, format!("data[{at}]"));
        if cells.len() != table.columns.len() {
            let (found, expected) = (cells.len(), table.columns.len());
            return Err(place.error(format!("has {found} cells, and there are {expected} columns")));
        }
        take(&table.columns, cells, &place, into)?;
    }
    Ok(())
}

/// A row. It has no id: an item is what was asked and what is expected.
fn take(
    columns: &[String],
    cells: Vec<Value>,
    place: &Place,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let row: Map<String, Value> = columns.iter().cloned().zip(cells).collect();
    let first = |names: &[&str]| names.iter().find_map(|name| row.get(*name));
    // What belongs to a metric has a name with a slash; tokens are counted of the answer.
    let is_asked = |column: &str| {
        !column.contains('/')
            && column != "token_count"
            && !OUTPUTS.contains(&column)
            && !TARGETS.contains(&column)
    };
    let asked = row.iter().filter(|(column, _)| is_asked(column));
    let item = ToolItem {
        fields: asked.map(|(column, value)| (column.clone(), value.clone())).collect(),
        targets: first(&TARGETS).map(texts_of).unwrap_or_default(),
        ..ToolItem::default()
    };
    if item.fields.is_empty() {
        return Err(place.error("has no column that tells what was asked, such as `inputs`"));
    }
    let (prompt, model) = (into.prompt("prompt", None), into.model("model"));
    let question = row.get("inputs").and_then(text_of);
    let mut answer = NewAnswer {
        messages: question.map(|text| ("user".to_owned(), text)).into_iter().collect(),
        output: first(&OUTPUTS).and_then(text_of),
        ..NewAnswer::to(item, prompt, model)
    };
    if answer.output.is_none() {
        answer.fail("the row has no output");
        return into.answer(answer, place);
    }
    for (column, value) in &row {
        let Some(metric) = column.strip_suffix(SCORE) else { continue };
        let justification = row.get(&format!("{metric}/justification")).and_then(text_of);
        let score = match value {
            Value::Bool(passed) => ToolScore::passed(*passed),
            Value::Number(number) => ToolScore { value: number.as_f64(), ..ToolScore::default() },
            Value::Null => ToolScore::missing("MLflow gives no score"),
            _ => ToolScore::missing("MLflow's score is not a number"),
        };
        let reason = score.reason.clone().or(justification);
        let place = into.metric_of(metric, None, Direction::Higher, false);
        answer.scores.push((place, ToolScore { reason, ..score }));
    }
    into.answer(answer, place)
}
