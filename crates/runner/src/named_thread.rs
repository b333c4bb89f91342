//! Threads with names, by which a debugger or a profiler tells the stages of a run apart.

use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::error::{Hinted, Result};

/// Starts a thread. On Linux no more than 15 bytes of its name are seen.
pub(crate) fn named_thread<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>> {
    let thread = Builder::new().name(name.to_owned()).spawn_scoped(scope, work);
    thread.context("no thread can be started")
}
