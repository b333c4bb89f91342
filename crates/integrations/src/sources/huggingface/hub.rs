//! The hub: which commit a revision is, which files it has, and those files, each checked by the hash that
//! the commit gives it. A redirect to a server of large files is followed without the token.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use evalmark_core::{
    key_hosts::is_this_machine,
    source::{SourceContext, SourceError},
};
use evalmark_net::{
    ClientOptions, ExchangeError, HttpClient, HttpRequest, HttpResponse, KeyHeader, Secret, Sign,
    StatusCode, Threads, Url, one_line, retry_after,
};
use serde::Deserialize;
use sha1::{Digest, Sha1};

use super::{Found, HuggingFace, choice::choose};
use crate::sources::{
    certificates::certificates,
    checksum::Checksum,
    joined_rows::Part,
    snapshots::{Named, Received, Snapshots, advised, failed},
    unpack::unpacked_name,
};

/// The longest that a server may be silent, and that all files together may take.
const SILENCE: Duration = Duration::from_mins(1);
const WHOLE: Duration = Duration::from_hours(1);

/// How often a file is asked for, and what is waited at most.
const ATTEMPTS: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How many redirects a file may have.
const MOST_REDIRECTS: u32 = 5;

/// The most bytes of what describes a repository.
const MOST_SAID: usize = 64 << 20;

/// A commit, as the hub describes it.
#[derive(Deserialize)]
struct Commit {
    sha: String,
    siblings: Vec<File>,
}

/// A file of a commit.
#[derive(Deserialize)]
struct File {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Deserialize)]
struct LargeFile {
    sha256: String,
}

/// Who asks the hub.
struct Hub<'a> {
    source: &'a HuggingFace,
    dataset: &'a str,
    token: Option<KeyHeader>,
    secret: Option<Secret>,
    certificates: Option<Vec<u8>>,
}

/// Why there is no response, and whether to ask again.
enum Failure {
    Passing(String, Option<Duration>),
    Final(SourceError),
}

impl Failure {
    /// The same of a file of which so many bytes came.
    fn beyond(self, n_bytes: u64, url: &Url) -> Self {
        let name = url.path_segments().and_then(Iterator::last).unwrap_or_default();
        match self {
            Self::Passing(why, wait) => {
                Self::Passing(format!("{why} (beyond byte {n_bytes} of {name})"), wait)
            }
            other @ Self::Final(_) => other,
        }
    }
}

impl HuggingFace {
    /// The files of the split, each as the commit has it.
    pub(super) fn on_hub(
        &self,
        snapshots: &Snapshots,
        context: &SourceContext<'_>,
    ) -> Result<Found, SourceError> {
        let secret = match self.variables.first() {
            None => None,
            Some(variable) => Some(Secret::new(context.keys.key(variable, &self.server)?.trim())),
        };
        let token = secret.as_ref().map(KeyHeader::bearer).transpose();
        let token = token.map_err(|error| failed(format!("cannot be asked: {error}")))?;
        let certificates = self.ca_file.as_deref().map(|file| certificates(file, context));
        let certificates = certificates
            .transpose()
            .map_err(|why| failed(format!("cannot be fetched: the certificates {why}")))?;
        let dataset = self.dataset.as_deref().unwrap_or_default();
        let hub = Hub { source: self, dataset, token, secret, certificates };
        let threads = Threads::start().map_err(|error| failed(error.to_string()))?;
        threads.handle().block_on(async {
            let whole = tokio::time::timeout(WHOLE, hub.found(snapshots));
            whole.await.unwrap_or_else(|_| Err(failed("took longer than an hour")))
        })
    }
}

impl Hub<'_> {
    async fn found(&self, snapshots: &Snapshots) -> Result<Found, SourceError> {
        let revision = &self.source.revision;
        let mut place = vec!["api", "datasets"];
        place.extend(self.dataset.split('/'));
        place.extend(["revision", revision]);
        let mut url = self.url(&place);
        url.set_query(Some("blobs=true"));
        let said = self.text(&url).await?;
        let commit: Commit = serde_json::from_str(&said).map_err(|error| {
            failed(format!("what the hub says of it is not understood: {error}"))
        })?;
        if commit.sha.len() != 40 || !commit.sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(failed("the hub names no commit"));
        }
        if !self.source.is_commit() && self.source.expected.is_empty() {
            let message = format!("says no commit: `{revision}` is {} now", commit.sha);
            let hint = format!("if that is the one you want, write `revision: {}`", commit.sha);
            return Err(advised(&message, &hint));
        }
        if self.source.is_commit() && !commit.sha.eq_ignore_ascii_case(revision) {
            return Err(failed(format!("the hub has {} in the place of that commit", commit.sha)));
        }
        let readme = match commit.siblings.iter().find(|file| file.rfilename == "README.md") {
            Some(_) => Some(self.text(&self.file_url(&commit.sha, "README.md")).await?),
            None => None,
        };
        let names: Vec<_> = commit.siblings.iter().map(|file| file.rfilename.clone()).collect();
        let (config, split) = (self.source.config.as_deref(), self.source.split.as_deref());
        let choice = choose(readme.as_deref(), &names, config, split).map_err(failed)?;
        let mut parts = Vec::with_capacity(choice.files.len());
        for name in &choice.files {
            let file = commit.siblings.iter().find(|file| file.rfilename == *name);
            let file = file.ok_or_else(|| failed(format!("{name} is not in the commit")))?;
            parts.push(self.part(file, &commit.sha, snapshots).await?);
        }
        Ok(Found { parts, labels: choice.labels })
    }

    /// A file, which may be here already.
    async fn part(
        &self,
        file: &File,
        commit: &str,
        snapshots: &Snapshots,
    ) -> Result<Part, SourceError> {
        let name = &file.rfilename;
        let (server, variables) = (None, &[][..]);
        let named = Named { name, origin: name.clone(), server, variables };
        let expected = match &file.lfs {
            Some(large) => Checksum::of_params(Some(&large.sha256), None)
                .map_err(|_| failed(format!("the hub gives {name} no checksum")))?,
            None => Vec::new(),
        };
        let kept = snapshots.find(&expected, &named);
        let snapshot = if let Some(snapshot) = kept {
            snapshot
        } else {
            let url = self.file_url(commit, name);
            let (received, blob) =
                self.again(async || self.receive(&url, file.size, snapshots).await).await?;
            let is_it = match (&file.blob_id, expected.is_empty()) {
                (_, false) => received.digests.check(&expected).is_ok(),
                (Some(id), true) => *id == blob,
                (None, true) => {
                    return Err(failed(format!("the hub gives {name} no checksum")));
                }
            };
            if !is_it {
                return Err(failed(format!("{name} is not what the commit says")));
            }
            snapshots.keep(received, &named)?
        };
        let format = unpacked_name(name).to_owned();
        Ok(Part { path: snapshot.path, name: format, origin: name.clone(), is_kept: true })
    }

    fn url(&self, place: &[&str]) -> Url {
        let mut url = self.source.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(place);
        }
        url
    }

    fn file_url(&self, commit: &str, name: &str) -> Url {
        let mut place = vec!["datasets"];
        place.extend(self.dataset.split('/'));
        place.extend(["resolve", commit]);
        place.extend(name.split('/'));
        self.url(&place)
    }

    async fn text(&self, url: &Url) -> Result<String, SourceError> {
        let bytes = self
            .again(async || {
                let response = self.get(url).await?;
                response.body(MOST_SAID).await.map_err(passing)
            })
            .await?;
        String::from_utf8(bytes).map_err(|_| failed("what the hub says of it is no text"))
    }

    /// The bytes of a file, and the name that git gives them.
    async fn receive(
        &self,
        url: &Url,
        size: Option<u64>,
        snapshots: &Snapshots,
    ) -> Result<(Received, String), Failure> {
        let mut response = self.get(url).await?;
        let mut receiving = snapshots.receive().map_err(Failure::Final)?;
        let mut blob = Sha1::new();
        blob.update(format!("blob {}\0", size.unwrap_or_default()));
        loop {
            let chunk = tokio::time::timeout(SILENCE, response.chunk()).await;
            let n_bytes = receiving.n_bytes();
            let chunk = chunk.map_err(|_| took_too_long())?;
            match chunk.map_err(|error| passing(error).beyond(n_bytes, url))? {
                None => break,
                Some(bytes) => {
                    blob.update(&bytes);
                    receiving.write(&bytes).map_err(Failure::Final)?;
                }
            }
        }
        let hex = blob.finalize().iter().fold(String::with_capacity(40), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Ok((receiving.finish(), hex))
    }

    /// The response to a request, wherever the hub sends it; another server sees no token.
    async fn get(&self, url: &Url) -> Result<HttpResponse, Failure> {
        let (own, mut url) = (self.source.server.origin(), url.clone());
        for _ in 0..=MOST_REDIRECTS {
            let client = self.client(&url).map_err(Failure::Final)?;
            let mut request = HttpRequest::get(url.clone());
            if let Some(token) = self.token.as_ref().filter(|_| url.origin() == own) {
                let signed = token.sign(&mut request, SystemTime::now());
                signed.map_err(|error| Failure::Final(failed(error.to_string())))?;
            }
            let sent = tokio::time::timeout(SILENCE, client.send(request)).await;
            let response = sent.map_err(|_| took_too_long())?.map_err(passing)?;
            if !response.status().is_redirection() {
                return self.refused(response);
            }
            let place = response.headers().get("location").and_then(|place| place.to_str().ok());
            let next = place.and_then(|place| url.join(place).ok());
            let is_open = |next: &Url| {
                next.scheme() == "https" || (next.scheme() == "http" && url.scheme() == "http")
            };
            url = next.filter(is_open).ok_or_else(|| {
                Failure::Final(failed(
                    "cannot be fetched: the hub redirects to no address over https",
                ))
            })?;
        }
        Err(Failure::Final(failed("cannot be fetched: the hub redirects too often")))
    }

    fn client(&self, url: &Url) -> Result<HttpClient, SourceError> {
        HttpClient::open(&ClientOptions {
            url,
            is_local: is_this_machine(url),
            connect_timeout: Duration::from_secs(20),
            idle_connections: 1,
            trusted: self.certificates.as_deref(),
        })
        .map_err(|error| failed(format!("cannot be fetched: {error}")))
    }

    /// A response that is what was asked for.
    fn refused(&self, response: HttpResponse) -> Result<HttpResponse, Failure> {
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            let wait = retry_after(response.headers(), SystemTime::now());
            return Err(Failure::Passing(format!("the server says {status}"), wait));
        }
        let said = response.headers().get("x-error-message").and_then(|text| text.to_str().ok());
        let said = said.map(|text| format!(": {}", one_line(text))).unwrap_or_default();
        let said = match &self.secret {
            Some(secret) => secret.redact(&said).into_owned(),
            None => said,
        };
        let message = format!("cannot be fetched: the hub says {status}{said}");
        let hint = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.token.is_none() => {
                "look at its name; one that is not public needs a token: `token_env: HF_TOKEN`"
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "look at its name, at the token, and whether its owner has to grant access"
            }
            _ => "look at `dataset` and `revision`",
        };
        Err(Failure::Final(advised(&message, hint)))
    }

    /// Asks until there is an answer, or another attempt would be in vain.
    async fn again<T>(
        &self,
        attempt: impl AsyncFn() -> Result<T, Failure>,
    ) -> Result<T, SourceError> {
        let (mut backoff, mut n) = (Duration::from_millis(250), 1);
        loop {
            match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(why, wait)) => {
                    let wait = wait.unwrap_or(backoff);
                    if n == ATTEMPTS || wait > LONGEST_WAIT {
                        return Err(failed(format!(
                            "cannot be fetched: {why}, after {n} attempts"
                        )));
                    }
                    tokio::time::sleep(wait).await;
                    backoff *= 2;
                    n += 1;
                }
            }
        }
    }
}

fn took_too_long() -> Failure {
    Failure::Passing("the server took too long".to_owned(), None)
}

/// What asking again may mend, and what not.
fn passing(error: ExchangeError) -> Failure {
    match error {
        ExchangeError::NoConnection { .. } | ExchangeError::Broken { .. } => {
            Failure::Passing(error.to_string(), None)
        }
        other => Failure::Final(failed(format!("cannot be fetched: {other}"))),
    }
}
