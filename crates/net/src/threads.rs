//! The threads that all requests of a process share, and the signals that ask it to end.

use std::{
    cell::Cell,
    io,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Threads for requests and timers, one for each core, each with connections of its own: a request, its
/// connection and its timers stay on one thread, and no thread waits for another's locks. Cheap to clone; the
/// last clone ends them.
#[derive(Clone, Debug)]
pub struct Threads(Arc<Owned>);

#[derive(Debug)]
struct Owned {
    handles: Box<[Handle]>,
    /// Dropped, they end the threads.
    _ends: Vec<oneshot::Sender<()>>,
    /// Where the next tasks begin.
    next: AtomicUsize,
}

thread_local! {
    /// Which of the threads this one is; those that only wait for one of them go with the first.
    static CURRENT: Cell<usize> = const { Cell::new(0) };
}

/// How many threads there are.
pub(crate) fn count() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Which of them calls.
pub(crate) fn current() -> usize {
    CURRENT.get()
}

impl Threads {
    /// Starts the threads.
    pub fn start() -> io::Result<Self> {
        let mut ends = Vec::new();
        let handles: io::Result<_> = (0..count())
            .map(|index| {
                let (end, ended) = oneshot::channel();
                ends.push(end);
                start(index, ended)
            })
            .collect();
        Ok(Self(Arc::new(Owned { handles: handles?, _ends: ends, next: AtomicUsize::new(0) })))
    }

    /// Calls `on_signal` at each Ctrl-C, and at each SIGTERM, where there is one.
    pub fn on_signals(&self, on_signal: impl Fn() + Send + 'static) -> io::Result<()> {
        let _context = self.handle().enter();
        let mut signals = Signals::listen()?;
        tokio::spawn(async move {
            while signals.next().await.is_some() {
                on_signal();
            }
        });
        Ok(())
    }

    /// Where tasks are put.
    pub fn handle(&self) -> &Handle {
        &self.0.handles[0]
    }

    /// Threads to spread many tasks over: at least one, and at most `most`. The next call begins with the threads
    /// after these.
    pub fn spread(&self, most: usize) -> Vec<Handle> {
        let handles = &self.0.handles;
        let count = most.clamp(1, handles.len());
        let first = self.0.next.fetch_add(count, Ordering::Relaxed);
        (0..count).map(|i| handles[first.wrapping_add(i) % handles.len()].clone()).collect()
    }
}

/// Starts a thread that runs tasks until it is ended; it waits for none of them then, since a name look-up may
/// hang for minutes.
fn start(index: usize, ended: oneshot::Receiver<()>) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let run = move || {
        CURRENT.set(index);
        // The sign to end is that the sender is dropped, which arrives as an error.
        drop(runtime.block_on(ended));
        runtime.shutdown_background();
    };
    thread::Builder::new().name("evalmark-network".to_owned()).spawn(run)?;
    Ok(handle)
}

/// The signals that ask a program to end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate })
    }

    async fn next(&mut self) -> Option<()> {
        tokio::select! {
            got = self.interrupt.recv() => got,
            got = self.terminate.recv() => got,
        }
    }
}

/// The signals that ask a program to end.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}
