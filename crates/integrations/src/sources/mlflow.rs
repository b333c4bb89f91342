//! `mlflow`: the records of an evaluation dataset on an `MLflow` tracking server, known by their checksum.

use evalmark_core::{
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use evalmark_net::{Secret, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    checksum::Checksum,
    definition::{About, DefineSource},
    service_rows::{See, Service, service_rows},
    snapshots::advised,
};
use crate::services::{
    mlflow::{DatasetRecord, MlflowServer},
    rest::{Login, RestError, RestServer, server_address, shown},
};

/// How the id of a trace begins.
const TRACE: &str = "tr-";

/// Tags that `MLflow` writes itself.
const OWN_TAGS: &str = "mlflow.";

/// Parameters of `mlflow`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The tracking server's address, over https or http.
    url: String,
    /// The evaluation dataset, by its name or its id (`d-…`).
    dataset: String,
    /// The name of the environment variable with a token.
    #[serde(default)]
    token_env: Option<String>,
    /// The user's name, where the server asks for a name and a password.
    #[serde(default)]
    user: Option<String>,
    /// The name of the environment variable with the user's password.
    #[serde(default)]
    password_env: Option<String>,
    /// SHA-256 of the rows as JSON Lines. One of `sha256` and `blake3` is needed, and
    /// `evalmark check --fetch` tells it.
    #[serde(default)]
    sha256: Option<String>,
    /// BLAKE3 of the same.
    #[serde(default)]
    blake3: Option<String>,
    /// PEM file, relative to the suite file, with certificates that the server's may be signed by,
    /// besides the system's.
    #[serde(default)]
    ca_file: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Mlflow {
    url: Url,
    dataset: String,
    key: Key,
    expected: Vec<Checksum>,
    ca_file: Option<String>,
}

/// What the server is told of who asks.
#[derive(Debug)]
enum Key {
    None,
    Token { variable: String },
    Password { user: String, variable: String },
}

impl DefineSource for Mlflow {
    const ABOUT: About = About {
        name: "mlflow",
        summary: "The records of an evaluation dataset of an MLflow tracking server, known by their checksum.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |pointer: &str, message: &str| ParamError {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
        };
        let url =
            server_address(&params.url).map_err(|why| wrong("/url", &format!("`url` {why}")))?;
        let dataset = params.dataset.trim().to_owned();
        if dataset.is_empty() {
            return Err(wrong("/dataset", "`dataset` is empty"));
        }
        let key = match (params.token_env, params.user, params.password_env) {
            (None, None, None) => Key::None,
            (Some(variable), None, None) if !variable.trim().is_empty() => Key::Token { variable },
            (None, Some(user), Some(variable)) if !variable.trim().is_empty() => {
                Key::Password { user, variable }
            }
            (Some(_), None, None) => return Err(wrong("/token_env", "`token_env` is empty")),
            (Some(_), ..) => {
                let message =
                    "`token_env` stands beside `user` or `password_env`: one of both is sent";
                return Err(wrong("/token_env", message));
            }
            (None, ..) => {
                return Err(wrong("/password_env", "`user` and `password_env` belong together"));
            }
        };
        let expected = Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?;
        Ok(Self { url, dataset, key, expected, ca_file: params.ca_file })
    }

    fn origin(&self) -> String {
        format!("{}, dataset {}", shown(&self.url), self.dataset)
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let variables: &[String] = match &self.key {
            Key::None => &[],
            Key::Token { variable } | Key::Password { variable, .. } => {
                std::slice::from_ref(variable)
            }
        };
        let service = Service {
            origin: self.origin(),
            url: &self.url,
            variables,
            expected: &self.expected,
            ca_file: self.ca_file.as_deref(),
        };
        let login = || {
            Ok(match &self.key {
                Key::None => Login::None,
                Key::Token { variable } => {
                    Login::Bearer(Secret::new(&context.keys.key(variable, &self.url)?))
                }
                Key::Password { user, variable } => {
                    let password = Secret::new(&context.keys.key(variable, &self.url)?);
                    Login::Basic(user.clone(), password)
                }
            })
        };
        service_rows(&service, context, login, |rest, see| self.rows(rest, see))
    }
}

impl Mlflow {
    /// Every record as a row; answers with what to tell of the rest.
    fn rows(&self, rest: RestServer, see: &mut See<'_>) -> Result<Option<String>, SourceError> {
        let server = MlflowServer { rest };
        let dataset = server.dataset(&self.dataset).map_err(|error| told(&error))?;
        let Some(dataset) = dataset else {
            let hint = if self.dataset.starts_with(TRACE) {
                "traces become records by MLflow's `dataset.merge_records(traces)`; the answers and scores of traces are \
                 results: `evalmark import results --from mlflow RUN`"
            } else {
                "`mlflow.genai.datasets.search_datasets()` lists them"
            };
            let message = format!("has no evaluation dataset `{}`", self.dataset);
            return Err(advised(&message, hint));
        };
        let mut broken = None;
        let read = server.records(&dataset, |record| {
            see(row(record)).map_err(|error| {
                broken = Some(error);
                RestError::NoClient(String::new())
            })
        });
        match (broken, read) {
            (Some(error), _) => Err(error),
            (None, read) => read.map(|()| None).map_err(|error| told(&error)),
        }
    }
}

fn told(error: &RestError) -> SourceError {
    let hint = error.is_forbidden().then(|| {
        "name the variable with a token in `token_env`, or `user` and `password_env`".to_owned()
    });
    SourceError::Failed { message: error.to_string(), hint }
}

/// A record as a row: `inputs.question` is the field `question` of its inputs.
fn row(record: DatasetRecord) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("record_id".to_owned(), record.id.into());
    row.insert("inputs".to_owned(), record.inputs);
    row.insert("expectations".to_owned(), record.expectations);
    if record.outputs.as_object().is_none_or(|outputs| !outputs.is_empty()) {
        row.insert("outputs".to_owned(), record.outputs);
    }
    let tags: Map<_, _> =
        record.tags.into_iter().filter(|(name, _)| !name.starts_with(OWN_TAGS)).collect();
    if !tags.is_empty() {
        row.insert("tags".to_owned(), tags.into());
    }
    row.retain(|_, value| !value.is_null());
    row
}
