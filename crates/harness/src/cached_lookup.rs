//! What the ledger has answers to, looked up many times a second: what is certainly not there is not
//! looked for, and lookups that follow each other at once share a view of the ledger, as long as it
//! is up to date.

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

use evalmark_core::{record::Record, request::RequestHash};

use crate::{
    endpoint::Inner,
    ledger::{Answers, LedgerError},
};

/// How old a view may be: what other processes commit is seen this much later.
const OLDEST: Duration = Duration::from_millis(50);

/// The answers of one endpoint.
pub(crate) struct LedgerView {
    answers: Answers,
    endpoint: Arc<Inner>,
    view: Cell<Option<View>>,
}

/// A view that is open.
#[derive(Clone, Copy)]
struct View {
    /// Commits of this process that were made before it was opened.
    commits: u64,
    opened_at: Instant,
}

impl LedgerView {
    pub(crate) fn new(answers: Answers, endpoint: Arc<Inner>) -> Self {
        Self { answers, endpoint, view: Cell::new(None) }
    }

    /// The request's answer, whoever asked for it. Whatever this process committed before the call
    /// is seen. Of an endpoint that was new to the ledger, what others commit is seen once this
    /// process has committed something after it.
    pub(crate) fn answer(&self, hash: &RequestHash) -> Result<Option<Record>, LedgerError> {
        let Inner { id, asked, is_new, writer, .. } = &*self.endpoint;
        let is_old =
            |view: View| view.commits != writer.commits() || view.opened_at.elapsed() > OLDEST;
        if self.view.get().is_some_and(is_old) {
            self.let_go();
        }
        // Every request is taken in, whether or not this one is then looked up.
        let was_not_asked = asked.insert(*id, hash);
        if was_not_asked && *is_new && !writer.has_company() {
            return Ok(None);
        }
        if self.view.get().is_none() {
            let view = View { commits: writer.commits(), opened_at: Instant::now() };
            self.answers.begin()?;
            self.view.set(Some(view));
        }
        self.answers.answer(hash)
    }

    /// Closes the view: the next lookup may be long after, and files that are being read cannot be
    /// tidied. One that cannot be closed is left to the next lookup, which then fails.
    pub(crate) fn let_go(&self) {
        if self.view.take().is_some() {
            drop(self.answers.end());
        }
    }
}
