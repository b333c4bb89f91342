//! `mlflow`: a run of `MLflow` for each run, with the scores as metrics, what was run as parameters, and the message as an artefact.
//!
//! `MLflow` knows no identity of a request, so that every step asks first what is there: a run is found by its tag, and what is
//! logged twice stands there once.

mod traces;

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_net::{HttpRequest, Method, StatusCode, Url};
use evalmark_report::run_message::{MessageEvent, RunMessage};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::traces::TraceOptions;
use super::{
    beside::{Beside, OnServer},
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    samples::stable_id,
    server::{Server, below},
};

/// Metrics that `MLflow` takes at once.
const MOST_METRICS: usize = 1_000;

/// Letters of a name that `MLflow` takes.
const MOST_LETTERS: usize = 250;

/// The tag that a run is found by.
const TAG: &str = "evalmark.run";

/// Parameters of `mlflow`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The experiment that runs are logged to; it is made where there is none. Default: the suite's name.
    #[serde(default)]
    experiment: Option<String>,
    /// Whether each sample becomes a trace with its scores as assessments, and a row of a table of the run.
    #[serde(default)]
    traces: bool,
    /// Whether traces and table have the texts of requests, answers and targets, too, and not only ids and scores.
    #[serde(default)]
    texts: bool,
    /// Samples at most, the first of the run.
    #[serde(default = "most_samples")]
    #[schemars(range(min = 1, max = 100_000))]
    most_samples: u32,
}

fn most_samples() -> u32 {
    1_000
}

#[derive(Debug)]
pub(super) struct Mlflow {
    server: Server,
    experiment: Option<String>,
    traces: Option<TraceOptions>,
}

impl DefineReceiver for Mlflow {
    const ABOUT: About = About {
        name: "mlflow",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "MLflow: a run with scores as metrics, what was run as parameters, and the message as an artefact.",
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = OnServer<Params>;

    fn open(Beside { shared, own }: OnServer<Params>) -> Result<Self, ParamError> {
        let Params { experiment, traces, texts, most_samples } = own;
        if texts && !traces {
            let message = "`texts` says what traces hold: it needs `traces: true`".to_owned();
            return Err(ParamError { pointer: "/texts".to_owned(), message });
        }
        if experiment.as_ref().is_some_and(|name| name.trim().is_empty() || name.len() > 500) {
            let message = "`experiment` is a name, not empty, of at most 500 bytes".to_owned();
            return Err(ParamError { pointer: "/experiment".to_owned(), message });
        }
        let options = TraceOptions { has_texts: texts, most_samples: most_samples as usize };
        let traces = traces.then_some(options);
        Ok(Self { server: Server::open(shared)?, experiment, traces })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        self.server.secrets()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let base = self.server.address(courier)?;
        let mut api = Api { server: &self.server, base: &base, courier };
        let message = letter.message;
        let experiment = api.experiment(self.experiment.as_deref().unwrap_or(&message.suite))?;
        let run = api.run(&experiment, message)?;
        let run_id = &run["info"]["run_id"];
        api.log(run_id, letter)?;
        let message = serde_json::to_vec_pretty(letter.message).unwrap_or_default();
        api.keep(&experiment, run_id, "evalmark.json", message)?;
        // An alarm of production has no samples.
        let is_of_run = letter.message.event != MessageEvent::Drift;
        if let Some(traces) = self.traces.as_ref().filter(|_| is_of_run) {
            api.keep_tables(&experiment, run_id, letter, traces)?;
            api.trace(&experiment, run_id, letter, traces)?;
        }
        let ended = api.now_ms();
        let body = json!({ "run_id": run_id, "status": "FINISHED", "end_time": ended });
        api.post(&["runs", "update"], &body, json!({}))?;
        Ok(Some(json!({ "run_id": run_id })))
    }
}

/// The part of `MLflow`'s REST API that is used.
struct Api<'a> {
    server: &'a Server,
    base: &'a Url,
    courier: &'a mut dyn Courier,
}

impl Api<'_> {
    fn now_ms(&self) -> i64 {
        self.courier.now().as_millisecond()
    }

    fn send(&mut self, request: HttpRequest, sample: Value) -> Result<Value, DeliveryError> {
        let request = self.server.signed(request, self.courier)?;
        let answer = self.courier.send(Outgoing { request, sample })?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    fn post(&mut self, path: &[&str], body: &Value, sample: Value) -> Result<Value, DeliveryError> {
        let url = below(self.base, &[&["api", "2.0", "mlflow"], path].concat());
        self.send(HttpRequest::post_json(url, body.to_string().into_bytes()), sample)
    }

    /// The experiment of a name: its id.
    fn experiment(&mut self, name: &str) -> Result<String, DeliveryError> {
        let mut url = below(self.base, &["api", "2.0", "mlflow", "experiments", "get-by-name"]);
        url.query_pairs_mut().append_pair("experiment_name", name);
        let sample = json!({ "experiment": { "experiment_id": "0" } });
        let id = match self.send(HttpRequest::get(url), sample) {
            Ok(found) => found["experiment"]["experiment_id"].clone(),
            Err(error) if error.status == Some(StatusCode::NOT_FOUND) => {
                let sample = json!({ "experiment_id": "0" });
                let made =
                    self.post(&["experiments", "create"], &json!({ "name": name }), sample)?;
                made["experiment_id"].clone()
            }
            Err(error) => return Err(error),
        };
        known_text(&id, "experiment")
    }

    /// The run of `MLflow`'s for a run: the one that an earlier attempt has made, or a new one.
    fn run(&mut self, experiment: &str, message: &RunMessage) -> Result<Value, DeliveryError> {
        let key = format!("{}/{}", message.suite, message.run_id);
        let filter = format!("tags.`{TAG}` = '{}'", key.replace('\'', "\\'"));
        let search = json!({ "experiment_ids": [experiment], "filter": filter, "max_results": 1 });
        let found = self.post(&["runs", "search"], &search, json!({ "runs": [] }))?;
        if let Some(run) = found["runs"].as_array().and_then(|runs| runs.first()) {
            return Ok(run.clone());
        }
        let began = message.started_at.parse::<Timestamp>().map(Timestamp::as_millisecond);
        let mut tags = vec![tag(TAG, &key), tag("mlflow.source.name", "evalmark")];
        tags.extend(
            message.commit.as_deref().map(|commit| tag("mlflow.source.git.commit", commit)),
        );
        let body = json!({
            "experiment_id": experiment,
            "run_name": message.run_id,
            "start_time": began.unwrap_or_else(|_| self.now_ms()),
            "tags": tags,
        });
        let sample = json!({ "run": { "info": { "run_id": "0", "artifact_uri": "mlflow-artifacts:/0/0/artifacts" } } });
        let made = self.post(&["runs", "create"], &body, sample)?;
        known_text(&made["run"]["info"]["run_id"], "run")?;
        Ok(made["run"].clone())
    }

    /// Logs the scores, the comparisons and what the verdict says.
    fn log(&mut self, run_id: &Value, letter: &Letter<'_>) -> Result<(), DeliveryError> {
        let message = letter.message;
        // The moment of the message, so that a second attempt logs the same points.
        let moment = letter.created_at.parse::<Timestamp>().map_or(0, Timestamp::as_millisecond);
        let metrics = metrics(message);
        let point = |(key, value): &(String, f64)| json!({ "key": key, "value": value, "timestamp": moment, "step": 0 });
        let mut tags = vec![
            tag("evalmark.answer", &message.answer),
            tag("evalmark.says", &message.says),
            tag("mlflow.note.content", &message.plain_text()),
        ];
        tags.extend(message.link.as_deref().map(|link| tag("evalmark.link", link)));
        let params: Vec<_> =
            [("suite", Some(&message.suite)), ("baseline", message.baseline.as_ref())]
                .into_iter()
                .filter_map(|(key, value)| {
                    Some(json!({ "key": key, "value": clipped(value?, 500) }))
                })
                .collect();
        let first: Vec<_> = metrics.iter().take(MOST_METRICS - 100).map(point).collect();
        let body = json!({ "run_id": run_id, "metrics": first, "params": params, "tags": tags });
        self.post(&["runs", "log-batch"], &body, json!({})).map(drop)
    }

    /// Puts a file beside the run, where the server takes artefacts; answers whether it does.
    fn keep(
        &mut self,
        experiment: &str,
        run_id: &Value,
        name: &str,
        content: Vec<u8>,
    ) -> Result<bool, DeliveryError> {
        let run_id = run_id.as_str().unwrap_or_default();
        let path =
            ["api", "2.0", "mlflow-artifacts", "artifacts", experiment, run_id, "artifacts", name];
        let mut request = HttpRequest::post_json(below(self.base, &path), content);
        request.method = Method::PUT;
        match self.send(request, json!({})) {
            // The server keeps artefacts elsewhere, where nobody but its clients can write.
            Err(error)
                if error.status == Some(StatusCode::NOT_FOUND)
                    || error.words.contains("serve-artifacts") =>
            {
                Ok(false)
            }
            kept => kept.map(|_| true),
        }
    }
}

/// The scores and changes under names that `MLflow` takes.
fn metrics(message: &RunMessage) -> Vec<(String, f64)> {
    let mut all: Vec<(String, f64)> = Vec::new();
    let mut add = |name: String, value: Option<f64>| {
        if let Some(value) = value.filter(|value| value.is_finite())
            && !all.iter().any(|(known, _)| *known == name)
        {
            all.push((name, value));
        }
    };
    for one in &message.scores {
        let name = metric_name(&[&one.metric, &one.prompt, &one.model]);
        add(format!("{name}/lower"), one.lower);
        add(format!("{name}/upper"), one.upper);
        add(format!("{name}/missing"), Some(one.n_missing as f64));
        add(name, Some(one.value));
    }
    for one in &message.comparisons {
        let name = metric_name(&[&one.metric, &one.prompt, &one.model]);
        let what = if one.is_ratio { "ratio" } else { "change" };
        add(format!("{name}/{what}"), one.change_value);
    }
    all
}

/// A name of letters, digits and what else `MLflow` takes: one name a metric, whatever it is called. Where a name is not
/// taken as it is, a short hash tells it from others.
fn metric_name(parts: &[&str]) -> String {
    /// So many letters are left for what stands behind it.
    const MOST: usize = MOST_LETTERS - 20;
    let plain = |part: &&str| -> String {
        let keep = |c: char| if c.is_ascii_alphanumeric() || "_-. ".contains(c) { c } else { '_' };
        let part: String = part.chars().map(keep).collect();
        // A path may not have a part that leads upwards.
        if part.chars().all(|c| c == '.') { "_".to_owned() } else { part }
    };
    let name = parts.iter().map(plain).collect::<Vec<_>>().join("/");
    if name == parts.join("/") && parts.iter().all(|part| !part.contains('/')) && name.len() <= MOST
    {
        return name;
    }
    let hash = stable_id(parts);
    format!("{}-{}", clipped(&name, MOST - 9), &hash[..8])
}

fn tag(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": clipped(value, 4_000) })
}

fn clipped(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn known_text(id: &Value, what: &str) -> Result<String, DeliveryError> {
    let id = id.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    id.ok_or_else(|| DeliveryError::refused(format!("the server names no {what}")))
}

#[cfg(test)]
mod tests {
    use super::metric_name;

    #[test]
    fn no_two_metrics_have_one_name() {
        assert_eq!(metric_name(&["exact", "plain v1.0", "gpt-4_o"]), "exact/plain v1.0/gpt-4_o");
        let long = "x".repeat(300);
        let names = [
            &["f(a)", "p", "m"][..],
            &["f[a]", "p", "m"],
            &["f_a_", "p", "m"],
            &["a/b", "c"],
            &["a", "b/c"],
            &["a", "b", "c"],
            &["größe", "p", "m"],
            &["grösse", "p", "m"],
            &["gr\u{f6}_e", "p", "m"],
            &["..", "p", "m"],
            &["_", "p", "m"],
            &[&long, "p", "m"],
            &[&long, "q", "m"],
        ];
        let found: std::collections::BTreeSet<_> =
            names.iter().map(|parts| metric_name(parts)).collect();
        assert_eq!(found.len(), names.len(), "{found:?}");
        assert!(found.iter().all(|name| name.len() <= 230 && !name.contains("..")), "{found:?}");
    }
}
