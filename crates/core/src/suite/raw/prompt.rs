//! Prompts, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RawExamples;

/// A prompt variant: exactly one of `template`, `file`, `messages` and `use`.
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
    /// Name of a prompt of the library: of a file with front matter in a folder `prompts`, beside the
    /// suite or above it.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub(crate) used: Option<String>,
    /// Examples that it shows before it asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) examples: Option<RawExamples>,
    /// Tools that the model may call: a list, or a JSON or YAML file that holds one, relative to the
    /// suite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tools: Option<RawTools>,
    /// Which tool the model calls: `auto` (any or none), `none`, `required` (any, but one), or
    /// `{ name: TOOL }`. Default: the provider's own, which is `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tool_choice: Option<RawToolChoice>,
    /// JSON Schema that the answer must fit, told to the provider: the schema, or a JSON or YAML file
    /// that holds it, relative to the suite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json_schema: Option<RawJsonSchema>,
}

/// Tools: written here, or in a file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawTools {
    File(String),
    Listed(Vec<RawTool>),
}

/// A function that a model may call.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTool {
    /// Its name.
    pub(crate) name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// JSON Schema of its arguments, an object; default: it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parameters: Option<Map<String, Value>>,
}

/// Which tool a model calls.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawToolChoice {
    Mode(RawToolMode),
    Tool(RawToolName),
}

/// Whether a model calls a tool.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawToolMode {
    Auto,
    None,
    Required,
}

/// The one tool that a model calls.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawToolName {
    /// Its name.
    pub(crate) name: String,
}

/// A schema: written here, or in a file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawJsonSchema {
    File(String),
    Written(Map<String, Value>),
}

/// A chat message: exactly one of `content` and `file`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMessage {
    /// Who speaks.
    pub(crate) role: RawRole,
    /// Jinja template of the message, or a list of its parts: text, and what is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<RawContent>,
    /// File with the template, relative to the suite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// What a message holds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawContent {
    Text(String),
    Parts(#[schemars(length(min = 1))] Vec<RawPart>),
}

/// A part of a message: exactly one key. All of them are templates.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPart {
    /// Text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// A picture (PNG, JPEG, GIF or WebP): its path, relative to the suite file, or its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
    /// Sound (WAV, MP3, FLAC, Ogg, M4A): its path, relative to the suite file, or its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audio: Option<String>,
    /// A document (PDF or text): its path, relative to the suite file, or its address.
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
