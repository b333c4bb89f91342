//! `elasticsearch`: Elasticsearch or `OpenSearch`, which gets the run, its comparisons and its scores as documents through `_bulk`.
//!
//! A document's id follows from the message, and documents are created, never replaced: one that is there already is no error.
//! Where some were refused, those alone go out again.

use std::fmt::Write;

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_net::{HeaderValue, HttpRequest, Method, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    beside::{Beside, OnServer},
    courier::{Courier, DeliveryError, Fate, Outgoing},
    definition::{About, DefineReceiver, Letter},
    ecs_documents::documents,
    index_template::{IndexKind, RUNS_INDEX, index_template},
    server::{Server, below},
};

/// Parameters of `elasticsearch`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The data stream or index that documents go to. Default: `logs-evalmark.runs-default`.
    #[serde(default)]
    index: Option<String>,
    /// NAME of the environment variable that holds an API key, encoded as Elasticsearch gives it out.
    #[serde(default)]
    api_key_env: Option<String>,
    /// An index template is put first, by which `index` is a data stream or an index whose fields have the right types; it needs
    /// the permission to manage index templates.
    #[serde(default)]
    setup: Option<IndexKind>,
}

#[derive(Debug)]
pub(super) struct Elasticsearch {
    server: Server,
    index: String,
    setup: Option<IndexKind>,
}

impl DefineReceiver for Elasticsearch {
    const ABOUT: About = About {
        name: "elasticsearch",
        section: ReceiverSection::Export,
        hears: Hears::RunsAndReleases,
        summary: "Elasticsearch or OpenSearch: the run, its comparisons and its scores as ECS documents.",
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = OnServer<Params>;

    fn open(Beside { shared, own }: OnServer<Params>) -> Result<Self, ParamError> {
        let Params { index, api_key_env, setup } = own;
        let index = index.unwrap_or_else(|| RUNS_INDEX.to_owned());
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if index.is_empty()
            || index.len() > 255
            || index.starts_with(['-', '_', '.'])
            || !index.chars().all(is_plain)
        {
            let message = "`index` must consist of small letters, digits, `-`, `_` and `.`, and begin with a letter or digit";
            return Err(ParamError { pointer: "/index".to_owned(), message: message.to_owned() });
        }
        let server = Server::open(shared)?.with_key("ApiKey", api_key_env, "api_key_env")?;
        Ok(Self { server, index, setup })
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
        if let Some(kind) = self.setup {
            self.set_up(kind, &base, courier)?;
        }
        let documents = documents(letter);
        let left = left(letter.progress, documents.len());
        let body = bulk(letter.id, &documents, &left);
        let url = below(&base, &[&self.index, "_bulk"]);
        let mut request = HttpRequest::post_json(url, body.into_bytes());
        request.headers.insert("content-type", HeaderValue::from_static("application/x-ndjson"));
        let request = self.server.signed(request, courier)?;
        let answer = courier.send(Outgoing { request, sample: json!({ "errors": false }) })?;
        let answer = serde_json::from_slice(&answer)
            .map_err(|_| DeliveryError::new(Fate::InDoubt, "the server's answer is no JSON"))?;
        taken(&answer, &left).map(|()| None)
    }
}

impl Elasticsearch {
    /// Puts the template, by which the first document makes a data stream or an index with the right types.
    fn set_up(
        &self,
        kind: IndexKind,
        base: &Url,
        courier: &mut dyn Courier,
    ) -> Result<(), DeliveryError> {
        let name = format!("evalmark-{}", self.index);
        let url = below(base, &["_index_template", &name]);
        let body = index_template(&self.index, kind).to_string().into_bytes();
        let mut request = HttpRequest::post_json(url, body);
        request.method = Method::PUT;
        let request = self.server.signed(request, courier)?;
        let sample = json!({ "acknowledged": true });
        match courier.send(Outgoing { request, sample }) {
            Err(error) if error.status.is_some_and(|status| status.as_u16() == 403) => {
                let message = format!(
                    "{}; `setup` needs the permission to manage index templates",
                    error.message
                );
                Err(DeliveryError { message, ..error })
            }
            answer => answer.map(drop),
        }
    }
}

/// The answer to `_bulk`.
#[derive(Deserialize)]
struct BulkAnswer {
    #[serde(default)]
    items: Vec<BulkItem>,
}

/// What became of one document.
#[derive(Deserialize)]
struct BulkItem {
    create: BulkResult,
}

#[derive(Deserialize)]
struct BulkResult {
    status: u16,
    #[serde(default)]
    error: Option<BulkError>,
}

#[derive(Deserialize)]
struct BulkError {
    #[serde(default, rename = "type")]
    kind: String,
}

impl BulkResult {
    /// Whether the server has the document; one that was there already is.
    fn is_taken(&self) -> bool {
        self.status < 300 || self.status == 409
    }

    fn is_passing(&self) -> bool {
        self.status == 429 || self.status >= 500
    }
}

/// The documents that the server does not have yet.
fn left(progress: Option<&Value>, n_documents: usize) -> Vec<usize> {
    let left = progress.and_then(|progress| progress["left"].as_array());
    let left = left.map(|left| left.iter().filter_map(|at| usize::try_from(at.as_u64()?).ok()));
    let left: Option<Vec<_>> = left.map(|left| left.filter(|at| *at < n_documents).collect());
    left.filter(|left| !left.is_empty()).unwrap_or_else(|| (0..n_documents).collect())
}

/// What the server refused of the documents; those alone go out again.
fn taken(answer: &BulkAnswer, sent: &[usize]) -> Result<(), DeliveryError> {
    let results = answer.items.iter().map(|item| &item.create);
    let failed: Vec<_> = results.zip(sent).filter(|(result, _)| !result.is_taken()).collect();
    let Some((first, _)) = failed.first() else { return Ok(()) };
    let is_passing = failed.iter().all(|(result, _)| result.is_passing());
    let fate = if is_passing { Fate::NotArrived(None) } else { Fate::Refused };
    let kind = first.error.as_ref().map_or("", |error| &*error.kind);
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let kind: String = kind.chars().filter(is_plain).take(80).collect();
    let kind = if kind.is_empty() { "no reason".to_owned() } else { kind };
    let (n, n_sent) = (failed.len(), sent.len());
    let left: Vec<_> = failed.iter().map(|(_, at)| *at).collect();
    let message =
        format!("the server refuses {n} of {n_sent} documents: {kind} (status {})", first.status);
    Err(DeliveryError::new(fate, message).with_progress(json!({ "left": left })))
}

/// The documents that are left, each behind the line that says what to do with it.
fn bulk(id: &str, documents: &[Value], left: &[usize]) -> String {
    let chosen = left.iter().filter_map(|at| Some((at, documents.get(*at)?)));
    chosen.fold(String::new(), |mut out, (at, document)| {
        let action = json!({ "create": { "_id": format!("{id}-{at}") } });
        let _ = writeln!(out, "{action}\n{document}");
        out
    })
}
