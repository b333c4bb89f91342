//! `otlp`: whoever speaks OpenTelemetry's protocol gets a run as a trace: a span a request with the attributes of generative AI, an event a score, and
//! the figures as metrics.

mod identity;
mod messages;
mod spans;

use std::path::Path;

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_net::{HeaderName, HeaderValue, HttpRequest, Url};
use evalmark_report::{
    run_metrics::run_metrics,
    samples::{SampleRecord, samples},
    scores::{ScoreRecord, score_records},
};
use evalmark_store::run_folder::RunFolder;
use percent_encoding::percent_decode_str;
use prost::Message;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::{
    messages::{
        AttributeValue, Gauge, GaugeMetric, KeyValue, LogRecord, LogsRequest, MetricsRequest,
        NumberDataPoint, Resource, ResourceLogs, ResourceMetrics, ResourceSpans, Scope, ScopeLogs,
        ScopeMetrics, ScopeSpans, Span, TracesRequest,
    },
    spans::TracedRun,
};
use super::{
    beside::{Beside, OnServer},
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    server::{Server, below},
    variable::variable,
};

/// Spans of a request at most.
const MOST_SPANS: usize = 256;

/// Bytes of a request, as far as spans and events are counted.
const MOST_BYTES: usize = 1 << 20;

/// Attributes of the user's own at most.
const MOST_ATTRIBUTES: usize = 30;

/// Parameters of `otlp`, beside those of its server.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// How requests are written. Default: `http/protobuf`.
    #[serde(default)]
    protocol: Protocol,
    /// What is sent. Default: all three.
    #[serde(default = "all_signals")]
    signals: Vec<Signal>,
    /// NAME of the environment variable that holds more headers, as `OTEL_EXPORTER_OTLP_HEADERS` does: `name=value,name=value`.
    #[serde(default)]
    headers_env: Option<String>,
    /// Whether messages, answers and the reasons of scores are sent, too. Default: no text is.
    #[serde(default)]
    content: bool,
    /// Attributes of the resource, besides `service.name: evalmark`.
    #[serde(default)]
    resource: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
enum Protocol {
    #[default]
    #[serde(rename = "http/protobuf")]
    Protobuf,
    #[serde(rename = "http/json")]
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Signal {
    Traces,
    Logs,
    Metrics,
}

fn all_signals() -> Vec<Signal> {
    vec![Signal::Traces, Signal::Logs, Signal::Metrics]
}

#[derive(Debug)]
pub(super) struct Otlp {
    server: Server,
    protocol: Protocol,
    signals: Vec<Signal>,
    headers: Option<SecretUse>,
    content: bool,
    resource: Resource,
}

/// What is collected for the next requests.
#[derive(Default)]
struct Batch {
    spans: Vec<Span>,
    events: Vec<LogRecord>,
    n_bytes: usize,
}

impl DefineReceiver for Otlp {
    const ABOUT: About = About {
        name: "otlp",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "OpenTelemetry: a trace a run with a span a request, an event a score, and the figures as metrics.",
        // Spans have the same ids whenever they are sent.
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = OnServer<Params>;

    fn open(Beside { shared, own }: OnServer<Params>) -> Result<Self, ParamError> {
        let Params { protocol, signals, headers_env, content, resource } = own;
        if signals.is_empty() {
            let message = "name at least one of `traces`, `logs` and `metrics`".to_owned();
            return Err(ParamError { pointer: "/signals".to_owned(), message });
        }
        let server = Server::open(shared)?;
        let headers = headers_env.map(|name| {
            variable(&name, "/headers_env")?;
            Ok(SecretUse { variable: name, goes_to: server.goes_to(), owners: &[] })
        });
        let (headers, resource) = (headers.transpose()?, resource_of(&resource)?);
        Ok(Self { server, protocol, signals, headers, content, resource })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        self.server.secrets().into_iter().chain(self.headers.clone()).collect()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let n_done = letter.progress.and_then(|of| of["samples"].as_u64()).unwrap_or(0);
        let base = self.server.address(courier)?;
        let folder = courier.run_folder(letter.message);
        let mut run = TracedRun::new(letter.message, folder.as_ref(), self.content);
        let mut sent = n_done;
        let mut delivered = self.samples(&mut run, folder.as_ref(), &mut sent, &base, courier);
        if delivered.is_ok() {
            delivered = self.whole(&run, letter, &base, courier);
        }
        delivered.map(|()| None).map_err(|error| error.with_progress(json!({ "samples": sent })))
    }
}

impl Otlp {
    fn sends(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// Sends the spans and events of the samples from the place that an earlier attempt came to.
    fn samples(
        &self,
        run: &mut TracedRun<'_>,
        folder: Option<&RunFolder>,
        sent: &mut u64,
        base: &Url,
        courier: &mut dyn Courier,
    ) -> Result<(), DeliveryError> {
        let Some(folder) =
            folder.filter(|_| self.sends(Signal::Traces) || self.sends(Signal::Logs))
        else {
            return Ok(());
        };
        let mut scores = ScoresBeside::open(&folder.scores());
        let (mut batch, mut n_read) = (Batch::default(), 0);
        for sample in samples(&folder.samples()).map_err(|error| unread(&error))? {
            let sample = sample.map_err(|error| unread(&error))?;
            let of_sample = scores.of(&sample)?;
            n_read += 1;
            run.note_end(&sample);
            if n_read <= *sent {
                continue;
            }
            batch.add(run, &sample, &of_sample);
            if batch.spans.len() >= MOST_SPANS || batch.n_bytes >= MOST_BYTES {
                self.batch(std::mem::take(&mut batch), base, courier)?;
                *sent = n_read;
            }
        }
        self.batch(batch, base, courier)?;
        *sent = n_read;
        Ok(())
    }

    fn batch(
        &self,
        batch: Batch,
        base: &Url,
        courier: &mut dyn Courier,
    ) -> Result<(), DeliveryError> {
        if self.sends(Signal::Traces) && !batch.spans.is_empty() {
            self.traces(batch.spans, base, courier)?;
        }
        if self.sends(Signal::Logs) && !batch.events.is_empty() {
            let (resource, scope) = (Some(self.resource.clone()), Some(scope()));
            let scope_logs = vec![ScopeLogs { scope, log_records: batch.events }];
            let request =
                LogsRequest { resource_logs: vec![ResourceLogs { resource, scope_logs }] };
            self.send("logs", &request, base, courier)?;
        }
        Ok(())
    }

    /// Sends what is about the run as a whole.
    fn whole(
        &self,
        run: &TracedRun<'_>,
        letter: &Letter<'_>,
        base: &Url,
        courier: &mut dyn Courier,
    ) -> Result<(), DeliveryError> {
        if self.sends(Signal::Traces) {
            self.traces(vec![run.root()], base, courier)?;
        }
        if self.sends(Signal::Metrics) {
            let at = spans::nanoseconds(letter.created_at);
            let (resource, scope) = (Some(self.resource.clone()), Some(scope()));
            let scope_metrics = vec![ScopeMetrics { scope, metrics: metrics(letter, at) }];
            let resource_metrics = vec![ResourceMetrics { resource, scope_metrics }];
            self.send("metrics", &MetricsRequest { resource_metrics }, base, courier)?;
        }
        Ok(())
    }

    fn traces(
        &self,
        spans: Vec<Span>,
        base: &Url,
        courier: &mut dyn Courier,
    ) -> Result<(), DeliveryError> {
        let (resource, scope) = (Some(self.resource.clone()), Some(scope()));
        let scope_spans = vec![ScopeSpans { scope, spans }];
        let request =
            TracesRequest { resource_spans: vec![ResourceSpans { resource, scope_spans }] };
        self.send("traces", &request, base, courier)
    }

    fn send(
        &self,
        signal: &str,
        message: &(impl Message + Serialize),
        base: &Url,
        courier: &mut dyn Courier,
    ) -> Result<(), DeliveryError> {
        let url = below(base, &["v1", signal]);
        let mut request = match self.protocol {
            Protocol::Protobuf => {
                let mut request = HttpRequest::post_json(url, message.encode_to_vec());
                let kind = HeaderValue::from_static("application/x-protobuf");
                request.headers.insert("content-type", kind);
                request
            }
            Protocol::Json => {
                let body = serde_json::to_vec(message);
                let body = body.map_err(|error| DeliveryError::refused(error.to_string()))?;
                HttpRequest::post_json(url, body)
            }
        };
        if let Some(headers) = &self.headers {
            let text = courier.key(headers, &request.url)?;
            for (name, value) in more_headers(text.expose())? {
                request.headers.insert(name, value);
            }
        }
        let request = self.server.signed(request, courier)?;
        courier.send(Outgoing::alone(request)).map(drop)
    }
}

impl Batch {
    fn add(&mut self, run: &TracedRun<'_>, sample: &SampleRecord, scores: &[ScoreRecord]) {
        let span = run.span(sample, scores);
        let events = run.events(&span, scores);
        let bytes = events.iter().map(Message::encoded_len).sum::<usize>();
        self.n_bytes += span.encoded_len() + bytes;
        self.spans.push(span);
        self.events.extend(events);
    }
}

/// The scores of samples, which stand in their file in the order of the samples.
struct ScoresBeside {
    rows: Option<std::iter::Peekable<evalmark_report::scores::ScoreRecords>>,
}

impl ScoresBeside {
    /// Without the file, there are none.
    fn open(path: &Path) -> Self {
        Self { rows: score_records(path).ok().map(Iterator::peekable) }
    }

    fn of(&mut self, sample: &SampleRecord) -> Result<Vec<ScoreRecord>, DeliveryError> {
        let mut found = Vec::new();
        let Some(rows) = &mut self.rows else { return Ok(found) };
        let is_of = |row: &ScoreRecord| {
            (&*row.item_id, &*row.prompt, &*row.model, row.epoch)
                == (&*sample.item_id, &*sample.prompt, &*sample.model, sample.epoch)
        };
        while let Some(row) = rows.next_if(|row| row.as_ref().is_ok_and(is_of) || row.is_err()) {
            found.push(row.map_err(|error| unread(&error))?);
        }
        Ok(found)
    }
}

fn unread(error: &evalmark_report::ReadError) -> DeliveryError {
    DeliveryError::refused(format!("the run cannot be read: {error}"))
}

/// The figures of a run as gauges.
fn metrics(letter: &Letter<'_>, at: u64) -> Vec<GaugeMetric> {
    let families = run_metrics(&[letter.message]);
    let metrics = families.iter().map(|family| {
        let points = family.series().into_iter().map(|series| NumberDataPoint {
            time_unix_nano: at,
            as_double: series.value,
            attributes: series
                .labels
                .iter()
                .map(|(name, value)| KeyValue::text(name, value))
                .collect(),
        });
        GaugeMetric {
            name: family.name.to_owned(),
            description: family.help.to_owned(),
            gauge: Some(Gauge { data_points: points.collect() }),
        }
    });
    metrics
        .filter(|metric| metric.gauge.as_ref().is_some_and(|gauge| !gauge.data_points.is_empty()))
        .collect()
}

fn scope() -> Scope {
    Scope { name: "evalmark".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// The resource with the user's attributes, which are plain values.
fn resource_of(own: &Map<String, Value>) -> Result<Resource, ParamError> {
    let wrong = |name: &str, message: &str| {
        let pointer = format!("/resource/{}", name.replace('~', "~0").replace('/', "~1"));
        Err(ParamError { pointer, message: message.to_owned() })
    };
    if own.len() > MOST_ATTRIBUTES {
        let message = format!("at most {MOST_ATTRIBUTES} attributes");
        return Err(ParamError { pointer: "/resource".to_owned(), message });
    }
    let mut attributes = Vec::new();
    if !own.contains_key("service.name") {
        attributes.push(KeyValue::text("service.name", "evalmark"));
    }
    for (name, value) in own {
        if name.is_empty() || name.len() > 200 {
            return wrong(name, "an attribute's name has at most 200 bytes");
        }
        let value = match value {
            Value::String(text) if text.len() <= 1_000 => AttributeValue::Text(text.clone()),
            Value::Bool(is) => AttributeValue::Bool(*is),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => AttributeValue::Int(whole),
                None => AttributeValue::Double(number.as_f64().unwrap_or_default()),
            },
            _ => {
                return wrong(
                    name,
                    "an attribute is a text of at most 1000 bytes, a number, or true or false",
                );
            }
        };
        attributes.push(KeyValue::new(name, value));
    }
    Ok(Resource { attributes })
}

/// Headers as OpenTelemetry writes them into a variable; none is shown.
fn more_headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, DeliveryError> {
    let wrong = || {
        DeliveryError::refused("the variable of `headers_env` must hold `name=value,name=value`")
    };
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let headers = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?;
        let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| wrong())?;
        Ok((name, super::server::hidden_header(&value)?))
    });
    headers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_opentelemetry_writes_them() {
        let check = |text: &str, expected: Option<&[(&str, &str)]>| {
            let read = more_headers(text).ok();
            let shown = read.as_ref().map(|read| {
                let pair = |(name, value): &(HeaderName, HeaderValue)| {
                    assert!(value.is_sensitive());
                    (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
                };
                read.iter().map(pair).collect::<Vec<_>>()
            });
            let expected = expected.map(|all| {
                all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>()
            });
            assert_eq!(shown, expected, "{text}");
        };
        check("api-key=abc", Some(&[("api-key", "abc")]));
        check(
            " A=1 , authorization=Bearer%20x=y,",
            Some(&[("a", "1"), ("authorization", "Bearer x=y")]),
        );
        check("", Some(&[]));
        check("nothing", None);
        check("a b=1", None);
        check("a=%0a", None);
    }
}
