//! The threads that all endpoints of a process share.

use std::{io, sync::Arc};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{stop::Stop, tuning::Tuning};

/// A runtime for requests and timers, and the settings that hold for all of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    threads: Arc<Threads>,
    tuning: Arc<Tuning>,
}

#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        // Without waiting: a name look-up may hang for minutes.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Network {
    /// Starts the threads.
    pub fn start(tuning: Tuning) -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().thread_name("evalmark-network").enable_all().build()?;
        Ok(Self { threads: Arc::new(Threads(Some(runtime))), tuning: Arc::new(tuning) })
    }

    /// Lets Ctrl-C (and SIGTERM, where there is one) request `stop`: gracefully first, then at once.
    pub fn stop_on_signals(&self, stop: &Stop) -> io::Result<()> {
        let _context = self.handle().enter();
        let mut signals = Signals::listen()?;
        let stop = stop.clone();
        tokio::spawn(async move {
            while signals.next().await.is_some() {
                stop.escalate();
            }
        });
        Ok(())
    }

    /// The settings.
    pub fn tuning(&self) -> &Arc<Tuning> {
        &self.tuning
    }

    pub(crate) fn handle(&self) -> &Handle {
        match &self.threads.0 {
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
