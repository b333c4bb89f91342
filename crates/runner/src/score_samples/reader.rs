//! Who reads every batch, in order, on a thread of his own: several do at the same time.

use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{Scope, ScopedJoinHandle},
};

use crate::{error::Result, named_thread::named_thread};

/// Batches that wait to be read.
const AHEAD: usize = 1;

/// One who makes an `R` of batches.
pub(super) struct Reader<'scope, B, R> {
    batches: SyncSender<Arc<B>>,
    thread: ScopedJoinHandle<'scope, Result<R>>,
}

impl<'scope, B: Send + Sync + 'scope, R: Send + 'scope> Reader<'scope, B, R> {
    /// Begins with this; `read` takes in a batch.
    pub(super) fn start(
        name: &str,
        scope: &'scope Scope<'scope, '_>,
        mut made: R,
        mut read: impl FnMut(&mut R, &B) -> Result<()> + Send + 'scope,
    ) -> Result<Self> {
        let (batches, receive) = sync_channel::<Arc<B>>(AHEAD);
        let thread = named_thread(scope, name, move || {
            for batch in receive {
                read(&mut made, &batch)?;
            }
            Ok(made)
        })?;
        Ok(Self { batches, thread })
    }

    /// Hands a batch over; `false` where reading has ended, which [`finish`](Self::finish) explains.
    pub(super) fn give(&self, batch: &Arc<B>) -> bool {
        self.batches.send(batch.clone()).is_ok()
    }

    /// What was made of all batches.
    pub(super) fn finish(self) -> Result<R> {
        drop(self.batches);
        self.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}
