//! How a batch is settled: what its results say of all requests together, and what becomes of those that
//! they do not name.
//!
//! A request is given back to be bought again only where the provider's results were read and lack it.
//! Where they cannot be read, the batch stays in the journal, and the next ask reads them again.

use std::time::Duration;

use evalmark_core::record::{ErrorKind, Failure};

use super::{
    ask::{BatchAsk, Halt, NoSource},
    collect::{CHUNK, Chunk, Collected, Ended},
    journal::{BatchRow, Held, HeldEnd},
};
use crate::{
    ledger::LedgerError,
    providers::batch_wire::{BatchProblem, Leftover, RemoteBatch},
    reply::{AttemptError, Retryable},
};

/// The pause after a batch that was refused because others are at work, the first time.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// How long providers keep what came of a batch.
const KEPT_FOR_US: i64 = 29 * 24 * 3600 * 1_000_000;

impl Collected {
    /// Whether the results are as long as the provider says, and each line could be read.
    pub(super) fn is_whole(
        &self,
        row: &BatchRow,
        remote: &RemoteBatch,
        leftover: Leftover,
    ) -> bool {
        if self.unreadable > 0 || self.not_found.is_some() {
            return false;
        }
        match leftover {
            Leftover::None => {
                let has_each = self.seen.len() as u64 >= remote.ended.unwrap_or(row.n_requests);
                let has_answers = remote.succeeded.is_some() && self.has_all_answers(remote);
                !self.seen.is_empty() && (has_each || has_answers)
            }
            Leftover::Expired | Leftover::Cancelled => self.has_all_answers(remote),
        }
    }

    /// Whether requests without a line were certainly not answered, or nothing more can be known of
    /// results that are read in full.
    pub(super) fn lacks_for_certain(&self, row: &BatchRow, remote: &RemoteBatch) -> bool {
        match remote.ended {
            Some(ended) => {
                ended >= row.n_requests
                    && remote.succeeded.is_some()
                    && self.has_all_answers(remote)
            }
            None => self.unreadable == 0 && self.not_found.is_none() && !self.seen.is_empty(),
        }
    }

    fn has_all_answers(&self, remote: &RemoteBatch) -> bool {
        remote.succeeded.is_none_or(|succeeded| self.succeeded.len() as u64 >= succeeded)
    }

    /// What is wrong with results that are not whole.
    pub(super) fn fault(&self, row: &BatchRow, remote: &RemoteBatch) -> String {
        let due = remote.ended.unwrap_or(row.n_requests);
        match (&self.not_found, self.seen.len(), self.unreadable) {
            (Some(message), ..) => format!("the provider does not find its results: {message}"),
            (None, 0, 0) => "it has ended, and there are no results yet".to_owned(),
            (None, 0, _) => "no line of its results can be read".to_owned(),
            (None, seen, 0) => format!("its results have {seen} of {due} lines"),
            (None, seen, unreadable) => {
                format!(
                    "its results have {seen} of {due} lines, and {unreadable} that cannot be read"
                )
            }
        }
    }
}

impl BatchAsk<'_> {
    /// Whether providers still have what came of a batch.
    pub(super) fn is_kept(&self, row: &BatchRow) -> bool {
        self.now_us().saturating_sub(row.submitted_at_us) <= KEPT_FOR_US
    }

    /// Ends the requests of a batch that have no result. How many of them are asked again, since an
    /// earlier ask told already that they have none.
    pub(super) async fn settle_leftover(
        &self,
        row: &BatchRow,
        leftover: Leftover,
    ) -> Result<u64, LedgerError> {
        let error = match leftover {
            Leftover::Expired => expired(),
            Leftover::Cancelled => cancelled(),
            Leftover::None => {
                let message = "the batch's results were read and have no line for this request; \
                               `evalmark resume` asks it again in a new batch";
                AttemptError::new(ErrorKind::Malformed, message.to_owned(), Retryable::Never)
            }
        };
        let mut again = 0;
        let end = |held: Held| {
            if held.is_told && leftover == Leftover::None {
                again += 1;
                return Ended { held, end: HeldEnd::Free, record: None };
            }
            self.failed(row, held, &error)
        };
        self.end_all(row, end).await?;
        Ok(again)
    }

    /// Gives up on reading the results of a batch for now. Its requests fail, and it keeps them: whoever
    /// asks for them next reads the results again.
    pub(super) async fn leave_unsettled(
        &self,
        row: &BatchRow,
        fault: &str,
    ) -> Result<(), LedgerError> {
        let message = format!(
            "the results of batch {} cannot be read: {fault}. The batch is kept: `evalmark resume` reads \
             its results again, and asks nothing anew before it has (to ask all its requests anew, delete \
             {})",
            row.remote_id.as_deref().unwrap_or_default(),
            self.journal().folder().display()
        );
        let error = AttemptError::new(ErrorKind::Malformed, message, Retryable::Never);
        let mut from = 0;
        loop {
            let held = self.journal().held_from(&row.id, from, CHUNK)?;
            let Some(last) = held.last() else { return Ok(()) };
            from = last.number + 1;
            let mut chunk = Chunk::default();
            for held in held {
                let Ended { held, record, .. } = self.failed(row, held, &error);
                chunk.add(Ended { held, end: HeldEnd::Unsettled, record });
            }
            self.commit(row, &mut chunk).await?;
        }
    }

    /// Ends all requests of a batch that the server refused. Where that may pass, it says how long to
    /// wait before they are handed in again.
    pub(super) async fn refused(
        &self,
        row: &BatchRow,
        problems: &[BatchProblem],
    ) -> Result<Option<Duration>, Halt<NoSource>> {
        let whole = problems.iter().find(|problem| problem.number.is_none());
        let first = problems.first();
        let may_pass = match (whole, first) {
            (Some(problem), _) => problem.may_pass(),
            // Requests beside those that are named are asked again without them.
            (None, Some(_)) => true,
            (None, None) => false,
        };
        let most = self.journal().held_from(&row.id, 0, 1)?.first().map_or(0, |held| held.attempts);
        let of_all = {
            let problem = whole.or(first);
            let words = problem.map(|problem| [&*problem.message, &*problem.code]);
            let why = words.into_iter().flatten().find(|words| !words.trim().is_empty());
            let why = why.unwrap_or("the provider does not say why");
            let message = format!("the batch was refused: {}", evalmark_net::one_line(why));
            let retryable = if may_pass { Retryable::Yes } else { Retryable::Never };
            let kind = whole.map_or(ErrorKind::Server, BatchProblem::kind);
            AttemptError::new(kind, message, retryable)
        };
        let named = |held: &Held| {
            let own = problems.iter().find(|problem| problem.number == Some(held.number));
            own.map_or_else(
                || error_of(&of_all),
                |problem| {
                    let message = evalmark_net::one_line(&problem.message);
                    AttemptError::new(ErrorKind::BadRequest, message, Retryable::Never)
                },
            )
        };
        self.end_all(row, |held| self.failed(row, held, &named(&held))).await?;
        let doubled = REFUSED_PAUSE.saturating_mul(2_u32.saturating_pow(most));
        let pause = doubled.min(self.endpoint.inner.tuning.longest_batch_poll);
        Ok(whole.filter(|_| may_pass).map(|_| pause))
    }

    async fn end_all(
        &self,
        row: &BatchRow,
        mut end: impl FnMut(Held) -> Ended,
    ) -> Result<(), LedgerError> {
        loop {
            let held = self.journal().held_from(&row.id, 0, CHUNK)?;
            if held.is_empty() {
                return Ok(());
            }
            let mut chunk = Chunk::default();
            for held in held {
                chunk.add(end(held));
            }
            self.commit(row, &mut chunk).await?;
        }
    }
}

impl BatchProblem {
    /// What its code says; one that nobody knows is the server's fault.
    fn kind(&self) -> ErrorKind {
        let code = self.code.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
        if has(&["insufficient"]) {
            ErrorKind::NoCredit
        } else if has(&["token_limit", "rate_limit", "quota"]) {
            ErrorKind::RateLimited
        } else if has(&[
            "invalid",
            "not_found",
            "unsupported",
            "mismatch",
            "duplicate",
            "too_large",
            "empty",
        ]) {
            ErrorKind::BadRequest
        } else {
            ErrorKind::Server
        }
    }

    /// Whether the same batch may be taken later.
    fn may_pass(&self) -> bool {
        let code = self.code.to_ascii_lowercase();
        let passing =
            ["token_limit", "rate_limit", "quota", "server_error", "internal", "overload"];
        passing.iter().any(|word| code.contains(word)) && !code.contains("insufficient")
    }
}

/// A result that says nothing of its request.
pub(super) fn empty() -> AttemptError {
    let message =
        "the request's line among the batch's results holds neither a response nor an error";
    AttemptError::new(ErrorKind::Malformed, message.to_owned(), Retryable::Yes)
}

pub(super) fn expired() -> AttemptError {
    let message = "the batch expired before the provider came to this request".to_owned();
    AttemptError::new(ErrorKind::Timeout, message, Retryable::Yes)
}

/// Whoever ends a batch does not want it handed in again at once.
pub(super) fn cancelled() -> AttemptError {
    let message =
        "the batch was cancelled at the provider; `evalmark resume` asks again".to_owned();
    AttemptError::new(ErrorKind::Server, message, Retryable::Never)
}

/// The same error for another request.
fn error_of(error: &AttemptError) -> AttemptError {
    let Failure { kind, message } = error.failure.clone();
    AttemptError::new(kind, message, error.retryable).with_fault_scope(error.fault_scope)
}
