//! A run as spans and events, by OpenTelemetry's conventions for generative AI.

use std::collections::BTreeMap;

use evalmark_core::{
    message::Message as ChatMessage,
    record::Outcome,
    request::{Request, Task},
};
use evalmark_report::{
    run_message::RunMessage, safe_text::printable_line, samples::SampleRecord, scores::ScoreRecord,
};
use evalmark_store::run_folder::RunFolder;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    identity::{root_id, sample_id, trace_id},
    messages::{KeyValue, LogRecord, Span, Status},
};

/// Bytes of a text that is sent, at most.
const MOST_TEXT: usize = 32 << 10;

/// `SPAN_KIND_INTERNAL` and `SPAN_KIND_CLIENT`.
const INTERNAL: i32 = 1;
const CLIENT: i32 = 3;

/// `STATUS_CODE_OK` and `STATUS_CODE_ERROR`.
const OK: i32 = 1;
const ERROR: i32 = 2;

/// `SEVERITY_NUMBER_INFO`.
const INFO: i32 = 9;

/// What providers are called there, where it is not what suites call them.
const PROVIDERS: [(&str, &str); 7] = [
    ("azure", "azure.ai.openai"),
    ("bedrock", "aws.bedrock"),
    ("gemini", "gcp.gemini"),
    ("mistral", "mistral_ai"),
    ("vertex", "gcp.vertex_ai"),
    ("watsonx", "ibm.watsonx.ai"),
    ("xai", "x_ai"),
];

/// A run that is sent as a trace.
pub(super) struct TracedRun<'a> {
    message: &'a RunMessage,
    content: bool,
    trace: Vec<u8>,
    root: Vec<u8>,
    started: u64,
    ended: u64,
    /// By the model's name in the suite.
    providers: BTreeMap<String, String>,
}

impl<'a> TracedRun<'a> {
    pub(super) fn new(message: &'a RunMessage, folder: Option<&RunFolder>, content: bool) -> Self {
        let started = nanoseconds(&message.started_at);
        Self {
            message,
            content,
            trace: trace_id(&message.suite, &message.run_id),
            root: root_id(&message.suite, &message.run_id),
            started,
            ended: started,
            providers: folder.map(providers).unwrap_or_default(),
        }
    }

    /// The run ended no earlier than each of its samples.
    pub(super) fn note_end(&mut self, sample: &SampleRecord) {
        self.ended = self.ended.max(self.times(sample).1);
    }

    /// When a sample was asked, and when its answer was there.
    fn times(&self, sample: &SampleRecord) -> (u64, u64) {
        let timing = &sample.record.timing;
        let began = u64::try_from(timing.started_at_us).unwrap_or(0).saturating_mul(1_000);
        // Answers that were recorded elsewhere have no time.
        let began = if began == 0 { self.started } else { began };
        let took = timing.latency_ms.filter(|ms| ms.is_finite()).unwrap_or(0.0);
        let took = std::time::Duration::try_from_secs_f64(took.max(0.0) / 1_000.0);
        let took = took.map_or(0, |took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        (began, began.saturating_add(took))
    }

    /// The span of the run itself.
    pub(super) fn root(&self) -> Span {
        let RunMessage { suite, run_id, answer, says, fails, .. } = self.message;
        let mut attributes = vec![
            KeyValue::text("evalmark.suite", suite),
            KeyValue::text("evalmark.run.id", run_id),
            KeyValue::text("evalmark.answer", answer),
        ];
        let baseline = self.message.baseline.as_deref();
        attributes.extend(baseline.map(|of| KeyValue::text("evalmark.baseline", of)));
        let commit = self.message.commit.as_deref();
        attributes.extend(commit.map(|of| KeyValue::text("vcs.ref.head.revision", of)));
        let link = self.message.link.as_deref();
        attributes.extend(link.map(|of| KeyValue::text("cicd.pipeline.run.url.full", of)));
        Span {
            trace_id: self.trace.clone(),
            id: self.root.clone(),
            parent_id: Vec::new(),
            name: format!("evaluation {suite}"),
            kind: INTERNAL,
            start_time_unix_nano: self.started,
            end_time_unix_nano: self.ended,
            attributes,
            status: Some(if *fails {
                Status { code: ERROR, message: says.clone() }
            } else {
                Status { code: OK, message: String::new() }
            }),
        }
    }

    /// The span of a sample.
    pub(super) fn span(&self, sample: &SampleRecord, scores: &[ScoreRecord]) -> Span {
        let request = sample.request().ok();
        let model = request.as_ref().map_or(&*sample.model, |request| &*request.model);
        let operation = operation(request.as_ref());
        let (began, ended) = self.times(sample);
        let mut attributes = self.of_request(sample, request.as_ref(), (operation, model));
        attributes.extend(of_answer(sample, model));
        for score in scores {
            let value = score.score.value.filter(|value| value.is_finite());
            let name = format!("evalmark.score.{}", score.metric);
            attributes.extend(value.map(|value| KeyValue::float(&name, value)));
        }
        if self.content {
            attributes.extend(texts(sample, request.as_ref()));
        }
        Span {
            trace_id: self.trace.clone(),
            id: sample_id(&self.message.suite, &self.message.run_id, sample),
            parent_id: self.root.clone(),
            name: format!("{operation} {model}"),
            kind: CLIENT,
            start_time_unix_nano: began,
            end_time_unix_nano: ended,
            attributes,
            status: sample.record.failure.as_ref().map(|failure| Status {
                code: ERROR,
                message: printable_line(cut(&failure.message)).into_owned(),
            }),
        }
    }

    fn of_request(
        &self,
        sample: &SampleRecord,
        request: Option<&Request>,
        (operation, model): (&str, &str),
    ) -> Vec<KeyValue> {
        let provider = self.providers.get(&sample.model).map_or("_OTHER", String::as_str);
        let mut all = vec![
            KeyValue::text("gen_ai.operation.name", operation),
            KeyValue::text("gen_ai.provider.name", provider),
            KeyValue::text("gen_ai.request.model", model),
            KeyValue::text("evalmark.suite", &self.message.suite),
            KeyValue::text("evalmark.run.id", &self.message.run_id),
            KeyValue::text("evalmark.item.id", cut(&sample.item_id)),
            KeyValue::text("evalmark.prompt", &sample.prompt),
            KeyValue::text("evalmark.prompt.hash", &sample.prompt_hash),
            KeyValue::text("evalmark.model", &sample.model),
            KeyValue::int("evalmark.epoch", u64::from(sample.epoch)),
            KeyValue::text("evalmark.outcome", sample.outcome.as_str()),
        ];
        let Some(request) = request else { return all };
        for (param, attribute) in [
            ("temperature", "gen_ai.request.temperature"),
            ("top_p", "gen_ai.request.top_p"),
            ("frequency_penalty", "gen_ai.request.frequency_penalty"),
            ("presence_penalty", "gen_ai.request.presence_penalty"),
        ] {
            let value = request.params.get(param).and_then(Value::as_f64);
            all.extend(value.map(|value| KeyValue::float(attribute, value)));
        }
        let seed = request.params.get("seed").and_then(Value::as_u64);
        all.extend(seed.map(|seed| KeyValue::int("gen_ai.request.seed", seed)));
        let most = request.max_output_tokens;
        all.extend(most.map(|most| KeyValue::int("gen_ai.request.max_tokens", most)));
        all
    }

    /// An event for each score of a sample.
    pub(super) fn events(&self, span: &Span, scores: &[ScoreRecord]) -> Vec<LogRecord> {
        let events = scores.iter().filter_map(|row| {
            let value = row.score.value.filter(|value| value.is_finite())?;
            let mut attributes = vec![
                KeyValue::text("gen_ai.evaluation.name", &row.metric),
                KeyValue::float("gen_ai.evaluation.score.value", value),
            ];
            let label = row.score.passed.map(|passed| if passed { "pass" } else { "fail" });
            attributes.extend(label.map(|of| KeyValue::text("gen_ai.evaluation.score.label", of)));
            let reason = row.score.reason.as_deref().filter(|_| self.content);
            attributes
                .extend(reason.map(|of| KeyValue::text("gen_ai.evaluation.explanation", cut(of))));
            Some(LogRecord {
                time_unix_nano: span.end_time_unix_nano,
                observed_time_unix_nano: span.end_time_unix_nano,
                severity_number: INFO,
                event_name: "gen_ai.evaluation.result".to_owned(),
                trace_id: span.trace_id.clone(),
                span_id: span.id.clone(),
                attributes,
            })
        });
        events.collect()
    }
}

/// What was asked for: requests without a text are for vectors.
fn operation(request: Option<&Request>) -> &'static str {
    match request.map(|request| request.task) {
        Some(Task::Embedding) => "embeddings",
        _ => "chat",
    }
}

fn of_answer(sample: &SampleRecord, model: &str) -> Vec<KeyValue> {
    let record = &sample.record;
    let served = record.details.as_ref().and_then(|details| details.model.as_deref());
    let mut all = Vec::new();
    if record.outcome != Outcome::Failed {
        all.push(KeyValue::text("gen_ai.response.model", served.unwrap_or(model)));
    }
    let reason = record.finish_reason.as_ref();
    all.extend(reason.map(|of| KeyValue::texts("gen_ai.response.finish_reasons", &[of.as_str()])));
    let usage = &record.usage;
    all.extend(usage.input_tokens.map(|n| KeyValue::int("gen_ai.usage.input_tokens", n)));
    all.extend(usage.output_tokens.map(|n| KeyValue::int("gen_ai.usage.output_tokens", n)));
    let cost = sample.cost_usd.filter(|cost| cost.is_finite());
    all.extend(cost.map(|cost| KeyValue::float("evalmark.cost_usd", cost)));
    all.extend(record.failure.as_ref().map(|of| KeyValue::text("error.type", of.kind.as_str())));
    all
}

/// What was asked and answered, in the form of the conventions.
fn texts(sample: &SampleRecord, request: Option<&Request>) -> Vec<KeyValue> {
    let text = |text: &str| json!([{ "type": "text", "content": cut(text) }]);
    let said =
        |message: &ChatMessage| json!({ "role": message.role, "parts": text(&message.text()) });
    let mut all = Vec::new();
    if let Some(request) = request {
        let input: Vec<_> = request.messages.iter().map(said).collect();
        all.push(KeyValue::text("gen_ai.input.messages", &Value::from(input).to_string()));
    }
    if let Some(output) = &sample.record.output {
        let reason = sample.record.finish_reason.as_ref().map_or("stop", |of| of.as_str());
        let output =
            json!([{ "role": "assistant", "parts": text(output), "finish_reason": reason }]);
        all.push(KeyValue::text("gen_ai.output.messages", &output.to_string()));
    }
    all
}

/// The providers of a run's models.
fn providers(folder: &RunFolder) -> BTreeMap<String, String> {
    let Ok((_, record)) = RunFolder::open(&folder.path) else { return BTreeMap::new() };
    let named = record.effective_suite.models().iter().filter_map(|model| {
        let provider = model.provider.as_str()?;
        let known = PROVIDERS.iter().find(|(own, _)| *own == provider);
        let name = known.map_or(provider, |(_, name)| name);
        Some((model.name.clone(), name.to_owned()))
    });
    named.collect()
}

/// A moment as OTLP has it; the beginning of time where it cannot be read.
pub(super) fn nanoseconds(moment: &str) -> u64 {
    let at = moment.parse::<Timestamp>().map_or(0, Timestamp::as_nanosecond);
    u64::try_from(at).unwrap_or(0)
}

/// A text of a length that every receiver takes.
fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(MOST_TEXT);
    &text[..end]
}
