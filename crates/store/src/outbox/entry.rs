//! One message to one receiver, and what became of it so far.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::folder::OutboxState;

/// Version of the form of entries.
pub(super) const FORMAT_VERSION: u32 = 1;

/// One message to one receiver. It holds no secret: a receiver's parameters name variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Version of this form.
    pub format_version: u32,
    /// The digest of receiver, run and verdict: 32 hexadecimal digits.
    pub id: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who is told.
    pub receiver: OutboxReceiver,
    /// What they are told.
    pub message: Value,
    /// How often it was tried.
    #[serde(default)]
    pub attempts: u32,
    /// Since when it is on its way: set before each attempt and taken off after it. Where the sender was killed in between,
    /// the receiver may have it.
    #[serde(default)]
    pub sending_since: Option<Timestamp>,
    /// Whether the receiver may have it though no answer came.
    #[serde(default)]
    pub is_in_doubt: bool,
    /// Before when it is not tried again.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Why the last attempt failed.
    #[serde(default)]
    pub last_error: Option<String>,
    /// When it was delivered.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    /// What the receiver answered that a later message needs, such as the name that it gave the message.
    #[serde(default)]
    pub receipt: Option<Value>,
    /// What the receiver has of it already, where the next attempt need not begin anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Value>,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxReceiver {
    /// Its name in the suite.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its parameters.
    pub params: Value,
    /// The template that its messages are made by, instead of the kind's own.
    #[serde(default)]
    pub template: Option<String>,
}

impl OutboxEntry {
    /// A message that nobody has tried to deliver. `verdict` stands for what was decided: another verdict on the same run is
    /// another message.
    pub fn new(
        receiver: OutboxReceiver,
        (suite, run_id): (&str, &str),
        verdict: &str,
        message: Value,
    ) -> Self {
        let mut hasher = blake3::Hasher::new();
        let template = receiver.template.clone().unwrap_or_default();
        let params = receiver.params.to_string();
        let OutboxReceiver { name, kind, .. } = &receiver;
        for part in ["outbox 1", name, kind, &params, &template, suite, run_id, verdict] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self {
            format_version: FORMAT_VERSION,
            id: hasher.finalize().to_hex()[..32].to_owned(),
            created_at: Timestamp::now(),
            receiver,
            message,
            attempts: 0,
            sending_since: None,
            is_in_doubt: false,
            not_before: None,
            last_error: None,
            sent_at: None,
            receipt: None,
            progress: None,
        }
    }

    /// What a list of messages says of it.
    pub fn listed(&self, state: OutboxState) -> Value {
        json!({
            "id": self.id,
            "state": state.name(),
            "receiver": self.receiver.name,
            "kind": self.receiver.kind,
            "suite": self.message["suite"],
            "run_id": self.message["run_id"],
            "answer": self.message["answer"],
            "created_at": self.created_at,
            "attempts": self.attempts,
            "may_have_arrived": self.may_have_arrived(),
            "not_before": self.not_before,
            "last_error": self.last_error,
            "sent_at": self.sent_at,
        })
    }

    /// Whether the receiver may have it though nobody knows.
    pub fn may_have_arrived(&self) -> bool {
        self.is_in_doubt || self.sending_since.is_some()
    }
}
