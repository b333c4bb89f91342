//! Figures of a process that goes on, shown to Prometheus at an address of the user's choice.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        Method, StatusCode,
        header::{HOST, WWW_AUTHENTICATE},
    },
    response::Response,
};
use evalmark_report::exposition::MetricFamily;
use tokio::{runtime, sync::oneshot};

use crate::{guard::is_bearer, pages::accepted, render::file, server::ViewError, token::Token};

const PLAIN: &str = "text/plain; charset=utf-8";

/// Where the figures come from: they are asked for at every request.
pub type MetricSource = dyn Fn() -> Vec<MetricFamily> + Send + Sync;

/// A server of figures, which ends when it is dropped.
pub struct MetricsServer {
    at: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shown {
    at: SocketAddr,
    token: Option<Token>,
    families: Box<MetricSource>,
}

impl MetricsServer {
    /// Opens the address, and answers at `/metrics`. With a token, whoever asks must send it.
    pub fn start(
        address: SocketAddr,
        token: Option<&str>,
        families: Box<MetricSource>,
    ) -> Result<Self, ViewError> {
        let open = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let at = listener.local_addr()?;
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            Ok((listener, at, runtime))
        };
        let opened = open().map_err(|source| ViewError::Address { address, source });
        let (listener, at, runtime) = opened?;
        let shown = Shown { at, token: token.map(Token::of), families };
        let routes = Router::new().fallback(answer).with_state(Arc::new(shown));
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::select! {
                ended = async { axum::serve(listener, routes).await } => ended,
                _ = stopped => Ok(()),
            }
        };
        let thread = std::thread::spawn(move || {
            // Where it ends by itself, Prometheus says that its target is down.
            let _ = runtime.block_on(serve);
        });
        Ok(Self { at, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.at
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Whoever waits for it may have ended.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shown {
    /// Whether a request came under a name of this machine, where only this machine can ask: a name that somebody else
    /// points to it (DNS rebinding) is another.
    fn is_own_host(&self, request: &Request) -> bool {
        if !self.at.ip().is_loopback() {
            return true;
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| host.strip_suffix(&format!(":{}", self.at.port())));
        let name = host.unwrap_or_default();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

async fn answer(State(shown): State<Arc<Shown>>, request: Request) -> Response {
    let says = |status, text: &'static str| file(status, PLAIN, text);
    if !shown.is_own_host(&request) {
        return says(StatusCode::MISDIRECTED_REQUEST, "not a host of this server\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return says(StatusCode::METHOD_NOT_ALLOWED, "nothing can be changed here\n");
    }
    if shown.token.as_ref().is_some_and(|token| !is_bearer(request.headers(), token)) {
        let mut response =
            says(StatusCode::UNAUTHORIZED, "send the token: Authorization: Bearer …\n");
        let scheme = axum::http::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        return response;
    }
    if request.uri().path() != "/metrics" {
        return says(StatusCode::NOT_FOUND, "the figures are at /metrics\n");
    }
    let form = accepted(request.headers());
    file(StatusCode::OK, form.content_type(), form.write(&(shown.families)()))
}
