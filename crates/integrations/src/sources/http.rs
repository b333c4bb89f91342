//! `http`: a file behind an address, known by its checksum.
//!
//! A checksum is what makes the rows those that the suite's author saw. It also keeps a suite from a
//! stranger from having an intranet's pages read to a model: it can only fetch what its author knows.

use std::time::{Duration, SystemTime};

use evalmark_core::{
    key_hosts::is_this_machine,
    metric::ParamError,
    source::{Snapshot, SourceContext, SourceError},
};
use evalmark_net::{
    ClientError, ClientOptions, ExchangeError, HeaderMap, HttpClient, HttpRequest, HttpResponse,
    Method, StatusCode, Threads, Url, one_line, retry_after,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    certificates::certificates,
    checksum::Checksum,
    definition::{About, DefineSource},
    snapshots::{Named, Received, Receiving, Snapshots, advised, failed},
};

/// The longest that a server may be silent.
const SILENCE: Duration = Duration::from_mins(1);

/// The longest that a file may take.
const WHOLE: Duration = Duration::from_hours(1);

/// How often a file is asked for, at most.
const ATTEMPTS: u32 = 4;

/// The wait before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

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
    /// PEM file, relative to the suite file, with certificates that the server's may be signed by,
    /// besides the system's.
    #[serde(default)]
    ca_file: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Http {
    url: Url,
    expected: Vec<Checksum>,
    ca_file: Option<String>,
}

/// Why a server gave no file.
#[derive(Debug, thiserror::Error)]
enum DownloadError {
    /// There is no client or no thread to ask with.
    #[error("cannot be fetched: {0}")]
    NoClient(String),
    /// The suite's certificates are none.
    #[error("cannot be fetched: the certificates {0}")]
    Certificates(String),
    /// The server was not reached, or the connection broke.
    #[error("cannot be fetched: {0}")]
    Exchange(#[from] ExchangeError),
    /// The connection broke in the middle of the file.
    #[error("cannot be fetched beyond byte {n_bytes}: {error}")]
    CutOff {
        /// How many bytes came.
        n_bytes: u64,
        /// Why no more came.
        error: ExchangeError,
    },
    /// It sent nothing for too long, or not all in time.
    #[error("cannot be fetched: the server took too long")]
    TimedOut,
    /// It says that the file is elsewhere.
    #[error("cannot be fetched: the server redirects to {0}, and redirects are not followed")]
    Moved(String),
    /// It has no file there, or not for everybody.
    #[error("cannot be fetched: the server says {status}")]
    Refused {
        /// What it says.
        status: StatusCode,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// It was asked several times, and this is what came of the last.
    #[error("{last}, after {ATTEMPTS} attempts")]
    GivenUp {
        /// Why the last attempt failed.
        last: Box<DownloadError>,
    },
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
        Ok(Self { url, expected, ca_file: params.ca_file })
    }

    fn origin(&self) -> String {
        shown(&self.url)
    }

    fn fetch(&self, context: &SourceContext<'_>) -> Result<Snapshot, SourceError> {
        let snapshots = Snapshots::open(context.cache_dir)?;
        let name = self.url.path().rsplit('/').next().unwrap_or_default();
        let server = Some(self.url.origin().ascii_serialization());
        let named = Named { name, origin: self.origin(), server, variables: &[] };
        if let Some(snapshot) = snapshots.find(&self.expected, &named) {
            return Ok(snapshot);
        }
        if !context.may_fetch {
            return Err(self.not_here());
        }
        let received = self.download(&snapshots, context).map_err(DownloadError::into_source)?;
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

    fn download(
        &self,
        snapshots: &Snapshots,
        context: &SourceContext<'_>,
    ) -> Result<Received, DownloadError> {
        let no_client = |error: &dyn std::error::Error| DownloadError::NoClient(error.to_string());
        let trusted = self.ca_file.as_deref().map(|file| certificates(file, context)).transpose();
        let trusted = trusted.map_err(DownloadError::Certificates)?;
        let client = HttpClient::open(&ClientOptions {
            url: &self.url,
            is_local: is_this_machine(&self.url),
            connect_timeout: Duration::from_secs(20),
            idle_connections: 1,
            trusted: trusted.as_deref(),
        })
        .map_err(|error| match (&self.ca_file, error) {
            (Some(file), error @ (ClientError::NoCertificate | ClientError::NoPem(_))) => {
                DownloadError::Certificates(format!("{file} {error}"))
            }
            (_, error) => no_client(&error),
        })?;
        let threads = Threads::start().map_err(|error| no_client(&error))?;
        threads.handle().block_on(async {
            let whole = tokio::time::timeout(WHOLE, self.attempts(&client, snapshots));
            whole.await.map_err(|_| DownloadError::TimedOut)?
        })
    }

    /// Asks for the file until it is there, or another attempt would be in vain.
    async fn attempts(
        &self,
        client: &HttpClient,
        snapshots: &Snapshots,
    ) -> Result<Received, DownloadError> {
        let mut backoff = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            // Whatever an earlier attempt received is left behind.
            match received(client, &self.url, snapshots.receive()?).await {
                Err(error) => tokio::time::sleep(error.wait(backoff)?).await,
                received => return received,
            }
            backoff *= 2;
        }
        let last = received(client, &self.url, snapshots.receive()?).await;
        last.map_err(|last| DownloadError::GivenUp { last: Box::new(last) })
    }
}

async fn received(
    client: &HttpClient,
    url: &Url,
    mut receiving: Receiving,
) -> Result<Received, DownloadError> {
    let request = HttpRequest {
        method: Method::GET,
        url: url.clone(),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let in_time = |_| DownloadError::TimedOut;
    let sent = tokio::time::timeout(SILENCE, client.send(request));
    let mut response = sent.await.map_err(in_time)??;
    refuse(&response, url)?;
    loop {
        let chunk = tokio::time::timeout(SILENCE, response.chunk()).await.map_err(in_time)?;
        let n_bytes = receiving.n_bytes();
        match chunk.map_err(|error| DownloadError::CutOff { n_bytes, error })? {
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
        _ => {
            let wait = retry_after(response.headers(), SystemTime::now());
            Err(DownloadError::Refused { status, wait })
        }
    }
}

impl DownloadError {
    /// How long to wait before another attempt, where nobody asks for more than `backoff`; the error
    /// itself where another attempt would end alike.
    fn wait(self, backoff: Duration) -> Result<Duration, Self> {
        let wait = match &self {
            Self::TimedOut
            | Self::CutOff { .. }
            | Self::Exchange(ExchangeError::NoConnection { .. } | ExchangeError::Broken { .. }) => {
                Some(backoff)
            }
            Self::Refused { status, wait } if is_passing(*status) => Some(wait.unwrap_or(backoff)),
            _ => None,
        };
        wait.filter(|wait| *wait <= LONGEST_WAIT).ok_or(self)
    }

    fn into_source(self) -> SourceError {
        let hint = match &self {
            Self::Kept(error) => return error.clone(),
            Self::Moved(_) => "name that address in the suite",
            Self::Refused { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, .. } => {
                "a source sends no credentials: download the file, and name its `path`"
            }
            _ => return failed(self.to_string()),
        };
        advised(&self.to_string(), hint)
    }
}

/// Whether a server may say something else in a moment.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// An address as messages show it: without a query, which may hold a key.
fn shown(url: &Url) -> String {
    let query = if url.query().is_some() { "?…" } else { "" };
    one_line(&format!("{}{}{query}", url.origin().ascii_serialization(), url.path()))
}
