//! A run's scores, comparisons and samples as tables, for products that show tables.

use evalmark_report::run_message::{MessageComparison, MessageScore, RunMessage};
use serde_json::{Map, Value, json};

use super::{
    courier::DeliveryError,
    definition::Letter,
    samples::{question, samples_of, scores, unreadable},
};

/// A table with columns and rows.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: Vec<String>,
    /// Lists of cells.
    pub(super) rows: Vec<Value>,
}

impl Table {
    fn new(name: &'static str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { name, columns, rows: Vec::new() }
    }

    pub(super) fn of_scores(message: &RunMessage) -> Self {
        let columns =
            ["prompt", "model", "metric", "score", "lower", "upper", "n_scored", "n_missing"];
        let mut table = Self::new("scores", &columns);
        let row = |one: &MessageScore| {
            json!([
                one.prompt,
                one.model,
                one.metric,
                one.value,
                one.lower,
                one.upper,
                one.n_scored,
                one.n_missing
            ])
        };
        table.rows.extend(message.scores.iter().map(row));
        table
    }

    pub(super) fn of_comparisons(message: &RunMessage) -> Self {
        let columns = ["prompt", "model", "metric", "answer", "baseline", "candidate", "change"];
        let mut table = Self::new("comparisons", &columns);
        let row = |one: &MessageComparison| {
            json!([
                one.prompt,
                one.model,
                one.metric,
                one.answer,
                one.baseline,
                one.candidate,
                one.change_value
            ])
        };
        table.rows.extend(message.comparisons.iter().map(row));
        table
    }

    pub(super) fn of_samples(
        letter: &Letter<'_>,
        has_texts: bool,
        most: usize,
    ) -> Result<Self, DeliveryError> {
        let samples = samples_of(letter)?;
        let metrics = samples.metrics().to_vec();
        let columns = ["item_id", "prompt", "model", "epoch", "outcome", "latency_ms", "cost_usd"];
        let mut table = Self::new("samples", &columns);
        table.columns.extend(metrics.iter().cloned());
        if has_texts {
            table.columns.extend(["targets", "request", "output"].map(str::to_owned));
        }
        for sample in samples.take(most) {
            let sample = sample.map_err(unreadable)?;
            let record = &sample.record;
            let mut row = vec![
                json!(sample.item_id),
                json!(sample.prompt),
                json!(sample.model),
                json!(sample.epoch),
                json!(sample.outcome),
                json!(record.timing.latency_ms),
                json!(sample.cost_usd),
            ];
            let scored: Map<_, _> = scores(&metrics, &sample)
                .map(|(metric, score)| (metric.to_owned(), json!(score)))
                .collect();
            row.extend(
                metrics.iter().map(|metric| scored.get(metric).cloned().unwrap_or_default()),
            );
            if has_texts {
                let targets = json!(sample.targets.join(" | "));
                row.extend([targets, json!(question(&sample).to_string()), json!(record.output)]);
            }
            table.rows.push(Value::Array(row));
        }
        Ok(table)
    }

    /// It as JSON, in the form that Weights & Biases and `MLflow` share.
    pub(super) fn content(&self) -> String {
        json!({ "columns": self.columns, "data": self.rows }).to_string()
    }
}
