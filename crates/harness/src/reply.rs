//! How one attempt ended: with an answer, or with an error that says whether to try again.

use std::time::Duration;

use evalmark_core::{
    answer_details::AnswerDetails,
    record::{ErrorKind, Failure, FinishReason, Outcome, Usage},
};
use evalmark_net::StatusCode;

use crate::congestion::{Load, Quota};

/// What one attempt brought.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) result: Result<Answer, AttemptError>,
    /// What the server's headers say is left.
    pub(crate) quota: Option<Quota>,
}

impl From<Result<Answer, AttemptError>> for Reply {
    fn from(result: Result<Answer, AttemptError>) -> Self {
        Self { result, quota: None }
    }
}

/// The model's side of a record.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    /// `Answered` or `Refused`.
    pub(crate) outcome: Outcome,
    /// The text; the calls of tools as JSON, where there is nothing else.
    pub(crate) output: String,
    pub(crate) finish_reason: Option<FinishReason>,
    pub(crate) usage: Usage,
    /// Reasoning and calls of tools, apart from the text, and figures of the server's.
    pub(crate) details: Option<Box<AnswerDetails>>,
}

/// An attempt without an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct AttemptError {
    pub(crate) failure: Failure,
    pub(crate) retryable: Retryable,
    /// How long the server asks to wait.
    pub(crate) wait: Option<Duration>,
    pub(crate) fault_scope: FaultScope,
    pub(crate) load: Load,
}

/// Whether another attempt may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retryable {
    Never,
    /// As often as the suite's limits allow.
    Yes,
}

/// What the error says about other requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultScope {
    /// That the endpoint works: this request was at fault, or had bad luck.
    Request,
    /// Nothing, not even that.
    Nobody,
    /// Nobody gets an answer there, if nobody ever did: no connection, wrong path, wrong model.
    Endpoint,
    /// The key is not accepted: no request will be, unless the server has other keys.
    Key,
    /// The account has no credit: no request will be answered.
    Account,
    /// There was no answer at all for so long that nobody waits any longer.
    Silence,
}

impl AttemptError {
    /// A redirect; `address_key` is where the suite says who is asked.
    pub(crate) fn redirected(status: StatusCode, address_key: &str) -> Self {
        let message = format!(
            "HTTP {status}: redirects are not followed, because they could carry the key \
             elsewhere; set {address_key} to where the server is"
        );
        Self::of_status(status.as_u16(), message)
    }

    pub(crate) fn new(kind: ErrorKind, message: String, retryable: Retryable) -> Self {
        let (failure, fault_scope, load) =
            (Failure { kind, message }, FaultScope::Request, Load::Normal);
        Self { failure, retryable, wait: None, fault_scope, load }
    }

    pub(crate) fn with_fault_scope(self, fault_scope: FaultScope) -> Self {
        Self { fault_scope, ..self }
    }

    /// Whether the request itself is what the server will not have.
    pub(crate) fn blames_request(&self) -> bool {
        self.retryable == Retryable::Never && self.fault_scope == FaultScope::Request
    }

    /// What an HTTP status that is no success means.
    pub(crate) fn of_status(status: u16, message: String) -> Self {
        let (kind, retryable, fault_scope) = match status {
            401 => (ErrorKind::Auth, Retryable::Never, FaultScope::Key),
            // Moderation answers 403 too, so a 403 speaks for others only while none succeeded.
            403 => (ErrorKind::Auth, Retryable::Never, FaultScope::Endpoint),
            408 | 409 | 425 | 500..=599 => (ErrorKind::Server, Retryable::Yes, FaultScope::Request),
            429 => (ErrorKind::RateLimited, Retryable::Yes, FaultScope::Request),
            // No such path or model, a redirect: the same for every request.
            300..=399 | 404 => (ErrorKind::BadRequest, Retryable::Never, FaultScope::Endpoint),
            _ => (ErrorKind::BadRequest, Retryable::Never, FaultScope::Request),
        };
        let load = match status {
            429 => Load::TooMany,
            503 | 529 => Load::Overloaded,
            _ => Load::Normal,
        };
        Self { load, ..Self::new(kind, message, retryable).with_fault_scope(fault_scope) }
    }
}
