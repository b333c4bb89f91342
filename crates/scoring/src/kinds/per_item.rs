//! `per_item`: a column of the dataset says for each row which metric scores its answers.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use evalmark_core::{
    fields::Fields,
    metric::{Direction, ParamError, Range, Reasoning},
    suite::yaml,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition, UnusableTarget},
    kinds::kinds,
    metric::Metric,
    nested::{parts, within},
    subject::Subject,
};

/// Compiled metrics that are kept: many rows say the same.
const MAX_KEPT: usize = 1_024;

/// Parameters of `per_item`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The column that holds each row's metric as a suite writes it, as YAML, JSON or an object:
    /// `{"regex": {"pattern": "^A"}, "not": true}`. Every row is checked before anything is asked.
    column: String,
}

#[derive(Debug)]
pub(crate) struct PerItem {
    column: String,
    /// By what their cells say.
    kept: RwLock<HashMap<String, Arc<RowMetric>>>,
}

/// What a cell says.
#[derive(Debug)]
struct RowMetric {
    metric: Metric,
    /// The kind in it that compares with a target, if any does.
    needs_target: Option<&'static str>,
}

impl MetricDefinition for PerItem {
    const ABOUT: About = About {
        name: "per_item",
        summary: "The score by the metric that the row itself names in a column; an answer \
                  passes where it passes that metric. Missing where the cell is empty.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: false,
        model_refs: &[],
        source: "Own definition.",
    };
    const READS_OBJECTS: bool = true;
    type Params = Params;

    fn compile(Params { column }: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { column, kept: RwLock::default() })))
    }
}

impl Measure for PerItem {
    fn reasoning(&self) -> Option<Reasoning> {
        None
    }

    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let score = match self.of_row(subject.fields) {
            Ok(Some(row)) => row.metric.score(subject),
            Ok(None) => {
                return Measurement::Missing(format!(
                    "the row names no metric in `{}`",
                    self.column
                ));
            }
            Err(problem) => return Measurement::Missing(problem),
        };
        let unsaid = || "the row's metric has no value".to_owned();
        match score.value {
            Some(_) if score.invalid => Measurement::Invalid(score.reason.unwrap_or_else(unsaid)),
            Some(value) => {
                Measurement::Decided { value, passed: score.passed, reason: score.reason }
            }
            None => Measurement::Missing(score.reason.unwrap_or_else(unsaid)),
        }
    }

    fn check_targets(&self, targets: &[String], fields: &Fields) -> Result<(), UnusableTarget> {
        match self.of_row(fields) {
            Ok(Some(row)) => row.metric.check_row_targets(targets, fields),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    fn check_item(&self, targets: &[String], fields: &Fields) -> Result<(), String> {
        let Some(row) = self.of_row(fields)? else { return Ok(()) };
        match row.needs_target {
            Some(kind) if targets.is_empty() => Err(format!(
                "column `{}`: `{kind}` compares with a target, and the row has none",
                self.column
            )),
            _ => row.metric.check_row(targets, fields),
        }
    }

    fn decides(&self) -> bool {
        true
    }
}

impl PerItem {
    /// The metric of a row; `None` where the cell is empty.
    fn of_row(&self, fields: &Fields) -> Result<Option<Arc<RowMetric>>, String> {
        let column = &self.column;
        let cell = fields.get(column).ok_or_else(|| {
            let known: Vec<_> = fields.keys().map(String::as_str).collect();
            format!("the row has no column `{column}`; it has: {}", known.join(", "))
        })?;
        let text = match cell {
            Value::Null => return Ok(None),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if let Some(kept) = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(&text) {
            return Ok(Some(kept.clone()));
        }
        let row = RowMetric::compile(&text).map_err(|ParamError { pointer, message }| {
            let at = if pointer.is_empty() { String::new() } else { format!(" at {pointer}") };
            format!("column `{column}`{at}: {message}")
        })?;
        let row = Arc::new(row);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(text, row.clone());
        Ok(Some(row))
    }
}

impl RowMetric {
    fn compile(text: &str) -> Result<Self, ParamError> {
        let value = yaml(text).map_err(|mistake| complaint(String::new(), mistake.message))?;
        let entries = [value];
        let within = within(&entries);
        if let Some(again) = within.iter().find(|nested| nested.kind == PerItem::ABOUT.name) {
            let message = "a row's metric cannot be `per_item` itself".to_owned();
            return Err(complaint(in_cell(&again.pointer), message));
        }
        let part = parts(&entries, |metric| {
            let message = "a row's metric has values in [0, 1] where higher is better; add \
                           `binary: true` and a `threshold`";
            metric.is_share().then_some(()).ok_or_else(|| message.to_owned())
        });
        let part = part.map_err(|wrong| complaint(in_cell(&wrong.pointer), wrong.message))?;
        let compares =
            |name: &str| kinds().any(|kind| kind.about.name == name && kind.about.needs_target);
        let needs_target = within.iter().map(|nested| nested.kind).find(|name| compares(name));
        let metric = part.into_iter().next().map(|part| part.metric);
        let nothing = || complaint(String::new(), "names no metric".to_owned());
        Ok(Self { metric: metric.ok_or_else(nothing)?, needs_target })
    }
}

/// A pointer into the list of the one entry, as a pointer into the cell.
fn in_cell(pointer: &str) -> String {
    pointer.strip_prefix("/0").unwrap_or(pointer).to_owned()
}

fn complaint(pointer: String, message: String) -> ParamError {
    ParamError { pointer, message }
}
