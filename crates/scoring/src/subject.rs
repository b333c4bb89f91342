//! What is measured: one answer, and all that belongs to it.

use std::{collections::BTreeMap, sync::LazyLock};

use evalmark_core::{
    fields::Fields,
    metric::Reasoning,
    record::{FinishReason, Record},
};
use serde::Serialize;

/// One answer, and all that a metric may look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The text that is scored; a metric sees the part that counts, without reasoning.
    pub answer: &'a str,
    /// What a metric around this one says of reasoning, if anything.
    pub reasoning: Option<Reasoning>,
    /// The item's right answers.
    pub targets: &'a [String],
    /// The item's columns.
    pub fields: &'a Fields,
    /// How the request ended: timing, tokens, finish reason; its text is the whole answer.
    pub record: &'a Record,
    /// US dollars that the answer cost, where the price is known.
    pub cost_usd: Option<f64>,
}

/// What is known of how an answer came about, as users' own formulas and programs see it.
#[derive(Debug, Serialize)]
pub(crate) struct Known<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finish_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Subject<'a> {
    /// The answer of a record to an item with these right answers and columns; a refusal without a
    /// text counts as an empty answer.
    pub fn new(
        record: &'a Record,
        targets: &'a [String],
        fields: &'a Fields,
        cost_usd: Option<f64>,
    ) -> Self {
        let answer = record.output.as_deref().unwrap_or_default();
        Self { answer, reasoning: None, targets, fields, record, cost_usd }
    }

    /// An answer of which nothing is known but its text and the right answers.
    pub fn of_texts(answer: &'a str, targets: &'a [String]) -> Self {
        static NO_FIELDS: LazyLock<Fields> = LazyLock::new(Fields::default);
        static NO_RECORD: LazyLock<Record> = LazyLock::new(|| Record::recorded(String::new()));
        Self { answer, ..Self::new(&NO_RECORD, targets, &NO_FIELDS, None) }
    }

    pub(crate) fn known(self) -> Known<'a> {
        let details = self.record.details.as_deref();
        Known {
            status: details.and_then(|details| details.status),
            headers: details.and_then(|details| details.headers.as_ref()),
            finish_reason: self.record.finish_reason.as_ref().map(FinishReason::as_str),
            latency_ms: self.record.timing.latency_ms,
            input_tokens: self.record.usage.input_tokens,
            output_tokens: self.record.usage.output_tokens,
            cost_usd: self.cost_usd,
        }
    }
}
