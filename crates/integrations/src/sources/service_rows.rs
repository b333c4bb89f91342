//! Rows of a service as a snapshot: found again by their checksum, and asked for only where that is allowed.

use evalmark_core::source::{Snapshot, SourceContext, SourceError};
use evalmark_net::Url;
use serde_json::{Map, Value};

use super::{
    certificates::certificates,
    checksum::Checksum,
    json_rows::{JsonRows, ROWS},
    snapshots::{Named, Snapshots, advised, failed},
};
use crate::services::rest::{Login, RestServer};

/// A service, and the rows that a suite expects of it.
pub(super) struct Service<'a> {
    /// What messages call the rows' place.
    pub(super) origin: String,
    pub(super) url: &'a Url,
    /// The variables with the keys that the server gets.
    pub(super) variables: &'a [String],
    pub(super) expected: &'a [Checksum],
    /// PEM file of the suite.
    pub(super) ca_file: Option<&'a str>,
}

/// Takes a row.
pub(super) type See<'a> = dyn FnMut(Map<String, Value>) -> Result<(), SourceError> + 'a;

/// The snapshot of a service's rows. `login` is asked for keys only where the service is asked; `rows` hands over each
/// row, and answers with what else to tell.
pub(super) fn service_rows(
    service: &Service<'_>,
    context: &SourceContext<'_>,
    login: impl FnOnce() -> Result<Login, SourceError>,
    rows: impl FnOnce(RestServer, &mut See<'_>) -> Result<Option<String>, SourceError>,
) -> Result<Snapshot, SourceError> {
    let snapshots = Snapshots::open(context.cache_dir)?;
    let named = Named {
        name: ROWS,
        origin: service.origin.clone(),
        server: Some(service.url.origin().ascii_serialization()),
        variables: service.variables,
    };
    if let Some(snapshot) = snapshots.find(service.expected, &named) {
        return Ok(snapshot);
    }
    if !context.may_fetch && !service.expected.is_empty() {
        return Err(SourceError::NotHere);
    }
    if !context.may_fetch {
        let hint = "`evalmark check --fetch SUITE` asks for the rows and prints their checksum";
        return Err(advised("has no checksum in the suite", hint));
    }
    let trusted = service.ca_file.map(|file| certificates(file, context)).transpose();
    let trusted =
        trusted.map_err(|why| failed(format!("cannot be asked: the certificates {why}")))?;
    let rest = RestServer::open(service.url, login()?, trusted.as_deref())
        .map_err(|error| failed(error.to_string()))?;
    let mut kept = JsonRows::receive(&snapshots, Vec::new())?;
    let also = rows(rest, &mut |row| kept.push_row(&row))
        .map_err(|error| with_row(error, kept.n_rows() + 1))?;
    let n_rows = kept.n_rows();
    if n_rows == 0 {
        return Err(failed("has no rows"));
    }
    let also = also.map_or_else(String::new, |also| format!("; {also}"));
    let snapshot = kept.keep(&snapshots, service.expected, &named)?;
    if service.expected.is_empty() {
        let message = format!(
            "has no checksum in the suite; its {n_rows} rows are blake3 {}{also}",
            snapshot.blake3
        );
        let hint = format!("if those are the rows you want, add `blake3: {}`", snapshot.blake3);
        return Err(advised(&message, &hint));
    }
    let folder = snapshots.folder().display();
    let note = format!("fetched {n_rows} rows{also}; they are kept in {folder}");
    Ok(Snapshot { note: Some(note), ..snapshot })
}

/// The error of rows that do not come any more, the first of which is this one.
fn with_row(error: SourceError, row: u64) -> SourceError {
    match error {
        SourceError::Failed { message, hint } if row > 1 && !message.starts_with("row ") => {
            let message = format!("row {row} and those behind it: {message}");
            SourceError::Failed { message, hint }
        }
        other => other,
    }
}
