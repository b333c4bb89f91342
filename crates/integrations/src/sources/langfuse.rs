//! `langfuse`: the items of a dataset of a Langfuse project, known by their checksum.

use evalmark_core::{
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use evalmark_net::{Secret, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

use super::{
    checksum::Checksum,
    definition::{About, DefineSource},
    service_rows::{See, Service, service_rows},
    snapshots::advised,
};
use crate::services::{
    langfuse::{CLOUD, DatasetItem, LangfuseServer, PUBLIC_KEY, SECRET_KEY, login},
    rest::{RestError, RestServer, server_address, shown},
};

/// The status of an item that people have put away.
const ARCHIVED: &str = "ARCHIVED";

/// Parameters of `langfuse`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The server's address, over https or http; Langfuse's cloud in Europe, where none is given.
    #[serde(default = "cloud")]
    url: String,
    /// The dataset's name.
    dataset: String,
    /// A moment by RFC 3339 in UTC: the items as they were then. Without it, as they are.
    #[serde(default)]
    version: Option<String>,
    /// The name of the environment variable with the project's public key.
    #[serde(default = "public_key")]
    public_key_env: String,
    /// The name of the environment variable with the project's secret key.
    #[serde(default = "secret_key")]
    secret_key_env: String,
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

fn cloud() -> String {
    CLOUD.to_owned()
}

fn public_key() -> String {
    PUBLIC_KEY.to_owned()
}

fn secret_key() -> String {
    SECRET_KEY.to_owned()
}

#[derive(Debug)]
pub(crate) struct Langfuse {
    url: Url,
    dataset: String,
    version: Option<String>,
    /// The variables with the public and the secret key.
    keys: [String; 2],
    expected: Vec<Checksum>,
    ca_file: Option<String>,
}

impl DefineSource for Langfuse {
    const ABOUT: About = About {
        name: "langfuse",
        summary: "The items of a dataset of a Langfuse project, known by their checksum.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |name: &str, message: &str| ParamError {
            pointer: format!("/{name}"),
            message: format!("`{name}` {message}"),
        };
        let url = server_address(&params.url).map_err(|why| wrong("url", &why))?;
        if params.dataset.trim().is_empty() {
            return Err(wrong("dataset", "is empty"));
        }
        for (name, variable) in
            [("public_key_env", &params.public_key_env), ("secret_key_env", &params.secret_key_env)]
        {
            if variable.trim().is_empty() {
                return Err(wrong(name, "is empty"));
            }
            if variable.starts_with("pk-lf-") || variable.starts_with("sk-lf-") {
                return Err(wrong(name, "is a key; write the name of the variable that holds it"));
            }
        }
        let is_moment = |text: &String| text.parse::<jiff::Timestamp>().is_ok();
        if params.version.as_ref().is_some_and(|version| !is_moment(version)) {
            return Err(wrong("version", "is no moment, such as `2026-01-21T14:35:42Z`"));
        }
        let expected = Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?;
        Ok(Self {
            url,
            dataset: params.dataset,
            version: params.version,
            keys: [params.public_key_env, params.secret_key_env],
            expected,
            ca_file: params.ca_file,
        })
    }

    fn origin(&self) -> String {
        format!("{}, dataset {}", shown(&self.url), self.dataset)
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let service = Service {
            origin: self.origin(),
            url: &self.url,
            variables: &self.keys,
            expected: &self.expected,
            ca_file: self.ca_file.as_deref(),
        };
        let both_keys = || {
            let key = |variable: &String| context.keys.key(variable, &self.url);
            let [public, secret] = &self.keys;
            Ok(login(key(public)?.trim(), Secret::new(key(secret)?.trim())))
        };
        service_rows(&service, context, both_keys, |rest, see| self.rows(rest, see))
    }
}

impl Langfuse {
    /// Every item that is not archived as a row; answers with how many are.
    fn rows(&self, rest: RestServer, see: &mut See<'_>) -> Result<Option<String>, SourceError> {
        let server = LangfuseServer { rest };
        if server.dataset(&self.dataset).map_err(|error| told(&error))?.is_none() {
            let message = format!("has no dataset `{}`", self.dataset);
            return Err(advised(
                &message,
                "the keys belong to one project: look whether it is that one",
            ));
        }
        let items = server.items(&self.dataset, self.version.as_deref());
        let mut items = items.map_err(|error| told(&error))?;
        let n_all = items.len();
        items.retain(|item| item.status != ARCHIVED);
        let n_archived = n_all - items.len();
        // Pages of a server are in no order that it promises.
        items.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(twice) = items.windows(2).find(|pair| pair[0].id == pair[1].id) {
            let message =
                format!("gives the item `{}` twice: it changed while it was read", twice[0].id);
            return Err(advised(&message, "ask again"));
        }
        for item in items {
            see(row(item))?;
        }
        Ok((n_archived > 0).then(|| format!("{n_archived} archived items are left out")))
    }
}

fn told(error: &RestError) -> SourceError {
    let hint = error.is_forbidden().then(|| {
        "the public and the secret key must be of the project that has the dataset, and of this server".to_owned()
    });
    SourceError::Failed { message: error.to_string(), hint }
}

/// An item as a row, without what it lacks.
fn row(item: DatasetItem) -> Map<String, serde_json::Value> {
    let fields = [
        ("id", item.id.into()),
        ("input", item.input),
        ("expected_output", item.expected_output),
        ("metadata", item.metadata),
    ];
    let given = fields.into_iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.to_owned(), value)).collect()
}
