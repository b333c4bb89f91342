//! What an ask tells while it runs, and what it counts.

use std::time::Duration;

use evalmark_core::record::{Failure, Record};

use crate::batches::BatchesWaiting;

/// Something that happened. The tag is the one that came with the request.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<T> {
    /// The ledger held the answer already; nothing was asked.
    Cached {
        /// Whose answer it is.
        tag: T,
        /// The answer.
        record: Record,
    },
    /// An answer (or refusal) came back and is in the ledger for good.
    Answered {
        /// Whose answer it is.
        tag: T,
        /// The answer.
        record: Record,
        /// An identical request was in flight and was asked once for both: this answer cost
        /// nothing of its own.
        shared: bool,
    },
    /// There is no answer, and asking again now would not help. The ledger holds the failure.
    Failed {
        /// Whose failure it is.
        tag: T,
        /// What went wrong.
        record: Record,
    },
    /// An attempt failed and will be repeated.
    Retrying {
        /// What went wrong.
        failure: Failure,
        /// Attempts made so far.
        attempt: u32,
        /// Time until the next one.
        delay: Duration,
    },
    /// The endpoint takes no more requests in this process. Said once.
    EndpointDown {
        /// Why.
        failure: Failure,
    },
}

/// Why the next request to a model is not sent yet, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who holds it back.
    pub by: Holder,
    /// Time left, as far as one can tell.
    pub time: Duration,
}

/// Who holds requests back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The server asked for a pause (`Retry-After`).
    RetryAfter,
    /// The server's rate-limit headers say that nothing is left.
    Headers,
    /// The pace that the server was seen to bear.
    Pace,
    /// The suite's own limits.
    OwnRate,
    /// Batches that the provider is at work on; the time is that until the next look.
    Batches(BatchesWaiting),
}

/// How an ask ended, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that got an answer or refusal from the model, now.
    pub answered: u64,
    /// Requests whose answer the ledger held already.
    pub cached: u64,
    /// Requests that ended as a described failure.
    pub failed: u64,
    /// Of all answered and failed: those that shared an identical request's end.
    pub shared: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Requests taken from the iterator that were dropped at a stop or when the endpoint went
    /// down. The ledger knows nothing of them, nor of those never taken.
    pub abandoned: u64,
    /// Whether a stop was requested before all had ended.
    pub interrupted: bool,
    /// Whether requests were left out because the budget might have been passed.
    pub out_of_budget: bool,
    /// Whether that is because an answer did not say what it cost, under a limit in dollars.
    pub cost_unknown: bool,
    /// Duplicates that were sent of requests that took unusually long, within `hedge`. They are no
    /// retries; what they cost is in the budget's `spent`, and here.
    pub hedged: u64,
    /// Tokens of those answers that lost against their duplicate, or as a duplicate: they are in no
    /// record. As many as the winner's, because the loser is not waited for.
    pub hedge_input_tokens: u64,
    /// Their tokens of the answer.
    pub hedge_output_tokens: u64,
}

impl Tally {
    /// Requests that have ended for good.
    pub fn ended(&self) -> u64 {
        self.answered + self.cached + self.failed
    }

    /// Counts one event.
    pub(crate) fn count<T>(&mut self, event: &Event<T>) {
        match event {
            Event::Cached { .. } => self.cached += 1,
            Event::Answered { shared, .. } => {
                self.answered += 1;
                self.shared += u64::from(*shared);
            }
            Event::Failed { .. } => self.failed += 1,
            Event::Retrying { .. } => self.retries += 1,
            Event::EndpointDown { .. } => {}
        }
    }
}
