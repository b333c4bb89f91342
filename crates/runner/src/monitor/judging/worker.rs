//! The thread that asks, one file of records after the other, while logs are read on.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{
            Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel,
        },
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use evalmark_harness::Stop;
use evalmark_store::monitor::{JudgeCounts, PeriodSpending};

use super::{WaitingRecord, panel::Panel, waiting_records};
use crate::error::{Result, RunError};

/// A file of records that models were asked about.
pub(in super::super) struct JudgedFile {
    pub(in super::super) name: String,
    pub(in super::super) records: Vec<WaitingRecord>,
    pub(in super::super) counts: JudgeCounts,
    pub(in super::super) cost_usd: f64,
    pub(in super::super) spent: PeriodSpending,
}

/// A file that is to be asked about.
struct Job {
    name: String,
    path: PathBuf,
    at_us: i64,
}

/// The thread, and the channels between it and the monitor that reads.
pub(in super::super) struct JudgeWorker {
    jobs: Sender<Job>,
    judged: Receiver<Result<JudgedFile>>,
    thread: JoinHandle<()>,
    /// Files that have not come back.
    n_open: usize,
}

impl JudgeWorker {
    /// Starts the thread. It ends when this is dropped, or at a stop.
    pub(in super::super) fn begin(panel: &Arc<Panel>, stop: &Stop) -> Self {
        let (jobs, wanted) = channel();
        // Judged records wait here, and no more than one file of them.
        let (done, judged) = sync_channel(1);
        let (panel, stop) = (panel.clone(), stop.clone());
        let thread = thread::spawn(move || judge_all(&panel, &wanted, &done, &stop));
        Self { jobs, judged, thread, n_open: 0 }
    }

    /// Hands a file over.
    pub(in super::super) fn add(&mut self, name: &str, path: PathBuf, at_us: i64) {
        let job = Job { name: name.to_owned(), path, at_us };
        self.n_open += usize::from(self.jobs.send(job).is_ok());
    }

    /// Whether files have not come back.
    pub(in super::super) fn is_at_work(&self) -> bool {
        self.n_open > 0
    }

    /// A file that has come back, where there is one now or within so long.
    pub(in super::super) fn next(&mut self, patience: Duration) -> Result<Option<JudgedFile>> {
        let come = if patience.is_zero() {
            self.judged.try_recv().map_err(|error| error == TryRecvError::Disconnected)
        } else {
            let come = self.judged.recv_timeout(patience);
            come.map_err(|error| error == RecvTimeoutError::Disconnected)
        };
        match come {
            Ok(judged) => {
                self.n_open -= 1;
                judged.map(Some)
            }
            Err(is_over) => {
                // Whoever has ended gives nothing back any more.
                self.n_open = if is_over { 0 } else { self.n_open };
                Ok(None)
            }
        }
    }

    /// Waits for its end; it was stopped, or has nothing left to do.
    pub(in super::super) fn end(self) {
        let Self { jobs, judged, thread, .. } = self;
        drop((jobs, judged));
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

fn judge_all(
    panel: &Panel,
    jobs: &Receiver<Job>,
    done: &SyncSender<Result<JudgedFile>>,
    stop: &Stop,
) {
    while let Ok(job) = jobs.recv() {
        if stop.is_requested() {
            return;
        }
        let judged = match judge(panel, job, stop) {
            Ok(None) => return,
            Ok(Some(judged)) => Ok(judged),
            Err(error) => Err(error),
        };
        let is_broken = judged.is_err();
        if done.send(judged).is_err() || is_broken {
            return;
        }
    }
}

fn judge(panel: &Panel, Job { name, path, at_us }: Job, stop: &Stop) -> Result<Option<JudgedFile>> {
    let (_, mut records) = waiting_records(&path)
        .map_err(|error: RunError| error.with_context("records cannot be judged"))?;
    let judged = panel.judge(&mut records, at_us, stop)?;
    Ok(judged.map(|judged| JudgedFile {
        name,
        records,
        counts: judged.counts,
        cost_usd: judged.cost_usd,
        spent: judged.spent,
    }))
}
