//! What all endpoints of a process share: threads, and the settings that hold for all of them.

use std::{ffi::OsString, io, sync::Arc, time::Duration};

use evalmark_net::{CredentialEnvironment, Threads};
use tokio::runtime::Handle;

use crate::{stop::Stop, tuning::Tuning};

/// A runtime for requests and timers, and the settings that hold for all of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestRuntime {
    threads: Threads,
    tuning: Arc<Tuning>,
    credentials: Arc<CredentialEnvironment>,
    /// What programs see of the environment; `None` where none may be started.
    program_variables: Option<Arc<[(OsString, OsString)]>>,
}

impl RequestRuntime {
    /// Starts the threads.
    pub fn start(tuning: Tuning) -> io::Result<Self> {
        Ok(Self {
            threads: Threads::start()?,
            tuning: Arc::new(tuning),
            credentials: Arc::default(),
            program_variables: None,
        })
    }

    /// The same with what the environment says of clouds' credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: CredentialEnvironment) -> Self {
        Self { credentials: Arc::new(credentials), ..self }
    }

    /// The same with leave to start the programs of models, which see these variables.
    #[must_use]
    pub fn with_programs(self, variables: &[(OsString, OsString)]) -> Self {
        Self { program_variables: Some(variables.into()), ..self }
    }

    /// Lets Ctrl-C (and SIGTERM, where there is one) request `stop`: gracefully first, then at once.
    pub fn stop_on_signals(&self, stop: &Stop) -> io::Result<()> {
        let stop = stop.clone();
        self.threads.on_signals(move || stop.escalate())
    }

    /// Waits, and returns whether it came to the end: `false` where a stop was requested meanwhile.
    pub fn wait(&self, span: Duration, stop: &Stop) -> bool {
        self.handle().block_on(async { stop.unless(tokio::time::sleep(span)).await }).is_some()
    }

    /// The settings.
    pub fn tuning(&self) -> &Arc<Tuning> {
        &self.tuning
    }

    /// What the environment says of clouds' credentials.
    pub(crate) fn credentials(&self) -> &CredentialEnvironment {
        &self.credentials
    }

    /// What programs see of the environment; `None` where none may be started.
    pub(crate) fn program_variables(&self) -> Option<&[(OsString, OsString)]> {
        self.program_variables.as_deref()
    }

    /// Threads for many requests.
    pub(crate) fn spread(&self, most: usize) -> Vec<Handle> {
        self.threads.spread(most)
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.threads.handle()
    }
}
