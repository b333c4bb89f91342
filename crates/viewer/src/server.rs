//! The listening socket: opened, served until somebody says stop, and closed.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware};
use tokio::{runtime, time};

use crate::{
    analysis::Analysis,
    folder::ShownFolder,
    guard::{Guard, guard},
    pages::{self, Pages, THREADS},
    token::Token,
};

/// How long requests under way may take once it is to end.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// What is shown, and where.
#[derive(Clone, Debug)]
pub struct ViewOptions {
    /// The folder of the runs.
    pub folder: PathBuf,
    /// The port of 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// A token that opens `/metrics` alone, besides that of the address.
    pub metrics_token: Option<String>,
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The folder cannot be read.
    #[error("the folder {} cannot be shown", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The port cannot be opened.
    #[error("port {port} of 127.0.0.1 cannot be opened")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// An address cannot be opened.
    #[error("{address} cannot be opened")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The server came to an end by itself.
    #[error("the viewer cannot go on")]
    Server(#[from] io::Error),
}

/// Ends when somebody presses Ctrl-C, or asks the process to end.
pub async fn interrupted() {
    let pressed = async {
        // Where signals cannot be heard, there is no other end than the process's.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let asked = async {
            match signal(SignalKind::terminate()) {
                Ok(mut asked) => drop(asked.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! { () = pressed => (), () = asked => () }
    }
    #[cfg(not(unix))]
    pressed.await;
}

/// A viewer whose port is open.
pub struct Viewer {
    listener: TcpListener,
    at: SocketAddr,
    token: Token,
    metrics_token: Option<Token>,
    pages: Arc<Pages>,
}

impl Viewer {
    /// Opens the port, of this machine alone.
    pub fn bind(options: &ViewOptions, analysis: Arc<dyn Analysis>) -> Result<Self, ViewError> {
        let folder = ShownFolder::open(&options.folder)
            .map_err(|source| ViewError::Folder { path: options.folder.clone(), source })?;
        let port = options.port;
        let open = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
            listener.set_nonblocking(true)?;
            let at = listener.local_addr()?;
            Ok((listener, at))
        };
        let (listener, at) = open().map_err(|source| ViewError::Port { port, source })?;
        let pages = Arc::new(Pages::new(folder, analysis));
        let metrics_token = options.metrics_token.as_deref().map(Token::of);
        Ok(Self { listener, at, token: Token::random(), metrics_token, pages })
    }

    /// The address to open, with its token.
    pub fn address(&self) -> String {
        format!("http://{}/?token={}", self.at, self.token.text())
    }

    /// The folder that is shown, by its real path.
    pub fn folder(&self) -> &Path {
        self.pages.folder().root()
    }

    /// Folders that have runs, where the one that is shown has none that can be read.
    pub fn runs_elsewhere(&self) -> Vec<PathBuf> {
        let folder = self.pages.folder();
        let has_none =
            folder.runs(None).is_ok_and(|runs| runs.iter().all(|run| run.record.is_none()));
        if has_none { folder.runs_elsewhere() } else { Vec::new() }
    }

    /// Answers requests until `stop` is over; those under way then have a moment left.
    pub fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ViewError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(THREADS)
            .enable_all()
            .build()?;
        let routes = self.routes();
        let listener = self.listener;
        let served = runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let (tell, hear) = tokio::sync::oneshot::channel();
            let stopped = async move {
                stop.await;
                // Whoever waits for the end may have gone.
                let _ = tell.send(());
            };
            let server = axum::serve(listener, routes).with_graceful_shutdown(stopped);
            let out_of_time = async move {
                // A server that ended by itself never told.
                if hear.await.is_err() {
                    std::future::pending::<()>().await;
                }
                time::sleep(LAST_REQUESTS).await;
            };
            tokio::select! {
                ended = async { server.await } => ended,
                () = out_of_time => Ok(()),
            }
        });
        // What is still being computed is of use to nobody.
        runtime.shutdown_background();
        Ok(served?)
    }

    fn routes(&self) -> Router {
        let who = Guard::new(self.token.clone(), self.metrics_token.clone(), self.at.port());
        pages::routes(self.pages.clone()).layer(middleware::from_fn_with_state(who, guard))
    }
}
