//! Samples in `MLflow`: a table of the run, and a trace for each, with its scores as assessments. `MLflow` 3 has them.
//!
//! Traces and assessments have ids that follow from the run, so that what is told twice stands there once.

use evalmark_core::record::Outcome;
use evalmark_net::{HeaderName, HeaderValue, HttpRequest, StatusCode};
use evalmark_report::samples::SampleRecord;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Api, clipped};
use crate::receivers::{
    courier::DeliveryError,
    definition::Letter,
    samples::{question, sample_id, samples_of, scores, stable_id, unreadable},
    server::below,
    tables::Table,
};

/// Samples whose spans are sent at once.
const AT_ONCE: usize = 50;

/// Characters of a text in a span.
const MOST_LETTERS: usize = 20_000;

/// Characters of what lists of traces show.
const PREVIEW: usize = 1_000;

/// What becomes traces.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceOptions {
    /// Whether texts go there.
    pub(super) has_texts: bool,
    /// Samples at most.
    pub(super) most_samples: usize,
}

/// A sample on its way to a trace.
struct Traced<'a> {
    letter: &'a Letter<'a>,
    sample: &'a SampleRecord,
    /// The trace's id: 32 hexadecimal digits.
    id: String,
    /// When it was asked.
    began: Timestamp,
    options: &'a TraceOptions,
}

impl Api<'_> {
    /// Keeps the scores and the samples as tables, which `MLflow` shows side by side for several runs.
    pub(super) fn keep_tables(
        &mut self,
        experiment: &str,
        run_id: &Value,
        letter: &Letter<'_>,
        options: &TraceOptions,
    ) -> Result<(), DeliveryError> {
        let tables = [
            Table::of_scores(letter.message),
            Table::of_samples(letter, options.has_texts, options.most_samples)?,
        ];
        let mut listed = Vec::new();
        for table in tables {
            let name = format!("{}.json", table.name);
            if self.keep(experiment, run_id, &name, table.content().into_bytes())? {
                listed.push(json!({ "path": name, "type": "table" }));
            }
        }
        let value = json!(listed).to_string();
        let body = json!({ "run_id": run_id, "key": "mlflow.loggedArtifacts", "value": value });
        self.post(&["runs", "set-tag"], &body, json!({})).map(drop)
    }

    /// Makes a trace of each sample; where that breaks off, the next attempt goes on from there.
    pub(super) fn trace(
        &mut self,
        experiment: &str,
        run_id: &Value,
        letter: &Letter<'_>,
        options: &TraceOptions,
    ) -> Result<(), DeliveryError> {
        let samples = samples_of(letter)?;
        let metrics = samples.metrics().to_vec();
        let done = letter.progress.and_then(|progress| progress["traced"].as_u64());
        let mut done = usize::try_from(done.unwrap_or_default()).unwrap_or_default();
        let mut rows = samples.take(options.most_samples).skip(done);
        loop {
            let chunk = rows.by_ref().take(AT_ONCE).collect::<Result<Vec<_>, _>>();
            let chunk = chunk.map_err(unreadable)?;
            if chunk.is_empty() {
                return Ok(());
            }
            let traced = |sample| Traced::of(letter, sample, options);
            let traced: Vec<_> = chunk.iter().map(traced).collect();
            self.trace_some(&traced, &metrics, (experiment, run_id))
                .map_err(|error| error.with_progress(json!({ "traced": done })))?;
            done += chunk.len();
        }
    }

    fn trace_some(
        &mut self,
        traced: &[Traced<'_>],
        metrics: &[String],
        (experiment, run_id): (&str, &Value),
    ) -> Result<(), DeliveryError> {
        for one in traced {
            let body = json!({ "trace": { "trace_info": one.info(metrics, experiment, run_id) } });
            let url = below(self.base, &["api", "3.0", "mlflow", "traces"]);
            let request = HttpRequest::post_json(url, body.to_string().into_bytes());
            self.send(request, json!({})).map_err(needs_version_3)?;
        }
        let spans: Vec<_> = traced.iter().map(Traced::span).collect();
        let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
        let url = below(self.base, &["v1", "traces"]);
        let mut request = HttpRequest::post_json(url, body.to_string().into_bytes());
        let header = HeaderValue::from_str(experiment)
            .map_err(|_| DeliveryError::refused("the server names no experiment"))?;
        request.headers.insert(HeaderName::from_static("x-mlflow-experiment-id"), header);
        self.send(request, json!({})).map(drop).map_err(needs_version_3)
    }
}

fn needs_version_3(error: DeliveryError) -> DeliveryError {
    if error.status != Some(StatusCode::NOT_FOUND) {
        return error;
    }
    let message = format!("{}; `traces` needs MLflow 3.4 or later", error.message);
    DeliveryError { message, ..error }
}

impl<'a> Traced<'a> {
    fn of(letter: &'a Letter<'a>, sample: &'a SampleRecord, options: &'a TraceOptions) -> Self {
        let asked = sample.record.timing.started_at_us;
        let asked = Timestamp::from_microsecond(asked).ok().filter(|_| asked > 0);
        let began = asked.or_else(|| letter.message.started_at.parse().ok()).unwrap_or_default();
        Self { letter, sample, id: sample_id(letter.message, sample), began, options }
    }

    fn took_ms(&self) -> f64 {
        let took = self.sample.record.timing.latency_ms.unwrap_or_default();
        if took.is_finite() { took.clamp(0.0, 1e9) } else { 0.0 }
    }

    fn name(&self) -> String {
        clipped(&format!("{} · {}", self.sample.prompt, self.sample.model), 200)
    }

    /// What the trace is, and what it was scored.
    fn info(&self, metrics: &[String], experiment: &str, run_id: &Value) -> Value {
        let sample = self.sample;
        let trace_id = format!("tr-{}", self.id);
        let now = self.letter.created_at;
        let assessment = |(metric, value): (&str, f64)| {
            json!({
                "assessment_id": format!("a-{}", stable_id(&["assessment", &self.id, metric])),
                "assessment_name": clipped(metric, 200),
                "trace_id": trace_id,
                "source": { "source_type": "CODE", "source_id": "evalmark" },
                "create_time": now,
                "last_update_time": now,
                "feedback": { "value": value },
                "valid": true,
            })
        };
        let assessments: Vec<_> = scores(metrics, sample).map(assessment).collect();
        let mut info = json!({
            "trace_id": trace_id,
            "trace_location": {
                "type": "MLFLOW_EXPERIMENT",
                "mlflow_experiment": { "experiment_id": experiment },
            },
            "request_time": self.began.to_string(),
            "execution_duration": format!("{:.3}s", self.took_ms() / 1000.0),
            "state": if sample.outcome == Outcome::Failed { "ERROR" } else { "OK" },
            "trace_metadata": {
                "mlflow.sourceRun": run_id,
                "mlflow.trace_schema.version": "3",
                "evalmark.item": clipped(&sample.item_id, 250),
            },
            "tags": {
                "mlflow.traceName": self.name(),
                "evalmark.prompt": clipped(&sample.prompt, 250),
                "evalmark.model": clipped(&sample.model, 250),
                "evalmark.outcome": sample.outcome,
            },
            "assessments": assessments,
        });
        if self.options.has_texts {
            info["request_preview"] = clipped(&question(sample).to_string(), PREVIEW).into();
            let output = sample.record.output.as_deref().unwrap_or_default();
            info["response_preview"] = clipped(output, PREVIEW).into();
        }
        info
    }

    /// The one step of the trace.
    fn span(&self) -> Value {
        let sample = self.sample;
        let nanoseconds = |at: Timestamp| at.as_nanosecond().max(0).to_string();
        let took = std::time::Duration::from_secs_f64(self.took_ms() / 1000.0);
        let ended = self.began.checked_add(took).unwrap_or(self.began);
        // Values of attributes are JSON within a text.
        let attribute = |key: &str, value: &Value| json!({ "key": key, "value": { "stringValue": value.to_string() } });
        let mut attributes = vec![
            attribute("mlflow.spanType", &json!("LLM")),
            attribute("mlflow.traceRequestId", &json!(format!("tr-{}", self.id))),
        ];
        if self.options.has_texts {
            let asked = question(sample);
            let is_long = asked.to_string().len() > MOST_LETTERS;
            let asked =
                if is_long { json!(clipped(&asked.to_string(), MOST_LETTERS)) } else { asked };
            let output = sample.record.output.as_deref().map(|text| clipped(text, MOST_LETTERS));
            attributes.push(attribute("mlflow.spanInputs", &asked));
            attributes.push(attribute("mlflow.spanOutputs", &json!(output)));
        }
        let failure = sample.record.failure.as_ref();
        let status = match failure {
            Some(failure) => json!({ "code": 2, "message": failure.kind.as_str() }),
            None => json!({ "code": 1 }),
        };
        json!({
            "traceId": self.id,
            "spanId": &self.id[..16],
            "name": self.name(),
            "kind": 3,
            "startTimeUnixNano": nanoseconds(self.began),
            "endTimeUnixNano": nanoseconds(ended),
            "attributes": attributes,
            "status": status,
        })
    }
}
