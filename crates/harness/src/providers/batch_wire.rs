//! The form that a batch API fills in: how requests are handed in together, how their state is asked
//! for, and how results are read.

use std::{fmt, sync::Arc};

use evalmark_net::{HttpRequest, Url};
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;

use crate::reply::AttemptError;

/// What a server takes in one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchLimits {
    pub(crate) requests: usize,
    /// Bytes of all that is handed in.
    pub(crate) bytes: usize,
}

/// What stands around the entries of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchFraming {
    pub(crate) before: &'static [u8],
    pub(crate) between: &'static [u8],
    pub(crate) behind: &'static [u8],
}

/// A batch that is about to be created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewBatch<'a> {
    /// Our own name for it.
    pub(crate) name: &'a str,
    /// The file that was uploaded before, where the server wants one.
    pub(crate) file_id: Option<&'a str>,
}

/// How far a batch is at its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteBatch {
    /// The server's name for it.
    pub(crate) id: String,
    pub(crate) state: RemoteState,
    /// What the server calls its state, where that is none of those that are known.
    pub(crate) unknown_state: Option<Arc<str>>,
    /// Requests in it, and those that have ended; where the server says so.
    pub(crate) total: Option<u64>,
    pub(crate) ended: Option<u64>,
    /// Of those that have ended, the ones that were answered.
    pub(crate) succeeded: Option<u64>,
    /// When it was created, microseconds since the Unix epoch.
    pub(crate) created_at_us: Option<i64>,
    /// What it was created with.
    pub(crate) file_id: Option<String>,
    pub(crate) name: Option<String>,
    /// Where the results are, in the server's own terms.
    pub(crate) result_ids: Vec<String>,
}

/// What a batch's state means for whoever waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemoteState {
    /// It is worked on, or about to be.
    Open,
    /// Results are there; what has none is asked again where the time ran out, and only then.
    Ended(Leftover),
    /// None of its requests was asked.
    Refused(Vec<BatchProblem>),
}

/// Why a request of a batch that has ended may have no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// The server ran out of time.
    Expired,
    /// Somebody ended the batch.
    Cancelled,
    /// There is no reason.
    None,
}

/// Why a batch was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchProblem {
    pub(crate) code: String,
    pub(crate) message: String,
    /// Which request it is about, counted from 0; `None`: all of them.
    pub(crate) number: Option<u64>,
}

/// A page of the server's list of batches, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BatchPage {
    pub(crate) batches: Vec<RemoteBatch>,
    /// What the next page begins behind.
    pub(crate) next: Option<String>,
}

/// The result of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchResult {
    pub(crate) custom_id: String,
    pub(crate) end: ResultEnd,
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResultEnd {
    /// What would have come if it had been asked by itself.
    Response { status: u16, body: String },
    /// Its line holds neither a response nor an error.
    Empty,
    /// It was not asked in time.
    Expired,
    /// It was not asked, because somebody ended the batch.
    Cancelled,
}

/// How a batch tells whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recognition {
    /// The list of batches has the file that it was created with, and our own name.
    Listed,
    /// Its results alone have our names.
    Results,
}

/// A batch API.
pub(crate) trait BatchWire: fmt::Debug + Sync {
    fn limits(&self) -> BatchLimits;
    fn framing(&self) -> BatchFraming;
    fn recognition(&self) -> Recognition;
    /// One request, as it stands among the others; `body` is what would be sent if it were asked by
    /// itself.
    fn entry(&self, custom_id: &str, body: &[u8]) -> Vec<u8>;
    /// How the entries get there first; `None` where they come with the creation.
    fn files(&self) -> Option<&'static dyn BatchFiles>;
    /// Creates a batch; `entries` are empty where they were uploaded.
    fn create(&self, base: &Url, new: NewBatch<'_>, entries: Vec<u8>) -> HttpRequest;
    /// Asks how far a batch is.
    fn state(&self, base: &Url, id: &str) -> HttpRequest;
    /// Reads what [`BatchWire::create`] and [`BatchWire::state`] are answered with.
    fn batch(&self, body: &str) -> Result<RemoteBatch, AttemptError>;
    /// Asks for a page of the list of batches.
    fn list(&self, base: &Url, behind: Option<&str>) -> HttpRequest;
    fn page(&self, body: &str) -> Result<BatchPage, AttemptError>;
    /// Asks for the results of a batch that has ended, one request a file of them. They go where the
    /// batch was created and nowhere else, whatever the server says of other places.
    fn results(&self, base: &Url, batch: &RemoteBatch) -> Vec<HttpRequest>;
    /// Reads one line of results; `None` where it is none.
    fn result(&self, line: &str) -> Option<BatchResult>;
}

/// Where entries are uploaded before a batch is made of them.
pub(crate) trait BatchFiles: fmt::Debug + Sync {
    fn upload(&self, base: &Url, name: &str, entries: &[u8]) -> HttpRequest;
    /// What the uploaded file is called.
    fn uploaded(&self, body: &str) -> Result<String, AttemptError>;
}

/// A state that is none of those that are known, as it may be shown.
pub(crate) fn unknown_state(state: &str, known: &[&str]) -> Option<Arc<str>> {
    if known.contains(&state) {
        return None;
    }
    let state = evalmark_net::one_line(state);
    let shown: String = state.chars().filter(|c| *c != '`').take(40).collect();
    Some(Arc::from(if shown.is_empty() { "(nothing)" } else { &*shown }))
}

/// Whether a server's name for something may stand in an address.
pub(crate) fn is_plain_id(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (1..=256).contains(&id.len()) && id.chars().all(is_plain) && !id.starts_with('.')
}

/// A count that a server tells of a batch; 0 where it is none that can be. Counts are shown and compared, and
/// no odd one is worth a batch.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_u64().unwrap_or(0))
}
