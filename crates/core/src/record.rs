//! What came back for one request: an answer, or a described failure. Nothing here is a score.

use std::fmt;

use serde::{
    Deserialize, Serialize,
    de::{
        IntoDeserializer,
        value::{self, StrDeserializer},
    },
};

use crate::answer_details::AnswerDetails;
pub use crate::finish_reason::FinishReason;

/// How a sample ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The model answered.
    Answered,
    /// The model, or its provider's content filter, declined to answer.
    Refused,
    /// The model answered, but a metric could not extract what it looks for.
    Invalid,
    /// The infrastructure failed: there is no answer, and so no score.
    Failed,
}

impl Outcome {
    /// The word used in columns and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The provider did not accept the key (401, 403).
    Auth,
    /// There are no credentials to sign the request with, so that it was not sent.
    NoCredentials,
    /// The account has no credit left (402, or a 429 that says so).
    NoCredit,
    /// The provider calls the request itself wrong (any other 4xx).
    BadRequest,
    /// 429 on the last attempt.
    RateLimited,
    /// 408, 409 or 5xx on the last attempt.
    Server,
    /// No connection, or a connection that broke.
    Connection,
    /// No complete response within the time limit.
    Timeout,
    /// A response that is not what the protocol promises.
    Malformed,
    /// A response larger than the limit.
    TooLarge,
    /// Replay: the recording has no answer to this request.
    NotRecorded,
    /// Not asked, because the endpoint had already failed for good.
    EndpointDown,
    /// Not asked, because the budget was reached.
    Budget,
    /// Another tool asked, and says that it failed.
    Reported,
}

impl ErrorKind {
    /// The word used in the `error_kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::NoCredentials => "no_credentials",
            Self::NoCredit => "no_credit",
            Self::BadRequest => "bad_request",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::NotRecorded => "not_recorded",
            Self::EndpointDown => "endpoint_down",
            Self::Budget => "budget",
            Self::Reported => "reported",
        }
    }

    /// The kind that [`ErrorKind::as_str`] names.
    pub fn from_name(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, value::Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }

    /// Whether the same request could be answered later, with nothing changed but the time or the
    /// account.
    pub fn may_pass(self) -> bool {
        !matches!(self, Self::Auth | Self::BadRequest | Self::TooLarge | Self::NotRecorded)
    }
}

/// A failure, described for people. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The closed classification.
    pub kind: ErrorKind,
    /// One line of detail.
    pub message: String,
}

/// Tokens as the provider counted them; `None` where it did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
}

impl Usage {
    /// No request uses more tokens than this; a larger count is a mistake of the server's.
    pub const MOST_TOKENS: u64 = 100_000_000;

    /// The counts without those that no request can have used.
    #[must_use]
    pub fn plausible(self) -> Self {
        let plausible = |tokens: Option<u64>| tokens.filter(|tokens| *tokens <= Self::MOST_TOKENS);
        Self {
            input_tokens: plausible(self.input_tokens),
            output_tokens: plausible(self.output_tokens),
        }
    }
}

/// When a request was made and where its time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Start of the attempt that ended the request, microseconds since the Unix epoch, UTC.
    pub started_at_us: i64,
    /// Waiting for a permit and for rate limits, milliseconds.
    pub queue_ms: f64,
    /// Waiting between attempts, milliseconds.
    pub backoff_ms: f64,
    /// Service time of the attempt that answered, milliseconds; `None` when none did.
    pub latency_ms: Option<f64>,
}

/// The end of one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// How it ended: `Answered`, `Refused` or `Failed`; scoring may turn `Answered` into `Invalid`.
    pub outcome: Outcome,
    /// The model's text; `None` when it failed.
    pub output: Option<String>,
    /// Why the answer ended.
    pub finish_reason: Option<FinishReason>,
    /// What went wrong, when the outcome is `Failed`.
    pub failure: Option<Failure>,
    /// Attempts made, the last one included; 0 when nothing was asked.
    pub attempts: u32,
    /// Where the time went.
    pub timing: Timing,
    /// Tokens.
    pub usage: Usage,
    /// Whether the answer was there before this run began.
    pub cached: bool,
    /// What else the server told.
    pub details: Option<Box<AnswerDetails>>,
}

impl Record {
    /// A record of an answer that cost nothing and took no time, as a recording gives it.
    pub fn recorded(output: String) -> Self {
        Self {
            outcome: Outcome::Answered,
            output: Some(output),
            finish_reason: None,
            failure: None,
            attempts: 0,
            timing: Timing::default(),
            usage: Usage::default(),
            cached: true,
            details: None,
        }
    }

    /// A failure after `attempts` attempts.
    pub fn failed(kind: ErrorKind, message: impl Into<String>, attempts: u32) -> Self {
        Self {
            outcome: Outcome::Failed,
            output: None,
            finish_reason: None,
            failure: Some(Failure { kind, message: message.into() }),
            attempts,
            timing: Timing::default(),
            usage: Usage::default(),
            cached: false,
            details: None,
        }
    }

    /// When its first token came, in milliseconds since the attempt began; only of a stream.
    pub fn first_token_ms(&self) -> Option<f64> {
        self.details.as_ref()?.first_token_ms
    }

    /// Tokens of the answer over the seconds from its first token to its end; only of a stream.
    pub fn tokens_per_second(&self) -> Option<f64> {
        self.details.as_ref()?.tokens_per_second
    }

    /// Whether the answer ends where its token limit was reached.
    pub fn is_cut_off(&self) -> bool {
        self.finish_reason.as_ref().is_some_and(FinishReason::is_token_limit)
    }

    /// Whether scoring has something to look at: an answer or a refusal.
    pub fn has_answer(&self) -> bool {
        self.outcome != Outcome::Failed
    }
}
