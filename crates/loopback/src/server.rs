//! The server: a thread, a listener, and what it has seen.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use tokio::{net::TcpListener, runtime::Builder, sync::oneshot};

use crate::{connection, reply::Reply, seen::Seen};

/// What to reply to a request.
pub(crate) type Behaviour = dyn Fn(&Seen) -> Reply + Send + Sync;

/// How a server speaks.
#[derive(Clone)]
enum Speech {
    Plain,
    #[cfg(feature = "tls")]
    Secure(tokio_rustls::TlsAcceptor),
}

/// A running server. Dropping it ends it, and every connection with it.
pub struct Server {
    scheme: &'static str,
    address: SocketAddr,
    state: Arc<State>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What all connections share.
pub(crate) struct State {
    pub(crate) behaviour: Box<Behaviour>,
    keeps_requests: bool,
    count: AtomicU64,
    in_flight: AtomicUsize,
    max_in_flight: AtomicUsize,
    connections: AtomicU64,
    requests: Mutex<Vec<Seen>>,
}

impl Server {
    /// Starts a server that remembers every request.
    ///
    /// # Panics
    ///
    /// When this machine has no port or thread left: a test can do nothing about that.
    pub fn start(behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::begin(Box::new(behaviour), true, Speech::Plain)
    }

    /// Starts a server at the [`url`](Server::url) of one that has ended.
    ///
    /// # Panics
    ///
    /// As [`Server::start`], and when somebody else has taken the port since.
    pub fn start_at(url: &str, behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let place = url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        Self::begin_at(place, Box::new(behaviour), true, Speech::Plain)
    }

    /// Starts a server that counts requests and forgets them, for benches.
    ///
    /// # Panics
    ///
    /// As [`Server::start`].
    pub fn start_counting(behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::begin(Box::new(behaviour), false, Speech::Plain)
    }

    /// Starts a server that speaks HTTPS with `identity`.
    ///
    /// # Panics
    ///
    /// As [`Server::start`].
    #[cfg(feature = "tls")]
    pub fn start_secure(
        identity: &crate::Identity,
        behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::begin(Box::new(behaviour), true, Speech::Secure(identity.acceptor()))
    }

    fn begin(behaviour: Box<Behaviour>, keeps_requests: bool, speech: Speech) -> Self {
        Self::begin_at("127.0.0.1:0".into(), behaviour, keeps_requests, speech)
    }

    #[expect(clippy::expect_used, reason = "a test cannot go on without its server")]
    fn begin_at(
        place: String,
        behaviour: Box<Behaviour>,
        keeps_requests: bool,
        speech: Speech,
    ) -> Self {
        let scheme = if matches!(speech, Speech::Plain) { "http" } else { "https" };
        let state = Arc::new(State::new(behaviour, keeps_requests));
        let (end, ended) = oneshot::channel();
        let (started, address) = mpsc::channel();
        let shared = state.clone();
        let serve = move || serve(&place, shared, &started, ended, speech);
        let thread = std::thread::Builder::new().name("loopback".into()).spawn(serve);
        let thread = thread.expect("a thread for the loopback server");
        let address = address.recv().ok().and_then(Result::ok).expect("a port on 127.0.0.1");
        Self { scheme, address, state, end: Some(end), thread: Some(thread) }
    }

    /// The base URL that a suite would name: everything before `/chat/completions`.
    pub fn url(&self) -> String {
        format!("{}://{}/v1", self.scheme, self.address)
    }

    /// Requests that came in whole.
    pub fn count(&self) -> u64 {
        self.state.count.load(Ordering::SeqCst)
    }

    /// The most requests that were in the server's hands at once.
    pub fn max_in_flight(&self) -> usize {
        self.state.max_in_flight.load(Ordering::SeqCst)
    }

    /// Connections that were accepted.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Every request so far, in the order of arrival; none of a server that only counts.
    pub fn requests(&self) -> Vec<Seen> {
        self.state.requests().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl State {
    fn new(behaviour: Box<Behaviour>, keeps_requests: bool) -> Self {
        Self {
            behaviour,
            keeps_requests,
            count: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            max_in_flight: AtomicUsize::new(0),
            connections: AtomicU64::new(0),
            requests: Mutex::default(),
        }
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request in, numbers it, and says what to reply.
    pub(crate) fn reply(&self, mut seen: Seen) -> (InHand<'_>, Reply) {
        seen.index = self.count.fetch_add(1, Ordering::SeqCst);
        seen.in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_in_flight.fetch_max(seen.in_flight, Ordering::SeqCst);
        let in_hand = InHand(self);
        let reply = (self.behaviour)(&seen);
        if self.keeps_requests {
            self.requests().push(seen);
        }
        (in_hand, reply)
    }
}

/// A request that the server is working on.
pub(crate) struct InHand<'a>(&'a State);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

fn serve(
    place: &str,
    state: Arc<State>,
    started: &mpsc::Sender<io::Result<SocketAddr>>,
    ended: oneshot::Receiver<()>,
    speech: Speech,
) {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let listener = match TcpListener::bind(place).await {
            Ok(listener) => listener,
            Err(error) => return drop(started.send(Err(error))),
        };
        drop(started.send(listener.local_addr()));
        tokio::select! {
            () = accept(listener, state, speech) => {}
            _ = ended => {}
        }
    });
}

async fn accept(listener: TcpListener, state: Arc<State>, speech: Speech) {
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        drop(stream.set_nodelay(true));
        let (state, speech) = (state.clone(), speech.clone());
        tokio::spawn(async move {
            match speech {
                Speech::Plain => connection::serve(stream, &state).await,
                #[cfg(feature = "tls")]
                Speech::Secure(acceptor) => crate::tls::serve(stream, &acceptor, &state).await,
            }
        });
    }
}
