//! The threads that all requests of a process share, and the signals that ask it to end.

use std::{io, sync::Arc};

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime for requests and timers. Cheap to clone; the last clone ends the threads.
#[derive(Clone, Debug)]
pub struct Threads(Arc<Owned>);

#[derive(Debug)]
struct Owned(Option<Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        // Without waiting: a name look-up may hang for minutes.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Threads {
    /// Starts the threads.
    pub fn start() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().thread_name("evalmark-network").enable_all().build()?;
        Ok(Self(Arc::new(Owned(Some(runtime)))))
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
        match &self.0.0 {
            Some(runtime) => runtime.handle(),
            None => unreachable!("the runtime is taken in drop only"),
        }
    }
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
