//! The listening sockets: each speaks HTTP/1 and HTTP/2, so that every way of OTLP goes to every port.

use std::{
    convert::Infallible,
    future::Future,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    runtime,
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{http, intake::Intake};

/// The ports that OTLP has by default, for gRPC and for HTTP.
pub const DEFAULT_PORTS: [u16; 2] = [4317, 4318];

/// Connections that are open at a time; more wait.
const MOST_CONNECTIONS: usize = 512;

/// Calls under way on one connection of HTTP/2.
const MOST_STREAMS: u32 = 32;

/// The head of a request comes within this time.
const SLOWEST_HEAD: Duration = Duration::from_secs(20);

/// How long calls under way may take once it is to end.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// Answers until `stop` is over.
pub(super) fn serve(
    listeners: Vec<TcpListener>,
    intake: Arc<Intake>,
    stop: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async move {
        let graceful = Arc::new(GracefulShutdown::new());
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut accepting = JoinSet::new();
        for listener in listeners {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            accepting.spawn(accept(listener, intake.clone(), graceful.clone(), room.clone()));
        }
        // Whoever says stop may also be gone.
        let _ = stop.await;
        accepting.shutdown().await;
        if let Ok(graceful) = Arc::try_unwrap(graceful) {
            // Calls that are late are cut off; their senders come again.
            let _ = timeout(LAST_CALLS, graceful.shutdown()).await;
        }
        Ok(())
    })
}

async fn accept(
    listener: tokio::net::TcpListener,
    intake: Arc<Intake>,
    graceful: Arc<GracefulShutdown>,
    room: Arc<Semaphore>,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(SLOWEST_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .keep_alive_interval(Duration::from_mins(1));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Too many files are open, say.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let intake = intake.clone();
        let service = service_fn(move |request| {
            let intake = intake.clone();
            async move { Ok::<_, Infallible>(http::answer(intake, request).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        spawn(async move {
            // Whoever breaks a connection knows it.
            let _ = connection.await;
            drop(place);
        });
    }
}

fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(future));
}

/// Opens the addresses; the one that cannot be opened, and why, where there is one.
pub(super) fn open(
    addresses: &[SocketAddr],
) -> Result<Vec<TcpListener>, (SocketAddr, std::io::Error)> {
    let open = |address: &SocketAddr| TcpListener::bind(address).map_err(|error| (*address, error));
    addresses.iter().map(open).collect()
}
