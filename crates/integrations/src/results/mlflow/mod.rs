//! `MLflow`: the traces of a run with their assessments, asked of the tracking server, and `eval_results_table.json`, the
//! artifact of `mlflow.models.evaluate`, from the server or as a file.

mod scores;
mod table;
mod traces;

use std::path::Path;

use evalmark_core::tool_results::ToolFile;
use evalmark_net::Url;

use self::{table::take_table, traces::take_traces};
use super::{
    Importer, ResultsRequest,
    collect::Collector,
    error::ResultsError,
    input::{Input, json},
    server::{ResultsServer, ToolServer, of_server},
};
use crate::services::{
    mlflow::{MlflowServer, NAME_AND_PASSWORD, TOKEN, run_id, server_of},
    rest::Login,
};

pub(super) const IMPORTER: Importer = Importer {
    name: "mlflow",
    files: "a run by its id or address, or `eval_results_table.json`, an artifact of `mlflow.models.evaluate`",
    server: Some(ToolServer { variables: &["MLFLOW_TRACKING_URI"], usual: None }),
    read,
};

/// The artifact of `mlflow.models.evaluate`.
const TABLE: &str = "eval_results_table.json";
/// What to do where a server wants to know who asks.
const KEYS: &str =
    "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD";
/// What to do where no server is named.
const SERVER: &str =
    "name the tracking server: `--server http://HOST:PORT`, or MLFLOW_TRACKING_URI";

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    for path in request.files {
        match named_run(path) {
            Some(run) => of_run(&run, &request.server, into)?,
            None => of_file(path, into)?,
        }
    }
    Ok(())
}

/// A run that is named instead of a file.
struct NamedRun {
    /// As it is named.
    text: String,
    id: String,
    /// The server of its address.
    server: Option<Url>,
}

fn named_run(path: &Path) -> Option<NamedRun> {
    let text = path.to_str().filter(|_| !path.exists())?;
    Some(NamedRun { text: text.to_owned(), id: run_id(text)?, server: server_of(text) })
}

fn of_file(path: &Path, into: &mut Collector) -> Result<(), ResultsError> {
    let input = Input::open(path).map_err(|error| {
        if path.exists() {
            error
        } else {
            error.hint("a run is named by its id of 32 digits or its address")
        }
    })?;
    let name = input.name().to_owned();
    let (bytes, file) = input.bytes()?;
    let table = json(&name, "", &bytes).map_err(table::hint)?;
    into.file(file);
    take_table(table, &name, into)
}

/// The results of a run, from its server.
fn of_run(
    run: &NamedRun,
    named: &ResultsServer<'_>,
    into: &mut Collector,
) -> Result<(), ResultsError> {
    let address = match &run.server {
        Some(server) => server.clone(),
        None => named.address(&run.text, SERVER)?,
    };
    let server = MlflowServer { rest: ResultsServer::open(&address, login(named, &address)?)? };
    let name = format!("{}, run {}", server.rest.name(), run.id);
    let failed = |place: &str| {
        let (name, place) = (name.clone(), place.to_owned());
        move |error| of_server(&name, &place, &error, KEYS)
    };
    let found = server.run(&run.id).map_err(failed(""))?;
    let results = &mut into.results;
    results.evaluated_at = found.info.start_time.and_then(moment).or(results.evaluated_at.take());
    results.title = server.experiment_name(&found.info.experiment_id).ok();
    if !matches!(found.info.status.as_str(), "FINISHED" | "") {
        let status = found.info.status.to_lowercase();
        into.remark(format!(
            "the run {} ({}) is {status}, not finished",
            run.id, found.info.run_name
        ));
    }
    let traces = server.traces(&run.id, &found).map_err(failed("traces"))?;
    if traces.is_empty() {
        let bytes = server.artifact(&run.id, TABLE).map_err(failed(TABLE))?;
        let Some(bytes) = bytes else {
            let message = format!("has neither traces nor the artifact `{TABLE}`");
            return Err(ResultsError::of_file(&name, message).hint(
                "`mlflow.genai.evaluate` logs traces to its run, `mlflow.models.evaluate` the artifact",
            ));
        };
        let file = format!("{name}, {TABLE}");
        take_table(json(&file, "", &bytes)?, &file, into)?;
    } else {
        let spans = server.root_spans(&traces).map_err(failed("spans"))?;
        take_traces(traces, spans, (&run.id, &name), into)?;
    }
    into.file(ToolFile { name, blake3: server.rest.digest() });
    Ok(())
}

/// What proves who asks: what `MLflow`'s own client takes from the environment.
fn login(named: &ResultsServer<'_>, server: &Url) -> Result<Login, ResultsError> {
    let [name, password] = NAME_AND_PASSWORD;
    if let (Some(name), Some(password)) = (named.key(name, server)?, named.key(password, server)?) {
        return Ok(Login::Basic(name.expose().to_owned(), password));
    }
    Ok(named.key(TOKEN, server)?.map_or(Login::None, Login::Bearer))
}

fn moment(milliseconds: i64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
