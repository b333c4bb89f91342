//! What servers tell of an answer beyond the fixed columns: one JSON object, so that a new figure is
//! a field here and a line where a provider's response is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{logprobs::Logprobs, message::ToolCall};

/// What a server told of an answer. In the ledger and in `samples.parquet` it is JSON, without what
/// is not known; what a later version adds is kept as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerDetails {
    /// Tokens of the prompt that the provider had in its cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Tokens of the prompt that the provider put into its cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// Tokens of the answer that were used for reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// What it cost in US dollars, where the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Whether a batch API gave the answer, for less than it costs otherwise.
    #[serde(default, rename = "batch", skip_serializing_if = "std::ops::Not::not")]
    pub is_batch: bool,
    /// When the first token came, in milliseconds since the attempt began; only of a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<f64>,
    /// Tokens of the answer over the seconds from its first token to its end; only of a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// The model that answered, where the server calls it otherwise than it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The server's configuration, in the provider's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// The provider's own word for why the answer ended, where that is not the neutral one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// What the model thought, as far as the server shows it apart from the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// That the reasoning stood in the text, and was split off; whether it came to an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_reasoning: Option<SplitReasoning>,
    /// The tools that the model calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// How probable its tokens were, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Box<Logprobs>>,
    /// The status of the response, where the suite says which ones are answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The headers of the response that the suite keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// What other versions tell.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// How reasoning ended that was split off an answer's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitReasoning {
    /// The answer follows it.
    Ended,
    /// The model was cut off while it still reasoned: there is no answer.
    Endless,
}

impl AnswerDetails {
    /// Itself in a box; `None` where nothing is known.
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }

    /// The JSON that is kept.
    pub fn to_json(&self) -> String {
        // Texts, numbers and JSON values always make JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What [`AnswerDetails::to_json`] wrote.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Passes every text through `change`.
    pub fn change_texts(&mut self, change: &dyn Fn(String) -> String) {
        let texts = [
            &mut self.model,
            &mut self.system_fingerprint,
            &mut self.finish_reason,
            &mut self.reasoning,
        ];
        for text in texts.into_iter().flatten() {
            *text = change(std::mem::take(text));
        }
        for value in self.headers.iter_mut().flat_map(BTreeMap::values_mut) {
            *value = change(std::mem::take(value));
        }
        for ToolCall { id, name, arguments } in &mut self.tool_calls {
            for text in [id, name, arguments] {
                *text = change(std::mem::take(text));
            }
        }
        if let Some(logprobs) = &mut self.logprobs {
            logprobs.change_texts(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::logprobs::TokenLogprob;

    #[test]
    fn only_what_is_known_is_kept_and_what_is_new_is_not_lost() {
        assert_eq!(AnswerDetails::default().boxed(), None);
        let details = AnswerDetails { cached_tokens: Some(3), ..AnswerDetails::default() };
        assert_eq!(details.to_json(), r#"{"cached_tokens":3}"#);
        let later = r#"{"cached_tokens":3,"spin":12.5}"#;
        let read = AnswerDetails::from_json(later).expect("details");
        assert_eq!(read.others["spin"], json!(12.5));
        assert_eq!(read.to_json(), later);
        assert!(AnswerDetails::from_json(r#"{"cached_tokens":"many"}"#).is_err());
    }

    #[test]
    fn every_text_is_changed() {
        let call = ToolCall { id: "k".into(), name: "k".into(), arguments: "k".into() };
        let mut details = AnswerDetails {
            model: Some("k".into()),
            system_fingerprint: Some("k".into()),
            finish_reason: Some("k".into()),
            reasoning: Some("k".into()),
            tool_calls: vec![call],
            headers: Some([("h".to_owned(), "k".to_owned())].into()),
            logprobs: Logprobs::of([TokenLogprob { token: "k".into(), ..TokenLogprob::default() }]),
            ..AnswerDetails::default()
        };
        assert_eq!(details.to_json().matches("\"k\"").count(), 9);
        details.change_texts(&|text| text.replace('k', "-"));
        assert!(!details.to_json().contains("\"k\""), "{details:?}");
    }
}
