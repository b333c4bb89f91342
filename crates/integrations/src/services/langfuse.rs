//! Langfuse's public API: datasets, experiments (version 4), dataset runs and traces (version 3).

pub(crate) mod prompts;

use evalmark_net::Secret;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::rest::{Login, RestError, RestServer};

/// Langfuse's own cloud, in Europe.
pub(crate) const CLOUD: &str = "https://cloud.langfuse.com";
/// The variable with the public key, which names the project.
pub(crate) const PUBLIC_KEY: &str = "LANGFUSE_PUBLIC_KEY";
/// The variable with the secret key.
pub(crate) const SECRET_KEY: &str = "LANGFUSE_SECRET_KEY";

/// Rows of one page: what every route allows.
const PAGE: usize = 50;
/// Scores that an item of an experiment brings with it, at most.
const SCORES_WITH_ITEM: usize = 50;
/// Pages of anything: more than any dataset has.
const MOST_PAGES: u64 = 100_000;
/// The beginning of all time, which routes of version 4 want to know.
const EVER: &str = "1970-01-01T00:00:00Z";

/// A project of a Langfuse server.
pub(crate) struct LangfuseServer {
    pub(crate) rest: RestServer,
}

/// A dataset.
#[derive(Debug, Deserialize)]
pub(crate) struct Dataset {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// An item of a dataset.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatasetItem {
    pub(crate) id: String,
    /// `ACTIVE` or `ARCHIVED`.
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) input: Value,
    #[serde(default)]
    pub(crate) expected_output: Value,
    #[serde(default)]
    pub(crate) metadata: Value,
}

/// An answer of an experiment, in version 4.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExperimentItem {
    pub(crate) trace_id: String,
    pub(crate) start_time: String,
    #[serde(default)]
    pub(crate) end_time: Option<String>,
    #[serde(default)]
    pub(crate) level: String,
    pub(crate) experiment_id: String,
    #[serde(default)]
    pub(crate) experiment_name: String,
    #[serde(rename = "experimentItemId")]
    pub(crate) item: String,
    #[serde(default)]
    pub(crate) experiment_dataset_id: Option<String>,
    #[serde(default)]
    pub(crate) input: Value,
    #[serde(default)]
    pub(crate) output: Value,
    #[serde(default)]
    pub(crate) expected_output: Value,
    #[serde(default)]
    pub(crate) scores: Vec<Score>,
}

/// A dataset run with its items, in version 3.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatasetRun {
    pub(crate) dataset_run_items: Vec<DatasetRunItem>,
}

/// What was asked about which item.
#[derive(Debug, Deserialize)]
pub(crate) struct DatasetRunItem {
    #[serde(rename = "datasetItemId")]
    pub(crate) item: String,
    #[serde(rename = "traceId")]
    pub(crate) trace: String,
    #[serde(default, rename = "observationId")]
    pub(crate) observation: Option<String>,
}

/// A trace with all that belongs to it, in version 3.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trace {
    #[serde(default)]
    pub(crate) timestamp: String,
    #[serde(default)]
    pub(crate) output: Value,
    /// Seconds.
    #[serde(default)]
    pub(crate) latency: Option<f64>,
    #[serde(default)]
    pub(crate) total_cost: Option<f64>,
    #[serde(default)]
    pub(crate) observations: Vec<Observation>,
    #[serde(default)]
    pub(crate) scores: Vec<Score>,
}

/// A step within a trace.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Observation {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) parent_observation_id: Option<String>,
    #[serde(default)]
    pub(crate) level: String,
    #[serde(default)]
    pub(crate) status_message: Option<String>,
    #[serde(default)]
    pub(crate) output: Value,
    #[serde(default)]
    pub(crate) usage_details: Map<String, Value>,
}

/// A score, in any version.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Score {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) data_type: String,
    #[serde(default)]
    pub(crate) value: Value,
    #[serde(default)]
    pub(crate) string_value: Option<String>,
    #[serde(default)]
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) comment: Option<String>,
    #[serde(default)]
    pub(crate) config_id: Option<String>,
    #[serde(default)]
    pub(crate) trace_id: Option<String>,
    #[serde(default)]
    pub(crate) observation_id: Option<String>,
}

/// Rows with the number of their page.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Numbered<T> {
    data: Vec<T>,
    meta: PageMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    total_pages: u64,
}

/// Rows with what the next page is asked by.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Continued<T> {
    data: Vec<T>,
    #[serde(default)]
    meta: Cursor,
}

#[derive(Default, Deserialize)]
struct Cursor {
    #[serde(default)]
    cursor: Option<String>,
}

/// How the server is told who asks.
pub(crate) fn login(public: &str, secret: Secret) -> Login {
    Login::Basic(public.to_owned(), secret)
}

fn endless(place: &str) -> RestError {
    let message = format!("more than {MOST_PAGES} pages, or the same page again");
    RestError::Unreadable { place: place.to_owned(), message }
}

impl LangfuseServer {
    /// A dataset by its name; `None` where there is none.
    pub(crate) fn dataset(&self, name: &str) -> Result<Option<Dataset>, RestError> {
        match self.rest.get(&["api", "public", "v2", "datasets", name], &[]) {
            Ok(dataset) => Ok(Some(dataset)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every item of a dataset, as it is now or was at a moment.
    pub(crate) fn items(
        &self,
        dataset: &str,
        version: Option<&str>,
    ) -> Result<Vec<DatasetItem>, RestError> {
        let mut query = vec![("datasetName", dataset)];
        query.extend(version.map(|version| ("version", version)));
        self.numbered(&["api", "public", "dataset-items"], &query)
    }

    /// A dataset run, in version 3; `None` where there is none, or the server has no such routes.
    pub(crate) fn run(&self, dataset: &str, run: &str) -> Result<Option<DatasetRun>, RestError> {
        match self.rest.get(&["api", "public", "datasets", dataset, "runs", run], &[]) {
            Ok(run) => Ok(Some(run)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A trace, in version 3.
    pub(crate) fn trace(&self, id: &str) -> Result<Trace, RestError> {
        self.rest.get(&["api", "public", "traces", id], &[])
    }

    /// The answers of an experiment, in version 4, with all their scores; `None` where the server has no such route.
    pub(crate) fn experiment(
        &self,
        by: (&str, &str),
        dataset_id: Option<&str>,
    ) -> Result<Option<Vec<ExperimentItem>>, RestError> {
        let size = PAGE.to_string();
        let mut query = vec![
            ("fields", "core,dataset,io,scores"),
            ("limit", size.as_str()),
            ("scoreLimit", size.as_str()),
            ("fromStartTime", EVER),
            by,
        ];
        query.extend(dataset_id.map(|id| ("datasetId", id)));
        let read = self.continued(&["api", "public", "experiment-items"], &query);
        let mut items: Vec<ExperimentItem> = match read {
            Err(error) if error.is_not_found() => return Ok(None),
            read => read?,
        };
        for item in &mut items {
            if item.scores.len() >= SCORES_WITH_ITEM {
                let query =
                    [("limit", size.as_str()), ("fields", "details"), ("traceId", &*item.trace_id)];
                item.scores = self.continued(&["api", "public", "v3", "scores"], &query)?;
            }
        }
        Ok(Some(items))
    }

    fn numbered<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, RestError> {
        let size = PAGE.to_string();
        let mut rows = Vec::new();
        for number in 1..=MOST_PAGES {
            let number = number.to_string();
            let mut query = query.to_vec();
            query.extend([("page", number.as_str()), ("limit", size.as_str())]);
            let page: Numbered<T> = self.rest.get(path, &query)?;
            let is_last = page.data.is_empty() || number.parse() == Ok(page.meta.total_pages);
            rows.extend(page.data);
            if is_last {
                return Ok(rows);
            }
        }
        Err(endless("meta.totalPages"))
    }

    fn continued<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, RestError> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = query.to_vec();
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: Continued<T> = self.rest.get(path, &query)?;
            rows.extend(page.data);
            let next = page.meta.cursor.filter(|next| !next.is_empty());
            if next.is_none() {
                return Ok(rows);
            }
            if next == cursor {
                break;
            }
            cursor = next;
        }
        Err(endless("meta.cursor"))
    }
}
