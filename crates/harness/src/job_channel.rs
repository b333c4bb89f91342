//! The queue of jobs between feeder and dispatcher: bounded, and quiet.
//!
//! Room is given back in bulk, so that the feeder's thread wakes now and then instead of once for
//! every request.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Jobs in the queue: at least so many, so that the feeder's thread is not woken while answers come
/// in, and at most so many.
const LENGTH: (usize, usize) = (256, 1024);

/// The feeder's end.
pub(crate) struct JobSender<J> {
    jobs: mpsc::UnboundedSender<J>,
    room: Arc<Semaphore>,
}

/// The dispatcher's end. Dropping it drops what is queued and lets the feeder end.
pub(crate) struct JobReceiver<J> {
    jobs: mpsc::UnboundedReceiver<J>,
    room: Arc<Semaphore>,
    bulk: usize,
    taken: usize,
}

/// A queue of jobs for a model that takes `concurrency` requests at once.
pub(crate) fn job_channel<J>(concurrency: usize) -> (JobSender<J>, JobReceiver<J>) {
    let (shortest, longest) = LENGTH;
    let length = concurrency.clamp(shortest, longest);
    let room = Arc::new(Semaphore::new(length));
    let (sender, receiver) = mpsc::unbounded_channel();
    let sender = JobSender { jobs: sender, room: room.clone() };
    (sender, JobReceiver { jobs: receiver, room, bulk: length.div_ceil(2), taken: 0 })
}

impl<J> JobSender<J> {
    /// What to take a permit from before sending.
    pub(crate) fn room(&self) -> &Arc<Semaphore> {
        &self.room
    }

    /// Sends a job into the room that was taken for it. Whether the dispatcher still wants jobs.
    pub(crate) fn send(&self, job: J, room: OwnedSemaphorePermit) -> bool {
        room.forget();
        self.jobs.send(job).is_ok()
    }
}

impl<J> JobReceiver<J> {
    /// The next job; `None` when the feeder has ended.
    pub(crate) async fn next(&mut self) -> Option<J> {
        let job = self.jobs.recv().await?;
        self.make_room();
        Some(job)
    }

    /// The next job, where it is there already.
    pub(crate) fn next_at_once(&mut self) -> Option<J> {
        let job = self.jobs.try_recv().ok()?;
        self.make_room();
        Some(job)
    }

    fn make_room(&mut self) {
        self.taken += 1;
        if self.taken == self.bulk {
            self.room.add_permits(self.bulk);
            self.taken = 0;
        }
    }
}

impl<J> Drop for JobReceiver<J> {
    fn drop(&mut self) {
        self.room.close();
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn room_comes_back_in_bulk_and_nothing_is_lost() {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        for (concurrency, length) in [(1, 256), (255, 256), (301, 301), (5000, 1024)] {
            let (sender, mut out) = job_channel(concurrency);
            let fill = |from: usize| {
                let mut sent = from;
                while let Ok(room) = sender.room().clone().try_acquire_owned() {
                    assert!(sender.send(sent, room));
                    sent += 1;
                }
                sent
            };
            let mut sent = fill(0);
            assert_eq!(sent, length);
            for expected in 0..3_000 {
                let job = match expected % 2 {
                    0 => runtime.block_on(out.next()),
                    _ => out.next_at_once(),
                };
                assert_eq!(job, Some(expected));
                sent = fill(sent);
            }
            assert!(sent >= 3_000);
            while out.next_at_once().is_some() {}
            drop(out);
            assert!(sender.room().clone().try_acquire_owned().is_err());
        }
    }
}
