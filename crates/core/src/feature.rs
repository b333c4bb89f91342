//! What a provider may lack: a suite that asks for it there is wrong before anything is asked.

use std::fmt;

/// Something that not every provider has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// More than one text of a user: system messages, and turns of a conversation.
    Conversation,
    /// Pictures in messages.
    Images,
    /// Sound in messages.
    Audio,
    /// Documents in messages.
    Files,
    /// Media that the provider fetches from an address.
    MediaUrls,
    /// Documents that the provider fetches from an address.
    FileUrls,
    /// Tools that the model may call.
    Tools,
    /// Whether the model has to call tools, or must not.
    ToolChoice,
    /// The tool that the model has to call.
    NamedTool,
    /// Answers that keep to a JSON Schema.
    JsonSchema,
    /// How probable each token of an answer was.
    Logprobs,
    /// The most probable tokens in the place of each.
    TopLogprobs,
    /// Answers that come piece by piece.
    Streaming,
    /// Requests that are handed in together and answered later.
    Batches,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 14] = [
        Self::Conversation,
        Self::Images,
        Self::Audio,
        Self::Files,
        Self::MediaUrls,
        Self::FileUrls,
        Self::Tools,
        Self::ToolChoice,
        Self::NamedTool,
        Self::JsonSchema,
        Self::Logprobs,
        Self::TopLogprobs,
        Self::Streaming,
        Self::Batches,
    ];

    /// What most chat protocols have.
    pub const CHAT: &[Self] = &[
        Self::Conversation,
        Self::Images,
        Self::Files,
        Self::MediaUrls,
        Self::FileUrls,
        Self::Tools,
        Self::ToolChoice,
        Self::NamedTool,
        Self::JsonSchema,
    ];

    /// Its name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Files => "files",
            Self::MediaUrls => "media_urls",
            Self::FileUrls => "file_urls",
            Self::Tools => "tools",
            Self::ToolChoice => "tool_choice",
            Self::NamedTool => "named_tool",
            Self::JsonSchema => "json_schema",
            Self::Logprobs => "logprobs",
            Self::TopLogprobs => "top_logprobs",
            Self::Streaming => "streaming",
            Self::Batches => "batches",
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conversation => "chat messages",
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Files => "files",
            Self::MediaUrls => "images by URL",
            Self::FileUrls => "files by URL",
            Self::Tools => "tools",
            Self::ToolChoice => "a choice whether tools are called",
            Self::NamedTool => "a choice of the tool that is called",
            Self::JsonSchema => "answers by JSON Schema",
            Self::Logprobs => "logprobs",
            Self::TopLogprobs => "logprobs of alternatives",
            Self::Streaming => "streaming",
            Self::Batches => "batches",
        })
    }
}
