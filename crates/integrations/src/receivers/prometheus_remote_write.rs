//! `prometheus_remote_write`: whoever takes Prometheus' remote write 1.0, such as Prometheus itself, Mimir, `VictoriaMetrics` or Grafana Cloud.

use std::collections::BTreeMap;

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_net::{HeaderValue, HttpRequest, StatusCode};
use evalmark_report::{
    exposition::{FamilyKind, MetricFamily, MetricSeries},
    run_metrics::run_metrics,
};
use jiff::Timestamp;
use prost::Message;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    beside::{Beside, OnServer},
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    server::Server,
};

/// Labels of the user's own at most.
const MOST_LABELS: usize = 20;

/// What Prometheus answers with 400 where it has a newer value of a series, or this one, already.
const SETTLED: [&str; 4] = ["out of order", "duplicate sample", "out of bounds", "too old"];

/// Parameters of `prometheus_remote_write`, beside those of its server, whose `url` is the whole address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The tenant, where there are several (`X-Scope-OrgID`).
    #[serde(default)]
    tenant: Option<String>,
    /// Labels that every series gets besides its own, such as `env: production`.
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(super) struct RemoteWrite {
    server: Server,
    tenant: Option<HeaderValue>,
    labels: BTreeMap<String, String>,
}

impl DefineReceiver for RemoteWrite {
    const ABOUT: About = About {
        name: "prometheus_remote_write",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "Prometheus, Mimir, VictoriaMetrics and others that take remote write 1.0: the figures of each run.",
        // A value that a series has at a moment is there once.
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = OnServer<Params>;

    fn open(Beside { shared, own }: OnServer<Params>) -> Result<Self, ParamError> {
        let Params { tenant, labels } = own;
        check_labels(&labels)?;
        let tenant = tenant.map(|tenant| {
            let is_plain = !tenant.is_empty() && tenant.len() <= 150;
            let header = HeaderValue::from_str(&tenant).ok().filter(|_| is_plain);
            header.ok_or_else(|| ParamError {
                pointer: "/tenant".to_owned(),
                message: "`tenant` is a name of at most 150 characters".to_owned(),
            })
        });
        Ok(Self { server: Server::open(shared)?, tenant: tenant.transpose()?, labels })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        self.server.secrets()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let url = self.server.address(courier)?;
        // The same moment whenever it is tried: a repetition changes nothing.
        let at = letter.created_at.parse::<Timestamp>().unwrap_or_else(|_| courier.now());
        let families = run_metrics(&[letter.message]);
        let plain = write_request(&families, &self.labels, at).encode_to_vec();
        let packed = snap::raw::Encoder::new().compress_vec(&plain);
        let packed = packed.map_err(|error| DeliveryError::refused(error.to_string()))?;
        let mut request = HttpRequest::post_json(url, packed);
        for (name, value) in [
            ("content-type", "application/x-protobuf"),
            ("content-encoding", "snappy"),
            ("x-prometheus-remote-write-version", "0.1.0"),
        ] {
            request.headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(tenant) = &self.tenant {
            request.headers.insert("x-scope-orgid", tenant.clone());
        }
        let request = self.server.signed(request, courier)?;
        match courier.send(Outgoing::alone(request)) {
            Err(error) if is_settled(&error) => Ok(None),
            sent => sent.map(|_| None),
        }
    }
}

/// Whether the server has a newer value, or this one: nothing is left to deliver.
fn is_settled(error: &DeliveryError) -> bool {
    let words = error.words.to_lowercase();
    error.status == Some(StatusCode::BAD_REQUEST) && SETTLED.iter().any(|of| words.contains(of))
}

/// Labels of one's own have names that Prometheus takes, and take the place of none that figures have.
fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), ParamError> {
    const OWN: [&str; 8] =
        ["suite", "prompt", "model", "metric", "measure", "outcome", "percentile", "direction"];
    let wrong = |name: &str, message: String| {
        let pointer = format!("/labels/{}", name.replace('~', "~0").replace('/', "~1"));
        Err(ParamError { pointer, message })
    };
    if labels.len() > MOST_LABELS {
        return wrong("", format!("at most {MOST_LABELS} labels"));
    }
    for (name, value) in labels {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins = name.chars().next().is_some_and(|c| !c.is_ascii_digit());
        if !begins || !name.chars().all(is_plain) || name.starts_with("__") || name.len() > 100 {
            let rule =
                "a label's name consists of letters, digits and `_`, and begins with a letter";
            return wrong(name, rule.to_owned());
        }
        if OWN.contains(&&**name) {
            return wrong(name, format!("figures have a label `{name}` themselves"));
        }
        if value.is_empty() || value.len() > 200 || value.chars().any(char::is_control) {
            return wrong(name, "a label's value is a line of at most 200 bytes".to_owned());
        }
    }
    Ok(())
}

#[derive(Clone, PartialEq, prost::Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<MetricMetadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp_ms: i64,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
struct MetricMetadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    family: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

fn write_request(
    families: &[MetricFamily],
    own: &BTreeMap<String, String>,
    at: Timestamp,
) -> WriteRequest {
    let mut request = WriteRequest::default();
    for family in families {
        let series = family.series();
        if !series.is_empty() {
            request.metadata.push(MetricMetadata {
                kind: match family.kind {
                    FamilyKind::Counter => 1,
                    FamilyKind::Gauge => 2,
                    FamilyKind::Summary => 5,
                },
                family: family.name.to_owned(),
                help: family.help.to_owned(),
                unit: family.unit.unwrap_or_default().to_owned(),
            });
        }
        request.timeseries.extend(series.into_iter().map(|series| {
            let samples = vec![Sample { value: series.value, timestamp_ms: at.as_millisecond() }];
            TimeSeries { labels: labels(series, own), samples }
        }));
    }
    request
}

/// The labels of a series, by name, as remote write demands it; empty ones are none.
fn labels(series: MetricSeries<'_>, own: &BTreeMap<String, String>) -> Vec<Label> {
    let own = own.iter().map(|(name, value)| (name.clone(), value.clone()));
    let mut all: BTreeMap<String, String> = own.collect();
    all.extend(series.labels.into_iter().map(|(name, value)| (name.to_owned(), value)));
    all.insert("__name__".to_owned(), series.name);
    let named = all.into_iter().filter(|(_, value)| !value.is_empty());
    named.map(|(name, value)| Label { name, value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_names_that_prometheus_takes() {
        let check = |name: &str, value: &str, told: Option<&str>| {
            let labels = [(name.to_owned(), value.to_owned())].into();
            let message = check_labels(&labels).err().map(|error| error.message);
            let is_told = match (&message, told) {
                (None, None) => true,
                (Some(message), Some(told)) => message.contains(told),
                _ => false,
            };
            assert!(is_told, "{name}: {message:?}");
        };
        check("env", "production", None);
        check("_team", "ü", None);
        check("__name__", "x", Some("begins with a letter"));
        check("1st", "x", Some("begins with a letter"));
        check("a-b", "x", Some("consists of letters"));
        check("suite", "x", Some("a label `suite` themselves"));
        check("env", "", Some("at most 200 bytes"));
        check("env", "a\nb", Some("a line"));
    }
}
