//! Why an answer ended, in words that no provider owns.

use serde::{Deserialize, Serialize};

/// Why an answer ended. Protocols turn their own words into these; what they said is in the answer's
/// [`details`](crate::record::Record::details).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum FinishReason {
    /// The model had said all, or came to a stop sequence.
    Stop,
    /// The limit of tokens was reached.
    Length,
    /// A content policy stopped it.
    ContentFilter,
    /// The model calls tools.
    ToolCalls,
    /// The provider's own word, where it is none of these.
    Other(String),
}

impl FinishReason {
    /// The word in columns and in the ledger.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ToolCalls => "tool_calls",
            Self::Other(word) => word,
        }
    }

    /// Whether a limit of tokens was reached, in whatever word.
    pub fn is_token_limit(&self) -> bool {
        const OTHERS: [&str; 8] = [
            "length",
            "max_tokens",
            "max_output_tokens",
            "max_completion_tokens",
            "model_length",
            "model_context_window_exceeded",
            "token_limit",
            "incomplete",
        ];
        match self {
            Self::Length => true,
            Self::Other(word) => OTHERS.iter().any(|other| word.eq_ignore_ascii_case(other)),
            Self::Stop | Self::ContentFilter | Self::ToolCalls => false,
        }
    }
}

impl From<String> for FinishReason {
    fn from(word: String) -> Self {
        match word.as_str() {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content_filter" => Self::ContentFilter,
            "tool_calls" => Self::ToolCalls,
            _ => Self::Other(word),
        }
    }
}

impl From<&str> for FinishReason {
    fn from(word: &str) -> Self {
        word.to_owned().into()
    }
}

impl From<FinishReason> for String {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Other(word) => word,
            reason => reason.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FinishReason;

    #[test]
    fn every_word_is_kept_as_it_is() {
        for word in ["stop", "length", "content_filter", "tool_calls", "MAX_TOKENS", "eos", ""] {
            assert_eq!(FinishReason::from(word).as_str(), word);
            assert_eq!(String::from(FinishReason::from(word)), word);
        }
    }

    #[test]
    fn a_token_limit_has_many_words() {
        for (word, expected) in [
            ("length", true),
            ("MAX_TOKENS", true),
            ("Length", true),
            ("stop", false),
            ("eos", false),
        ] {
            assert_eq!(FinishReason::from(word).is_token_limit(), expected, "{word}");
        }
    }
}
