//! What a receiver uses to deliver: secrets, requests and files; and why a delivery fails.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use evalmark_core::receiver::{ReceiverSecretError, SecretUse};
use evalmark_net::{HttpRequest, Secret, StatusCode, Url};
use evalmark_report::run_message::RunMessage;
use evalmark_store::run_folder::RunFolder;
use jiff::Timestamp;
use serde_json::Value;

/// What a receiver uses to deliver.
pub(super) trait Courier {
    /// The address that a variable holds.
    fn address(&mut self, secret: &SecretUse) -> Result<Url, DeliveryError>;
    /// The key that a variable holds, for a server.
    fn key(&mut self, secret: &SecretUse, server: &Url) -> Result<Secret, DeliveryError>;
    /// The folder that a variable holds.
    fn folder(&mut self, variable: &SecretUse) -> Result<PathBuf, DeliveryError>;
    /// Sends a request once, and answers with the body of a success.
    fn send(&mut self, outgoing: Outgoing) -> Result<Vec<u8>, DeliveryError>;
    /// Writes a file into the outbox's folder of this name.
    fn keep(&mut self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), DeliveryError>;
    /// Writes a file into a folder of the user's, whole or not at all.
    fn write(&mut self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), DeliveryError>;
    /// The folder of the run that a message is about; `None` where it is not at hand.
    fn run_folder(&self, message: &RunMessage) -> Option<RunFolder>;
    /// The time.
    fn now(&self) -> Timestamp;
}

/// A request, and an answer of the kind that comes.
pub(super) struct Outgoing {
    /// The request.
    pub(super) request: HttpRequest,
    /// What a dry run takes for the answer.
    pub(super) sample: Value,
}

impl Outgoing {
    /// A request whose answer nobody reads.
    pub(super) fn alone(request: HttpRequest) -> Self {
        Self { request, sample: Value::Null }
    }
}

/// Why a message was not delivered, and what follows for the next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeliveryError {
    /// What follows.
    pub(super) fate: Fate,
    /// What happened, in one line and without a secret.
    pub(super) message: String,
    /// What the server says, where it says something.
    pub(super) status: Option<StatusCode>,
    /// What it says in words.
    pub(super) words: String,
    /// What the receiver has already, where the next attempt need not begin anew.
    pub(super) progress: Option<Box<Value>>,
}

/// What follows from a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The receiver does not have it; it may take it later, not before the wait that it asks for.
    NotArrived(Option<Duration>),
    /// The receiver may have it.
    InDoubt,
    /// It would end alike until somebody changes something.
    Refused,
}

impl DeliveryError {
    pub(super) fn new(fate: Fate, message: impl Into<String>) -> Self {
        Self { fate, message: message.into(), status: None, words: String::new(), progress: None }
    }

    /// The same, with what the next attempt gets as [`Letter::progress`](super::definition::Letter).
    pub(super) fn with_progress(self, progress: Value) -> Self {
        Self { progress: Some(Box::new(progress)), ..self }
    }

    /// The same of a request that changes nothing at the receiver: nothing of the message arrived.
    pub(super) fn not_arrived(self) -> Self {
        match self.fate {
            Fate::InDoubt => Self { fate: Fate::NotArrived(None), ..self },
            Fate::NotArrived(_) | Fate::Refused => self,
        }
    }

    /// Something that only a change by somebody mends.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(Fate::Refused, message)
    }

    /// What a server's answer means.
    pub(super) fn of_status(status: StatusCode, wait: Option<Duration>, words: String) -> Self {
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        let message = format!("the server says {status}{said}");
        let fate = match status {
            StatusCode::TOO_MANY_REQUESTS => Fate::NotArrived(wait),
            // Whoever stands in front of the server cannot tell what became of the request.
            StatusCode::REQUEST_TIMEOUT | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                Fate::InDoubt
            }
            status if status.is_server_error() => Fate::NotArrived(wait),
            _ => Fate::Refused,
        };
        Self { fate, message, status: Some(status), words, progress: None }
    }
}

impl From<ReceiverSecretError> for DeliveryError {
    fn from(error: ReceiverSecretError) -> Self {
        let flag = error.flag().map(|flag| format!("; if you trust it, add `{flag}`"));
        Self::refused(format!("{error}{}", flag.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_an_answer() {
        let check = |status: u16, expected: Fate| {
            let status = StatusCode::from_u16(status).expect("a status");
            let wait = Some(Duration::from_secs(7));
            assert_eq!(DeliveryError::of_status(status, wait, String::new()).fate, expected);
        };
        let later = Fate::NotArrived(Some(Duration::from_secs(7)));
        for status in [429, 500, 503] {
            check(status, later);
        }
        for status in [408, 502, 504] {
            check(status, Fate::InDoubt);
        }
        for status in [301, 400, 401, 403, 404, 410, 413, 422] {
            check(status, Fate::Refused);
        }
    }
}
