//! The `usage` of a response: how many tokens, and what they were used for.

use evalmark_core::record::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::providers::reported_tokens::count;

/// Tokens, as far as they are numbers that can be right: an odd usage never costs an answer.
#[derive(Debug, Default)]
pub(in crate::providers) struct Tokens {
    pub(in crate::providers) usage: Usage,
    /// Tokens of the answer that were used for reasoning, at least 1.
    pub(in crate::providers) reasoning: Option<u64>,
    /// Tokens of the prompt that the provider had in its cache, at least 1.
    pub(in crate::providers) cached: Option<u64>,
}

/// Numbers where servers are as they should be.
#[derive(Deserialize)]
struct Counts<'a> {
    #[serde(borrow)]
    prompt_tokens: Option<&'a RawValue>,
    completion_tokens: Option<&'a RawValue>,
    input_tokens: Option<&'a RawValue>,
    output_tokens: Option<&'a RawValue>,
    completion_tokens_details: Option<&'a RawValue>,
    prompt_tokens_details: Option<&'a RawValue>,
    output_tokens_details: Option<&'a RawValue>,
    input_tokens_details: Option<&'a RawValue>,
    /// The same in the words of others.
    prompt_cache_hit_tokens: Option<&'a RawValue>,
}

/// What the tokens of an answer were used for, and where those of the prompt came from.
#[derive(Deserialize, Default)]
struct Shares {
    reasoning_tokens: Option<u64>,
    cached_tokens: Option<u64>,
}

impl Tokens {
    /// Reads what stands in the field, if there is one.
    pub(in crate::providers) fn read(field: Option<&RawValue>) -> Self {
        let counts = field.and_then(|field| serde_json::from_str(field.get()).ok());
        let Some(counts): Option<Counts<'_>> = counts else { return Self::default() };
        let either = |tokens: Option<&RawValue>, other: Option<&RawValue>| {
            tokens.and_then(count).or_else(|| other.and_then(count))
        };
        let usage = Usage {
            input_tokens: either(counts.prompt_tokens, counts.input_tokens),
            output_tokens: either(counts.completion_tokens, counts.output_tokens),
        };
        let shares = |raw: Option<&RawValue>| {
            raw.and_then(|raw| serde_json::from_str::<Shares>(raw.get()).ok()).unwrap_or_default()
        };
        let hit = || counts.prompt_cache_hit_tokens.and_then(count);
        let plausible = |tokens: &u64| (1..=Usage::MOST_TOKENS).contains(tokens);
        let answer = counts.completion_tokens_details.or(counts.output_tokens_details);
        let prompt = counts.prompt_tokens_details.or(counts.input_tokens_details);
        let reasoning = shares(answer).reasoning_tokens;
        let cached = shares(prompt).cached_tokens.or_else(hit);
        Self {
            usage: usage.plausible(),
            reasoning: reasoning.filter(plausible),
            cached: cached.filter(plausible),
        }
    }
}
