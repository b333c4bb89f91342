//! Langfuse: an experiment or dataset run with its traces and scores, asked of the server, or what Langfuse exports as
//! files.

mod answers;
mod export;
mod scores;

use std::path::Path;

use evalmark_core::tool_results::ToolFile;

use self::answers::{take_experiment, take_run};
use super::{
    Importer, ResultsRequest,
    collect::Collector,
    error::ResultsError,
    server::{ResultsServer, ToolServer, of_server},
};
use crate::services::{
    langfuse::{CLOUD, LangfuseServer, PUBLIC_KEY, SECRET_KEY, login},
    rest::RestError,
};

pub(super) const IMPORTER: Importer = Importer {
    name: "langfuse",
    files: "`DATASET/RUN` or an experiment's name, or an export of traces as JSONL, JSON or CSV",
    server: Some(ToolServer {
        variables: &["LANGFUSE_BASE_URL", "LANGFUSE_HOST"],
        usual: Some(CLOUD),
    }),
    read,
};

/// What to do where the server does not let one in.
const KEYS: &str = "LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY must be of this project and this server; `--server URL` names another";
/// Endings of what is a file.
const FILES: [&str; 7] = [".json", ".jsonl", ".ndjson", ".csv", ".gz", ".zst", ".tsv"];

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    let is_file = |path: &&std::path::PathBuf| {
        let text = path.to_string_lossy().to_ascii_lowercase();
        path.exists() || FILES.iter().any(|ending| text.ends_with(ending))
    };
    let (files, runs): (Vec<_>, Vec<_>) = request.files.iter().partition(is_file);
    if !files.is_empty() {
        export::read_files(&files, into)?;
    }
    runs.into_iter().try_for_each(|run| of_run(run, &request.server, into))
}

/// A run by its name.
fn of_run(run: &Path, named: &ResultsServer<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    let Some(text) = run.to_str() else {
        return Err(ResultsError::of_file(&run.display().to_string(), "is no name of a run"));
    };
    let address = named.address(text, "`--server https://HOST` names one")?;
    let keys = [named.key(PUBLIC_KEY, &address)?, named.key(SECRET_KEY, &address)?];
    let [Some(public), Some(secret)] = keys else {
        let message = "is no file, and the keys to ask Langfuse for a run of that name are not set";
        return Err(ResultsError::of_file(text, message)
            .hint("set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, or name an export of traces"));
    };
    let rest = ResultsServer::open(&address, login(public.expose(), secret))?;
    let server = LangfuseServer { rest };
    let name = format!("{}, run {text}", server.rest.name());
    let found = found(&server, text).map_err(|error| of_server(&name, "", &error, KEYS))?;
    match found {
        Some(Found::Experiment(items)) => take_experiment(items, &name, into)?,
        Some(Found::Run { dataset, run, items }) => {
            into.results.task.get_or_insert(dataset);
            take_run(&server, (run, items), &name, into)?;
        }
        None => {
            let message = "there is no experiment and no dataset run of this name";
            return Err(ResultsError::of_file(&name, message)
                .hint("name it `DATASET/RUN`, as Langfuse shows dataset and run"));
        }
    }
    into.file(ToolFile { name, blake3: server.rest.digest() });
    Ok(())
}

/// What a name means to a server.
enum Found {
    /// Version 4.
    Experiment(Vec<crate::services::langfuse::ExperimentItem>),
    /// Version 3.
    Run {
        dataset: String,
        run: crate::services::langfuse::DatasetRun,
        items: Vec<crate::services::langfuse::DatasetItem>,
    },
}

/// The experiment or dataset run that a name means. Names may hold slashes: the dataset is the part that there is one of.
fn found(server: &LangfuseServer, text: &str) -> Result<Option<Found>, RestError> {
    for (at, _) in text.match_indices('/') {
        let (dataset, run) = (&text[..at], &text[at + 1..]);
        if dataset.is_empty() || run.is_empty() {
            continue;
        }
        let Some(dataset) = server.dataset(dataset)? else { continue };
        let by_name = server.experiment(("experimentName", run), Some(&dataset.id))?;
        if let Some(items) = by_name.filter(|items| !items.is_empty()) {
            return Ok(Some(Found::Experiment(items)));
        }
        if let Some(run) = server.run(&dataset.name, run)? {
            let items = server.items(&dataset.name, None)?;
            return Ok(Some(Found::Run { dataset: dataset.name, run, items }));
        }
    }
    for by in ["experimentName", "experimentId"] {
        match server.experiment((by, text), None)? {
            Some(items) if !items.is_empty() => return Ok(Some(Found::Experiment(items))),
            Some(_) => {}
            None => return Ok(None),
        }
    }
    Ok(None)
}
