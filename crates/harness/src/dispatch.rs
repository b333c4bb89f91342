//! The dispatcher: a task for each request that is under way, and an orderly end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use evalmark_core::{
    answer_details::AnswerDetails,
    record::{Failure, Outcome, Record},
    request::Request,
};
use tokio::{
    runtime::Handle,
    sync::Mutex,
    task::{JoinError, JoinSet},
    time::Instant,
};

use crate::{
    attempts::{End, RequestRunner},
    budget::Budget,
    claimed_requests::{Claimed, Sharing},
    embedding_groups::{EmbeddingGroups, apart, together},
    endpoint::Inner,
    event::{Event, Tally},
    feeder::Job,
    job_channel::JobReceiver,
    ledger::Entry,
    reply::AttemptError,
    request_slots::{RequestSlot, RequestSlots},
    stop::Stop,
};

/// The requests that are not under way yet; `None` at the end.
type Queue<T> = Arc<Mutex<Option<EmbeddingGroups<T>>>>;

/// What a dispatcher works with.
pub(crate) struct Dispatcher {
    pub(crate) endpoint: Arc<Inner>,
    pub(crate) run_id: Arc<str>,
    /// Stops whatever the caller stops.
    pub(crate) stop: Stop,
    /// Stops this ask.
    pub(crate) halt: Stop,
    pub(crate) budget: Budget,
    pub(crate) counts: Arc<Counts>,
    /// Where other processes use the ledger, too.
    pub(crate) sharing: Option<Sharing>,
    pub(crate) slots: Arc<RequestSlots>,
    /// The threads that the requests are spread over.
    pub(crate) threads: Vec<Handle>,
}

/// What no event tells of.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    out_of_budget: AtomicBool,
    cost_unknown: AtomicBool,
    hedged: AtomicU64,
    hedge_tokens: [AtomicU64; 2],
}

impl Counts {
    pub(crate) fn add_to(&self, tally: &mut Tally) {
        tally.out_of_budget = self.out_of_budget.load(Ordering::Relaxed);
        tally.cost_unknown = self.cost_unknown.load(Ordering::Relaxed);
        tally.hedged = self.hedged.load(Ordering::Relaxed);
        let [input, output] = &self.hedge_tokens;
        tally.hedge_input_tokens = input.load(Ordering::Relaxed);
        tally.hedge_output_tokens = output.load(Ordering::Relaxed);
    }

    /// A duplicate is sent.
    pub(crate) fn hedge_sent(&self) {
        self.hedged.fetch_add(1, Ordering::Relaxed);
    }

    /// An answer that nobody waited for used these tokens, of its prompt and of itself.
    pub(crate) fn hedge_paid(&self, tokens: (u64, u64)) {
        let [input, output] = &self.hedge_tokens;
        input.fetch_add(tokens.0, Ordering::Relaxed);
        output.fetch_add(tokens.1, Ordering::Relaxed);
    }
}

impl Dispatcher {
    /// Asks what comes in until the feeder ends or a stop is requested, then waits for what is in
    /// flight. Answers are on their way to the ledger, and it was told to commit them.
    pub(crate) async fn run<T: Send + 'static>(self, jobs: JobReceiver<Job<T>>) {
        let queue = Arc::new(Mutex::new(Some(EmbeddingGroups::of(jobs))));
        let this = Arc::new(self);
        let mut tasks = Tasks::on(&this.threads);
        while this.endpoint.breaker.down().is_none() {
            let next = async {
                let slot = this.slots.take().await;
                Some((slot, queue.lock().await.as_mut()?.next().await?))
            };
            let Some(Some((slot, jobs))) = this.halt.unless(next).await else { break };
            tasks.spawn(this.clone().ask_on(jobs, queue.clone(), slot));
        }
        if this.endpoint.breaker.down().is_some() {
            this.halt.gracefully();
        }
        // What is queued is dropped, which abandons it; the feeder takes this as a sign to end.
        drop(queue.lock().await.take());
        this.drain(tasks).await;
        this.endpoint.writer.flush();
    }

    /// Asks a group to its end, and then whatever waits in the queue: where there is always something, nobody
    /// has to be woken for a request, and its task is there already.
    async fn ask_on<T: Send + 'static>(
        self: Arc<Self>,
        mut jobs: Vec<Job<T>>,
        queue: Queue<T>,
        slot: RequestSlot,
    ) {
        loop {
            self.ask(jobs).await;
            if self.halt.is_requested() || self.endpoint.breaker.down().is_some() {
                break;
            }
            // Either the dispatcher waits for a job itself, and there is none, or another task is taking one:
            // if more are left, the dispatcher starts a task for them.
            let Ok(mut groups) = queue.try_lock() else { break };
            let Some(next) = groups.as_mut().and_then(EmbeddingGroups::chat_at_once) else { break };
            jobs = next;
        }
        drop(slot);
    }

    /// Asks a group to its end. One bad text can spoil a group: where the server finds fault with
    /// the request, its halves are asked apart.
    async fn ask<T: Send + 'static>(&self, jobs: Vec<Job<T>>) {
        let mut groups = vec![jobs];
        while let Some(jobs) = groups.pop() {
            let Some(Claimed { mut jobs, others }) = self.claim(jobs).await else { return };
            if !others.is_empty() {
                groups.push(others);
            }
            if jobs.is_empty() {
                continue;
            }
            let Some(request) = together(&jobs) else { return };
            let (say, queued_at) = (jobs[0].waiter.notifier(), jobs[0].queued_at);
            let Some(end) = self.converse(&request, queued_at, say).await else { return };
            let is_refused = end.record.outcome == Outcome::Refused;
            let is_at_fault =
                is_refused || end.error.as_ref().is_some_and(AttemptError::blames_request);
            if jobs.len() > 1 && is_at_fault {
                let rest = jobs.split_off(jobs.len() / 2);
                groups.extend([rest, jobs]);
            } else {
                self.deliver(jobs, end);
            }
        }
    }

    /// Asks once, within the budget. `None`: halted before an end.
    async fn converse<T>(
        &self,
        request: &Request,
        queued_at: Instant,
        say: impl Fn(Event<T>) + Send + Sync,
    ) -> Option<End> {
        let price = self.endpoint.price;
        // Without a limit nothing is set aside.
        let reservation = if self.budget.is_limited() {
            let reservation = self.budget.reserve(self.endpoint.estimate(request), price);
            let reservation = Box::pin(self.halt.unless(reservation)).await?;
            if reservation.is_none() {
                self.end_spending();
                return None;
            }
            reservation
        } else {
            None
        };
        // Boxed: a future that is awaited takes its size twice within the one that awaits it.
        let end = Box::pin(RequestRunner::new(self, request).run(queued_at, &say)).await?;
        if end.error.is_none() {
            let Record { usage, details, .. } = &end.record;
            let details = details.as_deref();
            if self.is_cost_unknown(details) {
                // Before it is settled, so that nobody who waits for that goes on.
                self.budget.close();
                self.counts.cost_unknown.store(true, Ordering::Relaxed);
                self.end_spending();
            }
            let ((_, output), _) = if let Some(reservation) = reservation {
                reservation.settle(*usage, details)
            } else {
                // Characters are counted only where nobody has counted tokens.
                let is_counted = usage.input_tokens.and(usage.output_tokens).is_some();
                let estimate = (!is_counted).then(|| self.endpoint.estimate(request));
                self.budget.spend(estimate.unwrap_or_default(), price, *usage, details)
            };
            self.endpoint.longest_answer.fetch_max(output, Ordering::Relaxed);
        }
        Some(end)
    }

    /// Whether an answer should have said what it cost, and did not.
    fn is_cost_unknown(&self, details: Option<&AnswerDetails>) -> bool {
        let is_told = details.is_some_and(|details| details.cost_usd.is_some());
        self.endpoint.needs_told_cost && self.budget.max_cost_usd().is_some() && !is_told
    }

    /// Sends no more; what is in flight is awaited.
    fn end_spending(&self) {
        self.counts.out_of_budget.store(true, Ordering::Relaxed);
        self.halt.gracefully();
    }

    /// Hands the end of each job to the ledger, which passes it on to whoever asked.
    fn deliver<T: Send + 'static>(&self, jobs: Vec<Job<T>>, end: End) {
        if let Some(failure) = self.judge(&end) {
            jobs[0].waiter.notifier()(Event::EndpointDown { failure });
            self.halt.gracefully();
        }
        let records = apart(&jobs, end.record);
        for (Job { lead, waiter, claim, .. }, record) in jobs.into_iter().zip(records) {
            let address = (self.endpoint.id, lead.hash());
            let receipt = move |committed| {
                match committed {
                    Ok(record) => {
                        lead.land(&record);
                        waiter.settle(record, false);
                    }
                    Err(error) => waiter.break_off(error),
                }
                // By now others find the answer in the ledger.
                drop(claim);
            };
            self.endpoint.writer.put(Entry::new(address, self.run_id.clone(), record, receipt));
        }
    }

    /// Learns from how a request ended; gives the reason when this took the endpoint down.
    fn judge(&self, end: &End) -> Option<Failure> {
        let error = end.error.as_ref()?;
        self.endpoint.breaker.failed(error).then(|| error.failure.clone())
    }

    /// Waits for what is in flight, or abandons it when a stop leaves no more time.
    async fn drain(&self, mut tasks: Tasks) {
        // Where only the budget ended the ask, what is in flight was paid for and is awaited.
        let is_paid = self.counts.out_of_budget.load(Ordering::Relaxed);
        let stop = if is_paid { &self.stop } else { &self.halt };
        tokio::select! {
            () = tasks.end() => {}
            () = stop.abandoned(self.endpoint.tuning.grace) => {}
            () = self.halt.at_once() => {}
        }
        tasks.running.shutdown().await;
    }
}

/// The tasks of a dispatcher, spread over threads.
struct Tasks {
    running: JoinSet<usize>,
    /// The threads, and how many run on each.
    threads: Vec<(Handle, usize)>,
}

impl Tasks {
    fn on(threads: &[Handle]) -> Self {
        let threads = threads.iter().map(|handle| (handle.clone(), 0)).collect();
        Self { running: JoinSet::new(), threads }
    }

    /// Starts a task where the fewest run.
    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        while let Some(ended) = self.running.try_join_next() {
            self.ended(ended);
        }
        let threads = self.threads.iter_mut().enumerate();
        let Some((thread, (handle, count))) = threads.min_by_key(|(_, (_, count))| *count) else {
            return;
        };
        *count += 1;
        // In a box of its own: a task is moved about, and this one is large.
        let task = Box::pin(task);
        let task = async move {
            task.await;
            thread
        };
        self.running.spawn_on(task, handle);
    }

    /// Waits until none is left.
    async fn end(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            self.ended(ended);
        }
    }

    /// A bug in a task is a bug of the whole.
    fn ended(&mut self, ended: Result<usize, JoinError>) {
        match ended {
            Ok(thread) => self.threads[thread].1 -= 1,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
}
