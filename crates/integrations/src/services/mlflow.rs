//! `MLflow`'s tracking server: its REST API for evaluation datasets, runs, traces and artifacts.

pub(crate) mod prompts;
mod spans;
mod traces;

use std::collections::HashMap;

use evalmark_net::Url;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::spans::WholeTrace;
pub(crate) use self::{
    spans::RootSpan,
    traces::{Assessment, Feedback, TraceInfo},
};
use super::rest::{RestError, RestServer};

/// The variable with a token.
pub(crate) const TOKEN: &str = "MLFLOW_TRACKING_TOKEN";
/// The variables with a name and a password.
pub(crate) const NAME_AND_PASSWORD: [&str; 2] =
    ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"];
/// Records, traces and artifacts of one page.
const PAGE: usize = 500;
/// Traces whose spans are asked for at once.
const TRACES_AT_ONCE: usize = 50;
/// Pages of anything: more than any run has.
const MOST_PAGES: usize = 100_000;

/// A tracking server.
pub(crate) struct MlflowServer {
    pub(crate) rest: RestServer,
}

/// An evaluation dataset.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Dataset {
    #[serde(rename = "dataset_id")]
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A record of an evaluation dataset.
#[derive(Debug, Deserialize)]
pub(crate) struct DatasetRecord {
    #[serde(rename = "dataset_record_id")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) inputs: Value,
    #[serde(default)]
    pub(crate) outputs: Value,
    #[serde(default)]
    pub(crate) expectations: Value,
    #[serde(default)]
    pub(crate) tags: Map<String, Value>,
}

/// A run.
#[derive(Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) info: RunInfo,
}

/// What a run says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct RunInfo {
    pub(crate) experiment_id: String,
    #[serde(default)]
    pub(crate) run_name: String,
    #[serde(default)]
    pub(crate) status: String,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub(crate) start_time: Option<i64>,
}

#[derive(Deserialize)]
struct Datasets {
    #[serde(default)]
    datasets: Vec<Dataset>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct OneDataset {
    dataset: Dataset,
}

#[derive(Deserialize)]
struct Records {
    /// JSON within JSON.
    #[serde(default)]
    records: String,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct OneRun {
    run: Run,
}

#[derive(Deserialize)]
struct OneExperiment {
    experiment: Experiment,
}

#[derive(Deserialize)]
struct Experiment {
    name: String,
}

#[derive(Deserialize)]
struct Traces {
    #[serde(default)]
    traces: Vec<TraceInfo>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct WholeTraces {
    #[serde(default)]
    traces: Vec<WholeTrace>,
}

/// Something that the server does not have.
fn unreadable(place: &str, message: impl Into<String>) -> RestError {
    RestError::Unreadable { place: place.to_owned(), message: message.into() }
}

/// Asks for pages until there is none; a server that never ends is an error.
fn pages(
    mut page: impl FnMut(Option<&str>) -> Result<Option<String>, RestError>,
) -> Result<(), RestError> {
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let next = page(token.as_deref())?.filter(|next| !next.is_empty());
        if next.is_none() {
            return Ok(());
        }
        if next == token {
            return Err(unreadable("next_page_token", "the same page again"));
        }
        token = next;
    }
    Err(unreadable("next_page_token", format!("more than {MOST_PAGES} pages")))
}

impl MlflowServer {
    /// A dataset by its id (`d-…`) or name.
    pub(crate) fn dataset(&self, named: &str) -> Result<Option<Dataset>, RestError> {
        if named.starts_with("d-") {
            let path = ["api", "3.0", "mlflow", "datasets", named];
            match self.rest.get::<OneDataset>(&path, &[]) {
                Ok(found) => return Ok(Some(found.dataset)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        let mut found = None;
        pages(|token| {
            let question = json!({ "max_results": PAGE, "page_token": token });
            let path = ["api", "3.0", "mlflow", "datasets", "search"];
            let page: Datasets = self.rest.search(&path, &question)?;
            found = page.datasets.into_iter().find(|dataset| dataset.name == named);
            Ok(page.next_page_token.filter(|_| found.is_none()))
        })?;
        Ok(found)
    }

    /// Every record of a dataset, in the server's order, which is that of their making.
    pub(crate) fn records(
        &self,
        dataset: &Dataset,
        mut see: impl FnMut(DatasetRecord) -> Result<(), RestError>,
    ) -> Result<(), RestError> {
        let path = ["api", "3.0", "mlflow", "datasets", &dataset.id, "records"];
        let size = PAGE.to_string();
        pages(|token| {
            let mut query = vec![("max_results", size.as_str())];
            query.extend(token.map(|token| ("page_token", token)));
            let page: Records = self.rest.get(&path, &query)?;
            let mut parser = serde_json::Deserializer::from_str(&page.records);
            let records: Vec<DatasetRecord> = serde_path_to_error::deserialize(&mut parser)
                .map_err(|error| {
                    let place = format!("records, {}", error.path());
                    unreadable(&place, error.into_inner().to_string())
                })?;
            records.into_iter().try_for_each(&mut see)?;
            Ok(page.next_page_token)
        })
    }

    /// A run.
    pub(crate) fn run(&self, id: &str) -> Result<Run, RestError> {
        let path = ["api", "2.0", "mlflow", "runs", "get"];
        Ok(self.rest.get::<OneRun>(&path, &[("run_id", id)])?.run)
    }

    /// The name of an experiment.
    pub(crate) fn experiment_name(&self, id: &str) -> Result<String, RestError> {
        let path = ["api", "2.0", "mlflow", "experiments", "get"];
        Ok(self.rest.get::<OneExperiment>(&path, &[("experiment_id", id)])?.experiment.name)
    }

    /// The traces of a run; none where the server knows no traces.
    pub(crate) fn traces(&self, run_id: &str, run: &Run) -> Result<Vec<TraceInfo>, RestError> {
        let path = ["api", "3.0", "mlflow", "traces", "search"];
        let mut traces = Vec::new();
        let read = pages(|token| {
            let question = json!({
                "locations": [{
                    "type": "MLFLOW_EXPERIMENT",
                    "mlflow_experiment": { "experiment_id": run.info.experiment_id },
                }],
                "filter": format!("attribute.run_id = '{run_id}'"),
                "order_by": ["timestamp_ms ASC"],
                "max_results": PAGE,
                "page_token": token,
            });
            let page: Traces = self.rest.search(&path, &question)?;
            traces.extend(page.traces);
            Ok(page.next_page_token)
        });
        match read {
            Err(error) if error.is_not_found() && traces.is_empty() => Ok(traces),
            read => read.map(|()| traces),
        }
    }

    /// What was asked and answered in each of these traces, as far as the server gives spans.
    pub(crate) fn root_spans(
        &self,
        traces: &[TraceInfo],
    ) -> Result<HashMap<String, RootSpan>, RestError> {
        let path = ["api", "3.0", "mlflow", "traces", "batchGet"];
        let mut spans = HashMap::new();
        for some in traces.chunks(TRACES_AT_ONCE) {
            let query: Vec<_> = some.iter().map(|trace| ("trace_ids", &*trace.trace_id)).collect();
            let whole: WholeTraces = match self.rest.get(&path, &query) {
                Err(error) if error.is_not_found() => return Ok(HashMap::new()),
                whole => whole?,
            };
            spans.extend(whole.traces.into_iter().map(WholeTrace::root));
        }
        Ok(spans)
    }

    /// The bytes of an artifact of a run; `None` where there is none of that path.
    pub(crate) fn artifact(&self, run_id: &str, path: &str) -> Result<Option<Vec<u8>>, RestError> {
        match self.rest.get_bytes(&["get-artifact"], &[("path", path), ("run_uuid", run_id)]) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The id of the run that a text means: an id, or the address of a run in `MLflow`'s pages.
pub(crate) fn run_id(text: &str) -> Option<String> {
    let is_id = |id: &str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if let Some(rest) = text.strip_prefix("runs:/") {
        return Some(rest.to_owned()).filter(|id| is_id(id));
    }
    if !text.contains("://") {
        let is_run = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        return is_run.then(|| text.to_owned());
    }
    let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest);
    let id = after("selectedRunUuid=").or_else(|| after("/runs/"))?;
    let id = id.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next()?;
    Some(id.to_owned()).filter(|id| is_id(id))
}

/// The server of an address of `MLflow`'s pages: what stands before their part.
pub(crate) fn server_of(text: &str) -> Option<Url> {
    let url = Url::parse(text.split('#').next()?).ok()?;
    let mut url = matches!(url.scheme(), "http" | "https").then_some(url)?;
    if !text.contains('#') {
        let end = url.path().find("/experiments/").unwrap_or(url.path().len());
        let path = url.path()[..end].to_owned();
        url.set_path(&path);
    }
    url.set_query(None);
    Some(url)
}
