//! The addresses, one file each, and what they share.

mod compare;
mod files;
mod metrics;
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
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::Semaphore, task};

pub(crate) use self::metrics::accepted;
use crate::{
    analysis::Analysis, background::Slow, folder::ShownFolder, own_files::OwnFiles, render::page,
};

/// Requests whose files are read at the same time: each holds a part of a file in memory.
const READERS: usize = 2;

/// Threads that read and compute: beside the readers one for histories, one for comparisons, and one for
/// digests.
pub(crate) const THREADS: usize = READERS + 3;

/// What the pages are made of.
pub(crate) struct Pages {
    folder: ShownFolder,
    analysis: Arc<dyn Analysis>,
    histories: Slow<History>,
    comparisons: Slow<Verdict>,
    own_files: OwnFiles,
    messages: metrics::Messages,
    readers: Arc<Semaphore>,
}

impl Pages {
    pub(crate) fn new(folder: ShownFolder, analysis: Arc<dyn Analysis>) -> Self {
        let (histories, comparisons) = (Slow::new(), Slow::new());
        let readers = Arc::new(Semaphore::new(READERS));
        let own_files = OwnFiles::new();
        let messages = metrics::Messages::default();
        Self { folder, analysis, histories, comparisons, own_files, messages, readers }
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
        .route("/metrics", get(metrics::metrics))
        .route("/style.css", get(files::style))
        .route("/live.js", get(files::script))
        .fallback(async || Message::not_found("there is no such page"))
        .with_state(pages)
}

/// What reads files does so aside, and only a few at a time. Who goes away while others read leaves the
/// queue; work that has begun keeps its place until it ends, so that it cannot pile up.
async fn aside<T: Send + 'static>(
    pages: Arc<Pages>,
    work: impl FnOnce(&Pages) -> Result<T, Message> + Send + 'static,
) -> Result<T, Message> {
    let broken = || Message::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made");
    let place = pages.readers.clone().acquire_owned().await.map_err(|_| broken())?;
    let reading = task::spawn_blocking(move || {
        let _place = place;
        work(&pages)
    });
    reading.await.map_err(|_| broken())?
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

    fn busy() -> Self {
        let says = "the viewer is busy with other histories and comparisons: reload the page in a few seconds";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, says)
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

/// The names in an address, in its order.
struct Names<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Names<T> {
    type Rejection = Message;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Message> {
        let names = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        let names = names.map_err(|_| Message::not_found("there is no such page"))?;
        Ok(Self(names.0))
    }
}

/// What every handler gets.
type Shared = State<Arc<Pages>>;

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use evalmark_core::{history::History, verdict::Verdict};
    use evalmark_report::run_message::RunMessage;
    use evalmark_store::runs::ListedRun;
    use tokio::time::timeout;

    use super::{Pages, READERS, aside};
    use crate::{analysis::Analysis, folder::ShownFolder};

    struct Nothing;

    impl Analysis for Nothing {
        fn history(&self, _: &str, _: Vec<ListedRun>) -> Result<History, String> {
            Err("nobody asks".to_owned())
        }

        fn compare(&self, _: &Path, _: &Path) -> Result<Verdict, String> {
            Err("nobody asks".to_owned())
        }

        fn message(&self, _: &Path) -> Result<RunMessage, String> {
            Err("nobody asks".to_owned())
        }
    }

    #[tokio::test]
    async fn requests_that_are_given_up_do_not_pile_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = ShownFolder::open(folder.path()).expect("a folder");
        let pages = Arc::new(Pages::new(folder, Arc::new(Nothing)));
        let n_begun = Arc::new(AtomicUsize::new(0));
        let mut doors = Vec::new();
        for n in 0..20 {
            let (door, wait) = mpsc::channel::<()>();
            doors.push(door);
            let counted = n_begun.clone();
            let asked = aside(pages.clone(), move |_| {
                counted.fetch_add(1, Ordering::SeqCst);
                // Ends when the other side is let go.
                Ok(wait.recv().is_err())
            });
            assert!(timeout(Duration::from_millis(1), asked).await.is_err(), "{n} is answered");
        }
        assert!(n_begun.load(Ordering::SeqCst) <= READERS);
        drop(doors);
        let good = timeout(Duration::from_mins(1), aside(pages, |_| Ok(7))).await;
        assert_eq!(good.expect("an answer in time").expect("an answer"), 7);
        assert!(n_begun.load(Ordering::SeqCst) <= READERS);
    }
}
