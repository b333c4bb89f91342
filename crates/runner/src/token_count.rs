//! How many tokens a text is for a model: counted where the model's tokenizer is public and at hand, estimated
//! otherwise.

use serde::Serialize;

use crate::token_estimate::estimated_tokens;

/// How many tokens a text is for a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenCount {
    /// The model; `None` for any.
    pub model: Option<String>,
    /// How many tokens.
    pub tokens: u64,
    /// Whether they were counted; otherwise they are estimated at four characters each.
    pub is_exact: bool,
    /// The tokenizer that counted them.
    pub tokenizer: Option<&'static str>,
}

/// How many tokens texts are for a model. `name` may have `*` for any text, as policies write models, and the model's maker
/// before a `/`, as gateways do.
pub(crate) fn count_tokens<'a>(
    texts: impl Iterator<Item = &'a str>,
    name: Option<&str>,
) -> TokenCount {
    let counter = name.and_then(tokenizer::of_model);
    let tokens = texts.map(|text| match &counter {
        Some(counter) => counter.count(text),
        None => estimated_tokens(text),
    });
    TokenCount {
        model: name.map(str::to_owned),
        tokens: tokens.sum(),
        is_exact: counter.is_some(),
        tokenizer: counter.map(tokenizer::Counter::name),
    }
}

impl TokenCount {
    /// Words for it: `412 tokens (o200k_base)`, `about 380 tokens`.
    pub fn words(&self) -> String {
        match self.tokenizer {
            Some(name) => format!("{} tokens ({name})", self.tokens),
            None => format!("about {} tokens", self.tokens),
        }
    }
}

/// OpenAI's tokenizers, by the crate that has their vocabularies.
#[cfg(feature = "exact-tokens")]
mod tokenizer {
    use tiktoken_rs::{
        CoreBPE, cl100k_base_singleton, o200k_base_singleton,
        tokenizer::{Tokenizer, get_tokenizer},
    };

    #[derive(Clone, Copy)]
    pub(super) enum Counter {
        O200k,
        Cl100k,
    }

    /// The tokenizer of a model.
    pub(super) fn of_model(name: &str) -> Option<Counter> {
        let name = name.rsplit('/').next().unwrap_or(name).trim_end_matches(['*', '-']);
        match get_tokenizer(name)? {
            // The vocabulary of text is the same; only marks of messages differ.
            Tokenizer::O200kBase | Tokenizer::O200kHarmony => Some(Counter::O200k),
            Tokenizer::Cl100kBase => Some(Counter::Cl100k),
            _ => None,
        }
    }

    impl Counter {
        pub(super) fn name(self) -> &'static str {
            match self {
                Self::O200k => "o200k_base",
                Self::Cl100k => "cl100k_base",
            }
        }

        pub(super) fn count(self, text: &str) -> u64 {
            let bpe: &CoreBPE = match self {
                Self::O200k => o200k_base_singleton(),
                Self::Cl100k => cl100k_base_singleton(),
            };
            bpe.encode_ordinary(text).len() as u64
        }
    }
}

/// Without vocabularies every count is an estimate.
#[cfg(not(feature = "exact-tokens"))]
mod tokenizer {
    #[derive(Clone, Copy)]
    pub(super) enum Counter {}

    pub(super) fn of_model(_: &str) -> Option<Counter> {
        None
    }

    impl Counter {
        pub(super) fn name(self) -> &'static str {
            match self {}
        }

        pub(super) fn count(self, _: &str) -> u64 {
            match self {}
        }
    }
}

#[cfg(all(test, feature = "exact-tokens"))]
mod tests {
    use serde_json::Value;

    use super::*;

    /// What tiktoken 0.13.0 counts.
    const COUNTED: &str = include_str!("../tests/files/tokens.jsonl");

    #[test]
    fn counts_are_those_of_tiktoken() {
        let rows = COUNTED.lines().skip(1).map(serde_json::from_str::<Value>);
        let mut n_rows = 0;
        for row in rows {
            let row = row.expect("a row");
            let text = row["text"].as_str().expect("a text");
            for (model, tokenizer) in [("gpt-4o", "o200k_base"), ("gpt-4", "cl100k_base")] {
                let found = count_tokens([text].into_iter(), Some(model));
                assert_eq!(found.tokenizer, Some(tokenizer));
                assert_eq!(Some(found.tokens), row[tokenizer].as_u64(), "{tokenizer} {text:?}");
            }
            n_rows += 1;
        }
        assert_eq!(n_rows, 200);
    }

    #[test]
    fn models_have_their_tokenizers() {
        let check = |model: &str, expected: Option<&str>| {
            assert_eq!(count_tokens(["a"].into_iter(), Some(model)).tokenizer, expected, "{model}");
        };
        check("gpt-4o-mini", Some("o200k_base"));
        check("gpt-4o*", Some("o200k_base"));
        check("openai/gpt-5-mini", Some("o200k_base"));
        check("gpt-oss-20b", Some("o200k_base"));
        check("gpt-3.5-turbo-0125", Some("cl100k_base"));
        check("ft:gpt-4o:team::id", Some("o200k_base"));
        check("claude-sonnet-4", None);
        check("davinci", None);
        check("*", None);
    }
}
