//! How one attempt ended: with an answer, or with trouble that says whether to try again.

use std::time::Duration;

use evalmark_core::record::{ErrorKind, Failure, Outcome, Usage};

use crate::flow::{Load, Quota};

/// What one attempt brought.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) result: Result<Answer, Trouble>,
    /// What the server's headers say is left.
    pub(crate) quota: Option<Quota>,
}

impl From<Result<Answer, Trouble>> for Reply {
    fn from(result: Result<Answer, Trouble>) -> Self {
        Self { result, quota: None }
    }
}

/// The model's side of a record.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    /// `Answered` or `Refused`.
    pub(crate) outcome: Outcome,
    pub(crate) output: String,
    pub(crate) finish_reason: Option<String>,
    pub(crate) usage: Usage,
}

/// An attempt without an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) failure: Failure,
    pub(crate) again: Again,
    /// How long the server asks to wait.
    pub(crate) wait: Option<Duration>,
    pub(crate) blame: Blame,
    pub(crate) load: Load,
}

/// Whether another attempt may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    Never,
    /// As often as the suite's limits allow.
    Yes,
}

/// What the trouble says about other requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
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

impl Trouble {
    pub(crate) fn new(kind: ErrorKind, message: String, again: Again) -> Self {
        let (failure, blame, load) = (Failure { kind, message }, Blame::Request, Load::Normal);
        Self { failure, again, wait: None, blame, load }
    }

    pub(crate) fn blaming(self, blame: Blame) -> Self {
        Self { blame, ..self }
    }

    /// Whether the request itself is what the server will not have.
    pub(crate) fn blames_request(&self) -> bool {
        self.again == Again::Never && self.blame == Blame::Request
    }

    /// What an HTTP status that is no success means.
    pub(crate) fn of_status(status: u16, message: String) -> Self {
        let (kind, again, blame) = match status {
            401 => (ErrorKind::Auth, Again::Never, Blame::Key),
            // Moderation answers 403 too, so a 403 speaks for others only while none succeeded.
            403 => (ErrorKind::Auth, Again::Never, Blame::Endpoint),
            408 | 409 | 425 | 500..=599 => (ErrorKind::Server, Again::Yes, Blame::Request),
            429 => (ErrorKind::RateLimited, Again::Yes, Blame::Request),
            // No such path or model, a redirect: the same for every request.
            300..=399 | 404 => (ErrorKind::BadRequest, Again::Never, Blame::Endpoint),
            _ => (ErrorKind::BadRequest, Again::Never, Blame::Request),
        };
        let load = match status {
            429 => Load::TooMany,
            503 | 529 => Load::Overloaded,
            _ => Load::Normal,
        };
        Self { load, ..Self::new(kind, message, again).blaming(blame) }
    }
}
