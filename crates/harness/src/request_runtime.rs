//! What all endpoints of a process share: threads, and the settings that hold for all of them.

use std::{io, sync::Arc};

use evalmark_net::Threads;
use tokio::runtime::Handle;

use crate::{stop::Stop, tuning::Tuning};

/// A runtime for requests and timers, and the settings that hold for all of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestRuntime {
    threads: Threads,
    tuning: Arc<Tuning>,
}

impl RequestRuntime {
    /// Starts the threads.
    pub fn start(tuning: Tuning) -> io::Result<Self> {
        Ok(Self { threads: Threads::start()?, tuning: Arc::new(tuning) })
    }

    /// Lets Ctrl-C (and SIGTERM, where there is one) request `stop`: gracefully first, then at once.
    pub fn stop_on_signals(&self, stop: &Stop) -> io::Result<()> {
        let stop = stop.clone();
        self.threads.on_signals(move || stop.escalate())
    }

    /// The settings.
    pub fn tuning(&self) -> &Arc<Tuning> {
        &self.tuning
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.threads.handle()
    }
}
