//! Prompts, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A prompt variant: exactly one of `template`, `file` and `messages`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPrompt {
    /// Name of the variant.
    pub(crate) name: String,
    /// Jinja template of one user message; every dataset column is a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<String>,
    /// File with the template of one user message, or a `.yaml` file with a list of chat messages;
    /// relative to the suite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// Chat messages, each a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(crate) messages: Option<Vec<RawMessage>>,
}

/// A chat message: exactly one of `content` and `file`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMessage {
    /// Who speaks.
    pub(crate) role: RawRole,
    /// Jinja template of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
    /// File with the template, relative to the suite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawRole {
    System,
    Developer,
    User,
    Assistant,
}

impl RawRole {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}
