//! Objects on their way to this machine: each as it was when it was first looked at.

use std::time::Duration;

use evalmark_core::{
    files::FileAccess,
    key_hosts::is_this_machine,
    source::{Snapshot, SourceContext, SourceError},
};
use evalmark_net::{ClientOptions, HttpClient, Threads, one_line};
use futures_util::{StreamExt, TryStreamExt};
use glob::MatchOptions;
use object_store::{
    BackoffConfig, Error, GetOptions, ObjectMeta, ObjectStore, RetryConfig, path::Path,
};

use super::{Objects, Place, Store, transport::Transport};
use crate::sources::{
    certificates::certificates,
    joined_rows::{Part, joined},
    snapshots::{MOST_BYTES, Named, Received, Snapshots, advised, failed},
    unpack::unpacked_name,
};

/// The longest that all objects together may take.
const WHOLE: Duration = Duration::from_hours(1);

/// The most objects of a listing that are looked at.
const MOST_LISTED: usize = 100_000;

/// The most objects that are read as one.
const MOST_READ: usize = 10_000;

/// How often a request is sent, and for how long it is tried.
pub(in crate::sources) fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(250),
            max_backoff: Duration::from_secs(10),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_mins(2),
    }
}

/// A store that is spoken to, and what is known of it.
pub(super) struct Reader<'a> {
    pub(super) store: &'a dyn ObjectStore,
    pub(super) transport: &'a Transport,
    pub(super) place: &'a Place,
    pub(super) snapshots: &'a Snapshots,
}

/// What became of an object that was asked for.
pub(super) enum Reception {
    /// All of it is there.
    Whole(Received),
    /// It is another by now.
    Changed,
    /// It is there no more.
    Gone(SourceError),
}

/// A store, connected to.
pub(super) fn connect(
    store: &dyn Store,
    context: &SourceContext<'_>,
) -> Result<(Box<dyn ObjectStore>, Transport), SourceError> {
    let place = store.place();
    let proof = store.proof(context)?;
    let transport = Transport::new(client(place, context)?, &place.server, proof);
    Ok((store.connect(transport.clone())?, transport))
}

/// Reads a store's objects, and keeps them if they are those that the suite expects.
pub(super) fn read(
    store: &impl Store,
    snapshots: &Snapshots,
    named: &Named<'_>,
    context: &SourceContext<'_>,
) -> Result<Snapshot, SourceError> {
    let place = store.place();
    let (store, transport) = connect(store, context)?;
    let reader = Reader { store: &*store, transport: &transport, place, snapshots };
    let threads = Threads::start().map_err(|error| failed(error.to_string()))?;
    threads.handle().block_on(async {
        let whole = tokio::time::timeout(WHOLE, reader.snapshot(named));
        whole.await.unwrap_or_else(|_| Err(failed("took longer than an hour")))
    })
}

fn client(place: &Place, context: &SourceContext<'_>) -> Result<HttpClient, SourceError> {
    let trusted = place.ca_file.as_deref().map(|file| certificates(file, context)).transpose();
    let wrong = |why: String| failed(format!("cannot be fetched: the certificates {why}"));
    let trusted = trusted.map_err(wrong)?;
    HttpClient::open(&ClientOptions {
        url: &place.server,
        is_local: is_this_machine(&place.server),
        connect_timeout: Duration::from_secs(20),
        idle_connections: 2,
        trusted: trusted.as_deref(),
    })
    .map_err(|error| match &place.ca_file {
        Some(file) => wrong(format!("{file} {error}")),
        None => failed(format!("cannot be fetched: {error}")),
    })
}

impl Reader<'_> {
    async fn snapshot(&self, named: &Named<'_>) -> Result<Snapshot, SourceError> {
        let (snapshot, checksum, what) = match &self.place.objects {
            Objects::One { key, version } => {
                let received = self.one(key, version.as_deref()).await?;
                received.digests.check(&self.place.expected).map_err(|error| {
                    let hint = "if you want the new content, give its checksum instead";
                    advised(&error.to_string(), hint)
                })?;
                let (bytes, sha256) = (received.n_bytes, received.digests.sha256.clone());
                let snapshot = self.snapshots.keep(received, named)?;
                (snapshot, format!("sha256: {sha256}"), format!("{bytes} bytes"))
            }
            Objects::Matching { pattern, folder } => {
                let parts = self.all(pattern, folder).await?;
                let joined = joined(self.snapshots, &parts, &FileAccess::unlimited(), Ok)?;
                let what = format!("{} of {} objects", joined.told(), parts.len());
                let snapshot = joined.rows.keep(self.snapshots, &self.place.expected, named)?;
                let checksum = format!("blake3: {}", snapshot.blake3);
                (snapshot, checksum, what)
            }
        };
        if self.place.expected.is_empty() {
            let message = format!(
                "has no checksum in the suite; it is {what}, {}",
                checksum.replace(':', "")
            );
            let hint = format!("if that is the content you want, add `{checksum}`");
            return Err(advised(&message, &hint));
        }
        let folder = self.snapshots.folder().display();
        let note = format!("fetched {what}; they are kept in {folder}");
        Ok(Snapshot { note: Some(note), ..snapshot })
    }

    /// One object, as it is when it is asked for.
    async fn one(&self, key: &str, version: Option<&str>) -> Result<Received, SourceError> {
        let path = Path::parse(key).map_err(|error| failed(error.to_string()))?;
        let options =
            GetOptions { version: version.map(str::to_owned), head: true, ..GetOptions::default() };
        let head = self.store.get_opts(&path, options).await;
        let mut meta = head.map_err(|error| self.told(&path, &error))?.meta;
        meta.version = version.map(str::to_owned);
        self.receive(&meta).await
    }

    /// All objects that match, each as it was listed.
    async fn all(&self, pattern: &glob::Pattern, folder: &str) -> Result<Vec<Part>, SourceError> {
        let found = self.list(pattern, folder).await?;
        let total = found.iter().try_fold(0_u64, |sum, meta| sum.checked_add(meta.size));
        if total.is_none_or(|total| total > MOST_BYTES) {
            let message =
                format!("{} objects have more than {} MiB", found.len(), MOST_BYTES >> 20);
            return Err(advised(&message, "name fewer of them in `key`"));
        }
        let mut parts = Vec::with_capacity(found.len());
        for mut meta in found {
            meta.version = None;
            let received = self.receive(&meta).await?;
            let key = meta.location.as_ref();
            let name = key.rsplit('/').next().unwrap_or_default();
            let (server, variables) = (None, &[][..]);
            let named = Named { name, origin: key.to_owned(), server, variables };
            let snapshot = self.snapshots.keep(received, &named)?;
            let format = unpacked_name(name).to_owned();
            parts.push(Part {
                path: snapshot.path,
                name: format,
                origin: key.to_owned(),
                is_kept: true,
            });
        }
        Ok(parts)
    }

    /// The objects that match, in the order of their keys; there must be some, and not too many.
    async fn list(
        &self,
        pattern: &glob::Pattern,
        folder: &str,
    ) -> Result<Vec<ObjectMeta>, SourceError> {
        let (found, seen) = self.matching(pattern, folder, (MOST_LISTED, MOST_READ)).await?;
        if found.is_empty() {
            let message = format!("names no object: {seen} were looked at, and none matches");
            return Err(advised(&message, "look at `key` and `bucket`"));
        }
        Ok(found)
    }

    /// The objects that match, in the order of their keys, and how many were looked at.
    pub(super) async fn matching(
        &self,
        pattern: &glob::Pattern,
        folder: &str,
        (most_listed, most_read): (usize, usize),
    ) -> Result<(Vec<ObjectMeta>, usize), SourceError> {
        const OPTIONS: MatchOptions = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let prefix = Path::parse(folder).map_err(|error| failed(error.to_string()))?;
        let mut listing = self.store.list((!folder.is_empty()).then_some(&prefix)).boxed();
        let (mut seen, mut found) = (0, Vec::new());
        while let Some(meta) =
            listing.try_next().await.map_err(|error| self.told(&prefix, &error))?
        {
            seen += 1;
            if pattern.matches_with(meta.location.as_ref(), OPTIONS) {
                found.push(meta);
            }
            if seen > most_listed || found.len() > most_read {
                let message = format!(
                    "names more than {most_read} objects, or one folder among \
                                       more than {most_listed}"
                );
                return Err(advised(&message, "name a folder further down in `key`"));
            }
        }
        found.sort_by(|one, other| one.location.cmp(&other.location));
        Ok((found, seen))
    }

    /// The bytes of an object, all of what it was when it was looked at.
    async fn receive(&self, meta: &ObjectMeta) -> Result<Received, SourceError> {
        match self.reception(meta).await? {
            Reception::Whole(received) => Ok(received),
            Reception::Changed => Err(changed(&meta.location)),
            Reception::Gone(error) => Err(error),
        }
    }

    /// The same, where the object may be another by now, or none.
    pub(super) async fn reception(&self, meta: &ObjectMeta) -> Result<Reception, SourceError> {
        let path = &meta.location;
        let told = |error: &Error| self.told(path, error);
        let options = |head| GetOptions {
            if_match: meta.e_tag.as_deref().map(quoted),
            version: meta.version.clone(),
            head,
            ..GetOptions::default()
        };
        let mut receiving = self.snapshots.receive()?;
        if meta.size > MOST_BYTES {
            return Err(failed(format!("{path} has more than {} MiB", MOST_BYTES >> 20)));
        }
        let got = match self.store.get_opts(path, options(false)).await {
            Ok(got) => got,
            Err(Error::Precondition { .. }) => return Ok(Reception::Changed),
            Err(error @ Error::NotFound { .. }) => return Ok(Reception::Gone(told(&error))),
            Err(error) => return Err(told(&error)),
        };
        let is_other = |now: &ObjectMeta| {
            now.e_tag.as_deref().map(quoted) != meta.e_tag.as_deref().map(quoted)
        };
        if is_other(&got.meta) || got.meta.size != meta.size {
            return Ok(Reception::Changed);
        }
        let mut body = got.into_stream();
        loop {
            match body.try_next().await {
                Ok(Some(bytes)) => receiving.write(&bytes)?,
                Ok(None) => break,
                Err(error) => {
                    // What went on with other bytes is not what broke off.
                    let now = self.store.get_opts(path, options(true)).await;
                    return match now {
                        _ if is_condition(&error) => Ok(Reception::Changed),
                        Err(Error::Precondition { .. }) => Ok(Reception::Changed),
                        Ok(now) if is_other(&now.meta) => Ok(Reception::Changed),
                        _ => Err(self.broken_off(path, receiving.n_bytes(), &error)),
                    };
                }
            }
        }
        let received = receiving.finish();
        if received.n_bytes != meta.size {
            let (n, size) = (received.n_bytes, meta.size);
            return Err(failed(format!("{path} ended after {n} of {size} bytes")));
        }
        Ok(Reception::Whole(received))
    }

    /// An object of which so many bytes came, and no more.
    fn broken_off(&self, path: &Path, n_bytes: u64, error: &Error) -> SourceError {
        let said = self.transport.redact(one_line(&said(error)));
        let bucket = &self.place.bucket;
        failed(format!("{path} in {bucket} cannot be fetched beyond byte {n_bytes}: {said}"))
    }

    /// What went wrong, in one line, without anything secret, and what to do.
    pub(super) fn told(&self, path: &Path, error: &Error) -> SourceError {
        let said = self.transport.redact(one_line(&said(error)));
        // Of listings, the library tells all errors alike.
        let is_refusal = REFUSALS.iter().any(|code| said.starts_with(code));
        let bucket = &self.place.bucket;
        match error {
            Error::NotFound { .. } => advised(
                &format!("there is no {path} in {bucket}: {said}"),
                "look at `bucket`, `key` and `endpoint`",
            ),
            Error::Precondition { .. } => changed(path),
            _ if is_refusal => refusal(path, bucket, &said),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                refusal(path, bucket, &said)
            }
            _ => failed(format!("{path} in {bucket} cannot be fetched: {said}")),
        }
    }
}

/// Whoever asks may not read it.
fn refusal(path: &Path, bucket: &str, said: &str) -> SourceError {
    advised(
        &format!("{path} in {bucket} may not be read with these credentials: {said}"),
        "look at the credentials, and at what they may read",
    )
}

fn changed(path: &Path) -> SourceError {
    advised(&format!("{path} changed while it was read"), "read it again when nobody writes to it")
}

/// An entity tag as headers have it; some listings leave out its quotes.
fn quoted(tag: &str) -> String {
    if tag.ends_with('"') { tag.to_owned() } else { format!("\"{tag}\"") }
}

/// What servers call a request that they do not grant.
const REFUSALS: [&str; 5] = [
    "AccessDenied",
    "AuthenticationFailed",
    "AuthorizationFailure",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
];

/// Whether an error is that of an object which is another one by now.
fn is_condition(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(Error::Precondition { .. }) = error.downcast_ref() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What the innermost cause says: the ones around it repeat addresses.
fn said(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    let short = match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => text,
    };
    short.chars().take(500).collect()
}
