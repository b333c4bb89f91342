//! The addresses, one file each, and what they share.

mod compare;
mod files;
mod run;
mod runs;
mod sample;
mod samples;
mod suite;

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use evalmark_core::{history::History, verdict::Verdict};
use evalmark_store::runs::ListedRun;
use serde::Serialize;
use tokio::{sync::Semaphore, task};

use crate::{analysis::Analysis, folder::ShownFolder, render::page, slow::Slow};

/// Requests whose files are read at the same time: each holds a part of a file in memory.
const READERS: usize = 2;

/// What the pages are made of.
pub(crate) struct Pages {
    folder: ShownFolder,
    analysis: Arc<dyn Analysis>,
    histories: Slow<History>,
    comparisons: Slow<Verdict>,
    readers: Semaphore,
}

impl Pages {
    pub(crate) fn new(folder: ShownFolder, analysis: Arc<dyn Analysis>) -> Self {
        let (histories, comparisons) = (Slow::new(), Slow::new());
        Self { folder, analysis, histories, comparisons, readers: Semaphore::new(READERS) }
    }

    pub(crate) fn folder(&self) -> &ShownFolder {
        &self.folder
    }

    /// A run of the folder.
    fn run(&self, suite: &str, run_id: &str) -> Result<ListedRun, Message> {
        let found = self.folder.run(suite, run_id).map_err(|error| unreadable(&error))?;
        found.ok_or_else(|| Message::not_found("there is no such run in this folder"))
    }
}

/// Every address.
pub(crate) fn routes(pages: Arc<Pages>) -> Router {
    Router::new()
        .route("/", get(runs::runs))
        .route("/suite/{suite}", get(suite::suite))
        .route("/run/{suite}/{run_id}", get(run::run))
        .route("/run/{suite}/{run_id}/samples", get(samples::samples))
        .route("/run/{suite}/{run_id}/sample/{row}", get(sample::sample))
        .route("/run/{suite}/{run_id}/report.html", get(files::report))
        .route("/compare", get(compare::compare))
        .route("/style.css", get(files::style))
        .route("/live.js", get(files::script))
        .fallback(async || Message::not_found("there is no such page"))
        .with_state(pages)
}

/// What reads files does so aside, and only a few at a time.
async fn aside<T: Send + 'static>(
    pages: Arc<Pages>,
    work: impl FnOnce(&Pages) -> Result<T, Message> + Send + 'static,
) -> Result<T, Message> {
    let broken = || Message::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made");
    let held = pages.clone();
    let _permit = held.readers.acquire().await.map_err(|_| broken())?;
    task::spawn_blocking(move || work(&pages)).await.map_err(|_| broken())?
}

/// A page that says one sentence.
#[derive(Debug, Serialize)]
struct Message {
    #[serde(skip)]
    status: StatusCode,
    title: String,
    says: String,
}

impl Message {
    fn new(status: StatusCode, says: &str) -> Self {
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        Self { status, title, says: says.to_owned() }
    }

    fn not_found(says: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, says)
    }
}

impl IntoResponse for Message {
    fn into_response(self) -> Response {
        page(self.status, "message.html", &self)
    }
}

/// Something of the folder that cannot be read, with its causes.
fn unreadable(error: &(dyn std::error::Error + 'static)) -> Message {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let says = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Message { title: "This cannot be read".to_owned(), ..Message::new(StatusCode::OK, &says) }
}

/// The query of an address, by name; of a name that stands twice, the last. Empty fields of a form are as
/// good as none.
struct Query(Vec<(String, String)>);

impl Query {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.trim().parse().ok()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Message;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Message> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state);
        let wrong = |_| Message::new(StatusCode::BAD_REQUEST, "the address cannot be read");
        let axum::extract::Query(mut pairs) = pairs.await.map_err(wrong)?;
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs))
    }
}

/// The names in an address.
type Names<T> = axum::extract::Path<T>;

/// What every handler gets.
type Shared = State<Arc<Pages>>;
