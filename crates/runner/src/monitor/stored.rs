//! A record with its scores as it is stored: redacted, and whole without the line that it came from. A journal keeps it
//! as JSON, a segment as a row.

use std::{borrow::Cow, sync::Arc};

use evalmark_core::{
    fields::Fields,
    logs::Redaction,
    record::{FinishReason, Outcome, Record, Usage},
    score::Score,
};
use evalmark_report::records::{RecordRow, RecordTexts};
use evalmark_store::{monitor::DamagedLine, run_record::NamedHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    record::LogRecord,
    redact::{redact_value, redacted},
};

/// The first entry of a journal: by which metrics its records are scored, and what they have besides.
#[derive(Serialize, Deserialize)]
pub(super) struct JournalHead {
    pub(super) metrics: Vec<NamedHash>,
    pub(super) categories: Vec<String>,
    /// Of a file of records that wait for judges: how many there are.
    #[serde(default)]
    pub(super) n_waiting: u64,
}

/// What became of the lines of one chunk.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredBatch {
    pub(super) file: Arc<str>,
    pub(super) read: u64,
    pub(super) left_out: u64,
    pub(super) repeated: u64,
    pub(super) damaged: Vec<DamagedLine>,
    pub(super) records: Vec<StoredRecord>,
}

/// A record of production, scored and redacted.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredRecord {
    pub(super) id: String,
    at: Option<i64>,
    line: u64,
    pub(super) prompt: Option<String>,
    pub(super) prompt_hash: Option<String>,
    model: Option<String>,
    cluster: Option<String>,
    pub(super) outcome: Outcome,
    finish_reason: Option<FinishReason>,
    error: Option<String>,
    latency_ms: Option<f64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    pub(super) cost_usd: Option<f64>,
    output_chars: u64,
    input_chars: Option<u64>,
    language: Option<Cow<'static, str>>,
    pub(super) categories: Vec<Option<String>>,
    pub(super) missing: Vec<String>,
    pub(super) is_sampled: bool,
    sample_rate: f64,
    texts: Option<StoredTexts>,
    scores: Vec<Option<f64>>,
    /// The vector of what the suite watches, where a model was asked for it.
    #[serde(default)]
    embedding: Option<String>,
    /// Whether models are to be asked about it; it has its texts until they were.
    #[serde(default)]
    pub(super) awaits_judges: bool,
}

/// The texts of a sampled record, redacted.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct StoredTexts {
    output: Option<String>,
    input: String,
    targets: Vec<String>,
}

impl StoredRecord {
    /// A record with these scores, which models may be asked about. Its id, its user's name, what served it and its categories
    /// are [kept names](kept_name) already.
    pub(super) fn new(
        one: LogRecord,
        scores: &[Score],
        rules: &[Redaction],
        is_drawn: impl FnOnce(&str) -> bool,
    ) -> Self {
        let LogRecord { record, stratum, .. } = one;
        let is_invalid = scores.iter().any(|score| score.invalid);
        let outcome = match record.outcome {
            Outcome::Answered if is_invalid => Outcome::Invalid,
            outcome => outcome,
        };
        let clean = |text: &str| redacted(text, rules).into_owned();
        let awaits_judges = record.has_answer() && is_drawn(&one.id);
        let texts = (stratum.is_drawn || awaits_judges).then(|| {
            let mut input = Value::Object(one.fields.to_map());
            redact_value(&mut input, rules);
            StoredTexts {
                output: record.output.as_deref().map(clean),
                input: input.to_string(),
                targets: one.targets.iter().map(|target| clean(target)).collect(),
            }
        });
        let output = record.output.as_deref().unwrap_or_default();
        Self {
            id: one.id,
            at: one.at,
            line: one.line,
            prompt: one.prompt,
            prompt_hash: one.prompt_hash,
            model: one.model,
            cluster: one.cluster,
            outcome,
            error: record.failure.as_ref().map(|failure| clean(&failure.message)),
            latency_ms: record.timing.latency_ms,
            input_tokens: record.usage.input_tokens,
            output_tokens: record.usage.output_tokens,
            cost_usd: one.cost_usd,
            output_chars: output.chars().count() as u64,
            input_chars: one.input_chars,
            language: one.language.map(Cow::Borrowed),
            categories: one.categories,
            missing: one.missing,
            is_sampled: stratum.is_drawn,
            sample_rate: stratum.rate,
            texts,
            scores: scores.iter().map(|score| score.value).collect(),
            finish_reason: record.finish_reason.map(|why| clean(why.as_str()).into()),
            embedding: None,
            awaits_judges,
        }
    }

    /// The answer as models are asked about it, the variables, and the right answers: all of it redacted.
    pub(super) fn as_judged(&self) -> (Record, Fields, Vec<String>) {
        let texts = self.texts.as_ref();
        let output = texts.and_then(|texts| texts.output.clone()).unwrap_or_default();
        let mut answer = Record { outcome: self.outcome, ..Record::recorded(output) };
        answer.finish_reason.clone_from(&self.finish_reason);
        let (input_tokens, output_tokens) = (self.input_tokens, self.output_tokens);
        answer.usage = Usage { input_tokens, output_tokens };
        answer.timing.latency_ms = self.latency_ms;
        let input = texts.map_or("{}", |texts| &texts.input);
        let fields: Map<String, Value> = serde_json::from_str(input).unwrap_or_default();
        let targets = texts.map(|texts| texts.targets.clone()).unwrap_or_default();
        (answer, fields.into(), targets)
    }

    /// Takes in what models said, by the place of the metric, and keeps no text that is not in the sample.
    pub(super) fn judged(
        &mut self,
        scores: impl Iterator<Item = (usize, Option<f64>)>,
        embedding: Option<String>,
    ) {
        self.embedding = embedding;
        for (place, score) in scores {
            if let Some(slot) = self.scores.get_mut(place) {
                *slot = score;
            }
        }
        self.awaits_judges = false;
        if !self.is_sampled {
            self.texts = None;
        }
    }

    /// The row of a segment, without its categories.
    pub(super) fn row<'a>(&'a self, file: &'a str) -> RecordRow<'a> {
        RecordRow {
            record_id: &self.id,
            at: self.at,
            file,
            line: self.line,
            prompt: self.prompt.as_deref(),
            prompt_hash: self.prompt_hash.as_deref(),
            model: self.model.as_deref(),
            cluster: self.cluster.as_deref(),
            outcome: self.outcome.as_str(),
            finish_reason: self.finish_reason.as_ref().map(FinishReason::as_str),
            error: self.error.as_deref(),
            latency_ms: self.latency_ms,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cost_usd: self.cost_usd,
            output_chars: self.output_chars,
            input_chars: self.input_chars,
            language: self.language.as_deref(),
            embedding: self.embedding.as_deref(),
            missing: &self.missing,
            is_sampled: self.is_sampled,
            sample_rate: self.sample_rate,
            texts: self.texts.as_ref().map(|texts| RecordTexts {
                output: texts.output.as_deref(),
                input: &texts.input,
                targets: &texts.targets,
            }),
            scores: &self.scores,
            categories: &[],
        }
    }
}

/// The name of a record, a user, a prompt, a model or a category as it is stored: one of its own where it must not be
/// kept.
pub(super) fn kept_name(name: &mut String, rules: &[Redaction]) {
    if redacted(name, rules) != name.as_str() {
        blake3::hash(name.as_bytes()).to_hex()[..32].clone_into(name);
    }
}
