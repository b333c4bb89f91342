//! Tells in the run's folder how far the run has come, so that others can see it while it goes on.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use evalmark_harness::Event;
use evalmark_store::{progress::RunProgress, run_folder::RunFolder};

use crate::{Notice, run_id::now};

/// Time between two writes.
const INTERVAL: Duration = Duration::from_secs(1);

/// Counts what ends, and writes it now and then. The file goes away with it.
pub(super) struct ProgressFile {
    folder: RunFolder,
    state: Mutex<Counted>,
}

struct Counted {
    progress: RunProgress,
    begun: Instant,
    written: Option<Instant>,
}

impl ProgressFile {
    pub(super) fn new(folder: RunFolder) -> Self {
        let counted =
            Counted { progress: RunProgress::default(), begun: Instant::now(), written: None };
        Self { folder, state: Mutex::new(counted) }
    }

    /// Takes in what the engine tells.
    pub(super) fn hear(&self, notice: &Notice<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        match notice {
            Notice::AskingBegins(asking) => {
                let (doing, total) = (asking.doing.to_owned(), asking.total);
                state.progress = RunProgress { doing, total, ..RunProgress::default() };
                (state.begun, state.written) = (at, None);
            }
            Notice::Asked { event, .. } => state.progress.count(event),
            _ => return,
        }
        if state.written.is_none_or(|written| at - written >= INTERVAL) {
            state.written = Some(at);
            state.progress.seconds = (at - state.begun).as_secs_f64();
            state.progress.updated_at = now();
            // Whoever looks on is not worth failing for.
            drop(self.folder.write_progress(&state.progress));
        }
    }
}

impl Drop for ProgressFile {
    fn drop(&mut self) {
        self.folder.remove_progress();
    }
}

/// Counts events.
trait Count {
    fn count<T>(&mut self, event: &Event<T>);
}

impl Count for RunProgress {
    fn count<T>(&mut self, event: &Event<T>) {
        match event {
            Event::Cached { .. } => {
                self.done += 1;
                self.cached += 1;
            }
            Event::Answered { .. } => self.done += 1,
            Event::Failed { .. } => {
                self.done += 1;
                self.failed += 1;
            }
            Event::Retrying { .. } => self.retries += 1,
            Event::EndpointDown { .. } => {}
        }
    }
}
