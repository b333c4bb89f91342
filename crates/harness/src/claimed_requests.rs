//! A ledger that several processes use: each request is claimed before it is sent, and one that another
//! process has claimed is waited for.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use evalmark_core::{record::Record, request::RequestHash};
use tokio::time::{Instant, sleep};

use crate::{
    dispatch::Dispatcher,
    endpoint::Endpoint,
    feeder::Job,
    ledger::{Answers, Claims, LedgerError},
};

/// How often a request that another process has claimed is looked at.
const POLL: Duration = Duration::from_millis(20);
/// How long another process may take for an answer, at least, before the request is sent all the same:
/// that process may be stopped.
const PATIENCE: Duration = Duration::from_mins(5);

/// What it takes to share a ledger.
#[derive(Debug)]
pub(crate) struct Sharing {
    claims: Claims,
    path: Arc<Path>,
    endpoint: i64,
    run_id: Arc<str>,
    /// A process was waited for that did not answer: no other request waits as long.
    has_waited_in_vain: AtomicBool,
    /// Opened when another process is seen first.
    answers: Mutex<Option<Answers>>,
}

/// Requests by who asks them.
pub(crate) struct Claimed<T> {
    /// This process, and nobody else.
    pub(crate) jobs: Vec<Job<T>>,
    /// Another process, for now.
    pub(crate) others: Vec<Job<T>>,
}

impl Sharing {
    /// What `endpoint` needs, if its ledger is shared.
    pub(crate) fn of(endpoint: &Endpoint, run_id: &str) -> Option<Self> {
        let ledger = endpoint.ledger();
        Some(Self {
            claims: ledger.claims()?,
            path: ledger.path().into(),
            endpoint: endpoint.inner.id,
            run_id: run_id.into(),
            has_waited_in_vain: AtomicBool::new(false),
            answers: Mutex::default(),
        })
    }

    /// Whether requests are sent although another process has claimed them.
    fn patience_ends(&self, deadline: Instant) -> bool {
        let ends = self.has_waited_in_vain.load(Ordering::Relaxed) || Instant::now() >= deadline;
        self.has_waited_in_vain.fetch_or(ends, Ordering::Relaxed);
        ends
    }

    /// What the ledger says by now.
    fn answer(&self, hash: &RequestHash) -> Result<Option<Record>, LedgerError> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = match &mut *answers {
            Some(answers) => answers,
            none => none.insert(Answers::open(&self.path, self.endpoint, &self.run_id)?),
        };
        answers.answer(hash)
    }
}

impl Dispatcher {
    /// Claims requests, and waits while others ask all of them. What others have answered meanwhile
    /// is settled. `None`: halted before.
    pub(crate) async fn claim<T: Send + 'static>(
        &self,
        mut jobs: Vec<Job<T>>,
    ) -> Option<Claimed<T>> {
        let Some(sharing) = &self.sharing else {
            return Some(Claimed { jobs, others: Vec::new() });
        };
        let patience = PATIENCE.max(self.endpoint.timeout.saturating_mul(2));
        let deadline = Instant::now() + patience;
        let mut has_waited = false;
        loop {
            let mut claimed = self.claim_free(sharing, jobs);
            if claimed.jobs.is_empty() && sharing.patience_ends(deadline) {
                std::mem::swap(&mut claimed.jobs, &mut claimed.others);
            }
            if !claimed.jobs.is_empty() || claimed.others.is_empty() {
                if has_waited || sharing.claims.has_company() || self.endpoint.writer.has_company()
                {
                    claimed.jobs = settle_answered(sharing, claimed.jobs);
                }
                return Some(claimed);
            }
            has_waited = true;
            jobs = claimed.others;
            self.slots.lent_during(self.halt.unless(sleep(POLL))).await?;
        }
    }

    /// Claims what it can.
    fn claim_free<T>(&self, sharing: &Sharing, mut jobs: Vec<Job<T>>) -> Claimed<T> {
        for job in jobs.iter_mut().filter(|job| job.claim.is_none()) {
            job.claim = sharing.claims.claim(self.endpoint.id, &job.lead.hash());
        }
        if jobs.iter().all(|job| job.claim.is_some()) {
            return Claimed { jobs, others: Vec::new() };
        }
        let (jobs, others) = jobs.into_iter().partition(|job| job.claim.is_some());
        Claimed { jobs, others }
    }
}

/// Settles what the ledger has answers to by now; what is left must be asked.
fn settle_answered<T: Send + 'static>(sharing: &Sharing, jobs: Vec<Job<T>>) -> Vec<Job<T>> {
    let mut left = Vec::with_capacity(jobs.len());
    for job in jobs {
        match sharing.answer(&job.lead.hash()) {
            Ok(None) => left.push(job),
            Ok(Some(record)) => {
                job.lead.land(&record);
                job.waiter.settle(record, false);
            }
            Err(error) => job.waiter.break_off(error),
        }
    }
    left
}
