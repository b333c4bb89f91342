//! `http`: a file behind an address, known by its checksum.
//!
//! A checksum is what makes the rows those that the suite's author saw. It also keeps a suite from a
//! stranger from having an intranet's pages read to a model: it can only fetch what its author knows.

use std::time::Duration;

use evalmark_core::{
    key_hosts::is_this_machine,
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use evalmark_net::{
    ClientOptions, ExchangeError, HeaderMap, HttpClient, HttpRequest, HttpResponse, Method,
    StatusCode, Threads, Url, one_line,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checksum::Checksum,
    definition::{About, DefineSource},
    snapshots::{Named, Received, Receiving, Snapshots, advised, failed},
};

/// The longest that a server may be silent.
const SILENCE: Duration = Duration::from_mins(1);

/// The longest that a file may take.
const WHOLE: Duration = Duration::from_hours(1);

/// Parameters of `http`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The file's address, over https or http, without user name and password.
    url: String,
    /// SHA-256 of the file as the server sends it, before it is unpacked; what `sha256sum` prints. One
    /// of `sha256` and `blake3` is needed, and `evalmark check --fetch` tells it.
    #[serde(default)]
    sha256: Option<String>,
    /// BLAKE3 of the same; what `b3sum` prints.
    #[serde(default)]
    blake3: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Http {
    url: Url,
    expected: Vec<Checksum>,
}

/// Why a server gave no file.
#[derive(Debug, thiserror::Error)]
enum DownloadError {
    /// There is no client or no thread to ask with.
    #[error("cannot be fetched: {0}")]
    NoClient(String),
    /// The server was not reached, or the connection broke.
    #[error("cannot be fetched: {0}")]
    Exchange(#[from] ExchangeError),
    /// It sent nothing for too long, or not all in time.
    #[error("cannot be fetched: the server took too long")]
    TimedOut,
    /// It says that the file is elsewhere.
    #[error("cannot be fetched: the server redirects to {0}, and redirects are not followed")]
    Moved(String),
    /// It has no file there, or not for everybody.
    #[error("cannot be fetched: the server says {0}")]
    Refused(StatusCode),
    /// The file is too large, or cannot be written.
    #[error(transparent)]
    Kept(#[from] SourceError),
}

impl DefineSource for Http {
    const ABOUT: About = About {
        name: "http",
        summary: "A file behind an https or http address, known by its checksum.",
        path_endings: &[],
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |message: String| ParamError { pointer: "/url".to_owned(), message };
        let mut url = Url::parse(&params.url)
            .map_err(|error| wrong(format!("`url` is not an address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("`url` must begin with `https://` or `http://`".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let message = "`url` holds a user name or password, which a suite must not contain";
            return Err(wrong(message.to_owned()));
        }
        url.set_fragment(None);
        let expected = Checksum::of_params(params.sha256.as_deref(), params.blake3.as_deref())?;
        Ok(Self { url, expected })
    }

    fn origin(&self) -> String {
        shown(&self.url)
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let snapshots = Snapshots::open(context.cache_dir)?;
        let name = self.url.path().rsplit('/').next().unwrap_or_default();
        let server = Some(self.url.origin().ascii_serialization());
        let named = Named { name, origin: self.origin(), server };
        if let Some(snapshot) = snapshots.find(&self.expected, &named) {
            return Ok(snapshot);
        }
        if !context.may_fetch {
            return Err(self.not_here());
        }
        let received = self.download(snapshots.receive()?).map_err(DownloadError::into_source)?;
        let (n_bytes, digests) = (received.n_bytes, received.digests.clone());
        digests.check(&self.expected).map_err(|error| {
            advised(&error.to_string(), "if you want the new content, give its checksum instead")
        })?;
        let snapshot = snapshots.keep(received, &named)?;
        if self.expected.is_empty() {
            let message = format!("has no checksum in the suite; it is sha256 {}", digests.sha256);
            let hint = format!("if that is the content you want, add `sha256: {}`", digests.sha256);
            return Err(advised(&message, &hint));
        }
        let folder = snapshots.folder().display();
        let note = format!("fetched {n_bytes} bytes; they are kept in {folder}");
        Ok(Snapshot { note: Some(note), ..snapshot })
    }
}

impl Http {
    /// What is said where nothing may be fetched.
    fn not_here(&self) -> SourceError {
        if !self.expected.is_empty() {
            return SourceError::NotHere;
        }
        let hint = "`evalmark check --fetch SUITE` fetches it and prints its checksum";
        advised("has no checksum in the suite", hint)
    }

    fn download(&self, receiving: Receiving) -> Result<Received, DownloadError> {
        let no_client = |error: &dyn std::error::Error| DownloadError::NoClient(error.to_string());
        let client = HttpClient::open(&ClientOptions {
            url: &self.url,
            is_local: is_this_machine(&self.url),
            connect_timeout: Duration::from_secs(20),
            idle_connections: 1,
            trusted: None,
        })
        .map_err(|error| no_client(&error))?;
        let threads = Threads::start().map_err(|error| no_client(&error))?;
        let request = HttpRequest {
            method: Method::GET,
            url: self.url.clone(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
        threads.handle().block_on(async {
            let whole = tokio::time::timeout(WHOLE, received(&client, request, receiving));
            whole.await.map_err(|_| DownloadError::TimedOut)?
        })
    }
}

async fn received(
    client: &HttpClient,
    request: HttpRequest,
    mut receiving: Receiving,
) -> Result<Received, DownloadError> {
    let url = request.url.clone();
    let in_time = |_| DownloadError::TimedOut;
    let sent = tokio::time::timeout(SILENCE, client.send(request));
    let mut response = sent.await.map_err(in_time)??;
    refuse(&response, &url)?;
    loop {
        let chunk = tokio::time::timeout(SILENCE, response.chunk());
        match chunk.await.map_err(in_time)?? {
            Some(bytes) => receiving.write(&bytes)?,
            None => return Ok(receiving.finish()),
        }
    }
}

/// Whatever is not the file.
fn refuse(response: &HttpResponse, url: &Url) -> Result<(), DownloadError> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    let place = response.headers().get("location").and_then(|place| place.to_str().ok());
    match place.and_then(|place| url.join(place).ok()) {
        Some(place) if status.is_redirection() => Err(DownloadError::Moved(shown(&place))),
        _ => Err(DownloadError::Refused(status)),
    }
}

impl DownloadError {
    fn into_source(self) -> SourceError {
        let hint = match &self {
            Self::Kept(error) => return error.clone(),
            Self::Moved(_) => "name that address in the suite",
            Self::Refused(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                "a source sends no credentials: download the file, and name its `path`"
            }
            _ => return failed(self.to_string()),
        };
        advised(&self.to_string(), hint)
    }
}

/// An address as messages show it: without a query, which may hold a key.
fn shown(url: &Url) -> String {
    let query = if url.query().is_some() { "?…" } else { "" };
    one_line(&format!("{}{}{query}", url.origin().ascii_serialization(), url.path()))
}
