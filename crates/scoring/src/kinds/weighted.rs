//! `weighted`: the weighted mean of the values of a list of metrics.

use std::{borrow::Cow, sync::Arc};

use evalmark_core::{
    fields::Fields,
    metric::{Direction, Nested, ParamError, Range, Reasoning},
    suite::entry_schema,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition, UnusableTarget},
    nested::{Part, in_params, list_of, parts},
    subject::Subject,
};

/// The largest weight, so that no sum of them overflows.
const MAX_WEIGHT: f64 = 1e9;

/// Parameters of `weighted`: entries with a `weight`.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Params(Vec<Value>);

impl JsonSchema for Params {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Params".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut entry = entry_schema();
        entry["properties"]["weight"] = json!({
            "description": "How much the metric counts beside the others; default 1.",
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": MAX_WEIGHT,
        });
        let mut list = list_of(entry);
        let description = "Metrics as under `metrics`, each with a `weight` above 0 (default 1); \
                           names are optional.";
        list.insert("description".to_owned(), description.into());
        list
    }
}

#[derive(Debug)]
pub(crate) struct Weighted {
    parts: Vec<(f64, Part)>,
}

impl MetricDefinition for Weighted {
    const ABOUT: About = About {
        name: "weighted",
        summary: "The weighted mean of the values of a list of metrics. The score is missing \
                  where one of them is; an invalid one counts as 0, and where all are invalid, so \
                  is the answer.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: false,
        model_refs: &[],
        source: "Own definition.",
    };
    const READS_OBJECTS: bool = true;
    type Params = Params;

    fn compile(Params(mut entries): Params) -> Result<Backend, ParamError> {
        let weights = entries.iter_mut().enumerate().map(|(i, entry)| take_weight(i, entry));
        let weights: Vec<f64> = weights.collect::<Result<_, _>>()?;
        let parts = parts(&entries, |metric| {
            let message = "`weighted` takes values in [0, 1] where higher is better; add \
                           `binary: true` and a `threshold` (or `not: true`, where the values lie \
                           in [0, 1])";
            metric.is_share().then_some(()).ok_or_else(|| message.to_owned())
        })?;
        let parts = weights.into_iter().zip(parts).collect();
        Ok(Backend::Text(Arc::new(Self { parts })))
    }

    fn nested(params: &Value) -> Vec<Nested> {
        in_params(params)
    }
}

/// The weight of an entry, which is then an entry like any other.
fn take_weight(i: usize, entry: &mut Value) -> Result<f64, ParamError> {
    let weight = entry.as_object_mut().and_then(|entry| entry.shift_remove("weight"));
    let Some(weight) = weight else { return Ok(1.0) };
    weight.as_f64().filter(|weight| *weight > 0.0 && *weight <= MAX_WEIGHT).ok_or_else(|| {
        let message = format!("a weight must be above 0 and at most 1e9; {weight} is not");
        ParamError { pointer: format!("/{i}/weight"), message }
    })
}

impl Measure for Weighted {
    fn reasoning(&self) -> Option<Reasoning> {
        None
    }

    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let (mut sum, mut weights, mut invalid) = (0.0, 0.0, Vec::new());
        for (weight, part) in &self.parts {
            let score = part.metric.score(subject);
            let told = || part.told(score.reason.as_deref());
            let Some(value) = score.value else { return Measurement::Missing(told()) };
            if score.invalid {
                invalid.push(format!("invalid for {}", told()));
            }
            sum += weight * value;
            weights += weight;
        }
        let reason = (!invalid.is_empty()).then(|| invalid.join("; "));
        match reason {
            Some(reason) if invalid.len() == self.parts.len() => Measurement::Invalid(reason),
            reason => Measurement::Value(sum / weights, reason),
        }
    }

    fn check_targets(&self, targets: &[String], fields: &Fields) -> Result<(), UnusableTarget> {
        self.parts.iter().try_for_each(|(_, part)| part.metric.check_row_targets(targets, fields))
    }

    fn check_item(&self, targets: &[String], fields: &Fields) -> Result<(), String> {
        self.parts.iter().try_for_each(|(_, part)| part.metric.check_row(targets, fields))
    }
}
