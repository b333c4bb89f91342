//! `/metrics`: the latest run of each suite, as Prometheus reads it.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header::ACCEPT},
    response::Response,
};
use evalmark_report::{
    exposition::{ExpositionFormat, FamilySample, MetricFamily},
    run_message::RunMessage,
    run_metrics::run_metrics,
};
use evalmark_store::runs::{ListedRun, RunState};

use super::{Pages, Shared, aside, unreadable};
use crate::render::file;

/// Suites that are shown, by their names; more are only counted.
const MOST_SUITES: usize = 200;

/// When the files of a run that a message is made of were last written.
type Written = [Option<SystemTime>; 3];

/// Messages about runs, each read once.
#[derive(Default)]
pub(crate) struct Messages(Mutex<HashMap<PathBuf, (Written, Arc<RunMessage>)>>);

impl Messages {
    /// The messages about these runs; those of others are forgotten.
    fn of(
        &self,
        runs: &[&ListedRun],
        read: impl Fn(&ListedRun) -> Option<RunMessage>,
    ) -> Vec<Arc<RunMessage>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = HashMap::new();
        let mut messages = Vec::new();
        for run in runs {
            let (path, written) = (run.folder.path.clone(), written(run));
            let message = match known.remove(&path) {
                Some((then, message)) if then == written => message,
                _ => match read(run) {
                    Some(message) => Arc::new(message),
                    None => continue,
                },
            };
            messages.push(message.clone());
            kept.insert(path, (written, message));
        }
        *known = kept;
        messages
    }
}

fn written(run: &ListedRun) -> Written {
    let files = [run.folder.path.join("run.json"), run.folder.verdict(), run.folder.summary()];
    files.map(|path| path.metadata().and_then(|of| of.modified()).ok())
}

/// The latest run of each suite that has ended, by suite.
fn latest(runs: &[ListedRun]) -> BTreeMap<&str, &ListedRun> {
    let mut latest = BTreeMap::new();
    let has_ended = |run: &&ListedRun| matches!(run.state, RunState::Complete | RunState::Partial);
    for run in runs.iter().filter(has_ended) {
        // They come with the latest first.
        latest.entry(&*run.suite).or_insert(run);
    }
    latest
}

fn counts(runs: &[ListedRun], suites: &BTreeMap<&str, &ListedRun>) -> Vec<MetricFamily> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for run in runs.iter().filter(|run| suites.contains_key(&*run.suite)) {
        *counts.entry((&run.suite, run.state.as_str())).or_default() += 1;
    }
    let samples = counts.into_iter().map(|((suite, state), n)| {
        let labels = vec![("suite", suite.to_owned()), ("state", state.to_owned())];
        FamilySample::number(labels, n as f64)
    });
    vec![
        MetricFamily::gauge("evalmark_runs", "Runs of the suite in the folder, by state.")
            .with(samples),
    ]
}

fn families(pages: &Pages) -> Result<Vec<MetricFamily>, super::Message> {
    let runs = pages.folder.runs(None).map_err(|error| unreadable(&error))?;
    let mut suites = latest(&runs);
    let n_suites = suites.len();
    let names: Vec<&str> = suites.keys().copied().skip(MOST_SUITES).collect();
    for name in names {
        suites.remove(name);
    }
    let shown: Vec<&ListedRun> = suites.values().copied().collect();
    let messages = pages.messages.of(&shown, |run| pages.analysis.message(&run.folder.path).ok());
    let left_out = FamilySample::number(Vec::new(), (n_suites - messages.len()) as f64);
    let mut families = run_metrics(&messages.iter().map(Arc::as_ref).collect::<Vec<_>>());
    families.extend(counts(&runs, &suites));
    let help = "Suites whose latest run is not shown: it cannot be read, or there are too many.";
    families.push(MetricFamily::gauge("evalmark_suites_left_out", help).with([left_out]));
    Ok(families)
}

/// The form of the figures that a request asks for.
pub(crate) fn accepted(headers: &HeaderMap) -> ExpositionFormat {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    ExpositionFormat::accepted(accept.unwrap_or_default())
}

pub(super) async fn metrics(State(pages): Shared, headers: HeaderMap) -> Response {
    let form = accepted(&headers);
    match aside(pages, families).await {
        Ok(families) => file(StatusCode::OK, form.content_type(), form.write(&families)),
        Err(message) => {
            let says = format!("{}\n", message.says);
            file(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", says)
        }
    }
}
